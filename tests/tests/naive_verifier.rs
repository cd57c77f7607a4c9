//! The naive verifier says of every recorded header what rskj says of it, rule by rule, and finds nothing wrong
//! with the headers of real chains.

use std::collections::{BTreeMap, BTreeSet};

use rustock_test_support::naive::{
    blocks::{NaiveFamily, NaiveTip, NaiveUncleRule, block_weight, check_uncles, is_better},
    decode::{decode_extension, decode_full, decode_wire},
    header::{NaiveExtension, NaiveHeader},
    params::NaiveParams,
    rlp::Rlp,
    rules::{NaiveRule, check_extension, expected_difficulty, verify},
};
use rustock_tests::{
    headers::hex_bytes,
    vectors::{bytes, number, read, text},
};
use serde_json::Value;

fn rows(file: &str) -> Vec<Value> {
    read(file).as_array().expect("an array of rows").clone()
}

fn cases(file: &str) -> Vec<Value> {
    rows(file).into_iter().filter(|row| row["record"] == "case").collect()
}

/// The network that a row of parameters describes.
fn params_of(row: &Value) -> NaiveParams {
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

/// The rows that carry parameters, by the name at `key`.
fn params_by(file: &str, key: &str, record: &str) -> BTreeMap<String, NaiveParams> {
    let rows = rows(file).into_iter().filter(|row| row["record"] == record);
    rows.map(|row| (text(&row, key).to_owned(), params_of(&row))).collect()
}

// The constants.

#[test]
fn the_networks_are_those_of_rskj() {
    let file = read("networks.json");
    for (name, params) in [
        ("mainnet", NaiveParams::mainnet()),
        ("testnet", NaiveParams::testnet()),
        ("regtest", NaiveParams::regtest()),
    ] {
        let network = &file["networks"][name];
        let heights: BTreeMap<&str, i64> = [
            ("rskip92", params.rskip92),
            ("rskip97", params.rskip97),
            ("rskip98", params.rskip98),
            ("rskip110", params.rskip110),
            ("rskip126", params.rskip126),
            ("rskip144", params.rskip144),
            ("rskip156", params.rskip156),
            ("rskip179", params.rskip179),
            ("rskip180", params.rskip180),
            ("rskip290", params.rskip290),
            ("rskip297", params.rskip297),
            ("rskip351", params.rskip351),
            ("rskip535", params.rskip535),
            ("rskipUMM", params.rskip_umm),
        ]
        .into();
        for (rule, height) in heights {
            assert_eq!(network["header_rules"][rule].as_i64(), Some(height), "{name} {rule}");
        }
        let constants = &network["constants"];
        assert_eq!(number(constants, "block_time_parameter_seconds"), params.duration_limit as u64);
        assert_eq!(number(constants, "difficulty_bound_divisor"), u64::from(params.difficulty_divisor));
        assert_eq!(number(constants, "new_block_max_seconds_in_the_future"), params.max_future_seconds);
        assert_eq!(number(constants, "btc_rsk_max_timestamp_diff_seconds"), params.bitcoin_time_bound);
        assert_eq!(text(constants, "min_difficulty"), params.minimum_difficulty.to_string());
        assert_eq!(text(constants, "fallback_mining_max_difficulty"), params.fallback_difficulty.to_string());
        // A rule without a constant of its own changes nothing on that network.
        let after = |key: &str| constants[key].as_u64();
        assert_eq!(
            after("difficulty_bound_divisor_after_rskip156").unwrap_or(u64::from(params.difficulty_divisor)),
            u64::from(params.difficulty_divisor_after_rskip156)
        );
        assert_eq!(
            after("btc_rsk_max_timestamp_diff_seconds_after_rskip297").unwrap_or(params.bitcoin_time_bound),
            params.bitcoin_time_bound_after_rskip297
        );
        assert_eq!(
            constants["min_difficulty_after_rskip290"].as_str().map(str::to_owned),
            (name == "testnet").then(|| params.minimum_difficulty_after_rskip290.to_string())
        );
    }
    let common = &file["common_constants"];
    let mainnet = NaiveParams::mainnet();
    assert_eq!(bytes(common, "fallback_mining_pubkey_even_height"), mainnet.fallback_key_even);
    assert_eq!(bytes(common, "fallback_mining_pubkey_odd_height"), mainnet.fallback_key_odd);
    assert_eq!(number(common, "min_gas_limit"), mainnet.minimum_gas_limit);
}

// Verdicts on single headers.

/// Headers that rskj reads and judges and that the decoder refuses, as its documentation says.
const REFUSED_THOUGH_JUDGED: &[&str] = &[
    // Three empty fields of proof, which rskj would not write.
    "mainnet/pre92/pow/all_mining_fields_empty",
    // Leading zeros.
    "testnet/header/diff_raw_leading_zero",
    // 26 bytes.
    "testnet/header/paid_fees_big",
    // A leading zero.
    "testnet/header/timestamp_leading_zero",
    // An empty difficulty.
    "testnet/header/difficulty_null",
    // 31 bytes.
    "testnet/header/parent_hash_31_bytes",
    // An uncle count of `00ff`.
    "mainnet/arith/uncles_255_edge_-1",
    "mainnet/arith/uncles_255_edge_-1_plus1",
    "mainnet/arith/uncles_255_edge_1",
];

/// rskj's name of the rule, and `None` for the rules that it does not judge by themselves.
fn name_of(rule: &NaiveRule) -> Option<&'static str> {
    match rule {
        NaiveRule::ParentHash | NaiveRule::UmmRoot => None,
        NaiveRule::Number => Some("number"),
        NaiveRule::GasLimitBound => Some("gas_limit_bounds"),
        NaiveRule::GasLimitMinimum => Some("gas_limit_min"),
        NaiveRule::MinimumGasPrice => Some("min_gas_price"),
        NaiveRule::ExtraData => Some("extra_data"),
        NaiveRule::GasUsed => Some("gas_used"),
        NaiveRule::Difficulty => Some("difficulty"),
        NaiveRule::BitcoinTime | NaiveRule::FutureTime => Some("timestamp"),
        NaiveRule::ProofOfWork { .. } => Some("pow"),
        NaiveRule::ForkDetectionData { .. } => Some("fork_detection"),
    }
}

