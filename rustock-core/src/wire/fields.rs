//! Reads the fields of a message in order and names the one at fault; writes the integer forms that the `rlp`
//! crate has no word for.
//!
//! No RSKIP. Mirrors rskj's `RLP.encodeBlockDifficulty`, `RLP.encodeElement` and `ByteUtil.bigIntegerToBytes`.

use rlp::RlpStream;

use super::error::{MessageError, MessageFault};
use crate::primitives::{
    hash::BlockHash,
    number::{BlockNumber, CumulativeDifficulty},
    rlp::{Item, Items, RlpError},
};

/// rskj holds heights, ids and offsets in a signed 64-bit integer.
pub(super) const LARGEST_SIGNED: u64 = i64::MAX as u64;

/// The fields of one list of a message that were not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    message: &'static str,
    items: Items<'a>,
}

impl<'a> Fields<'a> {
    /// Reads `payload` as exactly one list.
    pub(super) fn of_payload(message: &'static str, payload: &'a [u8]) -> Result<Self, MessageError> {
        let items = Item::decode(payload)
            .and_then(|item| item.list())
            .map_err(|reason| fault(message, "payload", reason))?;
        Ok(Self { message, items })
    }

    /// Reads the list that `payload` begins with, whatever follows it.
    pub(super) fn of_beginning(message: &'static str, payload: &'a [u8]) -> Result<Self, MessageError> {
        let items = Item::decode_first(payload)
            .and_then(|(item, _)| item.list())
            .map_err(|reason| fault(message, "payload", reason))?;
        Ok(Self { message, items })
    }

    /// The same fields, blamed on another message from here on.
    pub(super) fn of_message(self, message: &'static str) -> Self {
        Self { message, ..self }
    }

