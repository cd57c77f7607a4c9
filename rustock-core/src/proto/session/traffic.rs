//! Bytes and messages by class and direction.

use crate::wire::rsk::{LegacyStatus, MessageKind, RskMessage};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageClass {
    /// The base protocol: Hello, Disconnect, Ping, Pong, and what nobody uses.
    Base,
    /// Both kinds of Status.
    Status,
    /// Blocks that exist, by hash.
    Announcements,
    /// Headers, hashes and skeletons, asked for or answered.
    Headers,
    /// Whole blocks and bodies, asked for, answered or pushed.
    Blocks,
    /// Transactions.
    Transactions,
    /// State synchronisation.
    Snap,
    /// Too large to be looked at, or assigned to nothing.
    Unread,
}

impl MessageClass {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Base,
        Self::Status,
        Self::Announcements,
        Self::Headers,
        Self::Blocks,
        Self::Transactions,
        Self::Snap,
        Self::Unread,
    ];

    /// A short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Status => "status",
            Self::Announcements => "announcements",
            Self::Headers => "headers",
            Self::Blocks => "blocks",
            Self::Transactions => "transactions",
            Self::Snap => "snap",
            Self::Unread => "unread",
        }
    }

    /// The class of a message, from its code and the first bytes of its payload.
    pub(super) fn of(code: u8, payload: &[u8]) -> Self {
        match code {
            0..LegacyStatus::CODE => Self::Base,
            LegacyStatus::CODE => Self::Status,
            RskMessage::CODE => MessageKind::peek(payload).map_or(Self::Unread, Self::of_kind),
            _ => Self::Unread,
        }
    }

    const fn of_kind(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Status => Self::Status,
            MessageKind::NewBlockHashes | MessageKind::NewBlockHash => Self::Announcements,
            MessageKind::BlockHashRequest
            | MessageKind::BlockHashResponse
            | MessageKind::BlockHeadersRequest
            | MessageKind::BlockHeadersResponse
            | MessageKind::SkeletonRequest
            | MessageKind::SkeletonResponse => Self::Headers,
            MessageKind::Block
            | MessageKind::GetBlock
            | MessageKind::BlockRequest
            | MessageKind::BlockResponse
            | MessageKind::BodyRequest
            | MessageKind::BodyResponse => Self::Blocks,
            MessageKind::Transactions => Self::Transactions,
            MessageKind::SnapStateChunkRequest
            | MessageKind::SnapStateChunkResponse
            | MessageKind::SnapStatusRequest
            | MessageKind::SnapStatusResponse
            | MessageKind::SnapBlocksRequest
            | MessageKind::SnapBlocksResponse => Self::Snap,
        }
    }
}

/// Messages of one class, and their bytes of code and payload as they are on the wire: compressed where they were
/// compressed. What the frames add is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassTraffic {
    /// Messages received.
    pub messages_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
}

/// Messages and bytes by class and direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic([ClassTraffic; MessageClass::ALL.len()]);

impl Traffic {
    /// What went through of one class.
    pub fn of(&self, class: MessageClass) -> ClassTraffic {
        self.0[class as usize]
    }

    pub(super) fn count_received(&mut self, class: MessageClass, size: usize) {
        let counts = &mut self.0[class as usize];
        counts.messages_in += 1;
        counts.bytes_in += size as u64;
    }

    pub(super) fn count_sent(&mut self, class: MessageClass, size: usize) {
        let counts = &mut self.0[class as usize];
        counts.messages_out += 1;
        counts.bytes_out += size as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_is_counted_in_its_own_place() {
        let mut traffic = Traffic::default();
        for (index, class) in MessageClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
            traffic.count_received(class, index);
            traffic.count_sent(class, 2 * index);
        }
        for (index, class) in (0..).zip(MessageClass::ALL) {
            let expected =
                ClassTraffic { messages_in: 1, bytes_in: index, messages_out: 1, bytes_out: 2 * index };
            assert_eq!(traffic.of(class), expected);
        }
    }

    #[test]
    fn messages_are_told_apart_by_code_and_kind() {
        assert_eq!(MessageClass::of(0x02, &[0xc0]), MessageClass::Base);
        assert_eq!(MessageClass::of(LegacyStatus::CODE, &[]), MessageClass::Status);
        assert_eq!(MessageClass::of(RskMessage::CODE, &[0xc3, 0xc2, 0x07, 0x80]), MessageClass::Transactions);
        assert_eq!(MessageClass::of(RskMessage::CODE, &[0xc3, 0xc2, 0x0a, 0x80]), MessageClass::Headers);
        assert_eq!(MessageClass::of(RskMessage::CODE, &[]), MessageClass::Unread);
        assert_eq!(MessageClass::of(0x77, &[]), MessageClass::Unread);
    }
}
