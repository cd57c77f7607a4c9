//! Peers as their user meets them: found, shown, banned, examined; over networks of `rustock serve` on this machine.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use std::{net::UdpSocket, path::Path};

use serde_json::json;

use support::{Ended, Served, rustock};

const GENERATED: [&str; 7] = ["--generate", "300", "--seed", "61", "--network", "simnet", "--pace"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn address(peer: &Served) -> &str {
    peer.enode.split_once('@').unwrap().1
}

/// A node id as the commands print it.
fn id(peer: &Served) -> String {
    format!("0x{}", peer.enode.split_once('@').unwrap().0.strip_prefix("enode://").unwrap())
}

/// Some nodes that know one another by UDP; the first is where to start.
fn network(more: &[&[&str]]) -> Vec<Served> {
    let boot = Served::start(&[&GENERATED[..], &["none"]].concat());
    let mut nodes = Vec::new();
    for more in more {
        nodes.push(Served::start(&[&GENERATED[..], &["none", "--boot", address(&boot)], more].concat()));
    }
    nodes.insert(0, boot);
    nodes
}

/// One sentence on the standard error, and this exit code.
fn assert_refused(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    assert!(ended.stderr.contains(words), "{words:?} is not in {:?}", ended.stderr);
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "one sentence: {:?}", ended.stderr);
}

/// Syncs by discovery.
fn sync(boot: &str, directory: &Path, more: &[&str]) -> Ended {
    let arguments = ["sync", "--network", "simnet", "--boot", boot, "--data-dir", text(directory)];
    rustock(&[&arguments[..], &["--until-synced", "--unpaced", "--json"], more].concat())
}

