//! What a block commits to: the hash for merged mining, with fork-detection data of its ancestors.
//!
//! RSKIP-110. Mirrors rskj's `ForkDetectionDataCalculator` and `BlockHeader.getHashForMergedMining`.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        hash::keccak256,
        header::{BITCOIN_HEADER_SIZE, Header, HeaderFields},
        number::BlockNumber,
    },
};

use super::bitcoin::double_sha256;

/// Bytes of fork-detection data.
pub(super) const FORK_DATA_SIZE: usize = 12;

/// The first height that carries fork-detection data, where RSKIP-110 is active.
pub(super) const FIRST_HEIGHT: u64 = 449;

/// The fork-detection data of the block on top of `ancestors`, which start at genesis. `None` where blocks
/// carry none.
pub(super) fn fork_data(params: &NetworkParams, ancestors: &[Header]) -> Option<[u8; FORK_DATA_SIZE]> {
    let number = ancestors.len() as u64;
    if number < FIRST_HEIGHT || !params.activations.rskip110.is_active(BlockNumber::new(number)) {
        return None;
    }
    let mut data = [0; FORK_DATA_SIZE];
    let newest_sample = (ancestors.len() - 1) / 64 * 64;
    for (index, byte) in data[..7].iter_mut().enumerate() {
        *byte = bitcoin_hash_byte(&ancestors[newest_sample - 64 * index]);
    }
    let uncles: u64 = ancestors.iter().rev().take(32).map(|header| u64::from(header.uncle_count())).sum();
    data[7] = uncles.min(255) as u8;
    data[8..].copy_from_slice(&(number as u32).to_be_bytes());
    Some(data)
}

/// Fork-detection data samples every so many blocks.
pub(super) const SAMPLE_STEP: u64 = 64;

/// The least significant byte of the Bitcoin block id in a header's proof.
fn bitcoin_hash_byte(header: &Header) -> u8 {
    let proof = header.proof().expect("every generated header has a proof");
    let header = proof.bitcoin_header.first_chunk::<BITCOIN_HEADER_SIZE>();
    double_sha256(header.expect("no block is signed at a height that is sampled"))[0]
}

/// The 32 bytes that a miner puts after `RSKBLOCK:`.
pub(super) fn hash_for_merged_mining(
    fields: &HeaderFields,
    fork_data: Option<[u8; FORK_DATA_SIZE]>,
) -> [u8; 32] {
    let mut hash = keccak256(&[&fields.encode_for_merged_mining()]);
    if let Some(umm_root) = fields.umm_root.as_ref().filter(|root| !root.is_empty()) {
        hash = keccak256(&[&hash[..20], umm_root]);
    }
    if let Some(data) = fork_data {
        hash[20..].copy_from_slice(&data);
    }
    hash
}
