//! The Bitcoin coinbase transaction, compressed: a SHA-256 state after its first bytes, and the rest of it.
//!
//! No RSKIP. Mirrors rskj's `ProofOfWorkRule` and `MinerServerImpl.compressCoinbase`.

use bitcoin_hashes::{HashEngine as _, sha256};

use crate::consensus::error::{CoinbaseFault, HeaderError};

/// Bytes of a SHA-256 block.
const BLOCK: usize = 64;
/// A transaction of this size could be an inner node of the merkle tree; one more byte, and it cannot.
const INNER_NODE_SIZE: i64 = 64;

/// A compressed coinbase, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressedCoinbase<'a> {
    /// Bytes before the tail: a signed 64-bit in rskj, and not always a multiple of 64.
    pub byte_count: u64,
    /// SHA-256 state after those bytes.
    pub midstate: [u8; 32],
    /// The transaction's last bytes.
    pub tail: &'a [u8],
}

impl<'a> CompressedCoinbase<'a> {
    /// The field's bytes, if it has any.
    ///
    /// # Errors
    /// [`HeaderError::MergedMiningCoinbase`].
    pub fn present(field: &'a [u8]) -> Result<&'a [u8], HeaderError> {
        if field.is_empty() { Err(fault(CoinbaseFault::Missing)) } else { Ok(field) }
    }

    /// Takes the field apart.
    ///
    /// # Errors
    /// [`HeaderError::MergedMiningCoinbase`] below 40 bytes.
    pub fn split(field: &'a [u8]) -> Result<Self, HeaderError> {
        let too_short = || fault(CoinbaseFault::TooShort { seen: field.len() });
        let (byte_count, rest) = field.split_first_chunk::<8>().ok_or_else(too_short)?;
        let (midstate, tail) = rest.split_first_chunk::<32>().ok_or_else(too_short)?;
        Ok(Self { byte_count: u64::from_be_bytes(*byte_count), midstate: *midstate, tail })
    }

    /// The whole transaction has more than 64 bytes, counted as rskj does, in a wrapping signed 64-bit.
    ///
    /// # Errors
    /// [`HeaderError::MergedMiningCoinbase`].
    pub fn check_transaction_size(&self) -> Result<(), HeaderError> {
        let seen = self.byte_count.wrapping_add(self.tail.len() as u64) as i64;
        if seen > INNER_NODE_SIZE { Ok(()) } else { Err(fault(CoinbaseFault::TransactionTooShort { seen })) }
    }

    /// The transaction id, in hashing order: SHA-256 finished from the midstate, and SHA-256 of that.
    ///
    /// The padding is written here, because it ends in the message's size in *bits* modulo 2^64, and the byte
    /// count is whatever the header says: unaligned, negative, near overflow.
    pub fn transaction_id(&self) -> [u8; 32] {
        let whole_blocks = self.tail.len() / BLOCK * BLOCK;
        let (blocks, rest) = self.tail.split_at(whole_blocks);
        let mut end = [0u8; 2 * BLOCK];
        end[..rest.len()].copy_from_slice(rest);
        end[rest.len()] = 0x80;
        let end_size = if rest.len() < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
        let bits = self.byte_count.wrapping_add(self.tail.len() as u64).wrapping_mul(8);
        end[end_size - 8..end_size].copy_from_slice(&bits.to_be_bytes());

        let mut engine = sha256::Midstate::new(self.midstate, 0).to_engine();
        engine.input(blocks);
        engine.input(&end[..end_size]);
        let (once, _) = engine.midstate().expect("only whole blocks went in").to_parts();
        sha256::Hash::from_byte_array(once).hash_again().to_byte_array()
    }
}

fn fault(fault: CoinbaseFault) -> HeaderError {
    HeaderError::MergedMiningCoinbase(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin_hashes::sha256d;
    use proptest::prelude::*;

    fn of(byte_count: u64, tail: &[u8]) -> CompressedCoinbase<'_> {
        CompressedCoinbase { byte_count, midstate: sha256::Midstate::SHA256_IV.to_parts().0, tail }
    }

    #[test]
    fn forty_bytes_are_the_least() {
        let split = |size: usize| CompressedCoinbase::split(&[0; 41][..size]).map(|parts| parts.tail.len());
        assert_eq!(split(40), Ok(0));
        for seen in [1, 7, 8, 39] {
            assert_eq!(split(seen), Err(fault(CoinbaseFault::TooShort { seen })));
        }
        assert_eq!(CompressedCoinbase::present(&[]), Err(fault(CoinbaseFault::Missing)));
        assert!(CompressedCoinbase::present(&[0]).is_ok());
    }

    #[test]
    fn the_transaction_has_more_than_64_bytes() {
        let size = |byte_count, tail: usize| of(byte_count, &[0; 65][..tail]).check_transaction_size();
        assert_eq!(size(0, 65), Ok(()));
        assert_eq!(size(64, 1), Ok(()));
        for (byte_count, tail) in [(0, 64), (64, 0)] {
            let refusal = fault(CoinbaseFault::TransactionTooShort { seen: 64 });
            assert_eq!(size(byte_count, tail), Err(refusal));
        }
    }

    #[test]
    fn the_size_wraps_as_a_java_long() {
        let size = |byte_count, tail: usize| of(byte_count, &[0; 65][..tail]).check_transaction_size();
        let greatest = i64::MAX as u64;
        assert_eq!(size(greatest - 1, 1), Ok(()));
        let refusal = fault(CoinbaseFault::TransactionTooShort { seen: i64::MIN });
        assert_eq!(size(greatest, 1), Err(refusal));
        assert_eq!(size(u64::MAX, 65), Err(fault(CoinbaseFault::TransactionTooShort { seen: 64 })));
    }

    #[test]
    fn three_bits_of_the_count_do_not_reach_the_hash() {
        let tail = [7; 70];
        let id = of(1 << 20, &tail).transaction_id();
        assert_eq!(of(1 << 20 | 7 << 61, &tail).transaction_id(), id);
        assert_ne!(of(1 << 20 | 1 << 60, &tail).transaction_id(), id);
    }

    proptest! {
        #[test]
        fn the_id_is_the_double_hash_of_the_whole(transaction in proptest::collection::vec(any::<u8>(), 0..400), blocks in 0usize..6) {
            let split = (blocks * BLOCK).min(transaction.len() / BLOCK * BLOCK);
            let (head, tail) = transaction.split_at(split);
            let mut engine = sha256::HashEngine::new();
            engine.input(head);
            let (midstate, byte_count) = engine.midstate().expect("whole blocks").to_parts();
            let compressed = CompressedCoinbase { byte_count, midstate, tail };
            let whole = sha256d::Hash::hash(&transaction).to_byte_array();
            prop_assert_eq!(compressed.transaction_id(), whole);
        }

        #[test]
        fn any_count_gives_an_id(byte_count in any::<u64>(), tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_ne!(of(byte_count, &tail).transaction_id(), [0; 32]);
        }
    }
}
