//! The naive verifier finds nothing wrong with the chains that rskj made and with the headers of real chains,
//! weighs blocks and judges uncles as rskj does, and reads no header that was changed as the one that it was.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rustock_test_support::naive::{
    blocks::{NaiveFamily, NaiveTip, NaiveUncleRule, block_weight, check_uncles, is_better},
    decode::{decode_extension, decode_full, decode_wire},
    header::{NaiveExtension, NaiveHeader},
    params::NaiveParams,
    proof,
    rules::{check_extension, verify},
};
use rustock_tests::{
    headers::hex_bytes,
    naive::{NaiveBlock, chains, params_of, rows},
    vectors::{bytes, number, read, text},
};
use serde_json::Value;

fn recorded_encodings_are_written_again(block: &NaiveBlock, params: &NaiveParams) {
    let (row, header) = (&block.row, &block.header);
    let at = header.number;
    assert_eq!(hex::encode(header.block_hash(params)), text(row, "hash"), "{at}");
    let hash = header.hash_for_merged_mining(params);
    assert_eq!(hash.map(hex::encode).as_deref(), Ok(text(row, "hash_for_merged_mining")), "{at}");
    assert_eq!(header.difficulty.to_string(), text(row, "difficulty"), "{at}");
    assert_eq!(u64::from(header.version), number(row, "version"), "{at}");
    if let Some(data) = row["fork_detection_data"].as_str() {
        let seen = header.fork_detection_data(params).expect("fork-detection data");
        assert_eq!(seen.map(hex::encode).unwrap_or_default(), data, "{at}");
    }
    if let Some(preimage) = row["hash_preimage"].as_str() {
        assert_eq!(hex::encode(header.hash_preimage(params)), preimage, "{at}");
        assert_eq!(hex::encode(header.merged_mining_preimage()), text(row, "mm_preimage"), "{at}");
    }
    if row["full"].is_string() {
        let (from_full, extension) = decode_full(&bytes(row, "full"), params).expect("a full header");
        assert_eq!(&from_full, header);
        let extension = extension.expect("an extension");
        assert_eq!(check_extension(header, &extension, Some(number(row, "tx_count") as usize)), [], "{at}");
    }
}

#[test]
fn nothing_is_wrong_with_the_chains_that_rskj_made() {
    for file in ["rskj-chain-v0.json", "rskj-chain-v2.json", "rskj-chain-eras.json"] {
        for (params, blocks) in chains(file) {
            let headers: Vec<NaiveHeader> = blocks.iter().map(|block| block.header.clone()).collect();
            let families: Vec<NaiveFamily> = blocks
                .iter()
                .map(|block| NaiveFamily { header: block.header.clone(), uncles: block.uncles() })
                .collect();
            let mut total = blocks[0].header.difficulty.clone();
            for (index, block) in blocks.iter().enumerate() {
                recorded_encodings_are_written_again(block, &params);
                if index == 0 {
                    continue;
                }
                let (header, at) = (&block.header, block.header.number);
                let below = &headers[..index];
                assert_eq!(verify(header, below.last(), Some(below), Some(0), &params), [], "{file} {at}");
                let weight = block_weight(header, &block.uncles());
                total += &weight;
                assert_eq!(weight.to_string(), text(&block.row, "block_weight"), "{file} {at}");
                assert_eq!(total.to_string(), text(&block.row, "total_difficulty"), "{file} {at}");
                let Some(body) = &block.body else { continue };
                let mut uncles = Vec::new();
                for (uncle, extension, full) in &body.uncles {
                    if let Some(extension) = extension {
                        assert_eq!(check_extension(uncle, extension, None), [], "{file} {at}");
                    }
                    uncles.push((uncle.clone(), full.clone()));
                }
                let broken = check_uncles(header, &uncles, &families[..index], Some(0), &params);
                assert_eq!(broken, [], "{file} {at}");
                assert_eq!(body.extension.is_some(), header.version > 0, "{file} {at}");
                if let Some(extension) = &body.extension {
                    let broken = check_extension(header, extension, Some(body.transactions));
                    assert_eq!(broken, [], "{file} {at}");
                }
            }
        }
    }
}

// Uncles and fork choice.

