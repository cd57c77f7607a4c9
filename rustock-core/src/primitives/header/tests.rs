mod versions;

use super::*;
use crate::primitives::{activation::Activation, rlp::RlpError};
use proptest::prelude::*;

/// Mainnet block 9,286,615 and its hash.
const REAL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/header-9286615.hex"));
const REAL_HASH: &str = "0x7972d48b8abe9f280c0d87265c2cbf49fb7ab6ededa9888f3b4d8681a39f2989";

fn real() -> Vec<u8> {
    hex::decode(REAL.trim()).expect("test data")
}

/// Activation heights like mainnet's, close together: RSKIP-92 and 98 at 10, `ummRoot` at 20, version 1 at 30,
/// edges at 32, version 2 at 34, with a base event for certain at 40.
fn activations() -> Activations {
    let never = Activation::NEVER;
    Activations {
        rskip92: Activation::at(10),
        rskip97: never,
        rskip98: Activation::at(10),
        rskip110: never,
        rskip126: never,
        rskip144: Activation::at(32),
        rskip156: never,
        rskip179: never,
        rskip180: never,
        rskip290: never,
        rskip297: never,
        rskip351: Activation::at(30),
        rskip535: Activation::at(34),
        rskip_umm: Activation::at(20),
        base_event_required: Activation::at(40),
    }
}

/// Mainnet's, as far as decoding goes.
fn mainnet() -> Activations {
    Activations {
        rskip92: Activation::at(729_000),
        rskip98: Activation::at(729_000),
        rskip351: Activation::NEVER,
        rskip_umm: Activation::at(2_392_700),
        base_event_required: Activation::GENESIS,
        ..activations()
    }
}

fn fields_at(number: u64) -> HeaderFields {
    let mut fields = HeaderFields::of(&Header::decode(&real(), &mainnet()).expect("real"));
    fields.number = BlockNumber::new(number);
    if number < 20 {
        fields.umm_root = None;
    }
    fields
}

/// The header of height 20 at a later height, with the extension that the height asks for.
fn full_at(number: u64, extension: HeaderExtension) -> FullHeader {
    let mut fields = fields_at(number);
    fields.logs = extension.commitment();
    FullHeader::new(decode(&fields).expect("well-formed"), Some(extension)).expect("its own extension")
}

fn decode(fields: &HeaderFields) -> Result<Header, HeaderDecodeError> {
    Header::decode(&fields.encode(), &activations())
}

/// Encodes the header of height 20 with the item at `index` replaced by these encoded bytes.
fn with_item(index: usize, encoded: &[u8]) -> Vec<u8> {
    let raw = fields_at(20).encode();
    let mut items = crate::primitives::rlp::Item::decode(&raw).and_then(|item| item.list()).expect("a list");
    let mut payload = Vec::new();
    let mut position = 0;
    while !items.is_empty() {
        let item = items.next_item().expect("an item");
        payload.extend_from_slice(if position == index { encoded } else { item.encoded() });
        position += 1;
    }
    let (prefix, used) = list_prefix(payload.len());
    [&prefix[..used], &payload].concat()
}

fn reason(index: usize, encoded: &str) -> Result<(), (HeaderField, FieldError)> {
    let raw = with_item(index, &hex::decode(encoded).expect("test data"));
    match Header::decode(&raw, &activations()) {
        Ok(header) => {
            assert_eq!(header.raw(), raw);
            assert_eq!(HeaderFields::of(&header).encode(), raw, "item {index}: {encoded}");
            Ok(())
        }
        Err(HeaderDecodeError::Field { field, reason }) => Err((field, reason)),
        Err(error) => panic!("item {index}: {encoded}: {error}"),
    }
}

