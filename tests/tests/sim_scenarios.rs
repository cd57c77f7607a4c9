//! Directed scenarios in the simulator: what each kind of peer does, and what becomes of it and of the chain.

use std::{sync::Arc, time::Duration};

use rustock_core::{
    BlockNumber, UnixTime,
    chain::tail::MAX_REORG_DEPTH,
    consensus::params::NetworkParams,
    proto::{
        sync::{PeerFault, SyncReport},
        time::Timestamp,
    },
};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder, Spoil},
    sim::{Behaviour, Change, Link, MainChain, Script, Simulation},
};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn chain(blocks: u64) -> Chain {
    ChainBuilder::simnet().seed(50).build(blocks)
}

fn simulation(base: &rustock_core::Header) -> Simulation {
    Simulation::new(1, NetworkParams::simnet(), base, UnixTime::from_secs(1_800_000_000))
}

/// Runs a liar beside an honest peer that is slow, and expects the chain, this one kind of fault, and none for
/// being slow.
fn expect_fault(behaviour: Behaviour, is_expected: fn(&PeerFault) -> bool) {
    let chain = Arc::new(chain(600));
    let mut simulation = simulation(chain.genesis());
    let liar = simulation.add(Script::behaving(MainChain::whole(&chain), behaviour));
    let slow = Script::honest(MainChain::whole(&chain)).over(Link::of(Duration::from_secs(5)));
    let slow = simulation.add(slow.connecting_at(at(1)));
    simulation.run_until_head(chain.best(), at(1_200));
    // Long enough for the liar to come back and be asked again.
    simulation.run_until(at(2_400));
    let faults: Vec<&PeerFault> = simulation.faults(liar).collect();
    assert!(!faults.is_empty(), "{behaviour:?} goes unnoticed");
    assert!(faults.iter().all(|fault| is_expected(fault)), "{behaviour:?}: {faults:?}");
    assert_eq!(simulation.faults(slow).count(), 0, "slow is not a fault");
    simulation.check_store();
}

#[test]
fn too_few_headers_are_a_wrong_count() {
    expect_fault(Behaviour::ShortAnswers, |fault| matches!(fault, PeerFault::WrongHeaderCount { .. }));
}

#[test]
fn too_many_headers_are_a_wrong_count() {
    expect_fault(Behaviour::LongAnswers, |fault| matches!(fault, PeerFault::WrongHeaderCount { .. }));
}

#[test]
fn headers_from_another_block_are_a_wrong_first_header() {
    expect_fault(Behaviour::WrongFirstHeader, |fault| matches!(fault, PeerFault::WrongFirstHeader { .. }));
}

#[test]
fn headers_out_of_order_are_a_broken_chain() {
    expect_fault(Behaviour::BrokenOrder, |fault| matches!(fault, PeerFault::BrokenHeaderChain { .. }));
}

#[test]
fn lists_that_are_no_headers_are_undecodable() {
    expect_fault(Behaviour::NotHeaders, |fault| matches!(fault, PeerFault::UndecodableHeader { .. }));
}

#[test]
fn a_skeleton_with_wrong_heights_is_refused() {
    expect_fault(Behaviour::CrookedSkeleton, |fault| matches!(fault, PeerFault::WrongSkeletonHeight { .. }));
}

#[test]
fn an_empty_skeleton_is_refused() {
    expect_fault(Behaviour::EmptySkeleton, |fault| matches!(fault, PeerFault::EmptySkeleton));
}

#[test]
fn a_skeleton_on_another_base_is_another_chain_and_one_beside_a_shared_block_a_contradiction() {
    // The first skeleton starts at genesis; once there is a chain, skeletons start above it.
    expect_fault(Behaviour::ContradictorySkeleton, |fault| {
        matches!(fault, PeerFault::OtherChain { .. } | PeerFault::SkeletonContradiction { .. })
    });
}

#[test]
fn silence_three_times_in_a_row_is_unresponsive() {
    expect_fault(Behaviour::Silent, |fault| matches!(fault, PeerFault::Unresponsive { silences: 3, .. }));
}

