//! What was found, for programs (one JSON object) and for people.

use core::fmt;

use rustock_core::consensus::block_weight::BlockWeight;
use serde::{Serialize, Serializer};

use super::{
    coverage::{Coverage, Group, Status},
    entry::{Broken, Entry, Rules, Verdict},
};
use crate::{exit::Exit, output::thousands};

/// The object that `--json` prints. Its fields do not change between releases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Headers with no failed rule, the first included.
    pub verified: u64,
    /// 1 when the first header's place was taken on trust.
    pub trusted: u8,
    /// 1 when nothing of the first header was checked but its form. It is not among the verified ones.
    pub context: u8,
    /// Headers that broke a rule.
    pub failed: Vec<FailedHeader>,
    /// Verified headers to which some rules could not be applied.
    pub not_applied: NotApplied,
    /// Headers in a form that may be newer than this release. Nothing is said about them.
    pub unsupported: u64,
    /// Headers one after another to which the same rules were applied.
    pub ranges: Vec<Range>,
    /// What the blocks weigh, when bodies were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Weights>,
    /// Fields that a parameters file leaves to the public network of its chain id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters_left_out: Vec<String>,
    /// Lowest and highest height among the verified headers.
    #[serde(skip)]
    heights: Option<(u64, u64)>,
    /// The last reason for not judging a header.
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
    /// The rule, what it expected and what it saw.
    #[serde(flatten)]
    pub broken: Broken,
}

/// Numbers of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NotApplied {
    /// Whose fork-detection data could not be recomputed, for want of ancestors.
    pub fork_detection: u64,
    /// That were not compared with a parent.
    pub parent_rules: u64,
    /// That were not compared with a clock.
    pub clock: u64,
    /// Whose body was not checked.
    pub body: u64,
    /// Whose uncles were not checked.
    pub uncles: u64,
    /// Whose transactions were not checked.
    pub transactions: u64,
}

/// Bodies, and the weights of verified blocks: own difficulty and that of the uncles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Weights {
    /// Bodies that are their header's own.
    pub bodies: u64,
    /// Bodies of blocks that are not in the file.
    pub bodies_of_no_header: u64,
    /// Blocks whose weight is known.
    pub known: u64,
    /// Blocks whose uncles are not known.
    pub unknown: u64,
    /// The known weights together; a text, and null past 128 bits.
    #[serde(serialize_with = "serialize_total")]
    pub total: Option<u128>,
}

fn serialize_total<S: Serializer>(total: &Option<u128>, to: S) -> Result<S::Ok, S::Error> {
    match total {
        Some(total) => to.collect_str(total),
        None => to.serialize_none(),
    }
}

/// Verified headers, or the one taken as context, one after another in the file and with the same rules applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Lines of the first and the last.
    pub lines: (u64, u64),
    /// Heights of the first and the last.
    pub numbers: (u64, u64),
    /// How many there are.
    pub headers: u64,
    /// The rules.
    #[serde(flatten)]
    pub rules: Rules,
}

impl Report {
    /// Begins to count.
    pub fn new(has_bodies: bool) -> Self {
        let blocks = has_bodies.then(|| Weights { total: Some(0), ..Weights::default() });
        Self { blocks, ..Self::default() }
    }

    /// Counts a header.
    pub fn add(&mut self, entry: &Entry) {
        match &entry.verdict {
            Verdict::Verified(rules) => {
                self.add_verified(entry, &rules.coverage);
                self.add_to_ranges(entry, rules);
            }
            Verdict::Context(rules) => {
                self.context = 1;
                self.add_to_ranges(entry, rules);
            }
            Verdict::Failed(broken) => self.failed.push(FailedHeader {
                line: entry.line,
                number: entry.number,
                broken: broken.clone(),
            }),
            Verdict::NotJudged { because } => {
                self.unsupported += 1;
                self.unsupported_because = Some(because.clone());
            }
        }
    }

    /// Counts a verified header that is unusual.
    pub fn add_warnings(&mut self, count: usize) {
        self.warnings += count as u64;
    }

    /// Takes note of how many bodies belong to no header.
    pub fn set_bodies_of_no_header(&mut self, count: u64) {
        if let Some(blocks) = &mut self.blocks {
            blocks.bodies_of_no_header = count;
        }
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        if !self.failed.is_empty() {
            Exit::Failed
        } else if self.unsupported > 0 {
            Exit::TooNew
        } else {
            Exit::Success
        }
    }

