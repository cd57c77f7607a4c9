//! The 0x18 envelope: `[[type, bytes(rlp(body))]]`, and the types there are.
//!
//! No RSKIP. Mirrors rskj's `RskMessage`, `Message.getEncoded` and `MessageType`, read at 9.1.0.

use core::fmt;

use rlp::RlpStream;

use crate::{
    primitives::rlp::RlpError,
    wire::{
        error::{MessageError, MessageFault},
        fields::{Fields, append_bytes},
    },
};

/// The first bytes of a payload that [`MessageKind::peek`] needs at most: two list prefixes of five and the type.
/// With the message code in front they fit into the first 16 bytes of a frame.
pub const PEEK_SIZE: usize = 11;

macro_rules! message_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The type of an RSK message. 4, 5 and 19 are unassigned; a request and its response are not
        /// neighbours.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum MessageKind {
            $($(#[$doc])* $name = $code,)*
        }

        impl MessageKind {
            /// Every type, in the order of their numbers.
            pub const ALL: [Self; 22] = [$(Self::$name,)*];

            /// rskj's name for the message.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The type with this number, or `None` for an unassigned one.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

message_kinds! {
    /// What the sender says its best block is.
    Status = 1,
    /// A whole block.
    Block = 2,
    /// Asks for a whole block, without an id.
    GetBlock = 3,
    /// Blocks the sender has.
    NewBlockHashes = 6,
    /// Pending transactions.
    Transactions = 7,
    /// Asks for the hash at a height.
    BlockHashRequest = 8,
    /// Asks for headers from a hash downwards.
    BlockHeadersRequest = 9,
    /// Headers, the requested one first.
    BlockHeadersResponse = 10,
    /// Asks for a whole block.
    BlockRequest = 11,
    /// A whole block that was asked for.
    BlockResponse = 12,
    /// Every 192nd block.
    SkeletonResponse = 13,
    /// Asks for the transactions and uncles of a block.
    BodyRequest = 14,
    /// Transactions and uncles of a block.
    BodyResponse = 15,
    /// Asks for every 192nd block.
    SkeletonRequest = 16,
    /// A block the sender has.
    NewBlockHash = 17,
    /// The hash at a height.
    BlockHashResponse = 18,
    /// Asks for a part of the state.
    SnapStateChunkRequest = 20,
    /// A part of the state.
    SnapStateChunkResponse = 21,
    /// Asks where a state synchronisation could start.
    SnapStatusRequest = 22,
    /// Where a state synchronisation could start.
    SnapStatusResponse = 23,
    /// Asks for the blocks below a height.
    SnapBlocksRequest = 24,
    /// Blocks below a height.
    SnapBlocksResponse = 25,
}

impl MessageKind {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// True for the types whose body is never decoded: whole blocks, transactions and snap responses. Where they
    /// are large they are not held but discarded piece by piece.
    pub const fn is_ignored(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Transactions
                | Self::BlockResponse
                | Self::SnapStateChunkResponse
                | Self::SnapStatusResponse
                | Self::SnapBlocksResponse
        )
    }

    /// True for answers that may be larger than any other message that is read. Nobody sends them unasked.
    pub const fn is_large_answer(self) -> bool {
        matches!(self, Self::BlockHeadersResponse | Self::BodyResponse)
    }

    /// Learns the type from the first bytes of a 0x18 payload ([`PEEK_SIZE`] always suffice), before the rest
    /// has arrived. `None` when they are not the start of a canonical envelope of an assigned type, or too few.
    pub fn peek(start: &[u8]) -> Option<Self> {
        let (outer_prefix, outer_size) = list_size(start)?;
        let inner = start.get(outer_prefix..)?;
        let (inner_prefix, inner_size) = list_size(inner)?;
        if inner_prefix.checked_add(inner_size)? != outer_size {
            return None;
        }
        Self::from_code(*inner.get(inner_prefix)?)
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Prefix size and payload size of the canonical list whose encoding begins here.
fn list_size(start: &[u8]) -> Option<(usize, usize)> {
    let first = *start.first()?;
    match first {
        0xc0..=0xf7 => Some((1, usize::from(first - 0xc0))),
        // Four length bytes say up to 4 GiB, which no frame can hold.
        0xf8..=0xfb => {
            let length_bytes = usize::from(first - 0xf7);
            let digits = start.get(1..1 + length_bytes)?;
            let size = digits.iter().fold(0usize, |size, digit| size << 8 | usize::from(*digit));
            (digits[0] != 0 && size >= 56).then_some((1 + length_bytes, size))
        }
        _ => None,
    }
}

/// Puts an encoded body into the envelope: the payload of a message with code 0x18.
pub fn seal(kind: MessageKind, body: &[u8]) -> Vec<u8> {
    let mut stream = RlpStream::new_list(1);
    stream.begin_list(2).append(&kind.code());
    append_bytes(&mut stream, body);
    stream.out().to_vec()
}

/// Takes the type and the encoded body out of the envelope. The body is not looked at.
pub(super) fn open(payload: &[u8]) -> Result<(MessageKind, &[u8]), MessageError> {
    let mut outer = Fields::of_payload("RskMessage", payload)?;
    let mut message = outer.list("message")?;
    outer.finish()?;
    let item = message.item("type")?;
    let found = item.unsigned().map_err(|reason| message.fault("type", reason))?;
    let kind = u8::try_from(found)
        .ok()
        .and_then(MessageKind::from_code)
        .ok_or_else(|| message.fault("type", MessageFault::UnassignedType { found }))?;
    let mut message = message.of_message(kind.name());
    let body = message.string("body")?;
    message.finish()?;
    if body.is_empty() {
        return Err(message.fault("body", RlpError::MissingItem));
    }
    Ok((kind, body))
}
