//! Skeletons at their boundaries: every accepted shape with its refused twin.

use super::{ChunkRequest, PeerFault, check_shared_blocks, job::decode_descending, plan_skeleton};
use crate::{
    chain::{record::BlockId, tail::ChainTail, test_chain::TestChain},
    consensus::{client_too_old::ClientTooOld, params::NetworkParams},
    primitives::{
        hash::BlockHash,
        number::BlockNumber,
        rlp::{Item, list_prefix},
    },
    wire::{
        p2p::DisconnectReason,
        rsk::{BlockIdentifier, RawList},
    },
};

/// A tail from genesis to `height`.
fn tail(height: usize) -> ChainTail {
    let chain = TestChain::starting_at(0);
    let mut records = vec![chain.base().record.clone()];
    records.extend(chain.extend(chain.base(), height, 1).into_iter().map(|entry| entry.record));
    ChainTail::new(BlockNumber::GENESIS, Vec::new(), records).expect("linked")
}

/// The skeleton of a peer that shares our blocks and has made-up ones above.
fn skeleton(tail: &ChainTail, numbers: &[u64]) -> Vec<BlockIdentifier> {
    let entry = |number: &u64| {
        let number = BlockNumber::new(*number);
        let hash = tail.record(number).map_or(BlockHash::new([9; 32]), |record| record.hash);
        BlockIdentifier { hash, number }
    };
    numbers.iter().map(entry).collect()
}

fn plan(numbers: &[u64]) -> Result<(Vec<(u64, u32)>, bool), PeerFault> {
    let tail = tail(200);
    let plan = plan_skeleton(&skeleton(&tail, numbers), tail.head().id())?;
    let chunk = |chunk: &ChunkRequest| (chunk.top.number.get(), chunk.count);
    Ok((plan.chunks.iter().map(chunk).collect(), plan.continues))
}

#[test]
fn chunks_start_above_the_connection_point_and_end_at_the_last_entry() {
    assert_eq!(plan(&[192, 384, 400]), Ok((vec![(384, 184), (400, 16)], false)));
    assert_eq!(plan(&[192, 201]), Ok((vec![(201, 1)], false)));
    assert_eq!(plan(&[192, 200]), Ok((vec![], false)));
    assert_eq!(plan(&[192]), Ok((vec![], false)));
}

#[test]
fn a_skeleton_of_twenty_chunks_goes_on_and_one_of_more_is_refused() {
    let full: Vec<u64> = (1..=21).map(|step| step * 192).collect();
    let (chunks, continues) = plan(&full).expect("as long as can be");
    assert_eq!((chunks.len(), continues), (20, true));
    let too_long: Vec<u64> = (1..=22).map(|step| step * 192).collect();
    assert_eq!(
        plan(&too_long),
        Err(PeerFault::WrongSkeletonHeight { index: 21, actual: BlockNumber::new(22 * 192) })
    );
    let (_, continues) = plan(&full[..20]).expect("one less");
    assert!(!continues);
}

#[test]
fn heights_off_the_rule_are_refused_at_their_place() {
    for (numbers, index) in [
        (vec![0, 192], 0),
        (vec![193, 384], 0),
        (vec![192, 383, 384], 1),
        (vec![192, 385], 1),
        (vec![192, 384, 384], 2),
    ] {
        let actual = BlockNumber::new(numbers[index]);
        assert_eq!(plan(&numbers), Err(PeerFault::WrongSkeletonHeight { index, actual }), "{numbers:?}");
    }
    assert_eq!(plan(&[]), Err(PeerFault::EmptySkeleton));
}

#[test]
fn another_block_at_a_shared_height_contradicts_the_connection_point() {
    let tail = tail(200);
    let mut entries = skeleton(&tail, &[192, 384]);
    entries[0].hash = BlockHash::new([7; 32]);
    let point: BlockId = tail.head().id();
    let expected = PeerFault::SkeletonContradiction { number: BlockNumber::new(192) };
    assert_eq!(check_shared_blocks(&entries, point.number, &tail), Err(expected));
    entries[0].hash = tail.record(BlockNumber::new(192)).expect("held").hash;
    assert_eq!(check_shared_blocks(&entries, point.number, &tail), Ok(()));
    // Above the connection point the peer's blocks are its own.
    assert_eq!(check_shared_blocks(&entries[1..], point.number, &tail), Ok(()));
    let base = BlockIdentifier { number: BlockNumber::GENESIS, hash: BlockHash::new([7; 32]) };
    let expected = PeerFault::OtherChain { base: BlockNumber::GENESIS };
    assert_eq!(check_shared_blocks(&[base], point.number, &tail), Err(expected));
}

#[test]
fn a_header_of_another_layout_is_a_fault_below_the_last_known_upgrade_and_our_age_from_there_on() {
    let chain = TestChain::starting_at(0);
    let header = &chain.extend(chain.base(), 1, 1)[0].header;
    let mut fields = Item::decode(header.raw()).expect("an item").list().expect("a list").rest().to_vec();
    fields.push(0x80);
    let (prefix, used) = list_prefix(fields.len());
    let raw = RawList::new([&prefix[..used], &fields].concat()).expect("a list");
    let number = header.number();
    let judge = |last_known_upgrade| {
        let params = NetworkParams { last_known_upgrade, ..NetworkParams::simnet() };
        decode_descending(header.hash(), core::slice::from_ref(&raw), &params).expect_err("another layout")
    };
    let fault = judge(number);
    assert_eq!(fault, PeerFault::ClientTooOld(ClientTooOld { number, last_known_upgrade: number }));
    assert!(!fault.is_hostile());
    assert_eq!(fault.disconnect_reason(), DisconnectReason::UselessPeer);
    let fault = judge(number.next());
    assert!(matches!(fault, PeerFault::UndecodableHeader { index: 0, .. }), "{fault}");
    assert!(fault.is_hostile());
}
