//! Whom to dial next, and how long to leave alone whoever could not be used.
//!
//! The order: trusted peers whenever they are due, whatever else is connected. Then the best proven peers of the
//! last run. Then mostly proven peers, and at times a new one; new ones are drawn by subnet first, so that a
//! subnet with many addresses weighs no more than one with a single one, and take at most half of the slots while
//! proven ones are there to be dialled.

use core::time::Duration;
use std::collections::BTreeMap;

use super::{
    book::quality,
    offence::Offence,
    random::Random,
    slots::{SlotLimits, Slots},
};
use crate::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{PeerRecord, PeerSource, Subnet},
    },
    proto::time::Timestamp,
};

/// Proven peers of the last run that are dialled before all others.
pub const ANCHORS: usize = 2;
/// A session that lasted this long was a good one.
pub const GOOD_SESSION: Duration = Duration::from_secs(30);
/// Pause after a trusted peer's first failure; doubled by each further one.
pub const TRUSTED_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause of a trusted peer that did nothing hostile.
pub const LONGEST_TRUSTED_PAUSE: Duration = Duration::from_secs(60);
/// Pause of a trusted peer that did what no honest peer does.
pub const HOSTILE_TRUSTED_PAUSE: Duration = Duration::from_secs(300);
/// rskj refuses an address for ten seconds after telling it that it has too many peers or knows it already.
pub const REFUSED_PAUSE: Duration = Duration::from_secs(15);
/// Pause after another peer's first failure; doubled by each further one.
pub const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// The longest pause that repeated failures lead to.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Timestamp,
    /// Failures in a row.
    failures: u32,
}

/// Who is left alone until when. Bounded by the peer book: [`Pauses::retain`].
#[derive(Debug, Default)]
pub(super) struct Pauses(BTreeMap<NodeId, Pause>);

impl Pauses {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when the peer may be dialled.
    pub fn is_due(&self, node: &NodeId, now: Timestamp) -> bool {
        self.until(node) <= now
    }

    /// When the peer may be dialled.
    pub fn until(&self, node: &NodeId) -> Timestamp {
        self.0.get(node).map_or(Timestamp::ZERO, |pause| pause.until)
    }

    /// A connection is over: `lasted` when it was established, `offence` unless it was our own doing.
    pub fn record_end(
        &mut self,
        now: Timestamp,
        node: NodeId,
        is_trusted: bool,
        lasted: Option<Duration>,
        offence: Option<Offence>,
        random: &mut Random,
    ) {
        let was_silent = offence.is_some_and(Offence::is_silence);
        let was_good = !was_silent && lasted.is_some_and(|lasted| lasted >= GOOD_SESSION);
        let before = self.0.get(&node).map_or(0, |pause| pause.failures);
        let earlier = if was_good { 0 } else { before };
        let pause = if is_trusted {
            trusted_pause(offence, earlier)
        } else {
            let backoff = doubled(FIRST_PAUSE, earlier, LONGEST_PAUSE);
            let least = offence.map_or(Duration::ZERO, |offence| offence.consequence().pause);
            backoff.max(least)
        };
        let until = now.saturating_add(stretched(pause, random));
        self.0.insert(node, Pause { until, failures: earlier.saturating_add(1) });
    }

    /// Leaves a peer alone for this long, through no fault of its own.
    pub fn set(&mut self, now: Timestamp, node: NodeId, pause: Duration, random: &mut Random) {
        let until = now.saturating_add(stretched(pause, random));
        self.0.insert(node, Pause { until, failures: 0 });
    }

    /// The network is another one: everybody may be dialled again.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The peer may be dialled again.
    pub fn remove(&mut self, node: &NodeId) {
        self.0.remove(node);
    }

    /// Keeps the pauses of peers that are known.
    pub fn retain(&mut self, is_known: impl Fn(&NodeId) -> bool) {
        self.0.retain(|node, _| is_known(node));
    }
}

/// Up to a quarter longer by chance, so that those who failed together do not come back together.
fn stretched(pause: Duration, random: &mut Random) -> Duration {
    let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    pause.saturating_add(Duration::from_millis(random.below(millis / 4 + 1)))
}

fn trusted_pause(offence: Option<Offence>, failures: u32) -> Duration {
    match offence {
        Some(Offence::Refused) => REFUSED_PAUSE,
        Some(offence) if offence.is_hostile() => HOSTILE_TRUSTED_PAUSE,
        _ => doubled(TRUSTED_PAUSE, failures, LONGEST_TRUSTED_PAUSE),
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let factor = 2u32.checked_pow(times).unwrap_or(u32::MAX);
    first.checked_mul(factor).unwrap_or(Duration::MAX).min(longest)
}

/// A peer that could be dialled now, as far as it itself goes.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub record: &'a PeerRecord,
    pub is_tried: bool,
}

/// Chooses one of the candidates. All of them are due, free of bans and without a slot; the slots decide which
/// subnets have a place.
pub(super) fn choose(
    candidates: &[Candidate<'_>],
    slots: &Slots,
    limits: &SlotLimits,
    anchors_left: usize,
    wall: UnixTime,
    random: &mut Random,
) -> Option<NodeId> {
    let fitting: Vec<_> = candidates
        .iter()
        .filter(|candidate| slots.has_subnet_place(candidate.record.address.ip(), None, limits))
        .collect();
    let (tried, new): (Vec<_>, Vec<_>) =
        fitting.into_iter().partition(|candidate| candidate.is_tried || candidate.record.is_proven());
    let unproven = slots.ordinary().filter(|(_, slot)| slot.verified == 0).count();
    let half_is_unproven = unproven * 2 >= limits.target;
    let prefers_tried =
        !tried.is_empty() && (new.is_empty() || anchors_left > 0 || half_is_unproven || random.below(4) > 0);
    if prefers_tried {
        let best =
            tried.iter().max_by_key(|candidate| (quality(candidate.record, wall), candidate.record.id));
        if anchors_left > 0 {
            return best.map(|candidate| candidate.record.id);
        }
        return draw_by_quality(&tried, wall, random);
    }
    draw_by_subnet(&new, random)
}

/// The better of two draws: the good come first without the rest being forgotten.
fn draw_by_quality(candidates: &[&Candidate<'_>], wall: UnixTime, random: &mut Random) -> Option<NodeId> {
    let one = random.choose(candidates)?;
    let other = random.choose(candidates)?;
    let better = if quality(one.record, wall) >= quality(other.record, wall) { one } else { other };
    Some(better.record.id)
}

/// A subnet first, then a peer of it. Those that come with the library are drawn half of the time.
fn draw_by_subnet(candidates: &[&Candidate<'_>], random: &mut Random) -> Option<NodeId> {
    let bundled: Vec<_> =
        candidates.iter().filter(|candidate| candidate.record.source == PeerSource::Bundled).collect();
    if !bundled.is_empty() && (bundled.len() == candidates.len() || random.below(2) == 0) {
        return random.choose(&bundled).map(|candidate| candidate.record.id);
    }
    let mut by_subnet: BTreeMap<Option<Subnet>, Vec<NodeId>> = BTreeMap::new();
    for candidate in candidates {
        let subnet = candidate.record.address.ip().map(Subnet::of);
        by_subnet.entry(subnet).or_default().push(candidate.record.id);
    }
    let subnets: Vec<_> = by_subnet.into_values().collect();
    let subnet = random.choose(&subnets)?;
    random.choose(subnet).copied()
}
