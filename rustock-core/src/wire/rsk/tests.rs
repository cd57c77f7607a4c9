//! The sub-protocol at its edges, and round trips of every typed message.

use proptest::prelude::*;
use rlp::RlpStream;

use super::*;
use crate::{
    primitives::{
        hash::BlockHash,
        number::{BlockNumber, CumulativeDifficulty},
        rlp::RlpError,
    },
    wire::error::MessageFault,
};

const HASH: BlockHash = BlockHash::new([0x4e; 32]);

fn id(id: u64) -> RequestId {
    RequestId::new(id).expect("small enough")
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).expect("test data")
}

fn refusal(payload: &[u8]) -> (&'static str, &'static str, MessageFault) {
    let error = RskMessage::decode(payload).expect_err("must be refused");
    (error.message, error.field, error.reason)
}

fn refusal_of_body(kind: MessageKind, body: &[u8]) -> (&'static str, MessageFault) {
    let (message, field, reason) = refusal(&seal(kind, body));
    assert_eq!(message, kind.name());
    (field, reason)
}

fn identifiers(count: usize) -> Vec<BlockIdentifier> {
    (0..count as u64).map(|number| BlockIdentifier { hash: HASH, number: BlockNumber::new(number) }).collect()
}

fn header_list(count: usize) -> Vec<RawList> {
    vec![RawList::new(vec![0xc1, 0x05]).expect("a list"); count]
}

#[test]
fn every_type_is_its_number_and_nothing_else_is_a_type() {
    for kind in MessageKind::ALL {
        assert_eq!(MessageKind::from_code(kind.code()), Some(kind));
    }
    let assigned = (0..=u8::MAX).filter(|code| MessageKind::from_code(*code).is_some()).count();
    assert_eq!(assigned, MessageKind::ALL.len());
    for unassigned in [0, 4, 5, 19, 26] {
        assert_eq!(MessageKind::from_code(unassigned), None);
    }
}

#[test]
fn the_envelope_takes_only_the_form_rskj_writes() {
    assert!(RskMessage::decode(&bytes("c7c60884c32ac163")).is_ok());
    let rlp = MessageFault::Rlp;
    assert_eq!(refusal(&[]), ("RskMessage", "payload", rlp(RlpError::MissingItem)));
    assert_eq!(refusal(&bytes("c0")), ("RskMessage", "message", rlp(RlpError::MissingItem)));
    assert_eq!(refusal(&bytes("c60884c32ac163")), ("RskMessage", "message", rlp(RlpError::ExpectedList)));
    assert_eq!(refusal(&bytes("c8c60884c32ac163c0")), ("RskMessage", "end", rlp(RlpError::TrailingBytes)));
    assert_eq!(
        refusal(&bytes("c7c60884c32ac16300")),
        ("RskMessage", "payload", rlp(RlpError::TrailingBytes))
    );
    assert_eq!(
        refusal(&bytes("c6c508c32ac163")),
        ("BlockHashRequest", "body", rlp(RlpError::ExpectedString))
    );
    assert_eq!(
        refusal(&bytes("c8c70884c32ac16300")),
        ("BlockHashRequest", "end", rlp(RlpError::TrailingBytes))
    );
    assert_eq!(refusal(&bytes("c3c20880")), ("BlockHashRequest", "body", rlp(RlpError::MissingItem)));
}

#[test]
fn unassigned_types_are_refused() {
    for (payload, found) in
        [("c4c30481c0", 4), ("c4c38081c0", 0), ("c4c31a81c0", 26), ("c6c582010681c0", 262)]
    {
        assert_eq!(refusal(&bytes(payload)), ("RskMessage", "type", MessageFault::UnassignedType { found }));
    }
}