#[test]
fn a_real_header_has_its_hash_and_its_values() {
    let raw = real();
    let header = Header::decode(&raw, &mainnet()).expect("real");
    assert_eq!(header.hash().to_string(), REAL_HASH);
    assert_eq!(header.raw(), raw);
    assert_eq!(header.number(), BlockNumber::new(9_286_615));
    assert_eq!(header.gas_limit(), GasLimit::new(1, 10_000_000));
    assert_eq!(header.minimum_gas_price(), Some(GasPrice::new(23_696_000)));
    assert_eq!(header.umm_root(), Some([].as_slice()));
    assert_eq!(header.proof().map(|proof| proof.bitcoin_header.len()), Some(80));
    assert_eq!(HeaderFields::of(&header).encode(), raw);
}

#[test]
fn the_hashes_cover_what_the_height_says() {
    let preimage = |header: &Header, items: usize| {
        let list = crate::primitives::rlp::Item::decode(header.raw()).and_then(|item| item.list());
        let mut list = list.expect("a list");
        let all = list.rest();
        for _ in 0..items {
            list.next_item().expect("an item");
        }
        hash_as_list(&all[..all.len() - list.rest().len()])
    };
    for (number, hashed, for_merged_mining) in [(9, 19, 16), (10, 17, 16), (19, 17, 16), (20, 18, 17)] {
        let header = decode(&fields_at(number)).expect("well-formed");
        assert_eq!(*header.hash().as_bytes(), preimage(&header, hashed), "height {number}");
        assert_eq!(header.hash_without_merged_mining(), preimage(&header, for_merged_mining));
        let without_proof = HeaderFields { proof: None, ..fields_at(number) };
        let without_proof = decode(&without_proof).expect("well-formed");
        assert_eq!(without_proof.hash_without_merged_mining(), *without_proof.hash().as_bytes());
        assert_eq!(without_proof.hash_without_merged_mining(), header.hash_without_merged_mining());
        assert_eq!(fields_at(number).encode_for_merged_mining(), without_proof.raw());
    }
}

#[test]
fn a_proof_changes_the_hash_only_before_rskip92() {
    for (number, changes) in [(9, true), (10, false)] {
        let mut fields = fields_at(number);
        let header = decode(&fields).expect("well-formed");
        fields.proof.as_mut().expect("mined").merkle_proof[0] ^= 1;
        let other = decode(&fields).expect("well-formed");
        assert_eq!(header.hash() != other.hash(), changes);
        assert_ne!(header, other, "equality is over all bytes");
    }
}

#[test]
fn the_height_decides_the_number_of_fields() {
    let count = |number: u64, umm_root: Option<Vec<u8>>| {
        let fields = HeaderFields { umm_root, ..fields_at(number) };
        decode(&fields).map(drop)
    };
    let refusal = |number, actual, without_proof| {
        Err(HeaderDecodeError::FieldCount { number: BlockNumber::new(number), actual, without_proof })
    };
    assert_eq!(count(19, None), Ok(()));
    assert_eq!(count(19, Some(Vec::new())), refusal(19, 20, 16));
    assert_eq!(count(20, Some(Vec::new())), Ok(()));
    assert_eq!(count(20, None), refusal(20, 19, 17));
    assert_eq!(decode(&HeaderFields { proof: None, ..fields_at(20) }).map(drop), Ok(()));
    assert_eq!(count(29, Some(Vec::new())), Ok(()));
}

#[test]
fn from_rskip98_on_the_bitcoin_header_has_80_bytes() {
    let with = |number, size: usize| {
        let mut fields = fields_at(number);
        fields.proof.as_mut().expect("mined").bitcoin_header = vec![1; size];
        decode(&fields).map(drop)
    };
    assert_eq!(with(9, 79), Ok(()), "a federation's signature has any size");
    assert_eq!(with(10, 80), Ok(()));
    for size in [0, 79, 81] {
        let reason = RlpError::WrongSize { expected: 80, actual: size }.into();
        let field = HeaderField::BitcoinHeader;
        assert_eq!(with(10, size), Err(HeaderDecodeError::Field { field, reason }));
    }
    let mut empty = fields_at(9);
    empty.proof = Some(ProofFields { bitcoin_header: vec![], merkle_proof: vec![], coinbase: vec![] });
    let refusal = decode(&empty).expect_err("rskj would write no proof at all");
    assert_eq!(refusal.to_string(), "bitcoinMergedMiningHeader: three empty merged-mining fields");
}

