//! Blocks that the federation signs instead of mining them, with two made-up keys.
//!
//! Before RSKIP-98. Mirrors the signatures that `ProofOfWorkRule.validFallbackBlockSignature` of rskj accepts.

use k256::{
    Scalar,
    ecdsa::{RecoveryId, Signature, SigningKey},
};
use rlp::RlpStream;

/// The secret keys: of even heights, of odd heights, and of somebody else.
const SECRETS: [[u8; 32]; 3] = [[0x11; 32], [0x22; 32], [0x33; 32]];

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The key of even heights.
    Even,
    /// The key of odd heights.
    Odd,
    /// A key that is none of the network's.
    Stranger,
}

impl Signer {
    /// Whose turn it is at a height.
    pub fn of_height(number: u64) -> Self {
        if number.is_multiple_of(2) { Self::Even } else { Self::Odd }
    }

    fn key(self) -> SigningKey {
        SigningKey::from_slice(&SECRETS[self as usize]).expect("a number below the curve's order")
    }
}

/// What is wrong with a signature that is otherwise made well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureDamage {
    /// `s` is the order less the right one: the same key fits, but the form is the malleable one.
    HighS,
    /// `v` is 31.
    HighV,
    /// `r` has a zero byte in front that it does not need.
    PaddedR,
    /// Another header is signed.
    OtherHash,
    /// The list has no `s`.
    NoS,
}

/// Who signs a block instead of mining it, and how well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signing {
    /// Who.
    pub signer: Signer,
    /// What is wrong with the signature, if anything.
    pub damage: Option<SignatureDamage>,
}

impl Signing {
    /// The content of the Bitcoin header's field: `[v, r, s]` over a hash for merged mining.
    pub fn sign(&self, mut hash: [u8; 32]) -> Vec<u8> {
        if self.damage == Some(SignatureDamage::OtherHash) {
            hash[0] ^= 1;
        }
        let (signature, recovery_id) = sign_prehash(&self.signer.key(), &hash);
        let (r, s) = signature.split_scalars();
        let mut s: Scalar = *s;
        let mut v = 27 + recovery_id.to_byte();
        match self.damage {
            Some(SignatureDamage::HighS) => {
                s = -s;
                v = 27 + (recovery_id.to_byte() ^ 1);
            }
            Some(SignatureDamage::HighV) => v = 31,
            _ => {}
        }
        let mut r = signed_form(&r.to_bytes());
        if self.damage == Some(SignatureDamage::PaddedR) {
            r.insert(0, 0);
        }
        let parts = if self.damage == Some(SignatureDamage::NoS) { 2 } else { 3 };
        let mut list = RlpStream::new_list(parts);
        list.append(&v);
        list.append(&r);
        if parts == 3 {
            list.append(&signed_form(&s.to_bytes()));
        }
        list.out().to_vec()
    }
}

fn sign_prehash(key: &SigningKey, hash: &[u8; 32]) -> (Signature, RecoveryId) {
    let (signature, recovery_id) = key.sign_prehash_recoverable(hash);
    // `s` in the lower half, as rskj wants it. The other half belongs to the other parity of the point.
    let normalised = signature.normalize_s();
    if normalised == signature {
        (signature, recovery_id)
    } else {
        (normalised, RecoveryId::new(!recovery_id.is_y_odd(), recovery_id.is_x_reduced()))
    }
}

/// The public halves of the two keys, uncompressed.
pub(super) fn public_keys() -> [[u8; 65]; 2] {
    [Signer::Even, Signer::Odd].map(|signer| {
        let point = signer.key().verifying_key().to_sec1_point(false);
        point.as_bytes().try_into().expect("an uncompressed point has 65 bytes")
    })
}

/// Java's shortest signed form of a positive number.
fn signed_form(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|byte| **byte == 0).count();
    let significant = &digits[zeros..];
    let mut bytes = Vec::with_capacity(significant.len() + 1);
    if significant.first().is_none_or(|first| first & 0x80 != 0) {
        bytes.push(0);
    }
    bytes.extend_from_slice(significant);
    bytes
}

#[cfg(test)]
mod tests {
    use k256::ecdsa::VerifyingKey;

    use super::*;

    #[test]
    fn the_key_of_the_height_can_be_recovered_from_its_signature() {
        for number in 0..40u8 {
            let signer = Signer::of_height(number.into());
            let field = Signing { signer, damage: None }.sign([number; 32]);
            let list = rlp::Rlp::new(&field);
            let scalar = |place| {
                let bytes: Vec<u8> = list.val_at(place).unwrap();
                let mut digits = [0; 32];
                let significant = bytes.strip_prefix(&[0]).unwrap_or(&bytes);
                digits[32 - significant.len()..].copy_from_slice(significant);
                digits
            };
            let signature = Signature::from_scalars(scalar(1), scalar(2)).unwrap();
            assert_eq!(signature.normalize_s(), signature);
            let recovery_id = RecoveryId::from_byte(list.val_at::<u8>(0).unwrap() - 27).unwrap();
            let key = VerifyingKey::recover_from_prehash(&[number; 32], &signature, recovery_id).unwrap();
            let expected = public_keys()[usize::from(number % 2)];
            assert_eq!(key.to_sec1_point(false).as_bytes(), expected);
        }
    }

    #[test]
    fn every_damage_changes_the_field() {
        let sign = |damage| Signing { signer: Signer::Even, damage }.sign([7; 32]);
        for damage in [
            SignatureDamage::HighS,
            SignatureDamage::HighV,
            SignatureDamage::PaddedR,
            SignatureDamage::OtherHash,
            SignatureDamage::NoS,
        ] {
            assert_ne!(sign(Some(damage)), sign(None), "{damage:?}");
        }
    }
}
