//! Headers of versions 1 and 2: extension data, extension and full form.

use proptest::prelude::*;

use super::{activations, decode, fields_at, full_at};
use crate::primitives::{
    activation::{Activation, Activations, HeaderVersion},
    hash::Hash256,
    header::{
        ExtensionMismatch, FieldError, FullHeader, Header, HeaderDecodeError, HeaderExtension, HeaderField,
        HeaderFields, LogsCommitment,
    },
    number::BlockNumber,
    rlp::{Item, RlpError},
};

/// The extension of a block without logs at a height of [`activations`].
fn empty_at(number: u64) -> HeaderExtension {
    let number = BlockNumber::new(number);
    let version = activations().header_version(number);
    HeaderExtension {
        logs_bloom: Box::new([0; 256]),
        base_event: (version == HeaderVersion::V2).then(Vec::new),
        edges: activations().has_edges(number).then(Vec::new),
    }
}

fn fault(field: HeaderField, reason: impl Into<FieldError>) -> HeaderDecodeError {
    HeaderDecodeError::Field { field, reason: reason.into() }
}

/// The items of the full form, encoded.
fn items(full: &FullHeader) -> Vec<Vec<u8>> {
    let raw = full.encode();
    let mut items = Item::decode(&raw).and_then(|item| item.list()).expect("a list");
    let mut encoded = Vec::new();
    while !items.is_empty() {
        encoded.push(items.next_item().expect("an item").encoded().to_vec());
    }
    encoded
}

fn decode_items(items: &[Vec<u8>]) -> Result<FullHeader, HeaderDecodeError> {
    FullHeader::decode(&super::super::as_list(&items.concat()), &activations())
}

#[test]
fn extensions_of_blocks_without_logs_have_their_known_hashes() {
    let known = [
        (32, "0x339bef53725a6ddba6dd20e727e3fe46866efc57a35164222577762e02d8c6ef"),
        (34, "0x9aca8469839f117b1a26abbdea244a32cb0833e387cf6af9dc13eb336094d3c2"),
    ];
    for (number, hash) in known {
        assert_eq!(empty_at(number).hash().to_string(), hash, "height {number}");
    }
}

#[test]
fn the_height_decides_what_stands_in_the_place_of_the_bloom() {
    let bloom = |number| decode(&fields_at(number)).map(|header| header.version());
    assert_eq!(bloom(29), Ok(HeaderVersion::V0));
    let refusal = bloom(30).expect_err("a bloom at a height of version 1");
    assert!(refusal.may_be_of_newer_layout());
    assert!(matches!(refusal, HeaderDecodeError::Field { field: HeaderField::ExtensionData, .. }));
    for (number, version) in [(30, HeaderVersion::V1), (33, HeaderVersion::V1), (34, HeaderVersion::V2)] {
        let full = full_at(number, empty_at(number));
        assert_eq!(full.header().version(), version);
        assert_eq!(full.header().extension_hash(), Some(empty_at(number).hash()));
        assert_eq!(HeaderFields::of(full.header()).encode(), full.header().raw());
    }
    let mut early = fields_at(29);
    early.logs = empty_at(30).commitment();
    let refusal = decode(&early).expect_err("extension data at a height of version 0");
    assert_eq!(refusal, fault(HeaderField::LogsBloom, RlpError::WrongSize { expected: 256, actual: 35 }));
}

#[test]
fn extension_data_is_the_heights_version_and_a_hash() {
    let with = |number: u64, version| {
        let mut fields = fields_at(number);
        fields.logs = LogsCommitment::Extension { version, hash: Hash256::new([7; 32]) };
        decode(&fields).map(drop)
    };
    assert_eq!(with(33, HeaderVersion::V1), Ok(()));
    let wrong = |expected, actual| {
        Err(fault(HeaderField::ExtensionData, FieldError::WrongVersion { expected, actual }))
    };
    assert_eq!(with(33, HeaderVersion::V2), wrong(1, 2));
    for number in [34, 39, 40] {
        assert_eq!(with(number, HeaderVersion::V2), Ok(()));
    }
    // Where a base event may be missing, blocks may be of the version before.
    assert_eq!(with(34, HeaderVersion::V1), Ok(()));
    assert_eq!(with(39, HeaderVersion::V1), Ok(()));
    assert_eq!(with(40, HeaderVersion::V1), wrong(2, 1));
}

