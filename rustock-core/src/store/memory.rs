//! A store that forgets: plain maps behind a lock. For tests, simulations and clients without a disk, and the
//! oracle that the on-disk store is compared with.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    ABANDONED_DEPTH, CheckReport, HASH_INDEX_DEPTH, HashLookup, LostPeers, Store, StoreError, StoreView,
    StoredPeers, Table,
    validate::{LowestKnown, check_batch},
};
use crate::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::{AncestorRecord, BlockRecord},
    },
    primitives::{
        hash::BlockHash,
        number::BlockNumber,
        peer::{PeerBatch, SavedPeers},
    },
};

/// A chain in memory. It grows with the chain: about 1.5 KB a block.
#[derive(Debug)]
pub struct MemoryStore {
    chain: RwLock<Arc<MemoryChain>>,
    peers: RwLock<SavedPeers>,
}

/// One state of the chain. Never empty: the base is there from the start and stays.
#[derive(Debug, Clone)]
struct MemoryChain {
    canonical: BTreeMap<BlockNumber, BlockEntry>,
    abandoned: BTreeMap<(BlockNumber, BlockHash), BlockRecord>,
    ancestors: BTreeMap<BlockNumber, AncestorRecord>,
    fork_detection_from: Option<BlockNumber>,
}

impl MemoryStore {
    /// A chain of one block.
    pub fn new(base: BlockEntry) -> Self {
        let chain = MemoryChain {
            canonical: BTreeMap::from([(base.record.number, base)]),
            abandoned: BTreeMap::new(),
            ancestors: BTreeMap::new(),
            fork_detection_from: None,
        };
        Self { chain: RwLock::new(Arc::new(chain)), peers: RwLock::default() }
    }

    /// The newest whole commit. A panic elsewhere cannot leave a half-applied one, so poison is ignored.
    fn chain(&self) -> Arc<MemoryChain> {
        Arc::clone(&self.chain.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MemoryChain {
    fn base_record(&self) -> &BlockRecord {
        &self.canonical.first_key_value().expect("the base stays").1.record
    }

    fn head_record(&self) -> &BlockRecord {
        &self.canonical.last_key_value().expect("the base stays").1.record
    }

    fn lowest_known(&self) -> LowestKnown {
        let base = self.base_record();
        self.ancestors
            .values()
            .next()
            .map_or(LowestKnown { number: base.number, parent_hash: base.parent_hash }, |lowest| {
                LowestKnown { number: lowest.number, parent_hash: lowest.parent_hash }
            })
    }

    fn validate(&self, batch: &ChainBatch) -> Result<(), StoreError> {
        let ancestor = self.canonical.get(&batch.common_ancestor.number).map(|entry| &entry.record);
        check_batch(batch, self.base_record(), self.head_record(), ancestor, self.lowest_known())
    }

    fn apply(&mut self, batch: &ChainBatch) {
        let dropped = self.canonical.split_off(&batch.common_ancestor.number.next());
        for entry in dropped.into_values() {
            self.abandoned.insert((entry.record.number, entry.record.hash), entry.record);
        }
        for entry in &batch.added {
            self.abandoned.remove(&(entry.record.number, entry.record.hash));
            self.canonical.insert(entry.record.number, entry.clone());
        }
        let head = self.head_record().number;
        self.abandoned.retain(|(number, _), _| head.blocks_above(*number) <= ABANDONED_DEPTH);
        for ancestor in &batch.ancestors {
            self.ancestors.insert(ancestor.number, *ancestor);
        }
        if batch.fork_detection_from.is_some() {
            self.fork_detection_from = batch.fork_detection_from;
        }
    }
}

impl StoreView for MemoryChain {
    fn base(&self) -> Result<BlockRecord, StoreError> {
        Ok(self.base_record().clone())
    }

    fn head(&self) -> Result<BlockRecord, StoreError> {
        Ok(self.head_record().clone())
    }

    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError> {
        Ok(self.canonical.get(&number).map(|entry| entry.record.clone()))
    }

    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.canonical.get(&number).map(|entry| entry.header.raw().to_vec()))
    }

    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError> {
        Ok(self.abandoned.get(&(number, *hash)).cloned())
    }

    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError> {
        let newest = self.canonical.values().rev().take(HASH_INDEX_DEPTH as usize);
        if let Some(entry) = newest.into_iter().find(|entry| entry.record.hash == *hash) {
            return Ok(HashLookup::Canonical(entry.record.number));
        }
        if let Some((number, _)) = self.abandoned.keys().find(|(_, abandoned)| abandoned == hash) {
            return Ok(HashLookup::Abandoned(*number));
        }
        let all_indexed = self.canonical.len() as u64 <= HASH_INDEX_DEPTH;
        Ok(if all_indexed { HashLookup::Unknown } else { HashLookup::NotIndexed })
    }

    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError> {
        Ok(self.ancestors.values().copied().collect())
    }

    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError> {
        Ok(self.fork_detection_from)
    }
}

impl StoreView for MemoryStore {
    fn base(&self) -> Result<BlockRecord, StoreError> {
        self.chain().base()
    }

