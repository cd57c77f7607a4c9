//! What a flood makes the peer layer hold: discovery, peers and sessions together, in bytes that are allocated at once.
//!
//! The allocator of this binary counts, so it has this one test: everything on its thread counts, the flooders' own
//! memory and the packets that they repeat among it.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use rustock_core::{
    primitives::{
        hash::{BlockHash, NodeId},
        number::{BlockNumber, CumulativeDifficulty, UnixTime},
        peer::{PeerAddress, SavedPeers},
    },
    proto::{
        discovery::{self, Discovery, DiscoveryConfig, Identity},
        peers::{self, Ending, PeerConfig, PeerMachine},
        session::{self, Session, SessionConfig, SessionEnd, Stage},
        sync::PeerId,
        time::Timestamp,
    },
    wire::{
        discovery::{Endpoint, Message, MessageId, Ping, Pong, SignedMessage, encode_packet},
        rlpx::{ecies::EciesEntropy, entropy::HandshakeEntropy, keys::SecretKey, packet::HandshakeFormat},
        rsk::{BlockIdentifier, LegacyStatus, MessageKind, NewBlockHashes, RskMessage, Status},
    },
};
use rustock_test_support::chainkit::Random;

/// The most that may be held.
const LIMIT: isize = 8 * 1024 * 1024;
const NETWORK_ID: u32 = 775;

struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // Nothing is counted on a thread that is ending.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory that is allocated.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes held at once since `start`, above what was held then.
fn peak_since(start: isize) -> isize {
    PEAK.get() - start
}

fn key(number: u32) -> SecretKey {
    let mut bytes = [3; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(&bytes).expect("in range")
}

fn public_ip(number: u64) -> IpAddr {
    // Spread over the public part of the address space.
    let number = (number * 2_654_435_761) % 0x7000_0000;
    Ipv4Addr::from(0x1000_0000 + number as u32).into()
}

fn message_id(number: u64) -> MessageId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_random(bytes)
}

fn ping(endpoint: SocketAddr, number: u64, key: &SecretKey) -> Vec<u8> {
    let endpoint = Endpoint::from(endpoint);
    let ping = Ping { endpoint, message_id: message_id(number), network_id: Some(NETWORK_ID) };
    encode_packet(&Message::Ping(ping), key)
}

/// What is sent to an address now.
fn sent_to(machine: &mut Discovery, address: SocketAddr) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(action) = machine.next_action() {
        if let discovery::Action::Send { to, packet } = action
            && to == address
        {
            messages.push(SignedMessage::decode(&packet).expect("its own").into_message());
        }
    }
    messages
}

/// A million packets in a minute. An honest node that was known before is answered all the time.
fn flood_discovery(machine: &mut Discovery, random: &mut Random) {
    const PACKETS: u64 = 1_000_000;
    const MILLIS: u64 = 60_000;
    let honest = SocketAddr::new(public_ip(1), 5050);
    let received = |machine: &mut Discovery, millis: u64, from: SocketAddr, packet: &[u8]| {
        machine.handle(Timestamp::from_millis(millis), discovery::Input::Received { from, packet });
    };
    received(machine, 0, honest, &ping(honest, 1, &key(1)));
    let asked = sent_to(machine, honest);
    let Some(Message::Ping(question)) = asked.last() else { panic!("a ping: {asked:?}") };
    let pong = Pong {
        endpoint: Endpoint::from(honest),
        message_id: question.message_id,
        network_id: Some(NETWORK_ID),
    };
    received(machine, 0, honest, &encode_packet(&Message::Pong(pong), &key(1)));
    sent_to(machine, honest);

    let mut packets: Vec<Vec<u8>> = (2..66).map(|number| ping(honest, number, &key(number as u32))).collect();
    packets.extend((0..64).map(|number| vec![number; 8192]));
    let mut answered = 0;
    for number in 0..PACKETS {
        let millis = 1 + number * MILLIS / PACKETS;
        let from = SocketAddr::new(public_ip(random.next_u64() >> 34), 5050);
        let packet = &packets[random.between(0, 127) as usize];
        received(machine, millis, from, packet);
        sent_to(machine, honest);
        if number % 50_000 == 0 {
            let id = 1_000 + number;
            received(machine, millis, honest, &ping(honest, id, &key(1)));
            let answers = sent_to(machine, honest);
            answered += u64::from(answers.iter().any(|answer| answer.message_id() == message_id(id)));
        }
    }
    assert_eq!(answered, PACKETS / 50_000, "the honest node was not answered each time");
}