#[test]
fn fixed_size_fields_have_their_size() {
    for (index, field) in [0, 1, 3, 4, 5].map(|index| (index, HeaderField::ALL[index])) {
        for size in [0u8, 31, 33] {
            let wrong = RlpError::WrongSize { expected: 32, actual: size.into() };
            let encoded = format!("{:02x}{}", 0x80 + size, "11".repeat(size.into()));
            assert_eq!(reason(index, &encoded), Err((field, wrong.into())));
        }
    }
    assert_eq!(reason(2, "80"), Ok(()), "an empty coinbase is rskj's null address");
    assert_eq!(reason(2, &format!("94{}", "00".repeat(20))), Ok(()), "and not the address of zeros");
    let wrong = RlpError::WrongSize { expected: 20, actual: 19 };
    assert_eq!(reason(2, &format!("93{}", "11".repeat(19))), Err((HeaderField::Coinbase, wrong.into())));
    let wrong = RlpError::WrongSize { expected: 256, actual: 255 };
    assert_eq!(reason(6, &format!("b8ff{}", "00".repeat(255))), Err((HeaderField::LogsBloom, wrong.into())));
}

#[test]
fn unsigned_integers_have_no_leading_zero_and_fit_their_java_type() {
    let long = [(10, HeaderField::GasUsed), (11, HeaderField::Timestamp)];
    let int = [(15, HeaderField::UncleCount)];
    let wide = [(13, HeaderField::PaidFees)];
    for (index, field) in long.iter().chain(&int).chain(&wide).copied() {
        for canonical in ["80", "01", "7f", "8180", "820100", "847fffffff"] {
            assert_eq!(reason(index, canonical), Ok(()), "{field} {canonical}");
        }
        assert_eq!(reason(index, "00"), Err((field, RlpError::LeadingZero.into())));
        assert_eq!(reason(index, "820001"), Err((field, RlpError::LeadingZero.into())));
    }
    for (index, field) in long {
        assert_eq!(reason(index, "887fffffffffffffff"), Ok(()));
        assert_eq!(reason(index, "888000000000000000"), Err((field, RlpError::IntegerTooLarge.into())));
    }
    for (index, field) in int {
        assert_eq!(reason(index, "8480000000"), Err((field, RlpError::IntegerTooLarge.into())));
    }
    for (index, field) in wide {
        assert_eq!(reason(index, &format!("90{}", "ff".repeat(16))), Ok(()));
        let larger = format!("9101{}", "00".repeat(16));
        assert_eq!(reason(index, &larger), Err((field, RlpError::IntegerTooLarge.into())));
    }
}

#[test]
fn the_number_is_a_positive_java_long() {
    let number = |encoded: &str| {
        let raw = with_item(8, &hex::decode(encoded).expect("test data"));
        Header::decode(&raw, &Activations { rskip351: Activation::NEVER, ..activations() }).map(drop)
    };
    let refusal = |reason: RlpError| {
        Err(HeaderDecodeError::Field { field: HeaderField::Number, reason: reason.into() })
    };
    assert_eq!(number("887fffffffffffffff"), Ok(()));
    assert_eq!(number("888000000000000000"), refusal(RlpError::IntegerTooLarge));
    assert_eq!(number("820014"), refusal(RlpError::LeadingZero));
}

