//! What the machine keeps of each connected peer: what it claims, what it was asked, how fast it may be asked.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    primitives::{hash::BlockHash, number::BlockNumber},
    proto::{
        pacing::{RequestBudget, SentMessages},
        time::Timestamp,
    },
    wire::rsk::{BlockIdentifier, RequestId, RskMessage, Status},
};

use super::{Credit, plan::ChunkRequest};

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
/// Unanswered requests in a row after which a peer is of no use. Requests that ran out at the same moment count
/// once: they met the same silence.
pub const MAX_TIMEOUTS: u32 = 3;
/// Contradictory rounds in a row that are put down to a chain which changed meanwhile.
pub const MAX_CONTRADICTIONS: u32 = 3;

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
    /// Headers down from an announced block, or further down from there.
    Follow { hash: BlockHash, count: u32, is_announced: bool },
    /// The peer's best block, because nothing improved for a while.
    Poll,
    /// Nothing any more: what asked has ended. Open all the same, for as long as the peer may still be at it.
    Abandoned,
}

impl Purpose {
    /// True when silence says nothing against the peer: it may simply not have what was asked for. A block
    /// that it announced it has.
    pub fn silence_is_fair(self) -> bool {
        match self {
            Self::Backfill { .. } | Self::Poll | Self::Abandoned => true,
            Self::Follow { is_announced, .. } => !is_announced,
            Self::Probe { .. } | Self::Skeleton | Self::Chunk(_) => false,
        }
    }

    /// True when `message` is the kind of answer that was asked for.
    pub fn is_answered_by(self, message: &RskMessage) -> bool {
        match self {
            Self::Backfill { .. } | Self::Chunk(_) | Self::Follow { .. } => {
                matches!(message, RskMessage::BlockHeadersResponse(_))
            }
            Self::Probe { .. } => matches!(message, RskMessage::BlockHashResponse(_)),
            Self::Skeleton | Self::Poll => matches!(message, RskMessage::SkeletonResponse(_)),
            Self::Abandoned => matches!(
                message,
                RskMessage::BlockHeadersResponse(_)
                    | RskMessage::BlockHashResponse(_)
                    | RskMessage::SkeletonResponse(_)
            ),
        }
    }
}

#[derive(Debug)]
pub(super) struct PeerState {
    pub claims: Option<Status>,
    /// The height it is known to have: by its last status, or by what it served since. Statuses come seldom.
    pub known_height: BlockNumber,
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
    /// Its last round with us, or the last with anybody before it came.
    pub last_round: u64,
    /// Unanswered requests for headers or skeletons since its last headers or its last finished round.
    pub timeouts: u32,
    /// Unanswered questions for hashes since its last answer of any kind.
    pub hash_timeouts: u32,
    /// Rounds in a row in which its skeleton did not fit what it had said just before. An honest peer's
    /// chain may change in between.
    pub contradictions: u32,
    /// A whole round with this peer ended with nothing left to fetch.
    pub caught_up: bool,
    /// Headers that were verified and nobody was told of, with the answers that came meanwhile.
    pub credit: Credit,
    pub last_answer: Timestamp,
}

impl PeerState {
    pub fn new(now: Timestamp, budget: RequestBudget, last_round: u64) -> Self {
        // The session sent our status when it was established.
        let mut sent = SentMessages::new(budget);
        sent.record(now);
        Self {
            claims: None,
            known_height: BlockNumber::GENESIS,
            connected_at: now,
            sent,
            in_flight: BTreeMap::new(),
            status_due: now.saturating_add(super::STATUS_INTERVAL),
            announced: None,
            round_due: Some(now),
            lighter_tip: None,
            last_round,
            timeouts: 0,
            hash_timeouts: 0,
            contradictions: 0,
            caught_up: false,
            credit: Credit::default(),
            last_answer: now,
        }
    }

    pub fn can_request(&self, now: Timestamp, budget: RequestBudget) -> bool {
        self.in_flight.len() < budget.in_flight && self.sent.is_allowed(now)
    }

    /// Counts a request that ran out, and says how many of its kind did in a row. Hashes cost nothing, so that
    /// answers with hashes do not make up for headers that never come.
    pub fn count_timeout(&mut self, purpose: Purpose) -> u32 {
        let count = match purpose {
            Purpose::Probe { .. } => {
                // It may have left the height we thought it had; its last status is what is left to go by.
                self.known_height = self.claims.map_or(BlockNumber::GENESIS, |claims| claims.number);
                &mut self.hash_timeouts
            }
            _ => &mut self.timeouts,
        };
        *count += 1;
        *count
    }

    /// Takes note that a request was answered.
    pub fn count_answer(&mut self, purpose: Purpose) {
        self.hash_timeouts = 0;
        if matches!(purpose, Purpose::Chunk(_) | Purpose::Follow { .. } | Purpose::Backfill { .. }) {
            self.timeouts = 0;
        }
    }

    /// Measures an answer with headers to a request that had this deadline.
    pub fn measure_answer(&mut self, now: Timestamp, deadline: Timestamp, bytes: u64) {
        let sent_millis = deadline.as_millis().saturating_sub(REQUEST_TIMEOUT.as_millis() as u64);
        let sent = Timestamp::from_millis(sent_millis);
        self.credit.latency = now.since(sent);
        self.credit.waited += now.since(sent.max(self.last_answer));
        self.credit.bytes = self.credit.bytes.saturating_add(bytes);
        self.last_answer = now;
    }

    /// Keeps open requests from being answered to anybody: what asked has ended.
    pub fn abandon_requests(&mut self) {
        for (purpose, _) in self.in_flight.values_mut() {
            *purpose = Purpose::Abandoned;
        }
    }

    /// The first deadline among its open requests.
    pub fn request_deadline(&self) -> Option<Timestamp> {
        self.in_flight.values().map(|(_, deadline)| *deadline).min()
    }
}
