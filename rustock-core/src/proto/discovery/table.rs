//! The nodes that have proved their address: 256 buckets by distance, the longest unseen first in each.
//!
//! Where it leaves rskj's `NodeDistanceTable`: a node that is in a full bucket already is refreshed instead of
//! starting a challenge, and no subnet may have more than its share.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::address::Subnet;
use super::distance::Place;
use super::limits::{BUCKET_SIZE, SUBNET_IN_BUCKET, SUBNET_IN_TABLE};
use crate::primitives::hash::NodeId;

/// A node of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Who it is.
    pub id: NodeId,
    /// Where it proved to be when it was added.
    pub address: SocketAddr,
}

/// What became of a node that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is in the table now.
    New,
    /// It was in the table, with the address that stays its own, and is seen now.
    Refreshed,
    /// Its bucket is full. This node was not seen the longest and has to show that it is still there.
    Full(Node),
    /// Too many of its subnet are in the table or in the bucket.
    SubnetFull,
    /// It is ourselves.
    Ourselves,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    address: SocketAddr,
    place: Place,
}

/// The table.
#[derive(Debug)]
pub struct NodeTable {
    local_id: NodeId,
    local: Place,
    entries: BTreeMap<NodeId, Entry>,
    /// By bucket: ids, the longest unseen first.
    buckets: BTreeMap<u16, Vec<NodeId>>,
    addresses: BTreeSet<(SocketAddr, NodeId)>,
    subnets: BTreeMap<Subnet, usize>,
}

impl NodeTable {
    /// An empty table around our own node.
    pub fn new(local_id: NodeId) -> Self {
        Self {
            local_id,
            local: Place::of(&local_id),
            entries: BTreeMap::new(),
            buckets: BTreeMap::new(),
            addresses: BTreeSet::new(),
            subnets: BTreeMap::new(),
        }
    }

    /// How many nodes are in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without nodes.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The node with this id.
    pub fn get(&self, id: &NodeId) -> Option<Node> {
        self.entries.get(id).map(|entry| Node { id: *id, address: entry.address })
    }

    /// True when a node is at this address.
    pub fn has_address(&self, address: SocketAddr) -> bool {
        self.addresses.range((address, NodeId::ZERO)..).next().is_some_and(|(found, _)| *found == address)
    }

    /// Adds a node that has just proved to be at `address`, or marks it as seen.
    pub fn add(&mut self, id: NodeId, address: SocketAddr) -> Added {
        if id == self.local_id {
            return Added::Ourselves;
        }
        if self.entries.contains_key(&id) {
            self.mark_seen(&id);
            return Added::Refreshed;
        }
        let place = Place::of(&id);
        let index = self.bucket_of(&place);
        let bucket = self.buckets.get(&index).map_or(&[][..], Vec::as_slice);
        let subnet = Subnet::of(address.ip());
        if let Some(subnet) = subnet {
            let in_bucket = bucket.iter().filter(|id| self.subnet_of(id) == Some(subnet)).count();
            let in_table = self.subnets.get(&subnet).copied().unwrap_or(0);
            if in_bucket >= SUBNET_IN_BUCKET || in_table >= SUBNET_IN_TABLE {
                return Added::SubnetFull;
            }
        }
        if bucket.len() >= BUCKET_SIZE
            && let Some(oldest) = bucket.first().and_then(|id| self.get(id))
        {
            return Added::Full(oldest);
        }
        self.buckets.entry(index).or_default().push(id);
        self.entries.insert(id, Entry { address, place });
        self.addresses.insert((address, id));
        if let Some(subnet) = subnet {
            *self.subnets.entry(subnet).or_default() += 1;
        }
        Added::New
    }

    /// Takes a node out.
    pub fn remove(&mut self, id: &NodeId) -> Option<Node> {
        let entry = self.entries.remove(id)?;
        let index = self.bucket_of(&entry.place);
        if let Some(bucket) = self.buckets.get_mut(&index) {
            bucket.retain(|other| other != id);
            if bucket.is_empty() {
                self.buckets.remove(&index);
            }
        }
        self.addresses.remove(&(entry.address, *id));
        if let Some(subnet) = Subnet::of(entry.address.ip())
            && let Some(count) = self.subnets.get_mut(&subnet)
        {
            *count -= 1;
            if *count == 0 {
                self.subnets.remove(&subnet);
            }
        }
        Some(Node { id: *id, address: entry.address })
    }

    /// Makes a node the last seen of its bucket. Nothing happens when it is not in the table.
    pub fn mark_seen(&mut self, id: &NodeId) {
        let Some(entry) = self.entries.get(id) else { return };
        let index = self.bucket_of(&entry.place);
        if let Some(bucket) = self.buckets.get_mut(&index)
            && let Some(position) = bucket.iter().position(|other| other == id)
        {
            bucket[position..].rotate_left(1);
        }
    }

    /// All nodes, the nearest to `id` first. Only the distance counts, as in rskj; nodes at the same distance
    /// are in the order of their ids.
    pub fn nearest_to(&self, id: &NodeId) -> Vec<Node> {
        let place = Place::of(id);
        let mut nodes: Vec<(u16, Node)> = self
            .entries
            .iter()
            .map(|(id, entry)| (entry.place.distance(&place), Node { id: *id, address: entry.address }))
            .collect();
        nodes.sort_by_key(|(distance, _)| *distance);
        nodes.into_iter().map(|(_, node)| node).collect()
    }

    /// All nodes in the order of their ids.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.entries.iter().map(|(id, entry)| Node { id: *id, address: entry.address })
    }

    fn bucket_of(&self, place: &Place) -> u16 {
        self.local.distance(place).saturating_sub(1)
    }

    fn subnet_of(&self, id: &NodeId) -> Option<Subnet> {
        self.entries.get(id).and_then(|entry| Subnet::of(entry.address.ip()))
    }
}

#[cfg(test)]
mod tests;
