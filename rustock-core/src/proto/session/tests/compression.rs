//! Compression between peers that both offer it, and nothing of it with any other.

use super::*;
use crate::wire::rlpx::snappy::{SnappyError, compress};
use crate::wire::rsk::{BlockHeadersResponse, RawList, RequestId};

const RSK: (&str, u32) = ("rsk", 62);
const SNAPPY: (&str, u32) = ("rustock-snappy", 1);

fn config_with(compression: Compression) -> SessionConfig {
    SessionConfig { compression, ..config() }
}

fn conversation(ours: Compression, theirs: Compression) -> Conversation {
    let ours = Session::dial(config_with(ours), key(1), key(2).public_key(), entropy(10), START);
    let mut conversation =
        Conversation::new(ours, Session::accept(config_with(theirs), key(2), entropy(20), START));
    conversation.run(&[300]);
    conversation
}

/// A session that offers compression and was greeted with these capabilities; and its remote's stream.
fn offering(capabilities: &[(&str, u32)]) -> (Session, Box<Link>) {
    let (mut session, mut link) = greeted_with(config_with(Compression::Capability));
    give_frame(&mut session, &mut link, 0x00, &hello(4, capabilities));
    (session, link)
}

/// One that compresses from now on.
fn compressing() -> (Session, Box<Link>) {
    let (mut session, link) = offering(&[RSK, SNAPPY]);
    actions(&mut session);
    (session, link)
}

/// Headers that shrink to next to nothing.
fn headers(count: usize) -> RskMessage {
    let header = RawList::new([&[0xf9, 0x02, 0x00][..], &[0; 0x200]].concat()).expect("a list");
    RskMessage::BlockHeadersResponse(BlockHeadersResponse {
        id: RequestId::new(1).expect("small"),
        headers: vec![header; count],
    })
}

#[test]
fn two_peers_that_offer_it_compress_everything_after_hello() {
    let mut conversation = conversation(Compression::Capability, Compression::Capability);
    let [ours, theirs] = &conversation.seen;
    for seen in [ours, theirs] {
        let Action::Established { hello, .. } = &seen[0] else { panic!("greeted first") };
        assert_eq!(hello.p2p_version, 4);
        let offered: Vec<_> = hello.capabilities.iter().map(|one| (one.name.as_str(), one.version)).collect();
        assert_eq!(offered, [RSK, SNAPPY]);
        assert_eq!(seen[1..], meeting(&key(2))[1..], "what is compressed comes out as it went in");
    }
    let message = headers(50);
    conversation.sides[0].handle(START, Input::Send(large_request()));
    conversation.sides[1].handle(START, Input::Send(message.clone()));
    conversation.run(&[300]);
    assert_eq!(conversation.seen[0].last(), Some(&Action::Message(message.clone())));
    let plain = message.encode().len() as u64 + 1;
    let (received, sent) = (
        conversation.sides[0].traffic().of(MessageClass::Headers),
        conversation.sides[1].traffic().of(MessageClass::Headers),
    );
    assert_eq!(
        (received.messages_in, received.bytes_in),
        (1, sent.bytes_out),
        "both count what is on the wire"
    );
    assert!(received.bytes_in * 10 < plain, "{} of {plain} bytes", received.bytes_in);

    conversation.sides[0].handle(START, Input::Disconnect(DisconnectReason::PeerQuitting));
    conversation.run(&[300]);
    let quitting = SessionEnd::RemoteDisconnect(DisconnectReason::PeerQuitting);
    assert_eq!(conversation.ends()[1], Some(&quitting));
}

#[test]
fn nothing_is_compressed_unless_both_offer_it() {
    let (off, on) = (Compression::Off, Compression::Capability);
    for (ours, theirs) in [(on, off), (off, on), (off, off)] {
        let mut conversation = conversation(ours, theirs);
        let message = headers(50);
        conversation.sides[0].handle(START, Input::Send(large_request()));
        conversation.sides[1].handle(START, Input::Send(message.clone()));
        conversation.run(&[300]);
        assert_eq!(conversation.seen[0].last(), Some(&Action::Message(message.clone())));
        let plain = message.encode().len() as u64 + 1;
        assert_eq!(conversation.sides[0].traffic().of(MessageClass::Headers).bytes_in, plain);
        assert_eq!(conversation.sides[1].traffic().of(MessageClass::Headers).bytes_out, plain);
    }
}

