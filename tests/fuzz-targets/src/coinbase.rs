//! `CompressedCoinbase`: taking it apart, its size, and the transaction id from a midstate.

use rustock_core::consensus::rules::merged_mining::coinbase::CompressedCoinbase;
use sha2::block_api::compress256;

use crate::{input::Input, naive::double_sha256};

const INITIAL_STATE: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The first byte says how many blocks to hash into a midstate; 255 takes the rest as the field itself.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() {
        255 => check_field(input.rest()),
        blocks => check_transaction(usize::from(blocks), input.rest()),
    }
}

/// Any bytes: parts, size and id as written down plainly.
fn check_field(field: &[u8]) {
    assert_eq!(CompressedCoinbase::present(field).is_ok(), !field.is_empty());
    let Ok(coinbase) = CompressedCoinbase::split(field) else {
        assert!(field.len() < 40, "40 bytes are enough");
        return;
    };
    let CompressedCoinbase { byte_count, midstate, tail } = coinbase;
    assert_eq!([&byte_count.to_be_bytes()[..], &midstate, tail].concat(), field);

    let size = i128::from(byte_count as i64) + tail.len() as i128;
    let wrapped = if size > i128::from(i64::MAX) { size - (1 << 64) } else { size };
    assert_eq!(coinbase.check_transaction_size().is_ok(), wrapped > 64);
    assert_eq!(coinbase.transaction_id(), id(byte_count, &midstate, tail));
}

/// A whole transaction, compressed after some blocks: the id must be the double hash of the whole.
fn check_transaction(blocks: usize, transaction: &[u8]) {
    let (head, tail) = transaction.split_at((64 * blocks).min(transaction.len() / 64 * 64));
    let mut state = INITIAL_STATE;
    compress(&mut state, head);
    let coinbase = CompressedCoinbase { byte_count: head.len() as u64, midstate: to_bytes(&state), tail };
    assert_eq!(coinbase.transaction_id(), double_sha256(transaction));
    assert_eq!(coinbase.check_transaction_size().is_ok(), transaction.len() > 64);
}

/// Padding as in FIPS 180-4, onto a copy of the tail.
fn id(byte_count: u64, midstate: &[u8; 32], tail: &[u8]) -> [u8; 32] {
    let mut state: [u32; 8] = core::array::from_fn(|word| {
        u32::from_be_bytes(core::array::from_fn(|byte| midstate[4 * word + byte]))
    });
    let mut padded = tail.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    let bits = (u128::from(byte_count) + tail.len() as u128) * 8;
    padded.extend((bits as u64).to_be_bytes());
    compress(&mut state, &padded);
    <sha2::Sha256 as sha2::Digest>::digest(to_bytes(&state)).into()
}

fn compress(state: &mut [u32; 8], blocks: &[u8]) {
    for block in blocks.chunks_exact(64) {
        compress256(state, &[block.try_into().expect("a block")]);
    }
}

fn to_bytes(state: &[u32; 8]) -> [u8; 32] {
    core::array::from_fn(|byte| state[byte / 4].to_be_bytes()[byte % 4])
}
