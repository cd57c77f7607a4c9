//! Where a chain may start from on trust: a header with its hash, checked as far as it can prove itself.
//!
//! No RSKIP: rskj has no checkpoints of its own chain. What a checkpoint is trusted for is that it lies on
//! the best chain; its own rules and its proof of work are checked like any header's.

use serde::Deserialize;

use crate::{
    consensus::{
        error::HeaderError,
        network::Network,
        params::NetworkParams,
        verify::{Context, verify_header},
    },
    primitives::{
        hash::{BlockHash, ParseHexError},
        header::{Header, HeaderDecodeError},
        number::{BlockNumber, CumulativeDifficulty, UnixTime},
    },
};

/// The value of `format` that this release reads.
pub const CHECKPOINT_FORMAT: &str = "rustock-checkpoint-1";

/// The newest mainnet checkpoint that comes with the library.
const BUNDLED_MAINNET: &str = include_str!("../../data/checkpoint-mainnet-9286615.json");

/// A block to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    header: Header,
    bitcoin_hash_byte: u8,
    total_difficulty: Option<CumulativeDifficulty>,
    source: Option<String>,
}

/// Why a checkpoint is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not a JSON object with the fields of a checkpoint.
    #[error("not a checkpoint file: {reason}")]
    NotACheckpoint {
        /// What the JSON reader found.
        reason: String,
    },
    /// `format` names another format.
    #[error("format is {found:?}, this release reads {CHECKPOINT_FORMAT:?}")]
    OtherFormat {
        /// The format found.
        found: String,
    },
    /// `network` names another network.
    #[error("network is {found:?}, not {expected:?}")]
    OtherNetwork {
        /// Network asked for.
        expected: String,
        /// Network found.
        found: String,
    },
    /// `hash`, `header` or `total_difficulty` is not hexadecimal of the right size.
    #[error("{field}: {reason}")]
    BadHex {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: ParseHexError,
    },
    /// `header` is not a header.
    #[error("header: {0}")]
    Header(#[from] HeaderDecodeError),
    /// `header` has another hash than `hash`.
    #[error("the header hashes to {actual}, not to {expected}")]
    HashMismatch {
        /// The `hash` field.
        expected: BlockHash,
        /// The header's hash.
        actual: BlockHash,
    },
    /// `header` has another height than `number`.
    #[error("the header has height {actual}, not {expected}")]
    NumberMismatch {
        /// The `number` field.
        expected: BlockNumber,
        /// The header's height.
        actual: BlockNumber,
    },
    /// The header breaks a rule that it can be held to alone.
    #[error("header: {0}")]
    Rule(#[from] HeaderError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointFile {
    format: String,
    network: String,
    number: u64,
    hash: String,
    header: String,
    #[serde(default)]
    total_difficulty: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

impl Checkpoint {
    /// Reads a checkpoint file: one JSON object
    /// `{"format":"rustock-checkpoint-1","network","number","hash","header":"0x<wire RLP>",
    /// "total_difficulty":"0x…"|null,"source"}`, the last two optional. `now` is the wall clock's time.
    ///
    /// # Errors
    /// One [`CheckpointError`] for each way in which the file can contradict itself or the rules.
    pub fn from_json(text: &str, network: &Network, now: UnixTime) -> Result<Self, CheckpointError> {
        let file: CheckpointFile = serde_json::from_str(text)
            .map_err(|error| CheckpointError::NotACheckpoint { reason: error.to_string() })?;
        if file.format != CHECKPOINT_FORMAT {
            return Err(CheckpointError::OtherFormat { found: file.format });
        }
        if file.network != network.name() {
            let expected = network.name().to_owned();
            return Err(CheckpointError::OtherNetwork { expected, found: file.network });
        }
        let bad_hex = |field| move |reason| CheckpointError::BadHex { field, reason };
        let expected: BlockHash = file.hash.parse().map_err(bad_hex("hash"))?;
        let raw = hex::decode(file.header.strip_prefix("0x").unwrap_or(&file.header))
            .map_err(|_| bad_hex("header")(ParseHexError::NotHex))?;
        let total_difficulty = file
            .total_difficulty
            .as_deref()
            .map(parse_quantity)
            .transpose()
            .map_err(bad_hex("total_difficulty"))?;

        let params = network.params();
        let header = Header::decode(&raw, &params.activations)?;
        if header.hash() != expected {
            return Err(CheckpointError::HashMismatch { expected, actual: header.hash() });
        }
        if header.number().get() != file.number {
            let expected = BlockNumber::new(file.number);
            return Err(CheckpointError::NumberMismatch { expected, actual: header.number() });
        }
        let mut checkpoint = Self::from_header(header, &params, now)?;
        checkpoint.total_difficulty = total_difficulty;
        checkpoint.source = file.source;
        Ok(checkpoint)
    }

    /// Takes a header that the caller trusts to lie on the best chain.
    ///
    /// # Errors
    /// When it breaks a rule it can be held to alone.
    pub fn from_header(
        header: Header,
        params: &NetworkParams,
        now: UnixTime,
    ) -> Result<Self, CheckpointError> {
        let context = Context { parent: None, ancestors: None, now };
        let verified = verify_header(header, &context, params)?;
        let bitcoin_hash_byte = verified.bitcoin_hash_byte();
        Ok(Self { header: verified.into_header(), bitcoin_hash_byte, total_difficulty: None, source: None })
    }

    /// The newest checkpoint that comes with the library for a network, if there is one.
    ///
    /// # Errors
    /// None in a released library; the type is that of [`Checkpoint::from_json`].
    pub fn bundled(network: &Network, now: UnixTime) -> Result<Option<Self>, CheckpointError> {
        match network {
            Network::Mainnet => Self::from_json(BUNDLED_MAINNET, network, now).map(Some),
            _ => Ok(None),
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// First byte of the Bitcoin block hash in its proof.
    pub fn bitcoin_hash_byte(&self) -> u8 {
        self.bitcoin_hash_byte
    }

    /// rskj's total difficulty at the block, uncles included, if the source gave one. Taken on trust.
    pub fn total_difficulty(&self) -> Option<CumulativeDifficulty> {
        self.total_difficulty
    }

    /// Where the checkpoint comes from, in its source's words.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }
}

/// Reads `0x…` as an unsigned number of at most 128 bits.
fn parse_quantity(text: &str) -> Result<CumulativeDifficulty, ParseHexError> {
    let digits = text.strip_prefix("0x").ok_or(ParseHexError::NotHex)?;
    if digits.len() > 32 {
        return Err(ParseHexError::WrongLength { expected: 16, actual: digits.len().div_ceil(2) });
    }
    u128::from_str_radix(digits, 16).map(CumulativeDifficulty::new).map_err(|_| ParseHexError::NotHex)
}
