//! The peer book against what its parts promise.

use core::time::Duration;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::host::{WALL, address, node};
use crate::{
    primitives::peer::{PeerAddress, PeerBatch, PeerRecord, PeerSource, Subnet},
    proto::peers::{
        NotTaken,
        book::{Book, MAX_NEW, MAX_TRIED, NEW_PER_SUBNET, Service, TRIED_PER_SUBNET, quality},
        random::Random,
    },
};

fn book() -> (Book, Random) {
    (Book::new([], false), Random::new(1))
}

fn prove(book: &mut Book, index: u32, headers: u64) {
    let time = Duration::from_millis(100);
    let service = Service { headers, bytes: headers * 1_000, waited: time, latency: time };
    book.credit(&node(index), &service, WALL);
}

/// A public address in subnet number `subnet`, of which there are thousands.
fn far(subnet: u16, host: u8) -> PeerAddress {
    let [high, low] = (subnet + (11 << 8)).to_be_bytes();
    PeerAddress::from_ip(core::net::IpAddr::from([high, low, 0, host]), 5050)
}

#[test]
fn a_subnet_has_eight_places_and_the_ninth_only_replaces_one_that_failed() {
    let (mut book, mut random) = book();
    for index in 0..8 {
        book.add(node(index), address(1, index as u16), PeerSource::Discovered, &mut random)
            .expect("a place");
    }
    let ninth = |book: &mut Book, random: &mut Random| {
        book.add(node(9), address(1, 9), PeerSource::Discovered, random)
    };
    assert_eq!(ninth(&mut book, &mut random), Err(NotTaken::NoPlace));
    book.mark_failure(&node(3), WALL, true);
    assert_eq!(ninth(&mut book, &mut random), Ok(()));
    assert!(book.get(&node(3)).is_none());
    assert_eq!(book.len(), 8);
}

#[test]
fn when_all_places_are_taken_the_fullest_subnet_gives_one_up() {
    let (mut book, mut random) = book();
    let mut index = 0;
    for subnet in 0..88 {
        for host in 0..8 {
            book.add(node(index), far(subnet, host), PeerSource::Discovered, &mut random).expect("a place");
            index += 1;
        }
    }
    assert_eq!(book.len(), MAX_NEW);
    book.add(node(index), far(100, 1), PeerSource::Discovered, &mut random).expect("others have eight");
    assert_eq!(book.len(), MAX_NEW);
    assert!(book.get(&node(index)).is_some());
}

#[test]
fn a_proven_peer_gives_its_place_to_better_ones_only() {
    let (mut book, mut random) = book();
    for index in 0..4 {
        book.add(node(index), address(1, index as u16), PeerSource::Discovered, &mut random)
            .expect("a place");
        prove(&mut book, index, 1_000);
    }
    book.add(node(8), address(1, 8), PeerSource::Discovered, &mut random).expect("a place");
    prove(&mut book, 8, 1);
    assert!(!book.is_tried(&node(8)), "the four that are there served more");
    prove(&mut book, 8, 1_000_000);
    assert!(book.is_tried(&node(8)));
    assert_eq!((0..4).filter(|index| book.is_tried(&node(*index))).count(), 3);
}

#[test]
fn a_known_peer_moves_on_a_strangers_word_only_after_it_failed_where_it_was() {
    let (mut book, mut random) = book();
    book.add(node(1), address(1, 1), PeerSource::Discovered, &mut random).expect("a place");
    prove(&mut book, 1, 192);
    let elsewhere = || address(2, 2);
    let moved = book.add(node(1), elsewhere(), PeerSource::Discovered, &mut random);
    assert_eq!(moved, Err(NotTaken::KnownElsewhere));
    book.mark_failure(&node(1), WALL, true);
    assert_eq!(book.add(node(1), elsewhere(), PeerSource::Discovered, &mut random), Ok(()));
    assert_eq!(book.get(&node(1)).map(|record| record.address.clone()), Some(elsewhere()));
    book.add(node(1), address(3, 3), PeerSource::Configured, &mut random).expect("the user says so");
    book.mark_failure(&node(1), WALL, true);
    let moved = book.add(node(1), elsewhere(), PeerSource::Discovered, &mut random);
    assert_eq!(moved, Err(NotTaken::KnownElsewhere), "nobody contradicts the user");
}

