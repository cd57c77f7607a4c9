use super::body::PREFIX_SHOWN;
use super::*;
use proptest::prelude::*;

const AES: [u8; 32] = [0x11; 32];
const IGNORED: u8 = 0x18;
const HELD: u8 = 0x10;

fn judge(code: u8, _payload_start: &[u8]) -> LargeFrame {
    match code {
        IGNORED => LargeFrame::Skip,
        HELD => LargeFrame::Hold,
        _ => LargeFrame::Refuse,
    }
}

fn pair() -> (FrameEncoder, FrameDecoder) {
    let mac = FrameMac::new(&[0x22; 32], &[0x33; 32], b"packet");
    (FrameEncoder::new(&AES, mac.clone()), FrameDecoder::new(&AES, mac, judge))
}

fn read_all(decoder: &mut FrameDecoder, bytes: &[u8], piece: usize) -> Result<Vec<Received>, FrameError> {
    let mut received = Vec::new();
    for mut input in bytes.chunks(piece) {
        while let Some(message) = decoder.read(&mut input)? {
            received.push(message);
        }
        assert!(input.is_empty(), "the decoder must use up its input");
    }
    Ok(received)
}

fn messages(received: &[Received]) -> Vec<(u8, Vec<u8>)> {
    received
        .iter()
        .map(|received| match received {
            Received::Message(frame) => (frame.code(), frame.payload().to_vec()),
            Received::Discarded { code, size, .. } => panic!("discarded {code} of {size} bytes"),
        })
        .collect()
}

/// A frame with header-data and body chosen by hand.
fn seal(encoder: &mut FrameEncoder, size: usize, header_data: &[u8], body: &[u8]) -> Vec<u8> {
    let mut header = [0; BLOCK];
    header[..3].copy_from_slice(&(size as u32).to_be_bytes()[1..]);
    header[3..3 + header_data.len()].copy_from_slice(header_data);
    encoder.cipher.apply_keystream(&mut header);
    let tag = encoder.mac.header_tag(&header);
    let mut body = body.to_vec();
    body.resize(size.next_multiple_of(BLOCK), 0);
    encoder.cipher.apply_keystream(&mut body);
    encoder.mac.feed(&body);
    [&header[..], &tag[..], &body[..], &encoder.mac.body_tag()[..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_come_out_as_they_went_in_however_the_stream_is_cut(
        sent in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..200)), 1..6),
        piece in 1usize..300,
    ) {
        let (mut encoder, mut decoder) = pair();
        let mut stream = Vec::new();
        for (code, payload) in &sent {
            stream.extend(encoder.encode(*code, payload).expect("small"));
        }
        let received = read_all(&mut decoder, &stream, piece).expect("an honest stream");
        prop_assert_eq!(messages(&received), sent);
    }

    #[test]
    fn a_changed_byte_is_found_and_the_stream_stays_failed(position in 0usize..144, flip in 1u8..) {
        let (mut encoder, mut decoder) = pair();
        let mut stream = encoder.encode(0x10, &[0xab; 70]).expect("small");
        prop_assert_eq!(stream.len(), 32 + 80 + 16);
        stream.extend(encoder.encode(0x02, &[0xc0]).expect("small"));
        stream[position] ^= flip;
        let error = read_all(&mut decoder, &stream, 1000).expect_err("must be refused");
        let expected = if position < 32 { FrameError::HeaderMac } else { FrameError::BodyMac { size: 71 } };
        let expected = if position < 128 { expected } else { FrameError::HeaderMac };
        prop_assert_eq!(&error, &expected);
        prop_assert_eq!(decoder.read(&mut [0; 100].as_slice()), Err(error));
    }

    #[test]
    fn random_bytes_are_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 32..400)) {
        let (_, mut decoder) = pair();
        prop_assert_eq!(decoder.read(&mut bytes.as_slice()), Err(FrameError::HeaderMac));
    }
}

#[test]
fn the_counter_of_64_bits_gives_the_key_stream_of_128() {
    let (mut narrow, mut wide) = ([0; 100], [0; 100]);
    cipher(&AES).apply_keystream(&mut narrow);
    ctr::Ctr128BE::<Aes256>::new(&AES.into(), &[0; 16].into()).apply_keystream(&mut wide);
    assert_eq!(narrow, wide);
}

