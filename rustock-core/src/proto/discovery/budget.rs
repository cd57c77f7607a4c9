//! Token buckets: how much of everything is done in a second.

use super::address::Source;
use super::bounded::BoundedMap;
use super::limits::{COUNTED_SOURCES, KNOWN_RATE, Rate, SOURCE_RATE, STRANGER_RATE};
use crate::proto::time::Timestamp;

/// One bucket. Counts thousandths, as time is in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenBucket {
    rate: Rate,
    thousandths: u64,
    filled: Timestamp,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Timestamp) -> Self {
        Self { rate, thousandths: u64::from(rate.burst) * 1000, filled: now }
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let elapsed = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(u64::from(self.rate.per_second));
        self.thousandths = self.thousandths.saturating_add(gained).min(u64::from(self.rate.burst) * 1000);
        self.filled = self.filled.max(now);
        let enough = self.thousandths >= 1000;
        if enough {
            self.thousandths -= 1000;
        }
        enough
    }

    /// When there is a token again, as far as can be told now.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let missing = 1000u64.saturating_sub(self.thousandths);
        if missing == 0 {
            return now;
        }
        let wait = missing.div_ceil(u64::from(self.rate.per_second.max(1)));
        now.max(self.filled.saturating_add(core::time::Duration::from_millis(wait)))
    }
}

/// Decides which packets are looked at. A flood of strangers cannot crowd out the nodes we know.
#[derive(Debug)]
pub(super) struct Budget {
    known: TokenBucket,
    strangers: TokenBucket,
    sources: BoundedMap<Source, TokenBucket>,
}

impl Budget {
    pub fn new(now: Timestamp) -> Self {
        Self {
            known: TokenBucket::new(KNOWN_RATE, now),
            strangers: TokenBucket::new(STRANGER_RATE, now),
            sources: BoundedMap::new(COUNTED_SOURCES),
        }
    }

    /// Whether a packet of this source is looked at. Its own bucket comes first, so that one source that floods
    /// takes nothing from the others.
    pub fn admit(&mut self, now: Timestamp, source: Source, is_known: bool) -> bool {
        self.charge(now, source) && if is_known { self.known.take(now) } else { self.strangers.take(now) }
    }

    /// Whether something more may be sent to this source without having been asked by it.
    pub fn charge(&mut self, now: Timestamp, source: Source) -> bool {
        let full = TokenBucket::new(SOURCE_RATE, now);
        let mut bucket = self.sources.get(&source).copied().unwrap_or(full);
        let enough = bucket.take(now);
        self.sources.insert(source, bucket);
        enough
    }

    pub fn sources(&self) -> usize {
        self.sources.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn source(number: u32) -> Source {
        Source::V4(number.to_be_bytes())
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = TokenBucket::new(Rate { per_second: 2, burst: 3 }, at(0));
        assert!((0..3).all(|_| bucket.take(at(0))));
        assert!(!bucket.take(at(0)));
        assert_eq!(bucket.next(at(0)), at(500));
        assert!(!bucket.take(at(499)));
        assert!(bucket.take(at(500)));
        assert!(!bucket.take(at(500)));
        assert_eq!((0..100).filter(|_| bucket.take(at(1_000_000))).count(), 3);
    }

    #[test]
    fn one_loud_source_takes_nothing_from_the_others() {
        let mut budget = Budget::new(at(0));
        let admitted = (0..100_000).filter(|_| budget.admit(at(0), source(1), false)).count();
        assert_eq!(admitted, SOURCE_RATE.burst as usize);
        assert!(budget.admit(at(0), source(2), false));
    }

    #[test]
    fn many_strangers_take_nothing_from_those_we_know() {
        let mut budget = Budget::new(at(0));
        let admitted = (0..100_000).filter(|number| budget.admit(at(0), source(*number), false)).count();
        assert_eq!(admitted, STRANGER_RATE.burst as usize);
        assert!(!budget.admit(at(0), source(200_000), false));
        assert!(budget.admit(at(0), source(200_001), true));
        assert_eq!(budget.sources(), COUNTED_SOURCES);
    }
}
