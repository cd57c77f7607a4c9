//! Frames: how messages travel once the secrets exist, one message a frame.
//!
//! No RSKIP. Mirrors rskj's `FrameCodec` and `MessageCodec`. rskj writes `c180` as header-data and reads past
//! whatever it gets; so does this codec. Frames are never split when sent, and never joined when received.

mod body;

use core::fmt;

use aes::Aes256;
use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit, StreamCipher};

use crate::primitives::rlp::{Item, RlpError};
use crate::wire::rlpx::mac::{FrameMac, MacTag, tags_match};
use crate::wire::rlpx::snappy::{SnappyError, decompress_behind};
use body::Body;
pub use body::{JudgeLargeFrame, LargeFrame};

/// The largest frame that is held whatever it is, in bytes of code and payload. No honest message is larger that
/// nobody asked for and somebody reads: announcements of which [256](crate::wire::rsk::MAX_USED_IDENTIFIERS) blocks
/// are used have 11 kB, skeletons, statuses and requests far less.
pub const ALWAYS_HELD_FRAME: usize = 16 * 1024;
/// The largest frame that is held at all. 192 headers take at most 0.4 MB.
pub const MAXIMUM_HELD_FRAME: usize = 1024 * 1024;
/// rskj reads the size of a frame as a signed number, so 8 MiB and more break the stream.
pub const MAXIMUM_SENT_FRAME: usize = 0x7f_ffff;

const BLOCK: usize = 16;
/// Size of an encrypted frame header and of its tag together.
const SEALED_HEADER: usize = 2 * BLOCK;
/// A list that holds only a zero.
const HEADER_DATA: [u8; 2] = [0xc1, 0x80];

/// The cipher of both frame streams. RLPx asks for a counter of 128 bits; one of 64 gives the same key stream,
/// since it starts at zero, in half the time.
pub type FrameCipher = Ctr64BE<Aes256>;

/// Why the frame stream cannot go on. All are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The tag of a frame header does not fit.
    #[error("the MAC of a frame header does not match")]
    HeaderMac,
    /// The tag of a frame body does not fit.
    #[error("the MAC of a frame of {size} bytes does not match")]
    BodyMac {
        /// Bytes of code and payload.
        size: usize,
    },
    /// What follows the size in a frame header is not RLP.
    #[error("the header-data: {0}")]
    HeaderData(RlpError),
    /// A frame without even a message code.
    #[error("an empty frame")]
    Empty,
    /// The body does not begin with a message code of one byte.
    #[error("a frame begins with the message code, found byte {first:#04x}")]
    BadCode {
        /// First byte of the body.
        first: u8,
    },
    /// A frame of a wanted kind is larger than any honest message of that kind.
    #[error("a frame with code {code:#04x} has {size} bytes, at most {limit} are held")]
    TooLarge {
        /// The message code.
        code: u8,
        /// Bytes of code and payload.
        size: usize,
        /// [`MAXIMUM_HELD_FRAME`], or [`ALWAYS_HELD_FRAME`] for most kinds.
        limit: usize,
    },
}

/// A message is too large for one frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a frame holds at most {limit} bytes, the message has {size}")]
pub struct MessageTooLarge {
    /// Bytes of code and payload.
    pub size: usize,
    /// [`MAXIMUM_SENT_FRAME`].
    pub limit: usize,
}

/// Turns messages into frames, in order.
pub struct FrameEncoder {
    cipher: FrameCipher,
    mac: FrameMac,
}

impl FrameEncoder {
    /// An encoder at the start of its stream.
    pub fn new(aes_secret: &[u8; 32], egress: FrameMac) -> Self {
        Self { cipher: cipher(aes_secret), mac: egress }
    }

    /// One message as one frame.
    ///
    /// # Errors
    /// [`MessageTooLarge`]; the stream is then as if nothing had been asked.
    pub fn encode(&mut self, code: u8, payload: &[u8]) -> Result<Vec<u8>, MessageTooLarge> {
        let (code, code_bytes) = encode_code(code);
        let code = &code[..code_bytes];
        let size = code.len() + payload.len();
        if size > MAXIMUM_SENT_FRAME {
            return Err(MessageTooLarge { size, limit: MAXIMUM_SENT_FRAME });
        }
        let padded = size.next_multiple_of(BLOCK);
        let mut frame = Vec::with_capacity(SEALED_HEADER + padded + BLOCK);

        let mut header = [0; BLOCK];
        header[..3].copy_from_slice(&(size as u32).to_be_bytes()[1..]);
        header[3..5].copy_from_slice(&HEADER_DATA);
        self.cipher.apply_keystream(&mut header);
        frame.extend_from_slice(&header);
        frame.extend_from_slice(&self.mac.header_tag(&header));

        frame.extend_from_slice(code);
        frame.extend_from_slice(payload);
        frame.resize(SEALED_HEADER + padded, 0);
        let body = &mut frame[SEALED_HEADER..];
        self.cipher.apply_keystream(body);
        self.mac.feed(body);
        frame.extend_from_slice(&self.mac.body_tag());
        Ok(frame)
    }
}

impl fmt::Debug for FrameEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameEncoder(hidden)")
    }
}

/// What came out of the frame stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A message, authenticated.
    Message(Frame),
    /// A large message that nobody wants; authenticated and gone.
    Discarded {
        /// The message code.
        code: u8,
        /// The first bytes of the payload.
        payload_start: Vec<u8>,
        /// Bytes of code and payload.
        size: usize,
    },
}

/// One received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    code: u8,
    payload_start: usize,
    body: Vec<u8>,
}

impl Frame {
    /// The message code.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// What follows the code.
    pub fn payload(&self) -> &[u8] {
        &self.body[self.payload_start..]
    }

