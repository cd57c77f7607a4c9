//! Following the best chain: from one peer's headers to verified, durable blocks.
//!
//! A round with a peer finds the connection point (the highest block both chains share), asks for a skeleton
//! above it, fetches the chunks between its entries, and has each verified in ascending order on top of the
//! one before. Verified headers form a branch; as soon as fork choice prefers it, it becomes our chain.
//! A new peer is asked for the hash of a block that it claims to have before anything else, and anybody of whom nothing
//! was heard for five minutes again, so that silence shows soon and costs no round. A download is left to another
//! peer where the first is much slower.
//! Between rounds announcements are followed block by block, and when nothing improved for a minute the peer
//! is asked for its best block. From a checkpoint, the ancestors that fork-detection data needs come first.
//!
//! The contract is that of [`proto`](super): inputs in, actions out, time as an argument. Verifying and
//! persisting are actions that an input answers.
//!
//! # Bounds
//! Per peer: `in_flight` open requests, one announced block, the send times of one minute. Per machine:
//! [`MAX_PEERS`] peers, [`MAX_BUFFERED_CHUNKS`] chunks asked for or received and not verified (about 220 kB each), one
//! verification and one commit at a time, a branch of 8,192 headers, 7,680 blocks waiting for the store, a tail
//! of 4,546 records. The worst a hostile peer can do is to make us fetch and verify headers with real work
//! that weigh less than ours, 8,192 at a time, before it is told to go.
//!
//! No RSKIP. Stands where rskj has `SyncProcessor` and the states of `co.rsk.net.sync`, with which it shares the
//! requests but not the structure.

mod backfill;
mod branch;
pub mod connection_point;
mod download;
pub mod fault;
mod find;
mod follow;
mod job;
mod ledger;
mod machine;
mod peer;
mod plan;
mod rounds;
mod steering;
#[cfg(test)]
mod tests;
mod verification;

use core::time::Duration;

pub use fault::PeerFault;
pub use job::{JobId, VerifyJob, VerifyOutcome};
pub use machine::SyncMachine;
pub use peer::{MAX_TIMEOUTS, PeerId, REQUEST_TIMEOUT};
pub use plan::{CHUNK_SIZE, ChunkRequest, SkeletonPlan, check_shared_blocks, plan_skeleton};

use crate::{
    chain::{batch::ChainBatch, record::BlockId},
    primitives::{
        header::Header,
        number::{BlockNumber, CumulativeDifficulty},
    },
    wire::rsk::{RskMessage, Status},
};

use super::pacing::RequestBudget;

/// Peers the machine deals with at once; further ones are ignored.
pub const MAX_PEERS: usize = 128;
/// Chunks asked for or received and not yet verified.
pub const MAX_BUFFERED_CHUNKS: usize = 12;
/// How often our status is repeated: rskj forgets a peer's after ten minutes, and announces to none without.
pub const STATUS_INTERVAL: Duration = Duration::from_secs(60);
/// How long nothing may improve before a peer is asked for its best block.
pub const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// How long ancestors that a peer did not serve are left alone.
pub const BACKFILL_RETRY: Duration = Duration::from_secs(600);
/// How long to wait for a peer's status before probing without.
pub const STATUS_PATIENCE: Duration = Duration::from_secs(2);
/// Pause before a round that was cut short is begun again.
pub const ROUND_RETRY: Duration = Duration::from_secs(5);

/// Settings of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncConfig {
    /// How fast each peer may be asked.
    pub budget: RequestBudget,
    /// The status that is repeated to peers. Never better than what we serve: the genesis status.
    pub status: Status,
}

/// What happens to the machine.
#[derive(Debug, Clone)]
pub enum Input {
    /// A session is established; its first status has been sent.
    PeerConnected(PeerId),
    /// A session has ended, for whatever reason.
    PeerDisconnected(PeerId),
    /// A peer sent a message.
    Message(PeerId, RskMessage),
    /// A verification is done.
    Verified(Box<VerifyOutcome>),
    /// The last batch is durable.
    Committed,
    /// The headers asked for by [`Action::LoadHeaders`], ascending.
    HeadersLoaded(Vec<Header>),
    /// Time has passed.
    TimerFired,
}

