//! A generated chain: genesis, then headers each of which is valid on top of the one below.

use rustock_core::{
    consensus::params::{EMPTY_UNCLES_HASH, NetworkParams},
    primitives::{
        hash::{Address, BlockHash, Hash256},
        header::{Header, HeaderFields, LogsCommitment},
        number::{BlockNumber, CumulativeDifficulty, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};

use super::{
    builder::ChainBuilder,
    draft::{Draft, MiningPlan},
    fork_data::fork_data,
    random::Random,
    retarget::{self, Child},
    spoil::Spoil,
};

/// Least gas limit that the generator goes down to; the rule's own minimum.
const LEAST_GAS_LIMIT: u128 = 3_000_000;
/// Gas limits wander up to here.
const MOST_GAS_LIMIT: u128 = 30_000_000;
/// Minimum gas prices wander up to here, in wei.
const MOST_GAS_PRICE: i128 = 1_000_000_000;

/// A chain from genesis on. Headers are shared, so that cloning and forking are cheap.
#[derive(Debug, Clone)]
pub struct Chain {
    settings: ChainBuilder,
    /// By height, genesis first.
    headers: Vec<Header>,
}

impl Chain {
    pub(super) fn from_genesis(settings: ChainBuilder) -> Self {
        let genesis = settings.params.genesis_header().expect("the network has a genesis");
        Self { settings, headers: vec![genesis] }
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
            let header = self.draft().mine(&self.settings.params);
            self.headers.push(header);
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
        Self { settings, headers: self.headers[..=height as usize].to_vec() }
    }

    /// The header at a height.
    pub fn header(&self, number: u64) -> Option<&Header> {
        self.headers.get(usize::try_from(number).ok()?)
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

    /// The highest height at which both chains have the same block; `None` when not even genesis is shared.
    pub fn common_ancestor(&self, other: &Self) -> Option<u64> {
        let pairs = self.headers.iter().zip(&other.headers);
        (pairs.take_while(|(ours, theirs)| ours.hash() == theirs.hash()).count() as u64).checked_sub(1)
    }

    /// The height of a block on this chain. Looks at every header: for tests with few look-ups.
    pub fn find(&self, hash: &BlockHash) -> Option<BlockNumber> {
        self.headers.iter().find(|header| header.hash() == *hash).map(Header::number)
    }

    /// Puts a header on top, whatever it is: what a test has mined from an edited draft.
    pub fn push(&mut self, header: Header) {
        self.headers.push(header);
    }

    /// A header in the place of the one at `number`, on top of the same parent, that breaks the one rule
    /// named. The chain is left as it is.
    ///
    /// # Panics
    /// When the rule does not hold at that height, or the chain does not reach up to the parent.
    pub fn spoiled(&self, number: u64, spoil: Spoil) -> Header {
        let parents = &self.headers[..number as usize];
        let mut draft = self.draft_on(parents);
        spoil.apply(&mut draft, parents.last().expect("a spoiled header has a parent"), self.params());
        draft.mine(&self.settings.params)
    }

    /// The next block, valid once mined, for a test to edit.
    pub fn draft(&self) -> Draft {
        self.draft_on(&self.headers)
    }

    /// The difficulty that a block on top of `parent` must have, for a test that edits what it depends on.
    pub fn difficulty_after(&self, parent: &Header, timestamp: UnixTime, uncle_count: u32) -> Difficulty {
        let number = parent.number().next();
        let child = Child { number, timestamp: timestamp.as_secs(), uncle_count };
        Difficulty::new(retarget::difficulty(self.params(), parent, &child))
    }

    fn draft_on(&self, ancestors: &[Header]) -> Draft {
        let params = self.params();
        let parent = ancestors.last().expect("a chain has a genesis");
        let number = parent.number().next();
        // Each block has its own numbers, so that it does not matter how the chain was extended up to here.
        let mut random = Random::from_parts(&[self.settings.seed, number.get()]);

        let uncle_count = self.settings.uncles.draw(&mut random);
        let timestamp = draw_timestamp(&mut random, params, parent, uncle_count);
        let gas_limit = draw_gas_limit(&mut random, parent);
        let has_umm_root = params.activations.rskip_umm.is_active(number);
        let fields = HeaderFields {
            parent_hash: parent.hash(),
            uncles_hash: match uncle_count {
                0 => EMPTY_UNCLES_HASH,
                _ => Hash256::new(random.array()),
            },
            coinbase: Some(Address::new(random.array())),
            state_root: Hash256::new(random.array()),
            transactions_root: Hash256::new(random.array()),
            receipts_root: Hash256::new(random.array()),
            logs: LogsCommitment::Bloom(draw_logs_bloom(&mut random)),
            difficulty: self.difficulty_after(parent, timestamp, uncle_count),
            genesis_difficulty_padding: 0,
            number,
            gas_limit,
            gas_used: random.between(0, gas_limit.get() as u64),
            timestamp,
            extra_data: {
                let size = random.between(0, 32) as usize;
                random.bytes(size)
            },
            paid_fees: match random.one_in(4) {
                true => 0,
                false => u128::from(random.next_u64()),
            },
            minimum_gas_price: Some(draw_gas_price(&mut random, parent)),
            uncle_count,
            umm_root: has_umm_root.then(|| if random.one_in(50) { random.bytes(20) } else { Vec::new() }),
            proof: None,
        };
        let mining = self.draw_mining_plan(&mut random, timestamp);
        Draft { fields, fork_data: fork_data(params, ancestors), mining }
    }

    fn draw_mining_plan(&self, random: &mut Random, timestamp: UnixTime) -> MiningPlan {
        // The whole coinbase must be longer than 64 bytes; 41 of them are tag and commitment.
        let before = random.between(30, 220) as usize;
        let after = random.between(4, 60) as usize;
        let (least_depth, most_depth) = self.settings.merkle_depth.clone().into_inner();
        let depth = random.between(least_depth as u64, most_depth as u64);
        // Strictly inside RSKIP-179's bound, on either side of the header's time.
        let bound = self.params().bitcoin_time_bound.as_secs().clamp(1, 300) - 1;
        let earliest = timestamp.as_secs().saturating_sub(bound);
        let bitcoin_time = random.between(earliest, timestamp.as_secs() + bound);
        MiningPlan {
            coinbase_before: random.bytes(before),
            coinbase_after: random.bytes(after),
            blocks_kept: 0,
            siblings: (0..depth).map(|_| random.array()).collect(),
            previous_bitcoin_block: random.array(),
            bitcoin_time: u32::try_from(bitcoin_time).expect("generated times are far below the year 2106"),
            first_nonce: random.next_u64() as u32,
            damage: None,
        }
    }
}

/// Between one second and twice the target after the parent: as many blocks come too fast as too slowly.
fn draw_timestamp(
    random: &mut Random,
    params: &NetworkParams,
    parent: &Header,
    uncle_count: u32,
) -> UnixTime {
    let target = u64::from(params.target_block_seconds) * (1 + u64::from(uncle_count));
    UnixTime::from_secs(parent.timestamp().as_secs() + random.between(1, 2 * target - 1))
}

/// Mostly the parent's, else anywhere within 1/1024 of it. Written as rskj's miner does: with a zero byte in
/// front where the first bit is set.
fn draw_gas_limit(random: &mut Random, parent: &Header) -> GasLimit {
    let before = parent.gas_limit().get();
    let mut value = before;
    if random.one_in(3) {
        let least = (before * 1023 / 1024).max(LEAST_GAS_LIMIT);
        let most = (before * 1025 / 1024).min(MOST_GAS_LIMIT).max(least);
        value = u128::from(random.between(least as u64, most as u64));
    }
    let significant_bits = u128::BITS - value.leading_zeros();
    GasLimit::new(u32::from(significant_bits.is_multiple_of(8)), value)
}

/// Mostly the parent's, else anywhere within a hundredth of it (at least one wei).
fn draw_gas_price(random: &mut Random, parent: &Header) -> GasPrice {
    let before = parent.minimum_gas_price().map_or(0, GasPrice::get);
    if !random.one_in(3) {
        return GasPrice::new(before);
    }
    let step = (before / 100).max(1);
    let least = (before - step).max(0);
    let most = (before + step).min(MOST_GAS_PRICE).max(least);
    GasPrice::new(i128::from(random.between(least as u64, most as u64)))
}

/// Empty in half of the blocks, a few bits in the others.
fn draw_logs_bloom(random: &mut Random) -> Box<[u8; 256]> {
    let mut bloom = Box::new([0; 256]);
    if random.one_in(2) {
        for _ in 0..random.between(3, 30) {
            let bit = random.between(0, 2047) as usize;
            bloom[bit / 8] |= 1 << (bit % 8);
        }
    }
    bloom
}
