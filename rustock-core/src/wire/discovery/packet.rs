//! The packet around every message: checksum, signature, type.
//!
//! No RSKIP. Mirrors rskj's `PeerDiscoveryMessage`, `MessageDecoder` and `UDPServer`.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 32 | Keccak-256 of all that follows |
//! | 32 | 65 | signature over the Keccak-256 of type and data: `r ‖ s ‖ recovery id` |
//! | 97 | 1 | type |
//! | 98 | any | data: one RLP list |

use super::{find_node::FindNode, message_id::MessageId, neighbors::Neighbors, ping::Ping, pong::Pong};
use crate::primitives::hash::{NodeId, keccak256};
use crate::wire::error::MessageError;
use crate::wire::rlpx::keys::{PublicKey, RecoverableSignature, SecretKey};

/// The largest packet taken: rskj's receive buffer. Its own packets reach about 2,000 bytes.
pub const MAX_PACKET_BYTES: usize = 8192;
/// The smallest packet taken: everything but the data.
const MIN_PACKET_BYTES: usize = DATA_START;

const SIGNATURE_START: usize = 32;
const TYPE_START: usize = 97;
const DATA_START: usize = 98;

/// Why bytes are not a discovery packet. rskj drops such packets without a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// No room for checksum, signature and type.
    #[error("a packet of {actual} bytes where at least {MIN_PACKET_BYTES} belong")]
    TooShort {
        /// Bytes found.
        actual: usize,
    },
    /// More than a node reads.
    #[error("a packet of {actual} bytes where at most {MAX_PACKET_BYTES} are read")]
    TooLong {
        /// Bytes found.
        actual: usize,
    },
    /// The checksum is that of other bytes.
    #[error("the checksum does not fit the packet")]
    Checksum,
    /// A type that stands for nothing.
    #[error("unassigned packet type {found}")]
    UnassignedType {
        /// The type found.
        found: u8,
    },
    /// The data are not what the type calls for.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// No key can have made the signature.
    #[error("no node can have signed the packet")]
    Signature,
}

/// The four messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Asks a node to prove that it is at an address.
    Ping(Ping),
    /// Proves it.
    Pong(Pong),
    /// Asks for nodes.
    FindNode(FindNode),
    /// Tells of nodes.
    Neighbors(Neighbors),
}

impl Message {
    /// What ties an answer to its request.
    pub fn message_id(&self) -> MessageId {
        match self {
            Self::Ping(ping) => ping.message_id,
            Self::Pong(pong) => pong.message_id,
            Self::FindNode(find_node) => find_node.message_id,
            Self::Neighbors(neighbors) => neighbors.message_id,
        }
    }

    /// The sender's network, when it says.
    pub fn network_id(&self) -> Option<u32> {
        match self {
            Self::Ping(ping) => ping.network_id,
            Self::Pong(pong) => pong.network_id,
            Self::FindNode(find_node) => find_node.network_id,
            Self::Neighbors(neighbors) => neighbors.network_id,
        }
    }

    /// The type byte and the data.
    pub fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Ping(ping) => (Ping::TYPE, ping.encode()),
            Self::Pong(pong) => (Pong::TYPE, pong.encode()),
            Self::FindNode(find_node) => (FindNode::TYPE, find_node.encode()),
            Self::Neighbors(neighbors) => (Neighbors::TYPE, neighbors.encode()),
        }
    }

    fn decode(kind: u8, data: &[u8]) -> Result<Self, PacketError> {
        match kind {
            Ping::TYPE => Ok(Self::Ping(Ping::decode(data)?)),
            Pong::TYPE => Ok(Self::Pong(Pong::decode(data)?)),
            FindNode::TYPE => Ok(Self::FindNode(FindNode::decode(data)?)),
            Neighbors::TYPE => Ok(Self::Neighbors(Neighbors::decode(data)?)),
            found => Err(PacketError::UnassignedType { found }),
        }
    }
}

/// A message and the signature it came with, from which the sender can be told.
///
/// Recovering the sender costs far more than reading the packet, so it is a step of its own: whoever is flooded
/// can drop most packets before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMessage {
    message: Message,
    digest: [u8; 32],
    signature: RecoverableSignature,
}

impl SignedMessage {
    /// Reads a packet without recovering its sender.
    ///
    /// # Errors
    /// Everything of [`PacketError`] but [`PacketError::Signature`].
    pub fn decode(packet: &[u8]) -> Result<Self, PacketError> {
        let actual = packet.len();
        if actual < MIN_PACKET_BYTES {
            return Err(PacketError::TooShort { actual });
        }
        if actual > MAX_PACKET_BYTES {
            return Err(PacketError::TooLong { actual });
        }
        let (checksum, checked) = packet.split_at(SIGNATURE_START);
        if keccak256(&[checked]) != checksum {
            return Err(PacketError::Checksum);
        }
        let message = Message::decode(packet[TYPE_START], &packet[DATA_START..])?;
        let mut signature = [0; 65];
        signature.copy_from_slice(&packet[SIGNATURE_START..TYPE_START]);
        Ok(Self { message, digest: keccak256(&[&packet[TYPE_START..]]), signature })
    }

