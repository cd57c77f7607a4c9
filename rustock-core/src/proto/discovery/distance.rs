//! How far two nodes are from each other.

use crate::primitives::hash::{NodeId, keccak256};

/// A node's place: its id hashed twice, where discv4 hashes once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place([u8; 32]);

impl Place {
    /// The place of a node.
    pub fn of(id: &NodeId) -> Self {
        Self(keccak256(&[&keccak256(&[id.as_ref()])]))
    }

    /// The bit length of the exclusive or of the two places: 0 to 256. As rskj's `DistanceCalculator`.
    pub fn distance(&self, other: &Self) -> u16 {
        let differing = self.0.iter().zip(other.0).map(|(ours, theirs)| ours ^ theirs).enumerate();
        for (index, byte) in differing {
            if byte != 0 {
                let bits = 8 * (self.0.len() - index) as u16;
                return bits - byte.leading_zeros() as u16;
            }
        }
        0
    }
}
