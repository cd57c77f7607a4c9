//! What snappy makes of real headers: how much smaller, and how fast.
//!
//! Run with `cargo bench -p rustock-core --bench snappy`.

use divan::{Bencher, black_box, counter::BytesCount};
use rustock_core::wire::{
    rlpx::snappy::{compress, decompress_behind},
    rsk::{BlockHeadersResponse, RawList, RequestId, RskMessage},
};

/// Headers of both public networks, as they are in answers: with their merged-mining proofs.
const RECORDED: [(&str, &str); 2] = [
    ("mainnet", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/headers-mainnet.json"))),
    ("testnet", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/headers-testnet.json"))),
];
/// The run of 1,035 consecutive headers.
const RUN: &str = "mainnet-4479841-4480875";
/// The most headers in one answer.
const CHUNK: usize = 192;
const LIMIT: usize = 1024 * 1024;

fn main() {
    for (network, recorded) in RECORDED {
        let records: serde_json::Value = serde_json::from_str(recorded).expect("recorded headers");
        let mut runs: Vec<&str> = Vec::new();
        for record in records.as_array().expect("an array") {
            let run = record["run"].as_str().unwrap_or("single");
            if !runs.contains(&run) {
                runs.push(run);
            }
        }
        for run in runs {
            report(network, run, &headers(&records, run));
        }
    }
    divan::main();
}

fn report(network: &str, run: &str, headers: &[RawList]) {
    for size in [1, 16, CHUNK] {
        if headers.len() < size {
            continue;
        }
        let (mut plain, mut compressed) = (0, 0);
        for chunk in headers.chunks_exact(size) {
            let payload = answer(chunk.to_vec());
            plain += payload.len();
            compressed += compress(&payload).len();
        }
        let ratio = plain as f64 / compressed as f64;
        println!(
            "{network} {run}: {size} headers an answer, {plain} -> {compressed} bytes, {ratio:.3} times smaller"
        );
    }
}

fn headers(records: &serde_json::Value, run: &str) -> Vec<RawList> {
    let records = records.as_array().expect("an array").iter();
    let of_run = records.filter(|record| record["run"].as_str().unwrap_or("single") == run);
    let texts = of_run.filter_map(|record| record["rlp_full"].as_str());
    texts.map(|text| RawList::new(hex::decode(&text[2..]).expect("hex")).expect("a list")).collect()
}

fn answer(headers: Vec<RawList>) -> Vec<u8> {
    RskMessage::BlockHeadersResponse(BlockHeadersResponse { id: RequestId::new(7).expect("small"), headers })
        .encode()
}

/// An answer of 192 real headers.
fn payload() -> Vec<u8> {
    let records: serde_json::Value = serde_json::from_str(RECORDED[0].1).expect("recorded headers");
    answer(headers(&records, RUN)[640..640 + CHUNK].to_vec())
}

#[divan::bench]
fn compress_answer(bencher: Bencher<'_, '_>) {
    let payload = payload();
    bencher.counter(BytesCount::new(payload.len())).bench(|| compress(black_box(&payload)));
}

#[divan::bench]
fn decompress_answer(bencher: Bencher<'_, '_>) {
    let (payload, compressed) = (payload(), compress(&payload()));
    let bytes = BytesCount::new(payload.len());
    bencher.counter(bytes).bench(|| decompress_behind(&[0x18], black_box(&compressed), LIMIT));
}
