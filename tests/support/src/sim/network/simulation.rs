//! Time, packets and connections between the client and the others. What is counted of them is in `tally`.

mod tally;

use core::{net::SocketAddr, time::Duration};
use std::collections::BTreeMap;

use rustock_core::{
    primitives::{
        hash::NodeId,
        number::{BlockNumber, UnixTime},
        peer::{PeerAddress, SavedPeers},
    },
    proto::{
        discovery::{self, BootNode, Demand, Identity, Packets, distance::Place},
        peers::{self, Ending},
        session::{SessionEnd, Stage},
        sync::{PeerFault, PeerId},
        time::Timestamp,
    },
    wire::{
        discovery::{Endpoint, Message, MessageId, Neighbor, Neighbors, Ping, Pong},
        p2p::DisconnectReason,
    },
};

pub use tally::Tally;

use super::{
    client::{Client, Connection, NETWORK_ID, key},
    population::{Plan, Population, Role},
    unsigned::{UnsignedPackets, packet_of},
};
use crate::chainkit::Random;

/// Nodes whose addresses the client is given, as mainnet has them.
const BOOT_NODES: usize = 16;
/// How long a translator lets answers in.
const TRANSLATION_LIFETIME: Duration = Duration::from_secs(30);
/// As the runtime waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the sync machine asks a peer that does not answer: three requests of 30 seconds.
const REQUESTS_IN_VAIN: Duration = Duration::from_secs(90);
/// How long a slow node takes.
const SLOW_ANSWER: Duration = Duration::from_secs(25);
/// As rskj refuses whom it told that it is full.
const REFUSAL: Duration = Duration::from_secs(10);
/// As rskj waits for a pong.
const PONG_PATIENCE: Duration = Duration::from_secs(15);
/// How often a node that has the client in its table pings it in a minute: 16 of a table of about 110.
const PULSE_ONE_IN: u64 = 7;
/// Packets lost, of a thousand.
const LOST: u64 = 50;
/// The time of day at the start.
const WALL: u64 = 1_700_000_000;

#[derive(Debug)]
enum Event {
    ToClient { from: SocketAddr, packet: Vec<u8> },
    ToMember { to: SocketAddr, packet: Vec<u8> },
    WakeDiscovery,
    WakePeers,
    Dialled { peer: PeerId, ending: Option<Ending> },
    Answer { peer: PeerId },
    Behave { peer: PeerId },
    FoundOut { peer: PeerId },
    Ended { peer: PeerId, ending: Ending },
    Second(u64),
    Toggle(usize),
}

/// The network and the client.
#[derive(Debug)]
pub struct NetworkSimulation {
    plan: Plan,
    now: Timestamp,
    random: Random,
    sequence: u64,
    events: BTreeMap<(Timestamp, u64), Event>,
    population: Population,
    boot_nodes: Vec<BootNode>,
    client: Client,
    discovery_wake: Option<Timestamp>,
    peers_wake: Option<Timestamp>,
    tally: Tally,
}

