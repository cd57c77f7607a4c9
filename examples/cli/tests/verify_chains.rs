//! `rustock verify` on the chains that a real rskj mined, with the parameters it mined them by.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use serde_json::json;

use support::chains::{run, runs, text};

#[test]
fn every_header_of_every_recorded_run_is_verified_by_the_runs_own_row() {
    for run in runs() {
        let name = &run.parameters["run"];
        let ended = run.verify(&run.headers("wire"), &run.parameters, &["--json"]);
        let report = ended.json();
        let blocks = run.blocks.len();
        assert_eq!((ended.code, &report["failed"]), (0, &json!([])), "{name}");
        assert_eq!((&report["verified"], &report["context"]), (&json!(blocks - 1), &json!(1)), "{name}");
        // Everything is there from genesis on, and regtest knows no clock.
        let lacking = &report["not_applied"];
        assert_eq!(lacking["fork_detection"], 0, "{name}");
        assert_eq!(lacking["parent_rules"], 0, "{name}");
        assert_eq!(lacking["clock"], blocks - 1, "{name}");

        let ended = run.verify(&run.headers("wire"), &run.with_genesis(), &["--json"]);
        let report = ended.json();
        assert_eq!((ended.code, &report["verified"], &report["context"]), (0, &json!(blocks), &json!(0)));
    }
}

#[test]
fn the_full_form_is_read_as_the_wire_form_is() {
    let run = run("v2-long");
    let recorded: Vec<_> = run.blocks.iter().filter(|block| block.get("full").is_some()).collect();
    assert!(recorded.len() > 5);
    for encoding in ["wire", "full"] {
        let headers: String = recorded.iter().map(|block| format!("0x{}\n", text(block, encoding))).collect();
        let ended = run.verify(&headers, &run.with_genesis(), &["--json", "--standalone", "--each"]);
        let objects = ended.json_lines();
        assert_eq!((ended.code, objects.len()), (0, recorded.len() + 1), "{encoding}");
        for (object, block) in objects.iter().zip(&recorded) {
            assert_eq!(object["header"]["hash"], format!("0x{}", text(block, "hash")));
        }
    }
}

#[test]
fn a_changed_header_is_refused_by_rule_and_height() {
    for (name, number) in
        [("v0-long", 500), ("v2-long", 300), ("eras-all", 15), ("eras-all", 45), ("eras-split", 50)]
    {
        let mut run = run(name);
        let wire = text(&run.blocks[number], "wire").to_owned();
        // The state root, 32 bytes that no rule compares with anything and the proof covers.
        let place = 2 * (3 + 33 + 33 + 21 + 1);
        let digit = if &wire[place..=place] == "0" { "1" } else { "0" };
        let changed = format!("{}{digit}{}", &wire[..place], &wire[place + 1..]);
        run.blocks[number]["wire"] = json!(changed);
        let ended = run.verify(&run.headers("wire"), &run.parameters, &["--json"]);
        let failed = &ended.json()["failed"][0];
        assert_eq!(ended.code, 1, "{name}");
        assert_eq!(
            (&failed["rule"], &failed["number"], &failed["line"]),
            (&json!("merged_mining_commitment"), &json!(number), &json!(number + 1)),
            "{name}"
        );
    }
}

#[test]
fn a_row_of_another_run_refuses_the_chain() {
    let v0 = run("v0-long");
    let mut parameters = v0.parameters.clone();
    parameters["activation_heights"]["rskip351"] = json!(100);
    let ended = v0.verify(&v0.headers("wire"), &parameters, &["--json"]);
    let report = ended.json();
    assert_eq!((ended.code, &report["verified"]), (1, &json!(99)));
    assert_eq!(report["failed"][0]["rule"], "decode");
    let mut parameters = v0.parameters.clone();
    parameters["difficulty_bound_divisor"] = json!(50);
    let ended = v0.verify(&v0.headers("wire"), &parameters, &["--json"]);
    assert_eq!((ended.code, &ended.json()["failed"][0]["rule"]), (1, &json!("difficulty")));
}
