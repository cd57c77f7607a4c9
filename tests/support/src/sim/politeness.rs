//! What a peer may be sent: counted at the wire, where it matters, and not as the client counts.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rustock_core::{
    proto::{pacing::RequestBudget, sync::PeerId, time::Timestamp},
    wire::rsk::{RequestId, RskMessage},
};

const MINUTE: Duration = Duration::from_secs(60);
/// After this long a request counts as forgotten by its peer.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// What was sent to one connection.
#[derive(Debug, Default)]
struct Sent {
    times: VecDeque<Timestamp>,
    open: BTreeMap<RequestId, Timestamp>,
}

/// What was sent to everyone.
#[derive(Debug, Default)]
pub(super) struct Politeness {
    sent: BTreeMap<PeerId, Sent>,
    pub most_in_a_minute: usize,
    pub most_open: usize,
}

impl Politeness {
    pub fn message_sent(
        &mut self,
        now: Timestamp,
        peer: PeerId,
        message: &RskMessage,
        budget: RequestBudget,
    ) {
        let sent = self.sent.entry(peer).or_default();
        while sent.times.front().is_some_and(|time| now.since(*time) >= MINUTE) {
            sent.times.pop_front();
        }
        sent.times.push_back(now);
        self.most_in_a_minute = self.most_in_a_minute.max(sent.times.len());
        if let Some(limit) = budget.per_minute {
            assert!(
                sent.times.len() <= limit as usize,
                "{peer} was sent {} messages in 60 s",
                sent.times.len()
            );
        }
        if let Some(id) = message.request_id() {
            sent.open.retain(|_, time| now.since(*time) < FORGOTTEN);
            sent.open.insert(id, now);
            self.most_open = self.most_open.max(sent.open.len());
            assert!(
                sent.open.len() <= budget.in_flight,
                "{peer} has {} open requests, one more than allowed",
                sent.open.len()
            );
        }
    }

    pub fn answered(&mut self, peer: PeerId, message: &RskMessage) {
        if let (Some(id), Some(sent)) = (message.request_id(), self.sent.get_mut(&peer)) {
            sent.open.remove(&id);
        }
    }

    pub fn disconnected(&mut self, peer: PeerId) {
        self.sent.remove(&peer);
    }
}
