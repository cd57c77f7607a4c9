//! Neighbors: the answer to a find-node.
//!
//! No RSKIP. Mirrors rskj's `NeighborsPeerMessage` and `Node(byte[])`.

use rlp::RlpStream;

use super::{
    fields::{append_end, append_text, at_least, low_32_bits, message_id, network_id, open_list, text},
    message_id::MessageId,
};
use crate::wire::{
    error::{MessageError, MessageFault},
    fields::{Fields, append_bytes},
};

/// Elements of the message that must be there: nodes and message id.
const ELEMENTS: usize = 2;
/// Elements of a node as it is written: host, UDP port, TCP port, id.
const NODE_ELEMENTS: usize = 4;
/// Old nodes leave one port out.
const LEAST_NODE_ELEMENTS: usize = 3;

/// A node that another one tells of. A hint, nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbor {
    /// An address or, from older nodes, a DNS name; any text at all when it was received. Never empty.
    pub host: String,
    /// The port, for UDP and TCP alike; anything of 32 bits when it was received.
    pub port: u32,
    /// What should be its 64-byte id. Only its own pong can prove it.
    pub id: Vec<u8>,
}

impl Neighbor {
    /// Appends the node in the form rskj writes, here with zero as the empty string.
    pub fn append(&self, stream: &mut RlpStream) {
        stream.begin_list(NODE_ELEMENTS);
        append_text(stream, &self.host);
        stream.append(&self.port).append(&self.port);
        append_bytes(stream, &self.id);
    }

    fn decode(mut fields: Fields<'_>) -> Result<Self, MessageError> {
        let actual = fields.count("node")?;
        if actual < LEAST_NODE_ELEMENTS {
            let reason = MessageFault::TooFewEntries { least: LEAST_NODE_ELEMENTS, actual };
            return Err(fields.fault("node", reason));
        }
        let host = text(&mut fields, "host")?;
        let port = low_32_bits(&mut fields, "port")?;
        if actual >= NODE_ELEMENTS {
            // The TCP port, which nobody reads.
            fields.item("TCP port")?;
        }
        let id = fields.string("id")?.to_vec();
        Ok(Self { host, port, id })
    }
}

/// Nodes near the asker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbors {
    /// At most 20 when rskj sends it; as many as fit into a packet when it was received.
    pub nodes: Vec<Neighbor>,
    /// The find-node's message id.
    pub message_id: MessageId,
    /// The sender's network; old nodes do not say.
    pub network_id: Option<u32>,
}

impl Neighbors {
    /// The type byte.
    pub const TYPE: u8 = 4;

    /// The data that follow the type byte.
    pub fn encode(&self) -> Vec<u8> {
        let mut stream = open_list(ELEMENTS, self.network_id);
        stream.begin_list(self.nodes.len());
        for node in &self.nodes {
            node.append(&mut stream);
        }
        append_end(&mut stream, self.message_id, self.network_id);
        stream.out().to_vec()
    }

    /// Reads the data that follow the type byte. Further elements and what follows the list are not looked at.
    ///
    /// # Errors
    /// The field that is wrong; one bad node spoils the message, as in rskj.
    pub fn decode(data: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_beginning("discovery neighbors", data)?;
        at_least(&fields, ELEMENTS)?;
        let mut list = fields.list("nodes")?;
        let mut nodes = Vec::new();
        while !list.is_empty() {
            nodes.push(Neighbor::decode(list.list("node")?)?);
        }
        Ok(Self { nodes, message_id: message_id(&mut fields)?, network_id: network_id(&mut fields)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with one node of these elements.
    fn message(elements: &[&[u8]]) -> Vec<u8> {
        let mut stream = RlpStream::new_list(2);
        stream.begin_list(1).begin_list(elements.len());
        for element in elements {
            stream.append(element);
        }
        append_end(&mut stream, MessageId::from_random([1; 16]), None);
        stream.out().to_vec()
    }

    #[test]
    fn the_id_is_the_fourth_element_or_else_the_third() {
        let node = Neighbor { host: "name.example".to_owned(), port: 5050, id: vec![7; 64] };
        let (host, port, id) = (&b"name.example"[..], &[0x13, 0xba][..], &[7; 64][..]);
        for elements in [&[host, port, id][..], &[host, port, &[], id], &[host, port, &[], id, b"more"]] {
            let neighbors = Neighbors::decode(&message(elements)).expect("rskj takes it");
            assert_eq!(neighbors.nodes, std::slice::from_ref(&node));
        }
        let error = Neighbors::decode(&message(&[host, port])).expect_err("rskj finds no id");
        assert_eq!(error.reason, MessageFault::TooFewEntries { least: 3, actual: 2 });
    }

    #[test]
    fn an_empty_host_spoils_the_message() {
        let error = Neighbors::decode(&message(&[b"", &[1], &[7; 64]])).expect_err("rskj drops it");
        assert_eq!((error.field, error.reason), ("host", MessageFault::EmptyText));
    }
}
