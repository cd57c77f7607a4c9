//! Writing: one batch, one transaction.

use std::collections::BTreeMap;

use redb::{Database, Durability, ReadableTable, Table as WriteTable, WriteTransaction};

use super::{
    fault::Fault,
    meta::{StoreIdentity, write_fork_detection_from},
    read::{open_ancestor, open_record, read_canonical, read_head, require_canonical},
    record_codec::{ANCESTOR_SIZE, Indexed, RECORD_SIZE, encode_ancestor, encode_indexed, encode_record},
    tables::{
        ABANDONED, ANCESTORS, BLOCK_KEY_SIZE, CANONICAL, CHECKSUM_SIZE, HASH_INDEX, INDEX_SIZE, Key, META,
        Sealed, WIRE, block_key, corrupt, seal, seal_bytes, split_block_key,
    },
};
use crate::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::{BlockId, BlockRecord},
    },
    primitives::{hash::BlockHash, number::BlockNumber},
    store::{
        ABANDONED_DEPTH, HASH_INDEX_DEPTH, Table,
        validate::{LowestKnown, check_batch},
    },
};

/// The first transaction of a new store.
pub(super) fn initialize(
    database: &Database,
    identity: &StoreIdentity,
    base: &BlockEntry,
) -> Result<(), Fault> {
    let transaction = begin(database)?;
    {
        identity.write(&mut transaction.open_table(META)?)?;
        let mut tables = Tables::open(&transaction, identity.base.number)?;
        tables.put_canonical(base)?;
        tables.index(base.record.hash, Indexed::Canonical(base.record.number));
        tables.write_index()?;
    }
    transaction.commit()?;
    Ok(())
}

/// Applies a batch durably, or changes nothing.
pub(super) fn commit(database: &Database, base: BlockId, batch: &ChainBatch) -> Result<(), Fault> {
    let transaction = begin(database)?;
    let changed = {
        let mut tables = Tables::open(&transaction, base.number)?;
        let head = tables.validate(batch)?;
        if !batch.is_empty() {
            tables.apply(batch, head.number)?;
        }
        if batch.fork_detection_from.is_some() {
            write_fork_detection_from(&mut transaction.open_table(META)?, batch.fork_detection_from)?;
        }
        !batch.is_empty()
    };
    if changed {
        transaction.commit()?
    } else {
        transaction.abort()?
    }
    Ok(())
}

/// Durable, and with the allocator's state saved, so that a store opens in milliseconds after a kill instead
/// of being walked. Quick repair brings two-phase commit with it: the commit slot is flushed before it is made
/// the current one, which is what lets the next start trust it unread. The second flush is lost in the noise at
/// thousands of headers a commit.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, Fault> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

type RecordTable<'a, K> = WriteTable<'a, K, Sealed<{ RECORD_SIZE + CHECKSUM_SIZE }>>;

struct Tables<'a> {
    canonical: RecordTable<'a, u64>,
    wire: WriteTable<'a, u64, &'static [u8]>,
    abandoned: RecordTable<'a, &'static [u8; BLOCK_KEY_SIZE]>,
    hash_index: WriteTable<'a, &'static [u8; BlockHash::SIZE], Sealed<{ INDEX_SIZE + CHECKSUM_SIZE }>>,
    ancestors: WriteTable<'a, u64, Sealed<{ ANCESTOR_SIZE + CHECKSUM_SIZE }>>,
    /// What becomes of a hash; `None` takes it out. Collected first and written in the order of the hashes, which
    /// is the order of the table's pages.
    index_changes: BTreeMap<BlockHash, Option<Indexed>>,
    base: BlockNumber,
}

impl<'a> Tables<'a> {
    fn open(transaction: &'a WriteTransaction, base: BlockNumber) -> Result<Self, Fault> {
        Ok(Self {
            canonical: transaction.open_table(CANONICAL)?,
            wire: transaction.open_table(WIRE)?,
            abandoned: transaction.open_table(ABANDONED)?,
            hash_index: transaction.open_table(HASH_INDEX)?,
            ancestors: transaction.open_table(ANCESTORS)?,
            index_changes: BTreeMap::new(),
            base,
        })
    }

    /// The head, if the batch fits on it.
    fn validate(&self, batch: &ChainBatch) -> Result<BlockRecord, Fault> {
        let head = read_head(&self.canonical)?;
        let base = require_canonical(&self.canonical, self.base)?;
        let ancestor = read_canonical(&self.canonical, batch.common_ancestor.number)?;
        let lowest = match self.ancestors.first()? {
            Some((number, value)) => {
                let lowest = open_ancestor(number.value(), value.value())?;
                LowestKnown { number: lowest.number, parent_hash: lowest.parent_hash }
            }
            None => LowestKnown { number: base.number, parent_hash: base.parent_hash },
        };
        check_batch(batch, &base, &head, ancestor.as_ref(), lowest)?;
        Ok(head)
    }

