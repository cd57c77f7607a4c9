//! The search for `RSKBLOCK:` and the hash, against rskj's searches as they are.

use rustock_core::{
    consensus::{
        params::NetworkParams,
        rules::merged_mining::commitment::{TAG, check as check_commitment},
    },
    primitives::number::BlockNumber,
};

use crate::{input::Input, naive::last_position};

const BASE: [u8; 32] = *b"thirty-two bytes of a base hash.";
const DATA: [u8; 12] = *b"twelve bytes";
/// The first height of the offline network whose commitment carries data.
const FIRST_WITH_DATA: u64 = 449;
/// Byte count and midstate, which rskj searches too.
const BEFORE_TAIL: usize = 40;

/// A coinbase out of small parts: most bytes stand for themselves, the highest six for what is looked for.
pub fn check(bytes: &[u8]) {
    let coinbase = coinbase(Input::new(bytes));
    let Some(tail) = coinbase.get(BEFORE_TAIL..) else { return };
    let params = NetworkParams::simnet();
    let judge = |number| check_commitment(tail, &BASE, &params, BlockNumber::new(number)).ok();
    assert_eq!(judge(FIRST_WITH_DATA), with_data(&coinbase).map(Some));
    assert_eq!(judge(FIRST_WITH_DATA - 1), without_data(tail).then_some(None));
}

fn coinbase(mut input: Input<'_>) -> Vec<u8> {
    let mut coinbase = Vec::new();
    while !input.is_empty() {
        match input.byte() {
            250 => coinbase.extend_from_slice(TAG),
            251 => coinbase.extend_from_slice(&BASE[..20]),
            252 => coinbase.extend_from_slice(&BASE),
            253 => coinbase.extend_from_slice(&DATA),
            254 => coinbase.extend_from_slice(&[TAG, &BASE[..20], &DATA].concat()),
            255 => coinbase.resize(coinbase.len() + usize::from(input.byte()), 0),
            literal => coinbase.push(literal),
        }
    }
    coinbase
}

/// First for the tag and 20 bytes in the whole coinbase, then for the tag and 32 bytes in the tail.
fn with_data(coinbase: &[u8]) -> Option<[u8; 12]> {
    let prefix = [TAG, &BASE[..20]].concat();
    let after_prefix = last_position(coinbase, &prefix)? + prefix.len();
    let data: [u8; 12] = coinbase.get(after_prefix..after_prefix + 12)?.try_into().ok()?;
    let commitment = [&prefix[..], &data].concat();
    in_its_place(&coinbase[BEFORE_TAIL..], &commitment).then_some(data)
}

fn without_data(tail: &[u8]) -> bool {
    in_its_place(tail, &[TAG, &BASE].concat())
}

fn in_its_place(tail: &[u8], commitment: &[u8]) -> bool {
    last_position(tail, commitment).is_some_and(|at| {
        at < 64 && last_position(tail, TAG) == Some(at) && tail.len() - at - commitment.len() <= 128
    })
}
