//! Two verifiers, written apart from each other, agree: on every real header, on headers that a running rskj mined, and
//! on as many changed and made-up ones as there is time for.
//!
//! The suite runs a few tens of thousands of cases. `RUSTOCK_CASES=2000000 cargo test -p rustock-tests --test
//! second_verifier` runs more, and `RUSTOCK_SEED` repeats a run.

#[path = "second_verifier/cases.rs"]
mod cases;
#[path = "second_verifier/changes.rs"]
mod changes;
#[path = "second_verifier/compare.rs"]
mod compare;

use std::collections::BTreeMap;

use rustock_test_support::chainkit::Random;

use cases::{Subject, subjects};
use changes::change;
use compare::{Outcome, compare};

/// A whole number from the environment, or the one to use without.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
}

#[test]
fn both_accept_every_header_of_the_recorded_chains() {
    let subjects = subjects();
    for subject in &subjects {
        let outcome = compare(subject, subject.header.raw());
        assert_eq!(outcome, Outcome::Accepted, "{}", subject.name);
    }
    assert!(subjects.len() > 3_000, "{}", subjects.len());
}

#[test]
fn both_judge_changed_and_made_up_headers_alike() {
    let (count, seed) = (setting("RUSTOCK_CASES", 30_000), setting("RUSTOCK_SEED", 1));
    println!("RUSTOCK_CASES={count} RUSTOCK_SEED={seed}");
    let subjects = subjects();
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    for case in 0..count {
        let mut random = Random::from_parts(&[seed, case]);
        let subject: &Subject = &subjects[random.between(0, subjects.len() as u64 - 1) as usize];
        let raw = change(subject, &mut random);
        *outcomes.entry(compare(subject, &raw)).or_default() += 1;
    }
    println!("{outcomes:#?}");
    // Cases of every kind were among them, or the changes are not as varied as they claim.
    for outcome in Outcome::ALL {
        assert!(outcomes.contains_key(outcome), "no case ended as {outcome:?}");
    }
}
