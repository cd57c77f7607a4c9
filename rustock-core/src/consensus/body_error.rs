//! What can be wrong with the body of a block: one name per rule, with what the rule expected and what it saw.
//!
//! No RSKIP. rskj's rules answer true or false and log the reason.

use core::fmt;

use super::error::HeaderError;
use crate::primitives::{
    hash::{BlockHash, Hash256},
    header::ExtensionMismatch,
    number::{BlockNumber, UnixTime},
};

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A rule that a body can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum BodyRule {
            $($(#[$doc])* $variant),+
        }

        impl BodyRule {
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
    /// The extension is the one whose hash the header has (RSKIP-351).
    Extension = "extension",
    /// The edges of parallel execution are few, ascending, and within the transactions (RSKIP-144).
    Edges = "edges",
    /// The list of uncles is the one whose hash the header has.
    UnclesHash = "uncles_hash",
    /// The uncles are not too many.
    UncleListLimit = "uncle_list_limit",
    /// No uncle is named twice.
    DuplicateUncle = "duplicate_uncle",
    /// Each uncle is of one of the last generations.
    UncleGeneration = "uncle_generation",
    /// No uncle is an ancestor.
    UncleIsAncestor = "uncle_is_ancestor",
    /// No uncle was named by an ancestor before.
    UsedUncle = "used_uncle",
    /// Each uncle's parent is an ancestor.
    UncleParent = "uncle_parent",
    /// Each uncle's time is after its parent's.
    UncleTimestamp = "uncle_timestamp",
    /// Each uncle is a valid header on top of its parent.
    UncleHeader = "uncle_header",
    /// The transactions are the ones whose root the header has. Not applied yet: it comes with the proofs.
    TransactionsRoot = "transactions_root",
}

impl fmt::Display for BodyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rule that a body broke, what the rule expected and what it saw. Uncles are told apart by their place in
/// the list, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// [`BodyRule::Extension`].
    Extension(ExtensionMismatch),
    /// [`BodyRule::Edges`].
    Edges(EdgesFault),
    /// [`BodyRule::UnclesHash`].
    UnclesHash {
        /// The hash in the header.
        expected: Hash256,
        /// The hash of the list.
        seen: Hash256,
    },
    /// [`BodyRule::UncleListLimit`].
    UncleListLimit {
        /// Most uncles allowed.
        most: usize,
        /// Uncles there are.
        seen: usize,
    },
    /// [`BodyRule::DuplicateUncle`].
    DuplicateUncle {
        /// The second one's place.
        index: usize,
        /// The first one's place.
        first: usize,
        /// Hash of both.
        seen: BlockHash,
    },
    /// [`BodyRule::UncleGeneration`].
    UncleGeneration {
        /// The uncle's place.
        index: usize,
        /// Least height allowed.
        least: BlockNumber,
        /// Greatest height allowed.
        most: BlockNumber,
        /// The uncle's height.
        seen: BlockNumber,
    },
    /// [`BodyRule::UncleIsAncestor`].
    UncleIsAncestor {
        /// The uncle's place.
        index: usize,
        /// Hash of the uncle, and of an ancestor.
        seen: BlockHash,
    },
    /// [`BodyRule::UsedUncle`].
    UsedUncle {
        /// The uncle's place.
        index: usize,
        /// The ancestor that named it.
        by: BlockNumber,
        /// Hash of the uncle.
        seen: BlockHash,
    },
    /// [`BodyRule::UncleParent`].
    UncleParent {
        /// The uncle's place.
        index: usize,
        /// The parent that it names.
        seen: BlockHash,
    },
    /// [`BodyRule::UncleTimestamp`].
    UncleTimestamp {
        /// The uncle's place.
        index: usize,
        /// Its parent's time.
        parent: UnixTime,
        /// Its own time.
        seen: UnixTime,
    },
    /// [`BodyRule::UncleHeader`].
    UncleHeader {
        /// The uncle's place.
        index: usize,
        /// What is wrong with it.
        error: HeaderError,
    },
}

/// What is wrong with the edges of parallel execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgesFault {
    /// There are too many.
    TooMany {
        /// Most edges allowed.
        most: usize,
        /// Edges there are.
        seen: usize,
    },
    /// The first one is not above zero.
    NotPositive {
        /// The first edge.
        seen: i16,
    },
    /// One is not above the one before.
    NotAscending {
        /// The edge before.
        before: i16,
        /// The edge.
        seen: i16,
    },
    /// The last one leaves no transaction after it: the last transaction, REMASC's, is in no list.
    PastTransactions {
        /// Transactions of the block.
        transactions: usize,
        /// The last edge.
        seen: i16,
    },
}

impl BodyError {
    /// The rule that was broken.
    pub const fn rule(&self) -> BodyRule {
        match self {
            Self::Extension(_) => BodyRule::Extension,
            Self::Edges(_) => BodyRule::Edges,
            Self::UnclesHash { .. } => BodyRule::UnclesHash,
            Self::UncleListLimit { .. } => BodyRule::UncleListLimit,
            Self::DuplicateUncle { .. } => BodyRule::DuplicateUncle,
            Self::UncleGeneration { .. } => BodyRule::UncleGeneration,
            Self::UncleIsAncestor { .. } => BodyRule::UncleIsAncestor,
            Self::UsedUncle { .. } => BodyRule::UsedUncle,
            Self::UncleParent { .. } => BodyRule::UncleParent,
            Self::UncleTimestamp { .. } => BodyRule::UncleTimestamp,
            Self::UncleHeader { .. } => BodyRule::UncleHeader,
        }
    }

