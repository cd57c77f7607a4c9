//! How long a sync that is to end by itself may go without getting any further.

use core::time::Duration;
use std::time::Instant;

use rustock_core::Status;

/// Time without progress after which `--until-synced` gives up, unless `--patience` says otherwise. Longer than
/// the minute for which an rskj that was asked too much stays silent, and than the deadlines of a handshake and
/// of three requests put together.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Watches for progress: a new head, or a header more verified.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    since: Instant,
    seen: Option<(u64, u64)>,
}

impl Patience {
    /// Starts to watch.
    pub fn new(limit: Duration, now: Instant) -> Self {
        Self { limit, since: now, seen: None }
    }

    /// True when there was no progress for too long.
    pub fn is_lost(&mut self, status: &Status, now: Instant) -> bool {
        self.is_lost_at((status.head.number.get(), status.progress.headers_verified), now)
    }

    fn is_lost_at(&mut self, standing: (u64, u64), now: Instant) -> bool {
        if self.seen != Some(standing) {
            self.seen = Some(standing);
            self.since = now;
        }
        now.duration_since(self.since) >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_lost_at_the_limit_and_won_back_by_any_progress() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut patience = Patience::new(Duration::from_secs(10), start);
        assert!(!patience.is_lost_at((5, 0), at(0)));
        assert!(!patience.is_lost_at((5, 0), at(9)));
        assert!(!patience.is_lost_at((5, 1), at(10)));
        assert!(!patience.is_lost_at((5, 1), at(19)));
        assert!(patience.is_lost_at((5, 1), at(20)));
    }
}
