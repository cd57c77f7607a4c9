use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

fn ancestor(number: u64) -> Ancestor {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Ancestor {
        number: BlockNumber::new(number),
        bitcoin_hash_byte: (mixed >> 56) as u8,
        uncle_count: (mixed >> 40) as u32 % 11,
    }
}

fn window(numbers: impl IntoIterator<Item = u64>) -> ForkDetectionWindow {
    let mut window = ForkDetectionWindow::new();
    for number in numbers {
        window.push(ancestor(number)).expect("one after another");
    }
    window
}

/// RSKIP-110 as its text has it, over a map.
fn naive(chain: &BTreeMap<u64, Ancestor>, child: u64) -> Option<[u8; 12]> {
    if child < 449 {
        return None;
    }
    let mut data = Vec::new();
    for index in 0..7 {
        data.push(chain.get(&((child - 1) / 64 * 64 - index * 64))?.bitcoin_hash_byte);
    }
    let counts: Option<Vec<u32>> =
        (child - 32..child).map(|number| Some(chain.get(&number)?.uncle_count)).collect();
    data.push(counts?.iter().sum::<u32>().min(255) as u8);
    data.extend_from_slice(&(child as u32).to_be_bytes());
    data.try_into().ok()
}

#[test]
fn there_is_none_below_449_and_one_at_449() {
    let window = window(0..448);
    assert_eq!(window.expected(BlockNumber::new(448)), None);
    let window = {
        let mut window = window;
        window.push(ancestor(448)).expect("the next");
        window
    };
    let chain = (0..449).map(|number| (number, ancestor(number))).collect();
    assert_eq!(window.expected(BlockNumber::new(449)), naive(&chain, 449));
    assert!(window.expected(BlockNumber::new(449)).is_some());
}

#[test]
fn the_seventh_sample_is_the_oldest_ancestor_needed() {
    // Child 640 samples 576 down to 192.
    let child = BlockNumber::new(640);
    assert!(window(192..640).expected(child).is_some());
    assert_eq!(window(193..640).expected(child), None);
    assert_eq!(window(192..639).expected(child), None, "the parent's uncle count is missing");
    // Child 641 samples 640 down to 256: fewer ancestors do.
    assert!(window(256..641).expected(BlockNumber::new(641)).is_some());
}

#[test]
fn a_window_for_uncles_keeps_what_the_lowest_uncle_needs() {
    let params = NetworkParams::mainnet();
    let filled = |mut window: ForkDetectionWindow, newest: u64| {
        for number in 0..=newest {
            window.push(ancestor(number)).expect("one after another");
        }
        window
    };
    // The parent of a block at 518, whose lowest uncles stand at 512 and sample 448 down to 64.
    let (own, for_uncles) =
        (filled(ForkDetectionWindow::new(), 517), filled(ForkDetectionWindow::for_uncles(&params), 517));
    assert_eq!((own.len(), for_uncles.len()), (449, 455));
    assert_eq!(for_uncles.oldest(), Some(BlockNumber::new(63)));
    assert!(!for_uncles.wants_older());
    let chain = (0..=517).map(|number| (number, ancestor(number))).collect();
    for child in 512..=518 {
        assert_eq!(for_uncles.expected(BlockNumber::new(child)), naive(&chain, child), "{child}");
        assert!(naive(&chain, child).is_some());
    }
    assert_eq!(own.expected(BlockNumber::new(512)), None, "the block at 64 fell out");
    assert!(own.expected(BlockNumber::new(518)).is_some());

    // Prepending fills it up to the same number and no further.
    let mut window = ForkDetectionWindow::for_uncles(&params);
    for number in (50..=517).rev() {
        window.prepend(ancestor(number)).expect("one below another");
    }
    assert_eq!(window, for_uncles);
}

#[test]
fn a_network_without_uncles_keeps_no_more_for_them() {
    for (generations, kept) in [(0, 449), (1, 449), (2, 450), (7, 455)] {
        let params = NetworkParams { uncle_generation_limit: generations, ..NetworkParams::mainnet() };
        let mut window = ForkDetectionWindow::for_uncles(&params);
        for number in 0..600 {
            window.push(ancestor(number)).expect("one after another");
        }
        assert_eq!(window.len(), kept, "{generations}");
    }
}

#[test]
fn ancestors_above_the_parent_do_not_matter() {
    let child = BlockNumber::new(600);
    let expected = window(151..600).expected(child);
    assert!(expected.is_some());
    assert_eq!(window(192..640).expected(child), expected);
}

