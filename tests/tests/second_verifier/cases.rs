//! The headers to start from: real ones of both public networks, those that a local rskj mined and generated ones,
//! each with its parent and ancestors as far as they are there.

use std::sync::Arc;

use rustock_core::{
    consensus::{
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        verify::{Context, verify_header},
    },
    primitives::{
        header::{FullHeader, Header},
        number::{BlockNumber, UnixTime},
    },
};
use rustock_test_support::{
    chainkit::{ChainBuilder, presets},
    naive::{decode::decode_wire, header::NaiveHeader, params::NaiveParams},
};
use rustock_tests::{
    chains::{CHAIN_FILES, runs},
    headers::{NOW, hex_bytes},
    vectors::read,
};

/// A header that both accept, and what it is judged with.
pub struct Subject {
    pub name: String,
    pub header: Header,
    pub parent: Option<Header>,
    pub window: Option<Arc<ForkDetectionWindow>>,
    pub params: Arc<NetworkParams>,
    pub now: UnixTime,
    pub naive_parent: Option<NaiveHeader>,
    /// The 449 ancestors, newest last; only every so often, because they are large.
    pub naive_ancestors: Option<Arc<Vec<NaiveHeader>>>,
    pub naive_params: Arc<NaiveParams>,
}

/// One in so many headers of a run is judged with its ancestors.
const ANCESTORS_EVERY: u64 = 16;

/// Every header there is to start from.
pub fn subjects() -> Vec<Subject> {
    let mut subjects = recorded();
    subjects.extend(generated());
    subjects
}

/// Every recorded header but genesis blocks and those without their proof.
pub fn recorded() -> Vec<Subject> {
    let mut subjects = Vec::new();
    subjects.extend(real_headers("headers-mainnet.json", NetworkParams::mainnet(), NaiveParams::mainnet()));
    subjects.extend(real_headers("headers-testnet.json", NetworkParams::testnet(), NaiveParams::testnet()));
    for run in CHAIN_FILES.into_iter().flat_map(runs) {
        let naive_params = naive_params(&run.params);
        let headers = run.blocks.into_iter().map(|block| block.header).collect();
        subjects.extend(consecutive(&run.name, headers, run.params, naive_params));
    }
    subjects
}

/// Chains of made-up networks through every era, and of the local network.
pub fn generated() -> Vec<Subject> {
    let networks = [(presets::eras(), 620), (presets::testnet_like(), 560), (presets::regtest(), 520)];
    let chains = networks.map(|(params, blocks)| ChainBuilder::new(params).seed(4).build(blocks));
    let subjects = chains.iter().flat_map(|chain| {
        let (params, headers) = (chain.params().clone(), chain.headers().to_vec());
        let naive_params = naive_params(&params);
        consecutive(&format!("generated {}", params.name), headers, params, naive_params)
    });
    subjects.collect()
}

fn real_headers(file: &str, params: NetworkParams, naive_params: NaiveParams) -> Vec<Subject> {
    let records = read(file);
    let mut headers: Vec<Header> = records
        .as_array()
        .expect("an array of records")
        .iter()
        .filter(|record| record["kind"] != "header_no_auxpow" && record["kind"] != "genesis")
        .map(|record| FullHeader::decode(&hex_bytes(record, "rlp_full"), &params.activations))
        .map(|full| full.expect("a real header").into_parts().0)
        .collect();
    headers.sort_by_key(Header::number);
    consecutive(file, headers, params, naive_params)
}

/// Headers in ascending order; where one is the child of the one before, it is judged as such.
fn consecutive(
    name: &str,
    headers: Vec<Header>,
    params: NetworkParams,
    naive_params: NaiveParams,
) -> Vec<Subject> {
    let (params, naive_params) = (Arc::new(params), Arc::new(naive_params));
    let naive: Vec<NaiveHeader> = headers
        .iter()
        .map(|header| decode_wire(header.raw(), &naive_params).expect("a recorded header"))
        .collect();
    let mut subjects = Vec::new();
    let mut window = ForkDetectionWindow::new();
    let mut run_start = 0;
    for (index, header) in headers.iter().enumerate() {
        let is_child = index > 0 && headers[index - 1].hash() == header.parent_hash();
        if !is_child {
            run_start = index;
            window.clear();
        }
        let parent = is_child.then(|| headers[index - 1].clone());
        let facts = parent.as_ref().map(Parent::from);
        let context = Context { parent: facts.as_ref(), ancestors: Some(&window), now: NOW };
        let verified = verify_header(header.clone(), &context, &params)
            .unwrap_or_else(|error| panic!("{name} {}: {error}", header.number()));
        let with_ancestors =
            index - run_start >= 449 && header.number().get().is_multiple_of(ANCESTORS_EVERY);
        if header.number() != BlockNumber::GENESIS {
            subjects.push(Subject {
                name: format!("{name} {}", header.number()),
                header: header.clone(),
                parent,
                window: with_ancestors.then(|| Arc::new(window.clone())),
                params: Arc::clone(&params),
                now: NOW,
                naive_parent: is_child.then(|| naive[index - 1].clone()),
                naive_ancestors: with_ancestors.then(|| Arc::new(naive[index - 449..index].to_vec())),
                naive_params: Arc::clone(&naive_params),
            });
        }
        window.push(Ancestor::from(&verified)).expect("one after another");
    }
    subjects
}

/// The parameters of a network in the words of the naive verifier.
pub fn naive_params(params: &NetworkParams) -> NaiveParams {
    let rules = &params.activations;
    let height = |rule: rustock_core::primitives::activation::Activation| {
        rule.first().map_or(-1, |first| i64::try_from(first.get()).expect("a height"))
    };
    NaiveParams {
        rskip92: height(rules.rskip92),
        rskip97: height(rules.rskip97),
        rskip98: height(rules.rskip98),
        rskip110: height(rules.rskip110),
        rskip126: height(rules.rskip126),
        rskip144: height(rules.rskip144),
        rskip156: height(rules.rskip156),
        rskip179: height(rules.rskip179),
        rskip180: height(rules.rskip180),
        rskip290: height(rules.rskip290),
        rskip297: height(rules.rskip297),
        rskip351: height(rules.rskip351),
        rskip535: height(rules.rskip535),
        rskip_umm: height(rules.rskip_umm),
        duration_limit: params.target_block_seconds as i32,
        difficulty_divisor: params.difficulty_divisor,
        difficulty_divisor_after_rskip156: params.difficulty_divisor_after_rskip156,
        minimum_difficulty: params.minimum_difficulty.get().into(),
        minimum_difficulty_after_rskip290: params
            .minimum_difficulty_after_rskip290
            .unwrap_or(params.minimum_difficulty)
            .get()
            .into(),
        max_future_seconds: params.max_future.as_secs(),
        bitcoin_time_bound: params.bitcoin_time_bound.as_secs(),
        bitcoin_time_bound_after_rskip297: params
            .bitcoin_time_bound_after_rskip297
            .unwrap_or(params.bitcoin_time_bound)
            .as_secs(),
        fallback_difficulty: params.fallback_mining_difficulty.get().into(),
        fallback_key_even: params.fallback_keys[0].to_vec(),
        fallback_key_odd: params.fallback_keys[1].to_vec(),
        base_event_window_end: rules.base_event_required.first().map_or(0, BlockNumber::get),
        minimum_gas_limit: u64::try_from(params.minimum_gas_limit).expect("a small number"),
    }
}
