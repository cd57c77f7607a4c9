//! Penalty points and bans: by node id, and by address.
//!
//! Points come from [`Offence`], fade by one a minute, and at [`BAN_AT`] become a ban. An address gets half the
//! points of the node, because others may stand behind it. Each further ban of the same subject is four times as
//! long, up to a bound; a subject without a ban for a month starts anew.
//!
//! Bounds: [`MAX_SCORES`] subjects with points, [`MAX_BANS`] bans, of which the user can make
//! [`MAX_USER_BANS`]. When the scores are full the lowest goes, when the bans are full the one that ends first.

use core::{net::IpAddr, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use super::offence::{BAN_AT, Offence};
use crate::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{Ban, BanSubject, PeerBatch, is_local},
    },
    proto::time::Timestamp,
};

/// Subjects whose points are kept.
pub const MAX_SCORES: usize = 1_024;
/// Bans that are kept, those that are over and still count among them.
pub const MAX_BANS: usize = 1_024;
/// Bans that the user can make.
pub const MAX_USER_BANS: usize = 512;
/// How long the first ban of a node is; each further one is four times as long.
pub const FIRST_NODE_BAN: Duration = Duration::from_secs(3_600);
/// The longest ban of a node that nobody asked for.
pub const LONGEST_NODE_BAN: Duration = Duration::from_secs(30 * 86_400);
/// How long the first ban of an address is.
pub const FIRST_ADDRESS_BAN: Duration = Duration::from_secs(900);
/// The longest ban of an address that nobody asked for.
pub const LONGEST_ADDRESS_BAN: Duration = Duration::from_secs(7 * 86_400);
/// How long a ban that is over still makes the next one longer.
pub const BAN_MEMORY: Duration = Duration::from_secs(30 * 86_400);
/// The time in which one point fades.
pub const POINT_FADES_IN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct Score {
    points: u32,
    at: Timestamp,
}

impl Score {
    fn points_at(&self, now: Timestamp) -> u32 {
        let faded = now.since(self.at).as_secs() / POINT_FADES_IN.as_secs();
        self.points.saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX))
    }
}

/// Why the user's ban was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_USER_BANS} bans are the most that can be made; lift one first")]
pub struct TooManyBans;

/// Who did what, and who is banned for it.
#[derive(Debug, Default)]
pub struct Reputation {
    scores: BTreeMap<BanSubject, Score>,
    bans: BTreeMap<BanSubject, Ban>,
    changed: BTreeSet<BanSubject>,
    /// Addresses of this machine's own network get no points: everybody in a test shares them.
    spare_local: bool,
}

impl Reputation {
    /// Goes on from the bans that were kept.
    pub fn new(bans: impl IntoIterator<Item = Ban>, spare_local: bool, wall: UnixTime) -> Self {
        let mut reputation = Self { spare_local, ..Self::default() };
        for mut ban in bans.into_iter().take(MAX_BANS) {
            // A clock that was far ahead when it was made must not make it longer than it can be.
            if !ban.by_user {
                ban.until = ban.until.min(later(wall, longest(&ban.subject)));
            }
            reputation.bans.insert(ban.subject, ban);
        }
        reputation
    }

    /// Takes up points that a record remembers.
    pub fn restore_points(&mut self, now: Timestamp, node: NodeId, points: u32) {
        if points > 0 && self.scores.len() < MAX_SCORES {
            let score = Score { points: points.min(BAN_AT - 1), at: now };
            self.scores.insert(BanSubject::Node(node), score);
        }
    }

    /// Takes note of an offence. The bans that follow from it come back.
    pub fn record(
        &mut self,
        now: Timestamp,
        wall: UnixTime,
        node: Option<NodeId>,
        ip: Option<IpAddr>,
        offence: Offence,
    ) -> Vec<Ban> {
        let points = offence.consequence().points;
        if points == 0 {
            return Vec::new();
        }
        let ip = ip.filter(|ip| !(self.spare_local && is_local(*ip)));
        let node = node.map(|node| (BanSubject::Node(node), points));
        let address = ip.map(|ip| (BanSubject::of_ip(ip), points / 2));
        let mut bans = Vec::new();
        for (subject, points) in node.into_iter().chain(address) {
            let total = self.points(now, &subject).saturating_add(points);
            if total >= BAN_AT {
                self.scores.remove(&subject);
                bans.extend(self.ban_automatically(wall, subject, offence));
            } else {
                self.make_room_for_score(now, &subject);
                self.scores.insert(subject, Score { points: total, at: now });
            }
        }
        bans
    }

    /// The points a subject has now.
    pub fn points(&self, now: Timestamp, subject: &BanSubject) -> u32 {
        self.scores.get(subject).map_or(0, |score| score.points_at(now))
    }