#[test]
fn silence_is_found_out_within_ninety_seconds_though_another_peer_has_all_our_attention() {
    let chain = Arc::new(chain(20_000));
    let mut simulation = simulation(chain.genesis());
    // Two minutes of work for one peer: the other one's turn does not come meanwhile.
    let busy = simulation.add(Script::honest(MainChain::whole(&chain)));
    simulation.verify_time = Duration::from_secs(1);
    let silent = Script::behaving(MainChain::whole(&chain), Behaviour::Silent).connecting_at(at(2)).once();
    let silent = simulation.add(silent);
    simulation.run_until(at(91));
    assert_eq!(simulation.faults(silent).count(), 0, "three times thirty seconds are not over");
    simulation.run_until(at(93));
    let faults: Vec<_> = simulation.faults(silent).collect();
    assert!(matches!(faults[..], [PeerFault::Unresponsive { silences: 3, .. }]), "{faults:?}");
    assert!(simulation.stored_head().number < chain.best().number(), "the other one is still at it");
    simulation.run_until_head(chain.best(), at(600));
    assert_eq!(simulation.faults(busy).count(), 0);
}

#[test]
fn a_peer_that_says_it_has_nothing_is_asked_for_nothing() {
    let long = Arc::new(chain(600));
    let mut simulation = simulation(long.genesis());
    let empty = simulation.add(Script::honest(MainChain::whole(&Arc::new(chain(0)))));
    simulation.add(Script::honest(MainChain::whole(&long)).connecting_at(at(5)));
    simulation.run_until(at(600));
    assert_eq!(simulation.faults(empty).count(), 0);
    assert_eq!(simulation.stored_head().hash, long.best().hash());
}

/// When a client has a chain of 20,000 blocks from two peers with these delays, of which the first is there first.
fn time_with(first: Duration, second: Duration) -> (Timestamp, usize) {
    let chain = Arc::new(chain(20_000));
    let mut simulation = simulation(chain.genesis());
    let actors = [(first, 0), (second, 3)].map(|(delay, second)| {
        let script = Script::honest(MainChain::whole(&chain)).over(Link::of(delay));
        simulation.add(script.connecting_at(at(second)))
    });
    simulation.run_until_head(chain.best(), at(3_600));
    assert!(actors.into_iter().all(|actor| simulation.faults(actor).count() == 0), "slow is not a fault");
    simulation.check_store();
    let rounds = simulation
        .reports()
        .iter()
        .filter(|(_, report)| matches!(report, SyncReport::ConnectionPoint { .. }));
    (simulation.now(), rounds.count())
}

#[test]
fn a_long_download_is_left_to_a_faster_peer() {
    let (slow, fast) = (Duration::from_secs(6), Duration::from_millis(60));
    let (alone, _) = time_with(slow, slow);
    let (together, _) = time_with(slow, fast);
    assert!(together.as_millis() * 3 < alone.as_millis(), "{together:?} with a fast one, {alone:?} without");
}

#[test]
fn fast_peers_that_never_deliver_cut_a_slow_download_off_three_times_and_no_more() {
    let chain = Arc::new(chain(12_000));
    let mut simulation = simulation(chain.genesis());
    let slow = Script::honest(MainChain::whole(&chain)).over(Link::of(Duration::from_secs(4)));
    let slow = simulation.add(slow);
    // They answer what costs nothing, hang up when headers are asked for, and come back as somebody new.
    for second in 3..6 {
        let script = Script::behaving(MainChain::whole(&chain), Behaviour::DisconnectsAtAnswer(1));
        simulation.add(script.connecting_at(at(second)));
    }
    simulation.run_until_head(chain.best(), at(3_600));
    let connection = simulation.connection(slow).expect("it is never sent away");
    let begins = |report: &SyncReport| matches!(report, SyncReport::ConnectionPoint { peer, .. } if *peer == connection);
    let begun = simulation.reports().iter().filter(|(_, report)| begins(report)).count();
    assert!((2..=5).contains(&begun), "its download was begun {begun} times");
    assert_eq!(simulation.faults(slow).count(), 0);
}

#[test]
fn a_download_stays_with_its_peer_where_the_other_is_no_better() {
    let slow = Duration::from_secs(4);
    let (_, rounds) = time_with(slow, slow * 2);
    // The other one is tried once, and found to be no better.
    assert!(rounds <= 3, "{rounds} rounds");
    let (_, rounds) = time_with(Duration::from_millis(60), Duration::from_millis(40));
    assert!(rounds <= 2, "{rounds} rounds: a download that is fast enough is not interrupted");
}

