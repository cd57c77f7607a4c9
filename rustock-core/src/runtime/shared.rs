//! What the driver publishes and handles read. Reads never wait for the driver, only for one another.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::broadcast;

use super::{diagnostic::Diagnostic, peers::PeersSnapshot, signal::ChangeSignal, status::Status};
use crate::{
    chain::batch::ChainBatch,
    primitives::header::Header,
    store::{Store, StoreError, slot::StoreSlot},
};

/// Diagnostics a slow reader may fall behind before it loses some.
const DIAGNOSTICS_KEPT: usize = 256;

/// Snapshots, counters and signals of one client.
#[derive(Debug)]
pub(crate) struct Shared {
    pub store: StoreSlot,
    best: Mutex<Header>,
    status: Mutex<Status>,
    peers: Mutex<PeersSnapshot>,
    /// Bumped when the chain has changed or the client has closed.
    pub chain_changed: ChangeSignal,
    /// Bumped when the status has changed.
    pub status_changed: ChangeSignal,
    pub diagnostics: broadcast::Sender<Diagnostic>,
    closed: AtomicBool,
    pub bytes_received: AtomicU64,
    pub bytes_sent: AtomicU64,
}

impl Shared {
    pub fn new(store: StoreSlot, best: Header, status: Status) -> Self {
        Self {
            store,
            best: Mutex::new(best),
            status: Mutex::new(status),
            peers: Mutex::default(),
            chain_changed: ChangeSignal::new(),
            status_changed: ChangeSignal::new(),
            diagnostics: broadcast::Sender::new(DIAGNOSTICS_KEPT),
            closed: AtomicBool::new(false),
            bytes_received: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
        }
    }

    /// Makes a batch durable and publishes the new head.
    pub fn commit(&self, batch: &ChainBatch, new_best: Header) -> Result<(), StoreError> {
        self.store.commit(batch)?;
        *self.lock_best() = new_best;
        self.chain_changed.bump();
        Ok(())
    }

    pub fn best(&self) -> Header {
        self.lock_best().clone()
    }

    fn lock_best(&self) -> MutexGuard<'_, Header> {
        self.best.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the status and wakes those who watch it, if it is another than before.
    pub fn update_status(&self, change: impl FnOnce(&mut Status)) {
        let changed = {
            let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
            let before = status.clone();
            change(&mut status);
            *status != before
        };
        if changed {
            self.status_changed.bump();
        }
    }

    /// Publishes the connections and bans.
    pub fn set_peers(&self, peers: PeersSnapshot) {
        *self.peers() = peers;
    }

    /// The connections and bans.
    pub fn peers(&self) -> MutexGuard<'_, PeersSnapshot> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells diagnostics readers; without any, it is dropped.
    pub fn diagnose(&self, diagnostic: Diagnostic) {
        let _ = self.diagnostics.send(diagnostic);
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Closes the store and wakes everybody. Running reads are waited for.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.store.close();
        self.chain_changed.bump();
        self.status_changed.bump();
    }

    pub fn count_received(&self, bytes: usize) {
        self.bytes_received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn count_sent(&self, bytes: usize) {
        self.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Shared between handle, driver and connections.
pub(crate) type SharedState = Arc<Shared>;