#[test]
fn who_does_not_offer_it_says_the_hello_of_before() {
    let plain = config().hello(key(1).node_id());
    assert_eq!(plain.encode()[2..], hello_of("test", key(1).node_id())[2..]);
    let offering = config_with(Compression::Capability).hello(key(1).node_id());
    let without = Hello { capabilities: offering.capabilities[..1].to_vec(), ..offering };
    assert_eq!(without, plain, "the capability comes last, and is all that is different");
}

fn hello_of(client_id: &str, node_id: NodeId) -> Vec<u8> {
    let capabilities = vec![Capability { name: "rsk".to_owned(), version: 62 }];
    Hello { p2p_version: 4, client_id: client_id.to_owned(), capabilities, listen_port: 0, node_id }.encode()
}

#[test]
fn the_capability_sorts_behind_the_one_that_has_codes() {
    assert!(Capability::RSK.0 < Capability::SNAPPY.0);
}

#[test]
fn an_rskj_that_offers_nothing_is_sent_what_it_was_always_sent() {
    let greet = |compression, capabilities: &[(&str, u32)]| {
        let (mut session, mut link) = greeted_with(config_with(compression));
        let mut bytes = written(&mut session);
        give_frame(&mut session, &mut link, 0x00, &hello(4, capabilities));
        bytes.extend(written(&mut session));
        (bytes, session)
    };
    let (before, _) = greet(Compression::Off, &[RSK]);
    let (offered_to, _) = greet(Compression::Off, &[RSK, SNAPPY]);
    assert_eq!(offered_to, before, "a peer's offer changes nothing while we make none");
    // Another version of the capability is another capability.
    for capabilities in [&[RSK][..], &[RSK, ("snap", 1)], &[RSK, ("rustock-snappy", 2)]] {
        let (mut session, mut link) = offering(capabilities);
        actions(&mut session);
        give_frame(&mut session, &mut link, 0x18, &request().encode());
        assert_eq!(outcome(&mut session), "message GetBlock; established");
        let compressed = compress(&request().encode());
        give_frame(&mut session, &mut link, 0x18, &compressed);
        assert!(matches!(
            actions(&mut session).pop(),
            Some(Action::Close(SessionEnd::Fault(SessionFault::Message(_))))
        ));
    }
}

fn fault_of(payload: &[u8]) -> (SessionFault, u64) {
    let (mut session, mut link) = compressing();
    session.handle(START, Input::Send(large_request()));
    give_frame(&mut session, &mut link, 0x18, payload);
    let Some(Action::Close(SessionEnd::Fault(fault))) = actions(&mut session).pop() else {
        panic!("{payload:02x?} is no compressed payload")
    };
    assert_eq!(fault.blame(), Blame::Remote);
    assert_eq!(fault.disconnect_reason(), Some(DisconnectReason::BadProtocol));
    (fault, session.traffic().of(MessageClass::Headers).messages_in)
}

#[test]
fn a_bomb_ends_the_session_by_what_it_claims() {
    let limit = MAXIMUM_HELD_FRAME - 1;
    let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    let claimed = u32::MAX as usize;
    assert_eq!(fault_of(&bomb), (SessionFault::Compression(SnappyError::TooLarge { claimed, limit }), 0));
}

#[test]
fn a_message_is_as_large_as_without_compression_and_not_a_byte_larger() {
    let message = |size: usize| {
        let overhead = seal(MessageKind::Transactions, &vec![0; size]).len() - size;
        seal(MessageKind::Transactions, &vec![0; size - overhead])
    };
    let limit = MAXIMUM_HELD_FRAME - 1;
    let (mut session, mut link) = compressing();
    session.handle(START, Input::Send(large_request()));
    actions(&mut session);
    give_frame(&mut session, &mut link, 0x18, &compress(&message(limit)));
    assert_eq!(outcome(&mut session), "established");
    let (counters, traffic) = (session.counters(), session.traffic().of(MessageClass::Transactions));
    assert_eq!((counters.ignored_frames, counters.ignored_bytes), (1, limit as u64 + 1), "what it costs");
    assert!(traffic.bytes_in * 10 < limit as u64, "what it weighs");

    let too_large = SnappyError::TooLarge { claimed: limit + 1, limit };
    assert_eq!(fault_of(&compress(&message(limit + 1))), (SessionFault::Compression(too_large), 0));
}

