//! Every number in which Rootstock networks differ, as data. Nothing about a network is wired in elsewhere.
//!
//! Heights and constants are those of rskj 9.1.0's `reference.conf`, `config/*.conf` and `Constants`; each
//! activation names its RSKIP in [`Activations`].

use core::time::Duration;

use crate::primitives::{
    activation::{Activation, Activations},
    hash::{Address, BlockHash, Hash256},
    header::{Header, HeaderDecodeError, HeaderFields, LogsCommitment, ProofFields},
    number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
};

/// Keccak-256 of the empty RLP list: `unclesHash` of a block without uncles.
pub const EMPTY_UNCLES_HASH: Hash256 =
    Hash256::new(hex_bytes("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"));
/// Keccak-256 of the empty RLP string: root of an empty trie.
pub const EMPTY_TRIE_ROOT: Hash256 =
    Hash256::new(hex_bytes("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"));

/// A network's parameters, as far as headers and peers are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkParams {
    /// Name, as the CLI and the store spell it.
    pub name: String,
    /// Chain id of transactions; not in headers.
    pub chain_id: u32,
    /// Network id of the peer protocol.
    pub network_id: u32,
    /// TCP and UDP port of a node with default settings.
    pub default_port: u16,
    /// Host names and ports that discovery starts from.
    pub boot_nodes: Vec<String>,
    /// Upgrade heights.
    pub activations: Activations,
    /// Seconds per block and uncle that the difficulty steers to.
    pub target_block_seconds: u32,
    /// Least difficulty.
    pub minimum_difficulty: Difficulty,
    /// Least difficulty from RSKIP-290 on, where the network has that rule.
    pub minimum_difficulty_after_rskip290: Option<Difficulty>,
    /// A difficulty step is the parent's difficulty divided by this.
    pub difficulty_divisor: u32,
    /// The same from RSKIP-156 on.
    pub difficulty_divisor_after_rskip156: u32,
    /// How far ahead of the clock a header may be. Zero switches off every timestamp rule, as in rskj.
    pub max_future: Duration,
    /// Least gas limit of any block.
    pub minimum_gas_limit: u128,
    /// A gas-limit step is at most the parent's limit divided by this.
    pub gas_limit_bound_divisor: u128,
    /// Most bytes of extra data.
    pub maximum_extra_data: usize,
    /// Most uncles of a block.
    pub uncle_list_limit: usize,
    /// An uncle's parent is at most so many heights below the block that includes the uncle.
    pub uncle_generation_limit: u64,
    /// Before RSKIP-98, blocks of at most this difficulty could be signed by the federation instead of mined.
    pub fallback_mining_difficulty: Difficulty,
    /// The federation's keys for such blocks, uncompressed: of even heights, then of odd ones.
    pub fallback_keys: [FallbackKey; 2],
    /// RSKIP-179's bound (exclusive) between a header's time and its Bitcoin header's.
    pub bitcoin_time_bound: Duration,
    /// The same from RSKIP-297 on, where the network has that rule.
    pub bitcoin_time_bound_after_rskip297: Option<Duration>,
    /// The highest upgrade height this release knows of. From there on, a header that is laid out in another
    /// way may be of an upgrade that came after the release.
    pub last_known_upgrade: BlockNumber,
    /// The first block.
    pub genesis: HeaderFields,
}

/// A secp256k1 public key, uncompressed: `04 ‖ x ‖ y`.
pub type FallbackKey = [u8; 65];

/// The federation's fallback keys, the same on every network.
const FALLBACK_KEYS: [FallbackKey; 2] = [
    hex_bytes(
        "041e2b148c024770e19c4f31db2233cac791583df95b4d14a5e9fd4b38dc8254b3\
         048f937f169446b19d2eca40db1dd93fab34c0cd8a310afd6e6211f9a89e4bca",
    ),
    hex_bytes(
        "04b55031870df5de88bdb84f65bd1c6f8331c633e759caa5ac7cad3fa4f8a36791\
         e995804bba1558ddcf330a67ff5bfa253fa1d8789735f97a97e849686527976e",
    ),
];

