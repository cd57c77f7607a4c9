//! The running MAC of one direction: a Keccak state stirred with AES.
//!
//! No RSKIP. Mirrors rskj's `FrameCodec.updateMac`.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use sha3::{Digest, Keccak256};

use crate::primitives::hash::Hash256;
use crate::wire::rlpx::entropy::Nonce;

/// A header or frame MAC as it stands on the wire.
pub type MacTag = [u8; 16];

/// The MAC state of one direction. Every byte of every frame goes through it, in order.
#[derive(Clone)]
pub struct FrameMac {
    state: Keccak256,
    // rskj builds the key schedule anew for each tag; kept, a tag takes a quarter of the time.
    cipher: Aes256,
}

impl FrameMac {
    /// The state of the direction in which `packet` was the handshake packet; `other_nonce` is the nonce of
    /// the side that received it.
    pub fn new(mac_secret: &[u8; 32], other_nonce: &Nonce, packet: &[u8]) -> Self {
        let seed: [u8; 32] = core::array::from_fn(|index| mac_secret[index] ^ other_nonce[index]);
        let state = Keccak256::new().chain_update(seed).chain_update(packet);
        Self { state, cipher: Aes256::new(&(*mac_secret).into()) }
    }

    /// The digest so far; the state goes on unchanged.
    pub fn digest(&self) -> Hash256 {
        Hash256::new(self.state.clone().finalize().into())
    }

    /// Takes in bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }

    /// The tag of a frame header whose ciphertext is `header`.
    pub fn header_tag(&mut self, header: &[u8; 16]) -> MacTag {
        let digest = self.short_digest();
        self.stir(&digest, header)
    }

    /// The tag of a frame body whose ciphertext was fed.
    pub fn body_tag(&mut self) -> MacTag {
        let digest = self.short_digest();
        self.stir(&digest, &digest)
    }

    fn stir(&mut self, digest: &MacTag, seed: &[u8; 16]) -> MacTag {
        let mut block = (*digest).into();
        self.cipher.encrypt_block(&mut block);
        let stirred: [u8; 16] = core::array::from_fn(|index| block[index] ^ seed[index]);
        self.state.update(stirred);
        self.short_digest()
    }

    fn short_digest(&self) -> MacTag {
        let mut short = [0; 16];
        short.copy_from_slice(&self.digest().as_bytes()[..16]);
        short
    }
}

impl core::fmt::Debug for FrameMac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FrameMac(hidden)")
    }
}

/// Compares two tags in a time that does not depend on where they differ.
pub(crate) fn tags_match(left: &MacTag, right: &MacTag) -> bool {
    left.iter().zip(right).fold(0, |difference, (left, right)| difference | (left ^ right)) == 0
}
