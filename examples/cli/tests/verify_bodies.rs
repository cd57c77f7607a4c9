//! `rustock verify --bodies` on the blocks that a real rskj mined: uncles, extensions, weights.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod support;

use rustock_core::{
    primitives::{
        activation::{Activation, Activations},
        block::Body,
        number::BlockNumber,
    },
    wire::rsk::RskMessage,
};
use serde_json::{Value, json};

use support::chains::{Run, run, runs, text};

/// The blocks of a run whose body was recorded.
fn with_body(run: &Run) -> Vec<&Value> {
    run.blocks.iter().filter(|block| block.get("body_response_payload").is_some()).collect()
}

fn has_uncles(block: &Value) -> bool {
    block["uncles"].as_array().is_some_and(|uncles| !uncles.is_empty())
}

/// The recorded message with its body changed, and without the message around it.
fn edited_body(run: &Run, block: &Value, edit: impl FnOnce(&mut Body)) -> String {
    let payload = hex::decode(text(block, "body_response_payload")).unwrap();
    let Ok(RskMessage::BodyResponse(response)) = RskMessage::decode(&payload) else { panic!("no body") };
    let height = |rule: &str| run.parameters["activation_heights"][rule].as_i64().unwrap();
    let activations = Activations {
        rskip144: Activation::from_rskj(height("rskip144")),
        rskip351: Activation::from_rskj(height("rskip351")),
        rskip535: Activation::from_rskj(height("rskip535")),
        rskip_umm: Activation::from_rskj(height("rskipumm")),
        rskip92: Activation::from_rskj(height("rskip92")),
        rskip98: Activation::from_rskj(height("rskip98")),
        ..Activations::NONE
    };
    let number = BlockNumber::new(block["number"].as_u64().unwrap());
    let mut body = response.decode_body(&activations, number).unwrap();
    edit(&mut body);
    format!("0x{} 0x{}\n", text(block, "hash"), hex::encode(body.encode()))
}

#[test]
fn every_block_of_every_recorded_run_has_the_weight_that_rskj_gave_it() {
    for run in runs() {
        let name = &run.parameters["run"];
        let (headers, bodies) = (run.headers("wire"), run.bodies());
        let ended = run.verify_blocks(&headers, Some(&bodies), &run.with_genesis(), &["--json", "--each"]);
        let mut objects = ended.json_lines();
        let report = objects.pop().unwrap();
        assert_eq!((ended.code, &report["failed"]), (0, &json!([])), "{name}");
        assert_eq!(objects.len(), run.blocks.len());
        for (object, block) in objects.iter().zip(&run.blocks) {
            assert_eq!(object["header"]["weight"], block["block_weight"], "{name} {}", block["number"]);
        }
        let expected = json!({
            "bodies": with_body(&run).len(),
            "bodies_of_no_header": 0,
            "known": run.blocks.len(),
            "unknown": 0,
            "total": run.blocks.last().unwrap()["total_difficulty"],
        });
        assert_eq!(report["blocks"], expected, "{name}");
        // Where a body is missing in the record, there are no uncles either, so the rules apply to all others.
        let without_body = run.blocks.len() - 1 - with_body(&run).len();
        assert_eq!(report["not_applied"]["uncles"], without_body, "{name}");
        assert_eq!(report["not_applied"]["transactions"], run.blocks.len() - 1, "{name}");
    }
}

#[test]
fn without_bodies_only_blocks_without_uncles_are_weighed() {
    let run = run("v0-long");
    let ended = run.verify(&run.headers("wire"), &run.with_genesis(), &["--json", "--each"]);
    let objects = ended.json_lines();
    assert_eq!(objects.last().unwrap()["blocks"], Value::Null, "nobody asked");
    for (object, block) in objects.iter().zip(&run.blocks) {
        let has_uncles = has_uncles(block);
        let expected = if has_uncles { &Value::Null } else { &block["block_weight"] };
        assert_eq!(&object["header"]["weight"], expected, "{}", block["number"]);
    }
    let ended = run.verify_blocks(&run.headers("wire"), Some("# none\n"), &run.with_genesis(), &[]);
    let unknown = run.blocks.iter().filter(|block| has_uncles(block)).count();
    assert!(ended.stdout.contains("\nbodies checked: 0\nweight of "), "{}", ended.stdout);
    let end = format!("; not known of {unknown} blocks, whose uncles were not given\n");
    assert!(ended.stdout.ends_with(&end), "{}", ended.stdout);
}

#[test]
fn a_bare_body_is_read_as_the_whole_message_is() {
    let run = run("eras-split");
    let bare: String = with_body(&run).into_iter().map(|block| edited_body(&run, block, |_| {})).collect();
    let verify = |bodies: &str| {
        run.verify_blocks(&run.headers("wire"), Some(bodies), &run.with_genesis(), &["--json"])
    };
    let ended = verify(&bare);
    assert_eq!((ended.code, ended.json()), (0, verify(&run.bodies()).json()));
}

