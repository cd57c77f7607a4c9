use super::*;
use crate::{
    consensus::{error::Rule, test_headers},
    primitives::header::{BITCOIN_HEADER_SIZE, HeaderFields, ProofFields},
};

/// A simnet header mined at difficulty 1, after `edit_proof`, which sees the proof before the work is done.
fn mined(edit_fields: impl FnOnce(&mut HeaderFields), edit_proof: impl FnOnce(&mut ProofFields)) -> Header {
    let mut fields = HeaderFields::of(&test_headers::child(edit_fields));
    let base = commitment::base_hash(&test_headers::child(|copy| *copy = fields.clone()));
    let midstate = bitcoin_hashes::sha256::Midstate::SHA256_IV.to_parts().0;
    let tail = [commitment::TAG, &base[..20], &[7; 12], &[0; 30]].concat();
    let coinbase = [&[0; 8], midstate.as_slice(), &tail].concat();
    let id = CompressedCoinbase::split(&coinbase).expect("whole").transaction_id();
    let mut bitcoin_header = vec![0; BITCOIN_HEADER_SIZE];
    bitcoin_header[36..68].copy_from_slice(&id);
    let mut proof = ProofFields { bitcoin_header, merkle_proof: Vec::new(), coinbase };
    edit_proof(&mut proof);
    if proof.bitcoin_header.len() == BITCOIN_HEADER_SIZE {
        mine(&mut proof.bitcoin_header);
    }
    fields.proof = Some(proof);
    test_headers::child(|copy| *copy = fields)
}

fn mine(bitcoin_header: &mut [u8]) {
    for nonce in 0u32.. {
        bitcoin_header[76..].copy_from_slice(&nonce.to_le_bytes());
        let whole: &[u8; BITCOIN_HEADER_SIZE] = (&*bitcoin_header).try_into().expect("80 bytes");
        if proof_of_work::check(whole, crate::primitives::number::Difficulty::new(1)).is_ok() {
            return;
        }
    }
}

fn rule_of(header: &Header) -> Result<(), Rule> {
    check(header, &NetworkParams::simnet()).map(drop).map_err(|error| error.rule())
}

#[test]
fn a_mined_header_passes_and_shows_its_fork_detection_data() {
    let found = check(&mined(|_| {}, |_| {}), &NetworkParams::simnet()).expect("valid");
    assert_eq!(found.fork_detection_data(), Some([7; 12]));
}

#[test]
fn the_umm_root_changes_what_is_committed_to() {
    let with_root = mined(|fields| fields.umm_root = Some(vec![3; 20]), |_| {});
    assert_eq!(rule_of(&with_root), Ok(()));
    let mut fields = HeaderFields::of(&with_root);
    fields.umm_root = Some(vec![4; 20]);
    let other_root = test_headers::child(|copy| *copy = fields);
    assert_eq!(rule_of(&other_root), Err(Rule::MergedMiningCommitment));
}

#[test]
fn each_step_is_named_in_rskjs_order() {
    let all_wrong = |proof: &mut ProofFields| {
        proof.merkle_proof = vec![0; 33];
        proof.coinbase.clear();
    };
    assert_eq!(rule_of(&mined(|fields| fields.umm_root = Some(vec![1]), all_wrong)), Err(Rule::UmmRoot));
    assert_eq!(rule_of(&mined(|_| {}, all_wrong)), Err(Rule::MerkleProofFormat));
    assert_eq!(rule_of(&mined(|_| {}, |proof| proof.coinbase.clear())), Err(Rule::MergedMiningCoinbase));
    assert_eq!(rule_of(&mined(|_| {}, |proof| proof.coinbase.truncate(39))), Err(Rule::MergedMiningCoinbase));
    assert_eq!(
        rule_of(&mined(|_| {}, |proof| proof.coinbase.truncate(40))),
        Err(Rule::MergedMiningCommitment)
    );
    assert_eq!(
        rule_of(&mined(|_| {}, |proof| proof.coinbase.extend([0; 99]))),
        Err(Rule::MergedMiningTagPosition)
    );
    assert_eq!(rule_of(&mined(|_| {}, |proof| proof.coinbase[7] = 1)), Err(Rule::MerkleRoot));
    assert_eq!(rule_of(&mined(|_| {}, |proof| proof.merkle_proof = vec![0; 32])), Err(Rule::MerkleRoot));
}

#[test]
fn work_is_judged_before_the_coinbase_is_opened() {
    let mut fields = HeaderFields::of(&mined(|_| {}, |proof| proof.coinbase.truncate(39)));
    fields.difficulty = crate::primitives::number::Difficulty::new(u128::MAX >> 1);
    assert_eq!(rule_of(&test_headers::child(|copy| *copy = fields)), Err(Rule::ProofOfWork));
}

#[test]
fn a_header_without_proof_has_no_coinbase() {
    assert_eq!(rule_of(&test_headers::child(|_| {})), Err(Rule::MergedMiningCoinbase));
}
