//! `ack`, the second handshake packet: the responder's one-time key and nonce.
//!
//! No RSKIP. Mirrors rskj's `AuthResponseMessageV4` (EIP-8) and `AuthResponseMessage` (before it). Like rskj
//! it does not check the version.

use crate::primitives::rlp::Item;
use crate::wire::rlpx::entropy::{HandshakeEntropy, Nonce};
use crate::wire::rlpx::keys::{PublicKey, SecretKey};
use crate::wire::rlpx::packet::{
    HANDSHAKE_VERSION, HandshakeError, HandshakeFormat, OpenedPacket, PacketReader, check_legacy_flag,
    seal_eip8, seal_legacy,
};

/// `one-time key ‖ nonce ‖ flag`.
const LEGACY_PLAINTEXT_BYTES: usize = 64 + 32 + 1;

/// Writes the answer to an auth of the same format from `initiator`. To be sent in a single write.
pub fn seal_ack(format: HandshakeFormat, initiator: &PublicKey, entropy: &HandshakeEntropy) -> Vec<u8> {
    let ephemeral_id = entropy.ephemeral_key.node_id();
    match format {
        HandshakeFormat::Eip8 => {
            let mut list = rlp::RlpStream::new_list(3);
            list.append(&ephemeral_id.as_bytes().as_slice());
            list.append(&entropy.nonce.as_slice());
            list.append(&HANDSHAKE_VERSION);
            seal_eip8(initiator, entropy, &list.out())
        }
        HandshakeFormat::Legacy => {
            let mut plaintext = Vec::with_capacity(LEGACY_PLAINTEXT_BYTES);
            plaintext.extend_from_slice(ephemeral_id.as_bytes());
            plaintext.extend_from_slice(&entropy.nonce);
            plaintext.push(0);
            seal_legacy(initiator, entropy, &plaintext)
        }
    }
}

/// What an initiator learns from an ack packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedAck {
    /// The format it came in.
    pub format: HandshakeFormat,
    /// The responder's one-time key.
    pub ephemeral_key: PublicKey,
    /// The responder's nonce.
    pub nonce: Nonce,
    /// The packet as it was sent.
    pub packet: Vec<u8>,
}

/// Waits for an ack packet of either format; at most 2,050 bytes are held.
#[derive(Debug)]
pub struct AckReader(PacketReader);

impl AckReader {
    /// A reader for the first bytes the responder sends.
    pub fn new() -> Self {
        Self(PacketReader::new(LEGACY_PLAINTEXT_BYTES))
    }

    /// Takes bytes off `input`, none beyond the packet; the packet's content once it is whole.
    ///
    /// # Errors
    /// [`HandshakeError`]: the connection is of no further use.
    pub fn read(
        &mut self,
        our_key: &SecretKey,
        input: &mut &[u8],
    ) -> Result<Option<ReceivedAck>, HandshakeError> {
        self.0.read(our_key, input)?.map(open_ack).transpose()
    }
}

impl Default for AckReader {
    fn default() -> Self {
        Self::new()
    }
}

fn open_ack(packet: OpenedPacket) -> Result<ReceivedAck, HandshakeError> {
    let (ephemeral_id, nonce): ([u8; 64], Nonce) = match packet.format {
        HandshakeFormat::Eip8 => {
            let (list, _padding) = Item::decode_first(&packet.plaintext)?;
            let mut items = list.list()?;
            (items.next_item()?.array()?, items.next_item()?.array()?)
        }
        HandshakeFormat::Legacy => read_legacy(&packet.plaintext)?,
    };
    let ephemeral_key = PublicKey::from_node_id(&ephemeral_id.into())?;
    Ok(ReceivedAck { format: packet.format, ephemeral_key, nonce, packet: packet.wire })
}

fn read_legacy(plaintext: &[u8]) -> Result<([u8; 64], Nonce), HandshakeError> {
    let bytes: &[u8; LEGACY_PLAINTEXT_BYTES] = plaintext.try_into().map_err(|_| {
        HandshakeError::LegacySize { expected: LEGACY_PLAINTEXT_BYTES, actual: plaintext.len() }
    })?;
    let (mut ephemeral_id, mut nonce) = ([0; 64], [0; 32]);
    ephemeral_id.copy_from_slice(&bytes[..64]);
    nonce.copy_from_slice(&bytes[64..96]);
    check_legacy_flag(bytes[96])?;
    Ok((ephemeral_id, nonce))
}