#[test]
fn a_body_that_is_not_the_headers_is_refused_by_rule_and_height() {
    let v0 = run("v0-long");
    let with_uncles = with_body(&v0).into_iter().find(|block| block["uncle_count"] == 2).unwrap();
    let v2 = run("v2-long");
    let with_extension = with_body(&v2)[0];
    type Edit = fn(&mut Body);
    let cases: [(&Run, &Value, &str, Edit); 5] = [
        (&v0, with_uncles, "uncles_hash", |body| body.uncles.reverse()),
        (&v0, with_uncles, "uncles_hash", |body| body.uncles.clear()),
        (&v0, with_uncles, "uncles_hash", |body| body.uncles.push(body.uncles[0].clone())),
        (&v2, with_extension, "extension", |body| body.extension.as_mut().unwrap().logs_bloom[7] ^= 1),
        (&v2, with_extension, "body_decode", |body| body.extension = None),
    ];
    for (run, block, rule, edit) in cases {
        let bodies = edited_body(run, block, edit);
        let ended = run.verify_blocks(&run.headers("wire"), Some(&bodies), &run.with_genesis(), &["--json"]);
        let report = ended.json();
        let failed = &report["failed"][0];
        assert_eq!((ended.code, &failed["rule"], &failed["number"]), (1, &json!(rule), &block["number"]));
        // What stands below is verified, and nothing above.
        assert_eq!(report["verified"], block["number"], "{rule}");
    }
}

#[test]
fn uncles_are_compared_with_ancestors_as_far_as_their_bodies_are_given() {
    let run = run("v0-long");
    // One body alone, and the block below has uncles and no body: it may have named the same ones.
    let is_in_question = |pair: &&[Value]| {
        let below_parent = |uncle: &Value| uncle["number"].as_u64() < pair[0]["number"].as_u64();
        has_uncles(&pair[0])
            && has_uncles(&pair[1])
            && pair[1]["uncles"].as_array().unwrap().iter().any(below_parent)
    };
    let lonely = &run.blocks.windows(2).find(is_in_question).unwrap()[1];
    let line = format!("0x{} {}\n", text(lonely, "hash"), text(lonely, "body_response_payload"));
    let arguments = ["--json", "--each"];
    let ended = run.verify_blocks(&run.headers("wire"), Some(&line), &run.with_genesis(), &arguments);
    let objects = ended.json_lines();
    let place = usize::try_from(lonely["number"].as_u64().unwrap()).unwrap();
    let header = &objects[place]["header"];
    assert_eq!((ended.code, &header["verdict"]), (0, &json!("verified")));
    assert_eq!(header["weight"], lonely["block_weight"]);
    let not_applied = json!([
        { "rules": "clock", "because": "switched_off" },
        { "rules": "uncles", "because": "ancestor_bodies_missing" },
        { "rules": "transactions", "because": "not_supported" },
    ]);
    assert_eq!(header["not_applied"], not_applied);
    // Standalone the uncles hash is checked, and what each uncle proves alone.
    let single = format!("0x{}\n", text(lonely, "wire"));
    let ended = run.verify_blocks(&single, Some(&line), &run.parameters, &["--json", "--standalone"]);
    let report = ended.json();
    assert_eq!((ended.code, &report["blocks"]["total"]), (0, &lonely["block_weight"]));
    assert_eq!(report["not_applied"]["uncles"], 1);
}

#[test]
fn bodies_of_blocks_that_are_not_in_the_file_are_counted() {
    let run = run("eras-97");
    let first_ten: String = run.headers("wire").lines().take(10).map(|line| format!("{line}\n")).collect();
    let verify = |arguments: &[&str]| {
        run.verify_blocks(&first_ten, Some(&run.bodies()), &run.with_genesis(), arguments)
    };
    let report = verify(&["--json"]).json();
    let given = with_body(&run).len();
    let used = with_body(&run).iter().filter(|block| block["number"].as_u64() < Some(10)).count();
    assert_eq!(
        (&report["blocks"]["bodies"], &report["blocks"]["bodies_of_no_header"]),
        (&json!(used), &json!(given - used))
    );
    let text = verify(&[]).stdout;
    assert!(
        text.contains(&format!(
            "bodies checked: {used}; of blocks that are not in the file: {}\n",
            given - used
        )),
        "{text}"
    );
}

#[test]
fn a_file_of_bodies_that_cannot_be_read_ends_with_2_and_names_the_line() {
    let run = run("eras-97");
    let hash = format!("0x{}", text(&run.blocks[1], "hash"));
    let cases = [
        (format!("{hash}\n"), "line 1: a block hash, a blank and a body in hex are expected"),
        (format!("\n{hash} 0xzz\n"), "line 2: the body is not hex: Invalid character 'z' at position 0"),
        ("0x12 0xc0\n".to_owned(), "line 1: not a block hash: 0x and 64 hex digits are expected"),
        (format!("{hash} 0xc0\n{hash} 0xc0\n"), "line 2: the block of line 1 again"),
    ];
    for (bodies, sentence) in cases {
        let ended = run.verify_blocks(&run.headers("wire"), Some(&bodies), &run.with_genesis(), &["--json"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        assert!(ended.stderr.trim_end().ends_with(&format!("bodies.txt, {sentence}")), "{}", ended.stderr);
    }
    let missing = ["--bodies", "no-such-directory/no-such-file"];
    let ended = run.verify(&run.headers("wire"), &run.with_genesis(), &missing);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("no-such-file: cannot open: "), "{}", ended.stderr);
}
