//! What the process ends with. The numbers are part of the interface: `docs/cli.md` lists them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Success,
    /// A header failed a rule; or a command could not do its work, and said why in one sentence.
    Failed,
    /// The command line or an input file cannot be read.
    Unreadable,
    /// Headers are in a form newer than this release. Nothing is said about them.
    TooNew,
    /// Syncing did not get any further.
    Stalled,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Unreadable => 2,
            Exit::TooNew => 3,
            Exit::Stalled => 4,
        })
    }
}

/// One clear sentence for people, and the number for scripts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What went wrong, without a full stop.
    pub sentence: String,
}

impl Failure {
    /// The command could not do its work.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, sentence: sentence.into() }
    }

    /// As [`Failure::new`], with another number.
    pub fn with(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into() }
    }
}
