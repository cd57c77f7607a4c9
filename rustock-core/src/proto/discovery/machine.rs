//! The machine: what comes in, what goes out, and who looks at it.

use core::{
    marker::PhantomData,
    net::{IpAddr, SocketAddr},
};
use std::collections::VecDeque;

use super::address::{Source, canonical, is_usable};
use super::budget::Budget;
use super::config::{Demand, DiscoveryConfig, Identity};
use super::hints::Hints;
use super::limits::{BOOT_NODES, BUCKETS, WAITING_ACTIONS};
use super::packets::{Packets, SignedPackets};
use super::random::Random;
use super::requests::Requests;
use super::table::{Node, NodeTable};
use crate::primitives::hash::NodeId;
use crate::proto::time::Timestamp;
use crate::wire::discovery::Message;

/// What happens to a machine.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A packet came.
    Received {
        /// The address it came from.
        from: SocketAddr,
        /// All of it.
        packet: &'a [u8],
    },
    /// The answer to [`Action::Resolve`].
    Resolved {
        /// The name, as it was asked for.
        host: &'a str,
        /// Its addresses; none when there is no such name or nobody could tell.
        addresses: &'a [IpAddr],
    },
    /// Packets leave from another socket, or seem to come from another address, from now on. The key must be
    /// new: nodes that know the old one keep sending to the old address.
    SocketChanged(Identity),
    /// The host wants more nodes, or has enough.
    Demand(Demand),
    /// The time of [`Discovery::next_timeout`] has come. Harmless when it has not.
    TimerFired,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send a packet.
    Send {
        /// Where to.
        to: SocketAddr,
        /// The packet.
        packet: Vec<u8>,
    },
    /// A node has proved to be at an address. It listens for connections at the same port, if at all. May come
    /// again for the same node.
    Found {
        /// Who it is.
        node: NodeId,
        /// Where it is.
        address: SocketAddr,
    },
    /// A node that was found is not there any more.
    Lost {
        /// Who it was.
        node: NodeId,
        /// Where it was.
        address: SocketAddr,
    },
    /// The nodes we found do not tell us of others, most likely because their buckets for us are full. Come back
    /// with [`Input::SocketChanged`] and a new key no farther than `distance` from `near`; or, when the key has to
    /// stay, do nothing.
    RenewKey {
        /// A node that has to have room for us.
        near: NodeId,
        /// The largest [`Place::distance`](super::distance::Place::distance) that will do.
        distance: u16,
    },
    /// Look up the addresses of a name and come back with [`Input::Resolved`], whatever the outcome.
    Resolve {
        /// The name.
        host: String,
    },
}

/// What a machine has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiscoveryCounters {
    /// Packets that came.
    pub received: u64,
    /// Packets of addresses where no node can be.
    pub from_nowhere: u64,
    /// Packets that were one too many.
    pub over_budget: u64,
    /// Packets that are none.
    pub malformed: u64,
    /// Packets of another network.
    pub other_network: u64,
    /// Answers that nobody waits for, and requests of nodes that have not proved their address.
    pub unexpected: u64,
    /// Packets sent.
    pub sent: u64,
    /// Actions that found no place because nobody took the earlier ones.
    pub dropped_actions: u64,
}

/// How much a machine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// Nodes of the table.
    pub nodes: usize,
    /// Unanswered requests.
    pub requests: usize,
    /// Addresses and names, to try and tried.
    pub hints: usize,
    /// Sources that are counted.
    pub sources: usize,
    /// Actions not taken yet.
    pub actions: usize,
}

impl Sizes {
    /// What no machine ever exceeds.
    pub const LIMITS: Self = Self {
        nodes: BUCKETS * super::limits::BUCKET_SIZE,
        requests: super::limits::PENDING_HINTS
            + super::limits::PENDING_CHECKS
            + super::limits::PENDING_ANSWERS
            + super::limits::PENDING_FIND_NODES,
        hints: BOOT_NODES * super::limits::TRIED_FOR_NAME
            + super::limits::WAITING_HINTS
            + super::limits::REMEMBERED_ADDRESSES
            + super::limits::REMEMBERED_NAMES,
        sources: super::limits::COUNTED_SOURCES,
        actions: WAITING_ACTIONS,
    };

    /// True when nothing exceeds `limits`.
    pub fn is_within(&self, limits: &Self) -> bool {
        self.nodes <= limits.nodes
            && self.requests <= limits.requests
            && self.hints <= limits.hints
            && self.sources <= limits.sources
            && self.actions <= limits.actions
    }
}

/// The state machine of discovery on one socket.
#[derive(Debug)]
pub struct Discovery<P = SignedPackets> {
    pub(super) config: DiscoveryConfig,
    pub(super) identity: Identity,
    pub(super) local_id: NodeId,
    pub(super) demand: Demand,
    pub(super) table: NodeTable,
    pub(super) requests: Requests,
    pub(super) hints: Hints,
    pub(super) budget: Budget,
    pub(super) random: Random,
    pub(super) next_boot: Timestamp,
    pub(super) next_refresh: Timestamp,
    /// Whether anybody told us of others, since we have this key.
    pub(super) is_heard: bool,
    pub(super) next_renewal: Option<Timestamp>,
    pub(super) renewals: u32,
    pub(super) renewed_near: Option<NodeId>,
    pub(super) counters: DiscoveryCounters,
    now: Timestamp,
    actions: VecDeque<Action>,
    packets: PhantomData<P>,
}

impl Discovery {
    /// A machine that wants nodes. Its first boot round starts with the first input. `seed` must be drawn at
    /// random: who can guess it can answer in another's name.
    pub fn new(config: DiscoveryConfig, identity: Identity, seed: [u8; 32], now: Timestamp) -> Self {
        Self::with_packets(config, identity, seed, now)
    }
}

