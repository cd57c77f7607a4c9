//! A stream of chain events: peek with `next`, move on with `ack`.

use core::{fmt, time::Duration};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{
    event_reader::EventReader,
    events::{ChainCursor, ChainEvent, SubscribeOptions},
};
use crate::{
    chain::record::BlockId,
    runtime::shared::SharedState,
    store::{Store, StoreError},
};

/// Why a subscription was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The cursor is of another network's chain.
    #[error("after: the cursor is of network {found}, this client follows {expected}")]
    OtherNetwork {
        /// Chain id byte of this client's network.
        expected: u8,
        /// Chain id byte of the cursor.
        found: u8,
    },
    /// `max_batch` is zero: no event could ever carry a block.
    #[error("max_batch: must be at least 1")]
    ZeroBatch,
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why there is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NextError {
    /// The client was stopped, or the subscription closed. There will be no more events.
    #[error("closed")]
    Closed,
    /// The store could not be read.
    #[error(transparent)]
    Store(StoreError),
}

/// The cursor acknowledged is not that of the event at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("acknowledged {acknowledged}, but the event at hand ends elsewhere")]
pub struct WrongCursor {
    /// The cursor given.
    pub acknowledged: ChainCursor,
}

/// Chain events after a cursor, read from the store as they are asked for. Nothing of it is persisted: the app
/// stores the cursor with its own data.
pub struct Subscription {
    shared: SharedState,
    reader: EventReader,
    position: BlockId,
    /// The event handed out and not acknowledged.
    at_hand: Option<ChainEvent>,
    closed: Arc<AtomicBool>,
}

/// Closes one subscription from any thread.
#[derive(Clone)]
pub struct Closer {
    shared: SharedState,
    closed: Arc<AtomicBool>,
}

impl Closer {
    /// Ends the subscription; a waiting `next` returns [`NextError::Closed`]. Safe to call twice.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.shared.chain_changed.bump();
    }
}

impl Subscription {
    pub(super) fn new(
        shared: SharedState,
        network: u8,
        options: SubscribeOptions,
    ) -> Result<Self, SubscribeError> {
        let SubscribeOptions { after, settle_depth, max_batch } = options;
        if max_batch == 0 {
            return Err(SubscribeError::ZeroBatch);
        }
        let reader = EventReader { network, settle_depth, max_batch };
        let position = match after {
            Some(cursor) if cursor.network != network => {
                return Err(SubscribeError::OtherNetwork { expected: network, found: cursor.network });
            }
            Some(cursor) => cursor.block,
            None => reader.start(&*shared.store.snapshot()?)?,
        };
        Ok(Self { shared, reader, position, at_hand: None, closed: Arc::new(AtomicBool::new(false)) })
    }

    /// Where the subscription stands: the last block acknowledged.
    pub fn cursor(&self) -> ChainCursor {
        ChainCursor { network: self.reader.network, block: self.position }
    }

    /// Waits for the next event. Until it is acknowledged the same event comes again. Cancelling the wait
    /// loses nothing. Needs no particular executor.
    ///
    /// # Errors
    /// [`NextError`].
    pub async fn next(&mut self) -> Result<ChainEvent, NextError> {
        loop {
            let seen = self.shared.chain_changed.version();
            if let Some(event) = self.poll_store()? {
                return Ok(event);
            }
            self.shared.chain_changed.changed(seen).await;
        }
    }

    /// Waits for the next event on this thread, at most for `timeout`; `None` when that has passed. Not to be
    /// called from async code.
    ///
    /// # Errors
    /// [`NextError`].
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<ChainEvent>, NextError> {
        let start = Instant::now();
        loop {
            let seen = self.shared.chain_changed.version();
            if let Some(event) = self.poll_store()? {
                return Ok(Some(event));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() || !self.shared.chain_changed.wait(seen, left) {
                return Ok(None);
            }
        }
    }

    /// Moves on past the event at hand, which must be the one with this cursor.
    ///
    /// # Errors
    /// [`WrongCursor`] when it is not; nothing moves.
    pub fn ack(&mut self, cursor: ChainCursor) -> Result<(), WrongCursor> {
        if self.at_hand.as_ref().is_some_and(|event| event.cursor() == cursor) {
            self.position = cursor.block;
            self.at_hand = None;
            Ok(())
        } else {
            Err(WrongCursor { acknowledged: cursor })
        }
    }

    /// Something to close it with from elsewhere.
    pub fn closer(&self) -> Closer {
        Closer { shared: Arc::clone(&self.shared), closed: Arc::clone(&self.closed) }
    }

    fn poll_store(&mut self) -> Result<Option<ChainEvent>, NextError> {
        if self.closed.load(Ordering::Acquire) || self.shared.is_closed() {
            return Err(NextError::Closed);
        }
        if self.at_hand.is_none() {
            let view = self.shared.store.snapshot();
            let event = view.and_then(|view| self.reader.next(&*view, self.position));
            self.at_hand = event.map_err(|error| match error {
                StoreError::Closed => NextError::Closed,
                error => NextError::Store(error),
            })?;
        }
        Ok(self.at_hand.clone())
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("cursor", &self.cursor()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer").finish_non_exhaustive()
    }
}
