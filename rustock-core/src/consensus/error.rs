//! What can be wrong with a header: one variant per rule, with what the rule expected and what it saw.
//!
//! No RSKIP. rskj's rules answer true or false and log the reason.

use core::{fmt, time::Duration};

use super::fork_detection_window::FORK_DETECTION_DATA_SIZE;
use crate::primitives::{
    hash::{BlockHash, Hash256},
    header::{BITCOIN_HEADER_SIZE, HeaderDecodeError},
    number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
};

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A rule that a header can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $variant),+
        }

        impl Rule {
            /// Every rule, in the order they are applied.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The rule's name, which does not change between releases.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

rules! {
    /// The bytes are a header of the height's layout, in canonical form.
    Decode = "decode",
    /// A header at height 0 is the network's genesis.
    Genesis = "genesis",
    /// The parent hash is the parent's hash.
    Linkage = "linkage",
    /// The height is one above the parent's.
    Number = "number",
    /// The gas limit is not below the network's minimum, and within a small step of the parent's.
    GasLimit = "gas_limit",
    /// The minimum gas price is within 1 % of the parent's.
    MinimumGasPrice = "minimum_gas_price",
    /// The extra data has at most 32 bytes.
    ExtraData = "extra_data",
    /// The gas used is at most the gas limit.
    GasUsed = "gas_used",
    /// The difficulty follows from the parent's, the time between the two and the uncle count.
    Difficulty = "difficulty",
    /// The header's time and its Bitcoin header's are close (RSKIP-179).
    BitcoinTimestamp = "bitcoin_timestamp",
    /// The `ummRoot` is empty or 20 bytes.
    UmmRoot = "umm_root",
    /// Before RSKIP-98: a block of low difficulty without proof is signed by the federation.
    FallbackSignature = "fallback_signature",
    /// The merkle proof has a whole number of hashes, and from RSKIP-180 on at most 30. Before RSKIP-92: the
    /// partial merkle tree has the size it declares.
    MerkleProofFormat = "merkle_proof_format",
    /// The Bitcoin header has 80 bytes. Before RSKIP-98: it can be a whole Bitcoin block.
    BitcoinHeader = "bitcoin_header",
    /// The Bitcoin header's hash meets the difficulty.
    ProofOfWork = "proof_of_work",
    /// The compressed Bitcoin coinbase is there and long enough.
    MergedMiningCoinbase = "merged_mining_coinbase",
    /// The Bitcoin coinbase commits to this header.
    MergedMiningCommitment = "merged_mining_commitment",
    /// The commitment stands where the coinbase's end cannot be forged.
    MergedMiningTagPosition = "merged_mining_tag_position",
    /// The merkle proof leads from the coinbase to the Bitcoin header's merkle root.
    MerkleRoot = "merkle_root",
    /// The fork-detection data is the one of the ancestors (RSKIP-110).
    ForkDetection = "fork_detection",
    /// The header's time is not too far ahead of the clock.
    FutureTimestamp = "future_timestamp",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rule that a header broke, what the rule expected and what it saw.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// [`Rule::Decode`].
    Decode(HeaderDecodeError),
    /// [`Rule::Genesis`].
    Genesis {
        /// Hash of the network's genesis.
        expected: BlockHash,
        /// Hash of the header.
        seen: BlockHash,
    },
    /// [`Rule::Linkage`].
    Linkage {
        /// Hash of the parent.
        expected: BlockHash,
        /// The header's parent hash.
        seen: BlockHash,
    },
    /// [`Rule::Number`].
    Number {
        /// The parent's height plus one.
        expected: BlockNumber,
        /// The header's height.
        seen: BlockNumber,
    },
    /// [`Rule::GasLimit`].
    GasLimit {
        /// Least limit allowed.
        least: u128,
        /// Greatest limit allowed, where the parent sets one.
        most: Option<u128>,
        /// The header's limit; it can be an empty field.
        seen: GasLimit,
    },
    /// [`Rule::MinimumGasPrice`].
    MinimumGasPrice {
        /// What is allowed.
        expected: AllowedGasPrice,
        /// The header's price; `None` is rskj's null.
        seen: Option<GasPrice>,
    },
    /// [`Rule::ExtraData`].
    ExtraData {
        /// Most bytes allowed.
        most: usize,
        /// Bytes of extra data.
        seen: usize,
    },
    /// [`Rule::GasUsed`].
    GasUsed {
        /// The header's gas limit.
        most: GasLimit,
        /// Gas used.
        seen: u64,
    },
    /// [`Rule::Difficulty`].
    Difficulty {
        /// The right difficulty; `None` when it is 2^128 or more, which no header can have here.
        expected: Option<Difficulty>,
        /// The header's difficulty.
        seen: Difficulty,
    },
    /// [`Rule::BitcoinTimestamp`].
    BitcoinTimestamp {
        /// The header's time.
        timestamp: UnixTime,
        /// The two times must be less than this apart.
        bound: Duration,
        /// The Bitcoin header's time; `None` without a Bitcoin header.
        seen: Option<UnixTime>,
    },
    /// [`Rule::UmmRoot`].
    UmmRoot {
        /// Bytes of the `ummRoot`.
        seen: usize,
    },
    /// [`Rule::FallbackSignature`].
    FallbackSignature(FallbackSignatureFault),
    /// [`Rule::MerkleProofFormat`], before RSKIP-92.
    PartialMerkleTreeSize {
        /// Bytes of the proof.
        seen: usize,
    },
    /// [`Rule::MerkleProofFormat`].
    MerkleProofFormat {
        /// Most bytes allowed, where RSKIP-180 sets a limit.
        most: Option<usize>,
        /// Bytes of the proof.
        seen: usize,
    },
    /// [`Rule::BitcoinHeader`].
    BitcoinHeader {
        /// Bytes of the Bitcoin header.
        seen: usize,
    },
    /// [`Rule::BitcoinHeader`], before RSKIP-98.
    BitcoinBlock {
        /// Bytes of the field.
        seen: usize,
    },
    /// [`Rule::ProofOfWork`].
    ProofOfWork {
        /// The header's difficulty.
        difficulty: Difficulty,
        /// The Bitcoin header's hash, in the order it is usually shown.
        seen: Hash256,
    },
    /// [`Rule::MergedMiningCoinbase`].
    MergedMiningCoinbase(CoinbaseFault),
    /// [`Rule::MergedMiningCommitment`].
    MergedMiningCommitment {
        /// The bytes that must follow the last `RSKBLOCK:` (20 where fork-detection data comes after them).
        expected: Vec<u8>,
        /// The bytes that do; `None` when there is no `RSKBLOCK:`.
        seen: Option<Vec<u8>>,
    },
    /// [`Rule::MergedMiningTagPosition`].
    MergedMiningTagPosition(TagPositionFault),
    /// [`Rule::MerkleRoot`].
    MerkleRoot {
        /// The Bitcoin header's merkle root, in the order it is usually shown.
        expected: Hash256,
        /// Where the proof leads.
        seen: FoldedRoot,
    },
    /// [`Rule::ForkDetection`].
    ForkDetection {
        /// The ancestors' data; `None` when no data can be right (see
        /// [`ExpectedData`](super::fork_detection_window::ExpectedData)).
        expected: Option<[u8; FORK_DETECTION_DATA_SIZE]>,
        /// The header's data.
        seen: [u8; FORK_DETECTION_DATA_SIZE],
    },
    /// [`Rule::FutureTimestamp`]: nothing else is wrong, and the header becomes valid with time.
    NotYetValid {
        /// When the header becomes valid.
        until: UnixTime,
        /// The clock it was checked with.
        now: UnixTime,
        /// The header's time.
        seen: UnixTime,
    },
}

/// The minimum gas prices that a header may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedGasPrice {
    /// Whatever the parent's, a price that is there and not negative.
    NotNegative,
    /// A price in this range, both ends included.
    Between {
        /// Least price.
        least: GasPrice,
        /// Greatest price.
        most: GasPrice,
    },
    /// None: the parent has no price.
    NoneAfterParentWithout,
}

