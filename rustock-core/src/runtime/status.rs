//! The latest state of a client, as a value. Claims of peers and verified facts are different fields.

use core::time::Duration;

use crate::{
    chain::record::BlockId,
    primitives::number::{BlockNumber, CumulativeDifficulty, UnixTime},
    store::StoreError,
};

/// What a client is doing and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// What it is doing.
    pub run: RunState,
    /// The best durable block.
    pub head: BlockId,
    /// The time in its header.
    pub head_time: UnixTime,
    /// Sum of header difficulties from the base to the best verified block, uncles not counted. While catching
    /// up that block runs ahead of the durable head.
    pub header_difficulty_sum: CumulativeDifficulty,
    /// The base: the genesis or checkpoint that is trusted.
    pub base: BlockId,
    /// Connected peers.
    pub peers: usize,
    /// The highest best block a connected peer claims. Not verified.
    pub peers_claim: Option<BlockNumber>,
    /// Work done since `start`.
    pub progress: Progress,
    /// The first height from which on every block's fork-detection data was checked (RSKIP-110); `None` until
    /// known.
    pub fork_detection_from: Option<BlockNumber>,
    /// The last thing that went wrong with a peer, in words.
    pub last_problem: Option<String>,
}

/// What a client is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// Not started yet, or stopped.
    Stopped,
    /// Started; no peer so far.
    Starting,
    /// Fetching and verifying headers.
    Syncing,
    /// Level with at least one peer, waiting for new blocks.
    Following,
    /// Nothing can be done right now.
    Waiting(WaitReason),
    /// It cannot go on. Reads still answer as far as the store does.
    Failed(StoreError),
    /// A bug of ours ended it; the store is closed. Build another client, and report it.
    Crashed,
}

impl RunState {
    /// A short name: `stopped`, `starting`, `syncing`, `following`, `waiting`, `failed`,
    /// `crashed`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Syncing => "syncing",
            Self::Following => "following",
            Self::Waiting(_) => "waiting",
            Self::Failed(_) => "failed",
            Self::Crashed => "crashed",
        }
    }
}

/// Why nothing can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// No peer is connected.
    NoPeers,
    /// A peer is connected; the next attempt with it is due later.
    Retry,
}

/// Work done since `start`. Never runs backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Headers verified, abandoned ones included.
    pub headers_verified: u64,
    /// Bytes received from peers.
    pub bytes_received: u64,
    /// Bytes sent to peers.
    pub bytes_sent: u64,
    /// Headers verified per second over the last few seconds.
    pub headers_per_second: u64,
    /// Time to the height peers claim, at this speed; a guess upon a claim.
    pub time_left: Option<Duration>,
}
