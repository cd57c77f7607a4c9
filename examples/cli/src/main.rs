//! `rustock`: verify header files, sync with a peer, look at what is stored. `docs/cli.md` describes all of it.
#![forbid(unsafe_code)]

mod arguments;
mod clock;
mod exit;
mod output;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Verify(options) => verify::run(&options),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("rustock: {failure}");
            failure.exit.into()
        }
    }
}
