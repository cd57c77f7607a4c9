//! Where the chain lives: one trait, an in-memory backend, and redb on disk.
//!
//! `docs/store-format.md` describes every table and record. The store sees values of `chain` only, never the
//! machines that make them.

use crate::{
    chain::{
        batch::ChainBatch,
        record::{AncestorRecord, BlockRecord},
    },
    primitives::{hash::BlockHash, number::BlockNumber},
};

pub use error::{StoreError, Table};

mod error;

/// Abandoned blocks are kept while their height is at most this far below the head, so that any cursor on
/// one of them can be walked back to the canonical chain.
pub const ABANDONED_DEPTH: u64 = 4_096;

/// Block hashes are indexed for this many of the newest canonical blocks.
pub const HASH_INDEX_DEPTH: u64 = 8_192;

/// Where a hash leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashLookup {
    /// On the canonical chain, at this height.
    Canonical(BlockNumber),
    /// Abandoned by a reorganisation within the last [`ABANDONED_DEPTH`] heights.
    Abandoned(BlockNumber),
    /// Not among the newest [`HASH_INDEX_DEPTH`] blocks, and older ones are not indexed by hash.
    NotIndexed,
    /// Every block the store has is indexed, and this is none of them.
    Unknown,
}

/// What a walk over the whole store found in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// Canonical records whose checksum, link, sum and wire bytes are right.
    pub canonical: u64,
    /// Abandoned records whose checksum is right.
    pub abandoned: u64,
    /// Hash index entries that lead to the right record.
    pub indexed: u64,
    /// Ancestors below the base whose checksum and link are right.
    pub ancestors: u64,
}

/// A chain that survives. Reads see whole commits only. After corruption or a failed write the store is
/// latched: every later call gives the same error.
pub trait Store: Send + Sync {
    /// The lowest canonical block: the genesis or checkpoint the chain was started from.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    fn base(&self) -> Result<BlockRecord, StoreError>;

    /// The best block.
    ///
    /// # Errors
    /// See [`Store::base`].
    fn head(&self) -> Result<BlockRecord, StoreError>;

    /// The canonical block at a height; `None` below the base and above the head.
    ///
    /// # Errors
    /// See [`Store::base`].
    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError>;

    /// The received bytes of the canonical header at a height.
    ///
    /// # Errors
    /// See [`Store::base`].
    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError>;

    /// An abandoned block.
    ///
    /// # Errors
    /// See [`Store::base`].
    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError>;

    /// Where a hash leads.
    ///
    /// # Errors
    /// See [`Store::base`].
    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError>;

    /// Known ancestors below the base, ascending and contiguous up to the base's parent.
    ///
    /// # Errors
    /// See [`Store::base`].
    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError>;

    /// The first height from which on every block's fork-detection data was checked; `None` until known.
    ///
    /// # Errors
    /// See [`Store::base`].
    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError>;

    /// Makes a change durable, wholly or not at all.
    ///
    /// # Errors
    /// [`StoreError::StaleBatch`] and [`StoreError::BrokenBatch`] change nothing and do not latch.
    fn commit(&self, batch: &ChainBatch) -> Result<(), StoreError>;

    /// Walks everything: checksums, links, sums, the hash index, and that the wire bytes belong to their
    /// record.
    ///
    /// # Errors
    /// The first damage met.
    fn check(&self) -> Result<CheckReport, StoreError>;
}
