//! Decoding and verifying real headers, beside the bare hashing that no verifier can do without.
//!
//! Run with `cargo bench -p rustock-core --bench verify`. `verified` should take at most 1.25 times as long as
//! `bare_primitives`, in the same run.

use bitcoin_hashes::{HashEngine as _, sha256, sha256d};
use divan::{Bencher, black_box, counter::ItemsCount};
use rustock_core::{
    consensus::{
        chunk::verify_chunk,
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        verify::{Context, VerifiedHeader, verify_header},
    },
    primitives::{
        header::{Header, HeaderFields},
        number::UnixTime,
    },
};
use sha3::{Digest, Keccak256};

/// 1,035 consecutive headers of the main network, from block 4,479,841 on.
const RECORDED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/headers-mainnet.json"));
const RUN: &str = "mainnet-4479841-4480875";
/// The most headers in one response.
const CHUNK: usize = 192;
/// Where the chunk begins in the run: all its fork-detection data can be checked.
const START: usize = 640;
const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

fn main() {
    divan::main();
}

/// A chunk as it comes in, and what is known before it comes.
struct Input {
    params: NetworkParams,
    parent: Parent,
    window: ForkDetectionWindow,
    chunk: Vec<Vec<u8>>,
}

fn input() -> Input {
    let records: serde_json::Value = serde_json::from_str(RECORDED).expect("recorded headers");
    let records = records.as_array().expect("an array").iter().filter(|record| record["run"] == RUN);
    let raw: Vec<Vec<u8>> = records
        .map(|record| record["rlp_full"].as_str().expect("a header"))
        .map(|text| hex::decode(&text[2..]).expect("hex"))
        .collect();
    let params = NetworkParams::mainnet();
    let mut window = ForkDetectionWindow::new();
    for raw in &raw[..START] {
        window.push(Ancestor::from(&verified_alone(raw, &params))).expect("consecutive");
    }
    let parent = Parent::from(verified_alone(&raw[START - 1], &params).header());
    Input { params, parent, window, chunk: raw[START..START + CHUNK].to_vec() }
}

fn verified_alone(raw: &[u8], params: &NetworkParams) -> VerifiedHeader {
    let header = Header::decode(raw, &params.activations).expect("decodes");
    verify_header(header, &Context::standalone(NOW), params).expect("valid")
}

#[divan::bench]
fn decode_one(bencher: Bencher<'_, '_>) {
    let Input { params, chunk, .. } = input();
    bencher
        .counter(ItemsCount::new(1usize))
        .bench(|| Header::decode(black_box(&chunk[7]), &params.activations));
}

#[divan::bench]
fn decoded(bencher: Bencher<'_, '_>) {
    let Input { params, chunk, .. } = input();
    bencher.counter(ItemsCount::new(CHUNK)).bench(|| {
        let decode = |raw: &Vec<u8>| Header::decode(black_box(raw), &params.activations);
        chunk.iter().map(decode).collect::<Result<Vec<_>, _>>()
    });
}

#[divan::bench]
fn verified(bencher: Bencher<'_, '_>) {
    let Input { params, parent, window, chunk } = input();
    bencher.counter(ItemsCount::new(CHUNK)).with_inputs(|| window.clone()).bench_refs(|window| {
        let decode = |raw: &Vec<u8>| Header::decode(black_box(raw), &params.activations);
        let headers = chunk.iter().map(decode).collect::<Result<Vec<_>, _>>().expect("decodes");
        verify_chunk(headers, &parent, window, NOW, &params).expect("valid")
    });
}

#[divan::bench]
fn verified_one_at_a_time(bencher: Bencher<'_, '_>) {
    let Input { params, parent, window, chunk } = input();
    bencher.counter(ItemsCount::new(CHUNK)).with_inputs(|| window.clone()).bench_refs(|window| {
        let mut parent = parent;
        for raw in &chunk {
            let header = Header::decode(black_box(raw), &params.activations).expect("decodes");
            let next_parent = Parent::from(&header);
            let context = Context { parent: Some(&parent), ancestors: Some(window), now: NOW };
            let header = verify_header(header, &context, &params).expect("valid");
            window.push(Ancestor::from(&header)).expect("consecutive");
            parent = next_parent;
        }
    });
}

