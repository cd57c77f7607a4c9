//! What a block is drawn from: its own numbers, its parent, and the rules of its height.

use rustock_core::{
    consensus::params::{EMPTY_UNCLES_HASH, NetworkParams},
    primitives::{
        activation::HeaderVersion,
        block::Body,
        hash::{Address, Hash256},
        header::{Header, HeaderFields, LogsCommitment},
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};

use super::{
    body::{draw_extension, fill_body},
    builder::{ChainBuilder, Fees, MOST_UNCLES},
    draft::{Draft, MiningPlan},
    federation::{self, Signer, Signing},
    fork_data::{SAMPLE_STEP, fork_data},
    partial_tree::{MOST_SIBLINGS, TreePlace},
    random::Random,
    retarget::{self, Child, RESET_SECONDS},
};

/// Gas limits wander up to here.
const MOST_GAS_LIMIT: u128 = 30_000_000;
/// Minimum gas prices wander up to here, in wei.
const MOST_GAS_PRICE: i128 = 1_000_000_000;

impl ChainBuilder {
    /// The next block on top of the ancestors, which start at genesis: valid once mined.
    pub(super) fn draft(&self, ancestors: &[Header]) -> Draft {
        // Each block has its own numbers, so that it does not matter how the chain was extended up to here.
        let mut random = Random::from_parts(&[self.seed, ancestors.len() as u64]);
        let mut draft = self.draw(&mut random, ancestors);
        if self.bodies {
            fill_body(self, &mut draft, ancestors);
        }
        draft
    }

    /// A block on top of the ancestors that is valid by itself and has no body.
    pub(super) fn draw(&self, random: &mut Random, ancestors: &[Header]) -> Draft {
        let params = &*self.params;
        let parent = ancestors.last().expect("a chain has a genesis");
        let number = parent.number().next();
        let version = params.activations.header_version(number);

        let uncle_count = match self.uncles.draw(random) {
            // The siblings of genesis are no uncles of anybody.
            _ if self.bodies && number.get() < 2 => 0,
            count if self.bodies => count.min(MOST_UNCLES),
            count => count,
        };
        let timestamp = draw_timestamp(random, params, parent, uncle_count);
        let gas_limit = draw_gas_limit(random, params, parent);
        let mut fields = HeaderFields {
            parent_hash: parent.hash(),
            uncles_hash: match uncle_count {
                0 => EMPTY_UNCLES_HASH,
                _ => Hash256::new(random.array()),
            },
            coinbase: Some(Address::new(random.array())),
            state_root: Hash256::new(random.array()),
            transactions_root: Hash256::new(random.array()),
            receipts_root: Hash256::new(random.array()),
            logs: LogsCommitment::Bloom(draw_logs_bloom(random)),
            difficulty: difficulty_after(params, parent, timestamp, uncle_count),
            genesis_difficulty_padding: 0,
            number,
            gas_limit,
            gas_used: random.between(0, gas_limit.get() as u64),
            timestamp,
            extra_data: {
                let size = random.between(0, params.maximum_extra_data as u64) as usize;
                random.bytes(size)
            },
            paid_fees: match random.one_in(4) {
                true => 0,
                false => u128::from(random.next_u64()),
            },
            minimum_gas_price: Some(draw_gas_price(random, parent)),
            uncle_count,
            umm_root: params
                .activations
                .has_umm_root(number)
                .then(|| if random.one_in(50) { random.bytes(20) } else { Vec::new() }),
            proof: None,
        };
        if let Fees::Always(fees) = self.fees {
            fields.paid_fees = fees;
        }
        let mining = self.draw_mining_plan(random, number, timestamp);
        let mut body = Body { transactions: Vec::new(), uncles: Vec::new(), extension: None };
        if let (HeaderVersion::V1 | HeaderVersion::V2, LogsCommitment::Bloom(bloom)) = (version, &fields.logs)
        {
            let extension = draw_extension(random, &params.activations, number, bloom.clone());
            fields.logs = extension.commitment();
            body.extension = Some(extension);
        }
        let mut draft =
            Draft { fields, body, fork_data: fork_data(params, ancestors), mining, signing: None };
        if may_be_signed(params, &draft) && random.one_in(4) {
            draft.signing = Some(Signing { signer: Signer::of_height(number.get()), damage: None });
        }
        draft
    }

    fn draw_mining_plan(&self, random: &mut Random, number: BlockNumber, timestamp: UnixTime) -> MiningPlan {
        let rules = &self.params.activations;
        // The whole coinbase must be longer than 64 bytes; 41 of them are tag and commitment.
        let before = random.between(30, 220) as usize;
        let after = random.between(4, 60) as usize;
        let (least_depth, most_depth) = self.merkle_depth.clone().into_inner();
        let depth = random.between(least_depth as u64, most_depth as u64);
        let bound = time_bound(&self.params, number);
        let earliest = timestamp.as_secs().saturating_sub(bound);
        let bitcoin_time = random.between(earliest, timestamp.as_secs() + bound);
        let mut plan = MiningPlan {
            coinbase_before: random.bytes(before),
            coinbase_after: random.bytes(after),
            blocks_kept: 0,
            siblings: (0..depth).map(|_| random.array()).collect(),
            tree: None,
            previous_bitcoin_block: random.array(),
            bitcoin_time: u32::try_from(bitcoin_time).expect("generated times are far below the year 2106"),
            bitcoin_block_rest: Vec::new(),
            first_nonce: random.next_u64() as u32,
            damage: None,
        };
        if !rules.rskip92.is_active(number) {
            plan.siblings.truncate(MOST_SIBLINGS);
            plan.tree = Some(draw_tree_place(random, plan.siblings.len() as u32));
        }
        if !rules.rskip98.is_active(number) && random.one_in(4) {
            plan.bitcoin_block_rest = draw_transactions(random);
        }
        plan
    }
}

/// The difficulty that a block on top of `parent` must have.
pub(super) fn difficulty_after(
    params: &NetworkParams,
    parent: &Header,
    timestamp: UnixTime,
    uncle_count: u32,
) -> Difficulty {
    let child = Child { number: parent.number().next(), timestamp: timestamp.as_secs(), uncle_count };
    Difficulty::new(retarget::difficulty(params, parent, &child))
}

/// True where the federation can sign the block: the rules allow it, we have the keys, and nobody will look for
/// a Bitcoin header in it.
pub(super) fn may_be_signed(params: &NetworkParams, draft: &Draft) -> bool {
    let number = draft.fields.number;
    let has_bitcoin_time = params.activations.rskip179.is_active(number) && !params.max_future.is_zero();
    !params.activations.rskip98.is_active(number)
        && draft.fields.difficulty <= params.fallback_mining_difficulty
        && draft.fork_data.is_none()
        && !number.get().is_multiple_of(SAMPLE_STEP)
        && !has_bitcoin_time
        && params.fallback_keys == federation::public_keys()
}

/// Strictly inside RSKIP-179's bound: how far the Bitcoin header's time may be from the header's.
fn time_bound(params: &NetworkParams, number: BlockNumber) -> u64 {
    match params.bitcoin_time_bound_after_rskip297 {
        Some(bound) if params.activations.rskip297.is_active(number) => bound.as_secs().max(1) - 1,
        _ => params.bitcoin_time_bound.as_secs().clamp(1, 300) - 1,
    }
}

/// A tree with so many layers above the transactions. The coinbase is mostly the first of them.
fn draw_tree_place(random: &mut Random, layers: u32) -> TreePlace {
    let transactions = match layers {
        0 => 1,
        _ => random.between((1 << (layers - 1)) + 1, 1 << layers),
    };
    let place = if random.one_in(3) { random.between(0, transactions - 1) } else { 0 };
    TreePlace { transactions: transactions as u32, place: place as u32 }
}

/// What a whole Bitcoin block has after its header: a count and so many transactions.
fn draw_transactions(random: &mut Random) -> Vec<u8> {
    let count = random.between(0, 2) as u8;
    let mut rest = vec![count];
    for _ in 0..count {
        let input = [&random.bytes(36)[..], &[1, 0x51], &[0xff; 4]].concat();
        let output = [&random.bytes(8)[..], &[2, 0x52, 0x53]].concat();
        rest.extend([&[1, 0, 0, 0, 1][..], &input, &[1], &output, &[0; 4]].concat());
    }
    rest
}

/// Between one second and twice the target after the parent: as many blocks come too fast as too slowly. Where
/// a late block has the least difficulty, one in 25 is late enough.
fn draw_timestamp(
    random: &mut Random,
    params: &NetworkParams,
    parent: &Header,
    uncle_count: u32,
) -> UnixTime {
    let target = u64::from(params.target_block_seconds) * (1 + u64::from(uncle_count));
    let parent_time = parent.timestamp().as_secs();
    let mut seconds = random.between(1, 2 * target - 1);
    if !params.activations.rskip97.is_active(parent.number().next()) && random.one_in(25) {
        seconds = random.between(RESET_SECONDS - 1, RESET_SECONDS + 100);
    }
    UnixTime::from_secs(parent_time + seconds)
}

/// Mostly the parent's, else anywhere within a step of it. Written as rskj's miner does: with a zero byte in
/// front where the first bit is set.
fn draw_gas_limit(random: &mut Random, params: &NetworkParams, parent: &Header) -> GasLimit {
    let before = parent.gas_limit().get();
    let divisor = params.gas_limit_bound_divisor;
    let mut value = before;
    if random.one_in(3) {
        let least = (before * (divisor - 1) / divisor).max(params.minimum_gas_limit);
        let most = (before * (divisor + 1) / divisor).min(MOST_GAS_LIMIT).max(least);
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