#[test]
fn uncle_counts_are_capped_at_255() {
    let with_counts = |count: u32| {
        let mut window = ForkDetectionWindow::new();
        for number in 0..500 {
            window.push(Ancestor { uncle_count: count, ..ancestor(number) }).expect("the next");
        }
        window.expected(BlockNumber::new(500)).map(|data| data[7])
    };
    assert_eq!(with_counts(7), Some(224));
    assert_eq!(with_counts(8), Some(255));
    assert_eq!(with_counts(1_000), Some(255));
}

#[test]
fn uncle_counts_wrap_in_32_bits() {
    let with_last_counts = |counts: [u32; 2]| {
        let mut window = window(0..498);
        for (offset, uncle_count) in counts.into_iter().enumerate() {
            let number = 498 + offset as u64;
            window.push(Ancestor { uncle_count, ..ancestor(number) }).expect("the next");
        }
        window.look_up(BlockNumber::new(500))
    };
    let below: i32 = (468..498).map(|number| ancestor(number).uncle_count as i32).sum();
    let greatest = i32::MAX;
    assert!(
        matches!(with_last_counts([(greatest - below) as u32, 0]), ExpectedData::Data(data) if data[7] == 255)
    );
    assert_eq!(
        with_last_counts([(greatest - below) as u32, 1]),
        ExpectedData::None { uncle_count_sum: i32::MIN }
    );
    let data = with_last_counts([greatest as u32, greatest as u32]);
    assert_eq!(matches!(data, ExpectedData::Data(_)), below >= 2, "2^32 − 2 is −2: all the way round");
}

#[test]
fn a_gap_is_refused_on_both_ends() {
    let mut window = window(10..20);
    let gap = |expected, seen| {
        Err(NotContiguous { expected: BlockNumber::new(expected), seen: BlockNumber::new(seen) })
    };
    assert_eq!(window.push(ancestor(21)), gap(20, 21));
    assert_eq!(window.push(ancestor(19)), gap(20, 19));
    assert_eq!(window.prepend(ancestor(8)), gap(9, 8));
    assert_eq!(window.prepend(ancestor(10)), gap(9, 10));
    assert_eq!(window.prepend(ancestor(9)), Ok(()));
    assert_eq!(window.push(ancestor(20)), Ok(()));
    assert_eq!((window.oldest(), window.newest()), (Some(BlockNumber::new(9)), Some(BlockNumber::new(20))));
}

#[test]
fn nothing_lies_below_genesis() {
    let mut window = window(0..3);
    assert!(window.prepend(ancestor(0)).is_err());
    assert!(!window.wants_older());
}

#[test]
fn truncating_to_a_height_outside_keeps_all_or_nothing() {
    let mut all = window(10..20);
    all.truncate_to(BlockNumber::new(25));
    assert_eq!(all, window(10..20));
    all.truncate_to(BlockNumber::new(15));
    assert_eq!(all, window(10..16));
    all.truncate_to(BlockNumber::new(9));
    assert!(all.is_empty());
    assert_eq!(all.push(ancestor(77)), Ok(()), "an empty window starts anywhere");
}

proptest! {
    #[test]
    fn any_history_agrees_with_the_naive_computation(
        start in 0u64..200,
        steps in proptest::collection::vec((0u8..8, 1u64..260), 1..12),
    ) {
        let mut window = ForkDetectionWindow::new();
        let mut chain = BTreeMap::new();
        let mut next = start + 300;
        let mut oldest = next;
        for (kind, amount) in steps {
            match kind {
                0..5 => for _ in 0..amount {
                    window.push(ancestor(next)).expect("the next");
                    chain.insert(next, ancestor(next));
                    next += 1;
                },
                5..7 => for _ in 0..amount {
                    if window.is_empty() || oldest == 0 || !window.wants_older() { break }
                    oldest -= 1;
                    window.prepend(ancestor(oldest)).expect("the one below");
                    chain.insert(oldest, ancestor(oldest));
                },
                _ => if !window.is_empty() {
                    next = next.saturating_sub(amount).max(oldest + 1);
                    window.truncate_to(BlockNumber::new(next - 1));
                    chain.retain(|number, _| *number < next);
                },
            }
            oldest = window.oldest().map_or(next, BlockNumber::get);
            chain.retain(|number, _| *number >= oldest);
            prop_assert!(window.len() <= 449);
            prop_assert_eq!(window.len(), chain.len());
            prop_assert_eq!(window.expected(BlockNumber::new(next)), naive(&chain, next));
        }
    }
}
