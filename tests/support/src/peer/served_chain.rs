//! What a peer shows of a chain: up to which height, and which branch.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use rustock_core::{
    primitives::{
        block::Body,
        hash::BlockHash,
        header::Header,
        number::{BlockNumber, CumulativeDifficulty},
    },
    wire::rsk::{BlockIdentifier, Status},
};

use crate::chainkit::{Chain, uncle_weight};

/// The headers given to a peer cannot be served as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServedChainError {
    /// There are none.
    Empty,
    /// A header is not the child of the one before it.
    NotLinked {
        /// Its height.
        number: BlockNumber,
    },
    /// A height to start growing from, or to fork at, is not one of the headers'.
    NoSuchHeight {
        /// The height.
        number: BlockNumber,
        /// The lowest there is.
        first: BlockNumber,
        /// The highest there is.
        last: BlockNumber,
    },
    /// The other branch does not start on a block at or below the height of the fork.
    ForkNotConnected,
}

impl core::fmt::Display for ServedChainError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("there are no headers to serve"),
            Self::NotLinked { number } => {
                write!(f, "the header at height {number} is not the child of the one before it")
            }
            Self::NoSuchHeight { number, first, last } => {
                write!(f, "height {number} is not among the headers, which go from {first} to {last}")
            }
            Self::ForkNotConnected => {
                f.write_str("the other branch does not start on a served block at or below the fork's height")
            }
        }
    }
}

impl std::error::Error for ServedChainError {}

/// The other branch, while it is not shown yet.
#[derive(Debug, Clone)]
struct PlannedFork {
    at: BlockNumber,
    branch: Vec<Header>,
}

/// A chain as a peer shows it. Blocks that were shown once stay retrievable by hash, as on rskj.
#[derive(Debug, Clone)]
pub struct ServedChain {
    /// The shown main chain, ascending.
    canonical: Vec<Header>,
    /// For each of them, the sum of difficulties from the first on. Uncles count where there are bodies.
    sums: Vec<u128>,
    by_hash: BTreeMap<BlockHash, Header>,
    /// Bodies of blocks, shown or not.
    bodies: BTreeMap<BlockHash, Arc<Body>>,
    /// The blocks that growing will show.
    upcoming: VecDeque<Header>,
    fork: Option<PlannedFork>,
}

impl ServedChain {
    /// A chain that begins at the first of these headers and is shown as a whole.
    ///
    /// # Errors
    /// [`ServedChainError::Empty`], [`ServedChainError::NotLinked`].
    pub fn new(headers: Vec<Header>) -> Result<Self, ServedChainError> {
        check_linked(&headers)?;
        if headers.is_empty() {
            return Err(ServedChainError::Empty);
        }
        let mut chain = Self {
            canonical: Vec::with_capacity(headers.len()),
            sums: Vec::with_capacity(headers.len()),
            by_hash: BTreeMap::new(),
            bodies: BTreeMap::new(),
            upcoming: VecDeque::new(),
            fork: None,
        };
        for header in headers {
            chain.show(header);
        }
        Ok(chain)
    }

    /// A generated chain as a whole, with its bodies if it has any.
    ///
    /// # Errors
    /// [`ServedChainError::NotLinked`], when a test has put something else on top.
    pub fn of(chain: &Chain) -> Result<Self, ServedChainError> {
        Ok(Self::new(chain.headers().to_vec())?.with_bodies(chain.bodies()))
    }

    /// The same chain with bodies, which may be of blocks that are not shown yet or not shown any more. Without
    /// them a chain has headers only, and its peer is silent when asked for more.
    pub fn with_bodies(mut self, bodies: impl IntoIterator<Item = (BlockHash, Arc<Body>)>) -> Self {
        self.bodies.extend(bodies);
        self.sums.clear();
        for header in &self.canonical {
            let below = self.sums.last().copied().unwrap_or(0);
            self.sums.push(below.saturating_add(self.weight(header)));
        }
        self
    }

    /// The same chain, shown up to `height` only; [`ServedChain::grow`] shows the rest block by block.
    ///
    /// # Errors
    /// [`ServedChainError::NoSuchHeight`].
    pub fn revealed_up_to(mut self, height: BlockNumber) -> Result<Self, ServedChainError> {
        let kept = self.position(height)? + 1;
        let hidden = self.canonical.split_off(kept);
        self.sums.truncate(kept);
        for header in &hidden {
            self.by_hash.remove(&header.hash());
        }
        for header in hidden.into_iter().rev() {
            self.upcoming.push_front(header);
        }
        Ok(self)
    }

