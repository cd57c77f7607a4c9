use super::*;
use crate::wire::rlpx::ack::{AckReader, ReceivedAck, seal_ack};
use crate::wire::rlpx::auth::{AuthReader, ReceivedAuth, seal_auth};
use crate::wire::rlpx::ecies::EciesEntropy;
use crate::wire::rlpx::entropy::HandshakeEntropy;
use proptest::prelude::*;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).expect("in range")
}

fn entropy(padding: usize) -> HandshakeEntropy {
    let ecies = EciesEntropy { ephemeral_key: key(5), iv: [6; 16] };
    HandshakeEntropy::new(key(3), [4; 32], ecies, vec![7; padding]).expect("allowed padding")
}

fn auth(format: HandshakeFormat, padding: usize) -> Vec<u8> {
    seal_auth(format, &key(1), &key(2).public_key(), &entropy(padding))
}

/// Hands `stream` over in pieces; the result, and how much was left.
fn read_auth(stream: &[u8], piece: usize) -> (Result<Option<ReceivedAuth>, HandshakeError>, usize) {
    let (mut reader, mut at) = (AuthReader::new(), 0);
    while at < stream.len() {
        let end = stream.len().min(at.saturating_add(piece));
        let mut input = &stream[at..end];
        let result = reader.read(&key(2), &mut input);
        at = end - input.len();
        if !matches!(result, Ok(None)) {
            return (result, stream.len() - at);
        }
        assert!(input.is_empty(), "the reader must use up its input");
    }
    (Ok(None), 0)
}

fn read_ack(stream: &[u8]) -> Result<Option<ReceivedAck>, HandshakeError> {
    AckReader::new().read(&key(1), &mut &stream[..])
}

const FORMATS: [HandshakeFormat; 2] = [HandshakeFormat::Eip8, HandshakeFormat::Legacy];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_packet_is_found_however_it_is_cut_and_what_follows_is_left(
        piece in 1usize..400, padding in 25usize..=600, legacy: bool, after in 0usize..50,
    ) {
        let format = FORMATS[usize::from(legacy)];
        let packet = auth(format, padding);
        let stream = [&packet[..], &vec![0xee; after][..]].concat();
        let (result, left) = read_auth(&stream, piece);
        let received = result.expect("honest").expect("whole");
        prop_assert_eq!(received.format, format);
        prop_assert_eq!(&received.packet, &packet);
        prop_assert_eq!(received.initiator, key(1).public_key());
        prop_assert_eq!(received.ephemeral_key, key(3).public_key());
        prop_assert_eq!(received.nonce, [4; 32]);
        prop_assert!(left <= after && left + piece > after, "{left} of {after}");
    }

    #[test]
    fn a_changed_byte_is_refused_or_waited_for_and_never_a_panic(
        position in 0usize..307, flip in 1u8.., legacy: bool,
    ) {
        let mut packet = auth(FORMATS[usize::from(legacy)], 100);
        packet[position] ^= flip;
        let (result, _) = read_auth(&packet, usize::MAX);
        prop_assert!(!matches!(result, Ok(Some(_))), "{result:?}");
        let hurried = [packet, vec![0; 70_000]].concat();
        prop_assert!(read_auth(&hurried, usize::MAX).0.is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 2100..2200)) {
        prop_assert!(read_auth(&bytes, 977).0.is_err());
        prop_assert!(read_ack(&bytes).is_err());
    }
}

#[test]
fn an_auth_for_somebody_else_is_refused() {
    let packet = seal_auth(HandshakeFormat::Eip8, &key(1), &key(9).public_key(), &entropy(100));
    assert_eq!(read_auth(&packet, 400).0, Err(HandshakeError::Ecies(EciesError::BadTag)));
}

#[test]
fn acks_of_both_formats_are_read_back() {
    for format in FORMATS {
        let packet = seal_ack(format, &key(1).public_key(), &entropy(100));
        let received = read_ack(&packet).expect("honest").expect("whole");
        let ephemeral_key = key(3).public_key();
        assert_eq!(received, ReceivedAck { format, ephemeral_key, nonce: [4; 32], packet });
    }
    let packet = seal_ack(HandshakeFormat::Legacy, &key(1).public_key(), &entropy(100));
    assert_eq!(packet.len(), 210);
    assert_eq!(auth(HandshakeFormat::Legacy, 100).len(), 307);
}

