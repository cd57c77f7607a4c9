//! What can be wrong with a message: which message, which field, and why.
//!
//! No RSKIP. rskj throws untyped exceptions out of the message classes and closes the connection
//! (`MessageCodec`, `Eth62MessageFactory`); here each cause has a name, so that a peer's fault can be told.

use super::discovery::message_id::MessageIdError;
use crate::primitives::rlp::RlpError;

/// A message that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, {field}: {reason}")]
pub struct MessageError {
    /// The message, by rskj's name for it; `RskMessage` while the envelope is being opened.
    pub message: &'static str,
    /// The field, or `payload` for the whole.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: MessageFault,
}

/// What is wrong with a field of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageFault {
    /// Not canonical RLP of the right kind and size.
    #[error(transparent)]
    Rlp(#[from] RlpError),
    /// A list with more entries than the protocol lets it have.
    #[error("more than {limit} entries")]
    TooManyEntries {
        /// The largest number of entries allowed.
        limit: usize,
    },
    /// A list with fewer entries than its message needs.
    #[error("{actual} entries where at least {least} belong")]
    TooFewEntries {
        /// The smallest number of entries allowed.
        least: usize,
        /// The number found.
        actual: usize,
    },
    /// A list that must have a certain number of entries and has another.
    #[error("{actual} entries where {expected} belong")]
    WrongEntryCount {
        /// The number required.
        expected: usize,
        /// The number found.
        actual: usize,
    },
    /// A text without a character where one is needed.
    #[error("an empty text")]
    EmptyText,
    /// A discovery message id that is not a version-4 UUID.
    #[error(transparent)]
    MessageId(#[from] MessageIdError),
    /// A text with more bytes than its field may have.
    #[error("a text of {actual} bytes where at most {limit} are allowed")]
    TextTooLong {
        /// The largest size allowed.
        limit: usize,
        /// The size found.
        actual: usize,
    },
    /// A text that is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A number above the largest its field can mean.
    #[error("{actual} is above {limit}")]
    NumberTooLarge {
        /// The largest number allowed.
        limit: u64,
        /// The number found.
        actual: u64,
    },
    /// A total difficulty below zero in two's complement, which rskj refuses as well.
    #[error("a negative total difficulty")]
    NegativeDifficulty,
    /// A total difficulty with a byte in front that its form does not need.
    #[error("a total difficulty with a byte it does not need")]
    RedundantDifficultyByte,
    /// A total difficulty without bytes; zero is one zero byte.
    #[error("a total difficulty without bytes")]
    EmptyDifficulty,
    /// A total difficulty of 2^128 or more, far above what any chain here can reach.
    #[error("a total difficulty of 2^128 or more")]
    DifficultyTooLarge,
    /// A message code of the base protocol that stands for nothing.
    #[error("unassigned message code {code:#04x}")]
    UnassignedCode {
        /// The code found.
        code: u8,
    },
    /// A type of RSK message that stands for nothing.
    #[error("unassigned message type {found}")]
    UnassignedType {
        /// The type found.
        found: u64,
    },
}