/// What the host has to do.
#[derive(Debug, Clone)]
pub enum Action {
    /// Send a message.
    Send(PeerId, RskMessage),
    /// Do this work and answer with [`Input::Verified`]. One at a time.
    Verify(Box<VerifyJob>),
    /// Make this durable and answer with [`Input::Committed`]. One at a time. A failure ends the machine's use.
    Commit(Box<ChainBatch>),
    /// Read these canonical headers, both ends included, and answer with [`Input::HeadersLoaded`].
    LoadHeaders {
        /// The lowest height.
        from: BlockNumber,
        /// The highest height.
        to: BlockNumber,
    },
    /// Close the session, for this reason.
    Disconnect(PeerId, PeerFault),
    /// Something worth telling.
    Report(SyncReport),
}

/// Something worth telling; nothing has to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncReport {
    /// The highest block shared with a peer was found.
    ConnectionPoint {
        /// The peer.
        peer: PeerId,
        /// The block.
        block: BlockId,
    },
    /// A peer has nothing better than our chain.
    CaughtUp {
        /// The peer.
        peer: PeerId,
    },
    /// Ancestors below the base are not served. Fork-detection data of the first blocks above it stays unchecked.
    AncestorsUnavailable {
        /// The peer.
        peer: PeerId,
        /// How many of the 449 are known.
        known: u64,
    },
    /// Fork-detection data of blocks taken in earlier was checked after all, from this height on.
    ForkDetectionChecked {
        /// The first height checked.
        from: BlockNumber,
    },
    /// A late check failed: this block and all above it were taken back.
    RolledBack {
        /// The lowest block taken back.
        invalid: BlockId,
        /// The head before.
        old_head: BlockId,
    },
    /// A header is ahead of our clock. It is held, not punished.
    HeaderFromTheFuture {
        /// The peer that sent it.
        peer: PeerId,
        /// How long until it is valid, by our clock.
        wait: Duration,
    },
    /// A request got no answer.
    RequestTimedOut {
        /// The peer.
        peer: PeerId,
    },
    /// A message that nothing was waiting for. Late answers look like this.
    Unexpected {
        /// The peer.
        peer: PeerId,
    },
}

/// What a peer is to be thanked for: that it answers, and headers that passed every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Credit {
    /// It answered for the first time.
    pub is_first_answer: bool,
    /// Headers verified.
    pub headers: u64,
    /// Bytes of the answers they came in.
    pub bytes: u64,
    /// Time spent waiting for these answers; where they overlap it counts once.
    pub waited: Duration,
    /// From the last request that was answered to its answer.
    pub latency: Duration,
}

/// What the machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// No peer.
    NoPeers,
    /// Learning ancestors below the base.
    FetchingAncestors,
    /// Looking for the highest shared block.
    FindingConnectionPoint,
    /// Fetching and verifying headers.
    Downloading,
    /// Level with at least one peer; waiting for announcements.
    Following,
    /// Connected, nothing under way: a round ended early and will be tried again.
    Waiting,
}

/// Where the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncProgress {
    /// What it is doing.
    pub phase: Phase,
    /// The best verified block; it may not be durable yet.
    pub head: BlockId,
    /// Sum of header difficulties from the base to the head.
    pub header_difficulty_sum: CumulativeDifficulty,
    /// The highest best block any peer claims. A claim.
    pub claimed: Option<BlockNumber>,
    /// Peers connected.
    pub peers: usize,
    /// Headers verified since the machine was made, abandoned ones included.
    pub verified: u64,
    /// The first height from which on every block's fork-detection data was checked.
    pub fork_detection_from: Option<BlockNumber>,
}
