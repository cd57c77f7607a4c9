//! Numbers with a meaning: heights, seconds, work, gas, prices. They cannot be mixed up.
//!
//! No RSKIP. Mirrors rskj's `BlockDifficulty`, `Coin` and the `long` heights and times of `BlockHeader`.

use core::fmt;

/// A block height. Genesis is 0; rskj holds heights in a signed 64-bit, so the largest is 2^63 − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BlockNumber(u64);

impl BlockNumber {
    /// The height of genesis.
    pub const GENESIS: Self = Self(0);

    /// Wraps a height.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The height as a plain integer.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The height one above. Saturates at the largest integer, which no block can have.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The height one below, or `None` for genesis.
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// `blocks` further up, saturating.
    pub const fn saturating_add(self, blocks: u64) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// `blocks` further down, stopping at genesis.
    pub const fn saturating_sub(self, blocks: u64) -> Self {
        Self(self.0.saturating_sub(blocks))
    }

    /// How many blocks this is above `other`; 0 if it is not above.
    pub const fn blocks_above(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for BlockNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Seconds since 1970-01-01 UTC, as block headers count them. Never mixed with the monotonic clock that
/// drives timeouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Wraps seconds since the epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The work one header claims. Mainnet's is near 2^74; values of 2^128 and more are refused when decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Difficulty(u128);

impl Difficulty {
    /// Wraps a difficulty.
    pub const fn new(difficulty: u128) -> Self {
        Self(difficulty)
    }

    /// The difficulty as a plain integer.
    pub const fn get(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Difficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sum of difficulties along a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CumulativeDifficulty(u128);

impl CumulativeDifficulty {
    /// Wraps a sum.
    pub const fn new(sum: u128) -> Self {
        Self(sum)
    }

    /// The sum as a plain integer.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// The sum after one more header, or `None` past 2^128 − 1 (about 2^54 mainnet blocks).
    pub const fn checked_add(self, difficulty: Difficulty) -> Option<Self> {
        match self.0.checked_add(difficulty.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }
}

impl fmt::Display for CumulativeDifficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A gas limit exactly as its header writes it. rskj keeps these bytes raw, leading zeros included, and
/// hashes them, so 10,000,000 as `989680` and as `00989680` are different headers with the same limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct GasLimit {
    leading_zeros: u32,
    value: u128,
}

impl GasLimit {
    /// A limit written with `leading_zeros` zero bytes in front of its shortest form.
    pub const fn new(leading_zeros: u32, value: u128) -> Self {
        Self { leading_zeros, value }
    }

    /// Reads the field's bytes; `None` when the value needs more than 128 bits.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let significant = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        let value = unsigned_from_be(&bytes[significant..])?;
        Some(Self { leading_zeros: u32::try_from(significant).ok()?, value })
    }

    /// The field's bytes, as they were read.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.leading_zeros as usize];
        bytes.extend_from_slice(minimal_be(&self.value.to_be_bytes()));
        bytes
    }

    /// True when the field has no bytes at all, which rskj answers with an error.
    pub const fn is_empty(self) -> bool {
        self.leading_zeros == 0 && self.value == 0
    }

    /// Zero bytes in front of the shortest form.
    pub const fn leading_zeros(self) -> u32 {
        self.leading_zeros
    }

    /// Units of gas.
    pub const fn get(self) -> u128 {
        self.value
    }
}

impl fmt::Display for GasLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The least price in wei per unit of gas that a block's transactions must offer. Signed on the wire: a
/// negative one can be decoded and is refused by its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GasPrice(i128);

impl GasPrice {
    /// Wraps a price in wei.
    pub const fn new(wei: i128) -> Self {
        Self(wei)
    }

    /// Wei per unit of gas.
    pub const fn get(self) -> i128 {
        self.0
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Big-endian bytes without leading zeros.
pub(crate) fn minimal_be(bytes: &[u8]) -> &[u8] {
    let significant = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    &bytes[significant..]
}

/// Reads big-endian bytes; `None` when they are more than 16.
pub(crate) fn unsigned_from_be(bytes: &[u8]) -> Option<u128> {
    let mut wide = [0u8; 16];
    let start = wide.len().checked_sub(bytes.len())?;
    wide[start..].copy_from_slice(bytes);
    Some(u128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gas_limit_keeps_its_leading_zeros() {
        for text in ["67c280", "00989680", "0000", "", "00"] {
            let bytes = hex::decode(text).expect("test data");
            let limit = GasLimit::from_bytes(&bytes).expect("small enough");
            assert_eq!(limit.to_bytes(), bytes, "{text}");
            assert_eq!(limit.is_empty(), bytes.is_empty(), "{text}");
        }
        assert_eq!(GasLimit::from_bytes(&[1; 17]), None);
        assert_eq!(GasLimit::from_bytes(&[0; 40]).map(GasLimit::get), Some(0));
    }
}
