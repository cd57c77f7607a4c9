//! Where the chain lives: one trait, an in-memory backend, and redb on disk.
//!
//! `docs/store-format.md` describes every table and record. The store sees values of `chain` only, never the
//! machines that make them.

use core::fmt;

use crate::{
    chain::{
        batch::ChainBatch,
        record::{AncestorRecord, BlockRecord},
    },
    primitives::{
        hash::BlockHash,
        number::BlockNumber,
        peer::{PeerBatch, SavedPeers},
    },
};

pub use error::{StoreError, Table};

mod error;
pub mod memory;
#[cfg(all(test, feature = "redb"))]
mod peer_tests;
#[cfg(feature = "redb")]
pub mod redb;
pub mod slot;
#[cfg(test)]
mod test_chain;
#[cfg(all(test, feature = "redb"))]
mod tests;
mod validate;

/// Abandoned blocks are kept while their height is at most this far below the head, so that any cursor on
/// one of them can be walked back to the canonical chain.
pub const ABANDONED_DEPTH: u64 = 4_096;

/// Block hashes are indexed for this many of the newest canonical blocks.
pub const HASH_INDEX_DEPTH: u64 = 8_192;

/// The most ancestors below the base that are kept. Fork-detection data (RSKIP-110) reads 449; three requests
/// of 192 headers bring up to 576.
pub const MAX_ANCESTORS: u64 = 1_024;

/// The most peers that are read back.
pub const MAX_PEER_RECORDS: usize = 1_024;

/// The most bans that are read back.
pub const MAX_BAN_RECORDS: usize = 1_024;

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
    /// Peers that are remembered.
    pub peers: u64,
    /// Bans that are remembered, over or not.
    pub bans: u64,
    /// What was remembered of peers and cannot be read. No damage to the chain.
    pub lost: LostPeers,
    /// True when the database's own page checksums were verified too. False in memory, and while a snapshot
    /// is alive, which keeps the database from doing so.
    pub pages: bool,
}

/// What was remembered of peers, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredPeers {
    /// What can be read.
    pub saved: SavedPeers,
    /// What cannot.
    pub lost: LostPeers,
}

/// What was remembered of peers and cannot be read, because the store is damaged there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LostPeers {
    /// Records of peers.
    pub records: u64,
    /// Bans, maybe some of the user's.
    pub bans: u64,
    /// There may be more, out of reach.
    pub uncounted: bool,
}

impl LostPeers {
    /// True when everything can be read.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for LostPeers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, bans, uncounted } = self;
        write!(f, "{records} peers, {bans} bans")?;
        if *uncounted { f.write_str(" and maybe more") } else { Ok(()) }
    }
}

/// Reads of one chain. On a [`Store`] each call sees the newest whole commit; on what [`Store::snapshot`]
/// gives every call sees the same one.
pub trait StoreView {
    /// The lowest canonical block: the genesis or checkpoint the chain was started from.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    fn base(&self) -> Result<BlockRecord, StoreError>;

    /// The best block.
    ///
    /// # Errors
    /// See [`StoreView::base`].
    fn head(&self) -> Result<BlockRecord, StoreError>;

    /// The canonical block at a height; `None` below the base and above the head.
    ///
    /// # Errors
    /// See [`StoreView::base`].
    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError>;

    /// The received bytes of the canonical header at a height.
    ///
    /// # Errors
    /// See [`StoreView::base`].
    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError>;

    /// An abandoned block.
    ///
    /// # Errors
    /// See [`StoreView::base`].
    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError>;

    /// Where a hash leads. A block that was abandoned and came back is canonical.
    ///
    /// # Errors
    /// See [`StoreView::base`].
    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError>;

    /// Known ancestors below the base, ascending and contiguous up to the base's parent; at most
    /// [`MAX_ANCESTORS`].
    ///
    /// # Errors
    /// See [`StoreView::base`].
    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError>;

    /// The first height from which on every block's fork-detection data was checked; `None` until known.
    ///
    /// # Errors
    /// See [`StoreView::base`].
    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError>;
}

/// A chain that survives. Reads see whole commits only. After corruption or a failed read or write of the
/// medium the store is latched: every later call gives the same error, and opening it anew is the way on.
pub trait Store: StoreView + Send + Sync {
    /// Makes a change durable, wholly or not at all. After [`StoreError::Io`] only opening the store anew
    /// tells which of the two it was.
    ///
    /// # Errors
    /// [`StoreError::StaleBatch`] and [`StoreError::BrokenBatch`] change nothing and do not latch.
    fn commit(&self, batch: &ChainBatch) -> Result<(), StoreError>;

    /// The chain as it is now, for reads that must agree with each other while commits go on. Cheap to take.
    /// Drop it soon: space freed by later commits cannot be used while it is alive. Once the store is closed
    /// its reads may answer [`StoreError::Closed`].
    ///
    /// # Errors
    /// The error the store is latched with.
    fn snapshot(&self) -> Result<Box<dyn StoreView + Send>, StoreError>;

    /// What is remembered of peers. Damage to it is no damage to the chain: what cannot be read is left out and
    /// counted, and the next change takes it away.
    ///
    /// # Errors
    /// [`StoreError::Io`] and [`StoreError::Closed`].
    fn peers(&self) -> Result<StoredPeers, StoreError>;

    /// Makes changes to what is remembered of peers durable, wholly or not at all. A failure latches nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn commit_peers(&self, batch: &PeerBatch) -> Result<(), StoreError>;

    /// Walks everything about the chain: checksums, links, sums, the hash index, and that the wire bytes belong to
    /// their record. Counts what is remembered of peers.
    ///
    /// # Errors
    /// The first damage met that is not [`CheckReport::lost`].
    fn check(&self) -> Result<CheckReport, StoreError>;
}
