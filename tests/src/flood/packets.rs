//! A flood of discovery packets: spoofed ones, huge ones, and those of nodes that answer everything with lies.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use rustock_core::{
    primitives::hash::NodeId,
    proto::{
        discovery::{
            Action, Discovery, DiscoveryConfig, Identity, Input, Packets, distance::Place,
            limits::BUCKET_SIZE, limits::NODES_IN_ANSWER,
        },
        time::Timestamp,
    },
    wire::{
        discovery::{
            Endpoint, FindNode, Message, MessageId, Neighbor, Neighbors, Ping, Pong, encode_packet,
            packet::MAX_PACKET_BYTES,
        },
        rlpx::keys::SecretKey,
    },
};
use rustock_test_support::{
    chainkit::Random,
    sim::network::{UnsignedPackets, packet_of},
};

use super::{address_in, any_address, meter::Meter};

const NETWORK: u32 = 775;
/// Keys that the attacker draws to fill as many buckets as he can.
const KEYS_DRAWN: usize = 200_000;
/// Packets that were made before the flood.
const PREPARED: usize = 64;
/// The longest host name.
const NAME_BYTES: usize = 253;

/// A machine that knows nobody, of unsigned packets: a million signatures would take minutes.
pub fn fresh_machine() -> Discovery<UnsignedPackets> {
    machine()
}

/// The same with the packets of a network.
pub fn signed_machine() -> Discovery {
    machine()
}

fn machine<P: Packets>() -> Discovery<P> {
    let key = SecretKey::from_bytes(&[7; 32]).expect("in range");
    let identity = Identity { key, endpoint: address_in(39_999, 1) };
    let config = DiscoveryConfig { network_id: NETWORK, boot_nodes: Vec::new(), local_networks: false };
    Discovery::with_packets(config, identity, [1; 32], Timestamp::ZERO)
}

/// The attacker's side.
#[derive(Debug)]
pub struct PacketFlood {
    random: Random,
    /// Nodes of his that are there: one in each of as many subnets, as many as the table has room for.
    nodes: Vec<(NodeId, SocketAddr)>,
    ids: BTreeMap<SocketAddr, NodeId>,
    huge: Vec<Vec<u8>>,
    /// Answers on the way.
    answers: VecDeque<(SocketAddr, Vec<u8>)>,
    sent: u64,
}

impl PacketFlood {
    /// Against a node with this id.
    pub fn new(victim: &NodeId, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let place = Place::of(victim);
        let mut in_bucket: BTreeMap<u16, usize> = BTreeMap::new();
        let mut nodes = Vec::new();
        for _ in 0..KEYS_DRAWN {
            let id = NodeId::new(random.array());
            let count = in_bucket.entry(Place::of(&id).distance(&place)).or_default();
            if *count < BUCKET_SIZE {
                *count += 1;
                nodes.push((id, address_in(nodes.len(), 1)));
            }
        }
        let ids = nodes.iter().map(|(id, address)| (*address, *id)).collect();
        let huge = (0..PREPARED).map(|_| huge_packet(&mut random)).collect();
        Self { random, nodes, ids, huge, answers: VecDeque::new(), sent: 0 }
    }

    /// Sends so many packets, a thousand a second, and does whatever keeps the machine busy with what it sends.
    /// What it finds is told.
    pub fn run(
        &mut self,
        packets: u64,
        machine: &mut Discovery<UnsignedPackets>,
        meter: &mut Meter,
        mut found: impl FnMut(&mut Meter, Timestamp, Action),
    ) {
        for _ in 0..packets {
            let now = self.now();
            self.sent += 1;
            let (from, packet) = meter.outside(|| self.next_packet());
            machine.handle(now, Input::Received { from, packet: &packet });
            meter.outside(|| drop(packet));
            while let Some(action) = machine.next_action() {
                match &action {
                    Action::Send { to, packet } => meter.outside(|| self.answer(*to, packet)),
                    // A name that leads to as many addresses as are looked at.
                    Action::Resolve { host } => {
                        let addresses = [1, 2, 3, 4].map(|_| any_address(&mut self.random).ip());
                        machine.handle(now, Input::Resolved { host, addresses: &addresses });
                    }
                    Action::Found { .. } | Action::Lost { .. } | Action::RenewKey { .. } => {}
                }
                found(meter, now, action);
            }
        }
    }