    /// Bytes of code and payload.
    pub fn size(&self) -> usize {
        self.body.len()
    }

    /// The frame with its payload decompressed, which may be as large as that of a frame that is held.
    ///
    /// # Errors
    /// [`SnappyError`].
    pub fn decompress(&self) -> Result<Self, SnappyError> {
        let (code, payload) = self.body.split_at(self.payload_start);
        let body = decompress_behind(code, payload, MAXIMUM_HELD_FRAME - code.len())?;
        Ok(Self { body, ..*self })
    }
}

/// Turns bytes into messages, in whatever pieces the bytes come.
///
/// Holds at most one frame of [`ALWAYS_HELD_FRAME`] and its padding, and what is larger as its judge says: the first
/// 32 bytes of it, or all of it up to [`MAXIMUM_HELD_FRAME`].
pub struct FrameDecoder {
    cipher: FrameCipher,
    mac: FrameMac,
    judge: JudgeLargeFrame,
    state: State,
}

enum State {
    Header { sealed: [u8; SEALED_HEADER], filled: usize },
    Body(Body),
    Tag { body: Body, tag: MacTag, filled: usize },
    Failed(FrameError),
}

impl State {
    const START: Self = Self::Header { sealed: [0; SEALED_HEADER], filled: 0 };
}

impl FrameDecoder {
    /// A decoder at the start of its stream.
    pub fn new(aes_secret: &[u8; 32], ingress: FrameMac, judge: JudgeLargeFrame) -> Self {
        Self { cipher: cipher(aes_secret), mac: ingress, judge, state: State::START }
    }

    /// Has large frames judged by this from now on, those alone excepted that were judged already.
    pub fn set_judge(&mut self, judge: JudgeLargeFrame) {
        self.judge = judge;
    }

    /// Lets go of a large frame that has come in part. The rest of it is dropped as it comes.
    pub fn skip_large_frame(&mut self) {
        if let State::Body(body) | State::Tag { body, .. } = &mut self.state {
            body.skip_if_large();
        }
    }

    /// Takes bytes off `input` until a message is whole or the input is used up (`None`).
    ///
    /// # Errors
    /// [`FrameError`]; the same again ever after, since the stream cannot be picked up.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Received>, FrameError> {
        let result = self.advance(input);
        if let Err(error) = &result {
            self.state = State::Failed(error.clone());
        }
        result
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Received>, FrameError> {
        loop {
            match &mut self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Header { sealed, filled } => {
                    if !fill(sealed, filled, input) {
                        return Ok(None);
                    }
                    let sealed = *sealed;
                    self.state = State::Body(self.open_header(&sealed)?);
                }
                State::Body(body) => {
                    let taken = body.missing.min(input.len()).min(body.next_step());
                    let (piece, rest) = input.split_at(taken);
                    *input = rest;
                    self.mac.feed(piece);
                    body.take(piece, &mut self.cipher, self.judge)?;
                    if body.missing > 0 {
                        if input.is_empty() {
                            return Ok(None);
                        }
                        continue;
                    }
                    let body = core::mem::take(body);
                    self.state = State::Tag { body, tag: [0; BLOCK], filled: 0 };
                }
                State::Tag { body, tag, filled } => {
                    if !fill(tag, filled, input) {
                        return Ok(None);
                    }
                    if !tags_match(tag, &self.mac.body_tag()) {
                        return Err(FrameError::BodyMac { size: body.size });
                    }
                    let body = core::mem::take(body);
                    self.state = State::START;
                    return body.finish().map(Some);
                }
            }
        }
    }

    fn open_header(&mut self, sealed: &[u8; SEALED_HEADER]) -> Result<Body, FrameError> {
        let (mut header, mut tag) = ([0; BLOCK], [0; BLOCK]);
        header.copy_from_slice(&sealed[..BLOCK]);
        tag.copy_from_slice(&sealed[BLOCK..]);
        if !tags_match(&tag, &self.mac.header_tag(&header)) {
            return Err(FrameError::HeaderMac);
        }
        self.cipher.apply_keystream(&mut header);
        Item::decode_first(&header[3..]).map_err(FrameError::HeaderData)?;
        let size = header[..3].iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
        if size == 0 {
            return Err(FrameError::Empty);
        }
        Ok(Body::new(size))
    }
}

impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameDecoder(hidden)")
    }
}

fn cipher(aes_secret: &[u8; 32]) -> FrameCipher {
    FrameCipher::new(&(*aes_secret).into(), &[0; BLOCK].into())
}

/// Moves bytes into `buffer` until it is full; true then.
fn fill(buffer: &mut [u8], filled: &mut usize, input: &mut &[u8]) -> bool {
    let (taken, rest) = input.split_at(input.len().min(buffer.len() - *filled));
    buffer[*filled..*filled + taken.len()].copy_from_slice(taken);
    *filled += taken.len();
    *input = rest;
    *filled == buffer.len()
}

/// The message code as an RLP integer: `(bytes, used)`.
fn encode_code(code: u8) -> ([u8; 2], usize) {
    match code {
        0 => ([0x80, 0], 1),
        1..=0x7f => ([code, 0], 1),
        0x80.. => ([0x81, code], 2),
    }
}

/// The message code and where the payload begins. Zero may be written `80` or `00`, as rskj reads both.
fn decode_code(body: &[u8]) -> Result<(u8, usize), FrameError> {
    match *body {
        [] => Err(FrameError::Empty),
        [0x80, ..] => Ok((0, 1)),
        [code @ ..=0x7f, ..] => Ok((code, 1)),
        [0x81, code, ..] if code >= 0x80 => Ok((code, 2)),
        [first, ..] => Err(FrameError::BadCode { first }),
    }
}

#[cfg(test)]
mod tests;