impl NetworkParams {
    /// The public main network.
    pub fn mainnet() -> Self {
        Self {
            name: "mainnet".to_owned(),
            chain_id: 30,
            network_id: 775,
            default_port: 5050,
            boot_nodes: (1..=16).map(|n| format!("bootstrap{n:02}.rsk.co:5050")).collect(),
            activations: Activations {
                rskip92: Activation::at(729_000),
                rskip97: Activation::at(729_000),
                rskip98: Activation::at(729_000),
                rskip110: Activation::at(1_591_000),
                rskip126: Activation::at(1_591_000),
                rskip144: Activation::NEVER,
                rskip156: Activation::at(2_392_700),
                rskip179: Activation::at(3_614_800),
                rskip180: Activation::at(3_614_800),
                rskip290: Activation::at(4_598_500),
                rskip297: Activation::at(4_598_500),
                rskip351: Activation::NEVER,
                rskip535: Activation::NEVER,
                rskip_umm: Activation::at(2_392_700),
                base_event_required: Activation::GENESIS,
            },
            target_block_seconds: 14,
            minimum_difficulty: Difficulty::new(7_000_000_000_000_000),
            minimum_difficulty_after_rskip290: None,
            difficulty_divisor: 50,
            difficulty_divisor_after_rskip156: 400,
            max_future: Duration::from_secs(60),
            minimum_gas_limit: 3_000_000,
            gas_limit_bound_divisor: 1024,
            maximum_extra_data: 32,
            uncle_list_limit: 10,
            uncle_generation_limit: 7,
            fallback_mining_difficulty: Difficulty::new(14_000_000_000_000_000),
            fallback_keys: FALLBACK_KEYS,
            bitcoin_time_bound: Duration::from_secs(300),
            bitcoin_time_bound_after_rskip297: None,
            last_known_upgrade: BlockNumber::new(8_804_200),
            genesis: genesis(GenesisValues {
                state_root: "9fa70f12726ac738640a86754741bb3f5680520ccc7e6ae9d95ace566a67fe01",
                difficulty: 0x10_0000,
                gas_limit: 6_800_000,
                timestamp: 1_514_862_000,
                extra_data: b"Happy Bitcoin Day! 03/Jan/2018 - RSK technology at the service of society",
                minimum_gas_price: 183_000_000,
            }),
        }
    }

    /// The public test network.
    pub fn testnet() -> Self {
        Self {
            name: "testnet".to_owned(),
            chain_id: 31,
            network_id: 8100,
            default_port: 50505,
            boot_nodes: (1..=8).map(|n| format!("bootstrap{n:02}.testnet.rsk.co:50505")).collect(),
            activations: Activations {
                rskip92: Activation::GENESIS,
                rskip97: Activation::NEVER,
                rskip98: Activation::GENESIS,
                rskip110: Activation::GENESIS,
                rskip126: Activation::GENESIS,
                rskip144: Activation::at(7_139_600),
                rskip156: Activation::at(863_000),
                rskip179: Activation::at(2_060_500),
                rskip180: Activation::at(2_060_500),
                rskip290: Activation::at(2_581_800),
                rskip297: Activation::at(3_103_000),
                rskip351: Activation::at(7_139_600),
                rskip535: Activation::at(7_604_200),
                rskip_umm: Activation::at(863_000),
                base_event_required: Activation::at(7_800_000),
            },
            target_block_seconds: 14,
            minimum_difficulty: Difficulty::new(131_072),
            minimum_difficulty_after_rskip290: Some(Difficulty::new(550_000_000)),
            difficulty_divisor: 50,
            difficulty_divisor_after_rskip156: 400,
            max_future: Duration::from_secs(540),
            minimum_gas_limit: 3_000_000,
            gas_limit_bound_divisor: 1024,
            maximum_extra_data: 32,
            uncle_list_limit: 10,
            uncle_generation_limit: 7,
            fallback_mining_difficulty: Difficulty::new(14_000_000_000_000_000),
            fallback_keys: FALLBACK_KEYS,
            bitcoin_time_bound: Duration::from_secs(300),
            bitcoin_time_bound_after_rskip297: Some(Duration::from_secs(7200)),
            last_known_upgrade: BlockNumber::new(7_604_200),
            genesis: genesis(GenesisValues {
                state_root: "45bce5168430c42b3d568331753f900a32457b4f3748697cbd8375ff4da72641",
                difficulty: 0x10_0000,
                gas_limit: 5_000_000,
                timestamp: 0,
                extra_data: &[0x43, 0x4d, 0x27, 0x28, 0x41],
                minimum_gas_price: 0,
            }),
        }
    }

