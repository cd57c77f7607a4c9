//! Who is in the network, where, and how they behave.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use rustock_core::{
    primitives::{hash::NodeId, peer::Subnet},
    proto::{
        discovery::{distance::Place, limits::BUCKET_SIZE},
        time::Timestamp,
    },
    wire::discovery::MessageId,
};

use crate::chainkit::Random;

/// The port of everybody.
const PORT: u16 = 5050;
/// /16s of the large hosters, where most of the honest public nodes are.
const HOSTERS: u64 = 40;
/// First byte of the attacker's own /16s; no honest node is there.
const ATTACKER: u8 = 198;

/// What a network is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Nodes, without the client.
    pub size: usize,
    /// How many of a hundred are hostile.
    pub hostile_percent: u64,
    /// How many /16s the hostile ones have; `None` when they are spread over the whole network.
    pub hostile_subnets: Option<u64>,
    /// The hostile ones hold connections and behave well, answer at every address that they own, tell of each
    /// other alone, are preferred in the tables of others, and ping the client all the time.
    pub is_eclipse: bool,
    /// Whether the honest public nodes are full at times, as most are.
    pub is_crowded: bool,
    /// Whether nodes leave and come back.
    pub has_churn: bool,
    /// Whether the client is behind a translator as well.
    pub is_client_translated: bool,
}

impl Plan {
    /// A thousand nodes of which 30 % do one bad thing or another.
    pub const MIXED: Self = Self {
        size: 1_000,
        hostile_percent: 30,
        hostile_subnets: None,
        is_eclipse: false,
        is_crowded: true,
        has_churn: true,
        is_client_translated: false,
    };

    /// A thousand nodes of which these are one attacker's.
    pub const fn eclipse(hostile_percent: u64, subnets: u64) -> Self {
        Self { hostile_percent, hostile_subnets: Some(subnets), is_eclipse: true, ..Self::MIXED }
    }
}

/// How a node behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Honest and reachable; has no place for us this often, of a hundred.
    Public {
        /// How often.
        full_percent: u64,
    },
    /// Honest and reachable, and so slow that each answer takes 25 seconds.
    Slow,
    /// Honest, answers UDP, cannot be dialled.
    Translated,
    /// The same, and hears only those to whom it wrote lately.
    Hidden,
    /// Hostile, and serves good headers: it wants the slot.
    Holder,
    /// Sends headers that are not valid.
    Liar,
    /// Answers nothing.
    Staller,
    /// Sends what nobody asked for.
    Flooder,
    /// Cannot be dialled, and tells of nodes that are not there.
    Decoy,
}

impl Role {
    /// True when an attacker runs it.
    pub fn is_hostile(self) -> bool {
        matches!(self, Self::Holder | Self::Liar | Self::Staller | Self::Flooder | Self::Decoy)
    }

    /// True when a session with it is of use.
    pub fn is_of_use(self) -> bool {
        matches!(self, Self::Public { .. } | Self::Slow | Self::Holder)
    }
}

/// A node and what it knows of the client.
#[derive(Debug)]
pub struct Member {
    /// Who it is.
    pub id: NodeId,
    /// Its id hashed.
    pub place: Place,
    /// Where it is.
    pub address: SocketAddr,
    /// How it behaves.
    pub role: Role,
    /// Whether it is there.
    pub is_up: bool,
    /// The id under which it has the client in its table.
    pub established: Option<NodeId>,
    /// Its ping to the client that is not answered.
    pub pending: Option<(MessageId, Timestamp)>,
    /// When it last wrote to the client.
    pub wrote: Option<Timestamp>,
    /// Until when it closes connections of the client without a byte.
    pub refuses_until: Timestamp,
    table: Option<(Timestamp, Vec<usize>)>,
}

/// Everybody but the client.
#[derive(Debug)]
pub struct Population {
    /// The nodes.
    pub members: Vec<Member>,
    plan: Plan,
    addresses: BTreeMap<SocketAddr, usize>,
}

impl Population {
    /// A population to plan. The first nodes, as many as boot nodes are asked for, are honest, public and mostly
    /// full.
    pub fn new(plan: Plan, boot_nodes: usize, random: &mut Random) -> Self {
        let mut population = Self { members: Vec::new(), plan, addresses: BTreeMap::new() };
        for index in 0..plan.size {
            let drawn = role(&plan, random);
            let role = match drawn {
                _ if index < boot_nodes && plan.is_crowded => Role::Public { full_percent: 90 },
                _ if index < boot_nodes => Role::Public { full_percent: 0 },
                Role::Public { .. } if !plan.is_crowded => Role::Public { full_percent: 0 },
                role => role,
            };
            let address = loop {
                let address = SocketAddr::new(population.draw_ip(role, random), PORT);
                if !population.addresses.contains_key(&address) {
                    break address;
                }
            };
            let member = population.add(address, role, random);
            population.members[member].is_up = index < boot_nodes || !plan.has_churn || !random.one_in(8);
        }
        population
    }

    fn draw_ip(&self, role: Role, random: &mut Random) -> IpAddr {
        if let (true, Some(subnets)) = (role.is_hostile(), self.plan.hostile_subnets) {
            return attacker_ip(subnets, random);
        }
        let [low, host] = [random.between(0, 255) as u8, random.between(1, 254) as u8];
        if random.between(1, 100) <= 60 {
            let hoster = random.between(0, HOSTERS - 1) as u8;
            return IpAddr::from([52, hoster, low, host]);
        }
        IpAddr::from([random.between(60, 99) as u8, random.between(0, 255) as u8, low, host])
    }

