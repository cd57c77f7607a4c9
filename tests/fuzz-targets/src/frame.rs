//! The frame stream: as raw bytes, with header-data and bodies of any kind, and honest ones with a flaw.

use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{BlockCipherEncrypt, KeyInit, KeyIvInit, StreamCipher},
};
use rustock_core::wire::rlpx::{
    frame::{FrameDecoder, FrameEncoder, FrameError, LargeFrame, Received},
    mac::FrameMac,
};
use sha3::{Digest, Keccak256};

use crate::input::Input;

const AES: [u8; 32] = [0xae; 32];
const MAC: [u8; 32] = [0x3a; 32];
const NONCE: [u8; 32] = [4; 32];
const PACKET: [u8; 3] = [1, 2, 3];

/// A first byte for how the stream was made, a second for the size of the pieces; then what it is made of.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.byte();
    let piece = usize::from(input.byte()) * 4 + 1;
    match kind % 3 {
        0 => check_raw(input.rest(), piece),
        1 => check_sealed_by_hand(input, piece),
        _ => check_honest(input, piece),
    }
}

/// Bytes without a key behind them never get past the first tag.
fn check_raw(stream: &[u8], piece: usize) {
    let (received, error) = read_all(stream, piece);
    assert!(received.is_empty());
    assert_eq!(error, (stream.len() >= 32).then_some(FrameError::HeaderMac));
}

/// Frames with three bytes of size and any header-data, encrypted as they should be. Both ways of cutting the
/// stream give the same.
fn check_sealed_by_hand(mut input: Input<'_>, piece: usize) {
    let mut sealer = Sealer::new();
    let mut stream = Vec::new();
    while !input.is_empty() && stream.len() < 4096 {
        let claimed: [u8; 3] = input.array();
        let header_data: [u8; 13] = input.array();
        let size = usize::from(input.byte());
        stream.extend(sealer.seal(claimed, header_data, input.take(size)));
    }
    let (received, error) = read_all(&stream, piece);
    assert_eq!((received, error), read_all(&stream, usize::MAX));
}

/// Our own frames are those of the simplest sealer, come out as they went in, and end at a changed byte.
fn check_honest(mut input: Input<'_>, piece: usize) {
    let place = usize::from(u16::from_be_bytes(input.array()));
    let flip = input.byte();
    let (mut encoder, mut sealer) = (FrameEncoder::new(&AES, mac()), Sealer::new());
    let (mut stream, mut sent, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    while !input.is_empty() && stream.len() < 4096 {
        let code = input.byte();
        let size = usize::from(input.byte());
        let payload = input.take(size);
        let frame = encoder.encode(code, payload).expect("small");
        let written: &[u8] = match &code {
            0 => &[0x80],
            1..=0x7f => core::slice::from_ref(&code),
            _ => &[0x81, code],
        };
        let body = [written, payload].concat();
        let claimed = [0, (body.len() >> 8) as u8, body.len() as u8];
        let mut header_data = [0; 13];
        header_data[..2].copy_from_slice(&[0xc1, 0x80]);
        assert_eq!(frame, sealer.seal(claimed, header_data, &body));
        stream.extend(frame);
        ends.push(stream.len());
        sent.push((code, payload.to_vec()));
    }
    let is_changed = place < stream.len() && flip != 0;
    if is_changed {
        stream[place] ^= flip;
        sent.truncate(ends.iter().filter(|end| **end <= place).count());
    }
    let (received, error) = read_all(&stream, piece);
    assert_eq!(received, sent);
    assert_eq!(error.is_some(), is_changed);
}

/// All messages of a stream, and the error that ended it.
fn read_all(stream: &[u8], piece: usize) -> (Vec<(u8, Vec<u8>)>, Option<FrameError>) {
    let mut decoder = FrameDecoder::new(&AES, mac(), |_, _| LargeFrame::Skip);
    let mut messages = Vec::new();
    for mut input in stream.chunks(piece) {
        loop {
            match decoder.read(&mut input) {
                Ok(Some(Received::Message(frame))) => messages.push((frame.code(), frame.payload().to_vec())),
                Ok(Some(Received::Discarded { .. })) => {
                    panic!("a stream this short has no frame too large to hold")
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.read(&mut stream.to_vec().as_slice()), Err(error.clone()));
                    return (messages, Some(error));
                }
            }
        }
        assert!(input.is_empty(), "the decoder must use up its input");
    }
    (messages, None)
}

fn mac() -> FrameMac {
    FrameMac::new(&MAC, &NONCE, &PACKET)
}

/// RLPx frames as the specification says it, one step after the other.
struct Sealer {
    key_stream: Ctr128BE<Aes256>,
    hashed: Keccak256,
}

impl Sealer {
    fn new() -> Self {
        let seed: [u8; 32] = core::array::from_fn(|index| MAC[index] ^ NONCE[index]);
        let key_stream = Ctr128BE::new(&AES.into(), &[0; 16].into());
        Self { key_stream, hashed: Keccak256::new().chain_update(seed).chain_update(PACKET) }
    }

    /// A frame that claims a size, with a body of another or the same.
    fn seal(&mut self, claimed: [u8; 3], header_data: [u8; 13], body: &[u8]) -> Vec<u8> {
        let mut header: [u8; 16] = [&claimed[..], &header_data].concat().try_into().expect("16 bytes");
        self.key_stream.apply_keystream(&mut header);
        let header_tag = self.tag(&header);
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(16), 0);
        self.key_stream.apply_keystream(&mut body);
        self.hashed.update(&body);
        let digest = self.digest();
        let body_tag = self.tag(&digest);
        [&header[..], &header_tag, &body, &body_tag].concat()
    }

    fn tag(&mut self, seed: &[u8; 16]) -> [u8; 16] {
        let mut block = self.digest().into();
        Aes256::new(&MAC.into()).encrypt_block(&mut block);
        let stirred: [u8; 16] = core::array::from_fn(|index| block[index] ^ seed[index]);
        self.hashed.update(stirred);
        self.digest()
    }

    fn digest(&self) -> [u8; 16] {
        self.hashed.clone().finalize()[..16].try_into().expect("half a hash")
    }
}
