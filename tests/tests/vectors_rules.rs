//! Single rules against recorded cases: rskj's own tests, and what a running rskj said of made-up headers.
//!
//! Most cases break one rule and have no ancestors; the rules take parameters, so each is asked alone.

use std::collections::BTreeMap;

use rustock_core::{
    consensus::{
        chunk::verify_chunk,
        error::HeaderError,
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        rules::{
            bitcoin_timestamp, difficulty, extra_data,
            fork_detection::{self, ForkDetectionCheck},
            future_timestamp, gas_limit, gas_used, linkage,
            merged_mining::{
                self, commitment, merkle_proof,
                partial_merkle_tree::{self, PartialMerkleTree},
                proof_of_work,
            },
            minimum_gas_price, number, timestamp,
        },
        verify::{Context, verify_header},
    },
    primitives::{
        activation::Activation,
        hash::BlockHash,
        header::{Header, HeaderFields, ProofFields},
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};
use rustock_tests::{
    chains::{CHAIN_FILES, Run, runs},
    headers::{IRIS_RUN, NOW, hex_bytes, mainnet_run},
    vectors::{bytes, number as number_at, read, text},
};
use serde_json::Value;

fn entry(id: &str) -> Value {
    let file = read("consensus.json");
    let entries = file["vectors"].as_array().expect("an array of entries").clone();
    entries.into_iter().find(|entry| entry["id"] == id).unwrap_or_else(|| panic!("no entry {id}"))
}

fn cases(id: &str) -> Vec<Value> {
    entry(id)["input"]["cases"].as_array().expect("cases").clone()
}

fn decimal<T: std::str::FromStr>(value: &Value, key: &str) -> T {
    text(value, key).parse().unwrap_or_else(|_| panic!("{key} is no number"))
}

fn params(network: &str) -> NetworkParams {
    match network {
        "mainnet" => NetworkParams::mainnet(),
        "testnet" => NetworkParams::testnet(),
        "regtest" => NetworkParams::regtest(),
        _ => panic!("no parameters for {network}"),
    }
}

fn some_parent() -> Parent {
    Parent {
        hash: BlockHash::ZERO,
        number: BlockNumber::GENESIS,
        timestamp: UnixTime::from_secs(0),
        difficulty: Difficulty::new(0),
        gas_limit: GasLimit::new(0, 0),
        minimum_gas_price: Some(GasPrice::new(0)),
    }
}

#[test]
fn difficulty_cases() {
    let mut asked = 0;
    for case in cases("difficulty") {
        // Of two steps up the times were not recorded: any two less than the target apart give them.
        let parent_timestamp = case["parent_timestamp"].as_u64().unwrap_or(1_000);
        let timestamp = case["timestamp"].as_u64().unwrap_or(1_001);
        let parent = Parent {
            timestamp: UnixTime::from_secs(parent_timestamp),
            difficulty: Difficulty::new(decimal(&case, "parent_difficulty")),
            ..some_parent()
        };
        let network = params(text(&case, "network"));
        let number = BlockNumber::new(number_at(&case, "number"));
        let uncle_count = case["uncle_count"].as_u64().unwrap_or(0) as u32;
        let due =
            difficulty::expected(&network, &parent, number, UnixTime::from_secs(timestamp), uncle_count);
        assert_eq!(due, Some(Difficulty::new(decimal(&case, "difficulty"))), "{case}");
        asked += 1;
    }
    assert_eq!(asked, 36);
}

#[test]
fn target_cases() {
    let entry = entry("difficulty-to-target");
    let difficulties = entry["input"]["difficulties"].as_array().expect("difficulties");
    let targets = entry["expected"]["targets"].as_array().expect("targets");
    for (difficulty, target) in difficulties.iter().zip(targets) {
        let difficulty = Difficulty::new(difficulty.as_str().expect("text").parse().expect("a number"));
        let mut target: [u8; 32] =
            hex::decode(target.as_str().expect("text")).expect("hex").try_into().expect("32 bytes");
        target.reverse();
        assert!(proof_of_work::meets(&target, difficulty), "{difficulty}");
        target[0] += 1;
        assert!(!proof_of_work::meets(&target, difficulty), "{difficulty}");
    }
    assert_eq!(targets.len(), 7);
}

#[test]
fn gas_limit_cases() {
    for case in cases("gas-limit-bound") {
        let parent = GasLimit::new(0, number_at(&case, "parent").into());
        let bounds = gas_limit::bounds(parent, number_at(&case, "divisor").into());
        let is_valid = bounds.contains(&number_at(&case, "gas").into());
        assert_eq!(Some(is_valid), case["valid"].as_bool(), "{case}");
    }
}

#[test]
fn minimum_gas_price_cases() {
    for case in cases("min-gas-price-bound") {
        let price = |key| GasPrice::new(case[key].as_i64().expect("a number").into());
        let (least, most) = minimum_gas_price::bounds(price("parent"));
        let is_valid = least <= price("min_gas_price") && price("min_gas_price") <= most;
        assert_eq!(Some(is_valid), case["valid"].as_bool(), "{case}");
    }
}

#[test]
fn bitcoin_timestamp_cases() {
    let mainnet = NetworkParams::mainnet();
    let real = mainnet_run(IRIS_RUN)[0].clone();
    for case in cases("btc-timestamp") {
        let mut fields = HeaderFields::of(&real);
        fields.timestamp = UnixTime::from_secs(number_at(&case, "rsk"));
        let bitcoin_time = number_at(&case, "btc") as u32;
        let proof = fields.proof.as_mut().expect("a mined header");
        proof.bitcoin_header[68..72].copy_from_slice(&bitcoin_time.to_le_bytes());
        let header = Header::decode(&fields.encode(), &mainnet.activations).expect("well-formed");
        let is_valid = bitcoin_timestamp::check(&header, &mainnet).is_ok();
        assert_eq!(Some(is_valid), case["valid"].as_bool(), "{case}");
    }
}

#[test]
fn merkle_cases() {
    let reversed = |mut hash: Vec<u8>| {
        hash.reverse();
        hash
    };
    let mainnet = NetworkParams::mainnet();
    for id in ["merkle-combine-0", "merkle-combine-1", "merkle-combine-2"] {
        let entry = entry(id);
        let mut fields = HeaderFields::of(&mainnet_run(IRIS_RUN)[0]);
        let mut bitcoin_header = vec![0; 80];
        bitcoin_header[36..68].copy_from_slice(&reversed(bytes(&entry["expected"], "parent")));
        let merkle_proof = bytes(&entry["input"], "right");
        fields.proof = Some(ProofFields { bitcoin_header, merkle_proof, coinbase: vec![0] });
        let header = Header::decode(&fields.encode(), &mainnet.activations).expect("well-formed");
        let left: [u8; 32] = reversed(bytes(&entry["input"], "left")).try_into().expect("32 bytes");
        assert_eq!(merkle_proof::check(&header, left), Ok(()), "{id}");
        assert!(merkle_proof::check(&header, [0; 32]).is_err(), "{id}");
    }
}

#[test]
fn partial_merkle_tree_cases() {
    let entry = entry("pmt-format");
    let has_expected_size = |key| partial_merkle_tree::check_format(&bytes(&entry["input"], key)).is_ok();
    assert!(has_expected_size("pmt"));
    assert!(!has_expected_size("bad_size_pmt"));
    assert!(!has_expected_size("overflow_pmt"));
    let proof = bytes(&entry["input"], "pmt");
    let tree = PartialMerkleTree::split(&proof).expect("well-formed");
    assert_eq!(u64::from(tree.transaction_count), number_at(&entry["expected"], "tx_count"));
    assert_eq!(tree.hashes.len() as u64, number_at(&entry["expected"], "hash_count"));
    assert_eq!(tree.flags.len() as u64, number_at(&entry["expected"], "flag_bytes"));

    let in_hashing_order = |key| {
        let mut hash: [u8; 32] = bytes(&entry["expected"], key).try_into().expect("32 bytes");
        hash.reverse();
        hash
    };
    let mainnet = NetworkParams::mainnet();
    let mut fields = HeaderFields::of(&mainnet_run(IRIS_RUN)[0]);
    let mut bitcoin_header = vec![0; 80];
    bitcoin_header[36..68].copy_from_slice(&in_hashing_order("root_display_order"));
    fields.proof = Some(ProofFields { bitcoin_header, merkle_proof: proof.clone(), coinbase: vec![0] });
    let header = Header::decode(&fields.encode(), &mainnet.activations).expect("well-formed");
    let matched = in_hashing_order("matched_txid_display_order");
    assert_eq!(partial_merkle_tree::check(&header, &matched), Ok(()));
    assert!(partial_merkle_tree::check(&header, &[0; 32]).is_err());
}

#[test]
fn integers_are_encoded_in_the_forms_of_rskj() {
    let entry = entry("integer-encodings");
    let values = entry["input"]["values"].as_array().expect("values");
    let encodings = entry["expected"]["encodings"].as_array().expect("encodings");
    let real = HeaderFields::of(&mainnet_run(IRIS_RUN)[0]);
    let contains =
        |fields: &HeaderFields, forms: &[&str]| hex::encode(fields.encode()).contains(&forms.concat());
    for (value, encoding) in values.iter().zip(encodings) {
        let value = value.as_u64().expect("a number");
        let (unsigned, signed) = (text(encoding, "unsigned"), text(encoding, "signed"));
        let mut fields = real.clone();
        fields.difficulty = Difficulty::new(value.into());
        fields.gas_used = value;
        fields.timestamp = UnixTime::from_secs(value);
        fields.extra_data = vec![0xee; 3];
        fields.paid_fees = value.into();
        fields.minimum_gas_price = Some(GasPrice::new(value.into()));
        fields.uncle_count = value as u32;
        let number = "83445b61";
        assert!(contains(&fields, &[signed, number]), "difficulty {value}");
        assert!(contains(&fields, &["8367c280", unsigned, unsigned, "83eeeeee"]), "gas used, time {value}");
        assert!(contains(&fields, &["83eeeeee", unsigned, signed, unsigned]), "fees, price, uncles {value}");
    }
    assert_eq!(values.len(), 13);
}

#[test]
fn genesis_blocks_are_the_recorded_ones() {
    for name in ["mainnet", "testnet", "regtest"] {
        let entry = entry(&format!("genesis-{name}"));
        let genesis = params(name).genesis_header().expect("a header");
        assert_eq!(hex::encode(genesis.raw()), text(&entry["input"], "rlp_full"), "{name}");
        let hash = genesis.hash().to_string();
        assert_eq!(hash[2..], *text(&entry["expected"], "hash"), "{name}");
    }
}

/// The hash for merged mining of a header whose proof was found right.
fn hash_for_merged_mining(header: &Header, fork_detection_data: Option<[u8; 12]>) -> String {
    let mut hash = commitment::base_hash(header);
    if let Some(data) = fork_detection_data {
        hash[20..].copy_from_slice(&data);
    }
    hex::encode(hash)
}

#[test]
fn hashes_and_proofs_of_single_headers() {
    let ids = [
        "mainnet-900123",
        "mainnet-1234000",
        "mainnet-1427888",
        "mainnet-1900456",
        "mainnet-1987345",
        "mainnet-2221171",
        "testnet-3",
        "testnet-436",
    ];
    for id in ids {
        let entry = entry(id);
        let network = params(text(&entry["input"], "network"));
        let raw = bytes(&entry["input"], "rlp_full");
        let header =
            Header::decode(&raw, &network.activations).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(header.hash().to_string()[2..], *text(&entry["expected"], "hash"), "{id}");
        let found = merged_mining::check(&header, &network).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(
            hash_for_merged_mining(&header, found.fork_detection_data()),
            text(&entry["expected"], "hash_for_merged_mining"),
            "{id}"
        );
    }
}

#[test]
fn synthetic_proofs() {
    let mut asked = 0;
    for case in cases("pow-synthetic") {
        let id = text(&case, "id");
        let network = params(text(&case, "network"));
        let is_valid = Header::decode(&bytes(&case, "rlp_full"), &network.activations)
            .is_ok_and(|header| merged_mining::check(&header, &network).is_ok());
        assert_eq!(Some(is_valid), case["pow_valid"].as_bool(), "{id}");
        asked += 1;
    }
    assert_eq!(asked, 18);
}

fn activation(heights: &Value, rule: &str) -> Activation {
    Activation::from_rskj(heights[rule].as_i64().unwrap_or_else(|| panic!("no height of {rule}")))
}

/// The local network of `rskj-chain-v0.json`, from its first record.
fn local_network(run: &Value) -> NetworkParams {
    let heights = &run["activation_heights"];
    let mut params = NetworkParams::regtest();
    let rules = &mut params.activations;
    rules.rskip92 = activation(heights, "rskip92");
    rules.rskip97 = activation(heights, "rskip97");
    rules.rskip98 = activation(heights, "rskip98");
    rules.rskip110 = activation(heights, "rskip110");
    rules.rskip156 = activation(heights, "rskip156");
    rules.rskip179 = activation(heights, "rskip179");
    rules.rskip180 = activation(heights, "rskip180");
    rules.rskip144 = activation(heights, "rskip144");
    rules.rskip351 = activation(heights, "rskip351");
    rules.rskip535 = activation(heights, "rskip535");
    rules.rskip_umm = activation(heights, "rskipumm");
    assert_eq!(number_at(run, "duration_limit"), u64::from(params.target_block_seconds));
    assert_eq!(number_at(run, "difficulty_bound_divisor"), u64::from(params.difficulty_divisor));
    params
}

/// The local chain: its parameters and its blocks, each with what fork detection knows of it.
fn local_chain() -> (NetworkParams, Vec<(Header, Ancestor, Value)>) {
    let records = read("rskj-chain-v0.json");
    let (run, blocks) = records.as_array().expect("records").split_first().expect("a run and its blocks");
    let params = local_network(run);
    let blocks = blocks.iter().map(|record| {
        let header = Header::decode(&bytes(record, "wire"), &params.activations).expect("decodes");
        let bitcoin_hash_byte = if header.number() == BlockNumber::GENESIS {
            0
        } else {
            merged_mining::check(&header, &params).expect("a valid proof").bitcoin_hash_byte()
        };
        let (number, uncle_count) = (header.number(), header.uncle_count());
        (header, Ancestor { number, bitcoin_hash_byte, uncle_count }, record.clone())
    });
    let blocks = blocks.collect();
    (params, blocks)
}

#[test]
fn every_rule_holds_on_a_chain_that_rskj_mined() {
    let (params, blocks) = local_chain();
    assert_eq!(blocks.len(), 621);
    let mut window = ForkDetectionWindow::new();
    window.push(blocks[0].1).expect("the first");
    let mut checked = 0;
    for pair in blocks.windows(2) {
        let (parent, (header, ancestor, record)) = (Parent::from(&pair[0].0), &pair[1]);
        assert_eq!(header.hash().to_string()[2..], *text(record, "hash"));
        linkage::check(header, &parent).expect("linked");
        number::check(header, &parent).expect("the next height");
        gas_limit::check_step(header, &parent, &params).expect("a small step");
        gas_limit::check_minimum(header, &params).expect("enough gas");
        minimum_gas_price::check_step(header, &parent).expect("a small step");
        extra_data::check(header, &params).expect("little extra data");
        gas_used::check(header).expect("within the limit");
        difficulty::check(header, &parent, &params).expect("the right difficulty");
        let found = merged_mining::check(header, &params).expect("a valid proof");
        let hash = hash_for_merged_mining(header, found.fork_detection_data());
        assert_eq!(hash, text(record, "hash_for_merged_mining"));
        let data = found.fork_detection_data().map(hex::encode).unwrap_or_default();
        assert_eq!(data, text(record, "fork_detection_data"), "block {}", header.number());
        if let (true, Some(data)) =
            (fork_detection::is_required(&params, header.number()), found.fork_detection_data())
        {
            let outcome = fork_detection::check(header.number(), data, &window);
            assert_eq!(outcome, Ok(ForkDetectionCheck::Checked));
            checked += 1;
        }
        window.push(*ancestor).expect("the next");
    }
    assert_eq!(checked, 620 - 449);
}

/// One chunk over activation heights of every kind: partial merkle trees and paths, versions 0, 1 and 2.
#[test]
fn chains_across_activation_heights_verify_in_chunks_and_one_at_a_time() {
    let mut verified = 0;
    for Run { name, params, blocks } in CHAIN_FILES.iter().flat_map(|file| runs(file)) {
        let headers: Vec<Header> = blocks.into_iter().map(|block| block.header).collect();
        let genesis = Ancestor { number: BlockNumber::GENESIS, bitcoin_hash_byte: 0, uncle_count: 0 };
        let mut window = ForkDetectionWindow::new();
        window.push(genesis).expect("the first");
        let mut window_alone = window.clone();
        let parent = Parent::from(&headers[0]);
        let together = verify_chunk(headers[1..].to_vec(), &parent, &mut window, NOW, &params)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        for (pair, together) in headers.windows(2).zip(&together) {
            let parent = Parent::from(&pair[0]);
            let context = Context { parent: Some(&parent), ancestors: Some(&window_alone), now: NOW };
            let alone = verify_header(pair[1].clone(), &context, &params).expect("valid in the chunk");
            assert_eq!(alone, *together, "{name}");
            assert_ne!(alone.applied().fork_detection, ForkDetectionCheck::NotApplied, "{name}");
            window_alone.push(Ancestor::from(&alone)).expect("the next");
        }
        assert_eq!(window, window_alone, "{name}");
        verified += together.len();
    }
    assert_eq!(verified, 620 + 520 + 390 - 5);
}

/// Inputs that rskj's decoder takes and ours refuses: rskj would write them in another way, or (for
/// `difficulty_null` and fees of 2^200 wei) no valid block can have them.
const ONLY_RSKJ_DECODES: &[&str] = &[
    "mainnet/arith/uncles_255_edge_-1",
    "mainnet/arith/uncles_255_edge_-1_plus1",
    "mainnet/arith/uncles_255_edge_1",
    "mainnet/pre92/pow/all_mining_fields_empty",
    "testnet/header/diff_raw_leading_zero",
    "testnet/header/difficulty_null",
    "testnet/header/paid_fees_big",
    "testnet/header/parent_hash_31_bytes",
    "testnet/header/timestamp_leading_zero",
];

/// What rskj says of a rule, or `None` where it was not asked or could not judge.
fn verdict(case: &Value, rule: &str) -> Option<bool> {
    match case["rules"][rule].as_str() {
        Some("valid") => Some(true),
        Some("invalid" | "exception") => Some(false),
        None | Some("no_ancestors") => None,
        Some(other) => panic!("verdict {other}"),
    }
}

struct Verdicts {
    compared: BTreeMap<&'static str, (usize, usize)>,
}

impl Verdicts {
    fn compare(&mut self, case: &Value, rule: &'static str, ours: Result<(), HeaderError>) {
        let Some(is_valid) = verdict(case, rule) else { return };
        assert_eq!(ours.is_ok(), is_valid, "{rule} of {}: {ours:?}", text(case, "id"));
        let (valid, invalid) = self.compared.entry(rule).or_default();
        *(if is_valid { valid } else { invalid }) += 1;
    }
}

#[test]
fn each_rule_says_what_rskj_said() {
    let (local_params, local_blocks) = local_chain();
    let file = read("rskj-verdicts.json");
    let mut verdicts = Verdicts { compared: BTreeMap::new() };
    let (mut judged, mut refused, mut not_canonical) = (0, 0, Vec::new());
    for case in file.as_array().expect("records").iter().filter(|record| record["record"] == "case") {
        let id = text(case, "id");
        judged += 1;
        let params = match text(case, "network") {
            "regtest-v0" => local_params.clone(),
            network => params(network),
        };
        let decoded = Header::decode(&hex_bytes(case, "header"), &params.activations);
        if case["decode"] == "error" {
            assert!(decoded.is_err(), "{id}");
            refused += 1;
            continue;
        }
        let Ok(header) = decoded else {
            not_canonical.push(id.to_owned());
            continue;
        };
        assert_eq!(header.hash().to_string()[2..], *text(case, "hash"), "{id}");
        compare_arithmetic(&mut verdicts, case, &header, &params);
        let proof = merged_mining::check(&header, &params);
        verdicts.compare(case, "pow", proof.clone().map(drop));
        let Ok(proof) = proof else { continue };
        let hash = hash_for_merged_mining(&header, proof.fork_detection_data());
        assert_eq!(hash, text(case, "hash_for_merged_mining"), "{id}");
        let ancestors = ancestors_of(&header, &local_blocks);
        let fork_detection = match proof.fork_detection_data() {
            Some(data) if fork_detection::is_required(&params, header.number()) => {
                // rskj refuses what it has no ancestors for; we say that the rule was not applied.
                match fork_detection::check(header.number(), data, &ancestors) {
                    Ok(ForkDetectionCheck::NotApplied) => continue,
                    outcome => outcome.map(drop),
                }
            }
            _ => Ok(()),
        };
        verdicts.compare(case, "fork_detection", fork_detection);
    }
    not_canonical.sort();
    assert_eq!(not_canonical, ONLY_RSKJ_DECODES);
    println!("{judged} judged, {refused} refused: {:?}", verdicts.compared);
    assert_eq!((judged, refused), (598, 22));
    for (rule, (valid, invalid)) in &verdicts.compared {
        assert!(*valid > 0 && *invalid > 0, "{rule}: {valid} valid, {invalid} invalid");
    }
    assert_eq!(verdicts.compared.len(), 10, "{:?}", verdicts.compared);
}

fn compare_arithmetic(verdicts: &mut Verdicts, case: &Value, header: &Header, params: &NetworkParams) {
    verdicts.compare(case, "gas_limit_min", gas_limit::check_minimum(header, params));
    verdicts.compare(case, "extra_data", extra_data::check(header, params));
    verdicts.compare(case, "gas_used", gas_used::check(header));
    let now = UnixTime::from_secs(number_at(case, "now"));
    let times =
        bitcoin_timestamp::check(header, params).and_then(|()| future_timestamp::check(header, params, now));
    let has_a_valid_time = times.is_ok();
    verdicts.compare(case, "timestamp", times);
    if case["parent"].is_null() {
        return;
    }
    let parent = Header::decode(&hex_bytes(case, "parent"), &params.activations).expect("a parent");
    let parent = Parent::from(&parent);
    verdicts.compare(case, "number", number::check(header, &parent));
    verdicts.compare(case, "gas_limit_bounds", gas_limit::check_step(header, &parent, params));
    verdicts.compare(case, "min_gas_price", minimum_gas_price::check_step(header, &parent));
    verdicts.compare(case, "difficulty", difficulty::check(header, &parent, params));
    let due =
        difficulty::expected(params, &parent, header.number(), header.timestamp(), header.uncle_count());
    assert_eq!(due, Some(Difficulty::new(decimal(case, "expected_difficulty"))), "{}", text(case, "id"));
    // rskj's rule for the two asks the rule for the one first.
    let is_after_parent = has_a_valid_time && timestamp::warn(header, &parent).is_none();
    if let (Some(is_valid), false) = (verdict(case, "timestamp_vs_parent"), params.max_future.is_zero()) {
        assert_eq!(is_after_parent, is_valid, "{}", text(case, "id"));
    }
}

/// The ancestors of a header on the local chain; none for a header of another chain.
fn ancestors_of(header: &Header, chain: &[(Header, Ancestor, Value)]) -> ForkDetectionWindow {
    let mut window = ForkDetectionWindow::new();
    let number = header.number().get() as usize;
    let parent = number.checked_sub(1).and_then(|parent| chain.get(parent));
    if parent.is_some_and(|(parent, ..)| parent.hash() == header.parent_hash()) {
        for (_, ancestor, _) in &chain[..number] {
            window.push(*ancestor).expect("the next");
        }
    }
    window
}
