//! A sync that is killed again and again loses nothing that was committed, and ends with the same store.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::Value;

use support::{Served, command};

const HEADERS: u64 = 100_000;
const KILLS: usize = 20;
/// Bytes of a record with its checksum.
const RECORD: usize = 246;

fn sync_arguments(peer: &Served, directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    [
        "sync",
        "--network",
        "simnet",
        "--peer",
        &peer.enode,
        "--data-dir",
        directory,
        "--until-synced",
        "--json",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Syncs to the end.
fn sync(peer: &Served, directory: &Path) {
    let output = command().args(sync_arguments(peer, directory)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Where a run began, and the highest block it said was durable before it was killed.
struct Killed {
    began_at: u64,
    durable: u64,
}

/// Starts a sync and kills it outright once `is_time` says so of an event that it printed.
fn sync_and_kill(peer: &Served, directory: &Path, is_time: impl Fn(&Value) -> bool) -> Killed {
    let mut child = command()
        .args(sync_arguments(peer, directory))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut killed = Killed { began_at: 0, durable: 0 };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["event"] == "started" {
            killed.began_at = event["head"]["number"].as_u64().unwrap();
            killed.durable = killed.began_at;
        }
        if event["event"] == "extended" {
            killed.durable = event["number"].as_u64().unwrap();
        }
        if is_time(&event) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What was in the pipe when the process died was true as well.
    for line in lines.map_while(Result::ok) {
        if let Ok(event) = serde_json::from_str::<Value>(&line)
            && event["event"] == "extended"
        {
            killed.durable = event["number"].as_u64().unwrap();
        }
    }
    killed
}

/// Every entry of a table, as bytes.
type Dump = BTreeMap<Vec<u8>, Vec<u8>>;

macro_rules! dump {
    ($transaction:expr, $name:literal, $key_type:ty, $value_type:ty, |$key:ident| $bytes:expr) => {{
        let table = $transaction.open_table(TableDefinition::<$key_type, $value_type>::new($name)).unwrap();
        let mut entries = Dump::new();
        for entry in table.iter().unwrap() {
            let (key, value) = entry.unwrap();
            let $key = key.value();
            entries.insert($bytes, value.value().to_vec());
        }
        ($name, entries)
    }};
}

/// Every table of the chain in a store, as `docs/store-format.md` has them.
fn dump(directory: &Path) -> BTreeMap<&'static str, Dump> {
    let database = Database::open(directory.join("chain.redb")).unwrap();
    let transaction = database.begin_read().unwrap();
    assert_eq!(transaction.list_tables().unwrap().count(), 6, "every table is dumped");
    BTreeMap::from([
        dump!(transaction, "canonical", u64, &[u8; RECORD], |key| key.to_be_bytes().to_vec()),
        dump!(transaction, "wire", u64, &[u8], |key| key.to_be_bytes().to_vec()),
        dump!(transaction, "abandoned", &[u8; 40], &[u8; RECORD], |key| key.to_vec()),
        dump!(transaction, "hash_index", &[u8; 32], &[u8; 13], |key| key.to_vec()),
        dump!(transaction, "ancestors", u64, &[u8; 73], |key| key.to_be_bytes().to_vec()),
        dump!(transaction, "meta", &str, &[u8], |key| key.as_bytes().to_vec()),
    ])
}

#[test]
fn killed_twenty_times_it_resumes_from_the_last_commit_and_ends_with_the_same_tables() {
    let headers = HEADERS.to_string();
    let peer =
        Served::start(&["--generate", &headers, "--seed", "20", "--network", "simnet", "--pace", "rskj"]);
    let directory = tempfile::tempdir().unwrap();

    let mut between_commits = 0;
    let mut durable = 0;
    for kill in 0..KILLS {
        // Most runs are killed right after a commit, while the next one is on its way; every fifth before its
        // first one, with chunks in flight.
        let before_its_first = kill % 5 == 4;
        let killed = sync_and_kill(&peer, directory.path(), |event| {
            if before_its_first { event["event"] == "connected" } else { event["event"] == "extended" }
        });
        assert!(killed.began_at >= durable, "run {kill} began at {}, below {durable}", killed.began_at);
        durable = killed.durable;
        if (1..HEADERS).contains(&durable) {
            between_commits += 1;
        }
    }
    assert!(
        between_commits >= 15,
        "only {between_commits} of {KILLS} kills fell between the first and the last commit"
    );
    sync(&peer, directory.path());

    let untouched = tempfile::tempdir().unwrap();
    sync(&peer, untouched.path());
    let (killed, whole) = (dump(directory.path()), dump(untouched.path()));
    for (table, entries) in &whole {
        assert_eq!(killed[table].len(), entries.len(), "entries of {table}");
        assert!(killed[table] == *entries, "{table} differs");
    }
    assert_eq!(whole["canonical"].len() as u64, HEADERS + 1);
}
