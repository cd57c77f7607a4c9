use super::*;
use crate::{consensus::test_headers, primitives::header::ProofFields};
use proptest::prelude::*;

/// A header whose proof leads from `coinbase_id` over `siblings` (in hashing order) to its root.
fn header_with(coinbase_id: [u8; 32], siblings: &[[u8; 32]]) -> Header {
    let mut root = coinbase_id;
    let mut merkle_proof = Vec::new();
    for sibling in siblings {
        root = sha256d::Hash::hash(&[root, *sibling].concat()).to_byte_array();
        merkle_proof.extend(sibling.iter().rev());
    }
    let mut bitcoin_header = vec![0; 80];
    bitcoin_header[ROOT].copy_from_slice(&root);
    test_headers::child(|fields| {
        fields.proof = Some(ProofFields { bitcoin_header, merkle_proof, coinbase: vec![1] });
    })
}

fn fold(headers: &[Header], ids: &[[u8; 32]]) -> Vec<Result<(), HeaderError>> {
    let mut nodes: Vec<_> = ids.iter().copied().map(Ok).collect();
    BatchFold::default().fold(&headers.iter().collect::<Vec<_>>(), &mut nodes);
    let ends = headers.iter().zip(nodes);
    ends.map(|(header, end)| end.and_then(|end| check_root(header, &end))).collect()
}

#[test]
fn the_proof_is_whole_hashes_and_thirty_at_most_from_rskip180_on() {
    let mainnet = NetworkParams::mainnet();
    let judge = |size: usize, number| check_format(&vec![0; size], &mainnet, BlockNumber::new(number));
    for size in [0, 32, 960] {
        assert_eq!(judge(size, 3_614_800), Ok(()));
    }
    assert_eq!(judge(992, 3_614_799), Ok(()));
    let refusal = HeaderError::MerkleProofFormat { most: Some(960), seen: 992 };
    assert_eq!(judge(992, 3_614_800), Err(refusal));
    for seen in [1, 31, 33, 959] {
        let most = None;
        assert_eq!(judge(seen, 3_614_799), Err(HeaderError::MerkleProofFormat { most, seen }));
        assert!(judge(seen, 3_614_800).is_err());
    }
}

#[test]
fn a_path_must_end_at_the_root() {
    let siblings = [[5; 32], [6; 32], [7; 32]];
    let header = header_with([4; 32], &siblings);
    assert_eq!(check(&header, [4; 32]), Ok(()));
    let error = check(&header, [3; 32]).expect_err("another coinbase");
    assert!(matches!(error, HeaderError::MerkleRoot { seen: FoldedRoot::Root(_), .. }));
}

#[test]
fn without_siblings_the_coinbase_is_the_root() {
    let header = header_with([4; 32], &[]);
    assert_eq!(check(&header, [4; 32]), Ok(()));
    assert!(check(&header, [5; 32]).is_err());
}

/// The 64 bytes, both halves in display order, of a transaction as the guard wants it.
fn transaction(input_script: usize, output_script: usize, index: u32, value: i64) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[4] = 1;
    bytes[37..41].copy_from_slice(&index.to_le_bytes());
    bytes[41] = input_script as u8;
    bytes[46 + input_script] = 1;
    bytes[47 + input_script..55 + input_script].copy_from_slice(&value.to_le_bytes());
    bytes[55 + input_script] = output_script as u8;
    bytes
}

fn guard(bytes: &[u8; 64]) -> bool {
    let (left, right) = (bytes.first_chunk().expect("half"), bytes.last_chunk().expect("half"));
    reads_as_transaction(&reversed(left), right)
}

#[test]
fn the_guard_sees_every_shape_of_a_64_byte_transaction() {
    for input_script in 0..=4 {
        for index in [0, 1_000_000, u32::MAX] {
            for value in [1, MAXIMUM_MONEY] {
                assert!(guard(&transaction(input_script, 4 - input_script, index, value)));
            }
        }
    }
}