#[test]
fn uncle_lists_are_valid_exactly_where_rskj_says_so() {
    let rows = rows("rskj-uncles.json");
    let params = NaiveParams { rskip144: -1, ..params_of_uncles(&rows[0]) };
    let header = |row: &Value| decode_wire(&bytes(row, "wire"), &params).expect("a header");
    let mut branches: BTreeMap<Vec<u8>, Vec<NaiveFamily>> = BTreeMap::new();
    for row in &rows[1..] {
        let block = header(row);
        let uncles: Vec<(NaiveHeader, Vec<u8>)> = row["uncles"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|uncle| {
                let full = bytes(uncle, "full");
                (decode_full(&full, &params).expect("an uncle").0, full)
            })
            .collect();
        let below = branches.get(&block.parent_hash).cloned().unwrap_or_default();
        if row["record"] == "case" {
            let broken = check_uncles(&block, &uncles, &below, Some(0), &params);
            assert_eq!(broken.is_empty(), row["uncle_rule"] == "valid", "{}: {broken:?}", row["id"]);
            let headers: Vec<NaiveHeader> = uncles.iter().map(|(header, _)| header.clone()).collect();
            assert_eq!(
                block_weight(&block, &headers).to_string(),
                text(row, "block_weight"),
                "{}",
                row["id"]
            );
            if row["id"] == "wrong_uncles_hash" {
                assert_eq!(broken, [NaiveUncleRule::UnclesHash]);
            }
        }
        let mut branch = below;
        let hash = block.block_hash(&params).to_vec();
        let uncles = uncles.into_iter().map(|(header, _)| header).collect();
        branch.push(NaiveFamily { header: block, uncles });
        branches.insert(hash, branch);
    }
}

/// The run row of the uncle cases names a network, not a chain.
fn params_of_uncles(row: &Value) -> NaiveParams {
    let mut row = row.clone();
    row["chain_id"] = 33.into();
    params_of(&row)
}

#[test]
fn the_best_block_after_every_import_is_rskjs() {
    let mut best: BTreeMap<String, NaiveTip> = BTreeMap::new();
    let mut totals: BTreeMap<(String, String), NaiveTip> = BTreeMap::new();
    let mut replaced = 0;
    for row in rows("rskj-forkchoice.json") {
        let run = text(&row, "run").to_owned();
        if row["record"] == "run" {
            continue;
        }
        let hash: [u8; 32] = bytes(&row, "hash").try_into().expect("a hash");
        let mut tip = NaiveTip {
            total_difficulty: text(&row, "total_difficulty").parse().expect("a number"),
            paid_fees: row["paid_fees"].as_str().unwrap_or("0").parse().expect("a number"),
            hash,
        };
        if row["record"] == "import" {
            let parent = &totals[&(run.clone(), text(&row, "parent").to_owned())];
            let weight: NaiveTip = NaiveTip {
                total_difficulty: text(&row, "block_weight").parse().expect("a number"),
                ..tip.clone()
            };
            tip.total_difficulty = &parent.total_difficulty + weight.total_difficulty;
            assert_eq!(tip.total_difficulty.to_string(), text(&row, "total_difficulty"));
            let better = is_better(&tip, &best[&run]);
            assert_eq!(better, row["result"] == "IMPORTED_BEST", "{row}");
            replaced += usize::from(better);
            if better {
                best.insert(run.clone(), tip.clone());
            }
            assert_eq!(hex::encode(best[&run].hash), text(&row, "best_after"), "{row}");
        } else {
            best.insert(run.clone(), tip.clone());
        }
        totals.insert((run, text(&row, "hash").to_owned()), tip);
    }
    assert_eq!(replaced, 888);
}

// Real headers.

#[test]
fn nothing_is_wrong_with_real_headers() {
    for (file, params) in
        [("headers-mainnet.json", NaiveParams::mainnet()), ("headers-testnet.json", NaiveParams::testnet())]
    {
        let mut run: Vec<NaiveHeader> = Vec::new();
        let (mut judged, mut with_parent, mut with_ancestors) = (0, 0, 0);
        for record in rows(file).iter().filter(|record| record["kind"] != "header_no_auxpow") {
            let at = number(record, "number");
            let (header, extension) = decode_full(&hex_bytes(record, "rlp_full"), &params)
                .unwrap_or_else(|error| panic!("{file} {at}: {error}"));
            let hash = header.block_hash(&params);
            assert_eq!(hash.to_vec(), hex_bytes(record, "hash"), "{file} {at}");
            if let Some(extension) = &extension {
                assert_eq!(check_extension(&header, extension, None), [], "{file} {at}");
            }
            if run.last().is_none_or(|last| last.block_hash(&params)[..] != header.parent_hash[..]) {
                run.clear();
            }
            if record["kind"] != "genesis" {
                let ancestors = (run.len() >= 449).then_some(run.as_slice());
                let broken = verify(&header, run.last(), ancestors, Some(header.timestamp), &params);
                assert_eq!(broken, [], "{file} {at}");
                judged += 1;
                with_parent += usize::from(!run.is_empty());
                with_ancestors += usize::from(ancestors.is_some());
            }
            run.push(header);
        }
        let expected = if file == "headers-mainnet.json" { (1802, 1780, 804) } else { (21, 10, 0) };
        assert_eq!((judged, with_parent, with_ancestors), expected, "{file}");
    }
}

// Computed cases.

