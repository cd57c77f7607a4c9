use super::*;
use crate::{
    consensus::{family::Relative, test_headers},
    primitives::{
        hash::BlockHash,
        header::{HeaderFields, ProofFields},
    },
};

/// The block that names the uncles.
const BLOCK: u64 = 100;

fn hash(number: u64) -> BlockHash {
    BlockHash::new([number as u8; 32])
}

/// A header at `number` on top of the ancestor below it.
fn sibling_at(number: u64) -> FullHeader {
    sibling(number, |_| {})
}

fn sibling(number: u64, edit: impl FnOnce(&mut HeaderFields)) -> FullHeader {
    let header = test_headers::header(&NetworkParams::simnet(), |fields| {
        fields.number = BlockNumber::new(number);
        fields.parent_hash = hash(number.saturating_sub(1));
        if number == 0 {
            fields.umm_root = None;
        }
        edit(fields);
    });
    FullHeader::new(header, None).expect("version 0")
}

/// Blocks without uncles.
fn family(numbers: core::ops::RangeInclusive<u64>) -> Family {
    let mut family = Family::new(&NetworkParams::simnet());
    for number in numbers {
        let facts = Parent { hash: hash(number), number: BlockNumber::new(number), ..test_headers::parent() };
        let uncles = Some(Vec::new());
        let relative = Relative { parent_hash: hash(number - 1), facts, uncles };
        family.push(relative).expect("one after another");
    }
    family
}

#[test]
fn ten_uncles_and_no_more() {
    let params = NetworkParams::simnet();
    let uncles = |count| vec![sibling_at(99); count];
    assert_eq!(check_list_limit(&uncles(0), &params), Ok(()));
    assert_eq!(check_list_limit(&uncles(10), &params), Ok(()));
    let refusal = BodyError::UncleListLimit { most: 10, seen: 11 };
    assert_eq!(check_list_limit(&uncles(11), &params), Err(refusal));
}

#[test]
fn an_uncle_that_differs_in_its_proof_alone_is_the_same_one() {
    let with_proof = |byte| {
        sibling(99, |fields| {
            fields.proof = Some(ProofFields {
                bitcoin_header: vec![1; 80],
                merkle_proof: Vec::new(),
                coinbase: vec![byte; 50],
            });
        })
    };
    let (one, other) = (with_proof(1), with_proof(2));
    let seen = one.header().hash();
    assert_eq!(check_distinct(&[one.clone(), sibling_at(98), sibling_at(97)]), Ok(()));
    let refusal = BodyError::DuplicateUncle { index: 2, first: 0, seen };
    assert_eq!(check_distinct(&[one, sibling_at(98), other]), Err(refusal));
}

#[test]
fn uncles_are_of_the_last_six_heights() {
    let params = NetworkParams::simnet();
    let at = BlockNumber::new;
    let judge = |block, uncle| check_generations(&[sibling_at(uncle)], at(block), &params);
    for uncle in BLOCK - 6..BLOCK {
        assert_eq!(judge(BLOCK, uncle), Ok(()), "{uncle}");
    }
    for uncle in [0, 1, BLOCK - 7, BLOCK, BLOCK + 1] {
        let refusal = BodyError::UncleGeneration { index: 0, least: at(94), most: at(99), seen: at(uncle) };
        assert_eq!(judge(BLOCK, uncle), Err(refusal), "{uncle}");
    }
    // Near genesis, which is nobody's uncle.
    assert_eq!(judge(2, 1), Ok(()));
    assert_eq!(judge(7, 1), Ok(()));
    assert!(judge(8, 1).is_err() && judge(1, 1).is_err() && judge(1, 0).is_err() && judge(3, 0).is_err());
}

#[test]
fn the_generations_are_the_networks() {
    let params = NetworkParams { uncle_generation_limit: 2, ..NetworkParams::simnet() };
    let judge = |uncle| check_generations(&[sibling_at(uncle)], BlockNumber::new(BLOCK), &params);
    assert!(judge(BLOCK - 1).is_ok() && judge(BLOCK - 2).is_err());
}

