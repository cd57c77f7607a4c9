//! `Header::decode`: what it takes is written back alike, and hashed as an encoder would.

use rlp::RlpStream;
use rustock_core::{
    consensus::params::NetworkParams,
    primitives::header::{Header, HeaderFields},
};

use crate::{input::Input, naive::keccak256, networks};

/// A first byte for the network, and the header.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let params = networks::chosen_by(input.byte());
    let raw = input.rest();
    if let Ok(header) = Header::decode(raw, &params.activations) {
        check_accepted(&header, raw, &params);
    }
}

fn check_accepted(header: &Header, raw: &[u8], params: &NetworkParams) {
    assert_eq!(header.raw(), raw);
    let fields = HeaderFields::of(header);
    assert_eq!(fields.encode(), raw);

    let number = header.number();
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

/// The strings of a list, by the `rlp` crate.
fn items(list: &[u8]) -> Vec<Vec<u8>> {
    rlp::Rlp::new(list).iter().map(|item| item.data().expect("a string").to_vec()).collect()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = RlpStream::new_list(items.len());
    for item in items {
        stream.append(item);
    }
    stream.out().to_vec()
}