    /// rskj's local network with its default configuration.
    pub fn regtest() -> Self {
        Self {
            name: "regtest".to_owned(),
            chain_id: 33,
            network_id: 7771,
            default_port: 50501,
            boot_nodes: Vec::new(),
            activations: Activations {
                rskip97: Activation::NEVER,
                rskip144: Activation::at(1),
                rskip351: Activation::at(1),
                rskip535: Activation::at(1),
                ..ALL_RULES_FROM_GENESIS
            },
            target_block_seconds: 10,
            minimum_difficulty: Difficulty::new(1),
            minimum_difficulty_after_rskip290: None,
            difficulty_divisor: 2048,
            difficulty_divisor_after_rskip156: 2048,
            max_future: Duration::ZERO,
            minimum_gas_limit: 3_000_000,
            gas_limit_bound_divisor: 1024,
            maximum_extra_data: 32,
            uncle_list_limit: 10,
            uncle_generation_limit: 7,
            fallback_mining_difficulty: Difficulty::new(0),
            fallback_keys: FALLBACK_KEYS,
            bitcoin_time_bound: Duration::from_secs(300),
            bitcoin_time_bound_after_rskip297: None,
            last_known_upgrade: BlockNumber::new(1),
            genesis: genesis(GenesisValues {
                state_root: "9c13f6bf26a9d1b13b708b5da083cb8f4e948bb7f903174081ad95810d52723f",
                difficulty: 1,
                gas_limit: 10_000_000,
                timestamp: 0,
                extra_data: b"horse",
                minimum_gas_price: 0,
            }),
        }
    }

    /// The generator's offline network: mainnet's rules from wasabi on, all active from the start, at a
    /// difficulty that any machine mines in a few tries. Its genesis lies in the past (November 2023), so
    /// that generated chains of millions of blocks are never ahead of a real clock.
    pub fn simnet() -> Self {
        Self {
            name: "simnet".to_owned(),
            chain_id: 35,
            network_id: 77_735,
            default_port: 50_635,
            boot_nodes: Vec::new(),
            activations: ALL_RULES_FROM_GENESIS,
            minimum_difficulty: Difficulty::new(1),
            last_known_upgrade: BlockNumber::new(1),
            genesis: genesis(GenesisValues {
                state_root: "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
                difficulty: 1,
                gas_limit: 6_800_000,
                timestamp: 1_700_000_000,
                extra_data: b"simnet",
                minimum_gas_price: 0,
            }),
            ..Self::mainnet()
        }
    }

    /// The genesis header, decoded and hashed.
    ///
    /// # Errors
    /// When the genesis values of a custom network do not make a header.
    pub fn genesis_header(&self) -> Result<Header, HeaderDecodeError> {
        Header::decode(&self.genesis.encode(), &self.activations)
    }
}

