//! Two verifiers, written apart from each other, agree: on every real header, on headers that a running rskj mined, on
//! generated ones of every era, and on as many changed and made-up ones as there is time for.
//!
//! The suite runs a few tens of thousands of cases. `RUSTOCK_CASES=2000000 cargo test -p rustock-tests --test
//! second_verifier` runs more, and `RUSTOCK_SEED` repeats a run.

#[path = "second_verifier/cases.rs"]
mod cases;
#[path = "second_verifier/changes.rs"]
mod changes;
#[path = "second_verifier/compare.rs"]
mod compare;
#[path = "second_verifier/old_proofs.rs"]
mod old_proofs;

use std::collections::BTreeMap;

use rustock_core::primitives::activation::HeaderVersion;
use rustock_test_support::chainkit::Random;

use cases::{Subject, generated, recorded, subjects};
use changes::change;
use compare::{Outcome, compare};
use old_proofs::OldProof;

/// A whole number from the environment, or the one to use without.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
}

#[test]
fn both_accept_every_header_of_the_recorded_chains() {
    let subjects = recorded();
    for subject in &subjects {
        let outcome = compare(subject, subject.header.raw());
        assert_eq!(outcome, Outcome::Accepted, "{}", subject.name);
    }
    assert!(subjects.len() > 3_000, "{}", subjects.len());
}

#[test]
fn both_accept_every_generated_header_and_there_are_some_of_every_kind() {
    let subjects = generated();
    for subject in &subjects {
        let outcome = compare(subject, subject.header.raw());
        assert_eq!(outcome, Outcome::Accepted, "{}", subject.name);
    }
    let count =
        |is_meant: &dyn Fn(&Subject) -> bool| subjects.iter().filter(|subject| is_meant(subject)).count();
    for parity in [0, 1] {
        let of_parity = |subject: &Subject| subject.header.number().get() % 2 == parity;
        assert!(count(&|subject| old_proofs::is_signed(subject) && of_parity(subject)) > 3);
    }
    assert!(count(&|subject| old_proofs::has_tree(subject)) > 40);
    assert!(count(&|subject| old_proofs::has_bitcoin_transactions(subject)) > 5);
    for version in [HeaderVersion::V0, HeaderVersion::V1, HeaderVersion::V2] {
        assert!(count(&|subject| subject.header.version() == version) > 50, "{version:?}");
    }
    assert!(count(&|subject| subject.header.umm_root().is_some_and(|root| root.len() == 20)) > 3);
    assert!(count(&|subject| subject.window.is_some()) > 10);
}

#[test]
fn both_judge_changed_and_made_up_headers_alike() {
    let (count, seed) = (setting("RUSTOCK_CASES", 30_000), setting("RUSTOCK_SEED", 1));
    println!("RUSTOCK_CASES={count} RUSTOCK_SEED={seed}");
    let subjects = subjects();
    // A quarter of the cases starts from headers that may be proven as only old ones are: there are few of them.
    let old: Vec<&Subject> = subjects.iter().filter(|subject| old_proofs::is_old(subject)).collect();
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    let mut old_outcomes: BTreeMap<(OldProof, Outcome), u64> = BTreeMap::new();
    for case in 0..count {
        let mut random = Random::from_parts(&[seed, case]);
        let subject = if random.one_in(4) {
            old[random.between(0, old.len() as u64 - 1) as usize]
        } else {
            &subjects[random.between(0, subjects.len() as u64 - 1) as usize]
        };
        let raw = change(subject, &mut random);
        let outcome = compare(subject, &raw);
        *outcomes.entry(outcome).or_default() += 1;
        if let Some(proof) = old_proofs::kind_of(subject, &raw) {
            *old_outcomes.entry((proof, outcome)).or_default() += 1;
        }
    }
    println!("{outcomes:#?} {old_outcomes:#?}");
    // Cases of every kind were among them, or the changes are not as varied as they claim.
    for outcome in Outcome::ALL {
        assert!(outcomes.contains_key(outcome), "no case ended as {outcome:?}");
    }
    for proof in OldProof::ALL {
        for outcome in [Outcome::Accepted, Outcome::BrokeOneRule, Outcome::BrokeSeveralRules] {
            assert!(old_outcomes.contains_key(&(*proof, outcome)), "no {proof:?} ended as {outcome:?}");
        }
    }
}