/// What is wrong with a compressed coinbase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoinbaseFault {
    /// There is none.
    Missing,
    /// Too short for a byte count and a midstate.
    TooShort {
        /// Its bytes.
        seen: usize,
    },
    /// The transaction it claims to be the end of has at most 64 bytes, and could be an inner node of the
    /// merkle tree.
    TransactionTooShort {
        /// Bytes before the tail plus bytes of the tail, in Java's wrapping `long`.
        seen: i64,
    },
}

/// What is wrong with the place of the commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagPositionFault {
    /// It starts too late in the tail.
    TooFar {
        /// First byte of the tag in the tail.
        seen: usize,
    },
    /// Another `RSKBLOCK:` follows it.
    NotLast {
        /// First byte of the tag with the right commitment.
        committed: usize,
        /// First byte of the last tag.
        seen: usize,
    },
    /// Too many bytes follow it.
    BytesAfter {
        /// Bytes after the commitment.
        seen: usize,
    },
}

/// What is wrong with a federation's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackSignatureFault {
    /// The field is not one RLP list of three strings.
    NotThreeStrings,
    /// `v` is not one byte from 27 to 30.
    RecoveryId,
    /// `r` or `s` has zero bytes too many, or one too few in front of a high bit.
    NotMinimal,
    /// `s` is half of the curve's order or more.
    HighS,
    /// No key fits the signature.
    NoKey,
    /// Another key than the one of the height's parity signed.
    OtherKey,
    /// The height's hash for merged mining needs fork-detection data, which only a coinbase carries.
    NoForkDetectionData,
}

