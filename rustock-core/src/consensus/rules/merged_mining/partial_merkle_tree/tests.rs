use super::*;
use crate::{
    consensus::test_headers,
    primitives::header::{BITCOIN_HEADER_SIZE, ProofFields},
};
use proptest::prelude::*;

type Hash = [u8; HASH_SIZE];

fn join(left: &Hash, right: &Hash) -> Hash {
    sha256d::Hash::hash(&[*left, *right].concat()).to_byte_array()
}

/// The whole tree, layer by layer from the transactions.
fn layers(transactions: &[Hash]) -> Vec<Vec<Hash>> {
    let mut layers = vec![transactions.to_vec()];
    while layers[layers.len() - 1].len() > 1 {
        let below = &layers[layers.len() - 1];
        let layer = below.chunks(2).map(|pair| join(&pair[0], &pair[pair.len() - 1])).collect();
        layers.push(layer);
    }
    layers
}

/// Hashes and flags of a tree under construction.
#[derive(Default, Clone)]
struct Parts {
    hashes: Vec<Hash>,
    flags: Vec<bool>,
}

impl Parts {
    /// The tree that proves the transactions at these places.
    fn proving(layers: &[Vec<Hash>], matched: &[usize]) -> Self {
        let mut parts = Self::default();
        parts.visit(layers, matched, layers.len() - 1, 0);
        parts
    }

    fn visit(&mut self, layers: &[Vec<Hash>], matched: &[usize], height: usize, place: usize) {
        let is_parent = matched.iter().any(|leaf| leaf >> height == place);
        self.flags.push(is_parent);
        if height == 0 || !is_parent {
            self.hashes.push(layers[height][place]);
            return;
        }
        for child in [2 * place, 2 * place + 1] {
            if child < layers[height - 1].len() {
                self.visit(layers, matched, height - 1, child);
            }
        }
    }

    fn encode(&self, transaction_count: u32) -> Vec<u8> {
        let flags: Vec<u8> = self
            .flags
            .chunks(8)
            .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
            .collect();
        let count = |count: usize| match u8::try_from(count) {
            Ok(small) if small < 0xfd => vec![small],
            _ => [&[0xfd][..], &(count as u16).to_le_bytes()].concat(),
        };
        let hashes = self.hashes.concat();
        let transaction_count = transaction_count.to_le_bytes();
        [&transaction_count[..], &count(self.hashes.len()), &hashes, &count(flags.len()), &flags].concat()
    }
}

fn transactions(count: usize) -> Vec<Hash> {
    (0..count as u32).map(|number| sha256d::Hash::hash(&number.to_le_bytes()).to_byte_array()).collect()
}

fn header(root: Hash, merkle_proof: Vec<u8>) -> Header {
    let mut bitcoin_header = vec![0; BITCOIN_HEADER_SIZE];
    bitcoin_header[36..68].copy_from_slice(&root);
    test_headers::child(|fields| {
        fields.proof = Some(ProofFields { bitcoin_header, merkle_proof, coinbase: vec![1] });
    })
}

fn fault(outcome: Result<(), HeaderError>) -> PartialTreeFault {
    match outcome {
        Err(HeaderError::MerkleRoot { seen: FoldedRoot::PartialTree(fault), .. }) => fault,
        other => panic!("{other:?}"),
    }
}

/// A block of five transactions, whose first is the coinbase, and the tree that proves it.
fn five() -> (Vec<Hash>, Hash, Parts) {
    let transactions = transactions(5);
    let layers = layers(&transactions);
    let parts = Parts::proving(&layers, &[0]);
    (transactions, layers[layers.len() - 1][0], parts)
}

#[test]
fn a_tree_proves_the_transactions_that_it_matches_and_no_others() {
    let (transactions, root, parts) = five();
    let header = header(root, parts.encode(5));
    assert_eq!(check(&header, &transactions[0]), Ok(()));
    for other in &transactions[1..] {
        assert_eq!(fault(check(&header, other)), PartialTreeFault::CoinbaseNotProven);
    }
    // An inner node is no transaction.
    let inner = join(&transactions[0], &transactions[1]);
    assert_eq!(fault(check(&header, &inner)), PartialTreeFault::CoinbaseNotProven);
}

#[test]
fn the_tree_must_lead_to_the_root() {
    let (transactions, _, parts) = five();
    let error = check(&header([1; 32], parts.encode(5)), &transactions[0]).expect_err("another root");
    assert!(matches!(error, HeaderError::MerkleRoot { seen: FoldedRoot::Root(_), .. }), "{error}");
}

#[test]
fn the_size_is_the_one_declared() {
    let (_, _, parts) = five();
    let whole = parts.encode(5);
    assert_eq!(check_format(&whole), Ok(()));
    for seen in 0..whole.len() {
        assert_eq!(check_format(&whole[..seen]), Err(HeaderError::PartialMerkleTreeSize { seen }));
    }
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(check_format(&longer), Err(HeaderError::PartialMerkleTreeSize { seen: longer.len() }));
}

#[test]
fn counts_of_any_form_are_read_and_overflowing_ones_refused() {
    let one = |count: &[u8]| check_format(&[&[1, 0, 0, 0][..], count, &[7; 32], &[1, 1]].concat()).is_ok();
    assert!(one(&[1]));
    assert!(one(&[0xfd, 1, 0]));
    assert!(one(&[0xfe, 1, 0, 0, 0]));
    assert!(one(&[0xff, 1, 0, 0, 0, 0, 0, 0, 0]));
    assert!(!one(&[0xff, 1, 0, 0, 0, 1, 0, 0, 0]));
    assert!(!one(&[0xff; 9]));
    assert!(!one(&[0xfe, 0xff, 0xff, 0xff, 0x7f]));
}

