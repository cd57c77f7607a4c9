//! What the machine does, one promise at a time.

use core::{net::IpAddr, time::Duration};

use super::host::{Host, WALL, address, host, node};
use crate::{
    primitives::{
        number::UnixTime,
        peer::{BanSubject, PeerAddress, PeerRecord, PeerSource, SavedPeers},
    },
    proto::{
        peers::{
            Direction, DropCause, Ending, Input, NotTaken, PeerConfig, PeerReport, SlotLimits, SlotState,
        },
        session::SessionEnd,
        time::Timestamp,
    },
    wire::p2p::DisconnectReason,
};

fn proven(index: u32, subnet: u8, headers: u64) -> PeerRecord {
    let mut record = PeerRecord::new(node(index), address(subnet, 1), PeerSource::Discovered);
    record.verified_headers = headers;
    record.last_success = Some(WALL);
    record
}

fn limits(target: usize) -> PeerConfig {
    PeerConfig { limits: SlotLimits { target, ..SlotLimits::default() }, ..PeerConfig::default() }
}

#[test]
fn a_warm_start_dials_the_best_proven_peers_first_and_asks_discovery_for_nothing() {
    let saved = SavedPeers {
        records: (0..20).map(|index| proven(index, index as u8, 1 << index)).collect(),
        bans: Vec::new(),
    };
    let mut host = Host::new(PeerConfig::default(), saved, 3);
    host.handle(Input::TimerFired);
    assert_eq!(host.dialled[..2], [node(19), node(18)]);
    assert_eq!(host.dialled.len(), 8);
    assert!(!host.wants_more);
}

#[test]
fn an_empty_book_asks_discovery_until_the_slots_are_filled() {
    let mut host = host();
    host.handle(Input::TimerFired);
    assert!(host.wants_more);
    for index in 0..8 {
        host.discover(index, address(index as u8, 1));
        let peer = host.connection_of(index).expect("dialled at once");
        host.establish(peer);
    }
    assert!(!host.wants_more);
    assert_eq!(host.established(), 8);
    host.discover(8, address(8, 1));
    assert_eq!(host.connection_of(8), None);
    let peer = host.connection_of(0).expect("connected");
    host.end(peer, Ending::Lost);
    assert!(host.connection_of(8).is_some());
}

#[test]
fn discovery_goes_on_while_strangers_are_dialled_and_rests_while_enough_proven_peers_are() {
    let mut host = host();
    for index in 0..16 {
        host.discover(index, address(index as u8, 1));
    }
    assert_eq!(host.to_dial.len(), 8);
    assert!(host.wants_more, "most strangers are full or not there");

    let records: Vec<PeerRecord> = (0..8).map(|index| proven(index, index as u8, 1)).collect();
    let mut host = Host::new(PeerConfig::default(), SavedPeers { records, bans: Vec::new() }, 1);
    host.handle(Input::TimerFired);
    assert!(!host.wants_more);
    let peer = host.connection_of(7).expect("dialled");
    host.end(peer, Ending::Unreachable);
    assert!(host.wants_more, "seven are not enough");
}

#[test]
fn for_a_single_free_slot_eight_strangers_are_dialled_or_four_proven_peers_and_for_none_nobody() {
    let proven: Vec<PeerRecord> = (0..24).map(|index| proven(index, index as u8, 1)).collect();
    for (records, at_once) in [(Vec::new(), 8), (proven, 4)] {
        let mut host = Host::new(PeerConfig::default(), SavedPeers { records, bans: Vec::new() }, 1);
        for index in 0..24 {
            host.discover(index, address(index as u8, 1));
        }
        for _ in 0..7 {
            let peer = host.to_dial.pop_front().expect("dialled");
            host.establish(peer);
        }
        let dialling = |host: &Host| host.connections.values().filter(|open| !open.is_established).count();
        for _ in 0..8 {
            let peer = host.to_dial.pop_front().expect("dialled");
            host.end(peer, Ending::Unreachable);
        }
        assert_eq!(dialling(&host), at_once, "others take their turn");
        let peer = host.connections.iter().find(|(_, open)| !open.is_established).map(|(peer, _)| *peer);
        host.establish(peer.expect("dialled"));
        let before = host.dialled.len();
        host.finish_leaving();
        host.pass_seconds(1);
        assert_eq!((host.established(), host.dialled.len()), (8, before));
    }
}

