//! The recorded rows of rskj as the naive verifier takes them.

use std::collections::BTreeMap;

use rustock_test_support::naive::{
    decode::{decode_extension, decode_full, decode_wire},
    header::{NaiveExtension, NaiveHeader},
    params::NaiveParams,
    rlp::Rlp,
};
use serde_json::Value;

use crate::vectors::{bytes, number, read, text};

/// The rows of a file that is an array.
///
/// # Panics
/// When it is not one.
pub fn rows(file: &str) -> Vec<Value> {
    read(file).as_array().expect("an array of rows").clone()
}

/// The rows of a file that are cases.
///
/// # Panics
/// When the file is not an array.
pub fn cases(file: &str) -> Vec<Value> {
    rows(file).into_iter().filter(|row| row["record"] == "case").collect()
}

/// The network that a row of parameters describes.
///
/// # Panics
/// When the row does not name a chain that rskj has.
pub fn params_of(row: &Value) -> NaiveParams {
    let base = match number(row, "chain_id") {
        30 => NaiveParams::mainnet(),
        31 => NaiveParams::testnet(),
        33 => NaiveParams::regtest(),
        other => panic!("chain {other}"),
    };
    let height = |rule: &str| row["activation_heights"][rule].as_i64();
    let constant = |key: &str| row[key].as_u64();
    let amount = |key: &str| row[key].as_str().map(|text| text.parse().expect("a number"));
    let divisor = constant("difficulty_bound_divisor").map(|divisor| divisor as u32);
    NaiveParams {
        rskip92: height("rskip92").unwrap_or(base.rskip92),
        rskip97: height("rskip97").unwrap_or(base.rskip97),
        rskip98: height("rskip98").unwrap_or(base.rskip98),
        rskip110: height("rskip110").unwrap_or(base.rskip110),
        rskip126: height("rskip126").unwrap_or(base.rskip126),
        rskip144: height("rskip144").unwrap_or(base.rskip144),
        rskip156: height("rskip156").unwrap_or(base.rskip156),
        rskip179: height("rskip179").unwrap_or(base.rskip179),
        rskip180: height("rskip180").unwrap_or(base.rskip180),
        rskip290: height("rskip290").unwrap_or(base.rskip290),
        rskip297: height("rskip297").unwrap_or(base.rskip297),
        rskip351: height("rskip351").unwrap_or(base.rskip351),
        rskip535: height("rskip535").unwrap_or(base.rskip535),
        rskip_umm: height("rskipumm").unwrap_or(base.rskip_umm),
        duration_limit: constant("duration_limit").map_or(base.duration_limit, |seconds| seconds as i32),
        difficulty_divisor: divisor.unwrap_or(base.difficulty_divisor),
        difficulty_divisor_after_rskip156: divisor.unwrap_or(base.difficulty_divisor_after_rskip156),
        minimum_difficulty: amount("minimum_difficulty").unwrap_or(base.minimum_difficulty),
        fallback_difficulty: amount("fallback_mining_difficulty").unwrap_or(base.fallback_difficulty),
        max_future_seconds: constant("new_block_max_seconds_in_the_future")
            .unwrap_or(base.max_future_seconds),
        minimum_gas_limit: constant("min_gas_limit").unwrap_or(base.minimum_gas_limit),
        ..base
    }
}

/// The networks that the rows of parameters of a file describe, by their names.
///
/// # Panics
/// When a row has no name.
pub fn networks(file: &str) -> BTreeMap<String, NaiveParams> {
    let rows = rows(file).into_iter().filter(|row| row["record"] == "params");
    rows.map(|row| (text(&row, "network").to_owned(), params_of(&row))).collect()
}

/// A block of a recorded chain.
#[derive(Debug, Clone)]
pub struct NaiveBlock {
    /// Everything that was recorded of it.
    pub row: Value,
    /// The header, from its wire form.
    pub header: NaiveHeader,
    /// The body, where one was recorded.
    pub body: Option<NaiveBody>,
}

/// A body of a recorded chain.
#[derive(Debug, Clone)]
pub struct NaiveBody {
    /// How many transactions it has.
    pub transactions: usize,
    /// Its uncles: header, extension, full encoding.
    pub uncles: Vec<(NaiveHeader, Option<NaiveExtension>, Vec<u8>)>,
    /// The extension of the block's header, from version 1 on.
    pub extension: Option<NaiveExtension>,
}

/// The runs of a chain file in their order.
///
/// # Panics
/// When the file does not hold chains that the naive decoder reads.
pub fn chains(file: &str) -> Vec<(NaiveParams, Vec<NaiveBlock>)> {
    let mut chains: Vec<(NaiveParams, Vec<NaiveBlock>)> = Vec::new();
    for row in rows(file) {
        if row["record"] == "run" {
            chains.push((params_of(&row), Vec::new()));
            continue;
        }
        let (params, blocks) = chains.last_mut().expect("a run row before its blocks");
        let header = decode_wire(&bytes(&row, "wire"), params)
            .unwrap_or_else(|error| panic!("{file} {}: {error}", number(&row, "number")));
        let body = row["body_response_payload"].as_str().map(|_| body_of(&row, &header, params));
        blocks.push(NaiveBlock { row, header, body });
    }
    assert!(!chains.is_empty(), "{file} has no run");
    chains
}

/// `[type, bytes of [id, [transactions, uncles, extension where there is one]]]` in a list of one.
fn body_of(row: &Value, header: &NaiveHeader, params: &NaiveParams) -> NaiveBody {
    let envelope = Rlp::decode(&bytes(row, "body_response_payload")).expect("a message");
    let message = &envelope.list().expect("one message")[0];
    let response = message.list().expect("type and content")[1].bytes().expect("content");
    let response = Rlp::decode(response).expect("a response");
    let [_id, body] = response.list().expect("id and body") else { panic!("{row}") };
    let body = body.list().expect("a body");
    let uncles = body[1].list().expect("uncles").iter().map(|uncle| {
        let full = uncle.encode();
        let (header, extension) = decode_full(&full, params).expect("an uncle");
        (header, extension, full)
    });
    NaiveBody {
        transactions: body[0].list().expect("transactions").len(),
        uncles: uncles.collect(),
        extension: body
            .get(2)
            .map(|it| decode_extension(&it.encode(), header.number, params).expect("an extension")),
    }
}

impl NaiveBlock {
    /// The headers of its uncles; none where no body was recorded.
    pub fn uncles(&self) -> Vec<NaiveHeader> {
        let body = self.body.as_ref();
        body.map(|body| body.uncles.iter().map(|(header, ..)| header.clone()).collect()).unwrap_or_default()
    }
}
