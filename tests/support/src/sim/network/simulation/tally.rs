//! What is counted of a client's slots.

use std::collections::BTreeMap;

use rustock_core::{primitives::peer::Subnet, proto::time::Timestamp};

use super::NetworkSimulation;
use crate::sim::network::{client::Connection, population::Role};

/// What was seen of the client's slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// When it first had eight sessions with nodes that are of use and had answered.
    pub eight_healthy: Option<Timestamp>,
    /// When it first had eight sessions of any kind.
    pub eight_connected: Option<Timestamp>,
    /// Such sessions, at most eight of them, summed over the seconds since then.
    pub healthy_seconds: u64,
    /// Seconds since then.
    pub seconds_since_eight: u64,
    /// The most slots that hostile nodes held at once.
    pub most_hostile: usize,
    /// The most slots in one /16.
    pub most_in_subnet: usize,
    /// Slots held by hostile nodes, summed over the seconds.
    pub hostile_seconds: u64,
    /// Slots held, summed over the seconds.
    pub slot_seconds: u64,
    /// Seconds with eight or more sessions of which none was honest.
    pub eclipsed_seconds: u64,
    /// Seconds that were counted.
    pub seconds: u64,
}

impl NetworkSimulation {
    /// Looks at the slots after every change.
    pub(super) fn watch(&mut self) {
        let mut subnets: BTreeMap<Subnet, usize> = BTreeMap::new();
        let (mut hostile, mut all) = (0, 0);
        let healthy = self.healthy();
        for connection in self.client.sessions() {
            let role = connection.member.map(|member| self.population.members[member].role);
            *subnets.entry(Subnet::of(connection.address.ip())).or_default() += 1;
            hostile += usize::from(role.is_some_and(Role::is_hostile));
            all += 1;
        }
        let tally = &mut self.tally;
        tally.most_hostile = tally.most_hostile.max(hostile);
        let most = subnets.into_values().max().unwrap_or_default();
        tally.most_in_subnet = tally.most_in_subnet.max(most);
        if healthy >= 8 {
            tally.eight_healthy.get_or_insert(self.now);
        }
        if all >= 8 {
            tally.eight_connected.get_or_insert(self.now);
        }
    }

    /// Sessions with nodes that are of use, as the network knows them, and that answered.
    fn healthy(&self) -> usize {
        let is_of_use = |member: usize| self.population.members[member].role.is_of_use();
        let healthy =
            |connection: &&Connection| connection.has_answered && connection.member.is_some_and(is_of_use);
        self.client.sessions().filter(healthy).count()
    }

    pub(super) fn count(&mut self) {
        let roles = self.sessions();
        let hostile = roles.iter().filter(|(_, role)| role.is_hostile()).count();
        let healthy = self.healthy();
        if self.tally.eight_healthy.is_some() {
            self.tally.seconds_since_eight += 1;
            self.tally.healthy_seconds += healthy.min(8) as u64;
        }
        let tally = &mut self.tally;
        tally.seconds += 1;
        tally.slot_seconds += roles.len() as u64;
        tally.hostile_seconds += hostile as u64;
        tally.eclipsed_seconds += u64::from(roles.len() >= 8 && hostile == roles.len());
    }
}
