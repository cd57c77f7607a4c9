use std::{collections::BTreeSet, sync::Arc};

use rustock_core::{
    consensus::params::{EMPTY_UNCLES_HASH, NetworkParams},
    primitives::{
        header::HeaderFields,
        number::{Difficulty, UnixTime},
    },
};

use super::*;

/// A network whose difficulty is high enough to move: a four-hundredth of it is 5.
fn moving_difficulty() -> NetworkParams {
    let mut params = NetworkParams::simnet();
    params.name = "moving difficulty".to_owned();
    params.genesis.difficulty = Difficulty::new(2_000);
    params.genesis.genesis_difficulty_padding = 3;
    params
}

#[test]
fn a_seed_makes_the_same_chain_however_it_is_extended_and_another_seed_another() {
    let at_once = ChainBuilder::simnet().seed(5).build(40);
    let mut in_steps = ChainBuilder::simnet().seed(5).build(0);
    for blocks in [1, 0, 14, 25] {
        in_steps.extend(blocks);
    }
    assert_eq!(at_once.headers(), in_steps.headers());
    assert_ne!(at_once.header(1), ChainBuilder::simnet().seed(6).build(1).header(1));
    assert_eq!(at_once.genesis(), &NetworkParams::simnet().genesis_header().unwrap());
    assert_eq!(at_once.height(), 40);
}

#[test]
fn headers_are_linked_and_numbered_and_their_sums_add_up() {
    let chain = ChainBuilder::new(moving_difficulty()).build(100);
    let mut sum = 0;
    for (number, header) in (0..).zip(chain.headers()) {
        assert_eq!(header.number().get(), number);
        if let Some(parent) = header.number().previous() {
            assert_eq!(Some(header.parent_hash()), chain.header(parent.get()).map(|parent| parent.hash()));
        }
        sum += header.difficulty().get();
        assert_eq!(chain.header_difficulty_sum(number).get(), sum);
        assert_eq!(chain.find(&header.hash()), Some(header.number()));
    }
    assert_eq!(chain.header(101), None);
}

#[test]
fn difficulty_moves_both_ways_where_it_can() {
    let chain = ChainBuilder::new(moving_difficulty()).build(300);
    let steps: BTreeSet<_> =
        chain.headers().windows(2).map(|pair| pair[1].difficulty().cmp(&pair[0].difficulty())).collect();
    assert!(steps.contains(&std::cmp::Ordering::Less) && steps.contains(&std::cmp::Ordering::Greater));
}

#[test]
fn uncle_counts_are_as_on_mainnet_and_agree_with_the_uncles_hash() {
    let chain = ChainBuilder::simnet().build(3_000);
    let mut total = 0;
    for header in chain.headers() {
        assert_eq!(header.uncle_count() == 0, header.uncles_hash() == EMPTY_UNCLES_HASH);
        total += header.uncle_count();
    }
    assert!((3_600..4_200).contains(&total), "1.2 to 1.4 a block, not {total} in 3,000");
    let none = ChainBuilder::simnet().uncles(Uncles::None).build(50);
    assert!(none.headers().iter().all(|header| header.uncle_count() == 0));
    let always = ChainBuilder::simnet().uncles(Uncles::Always(4)).build(50);
    assert!(always.headers()[1..].iter().all(|header| header.uncle_count() == 4));
}

#[test]
fn a_fork_shares_its_ancestors_and_nothing_else() {
    let chain = ChainBuilder::simnet().seed(2).build(60);
    let fork = chain.fork_at(50, 2).extended(20);
    assert_eq!(fork.headers()[..=50], chain.headers()[..=50]);
    assert_ne!(fork.header(51), chain.header(51));
    assert_eq!(fork.common_ancestor(&chain), Some(50));
    assert_eq!(fork.height(), 70);
    assert_ne!(chain.fork_at(50, 3).extended(1).header(51), fork.header(51));
    assert_eq!(chain.fork_at(60, 1).headers(), chain.headers());
    let other = ChainBuilder::new(moving_difficulty()).build(5);
    assert_eq!(other.common_ancestor(&chain), None);
}

#[test]
fn merkle_paths_have_the_depth_asked_for_and_mainnets_make_headers_of_mainnets_size() {
    let chain = ChainBuilder::simnet().merkle_depth(12..=12).build(100);
    for header in &chain.headers()[1..] {
        assert_eq!(header.proof().unwrap().merkle_proof.len(), 12 * 32);
        assert!((950..1_350).contains(&header.raw().len()), "{} bytes", header.raw().len());
    }
}

#[test]
fn bitcoin_coinbases_are_cut_at_several_places() {
    let chain = ChainBuilder::simnet().build(200);
    let cuts: BTreeSet<u64> = chain.headers()[1..]
        .iter()
        .map(|header| {
            let count = header.proof().unwrap().coinbase[..8].try_into().unwrap();
            u64::from_be_bytes(count)
        })
        .collect();
    assert_eq!(cuts, BTreeSet::from([0, 64, 128, 192]));
}

#[test]
fn an_edited_draft_is_mined_as_it_stands() {
    let mut chain = ChainBuilder::simnet().build(3);
    let mut draft = chain.draft();
    let parent_time = chain.best().timestamp().as_secs();
    let seconds = parent_time as i64 - draft.fields.timestamp.as_secs() as i64;
    draft.shift_time(seconds);
    draft.fields.uncle_count = 9;
    let header = draft.mine(chain.params());
    assert_eq!(header.timestamp(), UnixTime::from_secs(parent_time));
    assert_eq!(header.uncle_count(), 9);
    chain.push(header.clone());
    assert_eq!(chain.best(), &header);
}

#[test]
fn a_spoiled_header_takes_the_place_of_the_good_one() {
    let chain = ChainBuilder::simnet().build(500);
    let good = HeaderFields::of(chain.header(500).unwrap());
    for spoil in Spoil::ALL {
        let header = chain.spoiled(500, spoil);
        assert_ne!(HeaderFields::of(&header), good, "{spoil:?}");
        if spoil != Spoil::ParentHash {
            assert_eq!(header.parent_hash(), good.parent_hash, "{spoil:?}");
        }
    }
}

#[test]
#[should_panic(expected = "only version-0 headers")]
fn a_network_with_later_header_versions_is_refused() {
    let mut params = NetworkParams::simnet();
    params.activations.rskip351 = rustock_core::primitives::activation::Activation::at(1);
    ChainBuilder::new(Arc::new(params));
}
