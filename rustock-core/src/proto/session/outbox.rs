//! What a session wants done, in order, with the bytes that wait counted.

use std::collections::VecDeque;

use crate::proto::session::fault::{SessionEnd, SessionFault};
use crate::proto::session::limits::OUTGOING_BYTES;
use crate::proto::session::{Action, SessionCounters, Traffic};

/// The queue of actions. What it holds besides bytes to write comes from one input: at most one action for each
/// frame in it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    actions: VecDeque<Action>,
    waiting: usize,
    pub(super) counters: SessionCounters,
    pub(super) traffic: Traffic,
}

impl Outbox {
    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn write(&mut self, bytes: Vec<u8>) -> Result<(), SessionFault> {
        let waiting = self.waiting + bytes.len();
        if waiting > OUTGOING_BYTES {
            return Err(SessionFault::OutgoingFull { waiting, limit: OUTGOING_BYTES });
        }
        self.waiting = waiting;
        self.counters.bytes_out += bytes.len() as u64;
        self.actions.push_back(Action::Write(bytes));
        Ok(())
    }

    /// The last action. A remote that does not read is not written to any more.
    pub(super) fn close(&mut self, end: SessionEnd) {
        if let SessionEnd::Fault(SessionFault::OutgoingFull { .. }) = end {
            self.actions.retain(|action| !matches!(action, Action::Write(_)));
            self.waiting = 0;
        }
        self.actions.push_back(Action::Close(end));
    }

    pub(super) fn next(&mut self) -> Option<Action> {
        let action = self.actions.pop_front()?;
        if let Action::Write(bytes) = &action {
            self.waiting -= bytes.len();
        }
        Some(action)
    }
}
