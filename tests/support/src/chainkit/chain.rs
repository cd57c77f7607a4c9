//! A generated chain: genesis, then blocks each of which is valid on top of the one below.

use std::sync::Arc;

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        block::{Block, Body},
        hash::BlockHash,
        header::Header,
        number::{BlockNumber, CumulativeDifficulty, Difficulty, UnixTime},
    },
};

use super::{
    builder::{ChainBuilder, Fees, Uncles},
    draft::Draft,
    drafting::difficulty_after,
    random::Random,
};

/// A chain from genesis on. Headers and bodies are shared, so that cloning and forking are cheap.
#[derive(Debug, Clone)]
pub struct Chain {
    pub(super) settings: ChainBuilder,
    /// By height, genesis first.
    headers: Vec<Header>,
    /// By height too, where the chain has bodies; else empty.
    bodies: Vec<Option<Arc<Body>>>,
}

impl Chain {
    pub(super) fn from_genesis(settings: ChainBuilder) -> Self {
        let genesis = settings.params.genesis_header().expect("the network has a genesis");
        let mut chain = Self { settings, headers: Vec::new(), bodies: Vec::new() };
        let body = Body { transactions: Vec::new(), uncles: Vec::new(), extension: None };
        chain.push_block(Block { header: genesis, body });
        chain
    }

    /// The network.
    pub fn params(&self) -> &NetworkParams {
        &self.settings.params
    }

    /// Puts `blocks` blocks on top. Extending twice by 5 makes the same blocks as once by 10.
    ///
    /// # Panics
    /// When the difficulty is too high to mine.
    pub fn extend(&mut self, blocks: u64) {
        self.headers.reserve(blocks as usize);
        for _ in 0..blocks {
            let block = self.draft().mine_block(&self.settings.params);
            self.push_block(block);
        }
    }

    /// The chain with `blocks` more blocks on top.
    ///
    /// # Panics
    /// See [`Chain::extend`].
    pub fn extended(mut self, blocks: u64) -> Self {
        self.extend(blocks);
        self
    }

    /// A new branch that shares everything up to and including `height`, and has nothing on top of it yet.
    /// Branches of other seeds, from other heights or from other chains have other blocks.
    ///
    /// # Panics
    /// When the chain does not reach up to `height`.
    pub fn fork_at(&self, height: u64, seed: u64) -> Self {
        let mut settings = self.settings.clone();
        settings.seed = Random::from_parts(&[self.settings.seed, height, seed]).next_u64();
        let kept = height as usize + 1;
        let bodies = self.bodies.iter().take(kept).cloned().collect();
        Self { settings, headers: self.headers[..kept].to_vec(), bodies }
    }

    /// The same chain, whose further blocks have this many uncles: for branches of different weight.
    pub fn with_uncles(mut self, uncles: Uncles) -> Self {
        self.settings.uncles = uncles;
        self
    }

    /// The same chain, whose further blocks pay these fees: for branches of equal weight.
    pub fn with_fees(mut self, fees: Fees) -> Self {
        self.settings.fees = fees;
        self
    }

    /// The header at a height.
    pub fn header(&self, number: u64) -> Option<&Header> {
        self.headers.get(usize::try_from(number).ok()?)
    }

    /// The body at a height. `None` on a chain without bodies, and for a header that a test has put there.
    pub fn body(&self, number: u64) -> Option<&Arc<Body>> {
        self.bodies.get(usize::try_from(number).ok()?)?.as_ref()
    }

    /// The block at a height, where the chain has its body.
    pub fn block(&self, number: u64) -> Option<Block> {
        Some(Block { header: self.header(number)?.clone(), body: Body::clone(self.body(number)?) })
    }

    /// Every body there is, by the block's hash.
    pub fn bodies(&self) -> impl Iterator<Item = (BlockHash, Arc<Body>)> {
        let pairs = self.headers.iter().zip(&self.bodies);
        pairs.filter_map(|(header, body)| Some((header.hash(), Arc::clone(body.as_ref()?))))
    }

    /// The genesis header.
    pub fn genesis(&self) -> &Header {
        &self.headers[0]
    }

    /// The highest header.
    pub fn best(&self) -> &Header {
        self.headers.last().expect("a chain has a genesis")
    }

    /// Height of the highest header.
    pub fn height(&self) -> u64 {
        self.headers.len() as u64 - 1
    }

    /// Every header, by height, genesis first.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Sum of the header difficulties from genesis up to and including `number`.
    ///
    /// # Panics
    /// When the chain does not reach up to `number`.
    pub fn header_difficulty_sum(&self, number: u64) -> CumulativeDifficulty {
        let sum = self.headers[..=number as usize].iter().map(|header| header.difficulty().get()).sum();
        CumulativeDifficulty::new(sum)
    }

    /// rskj's total difficulty: the sum of the difficulties of headers and uncles from genesis up to and
    /// including `number`. `None` where a body is missing.
    ///
    /// # Panics
    /// When the chain does not reach up to `number`.
    pub fn total_difficulty(&self, number: u64) -> Option<CumulativeDifficulty> {
        let mut sum = self.header_difficulty_sum(number).get();
        for height in 0..=number {
            sum += uncle_weight(self.body(height)?);
        }
        Some(CumulativeDifficulty::new(sum))
    }

    /// The highest height at which both chains have the same block; `None` when not even genesis is shared.
    pub fn common_ancestor(&self, other: &Self) -> Option<u64> {
        let pairs = self.headers.iter().zip(&other.headers);
        (pairs.take_while(|(ours, theirs)| ours.hash() == theirs.hash()).count() as u64).checked_sub(1)
    }

    /// The height of a block on this chain. Looks at every header: for tests with few look-ups.
    pub fn find(&self, hash: &BlockHash) -> Option<BlockNumber> {
        self.headers.iter().find(|header| header.hash() == *hash).map(Header::number)
    }

    /// Puts a header on top, whatever it is: what a test has mined from an edited draft. It has no body.
    pub fn push(&mut self, header: Header) {
        self.headers.push(header);
        if self.settings.bodies {
            self.bodies.push(None);
        }
    }

    /// Puts a block on top, whatever it is. The body is kept where the chain has bodies.
    pub fn push_block(&mut self, block: Block) {
        self.headers.push(block.header);
        if self.settings.bodies {
            self.bodies.push(Some(Arc::new(block.body)));
        }
    }

    /// The next block, valid once mined, for a test to edit.
    pub fn draft(&self) -> Draft {
        self.settings.draft(&self.headers)
    }

    /// The difficulty that a block on top of `parent` must have, for a test that edits what it depends on.
    pub fn difficulty_after(&self, parent: &Header, timestamp: UnixTime, uncle_count: u32) -> Difficulty {
        difficulty_after(self.params(), parent, timestamp, uncle_count)
    }
}

/// The sum of the difficulties of a body's uncles, which rskj counts towards the block.
pub fn uncle_weight(body: &Body) -> u128 {
    body.uncles.iter().map(|uncle| uncle.header().difficulty().get()).sum()
}