#[test]
fn a_subnet_gets_two_slots_and_only_one_subnet_does() {
    let mut host = host();
    for index in 0..30 {
        host.discover(index, address((index % 3) as u8, index as u16));
    }
    let count = |host: &Host, subnet: u8| {
        let of_it = |connection: &&super::host::Connection| {
            connection.address.ip().is_some_and(|ip| matches!(ip, IpAddr::V4(ip) if ip.octets()[1] == subnet))
        };
        host.connections.values().filter(of_it).count()
    };
    let mut counts = [count(&host, 0), count(&host, 1), count(&host, 2)];
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 2]);
}

#[test]
fn a_trusted_peer_is_dialled_though_all_slots_are_taken_and_ordinary_ones_wait_for_it() {
    let mut host = Host::new(limits(2), SavedPeers::default(), 1);
    for index in 0..2 {
        host.discover(index, address(index as u8, 1));
        let peer = host.connection_of(index).expect("dialled");
        host.establish(peer);
    }
    host.trust(9, address(0, 9));
    let trusted = host.connection_of(9).expect("dialled though full, and though its subnet is taken");
    host.establish(trusted);
    assert_eq!(host.established(), 3);
    // With the trusted one there is one ordinary slot, which is taken.
    let peer = host.connection_of(0).expect("connected");
    host.end(peer, Ending::Lost);
    host.pass_seconds(3_600);
    assert_eq!(host.connection_of(0), None);
}

#[test]
fn a_lost_trusted_peer_is_dialled_again_in_doubling_pauses_of_up_to_a_minute() {
    let mut host = host();
    host.trust(1, address(1, 1));
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        let peer = host.connection_of(1).expect("dialled");
        host.end(peer, Ending::Unreachable);
        host.pass_seconds(pause - 1);
        assert_eq!(host.connection_of(1), None, "{pause} s");
        // Up to a quarter longer, by chance.
        host.pass_seconds(pause / 4 + 2);
        assert!(host.connection_of(1).is_some(), "{pause} s");
    }
    let peer = host.connection_of(1).expect("dialled");
    host.establish(peer);
    host.pass_seconds(30);
    host.end(peer, Ending::Lost);
    host.pass_seconds(2);
    assert!(host.connection_of(1).is_some(), "a good session makes a new start");
}

#[test]
fn a_peer_that_has_no_place_for_us_is_left_alone_for_more_than_ten_seconds() {
    for is_trusted in [true, false] {
        let mut host = host();
        if is_trusted {
            host.trust(1, address(1, 1));
        } else {
            host.discover(1, address(1, 1));
        }
        let peer = host.connection_of(1).expect("dialled");
        host.end(peer, Ending::Session(SessionEnd::RemoteDisconnect(DisconnectReason::TooManyPeers)));
        host.pass_seconds(14);
        assert_eq!(host.connection_of(1), None);
        host.pass_seconds(6);
        assert!(host.connection_of(1).is_some(), "it is not forgotten");
    }
}

#[test]
fn who_comes_when_all_slots_are_filled_is_told_so() {
    let mut host = Host::new(limits(1), SavedPeers::default(), 1);
    host.discover(1, address(1, 1));
    host.discover(2, address(2, 1));
    let (one, two) = (host.connection_of(1).expect("dialled"), host.connection_of(2).expect("dialled"));
    host.establish(one);
    host.establish(two);
    assert_eq!(host.dropped, [(two, DropCause::NoPlace)]);
    assert_eq!(DropCause::NoPlace.disconnect_reason(), DisconnectReason::TooManyPeers);
}

#[test]
fn a_slot_is_given_to_another_peer_in_turn_and_never_one_of_the_better_half() {
    let config = PeerConfig { limits: limits(4).limits, ..PeerConfig::default() };
    let mut host = Host::new(config.clone(), SavedPeers::default(), 5);
    for index in 0..4 {
        host.discover(index, address(index as u8, 1));
        let peer = host.connection_of(index).expect("dialled");
        host.establish(peer);
        let waited = Duration::from_millis(100);
        host.handle(Input::HeadersVerified {
            peer,
            headers: 10 << (4 * index),
            bytes: 1_000,
            waited,
            latency: waited,
        });
    }
    host.pass(Timestamp::from_millis(config.rotation.as_millis() as u64));
    assert!(host.dropped.is_empty(), "there is nobody else");
    host.discover(7, address(7, 1));
    host.pass_seconds(config.rotation.as_secs());
    assert_eq!(host.dropped.len(), 1);
    let (peer, cause) = host.dropped[0];
    assert_eq!(cause, DropCause::Rotated);
    let worse = [host.connection_of(0), host.connection_of(1)];
    assert!(worse.contains(&Some(peer)));
    host.finish_leaving();
    assert!(host.connection_of(7).is_some());
}

