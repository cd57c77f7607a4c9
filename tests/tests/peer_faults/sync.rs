//! What a peer answers, before the real sync machine in the simulator.

use core::time::Duration;
use std::sync::Arc;

use rustock_core::{
    BlockNumber, Header, UnixTime,
    chain::tail::MAX_REORG_DEPTH,
    consensus::params::NetworkParams,
    primitives::number::Difficulty,
    proto::{
        sync::{PeerFault, SyncReport},
        time::Timestamp,
    },
};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder, Spoil},
    sim::{Behaviour, Change, Link, MainChain, Script, Simulation},
};

use super::Evidence;

/// Later than every header.
const LATER: UnixTime = UnixTime::from_secs(1_800_000_000);
const LENGTH: u64 = 600;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn chain(blocks: u64) -> Chain {
    ChainBuilder::simnet().seed(50).build(blocks)
}

fn simulation(base: &Header) -> Simulation {
    Simulation::new(1, NetworkParams::simnet(), base, LATER)
}

/// The first thing that the sync machine holds against the peer until `end`, and no other.
fn fault(mut simulation: Simulation, script: Script, end: Timestamp) -> Evidence {
    let peer = simulation.add(script.once());
    simulation.run_until(end);
    let faults: Vec<&PeerFault> = simulation.faults(peer).collect();
    let [fault] = faults[..] else { panic!("one fault: {faults:?}") };
    Evidence::Fault(fault.clone())
}

/// A client that knows the first `known` blocks meets a peer that has more, and behaves like this.
fn liar(behaviour: Behaviour, known: u64) -> Evidence {
    let chain = Arc::new(chain(LENGTH));
    let mut simulation = simulation(chain.genesis());
    if known > 0 {
        simulation.add(Script::honest(MainChain::up_to(&chain, known)).once());
        simulation.run_until_head(chain.header(known).expect("generated"), at(100));
    }
    let script = Script::behaving(MainChain::whole(&chain), behaviour).connecting_at(at(120));
    fault(simulation, script, at(1_200))
}

/// An honest peer brings the client to its head, and nothing is held against it.
fn honest(mut simulation: Simulation, script: Script, head: &Header, end: Timestamp) -> Evidence {
    let peer = simulation.add(script);
    simulation.run_until_head(head, end);
    simulation.run_until(end);
    let faults: Vec<&PeerFault> = simulation.faults(peer).collect();
    assert!(faults.is_empty(), "{faults:?}");
    Evidence::Nothing
}

pub fn slow() -> Evidence {
    let chain = Arc::new(chain(LENGTH));
    let link = Link::of(Duration::from_secs(5));
    let script = Script::honest(MainChain::whole(&chain)).over(link);
    honest(simulation(chain.genesis()), script, chain.best(), at(1_200))
}

/// Drops one request in fifty, as a full node with too much to do.
pub fn lossy() -> Evidence {
    let chain = Arc::new(chain(LENGTH));
    let link = Link { loss_per_mille: 20, ..Link::of(Duration::from_secs(2)) };
    let script = Script::honest(MainChain::whole(&chain)).over(link);
    honest(simulation(chain.genesis()), script, chain.best(), at(2_400))
}

/// Its chain is another one, with answers of the old one under way.
pub fn reorganised_between_question_and_answer() -> Evidence {
    let trunk = chain(500);
    let mut script =
        Script::honest(MainChain::whole(&Arc::new(trunk.clone()))).over(Link::of(Duration::from_secs(4)));
    let mut last = trunk.clone();
    for round in 1..=8 {
        last = trunk.fork_at(500 - 10 * round, round).extended(11 * round);
        script = script.then(at(7 * round), Change::MainChain(MainChain::whole(&Arc::new(last.clone()))));
    }
    honest(simulation(trunk.genesis()), script, last.best(), at(1_200))
}

pub fn invalid_header() -> Evidence {
    let mut bad = chain(400).fork_at(300, 1);
    bad.push(bad.spoiled(301, Spoil::ProofOfWork));
    let simulation = simulation(bad.genesis());
    fault(simulation, Script::honest(MainChain::whole(&Arc::new(bad))), at(100))
}

pub fn undecodable_header() -> Evidence {
    liar(Behaviour::NotHeaders, 0)
}

pub fn broken_header_chain() -> Evidence {
    liar(Behaviour::BrokenOrder, 0)
}

pub fn wrong_first_header() -> Evidence {
    liar(Behaviour::WrongFirstHeader, 0)
}

pub fn wrong_header_count() -> Evidence {
    liar(Behaviour::ShortAnswers, 0)
}

pub fn wrong_skeleton_height() -> Evidence {
    liar(Behaviour::CrookedSkeleton, 0)
}

pub fn empty_skeleton() -> Evidence {
    liar(Behaviour::EmptySkeleton, 0)
}

/// The skeleton has a block of its own at a height that was shared a moment before.
pub fn skeleton_contradiction() -> Evidence {
    liar(Behaviour::ContradictorySkeleton, 300)
}

