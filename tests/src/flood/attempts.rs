//! Connection attempts without end against a peer machine that has no place left anywhere.

use core::{net::IpAddr, time::Duration};
use std::collections::VecDeque;

use rustock_core::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{Ban, BanSubject, PeerAddress, PeerBatch, PeerRecord, PeerSource, SavedPeers},
    },
    proto::{
        peers::{
            Action, Ending, Input, PeerConfig, PeerMachine, PeerView,
            book::{MAX_NEW, MAX_PINNED, MAX_RECORDS, MAX_TRIED},
            flood::{ANNOUNCED_BLOCKS, UNWANTED_MESSAGES},
            reputation::MAX_BANS,
        },
        session::{SessionEnd, Stage},
        sync::PeerId,
        time::Timestamp,
    },
    wire::p2p::DisconnectReason,
};
use rustock_test_support::chainkit::Random;

use super::{address_in, any_address};

const WALL: UnixTime = UnixTime::from_secs(1_700_000_000);
/// Attempts between two times that the host has written down what it was told to.
const WRITTEN_EVERY: u64 = 100;
/// Attempts between two times that an app is shown what there is.
const SHOWN_EVERY: u64 = 10;
/// Attackers that are let in and stay, at once.
const LINGERING: usize = 8;
/// How long after the start the first attempt comes.
const START: u64 = 2_000_000;
/// Time from one attempt to the next.
const PAUSE: u64 = 30;

/// A machine with a few records and nobody banned.
pub fn fresh_machine() -> PeerMachine {
    let records = (0..16).map(|number| proven(number, &mut Random::new(number as u64))).collect();
    let saved = SavedPeers { records, bans: Vec::new() };
    PeerMachine::new(PeerConfig::default(), saved, 1, Timestamp::ZERO, WALL)
}

/// A machine with as many records and bans as there may be, the longest names and reasons among them.
pub fn full_machine() -> PeerMachine {
    let mut random = Random::new(5);
    let mut records: Vec<PeerRecord> = (0..MAX_TRIED).map(|number| proven(number, &mut random)).collect();
    records.extend((MAX_TRIED..MAX_TRIED + MAX_NEW).map(|number| {
        let address = PeerAddress::from_ip(address_in(number, 9).ip(), 5050);
        PeerRecord::new(NodeId::new(random.array()), address, PeerSource::Discovered)
    }));
    let bans = (0..MAX_BANS).map(|_| Ban {
        subject: BanSubject::Node(NodeId::new(random.array())),
        until: UnixTime::from_secs(WALL.as_secs() + 86_400),
        strikes: 1,
        by_user: false,
        reason: "r".repeat(Ban::MAX_REASON_BYTES),
    });
    let saved = SavedPeers { records, bans: bans.collect() };
    let mut machine = PeerMachine::new(PeerConfig::default(), saved, 1, Timestamp::ZERO, WALL);
    for number in 0..MAX_PINNED {
        let name = format!("{number:0>width$}", width = PeerAddress::MAX_NAME_BYTES);
        machine.handle(
            Timestamp::ZERO,
            Input::Add {
                node: NodeId::new(random.array()),
                address: PeerAddress::new(&name, 5050).expect("a name"),
                source: PeerSource::Configured,
                is_trusted: false,
            },
        );
    }
    assert_eq!(machine.book().len(), MAX_RECORDS);
    machine
}

fn proven(number: usize, random: &mut Random) -> PeerRecord {
    let address = PeerAddress::from_ip(address_in(number, 9).ip(), 5050);
    let record = PeerRecord::new(NodeId::new(random.array()), address, PeerSource::Discovered);
    PeerRecord { last_success: Some(WALL), verified_headers: 1_000 + number as u64, ..record }
}

/// The host of a peer machine, as the runtime is one, with everything that wants to be a peer.
#[derive(Debug)]
pub struct Host {
    /// The machine.
    pub machine: PeerMachine,
    /// What is to be written down and was not yet.
    waiting: PeerBatch,
    /// What an app may look at.
    shown: (Vec<PeerView>, Vec<Ban>),
    /// Connections that were admitted, dialled, or told to end.
    admitted: VecDeque<PeerId>,
    dialled: VecDeque<(PeerId, NodeId, PeerAddress)>,
    leaving: VecDeque<PeerId>,
    /// Those whose handshake never ends, until it is ended.
    stuck: VecDeque<(u64, PeerId)>,
    /// Those that do nothing wrong for a while.
    lingering: VecDeque<PeerId>,
    random: Random,
    attempts: u64,
}

impl Host {
    /// A host of this machine.
    pub fn new(machine: PeerMachine) -> Self {
        Self {
            machine,
            waiting: PeerBatch::default(),
            shown: (Vec::new(), Vec::new()),
            admitted: VecDeque::new(),
            dialled: VecDeque::new(),
            leaving: VecDeque::new(),
            stuck: VecDeque::new(),
            lingering: VecDeque::new(),
            random: Random::new(9),
            attempts: 0,
        }
    }

