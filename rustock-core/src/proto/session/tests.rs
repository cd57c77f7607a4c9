mod compression;
mod large_frames;
mod transitions;

use core::time::Duration;

use proptest::prelude::*;

use super::limits::{ANSWER_PATIENCE, IDLE_LIMIT, OUTGOING_BYTES, PING_INTERVAL};
use super::outbox::Outbox;
use super::*;
use crate::primitives::hash::BlockHash;
use crate::primitives::number::{BlockNumber, CumulativeDifficulty};
use crate::wire::error::MessageFault;
use crate::wire::p2p::Capability;
use crate::wire::rlpx::ack::seal_ack;
use crate::wire::rlpx::ecies::EciesEntropy;
use crate::wire::rlpx::frame::{ALWAYS_HELD_FRAME, FrameError, MAXIMUM_HELD_FRAME};
use crate::wire::rlpx::packet::{HandshakeError, HandshakeFormat};
use crate::wire::rlpx::secrets::{Role, Secrets, Transcript};
use crate::wire::rsk::{BlockHeadersRequest, GetBlock, MessageKind, RequestId, Status, seal};

const START: Timestamp = Timestamp::from_millis(1_000);

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).expect("in range")
}

fn entropy(byte: u8) -> HandshakeEntropy {
    let ecies = EciesEntropy { ephemeral_key: key(byte + 1), iv: [byte; 16] };
    HandshakeEntropy::new(key(byte + 2), [byte; 32], ecies, vec![byte; 100 + usize::from(byte)])
        .expect("allowed padding")
}

fn config() -> SessionConfig {
    let (genesis, difficulty) = (BlockHash::new([9; 32]), CumulativeDifficulty::new(1));
    SessionConfig {
        client_id: "test".to_owned(),
        listen_port: 0,
        auth_format: HandshakeFormat::Eip8,
        legacy_status: LegacyStatus {
            protocol_version: 62,
            network_id: 775,
            total_difficulty: difficulty,
            best_hash: genesis,
            genesis_hash: genesis,
        },
        status: Status {
            number: BlockNumber::GENESIS,
            best_hash: genesis,
            parent_hash: BlockHash::ZERO,
            total_difficulty: difficulty,
        },
        ping_interval: PING_INTERVAL,
        silence_limit: IDLE_LIMIT,
        compression: Compression::Off,
    }
}

fn dialler() -> Session {
    Session::dial(config(), key(1), key(2).public_key(), entropy(10), START)
}

fn acceptor() -> Session {
    Session::accept(config(), key(2), entropy(20), START)
}

fn actions(session: &mut Session) -> Vec<Action> {
    core::iter::from_fn(|| session.next_action()).collect()
}

/// Takes all actions; the bytes among them in one piece.
fn written(session: &mut Session) -> Vec<u8> {
    let taken = actions(session).into_iter();
    taken.flat_map(|action| if let Action::Write(bytes) = action { bytes } else { Vec::new() }).collect()
}

/// A session at `stage` and the stream by which its remote writes to it. Before the session has keys there is
/// no such stream, and the remote's bytes are those of an unrelated one.
fn session_at(stage: Stage) -> (Session, Box<Link>) {
    let (mut session, mut link) = greeted();
    match stage {
        Stage::ExpectAuth => session = acceptor(),
        Stage::ExpectAck => session = dialler(),
        Stage::ExpectHello => {}
        Stage::Established => give_frame(&mut session, &mut link, 0x00, &hello(4, &[("rsk", 62)])),
        Stage::Ended => session.handle(START, Input::ConnectionClosed),
    }
    actions(&mut session);
    assert_eq!(session.stage(), stage);
    (session, link)
}

/// A session that waits for Hello, and the stream of a remote that has written nothing after its ack.
fn greeted() -> (Session, Box<Link>) {
    greeted_with(config())
}

fn greeted_with(config: SessionConfig) -> (Session, Box<Link>) {
    let mut session = Session::dial(config, key(1), key(2).public_key(), entropy(10), START);
    let auth_packet = written(&mut session);
    let (ours, theirs) = (entropy(10), entropy(20));
    let ack_packet = seal_ack(HandshakeFormat::Eip8, &key(1).public_key(), &theirs);
    let agreement = theirs.ephemeral_key().agree(&ours.ephemeral_key().public_key());
    let secrets = Secrets::derive(&agreement, ours.nonce(), theirs.nonce());
    let transcript = Transcript {
        initiator_nonce: ours.nonce(),
        responder_nonce: theirs.nonce(),
        auth_packet: &auth_packet,
        ack_packet: &ack_packet,
    };
    session.handle(START, Input::Received(&ack_packet));
    (session, Link::new(&secrets, Role::Responder, &transcript))
}

