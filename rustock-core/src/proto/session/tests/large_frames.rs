//! Frames larger than what is always held: read past, held while an answer is awaited, or refused.

use super::*;

/// An answer of so many bytes that is none: it is held and decoded, or not held at all.
fn large_answer(size: usize) -> Vec<u8> {
    let overhead = seal(MessageKind::BlockHeadersResponse, &vec![0; size]).len() + 1 - size;
    seal(MessageKind::BlockHeadersResponse, &vec![0xee; size - overhead])
}
#[test]
fn ignored_messages_are_counted_whatever_their_size() {
    let (mut session, mut link) = session_at(Stage::Established);
    let mut expected = SessionCounters { bytes_in: 0, ..session.counters() };
    let greeting = session.counters().bytes_in;
    for body in [1, MAXIMUM_HELD_FRAME - 30, MAXIMUM_HELD_FRAME, 5 * MAXIMUM_HELD_FRAME] {
        for kind in [MessageKind::Transactions, MessageKind::Block] {
            let payload = seal(kind, &vec![0xee; body]);
            let bytes = frame(&mut link, RskMessage::CODE, &payload);
            for piece in bytes.chunks(60_000) {
                session.handle(START, Input::Received(piece));
            }
            expected.bytes_in += bytes.len() as u64;
            expected.ignored_frames += 1;
            expected.ignored_bytes += payload.len() as u64 + 1;
            assert_eq!(session.next_action(), None);
        }
    }
    expected.bytes_in += greeting;
    assert_eq!(session.counters(), expected);
    give_frame(&mut session, &mut link, 0x18, &request().encode());
    assert_eq!(outcome(&mut session), "message GetBlock; established", "the stream goes on");
}

#[test]
fn a_wanted_message_too_large_to_hold_is_a_fault() {
    let largest = |size: usize| {
        let (mut session, mut link) = session_at(Stage::Established);
        session.handle(START, Input::Send(large_request()));
        give_frame(&mut session, &mut link, 0x18, &large_answer(size));
        let Some(Action::Close(SessionEnd::Fault(fault))) = actions(&mut session).pop() else {
            panic!("not a headers response")
        };
        fault
    };
    // At the limit it is held and looked at; that it is no list of headers is another matter.
    let SessionFault::Message(error) = largest(MAXIMUM_HELD_FRAME) else { panic!("held and decoded") };
    assert!(matches!(error.reason, MessageFault::Rlp(_)), "{error}");
    let (code, size, limit) = (0x18, MAXIMUM_HELD_FRAME + 1, MAXIMUM_HELD_FRAME);
    assert_eq!(largest(size), SessionFault::Frame(FrameError::TooLarge { code, size, limit }));

    // What is no answer is never large.
    let (mut session, mut link) = session_at(Stage::Established);
    session.handle(START, Input::Send(large_request()));
    give_frame(&mut session, &mut link, 0x18, &seal(MessageKind::NewBlockHashes, &[0; ALWAYS_HELD_FRAME]));
    let seen = outcome(&mut session);
    assert!(seen.contains("are held"), "{seen}");
}

#[test]
fn a_large_answer_that_nobody_waits_for_is_read_past() {
    type Step = fn(&mut Session, &mut Link);
    let ask: Step = |session, _| session.handle(START, Input::Send(large_request()));
    let answer: Step = |session, link| {
        let bytes = frame(link, 0x18, &large_answer(MAXIMUM_HELD_FRAME));
        session.handle(START, Input::Received(&bytes));
    };
    let small: Step = |session, link| {
        let bytes = frame(link, 0x18, &large_answer(ALWAYS_HELD_FRAME));
        session.handle(START, Input::Received(&bytes));
    };
    let forget: Step = |session, _| session.handle(START, Input::NothingAwaited);
    for (steps, is_read) in [
        (&[answer][..], false),
        (&[ask, answer], true),
        (&[ask, forget, answer], false),
        (&[ask, forget, ask, answer], true),
        (&[small], true),
        (&[ask, forget, small], true),
    ] {
        let (mut session, mut link) = session_at(Stage::Established);
        for step in steps {
            step(&mut session, &mut link);
        }
        let was_read = session.stage() == Stage::Ended;
        assert_eq!(was_read, is_read);
        if !is_read {
            actions(&mut session);
            assert_eq!(session.counters().ignored_bytes, MAXIMUM_HELD_FRAME as u64);
            assert_eq!(session.traffic().of(MessageClass::Headers).messages_in, 1);
            give_frame(&mut session, &mut link, 0x18, &request().encode());
            assert_eq!(outcome(&mut session), "message GetBlock; established", "the stream goes on");
        }
    }
    // Its time is over: whoever asked has asked somebody else.
    let (mut session, mut link) = session_at(Stage::Established);
    session.handle(START, Input::Send(large_request()));
    let bytes = frame(&mut link, 0x18, &large_answer(MAXIMUM_HELD_FRAME));
    session.handle(START.saturating_add(ANSWER_PATIENCE), Input::Received(&bytes));
    assert_eq!(session.stage(), Stage::Established);
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_let_go_of_half_way() {
    let (mut session, mut link) = session_at(Stage::Established);
    session.handle(START, Input::Send(large_request()));
    let bytes = frame(&mut link, 0x18, &large_answer(500_000));
    let (start, rest) = bytes.split_at(300_000);
    session.handle(START, Input::Received(start));
    session.handle(START, Input::NothingAwaited);
    session.handle(START, Input::Received(rest));
    actions(&mut session);
    assert_eq!(session.counters().ignored_bytes, 500_000);
    give_frame(&mut session, &mut link, 0x18, &request().encode());
    assert_eq!(outcome(&mut session), "message GetBlock; established", "the stream goes on");
}

#[test]
fn a_large_ignored_frame_is_no_hello() {
    let (mut session, mut link) = session_at(Stage::ExpectHello);
    let payload = seal(MessageKind::Transactions, &vec![0; 2 * MAXIMUM_HELD_FRAME]);
    give_frame(&mut session, &mut link, 0x18, &payload);
    let seen = outcome(&mut session);
    assert_eq!(seen, "write 64; fault: the first message must be Hello, found code 0x18; ended");
}
