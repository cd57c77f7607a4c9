//! `rustock sync`, `status` and `header` as their user runs them, good and bad input alike.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use std::{fs, net::TcpListener, path::Path, process::Stdio};

use rustock_core::{consensus::params::NetworkParams, wire::p2p::DisconnectReason};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Misbehaviour, Pace, ServedChain, TestPeer, TestPeerOptions},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use support::{Ended, Served, command, rustock};

fn serve(blocks: u64, seed: u64) -> Served {
    let (blocks, seed) = (blocks.to_string(), seed.to_string());
    Served::start(&["--generate", &blocks, "--seed", &seed, "--network", "simnet", "--pace", "none"])
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn sync(peer: &str, directory: &Path, more: &[&str]) -> Ended {
    let mut arguments = vec!["sync", "--network", "simnet", "--peer", peer, "--data-dir", text(directory)];
    arguments.extend(["--until-synced", "--patience", "3", "--json"]);
    arguments.extend(more);
    rustock(&arguments)
}

fn head(directory: &Path) -> u64 {
    rustock(&["status", "--data-dir", text(directory), "--json"]).json()["number"].as_u64().unwrap()
}

/// One sentence on the standard error, and this exit code.
fn assert_refused(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    assert!(ended.stderr.contains(words), "{words:?} is not in {:?}", ended.stderr);
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "one sentence: {:?}", ended.stderr);
}

#[test]
fn syncs_says_so_and_shows_what_it_stored() {
    let peer = serve(1_500, 31);
    let directory = tempfile::tempdir().unwrap();
    let ended = sync(&peer.enode, directory.path(), &["--unpaced"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let events = ended.json_lines();
    assert_eq!(events.first().unwrap()["event"], "started");
    let added: u64 = events
        .iter()
        .filter(|event| event["event"] == "extended")
        .map(|event| event["blocks"].as_u64().unwrap())
        .sum();
    assert_eq!(added, 1_500);
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["reason"]), (&json!("stopped"), &json!("synced")));
    assert_eq!(last["number"], 1_500);

    let status = rustock(&["status", "--data-dir", text(directory.path()), "--check", "--json"]);
    assert_eq!(status.code, 0, "{}", status.stderr);
    let status = status.json();
    assert_eq!((&status["network"], &status["number"]), (&json!("simnet"), &json!(1_500)));
    let by_number = rustock(&["header", "1500", "--data-dir", text(directory.path()), "--json"]);
    assert_eq!(by_number.code, 0, "{}", by_number.stderr);
    let by_number = by_number.json();
    assert_eq!(by_number["hash"], status["hash"]);
    let hash = status["hash"].as_str().unwrap();
    let by_hash = rustock(&["header", hash, "--data-dir", text(directory.path()), "--json"]);
    assert_eq!(by_hash.json(), by_number);
    let absent = rustock(&["header", "1501", "--data-dir", text(directory.path())]);
    assert_ne!(absent.code, 0);
}