#[test]
fn every_verdict_of_rskj_is_reached_rule_by_rule() {
    let mut networks = params_by("rskj-verdicts.json", "network", "params");
    let (chain_params, chain) = chains("rskj-chain-v0.json").remove(0);
    networks.insert("regtest-v0".into(), chain_params);
    let chain: Vec<NaiveHeader> = chain.into_iter().map(|block| block.header).collect();

    let mut refused = Vec::new();
    for case in cases("rskj-verdicts.json") {
        let (id, params) = (text(&case, "id"), &networks[text(&case, "network")]);
        let wire = bytes(&case, "header");
        if case["decode"] == "error" {
            assert!(decode_wire(&wire, params).is_err(), "{id}");
            continue;
        }
        let parent = case["parent"].as_str().map(|_| decode_wire(&bytes(&case, "parent"), params));
        let (Ok(header), Ok(parent)) = (decode_wire(&wire, params), parent.transpose()) else {
            refused.push(id.to_owned());
            continue;
        };
        assert_eq!(hex::encode(header.block_hash(params)), text(&case, "hash"), "{id}");
        let hash_for_merged_mining = header.hash_for_merged_mining(params).ok().map(hex::encode);
        assert_eq!(hash_for_merged_mining.as_deref(), case["hash_for_merged_mining"].as_str(), "{id}");

        let judged = case["rules"].as_object().expect("verdicts");
        let below: Vec<NaiveHeader> = if text(&case, "network") == "regtest-v0" {
            chain[..header.number as usize].to_vec()
        } else {
            Vec::new()
        };
        let broken = verify(&header, parent.as_ref(), Some(&below), Some(number(&case, "now")), params);
        let seen: BTreeSet<&str> = broken.iter().filter_map(name_of).collect();
        let not_part_of_import = ["timestamp_vs_parent", "header_validator"];
        let expected: BTreeSet<&str> = judged
            .iter()
            .filter(|(rule, verdict)| **verdict != "valid" && !not_part_of_import.contains(&rule.as_str()))
            .map(|(rule, _)| rule.as_str())
            .collect();
        assert_eq!(seen, expected, "{id}: {broken:?}");
        if let Some(parent) = &parent {
            let difficulty = expected_difficulty(&header, parent, params).to_string();
            assert_eq!(difficulty, text(&case, "expected_difficulty"), "{id}");
        }
        let wrong_umm_root = id.contains("/umm/len_") && !id.ends_with("_0") && !id.ends_with("_20");
        assert_eq!(broken.contains(&NaiveRule::UmmRoot), wrong_umm_root, "{id}");
    }
    assert_eq!(refused, REFUSED_THOUGH_JUDGED);
}