#[test]
fn bodies_that_are_not_read_are_ignored_whatever_is_in_them() {
    let ignored = MessageKind::ALL.into_iter().filter(|kind| kind.is_ignored());
    let numbers: Vec<u8> = ignored.clone().map(MessageKind::code).collect();
    assert_eq!(numbers, [2, 7, 12, 21, 23, 25]);
    for kind in ignored {
        for body in [&[0xff; 5][..], &[0xc0], &[0xbf; 70]] {
            let size = body.len();
            assert_eq!(RskMessage::decode(&seal(kind, body)), Ok(RskMessage::Ignored { kind, size }));
        }
        assert!(RskMessage::decode(&seal(kind, &[])).is_err(), "rskj closes on an empty body");
    }
}

#[test]
fn ids_end_at_2_to_the_63() {
    let largest = RskMessage::SnapStatusRequest(SnapStatusRequest { id: RequestId::MAX });
    assert_eq!(RskMessage::decode(&largest.encode()), Ok(largest));
    assert_eq!(RequestId::new(1 << 63), None);
    assert_eq!(RequestId::MAX.next(), id(0));
    assert_eq!(id(0).next(), id(1));
    let above = bytes("ca 88 8000000000000000 c0");
    assert_eq!(
        refusal_of_body(MessageKind::SnapStatusRequest, &above),
        ("id", MessageFault::NumberTooLarge { limit: i64::MAX as u64, actual: 1 << 63 })
    );
}

#[test]
fn a_height_ends_at_2_to_the_63() {
    let request = |height| {
        let height = BlockNumber::new(height);
        RskMessage::BlockHashRequest(BlockHashRequest { id: id(1), height })
    };
    assert!(RskMessage::decode(&request(i64::MAX as u64).encode()).is_ok());
    assert_eq!(refusal(&request(1 << 63).encode()).1, "height");
}

#[test]
fn a_response_has_at_most_192_headers_and_each_is_a_list() {
    let response = |count| {
        RskMessage::BlockHeadersResponse(BlockHeadersResponse { id: id(7), headers: header_list(count) })
    };
    assert_eq!(RskMessage::decode(&response(MAX_HEADERS).encode()), Ok(response(MAX_HEADERS)));
    assert_eq!(
        refusal(&response(MAX_HEADERS + 1).encode()),
        ("BlockHeadersResponse", "headers", MessageFault::TooManyEntries { limit: 192 })
    );
    assert_eq!(
        refusal_of_body(MessageKind::BlockHeadersResponse, &bytes("c4 07 c2 c1 05")),
        ("header", MessageFault::Rlp(RlpError::ExpectedList))
    );
}

#[test]
fn a_count_of_headers_ends_where_rskj_would_close() {
    let request =
        |count| RskMessage::BlockHeadersRequest(BlockHeadersRequest { id: id(1), hash: HASH, count });
    let largest = request(i32::MAX as u32);
    assert_eq!(RskMessage::decode(&largest.encode()), Ok(largest));
    assert_eq!(refusal(&request(1 << 31).encode()).1, "count");
}

#[test]
fn a_skeleton_has_at_most_22_entries() {
    let response =
        |count| RskMessage::SkeletonResponse(SkeletonResponse { id: id(7), identifiers: identifiers(count) });
    assert_eq!(
        RskMessage::decode(&response(MAX_SKELETON_ENTRIES).encode()),
        Ok(response(MAX_SKELETON_ENTRIES))
    );
    assert_eq!(refusal(&response(MAX_SKELETON_ENTRIES + 1).encode()).1, "identifiers");
}

#[test]
fn an_announcement_is_used_up_to_256_and_the_rest_counted() {
    let announce =
        |count| RskMessage::NewBlockHashes(NewBlockHashes { identifiers: identifiers(count), ignored: 0 });
    for (sent, ignored) in [(0, 0), (1, 0), (256, 0), (257, 1), (3_000, 2_744)] {
        let expected = NewBlockHashes { identifiers: identifiers(sent.min(256)), ignored };
        assert_eq!(RskMessage::decode(&announce(sent).encode()), Ok(RskMessage::NewBlockHashes(expected)));
    }
}