#[test]
fn answers_of_the_wrong_kind_are_as_good_as_none() {
    let chain = Arc::new(chain(600));
    let mut simulation = simulation(chain.genesis());
    let liar = simulation.add(Script::behaving(MainChain::whole(&chain), Behaviour::WrongKind));
    simulation.run_until(at(300));
    assert!(simulation.faults(liar).count() > 0);
    assert!(
        simulation.faults(liar).all(|fault| matches!(fault, PeerFault::Unresponsive { silences: 3, .. }))
    );
}

#[test]
fn another_chain_from_the_base_on_is_told_as_such() {
    let ours = chain(600);
    let other = Arc::new(ours.fork_at(100, 1).extended(600));
    let mut simulation = simulation(ours.header(384).expect("it is there"));
    let stranger = simulation.add(Script::honest(MainChain::whole(&other)));
    simulation.run_until(at(60));
    assert!(simulation.faults(stranger).count() > 0);
    assert!(
        simulation
            .faults(stranger)
            .all(|fault| { matches!(fault, PeerFault::OtherChain { base } if base.get() == 384) })
    );
    assert_eq!(simulation.stored_head().number.get(), 384);
}

#[test]
fn claims_floods_questions_and_broken_connections_do_not_keep_the_chain_from_growing() {
    let chain = Arc::new(chain(600));
    for behaviour in [
        Behaviour::LyingHeight(5_000),
        Behaviour::Flooding,
        Behaviour::Asking,
        Behaviour::DisconnectsAtAnswer(2),
    ] {
        let mut simulation = simulation(chain.genesis());
        let odd = simulation.add(Script::behaving(MainChain::whole(&chain), behaviour));
        simulation.add(Script::honest(MainChain::whole(&chain)).connecting_at(at(5)));
        simulation.run_until_head(chain.best(), at(600));
        // What may be held against them is that announced or claimed blocks never come.
        assert!(
            simulation.faults(odd).all(|fault| matches!(fault, PeerFault::Unresponsive { .. })),
            "{behaviour:?}"
        );
        if behaviour == Behaviour::Asking {
            assert_eq!(simulation.faults(odd).count(), 0, "asking is not a fault");
        }
        simulation.check_store();
    }
}

#[test]
fn a_reorganisation_of_any_depth_within_reach_is_followed() {
    for depth in [1, 10, 50] {
        let trunk = chain(300);
        let rival = Arc::new(trunk.fork_at(300 - depth, 7).extended(depth + 1));
        let mut simulation = simulation(trunk.genesis());
        let script = Script::honest(MainChain::whole(&Arc::new(trunk.clone())))
            .then(at(120), Change::MainChain(MainChain::whole(&rival)));
        let peer = simulation.add(script);
        simulation.run_until(at(100));
        assert_eq!(simulation.stored_head().hash, trunk.best().hash());
        simulation.run_until_head(rival.best(), at(300));
        assert_eq!(simulation.deepest_reorg(), depth);
        assert_eq!(simulation.faults(peer).count(), 0);
        simulation.check_store();
    }
}

#[test]
fn a_fork_as_deep_as_the_tail_is_followed_and_one_block_deeper_is_refused() {
    let depth = MAX_REORG_DEPTH;
    let trunk = chain(depth + 600);
    for (leaves_at, is_followed) in [(600, true), (599, false)] {
        let rival = trunk.fork_at(leaves_at, 8).extended(trunk.height() - leaves_at + 1);
        let mut simulation = simulation(trunk.genesis());
        simulation.add(Script::honest(MainChain::whole(&Arc::new(trunk.clone()))));
        let rival_peer =
            simulation.add(Script::honest(MainChain::whole(&Arc::new(rival.clone()))).connecting_at(at(120)));
        simulation.run_until(at(600));
        let expected = if is_followed { rival.best() } else { trunk.best() };
        assert_eq!(simulation.stored_head().hash, expected.hash(), "leaving at {leaves_at}");
        let too_deep =
            simulation.faults(rival_peer).any(|fault| matches!(fault, PeerFault::ForkTooDeep { .. }));
        assert_eq!(too_deep, !is_followed, "leaving at {leaves_at}");
    }
}

