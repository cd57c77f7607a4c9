//! Finding one handshake packet in a byte stream, of either format, however the stream is cut.
//!
//! No RSKIP. Mirrors rskj's `HandshakeHandler.decodeHandshake` and `readEIP8Packet`, but keeps what it has
//! read: rskj loses the handshake when a packet arrives in pieces.

use crate::primitives::rlp::RlpError;
use crate::wire::rlpx::ecies::{self, EciesError};
use crate::wire::rlpx::keys::{KeyError, PublicKey, SecretKey};

/// The `version` both handshake packets carry. Nobody checks it.
pub(crate) const HANDSHAKE_VERSION: u8 = 4;
const SIZE_PREFIX_BYTES: usize = 2;
/// Other implementations add at most a few hundred bytes of padding.
const MAXIMUM_SIZE: usize = 2048;

/// How a handshake packet is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFormat {
    /// A size prefix, an RLP list, and padding of any size. What everybody sends today.
    Eip8,
    /// Fixed size, no prefix: what came before EIP-8.
    Legacy,
}

/// Why a handshake packet is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The size prefix says less than the smallest packet has.
    #[error("a packet takes at least {minimum} bytes, its prefix says {actual}")]
    TooSmall {
        /// Fewest bytes after the prefix.
        minimum: usize,
        /// What the prefix says.
        actual: usize,
    },
    /// The size prefix says more than any implementation sends.
    #[error("a packet takes at most {maximum} bytes, its prefix says {actual}")]
    TooLarge {
        /// Most bytes after the prefix.
        maximum: usize,
        /// What the prefix says.
        actual: usize,
    },
    /// It cannot be decrypted with our key.
    #[error("decrypting: {0}")]
    Ecies(#[from] EciesError),
    /// What was decrypted is not the list it should be.
    #[error("reading the decrypted list: {0}")]
    Rlp(#[from] RlpError),
    /// A key in it is not a point of the curve, or its signature fits no key.
    #[error("a key in it: {0}")]
    Key(#[from] KeyError),
    /// What was decrypted of an old-format packet has the wrong size.
    #[error("an old packet holds {expected} bytes, found {actual}")]
    LegacySize {
        /// Bytes that belong there.
        expected: usize,
        /// Bytes found.
        actual: usize,
    },
    /// The last byte of an old-format packet, a flag without effect, is neither 0 nor 1.
    #[error("the flag of an old packet is 0 or 1, found {actual}")]
    LegacyFlag {
        /// The byte found.
        actual: u8,
    },
}

/// One whole packet: the bytes as sent, which the frame MACs are seeded with, and what they decrypt to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenedPacket {
    pub(crate) format: HandshakeFormat,
    pub(crate) wire: Vec<u8>,
    pub(crate) plaintext: Vec<u8>,
}

/// Collects the bytes of one packet. Holds at most 2,050 of them, and asks the stream for no more than the
/// packet has, so that the bytes behind it are left where they are.
#[derive(Debug)]
pub(crate) struct PacketReader {
    buffer: Vec<u8>,
    legacy_size: usize,
    legacy_ruled_out: bool,
}

impl PacketReader {
    /// Waits for a packet whose old format decrypts to `legacy_plaintext` bytes.
    pub(crate) fn new(legacy_plaintext: usize) -> Self {
        let legacy_size = legacy_plaintext + ecies::OVERHEAD;
        Self { buffer: Vec::new(), legacy_size, legacy_ruled_out: false }
    }

    /// Takes bytes off `input`; a packet when it is whole.
    pub(crate) fn read(
        &mut self,
        secret: &SecretKey,
        input: &mut &[u8],
    ) -> Result<Option<OpenedPacket>, HandshakeError> {
        loop {
            let wanted = self.wanted()?;
            let missing = wanted.saturating_sub(self.buffer.len()).min(input.len());
            let (taken, rest) = input.split_at(missing);
            self.buffer.extend_from_slice(taken);
            *input = rest;
            if self.buffer.len() < wanted {
                return Ok(None);
            }
            if self.may_be_legacy() {
                if wanted < self.legacy_size {
                    continue;
                }
                // One try: whoever drips single bytes must not make us do curve arithmetic for each.
                self.legacy_ruled_out = true;
                if let Ok(plaintext) = ecies::decrypt(secret, &self.buffer, &[]) {
                    return Ok(Some(self.opened(HandshakeFormat::Legacy, plaintext)));
                }
            } else if wanted > SIZE_PREFIX_BYTES {
                let (prefix, packet) = self.buffer.split_at(SIZE_PREFIX_BYTES);
                let plaintext = ecies::decrypt(secret, packet, prefix)?;
                return Ok(Some(self.opened(HandshakeFormat::Eip8, plaintext)));
            }
        }
    }

    /// An old packet begins with the `04` of a point; as a size prefix that would be 1,024 to 1,279.
    fn may_be_legacy(&self) -> bool {
        !self.legacy_ruled_out && self.buffer.first() == Some(&0x04)
    }

    fn wanted(&self) -> Result<usize, HandshakeError> {
        let [high, low, ..] = self.buffer[..] else {
            return Ok(SIZE_PREFIX_BYTES);
        };
        if self.may_be_legacy() {
            return Ok(self.legacy_size);
        }
        let size = usize::from(u16::from_be_bytes([high, low]));
        if size < ecies::OVERHEAD {
            return Err(HandshakeError::TooSmall { minimum: ecies::OVERHEAD, actual: size });
        }
        if size > MAXIMUM_SIZE {
            return Err(HandshakeError::TooLarge { maximum: MAXIMUM_SIZE, actual: size });
        }
        Ok(SIZE_PREFIX_BYTES + size)
    }

    fn opened(&mut self, format: HandshakeFormat, plaintext: Vec<u8>) -> OpenedPacket {
        OpenedPacket { format, wire: core::mem::take(&mut self.buffer), plaintext }
    }
}

/// Encrypts an EIP-8 packet: `list ‖ padding` behind its authenticated size.
pub(crate) fn seal_eip8(
    recipient: &PublicKey,
    entropy: &crate::wire::rlpx::entropy::HandshakeEntropy,
    list: &[u8],
) -> Vec<u8> {
    let mut plaintext = list.to_vec();
    plaintext.extend_from_slice(&entropy.padding);
    let size = u16::try_from(plaintext.len() + ecies::OVERHEAD).expect("padding is bounded");
    let mut packet = size.to_be_bytes().to_vec();
    packet.extend(ecies::encrypt(recipient, &entropy.ecies, &plaintext, &size.to_be_bytes()));
    packet
}

/// Encrypts a packet of the old format.
pub(crate) fn seal_legacy(
    recipient: &PublicKey,
    entropy: &crate::wire::rlpx::entropy::HandshakeEntropy,
    plaintext: &[u8],
) -> Vec<u8> {
    ecies::encrypt(recipient, &entropy.ecies, plaintext, &[])
}

/// Checks the flag that ends an old-format packet.
pub(crate) fn check_legacy_flag(flag: u8) -> Result<(), HandshakeError> {
    if flag > 1 {
        return Err(HandshakeError::LegacyFlag { actual: flag });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
