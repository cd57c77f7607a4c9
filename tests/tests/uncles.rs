//! Uncles that were mined for the purpose, each at the boundary of a rule, in bodies of generated blocks.

use rustock_core::{
    consensus::{
        body_error::{BodyError, BodyRule},
        error::{HeaderError, Rule},
        family::{Family, Relative},
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        rules::uncles::check_header,
        verify::{Context, VerifiedHeader, verify_header},
        verify_body::{Application, BodyContext, VerifiedBlock, verify_body},
    },
    primitives::{
        block::Body,
        hash::{Hash256, keccak256},
        header::{FullHeader, Header},
        number::{BlockNumber, UnixTime},
    },
};
use rustock_test_support::chainkit::{Chain, ChainBuilder, Draft, Uncles};
use rustock_tests::headers::NOW;

/// The block that names the uncles: high enough for fork-detection data that reads below what its parent's does.
const BLOCK: u64 = 517;

/// A chain up to the block below, without uncles.
fn chain() -> Chain {
    ChainBuilder::simnet().seed(5).uncles(Uncles::None).merkle_depth(0..=1).build(BLOCK - 1)
}

/// A child of the chain's block below `number`, mined after `edit`.
fn sibling(chain: &Chain, number: u64, seed: u64, edit: impl FnOnce(&mut Draft)) -> Header {
    let mut draft = chain.fork_at(number - 1, seed).draft();
    edit(&mut draft);
    draft.mine(chain.params())
}

fn body(uncles: Vec<Header>) -> Body {
    let full = |uncle| FullHeader::new(uncle, None).expect("version 0");
    Body { transactions: Vec::new(), uncles: uncles.into_iter().map(full).collect(), extension: None }
}

/// A chain, verified, and the block on top of it that is yet to be made.
struct Setting {
    chain: Chain,
    verified: Vec<VerifiedHeader>,
}

impl Setting {
    fn new() -> Self {
        let chain = chain();
        let mut verified: Vec<VerifiedHeader> = Vec::new();
        for header in chain.headers() {
            let parent = verified.last().map(|header| Parent::from(header.header()));
            let context = Context { parent: parent.as_ref(), ancestors: None, now: NOW };
            verified.push(verify_header(header.clone(), &context, chain.params()).expect("valid"));
        }
        Self { chain, verified }
    }

    fn params(&self) -> &NetworkParams {
        self.chain.params()
    }

    fn family_from(&self, lowest: u64) -> Family {
        let mut family = Family::new(self.params());
        for header in &self.verified[lowest as usize..] {
            family.push(Relative::from(header)).expect("one above another");
        }
        family
    }

    fn window(&self, mut window: ForkDetectionWindow) -> ForkDetectionWindow {
        for header in &self.verified {
            window.push(Ancestor::from(header)).expect("one above another");
        }
        window
    }

    /// Mines the block that names these uncles and verifies it with its body.
    fn judge_with(&self, uncles: Vec<Header>, context: &BodyContext<'_>) -> Result<VerifiedBlock, BodyError> {
        let body = body(uncles);
        let mut draft = self.chain.draft();
        draft.fields.uncles_hash = Hash256::new(keccak256(&[&body.encode_uncles()]));
        let parent = Parent::from(self.chain.best());
        let on_parent = Context { parent: Some(&parent), ancestors: None, now: NOW };
        let header = verify_header(draft.mine(self.params()), &on_parent, self.params()).expect("valid");
        verify_body(&header, body, context, self.params())
    }

    fn judge(&self, uncles: Vec<Header>, now: UnixTime) -> Result<VerifiedBlock, BodyError> {
        let family = self.family_from(0);
        let window = self.window(ForkDetectionWindow::for_uncles(self.params()));
        let context = BodyContext { family: Some(&family), ancestors: Some(&window), now };
        self.judge_with(uncles, &context)
    }

    fn plain(&self, number: u64, seed: u64) -> Header {
        sibling(&self.chain, number, seed, |_| {})
    }
}

fn rule_of_uncle(verdict: Result<VerifiedBlock, BodyError>) -> Option<Rule> {
    match verdict {
        Err(BodyError::UncleHeader { error, .. }) => Some(error.rule()),
        _ => None,
    }
}