#[test]
fn a_peer_address_that_is_none_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let off_curve = format!("enode://{}@127.0.0.1:1", "11".repeat(64));
    for (peer, words) in
        [("http://x", "enode"), ("enode://abc@127.0.0.1:1", "--peer"), (&off_curve, "--peer")]
    {
        assert_refused(&sync(peer, directory.path(), &[]), 2, words);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn peers_that_cannot_be_reached_or_say_nothing_end_the_wait_with_four() {
    let directory = tempfile::tempdir().unwrap();
    let key = serve(1, 2);
    let node = key.enode.split_once('@').unwrap().0.to_owned();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_refused(&sync(&format!("{node}@{nobody}"), directory.path(), &[]), 4, "cannot connect");
    // Accepts, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    assert_refused(&sync(&format!("{node}@{address}"), directory.path(), &[]), 4, "no progress");
    // Another node id than the peer's: it cannot read our first packet, and stays silent.
    let other = key.enode_with_another_key();
    let arguments = ["sync", "--network", "simnet", "--peer", &other, "--data-dir", text(directory.path())];
    let ended = rustock(&[arguments.as_slice(), &["--until-synced", "--patience", "20", "--json"]].concat());
    assert_refused(&ended, 4, "node id");
}

/// Syncs from a peer that misbehaves in this process.
fn sync_from(misbehaviour: Misbehaviour, chain: &Chain, directory: &Path, more: &[&str]) -> Ended {
    let runtime = Runtime::new().unwrap();
    let mut options =
        TestPeerOptions::new(NetworkParams::simnet(), ServedChain::new(chain.headers().to_vec()).unwrap());
    options.pace = Pace::None;
    options.misbehaviour = misbehaviour;
    let peer = runtime.block_on(TestPeer::start(options)).unwrap();
    let ended = sync(&peer.enode().to_string(), directory, more);
    runtime.block_on(peer.stop());
    ended
}

#[test]
fn a_peer_that_sends_us_away_or_answers_nothing_is_named_with_its_reason() {
    let chain = ChainBuilder::simnet().seed(33).build(300);
    let cases = [
        (Misbehaviour::DisconnectAfterHello(DisconnectReason::TooManyPeers), "too many peers"),
        (Misbehaviour::DisconnectAfterHello(DisconnectReason::DuplicatePeer), "connected already"),
        (Misbehaviour::OtherNetwork, "network"),
        (Misbehaviour::OtherGenesis, "genesis"),
        (Misbehaviour::Silent, "no progress"),
    ];
    for (misbehaviour, words) in cases {
        let directory = tempfile::tempdir().unwrap();
        assert_refused(&sync_from(misbehaviour, &chain, directory.path(), &[]), 4, words);
    }
}

fn checkpoint(chain: &Chain, number: u64) -> Value {
    let header = chain.header(number).unwrap();
    json!({
        "format": "rustock-checkpoint-1",
        "network": "simnet",
        "number": number,
        "hash": header.hash().to_string(),
        "header": format!("0x{}", hex::encode(header.raw())),
    })
}

#[test]
fn a_checkpoint_is_started_from_and_another_chain_from_it_on_is_refused() {
    let chain = ChainBuilder::simnet().seed(34).build(800);
    let other = ChainBuilder::simnet().seed(35).build(800);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.json");
    fs::write(&file, checkpoint(&chain, 576).to_string()).unwrap();
    let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
    let more = ["--checkpoint", text(&file)];
    let ended = sync_from(Misbehaviour::None, &chain, &good, &more);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.json_lines()[0]["base"]["number"], 576);
    assert_eq!(head(&good), 800);
    let ended = sync_from(Misbehaviour::None, &other, &bad, &more);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("another block"), "{}", ended.stderr);
    assert_eq!(head(&bad), 576);
}

#[test]
fn a_checkpoint_that_contradicts_itself_is_refused_by_the_field() {
    let chain = ChainBuilder::simnet().seed(36).build(200);
    let folder = tempfile::tempdir().unwrap();
    let edits: [(&str, Value, &str); 5] = [
        ("format", json!("rustock-checkpoint-2"), "format"),
        ("network", json!("mainnet"), "network"),
        ("number", json!(193), "height"),
        ("hash", json!(chain.header(193).unwrap().hash().to_string()), "hashes to"),
        ("header", json!("0xc0"), "header"),
    ];
    for (field, value, words) in edits {
        let file = folder.path().join(format!("{field}.json"));
        let mut content = checkpoint(&chain, 192);
        content[field] = value;
        fs::write(&file, content.to_string()).unwrap();
        let ended = sync("enode://x", &folder.path().join("data"), &["--checkpoint", text(&file)]);
        assert_refused(&ended, 2, words);
    }
    let truncated = folder.path().join("truncated.json");
    fs::write(&truncated, &checkpoint(&chain, 192).to_string()[..100]).unwrap();
    let ended = sync("enode://x", &folder.path().join("data"), &["--checkpoint", text(&truncated)]);
    assert_refused(&ended, 2, "not a checkpoint");
}