#[test]
fn blocks_are_invalid_on_import_when_a_header_rule_says_so() {
    /// What only the execution of a block shows.
    const OUTSIDE_THE_HEADER: [&str; 2] = ["state_root_wrong", "paid_fees_wrong"];
    let params = params_of(&rows("rskj-import.json")[0]);
    let mut known = BTreeMap::new();
    for row in &rows("rskj-import.json")[1..] {
        let header =
            decode_wire(&bytes(row, "wire"), &params).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(hex::encode(header.block_hash(&params)), text(row, "hash"));
        if row["record"] == "case" {
            let id = text(row, "id");
            // One block's parent is not recorded.
            let parent = known.get(text(row, "parent_hash"));
            assert_eq!(parent.is_none(), id == "child_of_block_older_than_its_parent", "{id}");
            let broken = verify(&header, parent, None, Some(number(row, "now")), &params);
            let valid = row["import_result"] != "INVALID_BLOCK" || OUTSIDE_THE_HEADER.contains(&id);
            assert_eq!(broken.is_empty(), valid, "{id}: {broken:?}");
            let header_validator =
                broken.iter().any(|rule| matches!(name_of(rule), Some("pow" | "timestamp")));
            assert_eq!(header_validator, row["header_validator"] == "invalid", "{id}: {broken:?}");
        }
        known.insert(text(row, "hash").to_owned(), header);
    }
}

// The decoder.

/// Canonical for rskj, but with a field or a number that the decoder refuses, or another version than the height's.
const REFUSED_THOUGH_CANONICAL: &[&str] = &[
    // Another version than the height's, or extension data that is not `[version, 32 bytes]`.
    "regtest/version_byte/wire/1",
    "regtest/version_byte/wire/3",
    "regtest/extension_data/len_2_c102",
    "regtest/extension_data/len_34_e1029fa7",
    "regtest/extension_data/len_39_e602a02c",
    "regtest/extension_data/len_37_e4820207",
    "regtest/extension_data/len_35_e201a0ab",
    // Numbers beyond 128 bits.
    "mainnet/rlp/33_bytes_at_13",
    "mainnet/rlp/33_bytes_at_14",
    // Hashes and roots that are not 32 bytes.
    "mainnet/rlp/single_00_at_0",
    "mainnet/rlp/empty_at_0",
    "mainnet/rlp/single_00_at_1",
    "mainnet/rlp/empty_at_1",
    "mainnet/rlp/single_00_at_3",
    "mainnet/rlp/len_20_at_0",
    "mainnet/rlp/len_21_at_0",
    "mainnet/rlp/len_33_at_0",
    "mainnet/rlp/len_19_at_1",
    "mainnet/rlp/len_21_at_1",
    "mainnet/rlp/len_33_at_1",
    "mainnet/rlp/len_257_at_1",
    "mainnet/rlp/len_21_at_3",
    "mainnet/rlp/len_255_at_3",
    "mainnet/rlp/len_19_at_4",
    "mainnet/rlp/len_20_at_4",
    "mainnet/rlp/len_21_at_4",
    "mainnet/rlp/len_33_at_4",
    "mainnet/rlp/len_19_at_5",
    "mainnet/rlp/len_20_at_5",
    "mainnet/rlp/len_33_at_5",
    "mainnet/rlp/len_255_at_5",
    "mainnet/rlp/len_257_at_5",
    // A bloom that is not 256 bytes.
    "mainnet/rlp/single_00_at_6",
    "mainnet/rlp/empty_at_6",
    "mainnet/rlp/len_20_at_6",
    "mainnet/rlp/len_21_at_6",
    "mainnet/rlp/len_31_at_6",
    "mainnet/rlp/len_33_at_6",
    "mainnet/rlp/len_255_at_6",
];

