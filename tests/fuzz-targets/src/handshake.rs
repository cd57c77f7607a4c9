//! The two handshake packets: as raw bytes, with a content of any kind, and honest ones with a flaw.

use rustock_core::{
    primitives::hash::NodeId,
    wire::rlpx::{
        ack::{AckReader, ReceivedAck, seal_ack},
        auth::{AuthReader, ReceivedAuth, seal_auth},
        ecies::{self, EciesEntropy},
        entropy::HandshakeEntropy,
        keys::{PublicKey, SecretKey},
        packet::{HandshakeError, HandshakeFormat},
    },
};

use crate::input::Input;

/// rskj's key in the recorded sessions, so that recorded auth packets open.
const OURS: [u8; 32] = [0x11; 32];
const THEIRS: [u8; 32] = [0x22; 32];

/// A first byte for what is read and how it was made, a second for the size of the pieces; then the bytes.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.byte();
    let piece = usize::from(input.byte()) * 4 + 1;
    let is_auth = kind & 1 == 0;
    let format = if kind & 2 == 0 { HandshakeFormat::Eip8 } else { HandshakeFormat::Legacy };
    let stream = match kind >> 2 & 3 {
        0 => input.rest().to_vec(),
        1 => sealed(format, input.rest()),
        _ => return check_honest(is_auth, format, piece, input),
    };
    if is_auth {
        if let Some(auth) = check_cuts(&stream, piece, read_auth) {
            assert!(stream.starts_with(&auth.packet));
            assert_eq!(PublicKey::from_node_id(&auth.initiator.node_id()), Ok(auth.initiator));
        }
    } else if let Some(ack) = check_cuts(&stream, piece, read_ack) {
        assert!(stream.starts_with(&ack.packet));
        assert_eq!(PublicKey::from_node_id(&ack.ephemeral_key.node_id()), Ok(ack.ephemeral_key));
    }
}

/// What came of a stream, and how many of its bytes were left.
type Outcome<T> = (Result<Option<T>, HandshakeError>, usize);

/// In pieces and at once the outcome is the same.
fn check_cuts<T: PartialEq + core::fmt::Debug>(
    stream: &[u8],
    piece: usize,
    read: impl Fn(&[u8], usize) -> Outcome<T>,
) -> Option<T> {
    let (whole, left) = read(stream, usize::MAX);
    let (cut, left_of_cut) = read(stream, piece);
    assert_eq!((&whole, left), (&cut, left_of_cut));
    whole.ok().flatten()
}

fn read_auth(stream: &[u8], piece: usize) -> Outcome<ReceivedAuth> {
    let mut reader = AuthReader::new();
    in_pieces(stream, piece, |input| reader.read(&key(OURS), input))
}

fn read_ack(stream: &[u8], piece: usize) -> Outcome<ReceivedAck> {
    let mut reader = AckReader::new();
    in_pieces(stream, piece, |input| reader.read(&key(OURS), input))
}

fn in_pieces<T>(
    stream: &[u8],
    piece: usize,
    mut read: impl FnMut(&mut &[u8]) -> Result<Option<T>, HandshakeError>,
) -> Outcome<T> {
    let mut at = 0;
    while at < stream.len() {
        let end = stream.len().min(at.saturating_add(piece));
        let mut input = &stream[at..end];
        let result = read(&mut input);
        at = end - input.len();
        if !matches!(result, Ok(None)) {
            return (result, stream.len() - at);
        }
        assert!(input.is_empty(), "the reader must use up its input");
    }
    (Ok(None), 0)
}

/// Any content, encrypted to us.
fn sealed(format: HandshakeFormat, content: &[u8]) -> Vec<u8> {
    let to = key(OURS).public_key();
    let entropy = EciesEntropy { ephemeral_key: key(THEIRS), iv: [7; 16] };
    if format == HandshakeFormat::Legacy {
        return ecies::encrypt(&to, &entropy, content, &[]);
    }
    let size = u16::try_from(content.len() + ecies::OVERHEAD).unwrap_or(u16::MAX).to_be_bytes();
    [&size[..], &ecies::encrypt(&to, &entropy, content, &size)].concat()
}

/// Who sent a packet (an ack does not say), the one-time key, the nonce, and the packet itself.
type Content = (Option<NodeId>, PublicKey, [u8; 32], Vec<u8>);

/// A packet as we write it, of any randomness, with one byte changed or none.
fn check_honest(is_auth: bool, format: HandshakeFormat, piece: usize, mut input: Input<'_>) {
    let place = usize::from(u16::from_be_bytes(input.array()));
    let flip = input.byte();
    let padding = HandshakeEntropy::MINIMUM_PADDING + usize::from(input.byte());
    let (Ok(ephemeral_key), nonce, Ok(ecies_key)) =
        (SecretKey::from_bytes(&input.array()), input.array(), SecretKey::from_bytes(&input.array()))
    else {
        return;
    };
    let ecies = EciesEntropy { ephemeral_key: ecies_key, iv: input.array() };
    let entropy =
        HandshakeEntropy::new(ephemeral_key.clone(), nonce, ecies, vec![flip; padding]).expect("allowed");
    let to = key(OURS).public_key();
    let mut packet = if is_auth {
        seal_auth(format, &key(THEIRS), &to, &entropy)
    } else {
        seal_ack(format, &to, &entropy)
    };
    let is_changed = packet.get(place).is_some() && flip != 0;
    if is_changed {
        packet[place] ^= flip;
    }
    let read: Option<Content> = if is_auth {
        check_cuts(&packet, piece, read_auth)
            .map(|auth| (Some(auth.initiator.node_id()), auth.ephemeral_key, auth.nonce, auth.packet))
    } else {
        check_cuts(&packet, piece, read_ack).map(|ack| (None, ack.ephemeral_key, ack.nonce, ack.packet))
    };
    let sender = is_auth.then(|| key(THEIRS).node_id());
    let expected = (!is_changed).then(|| (sender, ephemeral_key.public_key(), nonce, packet));
    assert_eq!(read, expected);
}

fn key(bytes: [u8; 32]) -> SecretKey {
    SecretKey::from_bytes(&bytes).expect("in range")
}
