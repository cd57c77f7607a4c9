use rustock_core::consensus::rules::genesis;
use serde_json::json;

use super::*;

/// A file that names everything and belongs to no public network.
fn whole() -> Value {
    json!({
        "record": "run", "network": "mine", "run": "mine-1", "chain_id": 77, "network_id": 7, "duration_limit": 11,
        "difficulty_bound_divisor": 99, "minimum_difficulty": "340282366920938463463374607431768211455",
        "new_block_max_seconds_in_the_future": 5, "min_gas_limit": 3_000_000, "gas_limit_bound_divisor": 1024,
        "uncle_list_limit": 10, "uncle_generation_limit": 7,
        "activation_heights": {
            "rskip92": 1, "rskip97": -1, "rskip98": 2, "rskip110": 3, "rskip126": 4, "rskip144": 5, "rskip156": 6,
            "rskip179": 7, "rskip180": 8, "rskip290": 9, "rskip297": 10, "rskip351": 11, "rskip535": 12,
            "rskipumm": 13,
        },
    })
}

fn parse_value(value: &Value) -> Result<ParametersFile, ParametersError> {
    parse(value.to_string().as_bytes())
}

/// What a file says whose one field was changed, or left out for null.
fn changed(field: &str, to: Value) -> Result<ParametersFile, ParametersError> {
    let mut file = whole();
    let (object, field) = match field.split_once('.') {
        Some((object, field)) => (&mut file[object], field),
        None => (&mut file, field),
    };
    let map = object.as_object_mut().unwrap();
    if to.is_null() {
        map.remove(field)
    } else {
        map.insert(field.to_owned(), to)
    };
    parse_value(&file)
}

fn sentence(field: &str, to: Value) -> String {
    changed(field, to).unwrap_err().to_string()
}

#[test]
fn every_field_is_read_into_its_place() {
    let file = parse_value(&whole()).unwrap();
    assert!(!file.has_genesis && file.left_out.is_empty(), "{:?}", file.left_out);
    let expected = NetworkParams {
        name: "mine-1".to_owned(),
        chain_id: 77,
        network_id: 7,
        boot_nodes: Vec::new(),
        activations: Activations {
            rskip92: Activation::at(1),
            rskip97: Activation::NEVER,
            rskip98: Activation::at(2),
            rskip110: Activation::at(3),
            rskip126: Activation::at(4),
            rskip144: Activation::at(5),
            rskip156: Activation::at(6),
            rskip179: Activation::at(7),
            rskip180: Activation::at(8),
            rskip290: Activation::at(9),
            rskip297: Activation::at(10),
            rskip351: Activation::at(11),
            rskip535: Activation::at(12),
            rskip_umm: Activation::at(13),
            base_event_required: Activation::GENESIS,
        },
        target_block_seconds: 11,
        minimum_difficulty: Difficulty::new(u128::MAX),
        difficulty_divisor: 99,
        difficulty_divisor_after_rskip156: 400,
        max_future: Duration::from_secs(5),
        last_known_upgrade: BlockNumber::new(u64::MAX),
        ..NetworkParams::mainnet()
    };
    assert_eq!(file.params, expected);
}

#[test]
fn each_missing_field_is_named() {
    let fields = [
        "chain_id",
        "network_id",
        "duration_limit",
        "difficulty_bound_divisor",
        "minimum_difficulty",
        "new_block_max_seconds_in_the_future",
        "activation_heights",
        "activation_heights.rskip92",
        "activation_heights.rskipumm",
    ];
    for field in fields {
        assert_eq!(sentence(field, Value::Null), format!("the field {field} is missing"));
    }
}

