//! Who is connected or being dialled, and how many may be.
//!
//! A peer that has answered nothing yet counts for [`FIRST_ANSWER_PATIENCE`] as if it were a good one. After that it
//! keeps its connection until [`FIRST_ANSWER_DEADLINE`], because slowness is no fault, but another one is looked for in
//! its stead; where even the spare places are taken by such peers, one makes way after [`FIRST_ANSWER_GRACE`].
//!
//! The rule that keeps an operator from holding all of them: of the peers that we dial and nobody named, at most
//! [`SlotLimits::per_subnet`] share a subnet, and at most [`SlotLimits::shared_subnets`] subnets have more than
//! one. So whoever owns `n` subnets holds at most `n + 1` slots.

use core::{net::IpAddr, time::Duration};
use std::collections::BTreeMap;

use super::flood::FloodMeter;
use crate::{
    primitives::{
        hash::NodeId,
        peer::{PeerAddress, Subnet, is_local},
    },
    proto::{peers::DropCause, sync::PeerId, time::Timestamp},
};

/// How long a new peer counts without having answered anything: some round trips of a bad line.
pub const FIRST_ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// How long a peer that has answered nothing is safe from having to make way for another one.
pub const FIRST_ANSWER_GRACE: Duration = Duration::from_secs(10);
/// How long a peer that we dialled may be connected without having answered anything. The sync machine gives up
/// after ninety seconds where it has something to ask; whoever says that it has nothing is asked nothing.
pub const FIRST_ANSWER_DEADLINE: Duration = Duration::from_secs(100);

/// How many peers there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotLimits {
    /// Healthy peers to have; trusted ones count, and are dialled whatever this says.
    pub target: usize,
    /// Dialled peers beyond the target, while as many others have not answered anything.
    pub spare: usize,
    /// Dialled peers in one subnet.
    pub per_subnet: usize,
    /// Subnets that may have more than one dialled peer.
    pub shared_subnets: usize,
    /// Peers that are dialled at once.
    pub dials: usize,
    /// Peers that may have connected to us.
    pub inbound: usize,
    /// Connections of any direction in one subnet at which nobody else of it may connect to us, as in rskj.
    pub inbound_per_subnet: usize,
    /// Connections to us that may be in their handshake.
    pub handshakes: usize,
}

impl SlotLimits {
    /// The limits of a client that is to have this many healthy peers, and half as many spare ones.
    pub fn for_target(target: usize) -> Self {
        Self { target, spare: target.div_ceil(2), ..Self::default() }
    }
}

impl Default for SlotLimits {
    fn default() -> Self {
        Self {
            target: 8,
            spare: 4,
            per_subnet: 2,
            shared_subnets: 1,
            dials: 8,
            inbound: 16,
            inbound_per_subnet: 16,
            handshakes: 8,
        }
    }
}

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// We did.
    Outbound,
    /// The peer did.
    Inbound,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// It is being made, or in its handshake.
    Dialling,
    /// Its session is established.
    Connected,
    /// It was told to end.
    Leaving,
}

/// One connection.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Unknown while somebody who connected to us is in the handshake.
    pub node: Option<NodeId>,
    pub address: Option<PeerAddress>,
    /// Unknown while a host name is looked up.
    pub ip: Option<IpAddr>,
    pub direction: Direction,
    pub is_trusted: bool,
    pub state: SlotState,
    pub since: Timestamp,
    pub was_connected: bool,
    /// It answered a question in this session.
    pub has_answered: bool,
    /// Headers it served in this session that passed every rule.
    pub verified: u64,
    pub cause: Option<DropCause>,
    pub meter: FloodMeter,
}

impl Slot {
    /// True when it is one of those that the limits on dialled peers are about.
    pub fn is_ordinary(&self) -> bool {
        self.direction == Direction::Outbound && !self.is_trusted && self.state != SlotState::Leaving
    }

    fn is_connected_outbound(&self) -> bool {
        self.direction == Direction::Outbound && self.state == SlotState::Connected
    }

    /// True when we dialled it and it answers, or is new.
    pub fn is_healthy(&self, now: Timestamp) -> bool {
        let is_new = self.since.saturating_add(FIRST_ANSWER_PATIENCE) > now;
        self.is_connected_outbound() && (self.has_answered || is_new)
    }

    /// True when we dialled it and its first answer has not come.
    fn is_awaited(&self) -> bool {
        self.is_connected_outbound() && !self.has_answered
    }

    fn counted_subnet(&self) -> Option<Subnet> {
        self.ip.filter(|ip| !is_local(*ip)).map(Subnet::of)
    }
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: BTreeMap<PeerId, Slot>,
}

impl Slots {
    pub fn insert(&mut self, peer: PeerId, slot: Slot) {
        self.slots.insert(peer, slot);
    }

    pub fn remove(&mut self, peer: PeerId) -> Option<Slot> {
        self.slots.remove(&peer)
    }

    pub fn get(&self, peer: PeerId) -> Option<&Slot> {
        self.slots.get(&peer)
    }

