//! The merged-mining proof: a Bitcoin header with enough work, whose coinbase transaction commits to ours.
//!
//! RSKIP-92 (the proof is a plain path of hashes), RSKIP-98 (no other kind of proof), RSKIP-110 and RSKIP-UMM
//! (what is committed to), RSKIP-180 (size of the path). Mirrors rskj's `ProofOfWorkRule` and
//! `Rskip92MerkleProofValidator`. Proofs from before RSKIP-92 and federation signatures are not supported.
//!
//! The checks up to the coinbase's transaction id are one step and the merkle path another, because a batch of
//! headers folds its paths together.

pub mod coinbase;
pub mod commitment;
pub mod merkle_proof;
pub mod proof_of_work;
pub mod umm_root;

use crate::{
    consensus::{
        error::{CoinbaseFault, HeaderError},
        fork_detection_window::FORK_DETECTION_DATA_SIZE,
        params::NetworkParams,
    },
    primitives::header::{BITCOIN_HEADER_SIZE, Header, MergedMiningProof},
};
use coinbase::CompressedCoinbase;

/// What the checks before the merkle path find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// Double SHA-256 of the Bitcoin header, in hashing order.
    pub bitcoin_hash: [u8; 32],
    /// Transaction id of the Bitcoin coinbase, in hashing order.
    pub coinbase_id: [u8; 32],
    /// The fork-detection data, at heights that carry it.
    pub fork_detection_data: Option<[u8; FORK_DETECTION_DATA_SIZE]>,
}

/// The whole proof of one header.
///
/// # Errors
/// The first rule of the proof that the header breaks.
pub fn check(header: &Header, params: &NetworkParams) -> Result<Commitment, HeaderError> {
    let commitment = check_commitment(header, params)?;
    merkle_proof::check(header, commitment.coinbase_id)?;
    Ok(commitment)
}

/// Everything but the merkle path, in the order of rskj's `ProofOfWorkRule`.
///
/// # Errors
/// The first rule that the header breaks.
pub fn check_commitment(header: &Header, params: &NetworkParams) -> Result<Commitment, HeaderError> {
    let number = header.number();
    umm_root::check(header)?;
    let MergedMiningProof { bitcoin_header, merkle_proof, coinbase } =
        header.proof().ok_or(HeaderError::MergedMiningCoinbase(CoinbaseFault::Missing))?;
    merkle_proof::check_format(merkle_proof, params, number)?;
    let coinbase = CompressedCoinbase::present(coinbase)?;
    let bitcoin_header: &[u8; BITCOIN_HEADER_SIZE] =
        bitcoin_header.try_into().map_err(|_| HeaderError::BitcoinHeader { seen: bitcoin_header.len() })?;
    let bitcoin_hash = proof_of_work::check(bitcoin_header, header.difficulty())?;
    let coinbase = CompressedCoinbase::split(coinbase)?;
    let base = commitment::base_hash(header);
    let fork_detection_data = commitment::check(coinbase.tail, &base, params, number)?;
    coinbase.check_transaction_size()?;
    Ok(Commitment { bitcoin_hash, coinbase_id: coinbase.transaction_id(), fork_detection_data })
}

#[cfg(test)]
mod tests;
