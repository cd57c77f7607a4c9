//! Following announcements: fetch the block, walk down to a block of ours, verify the run, weigh it.

use core::time::Duration;

use super::{
    branch::Branch,
    fault::PeerFault,
    job::{JobHeaders, decode_descending},
    machine::{Stage, Step, SyncMachine},
    peer::{PeerId, Purpose},
    plan::CHUNK_SIZE,
};
use crate::{
    chain::record::BlockId,
    primitives::{hash::BlockHash, header::Header},
    wire::rsk::{BlockIdentifier, RawList},
};

/// Headers fetched at a time while walking down: one block is the rule, a shallow fork the exception.
const STEPS: [u32; 4] = [1, 8, 64, CHUNK_SIZE as u32];
/// Headers walked down before a whole round is the better way.
const MAX_WALK: usize = 512;

/// One announced block and its ancestors, down to ours. Bounded by [`MAX_WALK`] and one answer.
#[derive(Debug)]
pub(super) struct Follow {
    next: BlockHash,
    count: u32,
    step: usize,
    /// Descending, linked by hash.
    headers: Vec<Header>,
    /// The run once it reaches a block of ours: the branch it makes, and its headers until they are taken.
    run: Option<(Branch, Option<Vec<Header>>)>,
}

impl Follow {
    pub fn wants_headers(&self) -> bool {
        self.run.is_none()
    }

    pub fn request(&mut self) -> Option<Purpose> {
        let is_announced = self.headers.is_empty();
        self.wants_headers().then_some(Purpose::Follow { hash: self.next, count: self.count, is_announced })
    }

    /// The run to verify, once.
    pub fn take_linked(&mut self) -> Option<(&mut Branch, JobHeaders)> {
        let (branch, headers) = self.run.as_mut()?;
        Some((branch, JobHeaders::Linked(headers.take()?)))
    }

    /// The branch, if the run was found.
    pub fn take_branch(&mut self) -> Option<Branch> {
        self.run.take().map(|(branch, _)| branch)
    }
}

impl SyncMachine {
    /// Begins to fetch an announced block.
    pub(super) fn begin_follow(&mut self, block: BlockIdentifier) -> Step {
        let tail = self.ledger.tail();
        if tail.find(&block.hash).is_some() {
            return Step::Over;
        }
        let above = block.number.blocks_above(tail.head().number);
        if above > CHUNK_SIZE {
            return Step::Retry(Duration::ZERO);
        }
        let count = above.max(1) as u32;
        Step::Continue(Stage::Follow(Follow {
            next: block.hash,
            count,
            step: 0,
            headers: Vec::new(),
            run: None,
        }))
    }

    pub(super) fn on_follow(&mut self, mut follow: Follow, requested: BlockHash, raw: &[RawList]) -> Step {
        let served = &raw[..raw.len().min(follow.count as usize)];
        let headers = match decode_descending(requested, served, &self.params) {
            Ok(headers) => headers,
            Err(fault) => return Step::Fault(fault),
        };
        if headers.is_empty() {
            return Step::Retry(super::ROUND_RETRY);
        }
        follow.headers.extend(headers);

        let tail = self.ledger.tail();
        // What we have already is not verified again.
        if let Some(known) = follow.headers.iter().position(|header| tail.find(&header.hash()).is_some()) {
            follow.headers.truncate(known);
        }
        let Some(lowest) = follow.headers.last() else { return Step::Over };
        if let Some(ancestor) = tail.find(&lowest.parent_hash()).map(|record| record.number) {
            if ancestor < tail.lowest_common_ancestor() {
                return Step::Retry(super::ROUND_RETRY);
            }
            let Some(branch) = Branch::at(tail, ancestor) else { return Step::Retry(super::ROUND_RETRY) };
            let mut run = core::mem::take(&mut follow.headers);
            run.reverse();
            follow.run = Some((branch, Some(run)));
        } else if follow.headers.len() > MAX_WALK || lowest.number() <= tail.lowest_common_ancestor() {
            return Step::Retry(Duration::ZERO);
        } else {
            follow.next = lowest.parent_hash();
            follow.step = (follow.step + 1).min(STEPS.len() - 1);
            follow.count = STEPS[follow.step];
        }
        Step::Continue(Stage::Follow(follow))
    }

    /// The peer's best block, from a skeleton that starts at our head.
    pub(super) fn on_poll(&mut self, peer: PeerId, best: Option<BlockIdentifier>) -> Step {
        let Some(best) = best else { return Step::Fault(PeerFault::EmptySkeleton) };
        let known_lighter = self.peers.get(&peer).is_some_and(|peer| peer.lighter_tip == Some(best.hash));
        if known_lighter || self.ledger.tail().find(&best.hash).is_some() {
            self.remember_tip(peer, BlockId { number: best.number, hash: best.hash });
            return Step::Done;
        }
        self.begin_follow(best)
    }
}
