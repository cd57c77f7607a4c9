//! One pass over the headers of a file: which are checked together, and what became of each.

use std::sync::Arc;

use rustock_core::{
    chain::record::AncestorRecord,
    consensus::{
        chunk::verify_chunk,
        client_too_old,
        error::HeaderError,
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        verify::{Context, VerifiedHeader, verify_header},
    },
    primitives::{
        header::{Header, HeaderDecodeError},
        number::{BlockNumber, UnixTime},
    },
};

use super::{
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

/// What headers are held against.
pub struct Against {
    /// The network's parameters.
    pub params: Arc<NetworkParams>,
    /// False when the genesis in them is not the network's.
    pub has_genesis: bool,
    /// The time of day.
    pub now: UnixTime,
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
    /// True until something was taken.
    is_first: bool,
    report: Report,
    /// What became of headers since they were last asked for.
    entries: Vec<Entry>,
}

impl Session {
    /// Begins a pass.
    pub fn new(against: Against, mode: Mode) -> Self {
        Self {
            against,
            mode,
            pending: Vec::with_capacity(CHUNK),
            parent: None,
            window: ForkDetectionWindow::new(),
            is_first: true,
            report: Report::default(),
            entries: Vec::new(),
        }
    }

    /// Takes the next header. It is verified now or together with the ones after it.
    pub fn take(&mut self, HeaderLine { line, raw }: HeaderLine) {
        let is_first = core::mem::take(&mut self.is_first);
        match Header::decode(&raw, &self.against.params.activations) {
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

    /// True once a run has failed.
    pub fn has_ended(&self) -> bool {
        self.mode != Mode::Standalone && !self.report.failed.is_empty()
    }

    /// What became of headers since the last call.
    pub fn drain(&mut self) -> impl Iterator<Item = Entry> + '_ {
        self.entries.drain(..)
    }

    /// The report on everything taken, once nothing is pending.
    pub fn into_report(self) -> Report {
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
                self.note_failure(lines[stopped.index], &stopped.rejected, &stopped.error);
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
                self.note(Entry::of(line, header, Verdict::Verified(Coverage::genesis().into())));
                self.start_window(Ancestor::from(&verified));
            }
            Err(error) => self.note_failure(line, header, &error),
        }
    }

    /// What stands above the header is compared with it, and nothing of it with anything.
    fn take_as_context(&mut self, line: u64, header: &Header, coverage: Coverage) {
        self.note(Entry::of(line, header, Verdict::Context(coverage.into())));
        self.parent = Some(Parent::from(header));
        self.start_window(Ancestor::from(&AncestorRecord::of(header)));
    }

    fn start_window(&mut self, ancestor: Ancestor) {
        self.window.clear();
        self.window.push(ancestor).expect("an empty window takes any ancestor");
    }

    fn note_all_verified(&mut self, lines: &[u64], headers: &[VerifiedHeader]) {
        for (line, header) in lines.iter().zip(headers) {
            self.note_verified(*line, header);
        }
    }

    fn note_verified(&mut self, line: u64, header: &VerifiedHeader) {
        self.report.add_warnings(header.warnings().count());
        let coverage = Coverage::of(header, &self.against.params);
        self.note(Entry::of(line, header, Verdict::Verified(coverage.into())));
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