    fn apply(&mut self, batch: &ChainBatch, old_head: BlockNumber) -> Result<(), Fault> {
        let kept = batch.common_ancestor.number;
        let new_head = batch.new_head().number;
        let mut number = old_head;
        while number > kept {
            self.abandon(number)?;
            number = number.saturating_sub(1);
        }
        let indexed_from = self.indexed_from(new_head);
        for entry in &batch.added {
            self.add(entry, indexed_from)?;
        }
        self.move_index_window(self.indexed_from(old_head), indexed_from, kept)?;
        self.prune_abandoned(new_head)?;
        self.write_index()?;
        for ancestor in &batch.ancestors {
            let number = ancestor.number.get();
            let sealed = seal(Table::Ancestors, Key::Number(number), encode_ancestor(ancestor));
            self.ancestors.insert(number, &sealed)?;
        }
        Ok(())
    }

    /// The lowest height whose hash is indexed when the head is at `head`.
    fn indexed_from(&self, head: BlockNumber) -> BlockNumber {
        head.saturating_sub(HASH_INDEX_DEPTH - 1).max(self.base)
    }

    fn abandon(&mut self, number: BlockNumber) -> Result<(), Fault> {
        let record = require_canonical(&self.canonical, number)?;
        self.canonical.remove(number.get())?;
        self.wire.remove(number.get())?;
        let key = block_key(number, &record.hash);
        self.abandoned.insert(&key, &seal(Table::Abandoned, Key::Block(&key), encode_record(&record)))?;
        self.index(record.hash, Indexed::Abandoned(number));
        Ok(())
    }

    fn add(&mut self, entry: &BlockEntry, indexed_from: BlockNumber) -> Result<(), Fault> {
        let record = &entry.record;
        self.put_canonical(entry)?;
        let came_back = self.abandoned.remove(&block_key(record.number, &record.hash))?.is_some();
        if record.number >= indexed_from {
            self.index(record.hash, Indexed::Canonical(record.number));
        } else if came_back {
            self.index_changes.insert(record.hash, None);
        }
        Ok(())
    }

    fn put_canonical(&mut self, entry: &BlockEntry) -> Result<(), Fault> {
        let number = entry.record.number.get();
        let key = Key::Number(number);
        self.canonical.insert(number, &seal(Table::Canonical, key, encode_record(&entry.record)))?;
        self.wire.insert(number, seal_bytes(Table::Wire, key, entry.header.raw()).as_slice())?;
        Ok(())
    }

    fn index(&mut self, hash: BlockHash, indexed: Indexed) {
        self.index_changes.insert(hash, Some(indexed));
    }

    fn write_index(&mut self) -> Result<(), Fault> {
        for (hash, change) in core::mem::take(&mut self.index_changes) {
            let key = hash.as_bytes();
            match change {
                Some(indexed) => {
                    let sealed = seal(Table::HashIndex, Key::Hash(key), encode_indexed(indexed));
                    self.hash_index.insert(key, &sealed)?;
                }
                None => {
                    self.hash_index.remove(key)?;
                }
            }
        }
        Ok(())
    }

    /// Of the blocks up to `kept`, which the batch left alone: drops those that fell out of the window of
    /// indexed heights, takes in those that came into it because the head fell.
    fn move_index_window(
        &mut self,
        old_from: BlockNumber,
        new_from: BlockNumber,
        kept: BlockNumber,
    ) -> Result<(), Fault> {
        let end = kept.next();
        let left = self.hashes(old_from, new_from.min(end))?;
        self.index_changes.extend(left.into_iter().map(|(_, hash)| (hash, None)));
        let entered = self.hashes(new_from, old_from.min(end))?;
        let entered = entered.into_iter().map(|(number, hash)| (hash, Some(Indexed::Canonical(number))));
        self.index_changes.extend(entered);
        Ok(())
    }

    /// The canonical hashes from `from` up to and excluding `end`: at most as many as are ever indexed.
    fn hashes(&self, from: BlockNumber, end: BlockNumber) -> Result<Vec<(BlockNumber, BlockHash)>, Fault> {
        let mut hashes = Vec::new();
        let mut expected = from;
        if from < end {
            for entry in self.canonical.range(from.get()..end.get())? {
                let (key, value) = entry?;
                let number = BlockNumber::new(key.value());
                let key = Key::Number(key.value());
                let record = open_record(Table::Canonical, key, number, value.value())?;
                if number != expected {
                    break;
                }
                hashes.push((number, record.hash));
                expected = number.next();
            }
        }
        if expected < end {
            return Err(corrupt(Table::Canonical, Key::Number(expected.get())));
        }
        Ok(hashes)
    }

    fn prune_abandoned(&mut self, head: BlockNumber) -> Result<(), Fault> {
        let kept_from = head.saturating_sub(ABANDONED_DEPTH);
        loop {
            let lowest = self.abandoned.first()?.map(|(key, _)| *key.value());
            let Some(key) = lowest else { return Ok(()) };
            let (number, hash) = split_block_key(&key);
            if number >= kept_from {
                return Ok(());
            }
            self.abandoned.remove(&key)?;
            self.index_changes.insert(hash, None);
        }
    }
}