    fn head(&self) -> Result<BlockRecord, StoreError> {
        self.chain().head()
    }

    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError> {
        self.chain().record(number)
    }

    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.chain().wire(number)
    }

    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError> {
        self.chain().abandoned(number, hash)
    }

    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError> {
        self.chain().find(hash)
    }

    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError> {
        self.chain().ancestors()
    }

    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError> {
        StoreView::fork_detection_from(&*self.chain())
    }
}

impl Store for MemoryStore {
    fn commit(&self, batch: &ChainBatch) -> Result<(), StoreError> {
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        chain.validate(batch)?;
        // Copies the maps only while somebody holds a snapshot.
        Arc::make_mut(&mut chain).apply(batch);
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn StoreView + Send>, StoreError> {
        Ok(Box::new(SharedChain(self.chain())))
    }

    fn peers(&self) -> Result<StoredPeers, StoreError> {
        let saved = self.peers.read().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(StoredPeers { saved, lost: LostPeers::default() })
    }

    fn commit_peers(&self, batch: &PeerBatch) -> Result<(), StoreError> {
        self.peers.write().unwrap_or_else(PoisonError::into_inner).apply(batch);
        Ok(())
    }

    fn check(&self) -> Result<CheckReport, StoreError> {
        let chain = self.chain();
        let mut below: Option<&BlockRecord> = None;
        for (number, entry) in &chain.canonical {
            let record = &entry.record;
            let linked = below.is_none_or(|below| {
                below.hash == record.parent_hash
                    && below.number.next() == record.number
                    && below.header_difficulty_sum.checked_add(record.difficulty)
                        == Some(record.header_difficulty_sum)
            });
            if !linked || record.number != *number || record.hash != entry.header.hash() {
                return Err(StoreError::Corrupt { table: Table::Canonical, key: number.to_string() });
            }
            below = Some(record);
        }
        let canonical = chain.canonical.len() as u64;
        let abandoned = chain.abandoned.len() as u64;
        let StoredPeers { saved, lost } = self.peers()?;
        Ok(CheckReport {
            canonical,
            abandoned,
            indexed: canonical.min(HASH_INDEX_DEPTH) + abandoned,
            ancestors: chain.ancestors.len() as u64,
            peers: saved.records.len() as u64,
            bans: saved.bans.len() as u64,
            lost,
            pages: false,
        })
    }
}

/// A snapshot: the state itself, which later commits leave alone.
struct SharedChain(Arc<MemoryChain>);

impl StoreView for SharedChain {
    fn base(&self) -> Result<BlockRecord, StoreError> {
        self.0.base()
    }

    fn head(&self) -> Result<BlockRecord, StoreError> {
        self.0.head()
    }

    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError> {
        self.0.record(number)
    }

    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.wire(number)
    }

    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError> {
        self.0.abandoned(number, hash)
    }

    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError> {
        self.0.find(hash)
    }

    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError> {
        self.0.ancestors()
    }

    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError> {
        StoreView::fork_detection_from(&*self.0)
    }
}
