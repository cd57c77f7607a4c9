//! The chains that a real rskj mined, as the files that `rustock verify` reads.

use std::fs;

use serde_json::Value;

use super::{Ended, rustock};

/// The recorded runs: one of version-0 headers, one of version 2, five that cross activation heights.
const FILES: [&str; 3] = [
    include_str!("../../../../tests/data/rskj-chain-v0.json"),
    include_str!("../../../../tests/data/rskj-chain-v2.json"),
    include_str!("../../../../tests/data/rskj-chain-eras.json"),
];

/// A run as it was recorded.
pub struct Run {
    /// The row of its parameters, which is a parameters file as it stands.
    pub parameters: Value,
    /// Its blocks, from genesis on.
    pub blocks: Vec<Value>,
}

/// The text of a field.
pub fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_else(|| panic!("no {field} in {record:.300}"))
}

/// Every recorded run.
pub fn runs() -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for file in FILES {
        let records: Vec<Value> = serde_json::from_str(file).unwrap();
        for record in records {
            match text(&record, "record") {
                "run" => runs.push(Run { parameters: record, blocks: Vec::new() }),
                _ => {
                    let of_record = |run: &&mut Run| run.parameters["run"] == record["run"];
                    runs.iter_mut().find(of_record).unwrap().blocks.push(record);
                }
            }
        }
    }
    assert_eq!(runs.len(), 7);
    runs
}

/// The run of this name.
pub fn run(name: &str) -> Run {
    runs().into_iter().find(|run| run.parameters["run"] == name).unwrap()
}

impl Run {
    /// The file of headers, in this encoding.
    pub fn headers(&self, encoding: &str) -> String {
        self.blocks.iter().map(|block| format!("0x{}\n", text(block, encoding))).collect()
    }

    /// The parameters with the run's genesis.
    pub fn with_genesis(&self) -> Value {
        let mut parameters = self.parameters.clone();
        parameters["genesis"] = self.blocks[0]["wire"].clone();
        parameters
    }

    /// The file of bodies: as recorded, which is the whole message of a peer.
    pub fn bodies(&self) -> String {
        let with_body = self.blocks.iter().filter(|block| block.get("body_response_payload").is_some());
        with_body
            .map(|block| format!("0x{} {}\n", text(block, "hash"), text(block, "body_response_payload")))
            .collect()
    }

    /// Verifies these headers by these parameters.
    pub fn verify(&self, headers: &str, parameters: &Value, arguments: &[&str]) -> Ended {
        self.verify_blocks(headers, None, parameters, arguments)
    }

    /// The same with these bodies.
    pub fn verify_blocks(
        &self,
        headers: &str,
        bodies: Option<&str>,
        parameters: &Value,
        arguments: &[&str],
    ) -> Ended {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let headers = file("headers.txt", headers);
        let parameters = file("parameters.json", &parameters.to_string());
        let bodies = bodies.map(|bodies| file("bodies.txt", bodies));
        let mut all = vec!["verify", &headers, "--network", &parameters];
        all.extend(bodies.iter().flat_map(|bodies| ["--bodies", bodies]));
        all.extend(arguments);
        rustock(&all)
    }
}