#[test]
fn an_identifier_is_a_hash_and_a_number() {
    let hash = "4e".repeat(32);
    let whole = bytes(&format!("e3 e2 a0{hash} 01"));
    assert!(RskMessage::decode(&seal(MessageKind::NewBlockHashes, &whole)).is_ok());
    for (body, field) in [
        (format!("e2 e1 a0{hash}"), "identifier number"),
        (format!("e4 e3 a0{hash} 01 01"), "end"),
        (format!("e2 e1 9f{} 01", "4e".repeat(31)), "identifier hash"),
        (format!("e3 e2 a0{hash} 00"), "identifier number"),
        ("c1 01".to_owned(), "identifier"),
    ] {
        assert_eq!(refusal_of_body(MessageKind::NewBlockHashes, &bytes(&body)).0, field, "{body}");
    }
}

#[test]
fn a_status_has_exactly_four_elements() {
    let status = Status {
        number: BlockNumber::new(5),
        best_hash: HASH,
        parent_hash: BlockHash::ZERO,
        total_difficulty: CumulativeDifficulty::new(0x80),
    };
    assert!(RskMessage::decode(&RskMessage::Status(status).encode()).is_ok());
    let hash = "4e".repeat(32);
    for (body, field, reason) in [
        (format!("e2 05 a0{hash}"), "parent hash", RlpError::MissingItem),
        (format!("f843 05 a0{hash} a0{hash}"), "total difficulty", RlpError::MissingItem),
        (format!("f845 05 a0{hash} a0{hash} 07 07"), "end", RlpError::TrailingBytes),
        (format!("e3 05 80 a0{hash}"), "best hash", RlpError::WrongSize { expected: 32, actual: 0 }),
    ] {
        let refused = refusal_of_body(MessageKind::Status, &bytes(&body));
        assert_eq!(refused, (field, MessageFault::Rlp(reason)), "{body}");
    }
}

#[test]
fn a_body_has_two_or_three_parts_and_at_most_ten_uncles() {
    let response = |uncles, extension| {
        RskMessage::BodyResponse(BodyResponse {
            id: id(300),
            transactions: RawList::empty(),
            uncles: header_list(uncles),
            extension,
        })
    };
    let extension = Some(RawList::new(bytes("c3 01 81c0")).expect("a list"));
    for message in [response(0, None), response(MAX_UNCLES, extension.clone())] {
        assert_eq!(RskMessage::decode(&message.encode()), Ok(message));
    }
    assert_eq!(refusal(&response(MAX_UNCLES + 1, None).encode()).1, "uncles");
    for (body, field) in [
        ("c5 82012c c1c0", "uncles"),
        ("c7 82012c c3c0c001", "extension"),
        ("c8 82012c c4c0c0c0c0", "end"),
        ("c6 82012c c2c001", "uncles"),
        ("c6 82012c c201c0", "transactions"),
    ] {
        assert_eq!(refusal_of_body(MessageKind::BodyResponse, &bytes(body)).0, field, "{body}");
    }
}

#[test]
fn a_raw_list_is_exactly_one_list() {
    assert_eq!(RawList::new(vec![0xc1, 5]).map(RawList::into_bytes), Ok(vec![0xc1, 5]));
    assert_eq!(RawList::new(vec![0x80]), Err(RlpError::ExpectedList));
    assert_eq!(RawList::new(vec![0xc0, 0xc0]), Err(RlpError::TrailingBytes));
    assert_eq!(RawList::new(vec![]), Err(RlpError::MissingItem));
}

#[test]
fn the_legacy_status_has_exactly_five_elements() {
    let status = LegacyStatus {
        protocol_version: 62,
        network_id: 775,
        total_difficulty: CumulativeDifficulty::new(0x100000),
        best_hash: HASH,
        genesis_hash: HASH,
    };
    let payload = status.encode();
    assert_eq!(LegacyStatus::decode(&payload), Ok(status));
    let mut longer = payload.clone();
    longer[1] += 1;
    longer.push(1);
    assert_eq!(LegacyStatus::decode(&longer).expect_err("six elements").field, "end");
    let mut shorter = payload;
    shorter.truncate(shorter.len() - 33);
    shorter[1] -= 33;
    shorter.splice(..2, [0xc0 + shorter[1]]);
    assert_eq!(LegacyStatus::decode(&shorter).expect_err("four elements").field, "genesis hash");
}