impl<P: Packets> Discovery<P> {
    /// The same with packets of another kind than those of a network.
    pub fn with_packets(
        mut config: DiscoveryConfig,
        identity: Identity,
        seed: [u8; 32],
        now: Timestamp,
    ) -> Self {
        config.boot_nodes.truncate(BOOT_NODES);
        let local_id = identity.key.node_id();
        Self {
            hints: Hints::new(config.local_networks, now),
            config,
            identity,
            local_id,
            demand: Demand::default(),
            table: NodeTable::new(local_id),
            requests: Requests::default(),
            budget: Budget::new(now),
            random: Random::new(seed),
            next_boot: now,
            next_refresh: now.saturating_add(super::limits::REFRESH_INTERVAL),
            is_heard: false,
            next_renewal: None,
            renewals: 0,
            renewed_near: None,
            counters: DiscoveryCounters::default(),
            now,
            actions: VecDeque::new(),
            packets: PhantomData,
        }
    }

    /// Takes what happened. Drain [`Self::next_action`] afterwards.
    pub fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        self.now = self.now.max(now);
        let now = self.now;
        match input {
            Input::Received { from, packet } => self.receive(now, canonical(from), packet),
            Input::Resolved { host, addresses } => self.hints.resolved(now, host, addresses),
            Input::SocketChanged(identity) => self.change_identity(now, identity),
            Input::Demand(demand) => self.change_demand(now, demand),
            Input::TimerFired => {}
        }
        self.advance(now);
    }

    /// What is to be done next.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to come back with [`Input::TimerFired`]; `None` when only an input can change anything.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let exploring = match self.demand {
            Demand::Wanted => self.next_exploration(self.now),
            Demand::Maintained => self.next_check(),
            Demand::Satisfied => None,
        };
        [self.requests.next_timeout(), exploring].into_iter().flatten().min()
    }

    /// Our own id on the socket.
    pub fn local_id(&self) -> NodeId {
        self.local_id
    }

    /// The nodes of the table, in the order of their ids.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.table.nodes()
    }

    /// What was seen so far.
    pub fn counters(&self) -> DiscoveryCounters {
        self.counters
    }

    /// How much is held.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            nodes: self.table.len(),
            requests: self.requests.len(),
            hints: self.hints.len(),
            sources: self.budget.sources(),
            actions: self.actions.len(),
        }
    }

    /// Each packet passes from the cheapest check to the dearest, which is to recover its signer.
    fn receive(&mut self, now: Timestamp, from: SocketAddr, packet: &[u8]) {
        self.counters.received += 1;
        if !is_usable(from, self.config.local_networks) {
            self.counters.from_nowhere += 1;
            return;
        }
        let is_known = self.table.has_address(from) || self.requests.has_ping_to(from);
        if !self.budget.admit(now, Source::of(from), is_known) {
            self.counters.over_budget += 1;
            return;
        }
        let Ok(opened) = P::open(packet) else {
            self.counters.malformed += 1;
            return;
        };
        let message = P::message(&opened);
        if message.network_id().is_some_and(|network_id| network_id != self.config.network_id) {
            self.counters.other_network += 1;
            return;
        }
        let is_expected = match message {
            Message::Ping(_) | Message::FindNode(_) => true,
            Message::Pong(pong) => self.requests.is_awaited(pong.message_id, from, true),
            Message::Neighbors(neighbors) => self.requests.is_awaited(neighbors.message_id, from, false),
        };
        if !is_expected {
            self.counters.unexpected += 1;
            return;
        }
        let Ok((sender, message)) = P::into_parts(opened) else {
            self.counters.malformed += 1;
            return;
        };
        if sender == self.local_id {
            self.counters.unexpected += 1;
            return;
        }
        match message {
            Message::Ping(ping) => self.serve_ping(now, from, sender, ping.message_id),
            Message::Pong(pong) => self.take_pong(now, from, sender, pong.message_id),
            Message::FindNode(find_node) => self.serve_find_node(now, from, sender, find_node.message_id),
            Message::Neighbors(neighbors) => self.take_neighbors(now, sender, &neighbors),
        }
    }

    /// Everything that was known stays worth a try, but nobody knows the new key yet.
    fn change_identity(&mut self, now: Timestamp, identity: Identity) {
        self.local_id = identity.key.node_id();
        self.identity = identity;
        self.hints.forget_tried();
        for node in self.table.nodes() {
            self.hints.add_trusted(node.address);
        }
        self.table = NodeTable::new(self.local_id);
        self.requests = Requests::default();
        self.next_boot = now;
        self.is_heard = false;
        self.next_renewal = None;
    }

    fn change_demand(&mut self, now: Timestamp, demand: Demand) {
        if demand == self.demand {
            return;
        }
        self.demand = demand;
        match demand {
            Demand::Satisfied | Demand::Maintained => {
                self.requests.drop_searches();
                self.hints.drop_told();
            }
            Demand::Wanted => {
                self.next_boot = now;
                self.next_refresh = now;
            }
        }
    }

    pub(super) fn send(&mut self, to: SocketAddr, message: &Message) {
        let packet = P::seal(message, &self.identity.key, &self.local_id);
        self.send_packet(to, packet);
    }

    pub(super) fn send_packet(&mut self, to: SocketAddr, packet: Vec<u8>) {
        self.counters.sent += 1;
        self.push(Action::Send { to, packet });
    }

    pub(super) fn push(&mut self, action: Action) {
        if self.actions.len() < WAITING_ACTIONS {
            self.actions.push_back(action);
        } else {
            self.counters.dropped_actions += 1;
        }
    }
}
