//! What we sent and wait to have answered.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::limits::{
    ANSWER_SCHEDULE, CHECK_SCHEDULE, FIND_NODE_SCHEDULE, HINT_SCHEDULE, PENDING_ANSWERS, PENDING_CHECKS,
    PENDING_FIND_NODES, PENDING_HINTS, Schedule,
};
use crate::primitives::hash::NodeId;
use crate::proto::time::Timestamp;
use crate::wire::discovery::MessageId;

/// Why a request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A ping to an address that somebody told of.
    Hint,
    /// A ping to whoever pinged us.
    Answer,
    /// A ping to a node of the table, to see if it is still there.
    Check(NodeId),
    /// The same, because another node wants its place.
    Challenge(NodeId),
    /// A find-node.
    FindNode(NodeId),
}

/// Requests that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Hints,
    Answers,
    Checks,
    FindNodes,
}

impl Class {
    fn limit(self) -> usize {
        match self {
            Self::Hints => PENDING_HINTS,
            Self::Answers => PENDING_ANSWERS,
            Self::Checks => PENDING_CHECKS,
            Self::FindNodes => PENDING_FIND_NODES,
        }
    }

    /// What others make us send must not be able to stop it: the oldest gives way to the newest.
    fn oldest_gives_way(self) -> bool {
        match self {
            Self::Answers | Self::FindNodes => true,
            Self::Hints | Self::Checks => false,
        }
    }

    fn schedule(self) -> Schedule {
        match self {
            Self::Hints => HINT_SCHEDULE,
            Self::Answers => ANSWER_SCHEDULE,
            Self::Checks => CHECK_SCHEDULE,
            Self::FindNodes => FIND_NODE_SCHEDULE,
        }
    }
}

impl Purpose {
    fn class(self) -> Class {
        match self {
            Self::Hint => Class::Hints,
            Self::Answer => Class::Answers,
            Self::Check(_) | Self::Challenge(_) => Class::Checks,
            Self::FindNode(_) => Class::FindNodes,
        }
    }
}

#[derive(Debug)]
struct Request {
    purpose: Purpose,
    to: SocketAddr,
    packet: Vec<u8>,
    /// Orders the requests of a class.
    sequence: u64,
    /// When it is first sent, and how often it was.
    first: Timestamp,
    sent: usize,
    /// For a ping: the other side has pinged meanwhile. For a find-node: it was hastened, which happens once.
    is_met: bool,
}

impl Request {
    fn due(&self) -> Timestamp {
        let schedule = self.purpose.class().schedule();
        match self.sent.checked_sub(1) {
            None => self.first,
            Some(again) => {
                let pause = schedule.again.get(again).copied().unwrap_or(schedule.expiry);
                self.first.saturating_add(pause)
            }
        }
    }

    fn is_ping(&self) -> bool {
        self.purpose.class() != Class::FindNodes
    }
}

/// What the time has come for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send, for the first time or again.
    Send { to: SocketAddr, packet: Vec<u8> },
    /// Nobody answered.
    Expired(Purpose),
}

/// A ping that was answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub purpose: Purpose,
    /// Whether the other side has pinged us meanwhile.
    pub pinged_us: bool,
}

/// The requests, at most so many of each class; at most one ping to an address and one find-node to a node.
#[derive(Debug, Default)]
pub(super) struct Requests {
    by_id: BTreeMap<MessageId, Request>,
    due: BTreeSet<(Timestamp, MessageId)>,
    order: BTreeSet<(Class, u64, MessageId)>,
    pings: BTreeMap<SocketAddr, MessageId>,
    find_nodes: BTreeMap<NodeId, MessageId>,
    counts: BTreeMap<Class, usize>,
    sequence: u64,
}

impl Requests {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True when a ping to this address is unanswered.
    pub fn has_ping_to(&self, address: SocketAddr) -> bool {
        self.pings.contains_key(&address)
    }

    /// True when another request with this purpose would be taken.
    pub fn has_room(&self, purpose: Purpose) -> bool {
        let class = purpose.class();
        class.oldest_gives_way() || self.count(class) < class.limit()
    }

    fn count(&self, class: Class) -> usize {
        self.counts.get(&class).copied().unwrap_or(0)
    }

    fn of_class(&self, class: Class) -> impl Iterator<Item = MessageId> {
        let zero = MessageId::from_random([0; 16]);
        self.order
            .range((class, 0, zero)..)
            .take_while(move |(found, _, _)| *found == class)
            .map(|(_, _, id)| *id)
    }

