//! The proof of work of a header: merge-mined, or signed by the federation.

use num_bigint::{BigInt, Sign};

use super::{
    bitcoin::BitcoinHeader,
    fallback,
    hashes::{finish_sha256, sha256},
    header::{NaiveHeader, RSK_TAG},
    last_position, merkle,
    params::{NaiveParams, active},
};

/// Checks the proof of work.
///
/// # Errors
/// With the first step that fails.
pub fn check(header: &NaiveHeader, params: &NaiveParams) -> Result<(), String> {
    if fallback::is_signed(header, params) {
        return fallback::check_signature(header, params);
    }

    let plain_list = active(params.rskip92, header.number);
    if plain_list {
        merkle::check_list_form(&header.merkle_proof, active(params.rskip180, header.number))?;
    } else {
        merkle::check_tree_form(&header.merkle_proof)?;
    }
    if header.compressed_coinbase.is_empty() {
        return Err("no coinbase".into());
    }

    let bitcoin_header = bitcoin_header(header, params)?;
    let hash = BigInt::from_bytes_le(Sign::Plus, &bitcoin_header.hash);
    let target = target(&header.difficulty);
    if hash > target {
        return Err(format!("Bitcoin hash {hash:x} above the target {target:x}"));
    }

    let transaction = coinbase_hash(header, params)?;
    if plain_list {
        if merkle::root_of_list(transaction, &header.merkle_proof)? != bitcoin_header.merkle_root {
            return Err("the coinbase is not in the Bitcoin block".into());
        }
    } else {
        let (root, leaves) = merkle::root_and_leaves_of_tree(&header.merkle_proof)?;
        if root != bitcoin_header.merkle_root || !leaves.contains(&transaction) {
            return Err("the coinbase is not in the Bitcoin block".into());
        }
    }
    Ok(())
}

/// The Bitcoin header, in the form that the height asks for.
///
/// # Errors
/// When it has another.
pub fn bitcoin_header(header: &NaiveHeader, params: &NaiveParams) -> Result<BitcoinHeader, String> {
    let length = header.bitcoin_header.len();
    if active(params.rskip98, header.number) && header.number != 0 && length != 80 {
        return Err(format!("Bitcoin header of {length} bytes"));
    }
    BitcoinHeader::parse(&header.bitcoin_header)
}

/// The highest hash that a difficulty allows.
fn target(difficulty: &BigInt) -> BigInt {
    let divisor = if *difficulty <= BigInt::from(2) { BigInt::from(3) } else { difficulty.clone() };
    (BigInt::from(1) << 256) / divisor
}

/// The hash of the Bitcoin coinbase transaction, once it is seen to commit to this header.
fn coinbase_hash(header: &NaiveHeader, params: &NaiveParams) -> Result<[u8; 32], String> {
    let coinbase = &header.compressed_coinbase;
    let (midstate, tail) = coinbase
        .split_at_checked(40)
        .ok_or_else(|| format!("compressed coinbase of {} bytes", coinbase.len()))?;

    let expected = [RSK_TAG, &header.hash_for_merged_mining(params)?].concat();
    let tag =
        last_position(tail, &expected).ok_or("the coinbase does not have the hash for merged mining")?;
    if tag >= 64 {
        return Err(format!("the tag begins at byte {tag}"));
    }
    if last_position(tail, RSK_TAG) != Some(tag) {
        return Err("another tag comes later".into());
    }
    let after = tail.len() - tag - expected.len();
    if after > 128 {
        return Err(format!("{after} bytes after the hash for merged mining"));
    }

    let mut words =
        midstate.chunks(4).map(|word| word.iter().fold(0_u32, |value, byte| (value << 8) | u32::from(*byte)));
    let mut next = || words.next().unwrap_or_default();
    let count = (u64::from(next()) << 32) | u64::from(next());
    let state = [0; 8].map(|_: u32| next());
    let length = (count as i64).wrapping_add(tail.len() as i64);
    if length <= 64 {
        return Err(format!("a coinbase of {length} bytes"));
    }
    Ok(sha256(&finish_sha256(state, count, tail)))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;

    use super::target;

    #[test]
    fn the_target_is_clamped_at_a_third() {
        let whole = BigInt::from(1) << 256;
        for (difficulty, divisor) in [(0, 3), (1, 3), (2, 3), (3, 3), (4, 4), (5, 5)] {
            assert_eq!(target(&BigInt::from(difficulty)), &whole / divisor, "difficulty {difficulty}");
        }
    }
}
