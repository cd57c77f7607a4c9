//! What an event says. Applied in order from a cursor on, events rebuild the stored chain.

use rustock_core::client::{BlockRef, ChainEvent, RebaseReason};

use super::{
    guard::{ErrorOut, guard, guard_value},
    pointer::{Out, borrow, free},
    types::{
        RUSTOCK_EVENT_EXTENDED, RUSTOCK_EVENT_REBASED, RUSTOCK_EVENT_REORG, RUSTOCK_REBASE_ABOVE_HEAD,
        RUSTOCK_REBASE_BELOW_BASE, RUSTOCK_REBASE_UNKNOWN_BLOCK, RUSTOCK_UNKNOWN, rustock_block,
        rustock_cursor,
    },
};
use crate::{
    convert::Failure,
    error::{
        RUSTOCK_STATUS_INDEX_OUT_OF_RANGE, RUSTOCK_STATUS_NOT_IN_EVENT, RUSTOCK_STATUS_NULL_EVENT,
        RUSTOCK_STATUS_OK, rustock_status,
    },
};

/// A change of the chain. Free it with rustock_event_free.
pub struct rustock_event {
    pub(super) event: ChainEvent,
}

impl rustock_event {
    fn added(&self) -> &[BlockRef] {
        match &self.event {
            ChainEvent::Extended { blocks, .. } => blocks,
            ChainEvent::Reorg { added, .. } => added,
            _ => &[],
        }
    }

    fn removed(&self) -> &[BlockRef] {
        match &self.event {
            ChainEvent::Reorg { removed, .. } => removed,
            _ => &[],
        }
    }
}

/// What kind of change it is: one of the RUSTOCK_EVENT_ values, or RUSTOCK_UNKNOWN.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_kind(event: *const rustock_event, out: *mut u32) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        let kind = match &event.event {
            ChainEvent::Extended { .. } => RUSTOCK_EVENT_EXTENDED,
            ChainEvent::Reorg { .. } => RUSTOCK_EVENT_REORG,
            ChainEvent::Rebased { .. } => RUSTOCK_EVENT_REBASED,
            _ => RUSTOCK_UNKNOWN,
        };
        unsafe { Out::new(out) }?.write(kind);
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Where a subscriber stands once it has taken the event in. Store it with what you did about the event.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_cursor(
    event: *const rustock_event,
    out: *mut rustock_cursor,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        unsafe { Out::new(out) }?.write(event.event.cursor().into());
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// How many blocks it adds; 0 when it is a rebase.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_added_count(
    event: *const rustock_event,
    out: *mut usize,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        unsafe { Out::new(out) }?.write(event.added().len());
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// One of the blocks it adds: ascending, linked, on top of the common ancestor.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_added(
    event: *const rustock_event,
    index: usize,
    out: *mut rustock_block,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        unsafe { Out::new(out) }?.write(block_at(event.added(), index)?);
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// How many blocks it removes; 0 unless it is a reorganisation.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_removed_count(
    event: *const rustock_event,
    out: *mut usize,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        unsafe { Out::new(out) }?.write(event.removed().len());
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// One of the blocks it removes: from the top down, the order in which to undo them.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_removed(
    event: *const rustock_event,
    index: usize,
    out: *mut rustock_block,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        unsafe { Out::new(out) }?.write(block_at(event.removed(), index)?);
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// The highest block that stayed. RUSTOCK_STATUS_NOT_IN_EVENT unless it is a reorganisation.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_common_ancestor(
    event: *const rustock_event,
    out: *mut rustock_block,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        let out = unsafe { Out::new(out) }?;
        let ChainEvent::Reorg { common_ancestor, .. } = &event.event else {
            return Err(not_in_event("only a reorganisation has a common ancestor"));
        };
        out.write(common_ancestor.into());
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Why the cursor could not be followed (one of the RUSTOCK_REBASE_ values) and the block the subscription goes on from.
/// RUSTOCK_STATUS_NOT_IN_EVENT unless it is a rebase.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_rebase(
    event: *const rustock_event,
    out_reason: *mut u32,
    out_new: *mut rustock_block,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        let (out_reason, out_new) = unsafe { (Out::new(out_reason)?, Out::new(out_new)?) };
        let ChainEvent::Rebased { new, reason, .. } = &event.event else {
            return Err(not_in_event("only a rebase has a reason and a new block"));
        };
        out_reason.write(match reason {
            RebaseReason::BelowBase => RUSTOCK_REBASE_BELOW_BASE,
            RebaseReason::AboveHead => RUSTOCK_REBASE_ABOVE_HEAD,
            RebaseReason::UnknownBlock => RUSTOCK_REBASE_UNKNOWN_BLOCK,
            _ => RUSTOCK_UNKNOWN,
        });
        out_new.write(new.into());
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Frees an event. NULL is fine.
///
/// Threads: any, as the last call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_event_free(event: *mut rustock_event) {
    guard_value((), || unsafe { free(event) });
}

fn block_at(blocks: &[BlockRef], index: usize) -> Result<rustock_block, Failure> {
    let message = || format!("index is {index}, the event has {} such blocks", blocks.len());
    let outside = || Failure::new(RUSTOCK_STATUS_INDEX_OUT_OF_RANGE, "index", message());
    blocks.get(index).map(Into::into).ok_or_else(outside)
}

fn not_in_event(message: &str) -> Failure {
    Failure::new(RUSTOCK_STATUS_NOT_IN_EVENT, "event", message)
}
