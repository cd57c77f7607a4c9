//! A strict, allocation-free RLP reader: slices of the input, canonical form only.
//!
//! rskj's reader (`RLP.decodeElement`, `RLPList`) also takes long lengths and `81 xx` for a byte below
//! `80`, then re-encodes canonically before hashing. Honest peers only ever send the canonical form, so this
//! reader refuses the rest, and the received bytes can be hashed as they are. Encoding small messages is the
//! `rlp` crate's work; `docs/adr/0002-strict-rlp-reader.md` has the reasons and the figures.

/// Why bytes are not the canonical RLP that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RlpError {
    /// The input ends before the item does.
    #[error("the input ends before the item does")]
    Truncated,
    /// Bytes follow the item that should have been the last.
    #[error("bytes follow the last item")]
    TrailingBytes,
    /// A length or a single byte is not written in the shortest way.
    #[error("not in the shortest form")]
    NotCanonical,
    /// A string stands where a list belongs.
    #[error("expected a list, found a string")]
    ExpectedList,
    /// A list stands where a string belongs.
    #[error("expected a string, found a list")]
    ExpectedString,
    /// The list has no further item.
    #[error("the list has too few items")]
    MissingItem,
    /// A string has a size its field cannot have.
    #[error("a string of {actual} bytes where {expected} belong")]
    WrongSize {
        /// Bytes the field takes.
        expected: usize,
        /// Bytes found.
        actual: usize,
    },
    /// An unsigned integer starts with a zero byte.
    #[error("an integer with a leading zero")]
    LeadingZero,
    /// An integer needs more bits than its field has.
    #[error("an integer too large for its field")]
    IntegerTooLarge,
}

/// One item: what it is, its payload, and the whole of it with its length prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    is_list: bool,
    payload: &'a [u8],
    encoded: &'a [u8],
}

impl<'a> Item<'a> {
    /// Reads `input` as exactly one item.
    ///
    /// # Errors
    /// Anything that is not one whole canonical item.
    pub fn decode(input: &'a [u8]) -> Result<Self, RlpError> {
        let mut items = Items { rest: input };
        let item = items.next_item()?;
        items.finish()?;
        Ok(item)
    }

    /// Reads the item `input` begins with, and what follows it.
    ///
    /// # Errors
    /// Anything that does not begin with one whole canonical item.
    pub fn decode_first(input: &'a [u8]) -> Result<(Self, &'a [u8]), RlpError> {
        let mut items = Items { rest: input };
        let item = items.next_item()?;
        Ok((item, items.rest))
    }

    /// True for a list.
    pub fn is_list(&self) -> bool {
        self.is_list
    }

    /// The item with its length prefix, as received.
    pub fn encoded(&self) -> &'a [u8] {
        self.encoded
    }

    /// The bytes of a string.
    ///
    /// # Errors
    /// [`RlpError::ExpectedString`] for a list.
    pub fn string(&self) -> Result<&'a [u8], RlpError> {
        if self.is_list { Err(RlpError::ExpectedString) } else { Ok(self.payload) }
    }

    /// The bytes of a string of exactly `N` bytes.
    ///
    /// # Errors
    /// [`RlpError::ExpectedString`] or [`RlpError::WrongSize`].
    pub fn array<const N: usize>(&self) -> Result<[u8; N], RlpError> {
        let bytes = self.string()?;
        bytes.try_into().map_err(|_| RlpError::WrongSize { expected: N, actual: bytes.len() })
    }

    /// The items of a list.
    ///
    /// # Errors
    /// [`RlpError::ExpectedList`] for a string.
    pub fn list(&self) -> Result<Items<'a>, RlpError> {
        if self.is_list { Ok(Items { rest: self.payload }) } else { Err(RlpError::ExpectedList) }
    }

    /// A minimal unsigned integer of at most 128 bits; zero is the empty string.
    ///
    /// # Errors
    /// [`RlpError::LeadingZero`], [`RlpError::IntegerTooLarge`] or [`RlpError::ExpectedString`].
    pub fn unsigned128(&self) -> Result<u128, RlpError> {
        let bytes = self.string()?;
        if bytes.first() == Some(&0) {
            return Err(RlpError::LeadingZero);
        }
        super::number::unsigned_from_be(bytes).ok_or(RlpError::IntegerTooLarge)
    }

    /// A minimal unsigned integer of at most 64 bits; zero is the empty string.
    ///
    /// # Errors
    /// [`RlpError::LeadingZero`], [`RlpError::IntegerTooLarge`] or [`RlpError::ExpectedString`].
    pub fn unsigned(&self) -> Result<u64, RlpError> {
        u64::try_from(self.unsigned128()?).map_err(|_| RlpError::IntegerTooLarge)
    }
}