#[test]
fn a_difficulty_is_the_shortest_signed_form_of_a_number_below_2_to_the_128() {
    let field = HeaderField::Difficulty;
    for canonical in ["00", "01", "7f", "820080", "8500a6917e80"] {
        assert_eq!(reason(7, canonical), Ok(()), "{canonical}");
    }
    assert_eq!(reason(7, "80"), Err((field, FieldError::Missing)));
    assert_eq!(reason(7, "82007f"), Err((field, FieldError::RedundantSignByte)));
    assert_eq!(reason(7, "820000"), Err((field, FieldError::RedundantSignByte)));
    assert_eq!(reason(7, "8180"), Err((field, FieldError::Negative)));
    assert_eq!(reason(7, "82ff7f"), Err((field, FieldError::Negative)));
    assert_eq!(reason(7, "82ff80"), Err((field, FieldError::RedundantSignByte)));
    assert_eq!(reason(7, &format!("907f{}", "ff".repeat(15))), Ok(()));
    assert_eq!(reason(7, &format!("9100{}", "ff".repeat(16))), Ok(()));
    assert_eq!(reason(7, &format!("91007f{}", "ff".repeat(15))), Err((field, FieldError::RedundantSignByte)));
    for larger in [format!("9101{}", "00".repeat(16)), format!("920001{}", "00".repeat(16))] {
        assert_eq!(reason(7, &larger), Err((field, RlpError::IntegerTooLarge.into())));
    }
}

#[test]
fn a_minimum_gas_price_is_the_shortest_signed_form_or_rskjs_null() {
    let field = HeaderField::MinimumGasPrice;
    for canonical in ["80", "00", "01", "7f", "820080", "8180", "81ff", "82ff7f", "840387ee40"] {
        assert_eq!(reason(14, canonical), Ok(()), "{canonical}");
    }
    for redundant in ["820000", "82007f", "82ffff", "82ff80"] {
        assert_eq!(reason(14, redundant), Err((field, FieldError::RedundantSignByte)), "{redundant}");
    }
    let price = |encoded: &str| {
        let raw = with_item(14, &hex::decode(encoded).expect("test data"));
        Header::decode(&raw, &activations()).expect("canonical").minimum_gas_price().map(GasPrice::get)
    };
    assert_eq!([price("80"), price("00"), price("81ff")], [None, Some(0), Some(-1)]);
    assert_eq!(reason(14, &format!("90{}", "7f".repeat(16))), Ok(()));
    let larger = format!("9100{}", "80".repeat(16));
    assert_eq!(reason(14, &larger), Err((field, RlpError::IntegerTooLarge.into())));
}

#[test]
fn a_gas_limit_is_raw_bytes() {
    for kept in ["80", "00", "820000", "8400989680", "83989680"] {
        assert_eq!(reason(9, kept), Ok(()), "{kept}");
    }
    let larger = format!("91{}", "01".repeat(17));
    assert_eq!(reason(9, &larger), Err((HeaderField::GasLimit, RlpError::IntegerTooLarge.into())));
}

#[test]
fn extra_data_and_umm_root_are_kept_whatever_their_size() {
    for size in [0usize, 1, 19, 20, 33, 55] {
        let encoded = format!("{:02x}{}", 0x80 + size, "aa".repeat(size));
        assert_eq!(reason(12, &encoded), Ok(()));
        assert_eq!(reason(16, &encoded), Ok(()));
    }
}

#[test]
fn no_field_is_a_list_or_written_in_a_long_way() {
    for (index, field) in HeaderField::of_version_0().iter().enumerate() {
        assert_eq!(reason(index, "c0"), Err((*field, RlpError::ExpectedString.into())));
        for long in ["8105", "b80105"] {
            let raw = with_item(index, &hex::decode(long).expect("test data"));
            assert!(Header::decode(&raw, &activations()).is_err(), "{field} as {long}");
        }
    }
}

#[test]
fn nothing_may_follow_or_be_missing() {
    let mut raw = real();
    raw.push(0);
    assert_eq!(Header::decode(&raw, &mainnet()), Err(HeaderDecodeError::NotAList(RlpError::TrailingBytes)));
    for size in 0..real().len() {
        assert!(Header::decode(&real()[..size], &mainnet()).is_err(), "{size} bytes");
    }
    assert_eq!(Header::decode(&[0x80], &mainnet()), Err(HeaderDecodeError::NotAList(RlpError::ExpectedList)));
}

