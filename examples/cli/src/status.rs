//! `rustock status`: what a data directory holds, and whether it is whole.

use core::fmt;

use rustock_core::store::{CheckReport, Store, StoreError, StoreView};
use serde::Serialize;

use crate::{
    arguments::StatusOptions,
    block::Block,
    exit::{Exit, Failure},
    output::{self, thousands},
    peers::ShownLost,
    stored::Stored,
};

/// Prints the state of the store.
pub fn run(options: &StatusOptions) -> Result<Exit, Failure> {
    let stored = Stored::open(&options.data_dir)?;
    let in_directory = |error: StoreError| Failure::new(format!("{}: {error}", options.data_dir.display()));
    let head = stored.store.head().map_err(in_directory)?;
    let check = if options.check { Some(stored.store.check().map_err(in_directory)?) } else { None };
    let shown = Shown {
        network: stored.identity.network.clone(),
        number: head.number.get(),
        hash: head.hash.to_string(),
        timestamp: head.timestamp.as_secs(),
        header_difficulty_sum: head.header_difficulty_sum.to_string(),
        base: stored.identity.base.into(),
        fork_detection_from: stored.store.fork_detection_from().map_err(in_directory)?.map(|from| from.get()),
        check: check.map(Checked::from),
    };
    if options.json {
        output::json_line(&shown)?
    } else {
        output::line(&shown.to_string())?
    }
    Ok(Exit::Success)
}

/// The state of a store.
#[derive(Debug, Serialize)]
struct Shown {
    network: String,
    number: u64,
    hash: String,
    timestamp: u64,
    header_difficulty_sum: String,
    base: Block,
    fork_detection_from: Option<u64>,
    check: Option<Checked>,
}

/// What a walk over the store found in order.
#[derive(Debug, Serialize)]
struct Checked {
    canonical: u64,
    abandoned: u64,
    indexed: u64,
    ancestors: u64,
    peers: u64,
    bans: u64,
    /// What of peers is damaged; not there when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<ShownLost>,
    pages: bool,
}

impl From<CheckReport> for Checked {
    fn from(report: CheckReport) -> Self {
        let CheckReport { canonical, abandoned, indexed, ancestors, peers, bans, lost, pages } = report;
        let lost = (!lost.is_nothing()).then(|| ShownLost::from(lost));
        Self { canonical, abandoned, indexed, ancestors, peers, bans, lost, pages }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "network         {}", self.network)?;
        writeln!(f, "head            {} {}", thousands(self.number), self.hash)?;
        writeln!(f, "head's time     {} ({})", self.timestamp, output::utc(self.timestamp))?;
        writeln!(f, "base            {} {} (trusted)", thousands(self.base.number), self.base.hash)?;
        writeln!(f, "difficulty sum  {} (headers from the base on)", self.header_difficulty_sum)?;
        match self.fork_detection_from {
            Some(from) => write!(f, "fork detection  checked from {} on", thousands(from))?,
            None => write!(f, "fork detection  not checked so far")?,
        }
        if let Some(Checked { canonical, abandoned, indexed, ancestors, peers, bans, lost, pages }) =
            &self.check
        {
            write!(
                f,
                "\ncheck           whole: {} blocks, {} abandoned, {} hashes, {} ancestors{}",
                thousands(*canonical),
                thousands(*abandoned),
                thousands(*indexed),
                thousands(*ancestors),
                if *pages { ", every page" } else { "" },
            )?;
            write!(f, "\npeers           {peers} remembered, {bans} bans")?;
            if let Some(lost) = lost {
                write!(f, "; damaged and lost: {lost}")?;
            }
        }
        Ok(())
    }
}
