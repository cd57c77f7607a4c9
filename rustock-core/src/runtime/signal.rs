//! One wake-up for everybody who waits for a change: async tasks of any executor, and plain threads.

use core::time::Duration;
use std::sync::{Condvar, Mutex, PoisonError};

use tokio::sync::watch;

/// A counter that only grows. Waiting means: wait until it is no longer what I last saw.
#[derive(Debug)]
pub(crate) struct ChangeSignal {
    version: Mutex<u64>,
    changed: Condvar,
    watch: watch::Sender<u64>,
}

impl ChangeSignal {
    pub fn new() -> Self {
        Self { version: Mutex::new(0), changed: Condvar::new(), watch: watch::Sender::new(0) }
    }

    /// Wakes all who wait.
    pub fn bump(&self) {
        let version = {
            let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
            *version += 1;
            *version
        };
        self.changed.notify_all();
        self.watch.send_replace(version);
    }

    /// The counter now. Read it before looking at what it guards.
    pub fn version(&self) -> u64 {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks this thread until the counter has left `seen`, or for `timeout`. True when it has.
    pub fn wait(&self, seen: u64, timeout: Duration) -> bool {
        let version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, _) = self
            .changed
            .wait_timeout_while(version, timeout, |version| *version == seen)
            .unwrap_or_else(PoisonError::into_inner);
        *version != seen
    }

    /// Waits until the counter has left `seen`. Cancelling it loses nothing.
    pub async fn changed(&self, seen: u64) {
        let mut watch = self.watch.subscribe();
        // The sender lives in self, so this cannot fail.
        let _ = watch.wait_for(|version| *version != seen).await;
    }
}
