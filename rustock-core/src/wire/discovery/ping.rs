//! Ping: asks a node to prove that it is at an address.
//!
//! No RSKIP. Mirrors rskj's `PingPeerMessage`.

use super::{
    endpoint::{Endpoint, decode_bond, encode_bond},
    message_id::MessageId,
};
use crate::wire::error::MessageError;

/// A ping. Unlike discv4's it has no version and does not name the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Where the sender says it is; on the wire twice.
    pub endpoint: Endpoint,
    /// What the pong has to repeat.
    pub message_id: MessageId,
    /// The sender's network; old nodes do not say.
    pub network_id: Option<u32>,
}

impl Ping {
    /// The type byte.
    pub const TYPE: u8 = 1;

    /// The data that follow the type byte.
    pub fn encode(&self) -> Vec<u8> {
        encode_bond(&self.endpoint, self.message_id, self.network_id)
    }

    /// Reads the data that follow the type byte. The first endpoint, ports, further elements and what follows
    /// the list are not looked at, as rskj does not.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn decode(data: &[u8]) -> Result<Self, MessageError> {
        let (endpoint, message_id, network_id) = decode_bond("discovery ping", data)?;
        Ok(Self { endpoint, message_id, network_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::error::MessageFault;

    const ID: &str = "0a967855-cfba-4b1b-9890-f6c931a4a7a0";

    /// The data of a ping with these elements, each written as given.
    fn data(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut stream = rlp::RlpStream::new_list(elements.len());
        for element in elements {
            stream.append_raw(element, 1);
        }
        stream.out().to_vec()
    }

    fn endpoint(texts: &[&str]) -> Vec<u8> {
        let mut stream = rlp::RlpStream::new_list(texts.len());
        for text in texts {
            stream.append(text);
        }
        stream.out().to_vec()
    }

    fn string(text: &str) -> Vec<u8> {
        rlp::encode(&text).to_vec()
    }

    fn reason(elements: &[Vec<u8>]) -> MessageFault {
        Ping::decode(&data(elements)).expect_err("must be refused").reason
    }

    #[test]
    fn only_the_second_endpoint_is_looked_at_and_must_have_three_elements() {
        let good = endpoint(&["name.example", "a", "a"]);
        let ping = Ping::decode(&data(&[string("anything"), good, string(ID)])).expect("rskj takes it");
        assert_eq!((ping.endpoint.host.as_str(), ping.endpoint.port), ("name.example", 0x61));
        assert_eq!(ping.network_id, None);
        for count in [2, 4] {
            let bad = endpoint(&vec!["a"; count]);
            let expected = MessageFault::WrongEntryCount { expected: 3, actual: count };
            assert_eq!(reason(&[endpoint(&["a", "a", "a"]), bad, string(ID)]), expected);
        }
    }

    #[test]
    fn an_empty_host_is_refused_and_a_strange_one_is_not() {
        assert_eq!(reason(&[string("a"), endpoint(&["", "a", "a"]), string(ID)]), MessageFault::EmptyText);
        let mut strange = endpoint(&["abc", "a", "a"]);
        strange[2] = 0xff;
        let ping = Ping::decode(&data(&[string("a"), strange, string(ID)])).expect("rskj takes it");
        assert_eq!(ping.endpoint.host, "\u{fffd}bc");
    }

    #[test]
    fn three_elements_are_needed_and_a_fifth_is_read_past() {
        let to = endpoint(&["a", "b", "c"]);
        let too_few = MessageFault::TooFewEntries { least: 3, actual: 2 };
        assert_eq!(reason(&[to.clone(), to.clone()]), too_few);
        let five = data(&[to.clone(), to, string(ID), vec![0x82, 3, 7], string("more")]);
        assert_eq!(Ping::decode(&five).expect("rskj takes it").network_id, Some(775));
        let mut trailing = five;
        trailing.extend([0xff, 0xff]);
        assert!(Ping::decode(&trailing).is_ok());
    }
}