    /// True when the body may not be the header's at all, which says nothing about the block: whoever sent the body
    /// sent another one. Too few transactions for the edges are such a case, because transactions are not
    /// compared with their root yet: anybody can leave some out.
    pub const fn is_another_body(&self) -> bool {
        matches!(
            self,
            Self::Extension(_) | Self::UnclesHash { .. } | Self::Edges(EdgesFault::PastTransactions { .. })
        )
    }

    /// True when the same block can become valid later: an uncle is ahead of the clock.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::UncleHeader { error, .. } if error.is_retryable())
    }

    /// What the rule expected, for people.
    pub fn expected(&self) -> String {
        match self {
            Self::Extension(mismatch) => match mismatch {
                ExtensionMismatch::NotExpected => "no extension".to_owned(),
                ExtensionMismatch::Missing => "an extension".to_owned(),
                ExtensionMismatch::WrongVersion { expected, .. } => {
                    format!("an extension of version {expected}")
                }
                ExtensionMismatch::WrongHash { expected, .. } => expected.to_string(),
            },
            Self::Edges(fault) => match fault {
                EdgesFault::TooMany { most, .. } => format!("at most {most} edges"),
                EdgesFault::NotPositive { .. } => "a first edge above 0".to_owned(),
                EdgesFault::NotAscending { before, .. } => format!("an edge above {before}"),
                EdgesFault::PastTransactions { transactions, .. } => {
                    format!("a last edge below {transactions} transactions")
                }
            },
            Self::UnclesHash { expected, .. } => expected.to_string(),
            Self::UncleListLimit { most, .. } => format!("at most {most} uncles"),
            Self::DuplicateUncle { index, first, .. } => {
                format!("uncle {} other than uncle {}", index + 1, first + 1)
            }
            Self::UncleGeneration { index, least, most, .. } => {
                format!("uncle {} at height {least} to {most}", index + 1)
            }
            Self::UncleIsAncestor { index, .. } => format!("uncle {} beside the chain", index + 1),
            Self::UsedUncle { index, .. } => format!("uncle {} for the first time", index + 1),
            Self::UncleParent { index, .. } => {
                format!("uncle {} on one of the ancestors at its height", index + 1)
            }
            Self::UncleTimestamp { index, parent, .. } => format!("uncle {} after {parent}", index + 1),
            Self::UncleHeader { index, error } => {
                format!("uncle {} with {} of {}", index + 1, error.rule(), error.expected())
            }
        }
    }

    /// What the rule saw, for people.
    pub fn seen(&self) -> String {
        match self {
            Self::Extension(mismatch) => match mismatch {
                ExtensionMismatch::NotExpected => "one".to_owned(),
                ExtensionMismatch::Missing => "none".to_owned(),
                ExtensionMismatch::WrongVersion { seen, .. } => format!("one of version {seen}"),
                ExtensionMismatch::WrongHash { seen, .. } => seen.to_string(),
            },
            Self::Edges(fault) => match fault {
                EdgesFault::TooMany { seen, .. } => seen.to_string(),
                EdgesFault::NotPositive { seen }
                | EdgesFault::NotAscending { seen, .. }
                | EdgesFault::PastTransactions { seen, .. } => seen.to_string(),
            },
            Self::UnclesHash { seen, .. } => seen.to_string(),
            Self::UncleListLimit { seen, .. } => seen.to_string(),
            Self::DuplicateUncle { seen, .. } => format!("{seen} twice"),
            Self::UncleGeneration { seen, .. } => seen.to_string(),
            Self::UncleIsAncestor { seen, .. } => format!("the ancestor {seen}"),
            Self::UsedUncle { by, seen, .. } => format!("{seen}, which block {by} names"),
            Self::UncleParent { seen, .. } => format!("the parent {seen}"),
            Self::UncleTimestamp { seen, .. } => seen.to_string(),
            Self::UncleHeader { error, .. } => error.seen(),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, seen {}", self.rule(), self.expected(), self.seen())
    }
}

impl std::error::Error for BodyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_names_are_stable_and_distinct() {
        let names: Vec<&str> = BodyRule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(
            names,
            [
                "extension",
                "edges",
                "uncles_hash",
                "uncle_list_limit",
                "duplicate_uncle",
                "uncle_generation",
                "uncle_is_ancestor",
                "used_uncle",
                "uncle_parent",
                "uncle_timestamp",
                "uncle_header",
                "transactions_root",
            ]
        );
    }

    #[test]
    fn an_error_reads_as_rule_expected_and_seen() {
        let error = BodyError::UncleHeader { index: 1, error: HeaderError::ExtraData { most: 32, seen: 33 } };
        let sentence = "uncle_header: expected uncle 2 with extra_data of at most 32 bytes, seen 33 bytes";
        assert_eq!(error.to_string(), sentence);
        let at = BlockNumber::new;
        let error = BodyError::UncleGeneration { index: 0, least: at(14), most: at(19), seen: at(13) };
        assert_eq!(error.to_string(), "uncle_generation: expected uncle 1 at height 14 to 19, seen 13");
    }

    #[test]
    fn only_an_early_uncle_can_be_tried_again_and_only_what_the_header_commits_to_is_another_body() {
        let time = UnixTime::from_secs(1);
        let early = HeaderError::NotYetValid { until: time, now: time, seen: time };
        let early = BodyError::UncleHeader { index: 0, error: early };
        assert!(early.is_retryable() && !early.is_another_body());
        let other = BodyError::UnclesHash { expected: Hash256::new([1; 32]), seen: Hash256::new([2; 32]) };
        assert!(other.is_another_body() && !other.is_retryable());
        let many = BodyError::UncleListLimit { most: 10, seen: 11 };
        assert!(!many.is_another_body() && !many.is_retryable());
    }
}
