//! Finding the highest block that a peer's chain and ours share, by binary search over heights.
//!
//! No RSKIP. Mirrors rskj's `ConnectionPointFinder`: the same heights are probed in the same order.

use crate::primitives::number::BlockNumber;

/// A binary search between a height both chains share and one that ours may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionPointFinder {
    start: BlockNumber,
    end: BlockNumber,
}

impl ConnectionPointFinder {
    /// Searches from `start`, taken to be shared, up to `end`, taken not to be.
    pub fn new(start: BlockNumber, end: BlockNumber) -> Self {
        Self { start, end }
    }

    /// The height to ask for next; `None` when the search is over.
    pub fn probe(&self) -> Option<BlockNumber> {
        let distance = self.end.blocks_above(self.start);
        (distance > 1).then(|| self.start.saturating_add(distance / 2))
    }

    /// Takes the answer to the probe: is the peer's block at that height one of ours?
    pub fn answer(&mut self, known: bool) {
        if let Some(probe) = self.probe() {
            if known {
                self.start = probe;
            } else {
                self.end = probe;
            }
        }
    }

    /// The highest height known to be shared: the connection point once the search is over.
    pub fn connection_point(&self) -> BlockNumber {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(start: u64, end: u64, known: impl Fn(u64) -> bool) -> (Vec<u64>, u64) {
        let mut finder = ConnectionPointFinder::new(BlockNumber::new(start), BlockNumber::new(end));
        let mut probes = Vec::new();
        while let Some(probe) = finder.probe() {
            probes.push(probe.get());
            finder.answer(known(probe.get()));
        }
        (probes, finder.connection_point().get())
    }

    #[test]
    fn probes_the_heights_rskj_probes() {
        assert_eq!(search(0, 100, |_| false), (vec![50, 25, 12, 6, 3, 1], 0));
        assert_eq!(search(0, 100, |height| height <= 30), (vec![50, 25, 37, 31, 28, 29, 30], 30));
    }

    proptest! {
        #[test]
        fn finds_the_last_shared_height(start in 0u64..1_000_000, shared in 0u64..5_000, above in 1u64..5_000) {
            let (probes, point) = search(start, start + shared + above, |height| height <= start + shared);
            prop_assert_eq!(point, start + shared);
            prop_assert!(probes.len() <= 14);
        }
    }
}
