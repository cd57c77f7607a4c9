//! Before RSKIP-98 the Bitcoin header could be a whole Bitcoin block.
//!
//! RSKIP-98 (80 bytes and nothing else). Mirrors the parsing in bitcoinj's `BtcBlock`, `BtcTransaction` and
//! `VarInt`, which rskj hands the field to: after 80 bytes of header come a count and that many transactions,
//! in any form that parses. Bytes after the last transaction are never looked at, and nothing but the first 80
//! bytes is hashed.
//!
//! Counts are read as bitcoinj reads them: a 64-bit number that is cut to a signed 32-bit where it sizes
//! something, and is not where it ends a loop.

use crate::{
    consensus::{error::HeaderError, params::NetworkParams},
    primitives::{header::BITCOIN_HEADER_SIZE, number::BlockNumber},
};

/// Bytes of an input before its script: the transaction and the index that it spends.
const OUTPOINT_SIZE: usize = 36;

/// The 80 bytes that are hashed.
///
/// # Errors
/// [`HeaderError::BitcoinHeader`] unless there are exactly 80 bytes, from RSKIP-98 on;
/// [`HeaderError::BitcoinBlock`] when the field parses as no block, before.
pub fn header_of<'a>(
    field: &'a [u8],
    params: &NetworkParams,
    number: BlockNumber,
) -> Result<&'a [u8; BITCOIN_HEADER_SIZE], HeaderError> {
    let seen = field.len();
    if params.activations.rskip98.is_active(number) {
        return field.try_into().map_err(|_| HeaderError::BitcoinHeader { seen });
    }
    let (header, rest) = field.split_first_chunk().ok_or(HeaderError::BitcoinBlock { seen })?;
    match rest.is_empty() || transactions_parse(rest) {
        true => Ok(header),
        false => Err(HeaderError::BitcoinBlock { seen }),
    }
}

/// True when the bytes start with a count and that many transactions.
fn transactions_parse(bytes: &[u8]) -> bool {
    let mut reader = Reader(bytes);
    let parse = |reader: &mut Reader<'_>| {
        let count = reader.size()?;
        (0..count).try_for_each(|_| reader.transaction())
    };
    parse(&mut reader).is_some()
}

