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
        peers::{Input as PeerInput, PeerMachine},
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
const PACKETS: u64 = 200_000;
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
    fn of(mut machine: Discovery<UnsignedPackets>, now: Timestamp) -> Self {
        let address = address_in(39_000, 5);
        let packet = packet_of(&ping(address, MessageId::from_random([1; 16])), &HONEST);
        machine.handle(now, Input::Received { from: address, packet: &packet });
        while let Some(action) = machine.next_action() {
            if let Action::Send { to, packet } = action
                && to == address
                && let Ok((_, Message::Ping(asked))) = UnsignedPackets::open(&packet)
            {
                let packet = packet_of(&pong(address, asked.message_id), &HONEST);
                machine.handle(now, Input::Received { from: address, packet: &packet });
            }
        }
        Self { machine, address, now }
    }

    /// How long a request takes that is answered.
    fn ask(&mut self, packet: &[u8]) -> Duration {
        // Slow enough for its own budget.
        self.now = self.now.saturating_add(Duration::from_millis(200));
        let start = Instant::now();
        self.machine.handle(self.now, Input::Received { from: self.address, packet });
        let mut answers = 0;
        while let Some(action) = self.machine.next_action() {
            answers += usize::from(matches!(action, Action::Send { to, .. } if to == self.address));
        }
        let time = start.elapsed();
        assert!(answers > 0, "it is answered");
        time
    }
}

fn discovery() {
    let mut flooded = packets::fresh_machine();
    let mut flood = PacketFlood::new(&flooded.local_id(), 3);
    flood.run(PACKETS, &mut flooded, &mut Meter::new(), |_, _, _| {});
    println!("flooded: {:?}", flooded.sizes());
    let mut alone = Neighbour::of(packets::fresh_machine(), Timestamp::from_millis(1_000));
    let mut flooded = Neighbour::of(flooded, flood.now());
    let message_id = MessageId::from_random([9; 16]);
    let ping = packet_of(&ping(alone.address, message_id), &HONEST);
    let find = FindNode { target: vec![1; 64], message_id, network_id: Some(775) };
    let find = packet_of(&Message::FindNode(find), &HONEST);
    for (what, packet) in [("a ping is answered", &ping), ("a find-node is answered", &find)] {
        report(what, median(RUNS, |_| alone.ask(packet)), median(RUNS, |_| flooded.ask(packet)));
    }
}

/// An honest peer, and how long an input of its takes.
fn peer_input(machine: PeerMachine, attempts: u64, input: impl Fn(PeerId) -> PeerInput) -> Duration {
    let mut host = Host::new(machine);
    host.suffer(attempts);
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
    let announced = |peer| PeerInput::Announced { peer, blocks: 1 };
    for (what, alone, flooded) in [
        (
            "headers of a peer were verified",
            peer_input(attempts::fresh_machine(), 0, verified),
            peer_input(attempts::full_machine(), ATTEMPTS, verified),
        ),
        (
            "a peer has announced a block",
            peer_input(attempts::fresh_machine(), 0, announced),
            peer_input(attempts::full_machine(), ATTEMPTS, announced),
        ),
    ] {
        report(what, alone, flooded);
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
