//! Generated bodies, and spoiled ones, against the core's rules for bodies; spoiled forms against its decoder.

use std::collections::BTreeSet;

use rustock_core::{
    consensus::{
        body_error::BodyRule,
        family::{Family, Relative},
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        verify::{Context, VerifiedHeader, verify_header},
        verify_body::{Application, BodyContext, verify_body},
    },
    primitives::{
        block::Block,
        header::{Header, HeaderDecodeError},
        number::UnixTime,
    },
};
use rustock_test_support::chainkit::{Chain, ChainBuilder, SpoilBody, SpoilForm, Uncles, presets};

/// Later than every generated header.
const NOW: UnixTime = UnixTime::from_secs(1_900_000_000);

/// A chain that grows block by block.
struct Verifier<'a> {
    params: &'a NetworkParams,
    window: ForkDetectionWindow,
    family: Family,
    parent: Option<Parent>,
    weight: u128,
}

impl<'a> Verifier<'a> {
    fn new(params: &'a NetworkParams) -> Self {
        let window = ForkDetectionWindow::for_uncles(params);
        Self { params, window, family: Family::new(params), parent: None, weight: 0 }
    }

    fn header(&self, header: &Header) -> VerifiedHeader {
        let context = Context { parent: self.parent.as_ref(), ancestors: Some(&self.window), now: NOW };
        verify_header(header.clone(), &context, self.params)
            .unwrap_or_else(|error| panic!("{header:?}: {error}"))
    }

    fn context(&self) -> BodyContext<'_> {
        BodyContext { family: Some(&self.family), ancestors: Some(&self.window), now: NOW }
    }

    fn accept(&mut self, block: Block) {
        let header = self.header(&block.header);
        let verified = verify_body(&header, block.body, &self.context(), self.params)
            .unwrap_or_else(|error| panic!("{:?}: {error}", block.header));
        let applied = verified.applied_to_body();
        for application in [applied.uncle_parents, applied.used_uncles, applied.uncle_fork_detection] {
            assert_ne!(application, Application::NotApplied, "{:?}", block.header);
        }
        self.weight += verified.weight().get();
        self.family.push(Relative::from(&verified)).expect("generated blocks are consecutive");
        self.window.push(Ancestor::from(&header)).expect("generated headers are consecutive");
        self.parent = Some(Parent::from(header.header()));
    }
}

fn accept_all(chain: &Chain) {
    let mut verifier = Verifier::new(chain.params());
    for number in 0..=chain.height() {
        verifier.accept(chain.block(number).expect("the chain has bodies"));
    }
    assert_eq!(chain.total_difficulty(chain.height()).map(|sum| sum.get()), Some(verifier.weight));
}

/// The rule is known and named, but not applied before there are proofs.
fn is_applied(spoil: SpoilBody) -> bool {
    spoil.rule() != BodyRule::TransactionsRoot
}

#[test]
fn generated_blocks_are_valid_and_weigh_what_the_generator_says() {
    for params in [presets::eras(), presets::testnet_like(), presets::regtest(), NetworkParams::simnet()] {
        let builder = ChainBuilder::new(params).with_bodies();
        let trunk = builder.clone().seed(1).build(600);
        accept_all(&trunk);
        accept_all(&trunk.fork_at(590, 1).with_uncles(Uncles::Always(10)).extended(15));
        accept_all(&builder.with_false_uncle_counts().seed(2).build(120));
    }
}

#[test]
fn a_spoiled_body_breaks_the_rule_it_is_spoiled_for_and_no_other_comes_first() {
    let heights = [2, 3, 8, 9, 63, 99, 100, 101, 300, 340, 449, 450, 452, 499, 500, 501, 560, 600];
    let mut tried = BTreeSet::new();
    for params in [presets::eras(), presets::testnet_like(), presets::regtest()] {
        let chain = ChainBuilder::new(params).with_bodies().seed(5).build(600);
        let mut verifier = Verifier::new(chain.params());
        for number in 0..=chain.height() {
            if heights.contains(&number) {
                for spoil in SpoilBody::ALL.into_iter().filter(|spoil| is_applied(*spoil)) {
                    let Some(block) = chain.spoiled_block(number, spoil) else { continue };
                    let header = verifier.header(&block.header);
                    match verify_body(&header, block.body, &verifier.context(), chain.params()) {
                        Err(error) => {
                            assert_eq!(error.rule(), spoil.rule(), "{spoil:?} at {number}: {error}");
                        }
                        Ok(_) => panic!("{spoil:?} at {number} was accepted"),
                    }
                    tried.insert(format!("{spoil:?}"));
                }
            }
            verifier.accept(chain.block(number).expect("the chain has bodies"));
        }
    }
    for spoil in SpoilBody::ALL.into_iter().filter(|spoil| is_applied(*spoil)) {
        assert!(tried.contains(&format!("{spoil:?}")), "{spoil:?} was never tried");
    }
}

#[test]
fn bytes_of_a_spoiled_form_are_no_header() {
    let chain = ChainBuilder::eras().seed(6).build(570);
    let mut tried = BTreeSet::new();
    for number in [1, 2, 99, 100, 279, 280, 499, 500, 559, 560, 570] {
        for spoil in SpoilForm::ALL {
            let Some(raw) = chain.spoiled_form(number, spoil) else { continue };
            let decoded: Result<Header, HeaderDecodeError> =
                Header::decode(&raw, &chain.params().activations);
            assert!(decoded.is_err(), "{spoil:?} at {number}");
            tried.insert(format!("{spoil:?}"));
        }
    }
    assert_eq!(tried.len(), SpoilForm::ALL.len(), "{tried:?}");
}