#[test]
fn six_generations_ten_at_most_and_every_rule_applied() {
    let setting = Setting::new();
    let mut uncles: Vec<Header> =
        (1..=6).map(|generation| setting.plain(BLOCK - generation, generation)).collect();
    uncles.extend((7..=10).map(|seed| setting.plain(BLOCK - 6, seed)));
    let block = setting.judge(uncles.clone(), NOW).expect("ten uncles");
    let applied = block.applied_to_body();
    assert_eq!(applied.uncle_parents, Application::Applied);
    assert_eq!(applied.used_uncles, Application::Applied);
    assert_eq!(applied.uncle_fork_detection, Application::Applied);
    let sum: u128 = uncles.iter().map(|uncle| uncle.difficulty().get()).sum();
    assert_eq!(block.weight().get(), block.difficulty().get() + sum);

    uncles.push(setting.plain(BLOCK - 6, 11));
    let refusal = BodyError::UncleListLimit { most: 10, seen: 11 };
    assert_eq!(setting.judge(uncles, NOW), Err(refusal));
    let too_old = setting.judge(vec![setting.plain(BLOCK - 7, 1)], NOW);
    assert_eq!(too_old.map_err(|error| error.rule()), Err(BodyRule::UncleGeneration));
}

#[test]
fn an_uncles_time_is_after_its_parents_which_no_other_headers_must_be() {
    let setting = Setting::new();
    let parent = setting.chain.header(BLOCK - 3).expect("generated").clone();
    let at = |seconds: i64| {
        sibling(&setting.chain, BLOCK - 2, 1, |draft| {
            let timestamp = parent.timestamp().as_secs().checked_add_signed(seconds).expect("a time");
            draft.fields.timestamp = UnixTime::from_secs(timestamp);
            let uncles = draft.fields.uncle_count;
            draft.fields.difficulty = setting.chain.difficulty_after(&parent, draft.fields.timestamp, uncles);
            draft.mining.bitcoin_time = timestamp as u32;
        })
    };
    assert!(setting.judge(vec![at(1)], NOW).is_ok());
    for seconds in [0, -1] {
        let early = at(seconds);
        let facts = Parent::from(&parent);
        let context = Context { parent: Some(&facts), ancestors: None, now: NOW };
        assert!(verify_header(early.clone(), &context, setting.params()).is_ok());
        let verdict = setting.judge(vec![early], NOW).map_err(|error| error.rule());
        assert_eq!(verdict, Err(BodyRule::UncleTimestamp));
    }
}

#[test]
fn an_uncle_breaks_the_rules_of_headers_like_any_header() {
    let setting = Setting::new();
    let with = |edit: fn(&mut Draft)| {
        let uncle = sibling(&setting.chain, BLOCK - 1, 1, edit);
        rule_of_uncle(setting.judge(vec![setting.plain(BLOCK - 2, 1), uncle], NOW))
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|draft| draft.fork_data.as_mut().expect("above 449")[7] ^= 1), Some(Rule::ForkDetection));
    assert_eq!(
        with(|draft| draft.fields.gas_used = draft.fields.gas_limit.get() as u64 + 1),
        Some(Rule::GasUsed)
    );
    assert_eq!(with(|draft| draft.mining.bitcoin_time += 100_000), Some(Rule::BitcoinTimestamp));
    let other_merkle_root = |draft: &mut Draft| {
        draft.mining.damage = Some(rustock_test_support::chainkit::ProofDamage::OtherMerkleRoot);
    };
    assert_eq!(with(other_merkle_root), Some(Rule::MerkleRoot));
}

#[test]
fn nobody_asks_for_an_uncles_extra_data_or_the_least_gas_limit() {
    let setting = Setting::new();
    let uncle = sibling(&setting.chain, BLOCK - 1, 1, |draft| draft.fields.extra_data = vec![1; 33]);
    let parent = Parent::from(setting.chain.header(BLOCK - 2).expect("generated"));
    let context = Context { parent: Some(&parent), ancestors: None, now: NOW };
    let as_header = verify_header(uncle.clone(), &context, setting.params());
    assert_eq!(as_header, Err(HeaderError::ExtraData { most: 32, seen: 33 }));
    assert!(setting.judge(vec![uncle], NOW).is_ok());

    let uncle = setting.plain(BLOCK - 1, 2);
    let least = uncle.gas_limit().get() + 1;
    let params = NetworkParams { minimum_gas_limit: least, ..setting.params().clone() };
    let as_header = verify_header(uncle.clone(), &context, &params).map_err(|error| error.rule());
    assert_eq!(as_header, Err(Rule::GasLimit));
    assert!(check_header(0, &uncle, Some(&parent), None, NOW, &params).is_ok());
}