#[test]
fn extension_data_that_rskj_only_glances_at_is_refused() {
    let data = |hexadecimal: &str| {
        let wire = full_at(34, empty_at(34)).header().raw().to_vec();
        let mut items = Item::decode(&wire).and_then(|item| item.list()).expect("a list");
        let mut payload = Vec::new();
        for place in 0.. {
            if items.is_empty() {
                break;
            }
            let item = items.next_item().expect("an item");
            if place == 6 {
                payload.extend(rlp::encode(&hex::decode(hexadecimal).expect("test data")));
            } else {
                payload.extend(item.encoded());
            }
        }
        Header::decode(&super::super::as_list(&payload), &activations()).map(drop)
    };
    let hash = "07".repeat(32);
    assert_eq!(data(&format!("e202a0{hash}")), Ok(()));
    let refused = [
        ("c102".to_owned(), RlpError::MissingItem.into()),
        (
            format!("e1029f{}", "07".repeat(31)),
            FieldError::from(RlpError::WrongSize { expected: 32, actual: 31 }),
        ),
        (format!("e302a0{hash}01"), RlpError::TrailingBytes.into()),
        (format!("e4820207a0{hash}"), RlpError::WrongSize { expected: 1, actual: 2 }.into()),
        (format!("e202a0{hash}01"), RlpError::TrailingBytes.into()),
        (hash.clone(), RlpError::TrailingBytes.into()),
        (String::new(), RlpError::MissingItem.into()),
    ];
    for (bytes, reason) in refused {
        assert_eq!(data(&bytes), Err(fault(HeaderField::ExtensionData, reason)), "{bytes}");
    }
}

#[test]
fn the_full_form_has_version_then_edges_then_base_event() {
    let extension =
        HeaderExtension { base_event: Some(vec![0xaa, 0xbb]), edges: Some(vec![1, 0x203]), ..empty_at(34) };
    let full = full_at(34, extension.clone());
    let all = items(&full);
    assert_eq!(all.len(), 17 + 3 + 3);
    assert_eq!(all[6].len(), 3 + 256);
    assert_eq!([&all[17][..], &all[18], &all[19]], [&[2][..], &[0x84, 1, 0, 3, 2], &[0x82, 0xaa, 0xbb]]);
    assert_eq!(decode_items(&all).as_ref(), Ok(&full));
    // The extension on its own has the base event before the edges.
    let alone = extension.encode();
    assert!(alone.ends_with(&[0x82, 0xaa, 0xbb, 0x84, 1, 0, 3, 2]));
    let read = HeaderExtension::decode(&alone, &activations(), BlockNumber::new(34));
    assert_eq!(read, Ok(extension));
}

#[test]
fn the_height_decides_the_fields_of_the_full_form_and_of_the_extension() {
    for (number, fields) in [(30, 18), (31, 18), (32, 19), (33, 19), (40, 20)] {
        let full = full_at(number, empty_at(number));
        let all = items(&full);
        assert_eq!(all.len(), fields + 3, "height {number}");
        assert_eq!(decode_items(&all), Ok(full));
        let mut more = all.clone();
        more.push(vec![0x80]);
        let number = BlockNumber::new(number);
        let refusal = |actual| Err(HeaderDecodeError::FieldCount { number, actual, without_proof: fields });
        assert_eq!(decode_items(&more), refusal(fields + 4));
        assert_eq!(decode_items(&all[..fields + 2]), refusal(fields + 2));
        let without_proof = decode_items(&all[..fields]).expect("the other size");
        assert!(without_proof.header().proof().is_none());
        assert_eq!(items(&without_proof), all[..fields]);

        let extension = empty_at(number.get()).encode();
        for (other, its_fields) in [(29, 17), (30, 18), (31, 18), (32, 19), (33, 19), (34, 20), (40, 20)] {
            let same = fields == its_fields;
            let read = HeaderExtension::decode(&extension, &activations(), BlockNumber::new(other));
            assert_eq!(read.is_ok(), same, "extension of {number} at {other}");
        }
    }
}

#[test]
fn a_missing_base_event_is_read_as_empty_below_the_height_that_requires_it() {
    for (number, is_read) in [(33, false), (34, true), (39, true), (40, false)] {
        let mut all = items(&full_at(number, empty_at(number)));
        let place = if number == 33 { 18 } else { 19 };
        all.remove(place);
        for size in [all.len(), all.len() - 3] {
            let read = decode_items(&all[..size]);
            assert_eq!(read.is_ok(), is_read, "height {number}, {size} fields");
            if let Ok(full) = read {
                let mut whole = all[..size].to_vec();
                whole.insert(place, vec![0x80]);
                assert_eq!(items(&full), whole, "written with an empty one");
            }
        }
    }
}

