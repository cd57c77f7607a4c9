//! ECIES, the public-key encryption of the two handshake packets.
//!
//! No RSKIP. Mirrors rskj's `ECIESCoder`, `EthereumIESEngine` and `ConcatKDFBytesGenerator`. Layout:
//! `04 ‖ X ‖ Y` of a fresh key, IV, AES-128-CTR ciphertext, HMAC-SHA-256 tag.

use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::wire::rlpx::keys::{KeyError, PublicKey, SecretKey};

const POINT_BYTES: usize = 65;
const IV_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// What encryption adds to a plaintext, in bytes.
pub const OVERHEAD: usize = POINT_BYTES + IV_BYTES + TAG_BYTES;

/// Why a packet cannot be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EciesError {
    /// Too short to hold a point, an IV and a tag.
    #[error("an encrypted packet has at least {minimum} bytes, found {actual}")]
    TooShort {
        /// Fewest bytes possible.
        minimum: usize,
        /// Bytes found.
        actual: usize,
    },
    /// The sender's one-time key is not a point of the curve.
    #[error("the sender's one-time key: {0}")]
    BadPoint(KeyError),
    /// The tag does not fit: encrypted for another key, or changed on the way.
    #[error("the tag does not match: made for another key, or changed on the way")]
    BadTag,
}

/// The random part of one encryption. Never use one twice.
#[derive(Debug, Clone)]
pub struct EciesEntropy {
    /// The one-time key whose public half travels with the packet.
    pub ephemeral_key: SecretKey,
    /// Where the cipher's counter starts.
    pub iv: [u8; IV_BYTES],
}

/// Encrypts `plaintext` for `recipient`; `mac_data` is authenticated but not sent.
pub fn encrypt(recipient: &PublicKey, entropy: &EciesEntropy, plaintext: &[u8], mac_data: &[u8]) -> Vec<u8> {
    let keys = Keys::derive(&entropy.ephemeral_key.agree(recipient));
    let mut packet = Vec::with_capacity(plaintext.len() + OVERHEAD);
    packet.extend_from_slice(&entropy.ephemeral_key.public_key().to_uncompressed());
    packet.extend_from_slice(&entropy.iv);
    packet.extend_from_slice(plaintext);
    keys.apply_cipher(&entropy.iv, &mut packet[POINT_BYTES + IV_BYTES..]);
    let tag = keys.mac(&packet[POINT_BYTES..], mac_data).finalize().into_bytes();
    packet.extend_from_slice(&tag);
    packet
}

/// Decrypts a packet made for `secret` with the same `mac_data`.
///
/// # Errors
/// [`EciesError`]; nothing is decrypted before the tag was found right.
pub fn decrypt(secret: &SecretKey, packet: &[u8], mac_data: &[u8]) -> Result<Vec<u8>, EciesError> {
    let too_short = || EciesError::TooShort { minimum: OVERHEAD, actual: packet.len() };
    let (point, rest) = packet.split_first_chunk::<POINT_BYTES>().ok_or_else(too_short)?;
    let (authenticated, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or_else(too_short)?;
    let (iv, ciphertext) = authenticated.split_first_chunk::<IV_BYTES>().ok_or_else(too_short)?;

    let sender = PublicKey::from_uncompressed(point).map_err(EciesError::BadPoint)?;
    let keys = Keys::derive(&secret.agree(&sender));
    keys.mac(authenticated, mac_data).verify_slice(tag).map_err(|_| EciesError::BadTag)?;
    let mut plaintext = ciphertext.to_vec();
    keys.apply_cipher(iv, &mut plaintext);
    Ok(plaintext)
}

/// The concatenation key derivation of NIST SP 800-56 with SHA-256 and no shared info: fills `output`.
pub fn concatenation_kdf(secret: &[u8], output: &mut [u8]) {
    for (counter, block) in (1u32..).zip(output.chunks_mut(32)) {
        let digest = Sha256::new().chain_update(counter.to_be_bytes()).chain_update(secret).finalize();
        block.copy_from_slice(&digest[..block.len()]);
    }
}

struct Keys {
    encryption: [u8; 16],
    mac: [u8; 32],
}

impl Keys {
    fn derive(secret: &[u8; 32]) -> Self {
        let mut derived = [0; 32];
        concatenation_kdf(secret, &mut derived);
        let (encryption, mac) = derived.split_at(16);
        let mut keys = Self { encryption: [0; 16], mac: Sha256::digest(mac).into() };
        keys.encryption.copy_from_slice(encryption);
        keys
    }

    fn apply_cipher(&self, iv: &[u8; IV_BYTES], bytes: &mut [u8]) {
        // A random IV can carry into the upper half, so the counter is the full 128 bits here.
        Ctr128BE::<Aes128>::new(&self.encryption.into(), &(*iv).into()).apply_keystream(bytes);
    }

    fn mac(&self, authenticated: &[u8], mac_data: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.mac).expect("HMAC takes keys of any size");
        mac.update(authenticated);
        mac.update(mac_data);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes(&[byte; 32]).expect("in range")
    }

    fn entropy() -> EciesEntropy {
        EciesEntropy { ephemeral_key: key(3), iv: [0xff; 16] }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_encrypted_can_be_read_by_the_recipient_alone(
            plaintext in proptest::collection::vec(any::<u8>(), 0..300), mac_data in proptest::collection::vec(any::<u8>(), 0..3),
        ) {
            let packet = encrypt(&key(1).public_key(), &entropy(), &plaintext, &mac_data);
            prop_assert_eq!(packet.len(), plaintext.len() + OVERHEAD);
            prop_assert_eq!(decrypt(&key(2), &packet, &mac_data), Err(EciesError::BadTag));
            prop_assert_eq!(decrypt(&key(1), &packet, &mac_data), Ok(plaintext));
        }

        #[test]
        fn a_changed_byte_is_found(position in 0usize..OVERHEAD + 40, flip in 1u8..) {
            let mut packet = encrypt(&key(1).public_key(), &entropy(), &[7; 40], &[]);
            packet[position] ^= flip;
            let error = decrypt(&key(1), &packet, &[]).expect_err("must be refused");
            prop_assert!(matches!(error, EciesError::BadTag | EciesError::BadPoint(_)), "{error:?}");
        }

        #[test]
        fn random_bytes_never_panic(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decrypt(&key(1), &packet, &[]).is_err());
        }
    }

    #[test]
    fn a_packet_holds_at_least_the_overhead() {
        let packet = encrypt(&key(1).public_key(), &entropy(), &[], &[]);
        assert_eq!(decrypt(&key(1), &packet, &[]), Ok(vec![]));
        let too_short = EciesError::TooShort { minimum: 113, actual: 112 };
        assert_eq!(decrypt(&key(1), &packet[..112], &[]), Err(too_short));
    }

    #[test]
    fn the_derived_bytes_go_on_past_one_digest() {
        let mut long = [0; 40];
        concatenation_kdf(b"Hello", &mut long);
        let second = Sha256::new().chain_update([0, 0, 0, 2]).chain_update(b"Hello").finalize();
        assert_eq!(long[32..], second[..8]);
    }
}