pub fn other_chain() -> Evidence {
    let ours = chain(LENGTH);
    let other = Arc::new(ours.fork_at(100, 1).extended(LENGTH));
    let simulation = simulation(ours.header(384).expect("generated"));
    fault(simulation, Script::honest(MainChain::whole(&other)), at(100))
}

pub fn fork_too_deep() -> Evidence {
    let trunk = chain(MAX_REORG_DEPTH + 600);
    let rival = Arc::new(trunk.fork_at(599, 8).extended(trunk.height() - 598));
    let mut simulation = simulation(trunk.genesis());
    simulation.add(Script::honest(MainChain::whole(&Arc::new(trunk.clone()))));
    simulation.run_until_head(trunk.best(), at(200));
    fault(simulation, Script::honest(MainChain::whole(&rival)).connecting_at(at(210)), at(600))
}

/// A chain with this many seconds between two blocks.
fn paced(from: &Chain, blocks: u64, seconds: u64) -> Chain {
    let mut chain = from.clone();
    for _ in 0..blocks {
        let mut draft = chain.draft();
        let time = UnixTime::from_secs(chain.best().timestamp().as_secs() + seconds);
        draft.fields.timestamp = time;
        draft.fields.difficulty = chain.difficulty_after(chain.best(), time, draft.fields.uncle_count);
        draft.mining.bitcoin_time = u32::try_from(time.as_secs()).expect("before 2106");
        let header = draft.mine(chain.params());
        chain.push(header);
    }
    chain
}

/// Few blocks of much work, and a branch of many blocks of next to none.
pub fn light_branch() -> Evidence {
    let mut params = NetworkParams::simnet();
    params.genesis.difficulty = Difficulty::new(64);
    params.minimum_difficulty = Difficulty::new(1);
    params.difficulty_divisor = 2;
    params.difficulty_divisor_after_rskip156 = 2;
    let root = ChainBuilder::new(params.clone()).seed(3).build(0);
    let heavy = Arc::new(paced(&root, 14, 1));
    let light = Arc::new(paced(&root, 8_600, 60));
    assert!(light.header_difficulty_sum(light.height()) < heavy.header_difficulty_sum(heavy.height()));
    let mut simulation = Simulation::new(1, params, root.genesis(), LATER);
    simulation.add(Script::honest(MainChain::whole(&heavy)));
    simulation.run_until_head(heavy.best(), at(100));
    let script = Script::honest(MainChain::whole(&light));
    fault(simulation, script.connecting_at(at(120)), at(1_200))
}

pub fn client_too_old() -> Evidence {
    let chain = Arc::new(chain(LENGTH));
    let params = NetworkParams { last_known_upgrade: BlockNumber::GENESIS, ..NetworkParams::simnet() };
    let simulation = Simulation::new(1, params, chain.genesis(), LATER);
    fault(simulation, Script::behaving(MainChain::whole(&chain), Behaviour::AnotherLayout), at(100))
}

fn has_report(simulation: &Simulation, wanted: impl Fn(&SyncReport) -> bool) -> bool {
    simulation.reports().iter().any(|(_, report)| wanted(report))
}

/// Its clock is right and ours is slow, so that its best blocks come too early.
pub fn future_header() -> Evidence {
    let chain = Arc::new(chain(LENGTH));
    let early = UnixTime::from_secs(chain.best().timestamp().as_secs() - 120);
    let mut simulation = Simulation::new(1, NetworkParams::simnet(), chain.genesis(), early);
    let peer = simulation.add(Script::honest(MainChain::whole(&chain)));
    simulation.run_until_head(chain.best(), at(600));
    assert!(has_report(&simulation, |report| matches!(report, SyncReport::HeaderFromTheFuture { .. })));
    let faults: Vec<&PeerFault> = simulation.faults(peer).collect();
    assert!(faults.is_empty(), "{faults:?}");
    Evidence::Nothing
}

/// Two requests in a row without an answer, then answers again.
pub fn two_timeouts() -> Evidence {
    let chain = Arc::new(chain(LENGTH));
    let mut simulation = simulation(chain.genesis());
    let script = Script::behaving(MainChain::whole(&chain), Behaviour::Silent)
        .then(at(50), Change::Behaviour(Behaviour::Honest));
    let peer = simulation.add(script);
    simulation.run_until_head(chain.best(), at(600));
    let timeouts = simulation.reports().iter();
    let timeouts =
        timeouts.filter(|(_, report)| matches!(report, SyncReport::RequestTimedOut { .. })).count();
    assert!(timeouts >= 2, "{timeouts}");
    let faults: Vec<&PeerFault> = simulation.faults(peer).collect();
    assert!(faults.is_empty(), "{faults:?}");
    Evidence::Nothing
}

pub fn unresponsive() -> Evidence {
    liar(Behaviour::Silent, 0)
}
