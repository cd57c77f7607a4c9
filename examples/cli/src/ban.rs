//! `rustock ban` and `rustock unban`: in the store of a client that is not running.

use std::path::Path;

use rustock_core::{LightClient, Network};

use crate::{
    arguments::{BanOptions, UnbanOptions},
    exit::{Exit, Failure},
    output, stored, sync,
};

/// Bans somebody.
pub fn ban(options: &BanOptions) -> Result<Exit, Failure> {
    let client = open(&options.data_dir)?;
    let subject = options.subject.0;
    client.ban(subject, options.duration).map_err(|error| in_directory(&options.data_dir, &error))?;
    let how_long = match options.duration {
        Some(duration) => format!("for {}", output::duration(duration.as_secs())),
        None => "for ever".to_owned(),
    };
    output::line(&format!("banned {subject} {how_long}"))?;
    Ok(Exit::Success)
}

/// Lifts a ban. That there was none is a failure: a mistyped subject must not look like a success.
pub fn unban(options: &UnbanOptions) -> Result<Exit, Failure> {
    let client = open(&options.data_dir)?;
    let subject = options.subject.0;
    if !client.bans().iter().any(|ban| ban.subject == subject) {
        return Err(Failure::new(format!("{subject} is not banned")));
    }
    client.unban(subject).map_err(|error| in_directory(&options.data_dir, &error))?;
    output::line(&format!("{subject} is not banned any more"))?;
    Ok(Exit::Success)
}

fn open(directory: &Path) -> Result<LightClient, Failure> {
    let identity = stored::identify(directory)?;
    let network: Network = identity.network.parse().map_err(|error| in_directory(directory, &error))?;
    sync::builder(&network, directory, false).build().map_err(|error| sync::build_failure(error, directory))
}

fn in_directory(directory: &Path, reason: &dyn core::fmt::Display) -> Failure {
    Failure::new(format!("{}: {reason}", directory.display()))
}
