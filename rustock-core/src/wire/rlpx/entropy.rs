//! All the randomness of one side's handshake, as a plain value.
//!
//! No RSKIP. Mirrors what rskj's `EncryptionHandshake` draws from its `SecureRandom`.

use crate::wire::rlpx::ecies::EciesEntropy;
use crate::wire::rlpx::keys::{KeyError, SecretKey};

/// A 32-byte handshake nonce.
pub type Nonce = [u8; 32];

/// Why random material is not fit for a handshake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntropyError {
    /// One of the two one-time keys is out of range; draw again.
    #[error("a one-time key: {0}")]
    Key(#[from] KeyError),
    /// Less padding makes rskj stay silent, more would not fit its packet.
    #[error("padding takes {minimum} to {maximum} bytes, found {actual}")]
    Padding {
        /// Fewest bytes.
        minimum: usize,
        /// Most bytes.
        maximum: usize,
        /// Bytes found.
        actual: usize,
    },
}

/// What one side of one handshake draws at random. Never use one twice: it fixes every secret of the session.
#[derive(Debug, Clone)]
pub struct HandshakeEntropy {
    pub(crate) ephemeral_key: SecretKey,
    pub(crate) nonce: Nonce,
    pub(crate) ecies: EciesEntropy,
    pub(crate) padding: Vec<u8>,
}

impl HandshakeEntropy {
    /// Random bytes that [`Self::from_random`] takes: two keys, nonce, IV, padding size and padding.
    pub const RANDOM_BYTES: usize = 32 + 32 + 32 + 16 + 2 + Self::USUAL_PADDING.1;

    /// An EIP-8 auth is silently ignored by rskj when it is shorter than an old one would be.
    pub const MINIMUM_PADDING: usize = 25;
    /// Keeps a packet well inside one network segment.
    pub const MAXIMUM_PADDING: usize = 600;
    /// What rskj itself uses, smallest and largest.
    const USUAL_PADDING: (usize, usize) = (100, 299);

    /// Cuts uniformly random bytes into all the parts, with 100 to 299 bytes of padding.
    ///
    /// # Errors
    /// [`EntropyError::Key`], with a chance of about 2^-127: draw again.
    pub fn from_random(bytes: &[u8; Self::RANDOM_BYTES]) -> Result<Self, EntropyError> {
        let mut rest = bytes.as_slice();
        let mut take = |size: usize| {
            let (part, after) = rest.split_at(size);
            rest = after;
            part
        };
        let mut part32 = || {
            let mut part = [0; 32];
            part.copy_from_slice(take(32));
            part
        };
        let (ephemeral_key, nonce, ecies_key) = (part32(), part32(), part32());
        let mut iv = [0; 16];
        iv.copy_from_slice(take(16));
        let (least, most) = Self::USUAL_PADDING;
        let draw = take(2).iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        let padding = take(least + draw % (most + 1 - least)).to_vec();
        let ecies = EciesEntropy { ephemeral_key: SecretKey::from_bytes(&ecies_key)?, iv };
        Self::new(SecretKey::from_bytes(&ephemeral_key)?, nonce, ecies, padding)
    }

    /// Puts given parts together; `padding` is not used for packets of the old format.
    ///
    /// # Errors
    /// [`EntropyError::Padding`].
    pub fn new(
        ephemeral_key: SecretKey,
        nonce: Nonce,
        ecies: EciesEntropy,
        padding: Vec<u8>,
    ) -> Result<Self, EntropyError> {
        let (minimum, maximum) = (Self::MINIMUM_PADDING, Self::MAXIMUM_PADDING);
        if !(minimum..=maximum).contains(&padding.len()) {
            return Err(EntropyError::Padding { minimum, maximum, actual: padding.len() });
        }
        Ok(Self { ephemeral_key, nonce, ecies, padding })
    }

    /// The one-time key that the session's secrets come from.
    pub fn ephemeral_key(&self) -> &SecretKey {
        &self.ephemeral_key
    }

    /// Our nonce.
    pub fn nonce(&self) -> &Nonce {
        &self.nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_padding(size: usize) -> Result<HandshakeEntropy, EntropyError> {
        let key = SecretKey::from_bytes(&[1; 32]).expect("in range");
        let ecies = EciesEntropy { ephemeral_key: key.clone(), iv: [0; 16] };
        HandshakeEntropy::new(key, [0; 32], ecies, vec![0; size])
    }

    #[test]
    fn padding_is_bounded_on_both_sides() {
        assert!(with_padding(25).is_ok() && with_padding(600).is_ok());
        for actual in [24, 601] {
            let error = with_padding(actual).expect_err("must be refused");
            assert_eq!(error, EntropyError::Padding { minimum: 25, maximum: 600, actual });
        }
    }

    #[test]
    fn random_bytes_give_the_padding_rskj_uses() {
        let mut bytes = [1; HandshakeEntropy::RANDOM_BYTES];
        for (draw, size) in [(0u16, 100), (199, 299), (200, 100), (65_535, 235)] {
            bytes[112..114].copy_from_slice(&draw.to_be_bytes());
            assert_eq!(HandshakeEntropy::from_random(&bytes).expect("in range").padding.len(), size);
        }
        bytes[..32].fill(0);
        let error = HandshakeEntropy::from_random(&bytes).expect_err("must be refused");
        assert_eq!(error, EntropyError::Key(KeyError::SecretOutOfRange));
    }
}
