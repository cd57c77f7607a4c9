//! Node keys: the secret, the point it makes, and the id by which peers know it.
//!
//! No RSKIP. Mirrors rskj's `ECKey`.

use core::{fmt, str::FromStr};

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use k256::elliptic_curve::sec1::ToSec1Point;

use crate::primitives::hash::{NodeId, ParseHexError};

/// Why bytes are not a key or not a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Zero, or not below the order of the curve.
    #[error("not a secp256k1 secret key")]
    SecretOutOfRange,
    /// The two coordinates are not a point of secp256k1.
    #[error("not a point of secp256k1")]
    NotOnCurve,
    /// The signature has a component out of range, an unknown recovery id, or no key that fits it.
    #[error("no public key can be recovered from the signature")]
    BadSignature,
    /// Text that is not 32 bytes of hex.
    #[error("not a key in hex: {0}")]
    Text(#[from] ParseHexError),
}

/// A recoverable signature as RLPx carries it: `r ‖ s ‖ recovery id`.
pub type RecoverableSignature = [u8; 65];

/// A node's secret key. It is never printed, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(k256::SecretKey);

impl SecretKey {
    /// Reads a big-endian scalar.
    ///
    /// # Errors
    /// [`KeyError::SecretOutOfRange`] for zero and for values not below the curve's order. 32 random bytes
    /// fail with a chance of about 2^-128.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        k256::SecretKey::from_slice(bytes).map(Self).map_err(|_| KeyError::SecretOutOfRange)
    }

    /// The scalar, big-endian: what a node stores to keep its identity. Handle with care.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key())
    }

    /// The id by which peers know this key.
    pub fn node_id(&self) -> NodeId {
        self.public_key().node_id()
    }

    /// Diffie-Hellman: the x-coordinate of the shared point.
    pub fn agree(&self, remote: &PublicKey) -> [u8; 32] {
        (*self.0.diffie_hellman(&remote.0).raw_secret_bytes()).into()
    }

    /// Signs a 32-byte digest; deterministic (RFC 6979), low s, as rskj makes them.
    pub fn sign(&self, digest: &[u8; 32]) -> RecoverableSignature {
        let (signature, recovery_id) = SigningKey::from(&self.0).sign_prehash_recoverable(digest);
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = recovery_id.to_byte();
        bytes
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;
    /// Reads 64 hex digits, with or without a leading `0x`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: crate::primitives::hash::Hash256 = text.parse()?;
        Self::from_bytes(bytes.as_bytes())
    }
}

/// A point of secp256k1 that is known to lie on the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(k256::PublicKey);

impl PublicKey {
    /// The point a node id stands for.
    ///
    /// # Errors
    /// [`KeyError::NotOnCurve`].
    pub fn from_node_id(id: &NodeId) -> Result<Self, KeyError> {
        let mut point = [0x04; 65];
        point[1..].copy_from_slice(id.as_bytes());
        Self::from_uncompressed(&point)
    }

    /// Reads `04 ‖ X ‖ Y`.
    ///
    /// # Errors
    /// [`KeyError::NotOnCurve`], also when the first byte is not `04`.
    pub fn from_uncompressed(point: &[u8; 65]) -> Result<Self, KeyError> {
        // Other first bytes would be the compressed or hybrid forms, which rskj does not write.
        if point[0] != 0x04 {
            return Err(KeyError::NotOnCurve);
        }
        k256::PublicKey::from_sec1_bytes(point).map(Self).map_err(|_| KeyError::NotOnCurve)
    }

    /// `04 ‖ X ‖ Y`.
    pub fn to_uncompressed(&self) -> [u8; 65] {
        let point = self.0.to_sec1_point(false);
        let mut bytes = [0; 65];
        bytes.copy_from_slice(point.as_bytes());
        bytes
    }

    /// The id of the node that holds the secret half.
    pub fn node_id(&self) -> NodeId {
        let mut id = [0; NodeId::SIZE];
        id.copy_from_slice(&self.to_uncompressed()[1..]);
        NodeId::new(id)
    }

    /// The key that made `signature` over `digest`. A high s is accepted, as rskj does.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`].
    pub fn recover(digest: &[u8; 32], signature: &RecoverableSignature) -> Result<Self, KeyError> {
        let (scalars, recovery_id) = signature.split_at(64);
        let mut recovery_id = RecoveryId::from_byte(recovery_id[0]).ok_or(KeyError::BadSignature)?;
        let mut signature = Signature::from_slice(scalars).map_err(|_| KeyError::BadSignature)?;
        // The crate refuses a high s; the same key is found from n - s with the other parity.
        let low = signature.normalize_s();
        if low != signature {
            signature = low;
            recovery_id = RecoveryId::new(!recovery_id.is_y_odd(), recovery_id.is_x_reduced());
        }
        let key = VerifyingKey::recover_from_prehash(digest, &signature, recovery_id)
            .map_err(|_| KeyError::BadSignature)?;
        Ok(Self(key.into()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.node_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes(&[byte; 32]).expect("in range")
    }

    #[test]
    fn secret_keys_lie_between_zero_and_the_order() {
        const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        const BELOW: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
        assert_eq!(SecretKey::from_bytes(&[0; 32]), Err(KeyError::SecretOutOfRange));
        assert_eq!(ORDER.parse::<SecretKey>(), Err(KeyError::SecretOutOfRange));
        assert!(BELOW.parse::<SecretKey>().is_ok());
    }

    #[test]
    fn a_secret_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", key(0x11)), "SecretKey(hidden)");
    }

    #[test]
    fn both_sides_agree_on_the_same_secret() {
        assert_eq!(key(1).agree(&key(2).public_key()), key(2).agree(&key(1).public_key()));
    }

    #[test]
    fn a_signature_names_its_maker_with_low_and_with_high_s() {
        let digest = [0x5a; 32];
        let signature = key(7).sign(&digest);
        assert_eq!(PublicKey::recover(&digest, &signature), Ok(key(7).public_key()));

        let low = Signature::from_slice(&signature[..64]).expect("just made");
        let (r, s) = low.split_scalars();
        let high = Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).expect("in range");
        let mut flipped = signature;
        flipped[..64].copy_from_slice(&high.to_bytes());
        flipped[64] ^= 1;
        assert_ne!(flipped, signature);
        assert_eq!(PublicKey::recover(&digest, &flipped), Ok(key(7).public_key()));
    }

    #[test]
    fn a_broken_signature_names_nobody_or_somebody_else() {
        let digest = [0x5a; 32];
        let mut signature = key(7).sign(&digest);
        signature[64] = 4;
        assert_eq!(PublicKey::recover(&digest, &signature), Err(KeyError::BadSignature));
        assert_eq!(PublicKey::recover(&digest, &[0; 65]), Err(KeyError::BadSignature));
        let signature = key(7).sign(&digest);
        assert_ne!(PublicKey::recover(&[0x5b; 32], &signature), Ok(key(7).public_key()));
    }

    #[test]
    fn a_node_id_must_be_a_point() {
        let id = key(9).node_id();
        assert_eq!(PublicKey::from_node_id(&id), Ok(key(9).public_key()));
        let mut bytes = *id.as_bytes();
        bytes[63] ^= 1;
        assert_eq!(PublicKey::from_node_id(&NodeId::new(bytes)), Err(KeyError::NotOnCurve));
    }
}
