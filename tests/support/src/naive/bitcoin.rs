//! Bitcoin headers, as bitcoinj-thin's `BtcBlock` and `BtcTransaction` read them.

use super::hashes::double_sha256;

/// What the rules need of a Bitcoin header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitcoinHeader {
    /// Hash of the first 80 bytes, in the order in which it comes out of the hash function.
    pub hash: [u8; 32],
    /// Merkle root, in the same order.
    pub merkle_root: [u8; 32],
    /// Seconds since 1970.
    pub time: u32,
}

impl BitcoinHeader {
    /// Reads 80 bytes of header and, if anything follows, a count of transactions and that many transactions.
    /// What follows those is not looked at.
    ///
    /// # Errors
    /// When something ends early or a transaction cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let header: &[u8; 80] =
            bytes.first_chunk().ok_or_else(|| format!("Bitcoin header of {} bytes", bytes.len()))?;
        if bytes.len() > 80 {
            let mut reader = Reader { bytes, position: 80 };
            let transactions = java_int(reader.varint()?)?;
            for _ in 0..transactions {
                reader.transaction()?;
            }
        }
        let mut merkle_root = [0; 32];
        merkle_root.copy_from_slice(&header[36..68]);
        Ok(Self {
            hash: double_sha256(header),
            merkle_root,
            time: u32::from_le_bytes([header[68], header[69], header[70], header[71]]),
        })
    }
}

/// Java keeps the low 32 bits of a count and takes offence when they are negative.
pub fn java_int(value: i64) -> Result<i32, String> {
    let low = value as i32;
    if low < 0 { Err(format!("{value} is negative in 32 bits")) } else { Ok(low) }
}

/// Reads Bitcoin's wire format.
pub struct Reader<'a> {
    /// Everything.
    pub bytes: &'a [u8],
    /// Where reading goes on.
    pub position: usize,
}

impl<'a> Reader<'a> {
    /// The next bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.position.checked_add(count).ok_or("a length beyond memory")?;
        let taken = self.bytes.get(self.position..end).ok_or("the bytes end early")?;
        self.position = end;
        Ok(taken)
    }

    /// A number of 1, 3, 5 or 9 bytes; longer forms than needed are read too. Nine bytes may give a negative one.
    ///
    /// # Errors
    /// When the bytes end early.
    pub fn varint(&mut self) -> Result<i64, String> {
        let size = match self.take(1)?[0] {
            small @ 0..=252 => return Ok(i64::from(small)),
            253 => 2,
            254 => 4,
            255 => 8,
        };
        let value = self.take(size)?.iter().rev().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        Ok(value as i64)
    }

    /// Bytes with their length before them.
    fn script(&mut self) -> Result<(), String> {
        let length = java_int(self.varint()?)?;
        self.take(length as usize)?;
        Ok(())
    }

    /// Version, inputs, outputs, lock time; or with the mark of an empty input list and flags after the version,
    /// and with witnesses when the lowest flag is set.
    fn transaction(&mut self) -> Result<(), String> {
        self.take(4)?;
        let mut inputs = self.inputs()?;
        let mut flags = 0;
        if inputs > 0 {
            self.outputs()?;
        } else {
            flags = self.take(1)?[0];
            if flags != 0 {
                inputs = self.inputs()?;
                self.outputs()?;
            }
        }
        if flags & 1 != 0 {
            flags ^= 1;
            for _ in 0..inputs {
                self.witness()?;
            }
        }
        if flags != 0 {
            return Err("unknown optional data in a Bitcoin transaction".into());
        }
        self.take(4)?;
        Ok(())
    }

    /// A count whose low 32 bits must not be negative; a negative count is an empty list.
    fn count(&mut self) -> Result<i64, String> {
        let count = self.varint()?;
        java_int(count)?;
        Ok(count.max(0))
    }

    fn inputs(&mut self) -> Result<i64, String> {
        let count = self.count()?;
        for _ in 0..count {
            self.take(36)?;
            self.script()?;
            self.take(4)?;
        }
        Ok(count)
    }

    fn outputs(&mut self) -> Result<(), String> {
        for _ in 0..self.count()? {
            self.take(8)?;
            self.script()?;
        }
        Ok(())
    }

    fn witness(&mut self) -> Result<(), String> {
        for _ in 0..self.count()? {
            self.script()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::BitcoinHeader;

    const PLAIN: [u8; 60] = {
        // Version, one input without script, one output without script, lock time.
        let mut bytes = [0; 60];
        bytes[4] = 1;
        bytes[46] = 1;
        bytes
    };

    fn with_tail(tail: &[u8]) -> Result<BitcoinHeader, String> {
        BitcoinHeader::parse(&[&[7; 80], tail].concat())
    }

    #[test]
    fn a_header_alone_is_80_bytes() {
        let alone = with_tail(&[]).unwrap();
        assert_eq!(alone.merkle_root, [7; 32]);
        assert_eq!(alone.time, 0x0707_0707);
        assert!(BitcoinHeader::parse(&[7; 79]).is_err());
    }

    #[test]
    fn what_follows_must_be_transactions_and_changes_nothing() {
        let alone = with_tail(&[]);
        assert_eq!(with_tail(&[0]), alone);
        assert_eq!(with_tail(&[0, 9, 9]), alone);
        assert_eq!(with_tail(&[&[1][..], &PLAIN].concat()), alone);
        assert_eq!(with_tail(&[&[2][..], &PLAIN, &PLAIN].concat()), alone);
        assert!(with_tail(&[&[2][..], &PLAIN].concat()).is_err());
        assert!(with_tail(&[&[1][..], &PLAIN[..59]].concat()).is_err());
        assert!(with_tail(&[253, 0]).is_err());
    }

    #[test]
    fn counts_are_cut_to_32_bits() {
        assert!(with_tail(&[255, 0, 0, 0, 0, 1, 0, 0, 0]).is_ok());
        assert!(with_tail(&[254, 0, 0, 0, 0x80]).is_err());
    }

    #[test]
    fn witnesses_are_read_when_the_flag_says_so_and_other_flags_are_refused() {
        let with_flags = |flags: u8, witness: &[u8]| {
            let lock_time = &PLAIN[56..];
            with_tail(&[&[1], &PLAIN[..4], &[0, flags], &PLAIN[4..56], witness, lock_time].concat())
        };
        assert!(with_flags(1, &[2, 1, 9, 0]).is_ok());
        assert!(with_flags(1, &[2, 1, 9]).is_err());
        assert!(with_flags(2, &[]).is_err());
        assert!(with_flags(3, &[0]).is_err());
    }
}
