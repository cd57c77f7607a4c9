//! Generated chains and the core's rules agree: two implementations of the protocol's description.

use rustock_core::{
    consensus::{
        error::{HeaderError, Rule},
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
use rustock_test_support::chainkit::{Chain, ChainBuilder, Spoil, Uncles};

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

/// The rule that `spoil` is meant to break.
fn rule_of(spoil: Spoil) -> Rule {
    match spoil {
        Spoil::ParentHash => Rule::Linkage,
        Spoil::Number => Rule::Number,
        Spoil::GasLimitTooHigh | Spoil::GasLimitTooLow => Rule::GasLimit,
        Spoil::MinimumGasPriceTooHigh | Spoil::MinimumGasPriceTooLow | Spoil::MinimumGasPriceMissing => {
            Rule::MinimumGasPrice
        }
        Spoil::ExtraData => Rule::ExtraData,
        Spoil::GasUsed => Rule::GasUsed,
        Spoil::Difficulty => Rule::Difficulty,
        Spoil::BitcoinTimestamp => Rule::BitcoinTimestamp,
        Spoil::UmmRoot => Rule::UmmRoot,
        Spoil::MerkleProofPartial | Spoil::MerkleProofTooLong => Rule::MerkleProofFormat,
        Spoil::ProofOfWork => Rule::ProofOfWork,
        Spoil::CoinbaseMissing | Spoil::CoinbaseTooShort | Spoil::CoinbaseOfAnInnerNode => {
            Rule::MergedMiningCoinbase
        }
        Spoil::Commitment => Rule::MergedMiningCommitment,
        Spoil::TagTooFar | Spoil::TagNotLast | Spoil::TagBytesAfter => Rule::MergedMiningTagPosition,
        Spoil::MerkleRoot => Rule::MerkleRoot,
        Spoil::ForkDetection => Rule::ForkDetection,
    }
}

fn assert_every_spoil_breaks_its_rule(chain: &Chain, number: u64) {
    let mut verifier = Verifier::new(chain.params());
    for header in &chain.headers()[..number as usize] {
        verifier.accept(header);
    }
    for spoil in Spoil::ALL {
        let holds_here = match spoil {
            Spoil::ForkDetection => number > 449,
            Spoil::UmmRoot => number >= 150,
            Spoil::BitcoinTimestamp | Spoil::MerkleProofTooLong => number >= 300,
            _ => true,
        };
        if holds_here {
            match verifier.check(&chain.spoiled(number, spoil)) {
                Err(error) => {
                    assert_eq!(error.rule(), rule_of(spoil), "{spoil:?}: {error}")
                }
                other => panic!("{spoil:?} at {number}: {other:?}"),
            }
        }
    }
    verifier.accept(chain.header(number).expect("the chain reaches up to there"));
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
    assert_every_spoil_breaks_its_rule(&chain, 720);
    assert_every_spoil_breaks_its_rule(&chain, 641);
    let upgrading = ChainBuilder::new(upgrading_network()).seed(7).build(520);
    for number in [1, 149, 150, 299, 300, 448, 449, 450, 520] {
        assert_every_spoil_breaks_its_rule(&upgrading, number);
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
