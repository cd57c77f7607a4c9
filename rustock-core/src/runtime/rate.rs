//! Headers per second over the last few seconds.

use core::time::Duration;
use std::collections::VecDeque;

use crate::proto::time::Timestamp;

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_secs(5);
/// Least time between two samples; bounds them to [`WINDOW`] / this.
const STEP: Duration = Duration::from_millis(250);

/// A count sampled over time.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    samples: VecDeque<(Timestamp, u64)>,
    latest: (Timestamp, u64),
}

impl Rate {
    /// Takes in the count at a time.
    pub fn update(&mut self, now: Timestamp, count: u64) {
        self.latest = (now, count);
        let due = self.samples.back().is_none_or(|(last, _)| now.since(*last) >= STEP);
        if due {
            self.samples.push_back((now, count));
        }
        while self.samples.len() > 1
            && self.samples.front().is_some_and(|(first, _)| now.since(*first) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// The rate over the window; 0 until a sample's distance has passed.
    pub fn per_second(&self) -> u64 {
        let Some((first, count)) = self.samples.front() else { return 0 };
        let millis = u64::try_from(self.latest.0.since(*first).as_millis()).unwrap_or(u64::MAX);
        if millis < STEP.as_millis() as u64 {
            0
        } else {
            (self.latest.1 - count).saturating_mul(1000) / millis
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_last_five_seconds_and_keeps_few_samples() {
        let mut rate = Rate::default();
        for second in 0..60u64 {
            for part in 0..10u64 {
                let millis = second * 1000 + part * 100;
                rate.update(Timestamp::from_millis(millis), millis.min(30_000));
            }
            if second == 20 {
                assert_eq!(rate.per_second(), 1000);
            }
        }
        assert_eq!(rate.per_second(), 0);
        assert!(rate.samples.len() <= 22);
    }
}
