//! Whole blocks against a running rskj: the chains it mined, its verdicts on lists of uncles and on imports, and
//! its choice of the best block after each of 1,583 imports.

use std::collections::{BTreeMap, BTreeSet};

use rustock_core::{
    consensus::{
        block_weight::{BlockWeight, WeightBounds},
        body_error::{BodyError, BodyRule, EdgesFault},
        error::{HeaderError, Rule},
        family::{Family, Relative},
        fork_choice::{Contender, is_better},
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        rules::{
            bitcoin_timestamp, difficulty, extra_data, fork_detection::ForkDetectionCheck, future_timestamp,
            gas_limit, linkage, merged_mining, minimum_gas_price, number, timestamp,
        },
        verify::{Context, VerifiedHeader, verify_header},
        verify_body::{Application, BodyContext, VerifiedBlock, verify_body},
    },
    primitives::{
        block::Body,
        hash::BlockHash,
        header::{FullHeader, Header, HeaderFields},
        number::{BlockNumber, CumulativeDifficulty, Difficulty, UnixTime},
    },
};
use rustock_tests::{
    chains::{CHAIN_FILES, Run, activations, block_hash, decimal, params_of_run, runs},
    headers::NOW,
    vectors::{bytes, number as number_at, read, text},
};
use serde_json::Value;

fn records(file: &str, kind: &str) -> Vec<Value> {
    let records = read(file);
    let records = records.as_array().expect("an array of records");
    records.iter().filter(|record| record["record"] == kind).cloned().collect()
}

/// The branch that blocks are verified on top of.
struct Branch {
    params: NetworkParams,
    parent: Option<Parent>,
    window: ForkDetectionWindow,
    family: Family,
}

impl Branch {
    fn new(params: &NetworkParams) -> Self {
        Self {
            params: params.clone(),
            parent: None,
            window: ForkDetectionWindow::for_uncles(params),
            family: Family::new(params),
        }
    }

    fn verify_header(&self, header: &Header) -> Result<VerifiedHeader, HeaderError> {
        let context = Context { parent: self.parent.as_ref(), ancestors: Some(&self.window), now: NOW };
        verify_header(header.clone(), &context, &self.params)
    }

    fn verify_body(&self, header: &VerifiedHeader, body: Body) -> Result<VerifiedBlock, BodyError> {
        let context = BodyContext { family: Some(&self.family), ancestors: Some(&self.window), now: NOW };
        verify_body(header, body, &context, &self.params)
    }

