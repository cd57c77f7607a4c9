//! The legacy Status (code 0x10): proves that both sides speak of the same network and genesis.
//!
//! No RSKIP. Mirrors rskj's `org.ethereum.net.eth.message.StatusMessage`, read at 9.1.0.

use rlp::RlpStream;

use crate::{
    primitives::{hash::BlockHash, number::CumulativeDifficulty},
    wire::{
        error::MessageError,
        fields::{Fields, append_bytes, append_unsigned_difficulty},
    },
};

/// What a peer says of its protocol, network and genesis. rskj checks the version, then the network, then the
/// genesis; the rest it keeps for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyStatus {
    /// Version of the sub-protocol: 62.
    pub protocol_version: u32,
    /// The peer network: 775 on mainnet. Not the chain id.
    pub network_id: u32,
    /// Claimed work of the chain. Without a sign on the wire, unlike in the RSK Status.
    pub total_difficulty: CumulativeDifficulty,
    /// Claimed hash of the best block.
    pub best_hash: BlockHash,
    /// Hash of genesis.
    pub genesis_hash: BlockHash,
}

impl LegacyStatus {
    /// The message code.
    pub const CODE: u8 = 0x10;
    /// The version of the sub-protocol that rskj speaks.
    pub const PROTOCOL_VERSION: u32 = 62;

    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut stream = RlpStream::new_list(5);
        stream.append(&self.protocol_version).append(&self.network_id);
        append_unsigned_difficulty(&mut stream, self.total_difficulty);
        append_bytes(&mut stream, self.best_hash.as_ref());
        append_bytes(&mut stream, self.genesis_hash.as_ref());
        stream.out().to_vec()
    }

    /// Decodes a payload: exactly five elements.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn decode(payload: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_payload("legacy Status", payload)?;
        let protocol_version = fields.unsigned32("protocol version")?;
        let network_id = fields.unsigned32("network id")?;
        let total_difficulty = fields.unsigned_difficulty("total difficulty")?;
        let best_hash = fields.hash("best hash")?;
        let genesis_hash = fields.hash("genesis hash")?;
        fields.finish()?;
        Ok(Self { protocol_version, network_id, total_difficulty, best_hash, genesis_hash })
    }
}
