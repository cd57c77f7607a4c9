//! Numbers from a seed, the same on every machine and in every release: SplitMix64.

/// A deterministic source of numbers. Not for secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed. Seeds that differ in one bit give unrelated numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Starts from several numbers, the order of which matters.
    pub fn from_parts(parts: &[u64]) -> Self {
        let mut mixed = Self(0);
        for part in parts {
            mixed.0 ^= part;
            mixed.0 = mixed.next_u64();
        }
        mixed
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    ///
    /// # Panics
    /// When `most` is below `least`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        assert!(least <= most, "an empty range: {least} to {most}");
        match (most - least).checked_add(1) {
            Some(width) => least + self.next_u64() % width,
            None => self.next_u64(),
        }
    }

    /// True once in `times` on average.
    ///
    /// # Panics
    /// When `times` is 0.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.between(1, times) == 1
    }

    /// `size` bytes.
    pub fn bytes(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        self.fill(&mut bytes);
        bytes
    }

    /// As many bytes as the array has.
    pub fn array<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let next = self.next_u64().to_le_bytes();
            part.copy_from_slice(&next[..part.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        // The first outputs of the published SplitMix64 for seed 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!(
            [random.next_u64(), random.next_u64(), random.next_u64()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn the_order_of_parts_matters() {
        assert_ne!(Random::from_parts(&[1, 2]), Random::from_parts(&[2, 1]));
        assert_ne!(Random::from_parts(&[1]), Random::from_parts(&[1, 0]));
    }

    #[test]
    fn ranges_include_both_ends() {
        let mut random = Random::new(3);
        let mut seen = [false; 3];
        for _ in 0..200 {
            seen[usize::try_from(random.between(5, 7)).unwrap() - 5] = true;
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(random.between(9, 9), 9);
        random.between(0, u64::MAX);
    }
}
