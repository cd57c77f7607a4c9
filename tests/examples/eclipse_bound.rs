//! Prints the table of slots of `docs/threat-model.md`: `cargo run -p rustock-tests --example eclipse_bound`.

use rustock_core::proto::{peers::SlotLimits, time::Timestamp};
use rustock_test_support::sim::network::{NetworkSimulation, Plan};

const SEEDS: u64 = 5;

fn main() {
    let hours = Timestamp::from_millis(2 * 3_600_000);
    let SlotLimits { target, spare, .. } = SlotLimits::default();
    println!("| /16s | hostile nodes | bound | worst | mean | time with none but hostile peers |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for subnets in [1, 2, 4, 7, 16] {
        for percent in [10, 30, 50] {
            let (mut worst, mut hostile, mut eclipsed, mut seconds) = (0, 0, 0, 0);
            for seed in 0..SEEDS {
                let mut simulation = NetworkSimulation::new(seed, Plan::eclipse(percent, subnets));
                simulation.run_until(hours);
                let tally = simulation.tally();
                worst = worst.max(tally.most_hostile);
                hostile += tally.hostile_seconds;
                eclipsed += tally.eclipsed_seconds;
                seconds += tally.seconds;
            }
            let share = |part: u64| part as f64 / seconds as f64;
            let (mean, eclipsed) = (share(hostile), 100.0 * share(eclipsed));
            let bound = (subnets as usize + 1).min(target + spare);
            println!("| {subnets} | {percent} % | {bound} | {worst} | {mean:.1} | {eclipsed:.1} % |");
        }
    }
}
