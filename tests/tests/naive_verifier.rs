//! The naive verifier says of every recorded header what rskj says of it, rule by rule.

use std::collections::{BTreeMap, BTreeSet};

use rustock_test_support::naive::{
    decode::{decode_full, decode_wire},
    header::NaiveHeader,
    params::NaiveParams,
    rules::{NaiveRule, expected_difficulty, verify},
};
use rustock_tests::{
    naive::{cases, chains, networks, params_of, rows},
    vectors::{bytes, number, read, text},
};

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
    let mut networks = networks("rskj-verdicts.json");
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
    let networks = networks("rskj-decode.json");
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
