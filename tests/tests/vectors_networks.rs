//! The parameters of the public networks are those of rskj's configuration, value by value.

use std::time::Duration;

use rustock_core::{
    consensus::params::{EMPTY_TRIE_ROOT, EMPTY_UNCLES_HASH, NetworkParams},
    primitives::{activation::Activation, number::Difficulty},
};
use rustock_tests::vectors;
use serde_json::Value;

fn configured(network: &str) -> Value {
    vectors::read("networks.json")["networks"][network].clone()
}

fn difficulty(constants: &Value, key: &str) -> Option<Difficulty> {
    constants[key].as_str().map(|text| Difficulty::new(text.parse().expect("a decimal number")))
}

fn seconds(constants: &Value, key: &str) -> Option<Duration> {
    constants[key].as_u64().map(Duration::from_secs)
}

fn check(network: &str, params: &NetworkParams) {
    let configured = configured(network);
    assert_eq!(u64::from(params.chain_id), vectors::number(&configured, "chain_id"), "{network}");
    assert_eq!(u64::from(params.network_id), vectors::number(&configured, "p2p_network_id"), "{network}");
    assert_eq!(u64::from(params.default_port), vectors::number(&configured, "p2p_port"), "{network}");
    let boot_nodes: Vec<&str> =
        configured["bootnodes"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(params.boot_nodes, boot_nodes, "{network}");

    let constants = &configured["constants"];
    assert_eq!(
        u64::from(params.target_block_seconds),
        vectors::number(constants, "block_time_parameter_seconds")
    );
    assert_eq!(Some(params.minimum_difficulty), difficulty(constants, "min_difficulty"), "{network}");
    assert_eq!(
        params.minimum_difficulty_after_rskip290,
        difficulty(constants, "min_difficulty_after_rskip290")
    );
    let divisor = vectors::number(constants, "difficulty_bound_divisor");
    assert_eq!(u64::from(params.difficulty_divisor), divisor, "{network}");
    let later = constants["difficulty_bound_divisor_after_rskip156"].as_u64().unwrap_or(divisor);
    assert_eq!(u64::from(params.difficulty_divisor_after_rskip156), later, "{network}");
    assert_eq!(Some(params.max_future), seconds(constants, "new_block_max_seconds_in_the_future"));
    assert_eq!(Some(params.bitcoin_time_bound), seconds(constants, "btc_rsk_max_timestamp_diff_seconds"));
    assert_eq!(
        params.bitcoin_time_bound_after_rskip297,
        seconds(constants, "btc_rsk_max_timestamp_diff_seconds_after_rskip297")
    );

    assert_eq!(
        Some(params.fallback_mining_difficulty),
        difficulty(constants, "fallback_mining_max_difficulty"),
        "{network}"
    );
    check_common(params);

    let heights = &configured["header_rules"];
    let activations = &params.activations;
    let named = [
        ("rskip92", activations.rskip92),
        ("rskip97", activations.rskip97),
        ("rskip98", activations.rskip98),
        ("rskip110", activations.rskip110),
        ("rskip126", activations.rskip126),
        ("rskip144", activations.rskip144),
        ("rskip156", activations.rskip156),
        ("rskip179", activations.rskip179),
        ("rskip180", activations.rskip180),
        ("rskip290", activations.rskip290),
        ("rskip297", activations.rskip297),
        ("rskip351", activations.rskip351),
        ("rskip535", activations.rskip535),
        ("rskipUMM", activations.rskip_umm),
    ];
    for (name, activation) in named {
        let height = heights[name].as_i64().unwrap_or_else(|| panic!("{network} has no {name}"));
        assert_eq!(activation, Activation::from_rskj(height), "{network} {name}");
    }
    // RSKIP-85 only matters together with RSKIP-126, and to full nodes: it is the one that is left out.
    assert_eq!(heights.as_object().map(serde_json::Map::len), Some(named.len() + 1), "{network}");

    let genesis = params.genesis_header().expect("a header");
    let given = &configured["genesis"];
    assert_eq!(genesis.hash().to_string(), vectors::text(given, "hash"), "{network}");
    assert_eq!(hex::encode(genesis.raw()), vectors::text(given, "rlp_full"), "{network}");
    let total = vectors::text(given, "total_difficulty");
    assert_eq!(genesis.difficulty().to_string(), total, "{network}");
}

/// What rskj has the same on every network.
fn check_common(params: &NetworkParams) {
    let common = vectors::read("networks.json")["common_constants"].clone();
    let number = |key| vectors::number(&common, key);
    assert_eq!(params.minimum_gas_limit, number("min_gas_limit").into());
    assert_eq!(params.gas_limit_bound_divisor, number("gas_limit_bound_divisor").into());
    assert_eq!(params.maximum_extra_data as u64, number("max_extra_data_bytes"));
    assert_eq!(params.uncle_list_limit as u64, number("uncle_list_limit"));
    assert_eq!(params.uncle_generation_limit, number("uncle_generation_limit"));
    let keys = ["fallback_mining_pubkey_even_height", "fallback_mining_pubkey_odd_height"];
    assert_eq!(params.fallback_keys, keys.map(|key| vectors::array::<65>(&common, key)));
}

#[test]
fn no_rule_of_a_public_network_starts_above_its_last_known_upgrade() {
    for params in [NetworkParams::mainnet(), NetworkParams::testnet(), NetworkParams::regtest()] {
        let heights = configured(&params.name)["header_rules"].clone();
        let highest = heights.as_object().expect("heights").values().filter_map(Value::as_i64).max();
        let last_known = i64::try_from(params.last_known_upgrade.get()).expect("a height");
        assert!(highest.expect("a height") <= last_known, "{}", params.name);
    }
}

#[test]
fn every_parameter_of_the_public_networks_is_rskjs() {
    check("mainnet", &NetworkParams::mainnet());
    check("testnet", &NetworkParams::testnet());
    check("regtest", &NetworkParams::regtest());
}

#[test]
fn the_empty_hashes_are_rskjs() {
    let common = vectors::read("networks.json")["common_constants"].clone();
    assert_eq!(EMPTY_UNCLES_HASH.as_bytes(), &vectors::array::<32>(&common, "empty_list_hash"));
    assert_eq!(EMPTY_TRIE_ROOT.as_bytes(), &vectors::array::<32>(&common, "empty_trie_hash"));
}

#[test]
fn simnet_has_mainnets_constants_and_every_rule_from_the_start() {
    let (simnet, mainnet) = (NetworkParams::simnet(), NetworkParams::mainnet());
    assert_eq!(simnet.difficulty_divisor_after_rskip156, mainnet.difficulty_divisor_after_rskip156);
    assert_eq!(simnet.max_future, mainnet.max_future);
    assert_eq!(simnet.minimum_difficulty, Difficulty::new(1));
    assert_eq!(simnet.activations.rskip110, Activation::GENESIS);
    assert_eq!(simnet.activations.rskip351, Activation::NEVER);
    let others = [mainnet, NetworkParams::testnet(), NetworkParams::regtest()];
    assert!(
        others
            .iter()
            .all(|other| { other.chain_id != simnet.chain_id && other.network_id != simnet.network_id })
    );
}
