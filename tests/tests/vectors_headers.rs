//! Real headers: they decode, hash, verify, and stop verifying when a field is changed.

use proptest::prelude::*;
use rustock_core::{
    consensus::{
        chunk::{ChunkError, verify_chunk},
        error::{HeaderError, Rule},
        fork_detection_window::{Ancestor, ForkDetectionWindow},
        params::NetworkParams,
        parent::Parent,
        rules::{
            difficulty,
            fork_detection::{self, ForkDetectionCheck},
        },
        verify::{Context, VerifiedHeader, verify_header},
    },
    primitives::{
        hash::{Address, BlockHash, Hash256},
        header::{Header, HeaderField, HeaderFields, LogsCommitment, ProofFields},
        number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime},
    },
};
use rustock_tests::headers::{
    IRIS_RUN, NOW, PAPYRUS_RUN, Recorded, TWO_TO_THREE_RUN, mainnet, mainnet_run, testnet_version_0,
};

fn decode_all(recorded: &[Recorded], params: &NetworkParams) {
    for Recorded { number, hash, raw, .. } in recorded {
        let header =
            Header::decode(raw, &params.activations).unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(header.number(), *number);
        assert_eq!(header.hash(), *hash, "hash of {number}");
        assert_eq!(HeaderFields::of(&header).encode(), *raw, "encoding of {number}");
    }
}

#[test]
fn every_recorded_header_decodes_hashes_and_encodes_back() {
    let mainnet_headers = mainnet();
    assert_eq!(mainnet_headers.len(), 1_803);
    decode_all(&mainnet_headers, &NetworkParams::mainnet());
    let testnet_headers = testnet_version_0();
    assert_eq!(testnet_headers.len(), 12);
    decode_all(&testnet_headers, &NetworkParams::testnet());
}

/// Every recorded header with a proof, by itself.
fn verify_each_alone(recorded: Vec<Recorded>, params: &NetworkParams) {
    for Recorded { number, raw, .. } in recorded {
        let header = Header::decode(&raw, &params.activations).expect("decodes");
        let verified = verify_header(header, &Context::standalone(NOW), params)
            .unwrap_or_else(|error| panic!("{} {number}: {error}", params.name));
        assert!(!verified.applied().parent_rules);
        let check = if fork_detection::is_required(params, number) {
            ForkDetectionCheck::NotApplied
        } else {
            ForkDetectionCheck::NotRequired
        };
        assert_eq!(verified.applied().fork_detection, check, "{} {number}", params.name);
    }
}

#[test]
fn every_recorded_header_of_every_era_proves_itself_alone() {
    let headers = mainnet();
    let heights: Vec<u64> = headers.iter().map(|recorded| recorded.number.get()).collect();
    for before_orchid in [0, 3_395, 586_537, 623_431, 647_449] {
        assert!(heights.contains(&before_orchid), "{before_orchid}");
    }
    assert_eq!(headers.len(), 1_803);
    verify_each_alone(headers, &NetworkParams::mainnet());
    let headers = testnet_version_0();
    assert_eq!(headers.len(), 12);
    verify_each_alone(headers, &NetworkParams::testnet());
}

#[test]
fn a_signed_block_has_no_bitcoin_hash_and_every_changed_byte_is_noticed() {
    let params = NetworkParams::mainnet();
    let signed = mainnet().into_iter().find(|recorded| recorded.number.get() == 3_395).expect("recorded");
    let header = Header::decode(&signed.raw, &params.activations).expect("decodes");
    let alone = |header| verify_header(header, &Context::standalone(NOW), &params);
    assert_eq!(alone(header.clone()).expect("signed").bitcoin_hash_byte(), 0);
    let size = proof(&mut HeaderFields::of(&header)).bitcoin_header.len();
    for place in 0..size {
        let mut fields = HeaderFields::of(&header);
        proof(&mut fields).bitcoin_header[place] ^= 1;
        let changed = Header::decode(&fields.encode(), &params.activations).expect("decodes");
        assert_eq!(alone(changed).map_err(|error| error.rule()), Err(Rule::FallbackSignature), "{place}");
    }
    let mut fields = HeaderFields::of(&header);
    fields.paid_fees += 1;
    let changed = Header::decode(&fields.encode(), &params.activations).expect("decodes");
    assert_eq!(alone(changed).map_err(|error| error.rule()), Err(Rule::FallbackSignature));
}

