//! `rustock verify`: every rule that a file of headers can prove, as fast as they can be read.

mod report;
mod session;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use serde::Serialize;

use self::{
    report::Report,
    session::{Mode, Session},
};
use crate::{
    arguments::VerifyOptions,
    clock,
    exit::{Exit, Failure},
    lines::{HeaderLines, LineError},
    output,
};

/// Verifies the file, prints the report and says how the process ends.
pub fn run(options: &VerifyOptions) -> Result<Exit, Failure> {
    match verify(options) {
        Ok(report) => {
            if options.json {
                output::json_line(&report)?;
            } else {
                output::line(&report.to_string())?;
            }
            Ok(report.exit())
        }
        Err(unreadable) => {
            if options.json {
                output::json_line(&UnreadableObject { error: &unreadable })?;
            }
            let place = options.file.display();
            let sentence = match unreadable.line {
                Some(line) => format!("{place}, line {line}: {}", unreadable.reason),
                None => format!("{place}: {}", unreadable.reason),
            };
            Err(Failure::with(Exit::Unreadable, sentence))
        }
    }
}

/// The file is not one of headers, so nothing is said about any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Unreadable {
    line: Option<u64>,
    reason: String,
}

#[derive(Serialize)]
struct UnreadableObject<'a> {
    error: &'a Unreadable,
}

impl From<LineError> for Unreadable {
    fn from(error: LineError) -> Self {
        Self { line: Some(error.line), reason: error.reason.to_string() }
    }
}

fn verify(options: &VerifyOptions) -> Result<Report, Unreadable> {
    let mode = if options.standalone { Mode::Standalone } else { Mode::Run };
    let mut session = Session::new(options.network.params(), mode, clock::now());
    let mut lines = HeaderLines::new(open(&options.file)?);
    let mut has_headers = false;
    for line in &mut lines {
        match line {
            Ok(line) => session.take(line),
            // What stands above the line comes first: a run ends where it fails.
            Err(error) => {
                session.flush();
                if !session.has_ended() {
                    return Err(error.into());
                }
            }
        }
        has_headers = true;
        if session.has_ended() {
            break;
        }
    }
    if !has_headers {
        return Err(Unreadable { line: Some(lines.number()), reason: "no header in the file".to_owned() });
    }
    Ok(session.finish())
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Unreadable> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::with_capacity(1 << 16, file))),
        Err(error) => Err(Unreadable { line: None, reason: format!("cannot open: {error}") }),
    }
}