/// Version-0 rules from the first block on. `ummRoot` starts at block 1, because rskj's genesis never has one.
const ALL_RULES_FROM_GENESIS: Activations = Activations {
    rskip92: Activation::GENESIS,
    rskip97: Activation::GENESIS,
    rskip98: Activation::GENESIS,
    rskip110: Activation::GENESIS,
    rskip126: Activation::GENESIS,
    rskip144: Activation::NEVER,
    rskip156: Activation::GENESIS,
    rskip179: Activation::GENESIS,
    rskip180: Activation::GENESIS,
    rskip290: Activation::GENESIS,
    rskip297: Activation::GENESIS,
    rskip351: Activation::NEVER,
    rskip535: Activation::NEVER,
    rskip_umm: Activation::at(1),
    base_event_required: Activation::GENESIS,
};

/// What differs between the genesis blocks of the networks.
struct GenesisValues {
    state_root: &'static str,
    difficulty: u128,
    gas_limit: u128,
    timestamp: u64,
    extra_data: &'static [u8],
    minimum_gas_price: i128,
}

/// Builds a genesis as rskj's `GenesisLoaderImpl` does: five difficulty bytes as its files write
/// them, one zero byte in each merged-mining field.
fn genesis(values: GenesisValues) -> HeaderFields {
    let difficulty_bytes = 5;
    let significant = (u128::BITS - values.difficulty.leading_zeros()).div_ceil(8);
    HeaderFields {
        parent_hash: BlockHash::ZERO,
        uncles_hash: EMPTY_UNCLES_HASH,
        coinbase: Some(Address::new([0x33; 20])),
        state_root: Hash256::new(hex_bytes(values.state_root)),
        transactions_root: EMPTY_TRIE_ROOT,
        receipts_root: EMPTY_TRIE_ROOT,
        logs: LogsCommitment::empty_bloom(),
        difficulty: Difficulty::new(values.difficulty),
        genesis_difficulty_padding: (difficulty_bytes - significant) as u8,
        number: BlockNumber::GENESIS,
        gas_limit: GasLimit::new(0, values.gas_limit),
        gas_used: 0,
        timestamp: UnixTime::from_secs(values.timestamp),
        extra_data: values.extra_data.to_vec(),
        paid_fees: 0,
        minimum_gas_price: Some(GasPrice::new(values.minimum_gas_price)),
        uncle_count: 0,
        umm_root: None,
        proof: Some(ProofFields { bitcoin_header: vec![0], merkle_proof: vec![0], coinbase: vec![0] }),
    }
}

/// Reads hexadecimal digits at compile time.
const fn hex_bytes<const SIZE: usize>(text: &str) -> [u8; SIZE] {
    const fn digit(character: u8) -> u8 {
        match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => panic!("not a lower-case hexadecimal digit"),
        }
    }
    let text = text.as_bytes();
    assert!(text.len() == 2 * SIZE, "two digits a byte");
    let mut bytes = [0; SIZE];
    let mut index = 0;
    while index < SIZE {
        bytes[index] = digit(text[2 * index]) << 4 | digit(text[2 * index + 1]);
        index += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_genesis_has_the_hash_that_the_network_knows_it_by() {
        let known = [
            (NetworkParams::mainnet(), "0xf88529d4ab262c0f4d042e9d8d3f2472848eaafe1a9b7213f57617eb40a9f9e0"),
            (NetworkParams::testnet(), "0xcabb7fbe88cd6d922042a32ffc08ce8b1fbb37d650b9d4e7dbfe2a7469adfa42"),
            (NetworkParams::regtest(), "0x8ea789fabef0dd4946ed53f001e7b6f8a8d0c22a612a6099fc7f93c990af68fe"),
        ];
        for (params, hash) in known {
            assert_eq!(
                params.genesis_header().expect("a header").hash().to_string(),
                hash,
                "{}",
                params.name
            );
        }
    }

    #[test]
    fn a_genesis_that_makes_no_header_is_an_error_and_not_a_panic() {
        let mut params = NetworkParams::simnet();
        params.genesis.umm_root = Some(Vec::new());
        assert!(params.genesis_header().is_err(), "no ummRoot at height 0");
    }
}