#[test]
fn each_wrong_type_is_named_with_what_is_there() {
    let number = "must be a number, seen a text";
    let cases = [
        ("chain_id", json!("77"), number),
        ("network_id", json!([7]), "must be a number, seen an array"),
        ("duration_limit", json!(true), "must be a number, seen true or false"),
        ("minimum_difficulty", json!(1), "must be a text, seen a number"),
        ("activation_heights", json!(3), "must be an object, seen a number"),
        ("activation_heights.rskip98", json!("3"), "must be a height, or -1 for never, seen a text"),
        ("min_gas_limit", json!("3000000"), number),
        ("run", json!({}), "must be a text, seen an object"),
        ("genesis", json!(0), "must be a text, seen a number"),
    ];
    for (field, value, text) in cases {
        assert_eq!(sentence(field, value), format!("the field {field} {text}"));
    }
}

#[test]
fn each_number_out_of_range_is_named_with_the_range() {
    let cases = [
        ("chain_id", json!(1u64 << 32), "a whole number from 0 to 4294967295", "4294967296"),
        ("network_id", json!(1u64 << 31), "a whole number from 0 to 2147483647", "2147483648"),
        ("duration_limit", json!(0), "a whole number from 1 to 2147483647", "0"),
        ("duration_limit", json!(14.5), "a whole number from 0 to 2147483647", "14.5"),
        ("difficulty_bound_divisor", json!(0), "a whole number from 1 to 2147483647", "0"),
        ("new_block_max_seconds_in_the_future", json!(-1), "a whole number from 0 to 2147483647", "-1"),
        ("activation_heights.rskip92", json!(-2), "a height, or -1 for never", "-2"),
        ("activation_heights.rskip92", json!(1u64 << 63), "a height, or -1 for never", "9223372036854775808"),
    ];
    for (field, value, expected, seen) in cases {
        assert_eq!(sentence(field, value), format!("the field {field} must be {expected}, seen {seen}"));
    }
    for text in ["0", "-1", "+1", "", "0x10", "1.0", "340282366920938463463374607431768211456"] {
        let sentence = sentence("minimum_difficulty", json!(text));
        assert!(sentence.starts_with("the field minimum_difficulty must be a decimal number"), "{sentence}");
    }
}

#[test]
fn an_unknown_activation_is_refused_and_another_unknown_field_is_not() {
    let text = sentence("activation_heights.rskip999", json!(1));
    assert!(text.starts_with("unknown activation rskip999: the known ones are rskip92, rskip97,"), "{text}");
    assert_eq!(changed("colour", json!("blue")), parse_value(&whole()));
}

#[test]
fn constants_that_rskj_has_for_every_network_are_optional() {
    let mainnet = NetworkParams::mainnet();
    let constants: [(&str, u64); 5] = [
        ("min_gas_limit", 3_000_000),
        ("gas_limit_bound_divisor", 1024),
        ("max_extra_data", 32),
        ("uncle_list_limit", 10),
        ("uncle_generation_limit", 7),
    ];
    for (field, value) in constants {
        assert_eq!(changed(field, Value::Null), parse_value(&whole()));
        assert_eq!(changed(field, json!(value)), parse_value(&whole()));
        let params = changed(field, json!(value + 1)).unwrap().params;
        let seen = [
            params.minimum_gas_limit == mainnet.minimum_gas_limit + 1,
            params.gas_limit_bound_divisor == mainnet.gas_limit_bound_divisor + 1,
            params.maximum_extra_data == mainnet.maximum_extra_data + 1,
            params.uncle_list_limit == mainnet.uncle_list_limit + 1,
            params.uncle_generation_limit == mainnet.uncle_generation_limit + 1,
        ];
        let expected = constants.map(|(name, _)| name == field);
        assert_eq!(seen, expected, "{field}");
    }
    assert_eq!(
        sentence("gas_limit_bound_divisor", json!(0)),
        "the field gas_limit_bound_divisor must be a whole number from 1 to 9223372036854775807, seen 0"
    );
    let params = changed("fallback_mining_difficulty", json!("0")).unwrap().params;
    assert_eq!(params.fallback_mining_difficulty, Difficulty::new(0));
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    assert!(parse(b"").unwrap_err().to_string().starts_with("not JSON: EOF"));
    assert!(parse(b"{} {}").unwrap_err().to_string().starts_with("not JSON: trailing characters"));
    assert!(matches!(parse(b"\xff"), Err(ParametersError::NotJson(_))));
    assert_eq!(parse(b"[]").unwrap_err().to_string(), "one JSON object is expected, seen an array");
}

