//! How fast a peer may be asked.
//!
//! No RSKIP. rskj drops, without a word, every message of a connection after the 1,001st of a wall-clock
//! minute (`NodeMessageHandler.controlMessageIngress`, `Stats.update`).

use core::time::Duration;
use std::collections::VecDeque;

use super::time::Timestamp;

/// The window that [`RequestBudget::per_minute`] speaks of.
const MINUTE: Duration = Duration::from_secs(60);

/// How many messages a peer may be sent, and how many requests may wait for an answer at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestBudget {
    /// Messages of the RSK protocol in any 60 seconds; a burst may spend it at once. `None` is unpaced.
    pub per_minute: Option<u32>,
    /// Requests that may be unanswered at once.
    pub in_flight: usize,
}

impl RequestBudget {
    /// Below rskj's throttle with room to spare: 900 messages in any 60 seconds, which is 172,800 headers, and
    /// 3 in flight, where a running rskj reached its top speed.
    pub const POLITE: Self = Self { per_minute: Some(900), in_flight: 3 };

    /// No limit per minute. For peers you own: any other node stops answering for the rest of the minute.
    pub const UNPACED: Self = Self { per_minute: None, in_flight: 8 };
}

impl Default for RequestBudget {
    fn default() -> Self {
        Self::POLITE
    }
}

/// What one peer was sent in the last 60 seconds. Holds at most `per_minute` times.
#[derive(Debug, Clone)]
pub struct SentMessages {
    limit: Option<usize>,
    sent: VecDeque<Timestamp>,
}

impl SentMessages {
    /// Nothing sent so far.
    pub fn new(budget: RequestBudget) -> Self {
        Self { limit: budget.per_minute.map(|limit| limit as usize), sent: VecDeque::new() }
    }

    /// When the next message may go: now, or the time at which the oldest one leaves the window.
    pub fn next_allowed(&self, now: Timestamp) -> Timestamp {
        match self.limit {
            Some(0) => Timestamp::MAX,
            Some(limit) if self.sent.len() >= limit => {
                let freeing = self.sent[self.sent.len() - limit];
                now.max(freeing.saturating_add(MINUTE))
            }
            _ => now,
        }
    }

    /// True when a message may go now.
    pub fn is_allowed(&self, now: Timestamp) -> bool {
        self.next_allowed(now) <= now
    }

    /// Counts a message.
    pub fn record(&mut self, now: Timestamp) {
        if let Some(limit) = self.limit {
            if self.sent.len() >= limit {
                self.sent.pop_front();
            }
            self.sent.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_burst_spends_the_budget_and_each_message_frees_its_place_after_a_minute() {
        let mut sent = SentMessages::new(RequestBudget { per_minute: Some(3), in_flight: 1 });
        for millis in [0, 10, 20] {
            assert!(sent.is_allowed(at(millis)));
            sent.record(at(millis));
        }
        assert!(!sent.is_allowed(at(59_999)));
        assert_eq!(sent.next_allowed(at(30)), at(60_000));
        assert!(sent.is_allowed(at(60_000)));
        sent.record(at(60_000));
        assert!(!sent.is_allowed(at(60_009)));
        assert!(sent.is_allowed(at(60_010)));
    }

    #[test]
    fn no_window_of_sixty_seconds_holds_more_than_the_budget() {
        let mut sent = SentMessages::new(RequestBudget::POLITE);
        let mut times = Vec::new();
        for millis in (0..200_000).step_by(7) {
            if sent.is_allowed(at(millis)) {
                sent.record(at(millis));
                times.push(millis);
            }
        }
        assert!(times.windows(901).all(|window| window[900] - window[0] >= 60_000));
        assert!(times.len() > 900 * 3);
    }

    #[test]
    fn an_unpaced_peer_has_no_limit_and_keeps_no_times() {
        let mut sent = SentMessages::new(RequestBudget::UNPACED);
        for _ in 0..10_000 {
            assert!(sent.is_allowed(at(0)));
            sent.record(at(0));
        }
        assert!(sent.sent.is_empty());
    }
}
