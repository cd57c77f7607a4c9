//! The last generations of a branch: what the rules for uncles compare a block's uncles with.
//!
//! No RSKIP. Mirrors rskj's `FamilyUtils`.

use std::collections::VecDeque;

use super::{
    params::{EMPTY_UNCLES_HASH, NetworkParams},
    parent::Parent,
    verify::VerifiedHeader,
    verify_body::VerifiedBlock,
};
use crate::primitives::{
    hash::BlockHash,
    header::{FullHeader, Header},
    number::BlockNumber,
};

/// One block of the branch, as far as uncles are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    /// Hash of the block below.
    pub parent_hash: BlockHash,
    /// What the rules read of it when it is an uncle's parent.
    pub facts: Parent,
    /// Hashes of its uncles; `None` while they are not known, because its body is not.
    pub uncles: Option<Vec<BlockHash>>,
}

impl Relative {
    /// A block whose body is not at hand. Its header alone tells when it has no uncles.
    pub fn without_body(header: &Header) -> Self {
        let uncles = (header.uncles_hash() == EMPTY_UNCLES_HASH).then(Vec::new);
        Self { parent_hash: header.parent_hash(), facts: Parent::from(header), uncles }
    }
}

impl From<&VerifiedHeader> for Relative {
    fn from(header: &VerifiedHeader) -> Self {
        Self::without_body(header.header())
    }
}

impl From<&VerifiedBlock> for Relative {
    fn from(block: &VerifiedBlock) -> Self {
        let header = block.header().header();
        let uncles = block.body().uncles.iter().map(FullHeader::header).map(Header::hash).collect();
        Self { parent_hash: header.parent_hash(), facts: Parent::from(header), uncles: Some(uncles) }
    }
}

/// A block does not join on to the ones in the family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("block {number} {hash} does not join on to the family")]
pub struct NotRelated {
    /// Height of the block.
    pub number: BlockNumber,
    /// Hash of the block.
    pub hash: BlockHash,
}

/// The newest blocks of one branch, without gaps, as many as uncles can reach back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Oldest first.
    relatives: VecDeque<Relative>,
    generations: u64,
}

impl Family {
    /// A family without members, of a network whose uncles reach back so far.
    pub fn new(params: &NetworkParams) -> Self {
        Self { relatives: VecDeque::new(), generations: params.uncle_generation_limit }
    }

    /// The newest block.
    pub fn newest(&self) -> Option<&Relative> {
        self.relatives.back()
    }

    /// The oldest block.
    pub fn oldest(&self) -> Option<&Relative> {
        self.relatives.front()
    }

    /// The blocks, oldest first.
    pub fn relatives(&self) -> impl DoubleEndedIterator<Item = &Relative> {
        self.relatives.iter()
    }

    /// Puts a block on top; the oldest falls out when no uncle of the next one can reach it.
    ///
    /// # Errors
    /// [`NotRelated`] unless it is the child of the newest.
    pub fn push(&mut self, block: Relative) -> Result<(), NotRelated> {
        if let Some(newest) = self.newest()
            && (block.facts.number != newest.facts.number.next() || block.parent_hash != newest.facts.hash)
        {
            return Err(NotRelated { number: block.facts.number, hash: block.facts.hash });
        }
        self.relatives.push_back(block);
        if self.relatives.len() as u64 > self.generations {
            self.relatives.pop_front();
        }
        Ok(())
    }

    /// Puts an older block below the oldest. A full family has no use for it and stays as it is.
    ///
    /// # Errors
    /// [`NotRelated`] unless it is the parent of the oldest.
    pub fn prepend(&mut self, block: Relative) -> Result<(), NotRelated> {
        if self.relatives.len() as u64 >= self.generations {
            return Ok(());
        }
        if let Some(oldest) = self.oldest()
            && (block.facts.number.next() != oldest.facts.number || oldest.parent_hash != block.facts.hash)
        {
            return Err(NotRelated { number: block.facts.number, hash: block.facts.hash });
        }
        self.relatives.push_front(block);
        Ok(())
    }

    /// Takes off every block above `number`: what a reorganisation does before the other branch is pushed. The
    /// older blocks that uncles can now reach are to be prepended.
    pub fn truncate_to(&mut self, number: BlockNumber) {
        while self.newest().is_some_and(|newest| newest.facts.number > number) {
            self.relatives.pop_back();
        }
    }

    /// True when the newest block is the header's parent.
    pub fn is_of(&self, header: &Header) -> bool {
        self.newest().is_some_and(|newest| {
            newest.facts.hash == header.parent_hash() && newest.facts.number.next() == header.number()
        })
    }

    /// True when every block is here, from `number` up to the newest. Nothing is below genesis.
    pub fn reaches(&self, number: BlockNumber) -> bool {
        self.oldest().is_some_and(|oldest| oldest.facts.number <= number)
    }

    /// The lowest block that an uncle of the next block can be a child of.
    pub fn lowest_uncle_parent(&self) -> Option<BlockNumber> {
        Some(self.newest()?.facts.number.next().saturating_sub(self.generations))
    }

    /// The block with this hash.
    pub fn find(&self, hash: BlockHash) -> Option<&Relative> {
        self.relatives.iter().find(|relative| relative.facts.hash == hash)
    }

