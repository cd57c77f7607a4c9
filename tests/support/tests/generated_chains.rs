//! Generated chains and the core's rules agree: two implementations of the protocol's description.

use rustock_core::{
    consensus::{
        chunk::verify_chunk,
        error::HeaderError,
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        rules::fork_detection::ForkDetectionCheck,
        verify::{Context, VerifiedHeader, verify_header},
    },
    primitives::{
        activation::Activation,
        header::Header,
        number::{Difficulty, GasLimit, UnixTime},
    },
};
use rustock_test_support::chainkit::{Chain, ChainBuilder, Spoil, Uncles, presets};

/// Later than every generated header.
const NOW: UnixTime = UnixTime::from_secs(1_900_000_000);

/// A network that starts where mainnet stood at wasabi: later rules come in one by one.
fn upgrading_network() -> NetworkParams {
    let mut params = NetworkParams::simnet();
    params.name = "upgrading".to_owned();
    params.genesis.difficulty = Difficulty::new(3_000);
    params.genesis.genesis_difficulty_padding = 3;
    params.genesis.gas_limit = GasLimit::new(0, 3_000_000);
    params.activations.rskip156 = Activation::at(150);
    params.activations.rskip_umm = Activation::at(150);
    params.activations.rskip179 = Activation::at(300);
    params.activations.rskip180 = Activation::at(300);
    params
}

/// A network whose rules come in another order than on any public one.
fn out_of_order_network() -> NetworkParams {
    let mut params = presets::eras();
    params.name = "out of order".to_owned();
    params.activations.rskip351 = Activation::at(20);
    params.activations.rskip_umm = Activation::at(50);
    params.activations.rskip535 = Activation::at(70);
    params.activations.rskip144 = Activation::at(90);
    params.activations.rskip110 = Activation::at(450);
    params.activations.rskip179 = Activation::at(110);
    params.activations.rskip98 = Activation::at(105);
    params.activations.rskip180 = Activation::at(140);
    params.activations.rskip156 = Activation::at(160);
    params.activations.rskip92 = Activation::at(470);
    params
}

struct Verifier<'a> {
    params: &'a NetworkParams,
    window: ForkDetectionWindow,
    parent: Option<Parent>,
}

impl<'a> Verifier<'a> {
    fn new(params: &'a NetworkParams) -> Self {
        Self { params, window: ForkDetectionWindow::new(), parent: None }
    }

    fn check(&self, header: &Header) -> Result<VerifiedHeader, HeaderError> {
        let context = Context { parent: self.parent.as_ref(), ancestors: Some(&self.window), now: NOW };
        verify_header(header.clone(), &context, self.params)
    }

    fn accept(&mut self, header: &Header) -> ForkDetectionCheck {
        let verified = self.check(header).unwrap_or_else(|error| panic!("{header:?}: {error}"));
        self.window.push(Ancestor::from(&verified)).expect("generated headers are consecutive");
        self.parent = Some(Parent::from(header));
        assert_eq!(verified.warnings().count(), 0, "{header:?}");
        verified.applied().fork_detection
    }
}

fn accept_all(chain: &Chain) -> Vec<ForkDetectionCheck> {
    let mut verifier = Verifier::new(chain.params());
    chain.headers().iter().map(|header| verifier.accept(header)).collect()
}

/// Checks every way to spoil the headers at these heights. Returns the ways that there were.
fn assert_every_spoil_breaks_its_rule(chain: &Chain, heights: &[u64]) -> Vec<Spoil> {
    let mut tried = Vec::new();
    let mut verifier = Verifier::new(chain.params());
    for header in chain.headers() {
        let number = header.number().get();
        if heights.contains(&number) {
            for spoil in Spoil::ALL.into_iter().filter(|spoil| chain.can_be_spoiled(number, *spoil)) {
                match verifier.check(&chain.spoiled(number, spoil)) {
                    Err(error) => assert_eq!(error.rule(), spoil.rule(), "{spoil:?} at {number}: {error}"),
                    other => panic!("{spoil:?} at {number}: {other:?}"),
                }
                tried.push(spoil);
            }
        }
        verifier.accept(header);
    }
    tried
}

#[test]
fn every_generated_header_is_valid_and_fork_detection_data_is_checked_from_450_on() {
    let checks = accept_all(&ChainBuilder::simnet().seed(1).build(1_500));
    assert!(checks[..450].iter().all(|check| *check == ForkDetectionCheck::NotRequired));
    assert!(checks[450..].iter().all(|check| *check == ForkDetectionCheck::Checked));
}

#[test]
fn chains_of_every_shape_are_valid() {
    let builders = [
        ChainBuilder::simnet().seed(2).merkle_depth(12..=12),
        ChainBuilder::simnet().seed(3).merkle_depth(0..=30).uncles(Uncles::None),
        ChainBuilder::simnet().seed(4).merkle_depth(0..=0).uncles(Uncles::Always(10)),
    ];
    for builder in builders {
        accept_all(&builder.build(600));
    }
}

#[test]
fn a_network_whose_rules_come_in_one_by_one_is_followed() {
    for seed in 0..3 {
        accept_all(&ChainBuilder::new(upgrading_network()).seed(seed).build(520));
    }
}

#[test]
fn branches_are_valid_at_any_depth() {
    let trunk = ChainBuilder::simnet().seed(5).build(700);
    for height in [0, 1, 448, 449, 450, 640, 699, 700] {
        let branch = trunk.fork_at(height, 9).extended(40);
        accept_all(&branch);
        accept_all(&branch.fork_at(height + 20, 9).extended(10));
    }
}

