//! The one node that is ours.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use rustock_core::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{PeerBatch, SavedPeers},
    },
    proto::{
        discovery::{BootNode, Discovery, DiscoveryConfig, Identity},
        peers::{PeerConfig, PeerMachine},
        sync::PeerId,
        time::Timestamp,
    },
    wire::rlpx::keys::SecretKey,
};

use super::unsigned::UnsignedPackets;
use crate::chainkit::Random;

/// The network that all speak of.
pub const NETWORK_ID: u32 = 775;

/// A connection that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// With whom it is, if anybody is there.
    pub member: Option<usize>,
    pub node: NodeId,
    pub address: SocketAddr,
    pub is_established: bool,
    pub is_leaving: bool,
    pub has_answered: bool,
}

#[derive(Debug)]
pub struct Client {
    pub discovery: Discovery<UnsignedPackets>,
    pub peers: PeerMachine,
    pub address: SocketAddr,
    pub connections: BTreeMap<PeerId, Connection>,
    /// To whom it wrote and when, as its translator keeps it.
    pub written: BTreeMap<SocketAddr, Timestamp>,
    pub saved: SavedPeers,
    pub packets_sent: u64,
    /// Whom it dialled since it started. A test looks at hours, so this stays small.
    pub dialled: Vec<NodeId>,
}

impl Client {
    pub fn new(
        boot_nodes: Vec<BootNode>,
        saved: SavedPeers,
        now: Timestamp,
        wall: UnixTime,
        random: &mut Random,
    ) -> Self {
        let address = SocketAddr::from(([55, 1, 2, 3], 5050));
        let config = DiscoveryConfig { network_id: NETWORK_ID, boot_nodes, local_networks: false };
        let identity = Identity { key: key(random), endpoint: address };
        Self {
            discovery: Discovery::with_packets(config, identity, random.array(), now),
            peers: PeerMachine::new(PeerConfig::default(), saved.clone(), random.next_u64(), now, wall),
            address,
            connections: BTreeMap::new(),
            written: BTreeMap::new(),
            saved,
            packets_sent: 0,
            dialled: Vec::new(),
        }
    }

    /// Sessions that are established and were not told to end.
    pub fn sessions(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(|connection| connection.is_established && !connection.is_leaving)
    }

    /// Does what a store does.
    pub fn persist(&mut self, batch: PeerBatch) {
        let mut records: BTreeMap<_, _> =
            self.saved.records.drain(..).map(|record| (record.id, record)).collect();
        records.extend(batch.records.into_iter().map(|record| (record.id, record)));
        batch.forgotten.iter().for_each(|id| drop(records.remove(id)));
        self.saved.records = records.into_values().collect();
        let mut bans: BTreeMap<_, _> = self.saved.bans.drain(..).map(|ban| (ban.subject, ban)).collect();
        bans.extend(batch.bans.into_iter().map(|ban| (ban.subject, ban)));
        batch.lifted.iter().for_each(|subject| drop(bans.remove(subject)));
        self.saved.bans = bans.into_values().collect();
    }
}

/// A key.
pub fn key(random: &mut Random) -> SecretKey {
    loop {
        if let Ok(key) = SecretKey::from_bytes(&random.array()) {
            return key;
        }
    }
}
