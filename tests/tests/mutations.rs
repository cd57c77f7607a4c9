//! Every single bit of real headers of every era, flipped: nothing of it goes unnoticed.
//!
//! A changed header is noticed by decoding, by a rule that needs nothing but the header, or by its hash: it is then
//! another block, which no child and no checkpoint names. Since RSKIP-92 the hash does not cover the proof, and two bits
//! of it decide nothing: the coinbase's count of bytes is multiplied by eight modulo 2^64 when SHA-256 is finished,
//! so its bits 61 and 62 are shifted out (bit 63 is too, but is the count's sign in rskj). rskj takes such a header as
//! well, and it is the same block. For that reason nothing uses proof bytes as an identity.

use std::collections::BTreeMap;

use rustock_core::{
    consensus::{
        error::Rule,
        params::NetworkParams,
        verify::{Context, verify_header},
    },
    primitives::{
        header::{FullHeader, Header},
        number::BlockNumber,
    },
};
use rustock_tests::{
    chains::runs,
    headers::{NOW, hex_bytes},
    vectors::{number, read},
};

/// The bits of a coinbase's byte count that shift out, counted from its first bit on the wire.
const FREE_BITS: [usize; 2] = [1, 2];

/// What became of the header with one bit flipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Noticed {
    ByDecoding,
    ByRule(Rule),
    ByHashAlone,
    Not,
}

/// How often each way of noticing was met, and the bits of the two ways that are to be explained.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<Noticed, usize>,
    by_hash_alone: Vec<usize>,
    not_noticed: Vec<usize>,
}

fn flip_every_bit(header: &Header, params: &NetworkParams) -> Tally {
    let mut tally = Tally::default();
    let mut raw = header.raw().to_vec();
    for bit in 0..raw.len() * 8 {
        let mask = 0x80 >> (bit % 8);
        raw[bit / 8] ^= mask;
        let noticed = judge(&raw, header, params);
        raw[bit / 8] ^= mask;
        *tally.counts.entry(noticed).or_default() += 1;
        match noticed {
            Noticed::ByHashAlone => tally.by_hash_alone.push(bit),
            Noticed::Not => tally.not_noticed.push(bit),
            Noticed::ByDecoding | Noticed::ByRule(_) => {}
        }
    }
    tally
}

fn judge(raw: &[u8], original: &Header, params: &NetworkParams) -> Noticed {
    let Ok(changed) = Header::decode(raw, &params.activations) else { return Noticed::ByDecoding };
    let hash = changed.hash();
    match verify_header(changed, &Context::standalone(NOW), params) {
        Err(error) => Noticed::ByRule(error.rule()),
        Ok(_) if hash != original.hash() => Noticed::ByHashAlone,
        Ok(_) => Noticed::Not,
    }
}

/// The free bits of the header's coinbase, as bits of the whole header.
fn free_bits(header: &Header) -> Vec<usize> {
    let coinbase = header.proof().map_or(&[][..], |proof| proof.coinbase);
    if coinbase.is_empty() {
        return Vec::new();
    }
    // The coinbase is the header's last field.
    let start = header.raw().len() - coinbase.len();
    FREE_BITS.map(|bit| start * 8 + bit).to_vec()
}

/// A header, what is known of its origin, and its network.
struct Sample {
    name: String,
    header: Header,
    params: NetworkParams,
}

/// One real header of every era of both public networks, and some that a local rskj mined.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (file, params) in [
        ("headers-mainnet.json", NetworkParams::mainnet()),
        ("headers-testnet.json", NetworkParams::testnet()),
    ] {
        let records = read(file);
        let mut last_run = None;
        for record in records.as_array().expect("an array of records") {
            let is_whole = record["kind"] != "genesis" && record["kind"] != "header_no_auxpow";
            // Runs are of one era: their first header stands for them.
            let run = record["run"].as_str();
            let is_new = run.is_none() || run != last_run.as_deref();
            last_run = run.map(str::to_owned);
            if is_whole && is_new {
                let full = FullHeader::decode(&hex_bytes(record, "rlp_full"), &params.activations);
                let (header, _) = full.expect("a real header").into_parts();
                let name = format!("{} {}", params.name, number(record, "number"));
                samples.push(Sample { name, header, params: params.clone() });
            }
        }
    }
    for run in runs("rskj-chain-eras.json").into_iter().chain(runs("rskj-chain-v2.json")) {
        let mut last_version = None;
        for block in &run.blocks[1..] {
            let version = Some((block.header.version(), block.header.umm_root().is_some()));
            if version != last_version {
                let name = format!("{} {}", run.name, block.header.number());
                samples.push(Sample { name, header: block.header.clone(), params: run.params.clone() });
            }
            last_version = version;
        }
    }
    samples
}

#[test]
fn every_flipped_bit_of_real_headers_is_noticed_but_for_the_two_that_rskj_does_not_see_either() {
    let samples = samples();
    let mut totals: BTreeMap<Noticed, usize> = BTreeMap::new();
    for Sample { name, header, params } in &samples {
        verify_header(header.clone(), &Context::standalone(NOW), params)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let tally = flip_every_bit(header, params);
        let hash_covers_proof = !params.activations.rskip92.is_active(header.number());
        let free = free_bits(header);
        assert!(header.number() > BlockNumber::GENESIS);
        if hash_covers_proof {
            assert!(tally.not_noticed.is_empty(), "{name}: {:?}", tally.not_noticed);
            assert!(free.iter().all(|bit| tally.by_hash_alone.contains(bit)), "{name}");
        } else {
            assert_eq!(tally.not_noticed, free, "{name}");
        }
        for (noticed, count) in tally.counts {
            *totals.entry(noticed).or_default() += count;
        }
    }
    assert!(samples.len() > 30, "{} samples", samples.len());
    println!("{totals:?}");
}

#[test]
fn a_header_with_a_free_bit_flipped_is_the_same_block() {
    let mut seen = 0;
    for Sample { name, header, params } in samples() {
        if !params.activations.rskip92.is_active(header.number()) {
            continue;
        }
        for bit in free_bits(&header) {
            let mut raw = header.raw().to_vec();
            raw[bit / 8] ^= 0x80 >> (bit % 8);
            let twin = Header::decode(&raw, &params.activations).expect("a header");
            assert_eq!(twin.hash(), header.hash(), "{name}");
            assert_ne!(twin, header, "{name}: equality is over all bytes");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen} twins");
}
