//! How fast chains can be made.

use divan::{Bencher, counter::ItemsCount};
use rustock_test_support::chainkit::ChainBuilder;

const BLOCKS: u64 = 10_000;

fn main() {
    divan::main();
}

#[divan::bench(args = [2, 12], sample_count = 5, sample_size = 1)]
fn headers(bencher: Bencher<'_, '_>, merkle_depth: usize) {
    bencher
        .counter(ItemsCount::new(BLOCKS))
        .bench(|| ChainBuilder::simnet().merkle_depth(merkle_depth..=merkle_depth).build(BLOCKS));
}