#[test]
fn a_directory_that_is_anothers_or_in_use_or_no_directory_is_refused() {
    let peer = serve(50, 37);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(sync(&peer.enode, &data, &[]).code, 0);
    let arguments = ["sync", "--network", "mainnet", "--peer", &peer.enode, "--data-dir", text(&data)];
    assert_refused(&rustock(&arguments), 1, "holds simnet");

    let file = folder.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    assert_ne!(sync(&peer.enode, &file, &[]).code, 0);

    let mut holder = command()
        .args(["sync", "--network", "simnet", "--peer", &peer.enode, "--data-dir", text(&data), "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.as_mut().unwrap()), &mut first)
        .unwrap();
    assert_refused(&sync(&peer.enode, &data, &[]), 1, "in use");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(sync(&peer.enode, &data, &[]).code, 0, "free again, though its holder was killed");
}

#[test]
fn a_disk_that_fills_in_mid_commit_is_said_and_loses_nothing_committed() {
    let peer = serve(20_000, 38);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // No file may grow past 12 MB: the system answers further writes as it does when a disk is full.
    let script = format!(
        "trap '' XFSZ; ulimit -f 24000; exec {} sync --network simnet --peer {} --data-dir {} --unpaced --until-synced",
        env!("CARGO_BIN_EXE_rustock"),
        peer.enode,
        text(&data)
    );
    let output =
        std::process::Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    let ended = Ended::from(output);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("cannot"), "{}", ended.stderr);
    let reached = head(&data);
    assert!(reached > 0 && reached < 20_000, "stopped at {reached}");
    assert_eq!(rustock(&["status", "--data-dir", text(&data), "--check"]).code, 0);
    assert_eq!(sync(&peer.enode, &data, &["--unpaced"]).code, 0);
    assert_eq!(head(&data), 20_000);
}

#[test]
fn a_damaged_store_is_found_by_the_check() {
    let peer = serve(500, 39);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(sync(&peer.enode, folder.path(), &[]).code, 0);
    let file = folder.path().join("chain.redb");
    let mut bytes = fs::read(&file).unwrap();
    // In the middle of the headers' logs blooms, wherever they stand: pages that are free keep old copies.
    let is_bloom = |window: &[u8]| window[..3] == [0xb9, 0x01, 0x00] && window[3..259] == [0; 256];
    let blooms: Vec<usize> =
        bytes.windows(259).enumerate().filter(|(_, window)| is_bloom(window)).map(|(at, _)| at).collect();
    assert!(!blooms.is_empty());
    for bloom in blooms {
        bytes[bloom + 100] ^= 1;
    }
    fs::write(&file, bytes).unwrap();
    let ended = rustock(&["status", "--data-dir", text(folder.path()), "--check"]);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("damaged"), "{}", ended.stderr);
}

#[test]
fn an_interrupt_ends_a_sync_cleanly() {
    let peer = serve(300, 41);
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["sync", "--network", "simnet", "--peer", &peer.enode, "--data-dir", text(folder.path()), "--json"];
    let mut child = command().args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut events = lines.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert!(events.any(|event| event["event"] == "caught_up"));
    let interrupt =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let last: Value = serde_json::from_str(&lines.map(Result::unwrap).last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["reason"]), (&json!("stopped"), &json!("interrupted")));
    assert!(child.wait().unwrap().success());
    assert_eq!(head(folder.path()), 300);
}

#[test]
fn the_demo_proves_what_it_says() {
    let ended = rustock(&["demo"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for words in ["verified 939 headers", "level with the peer at block 100,000", "reorg", "What was not"] {
        assert!(ended.stdout.contains(words), "{words:?} is missing in {}", ended.stdout);
    }
}

/// As root, permissions do not bind: then the program runs as nobody, from a copy that nobody can read.
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(folder.path(), 0o755);
    let program = folder.path().join("rustock");
    fs::copy(env!("CARGO_BIN_EXE_rustock"), &program).unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    set(&data, 0o555);
    let peer = serve(10, 42);
    let mut sync = std::process::Command::new(&program);
    sync.args([
        "sync",
        "--network",
        "simnet",
        "--peer",
        &peer.enode,
        "--data-dir",
        text(&data),
        "--until-synced",
    ]);
    let is_root = std::process::Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n");
    if is_root {
        sync.uid(NOBODY).gid(NOBODY);
    }
    let ended = Ended::from(sync.stdin(Stdio::null()).output().unwrap());
    assert_refused(&ended, 1, "ermission denied");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}
