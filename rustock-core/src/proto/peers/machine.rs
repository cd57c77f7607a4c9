//! The machine itself: takes inputs, keeps account of peers, and says what is to be done. Who is dialled, and who
//! makes room, is in `filling`.

mod filling;

use core::{net::IpAddr, time::Duration};
use std::collections::{BTreeSet, VecDeque};

use super::{
    Action, DropCause, Ending, Input, Offence, PERSIST_INTERVAL, PeerConfig, PeerReport, PeerView,
    book::{Book, MAX_RECORDS, Service},
    dial::{ANCHORS, Pauses},
    flood::FloodMeter,
    inbound::RecentRefusals,
    random::Random,
    reputation::Reputation,
    slots::{Direction, Slot, SlotState, Slots},
};
use crate::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{Ban, BanSubject, PeerAddress, PeerBatch, PeerSource, SavedPeers},
    },
    proto::{sync::PeerId, time::Timestamp},
};

/// How long a peer for which there was no place is left alone.
const NO_PLACE_PAUSE: Duration = Duration::from_secs(60);
/// How long a peer that gave its slot to another one is left alone.
const ROTATED_PAUSE: Duration = Offence::SentAway.consequence().pause;

/// How often what has had its time is forgotten.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

/// Finds and keeps peers. See the [module](super) for the contract.
#[derive(Debug)]
pub struct PeerMachine {
    config: PeerConfig,
    book: Book,
    reputation: Reputation,
    slots: Slots,
    pauses: Pauses,
    refusals: RecentRefusals,
    trusted: BTreeSet<NodeId>,
    random: Random,
    actions: VecDeque<Action>,
    next_peer: u64,
    anchors_left: usize,
    is_online: bool,
    is_stopping: bool,
    wants_more: bool,
    /// Since when all slots are filled, or when one was last given to another peer.
    rotation_due: Option<Timestamp>,
    persist_due: Option<Timestamp>,
    tidy_due: Timestamp,
    /// The time of day at a moment, from which others are reckoned.
    started: (Timestamp, UnixTime),
    now: Timestamp,
}

impl PeerMachine {
    /// A machine that goes on from what was kept. `seed` must be drawn anew for each; `wall` is the time of day.
    pub fn new(config: PeerConfig, saved: SavedPeers, seed: u64, now: Timestamp, wall: UnixTime) -> Self {
        let mut reputation = Reputation::new(saved.bans, config.allow_local, wall);
        for record in &saved.records {
            reputation.restore_points(now, record.id, record.penalty);
        }
        Self {
            book: Book::new(saved.records, config.allow_local),
            config,
            reputation,
            slots: Slots::default(),
            pauses: Pauses::default(),
            refusals: RecentRefusals::default(),
            trusted: BTreeSet::new(),
            random: Random::new(seed),
            actions: VecDeque::new(),
            next_peer: 0,
            anchors_left: ANCHORS,
            is_online: true,
            is_stopping: false,
            wants_more: false,
            rotation_due: None,
            persist_due: None,
            tidy_due: now,
            started: (now, wall),
            now,
        }
    }

