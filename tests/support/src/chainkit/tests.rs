use std::collections::BTreeSet;

use rustock_core::{
    consensus::params::{EMPTY_UNCLES_HASH, NetworkParams},
    primitives::{
        block::Body,
        hash::keccak256,
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
    for spoil in Spoil::ALL.into_iter().filter(|spoil| chain.can_be_spoiled(500, *spoil)) {
        let header = chain.spoiled(500, spoil);
        assert_ne!(HeaderFields::of(&header), good, "{spoil:?}");
        if spoil != Spoil::ParentHash {
            assert_eq!(header.parent_hash(), good.parent_hash, "{spoil:?}");
        }
    }
}

#[test]
fn an_eras_chain_has_every_version_and_every_kind_of_proof() {
    let chain = ChainBuilder::eras().build(600);
    let proofs = chain.headers()[1..].iter().map(|header| header.proof().unwrap());
    let signed = proofs.clone().filter(|proof| proof.coinbase.is_empty()).count();
    assert!((5..60).contains(&signed), "{signed} signed blocks");
    let whole = proofs.filter(|proof| proof.bitcoin_header.len() > 80 && !proof.coinbase.is_empty()).count();
    assert!((5..60).contains(&whole), "{whole} whole bitcoin blocks");
    let versions: Vec<u8> =
        [1, 499, 500, 559, 560, 600].map(|number| chain.header(number).unwrap().version().number()).to_vec();
    assert_eq!(versions, [0, 0, 1, 1, 2, 2]);
    let umm_roots: BTreeSet<_> =
        chain.headers().iter().map(|header| header.umm_root().map(<[u8]>::len)).collect();
    assert_eq!(umm_roots, BTreeSet::from([None, Some(0), Some(20)]));
}

#[test]
fn bodies_are_what_the_headers_commit_to() {
    let chain = ChainBuilder::eras().with_bodies().seed(3).build(600);
    let mut extensions = BTreeSet::new();
    for header in &chain.headers()[1..] {
        let number = header.number().get();
        let body = chain.body(number).unwrap();
        assert_eq!(body.uncles.len() as u32, header.uncle_count());
        assert_eq!(keccak256(&[&body.encode_uncles()]), *header.uncles_hash().as_bytes());
        assert!(!body.transactions.is_empty());
        assert_eq!(header.extension_hash(), body.extension.as_ref().map(|extension| extension.hash()));
        assert_eq!(
            Body::decode(&body.encode(), &chain.params().activations, header.number()).as_ref(),
            Ok(&**body)
        );
        if let Some(extension) = &body.extension {
            extensions.insert((extension.base_event.is_some(), extension.edges.as_ref().map(Vec::len)));
        }
        for uncle in &body.uncles {
            let height = uncle.header().number().get();
            assert!(height < number && height + 6 >= number, "{height} in {number}");
            assert_eq!(uncle.header().parent_hash(), chain.header(height - 1).unwrap().hash());
            assert_ne!(uncle.header().hash(), chain.header(height).unwrap().hash());
        }
    }
    let all = [0, 1, 2].into_iter().flat_map(|edges| [(false, Some(edges)), (true, Some(edges))]).collect();
    assert_eq!(extensions, all);
    let uncles: u64 = chain.bodies().map(|(_, body)| body.uncles.len() as u64).sum();
    assert!((600..1_000).contains(&uncles), "{uncles}");
}

#[test]
fn uncles_weigh_and_branches_can_weigh_more_by_them() {
    let trunk = ChainBuilder::new(presets::regtest()).with_bodies().uncles(Uncles::None).build(20);
    assert_eq!(trunk.total_difficulty(20).map(|sum| sum.get()), Some(21));
    let light = trunk.fork_at(10, 1).extended(10);
    let heavy = trunk.fork_at(10, 1).with_uncles(Uncles::Always(2)).extended(6);
    assert_eq!(light.total_difficulty(20).map(|sum| sum.get()), Some(21));
    assert_eq!(heavy.total_difficulty(16).map(|sum| sum.get()), Some(11 + 6 + 12));
    assert_eq!(heavy.header_difficulty_sum(16).get(), 17);
    assert_eq!(ChainBuilder::simnet().build(3).total_difficulty(3), None);
    let paid = trunk.fork_at(10, 1).with_fees(Fees::Always(77)).extended(1);
    assert_eq!(paid.best().paid_fees(), 77);
}

#[test]
fn headers_can_be_made_to_speak_of_other_uncles_than_they_have() {
    let chain = ChainBuilder::simnet().with_bodies().with_false_uncle_counts().build(200);
    let is_false = |header: &&rustock_core::primitives::header::Header| {
        chain.body(header.number().get()).unwrap().uncles.len() != header.uncle_count() as usize
    };
    let count = chain.headers().iter().filter(is_false).count();
    assert!((20..70).contains(&count), "{count}");
}