#[test]
fn any_rlp_will_do_as_header_data() {
    for header_data in
        [&[0xc1, 0x80][..], &[0xc2, 0x80, 0x80], &[0xc5, 0x80, 0x01, 0x82, 0xb4, 0x2e], &[0x80]]
    {
        let (mut encoder, mut decoder) = pair();
        let frame = seal(&mut encoder, 2, header_data, &[0x02, 0xc0]);
        let received = read_all(&mut decoder, &frame, 7).expect("readable");
        assert_eq!(messages(&received), [(0x02, vec![0xc0])]);
    }
    let (mut encoder, mut decoder) = pair();
    let frame = seal(&mut encoder, 2, &[0xf8, 0x01], &[0x02, 0xc0]);
    assert_eq!(read_all(&mut decoder, &frame, 99), Err(FrameError::HeaderData(RlpError::NotCanonical)));
}

#[test]
fn a_frame_begins_with_a_code_of_one_byte() {
    for (body, outcome) in [
        (&[0x80, 7][..], Ok((0, vec![7]))),
        (&[0x00, 7], Ok((0, vec![7]))),
        (&[0x7f], Ok((0x7f, vec![]))),
        (&[0x81, 0x80], Ok((0x80, vec![]))),
        (&[0x81, 0x7f], Err(FrameError::BadCode { first: 0x81 })),
        (&[0x81], Err(FrameError::BadCode { first: 0x81 })),
        (&[0x82, 1, 0], Err(FrameError::BadCode { first: 0x82 })),
        (&[0xc0], Err(FrameError::BadCode { first: 0xc0 })),
    ] {
        let (mut encoder, mut decoder) = pair();
        let frame = seal(&mut encoder, body.len(), &HEADER_DATA, body);
        let received = read_all(&mut decoder, &frame, 99).map(|received| messages(&received).remove(0));
        assert_eq!(received, outcome, "{body:02x?}");
    }
    let (mut encoder, mut decoder) = pair();
    let frame = seal(&mut encoder, 0, &HEADER_DATA, &[]);
    assert_eq!(read_all(&mut decoder, &frame, 99), Err(FrameError::Empty));
}

fn discarded(size: usize) -> Received {
    Received::Discarded { code: IGNORED, payload_start: vec![0x55; PREFIX_SHOWN - 1], size }
}

/// What the decoder keeps of a frame that has come in part.
fn kept(decoder: &FrameDecoder) -> usize {
    match &decoder.state {
        State::Body(body) | State::Tag { body, .. } => body.kept.capacity(),
        State::Header { .. } | State::Failed(_) => 0,
    }
}

#[test]
fn a_frame_that_somebody_waits_for_is_held_up_to_the_limit_and_refused_above_it() {
    let (mut encoder, mut decoder) = pair();
    let largest = vec![0x55; MAXIMUM_HELD_FRAME - 1];
    let frame = encoder.encode(HELD, &largest).expect("below the send limit");
    let received = read_all(&mut decoder, &frame, 65_536).expect("within the limit");
    assert_eq!(messages(&received), [(HELD, largest)]);

    let frame = encoder.encode(HELD, &vec![0x55; MAXIMUM_HELD_FRAME]).expect("below the send limit");
    let error = FrameError::TooLarge { code: HELD, size: MAXIMUM_HELD_FRAME + 1, limit: MAXIMUM_HELD_FRAME };
    assert_eq!(decoder.read(&mut &frame[..64]), Err(error), "known from the first 32 bytes of the body");
}

#[test]
fn a_frame_of_any_other_kind_is_held_as_long_as_it_is_small() {
    for (code, is_refused) in [(0x11, true), (IGNORED, false)] {
        let (mut encoder, mut decoder) = pair();
        let largest = vec![0x55; ALWAYS_HELD_FRAME - 1];
        let frame = encoder.encode(code, &largest).expect("below the send limit");
        let received = read_all(&mut decoder, &frame, 1_000).expect("within the limit");
        assert_eq!(messages(&received), [(code, largest)]);

        let frame = encoder.encode(code, &[0x55; ALWAYS_HELD_FRAME]).expect("below the send limit");
        let size = ALWAYS_HELD_FRAME + 1;
        let outcome = if is_refused {
            Err(FrameError::TooLarge { code, size, limit: ALWAYS_HELD_FRAME })
        } else {
            Ok(vec![discarded(size)])
        };
        assert_eq!(read_all(&mut decoder, &frame, 1_000), outcome);
    }
}

