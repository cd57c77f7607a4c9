//! Compressed payloads: as any bytes, as honest ones with a flaw, and inside frames.

use rustock_core::wire::rlpx::{
    frame::{FrameDecoder, FrameEncoder, LargeFrame, Received},
    mac::FrameMac,
    snappy::{SnappyError, compress, decompress_behind},
};

use crate::input::Input;

/// Small, so that the fuzzer reaches it.
const LIMIT: usize = 2048;
const AES: [u8; 32] = [0xae; 32];

/// A first byte for what the payload is, a second for the message code; then what it is made of.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.byte();
    let code = input.byte();
    let compressed = match kind % 3 {
        0 => input.rest().to_vec(),
        1 => compress(&repeated(&mut input)),
        _ => {
            let place = usize::from(u16::from_be_bytes(input.array()));
            let flip = input.byte();
            let mut compressed = compress(&repeated(&mut input));
            if let Some(byte) = compressed.get_mut(place) {
                *byte ^= flip;
            }
            compressed
        }
    };
    let expected = inflate(&compressed);
    match decompress_behind(&[code], &compressed, LIMIT) {
        Ok(whole) => {
            assert!(whole.len() <= LIMIT + 1);
            assert_eq!(whole[0], code);
            assert_eq!(Some(&whole[1..]), expected.as_deref());
            // Another compressor may have made other bytes of it; ours give the same again.
            assert_eq!(inflate(&compress(&whole[1..])).as_deref(), Some(&whole[1..]));
        }
        Err(SnappyError::TooLarge { claimed, limit }) => {
            assert!(claimed > LIMIT && limit == LIMIT);
        }
        Err(_) => assert_eq!(expected, None),
    }
    check_frame(code, &compressed);
}

/// In a frame the payload is the same, and the code stays what it is.
fn check_frame(code: u8, compressed: &[u8]) {
    let wire = FrameEncoder::new(&AES, mac()).encode(code, compressed).expect("small");
    let received = FrameDecoder::new(&AES, mac(), |_, _| LargeFrame::Hold).read(&mut wire.as_slice());
    let Ok(Some(Received::Message(frame))) = received else { panic!("an honest frame: {received:?}") };
    // A frame may hold a whole megabyte: the naive reader is asked only about what it would take.
    let Ok(plain) = frame.decompress() else { return };
    assert_eq!(plain.code(), code);
    if plain.payload().len() <= LIMIT {
        assert_eq!(Some(plain.payload()), inflate(compressed).as_deref());
    }
    assert_eq!(
        plain.size() - plain.payload().len(),
        frame.size() - frame.payload().len(),
        "the code as it was"
    );
}

fn mac() -> FrameMac {
    FrameMac::new(&[0x3a; 32], &[4; 32], &[1, 2, 3])
}

/// Something that can be compressed: pieces, each a few times.
fn repeated(input: &mut Input<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    while !input.is_empty() && payload.len() < LIMIT {
        let times = usize::from(input.byte() % 16);
        let size = usize::from(input.byte());
        payload.extend(input.take(size).repeat(times));
    }
    payload.truncate(LIMIT);
    payload
}

/// The block format as its description says it, one byte after the other.
fn inflate(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut claimed, mut shift) = (0u64, 0);
    loop {
        let byte = take(&mut bytes, 1)?[0];
        // A length is below 2^32, which takes at most five bytes, also when it is written with zeros at its end.
        if shift > 28 {
            return None;
        }
        claimed |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let claimed = usize::try_from(claimed).ok().filter(|claimed| *claimed <= LIMIT)?;
    let mut plain = Vec::new();
    while !bytes.is_empty() {
        let tag = take(&mut bytes, 1)?[0];
        let upper = usize::from(tag >> 2);
        let (length, offset) = match tag & 3 {
            0 => {
                let length = if upper < 60 { upper } else { little_endian(take(&mut bytes, upper - 59)?) };
                plain.extend(take(&mut bytes, length.checked_add(1)?)?);
                (0, 0)
            }
            1 => (4 + (upper & 7), (usize::from(tag >> 5) << 8) + little_endian(take(&mut bytes, 1)?)),
            2 => (upper + 1, little_endian(take(&mut bytes, 2)?)),
            _ => (upper + 1, little_endian(take(&mut bytes, 4)?)),
        };
        if length > 0 {
            let start = plain.len().checked_sub(offset).filter(|start| *start < plain.len())?;
            (start..start + length).for_each(|at| plain.push(plain[at]));
        }
        if plain.len() > claimed {
            return None;
        }
    }
    (plain.len() == claimed).then_some(plain)
}

fn take<'a>(bytes: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(taken)
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