    /// The message, whoever sent it.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The message, whoever sent it.
    pub fn into_message(self) -> Message {
        self.message
    }

    /// The node that signed the message.
    ///
    /// # Errors
    /// [`PacketError::Signature`].
    pub fn sender(&self) -> Result<NodeId, PacketError> {
        let mut signature = self.signature;
        signature[64] = match signature[64] {
            id @ 0..=1 => id,
            // The other ways of writing it that rskj takes: from 27 on, and from 31 on for compressed keys.
            id @ 27..=30 => id - 27,
            id @ 31..=34 => id - 31,
            _ => return Err(PacketError::Signature),
        };
        PublicKey::recover(&self.digest, &signature)
            .map(|key| key.node_id())
            .map_err(|_| PacketError::Signature)
    }
}

/// The packet of a message, signed.
pub fn encode_packet(message: &Message, key: &SecretKey) -> Vec<u8> {
    let (kind, data) = message.encode();
    let signature = key.sign(&keccak256(&[&[kind], &data]));
    let checksum = keccak256(&[&signature, &[kind], &data]);
    [&checksum[..], &signature, &[kind], &data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[7; 32]).expect("in range")
    }

    fn request(target: usize) -> Message {
        let message_id = MessageId::from_random([3; 16]);
        Message::FindNode(FindNode { target: vec![1; target], message_id, network_id: Some(775) })
    }

    /// Puts the checksum right again after a change.
    fn reseal(packet: &mut [u8]) {
        let checksum = keccak256(&[&packet[SIGNATURE_START..]]);
        packet[..SIGNATURE_START].copy_from_slice(&checksum);
    }

    #[test]
    fn a_packet_names_its_sender() {
        let packet = encode_packet(&request(64), &key());
        let signed = SignedMessage::decode(&packet).expect("just made");
        assert_eq!(signed.sender(), Ok(key().node_id()));
        assert_eq!(signed.message(), &request(64));
    }

    #[test]
    fn sizes_are_bounded_on_both_sides() {
        assert_eq!(SignedMessage::decode(&[0; 97]), Err(PacketError::TooShort { actual: 97 }));
        assert_eq!(SignedMessage::decode(&[0; 98]), Err(PacketError::Checksum));
        let overhead = encode_packet(&request(1000), &key()).len() - 1000;
        let largest = encode_packet(&request(MAX_PACKET_BYTES - overhead), &key());
        assert_eq!(largest.len(), MAX_PACKET_BYTES);
        assert!(SignedMessage::decode(&largest).is_ok());
        let above = encode_packet(&request(MAX_PACKET_BYTES - overhead + 1), &key());
        assert_eq!(SignedMessage::decode(&above), Err(PacketError::TooLong { actual: MAX_PACKET_BYTES + 1 }));
    }

    #[test]
    fn a_changed_byte_spoils_the_checksum_or_the_sender() {
        let mut packet = encode_packet(&request(64), &key());
        packet[120] ^= 1;
        assert_eq!(SignedMessage::decode(&packet), Err(PacketError::Checksum));
        reseal(&mut packet);
        let signed = SignedMessage::decode(&packet).expect("well formed");
        assert_ne!(signed.sender(), Ok(key().node_id()));
    }

    #[test]
    fn recovery_ids_are_taken_in_the_forms_rskj_takes() {
        let packet = encode_packet(&request(64), &key());
        for (shift, expected) in [
            (27, Ok(key().node_id())),
            (2, Err(PacketError::Signature)),
            (31, Ok(key().node_id())),
            (35, Err(PacketError::Signature)),
        ] {
            let mut shifted = packet.clone();
            shifted[96] += shift;
            reseal(&mut shifted);
            assert_eq!(SignedMessage::decode(&shifted).expect("well formed").sender(), expected, "{shift}");
        }
    }

    #[test]
    fn unassigned_types_are_refused() {
        let mut packet = encode_packet(&request(64), &key());
        for found in [0, 5] {
            packet[97] = found;
            reseal(&mut packet);
            assert_eq!(SignedMessage::decode(&packet), Err(PacketError::UnassignedType { found }));
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_what_it_accepts_keeps_its_meaning(
            kind in 0u8..6,
            data in proptest::collection::vec(any::<u8>(), 0..120),
            signature in proptest::collection::vec(any::<u8>(), 65),
        ) {
            let mut packet = vec![0; SIGNATURE_START];
            packet.extend(signature);
            packet.push(kind);
            packet.extend(data);
            reseal(&mut packet);
            if let Ok(signed) = SignedMessage::decode(&packet) {
                let _ = signed.sender();
                let again = encode_packet(signed.message(), &key());
                prop_assert_eq!(SignedMessage::decode(&again).map(SignedMessage::into_message), Ok(signed.into_message()));
            }
        }
    }
}