/// The items of a list that were not taken yet.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// Takes the next item.
    ///
    /// # Errors
    /// [`RlpError::MissingItem`] at the end; otherwise whatever is wrong with the item.
    pub fn next_item(&mut self) -> Result<Item<'a>, RlpError> {
        let input = self.rest;
        let first = *input.first().ok_or(RlpError::MissingItem)?;
        let (is_list, prefix, size) = match first {
            0x00..=0x7f => (false, 0, 1),
            0x80..=0xb7 => (false, 1, usize::from(first - 0x80)),
            0xb8..=0xbf => {
                let (prefix, size) = long_size(input, first - 0xb7)?;
                (false, prefix, size)
            }
            0xc0..=0xf7 => (true, 1, usize::from(first - 0xc0)),
            0xf8..=0xff => {
                let (prefix, size) = long_size(input, first - 0xf7)?;
                (true, prefix, size)
            }
        };
        // A 32-bit device could overflow here on a claimed size near 4 GiB.
        let end = prefix.checked_add(size).ok_or(RlpError::Truncated)?;
        let payload = input.get(prefix..end).ok_or(RlpError::Truncated)?;
        if first == 0x81 && payload[0] < 0x80 {
            return Err(RlpError::NotCanonical);
        }
        self.rest = &input[end..];
        Ok(Item { is_list, payload, encoded: &input[..end] })
    }

    /// True when every item was taken.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Insists that every item was taken.
    ///
    /// # Errors
    /// [`RlpError::TrailingBytes`] when something is left.
    pub fn finish(self) -> Result<(), RlpError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RlpError::TrailingBytes) }
    }

    /// The bytes of the items not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Counts the items not taken yet, checking the form of each.
    ///
    /// # Errors
    /// Whatever is wrong with the first bad item.
    pub fn count_items(mut self) -> Result<usize, RlpError> {
        let mut count = 0;
        while !self.is_empty() {
            self.next_item()?;
            count += 1;
        }
        Ok(count)
    }
}

/// The prefix size and payload size of an item with a length of its own `length_bytes` bytes.
fn long_size(input: &[u8], length_bytes: u8) -> Result<(usize, usize), RlpError> {
    let length_bytes = usize::from(length_bytes);
    let digits = input.get(1..1 + length_bytes).ok_or(RlpError::Truncated)?;
    // More than four length bytes would mean an item of over 4 GiB: no input here can hold it.
    if digits[0] == 0 {
        return Err(RlpError::NotCanonical);
    }
    if length_bytes > 4 {
        return Err(RlpError::Truncated);
    }
    let size = digits.iter().fold(0usize, |size, digit| size << 8 | usize::from(*digit));
    if size < 56 {
        return Err(RlpError::NotCanonical);
    }
    Ok((1 + length_bytes, size))
}

/// The list prefix for a payload of `size` bytes, as `(bytes, used)`.
pub(crate) fn list_prefix(size: usize) -> ([u8; 9], usize) {
    let mut prefix = [0u8; 9];
    if size < 56 {
        prefix[0] = 0xc0 + size as u8;
        return (prefix, 1);
    }
    let digits = (size as u64).to_be_bytes();
    let significant = super::number::minimal_be(&digits);
    prefix[0] = 0xf7 + significant.len() as u8;
    prefix[1..=significant.len()].copy_from_slice(significant);
    (prefix, 1 + significant.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error_of(bytes: &[u8]) -> RlpError {
        Item::decode(bytes).expect_err("must be refused")
    }

    #[test]
    fn refuses_each_form_that_is_not_the_shortest() {
        assert_eq!(error_of(&[0x81, 0x7f]), RlpError::NotCanonical);
        assert!(Item::decode(&[0x81, 0x80]).is_ok());
        assert_eq!(error_of(&[0xb8, 0x01, 0x80]), RlpError::NotCanonical);
        let mut long = vec![0xb8, 55];
        long.extend([1; 55]);
        assert_eq!(error_of(&long), RlpError::NotCanonical);
        let mut long = vec![0xb8, 56];
        long.extend([1; 56]);
        assert!(Item::decode(&long).is_ok());
        let mut padded = vec![0xb9, 0, 56];
        padded.extend([1; 56]);
        assert_eq!(error_of(&padded), RlpError::NotCanonical);
        let mut list = vec![0xf8, 55];
        list.extend([1; 55]);
        assert_eq!(error_of(&list), RlpError::NotCanonical);
    }

    #[test]
    fn refuses_what_is_cut_short_or_too_long() {
        assert_eq!(error_of(&[]), RlpError::MissingItem);
        assert_eq!(error_of(&[0x82, 1]), RlpError::Truncated);
        assert_eq!(error_of(&[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), RlpError::Truncated);
        assert_eq!(error_of(&[1, 2]), RlpError::TrailingBytes);
    }

    #[test]
    fn integers_are_minimal() {
        assert_eq!(Item::decode(&[0x80]).and_then(|item| item.unsigned()), Ok(0));
        assert_eq!(Item::decode(&[0x00]).and_then(|item| item.unsigned()), Err(RlpError::LeadingZero));
        let nine = [0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Item::decode(&nine).and_then(|item| item.unsigned()), Err(RlpError::IntegerTooLarge));
    }

    proptest! {
        #[test]
        fn never_panics_and_what_it_accepts_is_what_the_rlp_crate_writes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            fn rewrite(item: Item<'_>, out: &mut rlp::RlpStream) -> Result<(), RlpError> {
                if item.is_list() {
                    let mut items = item.list()?;
                    out.begin_list(items.count_items()?);
                    while !items.is_empty() {
                        rewrite(items.next_item()?, out)?;
                    }
                } else {
                    out.append(&item.string()?);
                }
                Ok(())
            }
            if let Ok(item) = Item::decode(&bytes) {
                let mut out = rlp::RlpStream::new();
                if rewrite(item, &mut out).is_ok() {
                    prop_assert_eq!(out.out().to_vec(), bytes);
                }
            }
        }

        #[test]
        fn list_prefixes_match_the_rlp_crate(size in 0usize..100_000) {
            let mut out = rlp::RlpStream::new_list(1);
            let inner = vec![0u8; size.saturating_sub(4)];
            out.append(&inner);
            let encoded = out.out();
            let payload = Item::decode(&encoded).expect("canonical").payload.len();
            let (prefix, used) = list_prefix(payload);
            prop_assert_eq!(&encoded[..used], &prefix[..used]);
        }
    }
}
