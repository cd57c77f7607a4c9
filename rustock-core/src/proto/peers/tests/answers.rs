//! Peers that have answered nothing yet: how long they count, and who is looked for in their stead.

use core::time::Duration;

use super::host::{Host, address, host};
use crate::proto::{
    peers::{DropCause, Input, PeerConfig, SlotLimits, slots::FIRST_ANSWER_PATIENCE},
    sync::{PeerFault, PeerId},
    time::Timestamp,
};

const PATIENCE_SECONDS: u64 = FIRST_ANSWER_PATIENCE.as_secs();

/// A host with a place for this many, who is told of as many nodes as it likes.
fn host_of(target: usize) -> Host {
    let config =
        PeerConfig { limits: SlotLimits { target, ..SlotLimits::default() }, ..PeerConfig::default() };
    Host::new(config, crate::primitives::peer::SavedPeers::default(), 1)
}

/// Finds nodes of this range, each in a subnet of its own, and lets whoever is dialled connect and stay silent.
fn connect_silent(host: &mut Host, indices: core::ops::Range<u32>) -> Vec<PeerId> {
    for index in indices {
        host.discover(index, address(index as u8, 1));
    }
    let mut connected = Vec::new();
    while let Some(peer) = host.to_dial.pop_front() {
        host.establish_silent(peer);
        connected.push(peer);
    }
    connected
}

#[test]
fn a_silent_peer_counts_for_three_seconds_and_then_another_is_dialled_beside_it() {
    let mut host = host_of(1);
    let silent = connect_silent(&mut host, 0..1)[0];
    host.discover(1, address(1, 1));
    host.pass(Timestamp::from_millis(PATIENCE_SECONDS * 1000 - 1));
    assert_eq!(host.connection_of(1), None, "it may still answer");
    host.pass(Timestamp::from_millis(PATIENCE_SECONDS * 1000));
    let other = host.connection_of(1).expect("dialled in its stead");
    host.establish(other);
    assert_eq!(host.established(), 2);
    assert!(host.dropped.is_empty(), "slowness is no fault: {silent:?} stays");
}

#[test]
fn one_that_answers_in_time_keeps_its_place_alone() {
    let mut host = host_of(1);
    let peer = connect_silent(&mut host, 0..1)[0];
    host.discover(1, address(1, 1));
    host.pass(Timestamp::from_millis(PATIENCE_SECONDS * 1000 - 1));
    host.answer(peer);
    host.pass_seconds(600);
    assert_eq!((host.established(), host.connection_of(1)), (1, None));
}

#[test]
fn one_that_answers_late_stays_if_there_is_a_place_and_is_told_so_if_there_is_none() {
    for is_place_taken in [false, true] {
        let mut host = host_of(1);
        let late = connect_silent(&mut host, 0..1)[0];
        host.pass_seconds(PATIENCE_SECONDS);
        host.discover(1, address(1, 1));
        let other = host.connection_of(1).expect("dialled in its stead");
        if is_place_taken {
            host.establish(other);
        }
        host.answer(late);
        let expected = if is_place_taken { vec![(late, DropCause::NoPlace)] } else { Vec::new() };
        assert_eq!(host.dropped, expected);
        if !is_place_taken {
            host.establish(other);
            assert_eq!(host.dropped, [(other, DropCause::NoPlace)]);
        }
        host.finish_leaving();
        assert_eq!(host.established(), 1);
        assert!(host.bans.is_empty());
    }
}

#[test]
fn at_most_four_are_connected_beyond_the_target_however_many_are_silent() {
    let mut host = host();
    let mut most = 0;
    for round in 0..10 {
        connect_silent(&mut host, round * 16..round * 16 + 16);
        most = most.max(host.established());
        host.pass_seconds(PATIENCE_SECONDS);
    }
    assert_eq!(most, host.config.limits.target + host.config.limits.spare);
    assert!(!host.wants_more, "whoever were found now would have no place");
}

#[test]
fn a_silent_peer_that_is_sent_away_makes_room_for_the_next() {
    let mut host = host_of(1);
    let limits = host.config.limits;
    let silent = connect_silent(&mut host, 0..1)[0];
    host.pass_seconds(PATIENCE_SECONDS);
    for round in 1..=limits.spare as u32 {
        connect_silent(&mut host, round..round + 1);
        host.pass_seconds(PATIENCE_SECONDS);
    }
    host.discover(99, address(99, 1));
    assert_eq!(host.connection_of(99), None, "all spare places are taken");
    let fault = PeerFault::Unresponsive { silences: 3, each: Duration::from_secs(30) };
    host.handle(Input::Fault { peer: silent, fault });
    assert!(host.connection_of(99).is_some());
}

#[test]
fn a_trusted_peer_that_is_silent_is_kept_and_does_not_count() {
    let mut host = host_of(1);
    host.trust(7, address(7, 1));
    let trusted = host.connection_of(7).expect("dialled");
    host.establish_silent(trusted);
    host.discover(1, address(1, 1));
    assert_eq!(host.connection_of(1), None);
    host.pass_seconds(PATIENCE_SECONDS);
    let other = host.connection_of(1).expect("dialled in its stead");
    host.establish(other);
    host.answer(trusted);
    assert!(host.dropped.is_empty(), "who is trusted is never sent away for want of a place");
}
