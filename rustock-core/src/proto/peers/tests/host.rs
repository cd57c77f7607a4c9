//! A host of the machine that remembers what it was told to do, and checks it against the promises.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

use crate::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{Ban, PeerAddress, PeerBatch, PeerSource, SavedPeers, Subnet},
    },
    proto::{
        peers::{
            Action, DropCause, Ending, Input, PeerConfig, PeerMachine, PeerReport,
            book::{MAX_NEW, MAX_RECORDS},
        },
        session::SessionEnd,
        sync::PeerId,
        time::Timestamp,
    },
    wire::p2p::DisconnectReason,
};

pub const WALL: UnixTime = UnixTime::from_secs(1_700_000_000);

pub fn node(index: u32) -> NodeId {
    let mut id = [0; 64];
    id[..4].copy_from_slice(&index.to_be_bytes());
    NodeId::new(id)
}

/// Host number `index` of a /16 that is public.
pub fn address(subnet: u8, index: u16) -> PeerAddress {
    let [high, low] = index.to_be_bytes();
    PeerAddress::from_ip(IpAddr::from([203, subnet, high, low]), 5050)
}

#[derive(Debug, Clone)]
pub struct Connection {
    pub node: Option<NodeId>,
    pub address: PeerAddress,
    pub is_outbound: bool,
    pub is_established: bool,
    pub is_leaving: bool,
    pub answers: bool,
}

pub struct Host {
    pub machine: PeerMachine,
    pub config: PeerConfig,
    pub now: Timestamp,
    pub connections: BTreeMap<PeerId, Connection>,
    pub trusted: Vec<NodeId>,
    pub dropped: Vec<(PeerId, DropCause)>,
    pub dialled: Vec<NodeId>,
    pub refused: usize,
    pub bans: Vec<Ban>,
    pub reports: Vec<PeerReport>,
    pub saved: SavedPeers,
    pub wants_more: bool,
    tickets: BTreeMap<u64, IpAddr>,
    /// Dials that were asked for and not dealt with.
    pub to_dial: VecDeque<PeerId>,
}

impl Host {
    pub fn new(config: PeerConfig, saved: SavedPeers, seed: u64) -> Self {
        let machine = PeerMachine::new(config.clone(), saved.clone(), seed, Timestamp::ZERO, WALL);
        Self {
            machine,
            config,
            now: Timestamp::ZERO,
            connections: BTreeMap::new(),
            trusted: Vec::new(),
            dropped: Vec::new(),
            dialled: Vec::new(),
            refused: 0,
            bans: Vec::new(),
            reports: Vec::new(),
            saved,
            wants_more: false,
            tickets: BTreeMap::new(),
            to_dial: VecDeque::new(),
        }
    }

    pub fn wall(&self) -> UnixTime {
        UnixTime::from_secs(WALL.as_secs() + self.now.as_millis() / 1000)
    }

