//! Reading: every value through its checksum, every absence against what must be there.
//!
//! A damaged page of redb's can hide a record instead of changing it. So a canonical record that is missing
//! between base and head is damage, not `None`; the small tables, where `None` is a normal answer, are walked and
//! looked up whole when the store is opened.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable};

use super::{
    fault::{Fault, Latch, damaged_pages},
    meta::read_fork_detection_from,
    record_codec::{ANCESTOR_SIZE, Indexed, RECORD_SIZE, decode_ancestor, decode_indexed, decode_record},
    tables::{
        ABANDONED, ANCESTORS, BLOCK_KEY_SIZE, CANONICAL, CHECKSUM_SIZE, HASH_INDEX, INDEX_SIZE, Key, META,
        Sealed, WIRE, block_key, corrupt, open_sealed, split_block_key,
    },
};
use crate::{
    chain::record::{AncestorRecord, BlockId, BlockRecord},
    primitives::{hash::BlockHash, number::BlockNumber},
    store::{HASH_INDEX_DEPTH, HashLookup, StoreError, StoreView, Table},
};

/// One commit's state, for as long as it is held.
pub(super) struct Snapshot {
    pub(super) transaction: ReadTransaction,
    pub(super) base: BlockId,
    pub(super) latch: Arc<Latch>,
}

/// `table` is one of the two that hold block records.
pub(super) fn open_record(
    table: Table,
    key: Key<'_>,
    number: BlockNumber,
    sealed: &[u8],
) -> Result<BlockRecord, Fault> {
    decode_record(number, open_sealed(table, key, sealed)?).ok_or_else(|| corrupt(table, key))
}

pub(super) fn read_canonical(
    table: &impl ReadableTable<u64, Sealed<{ RECORD_SIZE + CHECKSUM_SIZE }>>,
    number: BlockNumber,
) -> Result<Option<BlockRecord>, Fault> {
    let key = Key::Number(number.get());
    let Some(value) = table.get(number.get())? else { return Ok(None) };
    open_record(Table::Canonical, key, number, value.value()).map(Some)
}

/// A record that must be there.
pub(super) fn require_canonical(
    table: &impl ReadableTable<u64, Sealed<{ RECORD_SIZE + CHECKSUM_SIZE }>>,
    number: BlockNumber,
) -> Result<BlockRecord, Fault> {
    read_canonical(table, number)?.ok_or_else(|| corrupt(Table::Canonical, Key::Number(number.get())))
}

/// The head, derived: the last record there is.
pub(super) fn read_head(
    table: &impl ReadableTable<u64, Sealed<{ RECORD_SIZE + CHECKSUM_SIZE }>>,
) -> Result<BlockRecord, Fault> {
    let (key, value) = table.last()?.ok_or_else(|| damaged_pages("no canonical block is left"))?;
    let number = key.value();
    open_record(Table::Canonical, Key::Number(number), BlockNumber::new(number), value.value())
}

pub(super) fn open_ancestor(number: u64, sealed: &[u8]) -> Result<AncestorRecord, Fault> {
    let key = Key::Number(number);
    decode_ancestor(BlockNumber::new(number), open_sealed(Table::Ancestors, key, sealed)?)
        .ok_or_else(|| corrupt(Table::Ancestors, key))
}

pub(super) fn read_ancestors(
    table: &impl ReadableTable<u64, Sealed<{ ANCESTOR_SIZE + CHECKSUM_SIZE }>>,
) -> Result<Vec<AncestorRecord>, Fault> {
    let mut ancestors = Vec::new();
    for entry in table.iter()? {
        let (number, value) = entry?;
        ancestors.push(open_ancestor(number.value(), value.value())?);
    }
    Ok(ancestors)
}