/// Verifies a run one header at a time from its first, which is trusted for its place.
fn verify_run(run: &str) -> (Vec<VerifiedHeader>, ForkDetectionWindow) {
    let params = NetworkParams::mainnet();
    let headers = mainnet_run(run);
    let first = verify_header(headers[0].clone(), &Context::standalone(NOW), &params).expect("alone");
    let mut window = ForkDetectionWindow::new();
    window.push(Ancestor::from(&first)).expect("the first");
    let mut parent = Parent::from(&headers[0]);
    let mut verified = Vec::new();
    for header in &headers[1..] {
        let context = Context { parent: Some(&parent), ancestors: Some(&window), now: NOW };
        let header = verify_header(header.clone(), &context, &params)
            .unwrap_or_else(|error| panic!("{}: {error}", header.number()));
        window.push(Ancestor::from(&header)).expect("the next");
        parent = Parent::from(header.header());
        verified.push(header);
    }
    (verified, window)
}

fn count(headers: &[VerifiedHeader], check: ForkDetectionCheck) -> usize {
    headers.iter().filter(|header| header.applied().fork_detection == check).count()
}

#[test]
fn long_runs_verify_and_say_where_fork_detection_was_applied() {
    for (run, total, checked) in [(IRIS_RUN, 1_034, 619), (TWO_TO_THREE_RUN, 666, 232), (PAPYRUS_RUN, 67, 0)]
    {
        let (verified, _) = verify_run(run);
        assert_eq!(verified.len(), total, "{run}");
        assert!(verified.iter().all(|header| header.applied().parent_rules));
        assert_eq!(count(&verified, ForkDetectionCheck::Checked), checked, "{run}");
        assert_eq!(count(&verified, ForkDetectionCheck::NotApplied), total - checked, "{run}");
    }
}

#[test]
fn chunks_of_192_give_the_same_as_one_header_at_a_time() {
    let params = NetworkParams::mainnet();
    let (alone, window_alone) = verify_run(IRIS_RUN);
    let headers = mainnet_run(IRIS_RUN);
    let mut window = ForkDetectionWindow::new();
    let first = verify_header(headers[0].clone(), &Context::standalone(NOW), &params).expect("alone");
    window.push(Ancestor::from(&first)).expect("the first");
    let mut parent = Parent::from(&headers[0]);
    let mut verified = Vec::new();
    for chunk in headers[1..].chunks(192) {
        verified.extend(verify_chunk(chunk.to_vec(), &parent, &mut window, NOW, &params).expect("valid"));
        parent = Parent::from(&chunk[chunk.len() - 1]);
    }
    assert_eq!(verified, alone);
    assert_eq!(window, window_alone);
}

#[test]
fn a_window_filled_from_below_checks_what_could_not_be_checked_before() {
    let (verified, _) = verify_run(IRIS_RUN);
    let last = verified.last().expect("not empty");
    let mut window = ForkDetectionWindow::new();
    for header in verified.iter().rev().skip(1) {
        window.prepend(Ancestor::from(header)).expect("the one below");
    }
    assert_eq!(window.len(), 449);
    assert_eq!(window.expected(last.number()), last.fork_detection_data());
}

#[test]
fn a_window_of_another_branch_is_not_used() {
    let params = NetworkParams::mainnet();
    let headers = mainnet_run(IRIS_RUN);
    let (_, mut elsewhere) = verify_run(TWO_TO_THREE_RUN);
    let chunk = headers[900..905].to_vec();
    let parent = Parent::from(&headers[899]);
    let verified = verify_chunk(chunk, &parent, &mut elsewhere, NOW, &params).expect("valid");
    assert_eq!(count(&verified, ForkDetectionCheck::NotApplied), 5);
    assert_eq!(elsewhere.len(), 5);
}

