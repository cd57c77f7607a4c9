//! The peer book: who is known, in three parts that do not push each other out.
//!
//! *Pinned* peers were named by the user or come with the library; they stay. *Tried* peers have served headers
//! that passed every rule; only better ones of the same kind replace them. *New* peers were only heard of. A flood
//! of new addresses fills the new part and nothing else, and in it each subnet has [`NEW_PER_SUBNET`] places:
//! when the part is full, the fullest subnet gives one up.
//!
//! Bounds: [`MAX_PINNED`], [`MAX_TRIED`] and [`MAX_NEW`] records, together at most [`MAX_RECORDS`].

use core::{net::IpAddr, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;
use crate::primitives::{
    hash::NodeId,
    number::UnixTime,
    peer::{PeerAddress, PeerBatch, PeerRecord, PeerSource, Subnet, is_local},
};

/// Peers that the user named or that come with the library.
pub const MAX_PINNED: usize = 64;
/// Peers that have served verified headers.
pub const MAX_TRIED: usize = 256;
/// Peers that were only heard of.
pub const MAX_NEW: usize = 704;
/// Records in all.
pub const MAX_RECORDS: usize = MAX_PINNED + MAX_TRIED + MAX_NEW;
/// Tried peers of one subnet.
pub const TRIED_PER_SUBNET: usize = 4;
/// New peers of one subnet.
pub const NEW_PER_SUBNET: usize = 8;
/// Failed attempts in a row after which a new peer is forgotten, if others can be reached meanwhile.
pub const NEW_ATTEMPTS: u32 = 4;
/// Failed attempts in a row after which a tried peer is forgotten, if others can be reached meanwhile.
pub const TRIED_ATTEMPTS: u32 = 16;

/// Why a peer was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// The address leads into our own network, and a stranger named it.
    #[error("the address is a local one")]
    Local,
    /// A stranger named a host that is no address.
    #[error("the host is not an address")]
    NoAddress,
    /// All places of its part or its subnet are taken.
    #[error("no place is left for it")]
    NoPlace,
    /// It is known, and worked where we know it.
    #[error("it is known at another address")]
    KnownElsewhere,
}

/// Headers that passed every rule, and what it took to get them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// How many.
    pub headers: u64,
    /// Bytes of the answers.
    pub bytes: u64,
    /// Time spent waiting for them.
    pub waited: Duration,
    /// From a request to its answer.
    pub latency: Duration,
}

/// Who is known.
#[derive(Debug)]
pub struct Book {
    records: BTreeMap<NodeId, PeerRecord>,
    tried: BTreeSet<NodeId>,
    /// Records to write, and to take out of the store. Bounded by what is here and what is there.
    changed: BTreeSet<NodeId>,
    /// Ids that the store has a record of.
    stored: BTreeSet<NodeId>,
    allow_local: bool,
}

impl Book {
    /// Goes on from the records that were kept. What has no place any more is forgotten.
    pub fn new(saved: impl IntoIterator<Item = PeerRecord>, allow_local: bool) -> Self {
        let mut book = Self {
            records: BTreeMap::new(),
            tried: BTreeSet::new(),
            changed: BTreeSet::new(),
            stored: BTreeSet::new(),
            allow_local,
        };
        for mut record in saved {
            book.stored.insert(record.id);
            // Who is named by the user or comes with the library is for this run to say.
            if is_pinned(&record) {
                record.source = PeerSource::Discovered;
            }
            let id = record.id;
            let is_proven = record.is_proven();
            let has_address = record.address.ip().is_some_and(|ip| allow_local || !is_local(ip));
            let fits = has_address && (is_proven || book.has_place(&record));
            if fits && !book.records.contains_key(&id) {
                book.records.insert(id, record);
                if is_proven {
                    book.try_to_promote(id, UnixTime::from_secs(0));
                }
            }
            if !book.records.contains_key(&id) {
                book.changed.insert(id);
            }
        }
        book
    }

    /// Everybody known, by id.
    pub fn records(&self) -> impl Iterator<Item = &PeerRecord> {
        self.records.values()
    }

    /// What is known of one.
    pub fn get(&self, id: &NodeId) -> Option<&PeerRecord> {
        self.records.get(id)
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True when nobody is known.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// True when it is in the tried part.
    pub fn is_tried(&self, id: &NodeId) -> bool {
        self.tried.contains(id)
    }

    /// Takes in a peer. One that the user names moves to where the user says.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub(super) fn add(
        &mut self,
        id: NodeId,
        address: PeerAddress,
        source: PeerSource,
        random: &mut Random,
    ) -> Result<(), NotTaken> {
        if let Some(known) = self.records.get(&id) {
            return self.learn_again(known.clone(), address, source);
        }
        let record = PeerRecord::new(id, address, source);
        if is_pinned(&record) {
            if !self.has_pinned_place() {
                return Err(NotTaken::NoPlace);
            }
        } else {
            let ip = record.address.ip().ok_or(NotTaken::NoAddress)?;
            if !self.allow_local && is_local(ip) {
                return Err(NotTaken::Local);
            }
            self.make_room(ip, random)?;
        }
        self.put(record);
        Ok(())
    }