    /// An error that blames `field` of this message.
    pub(super) fn fault(&self, field: &'static str, reason: impl Into<MessageFault>) -> MessageError {
        fault(self.message, field, reason)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn item(&mut self, field: &'static str) -> Result<Item<'a>, MessageError> {
        self.items.next_item().map_err(|reason| self.fault(field, reason))
    }

    pub(super) fn list(&mut self, field: &'static str) -> Result<Self, MessageError> {
        let item = self.item(field)?;
        let items = item.list().map_err(|reason| self.fault(field, reason))?;
        Ok(Self { message: self.message, items })
    }

    pub(super) fn string(&mut self, field: &'static str) -> Result<&'a [u8], MessageError> {
        let item = self.item(field)?;
        item.string().map_err(|reason| self.fault(field, reason))
    }

    pub(super) fn text(&mut self, field: &'static str, limit: usize) -> Result<&'a str, MessageError> {
        let bytes = self.string(field)?;
        if bytes.len() > limit {
            return Err(self.fault(field, MessageFault::TextTooLong { limit, actual: bytes.len() }));
        }
        core::str::from_utf8(bytes).map_err(|_| self.fault(field, MessageFault::NotUtf8))
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], MessageError> {
        let item = self.item(field)?;
        item.array().map_err(|reason| self.fault(field, reason))
    }

    pub(super) fn hash(&mut self, field: &'static str) -> Result<BlockHash, MessageError> {
        self.array(field).map(BlockHash::new)
    }

    pub(super) fn unsigned(&mut self, field: &'static str, limit: u64) -> Result<u64, MessageError> {
        let item = self.item(field)?;
        let actual = item.unsigned().map_err(|reason| self.fault(field, reason))?;
        if actual > limit {
            return Err(self.fault(field, MessageFault::NumberTooLarge { limit, actual }));
        }
        Ok(actual)
    }

    pub(super) fn unsigned32(&mut self, field: &'static str) -> Result<u32, MessageError> {
        let number = self.unsigned(field, u64::from(u32::MAX))?;
        Ok(u32::try_from(number).expect("the limit is the largest of the type"))
    }

    pub(super) fn block_number(&mut self, field: &'static str) -> Result<BlockNumber, MessageError> {
        self.unsigned(field, LARGEST_SIGNED).map(BlockNumber::new)
    }

    /// A total difficulty in Java's two's complement: a zero byte in front when the top bit is set.
    pub(super) fn signed_difficulty(
        &mut self,
        field: &'static str,
    ) -> Result<CumulativeDifficulty, MessageError> {
        let magnitude = match self.string(field)? {
            [] => return Err(self.fault(field, MessageFault::EmptyDifficulty)),
            [0] => &[],
            [0, rest @ ..] if rest[0] >= 0x80 => rest,
            [0, ..] => return Err(self.fault(field, MessageFault::RedundantDifficultyByte)),
            [0x80..=0xff, ..] => return Err(self.fault(field, MessageFault::NegativeDifficulty)),
            bytes => bytes,
        };
        self.difficulty_of(field, magnitude)
    }

    /// A total difficulty without a sign: no zero byte in front, but zero itself is one zero byte.
    pub(super) fn unsigned_difficulty(
        &mut self,
        field: &'static str,
    ) -> Result<CumulativeDifficulty, MessageError> {
        let magnitude = match self.string(field)? {
            [] => return Err(self.fault(field, MessageFault::EmptyDifficulty)),
            [0] => &[],
            [0, ..] => return Err(self.fault(field, MessageFault::RedundantDifficultyByte)),
            bytes => bytes,
        };
        self.difficulty_of(field, magnitude)
    }

    fn difficulty_of(
        &self,
        field: &'static str,
        magnitude: &[u8],
    ) -> Result<CumulativeDifficulty, MessageError> {
        let mut wide = [0u8; 16];
        let start = wide
            .len()
            .checked_sub(magnitude.len())
            .ok_or_else(|| self.fault(field, MessageFault::DifficultyTooLarge))?;
        wide[start..].copy_from_slice(magnitude);
        Ok(CumulativeDifficulty::new(u128::from_be_bytes(wide)))
    }

    /// Counts the entries not read yet, checking the form of each and no more.
    pub(super) fn count(self, field: &'static str) -> Result<usize, MessageError> {
        self.items.count_items().map_err(|reason| self.fault(field, reason))
    }

    /// Insists that every field was read.
    pub(super) fn finish(self) -> Result<(), MessageError> {
        self.items.finish().map_err(|reason| self.fault("end", reason))
    }
}

fn fault(message: &'static str, field: &'static str, reason: impl Into<MessageFault>) -> MessageError {
    MessageError { message, field, reason: reason.into() }
}

/// Insists that `bytes` are one canonical list.
pub(super) fn check_list(bytes: &[u8]) -> Result<(), RlpError> {
    Item::decode(bytes)?.list().map(|_| ())
}

/// Appends fixed-size or free bytes as a string.
pub(super) fn append_bytes(stream: &mut RlpStream, bytes: &[u8]) {
    stream.append(&bytes);
}

/// Appends a total difficulty in Java's two's complement.
pub(super) fn append_signed_difficulty(stream: &mut RlpStream, difficulty: CumulativeDifficulty) {
    let mut wide = [0u8; 17];
    wide[1..].copy_from_slice(&difficulty.get().to_be_bytes());
    let significant = wide.iter().position(|byte| *byte != 0).unwrap_or(wide.len() - 1);
    let start = if wide[significant] >= 0x80 { significant - 1 } else { significant };
    append_bytes(stream, &wide[start..]);
}

/// Appends a total difficulty without a sign.
pub(super) fn append_unsigned_difficulty(stream: &mut RlpStream, difficulty: CumulativeDifficulty) {
    let wide = difficulty.get().to_be_bytes();
    let start = wide.iter().position(|byte| *byte != 0).unwrap_or(wide.len() - 1);
    append_bytes(stream, &wide[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A list around one encoded item.
    fn list_of(item: &[u8]) -> Vec<u8> {
        let mut stream = RlpStream::new_list(1);
        stream.append_raw(item, 1);
        stream.out().to_vec()
    }

    fn signed(item: &str) -> Result<u128, MessageFault> {
        let payload = list_of(&hex::decode(item).expect("test data"));
        let mut fields = Fields::of_payload("Test", &payload).expect("a list");
        fields.signed_difficulty("td").map(CumulativeDifficulty::get).map_err(|error| error.reason)
    }

    fn unsigned(item: &str) -> Result<u128, MessageFault> {
        let payload = list_of(&hex::decode(item).expect("test data"));
        let mut fields = Fields::of_payload("Test", &payload).expect("a list");
        fields.unsigned_difficulty("td").map(CumulativeDifficulty::get).map_err(|error| error.reason)
    }

    #[test]
    fn the_signed_form_puts_a_zero_byte_before_a_top_bit_and_only_there() {
        assert_eq!(signed("00"), Ok(0));
        assert_eq!(signed("7f"), Ok(0x7f));
        assert_eq!(signed("820080"), Ok(0x80));
        assert_eq!(signed("8180"), Err(MessageFault::NegativeDifficulty));
        assert_eq!(signed("82007f"), Err(MessageFault::RedundantDifficultyByte));
        assert_eq!(signed("820000"), Err(MessageFault::RedundantDifficultyByte));
        assert_eq!(signed("80"), Err(MessageFault::EmptyDifficulty));
    }

    #[test]
    fn the_unsigned_form_never_starts_with_a_zero_byte_except_zero() {
        assert_eq!(unsigned("00"), Ok(0));
        assert_eq!(unsigned("8180"), Ok(0x80));
        assert_eq!(unsigned("820080"), Err(MessageFault::RedundantDifficultyByte));
        assert_eq!(unsigned("80"), Err(MessageFault::EmptyDifficulty));
    }

    #[test]
    fn difficulties_end_at_128_bits() {
        let largest = format!("9100{}", "ff".repeat(16));
        assert_eq!(signed(&largest), Ok(u128::MAX));
        let above = format!("9101{}", "00".repeat(16));
        assert_eq!(signed(&above), Err(MessageFault::DifficultyTooLarge));
        assert_eq!(unsigned(&format!("90{}", "ff".repeat(16))), Ok(u128::MAX));
        assert_eq!(unsigned(&above), Err(MessageFault::DifficultyTooLarge));
    }

    proptest! {
        #[test]
        fn difficulties_survive_a_round_trip(value: u128, shift in 0u32..128) {
            let difficulty = CumulativeDifficulty::new(value >> shift);
            let mut stream = RlpStream::new_list(2);
            append_signed_difficulty(&mut stream, difficulty);
            append_unsigned_difficulty(&mut stream, difficulty);
            let payload = stream.out().to_vec();
            let mut fields = Fields::of_payload("Test", &payload).expect("a list");
            prop_assert_eq!(fields.signed_difficulty("td"), Ok(difficulty));
            prop_assert_eq!(fields.unsigned_difficulty("td"), Ok(difficulty));
        }
    }
}