#[test]
fn the_chain_id_decides_the_constants_that_rskj_hangs_on_it() {
    let of = |chain_id: u32| changed("chain_id", json!(chain_id)).unwrap().params;
    for chain_id in [30, 32, 77] {
        let params = of(chain_id);
        assert_eq!((params.difficulty_divisor, params.difficulty_divisor_after_rskip156), (99, 400));
        assert_eq!(params.minimum_difficulty_after_rskip290, None);
        assert_eq!(params.bitcoin_time_bound_after_rskip297, None);
    }
    for chain_id in [31, 34] {
        let params = of(chain_id);
        assert_eq!(params.difficulty_divisor_after_rskip156, 400);
        assert_eq!(params.minimum_difficulty_after_rskip290, Some(Difficulty::new(550_000_000)));
        assert_eq!(params.bitcoin_time_bound_after_rskip297, Some(Duration::from_secs(7200)));
    }
    assert_eq!(of(33).difficulty_divisor_after_rskip156, 99);
}

#[test]
fn a_public_chain_id_gives_what_the_file_leaves_out() {
    let text = br#"{"chain_id": 31, "activation_heights": {"rskip110": 5}}"#;
    let file = parse(text).unwrap();
    let testnet = NetworkParams::testnet();
    let expected = NetworkParams {
        name: "custom".to_owned(),
        boot_nodes: Vec::new(),
        last_known_upgrade: BlockNumber::new(u64::MAX),
        activations: Activations { rskip110: Activation::at(5), ..testnet.activations.clone() },
        ..testnet
    };
    assert_eq!(file.params, expected);
    assert_eq!(file.left_out.len(), 5 + 13, "{:?}", file.left_out);
    assert!(!file.has_genesis);
    // A public network's name is as good as its chain id, and another one is not.
    let file = parse(br#"{"network": "regtest", "activation_heights": {}}"#).unwrap();
    assert_eq!((file.params.chain_id, file.params.name.as_str()), (33, "custom regtest"));
    let refusal = parse(br#"{"network": "simnet", "activation_heights": {}}"#).unwrap_err();
    assert_eq!(refusal.to_string(), "the field chain_id is missing");
}

#[test]
fn the_whole_public_networks_come_back_from_their_own_numbers() {
    for public in [NetworkParams::mainnet(), NetworkParams::testnet(), NetworkParams::regtest()] {
        let text = json!({ "chain_id": public.chain_id, "activation_heights": {} }).to_string();
        let params = parse(text.as_bytes()).unwrap().params;
        let as_public = NetworkParams {
            name: public.name.clone(),
            boot_nodes: public.boot_nodes.clone(),
            last_known_upgrade: public.last_known_upgrade,
            ..params
        };
        assert_eq!(as_public, public);
    }
}

#[test]
fn a_genesis_is_decoded_under_the_heights_of_the_file() {
    let simnet = NetworkParams::simnet().genesis.encode();
    for prefix in ["", "0x"] {
        let file = changed("genesis", json!(format!("{prefix}{}", hex::encode(&simnet)))).unwrap();
        assert!(file.has_genesis);
        let header = file.params.genesis_header().unwrap();
        assert_eq!(header.raw(), simnet);
        assert_eq!(genesis::check(&header, &file.params), Ok(()));
    }
    assert_eq!(
        sentence("genesis", json!("0xzz")),
        "the field genesis is no header: not hex: Invalid character 'z' at position 0"
    );
    let cut = hex::encode(&simnet[..simnet.len() - 1]);
    assert!(sentence("genesis", json!(cut)).starts_with("the field genesis is no header: "));
    let mut fields = NetworkParams::simnet().genesis;
    fields.number = BlockNumber::new(1);
    fields.genesis_difficulty_padding = 0;
    let first = sentence("genesis", json!(hex::encode(fields.encode())));
    assert!(first.starts_with("the field genesis is no header: "), "{first}");
}