impl NetworkSimulation {
    /// A network whose client starts now and remembers nothing.
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut random = Random::from_parts(&[seed, plan.hostile_percent, plan.hostile_subnets.unwrap_or(0)]);
        let population = Population::new(plan, BOOT_NODES, &mut random);
        let boot_nodes: Vec<BootNode> = population.members[..BOOT_NODES.min(plan.size)]
            .iter()
            .map(|member| BootNode { host: member.address.ip().to_string(), port: member.address.port() })
            .collect();
        let saved = SavedPeers::default();
        let client =
            Client::new(boot_nodes.clone(), saved, Timestamp::ZERO, UnixTime::from_secs(WALL), &mut random);
        let mut simulation = Self {
            plan,
            now: Timestamp::ZERO,
            random,
            sequence: 0,
            events: BTreeMap::new(),
            population,
            boot_nodes,
            client,
            discovery_wake: None,
            peers_wake: None,
            tally: Tally::default(),
        };
        simulation.schedule(Duration::from_secs(1), Event::Second(1));
        if plan.has_churn {
            for index in BOOT_NODES..plan.size {
                simulation.schedule_toggle(index);
            }
        }
        simulation.wake_client();
        simulation
    }

    /// The client stops as it should and starts anew with what it wrote down, nothing else.
    pub fn restart_client(&mut self) {
        self.give_peers(peers::Input::Stopping);
        let saved = core::mem::take(&mut self.client.saved);
        let wall = UnixTime::from_secs(WALL + self.now.as_millis() / 1000);
        self.client = Client::new(self.boot_nodes.clone(), saved, self.now, wall, &mut self.random);
        // What was on its way belongs to connections that are no more.
        self.events.retain(|_, event| matches!(event, Event::Second(_) | Event::Toggle(_)));
        self.discovery_wake = None;
        self.peers_wake = None;
        for member in &mut self.population.members {
            member.established = None;
        }
        self.tally = Tally::default();
        self.wake_client();
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

    /// What was seen since the client's last start.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Discovery packets that the client sent since its last start.
    pub fn packets_sent(&self) -> u64 {
        self.client.packets_sent
    }

    /// Whom it dialled since its last start.
    pub fn dialled(&self) -> &[NodeId] {
        &self.client.dialled
    }

    /// How the nodes behave with which the client has a session.
    pub fn sessions(&self) -> Vec<(NodeId, Role)> {
        let role = |connection: &Connection| {
            connection.member.map(|member| (connection.node, self.population.members[member].role))
        };
        self.client.sessions().filter_map(role).collect()
    }

    /// How a node behaves.
    pub fn role_of(&self, node: &NodeId) -> Option<Role> {
        self.population.members.iter().find(|member| member.id == *node).map(|member| member.role)
    }

    /// What the client has written down.
    pub fn saved(&self) -> &SavedPeers {
        &self.client.saved
    }

    /// The client's peer machine.
    pub fn peers(&self) -> &peers::PeerMachine {
        &self.client.peers
    }

    fn schedule(&mut self, after: Duration, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now.saturating_add(after), self.sequence), event);
    }

    fn latency(&mut self) -> Duration {
        Duration::from_millis(self.random.between(10, 200))
    }

    /// An hour there, a quarter of an hour away, on average.
    fn schedule_toggle(&mut self, member: usize) {
        let most = if self.population.members[member].is_up { 7_200_000 } else { 1_800_000 };
        let after = Duration::from_millis(self.random.between(1_000, most));
        self.schedule(after, Event::Toggle(member));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::ToClient { from, packet } => self.reach_client(from, &packet),
            Event::ToMember { to, packet } => self.reach_member(to, &packet),
            Event::WakeDiscovery => {
                if self.discovery_wake.is_some_and(|wake| wake <= self.now) {
                    self.discovery_wake = None;
                    self.give_discovery(discovery::Input::TimerFired);
                }
            }
            Event::WakePeers => {
                if self.peers_wake.is_some_and(|wake| wake <= self.now) {
                    self.peers_wake = None;
                    self.give_peers(peers::Input::TimerFired);
                }
            }
            Event::Dialled { peer, ending } => self.finish_dial(peer, ending),
            Event::Answer { peer } => {
                if let Some(connection) = self.client.connections.get_mut(&peer) {
                    connection.has_answered = true;
                    self.give_peers(peers::Input::Answered { peer });
                }
            }
            Event::Behave { peer } => self.behave(peer),
            Event::FoundOut { peer } => {
                let fault = PeerFault::Unresponsive { silences: 3, each: REQUESTS_IN_VAIN / 3 };
                self.give_peers(peers::Input::Fault { peer, fault });
            }
            Event::Ended { peer, ending } => {
                if self.client.connections.remove(&peer).is_some() {
                    self.give_peers(peers::Input::Ended { peer, ending });
                }
            }
            Event::Second(second) => self.pass_second(second),
            Event::Toggle(member) => self.toggle(member),
        }
    }

    fn wake_client(&mut self) {
        self.give_peers(peers::Input::TimerFired);
        let wants = self.client.peers.wants_more_peers();
        self.demand(wants);
        self.give_discovery(discovery::Input::TimerFired);
    }

    // Discovery.

    fn give_discovery(&mut self, input: discovery::Input<'_>) {
        self.client.discovery.handle(self.now, input);
        while let Some(action) = self.client.discovery.next_action() {
            match action {
                discovery::Action::Send { to, packet } => self.send_to_member(to, packet),
                discovery::Action::Found { node, address } => {
                    let address = PeerAddress::from_ip(address.ip(), address.port());
                    self.give_peers(peers::Input::Discovered { node, address });
                }
                discovery::Action::Lost { node, address } => {
                    let address = PeerAddress::from_ip(address.ip(), address.port());
                    self.give_peers(peers::Input::Lost { node, address });
                }
                // All of its boot nodes are known by number.
                discovery::Action::Resolve { .. } => {}
                discovery::Action::RenewKey { near, distance } => {
                    let place = Place::of(&near);
                    let key = loop {
                        let key = key(&mut self.random);
                        if Place::of(&key.node_id()).distance(&place) <= distance {
                            break key;
                        }
                    };
                    let identity = Identity { key, endpoint: self.client.address };
                    self.client.discovery.handle(self.now, discovery::Input::SocketChanged(identity));
                }
            }
        }
        if let Some(timeout) = self.client.discovery.next_timeout()
            && self.discovery_wake.is_none_or(|wake| timeout < wake)
        {
            self.discovery_wake = Some(timeout);
            self.schedule(timeout.since(self.now), Event::WakeDiscovery);
        }
    }

    fn demand(&mut self, wants: bool) {
        let demand = if wants { Demand::Wanted } else { Demand::Satisfied };
        self.client.discovery.handle(self.now, discovery::Input::Demand(demand));
        // Its actions are taken the next time that it is given something, which is at once.
        self.discovery_wake = Some(self.now);
        self.schedule(Duration::ZERO, Event::WakeDiscovery);
    }

    fn send_to_member(&mut self, to: SocketAddr, packet: Vec<u8>) {
        self.client.packets_sent += 1;
        self.client.written.insert(to, self.now);
        if self.random.between(1, 1000) > LOST {
            let latency = self.latency();
            self.schedule(latency, Event::ToMember { to, packet });
        }
    }

    fn send_to_client(&mut self, from: usize, message: &Message) {
        let member = &mut self.population.members[from];
        member.wrote = Some(self.now);
        let (address, packet) = (member.address, packet_of(message, &member.id));
        if self.random.between(1, 1000) > LOST {
            let latency = self.latency();
            self.schedule(latency, Event::ToClient { from: address, packet });
        }
    }

    fn reach_client(&mut self, from: SocketAddr, packet: &[u8]) {
        let is_let_in = !self.plan.is_client_translated
            || self
                .client
                .written
                .get(&from)
                .is_some_and(|written| self.now.since(*written) <= TRANSLATION_LIFETIME);
        if is_let_in {
            self.give_discovery(discovery::Input::Received { from, packet });
        }
    }

    fn reach_member(&mut self, to: SocketAddr, packet: &[u8]) {
        let Some(index) = self.population.at(to, &mut self.random) else { return };
        let member = &self.population.members[index];
        let is_let_in = member.role != Role::Hidden
            || member.wrote.is_some_and(|wrote| self.now.since(wrote) <= TRANSLATION_LIFETIME);
        if !member.is_up || !is_let_in {
            return;
        }
        let (established, pending, endpoint) =
            (member.established, member.pending, Endpoint::from(member.address));
        let Ok((client, message)) = UnsignedPackets::open(packet) else { return };
        let network_id = Some(NETWORK_ID);
        match message {
            Message::Ping(ping) => {
                let pong = Pong { endpoint, message_id: ping.message_id, network_id };
                self.send_to_client(index, &Message::Pong(pong));
                if established != Some(client) {
                    self.ping_client(index);
                }
            }
            Message::Pong(pong) => {
                if pending.is_some_and(|(id, _)| id == pong.message_id) {
                    self.population.members[index].pending = None;
                    let is_welcome = self.population.members[index].role.is_hostile()
                        || self.population.has_room_for(index, &Place::of(&client), self.now);
                    if is_welcome {
                        self.population.members[index].established = Some(client);
                    }
                }
            }
            Message::FindNode(find_node) => {
                if established == Some(client) {
                    let place = Place::of(&client);
                    let nodes = self.population.neighbors(index, &place, self.now, &mut self.random);
                    let nodes = nodes
                        .into_iter()
                        .map(|(address, id)| Neighbor {
                            host: address.ip().to_string(),
                            port: u32::from(address.port()),
                            id: id.as_bytes().to_vec(),
                        })
                        .collect();
                    let neighbors = Neighbors { nodes, message_id: find_node.message_id, network_id };
                    self.send_to_client(index, &Message::Neighbors(neighbors));
                }
            }
            Message::Neighbors(_) => {}
        }
    }

    fn ping_client(&mut self, from: usize) {
        let now = self.now;
        let member = &mut self.population.members[from];
        if member.pending.is_some_and(|(_, since)| now.since(since) < PONG_PATIENCE) {
            return;
        }
        let message_id = MessageId::from_random(self.random.array());
        member.pending = Some((message_id, now));
        let endpoint = Endpoint::from(member.address);
        let ping = Ping { endpoint, message_id, network_id: Some(NETWORK_ID) };
        self.send_to_client(from, &Message::Ping(ping));
    }

    // Peers.

    fn give_peers(&mut self, input: peers::Input) {
        self.client.peers.handle(self.now, input);
        while let Some(action) = self.client.peers.next_action() {
            match action {
                peers::Action::Dial { peer, node, address } => self.dial(peer, node, &address),
                peers::Action::Disconnect { peer, reason, .. } => {
                    if let Some(connection) = self.client.connections.get_mut(&peer) {
                        connection.is_leaving = true;
                        let ending = Ending::Session(SessionEnd::LocalDisconnect(reason));
                        let latency = self.latency();
                        self.schedule(latency, Event::Ended { peer, ending });
                    }
                }
                peers::Action::Persist(batch) => self.client.persist(batch),
                peers::Action::WantMorePeers(wants) => self.demand(wants),
                peers::Action::Admit { .. } | peers::Action::Refuse { .. } | peers::Action::Report(_) => {}
            }
        }
        self.watch();
        if let Some(timeout) = self.client.peers.next_timeout()
            && self.peers_wake.is_none_or(|wake| timeout < wake)
        {
            self.peers_wake = Some(timeout);
            self.schedule(timeout.since(self.now), Event::WakePeers);
        }
    }

    fn dial(&mut self, peer: PeerId, node: NodeId, address: &PeerAddress) {
        self.client.dialled.push(node);
        let Some(ip) = address.ip() else { return };
        let address = SocketAddr::new(ip, address.port);
        let member = self.population.at(address, &mut self.random);
        let connection = Connection {
            member,
            node,
            address,
            is_established: false,
            is_leaving: false,
            has_answered: false,
        };
        self.client.connections.insert(peer, connection);
        let round_trip = self.latency() * 2;
        let minute = self.now.as_millis() / 60_000;
        let closed = |stage| Some(Ending::Session(SessionEnd::ConnectionClosed(stage)));
        let member = member.map(|index| (index, &mut self.population.members[index]));
        let (after, ending) = match member {
            Some((_, member)) if member.is_up && member.id != node => {
                (round_trip * 2, closed(Stage::ExpectAck))
            }
            Some((index, member)) if member.is_up => match member.role {
                Role::Decoy => (round_trip, Some(Ending::Unreachable)),
                Role::Translated | Role::Hidden => (CONNECT_TIMEOUT, Some(Ending::Unreachable)),
                _ if member.refuses_until > self.now => (round_trip, closed(Stage::ExpectAck)),
                Role::Public { full_percent } if is_full(index, minute, full_percent) => {
                    member.refuses_until = self.now.saturating_add(REFUSAL);
                    let reason = DisconnectReason::TooManyPeers;
                    (round_trip * 3, Some(Ending::Session(SessionEnd::RemoteDisconnect(reason))))
                }
                _ => (round_trip * 4, None),
            },
            // Behind some addresses nobody says no.
            Some(_) | None if self.random.one_in(2) => (CONNECT_TIMEOUT, Some(Ending::Unreachable)),
            Some(_) | None => (round_trip, Some(Ending::Unreachable)),
        };
        self.schedule(after, Event::Dialled { peer, ending });
    }

    fn finish_dial(&mut self, peer: PeerId, ending: Option<Ending>) {
        let Some(connection) = self.client.connections.get_mut(&peer) else { return };
        let is_up = connection.member.is_some_and(|member| self.population.members[member].is_up);
        let ending = if is_up { ending } else { ending.or(Some(Ending::Lost)) };
        if let Some(ending) = ending {
            self.client.connections.remove(&peer);
            return self.give_peers(peers::Input::Ended { peer, ending });
        }
        if !connection.is_leaving {
            connection.is_established = true;
        }
        let (node, ip, member) = (connection.node, connection.address.ip(), connection.member);
        self.give_peers(peers::Input::Established { peer, node, ip });
        let role = member.map(|member| self.population.members[member].role);
        // The client's first question and its answer; then headers, or whatever else comes from such a node.
        let (answer, after) = match role {
            Some(Role::Slow) => (Some(SLOW_ANSWER), SLOW_ANSWER * 2),
            Some(Role::Staller) | None => (None, Duration::from_secs(1)),
            Some(_) => (Some(self.latency() * 2), Duration::from_millis(self.random.between(500, 3_000))),
        };
        if let Some(answer) = answer {
            self.schedule(answer, Event::Answer { peer });
        }
        self.schedule(after, Event::Behave { peer });
    }

    fn behave(&mut self, peer: PeerId) {
        let Some(connection) = self.client.connections.get(&peer).filter(|open| !open.is_leaving) else {
            return;
        };
        let Some(member) = connection.member else { return };
        let served = |millis| peers::Input::HeadersVerified {
            peer,
            headers: 192,
            bytes: 200_000,
            waited: Duration::from_millis(millis),
            latency: Duration::from_millis(millis),
        };
        let (input, next) = match self.population.members[member].role {
            // The hostile who want to stay are the quickest.
            Role::Holder => (served(30), 60),
            Role::Slow => (served(SLOW_ANSWER.as_millis() as u64), 60),
            Role::Liar => {
                let fault = PeerFault::BrokenHeaderChain { number: BlockNumber::new(1) };
                (peers::Input::Fault { peer, fault }, 60)
            }
            Role::Staller => {
                return self.schedule(REQUESTS_IN_VAIN, Event::FoundOut { peer });
            }
            Role::Flooder => (peers::Input::Unwanted { peer, messages: 13_000, bytes: 1_300_000 }, 60),
            Role::Public { .. } | Role::Translated | Role::Hidden | Role::Decoy => {
                (served(self.random.between(80, 800)), 60)
            }
        };
        self.give_peers(input);
        self.schedule(Duration::from_secs(next), Event::Behave { peer });
    }

    // The world.

    fn pass_second(&mut self, second: u64) {
        self.schedule(Duration::from_secs(1), Event::Second(second + 1));
        self.count();
        // Each node asks others once a minute. The more have the client in their tables, the sooner it is told of.
        let members = &self.population.members;
        let knowing = members.iter().filter(|member| member.is_up && member.established.is_some()).count();
        let size = self.plan.size as u64;
        for index in (second % 60..size).step_by(60) {
            let is_told = self.random.between(1, size) <= (knowing as u64).min(size / 20);
            let index = index as usize;
            let member = &self.population.members[index];
            let sees_if_it_is_there = member.established.is_some() && self.random.one_in(PULSE_ONE_IN);
            let member = &self.population.members[index];
            if member.is_up && (is_told || sees_if_it_is_there) {
                self.ping_client(index);
            }
        }
        if self.plan.is_eclipse {
            // Hard at first, then as a steady drip.
            let pings = if second < 60 { 20 } else { u64::from(second.is_multiple_of(5)) };
            for _ in 0..pings {
                if let Some(address) = self.population.attacker_address(&mut self.random)
                    && let Some(index) = self.population.at(address, &mut self.random)
                {
                    self.ping_client(index);
                }
            }
        }
    }

    fn toggle(&mut self, index: usize) {
        let member = &mut self.population.members[index];
        member.is_up = !member.is_up;
        member.established = None;
        member.pending = None;
        if !member.is_up {
            let gone: Vec<PeerId> = self
                .client
                .connections
                .iter()
                .filter(|(_, connection)| connection.member == Some(index) && connection.is_established)
                .map(|(peer, _)| *peer)
                .collect();
            for peer in gone {
                self.schedule(Duration::from_millis(50), Event::Ended { peer, ending: Ending::Lost });
            }
        }
        self.schedule_toggle(index);
    }
}

/// A node that is full is so for a minute.
fn is_full(index: usize, minute: u64, full_percent: u64) -> bool {
    Random::from_parts(&[index as u64, minute, 7]).between(1, 100) <= full_percent
}
