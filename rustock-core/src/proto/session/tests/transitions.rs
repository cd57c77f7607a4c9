//! Every state and every kind of input: what comes of it. A transition that is not in the table does not exist.

use super::*;

/// How an input is made from the remote's stream and given to the session.
type Give = fn(&mut Session, &mut Link);

/// Frames that reach a session before it has keys are noise to it: refused, or taken for the start of a packet
/// that is not whole. In the other cells a write of 64 is a short message (Disconnect, Pong, Ping), of 128 a Status.
const NOISE: &str = "*noise*";

/// Each row: an input, and what each of the five stages makes of it, in the order of `STAGES`.
const TABLE: &[(&str, Give, [&str; 5])] = &[
    (
        "nothing",
        |session, _| session.handle(START, Input::Received(&[])),
        ["auth?", "ack?", "hello?", "established", "ended"],
    ),
    (
        "an auth packet",
        |session, _| {
            let packet = written(&mut dialler());
            session.handle(START, Input::Received(&packet));
        },
        [
            "write 337; write 144; hello?",
            "fault: handshake packet: decrypting: the tag does not match: made for another key, or changed on the way; ended",
            "write 64; fault: frame: the MAC of a frame header does not match; ended",
            "write 64; fault: frame: the MAC of a frame header does not match; ended",
            "ended",
        ],
    ),
    (
        "an ack packet",
        |session, _| {
            let mut remote = acceptor();
            remote.handle(START, Input::Received(&written(&mut dialler())));
            let Some(Action::Write(packet)) = remote.next_action() else { panic!("the ack comes first") };
            session.handle(START, Input::Received(&packet));
        },
        [
            "fault: handshake packet: decrypting: the tag does not match: made for another key, or changed on the way; ended",
            "write 144; hello?",
            "write 64; fault: frame: the MAC of a frame header does not match; ended",
            "write 64; fault: frame: the MAC of a frame header does not match; ended",
            "ended",
        ],
    ),
    (
        "Hello",
        |session, link| give_frame(session, link, 0x00, &hello(4, &[("rsk", 62)])),
        [
            NOISE,
            NOISE,
            "write 128; write 128; established; established",
            "write 64; fault: a second Hello; ended",
            "ended",
        ],
    ),
    (
        "Hello of version 5 with more capabilities",
        |session, link| {
            give_frame(session, link, 0x00, &hello(5, &[("snap", 1), ("rsk", 62)]));
        },
        [
            NOISE,
            NOISE,
            "write 128; write 128; established; established",
            "write 64; fault: a second Hello; ended",
            "ended",
        ],
    ),
    (
        "Hello of version 3",
        |session, link| give_frame(session, link, 0x00, &hello(3, &[("rsk", 62)])),
        [
            NOISE,
            NOISE,
            "write 64; fault: p2p version 4 or 5 expected, found 3; ended",
            "write 64; fault: a second Hello; ended",
            "ended",
        ],
    ),
    (
        "Hello of version 6",
        |session, link| give_frame(session, link, 0x00, &hello(6, &[("rsk", 62)])),
        [
            NOISE,
            NOISE,
            "write 64; fault: p2p version 4 or 5 expected, found 6; ended",
            "write 64; fault: a second Hello; ended",
            "ended",
        ],
    ),
    (
        "Hello without rsk/62",
        |session, link| {
            give_frame(session, link, 0x00, &hello(4, &[("rsk", 63), ("eth", 62)]));
        },
        [
            NOISE,
            NOISE,
            "write 64; fault: the peer does not speak rsk/62; ended",
            "write 64; fault: a second Hello; ended",
            "ended",
        ],
    ),
    (
        "a broken Hello",
        |session, link| give_frame(session, link, 0x00, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: message: Hello, p2p version: the list has too few items; ended",
            "write 64; fault: a second Hello; ended",
            "ended",
        ],
    ),
    (
        "Disconnect",
        |session, link| give_frame(session, link, 0x01, &[0xc1, 0x04]),
        [
            NOISE,
            NOISE,
            "end: the peer disconnected: too many peers (0x04); ended",
            "end: the peer disconnected: too many peers (0x04); ended",
            "ended",
        ],
    ),
    (
        "a broken Disconnect",
        |session, link| give_frame(session, link, 0x01, &[0x04]),
        [
            NOISE,
            NOISE,
            "write 64; fault: message: Disconnect, payload: expected a list, found a string; ended",
            "write 64; fault: message: Disconnect, payload: expected a list, found a string; ended",
            "ended",
        ],
    ),
    (
        "Ping",
        |session, link| give_frame(session, link, 0x02, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x02; ended",
            "write 64; established",
            "ended",
        ],
    ),
    (
        "Pong",
        |session, link| give_frame(session, link, 0x03, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x03; ended",
            "established",
            "ended",
        ],
    ),
    (
        "a broken Ping",
        |session, link| give_frame(session, link, 0x02, &[0x05]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x02; ended",
            "write 64; fault: message: Ping, payload: expected a list, found a string; ended",
            "ended",
        ],
    ),
    (
        "GetPeers",
        |session, link| give_frame(session, link, 0x04, &[0xc1, 0x04]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x04; ended",
            "established",
            "ended",
        ],
    ),
    (
        "Peers",
        |session, link| give_frame(session, link, 0x05, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x05; ended",
            "established",
            "ended",
        ],
    ),
    (
        "an unassigned code of the base protocol",
        |session, link| give_frame(session, link, 0x06, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x06; ended",
            "write 64; fault: message: p2p message, code: unassigned message code 0x06; ended",
            "ended",
        ],
    ),
    (
        "the last code of the base protocol",
        |session, link| give_frame(session, link, 0x0f, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x0f; ended",
            "write 64; fault: message: p2p message, code: unassigned message code 0x0f; ended",
            "ended",
        ],
    ),
    (
        "an unassigned code of rsk/62",
        |session, link| give_frame(session, link, 0x11, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x11; ended",
            "write 64; fault: unassigned message code 0x11; ended",
            "ended",
        ],
    ),
    (
        "a code above rsk/62",
        |session, link| give_frame(session, link, 0x19, &[0xc0]),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x19; ended",
            "write 64; fault: unassigned message code 0x19; ended",
            "ended",
        ],
    ),
    (
        "legacy Status",
        |session, link| give_frame(session, link, 0x10, &legacy(|_| {})),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x10; ended",
            "legacy status; established",
            "ended",
        ],
    ),
    (
        "legacy Status of another version",
        |session, link| {
            give_frame(session, link, 0x10, &legacy(|status| status.protocol_version = 63));
        },
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x10; ended",
            "write 64; fault: protocol version 62 expected, found 63; ended",
            "ended",
        ],
    ),
    (
        "legacy Status of another network",
        |session, link| {
            give_frame(session, link, 0x10, &legacy(|status| status.network_id = 8100));
        },
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x10; ended",
            "write 64; fault: network id 775 expected, found 8100; ended",
            "ended",
        ],
    ),
    (
        "legacy Status of another genesis",
        |session, link| {
            give_frame(session, link, 0x10, &legacy(|status| status.genesis_hash = BlockHash::ZERO));
        },
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x10; ended",
            "write 64; fault: genesis 0x0909090909090909090909090909090909090909090909090909090909090909 expected, found 0x0000000000000000000000000000000000000000000000000000000000000000; ended",
            "ended",
        ],
    ),
    (
        "an RSK message",
        |session, link| give_frame(session, link, 0x18, &request().encode()),
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x18; ended",
            "message GetBlock; established",
            "ended",
        ],
    ),
    (
        "an RSK message of an ignored type",
        |session, link| {
            give_frame(session, link, 0x18, &seal(MessageKind::Transactions, &[0xc0]));
        },
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x18; ended",
            "established",
            "ended",
        ],
    ),
    (
        "an RSK message of an unassigned type",
        |session, link| {
            give_frame(session, link, 0x18, &[0xc3, 0xc2, 0x04, 0xc0]);
        },
        [
            NOISE,
            NOISE,
            "write 64; fault: the first message must be Hello, found code 0x18; ended",
            "write 64; fault: message: RskMessage, type: unassigned message type 4; ended",
            "ended",
        ],
    ),
    (
        "Send",
        |session, _| session.handle(START, Input::Send(request())),
        [
            "fault: a message was to be sent while waiting for the auth packet; ended",
            "fault: a message was to be sent while waiting for the ack packet; ended",
            "write 64; fault: a message was to be sent while waiting for Hello; ended",
            "write 96; established",
            "ended",
        ],
    ),
    (
        "Send without a body",
        |session, _| {
            let message = RskMessage::Ignored { kind: MessageKind::Block, size: 5 };
            session.handle(START, Input::Send(message));
        },
        [
            "fault: a message was to be sent while waiting for the auth packet; ended",
            "fault: a message was to be sent while waiting for the ack packet; ended",
            "write 64; fault: a message was to be sent while waiting for Hello; ended",
            "write 64; fault: a Block cannot be sent: its body is not kept; ended",
            "ended",
        ],
    ),
    (
        "Disconnect of ours",
        |session, _| {
            session.handle(START, Input::Disconnect(DisconnectReason::PeerQuitting));
        },
        [
            "end: we disconnected: peer quitting (0x08); ended",
            "end: we disconnected: peer quitting (0x08); ended",
            "write 64; end: we disconnected: peer quitting (0x08); ended",
            "write 64; end: we disconnected: peer quitting (0x08); ended",
            "ended",
        ],
    ),
    (
        "ConnectionClosed",
        |session, _| session.handle(START, Input::ConnectionClosed),
        [
            "end: the connection was closed while waiting for the auth packet; ended",
            "end: the connection was closed while waiting for the ack packet; ended",
            "end: the connection was closed while waiting for Hello; ended",
            "end: the connection was closed while established; ended",
            "ended",
        ],
    ),
    (
        "TimerFired before its time",
        |session, _| session.handle(START, Input::TimerFired),
        ["auth?", "ack?", "hello?", "established", "ended"],
    ),
    (
        "TimerFired after 15 seconds",
        |session, _| {
            session.handle(START.saturating_add(HANDSHAKE_DEADLINE), Input::TimerFired);
        },
        [
            "end: nothing came in time while waiting for the auth packet; ended",
            "end: nothing came in time while waiting for the ack packet; ended",
            "write 64; end: nothing came in time while waiting for Hello; ended",
            "established",
            "ended",
        ],
    ),
    (
        "TimerFired after a minute",
        |session, _| {
            session.handle(START.saturating_add(PING_INTERVAL), Input::TimerFired);
        },
        [
            "end: nothing came in time while waiting for the auth packet; ended",
            "end: nothing came in time while waiting for the ack packet; ended",
            "write 64; end: nothing came in time while waiting for Hello; ended",
            "write 64; established",
            "ended",
        ],
    ),
    (
        "TimerFired after five minutes",
        |session, _| {
            session.handle(START.saturating_add(IDLE_LIMIT), Input::TimerFired);
        },
        [
            "end: nothing came in time while waiting for the auth packet; ended",
            "end: nothing came in time while waiting for the ack packet; ended",
            "write 64; end: nothing came in time while waiting for Hello; ended",
            "write 64; end: nothing came in time while established; ended",
            "ended",
        ],
    ),
];

#[test]
fn every_state_answers_every_input() {
    let mut wrong = Vec::new();
    for (input, give, outcomes) in TABLE {
        for (stage, expected) in STAGES.into_iter().zip(outcomes) {
            let (mut session, mut link) = session_at(stage);
            give(&mut session, &mut link);
            let seen = outcome(&mut session);
            if *expected == NOISE {
                let waits = ["auth?", "ack?"].contains(&seen.as_str());
                assert!(waits || seen.starts_with("fault: handshake packet: "), "{input}, {stage}: {seen}");
            } else if seen != *expected {
                wrong.push(format!("{input}, {stage}:\n  expected {expected}\n  seen     {seen}"));
            }
            if session.stage() == Stage::Ended {
                assert_eq!(session.next_timeout(), None);
                session.handle(START, Input::Received(&[0; 100]));
                assert_eq!(session.next_action(), None, "{input}, {stage}: nothing follows the end");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