#[test]
fn only_a_genesis_pads_its_difficulty() {
    let mut fields = HeaderFields {
        genesis_difficulty_padding: 2,
        difficulty: Difficulty::new(0x10_0000),
        ..fields_at(0)
    };
    let genesis = decode(&fields).expect("well-formed");
    assert_eq!((genesis.difficulty().get(), genesis.genesis_difficulty_padding()), (0x10_0000, 2));
    assert_eq!(HeaderFields::of(&genesis), fields);
    fields.number = BlockNumber::new(1);
    let child = decode(&fields).expect("well-formed");
    assert_eq!(child.genesis_difficulty_padding(), 0);
}

fn any_fields() -> impl Strategy<Value = HeaderFields> {
    let hashes = any::<[[u8; 32]; 5]>();
    let short = || proptest::collection::vec(any::<u8>(), 0..40);
    let numbers = (1u64..30, 0u128.., 0u32..4, any::<u128>(), 0u32..128);
    let times = (0u64..1 << 63, 0u64..1 << 63, any::<u128>(), 0u32..1 << 31);
    let price = proptest::option::of(any::<i128>());
    let proof = proptest::option::of((any::<[u8; 32]>(), short(), short()));
    let blobs = (proptest::option::of(any::<[u8; 20]>()), any::<[u8; 32]>(), short(), short());
    (hashes, numbers, times, price, proof, blobs, 0u32..127).prop_map(
        |(hashes, numbers, times, price, proof, (coinbase, bloom, extra_data, umm_root), shift)| {
            let (number, difficulty, leading_zeros, gas_limit, gas_shift) = numbers;
            let (gas_used, timestamp, paid_fees, uncle_count) = times;
            let mut logs_bloom = Box::new([0; 256]);
            logs_bloom[..32].copy_from_slice(&bloom);
            HeaderFields {
                parent_hash: hashes[0].into(),
                uncles_hash: hashes[1].into(),
                coinbase: coinbase.map(Address::new),
                state_root: hashes[2].into(),
                transactions_root: hashes[3].into(),
                receipts_root: hashes[4].into(),
                logs: LogsCommitment::Bloom(logs_bloom),
                difficulty: Difficulty::new(difficulty >> shift),
                genesis_difficulty_padding: 0,
                number: BlockNumber::new(number),
                gas_limit: GasLimit::new(leading_zeros, gas_limit >> gas_shift),
                gas_used: gas_used >> (shift % 64),
                timestamp: UnixTime::from_secs(timestamp >> (gas_shift % 64)),
                extra_data,
                paid_fees: paid_fees >> shift,
                minimum_gas_price: price.map(|price| GasPrice::new(price >> shift)),
                uncle_count: uncle_count >> (shift % 32),
                umm_root: (number >= 20).then_some(umm_root),
                proof: proof.map(|(seed, merkle_proof, coinbase)| ProofFields {
                    bitcoin_header: seed.iter().cycle().take(80).copied().collect(),
                    merkle_proof,
                    coinbase,
                }),
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same_values(fields in any_fields()) {
        let header = decode(&fields).expect("well-formed");
        prop_assert_eq!(&HeaderFields::of(&header), &fields);
        prop_assert_eq!(HeaderFields::of(&header).encode(), header.raw());
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Header::decode(&bytes, &activations());
    }

    #[test]
    fn mutated_headers_do_not_panic_and_what_is_accepted_encodes_back(
        number in 1u64..30,
        mutations in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let mut raw = fields_at(number).encode();
        for (place, byte, kind) in mutations {
            let place = place.index(raw.len());
            match kind {
                0 => raw[place] = byte,
                1 => raw.insert(place, byte),
                _ => drop(raw.drain(place..place + 1)),
            }
        }
        if let Ok(header) = Header::decode(&raw, &activations()) {
            prop_assert_eq!(HeaderFields::of(&header).encode(), raw);
        }
    }
}
