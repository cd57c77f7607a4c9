//! Directed scenarios in the simulator: what each kind of peer does, and what becomes of it and of the chain.

use std::{sync::Arc, time::Duration};

use rustock_core::{
    BlockNumber, UnixTime,
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

#[test]
fn each_way_to_lie_about_headers_is_a_fault_of_its_own_and_a_slow_peer_has_none() {
    let chain = Arc::new(chain(600));
    type Expected = fn(&PeerFault) -> bool;
    let cases: [(Behaviour, Expected); 6] = [
        (Behaviour::ShortAnswers, |fault| matches!(fault, PeerFault::WrongHeaderCount { .. })),
        (Behaviour::LongAnswers, |fault| matches!(fault, PeerFault::WrongHeaderCount { .. })),
        (Behaviour::WrongFirstHeader, |fault| matches!(fault, PeerFault::WrongFirstHeader { .. })),
        (Behaviour::BrokenOrder, |fault| matches!(fault, PeerFault::BrokenHeaderChain { .. })),
        (Behaviour::CrookedSkeleton, |fault| matches!(fault, PeerFault::WrongSkeletonHeight { .. })),
        (Behaviour::Silent, |fault| matches!(fault, PeerFault::Unresponsive { .. })),
    ];
    for (behaviour, is_expected) in cases {
        let mut simulation = simulation(chain.genesis());
        let liar = simulation.add(Script::behaving(MainChain::whole(&chain), behaviour));
        let slow = Script::honest(MainChain::whole(&chain)).over(Link::of(Duration::from_secs(5)));
        let slow = simulation.add(slow.connecting_at(at(400)));
        simulation.run_until_head(chain.best(), at(1_200));
        assert!(simulation.faults(liar).any(is_expected), "{behaviour:?} goes unnoticed");
        assert_eq!(simulation.faults(slow).count(), 0, "slow is not a fault");
        simulation.check_store();
    }
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