#[test]
fn the_decoder_reads_what_rskj_reads_in_canonical_form_and_nothing_else() {
    let networks = params_by("rskj-decode.json", "network", "params");
    let mut refused = BTreeSet::new();
    let mut shorter = Vec::new();
    for case in cases("rskj-decode.json") {
        let (id, params, input) =
            (text(&case, "id"), &networks[text(&case, "network")], bytes(&case, "input"));
        let compressed = case["compressed"].as_bool().expect("a flag");
        let decoded = if compressed {
            decode_wire(&input, params).map(|header| (header, None))
        } else {
            decode_full(&input, params)
        };
        let written_as = |key: &str| match text(&case, key) {
            "=input" => text(&case, "input").to_owned(),
            "=re_wire" => text(&case, "re_wire").to_owned(),
            other => other.to_owned(),
        };
        if case["result"] == "error" {
            assert!(decoded.is_err(), "{id}");
            continue;
        }
        let own_form = if compressed { "re_wire" } else { "re_full" };
        let written = if case["re_wire"] == "=input" && case[own_form] == "=re_wire" {
            text(&case, "input").to_owned()
        } else {
            written_as(own_form)
        };
        let Ok((header, extension)) = decoded else {
            if written == text(&case, "input") {
                refused.insert(id.to_owned());
            }
            continue;
        };
        if written != text(&case, "input") {
            shorter.push(id.to_owned());
        }
        assert_eq!(hex::encode(header.block_hash(params)), text(&case, "hash"), "{id}");
        assert_eq!(hex::encode(header.hash_preimage(params)), written_as("re_hash_preimage"), "{id}");
        assert_eq!(hex::encode(header.encode_wire()), written_as("re_wire"), "{id}");
        if !compressed {
            assert_eq!(hex::encode(header.encode_full(extension.as_ref())), written, "{id}");
        }
        assert_eq!(u64::from(header.version), number(&case, "version"), "{id}");
    }
    let listed: BTreeSet<String> = REFUSED_THOUGH_CANONICAL.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(refused, listed);
    // Without the base event, in the window where that is allowed.
    assert!(!shorter.is_empty());
    for id in shorter {
        assert!(id.starts_with("testnet/") && (id.contains("absent") || id.contains("/full/")), "{id}");
    }
}

// Whole chains.

/// A block of a recorded chain.
#[derive(Clone)]
struct Block {
    row: Value,
    header: NaiveHeader,
    body: Option<Body>,
}

#[derive(Clone)]
struct Body {
    transactions: usize,
    uncles: Vec<(NaiveHeader, Vec<u8>)>,
    extension: Option<NaiveExtension>,
}

/// The runs of a chain file in their order.
fn chains(file: &str) -> Vec<(NaiveParams, Vec<Block>)> {
    let mut chains: Vec<(NaiveParams, Vec<Block>)> = Vec::new();
    for row in rows(file) {
        if row["record"] == "run" {
            chains.push((params_of(&row), Vec::new()));
            continue;
        }
        let (params, blocks) = chains.last_mut().expect("a run row before its blocks");
        let header = decode_wire(&bytes(&row, "wire"), params)
            .unwrap_or_else(|error| panic!("{file} {}: {error}", number(&row, "number")));
        let body = row["body_response_payload"].as_str().map(|_| body_of(&row, &header, params));
        blocks.push(Block { row, header, body });
    }
    assert!(!chains.is_empty(), "{file} has no run");
    chains
}

/// `[type, bytes of [id, [transactions, uncles, extension where there is one]]]` in a list of one.
fn body_of(row: &Value, header: &NaiveHeader, params: &NaiveParams) -> Body {
    let envelope = Rlp::decode(&bytes(row, "body_response_payload")).expect("a message");
    let message = &envelope.list().expect("one message")[0];
    let response = message.list().expect("type and content")[1].bytes().expect("content");
    let response = Rlp::decode(response).expect("a response");
    let [_id, body] = response.list().expect("id and body") else { panic!("{row}") };
    let body = body.list().expect("a body");
    let uncles = body[1].list().expect("uncles").iter().map(|uncle| {
        let full = uncle.encode();
        let (header, extension) = decode_full(&full, params).expect("an uncle");
        if let Some(extension) = extension {
            assert_eq!(check_extension(&header, &extension, None), []);
        }
        (header, full)
    });
    Body {
        transactions: body[0].list().expect("transactions").len(),
        uncles: uncles.collect(),
        extension: body
            .get(2)
            .map(|it| decode_extension(&it.encode(), header.number, params).expect("an extension")),
    }
}

impl Block {
    fn uncles(&self) -> Vec<NaiveHeader> {
        let body = self.body.as_ref();
        body.map(|body| body.uncles.iter().map(|(header, _)| header.clone()).collect()).unwrap_or_default()
    }
}

fn recorded_encodings_are_written_again(block: &Block, params: &NaiveParams) {
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
                let broken = check_uncles(header, &body.uncles, &families[..index], Some(0), &params);
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
