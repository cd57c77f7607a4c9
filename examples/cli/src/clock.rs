//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use rustock_core::primitives::number::UnixTime;

/// Seconds since the epoch, by the machine's clock.
pub fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