    fn push(&mut self, header: &VerifiedHeader, relative: Relative) {
        self.parent = Some(relative.facts);
        self.window.push(Ancestor::from(header)).expect("one above another");
        self.family.push(relative).expect("one above another");
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    blocks: usize,
    bodies: usize,
    uncles: usize,
    uncles_with_fork_data: usize,
    edges: usize,
    extensions: usize,
}

/// Verifies a run from its genesis on, every rule applied, and compares weights and totals with the record.
fn verify_run(run: &Run, counts: &mut Counts) {
    let mut branch = Branch::new(&run.params);
    let mut total = None;
    for block in &run.blocks {
        let at = format!("{} {}", run.name, block.header.number());
        let header = branch.verify_header(&block.header).unwrap_or_else(|error| panic!("{at}: {error}"));
        let is_genesis = header.number() == BlockNumber::GENESIS;
        assert_eq!(header.applied().parent_rules, !is_genesis, "{at}");
        assert_ne!(header.applied().fork_detection, ForkDetectionCheck::NotApplied, "{at}");

        let bounds = WeightBounds::of(&header, Some(&branch.family), &run.params)
            .unwrap_or_else(|| panic!("{at}: every candidate is in the family"));
        let weight = match &block.body {
            Some(body) => {
                let verified = branch.verify_body(&header, body.clone());
                let verified = verified.unwrap_or_else(|error| panic!("{at}: {error}"));
                let applied = verified.applied_to_body();
                let not_applied: Vec<BodyRule> = applied.not_applied().collect();
                assert_eq!(not_applied, [BodyRule::TransactionsRoot], "{at}");
                assert_eq!(applied.uncle_parents == Application::Applied, !body.uncles.is_empty(), "{at}");
                counts.bodies += 1;
                counts.uncles += body.uncles.len();
                counts.edges += usize::from(applied.edges == Application::Applied);
                counts.extensions += usize::from(applied.extension == Application::Applied);
                if applied.uncle_fork_detection == Application::Applied {
                    counts.uncles_with_fork_data += body.uncles.len();
                }
                assert!(bounds.least <= verified.weight() && verified.weight() <= bounds.most, "{at}");
                branch.push(&header, Relative::from(&verified));
                verified.weight()
            }
            None => {
                assert!(bounds.is_exact(), "{at}: bodies with uncles are recorded");
                branch.push(&header, Relative::from(&header));
                bounds.least
            }
        };
        assert_eq!(weight.get(), block.weight(), "{at}");
        total = match total {
            None => Some(CumulativeDifficulty::new(weight.get())),
            Some(total) => weight.on_top_of(total),
        };
        let recorded = decimal(&block.record, "total_difficulty");
        assert_eq!(total.map(CumulativeDifficulty::get), Some(recorded), "{at}");
        counts.blocks += 1;
    }
}

#[test]
fn every_block_that_rskj_mined_verifies_as_a_chain_with_its_body_and_weighs_as_recorded() {
    let mut counts = Counts::default();
    for file in CHAIN_FILES {
        runs(file).iter().for_each(|run| verify_run(run, &mut counts));
    }
    assert_eq!((counts.blocks, counts.uncles), (621 + 521 + 390, 1_141), "{counts:?}");
    assert!(counts.uncles_with_fork_data > 50 && counts.edges > 50, "{counts:?}");
    assert!(counts.extensions >= counts.edges, "{counts:?}");
}

/// The rules that refuse the bodies of other blocks and bodies with one thing changed.
#[test]
fn no_body_passes_for_another_and_none_can_be_changed() {
    let mut refused_by = BTreeMap::new();
    for run in runs("rskj-chain-eras.json") {
        let mut branch = Branch::new(&run.params);
        for pair in run.blocks.windows(2) {
            let header = branch.verify_header(&pair[0].header).expect("recorded");
            let next = branch.family.newest().is_some().then(|| pair[1].body.clone()).flatten();
            let mut others: Vec<Body> = next.into_iter().collect();
            if let Some(own) = &pair[0].body {
                let mut fewer = own.clone();
                if fewer.uncles.pop().is_some() {
                    others.push(fewer);
                }
                let mut bare = own.clone();
                if bare.extension.take().is_some() {
                    others.push(bare);
                }
            }
            for other in others {
                let is_own = pair[0]
                    .body
                    .as_ref()
                    .is_some_and(|own| own.uncles == other.uncles && own.extension == other.extension);
                match branch.verify_body(&header, other) {
                    // Without the transactions' root, two blocks without uncles and logs have one body.
                    Ok(_) => assert!(is_own || pair[0].body.is_none(), "{}", header.number()),
                    Err(error) => {
                        assert!(error.is_another_body() && !is_own, "{error}");
                        *refused_by.entry(error.rule()).or_insert(0) += 1;
                    }
                }
            }
            let relative = match &pair[0].body {
                Some(body) => Relative::from(&branch.verify_body(&header, body.clone()).expect("its own")),
                None => Relative::from(&header),
            };
            branch.push(&header, relative);
        }
    }
    let rules: Vec<BodyRule> = refused_by.keys().copied().collect();
    assert_eq!(rules, [BodyRule::Extension, BodyRule::UnclesHash], "{refused_by:?}");
    assert!(refused_by.values().all(|count| *count > 50), "{refused_by:?}");
}

/// Without the transactions' root, nothing but the edges tells that transactions are missing.
#[test]
fn edges_end_within_the_transactions_of_every_recorded_block_and_not_of_fewer() {
    let mut judged = 0;
    for run in CHAIN_FILES.into_iter().flat_map(runs) {
        for block in &run.blocks {
            let Some(body) = &block.body else { continue };
            let edges = body.extension.as_ref().and_then(|extension| extension.edges.as_deref());
            let Some(&last) = edges.unwrap_or_default().last() else { continue };
            let alone = Context::standalone(NOW);
            let header = verify_header(block.header.clone(), &alone, &run.params).expect("recorded");
            let judge = |transactions: usize| {
                let mut body = body.clone();
                body.transactions.truncate(transactions);
                verify_body(&header, body, &BodyContext::standalone(NOW), &run.params)
            };
            let enough = usize::try_from(last).expect("above zero") + 1;
            assert!(judge(enough).is_ok(), "{} {}", run.name, header.number());
            let refusal = EdgesFault::PastTransactions { transactions: enough - 1, seen: last };
            assert_eq!(judge(enough - 1), Err(BodyError::Edges(refusal)));
            judged += 1;
        }
    }
    assert!(judged > 0);
}

/// Which of our rules refuses a case of `rskj-uncles.json`, where rskj's refuses it. The rule that the uncle
/// breaks as a header comes second.
fn refusing_rule(case: &str) -> (BodyRule, Option<Rule>) {
    let header = |rule| (BodyRule::UncleHeader, Some(rule));
    match case {
        "uncle_generation_7_(number_14)"
        | "uncle_generation_8_(number_13)"
        | "uncle_generation_9_(number_12)"
        | "uncle_same_height"
        | "uncle_already_used_by_ancestor_21_in_block_26"
        | "uncle_already_used_by_ancestor_21_in_block_27" => (BodyRule::UncleGeneration, None),
        "uncle_duplicate" => (BodyRule::DuplicateUncle, None),
        "uncle_is_ancestor_19" | "uncle_is_parent" => (BodyRule::UncleIsAncestor, None),
        "uncle_of_uncle" => (BodyRule::UncleParent, None),
        "wrong_uncles_hash" => (BodyRule::UnclesHash, None),
        "uncle_bad_field_7" => header(Rule::Difficulty),
        "uncle_bad_field_9" => header(Rule::GasLimit),
        "uncle_bad_field_14" => header(Rule::MinimumGasPrice),
        "uncle_bad_field_10" => header(Rule::GasUsed),
        "uncle_already_used_by_ancestor_21_in_block_23" | "uncle_already_used_by_ancestor_21_in_block_24" => {
            (BodyRule::UsedUncle, None)
        }
        other => panic!("{other} is not among the cases that rskj refused"),
    }
}

/// Up to the parent of a block whose parents from 21 on were not recorded, but that 21 named this uncle: blocks
/// in their place.
fn family_with_stand_ins(main: &Family, header: &Header, used: BlockHash, params: &NetworkParams) -> Family {
    let mut family = Family::new(params);
    main.relatives().for_each(|relative| family.push(relative.clone()).expect("as before"));
    let first = main.newest().expect("20").facts.number.next();
    for number in first.get()..header.number().get() {
        let below = family.newest().expect("not empty").facts;
        let is_last = number + 1 == header.number().get();
        let hash = if is_last { header.parent_hash() } else { BlockHash::new([number as u8; 32]) };
        let facts = Parent { hash, number: BlockNumber::new(number), ..below };
        let uncles = Some(if number == first.get() { vec![used] } else { Vec::new() });
        family.push(Relative { parent_hash: below.hash, facts, uncles }).expect("one above another");
    }
    family
}

#[test]
fn every_list_of_uncles_is_judged_as_rskj_judged_it() {
    let run = &records("rskj-uncles.json", "run")[0];
    let mut params =
        NetworkParams { activations: activations(&run["activation_heights"]), ..NetworkParams::regtest() };
    let main: Vec<Header> = records("rskj-uncles.json", "main")
        .iter()
        .map(|record| Header::decode(&bytes(record, "wire"), &params.activations).expect("a header"))
        .collect();
    params.genesis = HeaderFields::of(&main[0]);
    let mut branch = Branch::new(&params);
    let mut total = 0;
    for header in &main {
        let verified = branch.verify_header(header).unwrap_or_else(|error| panic!("{error}"));
        branch.push(&verified, Relative::from(&verified));
        total += header.difficulty().get();
    }
    let total = CumulativeDifficulty::new(total);

    // Best before the first case was a block at 21 with one uncle, which is not recorded.
    let mut best = Contender {
        total_difficulty: CumulativeDifficulty::new(total.get() + 131_072),
        paid_fees: 0,
        hash: BlockHash::ZERO,
    };
    let cases = records("rskj-uncles.json", "case");
    let mut accepted = 0;
    for case in &cases {
        let id = text(case, "id");
        let header = Header::decode(&bytes(case, "wire"), &params.activations).expect("a header");
        assert_eq!(header.hash(), block_hash(case, "hash"), "{id}");
        let uncles: Vec<FullHeader> = case["uncles"]
            .as_array()
            .expect("uncles")
            .iter()
            .map(|uncle| FullHeader::decode(&bytes(uncle, "full"), &params.activations).expect("a header"))
            .collect();
        let weight = BlockWeight::of(&header, &uncles);
        assert_eq!(weight.get(), decimal(case, "block_weight"), "{id}");
        let body = Body { transactions: Vec::new(), uncles, extension: None };

        let is_on_main = branch.family.is_of(&header);
        let (verified, family);
        if is_on_main {
            verified = branch.verify_header(&header).unwrap_or_else(|error| panic!("{id}: {error}"));
            family = branch.family.clone();
        } else {
            verified = verify_header(header.clone(), &Context::standalone(NOW), &params).expect("mined");
            let used = body.uncles[0].header().hash();
            family = family_with_stand_ins(&branch.family, &header, used, &params);
        }
        let context = BodyContext { family: Some(&family), ancestors: None, now: NOW };
        let verdict = verify_body(&verified, body, &context, &params);
        assert_eq!(text(case, "uncle_rule") == "valid", verdict.is_ok(), "{id}: {verdict:?}");
        assert_eq!(text(case, "import_result") == "INVALID_BLOCK", verdict.is_err(), "{id}");
        match verdict {
            Err(error) => {
                let (rule, of_header) = refusing_rule(id);
                assert_eq!(error.rule(), rule, "{id}: {error}");
                if let BodyError::UncleHeader { error, .. } = &error {
                    assert_eq!(Some(error.rule()), of_header, "{id}");
                }
            }
            Ok(block) => {
                assert!(is_on_main, "{id}");
                let new = Contender::new(&header, block.weight().on_top_of(total).expect("small"));
                let becomes_best = is_better(&new, &best);
                assert_eq!(becomes_best, text(case, "import_result") == "IMPORTED_BEST", "{id}");
                if becomes_best {
                    best = new;
                }
                accepted += 1;
            }
        }
    }
    assert_eq!((cases.len(), accepted), (24, 7));
}

/// rskj's validator of headers alone: `getBlockHeaderValidator`.
fn judge_alone(header: &Header, now: UnixTime, params: &NetworkParams) -> Result<(), HeaderError> {
    merged_mining::check(header, params)?;
    bitcoin_timestamp::check(header, params)?;
    future_timestamp::check(header, params, now)
}

/// rskj's validator of announced blocks: `getBlockRelayValidator`.
fn judge_announced(header: &Header, parent: &Parent, now: UnixTime, params: &NetworkParams) -> bool {
    let rules = || {
        judge_alone(header, now, params)?;
        linkage::check(header, parent)?;
        number::check(header, parent)?;
        difficulty::check(header, parent, params)?;
        gas_limit::check_step(header, parent, params)?;
        minimum_gas_price::check_step(header, parent)?;
        extra_data::check(header, params)
    };
    rules().is_ok() && timestamp::warn(header, parent).is_none()
}

/// Blocks whose headers break no rule, and which rskj refused because executing them gave something else.
const REFUSED_BY_EXECUTION: [&str; 2] = ["state_root_wrong", "paid_fees_wrong"];

#[test]
fn every_import_under_testnet_constants_ends_as_in_rskj() {
    let record = &records("rskj-import.json", "params")[0];
    let genesis = &records("rskj-import.json", "genesis")[0];
    let mut params = NetworkParams {
        activations: activations(&record["activation_heights"]),
        target_block_seconds: u32::try_from(number_at(record, "duration_limit")).expect("small"),
        minimum_difficulty: Difficulty::new(decimal(record, "minimum_difficulty")),
        ..NetworkParams::testnet()
    };
    assert_eq!(params.max_future.as_secs(), number_at(record, "new_block_max_seconds_in_the_future"));
    let genesis = Header::decode(&bytes(genesis, "wire"), &params.activations).expect("a header");
    params.genesis = HeaderFields::of(&genesis);
    verify_header(genesis.clone(), &Context::standalone(NOW), &params).expect("its own genesis");

    let total = CumulativeDifficulty::new(genesis.difficulty().get());
    let mut best = Contender::new(&genesis, total);
    let mut known = BTreeMap::from([(genesis.hash(), (Parent::from(&genesis), total))]);
    let cases = records("rskj-import.json", "case");
    let mut results: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        let id = text(case, "id");
        let header = Header::decode(&bytes(case, "wire"), &params.activations).expect("a header");
        let now = UnixTime::from_secs(number_at(case, "now"));
        if id == "child_of_block_older_than_its_parent" {
            // That block is not recorded. Its siblings, older than their parent too, differ in their time.
            let cases = records("rskj-import.json", "case");
            let is_sibling = |case: &&Value| text(case, "id") == "timestamp_parent_minus_1000";
            let sibling = cases.iter().find(is_sibling).expect("a sibling");
            let (facts, total) = known[&block_hash(sibling, "hash")];
            let timestamp = UnixTime::from_secs(number_at(case, "parent_timestamp"));
            let stand_in = Parent { hash: header.parent_hash(), timestamp, ..facts };
            known.insert(stand_in.hash, (stand_in, total));
        }
        let (parent, parent_total) = known[&block_hash(case, "parent_hash")];
        assert_eq!(parent.timestamp.as_secs(), number_at(case, "parent_timestamp"), "{id}");

        let valid = |key| text(case, key) == "valid";
        let alone = judge_alone(&header, now, &params);
        assert_eq!(alone.is_ok(), valid("header_validator"), "{id}: {alone:?}");
        assert_eq!(judge_announced(&header, &parent, now, &params), valid("relay_validator"), "{id}");

        let context = Context { parent: Some(&parent), ancestors: None, now };
        let verdict = verify_header(header.clone(), &context, &params);
        let result = text(case, "import_result");
        *results.entry(result).or_default() += 1;
        if let Err(error) = &verdict {
            assert_eq!(result, "INVALID_BLOCK", "{id}: {error}");
            assert_eq!(error.is_retryable(), id == "future_560", "{id}");
            continue;
        }
        if result == "INVALID_BLOCK" {
            assert!(REFUSED_BY_EXECUTION.contains(&id), "{id}");
            continue;
        }
        let bounds = WeightBounds::of(&header, None, &params).expect("no uncles");
        let total = bounds.least.on_top_of(parent_total).expect("small");
        let new = Contender::new(&header, total);
        assert_eq!(is_better(&new, &best), result == "IMPORTED_BEST", "{id}");
        if is_better(&new, &best) {
            best = new;
        }
        known.insert(header.hash(), (Parent::from(&header), total));
    }
    assert_eq!(cases.len(), 21);
    assert_eq!(results.values().sum::<usize>(), 21);
    assert!(results["IMPORTED_NOT_BEST"] > 3 && results["INVALID_BLOCK"] > 5, "{results:?}");
}

