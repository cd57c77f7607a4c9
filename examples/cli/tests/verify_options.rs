//! `rustock verify` with a parameters file, another clock, a trusted first header, and header by header.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use std::{fs, path::PathBuf};

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        header::{Header, HeaderFields},
        number::UnixTime,
    },
};
use serde_json::{Value, json};

use support::{Ended, rustock};

/// The recorded run, as lines of hex.
const RUN: &str = include_str!("../../../tests/data/mainnet-4479841-4480875.txt");
/// Records of a real rskj, the first three the parameters of its networks.
const VERDICTS: &str = include_str!("../../../tests/data/rskj-verdicts.json");

fn run_lines() -> Vec<String> {
    RUN.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// rskj's parameters of the main network, as it recorded them.
fn mainnet_parameters() -> Value {
    let records: Vec<Value> = serde_json::from_str(VERDICTS).unwrap();
    records.into_iter().find(|record| record["id"] == "_params_mainnet").unwrap()
}

/// simnet's parameters with its genesis, as a file that leaves nothing out.
fn simnet_parameters() -> Value {
    json!({
        "run": "mine", "chain_id": 77, "network_id": 7, "duration_limit": 14, "difficulty_bound_divisor": 50,
        "minimum_difficulty": "1", "new_block_max_seconds_in_the_future": 60,
        "activation_heights": {
            "rskip92": 0, "rskip97": 0, "rskip98": 0, "rskip110": 0, "rskip126": 0, "rskip144": -1, "rskip156": 0,
            "rskip179": 0, "rskip180": 0, "rskip290": 0, "rskip297": 0, "rskip351": -1, "rskip535": -1,
            "rskipumm": 1,
        },
        "genesis": genesis_line(),
    })
}

fn genesis_line() -> String {
    format!("0x{}", hex::encode(NetworkParams::simnet().genesis.encode()))
}

/// The line with one field changed.
fn edited(line: &str, edit: impl FnOnce(&mut HeaderFields)) -> String {
    let activations = &NetworkParams::mainnet().activations;
    let header = Header::decode(&hex::decode(&line[2..]).unwrap(), activations).unwrap();
    let mut fields = HeaderFields::of(&header);
    edit(&mut fields);
    format!("0x{}", hex::encode(fields.encode()))
}

struct Case {
    directory: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Verifies these headers with this parameters file.
    fn verify(&self, headers: &str, parameters: impl AsRef<[u8]>, arguments: &[&str]) -> Ended {
        let parameters = self.file("parameters.json", parameters);
        let headers = self.file("headers.txt", headers);
        let mut all = vec!["verify", &headers, "--network", &parameters];
        all.extend(arguments);
        rustock(&all)
    }
}

fn verify_mainnet(headers: &str, arguments: &[&str]) -> Ended {
    let case = Case::new();
    let headers = case.file("headers.txt", headers);
    let mut all = vec!["verify", &headers, "--network", "mainnet"];
    all.extend(arguments);
    rustock(&all)
}

#[test]
fn rskjs_own_record_of_mainnet_verifies_as_the_name_does_and_says_what_it_lacks() {
    let ended = Case::new().verify(RUN, mainnet_parameters().to_string(), &["--json"]);
    let mut by_file = ended.json();
    let left_out = by_file.as_object_mut().unwrap().remove("parameters_left_out");
    assert_eq!(left_out, Some(json!(["network_id", "difficulty_bound_divisor", "minimum_difficulty"])));
    let by_name = verify_mainnet(RUN, &["--json"]).json();
    assert_eq!((ended.code, by_file), (0, by_name));
    let ended = Case::new().verify(RUN, mainnet_parameters().to_string(), &[]);
    let note = "not in the parameters file, so those of the chain id's network: \
                network_id, difficulty_bound_divisor, minimum_difficulty\n";
    assert!(ended.stdout.contains(note), "{}", ended.stdout);
}

#[test]
fn another_number_in_the_file_is_another_rule() {
    let mut parameters = mainnet_parameters();
    parameters["duration_limit"] = json!(1);
    let ended = Case::new().verify(RUN, parameters.to_string(), &["--json"]);
    assert_eq!((ended.code, &ended.json()["failed"][0]["rule"]), (1, &json!("difficulty")));
}

#[test]
fn each_mistake_in_a_parameters_file_is_one_sentence_and_ends_with_2() {
    let with = |field: &str, value: Value| {
        let mut parameters = simnet_parameters();
        parameters[field] = value;
        parameters.to_string()
    };
    let without = |field: &str| {
        let mut parameters = simnet_parameters();
        parameters.as_object_mut().unwrap().remove(field);
        parameters.to_string()
    };
    let cases = [
        (String::new(), "not JSON: EOF while parsing a value"),
        ("[]".to_owned(), "one JSON object is expected, seen an array"),
        (without("chain_id"), "the field chain_id is missing"),
        (without("minimum_difficulty"), "the field minimum_difficulty is missing"),
        (without("activation_heights"), "the field activation_heights is missing"),
        (with("activation_heights", json!({})), "the field activation_heights.rskip92 is missing"),
        (
            with("activation_heights", json!({ "rskip1": 1 })),
            "unknown activation rskip1: the known ones are rskip92,",
        ),
        (with("chain_id", json!("30")), "the field chain_id must be a number, seen a text"),
        (with("minimum_difficulty", json!(1)), "the field minimum_difficulty must be a text, seen a number"),
        (
            with("duration_limit", json!(0)),
            "the field duration_limit must be a whole number from 1 to 2147483647, seen 0",
        ),
        (
            with("uncle_generation_limit", json!(0)),
            "the field uncle_generation_limit must be a whole number from 1 to 9223372036854775807, seen 0",
        ),
        (with("genesis", json!("0xc0")), "the field genesis is no header: "),
        (" ".repeat((1 << 20) + 1), "longer than 1048576 bytes"),
    ];
    for (parameters, sentence) in cases {
        let case = Case::new();
        let ended = case.verify(&genesis_line(), parameters, &["--json"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
        let path = case.path("parameters.json");
        let start = format!("rustock: parameters file {}: {sentence}", path.display());
        assert!(ended.stderr.starts_with(&start), "{sentence}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1);
    }
}

#[test]
fn a_parameters_file_that_is_not_there_is_named() {
    let case = Case::new();
    let headers = case.file("headers.txt", RUN);
    let ended = rustock(&["verify", &headers, "--network", case.path("none.json").to_str().unwrap()]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("none.json: cannot open: "), "{}", ended.stderr);
}

#[test]
fn a_genesis_is_compared_with_the_files_and_without_one_it_is_context_and_says_so() {
    let parameters = simnet_parameters();
    let ended = Case::new().verify(&genesis_line(), parameters.to_string(), &["--json"]);
    assert_eq!((ended.code, &ended.json()["verified"]), (0, &json!(1)));
    let other = edited(&genesis_line(), |fields| fields.timestamp = UnixTime::from_secs(5));
    let ended = Case::new().verify(&other, parameters.to_string(), &["--json"]);
    assert_eq!((ended.code, &ended.json()["failed"][0]["rule"]), (1, &json!("genesis")));

    let mut parameters = parameters;
    parameters.as_object_mut().unwrap().remove("genesis");
    for arguments in [&["--json"][..], &["--json", "--standalone"]] {
        let ended = Case::new().verify(&other, parameters.to_string(), arguments);
        let report = ended.json();
        assert_eq!((ended.code, &report["verified"], &report["context"]), (0, &json!(0), &json!(1)));
        let not_applied = json!([{ "rules": "genesis", "because": "no_genesis" }]);
        assert_eq!(report["ranges"][0]["not_applied"], not_applied);
    }
    let ended = Case::new().verify(&other, parameters.to_string(), &[]);
    let expected = "0 headers verified, and the first one taken as context only\n\
        \x20 0: none; not genesis (the parameters file names no genesis)\n";
    assert_eq!(ended.stdout, expected);
}

#[test]
fn the_clock_is_the_one_that_is_given() {
    let lines = run_lines();
    let activations = &NetworkParams::mainnet().activations;
    let last = Header::decode(&hex::decode(&lines[1][2..]).unwrap(), activations).unwrap();
    let valid_from = last.timestamp().as_secs() - 60;
    let two = lines[..2].join("\n");
    let ended = verify_mainnet(&two, &["--json", "--now", &valid_from.to_string()]);
    assert_eq!((ended.code, &ended.json()["verified"]), (0, &json!(2)));
    let ended = verify_mainnet(&two, &["--json", "--now", &(valid_from - 1).to_string()]);
    let failed = &ended.json()["failed"][0];
    assert_eq!((ended.code, &failed["rule"], &failed["line"]), (1, &json!("future_timestamp"), &json!(2)));
    assert_eq!(failed["expected"], format!("a clock at {valid_from} or later"));
    for bad in ["yesterday", "-1", "1.5", ""] {
        assert_eq!(verify_mainnet(&two, &["--now", bad]).code, 2, "{bad}");
    }
}

#[test]
fn a_trusted_first_header_is_context_whatever_is_wrong_with_it() {
    let lines = run_lines();
    // The hash does not cover the proof, so the header above still follows this one.
    let broken = edited(&lines[0], |fields| fields.proof.as_mut().unwrap().merkle_proof[0] ^= 1);
    let text = format!("{broken}\n{}\n{}", lines[1], lines[2]);
    let ended = verify_mainnet(&text, &["--json"]);
    assert_eq!((ended.code, &ended.json()["failed"][0]["rule"]), (1, &json!("merkle_root")));
    let ended = verify_mainnet(&text, &["--json", "--trust-first"]);
    let report = ended.json();
    assert_eq!((ended.code, &report["verified"], &report["context"]), (0, &json!(2), &json!(1)));
    assert_eq!(report["trusted"], 0);
    assert_eq!(report["ranges"][0]["applied"], json!([]));
    assert_eq!(report["ranges"][1]["applied"], json!(["header", "parent", "clock"]));
    let ended = verify_mainnet(&text, &["--trust-first"]);
    let start = "2 headers verified, heights 4,479,842 to 4,479,843, and the first one taken as context only\n\
        \x20 4,479,841: none; not header, parent, fork_detection, clock, body, uncles, transactions (taken as context with --trust-first)\n";
    assert!(ended.stdout.starts_with(start), "{}", ended.stdout);
}

#[test]
fn a_trusted_first_header_is_an_ancestor_as_any_other() {
    let report = verify_mainnet(RUN, &["--json", "--trust-first"]).json();
    assert_eq!((&report["verified"], &report["not_applied"]["fork_detection"]), (&json!(1034), &json!(415)));
    // The lowest ancestor that is sampled is the first of the file: with it in place the rule is applied.
    let first_checked = report["ranges"][2]["numbers"][0].clone();
    let report = verify_mainnet(RUN, &["--json"]).json();
    assert_eq!(report["ranges"][2]["numbers"][0], first_checked);
}

#[test]
fn the_form_of_a_trusted_first_header_is_checked_and_its_child_too() {
    let lines = run_lines();
    let text = format!("0xc0\n{}", lines[1]);
    let ended = verify_mainnet(&text, &["--json", "--trust-first"]);
    assert_eq!((ended.code, &ended.json()["failed"][0]["rule"]), (1, &json!("decode")));
    // Other contents have another hash.
    let broken = edited(&lines[0], |fields| fields.gas_used += 1);
    let ended = verify_mainnet(&format!("{broken}\n{}", lines[1]), &["--json", "--trust-first"]);
    assert_eq!((ended.code, &ended.json()["failed"][0]["rule"]), (1, &json!("linkage")));
    let ended = verify_mainnet(&text, &["--standalone", "--trust-first"]);
    assert_eq!(ended.code, 2, "headers that do not follow each other have no context");
}

#[test]
fn header_by_header_each_line_says_what_was_applied() {
    let lines = run_lines();
    let bad = edited(&lines[2], |fields| fields.gas_used = u64::from(u32::MAX));
    let text = format!("{}\n{}\n{bad}\n{}", lines[0], lines[1], lines[3]);
    let ended = verify_mainnet(&text, &["--json", "--each"]);
    let objects = ended.json_lines();
    assert_eq!((ended.code, objects.len()), (1, 4), "three headers and the report");
    let second = json!({ "header": {
        "line": 2,
        "number": 4_479_842,
        "hash": objects[1]["header"]["hash"],
        "verdict": "verified",
        "applied": ["header", "parent", "clock"],
        "not_applied": [
            { "rules": "fork_detection", "because": "ancestors_missing" },
            { "rules": "body", "because": "no_body" },
                    { "rules": "uncles", "because": "no_body" }, { "rules": "transactions", "because": "no_body" },
        ],
    }});
    assert_eq!(objects[1], second);
    assert_eq!(objects[1]["header"]["hash"].as_str().unwrap().len(), 66);
    let third = &objects[2]["header"];
    assert_eq!((&third["verdict"], &third["rule"]), (&json!("failed"), &json!("gas_used")));
    assert_eq!(third["seen"], u32::MAX.to_string());
    assert_eq!(objects[3]["verified"], 2);

    let ended = verify_mainnet(&text, &["--each"]);
    let printed: Vec<_> = ended.stdout.lines().collect();
    assert!(printed[0].starts_with("line 1, height 4,479,841, 0x"), "{}", printed[0]);
    assert!(
        printed[1].contains(": verified by header, parent, clock; not fork_detection ("),
        "{}",
        printed[1]
    );
    assert!(printed[2].contains(": breaks gas_used, expected at most "), "{}", printed[2]);
    let ended = verify_mainnet("0xc0", &["--each", "--json", "--standalone"]);
    assert_eq!(ended.json_lines()[0]["header"]["number"], Value::Null);
}
