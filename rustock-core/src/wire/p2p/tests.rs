//! The base protocol at its edges: what is refused beside what is taken.

use super::*;
use proptest::prelude::*;

fn hello() -> Hello {
    Hello {
        p2p_version: 4,
        client_id: "Rustock/v0.1.0".to_owned(),
        capabilities: vec![Capability { name: "rsk".to_owned(), version: 62 }],
        listen_port: 0,
        node_id: NodeId::new([7; 64]),
    }
}

fn reason_of(result: Result<impl fmt::Debug, MessageError>) -> (&'static str, MessageFault) {
    let error = result.expect_err("must be refused");
    (error.field, error.reason)
}

/// A Hello whose five elements are written by hand.
fn hello_of(parts: [&[u8]; 5]) -> Vec<u8> {
    let mut stream = RlpStream::new_list(5);
    for part in parts {
        stream.append_raw(part, 1);
    }
    stream.out().to_vec()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    rlp::encode(&bytes).to_vec()
}

#[test]
fn a_hello_with_more_elements_is_read_and_one_with_fewer_is_not() {
    let mut stream = RlpStream::new();
    stream.begin_unbounded_list();
    let encoded = hello().encode();
    let mut items = Item::decode(&encoded).and_then(|item| item.list()).expect("canonical");
    while !items.is_empty() {
        stream.append_raw(items.next_item().expect("canonical").encoded(), 1);
    }
    stream.append(&3u8).append(&"foo");
    stream.finalize_unbounded_list();
    assert_eq!(Hello::decode(&stream.out()), Ok(hello()));

    let short = [&[0xc3][..], &[4, 0x80, 0xc0]].concat();
    assert_eq!(reason_of(Hello::decode(&short)), ("listen port", MessageFault::Rlp(RlpError::MissingItem)));
}

#[test]
fn texts_end_at_their_limit_and_are_utf8() {
    let id = string(&[7; 64]);
    let longest = string(&[b'x'; MAX_CLIENT_ID_SIZE]);
    let too_long = string(&[b'x'; MAX_CLIENT_ID_SIZE + 1]);
    assert!(Hello::decode(&hello_of([&[4], &longest, &[0xc0], &[0x80], &id])).is_ok());
    assert_eq!(
        reason_of(Hello::decode(&hello_of([&[4], &too_long, &[0xc0], &[0x80], &id]))),
        (
            "client id",
            MessageFault::TextTooLong { limit: MAX_CLIENT_ID_SIZE, actual: MAX_CLIENT_ID_SIZE + 1 }
        )
    );
    assert_eq!(
        reason_of(Hello::decode(&hello_of([&[4], &[0x81, 0xff], &[0xc0], &[0x80], &id]))),
        ("client id", MessageFault::NotUtf8)
    );
}

#[test]
fn capabilities_are_bounded_in_number_and_name() {
    let with = |count: usize, name: usize| Hello {
        capabilities: vec![Capability { name: "n".repeat(name), version: 1 }; count],
        ..hello()
    };
    let largest = with(MAX_CAPABILITIES, MAX_CAPABILITY_NAME_SIZE);
    assert_eq!(Hello::decode(&largest.encode()), Ok(largest));
    assert_eq!(
        reason_of(Hello::decode(&with(MAX_CAPABILITIES + 1, 1).encode())),
        ("capabilities", MessageFault::TooManyEntries { limit: MAX_CAPABILITIES })
    );
    assert_eq!(
        reason_of(Hello::decode(&with(1, MAX_CAPABILITY_NAME_SIZE + 1).encode())).0,
        "capability name"
    );
}

#[test]
fn a_port_has_16_bits_and_a_node_id_64_bytes() {
    let id = string(&[7; 64]);
    let port = |bytes: &[u8], id: &[u8]| Hello::decode(&hello_of([&[4], &[0x80], &[0xc0], bytes, id]));
    assert_eq!(port(&[0x82, 0xff, 0xff], &id).map(|hello| hello.listen_port), Ok(u16::MAX));
    assert_eq!(
        reason_of(port(&[0x83, 1, 0, 0], &id)),
        ("listen port", MessageFault::NumberTooLarge { limit: 65_535, actual: 65_536 })
    );
    assert_eq!(reason_of(port(&[0x80], &string(&[7; 63]))).0, "node id");
    assert_eq!(reason_of(port(&[0x80], &string(&[7; 65]))).0, "node id");
}