#[test]
fn only_verified_headers_prove_a_peer() {
    let mut host = host();
    host.discover(1, address(1, 1));
    let peer = host.connection_of(1).expect("dialled");
    host.establish(peer);
    host.pass_seconds(7_200);
    assert!(!host.machine.book().is_tried(&node(1)));
    let waited = Duration::from_millis(500);
    host.handle(Input::HeadersVerified { peer, headers: 0, bytes: 9_000, waited, latency: waited });
    assert!(!host.machine.book().is_tried(&node(1)));
    host.handle(Input::HeadersVerified { peer, headers: 192, bytes: 200_000, waited, latency: waited });
    assert!(host.machine.book().is_tried(&node(1)));
    let view = &host.machine.peers()[0];
    assert_eq!((view.bytes_per_second, view.latency_millis, view.verified_headers), (400_000, 500, 192));
    assert_eq!((view.direction, view.state), (Direction::Outbound, SlotState::Connected));
}

#[test]
fn the_users_ban_closes_the_connection_holds_over_a_restart_and_ends_when_it_is_lifted() {
    let mut host = host();
    host.trust(1, address(1, 1));
    let peer = host.connection_of(1).expect("dialled");
    host.establish(peer);
    let subject = BanSubject::Node(node(1));
    host.handle(Input::Ban { subject, duration: None });
    assert_eq!(host.dropped, [(peer, DropCause::Banned)]);
    host.finish_leaving();
    assert_eq!(host.saved.bans.len(), 1);
    let mut host = Host::new(PeerConfig::default(), host.saved, 2);
    host.bans.clone_from(&host.saved.bans);
    host.trust(1, address(1, 1));
    host.pass_seconds(100_000);
    assert_eq!(host.connection_of(1), None);
    host.handle(Input::Unban(subject));
    assert!(host.connection_of(1).is_some());
    assert!(host.machine.bans().is_empty());
    assert!(host.saved.bans.is_empty());
}

#[test]
fn a_ban_of_an_address_meets_everybody_behind_it_and_those_that_knock() {
    let mut host = host();
    let place = address(1, 1);
    let ip = place.ip().expect("an address");
    let subject = BanSubject::of_ip(ip);
    host.handle(Input::Ban { subject, duration: Some(Duration::from_secs(60)) });
    host.discover(1, place.clone());
    host.knock(1, ip);
    assert_eq!((host.dialled.len(), host.refused), (0, 1));
    host.pass_seconds(60);
    host.discover(1, place);
    host.knock(2, ip);
    assert_eq!((host.dialled.len(), host.refused), (1, 1));
}

#[test]
fn another_network_drops_everybody_and_dials_anew_at_once() {
    let mut host = host();
    host.trust(1, address(1, 1));
    let peer = host.connection_of(1).expect("dialled");
    for _ in 0..5 {
        let peer = host.connection_of(1).unwrap_or(peer);
        host.end(peer, Ending::Unreachable);
        host.pass_seconds(60);
    }
    let peer = host.connection_of(1).expect("dialled");
    host.establish(peer);
    host.handle(Input::NetworkChanged { is_online: false });
    assert_eq!(host.dropped, [(peer, DropCause::NetworkChanged)]);
    host.finish_leaving();
    host.pass_seconds(600);
    assert_eq!(host.connection_of(1), None, "there is no network");
    assert!(!host.wants_more);
    host.handle(Input::NetworkChanged { is_online: true });
    assert!(host.connection_of(1).is_some());
}

#[test]
fn without_a_network_nobody_is_forgotten() {
    let mut host = host();
    for index in 0..10 {
        host.discover(index, address(index as u8, 1));
    }
    for _ in 0..200 {
        while let Some(peer) = host.connections.keys().next().copied() {
            host.end(peer, Ending::Unreachable);
        }
        host.pass_seconds(3_600);
    }
    assert_eq!(host.machine.book().len(), 10);
}

#[test]
fn an_address_that_never_answers_is_forgotten_while_others_do() {
    let mut host = host();
    host.trust(9, address(9, 1));
    let trusted = host.connection_of(9).expect("dialled");
    host.establish(trusted);
    host.discover(1, address(1, 1));
    for _ in 0..4 {
        while host.connection_of(1).is_none() {
            let next = host.machine.next_timeout().expect("it is dialled again");
            host.pass(next);
        }
        let peer = host.connection_of(1).expect("just seen");
        host.end(peer, Ending::Unreachable);
    }
    assert!(host.machine.book().get(&node(1)).is_none());
    assert!(host.machine.book().get(&node(9)).is_some());
}