    /// True when the node or the address is banned.
    pub fn is_banned(&self, wall: UnixTime, node: Option<&NodeId>, ip: Option<IpAddr>) -> bool {
        let holds = |subject| self.bans.get(&subject).is_some_and(|ban| ban.is_active(wall));
        node.is_some_and(|node| holds(BanSubject::Node(*node)))
            || ip.is_some_and(|ip| holds(BanSubject::of_ip(ip)))
    }

    /// True when the user has banned the node or the address.
    pub fn is_banned_by_user(&self, wall: UnixTime, node: Option<&NodeId>, ip: Option<IpAddr>) -> bool {
        let holds = |subject| self.bans.get(&subject).is_some_and(|ban| ban.by_user && ban.is_active(wall));
        node.is_some_and(|node| holds(BanSubject::Node(*node)))
            || ip.is_some_and(|ip| holds(BanSubject::of_ip(ip)))
    }

    /// The bans in force, by subject.
    pub fn bans(&self, wall: UnixTime) -> impl Iterator<Item = &Ban> {
        self.bans.values().filter(move |ban| ban.is_active(wall))
    }

    /// When the next ban in force ends; none when all last for ever.
    pub fn next_end(&self, wall: UnixTime) -> Option<UnixTime> {
        self.bans(wall).map(|ban| ban.until).filter(|until| *until != Ban::FOREVER).min()
    }

    /// Bans at the user's wish. `None` is for ever.
    ///
    /// # Errors
    /// [`TooManyBans`].
    pub fn ban_by_user(
        &mut self,
        wall: UnixTime,
        subject: BanSubject,
        duration: Option<Duration>,
    ) -> Result<Ban, TooManyBans> {
        let others = self.bans.values().filter(|ban| ban.by_user && ban.subject != subject).count();
        if others >= MAX_USER_BANS {
            return Err(TooManyBans);
        }
        let until = duration.map_or(Ban::FOREVER, |duration| later(wall, duration));
        let strikes = self.bans.get(&subject).map_or(0, |ban| ban.strikes);
        let ban = Ban { subject, until, strikes, by_user: true, reason: "by the user".to_owned() };
        self.insert(wall, ban.clone());
        Ok(ban)
    }

    /// Lifts a ban and forgets the ones before it. True when there was one.
    pub fn lift(&mut self, subject: &BanSubject) -> bool {
        self.scores.remove(subject);
        let was_there = self.bans.remove(subject).is_some();
        if was_there {
            self.changed.insert(*subject);
        }
        was_there
    }

    /// Forgets what has had its time.
    pub fn expire(&mut self, now: Timestamp, wall: UnixTime) {
        self.scores.retain(|_, score| score.points_at(now) > 0);
        let over: Vec<_> = self
            .bans
            .values()
            .filter(|ban| ban.until != Ban::FOREVER && later(ban.until, BAN_MEMORY) <= wall)
            .map(|ban| ban.subject)
            .collect();
        for subject in over {
            self.bans.remove(&subject);
            self.changed.insert(subject);
        }
    }

    /// True when something is to be made durable.
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Moves the changes since the last time into `batch`.
    pub fn take_changes(&mut self, batch: &mut PeerBatch) {
        for subject in core::mem::take(&mut self.changed) {
            match self.bans.get(&subject) {
                Some(ban) => batch.bans.push(ban.clone()),
                None => batch.lifted.push(subject),
            }
        }
    }

    fn ban_automatically(&mut self, wall: UnixTime, subject: BanSubject, offence: Offence) -> Option<Ban> {
        let before = self.bans.get(&subject);
        if before.is_some_and(|ban| ban.is_active(wall)) {
            return None;
        }
        let strikes = before.map_or(0, |ban| ban.strikes).saturating_add(1);
        let until = later(wall, length(&subject, strikes));
        let ban = Ban { subject, until, strikes, by_user: false, reason: offence.name().to_owned() };
        self.insert(wall, ban.clone());
        Some(ban)
    }

    fn insert(&mut self, wall: UnixTime, ban: Ban) {
        if self.bans.len() >= MAX_BANS && !self.bans.contains_key(&ban.subject) {
            // Of those that are over the first, then of those in force the one that ends first.
            let first = self
                .bans
                .values()
                .filter(|ban| !ban.by_user || !ban.is_active(wall))
                .min_by_key(|ban| (ban.until, ban.subject))
                .map(|ban| ban.subject);
            if let Some(subject) = first {
                self.bans.remove(&subject);
                self.changed.insert(subject);
            }
        }
        self.changed.insert(ban.subject);
        self.bans.insert(ban.subject, ban);
    }