fn frame(link: &mut Link, code: u8, payload: &[u8]) -> Vec<u8> {
    link.encoder().encode(code, payload).expect("small enough")
}

fn hello(p2p_version: u32, capabilities: &[(&str, u32)]) -> Vec<u8> {
    let capability =
        |(name, version): &(&str, u32)| Capability { name: (*name).to_owned(), version: *version };
    Hello {
        p2p_version,
        client_id: "remote".to_owned(),
        capabilities: capabilities.iter().map(capability).collect(),
        listen_port: 5050,
        node_id: NodeId::new([7; 64]),
    }
    .encode()
}

fn legacy(change: fn(&mut LegacyStatus)) -> Vec<u8> {
    let mut status = config().legacy_status;
    change(&mut status);
    status.encode()
}

fn request() -> RskMessage {
    RskMessage::GetBlock(GetBlock { hash: BlockHash::new([3; 32]) })
}

/// A request whose answer may be large.
fn large_request() -> RskMessage {
    let (id, hash) = (RequestId::new(1).expect("small"), BlockHash::new([3; 32]));
    RskMessage::BlockHeadersRequest(BlockHeadersRequest { id, hash, count: 192 })
}

/// What a session did with an input, in a few words.
fn outcome(session: &mut Session) -> String {
    let mut words: Vec<String> = actions(session)
        .into_iter()
        .map(|action| match action {
            Action::Write(bytes) => format!("write {}", bytes.len()),
            Action::Established { .. } => "established".to_owned(),
            Action::LegacyStatus(_) => "legacy status".to_owned(),
            Action::Message(message) => format!("message {}", message.kind()),
            Action::Close(SessionEnd::Fault(fault)) => format!("fault: {fault}"),
            Action::Close(end) => format!("end: {end}"),
        })
        .collect();
    words.push(
        match session.stage() {
            Stage::ExpectAuth => "auth?",
            Stage::ExpectAck => "ack?",
            Stage::ExpectHello => "hello?",
            Stage::Established => "established",
            Stage::Ended => "ended",
        }
        .to_owned(),
    );
    words.join("; ")
}

fn give_frame(session: &mut Session, link: &mut Link, code: u8, payload: &[u8]) {
    let bytes = frame(link, code, payload);
    session.handle(START, Input::Received(&bytes));
}

const STAGES: [Stage; 5] =
    [Stage::ExpectAuth, Stage::ExpectAck, Stage::ExpectHello, Stage::Established, Stage::Ended];

#[test]
fn faults_tell_the_remote_why_and_say_who_is_to_blame() {
    let zero = BlockHash::ZERO;
    for (fault, reason, blame) in [
        (SessionFault::SecondHello, Some(0x00), Blame::Remote),
        (SessionFault::Frame(FrameError::HeaderMac), Some(0x02), Blame::Remote),
        (SessionFault::UnassignedCode { code: 0x11 }, Some(0x02), Blame::Remote),
        (SessionFault::FirstMessageNotHello { code: 2 }, Some(0x02), Blame::Remote),
        (SessionFault::MissingCapability, Some(0x03), Blame::Remote),
        (SessionFault::P2pVersion { actual: 3 }, Some(0x06), Blame::Remote),
        (SessionFault::ProtocolVersion { expected: 62, actual: 63 }, Some(0x06), Blame::Remote),
        (SessionFault::NetworkId { expected: 1, actual: 2 }, Some(0x07), Blame::Remote),
        (SessionFault::Genesis { expected: zero, actual: zero }, Some(0x11), Blame::Remote),
        (SessionFault::OutgoingFull { waiting: 2, limit: 1 }, None, Blame::Remote),
        (SessionFault::Handshake(HandshakeError::LegacyFlag { actual: 2 }), None, Blame::Remote),
        (SessionFault::SentTooEarly { stage: Stage::ExpectAck }, Some(0x08), Blame::Local),
        (SessionFault::NothingToSend { kind: MessageKind::Block }, Some(0x08), Blame::Local),
    ] {
        assert_eq!(fault.disconnect_reason().map(DisconnectReason::code), reason, "{fault}");
        assert_eq!(fault.blame(), blame, "{fault}");
    }
}

