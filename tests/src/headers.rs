//! The recorded headers of the main and the test network.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        hash::BlockHash,
        header::Header,
        number::{BlockNumber, UnixTime},
    },
};
use serde_json::Value;

use crate::vectors::{number, read, text};

/// A clock after every recorded header.
pub const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

/// The longest recorded run: 4,479,841 to 4,480,875.
pub const IRIS_RUN: &str = "mainnet-4479841-4480875";
/// A run from before `ummRoot`: 2,327,246 to 2,327,912.
pub const TWO_TO_THREE_RUN: &str = "mainnet-2327246-2327912";
/// The run that crosses the height where `ummRoot` and the smaller difficulty steps begin.
pub const PAPYRUS_RUN: &str = "mainnet-2392650-2392717";

/// One recorded header.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Height.
    pub number: BlockNumber,
    /// Hash, from a source other than the header.
    pub hash: BlockHash,
    /// `header`, `genesis`, `uncle` and so on.
    pub kind: String,
    /// The run of consecutive headers it belongs to.
    pub run: Option<String>,
    /// The full encoding.
    pub raw: Vec<u8>,
}

/// Every main-network header recorded with its proof.
///
/// # Panics
/// When the file is not as its README says.
pub fn mainnet() -> Vec<Recorded> {
    recorded("headers-mainnet.json")
}

/// Every version-0 test-network header recorded with its proof.
///
/// # Panics
/// When the file is not as its README says.
pub fn testnet_version_0() -> Vec<Recorded> {
    let mut all = recorded("headers-testnet.json");
    all.retain(|recorded| recorded.number < BlockNumber::new(7_139_600));
    all
}

/// The headers of a run of main-network headers, in ascending order.
///
/// # Panics
/// When the run is not recorded.
pub fn mainnet_run(run: &str) -> Vec<Header> {
    let activations = NetworkParams::mainnet().activations;
    let headers: Vec<Header> = mainnet()
        .iter()
        .filter(|recorded| recorded.run.as_deref() == Some(run))
        .map(|recorded| Header::decode(&recorded.raw, &activations).expect("a recorded header"))
        .collect();
    assert!(!headers.is_empty(), "no run {run}");
    headers
}

/// The bytes written in hexadecimal at `key`, with `0x` or without.
///
/// # Panics
/// When there is no text, or it is not hexadecimal.
pub fn hex_bytes(value: &Value, key: &str) -> Vec<u8> {
    let text = text(value, key);
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).unwrap_or_else(|error| panic!("{key}: {error}"))
}

fn recorded(file: &str) -> Vec<Recorded> {
    let records = read(file);
    let records = records.as_array().expect("an array of records");
    let with_proof = |record: &&Value| record["kind"] != "header_no_auxpow";
    records
        .iter()
        .filter(with_proof)
        .map(|record| Recorded {
            number: BlockNumber::new(number(record, "number")),
            hash: text(record, "hash").parse().expect("a hash"),
            kind: text(record, "kind").to_owned(),
            run: record["run"].as_str().map(str::to_owned),
            raw: hex_bytes(record, "rlp_full"),
        })
        .collect()
}