#[test]
fn a_type_is_known_from_the_first_bytes_alone() {
    for kind in MessageKind::ALL {
        for size in [1, 3, 54, 56, 300, 70_000, 17_000_000] {
            let payload = seal(kind, &vec![0xc5; size]);
            let start = &payload[..payload.len().min(PEEK_SIZE)];
            assert_eq!(MessageKind::peek(start), Some(kind), "{kind} of {size} bytes");
        }
    }
    for not_an_envelope in
        ["", "c0", "80", "c7", "c7c6", "c7c504", "c8c60884c32ac163c0", "c7c60484c32ac163", "f80ac608"]
    {
        assert_eq!(MessageKind::peek(&bytes(not_an_envelope)), None, "{not_an_envelope}");
    }
}

fn any_id() -> impl Strategy<Value = RequestId> {
    (0..=i64::MAX as u64).prop_map(|number| RequestId::new(number).expect("in range"))
}

fn any_number() -> impl Strategy<Value = BlockNumber> {
    (0..=i64::MAX as u64, 0u32..63).prop_map(|(number, shift)| BlockNumber::new(number >> shift))
}

fn any_hash() -> impl Strategy<Value = BlockHash> {
    any::<[u8; 32]>().prop_map(BlockHash::new)
}

fn any_list() -> impl Strategy<Value = RawList> {
    proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..4).prop_map(|strings| {
        let mut stream = RlpStream::new_list(strings.len());
        for string in strings {
            stream.append(&string);
        }
        RawList::new(stream.out().to_vec()).expect("canonical")
    })
}

fn any_identifiers() -> impl Strategy<Value = Vec<BlockIdentifier>> {
    let identifier = (any_hash(), any_number()).prop_map(|(hash, number)| BlockIdentifier { hash, number });
    proptest::collection::vec(identifier, 0..=MAX_SKELETON_ENTRIES)
}

fn any_message() -> impl Strategy<Value = RskMessage> {
    let ignored = prop::sample::select(
        MessageKind::ALL.into_iter().filter(|kind| kind.is_ignored()).collect::<Vec<_>>(),
    );
    let lists = || proptest::collection::vec(any_list(), 0..=MAX_UNCLES);
    prop_oneof![
        (any_number(), any_hash(), any_hash(), any::<u128>()).prop_map(
            |(number, best_hash, parent_hash, sum)| {
                let total_difficulty = CumulativeDifficulty::new(sum);
                RskMessage::Status(Status { number, best_hash, parent_hash, total_difficulty })
            }
        ),
        any_hash().prop_map(|hash| RskMessage::GetBlock(GetBlock { hash })),
        any_hash().prop_map(|hash| RskMessage::NewBlockHash(NewBlockHash { hash })),
        any_identifiers()
            .prop_map(|identifiers| RskMessage::NewBlockHashes(NewBlockHashes { identifiers, ignored: 0 })),
        (any_id(), any_number())
            .prop_map(|(id, height)| RskMessage::BlockHashRequest(BlockHashRequest { id, height })),
        (any_id(), any_hash())
            .prop_map(|(id, hash)| RskMessage::BlockHashResponse(BlockHashResponse { id, hash })),
        (any_id(), any_hash(), 0..=i32::MAX as u32).prop_map(|(id, hash, count)| {
            RskMessage::BlockHeadersRequest(BlockHeadersRequest { id, hash, count })
        }),
        (any_id(), lists())
            .prop_map(|(id, headers)| RskMessage::BlockHeadersResponse(BlockHeadersResponse { id, headers })),
        (any_id(), any_hash()).prop_map(|(id, hash)| RskMessage::BlockRequest(BlockRequest { id, hash })),
        (any_id(), any_hash()).prop_map(|(id, hash)| RskMessage::BodyRequest(BodyRequest { id, hash })),
        (any_id(), any_list(), lists(), proptest::option::of(any_list())).prop_map(
            |(id, transactions, uncles, extension)| {
                RskMessage::BodyResponse(BodyResponse { id, transactions, uncles, extension })
            }
        ),
        (any_id(), any_number())
            .prop_map(|(id, start)| RskMessage::SkeletonRequest(SkeletonRequest { id, start })),
        (any_id(), any_identifiers())
            .prop_map(|(id, identifiers)| RskMessage::SkeletonResponse(SkeletonResponse { id, identifiers })),
        any_id().prop_map(|id| RskMessage::SnapStatusRequest(SnapStatusRequest { id })),
        (any_id(), any_number())
            .prop_map(|(id, number)| RskMessage::SnapBlocksRequest(SnapBlocksRequest { id, number })),
        (any_id(), any_number(), any_number(), 0u64..10_000).prop_map(|(id, number, from, chunk_size)| {
            let from = from.get();
            RskMessage::SnapStateChunkRequest(SnapStateChunkRequest { id, number, from, chunk_size })
        }),
        (ignored, 1usize..500).prop_map(|(kind, size)| RskMessage::Ignored { kind, size }),
    ]
}

