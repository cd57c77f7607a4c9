//! One pass over the headers of a file: which are checked together, and what became of each.

use std::sync::Arc;

use rustock_core::{
    chain::record::AncestorRecord,
    consensus::{
        block_weight::BlockWeight,
        chunk::verify_chunk,
        client_too_old,
        error::HeaderError,
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        verify::{Context, VerifiedHeader, verify_header},
    },
    primitives::{
        activation::Activations,
        header::{FullHeader, Header, HeaderDecodeError},
        number::{BlockNumber, UnixTime},
    },
};

use super::{
    blocks::{Blocks, Checked, Refusal},
    bodies::BodiesError,
    coverage::Coverage,
    entry::{Broken, Entry, Verdict},
    report::Report,
};
use crate::lines::HeaderLine;

/// Headers verified together.
const CHUNK: usize = 192;

/// How the headers of the file relate to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each is the parent of the next. Ends at the first failure.
    Run {
        /// Nothing of the first is checked but its form.
        trust_first: bool,
    },
    /// Not at all. Goes on after failures.
    Standalone,
}

/// What headers and bodies are held against.
pub struct Against {
    /// The network's parameters.
    pub params: Arc<NetworkParams>,
    /// False when the genesis in them is not the network's.
    pub has_genesis: bool,
    /// The time of day.
    pub now: UnixTime,
    /// The bodies to check with the headers, if there are any.
    pub blocks: Option<Blocks>,
}

/// The state of a pass.
pub struct Session {
    against: Against,
    mode: Mode,
    /// Headers read and not verified yet, with the line of each.
    pending: Vec<(u64, Header)>,
    /// The header below the first pending one; `None` at the beginning and after a header that cannot be read.
    parent: Option<Parent>,
    /// Ancestors up to the parent.
    window: ForkDetectionWindow,
    /// The same up to the header noted last, and so many more that uncles have theirs.
    uncle_window: ForkDetectionWindow,
    /// True until something was taken.
    is_first: bool,
    report: Report,
    /// What became of headers since they were last asked for.
    entries: Vec<Entry>,
    /// Why bodies cannot be read any more.
    bodies_error: Option<BodiesError>,
}

impl Session {
    /// Begins a pass.
    pub fn new(against: Against, mode: Mode) -> Self {
        let uncle_window = ForkDetectionWindow::for_uncles(&against.params);
        Self {
            report: Report::new(against.blocks.is_some()),
            against,
            mode,
            pending: Vec::with_capacity(CHUNK),
            parent: None,
            window: ForkDetectionWindow::new(),
            uncle_window,
            is_first: true,
            entries: Vec::new(),
            bodies_error: None,
        }
    }

    /// Takes the next header. It is verified now or together with the ones after it.
    pub fn take(&mut self, HeaderLine { line, raw }: HeaderLine) {
        let is_first = core::mem::take(&mut self.is_first);
        match decode(&raw, &self.against.params.activations) {
            Ok(header) if is_first && self.mode == (Mode::Run { trust_first: true }) => {
                self.take_as_context(line, &header, Coverage::trusted_first());
            }
            Ok(header) if self.mode == Mode::Standalone => self.verify_alone(line, header),
            Ok(header) => {
                self.pending.push((line, header));
                if self.pending.len() == CHUNK {
                    self.flush();
                }
            }
            Err(error) => {
                self.flush();
                if !self.has_ended() {
                    self.note_undecodable(line, &raw, error);
                }
            }
        }
    }

    /// True once a run has failed, or bodies cannot be read.
    pub fn has_ended(&self) -> bool {
        let has_failed = self.mode != Mode::Standalone && !self.report.failed.is_empty();
        has_failed || self.bodies_error.is_some()
    }

    /// Why bodies cannot be read any more, if so.
    pub fn take_bodies_error(&mut self) -> Option<BodiesError> {
        self.bodies_error.take()
    }

