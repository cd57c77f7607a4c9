//! How fast rskj answers: a limit per wall-clock minute on what it takes in, a tick on what it sends.
//!
//! Mirrors rskj's `NodeMessageHandler.controlMessageIngress` and `MessageQueue.nudgeQueue`, measured on a running
//! node. Times are durations since the Unix epoch, because rskj's minutes are the clock's.

use core::time::Duration;

/// Messages of a connection that rskj takes in one wall-clock minute; the rest of the minute is silence.
pub const MESSAGES_PER_MINUTE: u32 = 1_001;
/// rskj sends at most one message in this time.
pub const SEND_INTERVAL: Duration = Duration::from_millis(10);

/// Whose pace to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// A running rskj's.
    #[default]
    Rskj,
    /// As fast as it goes.
    None,
}

/// The pace of one connection.
#[derive(Debug, Clone)]
pub struct Pacer {
    pace: Pace,
    minute: u64,
    taken_this_minute: u32,
    next_send: Duration,
}

impl Pacer {
    /// A connection that nothing went through yet.
    pub fn new(pace: Pace) -> Self {
        Self { pace, minute: 0, taken_this_minute: 0, next_send: Duration::ZERO }
    }

    /// Counts a message that came in; false when it is one too many and must be dropped.
    pub fn take_in(&mut self, now: Duration) -> bool {
        if self.pace == Pace::None {
            return true;
        }
        let minute = now.as_secs() / 60;
        if minute != self.minute {
            self.minute = minute;
            self.taken_this_minute = 0;
        }
        self.taken_this_minute = self.taken_this_minute.saturating_add(1);
        self.taken_this_minute <= MESSAGES_PER_MINUTE
    }

    /// The earliest time at which a message may be sent; it can be in the past.
    pub fn next_send(&self) -> Duration {
        self.next_send
    }

    /// Takes note that a message was sent.
    pub fn sent(&mut self, now: Duration) {
        if self.pace == Pace::Rskj {
            // rskj's ticks come at a fixed rate: a message sent late in one does not delay the next.
            let into_tick = now.as_nanos() % SEND_INTERVAL.as_nanos();
            self.next_send = now - Duration::from_nanos(into_tick as u64) + SEND_INTERVAL;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_room_for_1001_messages_and_the_next_for_as_many_again() {
        let mut pacer = Pacer::new(Pace::Rskj);
        let last_second = Duration::from_secs(1_700_000_099);
        assert_eq!(last_second.as_secs() % 60, 59);
        for _ in 0..1_001 {
            assert!(pacer.take_in(last_second));
        }
        assert!(!pacer.take_in(last_second));
        let next_minute = last_second + Duration::from_secs(1);
        for _ in 0..1_001 {
            assert!(pacer.take_in(next_minute));
        }
        assert!(!pacer.take_in(next_minute + Duration::from_millis(59_999)));
    }

    #[test]
    fn one_message_leaves_in_each_tick_of_ten_milliseconds() {
        let mut pacer = Pacer::new(Pace::Rskj);
        let tick = Duration::from_secs(1_700_000_000);
        assert!(pacer.next_send() <= tick);
        for late in [0, 1, 9] {
            pacer.sent(tick + Duration::from_millis(late));
            assert_eq!(pacer.next_send(), tick + Duration::from_millis(10));
        }
    }

    #[test]
    fn without_pace_nothing_is_dropped_or_delayed() {
        let mut pacer = Pacer::new(Pace::None);
        let now = Duration::from_secs(1_700_000_000);
        assert!((0..5_000).all(|_| pacer.take_in(now)));
        pacer.sent(now);
        assert!(pacer.next_send() <= now);
    }
}