#[test]
fn a_frame_too_large_to_hold_is_of_no_kind_that_can_be_seen() {
    let (mut session, mut link) = compressing();
    // Uncompressed, the same bytes are transactions.
    let payload = seal(MessageKind::Transactions, &vec![0xee; MAXIMUM_HELD_FRAME]);
    let size = payload.len() + 1;
    give_frame(&mut session, &mut link, 0x18, &payload);
    assert_eq!(
        outcome(&mut session),
        "established",
        "while nobody waits for an answer, it can only be unwanted"
    );
    let traffic = session.traffic().of(MessageClass::Unread);
    assert_eq!((traffic.bytes_in, session.counters().ignored_bytes), (size as u64, size as u64));

    session.handle(START, Input::Send(large_request()));
    give_frame(&mut session, &mut link, 0x18, &payload);
    let fault = FrameError::TooLarge { code: 0x18, size, limit: MAXIMUM_HELD_FRAME };
    let end = SessionEnd::Fault(SessionFault::Frame(fault));
    assert_eq!(actions(&mut session).pop(), Some(Action::Close(end)));
}

#[test]
fn an_answer_that_is_small_on_the_wire_alone_is_not_kept_unasked() {
    for (is_asked, seen) in [(true, "message BlockHeadersResponse; established"), (false, "established")] {
        let (mut session, mut link) = compressing();
        if is_asked {
            session.handle(START, Input::Send(large_request()));
        }
        actions(&mut session);
        let payload = compress(&headers(50).encode());
        assert!(payload.len() < ALWAYS_HELD_FRAME);
        give_frame(&mut session, &mut link, 0x18, &payload);
        assert_eq!(outcome(&mut session), seen);
    }
}

#[test]
fn a_truncated_or_plain_payload_is_a_fault() {
    let whole = compress(&headers(2).encode());
    let (mut session, mut link) = compressing();
    give_frame(&mut session, &mut link, 0x18, &whole);
    assert_eq!(outcome(&mut session), "message BlockHeadersResponse; established");
    for size in [0, 1, 2, whole.len() / 2, whole.len() - 1] {
        let (fault, counted) = fault_of(&whole[..size]);
        assert!(matches!(fault, SessionFault::Compression(_)), "{fault}");
        assert_eq!(counted, 0);
    }
    let (fault, _) = fault_of(&request().encode());
    assert!(matches!(fault, SessionFault::Compression(_)), "{fault}");
}

#[test]
fn a_disconnect_of_a_peer_that_had_not_read_our_hello_is_understood() {
    for payload in
        [DisconnectReason::TooManyPeers.encode(), compress(&DisconnectReason::TooManyPeers.encode())]
    {
        let (mut session, mut link) = compressing();
        give_frame(&mut session, &mut link, 0x01, &payload);
        let end = SessionEnd::RemoteDisconnect(DisconnectReason::TooManyPeers);
        assert_eq!(actions(&mut session).pop(), Some(Action::Close(end)));
    }
    // A Ping is not: nobody sends one before both have said Hello.
    let (mut session, mut link) = compressing();
    give_frame(&mut session, &mut link, 0x02, &[0xc0]);
    let Some(Action::Close(SessionEnd::Fault(fault))) = actions(&mut session).pop() else {
        panic!("a fault")
    };
    assert!(matches!(fault, SessionFault::Compression(_)), "{fault}");
}

#[test]
fn hello_itself_is_not_compressed() {
    let (mut session, mut link) = greeted_with(config_with(Compression::Capability));
    give_frame(&mut session, &mut link, 0x00, &compress(&hello(4, &[RSK, SNAPPY])));
    assert!(matches!(
        actions(&mut session).pop(),
        Some(Action::Close(SessionEnd::Fault(SessionFault::Message(_))))
    ));
}

#[test]
fn p2p_version_5_compresses_with_those_that_say_5_and_with_no_other() {
    for (theirs, compressed) in [(4, false), (5, true)] {
        let (mut session, mut link) = greeted_with(config_with(Compression::P2pVersion5));
        give_frame(&mut session, &mut link, 0x00, &hello(theirs, &[RSK]));
        actions(&mut session);
        let payload = request().encode();
        let payload = if compressed { compress(&payload) } else { payload };
        give_frame(&mut session, &mut link, 0x18, &payload);
        assert_eq!(outcome(&mut session), "message GetBlock; established");
    }
    assert_eq!(config_with(Compression::P2pVersion5).hello(key(1).node_id()).p2p_version, 5);
}

proptest! {
    #[test]
    fn compressed_streams_survive_any_cut(pieces in proptest::collection::vec(1usize..600, 1..12), count in 1usize..6) {
        let mut conversation = conversation(Compression::Capability, Compression::Capability);
        for number in 0..count {
            conversation.sides[0].handle(START, Input::Send(headers(number)));
        }
        conversation.run(&pieces);
        let sent: Vec<Action> = (0..count).map(|number| Action::Message(headers(number))).collect();
        prop_assert_eq!(&conversation.seen[1][3..], &sent[..]);
    }
}
