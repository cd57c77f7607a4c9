//! The Bitcoin coinbase says `RSKBLOCK:` and this header's hash for merged mining, near its end.
//!
//! RSKIP-110 (twelve of the hash's bytes are fork-detection data) and RSKIP-UMM. Mirrors rskj's
//! `ProofOfWorkRule` and `BlockHeader.getHashForMergedMining`.
//!
//! Where fork-detection data is carried it is no field of the header: rskj reads it from the coinbase, after the
//! last tag that the hash's first 20 bytes follow, and then looks for the tag and all 32 bytes. Both searches
//! and the rule that no tag may come later amount to this: the *last* tag is followed by those 20 bytes and by
//! at least twelve more.

use memchr::memmem;

use crate::{
    consensus::{
        error::{HeaderError, TagPositionFault},
        fork_detection_window::FORK_DETECTION_DATA_SIZE,
        params::NetworkParams,
        rules::fork_detection,
    },
    primitives::{hash::keccak256, header::Header, number::BlockNumber},
};

/// What stands before a commitment.
pub const TAG: &[u8] = b"RSKBLOCK:";

/// Bytes of a hash for merged mining.
const HASH_SIZE: usize = 32;
/// Bytes of it that the header alone decides, where fork-detection data is carried.
const HASH_PREFIX_SIZE: usize = HASH_SIZE - FORK_DETECTION_DATA_SIZE;
/// The tag starts before this byte of the tail.
const TAG_START_LIMIT: usize = 64;
/// Most bytes after the commitment: with more, a transaction could be built around a foreign midstate.
const MOST_BYTES_AFTER: usize = 128;

/// The base hash for merged mining: of the header without proof, and over that with the `ummRoot` if it is
/// not empty.
pub fn base_hash(header: &Header) -> [u8; 32] {
    let own = header.hash_without_merged_mining();
    match header.umm_root() {
        None | Some([]) => own,
        Some(umm_root) => keccak256(&[&own[..HASH_PREFIX_SIZE], umm_root]),
    }
}

/// The tail of the coinbase commits to `base_hash`, in the right place. Returns the fork-detection data, at
/// heights that carry it.
///
/// # Errors
/// [`HeaderError::MergedMiningCommitment`] or [`HeaderError::MergedMiningTagPosition`].
pub fn check(
    tail: &[u8],
    base_hash: &[u8; 32],
    params: &NetworkParams,
    number: BlockNumber,
) -> Result<Option<[u8; FORK_DETECTION_DATA_SIZE]>, HeaderError> {
    let carries_data = fork_detection::is_carried(params, number);
    let fixed = if carries_data { &base_hash[..HASH_PREFIX_SIZE] } else { &base_hash[..] };

    let tag = last_tag(tail).ok_or_else(|| mismatch(fixed, None))?;
    let committed = &tail[tag + TAG.len()..];
    if !committed.starts_with(fixed) {
        return Err(not_committed(tail, tag, fixed));
    }
    let Some((hash, after)) = committed.split_first_chunk::<HASH_SIZE>() else {
        return Err(mismatch(fixed, Some(committed)));
    };
    if tag >= TAG_START_LIMIT {
        return Err(HeaderError::MergedMiningTagPosition(TagPositionFault::TooFar { seen: tag }));
    }
    if after.len() > MOST_BYTES_AFTER {
        let fault = TagPositionFault::BytesAfter { seen: after.len() };
        return Err(HeaderError::MergedMiningTagPosition(fault));
    }
    Ok(carries_data.then(|| *hash.last_chunk().expect("a hash is longer")))
}

/// Where the last tag starts. Searched backwards by the tag's last byte, which is rarer than its letters.
fn last_tag(tail: &[u8]) -> Option<usize> {
    let (colon, letters) = TAG.split_last()?;
    memchr::memrchr_iter(*colon, tail).find_map(|end| {
        let before = &tail[..end];
        before.ends_with(letters).then(|| end - letters.len())
    })
}

/// Tells a commitment that another tag follows from one that is not there at all.
fn not_committed(tail: &[u8], last_tag: usize, fixed: &[u8]) -> HeaderError {
    let commitment = [TAG, fixed].concat();
    match memmem::rfind(tail, &commitment) {
        Some(committed) => {
            HeaderError::MergedMiningTagPosition(TagPositionFault::NotLast { committed, seen: last_tag })
        }
        None => mismatch(fixed, Some(&tail[last_tag + TAG.len()..])),
    }
}