#[test]
fn only_rsk_62_is_ours() {
    let capability = |name: &str, version| Capability { name: name.to_owned(), version };
    assert!(capability("rsk", 62).is_rsk());
    assert!(!capability("rsk", 61).is_rsk());
    assert!(!capability("eth", 62).is_rsk());
}

#[test]
fn every_disconnect_code_has_one_reason_and_one_form() {
    for code in 0..=u8::MAX {
        let reason = DisconnectReason::from_code(code);
        assert_eq!(reason.code(), code);
        assert_eq!(DisconnectReason::decode(&reason.encode()), Ok(reason));
        let assigned = code <= 0x0b || code == 0x10 || code == 0x11;
        assert_eq!(reason == DisconnectReason::Unknown(code), !assigned, "{code:#04x}");
    }
}

#[test]
fn a_disconnect_is_a_list_of_one_small_number() {
    assert_eq!(DisconnectReason::decode(&[0xc1, 0x00]), Ok(DisconnectReason::Requested));
    assert_eq!(DisconnectReason::decode(&[0xc1, 0x80]), Ok(DisconnectReason::Requested));
    for refused in [&[0x04][..], &[0xc0], &[0xc2, 4, 4], &[0xc2, 0x81, 4], &[0xc3, 0x82, 0, 4], &[]] {
        assert!(DisconnectReason::decode(refused).is_err(), "{refused:02x?}");
    }
    assert_eq!(
        reason_of(DisconnectReason::decode(&[0xc3, 0x82, 1, 0])),
        ("reason", MessageFault::Rlp(RlpError::IntegerTooLarge))
    );
}

#[test]
fn ping_and_pong_are_empty_lists() {
    for (code, message) in [(0x02, P2pMessage::Ping), (0x03, P2pMessage::Pong)] {
        assert_eq!(P2pMessage::decode(code, &[0xc0]), Ok(message));
        assert!(P2pMessage::decode(code, &[0xc1, 1]).is_err());
        assert!(P2pMessage::decode(code, &[0x80]).is_err());
        assert!(P2pMessage::decode(code, &[]).is_err());
    }
}

#[test]
fn peer_exchange_is_ignored_and_codes_above_it_are_faults() {
    assert_eq!(P2pMessage::decode(0x05, &[0xff; 9]), Ok(P2pMessage::Ignored { code: 5, size: 9 }));
    assert_eq!(
        reason_of(P2pMessage::decode(0x06, &[0xc0])),
        ("code", MessageFault::UnassignedCode { code: 6 })
    );
}

proptest! {
    #[test]
    fn a_hello_survives_a_round_trip_and_damage_never_panics(
        p2p_version: u32,
        client_id in ".{0,40}",
        names in proptest::collection::vec(("[a-z]{0,8}", any::<u32>()), 0..5),
        listen_port: u16,
        at: prop::sample::Index,
        byte: u8,
    ) {
        let capabilities = names.into_iter().map(|(name, version)| Capability { name, version }).collect();
        let hello = Hello { p2p_version, client_id, capabilities, listen_port, node_id: NodeId::new([9; 64]) };
        let mut payload = hello.encode();
        prop_assert_eq!(Hello::decode(&payload), Ok(hello));
        let at = at.index(payload.len());
        payload[at] = byte;
        if let Ok(changed) = Hello::decode(&payload) {
            prop_assert_eq!(changed.encode().len(), payload.len());
        }
    }

    #[test]
    fn any_bytes_decode_without_panic(code: u8, payload in proptest::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(message) = P2pMessage::decode(code, &payload) {
            prop_assert_eq!(message.code(), code);
        }
    }
}
