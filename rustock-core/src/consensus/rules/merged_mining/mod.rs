//! The merged-mining proof: a Bitcoin header with enough work, whose coinbase transaction commits to ours.
//!
//! RSKIP-92 (the proof is a plain path of hashes; before, a partial merkle tree), RSKIP-98 (no other kind of
//! proof; before, the federation could sign), RSKIP-110 and RSKIP-UMM (what is committed to), RSKIP-180 (size of
//! the path). Mirrors rskj's `ProofOfWorkRule` and its two `MerkleProofValidator`s.
//!
//! The checks up to the coinbase's transaction id are one step and the merkle proof another, because a batch of
//! headers folds its paths together.

pub mod bitcoin_block;
pub mod coinbase;
pub mod commitment;
pub mod fallback_signature;
pub mod merkle_proof;
pub mod partial_merkle_tree;
pub mod proof_of_work;
pub mod umm_root;

use crate::{
    consensus::{
        error::{CoinbaseFault, HeaderError},
        fork_detection_window::FORK_DETECTION_DATA_SIZE,
        params::NetworkParams,
    },
    primitives::{
        header::{Header, MergedMiningProof},
        number::BlockNumber,
    },
};
use coinbase::CompressedCoinbase;
use merkle_proof::BatchFold;

/// What stands behind a header, as far as the checks before the merkle proof can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Work, if the merkle proof holds.
    Mined(Commitment),
    /// The federation's signature, before RSKIP-98.
    Signed,
}

/// What the checks before the merkle proof find out about a mined header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// Double SHA-256 of the Bitcoin header, in hashing order.
    pub bitcoin_hash: [u8; 32],
    /// Transaction id of the Bitcoin coinbase, in hashing order.
    pub coinbase_id: [u8; 32],
    /// The fork-detection data, at heights that carry it.
    pub fork_detection_data: Option<[u8; FORK_DETECTION_DATA_SIZE]>,
}

impl Authentication {
    /// First byte of the Bitcoin header's hash, which fork-detection data samples.
    ///
    /// Zero where there is no Bitcoin header. rskj fails when it has to sample a signed block, so no
    /// descendant for 448 heights could be valid; here the sample is zero. No public network can tell the
    /// two apart: on mainnet, signing ended 862,000 blocks before sampling began, and the others never had it.
    pub fn bitcoin_hash_byte(&self) -> u8 {
        match self {
            Self::Mined(commitment) => commitment.bitcoin_hash[0],
            Self::Signed => 0,
        }
    }

    /// The fork-detection data, of mined headers at heights that carry it.
    pub fn fork_detection_data(&self) -> Option<[u8; FORK_DETECTION_DATA_SIZE]> {
        match self {
            Self::Mined(commitment) => commitment.fork_detection_data,
            Self::Signed => None,
        }
    }
}

/// The whole proof of one header.
///
/// # Errors
/// The first rule of the proof that the header breaks.
pub fn check(header: &Header, params: &NetworkParams) -> Result<Authentication, HeaderError> {
    let authentication = check_until_merkle_proof(header, params)?;
    check_merkle_proof(header, &authentication, params)?;
    Ok(authentication)
}

/// Everything but the merkle proof, in the order of rskj's `ProofOfWorkRule`.
///
/// # Errors
/// The first rule that the header breaks.
pub fn check_until_merkle_proof(
    header: &Header,
    params: &NetworkParams,
) -> Result<Authentication, HeaderError> {
    let number = header.number();
    umm_root::check(header)?;
    if fallback_signature::must_be_signed(header, params) {
        return fallback_signature::check(header, params).map(|()| Authentication::Signed);
    }
    let MergedMiningProof { bitcoin_header, merkle_proof, coinbase } =
        header.proof().ok_or(HeaderError::MergedMiningCoinbase(CoinbaseFault::Missing))?;
    if has_partial_merkle_tree(params, number) {
        partial_merkle_tree::check_format(merkle_proof)?;
    } else {
        merkle_proof::check_format(merkle_proof, params, number)?;
    }
    let coinbase = CompressedCoinbase::present(coinbase)?;
    let bitcoin_header = bitcoin_block::header_of(bitcoin_header, params, number)?;
    let bitcoin_hash = proof_of_work::check(bitcoin_header, header.difficulty())?;
    let coinbase = CompressedCoinbase::split(coinbase)?;
    let base = commitment::base_hash(header);
    let fork_detection_data = commitment::check(coinbase.tail, &base, params, number)?;
    coinbase.check_transaction_size()?;
    let coinbase_id = coinbase.transaction_id();
    Ok(Authentication::Mined(Commitment { bitcoin_hash, coinbase_id, fork_detection_data }))
}

/// The merkle proof of one header, in the form of its height.
///
/// # Errors
/// [`HeaderError::MerkleRoot`].
pub fn check_merkle_proof(
    header: &Header,
    authentication: &Authentication,
    params: &NetworkParams,
) -> Result<(), HeaderError> {
    match authentication {
        Authentication::Signed => Ok(()),
        Authentication::Mined(commitment) if has_partial_merkle_tree(params, header.number()) => {
            partial_merkle_tree::check(header, &commitment.coinbase_id)
        }
        Authentication::Mined(commitment) => merkle_proof::check(header, commitment.coinbase_id),
    }
}

/// The merkle proofs of many headers of any eras. Paths are folded together.
pub fn check_merkle_proofs(
    headers: &[Header],
    authentications: &[Authentication],
    params: &NetworkParams,
) -> Vec<Result<(), HeaderError>> {
    let has_path = |header: &Header| !has_partial_merkle_tree(params, header.number());
    let pairs = || headers.iter().zip(authentications);
    let (paths, mut nodes): (Vec<&Header>, Vec<_>) = pairs()
        .filter_map(|(header, authentication)| match authentication {
            Authentication::Mined(commitment) if has_path(header) => {
                Some((header, Ok(commitment.coinbase_id)))
            }
            _ => None,
        })
        .unzip();
    BatchFold::default().fold(&paths, &mut nodes);
    let mut ends = nodes.into_iter();
    pairs()
        .map(|(header, authentication)| match authentication {
            Authentication::Mined(_) if has_path(header) => {
                let end = ends.next().expect("every path was folded")?;
                merkle_proof::check_root(header, &end)
            }
            _ => check_merkle_proof(header, authentication, params),
        })
        .collect()
}

/// True before RSKIP-92.
fn has_partial_merkle_tree(params: &NetworkParams, number: BlockNumber) -> bool {
    !params.activations.rskip92.is_active(number)
}

#[cfg(test)]
mod tests;