    pub fn get_mut(&mut self, peer: PeerId) -> Option<&mut Slot> {
        self.slots.get_mut(&peer)
    }

    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &Slot)> {
        self.slots.iter().map(|(peer, slot)| (*peer, slot))
    }

    /// A node is trusted from now on.
    pub fn trust(&mut self, node: &NodeId) {
        for slot in self.slots.values_mut().filter(|slot| slot.node.as_ref() == Some(node)) {
            slot.is_trusted = true;
        }
    }

    /// True when the node has a connection of any kind.
    pub fn has_node(&self, node: &NodeId) -> bool {
        self.slots.values().any(|slot| slot.node.as_ref() == Some(node))
    }

    /// Established sessions with peers that we dialled, trusted ones among them, which answer or are new.
    pub fn healthy(&self, now: Timestamp) -> usize {
        self.count(|slot| slot.is_healthy(now))
    }

    /// Established sessions with peers that we dialled and that answered.
    pub fn answering(&self) -> usize {
        self.count(|slot| slot.is_connected_outbound() && slot.has_answered)
    }

    /// Ordinary peers that should have answered something by now.
    pub fn useless(&self, now: Timestamp) -> Vec<PeerId> {
        let is_over = |slot: &Slot| slot.since.saturating_add(FIRST_ANSWER_DEADLINE) <= now;
        let is_useless = |slot: &Slot| slot.is_ordinary() && slot.is_awaited() && is_over(slot);
        self.iter().filter(|(_, slot)| is_useless(slot)).map(|(peer, _)| peer).collect()
    }

    /// The ordinary peer whose first answer is awaited the longest, if it has had its grace.
    pub fn slowest(&self, now: Timestamp) -> Option<PeerId> {
        let awaited = self.iter().filter(|(_, slot)| slot.is_ordinary() && slot.is_awaited());
        let (peer, slot) = awaited.min_by_key(|(_, slot)| slot.since)?;
        (slot.since.saturating_add(FIRST_ANSWER_GRACE) <= now).then_some(peer)
    }

    /// When silence next changes something: a peer stops being counted by [`Slots::healthy`], may have to make way, or
    /// becomes one of [`Slots::useless`].
    pub fn next_patience(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = [FIRST_ANSWER_PATIENCE, FIRST_ANSWER_GRACE, FIRST_ANSWER_DEADLINE];
        let awaited = self.slots.values().filter(|slot| slot.is_awaited());
        let times = awaited.flat_map(|slot| waits.map(|wait| slot.since.saturating_add(wait)));
        times.filter(|time| *time > now).min()
    }

    /// Established sessions.
    pub fn connected(&self) -> usize {
        self.count(|slot| slot.state == SlotState::Connected)
    }

    /// Established sessions with peers that connected to us.
    pub fn connected_inbound(&self) -> usize {
        self.count(|slot| slot.direction == Direction::Inbound && slot.state == SlotState::Connected)
    }

    /// Peers that nobody named, dialled or connected.
    pub fn ordinary(&self) -> impl Iterator<Item = (PeerId, &Slot)> {
        self.iter().filter(|(_, slot)| slot.is_ordinary())
    }

    /// Established sessions with ordinary peers.
    pub fn connected_ordinary(&self) -> usize {
        self.count(|slot| slot.is_ordinary() && slot.state == SlotState::Connected)
    }

    /// Ordinary peers being dialled.
    pub fn dialling(&self) -> usize {
        self.count(|slot| slot.is_ordinary() && slot.state == SlotState::Dialling)
    }

    /// Connections to us that are in their handshake.
    pub fn handshakes(&self) -> usize {
        self.count(|slot| slot.direction == Direction::Inbound && slot.state == SlotState::Dialling)
    }

    /// True when one more dialled peer with this address keeps the rule of subnets. `except` has its slot already.
    pub fn has_subnet_place(&self, ip: Option<IpAddr>, except: Option<PeerId>, limits: &SlotLimits) -> bool {
        let Some(subnet) = ip.filter(|ip| !is_local(*ip)).map(Subnet::of) else { return true };
        let mut counts: BTreeMap<Subnet, usize> = BTreeMap::new();
        for (peer, slot) in self.ordinary() {
            if Some(peer) != except
                && let Some(subnet) = slot.counted_subnet()
            {
                *counts.entry(subnet).or_default() += 1;
            }
        }
        let neighbours = counts.get(&subnet).copied().unwrap_or_default();
        let shared = counts.values().filter(|count| **count > 1).count();
        match neighbours {
            0 => limits.per_subnet > 0,
            1 => limits.per_subnet > 1 && shared < limits.shared_subnets,
            more => more < limits.per_subnet,
        }
    }

    /// Connections of any kind from or to the subnet of an address.
    pub fn in_subnet(&self, ip: IpAddr) -> usize {
        if is_local(ip) {
            return 0;
        }
        self.count(|slot| slot.counted_subnet() == Some(Subnet::of(ip)))
    }

    fn count(&self, predicate: impl Fn(&Slot) -> bool) -> usize {
        self.slots.values().filter(|slot| predicate(slot)).count()
    }
}
