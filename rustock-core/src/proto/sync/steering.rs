//! Which peer a long download is left to: one that is measured to be slow makes way for a faster one.
//!
//! Only what was measured in this session counts, never what a peer says of itself. Handing over costs a round's beginning
//! and the chunks that are buffered, so it is done where much is left. Peers that take over and have nothing must
//! not cut off a slow honest one again and again, under whatever names they come back: after three such takeovers
//! nobody takes over any more until one of the successors has served as much as made the change worthwhile. A peer
//! that made way did nothing wrong: its round comes later.
//!
//! No RSKIP. rskj takes its headers from the one peer that claims most (`DownloadingHeadersSyncState`) and measures
//! nobody.

use core::time::Duration;

use super::{
    machine::{Round, Stage, Step, SyncMachine},
    peer::{PeerId, PeerState},
};
use crate::proto::time::Timestamp;

/// How long a peer must have been waited for until its speed is known.
const MEASURED_AFTER: Duration = Duration::from_secs(5);
/// Headers of an answer that says something of speed. Fewer are about delay.
pub(super) const LEAST_MEASURED_HEADERS: usize = 64;
/// Waiting that counts in full; what was before fades.
const MEMORY: Duration = Duration::from_secs(30);
/// A megabit a second, about 120 headers. Whoever gives less makes way for peers that were not measured.
const SLOW_BYTES_PER_SECOND: u64 = 128 * 1024;
/// How many times faster another peer must be to take over.
const MUCH_FASTER: u64 = 2;
/// Blocks that make up for the cost of a change: so many have to be left, and a successor has to serve so many.
pub(super) const WORTHWHILE_BLOCKS: u64 = 2_000;
/// Changes that may be in vain before no more are made.
const MOST_FRUITLESS_TAKEOVERS: u32 = 3;
/// How long the round of a peer that made way is put off.
const PUT_OFF: Duration = Duration::from_secs(30);

/// The speed of a peer's headers, as measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Speed {
    bytes: u64,
    waited: Duration,
}

impl Speed {
    /// Counts an answer that was waited for so long; where answers overlap the time counts once.
    pub fn add(&mut self, bytes: u64, waited: Duration) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.waited = self.waited.saturating_add(waited);
        if self.waited > MEMORY {
            self.bytes /= 2;
            self.waited /= 2;
        }
    }

    /// Bytes per second, once it is known.
    pub fn bytes_per_second(&self) -> Option<u64> {
        let millis = u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX);
        (self.waited >= MEASURED_AFTER).then(|| self.bytes.saturating_mul(1_000) / millis.max(1))
    }
}

impl SyncMachine {
    /// Leaves a slow peer's download to a better one, if there is one.
    pub(super) fn hand_over(&mut self, now: Timestamp) {
        let Some(Round { peer, stage: Stage::Download(download) }) = &self.round else { return };
        let is_allowed = self.fruitless_takeovers < MOST_FRUITLESS_TAKEOVERS && download.has_much_left();
        let Some(successor) = is_allowed.then(|| self.successor(now, *peer)).flatten() else { return };
        self.next_up = Some(successor);
        self.fruitless_takeovers += 1;
        if let Some(peer) = self.peers.get_mut(&successor) {
            peer.served_since_takeover = Some(0);
        }
        self.end_round(now, Step::Retry(PUT_OFF));
    }

    /// Takes note that headers of a peer's were verified.
    pub(super) fn count_served(&mut self, peer: PeerId, headers: u64) {
        let Some(peer) = self.peers.get_mut(&peer) else { return };
        peer.credit.headers += headers;
        let Some(served) = &mut peer.served_since_takeover else { return };
        let before = *served;
        *served = before.saturating_add(headers);
        if before < WORTHWHILE_BLOCKS && *served >= WORTHWHILE_BLOCKS {
            self.fruitless_takeovers = 0;
        }
    }

    /// The fastest of the peers that are much faster than this one, or else the quickest to answer of those that
    /// were not measured, if this one is slow.
    fn successor(&self, now: Timestamp, current: PeerId) -> Option<PeerId> {
        let state = self.peers.get(&current)?;
        if state.download_waited < MEASURED_AFTER {
            return None;
        }
        let speed = state.speed.bytes_per_second()?;
        let head = self.ledger.tail().head().number;
        let could_go_on = |peer: &PeerState| {
            peer.is_present()
                && peer.served_since_takeover.is_none_or(|served| served >= WORTHWHILE_BLOCKS)
                && peer.round_due.is_some_and(|due| self.round_start(peer, due) <= now)
                // Who says itself that it has nothing for us is not tried. Nobody gains by saying more.
                && peer.claims.is_some_and(|claims| claims.number > head)
        };
        let others: Vec<_> =
            self.peers.iter().filter(|(id, peer)| **id != current && could_go_on(peer)).collect();
        let measured = others.iter().filter_map(|(id, peer)| Some((peer.speed.bytes_per_second()?, **id)));
        let fastest = measured.max().filter(|(other, _)| *other > speed.saturating_mul(MUCH_FASTER));
        let is_slow = speed < SLOW_BYTES_PER_SECOND;
        let unmeasured = others.iter().filter(|(_, peer)| is_slow && peer.speed.bytes_per_second().is_none());
        let quickest = unmeasured.min_by_key(|(id, peer)| (peer.latency, **id)).map(|(id, _)| **id);
        fastest.map(|(_, id)| id).or(quickest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_known_after_five_seconds_of_waiting_and_not_before() {
        let mut speed = Speed::default();
        speed.add(400_000, Duration::from_millis(4_999));
        assert_eq!(speed.bytes_per_second(), None);
        speed.add(100_000, Duration::from_millis(1));
        assert_eq!(speed.bytes_per_second(), Some(100_000));
    }

    #[test]
    fn what_was_long_ago_fades() {
        let mut speed = Speed::default();
        for _ in 0..60 {
            speed.add(1_000_000, Duration::from_secs(1));
        }
        for _ in 0..60 {
            speed.add(1_000, Duration::from_secs(1));
        }
        assert!(speed.bytes_per_second().is_some_and(|speed| speed < 300_000), "{speed:?}");
    }
}
