//! Does anything slow down for an honest peer while everybody else floods? The same piece of work in a machine that
//! knows nobody else, and in one whose tables are full of what a flood leaves behind.
//!
//! Run with `cargo bench -p rustock-tests --bench flood`.

use std::time::{Duration, Instant};

use core::net::SocketAddr;

use rustock_core::{
    primitives::hash::NodeId,
    proto::{
        discovery::{Action, Discovery, Input, Packets},
        peers::Input as PeerInput,
        session::Input as SessionInput,
        sync::PeerId,
        time::Timestamp,
    },
    wire::{
        discovery::{FindNode, Message, MessageId},
        rsk::RskMessage,
    },
};
use rustock_test_support::sim::network::{UnsignedPackets, packet_of};
use rustock_tests::flood::{
    address_in,
    attempts::{self, Host},
    frames::{self, Remote},
    meter::Meter,
    packets::{self, PacketFlood, ping, pong},
};

/// Runs of each piece of work; the median counts.
const RUNS: usize = 2_001;
const REQUESTS: usize = 501;
const PACKETS: u64 = 200_000;
/// Packets of the flood, and milliseconds, from one request to the next: as fast as one source is listened to.
const BETWEEN: u64 = 130;
const ATTEMPTS: u64 = 10_000;
const HONEST: NodeId = NodeId::new([0x42; 64]);

fn main() {
    discovery();
    peers();
    sessions();
}

fn report(what: &str, alone: Duration, flooded: Duration) {
    let ratio = flooded.as_secs_f64() / alone.as_secs_f64();
    println!("{what:<46} {alone:>10.2?} alone, {flooded:>10.2?} in the flood, {ratio:.2} times");
}

fn median(runs: usize, mut work: impl FnMut(usize) -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..runs).map(&mut work).collect();
    times.sort_unstable();
    times[runs / 2]
}

/// An honest node in the table of a machine.
struct Neighbour {
    machine: Discovery<UnsignedPackets>,
    address: SocketAddr,
    now: Timestamp,
}

impl Neighbour {
    fn of(machine: Discovery<UnsignedPackets>, now: Timestamp) -> Self {
        let mut neighbour = Self { machine, address: address_in(39_000, 5), now };
        let packet = packet_of(&ping(neighbour.address, MessageId::from_random([1; 16])), &HONEST);
        neighbour.ask(&packet);
        neighbour
    }

    /// How long a request takes that is answered. What it is asked in turn it answers as well.
    fn ask(&mut self, packet: &[u8]) -> Duration {
        let start = Instant::now();
        self.machine.handle(self.now, Input::Received { from: self.address, packet });
        let mut sent = Vec::new();
        while let Some(action) = self.machine.next_action() {
            if let Action::Send { to, packet } = action
                && to == self.address
            {
                sent.push(packet);
            }
        }
        let time = start.elapsed();
        let answers = sent.iter().filter(|packet| self.answer(packet)).count();
        assert!(answers > 0, "it is answered");
        time
    }

    /// Answers what the machine asks; true when it was itself an answer.
    fn answer(&mut self, packet: &[u8]) -> bool {
        match UnsignedPackets::open(packet) {
            Ok((_, Message::Ping(asked))) => {
                let packet = packet_of(&pong(self.address, asked.message_id), &HONEST);
                self.machine.handle(self.now, Input::Received { from: self.address, packet: &packet });
                while self.machine.next_action().is_some() {}
                false
            }
            Ok((_, message)) => matches!(message, Message::Pong(_) | Message::Neighbors(_)),
            Err(_) => false,
        }
    }

    /// So many packets of a flood go by, which has its time.
    fn pass(&mut self, flood: &mut PacketFlood, packets: u64) {
        let (mut asked, address) = (Vec::new(), self.address);
        flood.run(packets, &mut self.machine, &mut Meter::new(), |_, _, action| match action {
            Action::Send { to, packet } if to == address => asked.push(packet),
            _ => {}
        });
        self.now = flood.now();
        for packet in asked {
            self.answer(&packet);
        }
    }
}

