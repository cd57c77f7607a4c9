//! Blocks that the federation signed instead of mining them, before RSKIP-98.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use num_bigint::{BigInt, Sign};

use super::{
    header::NaiveHeader,
    hex_bytes,
    params::{NaiveParams, active},
    rlp::Rlp,
};

/// The order of secp256k1.
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// A signature takes the place of a proof in this header.
pub fn is_signed(header: &NaiveHeader, params: &NaiveParams) -> bool {
    !active(params.rskip98, header.number)
        && header.compressed_coinbase.is_empty()
        && header.merkle_proof.is_empty()
        && header.difficulty <= params.fallback_difficulty
}

/// Checks the signature that stands in place of the Bitcoin header.
///
/// # Errors
/// When it is not one, or not of the key that signs blocks of this height.
pub fn check_signature(header: &NaiveHeader, params: &NaiveParams) -> Result<(), String> {
    let list = Rlp::decode(&header.bitcoin_header)?;
    let [v, r, s] = list.list()? else { return Err("a signature has three parts".into()) };
    let [v] = v.bytes()? else { return Err("v is one byte".into()) };
    if !(27..=30).contains(v) {
        return Err(format!("v is {v}"));
    }
    let r = positive(r.bytes()?)?;
    let s = positive(s.bytes()?)?;
    if s >= BigInt::from_bytes_be(Sign::Plus, &hex_bytes(ORDER)) / 2 {
        return Err("s is in the upper half".into());
    }

    let unreadable = |_| "no such signature".to_owned();
    let signature = Signature::from_scalars(word(&r)?, word(&s)?).map_err(unreadable)?;
    let recovery = RecoveryId::from_byte(v - 27).ok_or("no such recovery id")?;
    let hash = header.hash_for_merged_mining(params)?;
    let signer = VerifyingKey::recover_from_prehash(&hash, &signature, recovery).map_err(unreadable)?;

    let key =
        if header.number.is_multiple_of(2) { &params.fallback_key_even } else { &params.fallback_key_odd };
    let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| "the network's key is no key")?;
    if signer == key { Ok(()) } else { Err("signed by another key".into()) }
}

/// A positive number in the shortest two's complement.
fn positive(bytes: &[u8]) -> Result<BigInt, String> {
    let value = BigInt::from_bytes_be(Sign::Plus, bytes);
    let shortest = value.sign() == Sign::Plus && value.to_signed_bytes_be() == bytes;
    if shortest { Ok(value) } else { Err("a part of a signature has needless bytes".into()) }
}

fn word(value: &BigInt) -> Result<[u8; 32], String> {
    let bytes = value.to_bytes_be().1;
    let padding = 32_usize.checked_sub(bytes.len()).ok_or("a part of a signature is too long")?;
    let mut word = [0; 32];
    word[padding..].copy_from_slice(&bytes);
    Ok(word)
}
