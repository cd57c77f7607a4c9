//! The only place that asks the machine for the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::{primitives::number::UnixTime, proto::time::Timestamp};

/// Monotonic time since the client was built, and the time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// Milliseconds since the start.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The instant of a timestamp, for tokio's timers.
    pub fn instant(&self, timestamp: Timestamp) -> tokio::time::Instant {
        // Timers beyond a year mean never; the clamp keeps the addition in range.
        const YEAR: u64 = 366 * 24 * 3600 * 1000;
        let millis = timestamp.as_millis().min(self.now().as_millis().saturating_add(YEAR));
        tokio::time::Instant::from_std(self.start + core::time::Duration::from_millis(millis))
    }

    /// Seconds since 1970. A device clock before that reads as 0.
    pub fn wall(&self) -> UnixTime {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_secs(since_epoch.as_secs())
    }
}