    fn add(&mut self, address: SocketAddr, role: Role, random: &mut Random) -> usize {
        let id = NodeId::new(random.array());
        self.addresses.insert(address, self.members.len());
        self.members.push(Member {
            id,
            place: Place::of(&id),
            address,
            role,
            is_up: true,
            established: None,
            pending: None,
            wrote: None,
            refuses_until: Timestamp::ZERO,
            table: None,
        });
        self.members.len() - 1
    }

    /// The node at an address. In an attacker's own subnets somebody is everywhere.
    pub fn at(&mut self, address: SocketAddr, random: &mut Random) -> Option<usize> {
        let known = self.addresses.get(&address).copied();
        if known.is_none() && self.plan.is_eclipse && self.is_owned(address.ip()) {
            return Some(self.add(address, Role::Holder, random));
        }
        known
    }

    /// True for the addresses that an attacker can have at will.
    pub fn is_owned(&self, ip: IpAddr) -> bool {
        let Subnet::V4([first, second]) = Subnet::of(ip) else { return false };
        first == ATTACKER && self.plan.hostile_subnets.is_some_and(|subnets| u64::from(second) < subnets)
    }

    /// An address of the attacker's.
    pub fn attacker_address(&self, random: &mut Random) -> Option<SocketAddr> {
        self.plan.hostile_subnets.map(|subnets| SocketAddr::new(attacker_ip(subnets, random), PORT))
    }

    /// The nodes that a node has in its table, as rskj fills it: 256 buckets of 16, whoever came first. Rebuilt
    /// every five minutes.
    pub fn table(&mut self, owner: usize, now: Timestamp) -> &[usize] {
        const AGE: core::time::Duration = core::time::Duration::from_secs(300);
        let is_fresh = self.members[owner].table.as_ref().is_some_and(|(made, _)| now.since(*made) < AGE);
        if !is_fresh {
            let table = self.build_table(owner);
            self.members[owner].table = Some((now, table));
        }
        self.members[owner].table.as_ref().map_or(&[], |(_, table)| table)
    }

    fn build_table(&self, owner: usize) -> Vec<usize> {
        let place = self.members[owner].place;
        let mut ranked: Vec<(u64, usize)> = (0..self.plan.size)
            .filter(|index| *index != owner && self.members[*index].is_up)
            .map(|index| {
                let rank = Random::from_parts(&[owner as u64, index as u64]).next_u64();
                let is_preferred = self.plan.is_eclipse && self.members[index].role.is_hostile();
                (if is_preferred { rank / 4 } else { rank }, index)
            })
            .collect();
        ranked.sort_unstable();
        let mut taken = [0usize; 257];
        ranked
            .into_iter()
            .map(|(_, index)| index)
            .filter(|index| {
                let bucket = usize::from(place.distance(&self.members[*index].place));
                taken[bucket] += 1;
                taken[bucket] <= BUCKET_SIZE
            })
            .collect()
    }

    /// True when the bucket that the client belongs in has a place.
    pub fn has_room_for(&mut self, owner: usize, client: &Place, now: Timestamp) -> bool {
        let place = self.members[owner].place;
        let bucket = place.distance(client);
        let table = self.table(owner, now).to_vec();
        let neighbours = table.iter().filter(|index| place.distance(&self.members[**index].place) == bucket);
        neighbours.count() < BUCKET_SIZE
    }

    /// What a node tells the client of: the nearest 14 and 5 others, as rskj draws them. The hostile tell of their
    /// own, and decoys of addresses where nobody is.
    pub fn neighbors(
        &mut self,
        owner: usize,
        client: &Place,
        now: Timestamp,
        random: &mut Random,
    ) -> Vec<(SocketAddr, NodeId)> {
        const NEAREST: usize = 14;
        const DRAWN: usize = 5;
        let role = self.members[owner].role;
        if role.is_hostile() && (self.plan.is_eclipse || role == Role::Decoy) {
            return (0..20)
                .map(|_| {
                    let own = self.attacker_address(random);
                    let nowhere = SocketAddr::new(self.draw_ip(Role::Hidden, random), PORT);
                    (own.unwrap_or(nowhere), NodeId::new(random.array()))
                })
                .collect();
        }
        let mut sorted = self.table(owner, now).to_vec();
        sorted.sort_by_key(|index| client.distance(&self.members[*index].place));
        if sorted.len() > NEAREST + DRAWN + 1 {
            let mut rest = sorted.split_off(NEAREST + 1);
            sorted.pop();
            for _ in 0..DRAWN {
                let drawn = random.between(0, rest.len() as u64 - 1) as usize;
                sorted.push(rest.swap_remove(drawn));
            }
        }
        sorted.into_iter().map(|index| (self.members[index].address, self.members[index].id)).collect()
    }
}

fn attacker_ip(subnets: u64, random: &mut Random) -> IpAddr {
    let subnet = random.between(0, subnets.max(1) - 1) as u8;
    IpAddr::from([ATTACKER, subnet, random.between(0, 255) as u8, random.between(1, 254) as u8])
}

fn role(plan: &Plan, random: &mut Random) -> Role {
    if random.between(1, 100) <= plan.hostile_percent {
        if plan.is_eclipse {
            return Role::Holder;
        }
        return match random.between(1, 10) {
            1..=4 => Role::Holder,
            5..=6 => Role::Liar,
            7 => Role::Staller,
            8 => Role::Flooder,
            _ => Role::Decoy,
        };
    }
    match random.between(1, 100) {
        // rskj has 30 places for all its peers, so that many of the public nodes are always full.
        1..=15 => Role::Public { full_percent: 100 },
        16..=35 => Role::Public { full_percent: 50 },
        36..=50 => Role::Public { full_percent: 10 },
        51..=55 => Role::Slow,
        56..=75 => Role::Translated,
        _ => Role::Hidden,
    }
}
