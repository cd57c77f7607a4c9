//! What the machine keeps of each connected peer: what it claims, what it was asked, how fast it may be asked.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    primitives::{hash::BlockHash, number::BlockNumber},
    proto::{
        pacing::{RequestBudget, SentMessages},
        time::Timestamp,
    },
    wire::rsk::{BlockIdentifier, RequestId, Status},
};

use super::plan::ChunkRequest;

/// One connection. A peer that reconnects gets another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl core::fmt::Display for PeerId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// How long a request may wait for its answer: rskj's own `sync.timeoutWaitingRequest`.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Unanswered requests in a row after which a peer is of no use.
pub const MAX_TIMEOUTS: u32 = 3;

/// Why something was asked: what to do with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An ancestor run below the base.
    Backfill { hash: BlockHash, count: u32 },
    /// The peer's block at this height.
    Probe { height: BlockNumber },
    /// The skeleton above the connection point.
    Skeleton,
    /// A chunk of a skeleton.
    Chunk(ChunkRequest),
    /// Headers down from an announced block.
    Follow { hash: BlockHash, count: u32 },
    /// The peer's best block, because nothing improved for a while.
    Poll,
}

impl Purpose {
    /// True when silence says nothing against the peer: it may simply not have what was asked for.
    pub fn silence_is_fair(self) -> bool {
        matches!(self, Self::Backfill { .. } | Self::Poll | Self::Follow { .. })
    }
}

#[derive(Debug)]
pub(super) struct PeerState {
    pub claims: Option<Status>,
    pub connected_at: Timestamp,
    pub sent: SentMessages,
    /// Bounded by the budget's `in_flight`.
    pub in_flight: BTreeMap<RequestId, (Purpose, Timestamp)>,
    pub status_due: Timestamp,
    /// The highest block it announced that we do not have.
    pub announced: Option<BlockIdentifier>,
    /// A whole round (connection point, skeleton, chunks) is due, not before this time.
    pub round_due: Option<Timestamp>,
    /// A tip of its that was verified and found no better than ours.
    pub lighter_tip: Option<BlockHash>,
    pub timeouts: u32,
    /// A whole round with this peer ended with nothing left to fetch.
    pub caught_up: bool,
}

impl PeerState {
    pub fn new(now: Timestamp, budget: RequestBudget) -> Self {
        Self {
            claims: None,
            connected_at: now,
            sent: SentMessages::new(budget),
            in_flight: BTreeMap::new(),
            // The session sent one when it was established.
            status_due: now.saturating_add(super::STATUS_INTERVAL),
            announced: None,
            round_due: Some(now),
            lighter_tip: None,
            timeouts: 0,
            caught_up: false,
        }
    }

    pub fn can_request(&self, now: Timestamp, budget: RequestBudget) -> bool {
        self.in_flight.len() < budget.in_flight && self.sent.is_allowed(now)
    }

    /// The first deadline among its open requests.
    pub fn request_deadline(&self) -> Option<Timestamp> {
        self.in_flight.values().map(|(_, deadline)| *deadline).min()
    }
}