#[test]
fn an_ignored_frame_of_any_size_passes_and_the_stream_goes_on() {
    for payload in [ALWAYS_HELD_FRAME, ALWAYS_HELD_FRAME + 17, 3 * MAXIMUM_HELD_FRAME] {
        for piece in [1, 33, 4_096, usize::MAX] {
            if piece == 1 && payload > MAXIMUM_HELD_FRAME {
                continue;
            }
            let (mut encoder, mut decoder) = pair();
            let mut stream = encoder.encode(IGNORED, &vec![0x55; payload]).expect("below the send limit");
            stream.extend(encoder.encode(0x02, &[0xc0]).expect("small"));
            let received = read_all(&mut decoder, &stream, piece).expect("ignored");
            assert_eq!(received[0], discarded(payload + 1));
            assert_eq!(messages(&received[1..]), [(0x02, vec![0xc0])], "the stream goes on");
        }
    }
}

#[test]
fn a_dropped_frame_is_authenticated_and_never_kept() {
    let (mut encoder, mut decoder) = pair();
    let mut frame =
        encoder.encode(IGNORED, &vec![0x55; 2 * MAXIMUM_HELD_FRAME]).expect("below the send limit");
    let last = frame.len() - 1;
    assert_eq!(decoder.read(&mut &frame[..last]), Ok(None));
    assert_eq!(kept(&decoder), PREFIX_SHOWN);
    frame[last] ^= 1;
    let error = FrameError::BodyMac { size: 2 * MAXIMUM_HELD_FRAME + 1 };
    assert_eq!(decoder.read(&mut &frame[last..]), Err(error));
}

#[test]
fn a_held_frame_takes_no_more_memory_than_it_has_bytes() {
    let (mut encoder, mut decoder) = pair();
    let frame = encoder.encode(HELD, &[0x55; MAXIMUM_HELD_FRAME - 1]).expect("below the send limit");
    for mut piece in frame[..frame.len() - 1].chunks(10_000) {
        assert_eq!(decoder.read(&mut piece), Ok(None));
    }
    assert_eq!(kept(&decoder), MAXIMUM_HELD_FRAME);
}

#[test]
fn a_held_frame_that_nobody_waits_for_any_more_is_dropped_and_the_stream_goes_on() {
    for cut in [33, 64, 65, 20_000, 100_000] {
        let (mut encoder, mut decoder) = pair();
        let mut stream = encoder.encode(HELD, &[0x55; 60_000]).expect("below the send limit");
        stream.extend(encoder.encode(0x02, &[0xc0]).expect("small"));
        let (start, rest) = stream.split_at(cut.min(stream.len() - 64 - 8));
        assert_eq!(read_all(&mut decoder, start, 999), Ok(Vec::new()));
        decoder.set_judge(|_, _| LargeFrame::Skip);
        decoder.skip_large_frame();
        assert!(kept(&decoder) <= PREFIX_SHOWN);
        let received = read_all(&mut decoder, rest, 999).expect("an honest stream");
        assert!(matches!(received[0], Received::Discarded { code: HELD, size: 60_001, .. }));
        assert_eq!(messages(&received[1..]), [(0x02, vec![0xc0])]);
    }
    // A small one stays what it is.
    let (mut encoder, mut decoder) = pair();
    let frame = encoder.encode(HELD, &[0x55; 1_000]).expect("small");
    assert_eq!(read_all(&mut decoder, &frame[..500], 999), Ok(Vec::new()));
    decoder.skip_large_frame();
    let received = read_all(&mut decoder, &frame[500..], 999).expect("an honest stream");
    assert_eq!(messages(&received), [(HELD, vec![0x55; 1_000])]);
}

#[test]
fn a_message_must_fit_what_rskj_can_read() {
    let (mut encoder, mut decoder) = pair();
    let size = MAXIMUM_SENT_FRAME + 1;
    let error = MessageTooLarge { size, limit: MAXIMUM_SENT_FRAME };
    assert_eq!(encoder.encode(IGNORED, &vec![0; MAXIMUM_SENT_FRAME]), Err(error));
    let frame = encoder.encode(IGNORED, &vec![0; MAXIMUM_SENT_FRAME - 1]).expect("the largest");
    let received = read_all(&mut decoder, &frame, 1 << 20).expect("the refused message left no trace");
    let Received::Discarded { code, size, .. } = &received[0] else { panic!("held") };
    assert_eq!((*code, *size), (IGNORED, MAXIMUM_SENT_FRAME));
}