#[test]
fn each_ancestor_sampled_matters_and_each_uncle_count() {
    let params = NetworkParams::mainnet();
    let headers = mainnet_run(IRIS_RUN);
    let (verified, _) = verify_run(IRIS_RUN);
    let child = headers[700].clone();
    let parent = Parent::from(&headers[699]);
    let rule_with = |edit: &dyn Fn(&mut Ancestor)| {
        let mut window = ForkDetectionWindow::new();
        for header in &verified[..699] {
            let mut ancestor = Ancestor::from(header);
            edit(&mut ancestor);
            window.push(ancestor).expect("the next");
        }
        let context = Context { parent: Some(&parent), ancestors: Some(&window), now: NOW };
        verify_header(child.clone(), &context, &params).map_err(|error| error.rule())
    };
    assert!(rule_with(&|_| {}).is_ok());
    let newest_sample = parent.number.get() / 64 * 64;
    for sample in 0..7 {
        let sampled = BlockNumber::new(newest_sample - 64 * sample);
        let changed = rule_with(&|ancestor| {
            if ancestor.number == sampled {
                ancestor.bitcoin_hash_byte ^= 1;
            }
        });
        assert_eq!(changed.map(drop), Err(Rule::ForkDetection));
    }
    for distance in 1..=32 {
        let counted = BlockNumber::new(child.number().get() - distance);
        let changed = rule_with(&|ancestor| {
            if ancestor.number == counted {
                ancestor.uncle_count += 1;
            }
        });
        assert_eq!(changed.map(drop), Err(Rule::ForkDetection));
    }
}

#[test]
fn a_real_header_ahead_of_the_clock_is_valid_later() {
    let params = NetworkParams::mainnet();
    let headers = mainnet_run(IRIS_RUN);
    let header = headers[5].clone();
    let parent = Parent::from(&headers[4]);
    let until = UnixTime::from_secs(header.timestamp().as_secs() - 60);
    let at = |now| {
        verify_header(header.clone(), &Context { parent: Some(&parent), ancestors: None, now }, &params)
    };
    assert!(at(until).is_ok());
    let now = UnixTime::from_secs(until.as_secs() - 1);
    let early = HeaderError::NotYetValid { until, now, seen: header.timestamp() };
    assert!(early.is_retryable());
    assert_eq!(at(now), Err(early));
}

/// A change of one field of a header that has this parent, and the rule that must notice it.
struct Change {
    field: HeaderField,
    what: &'static str,
    noticed_by: Rule,
    edit: fn(&mut HeaderFields, &Parent, &NetworkParams),
}

fn bloom(fields: &mut HeaderFields) -> &mut [u8; 256] {
    match &mut fields.logs {
        LogsCommitment::Bloom(bloom) => bloom,
        LogsCommitment::Extension { .. } => panic!("a header of version 0"),
    }
}

fn proof(fields: &mut HeaderFields) -> &mut ProofFields {
    fields.proof.as_mut().expect("a mined header")
}

/// Sets a time or an uncle count for which another difficulty is due.
fn change_what_difficulty_reads(
    fields: &mut HeaderFields,
    parent: &Parent,
    params: &NetworkParams,
    candidates: impl IntoIterator<Item = (u64, u32)>,
) {
    for (timestamp, uncle_count) in candidates {
        let timestamp = UnixTime::from_secs(timestamp);
        let due = difficulty::expected(params, parent, fields.number, timestamp, uncle_count);
        if due != Some(fields.difficulty) {
            (fields.timestamp, fields.uncle_count) = (timestamp, uncle_count);
            return;
        }
    }
    panic!("no candidate makes a difference");
}

