//! A run made up from a seed: one chain with growth and reorganisations, one honest peer that has it, and up to
//! four others, honest or not, on all sorts of links; the client may die at any commit.

use core::time::Duration;
use std::sync::Arc;

use rustock_core::{
    chain::record::BlockId,
    primitives::number::UnixTime,
    proto::{sync::PeerFault, time::Timestamp},
};

use super::{
    actor::{Actor, Change, Link, Script},
    behaviour::Behaviour,
    served::MainChain,
    simulation::{CrashPlan, Simulation},
};
use crate::chainkit::{Chain, ChainBuilder, Random, SignatureDamage, Spoil, TreeDamage, presets};

/// Headers that one scenario generates at most.
pub const MOST_HEADERS: u64 = 600;
/// Headers that branches of the longest trunks have at most.
const BRANCHES_OF_LONG: u64 = 120;
/// How long after its last change a network may take to bring the client to the best chain.
const PATIENCE: Duration = Duration::from_secs(45 * 60);
/// How long the client is watched after that.
const AFTERMATH: Duration = Duration::from_secs(150);
/// Later than every generated header that is not made to be from the future.
const WALL_START: UnixTime = UnixTime::from_secs(1_700_100_000);

/// Rules whose breach is tried. Where one does not hold, work is left out.
const SPOILS: [Spoil; 12] = [
    Spoil::ProofOfWork,
    Spoil::Commitment,
    Spoil::MerkleRoot,
    Spoil::Difficulty,
    Spoil::GasLimitTooHigh,
    Spoil::MinimumGasPriceTooHigh,
    Spoil::ExtraData,
    Spoil::BitcoinTimestamp,
    Spoil::UmmRoot,
    Spoil::Tree(TreeDamage::CoinbaseNotProven),
    Spoil::Signature(SignatureDamage::HighS),
    Spoil::SignedByOtherParity,
];

const HOSTILE: [Behaviour; 9] = [
    Behaviour::ShortAnswers,
    Behaviour::LongAnswers,
    Behaviour::WrongFirstHeader,
    Behaviour::BrokenOrder,
    Behaviour::NotHeaders,
    Behaviour::ContradictorySkeleton,
    Behaviour::CrookedSkeleton,
    Behaviour::EmptySkeleton,
    Behaviour::WrongKind,
];

/// What kind of peer an actor is, for judging what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Honest,
    /// Honest, with another chain from our base on.
    OtherChain,
    /// Honest with an invalid chain.
    Spoiled(Spoil),
    Hostile(Behaviour),
    /// Of no use, but nothing worse.
    Useless,
}

/// A run to be made.
#[derive(Debug)]
pub struct Scenario {
    simulation: Simulation,
    kinds: Vec<(Actor, Kind)>,
    last_change: Timestamp,
}

/// Makes a scenario.
struct Maker {
    random: Random,
    seed: u64,
    headers_left: u64,
    trunk: Arc<Chain>,
    base: u64,
    kinds: Vec<(Actor, Kind)>,
    last_change: Timestamp,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut random = Random::from_parts(&[seed, 0x5eed]);
        // One in eight crosses every era of the made-up networks, mostly from genesis on. The others: one in four
        // is long enough for fork-detection data to matter, and starts above 449.
        let (builder, is_long) = builder_of(seed);
        let (length, base) = if is_long {
            let length = random.between(565, 600);
            let base = if random.one_in(4) { random.between(1, length - 5) } else { 0 };
            (length, base)
        } else if random.one_in(4) {
            let length = random.between(456, 540);
            (length, random.between(448, length - 5))
        } else {
            let length = random.between(10, 400);
            let base = if random.one_in(3) { random.between(1, length - 2) } else { 0 };
            (length, base)
        };
        let trunk = Arc::new(builder.seed(seed).build(length));
        let mut maker = Maker {
            random,
            seed,
            headers_left: if is_long { BRANCHES_OF_LONG } else { MOST_HEADERS - length },
            trunk,
            base,
            kinds: Vec::new(),
            last_change: Timestamp::ZERO,
        };
        let mut simulation = maker.simulation();
        maker.add_main(&mut simulation);
        for index in 0..maker.random.between(0, 4) {
            maker.add_other(&mut simulation, index);
        }
        Self { simulation, kinds: maker.kinds, last_change: maker.last_change }
    }

    /// Makes the run and judges it.
    ///
    /// # Panics
    /// When something that has to hold does not.
    pub fn run(mut self) -> Simulation {
        self.simulation.run_until(self.last_change);
        let deadline = self.last_change.saturating_add(PATIENCE);
        while !self.is_level() {
            assert!(
                self.simulation.run_one_until(deadline),
                "the best honest chain is #{:?}, the stored head {}, {:?}",
                self.simulation.best_honest().map(|best| best.height),
                self.simulation.stored_head(),
                self.simulation.progress(),
            );
        }
        let end = self.simulation.now().saturating_add(AFTERMATH);
        self.simulation.run_until(end);
        self.simulation.check_store();
        for (actor, kind) in &self.kinds {
            for fault in self.simulation.faults(*actor) {
                assert!(is_deserved(*kind, fault), "{actor:?}, {kind:?}, was expelled: {fault}");
            }
        }
        self.simulation
    }

    /// The stored head is the best honest block, or one that weighs as much.
    fn is_level(&self) -> bool {
        let head = self.simulation.stored_head();
        let mut chains = self.simulation.honest_chains();
        let is_head =
            |main: &MainChain| head == BlockId { number: main.best().number(), hash: main.best().hash() };
        // The sums are worked out only once the head is one of them: this is asked after every event.
        chains.find(is_head).is_some_and(|ours| {
            self.simulation.best_honest().is_some_and(|best| best.weight() == ours.weight())
        })
    }
}

