//! What happens during a sync, as JSON objects. Names do not change between releases; `docs/cli.md` lists them.

use rustock_core::Status;
use serde::Serialize;

use crate::block::Block;

/// One line of `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The store is open; the network was not touched yet.
    Started {
        /// The network's name.
        network: String,
        /// Where the chain is kept.
        data_dir: String,
        /// The block that is trusted.
        base: Block,
        /// The best block stored.
        head: Block,
    },
    /// Where things stand: once a second while it changes.
    Progress(Progress),
    /// Blocks were added on top of the head and are durable.
    Extended {
        /// How many.
        blocks: u64,
        /// Height of the last.
        number: u64,
        /// Its hash.
        hash: String,
        /// Its time.
        timestamp: u64,
    },
    /// The best chain is another one now, and durable.
    Reorg {
        /// The highest block that stayed.
        common_ancestor: Block,
        /// Blocks that went, from the top down.
        removed: Vec<Block>,
        /// Blocks that came, ascending.
        added: Vec<Block>,
        /// Height of the new head.
        number: u64,
        /// Its hash.
        hash: String,
    },
    /// No peer is connected, and some are looked for.
    Searching {
        /// Nodes that have answered by UDP so far.
        nodes_found: u64,
        /// Seconds since the start.
        seconds: u64,
    },
    /// No node has answered by UDP for so long that it may be blocked.
    UdpSilent {
        /// Seconds since the start.
        seconds: u64,
    },
    /// A session with a peer is established.
    Connected {
        /// Its enode.
        peer: String,
        /// What it says it runs.
        client_id: String,
    },
    /// A session ended, or none came about.
    Disconnected {
        /// The peer's enode.
        peer: String,
        /// Why, in words.
        reason: String,
    },
    /// Level with a peer.
    CaughtUp {
        /// Height of the head.
        number: u64,
        /// Its hash.
        hash: String,
    },
    /// The last line.
    Stopped {
        /// Why.
        reason: StopReason,
        /// Height of the head.
        number: u64,
        /// Its hash.
        hash: String,
        /// Headers verified since the start.
        headers_verified: u64,
        /// Milliseconds since the start.
        milliseconds: u64,
    },
}

/// Why a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// By a signal.
    Interrupted,
    /// It was to end once level with a peer, and is.
    Synced,
    /// It was to end once level with a peer, and gets no further.
    Stalled,
    /// The store cannot be used any more.
    Failed,
}

/// Where a sync stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// `starting`, `syncing`, `following`, `waiting`, `failed` or `stopped`.
    pub state: &'static str,
    /// Height of the durable head.
    pub number: u64,
    /// The highest block a connected peer claims; not verified.
    pub peers_claim: Option<u64>,
    /// Headers verified since the start.
    pub headers_verified: u64,
    /// Headers verified per second, over the last few.
    pub headers_per_second: u64,
    /// Received from peers since the start.
    pub bytes_received: u64,
    /// Sent to peers since the start.
    pub bytes_sent: u64,
    /// Connected peers.
    pub peers: usize,
    /// To the height that is claimed, at this speed.
    pub seconds_left: Option<u64>,
}

impl From<&Status> for Progress {
    fn from(status: &Status) -> Self {
        Self {
            state: status.run.name(),
            number: status.head.number.get(),
            peers_claim: status.peers_claim.map(|claim| claim.get()),
            headers_verified: status.progress.headers_verified,
            headers_per_second: status.progress.headers_per_second,
            bytes_received: status.progress.bytes_received,
            bytes_sent: status.progress.bytes_sent,
            peers: status.peers,
            seconds_left: status.progress.time_left.map(|left| left.as_secs()),
        }
    }
}
