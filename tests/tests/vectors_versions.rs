//! Headers of every version against the chains rskj mined and against what its decoder said of 383 inputs.

use std::collections::{BTreeMap, BTreeSet};

use rustock_core::primitives::{
    activation::{Activation, Activations},
    block::Block,
    hash::keccak256,
    header::{FieldError, FullHeader, Header, HeaderDecodeError, HeaderField, HeaderFields},
    number::BlockNumber,
    rlp::RlpError,
};
use rustock_tests::{
    chains::{CHAIN_FILES, RecordedBlock, Run, activations, block_hash, decimal, runs},
    vectors::{bytes, number, read, repository_text, text},
};
use serde_json::Value;

/// Compares one block with its record. Returns how many of its recorded encodings were compared.
fn compare(block: &RecordedBlock, run: &Run) -> usize {
    let RecordedBlock { record, header, body } = block;
    let activations = &run.params.activations;
    let at = format!("{} {}", run.name, header.number());
    assert_eq!(header.hash(), block_hash(record, "hash"), "{at}");
    assert_eq!(u64::from(header.version().number()), number(record, "version"), "{at}");
    assert_eq!(header.difficulty().get(), decimal(record, "difficulty"), "{at}");
    assert_eq!(HeaderFields::of(header).encode(), header.raw(), "{at}");
    let mut compared = 1;
    if record.get("hash_preimage").is_some() {
        assert_eq!(header.hash_preimage(), bytes(record, "hash_preimage"), "{at}");
        assert_eq!(header.merged_mining_preimage(), bytes(record, "mm_preimage"), "{at}");
        compared += 2;
    }
    if record.get("full").is_some() {
        let raw = bytes(record, "full");
        let full = FullHeader::decode(&raw, activations).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(full.header(), header, "{at}");
        assert_eq!(full.encode(), raw, "{at}");
        compared += 1;
    }
    if let Some(body) = body {
        let whole = Block { header: header.clone(), body: body.clone() };
        let encoded = whole.encode().unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(Block::decode(&encoded, activations).as_ref(), Ok(&whole), "{at}");
        assert_eq!(keccak256(&[&body.encode_uncles()]), *header.uncles_hash().as_bytes(), "{at}");
        assert_eq!(body.transactions.len() as u64, number(record, "tx_count"), "{at}");
        compared += 2;
    }
    compared
}

#[test]
fn every_block_that_rskj_mined_decodes_and_encodes_in_every_form_it_was_recorded_in() {
    let mut counts = BTreeMap::new();
    for file in CHAIN_FILES {
        for run in runs(file) {
            let compared: usize = run.blocks.iter().map(|block| compare(block, &run)).sum();
            let bodies = run.blocks.iter().filter(|block| block.body.is_some()).count();
            counts.insert(run.name.clone(), (run.blocks.len(), bodies, compared));
        }
    }
    let blocks: usize = counts.values().map(|(blocks, _, _)| blocks).sum();
    assert_eq!(blocks, 621 + 521 + 390, "{counts:?}");
    assert!(counts.values().all(|(_, bodies, _)| *bodies > 0), "{counts:?}");
}

/// Tells whether a fault of a field is the one in question.
type IsFault = fn(HeaderField, &FieldError) -> bool;

/// The leniencies of rskj's decoder that ours does not have, by their names in `docs/leniencies.md`, and how a
/// refusal for each reads.
const LENIENCIES: &[(&str, IsFault)] = &[
    ("long form", |_, reason| *reason == FieldError::Rlp(RlpError::NotCanonical)),
    ("list for a string", |_, reason| *reason == FieldError::Rlp(RlpError::ExpectedString)),
    ("leading zeros", |_, reason| *reason == FieldError::Rlp(RlpError::LeadingZero)),
    ("needless sign byte", |_, reason| *reason == FieldError::RedundantSignByte),
    ("hash of another size", |field, reason| {
        let hashes = [
            HeaderField::ParentHash,
            HeaderField::UnclesHash,
            HeaderField::StateRoot,
            HeaderField::TransactionsRoot,
            HeaderField::ReceiptsRoot,
        ];
        hashes.contains(&field) && matches!(reason, FieldError::Rlp(RlpError::WrongSize { .. }))
    }),
    ("bloom of another size", |field, reason| {
        field == HeaderField::LogsBloom && matches!(reason, FieldError::Rlp(RlpError::WrongSize { .. }))
    }),
    ("number of more than 128 bits", |_, reason| *reason == FieldError::Rlp(RlpError::IntegerTooLarge)),
    ("empty difficulty", |_, reason| *reason == FieldError::Missing),
    ("three empty proof fields", |_, reason| *reason == FieldError::EmptyProofGroup),
    ("version of another height", |_, reason| matches!(reason, FieldError::WrongVersion { .. })),
    ("extension data of another shape", |field, reason| {
        field == HeaderField::ExtensionData && matches!(reason, FieldError::Rlp(_))
    }),
    ("odd edges", |_, reason| *reason == FieldError::OddSize),
];