    /// Takes an input. Drain [`PeerMachine::next_action`] afterwards.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.now = now;
        match input {
            Input::Discovered { node, address } => self.learn(node, address, PeerSource::Discovered),
            Input::Lost { node, address } => self.forget_unproven(&node, &address),
            Input::Add { node, address, source, is_trusted } => {
                self.learn(node, address, source);
                if is_trusted && self.book.get(&node).is_some() {
                    self.trusted.insert(node);
                    self.pauses.remove(&node);
                    self.slots.trust(&node);
                }
            }
            Input::Remove(node) => {
                self.trusted.remove(&node);
                self.book.remove(&node);
                self.drop_where(DropCause::Removed, |slot| slot.node == Some(node));
            }
            Input::Incoming { ticket, ip } => self.on_incoming(ticket, ip),
            Input::Established { peer, node, ip } => self.on_established(peer, node, ip),
            Input::Listens { peer, port } => self.on_listens(peer, port),
            Input::Ended { peer, ending } => self.on_ended(peer, &ending),
            Input::Answered { peer } => self.on_answered(peer),
            Input::HeadersVerified { peer, headers, bytes, waited, latency } => {
                let wall = self.wall();
                self.on_answered(peer);
                if let Some(slot) = self.slots.get_mut(peer) {
                    slot.verified = slot.verified.saturating_add(headers);
                    if let Some(node) = slot.node {
                        self.book.credit(&node, &Service { headers, bytes, waited, latency }, wall);
                    }
                }
            }
            Input::Fault { peer, fault } => self.offend(peer, Offence::of_sync_fault(&fault)),
            Input::Unwanted { peer, messages, bytes } => {
                let slot = self.slots.get_mut(peer);
                let flood = slot.and_then(|slot| slot.meter.count_unwanted(now, messages, bytes));
                if let Some(offence) = flood {
                    self.offend(peer, offence);
                }
            }
            Input::Announced { peer, blocks } => {
                let slot = self.slots.get_mut(peer);
                if let Some(offence) = slot.and_then(|slot| slot.meter.count_announced(now, blocks)) {
                    self.offend(peer, offence);
                }
            }
            Input::Ban { subject, duration } => self.ban(subject, duration),
            Input::Unban(subject) => {
                if self.reputation.lift(&subject) {
                    self.report(PeerReport::Unbanned(subject));
                }
            }
            Input::NetworkChanged { is_online } => {
                self.is_online = is_online;
                self.pauses.clear();
                self.drop_where(DropCause::NetworkChanged, |_| true);
            }
            Input::Stopping => {
                self.is_stopping = true;
                self.persist();
            }
            Input::TimerFired => {}
        }
        self.advance();
    }

    /// The next thing to do, if any.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call again with [`Input::TimerFired`] if nothing else happens before.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.is_stopping {
            return None;
        }
        // A rotation that is due waits until the slots are filled.
        let rotation = self.rotation_due.filter(|due| *due > self.now);
        let mut times: Vec<Timestamp> = self.persist_due.into_iter().chain(rotation).collect();
        if self.is_online {
            times.extend(self.slots.next_patience(self.now));
            let wants_ordinary = self.room() > 0;
            let waiting = self.book.records().filter(|record| {
                (wants_ordinary && self.is_ordinary(&record.id)) || self.trusted.contains(&record.id)
            });
            let paused = waiting
                .filter(|record| !self.slots.has_node(&record.id))
                .map(|record| self.pauses.until(&record.id));
            times.extend(paused.filter(|until| *until > self.now).min());
            times.extend(self.reputation.next_end(self.wall()).map(|end| {
                let left = end.as_secs().saturating_sub(self.wall().as_secs());
                self.now.saturating_add(Duration::from_secs(left))
            }));
        }
        times.into_iter().min()
    }

    /// The connections, by id.
    pub fn peers(&self) -> Vec<PeerView> {
        self.slots.iter().map(|(peer, slot)| self.view(peer, slot)).collect()
    }

    /// The bans in force, by subject.
    pub fn bans(&self) -> Vec<Ban> {
        self.reputation.bans(self.wall()).cloned().collect()
    }

    /// Everybody known.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// True when discovery should look for peers.
    pub fn wants_more_peers(&self) -> bool {
        self.wants_more
    }

    fn view(&self, peer: PeerId, slot: &Slot) -> PeerView {
        let record = slot.node.and_then(|node| self.book.get(&node));
        let by_default = match slot.direction {
            Direction::Inbound => PeerSource::Inbound,
            Direction::Outbound => PeerSource::Discovered,
        };
        PeerView {
            peer,
            node: slot.node,
            address: slot.address.clone(),
            ip: slot.ip,
            source: record.map_or(by_default, |record| record.source),
            is_trusted: slot.is_trusted,
            direction: slot.direction,
            state: slot.state,
            since: slot.since,
            verified_headers: record.map_or(slot.verified, |record| record.verified_headers),
            bytes_per_second: record.map_or(0, |record| record.bytes_per_second),
            latency_millis: record.map_or(0, |record| record.latency_millis),
            has_answered: slot.has_answered,
            penalty: slot.node.map_or(0, |node| self.reputation.points(self.now, &BanSubject::Node(node))),
        }
    }

    fn wall(&self) -> UnixTime {
        let (moment, time) = self.started;
        UnixTime::from_secs(time.as_secs().saturating_add(self.now.since(moment).as_secs()))
    }

    fn report(&mut self, report: PeerReport) {
        self.actions.push_back(Action::Report(report));
    }

    fn learn(&mut self, node: NodeId, address: PeerAddress, source: PeerSource) {
        let is_stranger = !matches!(source, PeerSource::Configured | PeerSource::Bundled);
        if is_stranger && self.reputation.is_banned(self.wall(), Some(&node), address.ip()) {
            return;
        }
        if let Err(reason) = self.book.add(node, address, source, &mut self.random) {
            // What strangers say and we do not take is nothing to tell.
            if !is_stranger {
                self.report(PeerReport::NotTaken { node, reason });
            }
        }
    }

    /// Discovery lost a node. That says something of an address where there never was a session, and only while
    /// the network works: a phone without a signal forgets nobody.
    fn forget_unproven(&mut self, node: &NodeId, address: &PeerAddress) {
        let is_unproven = self.book.get(node).is_some_and(|record| {
            record.source == PeerSource::Discovered
                && record.address == *address
                && record.last_success.is_none()
                && !record.is_proven()
        });
        if is_unproven && self.slots.connected() > 0 && !self.slots.has_node(node) {
            self.book.remove(node);
        }
    }

    /// A node that connected to us is one to dial another time. Its id and IP address are proved, its port is not.
    fn on_listens(&mut self, peer: PeerId, port: u16) {
        let is_welcome =
            |slot: &&Slot| slot.direction == Direction::Inbound && slot.state == SlotState::Connected;
        let Some(slot) = self.slots.get(peer).filter(is_welcome).filter(|_| port != 0) else { return };
        if let (Some(node), Some(ip)) = (slot.node, slot.ip) {
            let address = PeerAddress::from_ip(ip, port);
            self.learn(node, address.clone(), PeerSource::Inbound);
            if let Some(slot) = self.slots.get_mut(peer) {
                slot.address = Some(address);
            }
        }
    }

    fn on_incoming(&mut self, ticket: u64, ip: IpAddr) {
        let limits = &self.config.limits;
        let has_place = !self.is_stopping
            && self.is_online
            && !self.refusals.contains(self.now, ip)
            && self.slots.in_subnet(ip) < limits.inbound_per_subnet
            && self.slots.handshakes() < limits.handshakes
            && !self.reputation.is_banned(self.wall(), None, Some(ip));
        if !has_place {
            return self.actions.push_back(Action::Refuse { ticket });
        }
        let peer = self.open_slot(None, None, Some(ip), Direction::Inbound);
        self.actions.push_back(Action::Admit { ticket, peer });
    }

    fn open_slot(
        &mut self,
        node: Option<NodeId>,
        address: Option<PeerAddress>,
        ip: Option<IpAddr>,
        direction: Direction,
    ) -> PeerId {
        let peer = PeerId(self.next_peer);
        self.next_peer += 1;
        let slot = Slot {
            node,
            address,
            ip,
            direction,
            is_trusted: node.is_some_and(|node| self.trusted.contains(&node)),
            state: SlotState::Dialling,
            since: self.now,
            was_connected: false,
            has_answered: false,
            verified: 0,
            cause: None,
            meter: FloodMeter::default(),
        };
        self.slots.insert(peer, slot);
        peer
    }

    fn on_established(&mut self, peer: PeerId, node: NodeId, ip: IpAddr) {
        let Some(slot) = self.slots.get(peer).filter(|slot| slot.state == SlotState::Dialling) else {
            return;
        };
        let is_trusted = self.trusted.contains(&node);
        let is_inbound = slot.direction == Direction::Inbound;
        let is_duplicate = self.slots.iter().any(|(other, slot)| {
            other != peer && slot.node == Some(node) && slot.state == SlotState::Connected
        });
        let is_banned = self.is_banned(&node, Some(ip));
        let limits = self.config.limits;
        let has_place = is_trusted
            || if is_inbound {
                !self.config.only_trusted && self.slots.connected_inbound() < limits.inbound
            } else {
                self.missing() > 0 && self.slots.has_subnet_place(Some(ip), Some(peer), &limits)
            };
        let now = self.now;
        if let Some(slot) = self.slots.get_mut(peer) {
            slot.node = Some(node);
            slot.ip = Some(ip);
            slot.is_trusted = is_trusted;
            slot.state = SlotState::Connected;
            slot.was_connected = true;
            slot.since = now;
        }
        let cause = if is_banned {
            DropCause::Banned
        } else if is_duplicate {
            DropCause::Duplicate
        } else if !has_place {
            DropCause::NoPlace
        } else {
            return;
        };
        if is_inbound && cause != DropCause::Banned {
            self.refusals.insert(now, ip);
        }
        self.drop_peer(peer, cause);
    }

    /// A peer that answers counts from now on, and was a success. One that answers when as many others do already is
    /// sent away without a reproach: it may come back when there is a place.
    fn on_answered(&mut self, peer: PeerId) {
        let wall = self.wall();
        let Some(slot) = self.slots.get_mut(peer).filter(|slot| !slot.has_answered) else { return };
        slot.has_answered = true;
        let is_ordinary = slot.is_ordinary();
        if let (Some(node), Direction::Outbound) = (slot.node, slot.direction) {
            self.book.mark_success(&node, wall);
        }
        if is_ordinary && self.slots.answering() > self.config.limits.target {
            self.drop_peer(peer, DropCause::NoPlace);
        }
    }

    /// Whoever has answered nothing for so long has nothing for us; and if nobody else had a place because of such peers,
    /// one makes way without a reproach.
    fn drop_useless(&mut self) {
        for peer in self.slots.useless(self.now) {
            self.offend(peer, Offence::Unresponsive);
        }
        if self.is_crowded_by_the_silent()
            && let Some(peer) = self.slots.slowest(self.now)
            && self.has_successor(peer)
        {
            self.drop_peer(peer, DropCause::NoPlace);
        }
    }

    fn on_ended(&mut self, peer: PeerId, ending: &Ending) {
        let Some(slot) = self.slots.remove(peer) else { return };
        let offence = match (slot.cause, ending) {
            (Some(_), _) | (None, Ending::Ours) => None,
            (None, Ending::Unreachable) => Some(Offence::Unreachable),
            (None, Ending::Lost) => Some(Offence::ConnectionLost),
            (None, Ending::NotReading) => Some(Offence::NotReading),
            (None, Ending::Session(end)) => Offence::of_session_end(end),
        };
        if let Some(offence) = offence {
            self.punish(slot.node, slot.ip, slot.is_trusted, offence);
        }
        let (Some(node), Direction::Outbound) = (slot.node, slot.direction) else { return };
        let lasted = slot.was_connected.then(|| self.now.since(slot.since));
        match slot.cause {
            None => self.end_of_attempt(node, &slot, lasted, offence),
            Some(DropCause::Offence(offence)) => self.end_of_attempt(node, &slot, lasted, Some(offence)),
            Some(DropCause::NetworkChanged) => self.pauses.remove(&node),
            Some(DropCause::Rotated) => self.pauses.set(self.now, node, ROTATED_PAUSE, &mut self.random),
            Some(DropCause::Banned | DropCause::Duplicate | DropCause::NoPlace | DropCause::Removed) => {
                self.pauses.set(self.now, node, NO_PLACE_PAUSE, &mut self.random);
            }
        }
    }

    fn end_of_attempt(
        &mut self,
        node: NodeId,
        slot: &Slot,
        lasted: Option<Duration>,
        offence: Option<Offence>,
    ) {
        self.pauses.record_end(self.now, node, slot.is_trusted, lasted, offence, &mut self.random);
        let points = self.reputation.points(self.now, &BanSubject::Node(node));
        self.book.set_penalty(&node, points);
        let says_it_is_gone = match offence {
            // Somebody is there, so it is no reason to forget the address.
            None | Some(Offence::Refused) => false,
            Some(offence) => lasted.is_none() || offence.is_silence(),
        };
        if says_it_is_gone {
            let others_work = self.slots.connected() > 0;
            self.book.mark_failure(&node, self.wall(), others_work);
        }
    }

    /// Takes note of what a connected peer did, and closes the connection if that follows.
    fn offend(&mut self, peer: PeerId, offence: Offence) {
        let Some(slot) = self.slots.get(peer).filter(|slot| slot.state != SlotState::Leaving) else {
            return;
        };
        let (node, ip, is_trusted) = (slot.node, slot.ip, slot.is_trusted);
        if offence.consequence().disconnects {
            self.drop_peer(peer, DropCause::Offence(offence));
        }
        self.punish(node, ip, is_trusted, offence);
    }

    fn punish(&mut self, node: Option<NodeId>, ip: Option<IpAddr>, is_trusted: bool, offence: Offence) {
        // Whoever the user trusts is only left alone for a while.
        if is_trusted {
            return;
        }
        let wall = self.wall();
        for ban in self.reputation.record(self.now, wall, node, ip, offence) {
            self.report(PeerReport::Banned(ban));
        }
        self.drop_banned();
    }

    fn ban(&mut self, subject: BanSubject, duration: Option<Duration>) {
        match self.reputation.ban_by_user(self.wall(), subject, duration) {
            Ok(ban) => self.report(PeerReport::Banned(ban)),
            Err(error) => self.report(PeerReport::BanNotMade(error)),
        }
        self.drop_banned();
    }

    /// True when we have nothing to do with a node at an address. Trusted peers are beyond all bans but the user's.
    fn is_banned(&self, node: &NodeId, ip: Option<IpAddr>) -> bool {
        if self.trusted.contains(node) {
            self.reputation.is_banned_by_user(self.wall(), Some(node), ip)
        } else {
            self.reputation.is_banned(self.wall(), Some(node), ip)
        }
    }

    fn drop_banned(&mut self) {
        let banned: Vec<PeerId> = self
            .slots
            .iter()
            .filter(|(_, slot)| match slot.node {
                Some(node) => self.is_banned(&node, slot.ip),
                None => self.reputation.is_banned(self.wall(), None, slot.ip),
            })
            .map(|(peer, _)| peer)
            .collect();
        for peer in banned {
            self.drop_peer(peer, DropCause::Banned);
        }
    }

    fn drop_where(&mut self, cause: DropCause, predicate: impl Fn(&Slot) -> bool) {
        let peers: Vec<PeerId> =
            self.slots.iter().filter(|(_, slot)| predicate(slot)).map(|(peer, _)| peer).collect();
        for peer in peers {
            self.drop_peer(peer, cause);
        }
    }

    fn drop_peer(&mut self, peer: PeerId, cause: DropCause) {
        let Some(slot) = self.slots.get_mut(peer).filter(|slot| slot.state != SlotState::Leaving) else {
            return;
        };
        slot.state = SlotState::Leaving;
        slot.cause = Some(cause);
        let reason = cause.disconnect_reason();
        self.actions.push_back(Action::Disconnect { peer, reason, cause });
    }

    /// Everything that follows from the new state.
    fn advance(&mut self) {
        self.tidy();
        if !self.is_stopping {
            self.drop_useless();
            self.rotate();
            self.dial();
            self.schedule_rotation();
            self.tell_discovery();
        }
        self.persist_when_due();
    }

    /// Forgets what has had its time, of which nothing counts any more. Not at each input: with everything full these
    /// walks would be most of what one costs.
    fn tidy(&mut self) {
        if self.now < self.tidy_due && self.pauses.len() <= MAX_RECORDS {
            return;
        }
        self.tidy_due = self.now.saturating_add(TIDY_INTERVAL);
        self.reputation.expire(self.now, self.wall());
        self.pauses.retain(|node| self.book.get(node).is_some() || self.slots.has_node(node));
    }

    fn persist_when_due(&mut self) {
        if self.reputation.has_changed() || self.persist_due.is_some_and(|due| due <= self.now) {
            return self.persist();
        }
        if self.book.has_changed() && self.persist_due.is_none() {
            self.persist_due = Some(self.now.saturating_add(PERSIST_INTERVAL));
        }
    }

    fn persist(&mut self) {
        self.persist_due = None;
        let mut batch = PeerBatch::default();
        self.book.take_changes(&mut batch);
        self.reputation.take_changes(&mut batch);
        if !batch.is_empty() {
            self.actions.push_back(Action::Persist(batch));
        }
    }
}
