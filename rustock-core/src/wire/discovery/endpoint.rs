//! Endpoints: where a node says it can be reached.
//!
//! No RSKIP. Mirrors the endpoint lists of rskj's `PingPeerMessage` and `PongPeerMessage`. rskj writes one port
//! twice and its own endpoint twice, and believes neither: only the address a packet came from counts.

use core::net::SocketAddr;

use rlp::RlpStream;

use super::{
    fields::{append_end, append_text, append_zero_as_byte, at_least, low_32_bits, message_id, network_id},
    fields::{open_list, text},
    message_id::MessageId,
};
use crate::wire::{
    error::{MessageError, MessageFault},
    fields::Fields,
};

/// Elements of an endpoint: host, UDP port, TCP port.
const ELEMENTS: usize = 3;

/// A host and a port, as a node tells them of itself. Not to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// An address or a DNS name; any text at all when it was received. Never empty.
    pub host: String,
    /// The port, for UDP and TCP alike; anything of 32 bits when it was received.
    pub port: u32,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: u32::from(address.port()) }
    }
}

impl Endpoint {
    fn append(&self, stream: &mut RlpStream) {
        stream.begin_list(ELEMENTS);
        append_text(stream, &self.host);
        append_zero_as_byte(stream, self.port);
        append_zero_as_byte(stream, self.port);
    }

    fn decode(mut fields: Fields<'_>) -> Result<Self, MessageError> {
        let actual = fields.count("to")?;
        if actual != ELEMENTS {
            return Err(fields.fault("to", MessageFault::WrongEntryCount { expected: ELEMENTS, actual }));
        }
        let host = text(&mut fields, "host")?;
        let port = low_32_bits(&mut fields, "port")?;
        Ok(Self { host, port })
    }
}

/// The data of a ping and of a pong.
pub(super) type Bond = (Endpoint, MessageId, Option<u32>);

/// Elements of a ping or pong that must be there: both endpoints and the message id.
const BOND_ELEMENTS: usize = 3;

pub(super) fn encode_bond(endpoint: &Endpoint, message_id: MessageId, network_id: Option<u32>) -> Vec<u8> {
    let mut stream = open_list(BOND_ELEMENTS, network_id);
    endpoint.append(&mut stream);
    endpoint.append(&mut stream);
    append_end(&mut stream, message_id, network_id);
    stream.out().to_vec()
}

pub(super) fn decode_bond(message: &'static str, data: &[u8]) -> Result<Bond, MessageError> {
    let mut fields = Fields::of_beginning(message, data)?;
    at_least(&fields, BOND_ELEMENTS)?;
    // rskj looks at the second endpoint alone, whatever the first element is.
    fields.item("from")?;
    let endpoint = Endpoint::decode(fields.list("to")?)?;
    Ok((endpoint, message_id(&mut fields)?, network_id(&mut fields)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_either_family_is_written_without_brackets() {
        let host = |address: &str| Endpoint::from(address.parse::<SocketAddr>().expect("an address")).host;
        assert_eq!(host("203.0.113.7:5050"), "203.0.113.7");
        assert_eq!(host("[2001:db8::1]:5050"), "2001:db8::1");
    }
}
