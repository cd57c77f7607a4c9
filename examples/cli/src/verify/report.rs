//! What was found, for programs (one JSON object) and for people.

use core::fmt;

use rustock_core::{
    consensus::{error::HeaderError, rules::fork_detection::ForkDetectionCheck, verify::VerifiedHeader},
    primitives::number::BlockNumber,
};
use serde::Serialize;

use crate::{exit::Exit, output::thousands};

/// The object that `--json` prints. Its fields do not change between releases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Headers with no failed rule, the first included.
    pub verified: u64,
    /// 1 when the first header's place was taken on trust.
    pub trusted: u8,
    /// Headers that broke a rule.
    pub failed: Vec<FailedHeader>,
    /// Verified headers to which some rules could not be applied.
    pub not_applied: NotApplied,
    /// Headers whose rules are not supported yet. Nothing is said about them.
    pub unsupported: u64,
    /// Lowest and highest height among the verified headers.
    #[serde(skip)]
    heights: Option<(u64, u64)>,
    /// The last reason for not supporting a header.
    #[serde(skip)]
    unsupported_because: Option<String>,
    /// Verified headers whose time is not after their parent's.
    #[serde(skip)]
    warnings: u64,
}

/// One header that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedHeader {
    /// Line of the file, from 1.
    pub line: u64,
    /// Height, when the header could be decoded.
    pub number: Option<u64>,
    /// Name of the rule.
    pub rule: &'static str,
    /// What the rule expected.
    pub expected: String,
    /// What it saw.
    pub seen: String,
}

/// Numbers of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NotApplied {
    /// Whose fork-detection data could not be recomputed, for want of ancestors.
    pub fork_detection: u64,
    /// That were not compared with a parent.
    pub parent_rules: u64,
}

impl Report {
    /// Counts a verified header.
    pub fn add_verified(&mut self, header: &VerifiedHeader) {
        self.add_number(header.number());
        let applied = header.applied();
        self.not_applied.fork_detection +=
            u64::from(applied.fork_detection == ForkDetectionCheck::NotApplied);
        let is_genesis = header.number() == BlockNumber::GENESIS;
        self.not_applied.parent_rules += u64::from(!applied.parent_rules && !is_genesis);
        self.warnings += header.warnings().count() as u64;
    }

    /// Counts a genesis that is the network's.
    pub fn add_genesis(&mut self) {
        self.add_number(BlockNumber::GENESIS);
    }

    /// Counts a header that broke a rule.
    pub fn add_failed(&mut self, line: u64, number: Option<BlockNumber>, error: &HeaderError) {
        self.failed.push(FailedHeader {
            line,
            number: number.map(BlockNumber::get),
            rule: error.rule().name(),
            expected: error.expected(),
            seen: error.seen(),
        });
    }

    /// Counts a header that cannot be judged.
    pub fn add_unsupported(&mut self, because: String) {
        self.unsupported += 1;
        self.unsupported_because = Some(because);
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        if !self.failed.is_empty() {
            Exit::Failed
        } else if self.unsupported > 0 {
            Exit::NotSupported
        } else {
            Exit::Success
        }
    }

    fn add_number(&mut self, number: BlockNumber) {
        self.verified += 1;
        let number = number.get();
        let (lowest, highest) = self.heights.unwrap_or((number, number));
        self.heights = Some((lowest.min(number), highest.max(number)));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failed in &self.failed {
            let header = match failed.number {
                Some(number) => format!("header {}", thousands(number)),
                None => "header".to_owned(),
            };
            writeln!(f, "line {}: {header} breaks the rule {}", failed.line, failed.rule)?;
            writeln!(f, "  expected  {}", failed.expected)?;
            writeln!(f, "  seen      {}", failed.seen)?;
        }
        write!(f, "{} verified", headers(self.verified))?;
        if let Some((lowest, highest)) = self.heights {
            write!(f, ", heights {} to {}", thousands(lowest), thousands(highest))?;
        }
        if self.trusted > 0 {
            write!(f, ", the first one's place taken on trust")?;
        }
        if self.not_applied.parent_rules > 0 {
            let count = headers(self.not_applied.parent_rules);
            write!(f, "\nnot compared with a parent: {count} (it was not given)")?;
        }
        if self.not_applied.fork_detection > 0 {
            let count = headers(self.not_applied.fork_detection);
            write!(f, "\nfork-detection data not recomputed: {count} (the ancestors were not given)")?;
        }
        if self.warnings > 0 {
            write!(
                f,
                "\nno later than their parent, which is unusual and valid: {}",
                headers(self.warnings)
            )?;
        }
        if let Some(because) = &self.unsupported_because {
            write!(f, "\nnot judged: {}; {because}", headers(self.unsupported))?;
        }
        if !self.failed.is_empty() {
            write!(f, "\nfailed: {}", headers(self.failed.len() as u64))?;
        }
        Ok(())
    }
}

fn headers(count: u64) -> String {
    format!("{} {}", thousands(count), if count == 1 { "header" } else { "headers" })
}