    /// The time of the next attempt.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(START + self.attempts * PAUSE)
    }

    /// Gives the machine an input and does what it says.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.machine.handle(now, input);
        while let Some(action) = self.machine.next_action() {
            match action {
                Action::Admit { peer, .. } => self.admitted.push_back(peer),
                Action::Dial { peer, node, address } => self.dialled.push_back((peer, node, address)),
                Action::Disconnect { peer, .. } => self.leaving.push_back(peer),
                Action::Persist(batch) => self.waiting.absorb(batch),
                Action::Refuse { .. } | Action::WantMorePeers(_) | Action::Report(_) => {}
            }
        }
    }

    /// So many connections are opened to us, by turns from everywhere and from a few addresses. Whoever is let in
    /// misbehaves in one of many ways, and so does whoever is dialled.
    pub fn suffer(&mut self, attempts: u64) {
        for _ in 0..attempts {
            self.attempts += 1;
            let (now, number) = (self.now(), self.attempts);
            let ip = match number % 4 {
                0 => address_in(number as usize % 16, 77).ip(),
                _ => any_address(&mut self.random).ip(),
            };
            self.handle(now, Input::Incoming { ticket: number, ip });
            while let Some(peer) = self.admitted.pop_front() {
                self.misbehave(now, peer, ip);
            }
            while let Some((peer, node, _)) = self.dialled.pop_front() {
                self.disappoint(now, peer, node);
            }
            while self.stuck.front().is_some_and(|(since, _)| since + 500 < number) {
                let Some((_, peer)) = self.stuck.pop_front() else { break };
                let end = SessionEnd::TimedOut(Stage::ExpectAuth);
                self.handle(now, Input::Ended { peer, ending: Ending::Session(end) });
            }
            while let Some(peer) = self.leaving.pop_front() {
                let end = SessionEnd::LocalDisconnect(DisconnectReason::UselessPeer);
                self.handle(now, Input::Ended { peer, ending: Ending::Session(end) });
            }
            self.handle(now, Input::TimerFired);
            if number.is_multiple_of(SHOWN_EVERY) {
                self.shown = (self.machine.peers(), self.machine.bans());
            }
            if number.is_multiple_of(WRITTEN_EVERY) {
                let written = core::mem::take(&mut self.waiting);
                drop(written);
            }
        }
    }

    /// Every connection ends, as on another network, and as many peers are dialled as may be.
    pub fn change_network(&mut self) {
        let now = self.now();
        self.handle(now, Input::NetworkChanged { is_online: true });
        while let Some(peer) = self.leaving.pop_front() {
            self.handle(now, Input::Ended { peer, ending: Ending::Ours });
        }
    }

    /// Whoever is dialled is there, until nobody else is dialled.
    pub fn connect_all(&mut self) {
        let now = self.now();
        while let Some((peer, node, address)) = self.dialled.pop_front() {
            let ip = address.ip().unwrap_or_else(|| any_address(&mut self.random).ip());
            self.handle(now, Input::Established { peer, node, ip });
        }
    }

    /// Somebody honest connects to us, and stays.
    pub fn welcome(&mut self, ip: IpAddr) -> Option<PeerId> {
        let now = self.now();
        self.handle(now, Input::Incoming { ticket: u64::MAX, ip });
        let peer = self.admitted.pop_front()?;
        self.handle(now, Input::Established { peer, node: NodeId::new([0x77; 64]), ip });
        Some(peer)
    }

    fn misbehave(&mut self, now: Timestamp, peer: PeerId, ip: IpAddr) {
        let number = self.attempts;
        if number.is_multiple_of(7) && self.stuck.len() < 7 {
            return self.stuck.push_back((number, peer));
        }
        let node = NodeId::new(self.random.array());
        self.handle(now, Input::Established { peer, node, ip });
        self.handle(now, Input::Listens { peer, port: 5050 });
        match number % 5 {
            0 => self.handle(now, Input::Unwanted { peer, messages: UNWANTED_MESSAGES + 1, bytes: 1 }),
            1 => self.handle(now, Input::Announced { peer, blocks: ANNOUNCED_BLOCKS + 1 }),
            2 => self.handle(now, Input::Ended { peer, ending: Ending::Lost }),
            3 => self.handle(now, Input::Ended { peer, ending: Ending::NotReading }),
            _ => self.lingering.push_back(peer),
        }
        if self.lingering.len() > LINGERING
            && let Some(peer) = self.lingering.pop_front()
        {
            self.handle(now, Input::Ended { peer, ending: Ending::Lost });
        }
    }

    fn disappoint(&mut self, now: Timestamp, peer: PeerId, node: NodeId) {
        match self.random.between(0, 3) {
            0 => self.handle(now, Input::Ended { peer, ending: Ending::Unreachable }),
            1 => {
                let ip = any_address(&mut self.random).ip();
                self.handle(now, Input::Established { peer, node, ip });
                self.handle(now, Input::Unwanted { peer, messages: UNWANTED_MESSAGES + 1, bytes: 1 });
            }
            2 => {
                let end = SessionEnd::RemoteDisconnect(DisconnectReason::TooManyPeers);
                self.handle(now, Input::Ended { peer, ending: Ending::Session(end) });
            }
            _ => {
                let ip = any_address(&mut self.random).ip();
                self.handle(now, Input::Established { peer, node, ip });
                let (headers, bytes) = (192, 200_000);
                let (waited, latency) = (Duration::from_secs(1), Duration::from_millis(80));
                self.handle(now, Input::HeadersVerified { peer, headers, bytes, waited, latency });
            }
        }
    }
}
