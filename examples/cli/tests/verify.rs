//! `rustock verify` on real main-network headers: what it prints and how it ends.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use std::{fs, path::Path};

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        header::{Header, HeaderFields},
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};
use serde_json::{Value, json};

use support::{Ended, rustock};

/// The recorded run, as lines of hex.
const RUN: &str = include_str!("../../../tests/data/mainnet-4479841-4480875.txt");

fn run_lines() -> Vec<String> {
    RUN.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn decode(line: &str) -> Header {
    Header::decode(&hex::decode(&line[2..]).unwrap(), &NetworkParams::mainnet().activations).unwrap()
}

fn line_of(fields: &HeaderFields) -> String {
    format!("0x{}", hex::encode(fields.encode()))
}

/// The line with one field changed.
fn edited(line: &str, edit: impl FnOnce(&mut HeaderFields)) -> String {
    let mut fields = HeaderFields::of(&decode(line));
    edit(&mut fields);
    line_of(&fields)
}

struct Case {
    directory: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self, content: impl AsRef<[u8]>) -> String {
        let path = self.directory.path().join("headers.txt");
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// The report without its ranges.
fn counts(mut report: Value) -> Value {
    report.as_object_mut().unwrap().remove("ranges");
    report
}

fn verify(content: impl AsRef<[u8]>, arguments: &[&str]) -> Ended {
    let case = Case::new();
    let file = case.file(content);
    let mut all = vec!["verify", &file];
    all.extend(arguments);
    rustock(&all)
}

fn verify_mainnet(content: impl AsRef<[u8]>) -> (i32, Value) {
    let ended = verify(content, &["--network", "mainnet", "--json"]);
    (ended.code, ended.json())
}

fn standalone_mainnet(content: impl AsRef<[u8]>) -> (i32, Value) {
    let ended = verify(content, &["--network", "mainnet", "--json", "--standalone"]);
    (ended.code, ended.json())
}

#[test]
fn a_real_run_is_verified_with_the_first_header_trusted_for_its_place_only() {
    let (code, report) = verify_mainnet(RUN);
    let expected = json!({
        "verified": 1035,
        "trusted": 1,
        "context": 0,
        "failed": [],
        // 619 have all the ancestors that are sampled in the file.
        "not_applied": { "fork_detection": 1035 - 619, "parent_rules": 1, "clock": 0, "body": 1035, "uncles": 1035, "transactions": 1035 },
        "unsupported": 0,
        "ranges": [
            {
                "lines": [3, 3], "numbers": [4_479_841, 4_479_841], "headers": 1,
                "applied": ["header", "clock"],
                "not_applied": [
                    { "rules": "parent", "because": "no_parent" },
                    { "rules": "fork_detection", "because": "ancestors_missing" },
                    { "rules": "body", "because": "no_body" },
                    { "rules": "uncles", "because": "no_body" }, { "rules": "transactions", "because": "no_body" },
                ],
            },
            {
                "lines": [4, 418], "numbers": [4_479_842, 4_480_256], "headers": 415,
                "applied": ["header", "parent", "clock"],
                "not_applied": [
                    { "rules": "fork_detection", "because": "ancestors_missing" },
                    { "rules": "body", "because": "no_body" },
                    { "rules": "uncles", "because": "no_body" }, { "rules": "transactions", "because": "no_body" },
                ],
            },
            {
                "lines": [419, 1037], "numbers": [4_480_257, 4_480_875], "headers": 619,
                "applied": ["header", "parent", "fork_detection", "clock"],
                "not_applied": [
                    { "rules": "body", "because": "no_body" },
                    { "rules": "uncles", "because": "no_body" }, { "rules": "transactions", "because": "no_body" },
                ],
            },
        ],
    });
    assert_eq!((code, report), (0, expected));
}

#[test]
fn the_report_for_people_says_the_same() {
    let ended = verify(RUN, &["--network", "mainnet"]);
    assert_eq!(ended.code, 0);
    let expected = "1,035 headers verified, heights 4,479,841 to 4,480,875, the first one's place taken on trust\n\
\x20 4,479,841: header, clock; not parent (its parent is not in the file), \
        not fork_detection (of its 449 ancestors some are not in the file), not body, uncles, transactions (no body was given)\n\
        \x20 4,479,842 to 4,480,256: header, parent, clock; \
        not fork_detection (of its 449 ancestors some are not in the file), not body, uncles, transactions (no body was given)\n\
        \x20 4,480,257 to 4,480,875: header, parent, fork_detection, clock; not body, uncles, transactions (no body was given)\n";
    assert_eq!(ended.stdout, expected);
    assert_eq!(ended.stderr, "");
}

#[test]
fn blank_lines_comments_and_crlf_do_not_matter_and_lines_are_counted_with_them() {
    let lines = run_lines();
    let spoiled = edited(&lines[1], |fields| fields.gas_limit = GasLimit::new(0, 1));
    let text = format!("# one\r\n\r\n{}\r\n   # two\n\n{spoiled}\n", lines[0]);
    let (code, report) = verify_mainnet(text);
    assert_eq!((code, &report["verified"], &report["failed"][0]["line"]), (1, &json!(1), &json!(6)));
}

#[test]
fn a_run_stops_at_the_first_failure_and_names_line_number_rule_and_values() {
    let mut lines = run_lines();
    lines[700] = edited(&lines[700], |fields| fields.difficulty = Difficulty::new(7));
    lines[900] = "no hex, and never reached".to_owned();
    let (code, report) = verify_mainnet(lines.join("\n"));
    let right = decode(&run_lines()[700]);
    let failed = json!([{
        "line": 701,
        "number": 4_480_541,
        "rule": "difficulty",
        "expected": right.difficulty().to_string(),
        "seen": "7",
    }]);
    assert_eq!((code, &report["verified"], &report["failed"]), (1, &json!(700), &failed));
}

#[test]
fn each_changed_field_breaks_the_first_rule_that_reads_it() {
    let lines = run_lines();
    type Edit = fn(&mut HeaderFields);
    let cases: [(&str, Edit); 11] = [
        ("linkage", |fields| fields.parent_hash = [1; 32].into()),
        ("number", |fields| fields.number = BlockNumber::new(4_479_843)),
        ("gas_limit", |fields| fields.gas_limit = GasLimit::new(0, 2_999_999)),
        ("minimum_gas_price", |fields| fields.minimum_gas_price = Some(GasPrice::new(-1))),
        ("minimum_gas_price", |fields| fields.minimum_gas_price = None),
        ("extra_data", |fields| fields.extra_data = vec![0; 33]),
        ("gas_used", |fields| fields.gas_used = u64::from(u32::MAX)),
        ("difficulty", |fields| fields.difficulty = Difficulty::new(fields.difficulty.get() + 1)),
        ("merged_mining_commitment", |fields| fields.state_root = [2; 32].into()),
        ("merkle_root", |fields| fields.proof.as_mut().unwrap().merkle_proof[0] ^= 1),
        ("bitcoin_timestamp", |fields| fields.proof = None),
    ];
    for (rule, edit) in cases {
        let second = edited(&lines[1], edit);
        let (code, report) = verify_mainnet(format!("{}\n{second}\n{}", lines[0], lines[2]));
        assert_eq!(report["failed"][0]["rule"], rule, "{report}");
        assert_eq!((code, &report["verified"]), (1, &json!(1)), "{rule}");
    }
}

#[test]
fn the_first_header_is_checked_by_its_own_rules_and_proof() {
    let lines = run_lines();
    let first = edited(&lines[0], |fields| fields.receipts_root = [3; 32].into());
    let (code, report) = verify_mainnet(format!("{first}\n{}", lines[1]));
    assert_eq!(code, 1);
    assert_eq!((&report["verified"], &report["trusted"]), (&json!(0), &json!(0)));
    assert_eq!(report["failed"][0]["rule"], "merged_mining_commitment");
    // Its time is compared with Bitcoin's, whose header was not touched.
    let late = edited(&lines[0], |fields| {
        fields.timestamp = UnixTime::from_secs(fields.timestamp.as_secs() + 100_000);
    });
    assert_eq!(verify_mainnet(late).1["failed"][0]["rule"], "bitcoin_timestamp");
}

#[test]
fn a_gap_in_a_run_is_a_failure_and_no_failure_standalone() {
    let lines = run_lines();
    let text = format!("{}\n{}\n{}", lines[0], lines[500], lines[3]);
    let (code, report) = verify_mainnet(&text);
    assert_eq!((code, &report["failed"][0]["rule"]), (1, &json!("linkage")));
    let (code, report) = standalone_mainnet(&text);
    let expected = json!({
        "verified": 3,
        "trusted": 0,
        "context": 0,
        "failed": [],
        "not_applied": { "fork_detection": 3, "parent_rules": 3, "clock": 0, "body": 3, "uncles": 3, "transactions": 3 },
        "unsupported": 0,
    });
    assert_eq!((code, counts(report)), (0, expected));
}

#[test]
fn standalone_goes_on_after_each_failure() {
    let lines = run_lines();
    let bad = edited(&lines[5], |fields| fields.gas_used = u64::from(u32::MAX));
    let text = format!("{bad}\n{}\n0xc0\n{}\n", lines[1], lines[2]);
    let (code, report) = standalone_mainnet(text);
    let rules: Vec<_> = report["failed"].as_array().unwrap().iter().map(|failed| &failed["rule"]).collect();
    assert_eq!(rules, ["gas_used", "decode"]);
    assert_eq!((code, &report["verified"]), (1, &json!(2)));
}

#[test]
fn bytes_that_are_no_header_break_the_rule_decode() {
    let lines = run_lines();
    let truncated = &lines[1][..lines[1].len() - 2];
    for bad in ["0xc0", "0x00", truncated] {
        let (code, report) = verify_mainnet(format!("{}\n{bad}", lines[0]));
        let failed = &report["failed"][0];
        assert_eq!((&failed["rule"], &failed["line"]), (&json!("decode"), &json!(2)), "{bad:.20}");
        assert_eq!(failed["number"], Value::Null);
        assert_eq!((code, &report["verified"]), (1, &json!(1)));
    }
}

#[test]
fn what_is_not_hex_ends_with_2_and_names_the_line() {
    let lines = run_lines();
    let not_hex = ["hello", "0xzz", "0xc", "0x", "c0ffee", "\u{fffd}"];
    for bad in not_hex {
        let text = format!("# comment\n{}\n{bad}\n", lines[0]);
        let ended = verify(&text, &["--network", "mainnet", "--json"]);
        assert_eq!(ended.code, 2, "{bad}");
        assert_eq!(ended.json()["error"]["line"], 3, "{bad}");
        assert!(ended.stderr.contains("line 3: "), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1);
        assert_eq!(verify(&text, &["--network", "mainnet", "--standalone"]).code, 2, "{bad}");
    }
}

#[test]
fn a_file_that_is_empty_or_missing_ends_with_2() {
    for text in ["", "\n\n", "# only a comment\n"] {
        let ended = verify(text, &["--network", "mainnet"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{text:?}");
        assert!(ended.stderr.contains("no header in the file"), "{}", ended.stderr);
    }
    let missing = Path::new("no-such-directory").join("no-such-file");
    let ended = rustock(&["verify", missing.to_str().unwrap(), "--network", "mainnet"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("cannot open"), "{}", ended.stderr);
}

#[test]
fn an_unknown_network_is_a_usage_error_that_lists_the_known_ones() {
    let ended = verify(RUN, &["--network", "mainnett"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("use mainnet, testnet, regtest or simnet"), "{}", ended.stderr);
}

/// The header at a height above every upgrade that this release knows, with one field more than it knows.
fn line_with_a_new_field(line: &str) -> String {
    let mut fields = HeaderFields::of(&decode(line));
    fields.number = NetworkParams::mainnet().last_known_upgrade;
    let raw = fields.encode();
    let content = [&raw[3..], &[0x80]].concat();
    let size = u16::try_from(content.len()).unwrap().to_be_bytes();
    format!("0x{}", hex::encode([&[0xf9][..], &size, &content].concat()))
}

#[test]
fn a_header_that_may_be_newer_than_the_release_is_neither_verified_nor_failed() {
    let newer = line_with_a_new_field(&run_lines()[0]);
    let expected = json!({
        "verified": 0,
        "trusted": 0,
        "context": 0,
        "failed": [],
        "not_applied": { "fork_detection": 0, "parent_rules": 0, "clock": 0, "body": 0, "uncles": 0, "transactions": 0 },
        "unsupported": 1,
    });
    for (code, report) in [verify_mainnet(&newer), standalone_mainnet(&newer)] {
        assert_eq!((code, counts(report)), (3, expected.clone()));
    }
    let ended = verify(&newer, &["--network", "mainnet"]);
    assert!(ended.stdout.contains("must be updated"), "{}", ended.stdout);
}

#[test]
fn a_failure_weighs_more_than_a_header_that_may_be_newer() {
    let lines = run_lines();
    let newer = line_with_a_new_field(&lines[0]);
    let (code, report) = standalone_mainnet(format!("{newer}\n0xc0\n{}", lines[1]));
    assert_eq!((code, &report["unsupported"], &report["verified"]), (1, &json!(1), &json!(1)));
}

#[test]
fn a_genesis_is_compared_with_the_networks() {
    let genesis = |params: NetworkParams| line_of(&params.genesis);
    let mainnet = genesis(NetworkParams::mainnet());
    let expected = json!({
        "verified": 1,
        "trusted": 0,
        "context": 0,
        "failed": [],
        "not_applied": { "fork_detection": 0, "parent_rules": 0, "clock": 0, "body": 0, "uncles": 0, "transactions": 0 },
        "unsupported": 0,
        "ranges": [{
            "lines": [1, 1], "numbers": [0, 0], "headers": 1, "applied": ["genesis"], "not_applied": [],
        }],
    });
    assert_eq!(verify_mainnet(&mainnet), (0, expected.clone()));
    for params in [NetworkParams::testnet(), NetworkParams::regtest(), NetworkParams::simnet()] {
        let name = params.name.clone();
        let ended = verify(genesis(params), &["--network", &name, "--json"]);
        assert_eq!((ended.code, ended.json()), (0, expected.clone()), "{name}");
    }
    let simnet = genesis(NetworkParams::simnet());

    let wrong = {
        let mut fields = NetworkParams::mainnet().genesis;
        fields.timestamp = UnixTime::from_secs(1);
        line_of(&fields)
    };
    for text in [wrong, simnet] {
        let (code, report) = verify_mainnet(text);
        assert_eq!(code, 1, "{report}");
    }

    let ended = verify(&mainnet, &["--network", "testnet", "--json"]);
    assert_eq!((ended.code, ended.json()["failed"][0]["rule"].clone()), (1, "genesis".into()));
}

#[test]
fn the_standard_input_is_read_for_a_dash() {
    let lines = run_lines();
    let ended = support::rustock_with_input(&["verify", "-", "--network", "mainnet", "--json"], &lines[0]);
    assert_eq!((ended.code, ended.json()["verified"].clone()), (0, 1.into()));
}