#[test]
fn a_proven_peer_that_moves_has_to_prove_itself_where_it_is_and_takes_no_place_of_the_proven_there() {
    let (mut book, mut random) = book();
    for index in 0..4 {
        book.add(node(index), address(2, index as u16), PeerSource::Discovered, &mut random)
            .expect("a place");
        prove(&mut book, index, 1_000);
    }
    book.add(node(9), address(1, 1), PeerSource::Discovered, &mut random).expect("a place");
    prove(&mut book, 9, 1_000);
    book.mark_failure(&node(9), WALL, true);
    book.add(node(9), address(2, 9), PeerSource::Discovered, &mut random).expect("it failed where it was");
    assert!(!book.is_tried(&node(9)), "four of the subnet are tried already");
    prove(&mut book, 9, 1_000);
    let tried = (0..10).filter(|index| book.is_tried(&node(*index))).count();
    assert_eq!((tried, book.is_tried(&node(9))), (4, true), "the better one takes the place of another");
}

#[test]
fn what_was_kept_is_there_again_without_what_only_the_user_can_say() {
    let (mut first, mut random) = book();
    first.add(node(1), address(1, 1), PeerSource::Configured, &mut random).expect("a place");
    first.add(node(2), address(2, 1), PeerSource::Discovered, &mut random).expect("a place");
    prove(&mut first, 2, 192);
    let mut batch = PeerBatch::default();
    first.take_changes(&mut batch);
    assert!(!first.has_changed());
    let book = Book::new(batch.records, false);
    assert_eq!(book.get(&node(1)).map(|record| record.source), Some(PeerSource::Discovered));
    assert!(book.is_tried(&node(2)) && !book.is_tried(&node(1)));
}

#[test]
fn a_kept_record_that_has_no_place_is_forgotten_in_the_store_too() {
    let local =
        PeerRecord::new(node(1), PeerAddress::new("127.0.0.1", 1).expect("valid"), PeerSource::Discovered);
    let mut book = Book::new([local], false);
    assert!(book.is_empty());
    let mut batch = PeerBatch::default();
    book.take_changes(&mut batch);
    assert_eq!(batch.forgotten, [node(1)]);
}

#[test]
fn a_flood_between_two_writes_leaves_nothing_to_be_forgotten_in_the_store() {
    let (mut book, mut random) = book();
    for index in 0..10_000 {
        let _ = book.add(node(index), far(index as u16 % 1_000, 1), PeerSource::Discovered, &mut random);
    }
    let mut batch = PeerBatch::default();
    book.take_changes(&mut batch);
    assert_eq!((batch.records.len(), batch.forgotten.len()), (book.len(), 0));
}

#[test]
fn quality_rises_with_verified_headers_and_speed_and_falls_with_failures() {
    let (mut book, mut random) = book();
    book.add(node(1), address(1, 1), PeerSource::Discovered, &mut random).expect("a place");
    let of = |book: &Book| quality(book.get(&node(1)).expect("known"), WALL);
    let heard_of = of(&book);
    prove(&mut book, 1, 192);
    let proven = of(&book);
    assert!(proven > heard_of);
    book.mark_failure(&node(1), WALL, true);
    assert!(of(&book) < proven);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is learned, proved and failed, in any order, no part outgrows its places.
    #[test]
    fn parts_and_subnets_stay_within_their_places(
        seed in any::<u64>(),
        steps in proptest::collection::vec((0u8..4, 0u32..400, 0u16..40), 1..600),
    ) {
        let (mut book, mut random) = (Book::new([], false), Random::new(seed));
        for (what, index, subnet) in steps {
            match what {
                0 | 1 => {
                    let place = far(subnet, (index % 250) as u8);
                    let _ = book.add(node(index), place, PeerSource::Discovered, &mut random);
                }
                2 => prove(&mut book, index, u64::from(subnet) + 1),
                _ => book.mark_failure(&node(index), WALL, true),
            }
            let (mut tried, mut new) = (BTreeMap::<Subnet, usize>::new(), BTreeMap::<Subnet, usize>::new());
            for record in book.records() {
                let part = if book.is_tried(&record.id) { &mut tried } else { &mut new };
                *part.entry(Subnet::of(record.address.ip().expect("numbers"))).or_default() += 1;
            }
            prop_assert!(tried.values().sum::<usize>() <= MAX_TRIED);
            prop_assert!(new.values().sum::<usize>() <= MAX_NEW);
            prop_assert!(tried.values().all(|count| *count <= TRIED_PER_SUBNET));
            prop_assert!(new.values().all(|count| *count <= NEW_PER_SUBNET));
        }
    }
}