    /// The time of the flood.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000 + self.sent)
    }

    fn next_packet(&mut self) -> (SocketAddr, Vec<u8>) {
        let stranger = any_address(&mut self.random);
        let message_id = MessageId::from_random(self.random.array());
        match self.sent % 8 {
            0 | 1 => {
                let id = NodeId::new(self.random.array());
                (stranger, packet_of(&ping(stranger, message_id), &id))
            }
            2 => {
                let (id, address) = self.any_node();
                (address, packet_of(&ping(address, message_id), &id))
            }
            // An answer is what costs a machine the most time, and leaves nothing behind.
            3 if (self.sent / 8).is_multiple_of(4) => {
                let (id, address) = self.any_node();
                let target = vec![1; 64];
                let message = FindNode { target, message_id, network_id: Some(NETWORK) };
                (address, packet_of(&Message::FindNode(message), &id))
            }
            3 | 4 => (stranger, self.huge[self.sent as usize / 8 % PREPARED].clone()),
            5 => {
                let (_, address) = self.any_node();
                (address, self.huge[self.sent as usize / 8 % PREPARED].clone())
            }
            6 => {
                let (id, address) = self.any_node();
                (address, packet_of(&pong(address, message_id), &id))
            }
            _ => self.answers.pop_front().unwrap_or((stranger, vec![0xff; MAX_PACKET_BYTES])),
        }
    }

    /// Whoever is asked by name answers, and with as much as is read.
    fn answer(&mut self, from: SocketAddr, packet: &[u8]) {
        let Some(id) = self.ids.get(&from).copied() else { return };
        let Ok((_, message)) = UnsignedPackets::open(packet) else { panic!("its own packet") };
        let answer = match message {
            Message::Ping(ping) => pong(from, ping.message_id),
            Message::FindNode(find) => {
                Message::Neighbors(neighbors(&mut self.random, NODES_IN_ANSWER, find.message_id))
            }
            Message::Pong(_) | Message::Neighbors(_) => return,
        };
        // At its limit he has as much on the way as will ever be taken.
        if self.answers.len() < 4_096 {
            self.answers.push_back((from, packet_of(&answer, &id)));
        }
    }

    fn any_node(&mut self) -> (NodeId, SocketAddr) {
        self.nodes[self.random.between(0, self.nodes.len() as u64 - 1) as usize]
    }
}

/// Packets with true signatures of many keys, of every kind and as large as they may be.
pub fn signed_packets(count: u32) -> Vec<Vec<u8>> {
    let mut random = Random::new(8);
    let packets = (1..=count).map(|number| {
        let mut bytes = [5; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let key = SecretKey::from_bytes(&bytes).expect("in range");
        let (address, message_id) = (any_address(&mut random), MessageId::from_random(random.array()));
        let message = match number % 4 {
            0 => ping(address, message_id),
            1 => pong(address, message_id),
            // As long as fits beside hash, signature, type, id and network.
            2 => {
                let target = random.bytes(MAX_PACKET_BYTES - 200);
                Message::FindNode(FindNode { target, message_id, network_id: Some(NETWORK) })
            }
            _ => Message::Neighbors(neighbors(&mut random, NODES_IN_ANSWER, message_id)),
        };
        encode_packet(&message, &key)
    });
    packets.collect()
}

/// A ping as an honest node sends it.
pub fn ping(endpoint: SocketAddr, message_id: MessageId) -> Message {
    Message::Ping(Ping { endpoint: Endpoint::from(endpoint), message_id, network_id: Some(NETWORK) })
}

/// A pong as an honest node sends it.
pub fn pong(endpoint: SocketAddr, message_id: MessageId) -> Message {
    Message::Pong(Pong { endpoint: Endpoint::from(endpoint), message_id, network_id: Some(NETWORK) })
}

/// Addresses and the longest names, by turns.
fn neighbors(random: &mut Random, count: usize, message_id: MessageId) -> Neighbors {
    let nodes = (0..count).map(|number| {
        let host = match number % 2 {
            0 => any_address(random).ip().to_string(),
            _ => format!("{:0>width$}", random.next_u64(), width = NAME_BYTES),
        };
        Neighbor { host, port: 5050, id: random.bytes(64) }
    });
    Neighbors { nodes: nodes.collect(), message_id, network_id: Some(NETWORK) }
}

/// As many neighbours as a packet holds.
fn huge_packet(random: &mut Random) -> Vec<u8> {
    let id = NodeId::new(random.array());
    let message_id = MessageId::from_random(random.array());
    let mut count = NODES_IN_ANSWER;
    loop {
        let message = neighbors(random, count + 1, message_id);
        let packet = packet_of(&Message::Neighbors(message), &id);
        if packet.len() > MAX_PACKET_BYTES {
            let message = neighbors(random, count, message_id);
            return packet_of(&Message::Neighbors(message), &id);
        }
        count += 1;
    }
}
