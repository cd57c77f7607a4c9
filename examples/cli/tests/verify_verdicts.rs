//! `rustock verify` on bad blocks whose hashes are right: rskj's verdicts on uncle lists and on imports, and bodies that
//! were made to break one rule.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        block::{Block, Body},
        header::FullHeader,
    },
};
use rustock_test_support::chainkit::{ChainBuilder, SpoilBody, Uncles, presets};
use serde_json::{Value, json};

use support::chains::{Run, text};

const UNCLES: &str = include_str!("../../../tests/data/rskj-uncles.json");
const IMPORTS: &str = include_str!("../../../tests/data/rskj-import.json");

/// The records of one kind.
fn of_kind(records: &[Value], kind: &str) -> Vec<Value> {
    records.iter().filter(|record| record["record"] == kind).cloned().collect()
}

fn records(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

fn line(record: &Value) -> String {
    format!("0x{}\n", text(record, "wire"))
}

/// The body of a recorded case: its uncles, of version 0, and nothing else.
fn body_line(case: &Value) -> String {
    let activations = NetworkParams::simnet().activations;
    let decode =
        |uncle: &Value| FullHeader::decode(&hex::decode(text(uncle, "full")).unwrap(), &activations).unwrap();
    let uncles = case["uncles"].as_array().unwrap().iter().map(decode).collect();
    let body = Body { transactions: Vec::new(), uncles, extension: None };
    format!("0x{} 0x{}\n", text(case, "hash"), hex::encode(body.encode()))
}

/// The name of the rule that refuses a case, where rskj refuses it.
fn refusing_rule(case: &str) -> &'static str {
    match case {
        "uncle_generation_7_(number_14)"
        | "uncle_generation_8_(number_13)"
        | "uncle_generation_9_(number_12)"
        | "uncle_same_height"
        | "uncle_already_used_by_ancestor_21_in_block_26"
        | "uncle_already_used_by_ancestor_21_in_block_27" => "uncle_generation",
        "uncle_duplicate" => "duplicate_uncle",
        "uncle_is_ancestor_19" | "uncle_is_parent" => "uncle_is_ancestor",
        "uncle_of_uncle" => "uncle_parent",
        "wrong_uncles_hash" => "uncles_hash",
        "uncle_bad_field_7" | "uncle_bad_field_9" | "uncle_bad_field_14" | "uncle_bad_field_10" => {
            "uncle_header"
        }
        other => panic!("{other} is not among the cases that rskj refused"),
    }
}

#[test]
fn every_list_of_uncles_is_judged_as_rskj_judged_it() {
    let records = records(UNCLES);
    let run = Run { parameters: of_kind(&records, "run").remove(0), blocks: of_kind(&records, "main") };
    let best = text(run.blocks.last().unwrap(), "hash");
    let (mut valid, mut refused, mut alone) = (0, 0, 0);
    for case in of_kind(&records, "case") {
        let id = text(&case, "id");
        let is_on_main = text(&case, "wire")[8..72] == *best;
        let (headers, arguments): (String, &[&str]) = if is_on_main {
            (run.headers("wire") + &line(&case), &["--json"])
        } else {
            // Its parents were not recorded, so it stands alone.
            alone += 1;
            (line(&case), &["--json", "--standalone"])
        };
        let parameters = if is_on_main { run.with_genesis() } else { run.parameters.clone() };
        let ended = run.verify_blocks(&headers, Some(&body_line(&case)), &parameters, arguments);
        let report = ended.json();
        let is_used_before = id.ends_with("in_block_23") || id.ends_with("in_block_24");
        if text(&case, "uncle_rule") == "valid" {
            valid += 1;
            assert_eq!((ended.code, &report["failed"]), (0, &json!([])), "{id}");
            assert_eq!(report["verified"], case["number"].as_u64().unwrap() + 1, "{id}");
        } else if is_used_before {
            // Only the ancestor's body, which was not recorded, could tell. That is said, and nothing passed over.
            assert_eq!((ended.code, &report["not_applied"]["uncles"]), (0, &json!(1)), "{id}");
        } else {
            refused += 1;
            let failed = &report["failed"][0];
            let expected = (1, &json!(refusing_rule(id)), &case["number"]);
            assert_eq!((ended.code, &failed["rule"], &failed["number"]), expected, "{id}: {failed}");
        }
    }
    assert_eq!((valid, refused, alone), (7, 15, 4));
}