#[test]
fn transaction_counts_end_at_a_bitcoin_block() {
    let tree = |count: u32| {
        let parts = Parts { hashes: vec![[7; 32]], flags: vec![false] };
        check(&header([7; 32], parts.encode(count)), &[7; 32])
    };
    assert_eq!(fault(tree(16_666)), PartialTreeFault::CoinbaseNotProven);
    for seen in [0, 16_667, 1 << 31, u32::MAX] {
        assert_eq!(fault(tree(seen)), PartialTreeFault::TransactionCount { seen });
    }
}

#[test]
fn nothing_may_be_missing_or_left_over() {
    let (transactions, root, parts) = five();
    let judge = |edit: &dyn Fn(&mut Parts)| {
        let mut parts = parts.clone();
        edit(&mut parts);
        check(&header(root, parts.encode(5)), &transactions[0])
    };
    assert_eq!(judge(&|_| {}), Ok(()));
    assert_eq!(fault(judge(&|parts| parts.hashes.push([1; 32]))), PartialTreeFault::NotUsedUp);
    assert_eq!(fault(judge(&|parts| parts.hashes.extend([[1; 32]; 2]))), PartialTreeFault::TooManyHashes);
    assert_eq!(fault(judge(&|parts| parts.flags.resize(9, false))), PartialTreeFault::NotUsedUp);
    assert_eq!(fault(judge(&|parts| parts.hashes.truncate(3))), PartialTreeFault::TooFewHashes);
    assert_eq!(fault(judge(&|parts| parts.flags.clear())), PartialTreeFault::TooFewFlags);
    // Padding bits of the last byte are not looked at.
    assert_eq!(judge(&|parts| parts.flags.resize(8, true)), Ok(()));
}

#[test]
fn flags_can_run_out_on_the_way() {
    let transactions = transactions(16);
    let layers = layers(&transactions);
    let all: Vec<usize> = (0..16).collect();
    let mut parts = Parts::proving(&layers, &all);
    let root = layers[layers.len() - 1][0];
    assert_eq!(check(&header(root, parts.encode(16)), &transactions[9]), Ok(()));
    parts.flags.truncate(16);
    assert_eq!(
        fault(check(&header(root, parts.encode(16)), &transactions[9])),
        PartialTreeFault::TooFewFlags
    );
}

#[test]
fn equal_branches_are_refused_and_a_missing_right_one_is_not() {
    let twice = [[3; 32], [3; 32]];
    let layers = layers(&twice);
    let tree = Parts::proving(&layers, &[0]);
    let header = header(layers[1][0], tree.encode(2));
    assert_eq!(fault(check(&header, &[3; 32])), PartialTreeFault::EqualBranches);
    let (transactions, root, parts) = five();
    let layers = super::tests::layers(&transactions);
    assert_eq!(layers[1].len(), 3, "the last pair has no right half");
    assert_eq!(check(&super::tests::header(root, parts.encode(5)), &transactions[0]), Ok(()));
    let last = Parts::proving(&layers, &[4]);
    assert_eq!(check(&super::tests::header(root, last.encode(5)), &transactions[4]), Ok(()));
}

#[test]
fn a_pair_that_reads_as_a_transaction_is_refused() {
    // In display order: one input, no script; one output worth a satoshi, four bytes of script.
    let mut left = [0; 32];
    left[4] = 1;
    let mut right = [0; 32];
    right[46 - 32] = 1;
    right[47 - 32] = 1;
    right[55 - 32] = 4;
    let pair = [reversed(&left), reversed(&right)];
    let judge = |pair: [Hash; 2]| {
        let layers = layers(&pair);
        check(&header(layers[1][0], Parts::proving(&layers, &[0]).encode(2)), &pair[0])
    };
    let error = judge(pair).expect_err("a lookalike");
    assert!(
        matches!(error, HeaderError::MerkleRoot { seen: FoldedRoot::TransactionLookalike { layer: 0 }, .. }),
        "{error}"
    );
    right[55 - 32] = 3;
    assert_eq!(judge([pair[0], reversed(&right)]), Ok(()));
}

proptest! {
    #[test]
    fn any_match_of_any_block_is_proven(count in 1usize..300, places in proptest::collection::vec(any::<prop::sample::Index>(), 1..5)) {
        let transactions = transactions(count);
        let layers = layers(&transactions);
        let matched: Vec<usize> = places.iter().map(|place| place.index(count)).collect();
        let proof = Parts::proving(&layers, &matched).encode(count as u32);
        prop_assert_eq!(check_format(&proof), Ok(()));
        let header = header(layers[layers.len() - 1][0], proof);
        for (place, transaction) in transactions.iter().enumerate() {
            prop_assert_eq!(check(&header, transaction).is_ok(), matched.contains(&place));
        }
    }

    #[test]
    fn any_bytes_are_judged(proof in proptest::collection::vec(any::<u8>(), 0..300), hash_count in 0u8..6) {
        let mut proof = proof;
        if let Some(byte) = proof.get_mut(4) {
            *byte = hash_count;
        }
        prop_assert!(check(&header([9; 32], proof), &[1; 32]).is_err());
    }
}
