//! What a subscriber sees: blocks added and removed, and the cursor that says how far it has come.

use core::fmt;

use crate::{
    chain::record::{BlockId, BlockRecord},
    primitives::{
        hash::BlockHash,
        number::{BlockNumber, UnixTime},
    },
};

/// A block as events tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockRef {
    /// Height.
    pub number: BlockNumber,
    /// Block hash.
    pub hash: BlockHash,
    /// Hash of the block below.
    pub parent_hash: BlockHash,
    /// Seconds since the epoch, as its header says.
    pub timestamp: UnixTime,
}

impl BlockRef {
    /// Height and hash.
    pub fn id(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }
}

impl From<&BlockRecord> for BlockRef {
    fn from(record: &BlockRecord) -> Self {
        Self {
            number: record.number,
            hash: record.hash,
            parent_hash: record.parent_hash,
            timestamp: record.timestamp,
        }
    }
}

/// A place in the history of one network's chain. An app keeps it with its own data, and any later
/// subscription `after` it yields exactly what was removed and added since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainCursor {
    /// Low byte of the network's chain id: 30 mainnet, 31 testnet, 33 regtest, 35 simnet.
    pub network: u8,
    /// The last block taken in.
    pub block: BlockId,
}

impl ChainCursor {
    /// Bytes of the stored form.
    pub const SIZE: usize = 41;

    /// The stored form: network, height in big-endian, hash.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0] = self.network;
        bytes[1..9].copy_from_slice(&self.block.number.get().to_be_bytes());
        bytes[9..].copy_from_slice(self.block.hash.as_bytes());
        bytes
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[1..9]);
        let mut hash = [0; 32];
        hash.copy_from_slice(&bytes[9..]);
        let block =
            BlockId { number: BlockNumber::new(u64::from_be_bytes(number)), hash: BlockHash::new(hash) };
        Self { network: bytes[0], block }
    }
}

impl fmt::Display for ChainCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.block)
    }
}

/// A change of the chain, as a subscriber sees it. Applied in order from a cursor on, events rebuild the
/// stored chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainEvent {
    /// Blocks were added on top of the cursor's.
    Extended {
        /// Ascending, linked; at least one.
        blocks: Vec<BlockRef>,
        /// The last of them.
        cursor: ChainCursor,
    },
    /// The cursor's block and perhaps more below it are no longer in the chain.
    Reorg {
        /// The highest block that stayed.
        common_ancestor: BlockRef,
        /// Blocks that went, from the top down: the order in which to undo them.
        removed: Vec<BlockRef>,
        /// Blocks that took their place, ascending. May be empty, and the rest may come as `Extended`.
        added: Vec<BlockRef>,
        /// The last added, or the common ancestor.
        cursor: ChainCursor,
    },
    /// The cursor's block is unknown here: rescan from `new`.
    Rebased {
        /// The cursor that could not be followed.
        old: ChainCursor,
        /// Where the subscription goes on.
        new: BlockRef,
        /// Why.
        reason: RebaseReason,
        /// The cursor of `new`.
        cursor: ChainCursor,
    },
}

impl ChainEvent {
    /// Where a subscriber stands once it has taken the event in.
    pub fn cursor(&self) -> ChainCursor {
        match self {
            Self::Extended { cursor, .. } | Self::Reorg { cursor, .. } | Self::Rebased { cursor, .. } => {
                *cursor
            }
        }
    }
}

/// Why a cursor could not be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RebaseReason {
    /// Its block lies below the chain's base: this store starts higher.
    BelowBase,
    /// Its block lies above the head and was never part of this chain: this store is behind, or another.
    AboveHead,
    /// Its block is of a branch that was abandoned too long ago, or never seen here.
    UnknownBlock,
}

/// How to subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// The last block the app has taken in; `None` starts at the head at the time of the call.
    pub after: Option<ChainCursor>,
    /// Stay this many blocks behind the head, so that shallow reorganisations never show. Default 0.
    pub settle_depth: u32,
    /// Most blocks added by one event. Default 1,000; 0 is refused.
    pub max_batch: u32,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self { after: None, settle_depth: 0, max_batch: 1_000 }
    }
}
