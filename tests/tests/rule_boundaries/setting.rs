//! Networks whose headers can be mined here, a header at any height that breaks no rule, and its verdict.

use rustock_core::{
    consensus::{
        error::{HeaderError, Rule},
        fork_detection_window::ForkDetectionWindow,
        params::{EMPTY_UNCLES_HASH, NetworkParams},
        parent::Parent,
        verify::{Context, VerifiedHeader, verify_header},
    },
    primitives::{
        activation::HeaderVersion,
        block::Body,
        hash::{Address, BlockHash, Hash256},
        header::{Header, HeaderExtension, HeaderFields, LogsCommitment},
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};
use rustock_test_support::chainkit::{Draft, MiningPlan, TreePlace, presets};

/// The time of every parent.
pub const PARENT_TIME: u64 = 1_700_000_000;
/// A clock after every header.
pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
/// The gas limit of every parent.
pub const PARENT_GAS_LIMIT: u128 = 6_800_000;
/// The minimum gas price of every parent.
pub const PARENT_GAS_PRICE: i128 = 60_000_000;
/// The difficulty of a parent, unless a test says otherwise.
pub const PARENT_DIFFICULTY: u128 = 4_000;
/// The least difficulty of mainnet and testnet here. The networks' own ones cannot be mined here.
pub const MINIMUM: u128 = 500;
/// Testnet's from RSKIP-290 on.
pub const MINIMUM_AFTER_RSKIP290: u128 = 800;

/// Where a rule is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    Mainnet,
    Testnet,
    Regtest,
    /// A made-up network that crosses every activation: [`presets::eras`].
    Eras,
}

impl Network {
    /// The network's own heights and numbers, except what would take Bitcoin's miners, or the federation's keys.
    pub fn params(self) -> NetworkParams {
        let public = match self {
            Self::Mainnet => NetworkParams::mainnet(),
            Self::Testnet => NetworkParams::testnet(),
            Self::Regtest => return NetworkParams::regtest(),
            Self::Eras => return presets::eras(),
        };
        let after = public.minimum_difficulty_after_rskip290;
        NetworkParams {
            minimum_difficulty: Difficulty::new(MINIMUM),
            minimum_difficulty_after_rskip290: after.map(|_| Difficulty::new(MINIMUM_AFTER_RSKIP290)),
            fallback_keys: presets::fallback_keys(),
            ..public
        }
    }
}

/// A header on top of its parent, not mined yet, and what it is judged against.
pub struct Setting {
    pub params: NetworkParams,
    pub parent: Parent,
    pub draft: Draft,
    pub ancestors: Option<ForkDetectionWindow>,
    pub now: UnixTime,
}

impl Setting {
    /// A header that breaks no rule at this height, in step with its parent.
    pub fn at(network: Network, height: u64) -> Self {
        let params = network.params();
        let number = BlockNumber::new(height);
        let parent = Parent {
            hash: BlockHash::new([0x11; 32]),
            number: number.previous().expect("not a genesis"),
            timestamp: UnixTime::from_secs(PARENT_TIME),
            difficulty: Difficulty::new(PARENT_DIFFICULTY),
            gas_limit: GasLimit::new(0, PARENT_GAS_LIMIT),
            minimum_gas_price: Some(GasPrice::new(PARENT_GAS_PRICE)),
        };
        let rules = &params.activations;
        let carries_data = height >= 449 && rules.rskip110.is_active(number);
        let tree = TreePlace { transactions: 2, place: 0 };
        let mut draft = Draft {
            fields: fields(&parent),
            body: Body { transactions: Vec::new(), uncles: Vec::new(), extension: None },
            fork_data: carries_data.then_some([0xfd; 12]),
            mining: mining_plan((!rules.rskip92.is_active(number)).then_some(tree)),
            signing: None,
        };
        draft.fields.umm_root = rules.has_umm_root(number).then(Vec::new);
        let mut setting = Self { params, parent, draft, ancestors: None, now: NOW };
        setting.set_layout(setting.params.activations.header_version(number));
        setting.after(setting.params.target_block_seconds.into());
        setting
    }

    /// The height.
    pub fn number(&self) -> BlockNumber {
        self.draft.fields.number
    }

    /// Gives the header the layout of a version.
    pub fn set_layout(&mut self, version: HeaderVersion) {
        self.draft.body.extension = (version != HeaderVersion::V0).then(|| HeaderExtension {
            logs_bloom: Box::new([0; 256]),
            base_event: (version == HeaderVersion::V2).then(Vec::new),
            edges: self.params.activations.has_edges(self.number()).then(Vec::new),
        });
        self.draft.fields.logs = LogsCommitment::empty_bloom();
        self.draft.commit_to_extension();
    }

    /// Moves header and Bitcoin header to so many seconds after the parent. The difficulty stays the parent's.
    pub fn after(&mut self, seconds: i64) {
        let time = PARENT_TIME.checked_add_signed(seconds).expect("far from zero");
        self.draft.fields.timestamp = UnixTime::from_secs(time);
        self.draft.mining.bitcoin_time = u32::try_from(time).expect("before 2106");
    }

    /// Gives the header a difficulty.
    pub fn of_difficulty(&mut self, difficulty: u128) {
        self.draft.fields.difficulty = Difficulty::new(difficulty);
    }

    /// Moves the Bitcoin header so many seconds away from the header.
    pub fn bitcoin_apart(&mut self, seconds: i64) {
        let own = i64::try_from(self.draft.fields.timestamp.as_secs()).expect("small");
        self.draft.mining.bitcoin_time = u32::try_from(own + seconds).expect("before 2106");
    }

    /// Mines the header, decodes and verifies it.
    pub fn verify(self) -> Result<VerifiedHeader, HeaderError> {
        let Self { params, parent, draft, ancestors, now } = self;
        let header = Header::decode(&draft.mine_bytes(), &params.activations).map_err(HeaderError::Decode)?;
        let context = Context { parent: Some(&parent), ancestors: ancestors.as_ref(), now };
        verify_header(header, &context, &params)
    }

    /// The rule that the header breaks, if any.
    pub fn broken_rule(self) -> Option<Rule> {
        self.verify().err().map(|error| error.rule())
    }
}

fn fields(parent: &Parent) -> HeaderFields {
    HeaderFields {
        parent_hash: parent.hash,
        uncles_hash: EMPTY_UNCLES_HASH,
        coinbase: Some(Address::new([0x33; 20])),
        state_root: Hash256::new([0x44; 32]),
        transactions_root: Hash256::new([0x55; 32]),
        receipts_root: Hash256::new([0x66; 32]),
        logs: LogsCommitment::empty_bloom(),
        difficulty: parent.difficulty,
        genesis_difficulty_padding: 0,
        number: parent.number.next(),
        gas_limit: parent.gas_limit,
        gas_used: 0,
        timestamp: parent.timestamp,
        extra_data: Vec::new(),
        paid_fees: 0,
        minimum_gas_price: parent.minimum_gas_price,
        uncle_count: 0,
        umm_root: None,
        proof: None,
    }
}

/// A coinbase of 131 bytes, and one hash beside it.
fn mining_plan(tree: Option<TreePlace>) -> MiningPlan {
    MiningPlan {
        coinbase_before: vec![5; 70],
        coinbase_after: vec![6; 20],
        blocks_kept: 0,
        siblings: vec![[0x77; 32]],
        tree,
        previous_bitcoin_block: [0x88; 32],
        bitcoin_time: 0,
        bitcoin_block_rest: Vec::new(),
        first_nonce: 0,
        damage: None,
    }
}
