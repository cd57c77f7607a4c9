//! The 449 headers below the base, for fork-detection data (RSKIP-110), and the checks that had to wait for them.
//!
//! They are asked for by hash, downwards from the base's parent. The hash chain makes them as trusted as the
//! base itself, so nothing else of them is checked. Mirrors what rskj's `ForkDetectionDataRule` needs.

use super::{
    SyncReport,
    job::decode_descending,
    ledger::Ledger,
    machine::{Stage, Step, SyncMachine},
    peer::{PeerId, Purpose},
    plan::CHUNK_SIZE,
};
use crate::{
    chain::{
        record::{AncestorRecord, BlockId, BlockRecord},
        tail::ChainTail,
    },
    consensus::{
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        rules::fork_detection,
        verify::{Context, verify_header},
    },
    primitives::{header::Header, number::BlockNumber},
    proto::time::Timestamp,
    wire::rsk::RawList,
};

/// Learning ancestors from one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backfill {
    next: BlockId,
    count: u32,
    /// The connection point of the round that goes on afterwards, if one does.
    connection_point: Option<BlockNumber>,
}

impl Backfill {
    pub fn request(&self) -> Purpose {
        Purpose::Backfill { hash: self.next.hash, count: self.count }
    }

    /// What comes after it, however far it got.
    pub fn then(&self) -> Step {
        match self.connection_point {
            Some(point) => Step::Continue(Stage::Skeleton(point)),
            None => Step::Over,
        }
    }
}

/// The ancestors to ask for next; `None` when all that can be of use are known.
pub(super) fn next_backfill(
    ledger: &Ledger,
    base: &BlockRecord,
    params: &NetworkParams,
    connection_point: Option<BlockNumber>,
) -> Option<Backfill> {
    let tail = ledger.tail();
    let next = tail.next_ancestor(base.parent_hash)?;
    if !params.activations.rskip110.is_active(tail.base().next()) {
        return None;
    }
    let count = tail.missing_ancestors().min(CHUNK_SIZE).min(next.number.get()) as u32;
    Some(Backfill { next, count, connection_point })
}

impl SyncMachine {
    /// Begins to learn ancestors, outside of a whole round or within one.
    pub(super) fn begin_backfill(&mut self, connection_point: Option<BlockNumber>) -> Step {
        match next_backfill(&self.ledger, &self.base, &self.params, connection_point) {
            Some(backfill) => Step::Continue(Stage::Backfill(backfill)),
            None => Step::Over,
        }
    }

    pub(super) fn on_backfill(
        &mut self,
        now: Timestamp,
        peer: PeerId,
        backfill: Backfill,
        purpose: Purpose,
        raw: &[RawList],
    ) -> Step {
        let Purpose::Backfill { hash, count } = purpose else {
            return Step::Continue(Stage::Backfill(backfill));
        };
        let served = &raw[..raw.len().min(count as usize)];
        let headers = match decode_descending(hash, served, &self.params) {
            Ok(headers) => headers,
            Err(fault) => return Step::Fault(fault),
        };
        let is_short = headers.len() < count as usize;
        for header in &headers {
            if !self.ledger.prepend_ancestor(AncestorRecord::of(header)) {
                break;
            }
        }
        if is_short {
            self.defer_backfill(now, peer);
        } else if let Some(next) =
            next_backfill(&self.ledger, &self.base, &self.params, backfill.connection_point)
        {
            return Step::Continue(Stage::Backfill(next));
        }
        backfill.then()
    }

    /// The heights whose fork-detection data is unchecked and can be checked by now.
    pub(super) fn late_range(&self) -> Option<(BlockNumber, BlockNumber)> {
        let tail = self.ledger.tail();
        let checked_from = self.ledger.fork_detection_from()?;
        let lowest_known = tail.ancestors().next().map_or(tail.base(), |lowest| lowest.number);
        let can_check = |number: BlockNumber| {
            !fork_detection::is_required(&self.params, number)
                || ForkDetectionWindow::lowest_read(number) >= lowest_known
        };
        let mut from = checked_from;
        while let Some(candidate) = from.previous().filter(|candidate| *candidate > tail.base()) {
            if !can_check(candidate) {
                break;
            }
            from = candidate;
        }
        // A rollback may have left the head below what was unchecked.
        let to = checked_from.previous()?.min(tail.head().number);
        Some((from, to)).filter(|_| from <= to)
    }

    /// Checks what came in before its ancestors were known: `headers` are the base and all above it up to the
    /// last one unchecked, of which those from `from` on can be checked now. The first failure takes the chain
    /// back to below it, however much has come on top since.
    pub(super) fn on_headers_loaded(&mut self, from: BlockNumber, headers: &[Header]) {
        let Some((base, above)) = headers.split_first() else { return };
        let mut window = ForkDetectionWindow::new();
        for ancestor in self.ledger.tail().ancestors() {
            push(&mut window, Ancestor::from(ancestor));
        }
        push(&mut window, Ancestor::from(&AncestorRecord::of(base)));
        let mut records = vec![self.base.clone()];
        for header in above {
            // Everything else was checked when the header came, the clock included.
            let context = Context { parent: None, ancestors: Some(&window), now: header.timestamp() };
            let Ok(verified) = verify_header(header.clone(), &context, &self.params) else {
                self.roll_back(BlockId { number: header.number(), hash: header.hash() }, records);
                break;
            };
            push(&mut window, Ancestor::from(&verified));
            let below = records.last().unwrap_or(&self.base).header_difficulty_sum;
            // The sum did not overflow when the header was taken in.
            let sum = below.checked_add(header.difficulty()).unwrap_or(below);
            records.push(BlockRecord::new(header, sum, verified.bitcoin_hash_byte()));
        }
        self.ledger.set_fork_detection_from(from);
        self.report(SyncReport::ForkDetectionChecked { from });
    }

    /// Takes back `invalid` and all above it. `records` are the base and what lies between.
    fn roll_back(&mut self, invalid: BlockId, records: Vec<BlockRecord>) {
        let old_head = self.ledger.tail().head().id();
        let ancestors = self.ledger.tail().ancestors().copied().collect();
        // They were read from the store, so they are linked.
        let Ok(tail) = ChainTail::new(self.base.number, ancestors, records) else { return };
        self.ledger.rebuild(tail);
        self.report(SyncReport::RolledBack { invalid, old_head });
        self.look_again();
    }
}

/// What is pushed here is contiguous: ancestors up to the base, the base, and what follows.
fn push(window: &mut ForkDetectionWindow, ancestor: Ancestor) {
    if window.push(ancestor).is_err() {
        window.clear();
    }
}