#[test]
fn version_1_goes_on_while_base_events_may_be_missing() {
    for (number, is_read) in [(34, true), (39, true), (40, false)] {
        // A header of version 1 at a height of version 2, built from its parts.
        let extension = empty_at(33);
        let mut fields = fields_at(number);
        fields.logs = extension.commitment();
        let wire = decode(&fields);
        assert_eq!(wire.is_ok(), is_read, "height {number}");
        let Ok(header) = wire else { continue };
        assert_eq!(header.version(), HeaderVersion::V1);
        let full = FullHeader::new(header, Some(extension.clone())).expect("its own extension");
        let all = items(&full);
        assert_eq!(decode_items(&all).as_ref(), Ok(&full));
        // With a base event it would be of version 2; rskj drops it and writes another form.
        let mut longer = all.clone();
        longer.insert(19, vec![0x80]);
        let number = BlockNumber::new(number);
        let refusal = HeaderDecodeError::FieldCount { number, actual: 23, without_proof: 19 };
        assert_eq!(decode_items(&longer), Err(refusal));
        let in_body = extension.encode_in_body();
        let read = HeaderExtension::decode_in_body(&in_body, &activations(), number);
        assert_eq!(read, Ok(extension));
    }
}

#[test]
fn version_and_edges_are_canonical() {
    let full = full_at(40, empty_at(40));
    let with = |place: usize, encoded: &[u8]| {
        let mut all = items(&full);
        all[place] = encoded.to_vec();
        decode_items(&all).map(drop)
    };
    let wrong = |actual| fault(HeaderField::Version, FieldError::WrongVersion { expected: 2, actual });
    assert_eq!(with(17, &[1]), Err(wrong(1)));
    assert_eq!(with(17, &[3]), Err(wrong(3)));
    assert_eq!(with(17, &[0]), Err(wrong(0)));
    let empty = RlpError::WrongSize { expected: 1, actual: 0 };
    assert_eq!(with(17, &[0x80]), Err(fault(HeaderField::Version, empty)));
    assert_eq!(with(18, &[0x82, 1, 0]), Ok(()));
    assert_eq!(with(18, &[0x01]), Err(fault(HeaderField::Edges, FieldError::OddSize)));
    assert_eq!(with(18, &[0x83, 1, 0, 2]), Err(fault(HeaderField::Edges, FieldError::OddSize)));
    assert_eq!(with(18, &[0xc0]), Err(fault(HeaderField::Edges, RlpError::ExpectedString)));
    assert_eq!(with(19, &[&[0xb9, 3, 0xe8][..], &[9; 1000]].concat()), Ok(()), "rskj sets no limit");
    assert_eq!(with(19, &[0xc0]), Err(fault(HeaderField::BaseEvent, RlpError::ExpectedString)));
    let short = RlpError::WrongSize { expected: 256, actual: 0 };
    assert_eq!(with(6, &[0x80]), Err(fault(HeaderField::LogsBloom, short)));
}

#[test]
fn an_extension_belongs_to_one_header() {
    let header = full_at(34, empty_at(34)).header().clone();
    let mut other = empty_at(34);
    other.logs_bloom[255] = 1;
    let mismatch = ExtensionMismatch::WrongHash { expected: empty_at(34).hash(), seen: other.hash() };
    assert_eq!(FullHeader::new(header.clone(), Some(other)), Err(mismatch));
    let mismatch = ExtensionMismatch::WrongVersion { expected: 2, seen: 1 };
    assert_eq!(FullHeader::new(header.clone(), Some(empty_at(33))), Err(mismatch));
    assert_eq!(FullHeader::new(header, None), Err(ExtensionMismatch::Missing));
    let old = decode(&fields_at(29)).expect("well-formed");
    assert_eq!(FullHeader::new(old.clone(), Some(empty_at(34))), Err(ExtensionMismatch::NotExpected));
    assert_eq!(FullHeader::new(old.clone(), None).map(|full| full.encode()), Ok(old.raw().to_vec()));
}