#[rustfmt::skip]
const CHANGES: &[Change] = &[
    Change { field: HeaderField::ParentHash, what: "another", noticed_by: Rule::Linkage, edit: |fields, _, _| fields.parent_hash = BlockHash::new([1; 32]) },
    Change { field: HeaderField::UnclesHash, what: "another", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.uncles_hash = Hash256::new([1; 32]) },
    Change { field: HeaderField::Coinbase, what: "another", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.coinbase = Some(Address::new([1; 20])) },
    Change { field: HeaderField::Coinbase, what: "none", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.coinbase = None },
    Change { field: HeaderField::StateRoot, what: "another", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.state_root = Hash256::new([1; 32]) },
    Change { field: HeaderField::TransactionsRoot, what: "another", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.transactions_root = Hash256::new([1; 32]) },
    Change { field: HeaderField::ReceiptsRoot, what: "another", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.receipts_root = Hash256::new([1; 32]) },
    Change { field: HeaderField::LogsBloom, what: "one bit", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| bloom(fields)[255] ^= 1 },
    Change { field: HeaderField::Difficulty, what: "one more", noticed_by: Rule::Difficulty, edit: |fields, _, _| fields.difficulty = Difficulty::new(fields.difficulty.get() + 1) },
    Change { field: HeaderField::Difficulty, what: "one less", noticed_by: Rule::Difficulty, edit: |fields, _, _| fields.difficulty = Difficulty::new(fields.difficulty.get() - 1) },
    Change { field: HeaderField::Number, what: "one more", noticed_by: Rule::Number, edit: |fields, _, _| fields.number = fields.number.next() },
    Change { field: HeaderField::GasLimit, what: "beyond a step", noticed_by: Rule::GasLimit, edit: |fields, parent, _| fields.gas_limit = GasLimit::new(0, parent.gas_limit.get() * 1_025 / 1_024 + 1) },
    Change { field: HeaderField::GasLimit, what: "within a step", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.gas_limit = GasLimit::new(0, fields.gas_limit.get() + 1) },
    Change { field: HeaderField::GasLimit, what: "a leading zero", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.gas_limit = GasLimit::new(1, fields.gas_limit.get()) },
    Change { field: HeaderField::GasUsed, what: "above the limit", noticed_by: Rule::GasUsed, edit: |fields, _, _| fields.gas_used = fields.gas_limit.get() as u64 + 1 },
    Change { field: HeaderField::GasUsed, what: "below the limit", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.gas_used += 1 },
    Change { field: HeaderField::Timestamp, what: "the other side of the target", noticed_by: Rule::Difficulty, edit: |fields, parent, params| {
        let at_parent = parent.timestamp.as_secs();
        let uncle_count = fields.uncle_count;
        change_what_difficulty_reads(fields, parent, params, [(at_parent, uncle_count), (at_parent + 200, uncle_count)]);
    } },
    Change { field: HeaderField::ExtraData, what: "33 bytes", noticed_by: Rule::ExtraData, edit: |fields, _, _| fields.extra_data = vec![0; 33] },
    Change { field: HeaderField::ExtraData, what: "another", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.extra_data = vec![0; 32] },
    Change { field: HeaderField::PaidFees, what: "one more", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.paid_fees += 1 },
    Change { field: HeaderField::MinimumGasPrice, what: "twice", noticed_by: Rule::MinimumGasPrice, edit: |fields, parent, _| fields.minimum_gas_price = parent.minimum_gas_price.map(|price| GasPrice::new(2 * price.get())) },
    Change { field: HeaderField::MinimumGasPrice, what: "one wei", noticed_by: Rule::MergedMiningCommitment, edit: |fields, parent, _| fields.minimum_gas_price = fields.minimum_gas_price.map(|price| {
        let towards_the_parent = if Some(price) > parent.minimum_gas_price { -1 } else { 1 };
        GasPrice::new(price.get() + towards_the_parent)
    }) },
    Change { field: HeaderField::MinimumGasPrice, what: "none", noticed_by: Rule::MinimumGasPrice, edit: |fields, _, _| fields.minimum_gas_price = None },
    Change { field: HeaderField::UncleCount, what: "the other side of the target", noticed_by: Rule::Difficulty, edit: |fields, parent, params| {
        let timestamp = fields.timestamp.as_secs();
        change_what_difficulty_reads(fields, parent, params, [(timestamp, 1_000), (timestamp, i32::MAX as u32)]);
    } },
    Change { field: HeaderField::UmmRoot, what: "20 bytes", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| fields.umm_root = Some(vec![1; 20]) },
    Change { field: HeaderField::UmmRoot, what: "19 bytes", noticed_by: Rule::UmmRoot, edit: |fields, _, _| fields.umm_root = Some(vec![1; 19]) },
    Change { field: HeaderField::BitcoinHeader, what: "its time", noticed_by: Rule::BitcoinTimestamp, edit: |fields, _, _| proof(fields).bitcoin_header[70] ^= 1 },
    Change { field: HeaderField::BitcoinHeader, what: "its nonce", noticed_by: Rule::ProofOfWork, edit: |fields, _, _| proof(fields).bitcoin_header[76] ^= 1 },
    Change { field: HeaderField::BitcoinHeader, what: "its merkle root", noticed_by: Rule::ProofOfWork, edit: |fields, _, _| proof(fields).bitcoin_header[36] ^= 1 },
    Change { field: HeaderField::MerkleProof, what: "one bit", noticed_by: Rule::MerkleRoot, edit: |fields, _, _| proof(fields).merkle_proof[40] ^= 1 },
    Change { field: HeaderField::MerkleProof, what: "a hash more", noticed_by: Rule::MerkleRoot, edit: |fields, _, _| proof(fields).merkle_proof.extend([0; 32]) },
    Change { field: HeaderField::MerkleProof, what: "a byte less", noticed_by: Rule::MerkleProofFormat, edit: |fields, _, _| proof(fields).merkle_proof.truncate(63) },
    Change { field: HeaderField::MerkleProof, what: "31 hashes", noticed_by: Rule::MerkleProofFormat, edit: |fields, _, _| proof(fields).merkle_proof = vec![0; 31 * 32] },
    Change { field: HeaderField::BitcoinCoinbase, what: "none", noticed_by: Rule::MergedMiningCoinbase, edit: |fields, _, _| proof(fields).coinbase.clear() },
    Change { field: HeaderField::BitcoinCoinbase, what: "39 bytes", noticed_by: Rule::MergedMiningCoinbase, edit: |fields, _, _| proof(fields).coinbase.truncate(39) },
    Change { field: HeaderField::BitcoinCoinbase, what: "no tail", noticed_by: Rule::MergedMiningCommitment, edit: |fields, _, _| proof(fields).coinbase.truncate(40) },
    Change { field: HeaderField::BitcoinCoinbase, what: "its midstate", noticed_by: Rule::MerkleRoot, edit: |fields, _, _| proof(fields).coinbase[8] ^= 1 },
    Change { field: HeaderField::BitcoinCoinbase, what: "its last byte", noticed_by: Rule::MerkleRoot, edit: |fields, _, _| *proof(fields).coinbase.last_mut().expect("bytes") ^= 1 },
    Change { field: HeaderField::BitcoinCoinbase, what: "a long end", noticed_by: Rule::MergedMiningTagPosition, edit: |fields, _, _| proof(fields).coinbase.extend([0; 128]) },
    Change { field: HeaderField::BitcoinCoinbase, what: "a second tag", noticed_by: Rule::MergedMiningTagPosition, edit: |fields, _, _| {
        let coinbase = &mut proof(fields).coinbase;
        let end = coinbase.len() - 9;
        coinbase[end..].copy_from_slice(b"RSKBLOCK:");
    } },
];