/// What is wrong with a partial merkle tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartialTreeFault {
    /// It is about no transaction, or about more than a Bitcoin block can have.
    TransactionCount {
        /// The count it gives.
        seen: u32,
    },
    /// More hashes than transactions.
    TooManyHashes,
    /// Fewer flag bits than the walk needs, or than there are hashes.
    TooFewFlags,
    /// Fewer hashes than the walk needs.
    TooFewHashes,
    /// A right branch equals the left one beside it.
    EqualBranches,
    /// The walk left hashes or flag bytes over.
    NotUsedUp,
    /// The coinbase is not among the transactions that it proves.
    CoinbaseNotProven,
}

/// Where a merkle proof leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldedRoot {
    /// To this root, in the order it is usually shown.
    Root(Hash256),
    /// Through a pair of hashes that could also be read as a 64-byte transaction, which rskj refuses.
    TransactionLookalike {
        /// The pair's place, counted from the transactions.
        layer: usize,
    },
    /// Nowhere: it is a partial merkle tree, from before RSKIP-92, and not a good one.
    PartialTree(PartialTreeFault),
}

impl HeaderError {
    /// The rule that was broken.
    pub const fn rule(&self) -> Rule {
        match self {
            Self::Decode(_) => Rule::Decode,
            Self::Genesis { .. } => Rule::Genesis,
            Self::Linkage { .. } => Rule::Linkage,
            Self::Number { .. } => Rule::Number,
            Self::GasLimit { .. } => Rule::GasLimit,
            Self::MinimumGasPrice { .. } => Rule::MinimumGasPrice,
            Self::ExtraData { .. } => Rule::ExtraData,
            Self::GasUsed { .. } => Rule::GasUsed,
            Self::Difficulty { .. } => Rule::Difficulty,
            Self::BitcoinTimestamp { .. } => Rule::BitcoinTimestamp,
            Self::UmmRoot { .. } => Rule::UmmRoot,
            Self::FallbackSignature(_) => Rule::FallbackSignature,
            Self::PartialMerkleTreeSize { .. } | Self::MerkleProofFormat { .. } => Rule::MerkleProofFormat,
            Self::BitcoinHeader { .. } | Self::BitcoinBlock { .. } => Rule::BitcoinHeader,
            Self::ProofOfWork { .. } => Rule::ProofOfWork,
            Self::MergedMiningCoinbase(_) => Rule::MergedMiningCoinbase,
            Self::MergedMiningCommitment { .. } => Rule::MergedMiningCommitment,
            Self::MergedMiningTagPosition(_) => Rule::MergedMiningTagPosition,
            Self::MerkleRoot { .. } => Rule::MerkleRoot,
            Self::ForkDetection { .. } => Rule::ForkDetection,
            Self::NotYetValid { .. } => Rule::FutureTimestamp,
        }
    }