#[test]
fn the_smallest_padding_makes_a_packet_rskj_can_see() {
    // rskj waits for 307 bytes and takes an EIP-8 size from 307 on.
    assert_eq!(auth(HandshakeFormat::Eip8, HandshakeEntropy::MINIMUM_PADDING).len(), 2 + 307);
}

#[test]
fn sizes_are_bounded_before_anything_is_collected() {
    let prefix = |size: u16| size.to_be_bytes();
    let too_small = HandshakeError::TooSmall { minimum: 113, actual: 112 };
    assert_eq!(read_auth(&prefix(112), 2).0, Err(too_small));
    assert_eq!(read_auth(&prefix(113), 2).0, Ok(None));
    assert_eq!(read_auth(&prefix(2048), 2).0, Ok(None));
    let too_large = HandshakeError::TooLarge { maximum: 2048, actual: 2049 };
    assert_eq!(read_auth(&prefix(2049), 2).0, Err(too_large));
}

#[test]
fn a_size_that_looks_like_the_old_format_is_read_all_the_same() {
    // 1,024 to 1,279 bytes: the prefix begins with 04, as a point does.
    let (signature, node_id) = (key(3).sign(&digest()), key(1).node_id());
    let list = list_of(&[&signature, node_id.as_bytes(), &[4; 32], &[4]]);
    let plaintext = [list, vec![0; 800]].concat();
    let size = ((plaintext.len() + ecies::OVERHEAD) as u16).to_be_bytes();
    assert_eq!(size[0], 0x04);
    let sealed = ecies::encrypt(&key(2).public_key(), &entropy(25).ecies, &plaintext, &size);
    let packet = [&size[..], &sealed[..]].concat();
    for piece in [1, 306, 307, 308, 5_000] {
        let received = read_auth(&packet, piece).0.expect("honest").expect("whole");
        assert_eq!((received.format, received.initiator), (HandshakeFormat::Eip8, key(1).public_key()));
    }
}

fn list_of(strings: &[&[u8]]) -> Vec<u8> {
    let mut list = rlp::RlpStream::new_list(strings.len());
    for string in strings {
        list.append(string);
    }
    list.out().to_vec()
}

fn digest() -> [u8; 32] {
    let agreement = key(1).agree(&key(2).public_key());
    core::array::from_fn(|index| agreement[index] ^ 4)
}

#[test]
fn the_flag_of_the_old_format_is_zero_or_one() {
    let honest = [&key(3).node_id().as_bytes()[..], &[4; 32]].concat();
    for (flag, accepted) in [(0, true), (1, true), (2, false)] {
        let plaintext = [&honest[..], &[flag]].concat();
        let packet = seal_legacy(&key(1).public_key(), &entropy(25), &plaintext);
        match read_ack(&packet) {
            Ok(received) => assert!(accepted && received.is_some()),
            Err(error) => assert!(!accepted && error == HandshakeError::LegacyFlag { actual: flag }),
        }
    }
}

#[test]
fn what_is_inside_must_be_the_right_list_with_a_real_key() {
    let sealed = |list: &[u8]| read_ack(&seal_eip8(&key(1).public_key(), &entropy(300), list));
    assert_eq!(sealed(&[0x80]), Err(HandshakeError::Rlp(RlpError::ExpectedList)));
    assert_eq!(sealed(&[0xc0]), Err(HandshakeError::Rlp(RlpError::MissingItem)));
    let wrong_size = RlpError::WrongSize { expected: 64, actual: 1 };
    assert_eq!(sealed(&[0xc2, 0x01, 0x02]), Err(HandshakeError::Rlp(wrong_size)));
    let list = list_of(&[&[1; 64], &[4; 32]]);
    assert_eq!(sealed(&list), Err(HandshakeError::Key(KeyError::NotOnCurve)));
}