#[test]
fn every_changed_field_is_noticed_by_the_first_rule_that_reads_it() {
    let params = NetworkParams::mainnet();
    for field in HeaderField::of_version_0() {
        assert!(CHANGES.iter().any(|change| change.field == *field), "no change of {field}");
    }
    let headers = mainnet_run(IRIS_RUN);
    for pair in headers.windows(2).step_by(37) {
        let parent = Parent::from(&pair[0]);
        for Change { field, what, noticed_by, edit } in CHANGES {
            let mut fields = HeaderFields::of(&pair[1]);
            edit(&mut fields, &parent, &params);
            let context = Context { parent: Some(&parent), ancestors: None, now: NOW };
            let changed = Header::decode(&fields.encode(), &params.activations).expect("well-formed");
            let outcome = verify_header(changed, &context, &params);
            let Err(error) = outcome else {
                panic!("{} with {field} changed ({what}): {outcome:?}", pair[1].number())
            };
            assert_eq!(error.rule(), *noticed_by, "{}, {field} ({what}): {error}", pair[1].number());
            assert!(!error.is_retryable());
        }
    }
}

#[test]
fn a_bitcoin_header_of_another_size_does_not_decode() {
    let params = NetworkParams::mainnet();
    let header = &mainnet_run(IRIS_RUN)[0];
    for size in [0, 79, 81] {
        let mut fields = HeaderFields::of(header);
        proof(&mut fields).bitcoin_header.resize(size, 0);
        assert!(Header::decode(&fields.encode(), &params.activations).is_err(), "{size} bytes");
    }
}

