//! Choices that must not be foreseeable by peers, from a seed that the host draws.

/// SplitMix64: one word of state, no bad seeds. Nothing secret is made from it; what it hides is which of
/// several peers is chosen, and its words never leave the machine.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias of the remainder is below 2^-40 for any bound used here.
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// One of the items.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_chosen_about_equally_often_and_the_same_seed_chooses_the_same() {
        let (mut one, mut other) = (Random::new(7), Random::new(7));
        let mut counts = [0u32; 5];
        for _ in 0..5_000 {
            let chosen = *one.choose(&[0usize, 1, 2, 3, 4]).expect("not empty");
            assert_eq!(other.below(5), chosen as u64);
            counts[chosen] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn of_nothing_nothing_is_chosen() {
        let mut random = Random::new(1);
        assert_eq!(random.choose::<u8>(&[]), None);
        assert_eq!(random.below(0), 0);
    }
}
