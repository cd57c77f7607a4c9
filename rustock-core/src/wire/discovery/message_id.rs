//! Message ids: version-4 UUIDs, by which answers are matched to requests.
//!
//! No RSKIP. Mirrors rskj's `PeerDiscoveryMessage.extractMessageId` and, through it, Java's `UUID.fromString`
//! and `UUID.toString`: ids are values, not texts, since the answer carries another spelling of what was sent.

use core::{fmt, str::FromStr};

/// Widths of the five parts in bits.
const PARTS: [u32; 5] = [32, 16, 16, 16, 48];
/// Characters of the canonical form; Java refuses longer text.
const LONGEST: usize = 36;
/// The only version rskj takes.
const VERSION: u8 = 4;

/// Why text is not a message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageIdError {
    /// Longer than a UUID can be.
    #[error("a message id of {actual} bytes where a UUID has at most {LONGEST}")]
    TooLong {
        /// Bytes found.
        actual: usize,
    },
    /// Not five parts with a dash between each two.
    #[error("a message id has five parts, found {actual}")]
    Parts {
        /// Parts found.
        actual: usize,
    },
    /// A part is empty, or holds something that is not a hexadecimal digit.
    #[error("a part of the message id is not hexadecimal")]
    NotHex,
    /// A UUID, but not a random one.
    #[error("a UUID of version {actual} where version {VERSION} belongs")]
    Version {
        /// Version found.
        actual: u8,
    },
}

/// A version-4 UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(u128);

impl MessageId {
    /// Makes an id of uniformly random bytes, six bits of which give way to version and variant.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        let random = u128::from_be_bytes(bytes);
        let without_version = random & !(0xf << 76) | (VERSION as u128) << 76;
        Self(without_version & !(0x3 << 62) | 0x2 << 62)
    }

    const fn version(self) -> u8 {
        (self.0 >> 76) as u8 & 0xf
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    /// Reads what Java reads: digits of either case, parts with digits missing in front, or with too many, of
    /// which the last ones count, and a plus sign before a part. Digits of other scripts, which Java takes too,
    /// are refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(MessageIdError::TooLong { actual: text.len() });
        }
        let actual = text.split('-').count();
        if actual != PARTS.len() {
            return Err(MessageIdError::Parts { actual });
        }
        let mut value = 0u128;
        for (part, width) in text.split('-').zip(PARTS) {
            // Java reads each part as a signed 64-bit integer; the sign is the plus that Rust takes as well.
            let part = i64::from_str_radix(part, 16).map_err(|_| MessageIdError::NotHex)?;
            value = value << width | u128::from(part.unsigned_abs()) & ((1 << width) - 1);
        }
        match Self(value) {
            id if id.version() == VERSION => Ok(id),
            id => Err(MessageIdError::Version { actual: id.version() }),
        }
    }
}

impl fmt::Display for MessageId {
    /// The canonical form: 36 characters, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shift = 128;
        for (index, width) in PARTS.into_iter().enumerate() {
            shift -= width;
            let part = (self.0 >> shift) & ((1 << width) - 1);
            let dash = if index == 0 { "" } else { "-" };
            write!(f, "{dash}{part:0digits$x}", digits = width as usize / 4)?;
        }
        Ok(())
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> Result<String, MessageIdError> {
        text.parse::<MessageId>().map(|id| id.to_string())
    }

    #[test]
    fn other_spellings_of_an_id_are_the_same_id() {
        let expanded = "0000000a-000b-4000-000d-00000000000e";
        for text in ["a-b-4000-d-e", "A-B-4000-D-E", "+a-b-4000-d-e", "1230000000a-b-4000-d-e", expanded] {
            assert_eq!(canonical(text), Ok(expanded.to_owned()), "{text}");
        }
    }

    #[test]
    fn text_that_java_refuses_is_refused_with_the_reason() {
        let id = "0a967855-cfba-4b1b-9890-f6c931a4a7a0";
        assert!(canonical(id).is_ok());
        assert_eq!(canonical(&format!("{id}0")), Err(MessageIdError::TooLong { actual: 37 }));
        assert_eq!(canonical("a-b-4000-d"), Err(MessageIdError::Parts { actual: 4 }));
        assert_eq!(canonical("a-b-4000-d-e-f"), Err(MessageIdError::Parts { actual: 6 }));
        assert_eq!(canonical("-b-4000-d-e"), Err(MessageIdError::NotHex));
        assert_eq!(canonical("g-b-4000-d-e"), Err(MessageIdError::NotHex));
        assert_eq!(canonical("8000000000000000-b-4000-d-e"), Err(MessageIdError::NotHex));
        assert!(canonical("7fffffffffffffff-b-4000-d-e").is_ok());
        assert_eq!(canonical("a-b-1000-d-e"), Err(MessageIdError::Version { actual: 1 }));
    }

    proptest! {
        #[test]
        fn random_bytes_make_distinct_ids_that_read_back(bytes: [u8; 16]) {
            let id = MessageId::from_random(bytes);
            prop_assert_eq!(id.to_string().len(), LONGEST);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        }

        #[test]
        fn reading_never_panics(text in "[0-9a-f+-]{0,40}|.*") {
            let _ = text.parse::<MessageId>();
        }
    }
}
