//! Pong: the answer to a ping. Its signature is what ties a node id to an address.
//!
//! No RSKIP. Mirrors rskj's `PongPeerMessage`.

use super::{
    endpoint::{Endpoint, decode_bond, encode_bond},
    message_id::MessageId,
};
use crate::wire::error::MessageError;

/// A pong. Laid out like a ping, without the hash that discv4 puts in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pong {
    /// Where the sender says it is; on the wire twice. rskj may put a DNS name here.
    pub endpoint: Endpoint,
    /// The ping's message id.
    pub message_id: MessageId,
    /// The sender's network; old nodes do not say.
    pub network_id: Option<u32>,
}

impl Pong {
    /// The type byte.
    pub const TYPE: u8 = 2;

    /// The data that follow the type byte.
    pub fn encode(&self) -> Vec<u8> {
        encode_bond(&self.endpoint, self.message_id, self.network_id)
    }

    /// Reads the data that follow the type byte, as leniently as [`Ping::decode`](super::Ping::decode).
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn decode(data: &[u8]) -> Result<Self, MessageError> {
        let (endpoint, message_id, network_id) = decode_bond("discovery pong", data)?;
        Ok(Self { endpoint, message_id, network_id })
    }
}