    /// What became of headers since the last call.
    pub fn drain(&mut self) -> impl Iterator<Item = Entry> + '_ {
        self.entries.drain(..)
    }

    /// The report on everything taken, once nothing is pending.
    pub fn into_report(mut self) -> Report {
        if let Some(blocks) = &self.against.blocks {
            self.report.set_bodies_of_no_header(blocks.left());
        }
        self.report
    }

    /// Verifies what is pending.
    pub fn flush(&mut self) {
        while !self.pending.is_empty() && !self.has_ended() {
            self.verify_pending();
        }
    }

    /// Verifies the pending headers up to the first that does not pass, and that one with it.
    fn verify_pending(&mut self) {
        let Some(parent) = self.parent else {
            let (line, header) = self.pending.remove(0);
            return self.verify_first(line, header);
        };
        let (lines, headers): (Vec<u64>, Vec<Header>) =
            core::mem::take(&mut self.pending).into_iter().unzip();
        let rest_of = |index: usize| lines[index..].iter().copied().zip(headers[index..].iter().cloned());
        let Against { params, now, .. } = &self.against;
        match verify_chunk(headers.clone(), &parent, &mut self.window, *now, params) {
            Ok(verified) => {
                self.parent = verified.last().map(|header| Parent::from(header.header()));
                self.note_all_verified(&lines, &verified);
            }
            Err(stopped) => {
                self.note_all_verified(&lines, &stopped.verified);
                if !self.has_ended() {
                    self.note_failure(lines[stopped.index], &stopped.rejected, &stopped.error);
                }
                self.parent = Some(Parent::from(&stopped.rejected));
                self.window.clear();
                self.pending = rest_of(stopped.index + 1).collect();
            }
        }
    }

    /// The first header of a run: its place is taken on trust, nothing else is.
    fn verify_first(&mut self, line: u64, header: Header) {
        let parent = Parent::from(&header);
        let is_genesis = header.number() == BlockNumber::GENESIS;
        let verified_before = self.report.verified;
        self.verify_alone(line, header);
        if self.report.verified > verified_before && !is_genesis {
            self.report.trusted = 1;
        }
        self.parent = Some(parent);
    }

    /// One header by what it can prove without a parent.
    fn verify_alone(&mut self, line: u64, header: Header) {
        if header.number() == BlockNumber::GENESIS {
            return self.verify_genesis(line, &header);
        }
        let context = Context::standalone(self.against.now);
        self.uncle_window.clear();
        match verify_header(header.clone(), &context, &self.against.params) {
            Ok(verified) => {
                self.note_verified(line, &verified);
                self.start_window(Ancestor::from(&verified));
            }
            Err(error) => self.note_failure(line, &header, &error),
        }
    }

    /// A genesis is the network's or it is wrong.
    fn verify_genesis(&mut self, line: u64, header: &Header) {
        if !self.against.has_genesis {
            return self.take_as_context(line, header, Coverage::unknown_genesis());
        }
        match verify_header(header.clone(), &Context::standalone(self.against.now), &self.against.params) {
            Ok(verified) => {
                let entry = Entry::of(line, header, Verdict::Verified(Coverage::genesis().into()));
                // A genesis has no uncles.
                let weight = Some(BlockWeight::of(header, &[]));
                self.note(Entry { weight, ..entry });
                self.start_branch(verified.header());
            }
            Err(error) => self.note_failure(line, header, &error),
        }
    }

    /// What stands above the header is compared with it, and nothing of it with anything.
    fn take_as_context(&mut self, line: u64, header: &Header, coverage: Coverage) {
        self.note(Entry::of(line, header, Verdict::Context(coverage.into())));
        self.parent = Some(Parent::from(header));
        self.start_branch(header);
    }

    fn start_window(&mut self, ancestor: Ancestor) {
        self.window.clear();
        self.window.push(ancestor).expect("an empty window takes any ancestor");
    }

    fn extend_uncle_window(&mut self, ancestor: Ancestor) {
        if self.uncle_window.push(ancestor).is_err() {
            self.uncle_window.clear();
            self.uncle_window.push(ancestor).expect("an empty window takes any ancestor");
        }
    }

    /// Begins a branch with a header that is not checked any further, for what stands above it.
    fn start_branch(&mut self, header: &Header) {
        let ancestor = Ancestor::from(&AncestorRecord::of(header));
        self.start_window(ancestor);
        self.extend_uncle_window(ancestor);
        if let Against { blocks: Some(blocks), params, .. } = &mut self.against {
            blocks.start(header, params);
        }
    }

    fn note_all_verified(&mut self, lines: &[u64], headers: &[VerifiedHeader]) {
        for (line, header) in lines.iter().zip(headers) {
            if !self.has_ended() {
                self.note_verified(*line, header);
            }
        }
    }

    fn note_verified(&mut self, line: u64, header: &VerifiedHeader) {
        let Against { params, blocks, now, .. } = &mut self.against;
        let checked = match blocks {
            Some(blocks) => blocks.check(header, &self.uncle_window, *now, params),
            None => Ok(Checked::without_body(header, params)),
        };
        self.extend_uncle_window(Ancestor::from(header));
        match checked {
            Ok(Checked { coverage, weight }) => {
                self.report.add_warnings(header.warnings().count());
                let entry = Entry::of(line, header, Verdict::Verified(coverage.into()));
                self.note(Entry { weight, ..entry });
            }
            Err(Refusal::Broken(broken)) => self.note(Entry::of(line, header, Verdict::Failed(broken))),
            Err(Refusal::Unreadable(error)) => self.bodies_error = Some(error),
        }
    }

    fn note_failure(&mut self, line: u64, header: &Header, error: &HeaderError) {
        self.note(Entry::of(line, header, Verdict::Failed(Broken::from(error))));
    }

    fn note_undecodable(&mut self, line: u64, raw: &[u8], error: HeaderDecodeError) {
        let verdict = match client_too_old::explains(raw, &error, &self.against.params) {
            Some(too_old) => Verdict::NotJudged { because: too_old.to_string() },
            None => Verdict::Failed(Broken::from(&HeaderError::Decode(error))),
        };
        self.note(Entry::undecoded(line, verdict));
        self.parent = None;
        self.window.clear();
    }

    fn note(&mut self, entry: Entry) {
        self.report.add(&entry);
        self.entries.push(entry);
    }
}

/// Reads the wire form, or the full form, which differs from version 1 on.
fn decode(raw: &[u8], activations: &Activations) -> Result<Header, HeaderDecodeError> {
    Header::decode(raw, activations).or_else(|error| match FullHeader::decode(raw, activations) {
        Ok(full) => Ok(full.into_parts().0),
        Err(_) => Err(error),
    })
}
