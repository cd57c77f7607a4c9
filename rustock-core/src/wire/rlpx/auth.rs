//! `auth`, the first handshake packet: who dials, and proof of it.
//!
//! No RSKIP. Mirrors rskj's `AuthInitiateMessageV4` (EIP-8) and `AuthInitiateMessage` (before it). Like
//! rskj, it checks neither the version nor the hash of the one-time key in the old format.

use crate::primitives::hash::keccak256;
use crate::primitives::rlp::Item;
use crate::wire::rlpx::entropy::{HandshakeEntropy, Nonce};
use crate::wire::rlpx::keys::{PublicKey, RecoverableSignature, SecretKey};
use crate::wire::rlpx::packet::{
    HANDSHAKE_VERSION, HandshakeError, HandshakeFormat, OpenedPacket, PacketReader, check_legacy_flag,
    seal_eip8, seal_legacy,
};

/// `signature ‖ hash of the one-time key ‖ node id ‖ nonce ‖ flag`.
const LEGACY_PLAINTEXT_BYTES: usize = 65 + 32 + 64 + 32 + 1;

/// Writes the packet by which the holder of `our_key` dials `remote`. To be sent in a single write.
pub fn seal_auth(
    format: HandshakeFormat,
    our_key: &SecretKey,
    remote: &PublicKey,
    entropy: &HandshakeEntropy,
) -> Vec<u8> {
    let signature = entropy.ephemeral_key.sign(&signed_digest(&our_key.agree(remote), &entropy.nonce));
    let node_id = our_key.node_id();
    match format {
        HandshakeFormat::Eip8 => {
            let mut list = rlp::RlpStream::new_list(4);
            list.append(&signature.as_slice());
            list.append(&node_id.as_bytes().as_slice());
            list.append(&entropy.nonce.as_slice());
            list.append(&HANDSHAKE_VERSION);
            seal_eip8(remote, entropy, &list.out())
        }
        HandshakeFormat::Legacy => {
            let ephemeral_id = entropy.ephemeral_key.node_id();
            let mut plaintext = Vec::with_capacity(LEGACY_PLAINTEXT_BYTES);
            plaintext.extend_from_slice(&signature);
            plaintext.extend_from_slice(&keccak256(&[ephemeral_id.as_bytes()]));
            plaintext.extend_from_slice(node_id.as_bytes());
            plaintext.extend_from_slice(&entropy.nonce);
            plaintext.push(0);
            seal_legacy(remote, entropy, &plaintext)
        }
    }
}

/// What a responder learns from an auth packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedAuth {
    /// The format it came in, which the ack must repeat.
    pub format: HandshakeFormat,
    /// The dialling node, which has proved to hold this key.
    pub initiator: PublicKey,
    /// The dialling node's one-time key.
    pub ephemeral_key: PublicKey,
    /// The dialling node's nonce.
    pub nonce: Nonce,
    /// The packet as it was sent.
    pub packet: Vec<u8>,
}

/// Waits for an auth packet of either format; at most 2,050 bytes are held.
#[derive(Debug)]
pub struct AuthReader(PacketReader);

impl AuthReader {
    /// A reader at the start of a connection.
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
    ) -> Result<Option<ReceivedAuth>, HandshakeError> {
        self.0.read(our_key, input)?.map(|packet| open_auth(our_key, packet)).transpose()
    }
}

impl Default for AuthReader {
    fn default() -> Self {
        Self::new()
    }
}

fn open_auth(our_key: &SecretKey, packet: OpenedPacket) -> Result<ReceivedAuth, HandshakeError> {
    let fields = match packet.format {
        HandshakeFormat::Eip8 => read_eip8(&packet.plaintext)?,
        HandshakeFormat::Legacy => read_legacy(&packet.plaintext)?,
    };
    let initiator = PublicKey::from_node_id(&fields.node_id.into())?;
    let digest = signed_digest(&our_key.agree(&initiator), &fields.nonce);
    let ephemeral_key = PublicKey::recover(&digest, &fields.signature)?;
    let OpenedPacket { format, wire, .. } = packet;
    Ok(ReceivedAuth { format, initiator, ephemeral_key, nonce: fields.nonce, packet: wire })
}

struct Fields {
    signature: RecoverableSignature,
    node_id: [u8; 64],
    nonce: Nonce,
}

fn read_eip8(plaintext: &[u8]) -> Result<Fields, HandshakeError> {
    let (list, _padding) = Item::decode_first(plaintext)?;
    let mut items = list.list()?;
    Ok(Fields {
        signature: items.next_item()?.array()?,
        node_id: items.next_item()?.array()?,
        nonce: items.next_item()?.array()?,
    })
}

fn read_legacy(plaintext: &[u8]) -> Result<Fields, HandshakeError> {
    let bytes: &[u8; LEGACY_PLAINTEXT_BYTES] = plaintext.try_into().map_err(|_| {
        HandshakeError::LegacySize { expected: LEGACY_PLAINTEXT_BYTES, actual: plaintext.len() }
    })?;
    let mut fields = Fields { signature: [0; 65], node_id: [0; 64], nonce: [0; 32] };
    fields.signature.copy_from_slice(&bytes[..65]);
    fields.node_id.copy_from_slice(&bytes[97..161]);
    fields.nonce.copy_from_slice(&bytes[161..193]);
    check_legacy_flag(bytes[193])?;
    Ok(fields)
}

/// What the one-time key signs: only the two static keys together can know it.
fn signed_digest(static_agreement: &[u8; 32], nonce: &Nonce) -> [u8; 32] {
    core::array::from_fn(|index| static_agreement[index] ^ nonce[index])
}