/// The network of a seed, and whether its chain has to be long to cross all that there is to cross. Blocks have
/// difficulty 1 on all of them, so that the higher branch is the heavier one.
fn builder_of(seed: u64) -> (ChainBuilder, bool) {
    match Random::from_parts(&[seed, 0xe4a5]).between(0, 15) {
        0 => (ChainBuilder::new(presets::easy(presets::eras())), true),
        1 => (ChainBuilder::new(presets::easy(presets::testnet_like())).with_bodies(), true),
        2 => (ChainBuilder::new(presets::regtest()), false),
        3 => (ChainBuilder::new(presets::regtest()).with_bodies(), false),
        _ => (ChainBuilder::simnet(), false),
    }
}

fn is_deserved(kind: Kind, fault: &PeerFault) -> bool {
    match (kind, fault) {
        (Kind::OtherChain, PeerFault::OtherChain { .. }) => true,
        (Kind::Spoiled(_), PeerFault::InvalidHeader { .. }) => true,
        (Kind::Useless, PeerFault::Unresponsive { .. }) => true,
        (Kind::Hostile(behaviour), fault) => match behaviour {
            Behaviour::ShortAnswers | Behaviour::LongAnswers => {
                matches!(fault, PeerFault::WrongHeaderCount { .. })
            }
            Behaviour::WrongFirstHeader => matches!(fault, PeerFault::WrongFirstHeader { .. }),
            Behaviour::BrokenOrder => matches!(fault, PeerFault::BrokenHeaderChain { .. }),
            Behaviour::NotHeaders => matches!(fault, PeerFault::UndecodableHeader { .. }),
            Behaviour::ContradictorySkeleton => {
                matches!(fault, PeerFault::SkeletonContradiction { .. } | PeerFault::OtherChain { .. })
                    // Above the connection point its blocks are nobody's.
                    || matches!(fault, PeerFault::Unresponsive { .. })
            }
            Behaviour::CrookedSkeleton => matches!(fault, PeerFault::WrongSkeletonHeight { .. }),
            Behaviour::EmptySkeleton => matches!(fault, PeerFault::EmptySkeleton),
            Behaviour::WrongKind => matches!(fault, PeerFault::Unresponsive { .. }),
            _ => false,
        },
        _ => false,
    }
}

impl Maker {
    fn simulation(&mut self) -> Simulation {
        let base = self.trunk.header(self.base).expect("the base is on the trunk");
        let mut simulation = Simulation::new(self.seed, self.trunk.params().clone(), base, WALL_START);
        if self.random.one_in(3) {
            simulation.crashes = CrashPlan::OneCommitIn(self.random.between(2, 10));
        }
        if self.random.one_in(4) {
            simulation.commit_time = Duration::from_millis(self.random.between(1_000, 5_000));
        }
        if self.random.one_in(4) {
            simulation.verify_time = Duration::from_millis(self.random.between(500, 5_000));
        }
        simulation
    }

    fn seconds(&mut self, least: u64, most: u64) -> Timestamp {
        let at = Timestamp::from_millis(self.random.between(least * 1_000, most * 1_000));
        self.last_change = self.last_change.max(at);
        at
    }

    fn link(&mut self) -> Link {
        let latency = match self.random.between(0, 9) {
            0 => self.random.between(4_000, 9_000),
            1 | 2 => self.random.between(500, 4_000),
            _ => self.random.between(5, 300),
        };
        let loss_per_mille = if self.random.one_in(5) { self.random.between(1, 20) } else { 0 };
        Link { loss_per_mille, ..Link::of(Duration::from_millis(latency)) }
    }

    /// A branch of `length` blocks from `height` on, as far as headers are left.
    fn branch(&mut self, from: &Chain, height: u64, length: u64) -> Chain {
        let length = length.min(self.headers_left);
        self.headers_left -= length;
        from.fork_at(height, self.random.next_u64()).extended(length)
    }