    pub fn handle(&mut self, input: Input) {
        if let Input::Add { node, is_trusted: true, .. } = &input {
            self.trusted.push(*node);
        }
        if let Input::Established { peer, node, .. } = &input
            && let Some(connection) = self.connections.get_mut(peer)
            && !connection.is_leaving
        {
            connection.is_established = true;
            connection.node = Some(*node);
        }
        if let Input::Ended { peer, .. } = &input {
            self.connections.remove(peer);
        }
        if let Input::Unban(subject) = &input {
            self.bans.retain(|ban| ban.subject != *subject);
        }
        self.machine.handle(self.now, input);
        while let Some(action) = self.machine.next_action() {
            self.perform(action);
        }
        self.check();
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { peer, node, address } => {
                let wall = self.wall();
                let is_trusted = self.trusted.contains(&node);
                let banned = self.bans.iter().any(|ban| {
                    let of_node = ban.subject == crate::primitives::peer::BanSubject::Node(node);
                    let of_ip = address
                        .ip()
                        .is_some_and(|ip| ban.subject == crate::primitives::peer::BanSubject::of_ip(ip));
                    ban.is_active(wall) && (ban.by_user || !is_trusted) && (of_node || of_ip)
                });
                assert!(!banned, "a banned peer is dialled");
                let known = self.connections.values().any(|connection| connection.node == Some(node));
                assert!(!known, "a peer is dialled twice");
                self.dialled.push(node);
                self.to_dial.push_back(peer);
                let connection = Connection {
                    node: Some(node),
                    address,
                    is_outbound: true,
                    is_established: false,
                    is_leaving: false,
                    answers: false,
                };
                assert!(self.connections.insert(peer, connection).is_none(), "an id is used twice");
            }
            Action::Admit { ticket, peer } => {
                let ip = self.tickets.remove(&ticket).expect("it was asked for");
                let connection = Connection {
                    node: None,
                    address: PeerAddress::from_ip(ip, 1),
                    is_outbound: false,
                    is_established: false,
                    is_leaving: false,
                    answers: false,
                };
                self.connections.insert(peer, connection);
            }
            Action::Refuse { ticket } => {
                self.tickets.remove(&ticket).expect("it was asked for");
                self.refused += 1;
            }
            Action::Disconnect { peer, cause, .. } => {
                self.connections.get_mut(&peer).expect("it is connected").is_leaving = true;
                self.dropped.push((peer, cause));
            }
            Action::Persist(batch) => self.persist(batch),
            Action::WantMorePeers(wants) => self.wants_more = wants,
            Action::Report(report) => {
                if let PeerReport::Banned(ban) = &report {
                    self.bans.retain(|other| other.subject != ban.subject);
                    self.bans.push(ban.clone());
                }
                self.reports.push(report);
            }
        }
    }

    fn persist(&mut self, batch: PeerBatch) {
        for record in batch.records {
            self.saved.records.retain(|other| other.id != record.id);
            self.saved.records.push(record);
        }
        self.saved.records.retain(|record| !batch.forgotten.contains(&record.id));
        for ban in batch.bans {
            self.saved.bans.retain(|other| other.subject != ban.subject);
            self.saved.bans.push(ban);
        }
        self.saved.bans.retain(|ban| !batch.lifted.contains(&ban.subject));
    }

    /// The promises, counted without the machine's help.
    fn check(&self) {
        let limits = self.config.limits;
        let ordinary: Vec<&Connection> = self
            .connections
            .values()
            .filter(|connection| {
                connection.is_outbound
                    && !connection.is_leaving
                    && !connection.node.is_some_and(|node| self.trusted.contains(&node))
            })
            .collect();
        let established = ordinary.iter().filter(|connection| connection.is_established).count();
        let answering = ordinary.iter().filter(|connection| connection.answers).count();
        assert!(established <= limits.target + limits.spare, "{established} ordinary peers");
        assert!(answering <= limits.target, "{answering} ordinary peers that answer");
        assert!(ordinary.len() - established <= limits.dials);
        let mut subnets: BTreeMap<Subnet, usize> = BTreeMap::new();
        for connection in &ordinary {
            let ip = connection.address.ip().expect("numbers only in these tests");
            *subnets.entry(Subnet::of(ip)).or_default() += 1;
        }
        assert!(subnets.values().all(|count| *count <= limits.per_subnet), "{subnets:?}");
        let shared = subnets.values().filter(|count| **count > 1).count();
        assert!(shared <= limits.shared_subnets, "{subnets:?}");
        let inbound: Vec<_> = self
            .connections
            .values()
            .filter(|connection| !connection.is_outbound && !connection.is_leaving)
            .collect();
        let handshakes = inbound.iter().filter(|connection| !connection.is_established).count();
        assert!(handshakes <= limits.handshakes);
        assert!(inbound.len() - handshakes <= limits.inbound + self.trusted.len());
        assert!(self.machine.book().len() <= MAX_RECORDS);
        let strangers = self.machine.book().records().filter(|record| {
            record.source == PeerSource::Discovered && !self.machine.book().is_tried(&record.id)
        });
        assert!(strangers.count() <= MAX_NEW);
        assert!(
            self.machine.next_timeout().is_none_or(|timeout| timeout > self.now),
            "a timer that never ends"
        );
    }

    pub fn trust(&mut self, index: u32, address: PeerAddress) {
        let source = PeerSource::Configured;
        self.handle(Input::Add { node: node(index), address, source, is_trusted: true });
    }

    pub fn discover(&mut self, index: u32, address: PeerAddress) {
        self.handle(Input::Discovered { node: node(index), address });
    }

    pub fn knock(&mut self, ticket: u64, ip: IpAddr) {
        self.tickets.insert(ticket, ip);
        self.handle(Input::Incoming { ticket, ip });
    }

    /// The handshake of a connection succeeds, and the peer answers.
    pub fn establish(&mut self, peer: PeerId) {
        self.establish_silent(peer);
        self.answer(peer);
    }

    /// A peer answers.
    pub fn answer(&mut self, peer: PeerId) {
        if let Some(connection) = self.connections.get_mut(&peer).filter(|open| open.is_established) {
            connection.answers = true;
        }
        self.handle(Input::Answered { peer });
    }

    /// The handshake of a connection succeeds; nothing else comes.
    pub fn establish_silent(&mut self, peer: PeerId) {
        let connection = self.connections[&peer].clone();
        let ip = connection.address.ip().expect("numbers only in these tests");
        let node = connection.node.expect("we dialled it");
        self.handle(Input::Established { peer, node, ip });
    }

    pub fn end(&mut self, peer: PeerId, ending: Ending) {
        self.handle(Input::Ended { peer, ending });
    }

    /// Ends every connection that was told to end.
    pub fn finish_leaving(&mut self) {
        loop {
            let leaving =
                self.connections.iter().find(|(_, connection)| connection.is_leaving).map(|(peer, _)| *peer);
            let Some(peer) = leaving else { return };
            let end = SessionEnd::LocalDisconnect(DisconnectReason::UselessPeer);
            self.end(peer, Ending::Session(end));
        }
    }

    /// Lets time pass up to `until`, timer by timer.
    pub fn pass(&mut self, until: Timestamp) {
        while let Some(timeout) = self.machine.next_timeout().filter(|timeout| *timeout <= until) {
            self.now = self.now.max(timeout);
            self.handle(Input::TimerFired);
        }
        self.now = until;
        self.handle(Input::TimerFired);
    }

    pub fn pass_seconds(&mut self, seconds: u64) {
        self.pass(Timestamp::from_millis(self.now.as_millis() + seconds * 1000));
    }

    /// The connection of a node, if it has one.
    pub fn connection_of(&self, index: u32) -> Option<PeerId> {
        let found = self.connections.iter().find(|(_, connection)| connection.node == Some(node(index)));
        found.map(|(peer, _)| *peer)
    }

    pub fn established(&self) -> usize {
        self.connections
            .values()
            .filter(|connection| connection.is_established && !connection.is_leaving)
            .count()
    }
}

pub fn host() -> Host {
    Host::new(PeerConfig::default(), SavedPeers::default(), 1)
}
