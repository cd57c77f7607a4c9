//! `Header::decode`: what it takes is written back alike, and hashed as an encoder would.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        activation::HeaderVersion,
        header::{Header, HeaderFields, LogsCommitment},
    },
};

use crate::{
    input::Input,
    naive::{items, keccak256, list},
    networks,
};

/// A first byte for the network, and the header.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let params = networks::chosen_by(input.byte());
    let raw = input.rest();
    if let Ok(header) = Header::decode(raw, &params.activations) {
        check_accepted(&header, raw, &params);
    }
}

/// What must hold of every header in its wire form.
pub(crate) fn check_accepted(header: &Header, raw: &[u8], params: &NetworkParams) {
    assert_eq!(header.raw(), raw);
    let fields = HeaderFields::of(header);
    assert_eq!(fields.encode(), raw);

    let number = header.number();
    assert!(networks::may_be(header.version(), &params.activations, number));
    let all = items(raw);
    let proof = if header.proof().is_some() { 3 } else { 0 };
    let unproved = &all[..all.len() - proof];
    let hashed = match proof {
        0 => unproved,
        _ if params.activations.rskip92.is_active(number) => &all[..all.len() - 2],
        _ => &all[..],
    };
    assert_eq!(*header.hash().as_bytes(), keccak256(&list(hashed)));
    assert_eq!(header.hash_without_merged_mining(), keccak256(&list(unproved)));
    assert_eq!(fields.encode_for_merged_mining(), list(unproved));
    assert_eq!(header.hash_preimage(), list(hashed));
    assert_eq!(header.merged_mining_preimage(), list(unproved));
    assert_eq!(header.umm_root().is_some(), params.activations.rskip_umm.is_active(number));
    check_values(header, &all);
}

/// The accessors give what stands in the list.
fn check_values(header: &Header, items: &[Vec<u8>]) {
    let unsigned = |index: usize| items[index].iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    assert_eq!(header.parent_hash().as_ref(), items[0]);
    assert_eq!(header.uncles_hash().as_ref(), items[1]);
    assert_eq!(header.coinbase().map_or(Vec::new(), |address| address.as_ref().to_vec()), items[2]);
    assert_eq!(header.state_root().as_ref(), items[3]);
    assert_eq!(header.transactions_root().as_ref(), items[4]);
    assert_eq!(header.receipts_root().as_ref(), items[5]);
    check_logs(header, &items[6]);
    assert_eq!(header.difficulty().get(), unsigned(7));
    assert_eq!(u128::from(header.number().get()), unsigned(8));
    assert_eq!(header.gas_limit().get(), unsigned(9));
    assert_eq!(u128::from(header.gas_used()), unsigned(10));
    assert_eq!(u128::from(header.timestamp().as_secs()), unsigned(11));
    assert_eq!(header.extra_data(), items[12]);
    assert_eq!(header.paid_fees(), unsigned(13));
    assert_eq!(header.minimum_gas_price().is_none(), items[14].is_empty());
    assert_eq!(u128::from(header.uncle_count()), unsigned(15));
    if let Some(proof) = header.proof() {
        let written = [proof.bitcoin_header, proof.merkle_proof, proof.coinbase];
        assert!(items.ends_with(&written.map(<[u8]>::to_vec)));
    }
}

/// The bloom, or a list of the version and a hash.
fn check_logs(header: &Header, field: &[u8]) {
    match header.logs() {
        LogsCommitment::Bloom(bloom) => {
            assert_eq!((bloom.as_slice(), header.version()), (field, HeaderVersion::V0));
            assert_eq!(header.extension_hash(), None);
        }
        LogsCommitment::Extension { version, hash } => {
            assert_eq!(list(&[vec![version.number()], hash.as_ref().to_vec()]), field);
            assert_eq!((version, Some(hash)), (header.version(), header.extension_hash()));
        }
    }
}