    /// The honest peer: the trunk, growing, with up to three reorganisations, each to a heavier branch.
    fn add_main(&mut self, simulation: &mut Simulation) {
        let start = self.random.between(self.base, self.trunk.height());
        let mut script = Script::honest(MainChain::up_to(&self.trunk, start)).over(self.link());
        let mut at = self.seconds(1, 120);
        let mut main = MainChain::up_to(&self.trunk, start);
        while main.height < self.trunk.height() {
            let growth = if self.random.one_in(3) { self.random.between(1, 40) } else { 1 };
            main.height = (main.height + growth).min(self.trunk.height());
            script = script.then(at, Change::MainChain(main.clone()));
            at = at.saturating_add(Duration::from_millis(self.random.between(100, 40_000)));
            // Long tails of single blocks would make a run long and prove nothing new.
            if self.random.one_in(12) {
                main.height = self.trunk.height();
                script = script.then(at, Change::MainChain(main.clone()));
            }
        }
        for _ in 0..self.random.between(0, 3) {
            let depth = self.random.between(1, 30).min(main.height - self.base);
            let length = depth + self.random.between(1, 10);
            if depth == 0 || length > self.headers_left {
                break;
            }
            let chain = main.chain.clone();
            let fork = Arc::new(self.branch(&chain, main.height - depth, length));
            main = MainChain::whole(&fork);
            at = at.saturating_add(Duration::from_millis(self.random.between(1, 90_000)));
            script = script.then(at, Change::MainChain(main.clone()));
        }
        if self.base > 0 && self.random.one_in(3) {
            script = script.serving_from(self.base.saturating_sub(self.random.between(0, 300)));
            if self.random.one_in(2) {
                script = script.then(at, Change::Lowest(0));
            }
        }
        for _ in 0..self.random.between(0, 2) {
            let drop_at = self.seconds(1, 300);
            script = script.then(drop_at, Change::Drop);
        }
        self.last_change = self.last_change.max(at);
        let actor = simulation.add(script);
        self.kinds.push((actor, Kind::Honest));
    }

    fn add_other(&mut self, simulation: &mut Simulation, index: u64) {
        let height = self.random.between(self.base, self.trunk.height());
        let main = MainChain::up_to(&self.trunk, height);
        let trunk = Arc::clone(&self.trunk);
        let (script, kind) = match self.random.between(0, 9) {
            0 => (Script::behaving(main, Behaviour::Silent), Kind::Useless),
            1 => {
                let above = self.random.between(1, 5_000);
                (Script::behaving(main, Behaviour::LyingHeight(above)), Kind::Useless)
            }
            2 => (Script::behaving(main, Behaviour::Flooding), Kind::Useless),
            3 => (Script::behaving(main, Behaviour::Asking), Kind::Honest),
            4 => {
                let count = self.random.between(1, 3) as u32;
                (Script::behaving(main, Behaviour::DisconnectsAtAnswer(count)), Kind::Useless)
            }
            5 => {
                // A branch of its own: lighter, equal or heavier.
                let depth = self.random.between(1, 40).min(height - self.base);
                let length = (depth + self.random.between(0, 12)).saturating_sub(6);
                let fork = Arc::new(self.branch(&trunk, height - depth, length));
                (Script::honest(MainChain::whole(&fork)), Kind::Honest)
            }
            6 if self.base > 0 => {
                let height = self.random.between(0, self.base - 1);
                let length = (self.base - height + self.random.between(0, 20)).min(self.headers_left);
                let other = Arc::new(self.branch(&trunk, height, length));
                let kind = if other.height() >= self.base { Kind::OtherChain } else { Kind::Useless };
                (Script::behaving(MainChain::whole(&other), Behaviour::Honest), kind)
            }
            7 => {
                let parent = self.random.between(self.base, self.trunk.height() - 1);
                let mut bad = self.branch(&trunk, parent, 0);
                let spoil = Some(SPOILS[self.random.between(0, SPOILS.len() as u64 - 1) as usize])
                    .filter(|spoil| bad.can_be_spoiled(parent + 1, *spoil))
                    .unwrap_or(Spoil::ProofOfWork);
                bad.push(bad.spoiled(parent + 1, spoil));
                let above = self.random.between(0, 20).min(self.headers_left);
                self.headers_left -= above;
                bad.extend(above);
                for header in &bad.headers()[parent as usize + 1..] {
                    simulation.forbid(header.hash());
                }
                (Script::honest(MainChain::whole(&Arc::new(bad))), Kind::Spoiled(spoil))
            }
            _ => {
                let behaviour = HOSTILE[self.random.between(0, HOSTILE.len() as u64 - 1) as usize];
                (Script::behaving(main, behaviour), Kind::Hostile(behaviour))
            }
        };
        let connects_at = self.seconds(0, 200 + index);
        let actor = simulation.add(script.over(self.link()).connecting_at(connects_at));
        if kind != Kind::Honest {
            simulation.distrust(actor);
        }
        self.kinds.push((actor, kind));
    }
}
