//! `rustock verify`: every rule that a file of headers can prove, as fast as they can be read.

mod blocks;
mod bodies;
mod coverage;
mod entry;
mod report;
mod session;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    sync::Arc,
};

use rustock_core::primitives::number::UnixTime;
use serde::Serialize;

use self::{
    blocks::Blocks,
    bodies::{Bodies, BodiesError},
    entry::Entry,
    report::Report,
    session::{Against, Mode, Session},
};
use crate::{
    arguments::{NetworkChoice, VerifyOptions},
    clock,
    exit::{Exit, Failure},
    lines::{HeaderLines, LineError},
    output,
    parameters_file::{self, ParametersFile},
};

/// Verifies the file, prints the report and says how the process ends.
pub fn run(options: &VerifyOptions) -> Result<Exit, Failure> {
    let (against, left_out) = against(options)?;
    match verify(options, against) {
        Ok(mut report) => {
            report.parameters_left_out = left_out;
            if options.json {
                output::json_line(&report)?;
            } else {
                output::line(&report.to_string())?;
            }
            Ok(report.exit())
        }
        Err(Stopped::Unreadable(unreadable)) => {
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
        Err(Stopped::NotPrinted(failure)) => Err(failure),
    }
}

/// What headers are held against, and what a parameters file left out.
fn against(options: &VerifyOptions) -> Result<(Against, Vec<String>), Failure> {
    let now = options.now.map_or_else(clock::now, UnixTime::from_secs);
    let (params, has_genesis, left_out) = match &options.network {
        NetworkChoice::Known(network) => (network.params(), true, Vec::new()),
        NetworkChoice::File(path) => {
            let ParametersFile { params, has_genesis, left_out } = parameters_file::read(path)?;
            (Arc::new(params), has_genesis, left_out)
        }
    };
    let blocks = match &options.bodies {
        Some(path) => {
            Some(Blocks::new(Bodies::open(path).map_err(|error| bodies_failure(path, &error))?, &params))
        }
        None => None,
    };
    Ok((Against { params, has_genesis, now, blocks }, left_out))
}

fn bodies_failure(path: &Path, error: &BodiesError) -> Failure {
    let place = path.display();
    let sentence = match error.line {
        Some(line) => format!("{place}, line {line}: {}", error.reason),
        None => format!("{place}: {}", error.reason),
    };
    Failure::with(Exit::Unreadable, sentence)
}

/// Why there is no report.
enum Stopped {
    /// The file cannot be read.
    Unreadable(Unreadable),
    /// The standard output cannot be written to.
    NotPrinted(Failure),
}

impl From<Unreadable> for Stopped {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::NotPrinted(failure)
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

fn verify(options: &VerifyOptions, against: Against) -> Result<Report, Stopped> {
    let mode = match options.standalone {
        true => Mode::Standalone,
        false => Mode::Run { trust_first: options.trust_first },
    };
    let mut session = Session::new(against, mode);
    let mut lines = HeaderLines::new(open(&options.file)?);
    let mut has_headers = false;
    for line in &mut lines {
        match line {
            Ok(line) => session.take(line),
            // What stands above the line comes first: a run ends where it fails.
            Err(error) => {
                session.flush();
                print_entries(options, &mut session)?;
                if !session.has_ended() {
                    return Err(Unreadable::from(error).into());
                }
            }
        }
        has_headers = true;
        print_entries(options, &mut session)?;
        if session.has_ended() {
            break;
        }
    }
    if !has_headers {
        let reason = "no header in the file".to_owned();
        return Err(Unreadable { line: Some(lines.number()), reason }.into());
    }
    session.flush();
    print_entries(options, &mut session)?;
    Ok(session.into_report())
}

/// Prints what became of headers since the last call; and fails when bodies could not be read meanwhile.
fn print_entries(options: &VerifyOptions, session: &mut Session) -> Result<(), Failure> {
    if let (Some(error), Some(path)) = (session.take_bodies_error(), &options.bodies) {
        return Err(bodies_failure(path, &error));
    }
    for entry in session.drain() {
        if options.each && options.json {
            output::json_line(&EntryObject { header: &entry })?;
        } else if options.each {
            output::line(&entry.to_string())?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct EntryObject<'a> {
    header: &'a Entry,
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
