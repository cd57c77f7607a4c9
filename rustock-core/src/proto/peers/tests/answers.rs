//! Peers that have answered nothing yet: how long they count, and who is looked for in their stead.

use core::time::Duration;

use super::host::{Host, address, host};
use crate::proto::{
    peers::{
        DropCause, Offence, PeerConfig, SlotLimits,
        slots::{FIRST_ANSWER_DEADLINE, FIRST_ANSWER_GRACE, FIRST_ANSWER_PATIENCE},
    },
    sync::PeerId,
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
fn a_silent_peer_counts_for_two_seconds_and_then_another_is_dialled_beside_it() {
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
}

#[test]
fn when_all_places_are_taken_by_silent_peers_the_first_makes_way_after_ten_seconds() {
    let mut host = host_of(1);
    let first = connect_silent(&mut host, 0..1)[0];
    for round in 1..=host.config.limits.spare as u32 {
        host.pass_seconds(PATIENCE_SECONDS);
        connect_silent(&mut host, round..round + 1);
    }
    host.pass(Timestamp::from_millis(FIRST_ANSWER_GRACE.as_millis() as u64 - 1));
    host.discover(99, address(99, 1));
    assert_eq!((host.dropped.len(), host.connection_of(99)), (0, None), "all spare places are taken");
    host.pass_seconds(1);
    assert_eq!(host.dropped, [(first, DropCause::NoPlace)]);
    assert!(host.connection_of(99).is_some());
    assert!(host.bans.is_empty());
}

#[test]
fn nobody_makes_way_for_nobody_and_discovery_looks_on() {
    let mut host = host_of(1);
    let places = 1 + host.config.limits.spare as u32;
    for index in 0..places {
        connect_silent(&mut host, index..index + 1);
        host.pass_seconds(PATIENCE_SECONDS);
    }
    host.pass_seconds(FIRST_ANSWER_GRACE.as_secs());
    assert_eq!((host.established(), host.dropped.len(), host.wants_more), (places as usize, 0, true));
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

#[test]
fn peers_that_never_answer_do_not_keep_their_places_for_ever() {
    let mut host = host();
    let useless = connect_silent(&mut host, 0..8);
    host.pass(Timestamp::from_millis(FIRST_ANSWER_DEADLINE.as_millis() as u64 - 1));
    assert_eq!(host.dropped.len(), 0, "nobody else wants their places");
    host.pass_seconds(1);
    let dropped: Vec<PeerId> = host.dropped.iter().map(|(peer, _)| *peer).collect();
    assert_eq!(dropped, useless);
    assert!(host.dropped.iter().all(|(_, cause)| *cause == DropCause::Offence(Offence::Unresponsive)));
    assert!(host.bans.is_empty(), "to have nothing is no crime");
}

#[test]
fn a_trusted_peer_that_never_answers_stays() {
    let mut host = host_of(1);
    host.trust(7, address(7, 1));
    let trusted = host.connection_of(7).expect("dialled");
    host.establish_silent(trusted);
    host.pass_seconds(10 * FIRST_ANSWER_DEADLINE.as_secs());
    assert_eq!((host.established(), host.dropped.len()), (1, 0));
}

#[test]
fn silent_newcomers_do_not_take_the_place_of_one_that_answers_late() {
    let mut host = host_of(2);
    let late = connect_silent(&mut host, 0..1)[0];
    host.discover(1, address(1, 1));
    let good = host.connection_of(1).expect("dialled");
    host.establish(good);
    host.pass_seconds(PATIENCE_SECONDS);
    host.discover(2, address(2, 1));
    let newcomer = host.connection_of(2).expect("dialled in the stead of the late one");
    host.establish_silent(newcomer);
    host.answer(late);
    assert!(host.dropped.is_empty(), "it is the second that answers, of two that are wanted");
    host.answer(newcomer);
    assert_eq!(host.dropped, [(newcomer, DropCause::NoPlace)]);
}

#[test]
fn who_is_silent_time_and_again_is_left_alone_longer_each_time_and_then_forgotten() {
    let mut host = host_of(1);
    host.discover(9, address(9, 1));
    let good = host.connection_of(9).expect("dialled");
    host.trust(8, address(8, 1));
    let trusted = host.connection_of(8).expect("dialled");
    host.establish_silent(trusted);
    host.end(good, crate::proto::peers::Ending::Unreachable);
    host.discover(1, address(1, 1));
    let mut pauses = Vec::new();
    while host.machine.book().get(&super::host::node(1)).is_some() {
        let start = host.now;
        while host.connection_of(1).is_none() {
            host.pass_seconds(10);
            assert!(host.now.since(start) < Duration::from_secs(7_200), "it is not dialled any more");
        }
        pauses.push(host.now.since(start).as_secs());
        let peer = host.connection_of(1).expect("dialled");
        host.establish_silent(peer);
        host.pass_seconds(FIRST_ANSWER_DEADLINE.as_secs());
        host.finish_leaving();
        assert!(pauses.len() < 10, "{pauses:?}");
    }
    assert_eq!(pauses.len(), 4, "{pauses:?}");
    assert!(pauses[1..].iter().all(|pause| *pause >= 300), "{pauses:?}");
}

#[test]
fn a_slot_that_is_empty_for_a_moment_does_not_put_the_rotation_off() {
    let mut host = host_of(2);
    let rotation = host.config.rotation.as_secs();
    for index in 0..2 {
        host.discover(index, address(index as u8, 1));
        let peer = host.connection_of(index).expect("dialled");
        host.establish(peer);
    }
    host.pass_seconds(rotation - 10);
    let flapping = host.connection_of(0).expect("connected");
    host.end(flapping, crate::proto::peers::Ending::Lost);
    for index in 2..10 {
        host.discover(index, address(index as u8, 1));
    }
    let next = host.connection_of(2).expect("dialled");
    host.pass_seconds(20);
    assert!(host.dropped.is_empty(), "with an empty slot nobody is sent away");
    host.establish(next);
    let rotated = host.dropped.iter().filter(|(_, cause)| *cause == DropCause::Rotated).count();
    assert_eq!(rotated, 1, "it was due meanwhile: {:?}", host.dropped);
}