#[test]
fn the_guard_lets_through_what_misses_one_condition() {
    assert!(!guard(&transaction(0, 4, 1_000_001, 1)));
    assert!(!guard(&transaction(0, 4, u32::MAX - 1, 1)));
    for value in [0, -1, MAXIMUM_MONEY + 1] {
        assert!(!guard(&transaction(0, 4, 0, value)));
    }
    for (input_script, output_script) in [(0, 3), (0, 5), (4, 1), (1, 2), (5, 0), (2, 0xfe)] {
        assert!(!guard(&transaction(input_script, output_script, 0, 1)));
    }
    for place in [4, 46] {
        for count in [0, 2] {
            let mut bytes = transaction(0, 4, 0, 1);
            bytes[place] = count;
            assert!(!guard(&bytes), "{count} at {place}");
        }
    }
}

#[test]
fn the_guard_rejects_the_pair_alone_and_in_a_batch() {
    let bytes = transaction(2, 2, 0, 1);
    let left = reversed(bytes.first_chunk().expect("half"));
    let right = reversed(bytes.last_chunk().expect("half"));
    let header = header_with(left, &[right, [9; 32]]);
    let error = check(&header, left).expect_err("it could be a transaction");
    let seen = FoldedRoot::TransactionLookalike { layer: 0 };
    assert!(matches!(&error, HeaderError::MerkleRoot { seen: found, .. } if *found == seen));
    let fine = header_with([1; 32], &[[2; 32]]);
    let outcomes = fold(&[fine.clone(), header, fine], &[[1; 32], left, [1; 32]]);
    assert_eq!(outcomes, [Ok(()), Err(error), Ok(())]);
}

/// The guard as rskj has it: over the 64 bytes, one condition after another.
fn naive_guard(bytes: &[u8; 64]) -> bool {
    if bytes[4] != 1 {
        return false;
    }
    let index = u32::from_le_bytes(bytes[37..41].try_into().expect("four"));
    if index > 1_000_000 && index != 0xffff_ffff {
        return false;
    }
    let a = bytes[41] as i8;
    if !(0..=4).contains(&a) || bytes[46 + a as usize] != 1 {
        return false;
    }
    let value = i64::from_le_bytes(bytes[47 + a as usize..55 + a as usize].try_into().expect("eight"));
    if !(1..=2_100_000_000_000_000).contains(&value) {
        return false;
    }
    let b = bytes[55 + a as usize] as i8;
    (0..=4).contains(&b) && a + b == 4
}

proptest! {
    #[test]
    fn a_batch_gives_what_each_header_gives_alone(
        shapes in proptest::collection::vec((any::<[u8; 32]>(), 0usize..16, 0u8..4), 0..24),
    ) {
        let mut headers = Vec::new();
        let mut ids = Vec::new();
        for (seed, depth, fault) in shapes {
            let siblings: Vec<[u8; 32]> = (0..depth).map(|layer| seed.map(|byte| byte ^ layer as u8)).collect();
            headers.push(header_with(seed, &siblings));
            ids.push(if fault == 0 { [0; 32] } else { seed });
        }
        let alone: Vec<_> = headers.iter().zip(&ids).map(|(header, id)| check(header, *id)).collect();
        prop_assert_eq!(fold(&headers, &ids), alone);
    }

    #[test]
    fn the_guard_is_rskjs(
        a in 0usize..6, b in 0usize..6, index in any::<u32>(), value in any::<i64>(), shrink in 0u32..64,
        flip in proptest::option::of((0usize..64, any::<u8>())),
    ) {
        let mut bytes = transaction(a, b, index >> (shrink / 2), value >> shrink);
        if let Some((place, byte)) = flip {
            bytes[place] = byte;
        }
        prop_assert_eq!(guard(&bytes), naive_guard(&bytes));
    }
}