    /// The block that names this uncle.
    pub fn user_of(&self, uncle: BlockHash) -> Option<&Relative> {
        let names =
            |relative: &&Relative| relative.uncles.as_ref().is_some_and(|uncles| uncles.contains(&uncle));
        self.relatives.iter().find(names)
    }

    /// True when the uncles of every block from `number` up to the newest are known.
    pub fn knows_uncles_from(&self, number: BlockNumber) -> bool {
        let above = |relative: &&Relative| relative.facts.number >= number;
        let Some(newest) = self.newest() else { return false };
        newest.facts.number < number
            || self.reaches(number)
                && self.relatives.iter().filter(above).all(|relative| relative.uncles.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    fn hash(number: u64) -> BlockHash {
        BlockHash::new([number as u8; 32])
    }

    fn relative(number: u64) -> Relative {
        Relative {
            parent_hash: hash(number - 1),
            facts: Parent { hash: hash(number), number: BlockNumber::new(number), ..test_headers::parent() },
            uncles: Some(vec![hash(100 + number)]),
        }
    }

    fn family(numbers: core::ops::RangeInclusive<u64>) -> Family {
        let mut family = Family::new(&NetworkParams::simnet());
        numbers.for_each(|number| family.push(relative(number)).expect("one after another"));
        family
    }

    fn ends(family: &Family) -> Option<(u64, u64)> {
        let number = |relative: &Relative| relative.facts.number.get();
        family.oldest().map(number).zip(family.newest().map(number))
    }

    #[test]
    fn seven_generations_are_kept_whether_they_come_from_above_or_from_below() {
        assert_eq!(ends(&family(11..=17)), Some((11, 17)));
        assert_eq!(ends(&family(10..=17)), Some((11, 17)));
        let mut from_below = family(17..=17);
        for number in (9..17).rev() {
            from_below.prepend(relative(number)).expect("one below another");
        }
        assert_eq!(from_below, family(11..=17));
        assert_eq!(from_below.lowest_uncle_parent(), Some(BlockNumber::new(11)));
        assert_eq!(family(1..=3).lowest_uncle_parent(), Some(BlockNumber::GENESIS));
    }

    #[test]
    fn only_a_child_of_the_newest_or_the_parent_of_the_oldest_joins_on() {
        let mut family = family(11..=13);
        let not_related = |number| Err(NotRelated { number: BlockNumber::new(number), hash: hash(number) });
        assert_eq!(family.push(relative(15)), not_related(15));
        assert_eq!(family.push(Relative { parent_hash: hash(3), ..relative(14) }), not_related(14));
        assert_eq!(family.prepend(relative(9)), not_related(9));
        let mut other = relative(10);
        other.facts.hash = hash(3);
        assert!(family.prepend(other).is_err());
        assert_eq!(ends(&family), Some((11, 13)));
        assert_eq!(family.push(relative(14)), Ok(()));
        assert_eq!(family.prepend(relative(10)), Ok(()));
    }

    #[test]
    fn a_reorganisation_takes_blocks_off() {
        let mut family = family(11..=17);
        family.truncate_to(BlockNumber::new(17));
        assert_eq!(ends(&family), Some((11, 17)));
        family.truncate_to(BlockNumber::new(14));
        assert_eq!(ends(&family), Some((11, 14)));
        family.truncate_to(BlockNumber::new(3));
        assert_eq!(ends(&family), None);
        assert_eq!(family.lowest_uncle_parent(), None);
        assert!(
            !family.reaches(BlockNumber::new(u64::MAX)) && !family.knows_uncles_from(BlockNumber::GENESIS)
        );
    }

    #[test]
    fn it_knows_what_it_does_not_know() {
        let at = BlockNumber::new;
        let mut family = family(11..=13);
        assert!(family.reaches(at(11)) && !family.reaches(at(10)));
        assert!(family.knows_uncles_from(at(11)) && !family.knows_uncles_from(at(10)));
        let header = test_headers::header(&NetworkParams::simnet(), |fields| {
            fields.number = at(14);
            fields.parent_hash = hash(13);
        });
        assert!(family.is_of(&header));
        let with_uncles = Relative::without_body(&header);
        assert_eq!(with_uncles.uncles, None, "its header commits to some");
        family.push(with_uncles).expect("a child of 13");
        assert!(!family.knows_uncles_from(at(12)) && !family.knows_uncles_from(at(14)));
        assert!(family.knows_uncles_from(at(15)), "there are none");
        assert!(!family.is_of(&header));
    }

    #[test]
    fn blocks_are_found_by_their_hash_and_by_their_uncles() {
        let family = family(11..=13);
        let number = |found: Option<&Relative>| found.map(|relative| relative.facts.number.get());
        assert_eq!(number(family.find(hash(12))), Some(12));
        assert_eq!(number(family.find(hash(112))), None);
        assert_eq!(number(family.user_of(hash(112))), Some(12));
        assert_eq!(number(family.user_of(hash(12))), None);
    }

    #[test]
    fn a_header_that_commits_to_no_uncles_needs_no_body() {
        let header = test_headers::child(|fields| fields.uncles_hash = EMPTY_UNCLES_HASH);
        assert_eq!(Relative::without_body(&header).uncles, Some(Vec::new()));
    }
}
