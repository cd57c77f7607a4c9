//! Before RSKIP-98 the federation could sign a block instead of mining it.
//!
//! RSKIP-98 (which ended it). Mirrors `ProofOfWorkRule.isFallbackMiningPossibleAndBlockSigned` and
//! `validFallbackBlockSignature` of rskj, with what its `RLP.decode2` and `Secp256k1ServiceBC` accept.
//!
//! The field of the Bitcoin header then holds one RLP list of v, r and s, over the hash for merged mining. The
//! list need not be canonical: the block hash covers the field's bytes as they are, so a form that rskj takes
//! and we refuse would split us.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

use super::commitment;
use crate::{
    consensus::{
        error::{FallbackSignatureFault, HeaderError},
        params::{FallbackKey, NetworkParams},
        rules::fork_detection,
    },
    primitives::header::{Header, MergedMiningProof},
};

/// `v` of the recovery id 0.
const FIRST_V: u8 = 27;
/// ⌊n / 2⌋ of the curve's order n: `s` must be below.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d,
    0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// True when the header must be signed: RSKIP-98 is not active, there is no coinbase and no merkle proof, and the
/// difficulty is low enough. Whether the field of the Bitcoin header holds anything makes no difference.
pub fn must_be_signed(header: &Header, params: &NetworkParams) -> bool {
    let has_other_proof =
        header.proof().is_some_and(|MergedMiningProof { merkle_proof, coinbase, .. }| {
            !coinbase.is_empty() || !merkle_proof.is_empty()
        });
    !params.activations.rskip98.is_active(header.number())
        && !has_other_proof
        && header.difficulty() <= params.fallback_mining_difficulty
}

/// The field of the Bitcoin header is a signature by the key of the height's parity.
///
/// # Errors
/// [`HeaderError::FallbackSignature`].
pub fn check(header: &Header, params: &NetworkParams) -> Result<(), HeaderError> {
    let field = header.proof().map_or(&[][..], |MergedMiningProof { bitcoin_header, .. }| bitcoin_header);
    let [even, odd] = &params.fallback_keys;
    let key = if header.number().get().is_multiple_of(2) { even } else { odd };
    let signer = || {
        let signature = split(field)?;
        if fork_detection::is_carried(params, header.number()) {
            return Err(FallbackSignatureFault::NoForkDetectionData);
        }
        signature.signer(&commitment::base_hash(header))
    };
    match signer() {
        Ok(signer) if signer == *key => Ok(()),
        Ok(_) => Err(HeaderError::FallbackSignature(FallbackSignatureFault::OtherKey)),
        Err(fault) => Err(HeaderError::FallbackSignature(fault)),
    }
}

/// A signature whose parts have the right form.
struct Parts {
    recovery_id: RecoveryId,
    r: [u8; 32],
    s: [u8; 32],
}

fn split(field: &[u8]) -> Result<Parts, FallbackSignatureFault> {
    let (v, r, s) = three_strings(field).ok_or(FallbackSignatureFault::NotThreeStrings)?;
    let [v] = v else { return Err(FallbackSignatureFault::RecoveryId) };
    let recovery_id = v.checked_sub(FIRST_V).and_then(RecoveryId::from_byte);
    let (r, s) = (unsigned(r)?, unsigned(s)?);
    // rskj looks at the form of r and s before the range of v.
    let recovery_id = recovery_id.ok_or(FallbackSignatureFault::RecoveryId)?;
    if s >= HALF_ORDER {
        return Err(FallbackSignatureFault::HighS);
    }
    Ok(Parts { recovery_id, r, s })
}

impl Parts {
    /// The key that made the signature.
    ///
    /// This refuses r of n and more and s of zero, which the library behind rskj's default settings calculates
    /// with. Neither can lead to a key that is given: r in n..p has one chance in 2^128, and with s of zero
    /// only who holds the key could make it come out.
    fn signer(&self, hash: &[u8; 32]) -> Result<FallbackKey, FallbackSignatureFault> {
        let no_key = |_| FallbackSignatureFault::NoKey;
        let signature = Signature::from_scalars(self.r, self.s).map_err(no_key)?;
        let key = VerifyingKey::recover_from_prehash(hash, &signature, self.recovery_id).map_err(no_key)?;
        let mut uncompressed = [0; 65];
        uncompressed.copy_from_slice(key.to_sec1_point(false).as_bytes());
        Ok(uncompressed)
    }
}

/// Reads a number that must be in Java's shortest signed form, and so positive.
fn unsigned(bytes: &[u8]) -> Result<[u8; 32], FallbackSignatureFault> {
    let magnitude = match bytes {
        [0] => &[],
        [0, rest @ ..] if rest[0] & 0x80 != 0 => rest,
        [0, ..] | [] => return Err(FallbackSignatureFault::NotMinimal),
        [first, ..] if first & 0x80 != 0 => return Err(FallbackSignatureFault::NotMinimal),
        minimal => minimal,
    };
    let start = 32usize.checked_sub(magnitude.len()).ok_or(FallbackSignatureFault::NoKey)?;
    let mut number = [0; 32];
    number[start..].copy_from_slice(magnitude);
    Ok(number)
}

/// The strings of the one list that the field is, read as leniently as rskj does.
fn three_strings(field: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (Item::List(content), []) = split_item(field)? else { return None };
    let (v, rest) = split_item(content)?;
    let (r, rest) = split_item(rest)?;
    let (s, rest) = split_item(rest)?;
    match (v, r, s, rest) {
        (Item::String(v), Item::String(r), Item::String(s), []) => Some((v, r, s)),
        _ => None,
    }
}

/// An RLP item whose size may be written in more bytes than it takes.
enum Item<'a> {
    String(&'a [u8]),
    List(&'a [u8]),
}

fn split_item(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((Item::String(&bytes[..1]), rest));
    }
    let (base, is_list) = if *first < 0xc0 { (0x80, false) } else { (0xc0, true) };
    let (size, rest) = match usize::from(first - base) {
        short @ 0..=55 => (short, rest),
        long => {
            let (size, rest) = rest.split_at_checked(long - 55)?;
            // Up to eight bytes of size, of which Java's int keeps the last four.
            let size = size.iter().fold(0u32, |size, byte| size << 8 | u32::from(*byte));
            (usize::try_from(size as i32).ok()?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(size)?;
    Some((if is_list { Item::List(content) } else { Item::String(content) }, rest))
}

#[cfg(test)]
mod tests;