fn leniency(error: &HeaderDecodeError) -> Option<&'static str> {
    let long_form = HeaderDecodeError::NotAList(RlpError::NotCanonical);
    if *error == long_form {
        return Some("long form");
    }
    let HeaderDecodeError::Field { field, reason } = error else { return None };
    LENIENCIES.iter().find(|(_, is_it)| is_it(*field, reason)).map(|(name, _)| *name)
}

#[test]
fn the_page_of_leniencies_has_exactly_those_that_are_tested() {
    let page = repository_text("docs/leniencies.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let documented: BTreeSet<&str> = rows.filter(|name| *name != "leniency").collect();
    let tested: BTreeSet<&str> = LENIENCIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(documented, tested);
}

#[test]
fn rskjs_decoder_and_ours_agree_but_for_listed_leniencies() {
    let records = read("rskj-decode.json");
    let records = records.as_array().expect("an array of records");
    let mut networks = BTreeMap::new();
    for record in records.iter().filter(|record| record["record"] == "params") {
        networks.insert(text(record, "network"), activations(&record["activation_heights"]));
    }
    networks.get_mut("testnet").expect("testnet").base_event_required = Activation::at(7_800_000);
    let mut surprises = Vec::new();
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut agreed_taken, mut agreed_refused) = (0, 0);
    for case in records.iter().filter(|record| record["record"] == "case") {
        let (id, activations) = (text(case, "id"), &networks[text(case, "network")]);
        let input = bytes(case, "input");
        let compressed = case["compressed"].as_bool().expect("a flag");
        let ours: Result<(Header, Vec<u8>), HeaderDecodeError> = if compressed {
            Header::decode(&input, activations).map(|header| (header.clone(), header.raw().to_vec()))
        } else {
            FullHeader::decode(&input, activations).map(|full| (full.header().clone(), full.encode()))
        };
        match (text(case, "result"), ours) {
            ("ok", Ok((header, written))) => {
                agreed_taken += 1;
                assert_eq!(header.hash(), block_hash(case, "hash"), "{id}");
                assert_eq!(header.number(), BlockNumber::new(number(case, "number")), "{id}");
                let theirs = |key: &str| written_by_rskj(case, key, &input);
                if compressed {
                    assert_eq!(Some(written), theirs("re_wire"), "{id}");
                } else if let Some(theirs) = theirs("re_full") {
                    assert_eq!(written, theirs, "{id}");
                }
                if let Some(theirs) = theirs("re_hash_preimage") {
                    assert_eq!(header.hash_preimage(), theirs, "{id}");
                }
            }
            ("ok", Err(error)) => match leniency(&error) {
                Some(name) => {
                    *refused.entry(name).or_default() += 1;
                    check_as_uncle(name, case, &input, activations);
                }
                None => surprises.push(format!("{id}: only ours refuses: {error}")),
            },
            ("error", Err(_)) => agreed_refused += 1,
            (result, Ok(_)) => surprises.push(format!("{id}: rskj says {result}, ours takes it")),
            (result, Err(error)) => surprises.push(format!("{id}: {result} {error}")),
        }
    }
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    let total: usize = refused.values().sum();
    assert_eq!((agreed_taken, agreed_refused, total), (67, 236, 80), "{refused:?}");
}

/// What an uncle is allowed that a block is not, because nothing of rskj's looks at it.
const ALLOWED_TO_UNCLES: [&str; 3] =
    ["hash of another size", "bloom of another size", "number of more than 128 bits"];

/// Reads an input that is refused of a block as an uncle's, and compares with rskj what is taken.
fn check_as_uncle(leniency: &str, case: &Value, input: &[u8], activations: &Activations) {
    let id = text(case, "id");
    let full_form = case["compressed"] == false || !id.starts_with("regtest");
    let may_be_taken = ALLOWED_TO_UNCLES.contains(&leniency) && full_form;
    let taken = FullHeader::decode_uncle(input, activations);
    assert!(may_be_taken || taken.is_err(), "{id}");
    // A parent hash and a gas price are read of uncles too.
    if may_be_taken && !id.ends_with("_at_0") && !id.ends_with("_at_14") {
        let uncle = taken.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(uncle.header().hash(), block_hash(case, "hash"), "{id}");
        assert_eq!(Some(uncle.encode()), written_by_rskj(case, "re_full", input), "{id}");
    }
}

/// What rskj wrote back, with the abbreviations of the recording resolved.
fn written_by_rskj(case: &Value, key: &str, input: &[u8]) -> Option<Vec<u8>> {
    match case.get(key)?.as_str()? {
        "=input" => Some(input.to_vec()),
        "=re_wire" => written_by_rskj(case, "re_wire", input),
        written => Some(hex::decode(written).expect("hexadecimal")),
    }
}