    fn make_room_for_score(&mut self, now: Timestamp, subject: &BanSubject) {
        if self.scores.len() >= MAX_SCORES && !self.scores.contains_key(subject) {
            let lowest = self.scores.iter().min_by_key(|(subject, score)| (score.points_at(now), **subject));
            if let Some(subject) = lowest.map(|(subject, _)| *subject) {
                self.scores.remove(&subject);
            }
        }
    }
}

fn longest(subject: &BanSubject) -> Duration {
    match subject {
        BanSubject::Node(_) => LONGEST_NODE_BAN,
        _ => LONGEST_ADDRESS_BAN,
    }
}

/// How long the ban with this many strikes is.
fn length(subject: &BanSubject, strikes: u32) -> Duration {
    let first = match subject {
        BanSubject::Node(_) => FIRST_NODE_BAN,
        _ => FIRST_ADDRESS_BAN,
    };
    let factor = 4u32.checked_pow(strikes.saturating_sub(1)).unwrap_or(u32::MAX);
    first.checked_mul(factor).unwrap_or(Duration::MAX).min(longest(subject))
}

fn later(time: UnixTime, by: Duration) -> UnixTime {
    // One short of FOREVER, which only the user can ask for.
    UnixTime::from_secs(time.as_secs().saturating_add(by.as_secs()).min(u64::MAX - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NODE: NodeId = NodeId::new([1; 64]);
    const SUBJECT: BanSubject = BanSubject::Node(NODE);
    const WALL: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn after(seconds: u64) -> (Timestamp, UnixTime) {
        (Timestamp::from_millis(seconds * 1000), UnixTime::from_secs(WALL.as_secs() + seconds))
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn an_offence_with_full_points_bans_the_node_at_once_and_its_address_the_second_time() {
        let mut reputation = Reputation::default();
        let address = ip("203.0.113.7");
        let bans = reputation.record(Timestamp::ZERO, WALL, Some(NODE), address, Offence::InvalidHeader);
        assert_eq!(bans.len(), 1);
        assert_eq!((bans[0].subject, bans[0].reason.as_str()), (SUBJECT, "invalid header"));
        assert!(reputation.is_banned(WALL, Some(&NODE), None));
        assert!(!reputation.is_banned(WALL, None, address));
        let other = NodeId::new([2; 64]);
        let bans = reputation.record(Timestamp::ZERO, WALL, Some(other), address, Offence::InvalidHeader);
        assert_eq!(bans.len(), 2);
        assert!(reputation.is_banned(WALL, None, address));
        assert!(!reputation.is_banned(WALL, None, ip("203.0.113.8")));
    }

    #[test]
    fn each_ban_is_four_times_as_long_as_the_one_before_until_a_month_without() {
        let mut reputation = Reputation::default();
        let mut seconds = 0;
        for hours in [1, 4, 16, 64, 256, 720, 720] {
            let (now, wall) = after(seconds);
            reputation.record(now, wall, Some(NODE), None, Offence::InvalidHeader);
            seconds += hours * 3_600 - 1;
            assert!(reputation.is_banned(after(seconds).1, Some(&NODE), None), "{hours} hours");
            seconds += 1;
            assert!(!reputation.is_banned(after(seconds).1, Some(&NODE), None), "{hours} hours");
            reputation.expire(after(seconds).0, after(seconds).1);
        }
        seconds += BAN_MEMORY.as_secs();
        reputation.expire(after(seconds).0, after(seconds).1);
        let (now, wall) = after(seconds);
        let bans = reputation.record(now, wall, Some(NODE), None, Offence::InvalidHeader);
        assert_eq!(bans[0].until, after(seconds + 3_600).1);
    }

    #[test]
    fn points_fade_by_one_a_minute() {
        let mut reputation = Reputation::default();
        reputation.record(Timestamp::ZERO, WALL, Some(NODE), None, Offence::WrongHeaderCount);
        // 55 points, twice: a ban when at most ten have faded in between.
        for (minutes, banned) in [(10, true), (11, false)] {
            let mut reputation = Reputation {
                scores: reputation.scores.clone(),
                bans: BTreeMap::new(),
                changed: BTreeSet::new(),
                spare_local: false,
            };
            let (now, wall) = after(minutes * 60);
            let bans = reputation.record(now, wall, Some(NODE), None, Offence::WrongHeaderCount);
            assert_eq!(!bans.is_empty(), banned, "{minutes} minutes");
        }
    }

    #[test]
    fn what_honest_peers_do_never_adds_up_to_a_ban() {
        let mut reputation = Reputation::default();
        for offence in Offence::ALL.into_iter().filter(|offence| !offence.is_hostile()) {
            for _ in 0..1_000 {
                let bans = reputation.record(Timestamp::ZERO, WALL, Some(NODE), ip("203.0.113.7"), offence);
                assert!(bans.is_empty(), "{offence}");
            }
        }
        assert!(reputation.scores.is_empty());
    }

    #[test]
    fn the_user_bans_for_a_time_or_for_ever_and_lifts_it() {
        let mut reputation = Reputation::default();
        let minute = Duration::from_secs(60);
        reputation.ban_by_user(WALL, SUBJECT, Some(minute)).expect("room");
        assert!(reputation.is_banned_by_user(after(59).1, Some(&NODE), None));
        assert!(!reputation.is_banned(after(60).1, Some(&NODE), None));
        reputation.ban_by_user(WALL, SUBJECT, None).expect("room");
        assert!(reputation.is_banned(UnixTime::from_secs(u64::MAX), Some(&NODE), None));
        assert!(reputation.lift(&SUBJECT));
        assert!(!reputation.lift(&SUBJECT));
        assert!(!reputation.is_banned(WALL, Some(&NODE), None));
        let mut batch = PeerBatch::default();
        reputation.take_changes(&mut batch);
        assert_eq!((batch.bans.len(), batch.lifted.as_slice()), (0, &[SUBJECT][..]));
        assert!(!reputation.has_changed());
    }

    #[test]
    fn a_flood_of_offenders_pushes_out_no_ban_of_the_users_and_stays_bounded() {
        let mut reputation = Reputation::default();
        reputation.ban_by_user(WALL, SUBJECT, None).expect("room");
        for index in 0..3_000u32 {
            let mut id = [0; 64];
            id[..4].copy_from_slice(&index.to_be_bytes());
            let address = Some(IpAddr::from(index.to_be_bytes()));
            let node = NodeId::new(id);
            reputation.record(Timestamp::ZERO, WALL, Some(node), address, Offence::InvalidHeader);
        }
        assert_eq!((reputation.bans.len(), reputation.scores.len()), (MAX_BANS, MAX_SCORES));
        assert!(reputation.is_banned(WALL, Some(&NODE), None));
        let mut user = Reputation::default();
        for index in 0..MAX_USER_BANS as u32 {
            user.ban_by_user(WALL, BanSubject::Ip4(index.into()), None).expect("room");
        }
        assert_eq!(user.ban_by_user(WALL, SUBJECT, None), Err(TooManyBans));
        user.ban_by_user(WALL, BanSubject::Ip4(0.into()), None).expect("it is there already");
    }

    #[test]
    fn a_kept_ban_from_a_clock_far_ahead_is_cut_to_the_longest_there_is() {
        let ban =
            |until, by_user| Ban { subject: SUBJECT, until, strikes: 1, by_user, reason: String::new() };
        let far = UnixTime::from_secs(WALL.as_secs() * 2);
        let reputation = Reputation::new([ban(far, false)], false, WALL);
        assert!(!reputation.is_banned(after(LONGEST_NODE_BAN.as_secs()).1, Some(&NODE), None));
        let reputation = Reputation::new([ban(far, true)], false, WALL);
        assert!(reputation.is_banned(after(LONGEST_NODE_BAN.as_secs()).1, Some(&NODE), None));
    }

    #[test]
    fn a_local_address_is_spared_where_that_is_asked_for() {
        for (spare, banned) in [(true, false), (false, true)] {
            let mut reputation = Reputation::new([], spare, WALL);
            for _ in 0..2 {
                reputation.record(Timestamp::ZERO, WALL, None, ip("127.0.0.1"), Offence::InvalidHeader);
            }
            assert_eq!(reputation.is_banned(WALL, None, ip("127.0.0.1")), banned);
        }
    }

    proptest! {
        /// Against an oracle that replays the whole history minute by minute.
        #[test]
        fn points_and_bans_agree_with_a_replay(
            history in proptest::collection::vec((0u64..40, 0usize..Offence::ALL.len()), 1..60)
        ) {
            let mut reputation = Reputation::default();
            let (mut seconds, mut points, mut banned_until, mut strikes) = (0, 0u64, 0, 0u32);
            for (minutes, offence) in history {
                let offence = Offence::ALL[offence];
                seconds += minutes * 60;
                points = points.saturating_sub(minutes);
                let (now, wall) = after(seconds);
                reputation.record(now, wall, Some(NODE), None, offence);
                points += u64::from(offence.consequence().points);
                if points >= 100 {
                    points = 0;
                    if seconds >= banned_until {
                        strikes += 1;
                        banned_until = seconds + (3_600 * 4u64.pow(strikes.min(9) - 1)).min(30 * 86_400);
                    }
                }
                prop_assert_eq!(u64::from(reputation.points(now, &SUBJECT)), points);
                prop_assert_eq!(reputation.is_banned(wall, Some(&NODE), None), seconds < banned_until);
            }
        }
    }
}