#[test]
fn an_early_uncle_can_wait_unless_something_else_is_wrong() {
    let setting = Setting::new();
    let early = setting.plain(BLOCK - 1, 1);
    let max_future = setting.params().max_future.as_secs();
    let until = UnixTime::from_secs(early.timestamp().as_secs() - max_future);
    assert!(setting.judge(vec![early.clone()], until).is_ok());
    let now = UnixTime::from_secs(until.as_secs() - 1);
    let error = setting.judge(vec![early.clone()], now).expect_err("a second early");
    assert!(error.is_retryable(), "{error}");

    let broken = sibling(&setting.chain, BLOCK - 6, 2, |draft| {
        draft.fork_data.as_mut().expect("above 449")[0] ^= 1;
    });
    let error = setting.judge(vec![early, broken], now).expect_err("wrong fork data");
    assert!(!error.is_retryable() && error.rule() == BodyRule::UncleHeader, "{error}");
}

#[test]
fn what_cannot_be_applied_is_said_and_not_skipped() {
    let setting = Setting::new();
    // 511 ends a span of 64 heights, so the lowest ancestor that the data of 512 samples is 448 below it.
    let deep = setting.plain(512, 1);
    assert_eq!(ForkDetectionWindow::lowest_read(deep.number()), BlockNumber::new(64));
    let full = setting.window(ForkDetectionWindow::for_uncles(setting.params()));
    let headers_only = setting.window(ForkDetectionWindow::new());
    let judge = |family: Option<&Family>, ancestors: Option<&ForkDetectionWindow>, uncle: &Header| {
        let context = BodyContext { family, ancestors, now: NOW };
        let block = setting.judge_with(vec![uncle.clone()], &context).expect("valid");
        block.applied_to_body()
    };
    let not_applied = |family: Option<&Family>, ancestors: Option<&ForkDetectionWindow>| {
        judge(family, ancestors, &deep).not_applied().collect::<Vec<_>>()
    };

    let whole = setting.family_from(0);
    assert_eq!(not_applied(Some(&whole), Some(&full)), [BodyRule::TransactionsRoot]);
    let without_fork_data = [BodyRule::UncleHeader, BodyRule::TransactionsRoot];
    assert_eq!(not_applied(Some(&whole), Some(&headers_only)), without_fork_data);
    assert_eq!(not_applied(Some(&whole), None), without_fork_data);
    let without_parent = [
        BodyRule::UncleIsAncestor,
        BodyRule::UncleParent,
        BodyRule::UncleTimestamp,
        BodyRule::UncleHeader,
        BodyRule::TransactionsRoot,
    ];
    // A family from 512 on knows who could have named the uncle, and not the uncle's parent.
    assert_eq!(not_applied(Some(&setting.family_from(512)), Some(&full)), without_parent);
    let nothing = [&[BodyRule::UsedUncle][..], &without_parent].concat();
    assert_eq!(not_applied(Some(&setting.family_from(514)), Some(&full)), nothing);
    assert_eq!(not_applied(None, Some(&full)), nothing);
    // A family of another block is none.
    let mut other = setting.family_from(0);
    other.truncate_to(BlockNumber::new(BLOCK - 2));
    assert_eq!(not_applied(Some(&other), Some(&full)), nothing);

    // And what an uncle proves alone is checked all the same.
    let bad = sibling(&setting.chain, 512, 1, |draft| draft.mining.bitcoin_time += 100_000);
    let verdict = setting.judge_with(vec![bad], &BodyContext::standalone(NOW));
    assert_eq!(rule_of_uncle(verdict), Some(Rule::BitcoinTimestamp));
}
