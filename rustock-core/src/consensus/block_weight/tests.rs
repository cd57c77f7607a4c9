use proptest::prelude::*;

use super::*;
use crate::{
    consensus::{family::Relative, parent::Parent, test_headers},
    primitives::{
        hash::{BlockHash, Hash256},
        number::{BlockNumber, UnixTime},
    },
};

fn hash(number: u64) -> BlockHash {
    BlockHash::new([number as u8; 32])
}

fn header(number: u64, difficulty: u128, uncles_hash: Hash256) -> Header {
    test_headers::header(&NetworkParams::simnet(), |fields| {
        fields.number = BlockNumber::new(number);
        fields.parent_hash = hash(number - 1);
        fields.difficulty = Difficulty::new(difficulty);
        fields.uncles_hash = uncles_hash;
    })
}

const SOME_UNCLES: Hash256 = Hash256::new([1; 32]);

/// A family whose blocks have these difficulties, the oldest at `oldest`.
fn family(oldest: u64, difficulties: &[u128]) -> Family {
    let mut family = Family::new(&NetworkParams::simnet());
    for (number, difficulty) in (oldest..).zip(difficulties) {
        let facts = Parent {
            hash: hash(number),
            number: BlockNumber::new(number),
            difficulty: Difficulty::new(*difficulty),
            ..test_headers::parent()
        };
        let parent_hash = hash(number.wrapping_sub(1));
        family.push(Relative { parent_hash, facts, uncles: None }).expect("one after another");
    }
    family
}

#[test]
fn a_weight_is_the_blocks_difficulty_and_its_uncles() {
    let uncle = |difficulty| FullHeader::new(header(9, difficulty, SOME_UNCLES), None).expect("version 0");
    let block = header(10, 100, SOME_UNCLES);
    assert_eq!(BlockWeight::of(&block, &[]).get(), 100);
    let weight = BlockWeight::of(&block, &[uncle(20), uncle(3)]);
    assert_eq!(weight.get(), 123);
    assert_eq!(weight.on_top_of(CumulativeDifficulty::new(1_000)), Some(CumulativeDifficulty::new(1_123)));
    let most = CumulativeDifficulty::new(u128::MAX - 123);
    assert_eq!(weight.on_top_of(most), Some(CumulativeDifficulty::new(u128::MAX)));
    assert_eq!(weight.on_top_of(CumulativeDifficulty::new(u128::MAX - 122)), None);
    let endless = [uncle(u128::MAX / 2), uncle(u128::MAX / 2), uncle(u128::MAX / 2)];
    assert_eq!(BlockWeight::of(&block, &endless).get(), u128::MAX);
}

#[test]
fn without_uncles_the_header_is_enough() {
    let bounds = WeightBounds::of(&header(100, 77, EMPTY_UNCLES_HASH), None, &NetworkParams::simnet());
    let exact = BlockWeight::new(77);
    assert_eq!(bounds, Some(WeightBounds { least: exact, most: exact }));
    assert!(bounds.expect("bounds").is_exact());
}

#[test]
fn one_to_ten_uncles_each_a_step_from_one_of_the_six_ancestors_below_the_parent() {
    let params = NetworkParams::simnet();
    // Divisor 400. The parent, at 99, has no other child below the block.
    let ancestors = family(93, &[40_000, 80_000, 80_000, 80_000, 80_000, 80_000, 4_000_000]);
    let bounds = WeightBounds::of(&header(100, 7, SOME_UNCLES), Some(&ancestors), &params);
    let bounds = bounds.expect("all candidates are here");
    assert_eq!(bounds.least.get(), 7 + 40_000 - 100);
    assert_eq!(bounds.most.get(), 7 + 10 * (80_000 + 200));
    assert!(!bounds.is_exact());
}

#[test]
fn without_every_candidate_there_are_no_bounds() {
    let params = NetworkParams::simnet();
    let of =
        |number, family: &Family| WeightBounds::of(&header(number, 7, SOME_UNCLES), Some(family), &params);
    assert!(of(100, &family(93, &[5; 7])).is_some());
    assert_eq!(of(100, &family(94, &[5; 6])), None);
    assert_eq!(of(101, &family(93, &[5; 7])), None, "another block's family");
    assert_eq!(WeightBounds::of(&header(100, 7, SOME_UNCLES), None, &params), None);
    // Near genesis fewer are enough, and block 1 can have none.
    assert!(of(2, &family(0, &[5; 2])).is_some());
    assert_eq!(of(2, &family(1, &[5])), None);
    assert_eq!(of(1, &family(0, &[5])), None);
}

/// Every difficulty that a child of this parent can have, found by trying times and uncle counts.
fn tried(params: &NetworkParams, parent: &Parent) -> Vec<Difficulty> {
    let mut found = Vec::new();
    for seconds in [-1i64, 0, 13, 14, 15, 28, 29, 599, 600, 100_000] {
        for uncle_count in [0, 1, 10] {
            let timestamp = parent.timestamp.as_secs().checked_add_signed(seconds).expect("a time");
            let timestamp = UnixTime::from_secs(timestamp);
            let number = parent.number.next();
            found.extend(difficulty::expected(params, parent, number, timestamp, uncle_count));
        }
    }
    found
}

proptest! {
    #[test]
    fn no_choice_of_uncles_is_outside_the_bounds_and_some_choice_is_on_each(
        difficulties in proptest::collection::vec(1u128..1_000_000, 7),
        minimum in prop_oneof![Just(1u128), 1u128..1_000_000],
        own in 1u128..1_000_000,
        may_reset in any::<bool>(),
        picks in proptest::collection::vec((0usize..6, any::<prop::sample::Index>()), 1..=10),
    ) {
        let mut params = NetworkParams::simnet();
        params.minimum_difficulty = Difficulty::new(minimum);
        if may_reset {
            params.activations.rskip97 = crate::primitives::activation::Activation::NEVER;
        }
        let ancestors = family(93, &difficulties);
        let block = header(100, own, SOME_UNCLES);
        let bounds = WeightBounds::of(&block, Some(&ancestors), &params).expect("all candidates are here");

        let choices: Vec<Vec<Difficulty>> =
            ancestors.relatives().take(6).map(|parent| tried(&params, &parent.facts)).collect();
        let chosen = picks.iter().map(|(parent, choice)| choice.get(&choices[*parent]).get());
        let weight = own + chosen.sum::<u128>();
        prop_assert!(bounds.least.get() <= weight && weight <= bounds.most.get());

        let all = || choices.iter().flatten().map(|difficulty| difficulty.get());
        prop_assert_eq!(bounds.least.get(), own + all().min().expect("some"));
        prop_assert_eq!(bounds.most.get(), own + 10 * all().max().expect("some"));
    }
}