fn mismatch(expected: &[u8], committed: Option<&[u8]>) -> HeaderError {
    let shown = |bytes: &[u8]| bytes[..bytes.len().min(HASH_SIZE)].to_vec();
    HeaderError::MergedMiningCommitment { expected: expected.to_vec(), seen: committed.map(shown) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: [u8; 32] = [0xab; 32];
    const DATA: [u8; 12] = [0xcd; 12];

    fn commitment_with_data() -> Vec<u8> {
        [TAG, &BASE[..20], &DATA].concat()
    }

    fn judge_at(number: u64, tail: &[u8]) -> Result<Option<[u8; 12]>, HeaderError> {
        check(tail, &BASE, &NetworkParams::simnet(), BlockNumber::new(number))
    }

    fn judge(before: usize, after: &[u8]) -> Result<Option<[u8; 12]>, HeaderError> {
        judge_at(449, &[&vec![0; before], &commitment_with_data(), after].concat())
    }

    fn position(fault: TagPositionFault) -> Result<Option<[u8; 12]>, HeaderError> {
        Err(HeaderError::MergedMiningTagPosition(fault))
    }

    #[test]
    fn the_tag_starts_before_byte_64() {
        assert_eq!(judge(0, &[]), Ok(Some(DATA)));
        assert_eq!(judge(63, &[]), Ok(Some(DATA)));
        assert_eq!(judge(64, &[]), position(TagPositionFault::TooFar { seen: 64 }));
    }

    #[test]
    fn at_most_128_bytes_follow() {
        assert_eq!(judge(3, &[0; 128]), Ok(Some(DATA)));
        assert_eq!(judge(3, &[0; 129]), position(TagPositionFault::BytesAfter { seen: 129 }));
    }

    #[test]
    fn no_other_tag_follows_and_an_earlier_one_does_no_harm() {
        assert_eq!(judge(0, TAG), position(TagPositionFault::NotLast { committed: 0, seen: 41 }));
        let earlier = [TAG, &[1, 2], &commitment_with_data()].concat();
        assert_eq!(judge_at(449, &earlier), Ok(Some(DATA)));
        let twice = commitment_with_data().repeat(2);
        assert_eq!(judge_at(449, &twice), Ok(Some(DATA)));
    }

    #[test]
    fn all_twelve_data_bytes_are_there() {
        let whole = commitment_with_data();
        assert!(judge_at(449, &whole).is_ok());
        let cut = judge_at(449, &whole[..whole.len() - 1]).expect_err("eleven bytes");
        assert!(matches!(cut, HeaderError::MergedMiningCommitment { .. }));
    }

    #[test]
    fn below_449_all_32_bytes_are_the_hash() {
        let whole = [TAG, &BASE].concat();
        assert_eq!(judge_at(448, &whole), Ok(None));
        assert!(judge_at(448, &commitment_with_data()).is_err());
        assert_eq!(judge_at(449, &whole), Ok(Some([0xab; 12])));
    }

    #[test]
    fn each_fixed_byte_counts() {
        for (number, fixed) in [(448, 32), (449, 20)] {
            for index in 0..fixed {
                let mut tail = [TAG, &BASE].concat();
                tail[TAG.len() + index] ^= 1;
                let error = judge_at(number, &tail).expect_err("another hash");
                let seen = Some(tail[TAG.len()..].to_vec());
                assert_eq!(
                    error,
                    HeaderError::MergedMiningCommitment { expected: BASE[..fixed].to_vec(), seen }
                );
            }
        }
    }

    #[test]
    fn without_a_tag_there_is_no_commitment() {
        let error = judge_at(449, &[0; 80]).expect_err("no tag");
        assert_eq!(error.seen(), "no RSKBLOCK: in the tail");
    }

    /// rskj's two searches, as they are.
    fn two_searches(coinbase: &[u8], base: &[u8; 32]) -> Option<[u8; 12]> {
        let prefixed = [TAG, &base[..20]].concat();
        let found = memmem::rfind(coinbase, &prefixed)? + prefixed.len();
        let data: [u8; 12] = coinbase.get(found..found + 12)?.try_into().ok()?;
        let tail = &coinbase[40..];
        let whole = [TAG, &base[..20], &data].concat();
        let tag = memmem::rfind(tail, &whole)?;
        let right_place =
            tag < 64 && Some(tag) == memmem::rfind(tail, TAG) && tail.len() - tag - whole.len() <= 128;
        right_place.then_some(data)
    }

    proptest! {
        #[test]
        fn one_search_finds_what_rskjs_two_do(parts in proptest::collection::vec(0u8..6, 0..8), cut in 0usize..20, start in 0usize..30) {
            let mut coinbase = vec![0; start];
            for part in parts {
                match part {
                    0 => coinbase.extend_from_slice(TAG),
                    1 => coinbase.extend_from_slice(&BASE[..20]),
                    2 => coinbase.extend_from_slice(&DATA),
                    3 => coinbase.extend_from_slice(&commitment_with_data()),
                    4 => coinbase.extend_from_slice(&[0; 17]),
                    _ => coinbase.extend_from_slice(b"RSKBLOCK"),
                }
            }
            coinbase.truncate(coinbase.len().saturating_sub(cut));
            if coinbase.len() >= 40 {
                prop_assert_eq!(judge_at(449, &coinbase[40..]).ok().flatten(), two_searches(&coinbase, &BASE));
            }
        }
    }
}
