//! Find-node: asks a node for others.
//!
//! No RSKIP. Mirrors rskj's `FindNodePeerMessage`.

use super::{
    fields::{append_end, at_least, message_id, network_id, open_list},
    message_id::MessageId,
};
use crate::wire::{
    error::MessageError,
    fields::{Fields, append_bytes},
};

/// Elements that must be there: target and message id.
const ELEMENTS: usize = 2;

/// A request for nodes. Whoever gets it answers with the nodes nearest to the asker, whatever the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindNode {
    /// The asker's own node id when rskj sends it. Ignored by receivers, so any bytes are taken.
    pub target: Vec<u8>,
    /// What the answer has to repeat.
    pub message_id: MessageId,
    /// The sender's network; old nodes do not say.
    pub network_id: Option<u32>,
}

impl FindNode {
    /// The type byte.
    pub const TYPE: u8 = 3;

    /// The data that follow the type byte.
    pub fn encode(&self) -> Vec<u8> {
        let mut stream = open_list(ELEMENTS, self.network_id);
        append_bytes(&mut stream, &self.target);
        append_end(&mut stream, self.message_id, self.network_id);
        stream.out().to_vec()
    }

    /// Reads the data that follow the type byte. Further elements and what follows the list are not looked at.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn decode(data: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_beginning("discovery find-node", data)?;
        at_least(&fields, ELEMENTS)?;
        let target = fields.string("target")?.to_vec();
        Ok(Self { target, message_id: message_id(&mut fields)?, network_id: network_id(&mut fields)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::error::MessageFault;

    #[test]
    fn a_message_id_must_follow_the_target() {
        let request =
            FindNode { target: vec![7; 64], message_id: MessageId::from_random([9; 16]), network_id: None };
        assert_eq!(FindNode::decode(&request.encode()), Ok(request));
        let alone = FindNode::decode(&[0xc1, 0x07]).expect_err("too short");
        assert_eq!(alone.reason, MessageFault::TooFewEntries { least: 2, actual: 1 });
    }
}