fn node(number: u64) -> NodeId {
    let mut id = [0; 64];
    id[..8].copy_from_slice(&number.to_be_bytes());
    NodeId::new(id)
}

/// What the machine asks for; connections that it wants closed are closed.
fn obey(machine: &mut PeerMachine, now: Timestamp) -> (Vec<PeerId>, Vec<(PeerId, NodeId)>) {
    let (mut admitted, mut dialled) = (Vec::new(), Vec::new());
    while let Some(action) = machine.next_action() {
        match action {
            peers::Action::Admit { peer, .. } => admitted.push(peer),
            peers::Action::Dial { peer, node, .. } => dialled.push((peer, node)),
            peers::Action::Disconnect { peer, reason, .. } => {
                let ending = Ending::Session(SessionEnd::LocalDisconnect(reason));
                machine.handle(now, peers::Input::Ended { peer, ending });
            }
            _ => {}
        }
    }
    (admitted, dialled)
}

/// Ten thousand connections, as many nodes found, and from whoever is let in what nobody asked for.
fn flood_peers(machine: &mut PeerMachine, random: &mut Random) {
    const KNOCKS: u64 = 10_000;
    let start = Timestamp::ZERO;
    let address = PeerAddress::from_ip(public_ip(1), 5050);
    machine.handle(start, peers::Input::Discovered { node: node(1), address });
    let (_, dialled) = obey(machine, start);
    let (honest, _) = dialled[0];
    machine.handle(start, peers::Input::Established { peer: honest, node: node(1), ip: public_ip(1) });
    for number in 0..KNOCKS {
        let now = Timestamp::from_millis(number * 100);
        let ip = public_ip(random.next_u64() >> 34);
        let found = PeerAddress::from_ip(public_ip(random.next_u64() >> 34), 5050);
        machine.handle(now, peers::Input::Discovered { node: node(100_000 + number), address: found });
        machine.handle(now, peers::Input::Incoming { ticket: number, ip });
        let (admitted, dialled) = obey(machine, now);
        for (peer, _) in dialled {
            machine.handle(now, peers::Input::Ended { peer, ending: Ending::Unreachable });
        }
        for peer in admitted {
            if random.one_in(2) {
                let stage = Stage::ExpectAuth;
                let ending = Ending::Session(SessionEnd::ConnectionClosed(stage));
                machine.handle(now, peers::Input::Ended { peer, ending });
                continue;
            }
            machine.handle(now, peers::Input::Established { peer, node: node(1_000_000 + number), ip });
            let bytes = 1_300_000;
            machine.handle(now, peers::Input::Unwanted { peer, messages: 13_000, bytes });
            machine.handle(now, peers::Input::Announced { peer, blocks: 7_000 });
        }
        machine.handle(now, peers::Input::TimerFired);
        obey(machine, now);
    }
    let served = machine.peers().into_iter().any(|view| view.peer == honest && view.node == Some(node(1)));
    assert!(served, "the honest peer has lost its slot");
    assert!(!machine.bans().is_empty(), "nobody was banned for the flood");
}

fn session_config() -> SessionConfig {
    let (genesis, difficulty) = (BlockHash::new([9; 32]), CumulativeDifficulty::new(1));
    SessionConfig {
        client_id: "test".to_owned(),
        listen_port: 0,
        auth_format: HandshakeFormat::Eip8,
        legacy_status: LegacyStatus {
            protocol_version: 62,
            network_id: NETWORK_ID,
            total_difficulty: difficulty,
            best_hash: genesis,
            genesis_hash: genesis,
        },
        status: status(),
        ping_interval: session::limits::PING_INTERVAL,
        silence_limit: session::limits::IDLE_LIMIT,
    }
}

fn status() -> Status {
    Status {
        number: BlockNumber::GENESIS,
        best_hash: BlockHash::new([9; 32]),
        parent_hash: BlockHash::ZERO,
        total_difficulty: CumulativeDifficulty::new(1),
    }
}

