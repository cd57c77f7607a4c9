//! How many bytes the whole peer layer holds under floods, all of them at once: discovery, the peer machine and every
//! session there may be, with the buffers and queues that the runtime adds. One test, as the allocator counts the whole
//! process.

use std::collections::VecDeque;

use rustock_core::{
    primitives::peer::PeerAddress,
    proto::{
        discovery::{Action, Input as DiscoveryInput},
        peers::{Input as PeerInput, SlotLimits},
        session::{Input, Stage, limits::LARGE_ANSWERS},
        time::Timestamp,
    },
    wire::{
        discovery::packet::MAX_PACKET_BYTES,
        rlpx::frame::{ALWAYS_HELD_FRAME, MAXIMUM_HELD_FRAME, MAXIMUM_SENT_FRAME},
        rsk::RskMessage,
    },
};
use rustock_test_support::chainkit::Random;
use rustock_tests::flood::{
    any_address,
    attempts::{self, Host},
    frames::{self, Connection, Remote},
    meter::{ALLOCATOR, Meter},
    packets::{self, PacketFlood},
};

#[global_allocator]
static GLOBAL: peak_alloc::PeakAlloc = ALLOCATOR;

/// What the peer layer may hold.
const LIMIT: usize = 8 * 1024 * 1024;
const PACKETS: u64 = 1_000_000;
const SIGNED_PACKETS: u64 = 5_000;
const ATTEMPTS: u64 = 10_000;
/// Events that may wait for the driver, as in the client.
const EVENTS_QUEUED: usize = 64;
/// Transactions in frames of their own, to each session.
const SMALL_FRAMES: usize = 500;

fn report(stage: &str, held: usize, peak: usize) {
    println!("{stage:<40} {:>6} KiB held, {:>6} KiB at the peak", held / 1024, peak / 1024);
}