#[test]
fn a_spoiled_header_breaks_the_rule_it_is_spoiled_for_and_no_other_comes_first() {
    let chain = ChainBuilder::simnet().seed(6).build(720);
    let tried = assert_every_spoil_breaks_its_rule(&chain, &[641, 720]);
    assert_eq!(tried.len(), 2 * 27, "everything but what ended with RSKIP-92 and RSKIP-98");
    let upgrading = ChainBuilder::new(upgrading_network()).seed(7).build(520);
    assert_every_spoil_breaks_its_rule(&upgrading, &[1, 149, 150, 299, 300, 448, 449, 450, 520]);
}

#[test]
fn every_way_to_spoil_a_header_is_noticed_on_both_sides_of_every_activation() {
    let heights = [
        1, 2, 3, 40, 41, 98, 99, 100, 101, 199, 200, 279, 280, 339, 340, 399, 400, 448, 449, 450, 499, 500,
        559, 560, 561, 600,
    ];
    let mut tried = Vec::new();
    for seed in 0..2 {
        let chain = ChainBuilder::eras().seed(seed).build(600);
        tried.extend(assert_every_spoil_breaks_its_rule(&chain, &heights));
    }
    for spoil in Spoil::ALL {
        assert!(tried.contains(&spoil), "{spoil:?} was never tried");
    }
    let testnet = ChainBuilder::new(presets::testnet_like()).seed(2).build(560);
    let heights = [1, 59, 60, 119, 120, 179, 180, 239, 240, 299, 300, 450, 479, 480, 539, 540, 560];
    assert_every_spoil_breaks_its_rule(&testnet, &heights);
    let regtest = ChainBuilder::new(presets::regtest()).seed(2).build(470);
    assert_every_spoil_breaks_its_rule(&regtest, &[1, 2, 448, 449, 450, 470]);
}

#[test]
fn chains_of_every_preset_are_valid_header_by_header_and_as_chunks() {
    let presets = [presets::eras(), presets::testnet_like(), presets::regtest(), out_of_order_network()];
    for params in presets {
        for seed in 0..3 {
            let chain = ChainBuilder::new(params.clone()).seed(seed).merkle_depth(0..=14).build(700);
            let checks = accept_all(&chain);
            assert_eq!(checks[700], ForkDetectionCheck::Checked, "{}", params.name);
            let mut window = ForkDetectionWindow::new();
            let mut parent = Parent::from(chain.genesis());
            for chunk in chain.headers()[1..].chunks(192) {
                let verified = verify_chunk(chunk.to_vec(), &parent, &mut window, NOW, &params)
                    .unwrap_or_else(|error| panic!("{} {:?}: {error}", params.name, error.rejected));
                assert_eq!(verified.len(), chunk.len());
                parent = Parent::from(chunk.last().expect("a chunk is not empty"));
            }
        }
    }
}

#[test]
fn uncles_are_valid_blocks_of_their_own_on_top_of_ancestors() {
    for params in [presets::eras(), presets::testnet_like(), presets::regtest(), NetworkParams::simnet()] {
        let chain = ChainBuilder::new(params).with_bodies().with_false_uncle_counts().seed(4).build(600);
        let mut uncles: Vec<Header> = chain
            .bodies()
            .flat_map(|(_, body)| body.uncles.iter().map(|uncle| uncle.header().clone()).collect::<Vec<_>>())
            .collect();
        let count = uncles.len();
        uncles.sort_by_key(|uncle| (uncle.number(), uncle.hash()));
        uncles.dedup();
        assert_eq!(uncles.len(), count, "no uncle is used twice");
        assert!(count > 500, "{count}");

        let mut verifier = Verifier::new(chain.params());
        for header in chain.headers() {
            for uncle in uncles.iter().filter(|uncle| uncle.number() == header.number()) {
                verifier.check(uncle).unwrap_or_else(|error| panic!("{uncle:?}: {error}"));
                assert_ne!(uncle.hash(), header.hash());
                assert!(uncle.timestamp() > verifier.parent.expect("above genesis").timestamp);
            }
            verifier.accept(header);
        }
    }
}

#[test]
fn a_block_at_its_parents_time_is_valid_and_warned_of() {
    let chain = ChainBuilder::simnet().seed(8).build(10);
    let mut draft = chain.draft();
    let parent_time = chain.best().timestamp();
    draft.shift_time(parent_time.as_secs() as i64 - draft.fields.timestamp.as_secs() as i64);
    draft.fields.difficulty = chain.difficulty_after(chain.best(), parent_time, draft.fields.uncle_count);
    let header = draft.mine(chain.params());

    let mut verifier = Verifier::new(chain.params());
    for header in chain.headers() {
        verifier.accept(header);
    }
    let verified = verifier.check(&header).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verified.warnings().count(), 1);
}

#[test]
fn a_block_ahead_of_the_clock_is_not_yet_valid() {
    let chain = ChainBuilder::simnet().seed(9).build(1);
    let parent = Parent::from(chain.genesis());
    let now = UnixTime::from_secs(chain.best().timestamp().as_secs() - 61);
    let context = Context { parent: Some(&parent), ancestors: None, now };
    let outcome = verify_header(chain.best().clone(), &context, chain.params());
    assert!(matches!(outcome, Err(HeaderError::NotYetValid { .. })), "{outcome:?}");
}