/// A connected pair: ours first.
fn connect(number: u32) -> (Session, Session) {
    let entropy = |number: u32| {
        let ecies = EciesEntropy { ephemeral_key: key(number), iv: [7; 16] };
        HandshakeEntropy::new(key(number + 1), [8; 32], ecies, vec![5; 120]).expect("allowed padding")
    };
    let (ours, theirs) = (key(number + 2), key(number + 3));
    let remote = theirs.public_key();
    let mut dialler = Session::dial(session_config(), ours, remote, entropy(number + 4), Timestamp::ZERO);
    let mut acceptor = Session::accept(session_config(), theirs, entropy(number + 6), Timestamp::ZERO);
    for _ in 0..4 {
        pass(&mut dialler, &mut acceptor);
        pass(&mut acceptor, &mut dialler);
    }
    assert_eq!((dialler.stage(), acceptor.stage()), (Stage::Established, Stage::Established));
    (dialler, acceptor)
}

/// Carries what one has written to the other; the messages that came out of the first.
fn pass(from: &mut Session, to: &mut Session) -> Vec<RskMessage> {
    let mut messages = Vec::new();
    while let Some(action) = from.next_action() {
        match action {
            session::Action::Write(bytes) => {
                to.handle(Timestamp::ZERO, session::Input::Received(&bytes));
            }
            session::Action::Message(message) => messages.push(message),
            _ => {}
        }
    }
    messages
}

/// Seven peers send transactions and announcements without end; an eighth is honest, and heard each time.
fn flood_sessions() -> Vec<Session> {
    const ROUNDS: u32 = 1_000;
    let mut pairs: Vec<(Session, Session)> = (0..8).map(|index| connect(1_000 + 10 * index)).collect();
    let identifiers: Vec<BlockIdentifier> = (0..64u8)
        .map(|byte| BlockIdentifier { hash: BlockHash::new([byte; 32]), number: BlockNumber::new(1) })
        .collect();
    let mut heard = 0;
    for _ in 0..ROUNDS {
        for (ours, theirs) in &mut pairs[1..] {
            let transactions = RskMessage::Ignored { kind: MessageKind::Transactions, size: 20_000 };
            let announced = NewBlockHashes { identifiers: identifiers.clone(), ignored: 0 };
            theirs.handle(Timestamp::ZERO, session::Input::Send(transactions));
            theirs.handle(Timestamp::ZERO, session::Input::Send(RskMessage::NewBlockHashes(announced)));
            pass(theirs, ours);
            pass(ours, theirs);
        }
        let (ours, theirs) = &mut pairs[0];
        theirs.handle(Timestamp::ZERO, session::Input::Send(RskMessage::Status(status())));
        pass(theirs, ours);
        let messages = pass(ours, theirs);
        heard += u32::from(messages.iter().any(|message| matches!(message, RskMessage::Status(_))));
    }
    assert_eq!(heard, ROUNDS, "the honest peer was not heard each time");
    for (ours, _) in &pairs[1..] {
        assert_eq!(ours.counters().ignored_frames, u64::from(ROUNDS));
    }
    pairs.into_iter().map(|(ours, _)| ours).collect()
}

#[test]
fn a_flood_of_everything_is_held_in_less_than_eight_mebibytes() {
    let start = LIVE.get();
    PEAK.set(start);
    let mut random = Random::new(11);
    let endpoint = SocketAddr::new(public_ip(0), 5050);
    let config = DiscoveryConfig { network_id: NETWORK_ID, boot_nodes: Vec::new(), local_networks: false };
    let identity = Identity { key: key(0), endpoint };
    let mut discovery = Discovery::new(config, identity, [1; 32], Timestamp::ZERO);
    let wall = UnixTime::from_secs(1_700_000_000);
    let mut peers = PeerMachine::new(PeerConfig::default(), SavedPeers::default(), 1, Timestamp::ZERO, wall);
    // One after the other, and nothing is let go before the end: what each of them holds adds up.
    flood_discovery(&mut discovery, &mut random);
    let after_discovery = (LIVE.get() - start, peak_since(start));
    flood_peers(&mut peers, &mut random);
    let after_peers = (LIVE.get() - start, peak_since(start));
    let sessions = flood_sessions();
    let after_sessions = (LIVE.get() - start, peak_since(start));
    println!(
        "bytes held and most at once: after discovery {after_discovery:?}, after peers {after_peers:?}, after \
         sessions {after_sessions:?}"
    );
    assert!(peak_since(start) > 0, "nothing was counted");
    assert!(peak_since(start) < LIMIT, "{} bytes at once", peak_since(start));
    drop((discovery, peers, sessions));
}