/// A port of UDP at which nobody answers.
fn silent_port() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[test]
fn a_sync_finds_its_peers_shows_them_and_bans_hold_until_they_are_lifted() {
    let nodes = network(&[&[], &[]]);
    let folder = tempfile::tempdir().unwrap();
    let ended = sync(address(&nodes[0]), folder.path(), &["--patience", "30"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let events = ended.json_lines();
    assert!(events.iter().any(|event| event["event"] == "searching"), "{events:?}");
    assert_eq!(events.last().unwrap()["number"], 300);

    let peers = || rustock(&["peers", "--data-dir", text(folder.path()), "--json"]).json();
    let shown = peers();
    assert_eq!((&shown["network"], &shown["bans"]), (&json!("simnet"), &json!([])));
    let known = shown["peers"].as_array().unwrap();
    assert!(!known.is_empty());
    assert_eq!(known[0]["source"], "discovered");
    assert_eq!(known[0]["verified_headers"], 300, "the best comes first: {known:?}");
    let ids: Vec<String> = nodes.iter().map(id).collect();
    assert!(known.iter().all(|peer| ids.iter().any(|id| *id == peer["id"])), "{known:?}");

    let data = ["--data-dir", text(folder.path())];
    let node = id(&nodes[0]);
    for (subject, more) in [(nodes[0].enode.as_str(), &[][..]), ("192.0.2.7", &["--for", "2h"])] {
        let ended = rustock(&[&["ban", subject], more, &data].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let bans = peers()["bans"].clone();
    let ban = |subject: &str| bans.as_array().unwrap().iter().find(|ban| ban["subject"] == subject).unwrap();
    assert_eq!((&ban(&node)["until"], &ban(&node)["by_user"]), (&json!(null), &json!(true)));
    assert!(ban("192.0.2.7")["until"].is_u64());
    let people = rustock(&["peers", "--data-dir", text(folder.path())]);
    assert!(
        people.stdout.contains("banned for ever") && people.stdout.contains("as stored"),
        "{}",
        people.stdout
    );

    let lifted = rustock(&[&["unban", &node], &data[..]].concat());
    assert_eq!(lifted.code, 0, "{}", lifted.stderr);
    assert_refused(&rustock(&[&["unban", &node], &data[..]].concat()), 1, "not banned");
    assert_eq!(peers()["bans"].as_array().unwrap().len(), 1);
    assert_eq!(peers()["lost"], json!(null));

    // The last byte of the file is of the last ban.
    let file = folder.path().join("peers.dat");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let lost = json!({"peers": 0, "bans": 1, "uncounted": false});
    assert_eq!((&peers()["lost"], &peers()["bans"]), (&lost, &json!([])));
    let people = rustock(&["peers", "--data-dir", text(folder.path())]);
    assert!(people.stdout.contains("damaged and lost: 0 peers, 1 bans"), "{}", people.stdout);
    let status = rustock(&["status", "--data-dir", text(folder.path()), "--check"]);
    assert!(
        status.stdout.contains("every page") && status.stdout.contains("damaged and lost"),
        "{}",
        status.stdout
    );
}

#[test]
fn peers_and_bans_of_no_store_or_of_a_mistyped_subject_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data-dir", text(folder.path())];
    for command in [&["peers"][..], &["ban", "192.0.2.7"], &["unban", "192.0.2.7"]] {
        assert_refused(&rustock(&[command, &data].concat()), 1, "no Rustock store");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    for command in [&["ban", "somebody"][..], &["unban", "0x12"], &["ban", "192.0.2.7", "--for", "long"]] {
        let ended = rustock(&[command, &data].concat());
        assert_eq!(ended.code, 2, "{}", ended.stderr);
    }
}

#[test]
fn a_network_without_boot_nodes_needs_a_peer_or_one() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["sync", "--network", "simnet", "--data-dir", text(folder.path())];
    assert_refused(&rustock(&arguments), 2, "--peer or --boot");
    assert_refused(&rustock(&["doctor", "peers", "--network", "simnet"]), 2, "--boot");
    let both = ["--peer", "enode://x", "--boot", "127.0.0.1:1"];
    assert_eq!(rustock(&[&arguments[..], &both].concat()).code, 2);
}

#[test]
fn a_sync_to_which_nobody_answers_by_udp_says_so() {
    let (_socket, nobody) = silent_port();
    let folder = tempfile::tempdir().unwrap();
    let ended = sync(&nobody, folder.path(), &["--patience", "12"]);
    assert_refused(&ended, 4, "no node has answered by UDP");
    let silent = |event: &serde_json::Value| event["event"] == "udp_silent";
    assert_eq!(ended.json_lines().iter().filter(|event| silent(event)).count(), 1);
}

#[test]
fn the_doctor_finds_a_network_well_with_hostile_nodes_in_it() {
    let nodes = network(&[&[], &["--misbehave", "lying"], &["--misbehave", "flooding"]]);
    let doctor = ["doctor", "peers", "--network", "simnet", "--boot", address(&nodes[0])];
    let ended = rustock(&[&doctor[..], &["--json"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let report = ended.json();
    assert_eq!((&report["network"], &report["nodes_found"]), (&json!("simnet"), &json!(4)));
    assert_eq!(report["boot_nodes"][0]["answered"], true);
    let dials = report["dials"].as_array().unwrap();
    assert_eq!(dials.iter().filter(|dial| dial["client_id"].is_string()).count(), 4, "{dials:?}");
    let people = rustock(&doctor);
    assert!(
        people.stdout.contains("1 of 1 boot nodes can be looked up, 1 answer by UDP"),
        "{}",
        people.stdout
    );
}

#[test]
fn the_doctor_names_the_step_that_does_not_work() {
    let (_socket, nobody) = silent_port();
    let doctor = |boot: &str| {
        rustock(&["doctor", "peers", "--network", "simnet", "--boot", boot, "--patience", "8", "--json"])
    };
    let ended = doctor(&nobody);
    assert_refused(&ended, 1, "no node answers by UDP");
    assert_eq!(ended.json()["boot_nodes"][0]["answered"], false);
    // A name that no name server has.
    assert_refused(&doctor("nobody.invalid:5050"), 1, "looked up");
    let mute = Served::start(&[&GENERATED[..], &["none", "--misbehave", "silent"]].concat());
    let ended = doctor(address(&mute));
    assert_refused(&ended, 1, "1 nodes answer by UDP, and none");
    assert_eq!(ended.json()["dials"][0]["client_id"], json!(null));
    // One that takes no part in discovery is not found.
    let off = Served::start(&[&GENERATED[..], &["none", "--no-udp"]].concat());
    assert_refused(&doctor(address(&off)), 1, "no node answers by UDP");
}