    fn learn_again(
        &mut self,
        known: PeerRecord,
        address: PeerAddress,
        source: PeerSource,
    ) -> Result<(), NotTaken> {
        if source == PeerSource::Configured || (source == PeerSource::Bundled && !is_pinned(&known)) {
            if !is_pinned(&known) && !self.has_pinned_place() {
                return Err(NotTaken::NoPlace);
            }
            self.tried.remove(&known.id);
            self.put(PeerRecord { source, address, ..known });
            return Ok(());
        }
        if known.address == address {
            return Ok(());
        }
        // Anybody may say where it is: that counts only when it could not be reached where we thought.
        if known.source == PeerSource::Configured || known.attempts == 0 {
            return Err(NotTaken::KnownElsewhere);
        }
        let moved = PeerRecord { address, attempts: 0, ..known };
        let ip = moved.address.ip().ok_or(NotTaken::NoAddress)?;
        if !self.allow_local && is_local(ip) {
            return Err(NotTaken::Local);
        }
        if !is_pinned(&moved) && !self.has_place(&moved) {
            return Err(NotTaken::NoPlace);
        }
        // What it proved it proved elsewhere: its place among the tried is that of its old subnet.
        self.tried.remove(&moved.id);
        self.put(moved);
        Ok(())
    }

    /// Forgets a peer.
    pub fn remove(&mut self, id: &NodeId) -> bool {
        self.tried.remove(id);
        let was_there = self.records.remove(id).is_some();
        if self.stored.contains(id) {
            self.changed.insert(*id);
        } else {
            self.changed.remove(id);
        }
        was_there
    }

    /// A session was established.
    pub fn mark_success(&mut self, id: &NodeId, wall: UnixTime) {
        self.change(id, |record| {
            record.last_success = Some(wall);
            record.attempts = 0;
        });
    }

    /// It could not be used. `others_work` says that the network is not at fault: a phone without a signal
    /// forgets nobody.
    pub fn mark_failure(&mut self, id: &NodeId, wall: UnixTime, others_work: bool) {
        self.change(id, |record| {
            record.last_failure = Some(wall);
            if others_work {
                record.attempts = record.attempts.saturating_add(1);
            }
        });
        let Some(record) = self.records.get(id) else { return };
        let most = if self.tried.contains(id) { TRIED_ATTEMPTS } else { NEW_ATTEMPTS };
        if record.attempts >= most && !is_pinned(record) {
            self.remove(id);
        }
    }

    /// Writes down penalty points.
    pub fn set_penalty(&mut self, id: &NodeId, points: u32) {
        if self.records.get(id).is_some_and(|record| record.penalty != points) {
            self.change(id, |record| record.penalty = points);
        }
    }

    /// It served headers that passed every rule: the one thing that raises its rank.
    pub fn credit(&mut self, id: &NodeId, service: &Service, wall: UnixTime) {
        let Service { headers, bytes, waited, latency } = *service;
        if headers == 0 {
            return;
        }
        let speed = bytes.saturating_mul(1000) / millis(waited);
        self.change(id, |record| {
            record.verified_headers = record.verified_headers.saturating_add(headers);
            record.last_success = Some(wall);
            record.attempts = 0;
            // A single header is about delay, not about speed.
            if headers > 1 {
                record.bytes_per_second = average(record.bytes_per_second, speed);
            }
            record.latency_millis = average(record.latency_millis, millis(latency));
        });
        if self.records.get(id).is_some_and(|record| !is_pinned(record)) && !self.tried.contains(id) {
            self.try_to_promote(*id, wall);
        }
    }

    /// True when something is to be made durable.
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Moves the changes since the last time into `batch`.
    pub fn take_changes(&mut self, batch: &mut PeerBatch) {
        for id in core::mem::take(&mut self.changed) {
            match self.records.get(&id) {
                Some(record) => {
                    self.stored.insert(id);
                    batch.records.push(record.clone());
                }
                None => {
                    self.stored.remove(&id);
                    batch.forgotten.push(id);
                }
            }
        }
    }

    fn change(&mut self, id: &NodeId, change: impl FnOnce(&mut PeerRecord)) {
        if let Some(record) = self.records.get_mut(id) {
            change(record);
            self.changed.insert(*id);
        }
    }

    fn put(&mut self, record: PeerRecord) {
        self.changed.insert(record.id);
        self.records.insert(record.id, record);
    }

    fn has_pinned_place(&self) -> bool {
        self.records.values().filter(|record| is_pinned(record)).count() < MAX_PINNED
    }

    fn is_new(&self, record: &PeerRecord) -> bool {
        !is_pinned(record) && !self.tried.contains(&record.id)
    }