/// What one header makes one hash, laid out beforehand so that nothing but hashing is left to do.
struct Hashed {
    block_hash: Vec<u8>,
    merged_mining_hash: Vec<u8>,
    bitcoin_header: [u8; 80],
    midstate: sha256::Midstate,
    /// The coinbase's tail, padded to whole blocks.
    tail: Vec<u8>,
    /// In hashing order.
    siblings: Vec<[u8; 32]>,
}

fn hashed(raw: &[u8], params: &NetworkParams) -> Hashed {
    let header = Header::decode(raw, &params.activations).expect("decodes");
    let fields = HeaderFields::of(&header);
    let proof = fields.proof.clone().expect("mined");
    let (count, rest) = proof.coinbase.split_first_chunk::<8>().expect("a count");
    let (state, tail) = rest.split_first_chunk::<32>().expect("a midstate");
    let bits = 8 * (u64::from_be_bytes(*count) + tail.len() as u64);
    let mut tail = tail.to_vec();
    tail.push(0x80);
    tail.resize((tail.len() + 8).next_multiple_of(64), 0);
    let end = tail.len();
    tail[end - 8..].copy_from_slice(&bits.to_be_bytes());
    let siblings = proof.merkle_proof.chunks_exact(32).map(|sibling| {
        let mut sibling: [u8; 32] = sibling.try_into().expect("32 bytes");
        sibling.reverse();
        sibling
    });
    Hashed {
        block_hash: block_hash_preimage(&header, &fields),
        merged_mining_hash: fields.encode_for_merged_mining(),
        bitcoin_header: proof.bitcoin_header.as_slice().try_into().expect("80 bytes"),
        midstate: sha256::Midstate::new(*state, 0),
        tail,
        siblings: siblings.collect(),
    }
}

/// All fields but proof and coinbase: the list without them, and the Bitcoin header at its end.
fn block_hash_preimage(header: &Header, fields: &HeaderFields) -> Vec<u8> {
    let list_prefix = 3;
    let mut payload = fields.encode_for_merged_mining()[list_prefix..].to_vec();
    payload.extend([0xb8, 80]);
    payload.extend_from_slice(header.proof().expect("mined").bitcoin_header);
    let mut preimage = vec![0xf9];
    preimage.extend((payload.len() as u16).to_be_bytes());
    preimage.extend(payload);
    assert_eq!(Keccak256::digest(&preimage).as_slice(), header.hash().as_bytes());
    preimage
}

#[divan::bench]
fn bare_primitives(bencher: Bencher<'_, '_>) {
    let Input { params, chunk, .. } = input();
    let hashed: Vec<Hashed> = chunk.iter().map(|raw| hashed(raw, &params)).collect();
    bencher.counter(ItemsCount::new(CHUNK)).bench(|| {
        for header in &hashed {
            black_box(Keccak256::digest(black_box(&header.block_hash)));
            black_box(Keccak256::digest(black_box(&header.merged_mining_hash)));
            black_box(sha256d::Hash::hash(black_box(&header.bitcoin_header)));
        }
        fold_merkle_paths(&hashed)
    });
}

fn fold_merkle_paths(hashed: &[Hashed]) -> Vec<[u8; 32]> {
    let coinbase_id = |header: &Hashed| {
        let mut engine = header.midstate.to_engine();
        engine.input(&header.tail);
        let (once, _) = engine.midstate().expect("whole blocks").to_parts();
        sha256::Hash::from_byte_array(once).hash_again().to_byte_array()
    };
    let mut nodes: Vec<[u8; 32]> = hashed.iter().map(coinbase_id).collect();
    let mut pairs = Vec::with_capacity(hashed.len() + 1);
    let mut owners = Vec::with_capacity(hashed.len());
    let mut parents = vec![[0; 32]; hashed.len() + 1];
    for layer in 0.. {
        pairs.clear();
        owners.clear();
        for (owner, header) in hashed.iter().enumerate() {
            if let Some(sibling) = header.siblings.get(layer) {
                let mut pair = [0; 64];
                pair[..32].copy_from_slice(&nodes[owner]);
                pair[32..].copy_from_slice(sibling);
                pairs.push(pair);
                owners.push(owner);
            }
        }
        if owners.is_empty() {
            break;
        }
        if pairs.len() % 2 == 1 {
            pairs.push([0; 64]);
        }
        sha256d::Hash::hash_64_many(&mut parents[..pairs.len()], &pairs);
        for (owner, parent) in owners.iter().zip(&parents) {
            nodes[*owner] = *parent;
        }
    }
    nodes
}
