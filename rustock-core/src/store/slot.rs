//! The one owner of the store. Its handles outlive the store in it: a client that is suspended closes the
//! database, so that the file's lock is given up, and fills the slot again when it resumes.

use std::sync::{Arc, PoisonError, RwLock};

use super::{CheckReport, HashLookup, Store, StoreError, StoreView, StoredPeers};
use crate::{
    chain::{
        batch::ChainBatch,
        record::{AncestorRecord, BlockRecord},
    },
    primitives::{hash::BlockHash, number::BlockNumber, peer::PeerBatch},
};

/// A place for a store, shared by everybody who uses it. Cheap to clone; a store itself like the one inside.
/// While the slot is empty every call answers [`StoreError::Closed`].
#[derive(Clone, Default)]
pub struct StoreSlot {
    store: Arc<RwLock<Option<Box<dyn Store>>>>,
}

impl StoreSlot {
    /// A slot with this store in it.
    pub fn new(store: impl Store + 'static) -> Self {
        let slot = Self::default();
        slot.reopen(store);
        slot
    }

    /// True while a store is in the slot.
    pub fn is_open(&self) -> bool {
        self.store.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Empties the slot: waits until running calls are done, then drops the store, which closes the database
    /// and gives up its lock before this returns. Harmless on an empty slot.
    pub fn close(&self) {
        let mut place = self.store.write().unwrap_or_else(PoisonError::into_inner);
        // Dropped under the lock: when anybody can see that the slot is empty, the file is free.
        drop(place.take());
    }

    /// Fills the slot. A store that is still in it is closed first.
    pub fn reopen(&self, store: impl Store + 'static) {
        let mut place = self.store.write().unwrap_or_else(PoisonError::into_inner);
        *place = Some(Box::new(store));
    }

    fn with<T>(&self, operation: impl FnOnce(&dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let place = self.store.read().unwrap_or_else(PoisonError::into_inner);
        operation(place.as_deref().ok_or(StoreError::Closed)?)
    }
}

impl core::fmt::Debug for StoreSlot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StoreSlot").finish_non_exhaustive()
    }
}

impl StoreView for StoreSlot {
    fn base(&self) -> Result<BlockRecord, StoreError> {
        self.with(|store| store.base())
    }

    fn head(&self) -> Result<BlockRecord, StoreError> {
        self.with(|store| store.head())
    }

    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError> {
        self.with(|store| store.record(number))
    }

    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|store| store.wire(number))
    }

    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError> {
        self.with(|store| store.abandoned(number, hash))
    }

    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError> {
        self.with(|store| store.find(hash))
    }

    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError> {
        self.with(|store| store.ancestors())
    }

    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError> {
        self.with(|store| store.fork_detection_from())
    }
}

impl Store for StoreSlot {
    fn commit(&self, batch: &ChainBatch) -> Result<(), StoreError> {
        self.with(|store| store.commit(batch))
    }

    fn snapshot(&self) -> Result<Box<dyn StoreView + Send>, StoreError> {
        self.with(|store| store.snapshot())
    }

    fn peers(&self) -> Result<StoredPeers, StoreError> {
        self.with(|store| store.peers())
    }

    fn commit_peers(&self, batch: &PeerBatch) -> Result<(), StoreError> {
        self.with(|store| store.commit_peers(batch))
    }

    fn check(&self) -> Result<CheckReport, StoreError> {
        self.with(|store| store.check())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{memory::MemoryStore, test_chain::TestChain};

    #[test]
    fn living_handles_see_the_slot_emptied_and_refilled() {
        let chain = TestChain::starting_at(5);
        let slot = StoreSlot::new(MemoryStore::new(chain.base().clone()));
        let reader = slot.clone();
        assert_eq!(reader.head(), Ok(chain.base().record.clone()));
        slot.close();
        slot.close();
        assert!(!reader.is_open());
        assert_eq!(reader.head(), Err(StoreError::Closed));
        assert_eq!(reader.commit(&ChainBatch::at(chain.base().record.id())), Err(StoreError::Closed));
        assert_eq!(reader.snapshot().err(), Some(StoreError::Closed));
        slot.reopen(MemoryStore::new(chain.base().clone()));
        assert_eq!(reader.head(), Ok(chain.base().record.clone()));
    }

    #[cfg(feature = "redb")]
    #[test]
    fn a_store_is_gone_when_close_returns() {
        let chain = TestChain::starting_at(5);
        let directory = tempfile::tempdir().expect("a temporary directory");
        let slot = StoreSlot::new(chain.open(directory.path()).expect("opens"));
        let in_use = chain.open(directory.path()).err();
        assert!(matches!(in_use, Some(StoreError::InUse { .. })), "{in_use:?}");
        let snapshot = slot.snapshot().expect("open");
        slot.close();
        assert_eq!(snapshot.record(BlockNumber::new(5)), Err(StoreError::Closed));
        slot.reopen(chain.open(directory.path()).expect("free again, with a snapshot still alive"));
        assert_eq!(slot.head(), Ok(chain.base().record.clone()));
    }
}
