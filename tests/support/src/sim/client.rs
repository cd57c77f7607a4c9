//! The client's side of a simulation: the machine under test, its store, and what a restart does to both.

use std::collections::HashSet;

use rustock_core::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::{AncestorRecord, BlockRecord},
        tail::{ChainTail, TAIL_LIMIT},
    },
    consensus::params::NetworkParams,
    primitives::{
        hash::BlockHash,
        header::Header,
        number::{BlockNumber, CumulativeDifficulty},
    },
    proto::{
        sync::{SyncConfig, SyncMachine},
        time::Timestamp,
    },
    store::{Store, StoreView, memory::MemoryStore},
};

/// The block entry that a chain starts from.
pub fn base_entry(header: &Header) -> BlockEntry {
    let sum = CumulativeDifficulty::new(header.difficulty().get());
    let bitcoin_hash_byte = AncestorRecord::of(header).bitcoin_hash_byte;
    BlockEntry { record: BlockRecord::new(header, sum, bitcoin_hash_byte), header: header.clone() }
}

/// The machine and what survives it.
#[derive(Debug)]
pub(super) struct Client {
    pub params: NetworkParams,
    pub config: SyncConfig,
    pub machine: SyncMachine,
    pub store: MemoryStore,
    /// Hashes of headers that break a rule, and of all on top of them.
    invalid: HashSet<BlockHash>,
    pub commits: usize,
    pub largest_commit: usize,
    pub deepest_reorg: u64,
}

impl Client {
    pub fn new(params: NetworkParams, config: SyncConfig, base: &Header, now: Timestamp) -> Self {
        let store = MemoryStore::new(base_entry(base));
        let machine = machine_from(&store, &params, &config, now);
        Self {
            params,
            config,
            machine,
            store,
            invalid: HashSet::new(),
            commits: 0,
            largest_commit: 0,
            deepest_reorg: 0,
        }
    }

    /// Forgets everything that is not in the store.
    pub fn restart(&mut self, now: Timestamp) {
        self.machine = machine_from(&self.store, &self.params, &self.config, now);
    }

    /// No block with this hash may ever be committed.
    pub fn forbid(&mut self, hash: BlockHash) {
        self.invalid.insert(hash);
    }

    /// Makes a batch durable. It must be accepted, and hold no invalid header.
    pub fn commit(&mut self, batch: &ChainBatch) {
        for entry in &batch.added {
            let id = entry.record.id();
            assert!(!self.invalid.contains(&id.hash), "an invalid header was committed: {id}");
        }
        self.store.commit(batch).unwrap_or_else(|error| panic!("the store refused a batch: {error}"));
        self.commits += 1;
        self.largest_commit = self.largest_commit.max(batch.added.len());
        let depth = batch.previous_head.number.blocks_above(batch.common_ancestor.number);
        self.deepest_reorg = self.deepest_reorg.max(depth);
    }

    /// Canonical headers out of the store.
    pub fn load_headers(&self, from: BlockNumber, to: BlockNumber) -> Vec<Header> {
        let load = |number| {
            let wire = self.store.wire(BlockNumber::new(number)).expect("memory does not fail");
            let wire = wire.expect("the machine asks for canonical headers");
            Header::decode(&wire, &self.params.activations).expect("a stored header")
        };
        (from.get()..=to.get()).map(load).collect()
    }
}

/// A machine that goes on from what is stored.
fn machine_from(
    store: &MemoryStore,
    params: &NetworkParams,
    config: &SyncConfig,
    now: Timestamp,
) -> SyncMachine {
    let failure = "memory does not fail";
    let (base, head) = (store.base().expect(failure), store.head().expect(failure));
    let lowest = head.number.saturating_sub(TAIL_LIMIT as u64 - 1).max(base.number);
    let records = (lowest.get()..=head.number.get())
        .map(|number| store.record(BlockNumber::new(number)).expect(failure).expect("canonical"))
        .collect();
    let tail = ChainTail::new(base.number, store.ancestors().expect(failure), records)
        .expect("the store holds a linked chain");
    let checked_from = store.fork_detection_from().expect(failure);
    SyncMachine::new(params.clone(), config.clone(), tail, base, checked_from, now)
}
