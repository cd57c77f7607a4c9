//! A network of discovery machines in one thread: packets take their time, get lost, are stopped by address
//! translation; nodes come and go. The same seed and calls give the same run, to the last packet.

use core::{net::IpAddr, net::SocketAddr, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use rustock_core::{
    primitives::hash::NodeId,
    proto::{
        discovery::{
            Action, BootNode, Demand, Discovery, DiscoveryConfig, Identity, Input, Sizes, distance::Place,
        },
        time::Timestamp,
    },
    wire::rlpx::keys::SecretKey,
};

use crate::chainkit::Random;

/// How long a translator lets answers in after a packet has gone out.
const TRANSLATION_LIFETIME: Duration = Duration::from_secs(30);
/// How long a name takes to be looked up.
const LOOKUP: Duration = Duration::from_millis(30);
/// The network that all speak of.
const NETWORK_ID: u32 = 775;

/// What happens to packets on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Packets lost, of a thousand.
    pub lost_per_thousand: u64,
    /// The quickest way between two nodes.
    pub least_latency: Duration,
    /// The slowest.
    pub most_latency: Duration,
}

impl Weather {
    /// Nothing is lost, and all is quick.
    pub const FINE: Self = Self {
        lost_per_thousand: 0,
        least_latency: Duration::from_millis(5),
        most_latency: Duration::from_millis(80),
    };
    /// One packet in twenty is lost, and some come from far away.
    pub const ROUGH: Self = Self {
        lost_per_thousand: 50,
        least_latency: Duration::from_millis(10),
        most_latency: Duration::from_millis(300),
    };
}

/// A node, by the order in which it was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimNode(usize);

/// How a node lives.
#[derive(Debug, Clone)]
pub struct NodePlan {
    /// Where it is.
    pub address: SocketAddr,
    /// Whom it knows from the start.
    pub boot_nodes: Vec<BootNode>,
    /// When it starts.
    pub start: Timestamp,
    /// Whether only packets from whom it wrote to lately reach it.
    pub is_translated: bool,
}

#[derive(Debug)]
struct NodeState {
    plan: NodePlan,
    key: SecretKey,
    machine: Option<Discovery>,
    wake: Option<Timestamp>,
    /// Whom it wrote to, and when; kept by its translator.
    written: BTreeMap<SocketAddr, Timestamp>,
    found: BTreeMap<NodeId, Timestamp>,
    lost: u64,
    renewals: u64,
    packets_in: u64,
    packets_out: u64,
}

#[derive(Debug)]
enum Event {
    Start(SimNode),
    Stop(SimNode),
    Wake(SimNode),
    Packet { from: SocketAddr, to: SocketAddr, packet: Vec<u8> },
    Resolved { node: SimNode, host: String },
}

/// The network.
#[derive(Debug)]
pub struct DiscoverySimulation {
    now: Timestamp,
    random: Random,
    weather: Weather,
    sequence: u64,
    events: BTreeMap<(Timestamp, u64), Event>,
    nodes: Vec<NodeState>,
    addresses: BTreeMap<SocketAddr, SimNode>,
    names: BTreeMap<String, Vec<IpAddr>>,
    largest: Sizes,
}

