//! Compression of payloads by the snappy block format, as EIP-706 has it. The message code stays as it is.
//!
//! No RSKIP. rskj compresses nothing (its `MessageCodec` has no such step); only Rustock peers that both offer it do.

/// Why a payload cannot be decompressed. All are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnappyError {
    /// It does not begin with a length.
    #[error("a compressed payload of {size} bytes does not begin with its length")]
    NoLength {
        /// Bytes of the compressed payload.
        size: usize,
    },
    /// It says it is larger than may be held.
    #[error("a compressed payload claims {claimed} bytes, at most {limit} are held")]
    TooLarge {
        /// What it says, at most 4 GiB less a byte.
        claimed: usize,
        /// What is allowed.
        limit: usize,
    },
    /// What follows the length is not that many bytes, compressed.
    #[error("a compressed payload of {size} bytes does not give the {claimed} it claims")]
    Broken {
        /// Bytes of the compressed payload.
        size: usize,
        /// What it says it is.
        claimed: usize,
    },
}

/// A payload, compressed.
///
/// # Panics
/// For 4 GiB and more, of which no frame holds a five-hundredth.
pub fn compress(payload: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(payload).expect("a payload below 4 GiB can always be compressed")
}

/// A payload as it was before it was compressed, behind a copy of `before`. The length it claims is compared with
/// `limit` before any memory is taken.
///
/// # Errors
/// [`SnappyError`].
pub fn decompress_behind(before: &[u8], compressed: &[u8], limit: usize) -> Result<Vec<u8>, SnappyError> {
    let size = compressed.len();
    let claimed = match snap::raw::decompress_len(compressed) {
        Ok(claimed) if !compressed.is_empty() => claimed,
        Err(snap::Error::TooBig { given, .. }) => {
            let claimed = usize::try_from(given).unwrap_or(usize::MAX);
            return Err(SnappyError::TooLarge { claimed, limit });
        }
        Ok(_) | Err(_) => return Err(SnappyError::NoLength { size }),
    };
    if claimed > limit {
        return Err(SnappyError::TooLarge { claimed, limit });
    }
    let mut whole = vec![0; before.len() + claimed];
    let (start, rest) = whole.split_at_mut(before.len());
    start.copy_from_slice(before);
    match snap::raw::Decoder::new().decompress(compressed, rest) {
        Ok(written) if written == claimed => Ok(whole),
        Ok(_) | Err(_) => Err(SnappyError::Broken { size, claimed }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1024;

    fn decompress(compressed: &[u8]) -> Result<Vec<u8>, SnappyError> {
        decompress_behind(&[], compressed, LIMIT)
    }

    #[test]
    fn a_payload_of_the_limit_is_taken_and_one_byte_more_is_not() {
        assert_eq!(decompress(&compress(&[7; LIMIT])), Ok(vec![7; LIMIT]));
        let error = SnappyError::TooLarge { claimed: LIMIT + 1, limit: LIMIT };
        assert_eq!(decompress(&compress(&[7; LIMIT + 1])), Err(error));
    }

    #[test]
    fn a_claim_of_4_gib_is_refused_by_its_first_five_bytes() {
        let claimed = u32::MAX as usize;
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(decompress(&bomb), Err(SnappyError::TooLarge { claimed, limit: LIMIT }));
        // One more is not a length of this format; it is no less a lie.
        let bomb = [0x80, 0x80, 0x80, 0x80, 0x10];
        assert!(
            matches!(decompress(&bomb), Err(SnappyError::TooLarge { claimed, .. }) if claimed > u32::MAX as usize)
        );
    }

    #[test]
    fn a_payload_without_a_length_is_refused() {
        // The last is a zero written in six bytes: a length has at most five.
        for payload in [&[][..], &[0x80], &[0xff; 16], &[0x80, 0x80, 0x80, 0x80, 0x80, 0]] {
            assert_eq!(decompress(payload), Err(SnappyError::NoLength { size: payload.len() }));
        }
    }

    #[test]
    fn every_payload_cut_short_is_refused() {
        let compressed = compress(b"the header of a block, the header of a block");
        for size in 1..compressed.len() {
            assert_eq!(decompress(&compressed[..size]), Err(SnappyError::Broken { size, claimed: 44 }));
        }
        assert!(decompress(&compressed).is_ok());
    }

    #[test]
    fn a_payload_with_a_byte_too_many_is_refused() {
        let mut compressed = compress(b"the header of a block");
        compressed.push(0);
        let (size, claimed) = (compressed.len(), 21);
        assert_eq!(decompress(&compressed), Err(SnappyError::Broken { size, claimed }));
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(
            code in proptest::collection::vec(any::<u8>(), 0..3),
            piece in proptest::collection::vec(any::<u8>(), 0..64),
            times in 0..16_usize,
        ) {
            let payload = piece.repeat(times);
            let whole = decompress_behind(&code, &compress(&payload), LIMIT).expect("below the limit");
            prop_assert_eq!(whole, [code, payload].concat());
        }

        #[test]
        fn no_bytes_give_more_than_the_limit(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(payload) = decompress(&bytes) {
                prop_assert!(payload.len() <= LIMIT);
            }
        }
    }
}
