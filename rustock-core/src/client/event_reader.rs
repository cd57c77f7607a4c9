//! Works out, from the store alone, what comes after a cursor. The stream has no other memory, so a slow
//! consumer costs nothing and a restart loses nothing.

use super::events::{BlockRef, ChainCursor, ChainEvent, RebaseReason};
use crate::{
    chain::record::{BlockId, BlockRecord},
    primitives::number::BlockNumber,
    store::{StoreError, StoreView, Table},
};

/// Reads events for one subscription, from a view that does not change meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventReader {
    pub network: u8,
    pub settle_depth: u32,
    pub max_batch: u32,
}

impl EventReader {
    /// The block a new subscription without a cursor starts after.
    pub fn start(&self, store: &dyn StoreView) -> Result<BlockId, StoreError> {
        Ok(self.settled(store)?.id())
    }

    /// The event after `cursor`; `None` when there is none yet.
    pub fn next(&self, store: &dyn StoreView, cursor: BlockId) -> Result<Option<ChainEvent>, StoreError> {
        let settled = self.settled(store)?;
        let at_height = store.record(cursor.number)?;
        if at_height.is_some_and(|record| record.hash == cursor.hash) {
            let blocks = self.blocks_above(store, cursor.number, settled.number)?;
            return Ok(blocks
                .last()
                .copied()
                .map(|last| ChainEvent::Extended { blocks, cursor: self.cursor(last.id()) }));
        }
        self.leave_branch(store, cursor, &settled).map(Some)
    }

    /// Walks down an abandoned branch to the chain.
    fn leave_branch(
        &self,
        store: &dyn StoreView,
        cursor: BlockId,
        settled: &BlockRecord,
    ) -> Result<ChainEvent, StoreError> {
        let mut removed = Vec::new();
        let mut at = cursor;
        loop {
            if let Some(record) = store.record(at.number)?
                && record.hash == at.hash
            {
                let added = self.blocks_above(store, at.number, settled.number)?;
                let top = added.last().map_or(at, BlockRef::id);
                return Ok(ChainEvent::Reorg {
                    common_ancestor: BlockRef::from(&record),
                    removed,
                    added,
                    cursor: self.cursor(top),
                });
            }
            let Some(record) = store.abandoned(at.number, &at.hash)? else {
                return self.rebase(store, cursor, settled);
            };
            removed.push(BlockRef::from(&record));
            let Some(below) = at.number.previous() else { return self.rebase(store, cursor, settled) };
            at = BlockId { number: below, hash: record.parent_hash };
        }
    }

    fn rebase(
        &self,
        store: &dyn StoreView,
        old: BlockId,
        settled: &BlockRecord,
    ) -> Result<ChainEvent, StoreError> {
        let reason = if old.number < store.base()?.number {
            RebaseReason::BelowBase
        } else if old.number > store.head()?.number {
            RebaseReason::AboveHead
        } else {
            RebaseReason::UnknownBlock
        };
        Ok(ChainEvent::Rebased {
            old: self.cursor(old),
            new: BlockRef::from(settled),
            reason,
            cursor: self.cursor(settled.id()),
        })
    }

    /// The highest block that lies `settle_depth` below the head; the base when there is none.
    fn settled(&self, store: &dyn StoreView) -> Result<BlockRecord, StoreError> {
        let head = store.head()?;
        if self.settle_depth == 0 {
            return Ok(head);
        }
        let base = store.base()?;
        let number = head.number.saturating_sub(self.settle_depth.into()).max(base.number);
        canonical(store, number)
    }

    /// At most `max_batch` blocks above a height, up to another.
    fn blocks_above(
        &self,
        store: &dyn StoreView,
        below: BlockNumber,
        last: BlockNumber,
    ) -> Result<Vec<BlockRef>, StoreError> {
        let count = last.blocks_above(below).min(self.max_batch.into());
        (1..=count)
            .map(|offset| Ok(BlockRef::from(&canonical(store, below.saturating_add(offset))?)))
            .collect()
    }

    fn cursor(&self, block: BlockId) -> ChainCursor {
        ChainCursor { network: self.network, block }
    }
}

/// A record that must be there, because it lies between base and head.
fn canonical(store: &dyn StoreView, number: BlockNumber) -> Result<BlockRecord, StoreError> {
    let missing = || StoreError::Corrupt { table: Table::Canonical, key: number.to_string() };
    store.record(number)?.ok_or_else(missing)
}