/// Reads from the front; `None` where bitcoinj throws. Every loop takes bytes in each turn, so the work is
/// bounded by the size of the field.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn array<const SIZE: usize>(&mut self) -> Option<[u8; SIZE]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// A count in one, three, five or nine bytes, and not always in the fewest.
    fn count(&mut self) -> Option<i64> {
        let [first] = self.array()?;
        Some(match first {
            0xfd => u16::from_le_bytes(self.array()?).into(),
            0xfe => u32::from_le_bytes(self.array()?).into(),
            0xff => i64::from_le_bytes(self.array()?),
            small => small.into(),
        })
    }

    /// A count cut to 32 bits; none below zero.
    fn size(&mut self) -> Option<usize> {
        let cut = self.count()? as i32;
        usize::try_from(cut).ok()
    }

    /// A count that ends a loop, and sizes a list first: the list cannot have less than no places.
    fn loop_count(&mut self) -> Option<i64> {
        let count = self.count()?;
        (count as i32 >= 0).then_some(count)
    }

    fn bytes(&mut self) -> Option<()> {
        let size = self.size()?;
        self.skip(size)
    }

    fn transaction(&mut self) -> Option<()> {
        self.skip(size_of::<u32>())?;
        let mut inputs = self.inputs()?;
        let mut flags = 0;
        if inputs > 0 {
            self.outputs()?;
        } else {
            [flags] = self.array()?;
            if flags != 0 {
                inputs = self.inputs()?;
                self.outputs()?;
            }
        }
        if flags & 1 != 0 {
            flags ^= 1;
            (0..inputs).try_for_each(|_| self.witness())?;
        }
        if flags != 0 {
            return None;
        }
        self.skip(size_of::<u32>())
    }

    fn inputs(&mut self) -> Option<i64> {
        let count = self.loop_count()?;
        for _ in 0..count {
            self.skip(OUTPOINT_SIZE)?;
            self.bytes()?;
            self.skip(size_of::<u32>())?;
        }
        Some(count.max(0))
    }

    fn outputs(&mut self) -> Option<()> {
        let count = self.loop_count()?;
        for _ in 0..count {
            self.skip(size_of::<u64>())?;
            self.bytes()?;
        }
        Some(())
    }

    fn witness(&mut self) -> Option<()> {
        let count = self.loop_count()?;
        (0..count).try_for_each(|_| self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEFORE: BlockNumber = BlockNumber::new(728_999);
    const AFTER: BlockNumber = BlockNumber::new(729_000);

    fn judge(rest: &[u8]) -> bool {
        let field = [&[7; BITCOIN_HEADER_SIZE], rest].concat();
        let mainnet = NetworkParams::mainnet();
        let found = header_of(&field, &mainnet, BEFORE);
        let seen = field.len();
        assert!(matches!(found, Ok([7, ..])) || found == Err(HeaderError::BitcoinBlock { seen }));
        found.is_ok()
    }

    /// One input with an empty script, one output with two bytes of script.
    fn transaction() -> Vec<u8> {
        let input = [&[1; OUTPOINT_SIZE][..], &[0], &[0xff; 4]].concat();
        let output = [&[0; 8][..], &[2, 0xaa, 0xbb]].concat();
        [&[1, 0, 0, 0, 1][..], &input, &[1], &output, &[0; 4]].concat()
    }

    /// The same with a marker, a flag and one witness of one push.
    fn transaction_with_witness(flag: u8) -> Vec<u8> {
        let plain = transaction();
        let (version, rest) = plain.split_at(4);
        let (body, lock_time) = rest.split_at(rest.len() - 4);
        [version, &[0, flag], body, &[1, 3, 5, 6, 7], lock_time].concat()
    }

    #[test]
    fn exactly_eighty_bytes_from_rskip98_on() {
        let networks = [(NetworkParams::mainnet(), AFTER), (NetworkParams::testnet(), BlockNumber::new(1))];
        for (params, number) in networks {
            assert!(header_of(&[0; 80], &params, number).is_ok());
            for seen in [0, 79, 81] {
                let found = header_of(&[0; 81][..seen], &params, number);
                assert_eq!(found, Err(HeaderError::BitcoinHeader { seen }), "{}", params.name);
            }
        }
    }

    #[test]
    fn eighty_bytes_or_a_block_before() {
        let mainnet = NetworkParams::mainnet();
        assert!(header_of(&[0; 80], &mainnet, BEFORE).is_ok());
        for seen in [0, 71, 79] {
            let found = header_of(&[0; 80][..seen], &mainnet, BEFORE);
            assert_eq!(found, Err(HeaderError::BitcoinBlock { seen }));
        }
        assert!(judge(&[0]));
        assert!(!judge(&[1]));
        assert!(judge(&[&[1][..], &transaction()].concat()));
        assert!(!judge(&[&[2][..], &transaction()].concat()));
        assert!(judge(&[&[2][..], &transaction(), &transaction_with_witness(1)].concat()));
    }

    #[test]
    fn every_byte_of_a_transaction_must_be_there() {
        for whole in [transaction(), transaction_with_witness(1)] {
            for size in 0..whole.len() {
                assert!(!judge(&[&[1][..], &whole[..size]].concat()), "{size} bytes");
            }
        }
    }

    #[test]
    fn bytes_after_the_last_transaction_are_not_looked_at() {
        assert!(judge(&[0, 1, 2, 3]));
        assert!(judge(&[&[1][..], &transaction(), &[9; 5]].concat()));
    }

    #[test]
    fn flags_other_than_witness_are_refused() {
        assert!(!judge(&[&[1][..], &transaction_with_witness(2)].concat()));
        assert!(!judge(&[&[1][..], &transaction_with_witness(3)].concat()));
        // No inputs and a zero flag: a transaction of ten bytes without outputs.
        assert!(judge(&[1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    }

    #[test]
    fn counts_are_cut_and_signed_as_in_java() {
        let nine = |count: i64| [&[0xff][..], &count.to_le_bytes()].concat();
        assert!(judge(&[0xfd, 0, 0]), "not the shortest form of zero");
        assert!(judge(&nine(1 << 32)), "cut to zero");
        assert!(!judge(&nine(-1)), "cut to minus one");
        assert!(!judge(&nine(i64::from(i32::MAX))));
        // Inputs: a negative number whose low half is not negative makes a list of none.
        assert!(judge(&[&[1, 1, 0, 0, 0][..], &nine(i64::MIN), &[0, 0, 0, 0, 0]].concat()));
        assert!(!judge(&[&[1, 1, 0, 0, 0][..], &nine(-1), &[0, 0, 0, 0, 0]].concat()));
    }

    proptest! {
        #[test]
        fn anything_is_judged(rest in proptest::collection::vec(any::<u8>(), 0..200)) {
            judge(&rest);
        }

        #[test]
        fn a_count_of_any_form_and_garbage_behind_it_is_judged(count in any::<i64>(), rest in proptest::collection::vec(any::<u8>(), 0..50)) {
            judge(&[&[0xff][..], &count.to_le_bytes(), &rest].concat());
        }
    }
}