    fn add_verified(&mut self, entry: &Entry, coverage: &Coverage) {
        self.verified += 1;
        let counts = [
            (Group::ForkDetection, &mut self.not_applied.fork_detection),
            (Group::Parent, &mut self.not_applied.parent_rules),
            (Group::Clock, &mut self.not_applied.clock),
            (Group::Body, &mut self.not_applied.body),
            (Group::Uncles, &mut self.not_applied.uncles),
            (Group::Transactions, &mut self.not_applied.transactions),
        ];
        for (group, count) in counts {
            *count += u64::from(coverage.lacks(group));
        }
        if let Some(blocks) = &mut self.blocks {
            blocks.bodies += u64::from(coverage.status(Group::Body) == Status::Applied);
            blocks.known += u64::from(entry.weight.is_some());
            blocks.unknown += u64::from(entry.weight.is_none());
            let weight = entry.weight.map_or(0, BlockWeight::get);
            blocks.total = blocks.total.and_then(|total| total.checked_add(weight));
        }
        if let Some(number) = entry.number {
            let (lowest, highest) = self.heights.unwrap_or((number, number));
            self.heights = Some((lowest.min(number), highest.max(number)));
        }
    }

    fn add_to_ranges(&mut self, entry: &Entry, rules: &Rules) {
        let number = entry.number.unwrap_or_default();
        match self.ranges.last_mut() {
            Some(range) if range.rules == *rules => {
                range.lines.1 = entry.line;
                range.numbers.1 = number;
                range.headers += 1;
            }
            _ => self.ranges.push(Range {
                lines: (entry.line, entry.line),
                numbers: (number, number),
                headers: 1,
                rules: *rules,
            }),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failed in &self.failed {
            let header = match failed.number {
                Some(number) => format!("header {}", thousands(number)),
                None => "header".to_owned(),
            };
            writeln!(f, "line {}: {header} breaks the rule {}", failed.line, failed.broken.rule)?;
            writeln!(f, "  expected  {}", failed.broken.expected)?;
            writeln!(f, "  seen      {}", failed.broken.seen)?;
        }
        write!(f, "{} verified", headers(self.verified))?;
        if let Some((lowest, highest)) = self.heights {
            write!(f, ", heights {} to {}", thousands(lowest), thousands(highest))?;
        }
        if self.trusted > 0 {
            write!(f, ", the first one's place taken on trust")?;
        }
        if self.context > 0 {
            write!(f, ", and the first one taken as context only")?;
        }
        if !self.parameters_left_out.is_empty() {
            let fields = self.parameters_left_out.join(", ");
            write!(f, "\nnot in the parameters file, so those of the chain id's network: {fields}")?;
        }
        for range in &self.ranges {
            write!(f, "\n{range}")?;
        }
        if let Some(blocks) = &self.blocks {
            write!(f, "\n{blocks}")?;
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

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bodies checked: {}", thousands(self.bodies))?;
        if self.bodies_of_no_header > 0 {
            write!(f, "; of blocks that are not in the file: {}", thousands(self.bodies_of_no_header))?;
        }
        match self.total {
            Some(total) => write!(f, "\nweight of {}: {total}", blocks(self.known))?,
            None => write!(f, "\nweight of {}: more than 128 bits", blocks(self.known))?,
        }
        if self.unknown > 0 {
            write!(f, "; not known of {}, whose uncles were not given", blocks(self.unknown))?;
        }
        Ok(())
    }
}

fn blocks(count: u64) -> String {
    format!("{} {}", thousands(count), if count == 1 { "block" } else { "blocks" })
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.numbers;
        write!(f, "  {}", thousands(first))?;
        if self.headers > 1 {
            write!(f, " to {}", thousands(last))?;
        }
        // Standalone headers need not be consecutive.
        if last.checked_sub(first).and_then(|between| between.checked_add(1)) != Some(self.headers) {
            write!(f, " ({})", headers(self.headers))?;
        }
        write!(f, ": {}", self.rules.coverage)
    }
}

fn headers(count: u64) -> String {
    format!("{} {}", thousands(count), if count == 1 { "header" } else { "headers" })
}
