//! The tables, and the checksum that every value ends with.
//!
//! The checksum covers the table, the key and the value, so that a record that stands under another key or in
//! another table is found too. It guards against accidents (a failing medium, a stray write), not against
//! somebody who can write the file: such a person can write checksums as well. CRC-32 because it costs 0.1 µs a
//! record where a truncated Keccak costs 3 µs with the received bytes, and because it finds every damage
//! within 32 consecutive bits for certain.

use redb::TableDefinition;

use super::{
    fault::Fault,
    record_codec::{ANCESTOR_SIZE, RECORD_SIZE},
};
use crate::{
    primitives::{hash::BlockHash, number::BlockNumber},
    store::{StoreError, Table},
};

/// Bytes of a checksum.
pub(super) const CHECKSUM_SIZE: usize = 4;
/// Number and hash, as the key of an abandoned block.
pub(super) const BLOCK_KEY_SIZE: usize = 8 + BlockHash::SIZE;
/// Kind and number, as the value of a hash.
pub(super) const INDEX_SIZE: usize = 1 + 8;

/// A record of fixed size with its checksum.
pub(super) type Sealed<const SIZE: usize> = &'static [u8; SIZE];

pub(super) const CANONICAL: TableDefinition<u64, Sealed<{ RECORD_SIZE + CHECKSUM_SIZE }>> =
    TableDefinition::new(Table::Canonical.name());
pub(super) const WIRE: TableDefinition<u64, &[u8]> = TableDefinition::new(Table::Wire.name());
pub(super) const ABANDONED: TableDefinition<&[u8; BLOCK_KEY_SIZE], Sealed<{ RECORD_SIZE + CHECKSUM_SIZE }>> =
    TableDefinition::new(Table::Abandoned.name());
pub(super) const HASH_INDEX: TableDefinition<&[u8; BlockHash::SIZE], Sealed<{ INDEX_SIZE + CHECKSUM_SIZE }>> =
    TableDefinition::new(Table::HashIndex.name());
pub(super) const ANCESTORS: TableDefinition<u64, Sealed<{ ANCESTOR_SIZE + CHECKSUM_SIZE }>> =
    TableDefinition::new(Table::Ancestors.name());
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new(Table::Meta.name());

/// The key of a value: how it is checksummed, and how it is shown in an error.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    Number(u64),
    Block(&'a [u8; BLOCK_KEY_SIZE]),
    Hash(&'a [u8; BlockHash::SIZE]),
    Name(&'a str),
    /// A node id, or the subject of a ban.
    Bytes(&'a [u8]),
}

impl Key<'_> {
    fn checksum_into(self, hasher: &mut crc32fast::Hasher) {
        match self {
            Self::Number(number) => hasher.update(&number.to_be_bytes()),
            Self::Block(key) => hasher.update(key),
            Self::Hash(hash) => hasher.update(hash),
            Self::Name(name) => hasher.update(name.as_bytes()),
            Self::Bytes(bytes) => hasher.update(bytes),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Block(key) => {
                let (number, hash) = split_block_key(key);
                format!("{number} {hash}")
            }
            Self::Hash(hash) => BlockHash::new(*hash).to_string(),
            Self::Name(name) => name.to_owned(),
            Self::Bytes(bytes) => hex::encode(bytes),
        }
    }
}

/// The tag that a table puts into its checksums. Part of the format.
const fn tag(table: Table) -> u8 {
    match table {
        Table::Canonical => 1,
        Table::Wire => 2,
        Table::Abandoned => 3,
        Table::HashIndex => 4,
        Table::Ancestors => 5,
        Table::Meta => 6,
        Table::Peers => 7,
        Table::Bans => 8,
        Table::Pages => 0,
    }
}

fn checksum(table: Table, key: Key<'_>, value: &[u8]) -> [u8; CHECKSUM_SIZE] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[tag(table)]);
    key.checksum_into(&mut hasher);
    hasher.update(value);
    hasher.finalize().to_be_bytes()
}

/// Fills in the checksum at the end of a record of fixed size.
pub(super) fn seal<const SIZE: usize>(table: Table, key: Key<'_>, mut record: [u8; SIZE]) -> [u8; SIZE] {
    let end = SIZE - CHECKSUM_SIZE;
    let sum = checksum(table, key, &record[..end]);
    record[end..].copy_from_slice(&sum);
    record
}

/// A value of any size with its checksum.
pub(super) fn seal_bytes(table: Table, key: Key<'_>, value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(value.len() + CHECKSUM_SIZE);
    sealed.extend_from_slice(value);
    sealed.extend_from_slice(&checksum(table, key, value));
    sealed
}

/// The value under a checksum that holds.
pub(super) fn open_sealed<'a>(table: Table, key: Key<'_>, sealed: &'a [u8]) -> Result<&'a [u8], Fault> {
    let (value, sum) = sealed.split_last_chunk::<CHECKSUM_SIZE>().ok_or_else(|| corrupt(table, key))?;
    if *sum == checksum(table, key, value) { Ok(value) } else { Err(corrupt(table, key)) }
}

/// The error for a value that is damaged or that should be there and is not.
pub(super) fn corrupt(table: Table, key: Key<'_>) -> Fault {
    Fault::Store(StoreError::Corrupt { table, key: key.text() })
}

/// The key of an abandoned block: ordered by number, then hash.
pub(super) fn block_key(number: BlockNumber, hash: &BlockHash) -> [u8; BLOCK_KEY_SIZE] {
    let mut key = [0; BLOCK_KEY_SIZE];
    key[..8].copy_from_slice(&number.get().to_be_bytes());
    key[8..].copy_from_slice(hash.as_bytes());
    key
}

/// The number and hash in a key of [`block_key`].
pub(super) fn split_block_key(key: &[u8; BLOCK_KEY_SIZE]) -> (BlockNumber, BlockHash) {
    let (number, hash) = key.split_at(8);
    let number = u64::from_be_bytes(number.try_into().expect("eight bytes"));
    (BlockNumber::new(number), BlockHash::new(hash.try_into().expect("thirty-two bytes")))
}
