//! What became of one header of the file.

use core::fmt;

use rustock_core::{
    consensus::{block_weight::BlockWeight, error::HeaderError},
    primitives::{hash::BlockHash, header::Header},
};
use serde::{Serialize, Serializer};

use super::coverage::{self, Coverage};
use crate::output::thousands;

/// A header of the file and what became of it. As JSON, one of the lines that `--each` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Line of the file, from 1.
    pub line: u64,
    /// Height, when the header could be decoded.
    pub number: Option<u64>,
    /// Block hash, when the header could be decoded.
    #[serde(serialize_with = "serialize_hash")]
    pub hash: Option<BlockHash>,
    /// The block's weight, its own difficulty and its uncles', when the header was verified and the uncles are
    /// known. A text, being of more than 64 bits.
    #[serde(serialize_with = "serialize_weight", skip_serializing_if = "Option::is_none")]
    pub weight: Option<BlockWeight>,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What became of a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It broke no rule that could be applied.
    Verified(Rules),
    /// Nothing was checked but its form.
    Context(Rules),
    /// It broke a rule.
    Failed(Broken),
    /// It cannot be judged.
    NotJudged {
        /// Why.
        because: String,
    },
}

/// The rules that were applied and not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// Names of the groups that were applied.
    #[serde(rename = "applied", serialize_with = "coverage::serialize_applied")]
    pub coverage: Coverage,
    /// The same value, for the other field.
    #[serde(rename = "not_applied", serialize_with = "coverage::serialize_not_applied")]
    lacking: Coverage,
}

impl From<Coverage> for Rules {
    fn from(coverage: Coverage) -> Self {
        Self { coverage, lacking: coverage }
    }
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Name of the rule.
    pub rule: &'static str,
    /// What the rule expected.
    pub expected: String,
    /// What it saw.
    pub seen: String,
}

impl From<&HeaderError> for Broken {
    fn from(error: &HeaderError) -> Self {
        Self { rule: error.rule().name(), expected: error.expected(), seen: error.seen() }
    }
}

impl Entry {
    /// Of a decoded header.
    pub fn of(line: u64, header: &Header, verdict: Verdict) -> Self {
        Self { line, number: Some(header.number().get()), hash: Some(header.hash()), weight: None, verdict }
    }

    /// Of bytes that are no header.
    pub fn undecoded(line: u64, verdict: Verdict) -> Self {
        Self { line, number: None, hash: None, weight: None, verdict }
    }
}

/// One line, without a break.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let (Some(number), Some(hash)) = (self.number, self.hash) {
            write!(f, ", height {}, {hash}", thousands(number))?;
        }
        match &self.verdict {
            Verdict::Verified(rules) => {
                match self.weight {
                    Some(weight) => write!(f, ", weight {weight}")?,
                    None => write!(f, ", weight unknown")?,
                }
                write!(f, ": verified by {}", rules.coverage)
            }
            Verdict::Context(rules) => write!(f, ": taken as context; by {}", rules.coverage),
            Verdict::Failed(broken) => {
                write!(f, ": breaks {}, expected {}, seen {}", broken.rule, broken.expected, broken.seen)
            }
            Verdict::NotJudged { because } => write!(f, ": not judged, {because}"),
        }
    }
}

fn serialize_hash<S: Serializer>(hash: &Option<BlockHash>, to: S) -> Result<S::Ok, S::Error> {
    match hash {
        Some(hash) => to.collect_str(hash),
        None => to.serialize_none(),
    }
}

fn serialize_weight<S: Serializer>(weight: &Option<BlockWeight>, to: S) -> Result<S::Ok, S::Error> {
    match weight {
        Some(weight) => to.collect_str(weight),
        None => to.serialize_none(),
    }
}
