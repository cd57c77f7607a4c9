//! What the machine keeps of each connected peer: what it claims, what it was asked, how fast it may be asked.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    primitives::{hash::BlockHash, number::BlockNumber},
    proto::{
        pacing::{RequestBudget, SentMessages},
        time::Timestamp,
    },
    wire::rsk::{BlockIdentifier, RawList, RequestId, RskMessage, Status},
};

use super::{
    Credit,
    plan::ChunkRequest,
    steering::{LEAST_MEASURED_HEADERS, Speed},
};

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
/// How long nothing may be heard of a peer before it is asked whether it is there.
pub const PRESENCE_INTERVAL: Duration = Duration::from_secs(300);
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
    /// The hash of a block that it says it has: whether it answers at all. Belongs to no round.
    Presence { height: BlockNumber },
    /// Nothing any more: what asked has ended. Open all the same, for as long as the peer may still be at it.
    Abandoned,
}

impl Purpose {
    /// True when a round waits for the answer.
    pub fn is_of_a_round(self) -> bool {
        !matches!(self, Self::Abandoned | Self::Presence { .. })
    }

    /// True when silence says nothing against the peer: it may simply not have what was asked for. A block
    /// that it announced it has.
    pub fn silence_is_fair(self) -> bool {
        match self {
            Self::Backfill { .. } | Self::Poll | Self::Abandoned => true,
            Self::Follow { is_announced, .. } => !is_announced,
            Self::Probe { .. } | Self::Skeleton | Self::Chunk(_) | Self::Presence { .. } => false,
        }
    }

    /// True when `message` is the kind of answer that was asked for.
    pub fn is_answered_by(self, message: &RskMessage) -> bool {
        match self {
            Self::Backfill { .. } | Self::Chunk(_) | Self::Follow { .. } => {
                matches!(message, RskMessage::BlockHeadersResponse(_))
            }
            Self::Probe { .. } | Self::Presence { .. } => {
                matches!(message, RskMessage::BlockHashResponse(_))
            }
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
    /// When it last served headers.
    pub last_answer: Timestamp,
    /// When it last answered anything; `None` until it does.
    pub last_heard: Option<Timestamp>,
    /// From the first question that it answered to the answer.
    pub latency: Option<Duration>,
    /// Of its headers.
    pub speed: Speed,
    /// How long its download was waited for, since the last one began.
    pub download_waited: Duration,
    /// Headers of its that were verified since it took over a slower peer's download; `None` if it never did.
    pub served_since_takeover: Option<u64>,
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
            last_heard: None,
            latency: None,
            speed: Speed::default(),
            download_waited: Duration::ZERO,
            served_since_takeover: None,
        }
    }

    pub fn can_request(&self, now: Timestamp, budget: RequestBudget) -> bool {
        self.in_flight.len() < budget.in_flight && self.sent.is_allowed(now)
    }

    /// Counts a request that ran out, and says how many of its kind did in a row. Hashes cost nothing, so that
    /// answers with hashes do not make up for headers that never come.
    pub fn count_timeout(&mut self, purpose: Purpose) -> u32 {
        let count = match purpose {
            Purpose::Probe { .. } | Purpose::Presence { .. } => {
                // It may have left the height we thought it had; its last status is what is left to go by.
                self.known_height = self.claims.map_or(BlockNumber::GENESIS, |claims| claims.number);
                &mut self.hash_timeouts
            }
            _ => &mut self.timeouts,
        };
        *count += 1;
        *count
    }

    /// Takes note that a request was answered, which had this deadline.
    pub fn count_answer(&mut self, now: Timestamp, purpose: Purpose, deadline: Timestamp) {
        self.hash_timeouts = 0;
        self.last_heard = Some(now);
        if self.latency.is_none() {
            self.latency = Some(now.since(sent_at(deadline)));
            self.credit.is_first_answer = true;
        }
        if matches!(purpose, Purpose::Chunk(_) | Purpose::Follow { .. } | Purpose::Backfill { .. }) {
            self.timeouts = 0;
        }
    }

    /// Measures an answer with headers to a request that had this deadline.
    pub fn measure_answer(&mut self, now: Timestamp, deadline: Timestamp, headers: &[RawList]) {
        let bytes = headers.iter().map(|header| header.as_bytes().len() as u64).sum();
        let sent = sent_at(deadline);
        let waited = now.since(sent.max(self.last_answer));
        if headers.len() >= LEAST_MEASURED_HEADERS {
            self.speed.add(bytes, waited);
            self.download_waited += waited;
        }
        self.credit.latency = now.since(sent);
        self.credit.waited += waited;
        self.credit.bytes = self.credit.bytes.saturating_add(bytes);
        self.last_answer = now;
    }

    /// Keeps open requests of a round from being answered to anybody: the round has ended.
    pub fn abandon_requests(&mut self) {
        for (purpose, _) in self.in_flight.values_mut().filter(|(purpose, _)| purpose.is_of_a_round()) {
            *purpose = Purpose::Abandoned;
        }
    }

    /// When to ask whether it is there: as soon as it is connected, and when nothing was heard of it for a while.
    /// `None` while it is asked anything, or when it says that it has nothing. Its first status is waited for a
    /// little, because it names a block that the peer must have.
    pub fn presence_due(&self) -> Option<Timestamp> {
        let due = match (self.claims, self.last_heard) {
            // Nobody answers for the genesis, and clients like ours have no more to offer.
            (Some(claims), _) if claims.number == BlockNumber::GENESIS => return None,
            (_, Some(heard)) => heard.saturating_add(PRESENCE_INTERVAL),
            (Some(_), None) => self.connected_at,
            (None, None) => self.connected_at.saturating_add(super::STATUS_PATIENCE),
        };
        self.in_flight.is_empty().then_some(due)
    }

    /// True when it is known to answer, so that a round with it is no waste of time.
    pub fn is_present(&self) -> bool {
        let is_asked = |(purpose, _): &(Purpose, Timestamp)| matches!(purpose, Purpose::Presence { .. });
        self.last_heard.is_some() && !self.in_flight.values().any(is_asked)
    }

    /// The first deadline among its open requests.
    pub fn request_deadline(&self) -> Option<Timestamp> {
        self.in_flight.values().map(|(_, deadline)| *deadline).min()
    }
}

/// When a request was sent that has this deadline.
fn sent_at(deadline: Timestamp) -> Timestamp {
    Timestamp::from_millis(deadline.as_millis().saturating_sub(REQUEST_TIMEOUT.as_millis() as u64))
}
