//! Writing: one batch, one transaction.

use redb::{Database, Durability, ReadableTable, Table as WriteTable, WriteTransaction};

use super::{
    fault::Fault,
    meta::{FORK_DETECTION_FROM, StoreIdentity, write_meta},
    read::{open_ancestor, read_canonical, read_head, require_canonical},
    record_codec::{ANCESTOR_SIZE, Indexed, RECORD_SIZE, encode_ancestor, encode_indexed, encode_record},
    tables::{
        ABANDONED, ANCESTORS, BLOCK_KEY_SIZE, CANONICAL, CHECKSUM_SIZE, HASH_INDEX, INDEX_SIZE, Key, META,
        Sealed, WIRE, block_key, seal, seal_bytes, split_block_key,
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
        tables.put_index(&base.record.hash, Indexed::Canonical(base.record.number))?;
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
        if let Some(from) = batch.fork_detection_from {
            let mut meta = transaction.open_table(META)?;
            write_meta(&mut meta, FORK_DETECTION_FROM, &from.get().to_be_bytes())?;
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
fn begin(database: &Database) -> Result<WriteTransaction, Fault> {
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
        self.put_index(&record.hash, Indexed::Abandoned(number))
    }

    fn add(&mut self, entry: &BlockEntry, indexed_from: BlockNumber) -> Result<(), Fault> {
        let record = &entry.record;
        self.put_canonical(entry)?;
        let came_back = self.abandoned.remove(&block_key(record.number, &record.hash))?.is_some();
        if record.number >= indexed_from {
            self.put_index(&record.hash, Indexed::Canonical(record.number))?;
        } else if came_back {
            self.hash_index.remove(record.hash.as_bytes())?;
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

    fn put_index(&mut self, hash: &BlockHash, indexed: Indexed) -> Result<(), Fault> {
        let key = hash.as_bytes();
        self.hash_index.insert(key, &seal(Table::HashIndex, Key::Hash(key), encode_indexed(indexed)))?;
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
        for number in heights(old_from, new_from.min(end)) {
            let record = require_canonical(&self.canonical, number)?;
            self.hash_index.remove(record.hash.as_bytes())?;
        }
        for number in heights(new_from, old_from.min(end)) {
            let record = require_canonical(&self.canonical, number)?;
            self.put_index(&record.hash, Indexed::Canonical(number))?;
        }
        Ok(())
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
            self.hash_index.remove(hash.as_bytes())?;
        }
    }
}

/// From `from` up to and excluding `end`.
fn heights(from: BlockNumber, end: BlockNumber) -> impl Iterator<Item = BlockNumber> {
    (from.get()..end.get()).map(BlockNumber::new)
}