pub(super) fn open_indexed(hash: &[u8; BlockHash::SIZE], sealed: &[u8]) -> Result<Indexed, Fault> {
    let key = Key::Hash(hash);
    decode_indexed(open_sealed(Table::HashIndex, key, sealed)?).ok_or_else(|| corrupt(Table::HashIndex, key))
}

pub(super) fn open_abandoned(key: &[u8; BLOCK_KEY_SIZE], sealed: &[u8]) -> Result<BlockRecord, Fault> {
    let (number, hash) = split_block_key(key);
    let record = open_record(Table::Abandoned, Key::Block(key), number, sealed)?;
    if record.hash == hash { Ok(record) } else { Err(corrupt(Table::Abandoned, Key::Block(key))) }
}

pub(super) fn read_indexed(
    table: &impl ReadableTable<&'static [u8; BlockHash::SIZE], Sealed<{ INDEX_SIZE + CHECKSUM_SIZE }>>,
    hash: &BlockHash,
) -> Result<Option<Indexed>, Fault> {
    let Some(value) = table.get(hash.as_bytes())? else { return Ok(None) };
    open_indexed(hash.as_bytes(), value.value()).map(Some)
}

impl Snapshot {
    fn read<T>(&self, operation: impl FnOnce() -> Result<T, Fault>) -> Result<T, StoreError> {
        self.latch.guard("read", operation)
    }

    fn head_record(&self) -> Result<BlockRecord, Fault> {
        read_head(&self.transaction.open_table(CANONICAL)?)
    }

    /// `None` outside the chain; inside it `read` must find something.
    fn inside_chain<T>(
        &self,
        table: Table,
        number: BlockNumber,
        found: Option<T>,
    ) -> Result<Option<T>, Fault> {
        if found.is_none() && number >= self.base.number && number <= self.head_record()?.number {
            return Err(corrupt(table, Key::Number(number.get())));
        }
        Ok(found)
    }
}

impl StoreView for Snapshot {
    fn base(&self) -> Result<BlockRecord, StoreError> {
        self.read(|| {
            let canonical = self.transaction.open_table(CANONICAL)?;
            let record = require_canonical(&canonical, self.base.number)?;
            if record.hash == self.base.hash {
                Ok(record)
            } else {
                Err(corrupt(Table::Canonical, Key::Number(self.base.number.get())))
            }
        })
    }

    fn head(&self) -> Result<BlockRecord, StoreError> {
        self.read(|| self.head_record())
    }

    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError> {
        self.read(|| {
            let found = read_canonical(&self.transaction.open_table(CANONICAL)?, number)?;
            self.inside_chain(Table::Canonical, number, found)
        })
    }

    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|| {
            let table = self.transaction.open_table(WIRE)?;
            let found = match table.get(number.get())? {
                Some(value) => {
                    Some(open_sealed(Table::Wire, Key::Number(number.get()), value.value())?.to_vec())
                }
                None => None,
            };
            self.inside_chain(Table::Wire, number, found)
        })
    }

    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError> {
        self.read(|| {
            let key = block_key(number, hash);
            let table = self.transaction.open_table(ABANDONED)?;
            let Some(value) = table.get(&key)? else { return Ok(None) };
            open_abandoned(&key, value.value()).map(Some)
        })
    }

    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError> {
        self.read(|| {
            let table = self.transaction.open_table(HASH_INDEX)?;
            Ok(match read_indexed(&table, hash)? {
                Some(Indexed::Canonical(number)) => HashLookup::Canonical(number),
                Some(Indexed::Abandoned(number)) => HashLookup::Abandoned(number),
                None if self.head_record()?.number.blocks_above(self.base.number) < HASH_INDEX_DEPTH => {
                    HashLookup::Unknown
                }
                None => HashLookup::NotIndexed,
            })
        })
    }

    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError> {
        self.read(|| read_ancestors(&self.transaction.open_table(ANCESTORS)?))
    }

    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError> {
        self.read(|| read_fork_detection_from(&self.transaction.open_table(META)?))
    }
}