/// What is read must be written the same way, unless its bytes were dropped on purpose.
fn rewrites_what_it_read(payload: &[u8]) -> Result<(), TestCaseError> {
    match RskMessage::decode(payload) {
        Err(_) | Ok(RskMessage::Ignored { .. }) => {}
        Ok(RskMessage::NewBlockHashes(message)) if message.ignored > 0 => {}
        Ok(message) => prop_assert_eq!(message.encode(), payload),
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_message_survives_a_round_trip(message in any_message()) {
        let payload = message.encode();
        prop_assert_eq!(MessageKind::peek(&payload[..payload.len().min(PEEK_SIZE)]), Some(message.kind()));
        prop_assert_eq!(RskMessage::decode(&payload), Ok(message));
    }

    #[test]
    fn a_damaged_message_is_refused_or_has_one_form_only(
        message in any_message(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut payload = message.encode();
        let shorter = &payload[..cut.index(payload.len())];
        prop_assert!(RskMessage::decode(shorter).is_err());
        for (at, byte) in damage {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        rewrites_what_it_read(&payload)?;
    }

    #[test]
    fn any_body_decodes_without_panic(kind in prop::sample::select(MessageKind::ALL.to_vec()), body in any_list()) {
        rewrites_what_it_read(&seal(kind, body.as_bytes()))?;
    }

    #[test]
    fn any_bytes_decode_without_panic(payload in proptest::collection::vec(any::<u8>(), 0..120)) {
        rewrites_what_it_read(&payload)?;
        let kind = MessageKind::peek(&payload[..payload.len().min(PEEK_SIZE)]);
        if let Ok(message) = RskMessage::decode(&payload) {
            prop_assert_eq!(kind, Some(message.kind()));
        }
        if let Ok(status) = LegacyStatus::decode(&payload) {
            prop_assert_eq!(status.encode(), payload);
        }
    }

    #[test]
    fn a_legacy_status_survives_a_round_trip_and_has_one_form_only(
        versions: (u32, u32),
        sum: u128,
        best_hash in any_hash(),
        genesis_hash in any_hash(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let (protocol_version, network_id) = versions;
        let total_difficulty = CumulativeDifficulty::new(sum);
        let status = LegacyStatus { protocol_version, network_id, total_difficulty, best_hash, genesis_hash };
        let mut payload = status.encode();
        prop_assert_eq!(LegacyStatus::decode(&payload), Ok(status));
        let at = at.index(payload.len());
        payload[at] = byte;
        if let Ok(status) = LegacyStatus::decode(&payload) {
            prop_assert_eq!(status.encode(), payload);
        }
    }
}