#[test]
fn what_was_learned_is_kept_a_minute_later_and_on_stopping() {
    let mut host = host();
    host.discover(1, address(1, 1));
    assert!(host.saved.records.is_empty());
    host.pass_seconds(60);
    assert_eq!(host.saved.records.len(), 1);
    host.discover(2, address(2, 1));
    host.handle(Input::Stopping);
    assert_eq!(host.saved.records.len(), 2);
    let dialled = host.dialled.len();
    host.discover(3, address(3, 1));
    assert_eq!(host.dialled.len(), dialled, "a client that stops dials nobody");
}

#[test]
fn only_trusted_peers_are_dialled_or_let_in_where_that_is_asked_for() {
    let config = PeerConfig { only_trusted: true, ..PeerConfig::default() };
    let mut host = Host::new(config, SavedPeers::default(), 1);
    host.discover(1, address(1, 1));
    host.trust(2, address(2, 1));
    host.pass_seconds(600);
    assert_eq!((host.connection_of(1), host.wants_more), (None, false));
    assert!(host.connection_of(2).is_some());
    let ip = address(3, 1).ip().expect("an address");
    host.knock(1, ip);
    let peer = host.connections.iter().find(|(_, connection)| !connection.is_outbound).map(|(peer, _)| *peer);
    let peer = peer.expect("who it is shows in the handshake");
    host.handle(Input::Established { peer, node: node(3), ip });
    assert_eq!(host.dropped, [(peer, DropCause::NoPlace)]);
}

#[test]
fn strangers_cannot_make_us_knock_at_our_own_doors() {
    let mut host = host();
    for place in ["127.0.0.1", "10.0.0.1", "::1"] {
        host.discover(1, PeerAddress::new(place, 5050).expect("an address"));
    }
    host.discover(1, PeerAddress::new("router.local", 5050).expect("a name"));
    assert!(host.machine.book().is_empty());
    let name = PeerAddress::new("bootstrap01.rsk.co", 5050).expect("a name");
    let source = PeerSource::Bundled;
    host.machine.handle(host.now, Input::Add { node: node(1), address: name, source, is_trusted: false });
    assert_eq!(host.machine.book().len(), 1, "the library may name a host");
}

#[test]
fn the_user_is_told_what_is_not_taken_in() {
    let mut host = host();
    for index in 0..65 {
        let name = PeerAddress::new("host", 5050).expect("a name");
        let source = PeerSource::Bundled;
        host.machine
            .handle(host.now, Input::Add { node: node(index), address: name, source, is_trusted: false });
    }
    let mut told = Vec::new();
    while let Some(action) = host.machine.next_action() {
        if let crate::proto::peers::Action::Report(report) = action {
            told.push(report);
        }
    }
    assert_eq!(told, [PeerReport::NotTaken { node: node(64), reason: NotTaken::NoPlace }]);
}

#[test]
fn a_node_that_is_connected_is_told_so_and_its_address_refused_for_ten_seconds() {
    let mut host = host();
    host.discover(1, address(1, 1));
    let dialled = host.connection_of(1).expect("dialled");
    host.establish(dialled);
    let ip = address(2, 1).ip().expect("an address");
    host.knock(1, ip);
    let inbound = host.connections.keys().copied().max().expect("admitted");
    host.handle(Input::Established { peer: inbound, node: node(1), ip });
    assert_eq!(host.dropped, [(inbound, DropCause::Duplicate)]);
    host.finish_leaving();
    host.now = Timestamp::from_millis(9_999);
    host.knock(2, ip);
    assert_eq!(host.refused, 1);
    host.now = Timestamp::from_millis(10_000);
    host.knock(3, ip);
    assert_eq!(host.refused, 1);
}

#[test]
fn inbound_peers_have_places_of_their_own_and_no_more_than_those() {
    let mut host = host();
    for index in 0..40u16 {
        let ip = address((index % 20) as u8, index).ip().expect("an address");
        host.knock(u64::from(index), ip);
        let peer = host.connections.keys().copied().max();
        if let Some(peer) = peer.filter(|peer| !host.connections[peer].is_established) {
            host.handle(Input::Established { peer, node: node(u32::from(index)), ip });
        }
    }
    host.finish_leaving();
    assert_eq!(host.established(), 16);
    assert!(host.wants_more, "they fill no slot of those that we dial");
}