impl DiscoverySimulation {
    /// An empty network.
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self {
            now: Timestamp::ZERO,
            random: Random::new(seed),
            weather,
            sequence: 0,
            events: BTreeMap::new(),
            nodes: Vec::new(),
            addresses: BTreeMap::new(),
            names: BTreeMap::new(),
            largest: Sizes::default(),
        }
    }

    /// A public address that nobody has: the subnets are as spread as those of a network of strangers.
    pub fn free_address(&mut self) -> SocketAddr {
        loop {
            let octet = |random: &mut Random, least, most| random.between(least, most) as u8;
            let ip = IpAddr::from([
                octet(&mut self.random, 11, 99),
                octet(&mut self.random, 0, 255),
                octet(&mut self.random, 0, 255),
                octet(&mut self.random, 1, 254),
            ]);
            let address = SocketAddr::new(ip, 5050);
            if !self.addresses.contains_key(&address) {
                return address;
            }
        }
    }

    /// Gives a name to addresses.
    pub fn name(&mut self, host: &str, addresses: Vec<IpAddr>) {
        self.names.insert(host.to_owned(), addresses);
    }

    /// Adds a node that starts as planned. It looks for nodes from then on.
    ///
    /// # Panics
    /// When another node has the address.
    pub fn add(&mut self, plan: NodePlan) -> SimNode {
        let node = SimNode(self.nodes.len());
        let key = loop {
            if let Ok(key) = SecretKey::from_bytes(&self.random.array()) {
                break key;
            }
        };
        let taken = self.addresses.insert(plan.address, node);
        assert!(taken.is_none(), "{} is taken", plan.address);
        self.schedule(plan.start, Event::Start(node));
        self.nodes.push(NodeState {
            plan,
            key,
            machine: None,
            wake: None,
            written: BTreeMap::new(),
            found: BTreeMap::new(),
            lost: 0,
            renewals: 0,
            packets_in: 0,
            packets_out: 0,
        });
        node
    }

    /// Makes a node disappear at a time. Nobody is told.
    pub fn stop_at(&mut self, time: Timestamp, node: SimNode) {
        self.schedule(time, Event::Stop(node));
    }

    /// Makes a node that stopped start anew at a time, with its old key.
    pub fn restart_at(&mut self, time: Timestamp, node: SimNode) {
        self.schedule(time, Event::Start(node));
    }

    /// Puts a packet on its way, from whatever address it says.
    pub fn inject(&mut self, from: SocketAddr, to: SocketAddr, packet: Vec<u8>) {
        self.transmit(from, to, packet);
    }

    /// Tells a node whether it needs more nodes.
    pub fn set_demand(&mut self, node: SimNode, demand: Demand) {
        self.give(node, Input::Demand(demand));
    }

    /// Lets time pass.
    pub fn run_until(&mut self, end: Timestamp) {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((time, _), event) = entry.remove_entry();
            self.now = self.now.max(time);
            self.happen(event);
        }
        self.now = self.now.max(end);
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The id of a node.
    pub fn id(&self, node: SimNode) -> NodeId {
        self.nodes[node.0].key.node_id()
    }

    /// The key of a node, for tests that speak in its name.
    pub fn key(&self, node: SimNode) -> &SecretKey {
        &self.nodes[node.0].key
    }

    /// Whom a node has found and not lost, and when it found them first.
    pub fn found(&self, node: SimNode) -> &BTreeMap<NodeId, Timestamp> {
        &self.nodes[node.0].found
    }

    /// Whom a node has in its table.
    pub fn table(&self, node: SimNode) -> BTreeSet<NodeId> {
        let machine = self.nodes[node.0].machine.as_ref();
        machine.into_iter().flat_map(|machine| machine.nodes().map(|node| node.id)).collect()
    }

    /// How often a node took another key because nobody told it of others.
    pub fn renewals(&self, node: SimNode) -> u64 {
        self.nodes[node.0].renewals
    }

    /// How many nodes a node has in its table.
    pub fn table_size(&self, node: SimNode) -> usize {
        self.nodes[node.0].machine.as_ref().map_or(0, |machine| machine.sizes().nodes)
    }

    /// How often a node lost another.
    pub fn lost(&self, node: SimNode) -> u64 {
        self.nodes[node.0].lost
    }

    /// Packets that a node received and sent.
    pub fn packets(&self, node: SimNode) -> (u64, u64) {
        (self.nodes[node.0].packets_in, self.nodes[node.0].packets_out)
    }

    /// The most that any machine ever held.
    pub fn largest_sizes(&self) -> Sizes {
        self.largest
    }

    fn schedule(&mut self, time: Timestamp, event: Event) {
        self.sequence += 1;
        self.events.insert((time.max(self.now), self.sequence), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(node) => self.start(node),
            Event::Stop(node) => self.nodes[node.0].machine = None,
            Event::Wake(node) => {
                if self.nodes[node.0].wake.is_some_and(|wake| wake <= self.now) {
                    self.nodes[node.0].wake = None;
                    self.give(node, Input::TimerFired);
                }
            }
            Event::Packet { from, to, packet } => self.arrive(from, to, &packet),
            Event::Resolved { node, host } => {
                let addresses = self.names.get(&host).cloned().unwrap_or_default();
                self.give(node, Input::Resolved { host: &host, addresses: &addresses });
            }
        }
    }

    fn start(&mut self, node: SimNode) {
        let seed = self.random.array();
        let state = &mut self.nodes[node.0];
        let config = DiscoveryConfig {
            network_id: NETWORK_ID,
            boot_nodes: state.plan.boot_nodes.clone(),
            local_networks: false,
        };
        let identity = Identity { key: state.key.clone(), endpoint: state.plan.address };
        state.machine = Some(Discovery::new(config, identity, seed, self.now));
        state.found.clear();
        self.give(node, Input::TimerFired);
    }

    fn arrive(&mut self, from: SocketAddr, to: SocketAddr, packet: &[u8]) {
        let Some(node) = self.addresses.get(&to).copied() else { return };
        let state = &mut self.nodes[node.0];
        let is_let_in = !state.plan.is_translated
            || state
                .written
                .get(&from)
                .is_some_and(|written| self.now.since(*written) < TRANSLATION_LIFETIME);
        if is_let_in && state.machine.is_some() {
            state.packets_in += 1;
            self.give(node, Input::Received { from, packet });
        }
    }

    fn give(&mut self, node: SimNode, input: Input<'_>) {
        let now = self.now;
        let state = &mut self.nodes[node.0];
        let Some(machine) = &mut state.machine else { return };
        machine.handle(now, input);
        let sizes = machine.sizes();
        let actions: Vec<_> = core::iter::from_fn(|| machine.next_action()).collect();
        let timeout = machine.next_timeout();
        self.largest = Sizes {
            nodes: self.largest.nodes.max(sizes.nodes),
            requests: self.largest.requests.max(sizes.requests),
            hints: self.largest.hints.max(sizes.hints),
            sources: self.largest.sources.max(sizes.sources),
            actions: self.largest.actions.max(sizes.actions),
        };
        for action in actions {
            self.perform(node, action);
        }
        if let Some(timeout) = timeout
            && self.nodes[node.0].wake.is_none_or(|wake| timeout < wake)
        {
            self.nodes[node.0].wake = Some(timeout);
            self.schedule(timeout, Event::Wake(node));
        }
    }

    fn perform(&mut self, node: SimNode, action: Action) {
        let now = self.now;
        let state = &mut self.nodes[node.0];
        match action {
            Action::Send { to, packet } => {
                state.packets_out += 1;
                if state.plan.is_translated {
                    state.written.insert(to, now);
                }
                let from = state.plan.address;
                self.transmit(from, to, packet);
            }
            Action::Found { node, .. } => {
                state.found.entry(node).or_insert(now);
            }
            Action::Lost { node, .. } => {
                state.found.remove(&node);
                state.lost += 1;
            }
            Action::RenewKey { near, distance } => {
                let place = Place::of(&near);
                let key = loop {
                    if let Ok(key) = SecretKey::from_bytes(&self.random.array())
                        && Place::of(&key.node_id()).distance(&place) <= distance
                    {
                        break key;
                    }
                };
                let state = &mut self.nodes[node.0];
                state.key = key.clone();
                state.renewals += 1;
                let identity = Identity { key, endpoint: state.plan.address };
                self.give(node, Input::SocketChanged(identity));
            }
            Action::Resolve { host } => {
                self.schedule(now.saturating_add(LOOKUP), Event::Resolved { node, host });
            }
        }
    }

    fn transmit(&mut self, from: SocketAddr, to: SocketAddr, packet: Vec<u8>) {
        if self.random.between(1, 1000) <= self.weather.lost_per_thousand {
            return;
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (least, most) = (millis(self.weather.least_latency), millis(self.weather.most_latency));
        let arrival = self.now.saturating_add(Duration::from_millis(self.random.between(least, most)));
        self.schedule(arrival, Event::Packet { from, to, packet });
    }
}
