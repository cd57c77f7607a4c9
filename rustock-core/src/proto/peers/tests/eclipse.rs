//! An attacker with two /16s floods the book, and behaves well.

use core::time::Duration;

use super::host::{Host, address};
use crate::{
    primitives::{
        hash::NodeId,
        peer::{PeerSource, SavedPeers, Subnet},
    },
    proto::{
        peers::{Ending, Input, PeerConfig, book::NEW_PER_SUBNET},
        time::Timestamp,
    },
};

const HONEST: u32 = 100;

fn is_hostile(node: Option<NodeId>) -> bool {
    node.is_some_and(|node| {
        u32::from_be_bytes(node.as_bytes()[..4].try_into().expect("four bytes")) >= HONEST
    })
}

fn hostile_slots(host: &Host) -> usize {
    host.connections
        .values()
        .filter(|connection| {
            is_hostile(connection.node) && connection.is_established && !connection.is_leaving
        })
        .count()
}

/// Half of the honest are behind a NAT and never answer; every hostile one does, and serves good headers.
fn answer(host: &mut Host) {
    while let Some(peer) = host.to_dial.pop_front() {
        let Some(connection) = host.connections.get(&peer).cloned() else { continue };
        let id = connection.node.expect("dialled");
        let is_unreachable = !is_hostile(Some(id)) && id.as_bytes()[3] % 2 == 1;
        if is_unreachable {
            host.end(peer, Ending::Unreachable);
        } else {
            host.establish(peer);
            let (headers, bytes, waited) = (192, 200_000, Duration::from_millis(200));
            host.handle(Input::HeadersVerified { peer, headers, bytes, waited, latency: waited });
        }
        host.finish_leaving();
        assert!(hostile_slots(host) <= 3, "{} hostile slots", hostile_slots(host));
    }
}

#[test]
fn two_subnets_hold_three_of_eight_slots_at_most_however_many_addresses_they_flood() {
    for seed in 0..4 {
        let config = PeerConfig { rotation: Duration::from_secs(60), ..PeerConfig::default() };
        let mut host = Host::new(config, SavedPeers::default(), seed);
        for flood in 0..1_000u32 {
            let subnet = 200 + (flood % 2) as u8;
            host.discover(HONEST + flood, address(subnet, flood as u16));
            if flood % 10 == 0 {
                let honest = flood / 10;
                host.discover(honest, address((honest % 40) as u8, honest as u16));
            }
            answer(&mut host);
        }
        for minute in 0..60 {
            host.pass(Timestamp::from_millis(minute * 60_000));
            host.finish_leaving();
            answer(&mut host);
        }
        assert_eq!(host.established(), 8);
        let flooded = host.machine.book().records().filter(|record| {
            matches!(Subnet::of(record.address.ip().expect("numbers")), Subnet::V4([203, 200 | 201]))
        });
        assert!(flooded.count() <= 2 * (NEW_PER_SUBNET + crate::proto::peers::book::TRIED_PER_SUBNET));
    }
}

#[test]
fn a_flood_pushes_out_no_proven_peer() {
    let mut host = Host::new(PeerConfig::default(), SavedPeers::default(), 1);
    for index in 0..8 {
        host.discover(index, address(index as u8, 1));
        let peer = host.connection_of(index).expect("dialled");
        host.establish(peer);
        let waited = Duration::from_millis(100);
        host.handle(Input::HeadersVerified { peer, headers: 192, bytes: 100_000, waited, latency: waited });
    }
    for index in 0..6_000u32 {
        let [_, a, b, c] = index.to_be_bytes();
        let ip = core::net::IpAddr::from([11 + b / 8, c, a, b]);
        let place = crate::primitives::peer::PeerAddress::from_ip(ip, 5050);
        host.discover(HONEST + index, place);
    }
    for index in 0..8 {
        assert!(host.machine.book().is_tried(&super::host::node(index)));
    }
    let known = host.machine.book().records().filter(|record| record.source == PeerSource::Discovered);
    assert!(known.count() > 500);
}