#[test]
fn a_child_of_an_ancestor_has_its_parent() {
    let family = family(93..=99);
    for number in 94..=99 {
        let uncle = sibling_at(number);
        let ancestry = check_ancestry(0, uncle.header(), &family).expect("a sibling of an ancestor");
        assert_eq!(ancestry.parent.map(|parent| parent.number.get()), Some(number - 1));
        assert!(ancestry.is_known_unused);
    }
}

#[test]
fn an_ancestor_is_no_uncle() {
    let uncle = sibling_at(98);
    let seen = uncle.header().hash();
    let mut family = family(93..=97);
    assert!(check_ancestry(0, uncle.header(), &family).is_ok());
    family.push(Relative::without_body(uncle.header())).expect("a child of 97");
    let refusal = BodyError::UncleIsAncestor { index: 3, seen };
    assert_eq!(check_ancestry(3, uncle.header(), &family), Err(refusal));
}

#[test]
fn an_uncle_is_named_once() {
    let uncle = sibling_at(97);
    let seen = uncle.header().hash();
    let mut family = family(93..=98);
    let mut last = family.newest().expect("98").clone();
    last.uncles = Some(vec![hash(1), seen]);
    family.truncate_to(BlockNumber::new(97));
    assert!(check_ancestry(0, uncle.header(), &family).is_ok());
    family.push(last).expect("a child of 97");
    let refusal = BodyError::UsedUncle { index: 0, by: BlockNumber::new(98), seen };
    assert_eq!(check_ancestry(0, uncle.header(), &family), Err(refusal));
}

#[test]
fn an_uncle_of_a_stranger_is_none() {
    let uncle = sibling(97, |fields| fields.parent_hash = hash(1));
    let refusal = BodyError::UncleParent { index: 0, seen: hash(1) };
    assert_eq!(check_ancestry(0, uncle.header(), &family(93..=99)), Err(refusal.clone()));
    // Its parent would be at 96.
    assert_eq!(check_ancestry(0, uncle.header(), &family(96..=99)), Err(refusal));
    let unknown = Ancestry { parent: None, is_known_unused: true };
    assert_eq!(check_ancestry(0, uncle.header(), &family(97..=99)), Ok(unknown));
}

#[test]
fn what_the_family_does_not_know_is_said() {
    let uncle = sibling_at(96);
    let reaching = family(95..=99);
    let known = check_ancestry(0, uncle.header(), &reaching).expect("a sibling");
    assert!(known.parent.is_some() && known.is_known_unused);
    // Without 97 nobody knows whether it named the uncle.
    let short = family(98..=99);
    let unknown = check_ancestry(0, uncle.header(), &short);
    assert_eq!(unknown, Ok(Ancestry { parent: None, is_known_unused: false }));
    // Nor without the body of 97, though its header is known to commit to some uncles.
    let mut family = family(95..=96);
    let header = sibling_at(97);
    family.push(Relative::without_body(header.header())).expect("a child of 96");
    let ancestry = check_ancestry(0, uncle.header(), &family).expect("a sibling");
    assert!(ancestry.parent.is_some() && !ancestry.is_known_unused);
}

#[test]
fn its_time_is_after_its_parents_unless_the_network_has_no_rules_for_time() {
    let parent = test_headers::parent();
    let at = |seconds: i64| {
        let timestamp = parent.timestamp.as_secs().checked_add_signed(seconds).expect("a time");
        sibling(test_headers::CHILD_NUMBER, |fields| fields.timestamp = UnixTime::from_secs(timestamp))
    };
    let mainnet = NetworkParams::mainnet();
    assert_eq!(check_timestamp(0, at(1).header(), &parent, &mainnet), Ok(()));
    for seconds in [0, -1] {
        let seen = at(seconds).header().timestamp();
        let refusal = BodyError::UncleTimestamp { index: 0, parent: parent.timestamp, seen };
        assert_eq!(check_timestamp(0, at(seconds).header(), &parent, &mainnet), Err(refusal));
        assert_eq!(check_timestamp(0, at(seconds).header(), &parent, &NetworkParams::regtest()), Ok(()));
    }
}
