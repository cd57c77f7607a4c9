//! What a peer sends that nobody asked for, by the minute.
//!
//! rskj writes one message in ten milliseconds at most, 6,000 a minute, so the limits are above what any node of
//! theirs can send.

use core::time::Duration;

use super::offence::Offence;
use crate::proto::time::Timestamp;

/// Messages of unwanted kinds in a minute.
pub const UNWANTED_MESSAGES: u64 = 12_000;
/// Bytes of such messages in a minute: more than a node that sends full blocks and every transaction.
pub const UNWANTED_BYTES: u64 = 64 * 1024 * 1024;
/// Blocks announced in a minute: ten times what a node announces that is catching up itself.
pub const ANNOUNCED_BLOCKS: u64 = 6_000;

const WINDOW: Duration = Duration::from_secs(60);

/// Counts of the current minute.
#[derive(Debug, Clone, Default)]
pub(super) struct FloodMeter {
    since: Timestamp,
    messages: u64,
    bytes: u64,
    announced: u64,
}

impl FloodMeter {
    /// Counts unwanted messages; past the limit it is an offence.
    pub fn count_unwanted(&mut self, now: Timestamp, messages: u64, bytes: u64) -> Option<Offence> {
        self.turn(now);
        self.messages = self.messages.saturating_add(messages);
        self.bytes = self.bytes.saturating_add(bytes);
        let is_flood = self.messages > UNWANTED_MESSAGES || self.bytes > UNWANTED_BYTES;
        is_flood.then_some(Offence::UnwantedFlood)
    }

    /// Counts announced blocks; past the limit it is an offence.
    pub fn count_announced(&mut self, now: Timestamp, blocks: u64) -> Option<Offence> {
        self.turn(now);
        self.announced = self.announced.saturating_add(blocks);
        (self.announced > ANNOUNCED_BLOCKS).then_some(Offence::AnnouncementSpam)
    }

    fn turn(&mut self, now: Timestamp) {
        if now.since(self.since) >= WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_limit_is_no_flood_and_one_more_is() {
        let mut meter = FloodMeter::default();
        assert_eq!(meter.count_unwanted(at(0), UNWANTED_MESSAGES, 0), None);
        assert_eq!(meter.count_unwanted(at(59), 1, 0), Some(Offence::UnwantedFlood));
        let mut meter = FloodMeter::default();
        assert_eq!(meter.count_unwanted(at(0), 1, UNWANTED_BYTES), None);
        assert_eq!(meter.count_unwanted(at(59), 1, 1), Some(Offence::UnwantedFlood));
        let mut meter = FloodMeter::default();
        assert_eq!(meter.count_announced(at(0), ANNOUNCED_BLOCKS), None);
        assert_eq!(meter.count_announced(at(59), 1), Some(Offence::AnnouncementSpam));
    }

    #[test]
    fn the_busiest_rskj_there_can_be_is_no_flood() {
        let mut meter = FloodMeter::default();
        for millis in (0..600_000).step_by(10) {
            assert_eq!(meter.count_unwanted(Timestamp::from_millis(millis), 1, 10_000), None);
        }
    }
}
