//! The 449 headers below the base, for fork-detection data (RSKIP-110), and the checks that had to wait for them.
//!
//! They are asked for by hash, downwards from the base's parent. The hash chain makes them as trusted as the
//! base itself, so nothing else of them is checked. Mirrors what rskj's `ForkDetectionDataRule` needs.

use super::{
    SyncReport,
    job::decode_descending,
    machine::{Stage, Step, SyncMachine},
    peer::{PeerId, Purpose},
    plan::CHUNK_SIZE,
};
use crate::{
    chain::record::{AncestorRecord, BlockId},
    consensus::{
        fork_detection_window::{ExpectedData, FORK_DETECTION_ANCESTORS},
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
    /// A whole round follows.
    goes_on: bool,
}

impl Backfill {
    pub fn request(&self) -> Purpose {
        Purpose::Backfill { hash: self.next.hash, count: self.count }
    }

    pub fn goes_on(&self) -> bool {
        self.goes_on
    }
}

impl SyncMachine {
    /// Begins to learn ancestors; `goes_on` when a whole round with the peer follows.
    pub(super) fn begin_backfill(&mut self, goes_on: bool) -> Step {
        match self.next_backfill(goes_on) {
            Some(backfill) => Step::Continue(Stage::Backfill(backfill)),
            None => Step::Over,
        }
    }

    fn next_backfill(&self, goes_on: bool) -> Option<Backfill> {
        let tail = self.ledger.tail();
        let next = tail.next_ancestor(self.base_parent)?;
        let missing = FORK_DETECTION_ANCESTORS - tail.ancestors().len() as u64;
        let count = missing.min(CHUNK_SIZE).min(next.number.get()) as u32;
        Some(Backfill { next, count, goes_on })
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
        } else if let Some(next) = self.next_backfill(backfill.goes_on) {
            return Step::Continue(Stage::Backfill(next));
        }
        if backfill.goes_on { self.begin_find(peer) } else { Step::Over }
    }

    /// The heights whose fork-detection data is unchecked and can be checked by now.
    pub(super) fn late_range(&self) -> Option<(BlockNumber, BlockNumber)> {
        let tail = self.ledger.tail();
        let checked_from = self.ledger.fork_detection_from()?;
        let mut from = checked_from;
        while let Some(candidate) = from.previous() {
            if candidate <= tail.base() || !self.can_check(candidate) {
                break;
            }
            from = candidate;
        }
        // A rollback may have left the head below what was unchecked.
        let to = checked_from.previous()?.min(tail.head().number);
        Some((from, to)).filter(|_| from <= to)
    }

    fn can_check(&self, number: BlockNumber) -> bool {
        let Some(parent) = number.previous() else { return false };
        !fork_detection::is_required(&self.params, number)
            || self.ledger.tail().window_at(parent).look_up(number) != ExpectedData::AncestorsMissing
    }

    /// Checks what came in before its ancestors were known. The first failure takes the chain back to below it.
    pub(super) fn on_headers_loaded(&mut self, headers: &[Header]) {
        for header in headers {
            let Some(parent) = header.number().previous() else { continue };
            let window = self.ledger.tail().window_at(parent);
            // Everything else was checked when the header came, the clock included.
            let context = Context { parent: None, ancestors: Some(&window), now: header.timestamp() };
            if verify_header(header.clone(), &context, &self.params).is_err() {
                let old_head = self.ledger.tail().head().id();
                let invalid = BlockId { number: header.number(), hash: header.hash() };
                if let Some(ancestor) = self.ledger.tail().record(parent).map(|record| record.id()) {
                    self.ledger.replace(ancestor, Vec::new());
                    self.report(SyncReport::RolledBack { invalid, old_head });
                    self.look_again();
                }
                break;
            }
        }
        if let Some(first) = headers.first() {
            self.ledger.set_fork_detection_from(first.number());
            self.report(SyncReport::ForkDetectionChecked { from: first.number() });
        }
    }
}