    /// The same chain, switching to `branch` as a whole when it would grow above `height`. The branch may begin
    /// with blocks it shares with the chain.
    ///
    /// # Errors
    /// [`ServedChainError::NoSuchHeight`], [`ServedChainError::NotLinked`],
    /// [`ServedChainError::ForkNotConnected`].
    pub fn forking_at(mut self, height: BlockNumber, branch: Vec<Header>) -> Result<Self, ServedChainError> {
        check_linked(&branch)?;
        let last = self.upcoming.back().unwrap_or_else(|| self.best()).number();
        if height < self.best().number() || height > last {
            return Err(ServedChainError::NoSuchHeight { number: height, first: self.best().number(), last });
        }
        let up_to_height = self.canonical.iter().chain(&self.upcoming);
        let known: BTreeMap<_, _> = up_to_height
            .take_while(|header| header.number() <= height)
            .map(|header| (header.hash(), header.number()))
            .collect();
        let branch: Vec<_> =
            branch.into_iter().skip_while(|header| known.contains_key(&header.hash())).collect();
        match branch.first() {
            Some(first)
                if known.get(&first.parent_hash()).map(|parent| parent.next()) == Some(first.number()) =>
            {
                self.fork = Some(PlannedFork { at: height, branch });
                Ok(self)
            }
            _ => Err(ServedChainError::ForkNotConnected),
        }
    }

    /// Shows the next block, or the other branch when its time has come. Returns the best block then, which is
    /// to be announced; `None` when there is nothing more to show.
    pub fn grow(&mut self) -> Option<BlockIdentifier> {
        match self.fork.take() {
            Some(fork) if fork.at == self.best().number() => self.switch_to(fork.branch),
            not_yet => {
                self.fork = not_yet;
                let next = self.upcoming.pop_front()?;
                self.show(next);
            }
        }
        Some(self.best_identifier())
    }

    fn switch_to(&mut self, branch: Vec<Header>) {
        let from = branch.first().expect("a planned fork has blocks").number();
        let shared = from.blocks_above(self.first().number()) as usize;
        self.canonical.truncate(shared);
        self.sums.truncate(shared);
        self.upcoming.clear();
        for header in branch {
            self.show(header);
        }
    }

    fn show(&mut self, header: Header) {
        let below = self.sums.last().copied().unwrap_or(0);
        self.sums.push(below.saturating_add(self.weight(&header)));
        self.by_hash.insert(header.hash(), header.clone());
        self.canonical.push(header);
    }

    /// What a block adds to the total difficulty, as far as the peer can tell.
    fn weight(&self, header: &Header) -> u128 {
        let uncles = self.bodies.get(&header.hash()).map_or(0, |body| uncle_weight(body));
        header.difficulty().get().saturating_add(uncles)
    }

    /// True when [`ServedChain::grow`] has more to show.
    pub fn can_grow(&self) -> bool {
        !self.upcoming.is_empty() || self.fork.is_some()
    }

    /// The lowest block.
    pub fn first(&self) -> &Header {
        &self.canonical[0]
    }

    /// The highest block shown.
    pub fn best(&self) -> &Header {
        self.canonical.last().expect("a served chain is not empty")
    }

    /// The highest block shown, as announcements name it.
    pub fn best_identifier(&self) -> BlockIdentifier {
        BlockIdentifier { hash: self.best().hash(), number: self.best().number() }
    }

    /// The shown main-chain block at a height.
    pub fn at(&self, number: BlockNumber) -> Option<&Header> {
        let position = number.get().checked_sub(self.first().number().get())?;
        self.canonical.get(usize::try_from(position).ok()?)
    }

    /// A block that is shown, or was, by its hash.
    pub fn by_hash(&self, hash: &BlockHash) -> Option<&Header> {
        self.by_hash.get(hash)
    }

    /// The body of a block that is shown, or was, if the peer has it.
    pub fn body(&self, hash: &BlockHash) -> Option<&Body> {
        self.by_hash.get(hash)?;
        self.bodies.get(hash).map(Arc::as_ref)
    }

    /// The sum of difficulties from the first block to the best: of headers, and of uncles where there are bodies.
    pub fn total_difficulty(&self) -> CumulativeDifficulty {
        CumulativeDifficulty::new(self.sums.last().copied().unwrap_or(0))
    }

    /// What the peer says of itself.
    pub fn status(&self) -> Status {
        Status {
            number: self.best().number(),
            best_hash: self.best().hash(),
            parent_hash: self.best().parent_hash(),
            total_difficulty: self.total_difficulty(),
        }
    }

    fn position(&self, number: BlockNumber) -> Result<usize, ServedChainError> {
        let (first, last) = (self.first().number(), self.best().number());
        if number < first || number > last {
            return Err(ServedChainError::NoSuchHeight { number, first, last });
        }
        Ok(number.blocks_above(first) as usize)
    }
}

