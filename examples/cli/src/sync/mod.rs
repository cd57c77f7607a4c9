//! `rustock sync`: follows the chain and shows what happens, until it is told to stop.

mod console;
mod events;
mod follow;
mod patience;
mod search;

use core::time::Duration;
use std::{fs, path::Path};

use rustock_core::{
    Checkpoint, LightClient, Network, RequestBudget,
    client::{BuildError, Builder},
};

use self::follow::Follow;
use crate::{
    arguments::SyncOptions,
    clock,
    exit::{Exit, Failure},
};

pub use self::{
    console::Console,
    events::{Event, Progress},
    patience::PATIENCE,
};

/// How long stopping may take.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// Threads of the client: one for the sockets, one for the rest.
const WORKERS: usize = 2;

/// Syncs until interrupted, or level with a peer if that was asked for.
pub fn run(options: &SyncOptions) -> Result<Exit, Failure> {
    let client = build(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let console = Console::new(options.json);
    runtime.block_on(Follow::new(client, options, console).run())
}

fn build(options: &SyncOptions) -> Result<LightClient, Failure> {
    let mut builder = builder(&options.network, &options.data_dir, options.unpaced)
        .trusted_peers(options.peers.iter().map(String::as_str))
        .boot_nodes(options.boot.iter().map(ToString::to_string));
    if options.peers.is_empty() && options.boot.is_empty() && options.network.params().boot_nodes.is_empty() {
        let sentence =
            format!("{} has no boot nodes to look for peers at: give --peer or --boot", options.network);
        return Err(Failure::with(Exit::Unreadable, sentence));
    }
    let checkpoint = match &options.checkpoint {
        Some(path) => Some(read_checkpoint(path, &options.network)?),
        None => None,
    };
    if let Some(checkpoint) = &checkpoint {
        builder = builder.checkpoint(checkpoint.clone());
    }
    let client = builder.build().map_err(|error| build_failure(error, &options.data_dir))?;
    if let Some(checkpoint) = checkpoint {
        let (base, wanted) = (client.status().base, checkpoint.header());
        if base.hash != wanted.hash() {
            let sentence = format!(
                "{}: the chain there starts at block {}, not at the checkpoint's {}: choose another data \
                 directory",
                options.data_dir.display(),
                base.number,
                wanted.number(),
            );
            return Err(Failure::new(sentence));
        }
    }
    Ok(client)
}

/// A client as every command of the command line sets it up.
pub fn builder(network: &Network, data_dir: &Path, unpaced: bool) -> Builder {
    let budget = if unpaced { RequestBudget::UNPACED } else { RequestBudget::POLITE };
    LightClient::builder(network.clone())
        .data_dir(data_dir)
        .request_budget(budget)
        .owned_runtime(WORKERS)
        .user_agent(concat!("rustock-cli/v", env!("CARGO_PKG_VERSION")))
}

fn read_checkpoint(path: &Path, network: &Network) -> Result<Checkpoint, Failure> {
    let in_file = |reason: &dyn core::fmt::Display| {
        Failure::with(Exit::Unreadable, format!("{}: {reason}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| in_file(&format!("cannot read: {error}")))?;
    Checkpoint::from_json(&text, network, clock::now()).map_err(|error| in_file(&error))
}

/// The library names its own settings; people know the options.
pub fn build_failure(error: BuildError, data_dir: &Path) -> Failure {
    match error {
        BuildError::Peer { value, reason } => {
            Failure::with(Exit::Unreadable, format!("--peer {value:?}: {reason}"))
        }
        BuildError::TooManyPeers { .. } => Failure::with(Exit::Unreadable, error.to_string()),
        BuildError::Store(error) => Failure::new(format!("{}: {error}", data_dir.display())),
        other => Failure::new(other.to_string()),
    }
}
