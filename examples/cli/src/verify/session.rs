//! One pass over the headers of a file: which are checked together, and what of each is counted.

use std::sync::Arc;

use rustock_core::{
    consensus::{
        chunk::verify_chunk,
        error::{HeaderError, VerifyError},
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        rules::genesis,
        verify::{Context, verify_header},
    },
    primitives::{
        header::{Header, HeaderDecodeError},
        number::{BlockNumber, UnixTime},
    },
};

use super::report::Report;
use crate::lines::HeaderLine;

/// Headers verified together.
const CHUNK: usize = 192;

/// How the headers of the file relate to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each is the parent of the next. Ends at the first failure.
    Run,
    /// Not at all. Goes on after failures.
    Standalone,
}

/// The state of a pass.
pub struct Session {
    params: Arc<NetworkParams>,
    mode: Mode,
    now: UnixTime,
    /// Headers read and not verified yet, with the line of each.
    pending: Vec<(u64, Header)>,
    /// The header below the first pending one; `None` at the beginning and after a header that cannot be read.
    parent: Option<Parent>,
    /// Ancestors up to the parent.
    window: ForkDetectionWindow,
    report: Report,
}

impl Session {
    /// Begins a pass with this time of day.
    pub fn new(params: Arc<NetworkParams>, mode: Mode, now: UnixTime) -> Self {
        Self {
            params,
            mode,
            now,
            pending: Vec::with_capacity(CHUNK),
            parent: None,
            window: ForkDetectionWindow::new(),
            report: Report::default(),
        }
    }

    /// Takes the next header. It is verified now or together with the ones after it.
    pub fn take(&mut self, HeaderLine { line, raw }: HeaderLine) {
        match Header::decode(&raw, &self.params.activations) {
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
                    self.note_undecodable(line, error);
                }
            }
        }
    }

    /// True once a run has failed.
    pub fn has_ended(&self) -> bool {
        self.mode == Mode::Run && !self.report.failed.is_empty()
    }

    /// The report on everything taken.
    pub fn finish(mut self) -> Report {
        self.flush();
        self.report
    }

    fn note_undecodable(&mut self, line: u64, error: HeaderDecodeError) {
        match error {
            HeaderDecodeError::VersionNotSupported { .. } => self.report.add_unsupported(error.to_string()),
            error => self.report.add_failed(line, None, &HeaderError::Decode(error)),
        }
        self.parent = None;
        self.window.clear();
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
        let number = header.number();
        if number == BlockNumber::GENESIS {
            return self.verify_genesis(line, &header);
        }
        match verify_header(header, &Context::standalone(self.now), &self.params) {
            Ok(verified) => {
                self.report.add_verified(&verified);
                self.window.clear();
                self.window.push(Ancestor::from(&verified)).expect("an empty window takes any ancestor");
            }
            Err(error) => self.note_failure(line, number, error),
        }
    }

    /// A genesis is the network's or it is wrong, whether the rules after it are supported or not. On a network
    /// of which nothing is supported that makes it no verified header.
    fn verify_genesis(&mut self, line: u64, header: &Header) {
        match genesis::check(header, &self.params) {
            Ok(()) if self.params.first_supported_height().is_some() => self.report.add_genesis(),
            Ok(()) => {
                let reason = format!("the rules of {} are not supported yet", self.params.name);
                self.report.add_unsupported(reason);
            }
            Err(error) => self.note_failure(line, header.number(), error.into()),
        }
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
        match verify_chunk(headers.clone(), &parent, &mut self.window, self.now, &self.params) {
            Ok(verified) => {
                verified.iter().for_each(|header| self.report.add_verified(header));
                self.parent = verified.last().map(|header| Parent::from(header.header()));
            }
            Err(stopped) => {
                stopped.verified.iter().for_each(|header| self.report.add_verified(header));
                self.note_failure(lines[stopped.index], stopped.rejected.number(), *stopped.error);
                // A header that cannot be judged is still the parent of the next.
                self.parent = Some(Parent::from(&stopped.rejected));
                self.window.clear();
                self.pending = rest_of(stopped.index + 1).collect();
            }
        }
    }

    fn note_failure(&mut self, line: u64, number: BlockNumber, error: VerifyError) {
        match error {
            VerifyError::Rule(error) => self.report.add_failed(line, Some(number), &error),
            other => self.report.add_unsupported(other.to_string()),
        }
    }
}