    /// Takes a request to be sent at `first`. The packet is made only when there is a place for it.
    pub fn add(
        &mut self,
        id: MessageId,
        purpose: Purpose,
        to: SocketAddr,
        first: Timestamp,
        packet: impl FnOnce() -> Vec<u8>,
    ) {
        let taken = match purpose {
            Purpose::FindNode(node) => self.find_nodes.contains_key(&node),
            Purpose::Hint | Purpose::Answer | Purpose::Check(_) | Purpose::Challenge(_) => {
                self.has_ping_to(to)
            }
        };
        if taken || !self.has_room(purpose) {
            return;
        }
        let class = purpose.class();
        if self.count(class) >= class.limit() {
            let oldest = self.of_class(class).next();
            oldest.and_then(|oldest| self.remove(&oldest));
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let request = Request { purpose, to, packet: packet(), sequence, first, sent: 0, is_met: false };
        match purpose {
            Purpose::FindNode(node) => self.find_nodes.insert(node, id).is_none(),
            Purpose::Hint | Purpose::Answer | Purpose::Check(_) | Purpose::Challenge(_) => {
                self.pings.insert(to, id).is_none()
            }
        };
        self.order.insert((class, sequence, id));
        *self.counts.entry(class).or_default() += 1;
        self.due.insert((request.due(), id));
        self.by_id.insert(id, request);
    }

    fn remove(&mut self, id: &MessageId) -> Option<Request> {
        let request = self.by_id.remove(id)?;
        self.due.remove(&(request.due(), *id));
        let class = request.purpose.class();
        self.order.remove(&(class, request.sequence, *id));
        self.counts.entry(class).and_modify(|count| *count -= 1);
        match request.purpose {
            Purpose::FindNode(node) => self.find_nodes.remove(&node),
            Purpose::Hint | Purpose::Answer | Purpose::Check(_) | Purpose::Challenge(_) => {
                self.pings.remove(&request.to)
            }
        };
        Some(request)
    }

    /// True when a pong, or neighbors, with this id from this address would be an answer.
    pub fn is_awaited(&self, id: MessageId, from: SocketAddr, is_pong: bool) -> bool {
        let request = self.by_id.get(&id);
        request.is_some_and(|request| request.to == from && request.is_ping() == is_pong && request.sent > 0)
    }

    /// Takes out the ping that is answered. Ask [`Self::is_awaited`] first.
    pub fn answer_ping(&mut self, id: MessageId) -> Option<Answered> {
        let request = self.remove(&id)?;
        Some(Answered { purpose: request.purpose, pinged_us: request.is_met })
    }

    /// Takes out the find-node that is answered, if it was sent to this node.
    pub fn answer_find_node(&mut self, id: MessageId, from: &NodeId) -> bool {
        self.find_nodes.get(from) == Some(&id) && self.remove(&id).is_some()
    }

    /// Remembers that somebody at this address has pinged us, and been answered.
    pub fn note_ping_from(&mut self, address: SocketAddr) {
        if let Some(request) = self.pings.get(&address).and_then(|id| self.by_id.get_mut(id)) {
            request.is_met = true;
        }
    }

    /// Starts the find-node to this node anew at `when`, but only once.
    pub fn hasten_find_node(&mut self, node: &NodeId, when: Timestamp) {
        let Some(id) = self.find_nodes.get(node).copied() else { return };
        let Some(request) = self.by_id.get_mut(&id).filter(|request| !request.is_met) else { return };
        self.due.remove(&(request.due(), id));
        request.is_met = true;
        request.first = if request.sent == 0 { request.first.min(when) } else { when };
        request.sent = 0;
        self.due.insert((request.due(), id));
    }

    /// Drops whatever is about a node that is gone.
    pub fn forget_node(&mut self, node: &NodeId) {
        if let Some(id) = self.find_nodes.get(node).copied() {
            self.remove(&id);
        }
    }

    /// Drops what we ask for our own sake.
    pub fn drop_searches(&mut self) {
        for class in [Class::Hints, Class::FindNodes] {
            for id in self.of_class(class).collect::<Vec<_>>() {
                self.remove(&id);
            }
        }
    }

    /// When [`Self::next_due`] has something.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// What the time has come for, one after the other.
    pub fn next_due(&mut self, now: Timestamp) -> Option<Due> {
        let (due, id) = *self.due.first()?;
        if due > now {
            return None;
        }
        let request = self.by_id.get_mut(&id)?;
        if request.sent > request.purpose.class().schedule().again.len() {
            return self.remove(&id).map(|request| Due::Expired(request.purpose));
        }
        self.due.remove(&(due, id));
        request.sent += 1;
        self.due.insert((request.due(), id));
        Some(Due::Send { to: request.to, packet: request.packet.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn id(number: u32) -> MessageId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        MessageId::from_random(bytes)
    }

    fn address(number: u32) -> SocketAddr {
        SocketAddr::new(core::net::Ipv4Addr::from(number).into(), 5050)
    }

    fn add(requests: &mut Requests, number: u32, purpose: Purpose) {
        requests.add(id(number), purpose, address(number), at(0), || vec![7]);
    }

    /// When a request is sent and when it expires.
    fn times(purpose: Purpose) -> (Vec<u64>, u64) {
        let mut requests = Requests::default();
        add(&mut requests, 1, purpose);
        let mut sent = Vec::new();
        loop {
            let now = requests.next_timeout().expect("not expired");
            match requests.next_due(now).expect("due") {
                Due::Send { to, packet } => {
                    assert_eq!((to, packet), (address(1), vec![7]));
                    sent.push(now.as_millis());
                }
                Due::Expired(expired) => {
                    assert_eq!(expired, purpose);
                    assert_eq!((requests.len(), requests.next_timeout()), (0, None));
                    return (sent, now.as_millis());
                }
            }
        }
    }

    #[test]
    fn requests_are_repeated_as_scheduled_and_then_expire() {
        let node = NodeId::new([1; 64]);
        assert_eq!(times(Purpose::Hint), (vec![0, 2_000, 6_000], 15_000));
        assert_eq!(times(Purpose::Answer), (vec![0, 4_000], 15_000));
        assert_eq!(times(Purpose::Check(node)), (vec![0, 15_000, 30_000], 45_000));
        assert_eq!(times(Purpose::FindNode(node)), (vec![0, 900, 3_000], 15_000));
    }

    #[test]
    fn an_answer_must_come_from_where_the_request_went_and_be_of_its_kind() {
        let mut requests = Requests::default();
        add(&mut requests, 1, Purpose::Hint);
        assert!(!requests.is_awaited(id(1), address(1), true), "not sent yet");
        assert!(requests.next_due(at(0)).is_some());
        assert!(requests.is_awaited(id(1), address(1), true));
        assert!(!requests.is_awaited(id(1), address(2), true));
        assert!(!requests.is_awaited(id(2), address(1), true));
        assert!(!requests.is_awaited(id(1), address(1), false));
        assert_eq!(requests.answer_ping(id(1)), Some(Answered { purpose: Purpose::Hint, pinged_us: false }));
        assert!(!requests.is_awaited(id(1), address(1), true));
    }

    #[test]
    fn one_ping_to_an_address_is_enough() {
        let mut requests = Requests::default();
        add(&mut requests, 1, Purpose::Hint);
        requests.add(id(2), Purpose::Answer, address(1), at(0), || vec![8]);
        assert_eq!(requests.len(), 1);
        assert!(requests.has_ping_to(address(1)));
    }

    #[test]
    fn full_classes_refuse_or_forget_the_oldest() {
        let mut requests = Requests::default();
        for number in 0..1_000 {
            add(&mut requests, number, Purpose::Hint);
        }
        assert_eq!(requests.len(), PENDING_HINTS);
        assert!(requests.has_ping_to(address(0)) && !requests.has_ping_to(address(999)));
        for number in 1_000..2_000 {
            add(&mut requests, number, Purpose::Answer);
        }
        assert_eq!(requests.len(), PENDING_HINTS + PENDING_ANSWERS);
        assert!(!requests.has_ping_to(address(1_000)) && requests.has_ping_to(address(1_999)));
        assert!(requests.has_ping_to(address(0)), "another class is left alone");
    }

    #[test]
    fn a_find_node_is_hastened_once() {
        let node = NodeId::new([1; 64]);
        let mut requests = Requests::default();
        requests.add(id(1), Purpose::FindNode(node), address(1), at(1_500), Vec::new);
        requests.hasten_find_node(&node, at(100));
        assert_eq!(requests.next_timeout(), Some(at(100)));
        assert!(requests.next_due(at(100)).is_some());
        requests.hasten_find_node(&node, at(200));
        assert_eq!(requests.next_timeout(), Some(at(1_000)));
        assert!(!requests.answer_find_node(id(1), &NodeId::new([2; 64])));
        assert!(requests.answer_find_node(id(1), &node));
        assert_eq!(requests.len(), 0);
    }
}
