//! One subscription behind several threads.
//!
//! The core's subscription is used by one thread at a time; C gives no such promise. Threads take turns: who
//! waits for an event holds the subscription, and the others wait for it within their own time. Closing waits
//! for nobody.

use core::time::Duration;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use rustock_core::client::{ChainCursor, ChainEvent, Closer, NextError, Subscription, WrongCursor};

pub(crate) struct SharedSubscription {
    closer: Closer,
    state: Mutex<State>,
    /// The subscription came back, or was closed.
    changed: Condvar,
}

/// Held for moments only, never while waiting for an event.
struct State {
    /// `None` while a thread has its turn.
    subscription: Option<Subscription>,
    /// Where the event handed out and not acknowledged ends. While there is one, no turn waits for anything.
    at_hand: Option<ChainCursor>,
    /// The last block acknowledged.
    position: ChainCursor,
    closed: bool,
}

impl SharedSubscription {
    pub fn new(subscription: Subscription) -> Self {
        Self {
            closer: subscription.closer(),
            state: Mutex::new(State {
                position: subscription.cursor(),
                subscription: Some(subscription),
                at_hand: None,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The event at hand, or the next one; `None` when `timeout` has passed. The time spent waiting for other
    /// threads counts.
    pub fn next(&self, timeout: Duration) -> Result<Option<ChainEvent>, NextError> {
        let start = Instant::now();
        let left = || timeout.saturating_sub(start.elapsed());
        let mut state = self.lock();
        let mut turn = loop {
            if state.closed {
                return Err(NextError::Closed);
            }
            if let Some(subscription) = state.subscription.take() {
                break Turn { shared: self, subscription: Some(subscription) };
            }
            let left = left();
            if left.is_zero() {
                return Ok(None);
            }
            (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        let event = turn.subscription().next_timeout(left())?;
        self.lock().at_hand = event.as_ref().map(ChainEvent::cursor);
        Ok(event)
    }

    /// Moves on past the event at hand, which must end at `cursor`.
    pub fn ack(&self, cursor: ChainCursor) -> Result<(), WrongCursor> {
        let mut state = self.lock();
        loop {
            if state.at_hand != Some(cursor) {
                return Err(WrongCursor { acknowledged: cursor });
            }
            if let Some(subscription) = &mut state.subscription {
                subscription.ack(cursor)?;
                state.at_hand = None;
                state.position = cursor;
                return Ok(());
            }
            // Some thread is being given this very event again: it is back in a moment.
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The last block acknowledged.
    pub fn position(&self) -> ChainCursor {
        self.lock().position
    }

    /// Ends the subscription and wakes whoever waits, at once.
    pub fn close(&self) {
        self.closer.close();
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subscription in one thread's hands. It goes back even when that thread panics.
struct Turn<'a> {
    shared: &'a SharedSubscription,
    subscription: Option<Subscription>,
}

impl Turn<'_> {
    fn subscription(&mut self) -> &mut Subscription {
        self.subscription.as_mut().expect("it is there until the turn ends")
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.lock().subscription = self.subscription.take();
        self.shared.changed.notify_all();
    }
}