    fn has_place(&self, record: &PeerRecord) -> bool {
        let subnet = record.address.ip().and_then(counted_subnet);
        let (mut all, mut neighbours) = (0, 0);
        for other in self.records.values().filter(|other| self.is_new(other) && other.id != record.id) {
            all += 1;
            let other = other.address.ip().and_then(counted_subnet);
            neighbours += usize::from(subnet.is_some() && other == subnet);
        }
        all < MAX_NEW && neighbours < NEW_PER_SUBNET
    }

    /// Makes room for one new peer with this address, at the cost of a neighbour that does not answer, or of the
    /// subnet that has the most.
    fn make_room(&mut self, ip: IpAddr, random: &mut Random) -> Result<(), NotTaken> {
        let subnet = counted_subnet(ip);
        let mut by_subnet: BTreeMap<Option<Subnet>, Vec<(u32, NodeId)>> = BTreeMap::new();
        let mut count = 0;
        for record in self.records.values().filter(|record| self.is_new(record)) {
            let place = record.address.ip().and_then(counted_subnet);
            by_subnet.entry(place).or_default().push((record.attempts, record.id));
            count += 1;
        }
        let neighbours = by_subnet.get(&subnet).map_or(&[][..], Vec::as_slice);
        let is_subnet_full = subnet.is_some() && neighbours.len() >= NEW_PER_SUBNET;
        if !is_subnet_full && count < MAX_NEW {
            return Ok(());
        }
        // The one that failed most often, and among equals any.
        let mut worst_of = |peers: &[(u32, NodeId)]| {
            let most = peers.iter().map(|(attempts, _)| *attempts).max()?;
            let worst: Vec<_> = peers.iter().filter(|(attempts, _)| *attempts == most).copied().collect();
            random.choose(&worst).copied()
        };
        let victim = if is_subnet_full {
            // A subnet's own flood replaces nothing but its dead.
            worst_of(neighbours).filter(|(attempts, _)| *attempts > 0)
        } else {
            let most = by_subnet.values().map(Vec::len).max().unwrap_or_default();
            if neighbours.len() >= most {
                return Err(NotTaken::NoPlace);
            }
            let fullest = by_subnet.values().filter(|peers| peers.len() == most);
            worst_of(&fullest.flatten().copied().collect::<Vec<_>>())
        };
        let (_, victim) = victim.ok_or(NotTaken::NoPlace)?;
        self.remove(&victim);
        Ok(())
    }

    /// Moves a peer that has proved itself to the tried part, unless all places are taken by better ones. Whoever
    /// gives up a place for it is new again, if there is a place.
    fn try_to_promote(&mut self, id: NodeId, wall: UnixTime) {
        self.tried.insert(id);
        let ip = self.records.get(&id).and_then(|record| record.address.ip());
        let subnet = ip.and_then(counted_subnet);
        let tried = || self.tried.iter().filter_map(|id| self.records.get(id));
        let neighbours: Vec<&PeerRecord> = tried()
            .filter(|record| subnet.is_some() && record.address.ip().and_then(counted_subnet) == subnet)
            .collect();
        let worst = |records: Vec<&PeerRecord>| {
            records
                .into_iter()
                .min_by_key(|record| (quality(record, wall), record.id))
                .map(|record| record.id)
        };
        let demoted = if neighbours.len() > TRIED_PER_SUBNET {
            worst(neighbours)
        } else if self.tried.len() > MAX_TRIED {
            worst(tried().collect())
        } else {
            None
        };
        if let Some(demoted) = demoted {
            self.tried.remove(&demoted);
            let record = self.records.get(&demoted);
            if record.is_some_and(|record| !self.has_place(record)) {
                self.remove(&demoted);
            }
        }
    }
}

/// The subnet that a record takes a place of. Where local addresses are used at all they share one network, and
/// are free.
fn counted_subnet(ip: IpAddr) -> Option<Subnet> {
    (!is_local(ip)).then(|| Subnet::of(ip))
}

fn is_pinned(record: &PeerRecord) -> bool {
    matches!(record.source, PeerSource::Configured | PeerSource::Bundled)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// An average in which the newest value has one part in eight; the first value stands alone.
fn average(old: u32, new: u64) -> u32 {
    let new = u32::try_from(new).unwrap_or(u32::MAX);
    if old == 0 {
        return new.max(1);
    }
    let sum = u64::from(old) * 7 + u64::from(new);
    u32::try_from(sum / 8).unwrap_or(u32::MAX).max(1)
}

/// How good a peer is to have: by what it served and how fast, never by what it claims.
pub fn quality(record: &PeerRecord, wall: UnixTime) -> u32 {
    const DAY: u64 = 86_400;
    let unseen = record.last_success.map_or(30, |time| wall.as_secs().saturating_sub(time.as_secs()) / DAY);
    let served = 8 * record.verified_headers.saturating_add(1).ilog2();
    let speed = 2 * record.bytes_per_second.saturating_add(1).ilog2();
    let delay = record.latency_millis.saturating_add(1).ilog2();
    let against = delay
        .saturating_add(record.attempts.saturating_mul(8))
        .saturating_add(record.penalty)
        .saturating_add(u32::try_from(unseen.min(30)).unwrap_or(30));
    (served + speed + 64).saturating_sub(against)
}
