//! One header before both verifiers, whole and rule by rule.

use std::collections::BTreeSet;

use num_bigint::Sign;
use rustock_core::{
    consensus::{
        parent::Parent,
        rules::{
            bitcoin_timestamp, difficulty, extra_data, fork_detection, future_timestamp, gas_limit, gas_used,
            linkage, merged_mining, minimum_gas_price, number,
        },
        verify::{Context, verify_header},
    },
    primitives::{header::Header, number::UnixTime},
};
use rustock_test_support::naive::{
    decode::decode_wire,
    header::NaiveHeader,
    rules::{NaiveRule, verify},
};

use super::cases::Subject;

/// How a case ended, alike for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Accepted,
    NotDecoded,
    BrokeOneRule,
    BrokeSeveralRules,
}

impl Outcome {
    pub const ALL: &[Self] = &[Self::Accepted, Self::NotDecoded, Self::BrokeOneRule, Self::BrokeSeveralRules];
}

/// Shows the bytes to both as a child of the subject's parent.
///
/// # Panics
/// When they disagree about anything.
pub fn compare(subject: &Subject, raw: &[u8]) -> Outcome {
    let at = |what: &str| format!("{what}: {} changed to {}", subject.name, hex::encode(raw));
    let fast = Header::decode(raw, &subject.params.activations);
    let slow = decode_wire(raw, &subject.naive_params);
    let (fast, slow) = match (fast, slow) {
        (Ok(fast), Ok(slow)) => (fast, slow),
        (Err(_), Err(_)) => return Outcome::NotDecoded,
        (fast, slow) => panic!("{}: {:?} but {:?}", at("decoding"), fast.err(), slow.err()),
    };
    assert_eq!(*fast.hash().as_bytes(), slow.block_hash(&subject.naive_params), "{}", at("hash"));
    assert_eq!(fast.merged_mining_preimage(), slow.merged_mining_preimage(), "{}", at("preimage"));

    let broken = broken_rules(subject, &fast);
    let broken_again = broken_rules_again(subject, &slow, broken.contains("proof"));
    assert_eq!(broken, broken_again, "{}", at("rules"));

    let parent = subject.parent.as_ref().map(Parent::from);
    let context = Context { parent: parent.as_ref(), ancestors: subject.window.as_deref(), now: subject.now };
    let whole = verify_header(fast, &context, &subject.params);
    assert_eq!(whole.is_ok(), broken.is_empty(), "{}: {whole:?}", at("the whole"));
    match broken.len() {
        0 => Outcome::Accepted,
        1 => Outcome::BrokeOneRule,
        _ => Outcome::BrokeSeveralRules,
    }
}

/// Every rule of the fast verifier, asked on its own.
fn broken_rules(subject: &Subject, header: &Header) -> BTreeSet<&'static str> {
    let params = &subject.params;
    let parent = subject.parent.as_ref().map(Parent::from);
    let mut broken = BTreeSet::new();
    let mut note = |name: &'static str, is_right: bool| {
        if !is_right {
            broken.insert(name);
        }
    };
    if let Some(parent) = &parent {
        note("linkage", linkage::check(header, parent).is_ok());
        note("number", number::check(header, parent).is_ok());
        note("gas limit", gas_limit::check_step(header, parent, params).is_ok());
        note("minimum gas price", minimum_gas_price::check_step(header, parent).is_ok());
        note("difficulty", difficulty::check(header, parent, params).is_ok());
    }
    note("gas limit", gas_limit::check_minimum(header, params).is_ok());
    note("minimum gas price", minimum_gas_price::check_sign(header).is_ok());
    note("extra data", extra_data::check(header, params).is_ok());
    // Without a gas limit there is nothing to compare with; what the rule for the limit says of it decides.
    note("gas used", gas_used::check(header).is_ok() && !header.gas_limit().is_empty());
    note("bitcoin time", bitcoin_timestamp::check(header, params).is_ok());
    note("future", future_timestamp::check(header, params, subject.now).is_ok());
    match merged_mining::check(header, params) {
        Err(_) => note("proof", false),
        Ok(proven) => {
            let number = header.number();
            let data = proven.fork_detection_data();
            if let (Some(window), Some(data)) = (&subject.window, data)
                && fork_detection::is_required(params, number)
            {
                note("fork detection", fork_detection::check(number, data, window).is_ok());
            }
        }
    }
    broken
}

/// Every rule of the naive verifier. What it says of fork-detection data behind a broken proof is left out: the
/// fast one does not look for the data then.
fn broken_rules_again(
    subject: &Subject,
    header: &NaiveHeader,
    proof_is_broken: bool,
) -> BTreeSet<&'static str> {
    let now = Some(UnixTime::as_secs(subject.now));
    let ancestors = subject.naive_ancestors.as_ref().map(|ancestors| ancestors.as_slice());
    let broken = verify(header, subject.naive_parent.as_ref(), ancestors, now, &subject.naive_params);
    let name = |rule: &NaiveRule| match rule {
        NaiveRule::ParentHash => Some("linkage"),
        NaiveRule::Number => Some("number"),
        NaiveRule::GasLimitBound | NaiveRule::GasLimitMinimum => Some("gas limit"),
        NaiveRule::MinimumGasPrice => Some("minimum gas price"),
        NaiveRule::ExtraData => Some("extra data"),
        NaiveRule::GasUsed => Some("gas used"),
        NaiveRule::Difficulty => Some("difficulty"),
        NaiveRule::BitcoinTime => Some("bitcoin time"),
        NaiveRule::FutureTime => Some("future"),
        NaiveRule::UmmRoot | NaiveRule::ProofOfWork { .. } => Some("proof"),
        NaiveRule::ForkDetectionData { .. } if proof_is_broken => None,
        NaiveRule::ForkDetectionData { .. } => Some("fork detection"),
    };
    let mut broken: BTreeSet<_> = broken.iter().filter_map(name).collect();
    // The price is a rule about the parent there; one that no parent allows is refused without one here.
    let is_possible = header.minimum_gas_price.as_ref().is_some_and(|price| price.sign() != Sign::Minus);
    if !is_possible {
        broken.insert("minimum gas price");
    }
    broken
}
