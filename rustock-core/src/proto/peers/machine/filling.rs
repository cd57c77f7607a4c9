//! Which peers get the slots: trusted ones when they are due, others by proof, subnet and chance, and one slot in turn
//! to somebody new.

use super::PeerMachine;
use crate::{
    primitives::{hash::NodeId, peer::PeerRecord},
    proto::{
        peers::{
            Action, DropCause,
            book::quality,
            dial::{Candidate, choose},
            slots::{Direction, SlotState},
        },
        sync::PeerId,
    },
};

/// Dials at once while a single slot is free and proven peers are there for it. Of those that were only heard of one in
/// four takes a new peer, and one that is behind a translator is noticed after ten seconds: as many as may be are
/// dialled at once.
const LEAST_DIALS: usize = 4;

impl PeerMachine {
    /// Trusted peers and whoever fills the other slots.
    pub(super) fn dial(&mut self) {
        if !self.is_online {
            return;
        }
        let due: Vec<PeerRecord> = self
            .trusted
            .iter()
            .filter(|node| !self.slots.has_node(node) && self.pauses.is_due(node, self.now))
            .filter_map(|node| self.book.get(node))
            .filter(|record| !self.is_banned(&record.id, record.address.ip()))
            .cloned()
            .collect();
        for record in due {
            self.dial_one(&record);
        }
        while self.room() > 0 {
            let Some(record) = self.choose() else { return };
            self.anchors_left = self.anchors_left.saturating_sub(1);
            self.dial_one(&record);
        }
    }

    fn dial_one(&mut self, record: &PeerRecord) {
        let PeerRecord { id: node, address, .. } = record.clone();
        let peer = self.open_slot(Some(node), Some(address.clone()), address.ip(), Direction::Outbound);
        self.actions.push_back(Action::Dial { peer, node, address });
    }

    /// How many more ordinary peers may be dialled now. More are dialled than there are places, because many of
    /// those that were only heard of are not there; who comes too late is sent away.
    pub(super) fn room(&self) -> usize {
        if self.config.only_trusted {
            return 0;
        }
        let limits = &self.config.limits;
        let missing = self.missing();
        if missing == 0 {
            return 0;
        }
        let least = if self.has_proven_prospects(missing) { LEAST_DIALS } else { limits.dials };
        (2 * missing).max(least).min(limits.dials).saturating_sub(self.slots.dialling())
    }

    /// How many more healthy peers there should be, and may be, than are connected.
    pub(super) fn missing(&self) -> usize {
        self.wanted().min(self.places())
    }

    /// True when peers are wanted and those that have not answered leave no place for any.
    pub(super) fn is_crowded_by_the_silent(&self) -> bool {
        !self.config.only_trusted && self.wanted() > 0 && self.places() == 0
    }

    fn wanted(&self) -> usize {
        self.config.limits.target.saturating_sub(self.slots.healthy(self.now))
    }

    fn places(&self) -> usize {
        let most = self.config.limits.target.saturating_add(self.config.limits.spare);
        most.saturating_sub(self.slots.connected_ordinary())
    }

    fn choose(&mut self) -> Option<PeerRecord> {
        let candidates: Vec<Candidate<'_>> = self
            .book
            .records()
            .filter(|record| self.is_candidate(record))
            .map(|record| Candidate { record, is_tried: self.book.is_tried(&record.id) })
            .collect();
        let wall = self.wall();
        let limits = &self.config.limits;
        let chosen = choose(&candidates, &self.slots, limits, self.anchors_left, wall, &mut self.random)?;
        self.book.get(&chosen).cloned()
    }

    pub(super) fn is_ordinary(&self, node: &NodeId) -> bool {
        !self.trusted.contains(node)
    }

    fn is_candidate(&self, record: &PeerRecord) -> bool {
        self.is_ordinary(&record.id)
            && self.pauses.is_due(&record.id, self.now)
            && !self.slots.has_node(&record.id)
            && !self.is_banned(&record.id, record.address.ip())
    }

    /// True when a peer could be dialled that has a place by its subnet once `leaving` is gone.
    pub(super) fn has_successor(&self, leaving: PeerId) -> bool {
        let limits = &self.config.limits;
        self.book.records().any(|record| {
            self.is_candidate(record)
                && self.slots.has_subnet_place(record.address.ip(), Some(leaving), limits)
        })
    }

    /// True when so many proven peers are being dialled or could be. Looks no further than it needs to: the book may be
    /// full.
    fn has_proven_prospects(&self, enough: usize) -> bool {
        let is_dialled = |node: &NodeId| {
            let mut dialled = self.slots.ordinary().filter(|(_, slot)| slot.state == SlotState::Dialling);
            dialled.any(|(_, slot)| slot.node.as_ref() == Some(node))
        };
        let proven = self.book.records().filter(|record| record.is_proven());
        let prospects = proven.filter(|record| is_dialled(&record.id) || self.is_candidate(record));
        prospects.take(enough).count() == enough
    }

    /// Gives one slot to another peer, so that nobody keeps all of them by being there first. The better half
    /// stays. When it is due while a slot is empty, it waits until all are filled.
    pub(super) fn rotate(&mut self) {
        if self.rotation_due.is_none_or(|due| due > self.now) || !self.is_full() {
            return;
        }
        self.rotation_due = None;
        let wall = self.wall();
        let mut ranked: Vec<(u32, PeerId)> = self
            .slots
            .ordinary()
            .filter(|(_, slot)| slot.state == SlotState::Connected)
            .map(|(peer, slot)| {
                let record = slot.node.and_then(|node| self.book.get(&node));
                (record.map_or(0, |record| quality(record, wall)), peer)
            })
            .collect();
        ranked.sort_unstable();
        ranked.truncate(ranked.len() / 2);
        let able: Vec<PeerId> =
            ranked.into_iter().map(|(_, peer)| peer).filter(|peer| self.has_successor(*peer)).collect();
        if let Some(peer) = self.random.choose(&able).copied() {
            self.drop_peer(peer, DropCause::Rotated);
        }
    }

    pub(super) fn schedule_rotation(&mut self) {
        if self.config.only_trusted {
            self.rotation_due = None;
        } else if self.rotation_due.is_none() && self.is_full() {
            self.rotation_due = Some(self.now.saturating_add(self.config.rotation));
        }
    }

    fn is_full(&self) -> bool {
        self.slots.healthy(self.now) >= self.config.limits.target
    }

    /// Only proven peers are counted on: of those that were merely heard of most are full, or not to be reached,
    /// and waiting for them one after the other would cost more than a few packets.
    pub(super) fn tell_discovery(&mut self) {
        // Also while silent peers take all places: one makes way as soon as somebody else is known.
        let wanted = self.wanted();
        let is_wanting = self.is_online && !self.config.only_trusted && wanted > 0;
        let wants = is_wanting && !self.has_proven_prospects(wanted);
        if wants != self.wants_more {
            self.wants_more = wants;
            self.actions.push_back(Action::WantMorePeers(wants));
        }
    }
}
