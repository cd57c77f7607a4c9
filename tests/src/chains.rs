//! The chains that a running rskj mined and stored: parameters, headers in every encoding, bodies.

use core::time::Duration;

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        activation::{Activation, Activations},
        block::Body,
        hash::BlockHash,
        header::{Header, HeaderFields},
        number::{BlockNumber, Difficulty},
    },
    wire::rsk::RskMessage,
};
use serde_json::Value;

use crate::vectors::{bytes, number, read, text};

/// One recorded run: blocks from genesis on, under one set of parameters.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its name.
    pub name: String,
    /// The parameters of the node that mined it.
    pub params: NetworkParams,
    /// The blocks, from genesis on.
    pub blocks: Vec<RecordedBlock>,
}

/// One block of a run.
#[derive(Debug, Clone)]
pub struct RecordedBlock {
    /// Everything that was recorded of it.
    pub record: Value,
    /// The header, in its wire form.
    pub header: Header,
    /// The body, for blocks with uncles or more than one transaction, and in short runs for all but genesis.
    pub body: Option<Body>,
}

impl RecordedBlock {
    /// The weight rskj gave the block: its own difficulty and its uncles'.
    pub fn weight(&self) -> u128 {
        decimal(&self.record, "block_weight")
    }
}

/// The three files of chains.
pub const CHAIN_FILES: [&str; 3] = ["rskj-chain-v0.json", "rskj-chain-v2.json", "rskj-chain-eras.json"];

/// The runs of one file of chains.
///
/// # Panics
/// When the file is not as its origin says.
pub fn runs(file: &str) -> Vec<Run> {
    let records = read(file);
    let mut runs: Vec<Run> = Vec::new();
    for record in records.as_array().expect("an array of records") {
        match text(record, "record") {
            "run" => {
                let name = text(record, "run").to_owned();
                runs.push(Run { name, params: params_of_run(record), blocks: Vec::new() });
            }
            "block" => {
                let run = runs.iter_mut().find(|run| run.name == text(record, "run")).expect("its run");
                let block = recorded_block(record, &run.params.activations);
                if block.header.number() == BlockNumber::GENESIS {
                    run.params.genesis = HeaderFields::of(&block.header);
                }
                run.blocks.push(block);
            }
            other => panic!("an unknown record {other}"),
        }
    }
    runs
}

fn recorded_block(record: &Value, activations: &Activations) -> RecordedBlock {
    let header = Header::decode(&bytes(record, "wire"), activations)
        .unwrap_or_else(|error| panic!("block {}: {error}", record["number"]));
    let body = record.get("body_response_payload").map(|_| {
        let message = RskMessage::decode(&bytes(record, "body_response_payload")).expect("a message");
        let RskMessage::BodyResponse(response) = message else { panic!("another message") };
        response.decode_body(activations, header.number()).expect("a body")
    });
    RecordedBlock { record: record.clone(), header, body }
}

/// The parameters of a local network of rskj's, from a `run` record.
///
/// # Panics
/// When one is missing.
pub fn params_of_run(record: &Value) -> NetworkParams {
    let divisor = u32::try_from(number(record, "difficulty_bound_divisor")).expect("a small number");
    NetworkParams {
        name: text(record, "network").to_owned(),
        activations: activations(&record["activation_heights"]),
        target_block_seconds: u32::try_from(number(record, "duration_limit")).expect("a small number"),
        minimum_difficulty: Difficulty::new(decimal(record, "minimum_difficulty")),
        difficulty_divisor: divisor,
        difficulty_divisor_after_rskip156: divisor,
        max_future: Duration::from_secs(number(record, "new_block_max_seconds_in_the_future")),
        ..NetworkParams::regtest()
    }
}

/// Activation heights as rskj has them: −1 is never, and a rule that is not named is nowhere.
///
/// # Panics
/// When a height is not a number.
pub fn activations(heights: &Value) -> Activations {
    let at = |rule: &str| match heights.get(rule) {
        Some(height) => Activation::from_rskj(height.as_i64().expect("a height")),
        None => Activation::NEVER,
    };
    Activations {
        rskip92: at("rskip92"),
        rskip97: at("rskip97"),
        rskip98: at("rskip98"),
        rskip110: at("rskip110"),
        rskip126: at("rskip126"),
        rskip144: at("rskip144"),
        rskip156: at("rskip156"),
        rskip179: at("rskip179"),
        rskip180: at("rskip180"),
        rskip290: at("rskip290"),
        rskip297: at("rskip297"),
        rskip351: at("rskip351"),
        rskip535: at("rskip535"),
        rskip_umm: at("rskipumm"),
        base_event_required: Activation::GENESIS,
    }
}

/// The hash at `key`.
///
/// # Panics
/// When there is none.
pub fn block_hash(record: &Value, key: &str) -> BlockHash {
    text(record, key).parse().unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// The number written in decimal text at `key`.
///
/// # Panics
/// When there is none.
pub fn decimal(record: &Value, key: &str) -> u128 {
    text(record, key).parse().unwrap_or_else(|error| panic!("{key}: {error}"))
}