fn check_linked(headers: &[Header]) -> Result<(), ServedChainError> {
    for pair in headers.windows(2) {
        let linked = pair[1].parent_hash() == pair[0].hash() && pair[1].number() == pair[0].number().next();
        if !linked {
            return Err(ServedChainError::NotLinked { number: pair[1].number() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chainkit::{ChainBuilder, Uncles};

    fn number(number: u64) -> BlockNumber {
        BlockNumber::new(number)
    }

    fn trunk() -> Chain {
        ChainBuilder::simnet().build(30)
    }

    #[test]
    fn a_chain_is_shown_as_a_whole_unless_told_otherwise() {
        let trunk = trunk();
        let mut served = ServedChain::new(trunk.headers()[10..].to_vec()).unwrap();
        assert_eq!((served.first().number(), served.best().number()), (number(10), number(30)));
        assert_eq!(served.total_difficulty().get(), 21);
        assert_eq!(served.status().parent_hash, trunk.header(29).unwrap().hash());
        assert_eq!(served.at(number(9)), None);
        assert_eq!(served.at(number(10)), trunk.header(10));
        assert_eq!(served.at(number(31)), None);
        assert_eq!(served.by_hash(&trunk.header(9).unwrap().hash()), None);
        assert!(!served.can_grow());
        assert_eq!(served.grow(), None);
    }

    #[test]
    fn growing_shows_one_block_after_another_and_hides_the_rest() {
        let trunk = trunk();
        let mut served =
            ServedChain::new(trunk.headers().to_vec()).unwrap().revealed_up_to(number(27)).unwrap();
        for height in 28..=30 {
            let next = trunk.header(height).unwrap();
            assert_eq!(served.by_hash(&next.hash()), None);
            assert_eq!(served.grow(), Some(BlockIdentifier { hash: next.hash(), number: next.number() }));
            assert_eq!(served.by_hash(&next.hash()), Some(next));
            assert_eq!(served.status().total_difficulty.get(), u128::from(height) + 1);
        }
        assert_eq!(served.grow(), None);
    }

    #[test]
    fn a_fork_takes_over_as_a_whole_and_the_old_blocks_stay_retrievable_by_hash() {
        let trunk = trunk();
        let branch = trunk.fork_at(25, 1).extended(7);
        let mut served = ServedChain::new(trunk.headers().to_vec())
            .unwrap()
            .revealed_up_to(number(27))
            .unwrap()
            .forking_at(number(28), branch.headers().to_vec())
            .unwrap();
        assert_eq!(served.grow().unwrap().hash, trunk.header(28).unwrap().hash());
        assert_eq!(served.grow().unwrap().hash, branch.best().hash());
        assert_eq!(served.best().number(), number(32));
        assert_eq!(served.at(number(28)), branch.header(28));
        assert_eq!(served.at(number(25)), trunk.header(25));
        assert_eq!(served.by_hash(&trunk.header(28).unwrap().hash()), trunk.header(28));
        assert_eq!(served.by_hash(&trunk.header(29).unwrap().hash()), None);
        assert_eq!(served.total_difficulty().get(), 33);
        assert_eq!(served.grow(), None);
    }

    #[test]
    fn bodies_are_there_for_shown_blocks_and_their_uncles_weigh() {
        let trunk = ChainBuilder::simnet().with_bodies().uncles(Uncles::Always(1)).build(30);
        let branch = trunk.fork_at(25, 1).with_uncles(Uncles::Always(3)).extended(6);
        let mut served = ServedChain::of(&trunk)
            .unwrap()
            .with_bodies(branch.bodies())
            .revealed_up_to(number(29))
            .unwrap()
            .forking_at(number(29), branch.headers().to_vec())
            .unwrap();
        assert_eq!(Some(served.total_difficulty()), trunk.total_difficulty(29));
        assert_eq!(served.body(&trunk.header(29).unwrap().hash()), trunk.body(29).map(Arc::as_ref));
        assert_eq!(served.body(&trunk.header(30).unwrap().hash()), None);
        assert_eq!(served.body(&branch.best().hash()), None);
        served.grow().unwrap();
        assert_eq!(Some(served.status().total_difficulty), branch.total_difficulty(31));
        assert_eq!(served.body(&branch.best().hash()), branch.body(31).map(Arc::as_ref));
        assert_eq!(served.body(&trunk.header(29).unwrap().hash()), trunk.body(29).map(Arc::as_ref));
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let trunk = trunk();
        assert_eq!(ServedChain::new(Vec::new()).unwrap_err(), ServedChainError::Empty);
        let gap = vec![trunk.header(3).unwrap().clone(), trunk.header(5).unwrap().clone()];
        assert_eq!(ServedChain::new(gap).unwrap_err(), ServedChainError::NotLinked { number: number(5) });

        let served = ServedChain::new(trunk.headers()[10..].to_vec()).unwrap();
        for height in [9, 31] {
            let (first, last) = (number(10), number(30));
            assert_eq!(
                served.clone().revealed_up_to(number(height)).unwrap_err(),
                ServedChainError::NoSuchHeight { number: number(height), first, last }
            );
        }
        let from_below = trunk.fork_at(5, 1).extended(40).headers()[6..].to_vec();
        let from_above = trunk.fork_at(28, 1).extended(4).headers()[29..].to_vec();
        let shown_to_20 = served.revealed_up_to(number(20)).unwrap();
        for branch in [from_below, from_above, Vec::new(), trunk.headers()[11..=25].to_vec()] {
            assert_eq!(
                shown_to_20.clone().forking_at(number(25), branch).unwrap_err(),
                ServedChainError::ForkNotConnected
            );
        }
    }
}
