//! From a skeleton to the header requests that fill it.
//!
//! No RSKIP. Mirrors rskj's `NodeBlockProcessor.processSkeletonRequest` (what a skeleton must look like) and
//! `ChunksDownloadHelper` (which requests fill it).

use super::fault::PeerFault;
use crate::{
    chain::{record::BlockId, tail::ChainTail},
    primitives::number::BlockNumber,
    wire::rsk::BlockIdentifier,
};

/// Blocks between two entries of a skeleton, and headers in one answer: fixed in rskj.
pub const CHUNK_SIZE: u64 = 192;
/// Chunks that one skeleton spans at most.
const SKELETON_CHUNKS: u64 = 20;

/// One request for headers: `count` of them, from `top` down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRequest {
    /// The highest block.
    pub top: BlockId,
    /// How many headers, at most [`CHUNK_SIZE`].
    pub count: u32,
}

/// The requests that fill a skeleton, ascending, and whether the peer's chain goes on above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkeletonPlan {
    /// Requests, lowest first. Empty when the peer has nothing above the connection point.
    pub chunks: Vec<ChunkRequest>,
    /// The last entry: where the next skeleton starts.
    pub last: BlockId,
    /// False when the last entry is the peer's best block.
    pub continues: bool,
}

/// Checks a skeleton asked for at `connection_point`, and plans the requests that fill it.
///
/// # Errors
/// A [`PeerFault`] when the heights are not those the rule gives.
pub fn plan_skeleton(
    identifiers: &[BlockIdentifier],
    connection_point: BlockId,
) -> Result<SkeletonPlan, PeerFault> {
    let last = identifiers.last().ok_or(PeerFault::EmptySkeleton)?;
    let first = connection_point.number.get() / CHUNK_SIZE * CHUNK_SIZE;
    let mut chunks = Vec::with_capacity(identifiers.len());
    let mut below = BlockNumber::new(first);
    for (index, entry) in identifiers.iter().enumerate() {
        let regular = first + index as u64 * CHUNK_SIZE;
        let is_last = index + 1 == identifiers.len();
        // Only the last entry may fall between two steps, when the peer's best block does.
        let fits = entry.number.get() == regular
            || (is_last && index > 0 && entry.number > below && entry.number.get() < regular);
        if !fits || index as u64 > SKELETON_CHUNKS {
            return Err(PeerFault::WrongSkeletonHeight { index, actual: entry.number });
        }
        if entry.number > connection_point.number {
            let bottom = below.max(connection_point.number);
            let count = entry.number.blocks_above(bottom) as u32;
            chunks.push(ChunkRequest { top: BlockId { number: entry.number, hash: entry.hash }, count });
        }
        below = entry.number;
    }
    let continues = last.number.get() == first + SKELETON_CHUNKS * CHUNK_SIZE;
    Ok(SkeletonPlan { chunks, last: BlockId { number: last.number, hash: last.hash }, continues })
}

/// Checks that a skeleton's blocks at and below the connection point are ours. Only of the first skeleton above
/// it: a further one lies on the peer's branch, at heights where our chain may have other blocks.
///
/// # Errors
/// [`PeerFault::OtherChain`] when the base is another, else [`PeerFault::SkeletonContradiction`].
pub fn check_shared_blocks(
    identifiers: &[BlockIdentifier],
    connection_point: BlockNumber,
    tail: &ChainTail,
) -> Result<(), PeerFault> {
    for entry in identifiers.iter().filter(|entry| entry.number <= connection_point) {
        let ours = tail.record(entry.number).map(|record| record.hash);
        if ours.is_some_and(|ours| ours != entry.hash) {
            return Err(if entry.number == tail.base() {
                PeerFault::OtherChain { base: tail.base() }
            } else {
                PeerFault::SkeletonContradiction { number: entry.number }
            });
        }
    }
    Ok(())
}