#[test]
fn a_client_that_dies_goes_on_from_its_last_commit() {
    let chain = Arc::new(chain(4_500));
    let mut simulation = simulation(chain.genesis());
    simulation.add(Script::honest(MainChain::whole(&chain)));
    for second in [1, 2, 3, 5] {
        simulation.restart_at(at(second));
    }
    simulation.run_until_head(chain.best(), at(600));
    assert_eq!(simulation.restarts(), 4);
    simulation.check_store();
}

#[test]
fn a_header_without_work_is_refused_and_what_came_before_it_stays() {
    let chain = chain(400);
    let mut bad = chain.fork_at(300, 1);
    bad.push(bad.spoiled(301, Spoil::ProofOfWork));
    let mut simulation = simulation(chain.genesis());
    let liar = simulation.add(Script::honest(MainChain::whole(&Arc::new(bad))));
    simulation.run_until(at(60));
    assert!(simulation.faults(liar).all(|fault| matches!(fault, PeerFault::InvalidHeader { .. })));
    assert!(simulation.faults(liar).count() > 0);
    assert_eq!(simulation.stored_head().number, BlockNumber::new(300));
}

#[test]
fn a_tie_stays_and_one_block_more_wins() {
    let trunk = chain(200);
    let ours = Arc::new(trunk.fork_at(150, 1).extended(20));
    let tie = Arc::new(trunk.fork_at(150, 2).extended(20));
    let heavier = Arc::new(trunk.fork_at(150, 3).extended(21));
    let mut simulation = simulation(trunk.genesis());
    simulation.add(Script::honest(MainChain::whole(&ours)));
    simulation.add(Script::honest(MainChain::whole(&tie)).connecting_at(at(30)));
    simulation.run_until(at(120));
    assert_eq!(simulation.stored_head().hash, ours.best().hash());
    simulation.add(Script::honest(MainChain::whole(&heavier)).connecting_at(at(130)));
    simulation.run_until_head(heavier.best(), at(300));
    assert_eq!(simulation.deepest_reorg(), 20);
}

/// Runs from a checkpoint with a peer that serves no ancestors for a quarter of an hour.
fn with_late_ancestors(chain: &Chain, base: u64) -> Simulation {
    let mut simulation = simulation(chain.header(base).expect("it is there"));
    let script = Script::honest(MainChain::whole(&Arc::new(chain.clone())))
        .serving_from(base)
        .then(at(900), Change::Lowest(0));
    simulation.add(script);
    simulation.run_until(at(3_600));
    simulation
}

fn has_report(simulation: &Simulation, wanted: impl Fn(&SyncReport) -> bool) -> bool {
    simulation.reports().iter().any(|(_, report)| wanted(report))
}

#[test]
fn ancestors_that_come_late_are_used_late() {
    let chain = chain(1_200);
    let simulation = with_late_ancestors(&chain, 700);
    assert!(has_report(&simulation, |report| matches!(report, SyncReport::AncestorsUnavailable { .. })));
    assert!(has_report(&simulation, |report| matches!(report, SyncReport::ForkDetectionChecked { .. })));
    assert_eq!(simulation.stored_head().hash, chain.best().hash());
    assert_eq!(simulation.progress().fork_detection_from, Some(BlockNumber::new(701)));
}

#[test]
fn a_late_check_that_fails_takes_the_chain_back_however_long_it_has_grown() {
    for blocks_on_top in [300, 5_000] {
        let mut bad = chain(760);
        bad.push(bad.spoiled(761, Spoil::ForkDetection));
        let invalid = bad.best().hash();
        bad.extend(blocks_on_top);
        let mut simulation = simulation(bad.header(700).expect("it is there"));
        let script = Script::honest(MainChain::whole(&Arc::new(bad.clone())))
            .serving_from(700)
            .then(at(900), Change::Lowest(0));
        let liar = simulation.add(script);
        simulation.run_until(at(600));
        assert_eq!(simulation.stored_head().hash, bad.best().hash(), "nobody could tell so far");
        simulation.run_until(at(3_600));
        assert!(has_report(&simulation, |report| {
            matches!(report, SyncReport::RolledBack { invalid: block, .. } if block.hash == invalid)
        }));
        assert_eq!(simulation.stored_head().number, BlockNumber::new(760));
        assert!(simulation.faults(liar).any(|fault| matches!(fault, PeerFault::InvalidHeader { .. })));
    }
}
