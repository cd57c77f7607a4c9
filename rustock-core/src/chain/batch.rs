//! One step of the chain, to be made durable in one transaction or not at all.

use super::record::{AncestorRecord, BlockId, BlockRecord};
use crate::primitives::{header::Header, number::BlockNumber};

/// A record with the header it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockEntry {
    /// The facts.
    pub record: BlockRecord,
    /// The header, whose received bytes are kept too.
    pub header: Header,
}

/// A change of the canonical chain. Everything above `common_ancestor` is abandoned, then `added` is put on
/// top of it. Either part may be empty: an extension abandons nothing, a rollback adds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainBatch {
    /// The head this change was worked out from. A store whose head is another refuses the batch.
    pub previous_head: BlockId,
    /// The highest block that stays.
    pub common_ancestor: BlockId,
    /// Blocks that come on top of it, ascending and linked.
    pub added: Vec<BlockEntry>,
    /// Ancestors below the base learned since the last batch, descending from the lowest one known.
    pub ancestors: Vec<AncestorRecord>,
    /// When set: the first height from which on fork-detection data of every block is checked.
    pub fork_detection_from: Option<BlockNumber>,
}

impl ChainBatch {
    /// A batch that changes nothing yet.
    pub fn at(head: BlockId) -> Self {
        Self {
            previous_head: head,
            common_ancestor: head,
            added: Vec::new(),
            ancestors: Vec::new(),
            fork_detection_from: None,
        }
    }

    /// The head once the batch is applied.
    pub fn new_head(&self) -> BlockId {
        self.added.last().map_or(self.common_ancestor, |entry| entry.record.id())
    }

    /// True when applying it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.ancestors.is_empty()
            && self.previous_head == self.common_ancestor
            && self.fork_detection_from.is_none()
    }
}
