//! What can go wrong with a store, sorted by who can do something about it.

use core::fmt;
use std::path::PathBuf;

use crate::{chain::record::BlockId, primitives::number::BlockNumber};

/// A table of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// Number to record of the canonical chain.
    Canonical,
    /// Number to received header bytes.
    Wire,
    /// (Number, hash) to record of an abandoned block.
    Abandoned,
    /// Hash to number of the newest blocks.
    HashIndex,
    /// Ancestors below the base.
    Ancestors,
    /// Schema version, network, base, and from where fork-detection data was checked.
    Meta,
    /// Node id to what is remembered of a peer; in a file of its own, as the next.
    Peers,
    /// Subject to ban.
    Bans,
    /// None of ours: the pages that the database keeps its tables in.
    Pages,
}

impl Table {
    /// The table's name, in the file and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Wire => "wire",
            Self::Abandoned => "abandoned",
            Self::HashIndex => "hash_index",
            Self::Ancestors => "ancestors",
            Self::Meta => "meta",
            Self::Peers => "peers",
            Self::Bans => "bans",
            Self::Pages => "pages",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A store could not be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another client, in this process or another, holds the store.
    #[error("{path} is in use by another client: stop it, or choose another data directory")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The store holds another network's chain.
    #[error("the store holds {found}, not {expected}: choose another data directory")]
    OtherNetwork {
        /// Network asked for.
        expected: String,
        /// Network found.
        found: String,
    },
    /// The store was written by a release with another schema.
    #[error("the store has schema version {found}, this release reads {expected}")]
    OtherSchema {
        /// Version this release reads.
        expected: u32,
        /// Version found.
        found: u32,
    },
    /// The file is not a store of ours.
    #[error("{path} is not a Rustock store: {reason}")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What shows it.
        reason: String,
    },
    /// A record is damaged. Restore the file, or remove it and sync again.
    #[error("the store is damaged in table {table} at {key}: remove it and sync again")]
    Corrupt {
        /// The table.
        table: Table,
        /// The key, as text; for [`Table::Pages`] what the database says of them.
        key: String,
    },
    /// The operating system refused: no space, no permission, a device error.
    #[error("cannot {action} the store: {reason}")]
    Io {
        /// What was tried: `open`, `read`, `write`.
        action: &'static str,
        /// The system's words.
        reason: String,
    },
    /// A batch was worked out from another head than the store has. Nothing was changed.
    #[error("the batch starts from {expected}, the store's head is {found}")]
    StaleBatch {
        /// Head the batch was worked out from.
        expected: BlockId,
        /// Head of the store.
        found: BlockId,
    },
    /// A batch is not linked, or not on the canonical chain. Nothing was changed.
    #[error("the batch is not linked at height {number}")]
    BrokenBatch {
        /// Where it breaks.
        number: BlockNumber,
    },
    /// The owner has closed the store (stopped or suspended).
    #[error("the store is closed")]
    Closed,
}