    /// True when the same header can become valid later. All other errors are final, and hold for every
    /// descendant.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::NotYetValid { .. })
    }

    /// What the rule expected, for people.
    pub fn expected(&self) -> String {
        match self {
            Self::Decode(_) => "a canonical header of the height's layout".to_owned(),
            Self::Genesis { expected, .. } | Self::Linkage { expected, .. } => expected.to_string(),
            Self::Number { expected, .. } => expected.to_string(),
            Self::GasLimit { least, most: None, .. } => format!("at least {least}"),
            Self::GasLimit { least, most: Some(most), .. } => format!("{least} to {most}"),
            Self::MinimumGasPrice { expected, .. } => match expected {
                AllowedGasPrice::NotNegative => "0 or more".to_owned(),
                AllowedGasPrice::Between { least, most } => format!("{least} to {most}"),
                AllowedGasPrice::NoneAfterParentWithout => "a parent with a minimum gas price".to_owned(),
            },
            Self::ExtraData { most, .. } => format!("at most {most} bytes"),
            Self::GasUsed { most, .. } => format!("at most {most}"),
            Self::Difficulty { expected: Some(expected), .. } => expected.to_string(),
            Self::Difficulty { expected: None, .. } => "2^128 or more".to_owned(),
            Self::BitcoinTimestamp { timestamp, bound, .. } => {
                format!("less than {} s from {timestamp}", bound.as_secs())
            }
            Self::UmmRoot { .. } => "0 or 20 bytes".to_owned(),
            Self::FallbackSignature(fault) => match fault {
                FallbackSignatureFault::NotThreeStrings => "one list of three strings".to_owned(),
                FallbackSignatureFault::RecoveryId => "v from 27 to 30".to_owned(),
                FallbackSignatureFault::NotMinimal => "r and s in their shortest signed form".to_owned(),
                FallbackSignatureFault::HighS => "s below half of the curve's order".to_owned(),
                FallbackSignatureFault::NoKey
                | FallbackSignatureFault::OtherKey
                | FallbackSignatureFault::NoForkDetectionData => {
                    "a signature by the federation's key of the height's parity".to_owned()
                }
            },
            Self::PartialMerkleTreeSize { .. } => "the size that the partial merkle tree declares".to_owned(),
            Self::MerkleProofFormat { most: None, .. } => "a multiple of 32 bytes".to_owned(),
            Self::MerkleProofFormat { most: Some(most), .. } => {
                format!("a multiple of 32 bytes, at most {most}")
            }
            Self::BitcoinHeader { .. } => format!("{BITCOIN_HEADER_SIZE} bytes"),
            Self::BitcoinBlock { .. } => format!("{BITCOIN_HEADER_SIZE} bytes, or a whole bitcoin block"),
            Self::ProofOfWork { difficulty, .. } => format!("at most 2^256 / {difficulty}"),
            Self::MergedMiningCoinbase(fault) => match fault {
                CoinbaseFault::Missing => "a compressed coinbase".to_owned(),
                CoinbaseFault::TooShort { .. } => "at least 40 bytes".to_owned(),
                CoinbaseFault::TransactionTooShort { .. } => "a transaction of more than 64 bytes".to_owned(),
            },
            Self::MergedMiningCommitment { expected, .. } => {
                format!("0x{} after the last RSKBLOCK:", hex::encode(expected))
            }
            Self::MergedMiningTagPosition(fault) => match fault {
                TagPositionFault::TooFar { .. } => "a tag that starts before byte 64 of the tail".to_owned(),
                TagPositionFault::NotLast { committed, .. } => format!("no tag after the one at {committed}"),
                TagPositionFault::BytesAfter { .. } => "at most 128 bytes after the commitment".to_owned(),
            },
            Self::MerkleRoot { expected, seen } => match seen {
                FoldedRoot::PartialTree(PartialTreeFault::CoinbaseNotProven) => {
                    "the coinbase among the transactions proven".to_owned()
                }
                _ => expected.to_string(),
            },
            Self::ForkDetection { expected: Some(expected), .. } => format!("0x{}", hex::encode(expected)),
            Self::ForkDetection { expected: None, .. } => "none: the uncle counts overflow".to_owned(),
            Self::NotYetValid { until, .. } => format!("a clock at {until} or later"),
        }
    }

    /// What the rule saw, for people.
    pub fn seen(&self) -> String {
        match self {
            Self::Decode(error) => error.to_string(),
            Self::Genesis { seen, .. } | Self::Linkage { seen, .. } => seen.to_string(),
            Self::Number { seen, .. } => seen.to_string(),
            Self::GasLimit { seen, .. } if seen.is_empty() => "an empty field".to_owned(),
            Self::GasLimit { seen, .. } => seen.to_string(),
            Self::MinimumGasPrice { seen: Some(seen), .. } => seen.to_string(),
            Self::MinimumGasPrice { seen: None, .. } => "an empty field".to_owned(),
            Self::GasUsed { seen, .. } => seen.to_string(),
            Self::Difficulty { seen, .. } => seen.to_string(),
            Self::BitcoinTimestamp { seen: Some(seen), .. } => seen.to_string(),
            Self::BitcoinTimestamp { seen: None, .. } => "no bitcoin header".to_owned(),
            Self::ExtraData { seen, .. }
            | Self::UmmRoot { seen }
            | Self::PartialMerkleTreeSize { seen }
            | Self::MerkleProofFormat { seen, .. }
            | Self::BitcoinHeader { seen } => format!("{seen} bytes"),
            Self::BitcoinBlock { seen } => format!("{seen} bytes that are neither"),
            Self::FallbackSignature(fault) => match fault {
                FallbackSignatureFault::NotThreeStrings => "something else".to_owned(),
                FallbackSignatureFault::RecoveryId => "another v".to_owned(),
                FallbackSignatureFault::NotMinimal => "another form".to_owned(),
                FallbackSignatureFault::HighS => "a higher one".to_owned(),
                FallbackSignatureFault::NoKey => "a signature that no key fits".to_owned(),
                FallbackSignatureFault::OtherKey => "a signature by another key".to_owned(),
                FallbackSignatureFault::NoForkDetectionData => {
                    "a header whose hash needs fork-detection data".to_owned()
                }
            },
            Self::ProofOfWork { seen, .. } => seen.to_string(),
            Self::MergedMiningCoinbase(fault) => match fault {
                CoinbaseFault::Missing => "none".to_owned(),
                CoinbaseFault::TooShort { seen } => format!("{seen} bytes"),
                CoinbaseFault::TransactionTooShort { seen } => format!("{seen} bytes"),
            },
            Self::MergedMiningCommitment { seen: Some(seen), .. } => format!("0x{}", hex::encode(seen)),
            Self::MergedMiningCommitment { seen: None, .. } => "no RSKBLOCK: in the tail".to_owned(),
            Self::MergedMiningTagPosition(fault) => match fault {
                TagPositionFault::TooFar { seen } | TagPositionFault::NotLast { seen, .. } => {
                    format!("a tag at {seen}")
                }
                TagPositionFault::BytesAfter { seen } => format!("{seen} bytes"),
            },
            Self::MerkleRoot { seen, .. } => match seen {
                FoldedRoot::Root(root) => root.to_string(),
                FoldedRoot::TransactionLookalike { layer } => {
                    format!("a pair of hashes that reads as a transaction, at layer {layer}")
                }
                FoldedRoot::PartialTree(fault) => match fault {
                    PartialTreeFault::TransactionCount { seen } => {
                        format!("a partial merkle tree of {seen} transactions")
                    }
                    PartialTreeFault::TooManyHashes => "more hashes than transactions".to_owned(),
                    PartialTreeFault::TooFewFlags => "too few flag bits".to_owned(),
                    PartialTreeFault::TooFewHashes => "too few hashes".to_owned(),
                    PartialTreeFault::EqualBranches => "two equal branches side by side".to_owned(),
                    PartialTreeFault::NotUsedUp => "more hashes or flag bits than needed".to_owned(),
                    PartialTreeFault::CoinbaseNotProven => "others only".to_owned(),
                },
            },
            Self::ForkDetection { seen, .. } => format!("0x{}", hex::encode(seen)),
            Self::NotYetValid { now, seen, .. } => format!("{seen}, with the clock at {now}"),
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, seen {}", self.rule(), self.expected(), self.seen())
    }
}

impl std::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_names_are_stable_and_distinct() {
        let names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(
            names,
            [
                "decode",
                "genesis",
                "linkage",
                "number",
                "gas_limit",
                "minimum_gas_price",
                "extra_data",
                "gas_used",
                "difficulty",
                "bitcoin_timestamp",
                "umm_root",
                "fallback_signature",
                "merkle_proof_format",
                "bitcoin_header",
                "proof_of_work",
                "merged_mining_coinbase",
                "merged_mining_commitment",
                "merged_mining_tag_position",
                "merkle_root",
                "fork_detection",
                "future_timestamp",
            ]
        );
    }

    #[test]
    fn an_error_reads_as_rule_expected_and_seen() {
        let error = HeaderError::GasLimit { least: 3_000_000, most: Some(7), seen: GasLimit::default() };
        assert_eq!(error.to_string(), "gas_limit: expected 3000000 to 7, seen an empty field");
    }

    #[test]
    fn only_a_header_that_is_merely_early_can_be_tried_again() {
        let time = UnixTime::from_secs(1);
        assert!(HeaderError::NotYetValid { until: time, now: time, seen: time }.is_retryable());
        assert!(!HeaderError::BitcoinHeader { seen: 1 }.is_retryable());
    }
}
