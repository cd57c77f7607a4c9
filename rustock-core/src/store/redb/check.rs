//! The walks: over the small tables whenever a store is opened, over everything on request.

use redb::{ReadableTable, ReadableTableMetadata};

use super::{
    fault::{Fault, damaged_pages},
    meta::{META_ENTRIES, StoreIdentity, read_fork_detection_from, read_schema},
    read::{
        Snapshot, open_abandoned, open_indexed, open_record, read_ancestors, read_canonical, read_head,
        read_indexed,
    },
    record_codec::Indexed,
    tables::{ABANDONED, ANCESTORS, CANONICAL, HASH_INDEX, Key, META, WIRE, corrupt, open_sealed},
};
use crate::{
    chain::record::BlockRecord,
    primitives::{activation::Activations, header::Header, number::BlockNumber},
    store::{CheckReport, HASH_INDEX_DEPTH, MAX_ANCESTORS, Table},
};

impl Snapshot {
    /// Every record of the tables whose size has a bound, each found by its key too, so that an absence can be
    /// believed afterwards. A few milliseconds when the index is full.
    pub(super) fn check_small_tables(&self) -> Result<CheckReport, Fault> {
        let meta = self.transaction.open_table(META)?;
        read_schema(&meta)?;
        StoreIdentity::read(&meta)?;
        read_fork_detection_from(&meta)?;
        all_there(Table::Meta, meta.len()?, META_ENTRIES)?;
        self.transaction.open_table(WIRE)?;
        let head = read_head(&self.transaction.open_table(CANONICAL)?)?;
        if head.number < self.base.number {
            return Err(corrupt(Table::Canonical, Key::Number(head.number.get())));
        }
        let abandoned = self.check_abandoned()?;
        let indexed = self.check_hash_index(&head, abandoned)?;
        let ancestors = self.check_ancestors()?;
        Ok(CheckReport { abandoned, indexed, ancestors, ..CheckReport::default() })
    }

    /// Everything: the small tables, and every canonical record with its link, its sum and its bytes.
    pub(super) fn check_all(&self, activations: &Activations) -> Result<CheckReport, Fault> {
        let report = self.check_small_tables()?;
        Ok(CheckReport { canonical: self.check_canonical(activations)?, ..report })
    }

    fn check_canonical(&self, activations: &Activations) -> Result<u64, Fault> {
        let canonical = self.transaction.open_table(CANONICAL)?;
        let wire = self.transaction.open_table(WIRE)?;
        let mut received = wire.iter()?;
        let mut below: Option<BlockRecord> = None;
        let mut count = 0;
        for entry in canonical.iter()? {
            let (number, value) = entry?;
            let number = number.value();
            let key = Key::Number(number);
            let record = open_record(Table::Canonical, key, BlockNumber::new(number), value.value())?;
            if !self.follows(below.as_ref(), &record) {
                return Err(corrupt(Table::Canonical, key));
            }
            let (wire_number, bytes) = received.next().ok_or_else(|| corrupt(Table::Wire, key))??;
            let bytes = open_sealed(Table::Wire, Key::Number(wire_number.value()), bytes.value())?;
            if wire_number.value() != number || !belongs(bytes, &record, activations) {
                return Err(corrupt(Table::Wire, key));
            }
            below = Some(record);
            count += 1;
        }
        match received.next() {
            Some(extra) => Err(corrupt(Table::Wire, Key::Number(extra?.0.value()))),
            None => Ok(count),
        }
    }

    /// True when `record` stands rightly on `below`, or is the base and stands on nothing.
    fn follows(&self, below: Option<&BlockRecord>, record: &BlockRecord) -> bool {
        below.map_or(record.id() == self.base, |below| {
            below.number.next() == record.number
                && below.hash == record.parent_hash
                && below.header_difficulty_sum.checked_add(record.difficulty)
                    == Some(record.header_difficulty_sum)
        })
    }

    fn check_abandoned(&self) -> Result<u64, Fault> {
        let abandoned = self.transaction.open_table(ABANDONED)?;
        let index = self.transaction.open_table(HASH_INDEX)?;
        let mut count = 0;
        for entry in abandoned.iter()? {
            let (key, value) = entry?;
            let record = open_abandoned(key.value(), value.value())?;
            let reachable = abandoned.get(key.value())?.is_some();
            let indexed = read_indexed(&index, &record.hash)?;
            if !reachable || indexed != Some(Indexed::Abandoned(record.number)) {
                return Err(corrupt(Table::Abandoned, Key::Block(key.value())));
            }
            count += 1;
        }
        all_there(Table::Abandoned, count, abandoned.len()?)
    }

    fn check_hash_index(&self, head: &BlockRecord, abandoned: u64) -> Result<u64, Fault> {
        let canonical = self.transaction.open_table(CANONICAL)?;
        let index = self.transaction.open_table(HASH_INDEX)?;
        let blocks = head.number.blocks_above(self.base.number).saturating_add(1);
        let mut count = 0;
        for entry in index.iter()? {
            let (hash, value) = entry?;
            let hash = hash.value();
            let leads_to_it = match open_indexed(hash, value.value())? {
                Indexed::Canonical(number) => {
                    head.number.blocks_above(number) < HASH_INDEX_DEPTH
                        && read_canonical(&canonical, number)?
                            .is_some_and(|record| record.hash.as_bytes() == hash)
                }
                // The walk over the abandoned blocks found them all, so here only the count is open.
                Indexed::Abandoned(_) => true,
            };
            if !leads_to_it || index.get(hash)?.is_none() {
                return Err(corrupt(Table::HashIndex, Key::Hash(hash)));
            }
            count += 1;
        }
        // Distinct hashes that each lead to their own block, and as many as there are blocks to index.
        all_there(Table::HashIndex, count, blocks.min(HASH_INDEX_DEPTH) + abandoned)
    }

    fn check_ancestors(&self) -> Result<u64, Fault> {
        let table = self.transaction.open_table(ANCESTORS)?;
        let ancestors = read_ancestors(&table)?;
        let base = read_canonical(&self.transaction.open_table(CANONICAL)?, self.base.number)?
            .filter(|record| record.hash == self.base.hash)
            .ok_or_else(|| corrupt(Table::Canonical, Key::Number(self.base.number.get())))?;
        let mut above = (base.number, base.parent_hash);
        for ancestor in ancestors.iter().rev() {
            if above != (ancestor.number.next(), ancestor.hash) || ancestor.number >= base.number {
                return Err(corrupt(Table::Ancestors, Key::Number(ancestor.number.get())));
            }
            above = (ancestor.number, ancestor.parent_hash);
        }
        let count = ancestors.len() as u64;
        if count > MAX_ANCESTORS {
            return Err(damaged_pages("more ancestors than are ever kept").into());
        }
        all_there(Table::Ancestors, count, table.len()?)
    }
}

/// `counted` records were met and `expected` must be there.
fn all_there(table: Table, counted: u64, expected: u64) -> Result<u64, Fault> {
    if counted == expected {
        return Ok(counted);
    }
    Err(damaged_pages(&format!("{counted} records in table {table} where {expected} belong")).into())
}

/// True when `bytes` are the header that `record` was made from.
fn belongs(bytes: &[u8], record: &BlockRecord, activations: &Activations) -> bool {
    Header::decode(bytes, activations).is_ok_and(|header| {
        BlockRecord::new(&header, record.header_difficulty_sum, record.bitcoin_hash_byte) == *record
    })
}