/// Difficulty, fees and, where the body is recorded, weight of the blocks and uncles of the chain files.
fn recorded_blocks() -> BTreeMap<BlockHash, (u128, u128, Option<u128>)> {
    let mut found = BTreeMap::new();
    for run in CHAIN_FILES.into_iter().flat_map(runs) {
        for block in &run.blocks {
            let uncles = block.body.iter().flat_map(|body| &body.uncles);
            for header in uncles.clone().map(FullHeader::header) {
                let facts = (header.difficulty().get(), header.paid_fees(), None);
                found.entry(header.hash()).or_insert(facts);
            }
            let uncles: Vec<FullHeader> = uncles.cloned().collect();
            let weight = BlockWeight::of(&block.header, &uncles).get();
            let facts = (block.header.difficulty().get(), block.header.paid_fees(), Some(weight));
            found.insert(block.header.hash(), facts);
        }
    }
    found
}

#[test]
fn after_every_import_the_best_block_is_rskjs() {
    let file = read("rskj-forkchoice.json");
    let recorded = recorded_blocks();
    let mut params = NetworkParams::regtest();
    let mut totals: BTreeMap<BlockHash, CumulativeDifficulty> = BTreeMap::new();
    let mut best = None;
    let (mut imports, mut ties, mut decided_by_fees, mut compared) = (0, 0, 0, 0);
    let mut names = BTreeSet::new();
    for record in file.as_array().expect("an array of records") {
        let hash = || block_hash(record, "hash");
        match text(record, "record") {
            "run" => {
                params = params_of_run(record);
                names.insert(text(record, "run"));
                totals.clear();
            }
            "genesis" => {
                let header = Header::decode(&bytes(record, "wire"), &params.activations).expect("a header");
                let total = CumulativeDifficulty::new(header.difficulty().get());
                assert_eq!((header.hash(), total.get()), (hash(), decimal(record, "total_difficulty")));
                totals.insert(header.hash(), total);
                best = Some(Contender::new(&header, total));
            }
            "import" => {
                let at = format!("{} {} {}", text(record, "run"), number_at(record, "number"), hash());
                let weight = BlockWeight::new(decimal(record, "block_weight"));
                let parent_total = totals[&block_hash(record, "parent")];
                let total_difficulty = weight.on_top_of(parent_total).expect("small");
                assert_eq!(total_difficulty.get(), decimal(record, "total_difficulty"), "{at}");
                totals.insert(hash(), total_difficulty);

                let paid_fees = decimal(record, "paid_fees");
                if record.get("wire").is_some() {
                    let header = Header::decode(&bytes(record, "wire"), &params.activations);
                    let header = header.unwrap_or_else(|error| panic!("{at}: {error}"));
                    assert_eq!((header.hash(), header.paid_fees()), (hash(), paid_fees), "{at}");
                    assert_eq!(header.difficulty().get(), decimal(record, "difficulty"), "{at}");
                    compared += 1;
                } else if let Some((difficulty, fees, own_weight)) = recorded.get(&hash()) {
                    assert_eq!(*difficulty, decimal(record, "difficulty"), "{at}");
                    assert_eq!(*fees, paid_fees, "{at}");
                    assert!(own_weight.is_none_or(|own| own == weight.get()), "{at}");
                    compared += 1;
                }

                let new = Contender { total_difficulty, paid_fees, hash: hash() };
                let before = best.expect("a genesis came first");
                let is_tie = new.total_difficulty == before.total_difficulty;
                let becomes_best = is_better(&new, &before);
                assert_eq!(becomes_best, text(record, "result") == "IMPORTED_BEST", "{at}");
                let after = if becomes_best { new } else { before };
                assert_eq!(after.hash, block_hash(record, "best_after"), "{at}");
                best = Some(after);
                imports += 1;
                ties += usize::from(is_tie);
                decided_by_fees += usize::from(is_tie && becomes_best);
            }
            other => panic!("an unknown record {other}"),
        }
    }
    assert_eq!((names.len(), imports, ties), (4, 1_583, 294));
    assert_eq!(
        compared,
        imports - 2,
        "two siblings were never named as uncles, and are recorded nowhere else"
    );
    assert!(decided_by_fees > 10, "{decided_by_fees} ties were won by the later block");
}
