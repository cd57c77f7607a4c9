//! `rustock peers`: whom a client remembers and whom it has banned, from its store. A running client has the store
//! to itself, and says so.

use rustock_core::{
    primitives::peer::{Ban, PeerRecord, SavedPeers},
    store::{LostPeers, Store, StoredPeers},
};
use serde::Serialize;

use crate::{
    arguments::PeersOptions,
    clock,
    exit::{Exit, Failure},
    output::{self, thousands},
    stored::Stored,
};

/// Prints the book and the bans in force.
pub fn run(options: &PeersOptions) -> Result<Exit, Failure> {
    let stored = Stored::open(&options.data_dir)?;
    let StoredPeers { saved: SavedPeers { mut records, bans }, lost } = stored
        .store
        .peers()
        .map_err(|error| Failure::new(format!("{}: {error}", options.data_dir.display())))?;
    // The best first; equals by id, as they are stored.
    records.sort_by_key(|record| core::cmp::Reverse((record.verified_headers, record.last_success)));
    let now = clock::now();
    let shown = Shown {
        network: stored.identity.network.clone(),
        peers: records.iter().map(ShownPeer::from).collect(),
        bans: bans.iter().filter(|ban| ban.is_active(now)).map(ShownBan::from).collect(),
        lost: (!lost.is_nothing()).then(|| ShownLost::from(lost)),
    };
    if options.json {
        output::json_line(&shown)?;
        return Ok(Exit::Success);
    }
    output::line(&format!(
        "{}: {} peers remembered, {} banned (as stored)",
        shown.network,
        shown.peers.len(),
        shown.bans.len()
    ))?;
    if let Some(lost) = &shown.lost {
        output::line(&format!("damaged and lost: {lost}"))?;
    }
    for peer in &shown.peers {
        output::line(&peer.to_string())?;
    }
    for ban in &shown.bans {
        output::line(&ban.to_string())?;
    }
    Ok(Exit::Success)
}

#[derive(Debug, Serialize)]
struct Shown {
    network: String,
    peers: Vec<ShownPeer>,
    bans: Vec<ShownBan>,
    /// What the store can no longer read; not there when it reads everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<ShownLost>,
}

/// What was remembered of peers and is damaged.
#[derive(Debug, Serialize)]
pub struct ShownLost {
    peers: u64,
    bans: u64,
    /// There may be more.
    uncounted: bool,
}

impl core::fmt::Display for ShownLost {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { peers: records, bans, uncounted } = *self;
        LostPeers { records, bans, uncounted }.fmt(f)
    }
}

impl From<LostPeers> for ShownLost {
    fn from(lost: LostPeers) -> Self {
        let LostPeers { records, bans, uncounted } = lost;
        Self { peers: records, bans, uncounted }
    }
}

/// What is remembered of a peer. Times are seconds since 1970.
#[derive(Debug, Serialize)]
struct ShownPeer {
    id: String,
    address: String,
    source: &'static str,
    verified_headers: u64,
    bytes_per_second: u32,
    latency_millis: u32,
    last_success: Option<u64>,
    last_failure: Option<u64>,
    attempts: u32,
    penalty: u32,
}

impl From<&PeerRecord> for ShownPeer {
    fn from(record: &PeerRecord) -> Self {
        Self {
            id: record.id.to_string(),
            address: record.address.to_string(),
            source: record.source.name(),
            verified_headers: record.verified_headers,
            bytes_per_second: record.bytes_per_second,
            latency_millis: record.latency_millis,
            last_success: record.last_success.map(|time| time.as_secs()),
            last_failure: record.last_failure.map(|time| time.as_secs()),
            attempts: record.attempts,
            penalty: record.penalty,
        }
    }
}

impl core::fmt::Display for ShownPeer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let seen = self.last_success.map_or_else(|| "never connected".to_owned(), output::utc);
        let Self { address, source, attempts, id, .. } = self;
        let headers = thousands(self.verified_headers);
        write!(
            f,
            "{address:<22} {source:<10} {headers} headers, {seen}, {attempts} failed attempts  {id:.18}…"
        )
    }
}

/// A ban in force.
#[derive(Debug, Serialize)]
struct ShownBan {
    subject: String,
    /// Seconds since 1970; not there for a ban without an end.
    until: Option<u64>,
    by_user: bool,
    reason: String,
    strikes: u32,
}

impl From<&Ban> for ShownBan {
    fn from(ban: &Ban) -> Self {
        Self {
            subject: ban.subject.to_string(),
            until: (ban.until != Ban::FOREVER).then(|| ban.until.as_secs()),
            by_user: ban.by_user,
            reason: ban.reason.clone(),
            strikes: ban.strikes,
        }
    }
}

impl core::fmt::Display for ShownBan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let until =
            self.until.map_or_else(|| "for ever".to_owned(), |end| format!("until {}", output::utc(end)));
        let Self { subject, reason, .. } = self;
        write!(f, "banned {until}: {subject} ({reason})")
    }
}