#[test]
fn the_seventeenth_connection_of_a_subnet_gets_no_byte() {
    let config = PeerConfig {
        limits: SlotLimits { inbound: 40, handshakes: 40, ..SlotLimits::default() },
        ..PeerConfig::default()
    };
    let mut host = Host::new(config, SavedPeers::default(), 1);
    for index in 0..17u16 {
        host.knock(u64::from(index), address(1, index).ip().expect("an address"));
    }
    assert_eq!((host.connections.len(), host.refused), (16, 1));
}

#[test]
fn ten_thousand_knocks_open_eight_handshakes() {
    let mut host = host();
    for index in 0..10_000u32 {
        host.knock(u64::from(index), IpAddr::from((203 << 24 | index << 8).to_be_bytes()));
    }
    assert_eq!((host.connections.len(), host.refused), (8, 9_992));
}

#[test]
fn bans_that_were_kept_hold_for_the_rest_of_their_time() {
    let mut host = host();
    host.discover(1, address(1, 1));
    let peer = host.connection_of(1).expect("dialled");
    host.establish(peer);
    host.handle(Input::Fault {
        peer,
        fault: crate::proto::sync::PeerFault::WrongFirstHeader {
            requested: crate::primitives::hash::BlockHash::ZERO,
            actual: crate::primitives::hash::BlockHash::ZERO,
        },
    });
    assert_eq!(host.saved.bans.len(), 1);
    let ban = host.saved.bans[0].clone();
    assert_eq!(ban.until, UnixTime::from_secs(WALL.as_secs() + 3_600));
    let mut again = Host::new(PeerConfig::default(), host.saved, 1);
    again.bans.push(ban);
    again.discover(1, address(1, 1));
    again.pass_seconds(3_599);
    assert_eq!(again.connection_of(1), None);
    again.pass_seconds(1);
    again.discover(1, address(1, 1));
    assert!(again.connection_of(1).is_some());
}

#[test]
fn what_discovery_lost_is_forgotten_unless_there_was_a_session_or_nothing_works() {
    let mut host = Host::new(limits(1), SavedPeers::default(), 3);
    for index in 1..=9 {
        host.discover(index, address(index as u8, 1));
    }
    let lose = |host: &mut Host, index: u32, at: u8| {
        host.handle(Input::Lost { node: node(index), address: address(at, 1) });
    };
    // Eight are dialled for one place; the ninth waits. While nobody is connected, the network may be at fault.
    let waiting = (1..=9).find(|index| host.connection_of(*index).is_none()).expect("one waits");
    lose(&mut host, waiting, waiting as u8);
    assert!(host.machine.book().get(&node(waiting)).is_some());
    let dialled: Vec<u32> = (1..=9).filter(|index| host.connection_of(*index).is_some()).collect();
    let peer = host.connection_of(dialled[0]).expect("dialled");
    host.establish(peer);
    // At another address it was never said to be; and what is being dialled is not forgotten meanwhile.
    lose(&mut host, waiting, 99);
    lose(&mut host, dialled[1], dialled[1] as u8);
    lose(&mut host, dialled[0], dialled[0] as u8);
    assert_eq!(host.machine.book().len(), 9);
    lose(&mut host, waiting, waiting as u8);
    assert!(host.machine.book().get(&node(waiting)).is_none());
    // Where there was a session once, silence by UDP says nothing.
    host.end(peer, Ending::Lost);
    let other = host.connection_of(dialled[1]).expect("still dialled");
    host.establish(other);
    lose(&mut host, dialled[0], dialled[0] as u8);
    assert!(host.machine.book().get(&node(dialled[0])).is_some());
}

#[test]
fn who_connected_to_us_is_kept_where_it_says_that_it_listens_and_nowhere_without_a_port() {
    for (port, is_kept) in [(5050, true), (0, false)] {
        let mut host = host();
        let ip = address(1, 1).ip().expect("an address");
        host.knock(1, ip);
        let peer = *host.connections.keys().next().expect("admitted");
        // Before the handshake has shown who it is, there is nobody to keep.
        host.handle(Input::Listens { peer, port });
        assert!(host.machine.book().is_empty());
        host.handle(Input::Established { peer, node: node(1), ip });
        host.handle(Input::Listens { peer, port });
        let kept = host.machine.book().get(&node(1)).map(|record| (record.address.clone(), record.source));
        assert_eq!(kept, is_kept.then(|| (address(1, 1), PeerSource::Inbound)));
    }
    // Where we dialled a node ourselves we know better than it.
    let mut host = super::host::host();
    host.discover(1, address(1, 1));
    let peer = host.connection_of(1).expect("dialled");
    host.establish(peer);
    host.handle(Input::Listens { peer, port: 1 });
    assert_eq!(host.machine.book().get(&node(1)).map(|record| record.address.port), Some(5050));
}