fn discovery() {
    let now = Timestamp::from_millis(1_000);
    let mut alone = Neighbour::of(packets::fresh_machine(), now);
    let mut flooded = Neighbour::of(packets::fresh_machine(), now);
    let mut flood = PacketFlood::new(&flooded.machine.local_id(), 3);
    for _ in 0..PACKETS / BETWEEN {
        flooded.pass(&mut flood, BETWEEN);
    }
    println!("flooded: {:?}", flooded.machine.sizes());
    let message_id = MessageId::from_random([9; 16]);
    let ping = packet_of(&ping(alone.address, message_id), &HONEST);
    let find = FindNode { target: vec![1; 64], message_id, network_id: Some(775) };
    let find = packet_of(&Message::FindNode(find), &HONEST);
    for (what, packet) in [("a ping is answered", &ping), ("a find-node is answered", &find)] {
        let alone = median(REQUESTS, |_| {
            alone.now = alone.now.saturating_add(Duration::from_millis(BETWEEN));
            alone.ask(packet)
        });
        let flooded = median(REQUESTS, |_| {
            flooded.pass(&mut flood, BETWEEN);
            flooded.ask(packet)
        });
        report(what, alone, flooded);
    }
    println!("flooded: {:?}", flooded.machine.sizes());
}

/// How long an input of an honest peer takes.
fn peer_input(mut host: Host, are_places_taken: bool, input: impl Fn(PeerId) -> PeerInput) -> Duration {
    host.change_network();
    if are_places_taken {
        host.connect_all();
    }
    let peer = host.welcome(address_in(38_000, 4).ip()).expect("a place");
    let start = host.now();
    median(RUNS, |run| {
        let now = start.saturating_add(Duration::from_millis(run as u64));
        let start = Instant::now();
        host.machine.handle(now, input(peer));
        while host.machine.next_action().is_some() {}
        start.elapsed()
    })
}

fn peers() {
    let verified = |peer| PeerInput::HeadersVerified {
        peer,
        headers: 192,
        bytes: 200_000,
        waited: Duration::from_secs(1),
        latency: Duration::from_millis(80),
    };
    let alone = || Host::new(attempts::fresh_machine());
    let flooded = || {
        let mut host = Host::new(attempts::full_machine());
        host.suffer(ATTEMPTS);
        host
    };
    for (what, are_places_taken) in [
        ("headers were verified, all places taken", true),
        ("headers were verified, looking for peers", false),
    ] {
        let alone = peer_input(alone(), are_places_taken, verified);
        report(what, alone, peer_input(flooded(), are_places_taken, verified));
    }
}

/// An answer of 192 headers from an honest peer, alone and with 23 others that send transactions all the time.
fn sessions() {
    const ANSWERS: usize = 101;
    let mut meter = Meter::new();
    let answer = frames::headers(1_140).encode();
    let transactions = frames::transactions(131_072);
    let mut time_with = |others: u64| {
        let (mut honest, mut remote) = Remote::connect(1, &mut meter);
        let mut hostile: Vec<_> = (0..others).map(|number| Remote::connect(2 + number, &mut meter)).collect();
        median(ANSWERS, |_| {
            for (connection, remote) in &mut hostile {
                remote.write(connection, &mut meter, RskMessage::CODE, &transactions, &mut |_| {});
            }
            honest.order(SessionInput::Send(frames::request()));
            let mut messages = 0;
            let frame = remote.seal(RskMessage::CODE, &answer);
            let start = Instant::now();
            honest.receive(&frame, &mut |_| messages += 1);
            let time = start.elapsed();
            assert_eq!(messages, 1);
            time
        })
    };
    report("an answer of 192 headers is read", time_with(0), time_with(23));
}