/// Two sessions and the bytes between them.
struct Conversation {
    sides: [Session; 2],
    on_the_way: [Vec<u8>; 2],
    seen: [Vec<Action>; 2],
}

impl Conversation {
    fn new(ours: Session, theirs: Session) -> Self {
        Self { sides: [ours, theirs], on_the_way: Default::default(), seen: Default::default() }
    }

    fn collect(&mut self) {
        for (side, session) in self.sides.iter_mut().enumerate() {
            for action in actions(session) {
                match action {
                    Action::Write(bytes) => self.on_the_way[1 - side].extend(bytes),
                    other => self.seen[side].push(other),
                }
            }
        }
    }

    /// Delivers what is on the way in pieces of the given sizes, in turn, until nothing moves.
    fn run(&mut self, pieces: &[usize]) {
        let mut pieces = pieces.iter().copied().cycle();
        self.collect();
        while self.on_the_way.iter().any(|bytes| !bytes.is_empty()) {
            for side in 0..2 {
                let size = pieces.next().expect("endless").min(self.on_the_way[side].len());
                let piece: Vec<u8> = self.on_the_way[side].drain(..size).collect();
                self.sides[side].handle(START, Input::Received(&piece));
                self.collect();
            }
        }
    }

    fn ends(&self) -> [Option<&SessionEnd>; 2] {
        [0, 1].map(|side| match self.seen[side].last() {
            Some(Action::Close(end)) => Some(end),
            _ => None,
        })
    }
}