#[test]
fn every_import_under_testnet_constants_ends_as_in_rskj_by_the_recorded_row() {
    let records = records(IMPORTS);
    let run = Run { parameters: of_kind(&records, "params").remove(0), blocks: of_kind(&records, "genesis") };
    let cases = of_kind(&records, "case");
    let by_hash = |hash: &str| cases.iter().find(|case| text(case, "hash") == hash);
    let (mut accepted, mut refused) = (0, Vec::new());
    for case in &cases {
        let id = text(case, "id");
        // Down to genesis, or to the block whose parent was not recorded: that one is context.
        let mut branch = vec![case];
        while let Some(parent) = by_hash(text(branch.last().unwrap(), "parent_hash")) {
            branch.push(parent);
        }
        branch.reverse();
        let genesis = &run.blocks[0];
        let reaches_genesis = text(branch[0], "parent_hash") == text(genesis, "hash");
        let mut headers = if reaches_genesis { line(genesis) } else { String::new() };
        headers.extend(branch.iter().map(|block| line(block)));
        let now = case["now"].to_string();
        let mut arguments = vec!["--json", "--now", &now];
        if !reaches_genesis {
            arguments.push("--trust-first");
        }
        let ended = run.verify(&headers, &run.with_genesis(), &arguments);
        let report = ended.json();
        if report["failed"] == json!([]) {
            assert_eq!(ended.code, 0, "{id}");
            accepted += 1;
            // What only execution tells is no rule for headers.
            let is_executed = ["state_root_wrong", "paid_fees_wrong"].contains(&id);
            assert_eq!(text(case, "import_result") == "INVALID_BLOCK", is_executed, "{id}");
        } else {
            assert_eq!((ended.code, text(case, "import_result")), (1, "INVALID_BLOCK"), "{id}");
            let failed = &report["failed"][0];
            assert_eq!(failed["number"], case["number"], "{id}");
            refused.push((id, failed["rule"].as_str().unwrap().to_owned()));
        }
    }
    let expected = [
        ("btc_time_300", "bitcoin_timestamp"),
        ("btc_time_-300", "bitcoin_timestamp"),
        ("future_560", "future_timestamp"),
        ("gas_used_field_not_checked_by_header", "gas_used"),
        ("extra_33", "extra_data"),
        ("gas_limit_2999999", "gas_limit"),
    ];
    assert_eq!(refused, expected.map(|(id, rule)| (id, rule.to_owned())));
    assert_eq!(accepted, cases.len() - expected.len());
}

/// How the report names the rule that a spoiled body breaks. What the form of a body decides comes out when it
/// is read.
fn rule_in_report(spoil: SpoilBody) -> &'static str {
    match spoil {
        SpoilBody::ExtensionMissing => "body_decode",
        other => other.rule().name(),
    }
}

#[test]
fn a_body_that_breaks_one_rule_under_right_hashes_is_refused_for_it() {
    let chain =
        ChainBuilder::new(presets::regtest()).seed(9).uncles(Uncles::LikeMainnet).with_bodies().build(20);
    let block_line = |block: &Block| format!("0x{}\n", hex::encode(block.header.raw()));
    let of_body = |hash: String, body: &Body| format!("{hash} 0x{}\n", hex::encode(body.encode()));
    let mut headers: String =
        chain.headers().iter().map(|header| format!("0x{}\n", hex::encode(header.raw()))).collect();
    let mut bodies: String = (1..=20)
        .map(|number| of_body(chain.header(number).unwrap().hash().to_string(), chain.body(number).unwrap()))
        .collect();
    let (headers_size, bodies_size) = (headers.len(), bodies.len());
    let mut seen = Vec::new();
    for spoil in SpoilBody::ALL.into_iter().filter(|spoil| *spoil != SpoilBody::OtherTransactions) {
        let Some(block) = chain.spoiled_block(21, spoil) else { continue };
        headers.truncate(headers_size);
        bodies.truncate(bodies_size);
        headers.push_str(&block_line(&block));
        bodies.push_str(&of_body(block.header.hash().to_string(), &block.body));
        let directory = tempfile::tempdir().unwrap();
        let (headers_file, bodies_file) =
            (directory.path().join("headers.txt"), directory.path().join("bodies.txt"));
        std::fs::write(&headers_file, &headers).unwrap();
        std::fs::write(&bodies_file, &bodies).unwrap();
        let ended = support::rustock(&[
            "verify",
            headers_file.to_str().unwrap(),
            "--network",
            "regtest",
            "--bodies",
            bodies_file.to_str().unwrap(),
            "--json",
        ]);
        let report = ended.json();
        let failed = &report["failed"][0];
        let expected = (1, &json!(rule_in_report(spoil)), &json!(21));
        assert_eq!((ended.code, &failed["rule"], &failed["number"]), expected, "{spoil:?}: {failed}");
        assert_eq!(report["verified"], 21, "{spoil:?}");
        seen.push(spoil);
    }
    let edges = seen.iter().filter(|spoil| spoil.rule().name() == "edges").count();
    assert_eq!((edges, seen.len()), (6, 20), "{seen:?}");
}