/// The cases of an entry of `consensus.json`.
fn computed(id: &str) -> Value {
    let file = read("consensus.json");
    let entries = file["vectors"].as_array().expect("entries");
    entries.iter().find(|entry| entry["id"] == id).unwrap_or_else(|| panic!("no {id}")).clone()
}

#[test]
fn the_computed_proofs_are_valid_and_invalid_as_they_should() {
    for case in computed("pow-synthetic")["input"]["cases"].as_array().expect("cases") {
        let params =
            if case["network"] == "testnet" { NaiveParams::testnet() } else { NaiveParams::mainnet() };
        let valid = decode_wire(&bytes(case, "rlp_full"), &params).and_then(|header| {
            if let Some(hash) = case["hash"].as_str() {
                assert_eq!(hex::encode(header.block_hash(&params)), hash);
            }
            proof::check(&header, &params)
        });
        assert_eq!(valid.is_ok(), case["pow_valid"] == true, "{}: {valid:?}", case["id"]);
    }
}

#[test]
fn the_computed_extensions_are_encoded_and_hashed_alike() {
    for id in [
        "ext-v1-zero-empty",
        "ext-v2-zero-empty",
        "ext-v1-bloom-edges",
        "ext-v1-no-edges-field",
        "ext-v2-bloom-edges-event",
        "ext-v2-no-edges-field",
    ] {
        let entry = computed(id);
        let (input, expected) = (&entry["input"], &entry["expected"]);
        let edges = input["edges"].as_array().map(|edges| {
            edges.iter().map(|edge| edge.as_i64().expect("an edge") as i16).collect::<Vec<i16>>()
        });
        let version = number(input, "version") as u8;
        let extension = NaiveExtension {
            version,
            logs_bloom: bytes(input, "logs_bloom"),
            base_event: (version == 2).then(|| bytes(input, "base_event")),
            edges,
        };
        assert_eq!(hex::encode(extension.encode()), text(expected, "extension_encoded"), "{id}");
        assert_eq!(hex::encode(extension.hash()), text(expected, "extension_hash"), "{id}");
        let data = text(expected, "extension_data_in_compressed_header");
        assert_eq!(hex::encode(extension.extension_data()), data, "{id}");
        let in_body = bytes(expected, "extension_on_wire_in_body_response");
        assert_eq!(hex::encode(extension.encode_in_body()), hex::encode(&in_body), "{id}");

        let has_edges = if extension.edges.is_some() { 1 } else { -1 };
        let second = if version == 2 { 1 } else { -1 };
        let params = NaiveParams { rskip144: has_edges, rskip535: second, ..NaiveParams::regtest() };
        assert_eq!(decode_extension(&in_body, 1, &params), Ok(extension), "{id}");
    }
}

// Changed headers.

proptest! {
    /// A flipped bit is noticed: the header is refused, breaks a rule or has another hash. Free are only two bits
    /// of the count of hashed bytes, which neither the hash since RSKIP-92 nor SHA-256 cares about.
    #[test]
    fn no_changed_header_passes_for_the_original(record in 0_usize..1803, at: prop::sample::Index, bit in 0..8) {
        let params = NaiveParams::mainnet();
        let original = MAINNET.with(|records| records[record].clone());
        let mut changed = original.clone();
        let position = at.index(changed.len());
        changed[position] ^= 1_u8 << bit;
        let (before, _) = decode_full(&original, &params).expect("a real header");
        if let Ok((header, _)) = decode_full(&changed, &params) {
            prop_assert_eq!(header.encode_wire(), changed);
            let other_hash = header.block_hash(&params) != before.block_hash(&params);
            let broken = verify(&header, None, None, None, &params);
            let free_bit = [5, 6].contains(&bit)
                && header.compressed_coinbase[0] != before.compressed_coinbase[0];
            prop_assert!(other_hash || !broken.is_empty() || free_bit, "byte {} bit {}", position, bit);
        }
    }

    /// Whatever comes, the decoders answer, and so do the rules on what they read.
    #[test]
    fn no_bytes_make_the_verifier_panic(
        record in 0_usize..1803,
        at: prop::sample::Index,
        removed in 0_usize..40,
        inserted in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut changed = MAINNET.with(|records| records[record].clone());
        let from = at.index(changed.len());
        let to = (from + removed).min(changed.len());
        changed.splice(from..to, inserted);
        for params in [NaiveParams::mainnet(), NaiveParams::testnet(), NaiveParams::regtest()] {
            let read = [decode_wire(&changed, &params), decode_full(&changed, &params).map(|it| it.0)];
            for header in read.into_iter().flatten() {
                let below = [header.clone()];
                verify(&header, Some(&header), Some(&below), Some(u64::MAX), &params);
            }
        }
    }
}

thread_local! {
    static MAINNET: Vec<Vec<u8>> =
        rows("headers-mainnet.json").iter().map(|record| hex_bytes(record, "rlp_full")).collect();
}