/// What a side sees of a meeting that goes well.
fn meeting(remote: &SecretKey) -> Vec<Action> {
    vec![
        Action::Established { node_id: remote.node_id(), hello: config().hello(remote.node_id()) },
        Action::LegacyStatus(config().legacy_status),
        Action::Message(RskMessage::Status(config().status)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_sessions_meet_however_their_bytes_are_cut(
        pieces in proptest::collection::vec(1usize..600, 1..12), legacy: bool, messages in 0usize..5,
    ) {
        let mut config = config();
        config.auth_format = if legacy { HandshakeFormat::Legacy } else { HandshakeFormat::Eip8 };
        let ours = Session::dial(config, key(1), key(2).public_key(), entropy(10), START);
        let mut conversation = Conversation::new(ours, acceptor());
        conversation.run(&pieces);
        prop_assert_eq!(&conversation.seen[0], &meeting(&key(2)));
        prop_assert_eq!(&conversation.seen[1], &meeting(&key(1)));
        prop_assert_eq!(conversation.sides[0].remote(), Some(key(2).node_id()));

        for _ in 0..messages {
            conversation.sides[0].handle(START, Input::Send(request()));
        }
        conversation.sides[1].handle(START, Input::Disconnect(DisconnectReason::PeerQuitting));
        conversation.collect();
        let (ours, theirs) = (conversation.sides[0].counters(), conversation.sides[1].counters());
        prop_assert_eq!(ours.bytes_in + conversation.on_the_way[0].len() as u64, theirs.bytes_out);
        prop_assert_eq!(theirs.bytes_in + conversation.on_the_way[1].len() as u64, ours.bytes_out);
        conversation.run(&pieces);
        prop_assert_eq!(conversation.ends(), [
            Some(&SessionEnd::RemoteDisconnect(DisconnectReason::PeerQuitting)),
            Some(&SessionEnd::LocalDisconnect(DisconnectReason::PeerQuitting)),
        ]);
    }

    #[test]
    fn messages_arrive_in_order(pieces in proptest::collection::vec(1usize..600, 1..12), count in 1u8..20) {
        let mut conversation = Conversation::new(dialler(), acceptor());
        conversation.run(&[1_000]);
        let message = |number| RskMessage::GetBlock(GetBlock { hash: BlockHash::new([number; 32]) });
        for number in 0..count {
            conversation.sides[0].handle(START, Input::Send(message(number)));
        }
        conversation.run(&pieces);
        let sent: Vec<Action> = (0..count).map(|number| Action::Message(message(number))).collect();
        prop_assert_eq!(&conversation.seen[1][3..], &sent[..]);
    }

    #[test]
    fn a_changed_byte_anywhere_is_a_fault_of_the_remote_or_waited_for(
        position in 0usize..900, flip in 1u8.., to_acceptor: bool, legacy: bool, piece in 1usize..600,
    ) {
        let mut config = config();
        config.auth_format = if legacy { HandshakeFormat::Legacy } else { HandshakeFormat::Eip8 };
        let ours = Session::dial(config, key(1), key(2).public_key(), entropy(10), START);
        let mut conversation = Conversation::new(ours, acceptor());
        let victim = usize::from(to_acceptor);
        let mut passed = 0;
        conversation.collect();
        for _ in 0..2_000 {
            for side in 0..2 {
                let size = piece.min(conversation.on_the_way[side].len());
                let mut bytes: Vec<u8> = conversation.on_the_way[side].drain(..size).collect();
                if side == victim {
                    if (passed..passed + size).contains(&position) {
                        bytes[position - passed] ^= flip;
                    }
                    passed += size;
                }
                conversation.sides[side].handle(START, Input::Received(&bytes));
                conversation.collect();
            }
        }
        if passed <= position {
            return Ok(());
        }
        match conversation.ends()[victim] {
            Some(SessionEnd::Fault(fault)) => prop_assert_eq!(fault.blame(), Blame::Remote),
            Some(SessionEnd::RemoteDisconnect(_)) => prop_assert!(false, "the other side saw it first"),
            Some(end) => prop_assert!(false, "{end}"),
            // A handshake packet that now seems to be longer: more is waited for, until the deadline.
            None => {
                prop_assert!(position < 2 || legacy);
                prop_assert!(conversation.sides[victim].stage() < Stage::ExpectHello);
            },
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3_000), piece in 1usize..500) {
        for stage in STAGES {
            let (mut session, _) = session_at(stage);
            for bytes in bytes.chunks(piece) {
                session.handle(START, Input::Received(bytes));
            }
            if session.stage() > Stage::ExpectAck && bytes.len() >= 32 {
                prop_assert_eq!(session.stage(), Stage::Ended);
            }
        }
    }
}

#[test]
fn a_peer_of_another_network_is_told_so() {
    for (change, theirs, reason) in [
        (
            (|status| status.network_id = 8100) as fn(&mut LegacyStatus),
            SessionFault::NetworkId { expected: 8100, actual: 775 },
            DisconnectReason::NullIdentity,
        ),
        (
            |status| status.genesis_hash = BlockHash::ZERO,
            SessionFault::Genesis { expected: BlockHash::ZERO, actual: config().legacy_status.genesis_hash },
            DisconnectReason::UnexpectedGenesis,
        ),
        (
            |status| status.protocol_version = 63,
            SessionFault::ProtocolVersion { expected: 63, actual: 62 },
            DisconnectReason::IncompatibleProtocol,
        ),
    ] {
        let mut other = config();
        change(&mut other.legacy_status);
        let acceptor = Session::accept(other, key(2), entropy(20), START);
        let mut conversation = Conversation::new(dialler(), acceptor);
        // The acceptor hears everything before it says more than Hello: only its fault decides.
        conversation.collect();
        for side in [1, 0, 1] {
            let bytes = core::mem::take(&mut conversation.on_the_way[side]);
            conversation.sides[side].handle(START, Input::Received(&bytes));
            conversation.collect();
        }
        assert_eq!(conversation.ends()[1], Some(&SessionEnd::Fault(theirs)));
        assert_eq!(conversation.seen[0].len(), 1, "only established so far");
        // Behind its own Status messages comes the reason.
        let bytes = core::mem::take(&mut conversation.on_the_way[0]);
        assert_eq!(told(&mut conversation.sides[0], &bytes), reason);
    }
}

/// The reason in the last frame of `bytes`, read past whatever comes before it.
fn told(session: &mut Session, bytes: &[u8]) -> DisconnectReason {
    let State::Established(established) = &mut session.state else { panic!("established") };
    let mut input = bytes;
    let mut last = None;
    while let Ok(Some(received)) = established.link.receive(&mut input, &mut Outbox::default()) {
        last = Some(received);
    }
    let Some(crate::wire::rlpx::frame::Received::Message(frame)) = last else { panic!("no message") };
    assert_eq!(frame.code(), P2pMessage::DISCONNECT);
    DisconnectReason::decode(frame.payload()).expect("canonical")
}

/// A client's own limit: a Ping that nothing answers within half a minute, not even a Pong, went into the void.
#[test]
fn a_client_gives_a_half_open_connection_up_half_a_minute_after_its_ping() {
    use super::limits::CLIENT_SILENCE_LIMIT;
    assert_eq!(CLIENT_SILENCE_LIMIT, PING_INTERVAL + Duration::from_secs(30));
    let config = SessionConfig { silence_limit: CLIENT_SILENCE_LIMIT, ..config() };
    let (mut session, mut link) = greeted_with(config);
    give_frame(&mut session, &mut link, 0x00, &hello(4, &[("rsk", 62)]));
    actions(&mut session);
    session.handle(START.saturating_add(PING_INTERVAL), Input::TimerFired);
    assert!(matches!(actions(&mut session).pop(), Some(Action::Write(_))), "a Ping");
    let pong = START.saturating_add(CLIENT_SILENCE_LIMIT - Duration::from_millis(1));
    session.handle(pong, Input::Received(&frame(&mut link, 0x03, &[0xc0])));
    session.handle(START.saturating_add(CLIENT_SILENCE_LIMIT), Input::TimerFired);
    assert_eq!(session.stage(), Stage::Established, "it was answered");
    session.handle(pong.saturating_add(CLIENT_SILENCE_LIMIT), Input::TimerFired);
    let end = actions(&mut session).pop();
    assert_eq!(end, Some(Action::Close(SessionEnd::TimedOut(Stage::Established))));
}

#[test]
fn a_silent_peer_is_pinged_and_given_up_after_five_minutes() {
    let (mut session, mut link) = session_at(Stage::Established);
    let mut pings = 0;
    let end = loop {
        let now = session.next_timeout().expect("not ended");
        session.handle(now, Input::TimerFired);
        match actions(&mut session).pop() {
            Some(Action::Write(_)) => pings += 1,
            Some(Action::Close(end)) => break (now, end),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(pings, 4);
    assert_eq!(end, (START.saturating_add(IDLE_LIMIT), SessionEnd::TimedOut(Stage::Established)));

    // A byte a moment before the end and the five minutes begin anew, whatever the byte.
    let (mut session, _) = session_at(Stage::Established);
    let late = START.saturating_add(IDLE_LIMIT - Duration::from_millis(1));
    session.handle(late, Input::Received(&frame(&mut link, 0x03, &[0xc0])[..1]));
    session.handle(START.saturating_add(IDLE_LIMIT), Input::TimerFired);
    assert_eq!(session.stage(), Stage::Established);
    assert_eq!(session.next_timeout(), Some(late.saturating_add(PING_INTERVAL)));
}

#[test]
fn dripping_bytes_do_not_move_the_handshake_deadline() {
    let mut session = acceptor();
    let packet = written(&mut dialler());
    session.handle(
        START.saturating_add(HANDSHAKE_DEADLINE - Duration::from_millis(1)),
        Input::Received(&packet[..9]),
    );
    assert_eq!(session.stage(), Stage::ExpectAuth);
    session.handle(START.saturating_add(HANDSHAKE_DEADLINE), Input::Received(&packet[9..]));
    assert_eq!(actions(&mut session), [Action::Close(SessionEnd::TimedOut(Stage::ExpectAuth))]);
}

#[test]
fn a_peer_that_does_not_read_is_dropped_at_the_limit() {
    const PONG: usize = 64;
    let (mut session, mut link) = session_at(Stage::Established);
    for _ in 0..OUTGOING_BYTES / PONG {
        give_frame(&mut session, &mut link, 0x02, &[0xc0]);
    }
    assert_eq!(session.stage(), Stage::Established);
    give_frame(&mut session, &mut link, 0x02, &[0xc0]);
    let fault = SessionFault::OutgoingFull { waiting: OUTGOING_BYTES + PONG, limit: OUTGOING_BYTES };
    assert_eq!(actions(&mut session), [Action::Close(SessionEnd::Fault(fault))], "nothing more is written");

    let (mut session, mut link) = session_at(Stage::Established);
    for _ in 0..2 * OUTGOING_BYTES / PONG {
        give_frame(&mut session, &mut link, 0x02, &[0xc0]);
        assert!(matches!(session.next_action(), Some(Action::Write(_))), "what is taken does not count");
    }
    assert_eq!(session.stage(), Stage::Established);
}