/// What `verify_chunk` must do, by `verify_header`.
fn one_at_a_time(
    headers: &[Header],
    mut parent: Parent,
    window: &mut ForkDetectionWindow,
    now: UnixTime,
    params: &NetworkParams,
) -> Result<Vec<VerifiedHeader>, ChunkError> {
    let mut verified = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        let context = Context { parent: Some(&parent), ancestors: Some(window), now };
        match verify_header(header.clone(), &context, params) {
            Ok(header) => {
                window.push(Ancestor::from(&header)).expect("the next");
                parent = Parent::from(header.header());
                verified.push(header);
            }
            Err(error) => {
                let (rejected, error) = (header.clone(), Box::new(error));
                return Err(ChunkError { verified, index, rejected, error });
            }
        }
    }
    Ok(verified)
}

#[test]
fn a_chunk_gives_what_its_headers_give_one_at_a_time_whatever_is_wrong_in_it() {
    let params = NetworkParams::mainnet();
    let headers = mainnet_run(IRIS_RUN);
    let (verified, _) = verify_run(IRIS_RUN);
    let changes = proptest::collection::vec((0usize..60, 0usize..CHANGES.len()), 0..3);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let cases = (1usize..950, 0usize..60, changes, 0u64..4_000, 0usize..500);
    runner
        .run(&cases, |(start, length, changes, seconds_short, known_ancestors)| {
            let mut chunk = headers[start..start + length].to_vec();
            for (place, change) in changes {
                if let Some(header) = chunk.get(place) {
                    let mut fields = HeaderFields::of(header);
                    (CHANGES[change].edit)(&mut fields, &Parent::from(&headers[start + place - 1]), &params);
                    if let Ok(changed) = Header::decode(&fields.encode(), &params.activations) {
                        chunk[place] = changed;
                    }
                }
            }
            // Sometimes the clock stands in the middle of the chunk, sometimes ancestors are missing.
            let last = headers[start + length].timestamp().as_secs();
            let now = UnixTime::from_secs(last - seconds_short);
            let mut window = ForkDetectionWindow::new();
            for ancestor in &verified[(start - 1).saturating_sub(known_ancestors)..start - 1] {
                window.push(Ancestor::from(ancestor)).expect("the next");
            }
            let parent = Parent::from(&headers[start - 1]);
            let mut window_alone = window.clone();
            let alone = one_at_a_time(&chunk, parent, &mut window_alone, now, &params);
            let together = verify_chunk(chunk, &parent, &mut window, now, &params);
            prop_assert_eq!(together, alone);
            prop_assert_eq!(window, window_alone);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