#[test]
fn in_a_body_the_extension_stands_in_a_string_behind_its_version() {
    let number = BlockNumber::new(34);
    let encoded = empty_at(34).encode_in_body();
    let read = |bytes: &[u8], number| HeaderExtension::decode_in_body(bytes, &activations(), number);
    assert_eq!(read(&encoded, number), Ok(empty_at(34)));
    let wrong = FieldError::WrongVersion { expected: 1, actual: 2 };
    assert_eq!(read(&encoded, BlockNumber::new(33)), Err(fault(HeaderField::Version, wrong)));
    let trailing = super::super::as_list(&[&[2][..], &rlp::encode(&empty_at(34).encode()), &[5]].concat());
    assert_eq!(read(&trailing, number), Err(HeaderDecodeError::NotAList(RlpError::TrailingBytes)));
}

#[test]
fn an_uncle_may_have_what_nobody_looks_at_in_any_size() {
    let uncle = |number: u64, place: usize, encoded: &[u8]| {
        let full = match number {
            29 => FullHeader::new(decode(&fields_at(29)).expect("well-formed"), None).expect("no extension"),
            _ => full_at(number, empty_at(number)),
        };
        let mut all = items(&full);
        all[place] = encoded.to_vec();
        let raw = super::super::as_list(&all.concat());
        assert!(FullHeader::decode(&raw, &activations()).is_err(), "height {number}, place {place}");
        let taken = FullHeader::decode_uncle(&raw, &activations());
        if let Ok(uncle) = &taken {
            assert_eq!(uncle.encode(), raw);
            assert_ne!(uncle.header().hash(), full.header().hash());
        }
        taken.map(drop)
    };
    let string_of_31 = [&[0x9f][..], &[7; 31]].concat();
    let fees = [&[0x91, 1][..], &[0; 16]].concat();
    for number in [29, 33, 40] {
        for place in [1, 3, 4, 5, 6] {
            assert_eq!(uncle(number, place, &string_of_31), Ok(()), "height {number}, place {place}");
        }
        assert_eq!(uncle(number, 13, &fees), Ok(()));
        assert_eq!(uncle(number, 1, &[0x80]), Ok(()));
        // Of an extension without a bloom rskj cannot make the hash.
        assert_eq!(uncle(number, 6, &[0x80]).is_ok(), number == 29);
        // rskj would write these back in another form, or reads them.
        assert!(uncle(number, 3, &[0x80]).is_err(), "an empty root");
        assert!(uncle(number, 3, &[0x81, 5]).is_err(), "a long form");
        assert!(uncle(number, 0, &string_of_31).is_err(), "a parent's hash");
        assert!(uncle(number, 2, &string_of_31).is_err(), "an address");
        assert!(uncle(number, 14, &fees).is_err(), "a price");
        assert!(uncle(number, 7, &fees).is_err(), "a difficulty");
    }
}

fn any_extension(number: u64) -> impl Strategy<Value = HeaderExtension> {
    let edges = proptest::collection::vec(any::<i16>(), 0..5);
    (any::<[u8; 32]>(), proptest::collection::vec(any::<u8>(), 0..140), edges).prop_map(
        move |(bloom, base_event, edges)| {
            let mut extension = empty_at(number);
            extension.logs_bloom[..32].copy_from_slice(&bloom);
            extension.base_event = extension.base_event.map(|_| base_event);
            extension.edges = extension.edges.map(|_| edges);
            extension
        },
    )
}

proptest! {
    #[test]
    fn full_forms_come_back(
        (number, extension) in (30u64..42).prop_flat_map(|number| (Just(number), any_extension(number))),
    ) {
        let full = full_at(number, extension.clone());
        let read = FullHeader::decode(&full.encode(), &activations());
        prop_assert_eq!(read.as_ref(), Ok(&full));
        let number = BlockNumber::new(number);
        let in_body = HeaderExtension::decode_in_body(&extension.encode_in_body(), &activations(), number);
        prop_assert_eq!(in_body.as_ref(), Ok(&extension));
    }

    #[test]
    fn mutated_full_forms_do_not_panic_and_what_is_accepted_encodes_back(
        (number, extension) in (30u64..42).prop_flat_map(|number| (Just(number), any_extension(number))),
        mutations in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..4),
    ) {
        let mut raw = full_at(number, extension).encode();
        for (place, byte, kind) in mutations {
            let place = place.index(raw.len());
            match kind {
                0 => raw[place] = byte,
                1 => raw.insert(place, byte),
                _ => drop(raw.drain(place..place + 1)),
            }
        }
        let strict = Activations { base_event_required: Activation::GENESIS, ..activations() };
        if let Ok(full) = FullHeader::decode(&raw, &strict) {
            prop_assert_eq!(full.encode(), raw);
        }
    }
}
