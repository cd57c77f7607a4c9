//! `rustock`: verify header files, sync with a peer, look at what is stored. `docs/cli.md` describes all of it.
#![forbid(unsafe_code)]

mod arguments;
mod ban;
mod block;
mod clock;
mod demo;
mod doctor;
mod exit;
mod header;
mod header_file;
mod interrupt;
mod lines;
mod output;
mod parameters_file;
mod peers;
mod serve;
mod status;
mod stored;
mod sync;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command, DoctorCommand};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Verify(options) => verify::run(&options),
        Command::Sync(options) => sync::run(&options),
        Command::Header(options) => header::run(&options),
        Command::Status(options) => status::run(&options),
        Command::Peers(options) => peers::run(&options),
        Command::Ban(options) => ban::ban(&options),
        Command::Unban(options) => ban::unban(&options),
        Command::Doctor(DoctorCommand::Peers(options)) => doctor::peers(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Demo => demo::run(),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("rustock: {failure}");
            failure.exit.into()
        }
    }
}
