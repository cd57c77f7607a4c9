//! Records to bytes and back. Integers are big-endian; `docs/store-format.md` has the offsets.

use super::tables::{CHECKSUM_SIZE, INDEX_SIZE};
use crate::{
    chain::record::{AncestorRecord, BlockRecord},
    primitives::{
        hash::{BlockHash, Hash256},
        number::{BlockNumber, CumulativeDifficulty, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};

/// Bytes of a block record, without its checksum. The number is the key.
pub(super) const RECORD_SIZE: usize = 5 * 32 + 8 + 16 + 16 + 4 + 16 + 1 + 16 + 4 + 1;
/// Bytes of an ancestor, without its checksum. The number is the key.
pub(super) const ANCESTOR_SIZE: usize = 2 * 32 + 1 + 4;
/// First byte of an index entry. Neither is zero, so a zeroed entry is none.
const CANONICAL_KIND: u8 = 1;
const ABANDONED_KIND: u8 = 2;

/// Where a hash leads, as the index stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Indexed {
    Canonical(BlockNumber),
    Abandoned(BlockNumber),
}

/// A record, with room for the checksum.
pub(super) fn encode_record(record: &BlockRecord) -> [u8; RECORD_SIZE + CHECKSUM_SIZE] {
    let mut writer = Writer { bytes: [0; RECORD_SIZE + CHECKSUM_SIZE], position: 0 };
    writer.put(record.hash.as_bytes());
    writer.put(record.parent_hash.as_bytes());
    writer.put(record.state_root.as_bytes());
    writer.put(record.transactions_root.as_bytes());
    writer.put(record.receipts_root.as_bytes());
    writer.put(&record.timestamp.as_secs().to_be_bytes());
    writer.put(&record.difficulty.get().to_be_bytes());
    writer.put(&record.header_difficulty_sum.get().to_be_bytes());
    writer.put(&record.gas_limit.leading_zeros().to_be_bytes());
    writer.put(&record.gas_limit.get().to_be_bytes());
    writer.put(&[u8::from(record.minimum_gas_price.is_some())]);
    writer.put(&record.minimum_gas_price.unwrap_or_default().get().to_be_bytes());
    writer.put(&record.uncle_count.to_be_bytes());
    writer.put(&[record.bitcoin_hash_byte]);
    writer.bytes
}

/// A record whose checksum held; `None` when it is no record all the same.
pub(super) fn decode_record(number: BlockNumber, bytes: &[u8]) -> Option<BlockRecord> {
    let mut reader = Reader { rest: bytes };
    let record = BlockRecord {
        number,
        hash: BlockHash::new(reader.take()?),
        parent_hash: BlockHash::new(reader.take()?),
        state_root: Hash256::new(reader.take()?),
        transactions_root: Hash256::new(reader.take()?),
        receipts_root: Hash256::new(reader.take()?),
        timestamp: UnixTime::from_secs(u64::from_be_bytes(reader.take()?)),
        difficulty: Difficulty::new(u128::from_be_bytes(reader.take()?)),
        header_difficulty_sum: CumulativeDifficulty::new(u128::from_be_bytes(reader.take()?)),
        gas_limit: GasLimit::new(u32::from_be_bytes(reader.take()?), u128::from_be_bytes(reader.take()?)),
        minimum_gas_price: {
            let [is_some] = reader.take()?;
            let price = GasPrice::new(i128::from_be_bytes(reader.take()?));
            (is_some != 0).then_some(price)
        },
        uncle_count: u32::from_be_bytes(reader.take()?),
        bitcoin_hash_byte: {
            let [byte] = reader.take()?;
            byte
        },
    };
    reader.rest.is_empty().then_some(record)
}

/// An ancestor, with room for the checksum.
pub(super) fn encode_ancestor(ancestor: &AncestorRecord) -> [u8; ANCESTOR_SIZE + CHECKSUM_SIZE] {
    let mut writer = Writer { bytes: [0; ANCESTOR_SIZE + CHECKSUM_SIZE], position: 0 };
    writer.put(ancestor.hash.as_bytes());
    writer.put(ancestor.parent_hash.as_bytes());
    writer.put(&[ancestor.bitcoin_hash_byte]);
    writer.put(&ancestor.uncle_count.to_be_bytes());
    writer.bytes
}

/// An ancestor whose checksum held.
pub(super) fn decode_ancestor(number: BlockNumber, bytes: &[u8]) -> Option<AncestorRecord> {
    let mut reader = Reader { rest: bytes };
    let ancestor = AncestorRecord {
        number,
        hash: BlockHash::new(reader.take()?),
        parent_hash: BlockHash::new(reader.take()?),
        bitcoin_hash_byte: {
            let [byte] = reader.take()?;
            byte
        },
        uncle_count: u32::from_be_bytes(reader.take()?),
    };
    reader.rest.is_empty().then_some(ancestor)
}

/// An index entry, with room for the checksum.
pub(super) fn encode_indexed(indexed: Indexed) -> [u8; INDEX_SIZE + CHECKSUM_SIZE] {
    let (kind, number) = match indexed {
        Indexed::Canonical(number) => (CANONICAL_KIND, number),
        Indexed::Abandoned(number) => (ABANDONED_KIND, number),
    };
    let mut writer = Writer { bytes: [0; INDEX_SIZE + CHECKSUM_SIZE], position: 0 };
    writer.put(&[kind]);
    writer.put(&number.get().to_be_bytes());
    writer.bytes
}

/// An index entry whose checksum held.
pub(super) fn decode_indexed(bytes: &[u8]) -> Option<Indexed> {
    let mut reader = Reader { rest: bytes };
    let [kind] = reader.take()?;
    let number = BlockNumber::new(u64::from_be_bytes(reader.take()?));
    match (kind, reader.rest) {
        (CANONICAL_KIND, []) => Some(Indexed::Canonical(number)),
        (ABANDONED_KIND, []) => Some(Indexed::Abandoned(number)),
        _ => None,
    }
}

struct Writer<const SIZE: usize> {
    bytes: [u8; SIZE],
    position: usize,
}

impl<const SIZE: usize> Writer<SIZE> {
    fn put(&mut self, field: &[u8]) {
        self.bytes[self.position..self.position + field.len()].copy_from_slice(field);
        self.position += field.len();
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const SIZE: usize>(&mut self) -> Option<[u8; SIZE]> {
        let (field, rest) = self.rest.split_first_chunk::<SIZE>()?;
        self.rest = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::test_chain::TestChain;

    #[test]
    fn a_record_comes_back_field_by_field() {
        let mut record = TestChain::starting_at(5).base().record.clone();
        record.gas_limit = GasLimit::new(3, u128::MAX);
        record.difficulty = Difficulty::new(1 << 100);
        for price in [None, Some(GasPrice::new(-1)), Some(GasPrice::new(i128::MAX))] {
            record.minimum_gas_price = price;
            let bytes = encode_record(&record);
            assert_eq!(decode_record(record.number, &bytes[..RECORD_SIZE]), Some(record.clone()));
        }
        let bytes = encode_record(&record);
        assert_eq!(decode_record(record.number, &bytes), None, "one size only");
        assert_eq!(decode_record(record.number, &bytes[..RECORD_SIZE - 1]), None, "one size only");
    }

    #[test]
    fn ancestors_and_index_entries_come_back() {
        let ancestor = TestChain::starting_at(9).ancestors(1)[0];
        let bytes = encode_ancestor(&ancestor);
        assert_eq!(decode_ancestor(ancestor.number, &bytes[..ANCESTOR_SIZE]), Some(ancestor));
        for indexed in
            [Indexed::Canonical(BlockNumber::new(7)), Indexed::Abandoned(BlockNumber::new(u64::MAX))]
        {
            assert_eq!(decode_indexed(&encode_indexed(indexed)[..INDEX_SIZE]), Some(indexed));
        }
        assert_eq!(decode_indexed(&[0; INDEX_SIZE]), None);
        assert_eq!(decode_indexed(&[3; INDEX_SIZE]), None);
    }
}
