//! How messages become packets, and how it is told whose they are.

use crate::primitives::hash::NodeId;
use crate::wire::discovery::{Message, PacketError, SignedMessage, encode_packet};
use crate::wire::rlpx::keys::SecretKey;

/// Makes and reads packets. [`SignedPackets`] are the only ones that a network knows; a simulation of a thousand
/// nodes may do without the signatures, which are nearly all of what a packet costs.
pub trait Packets: core::fmt::Debug {
    /// A packet that was read, and whose sender is not known yet.
    type Opened;

    /// The packet of a message of ours; `local_id` is the id of the key.
    fn seal(message: &Message, key: &SecretKey, local_id: &NodeId) -> Vec<u8>;

    /// Reads a packet.
    ///
    /// # Errors
    /// Everything of [`PacketError`] but [`PacketError::Signature`].
    fn open(packet: &[u8]) -> Result<Self::Opened, PacketError>;

    /// What it says, whoever sent it.
    fn message(opened: &Self::Opened) -> &Message;

    /// What it says, and who sent it.
    ///
    /// # Errors
    /// [`PacketError::Signature`].
    fn into_parts(opened: Self::Opened) -> Result<(NodeId, Message), PacketError>;
}

/// Packets as rskj's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedPackets;

impl Packets for SignedPackets {
    type Opened = SignedMessage;

    fn seal(message: &Message, key: &SecretKey, _local_id: &NodeId) -> Vec<u8> {
        encode_packet(message, key)
    }

    fn open(packet: &[u8]) -> Result<SignedMessage, PacketError> {
        SignedMessage::decode(packet)
    }

    fn message(opened: &SignedMessage) -> &Message {
        opened.message()
    }

    fn into_parts(opened: SignedMessage) -> Result<(NodeId, Message), PacketError> {
        Ok((opened.sender()?, opened.into_message()))
    }
}
