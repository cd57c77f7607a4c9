//! The synchronisation machine in a thousand simulated networks, made up from seeds. Directed scenarios are in
//! `sim_scenarios.rs`.
//!
//! A failing seed is printed with the command that runs it again, alone and with every message shown.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use rustock_test_support::sim::Scenario;

/// Seeds that the suite runs.
const SEEDS: u64 = 1_000;

/// The number in an environment variable.
fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs a seed; false when it fails, which it says with the reason.
fn passes(seed: u64) -> bool {
    let outcome = catch_unwind(AssertUnwindSafe(|| drop(Scenario::from_seed(seed).run())));
    if outcome.is_err() {
        eprintln!(
            "seed {seed} failed; again, alone, with every message:\n\
             RUSTOCK_SIM_SEED={seed} RUSTOCK_SIM_TRACE=1 cargo test -p rustock-tests --test sim_sync a_thousand"
        );
    }
    outcome.is_ok()
}

#[test]
fn a_thousand_made_up_networks_lead_to_the_best_honest_chain() {
    let only = number_from("RUSTOCK_SIM_SEED");
    let first = only.unwrap_or(0);
    let end = only.map_or(number_from("RUSTOCK_SIM_SEEDS").unwrap_or(SEEDS), |only| only + 1);
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    if !passes(seed) {
                        failed.lock().expect("no panic while it is held").push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic while it is held");
    assert!(failed.is_empty(), "failed seeds: {failed:?}");
}