#[test]
fn every_flood_at_once_takes_less_than_8_mib() {
    let mut meter = Meter::new();
    let mut highest = 0;
    let mut stage = |name: &str, meter: &mut Meter| {
        let (held, peak) = (meter.held(), meter.take_peak());
        meter.outside(|| report(name, held, peak));
        highest = highest.max(peak);
    };

    let mut host = Host::new(attempts::full_machine());
    stage("full book, 1,024 bans", &mut meter);
    host.suffer(ATTEMPTS);
    stage("10,000 connection attempts", &mut meter);

    let mut discovery = packets::fresh_machine();
    let packet_buffer = vec![0u8; MAX_PACKET_BYTES + 1];
    let mut flood = meter.outside(|| PacketFlood::new(&discovery.local_id(), 3));
    let mut heard = 0;
    flood.run(PACKETS, &mut discovery, &mut meter, |_, now, action| {
        if let Action::Found { node, address } = action {
            let address = PeerAddress::from_ip(address.ip(), address.port());
            // The times of the two floods are each their own.
            let now = host.now().saturating_add(now.since(Timestamp::ZERO));
            heard += 1;
            if heard % 16 == 0 {
                host.handle(now, PeerInput::Discovered { node, address });
            }
        }
    });
    let sizes = discovery.sizes();
    let counters = discovery.counters();
    meter.outside(|| println!("{sizes:?}, {counters:?}"));
    stage("a million discovery packets", &mut meter);
    assert!(sizes.nodes > 200, "the table is filled: {sizes:?}");
    assert!(sizes.requests > 256 && sizes.hints > 2_000 && sizes.sources == 1_024, "{sizes:?}");

    let mut signed = packets::signed_machine();
    let prepared = meter.outside(|| packets::signed_packets(64));
    let mut random = Random::new(4);
    for number in 0..SIGNED_PACKETS {
        let now = Timestamp::from_millis(number);
        let (from, packet) = (any_address(&mut random), &prepared[number as usize % prepared.len()]);
        signed.handle(now, DiscoveryInput::Received { from, packet });
        while signed.next_action().is_some() {}
    }
    assert!(signed.counters().sent > 500, "pings are answered: {:?}", signed.counters());
    stage("5,000 signed packets", &mut meter);

    let limits = SlotLimits::default();
    let strangers: Vec<Connection> = (0..limits.handshakes)
        .map(|_| {
            let mut connection = Connection::accepted();
            // The start of an auth packet as long as any may be.
            connection.receive(&[&[0x07, 0xff][..], &[0xee; 2_000]].concat(), &mut |_| {});
            assert_eq!(connection.stage(), Stage::ExpectAuth);
            connection
        })
        .chain((0..limits.dials as u64).map(|number| Connection::dialled(100 + number)))
        .collect();
    let sessions = limits.target + limits.spare + limits.inbound;
    let mut pairs: Vec<(Connection, Remote)> = Vec::with_capacity(sessions);
    for number in 0..sessions as u64 {
        pairs.push(Remote::connect(1 + number, &mut meter));
    }
    stage("28 sessions, 8 dials, 8 handshakes", &mut meter);

    // Answers that nobody asked for, as large as they come through, fill the queue to the driver.
    let mut queue: VecDeque<RskMessage> = VecDeque::new();
    let (small, usual, largest_allowed, unasked, huge_answer, honest) = meter.outside(|| {
        (
            frames::transactions(500),
            frames::transactions(131_072),
            frames::transactions(MAXIMUM_SENT_FRAME),
            frames::headers((ALWAYS_HELD_FRAME - 64) / 192).encode(),
            frames::headers((MAXIMUM_HELD_FRAME - 64) / 192).encode(),
            frames::status().encode(),
        )
    });
    for (number, (connection, remote)) in pairs.iter_mut().enumerate() {
        for _ in 0..SMALL_FRAMES {
            remote.write(connection, &mut meter, RskMessage::CODE, &small, &mut |_| panic!("read"));
        }
        for _ in 0..4 {
            remote.write(connection, &mut meter, RskMessage::CODE, &usual, &mut |_| panic!("read"));
            remote.write(connection, &mut meter, RskMessage::CODE, &unasked, &mut |message| {
                if queue.len() == EVENTS_QUEUED {
                    queue.pop_front();
                }
                queue.push_back(message);
            });
        }
        // A quarter of them, because encrypting 8 MiB is what takes the time here.
        if number.is_multiple_of(4) {
            remote.write(connection, &mut meter, RskMessage::CODE, &largest_allowed, &mut |_| panic!("read"));
        }
        remote.write(connection, &mut meter, RskMessage::CODE, &huge_answer, &mut |_| panic!("nobody asked"));
    }
    assert_eq!(queue.len(), EVENTS_QUEUED);
    stage("endless transactions, whole frames", &mut meter);

    // Each was asked for headers once, and now leaves a frame unfinished: an answer of the largest size, or
    // transactions. The driver forgets whom it asked long before.
    for number in 0..sessions {
        if let Some(earlier) = number.checked_sub(LARGE_ANSWERS) {
            pairs[earlier].0.order(Input::NothingAwaited);
        }
        let (connection, remote) = &mut pairs[number];
        connection.order(Input::Send(frames::request()));
        match number % 8 {
            0 => remote.begin(connection, &mut meter, &largest_allowed),
            _ => remote.begin(connection, &mut meter, &huge_answer),
        }
    }
    stage("unfinished frames in all sessions", &mut meter);

    // Nobody was refused, and each session goes on once its frame is whole.
    let mut answers = 0;
    for (number, (connection, remote)) in pairs.iter_mut().enumerate() {
        remote.finish(connection, &mut |_| answers += 1);
        let mut statuses = 0;
        remote.write(connection, &mut meter, RskMessage::CODE, &honest, &mut |_| statuses += 1);
        assert_eq!(
            (statuses, connection.stage(), &connection.end),
            (1, Stage::Established, &None),
            "{number}"
        );
    }
    assert_eq!(answers, LARGE_ANSWERS, "those of the peers asked last");
    stage("and finished", &mut meter);

    drop((packet_buffer, strangers));
    assert!(highest < LIMIT, "{highest} bytes at the peak, {LIMIT} are allowed");
    // What a meter cannot see it could not forbid: this is more than the machines need when nothing happens.
    assert!(highest > LIMIT / 4, "{highest} bytes: is the allocator counting?");
}
