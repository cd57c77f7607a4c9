//! Headers for the unit tests of single rules: well-formed, with no work in them.

use super::{params::NetworkParams, parent::Parent};
use crate::primitives::{
    hash::{Address, BlockHash, Hash256},
    header::{Header, HeaderFields, LogsCommitment},
    number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
};

/// The height of [`child`]: high enough for fork-detection data.
pub(super) const CHILD_NUMBER: u64 = 1_000;

/// The parent of [`child`].
pub(super) fn parent() -> Parent {
    Parent {
        hash: BlockHash::new([0x11; 32]),
        number: BlockNumber::new(CHILD_NUMBER - 1),
        timestamp: UnixTime::from_secs(1_700_000_000),
        difficulty: Difficulty::new(1),
        gas_limit: GasLimit::new(0, 6_800_000),
        minimum_gas_price: Some(GasPrice::new(0)),
    }
}

/// A simnet header, after `edit`.
pub(super) fn child(edit: impl FnOnce(&mut HeaderFields)) -> Header {
    header(&NetworkParams::simnet(), edit)
}

/// A header of another network, after `edit`; it has an `ummRoot` if its height has.
pub(super) fn header(params: &NetworkParams, edit: impl FnOnce(&mut HeaderFields)) -> Header {
    let parent = parent();
    let mut fields = HeaderFields {
        parent_hash: parent.hash,
        uncles_hash: Hash256::new([0x22; 32]),
        coinbase: Some(Address::new([0x33; 20])),
        state_root: Hash256::new([0x44; 32]),
        transactions_root: Hash256::new([0x55; 32]),
        receipts_root: Hash256::new([0x66; 32]),
        logs: LogsCommitment::empty_bloom(),
        difficulty: Difficulty::new(1),
        genesis_difficulty_padding: 0,
        number: parent.number.next(),
        gas_limit: parent.gas_limit,
        gas_used: 0,
        timestamp: UnixTime::from_secs(parent.timestamp.as_secs() + 14),
        extra_data: Vec::new(),
        paid_fees: 0,
        minimum_gas_price: parent.minimum_gas_price,
        uncle_count: 0,
        umm_root: Some(Vec::new()),
        proof: None,
    };
    edit(&mut fields);
    if !params.activations.rskip_umm.is_active(fields.number) {
        fields.umm_root = None;
    }
    Header::decode(&fields.encode(), &params.activations).expect("well-formed")
}
