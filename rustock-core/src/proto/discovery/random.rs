//! Randomness from a seed that the host draws.

use crate::primitives::hash::keccak256;
use crate::wire::discovery::MessageId;

/// Keccak-256 of the seed and a counter. Whoever cannot see a request must not be able to guess its id, or it
/// could answer in another's name; so the numbers must not follow from each other.
#[derive(Clone)]
pub(super) struct Random {
    seed: [u8; 32],
    counter: u64,
}

impl core::fmt::Debug for Random {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Random(hidden)")
    }
}

impl Random {
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    fn next(&mut self) -> [u8; 16] {
        self.counter += 1;
        let block = keccak256(&[&self.seed, &self.counter.to_be_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&block[..16]);
        bytes
    }

    pub fn message_id(&mut self) -> MessageId {
        MessageId::from_random(self.next())
    }

    /// A number below `bound`, which must not be 0. The bias is below 2^-64 for any list there is.
    fn below(&mut self, bound: usize) -> usize {
        (u128::from_be_bytes(self.next()) % bound as u128) as usize
    }

    /// One of the items.
    pub fn choose<T>(&mut self, mut items: Vec<T>) -> Option<T> {
        if items.is_empty() {
            return None;
        }
        let index = self.below(items.len());
        Some(items.swap_remove(index))
    }

    /// rskj's way of shortening a sorted list to `most`: all of it when it is short enough; else the first
    /// `most - drawn - 1`, and `drawn` others from index `most - drawn` on. One fewer than could be, always.
    pub fn sample<T>(&mut self, mut sorted: Vec<T>, most: usize, drawn: usize) -> Vec<T> {
        if sorted.len() <= most {
            return sorted;
        }
        let mut rest = sorted.split_off(most - drawn);
        sorted.pop();
        for _ in 0..drawn {
            let index = self.below(rest.len());
            sorted.push(rest.swap_remove(index));
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_stays_whole_and_a_long_one_loses_one_more_than_it_must() {
        let mut random = Random::new([1; 32]);
        assert_eq!(random.sample((0..20).collect(), 20, 5), (0..20).collect::<Vec<_>>());
        let sample = random.sample((0..21).collect(), 20, 5);
        assert_eq!(sample.len(), 19);
        assert_eq!(sample[..14], (0..14).collect::<Vec<_>>());
        let mut drawn = sample[14..].to_vec();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 5);
        assert!(drawn.iter().all(|index| (15..21).contains(index)));
        assert_eq!(random.sample((0..500).collect(), 24, 5).len(), 23);
        assert_eq!(random.sample((0..500).collect(), 16, 10).len(), 15);
    }

    #[test]
    fn everything_past_the_nearest_is_drawn_in_time_but_the_one_left_out() {
        let mut random = Random::new([2; 32]);
        let mut seen = [false; 40];
        for _ in 0..400 {
            for index in random.sample((0..40).collect(), 20, 5) {
                seen[index] = true;
            }
        }
        let missing: Vec<_> = (0..40).filter(|index| !seen[*index]).collect();
        assert_eq!(missing, [14]);
    }

    #[test]
    fn seeds_differ_and_repeat() {
        let id = |seed| Random::new([seed; 32]).message_id();
        assert_eq!(id(1), id(1));
        assert_ne!(id(1), id(2));
        let mut random = Random::new([1; 32]);
        assert_ne!(random.message_id(), random.message_id());
    }
}
