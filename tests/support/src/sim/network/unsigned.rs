//! Packets without signatures: the sender's id, the type and the data. Signing and recovering would be nearly all
//! of what a simulated minute costs; both have their own tests, with packets that were recorded.

use rustock_core::{
    primitives::hash::NodeId,
    proto::discovery::Packets,
    wire::{
        discovery::{FindNode, Message, Neighbors, PacketError, Ping, Pong},
        rlpx::keys::SecretKey,
    },
};

const ID_BYTES: usize = 64;

/// Believes every sender.
#[derive(Debug, Clone, Copy)]
pub struct UnsignedPackets;

/// The packet of a message of this node.
pub fn packet_of(message: &Message, sender: &NodeId) -> Vec<u8> {
    let (kind, data) = message.encode();
    [&sender.as_bytes()[..], &[kind], &data].concat()
}

impl Packets for UnsignedPackets {
    type Opened = (NodeId, Message);

    fn seal(message: &Message, _key: &SecretKey, local_id: &NodeId) -> Vec<u8> {
        packet_of(message, local_id)
    }

    fn open(packet: &[u8]) -> Result<Self::Opened, PacketError> {
        let too_short = PacketError::TooShort { actual: packet.len() };
        let (id, rest) = packet.split_first_chunk::<ID_BYTES>().ok_or(too_short.clone())?;
        let (kind, data) = rest.split_first().ok_or(too_short)?;
        let message = match *kind {
            Ping::TYPE => Message::Ping(Ping::decode(data)?),
            Pong::TYPE => Message::Pong(Pong::decode(data)?),
            FindNode::TYPE => Message::FindNode(FindNode::decode(data)?),
            Neighbors::TYPE => Message::Neighbors(Neighbors::decode(data)?),
            found => return Err(PacketError::UnassignedType { found }),
        };
        Ok((NodeId::new(*id), message))
    }

    fn message(opened: &Self::Opened) -> &Message {
        &opened.1
    }

    fn into_parts(opened: Self::Opened) -> Result<(NodeId, Message), PacketError> {
        Ok(opened)
    }
}
