//! The header's `unclesHash` is the hash of the body's list of uncles.
//!
//! No RSKIP. Mirrors rskj's `BlockUnclesHashValidationRule`. The list has the uncles in their full form, with the
//! merged-mining fields that their own hashes leave out: who changes the proof of an uncle changes this hash.

use crate::{
    consensus::body_error::BodyError,
    primitives::{
        block::Body,
        hash::{Hash256, keccak256},
        header::Header,
    },
};

/// The body's uncles are the ones that the header commits to, proofs and order included.
///
/// # Errors
/// [`BodyError::UnclesHash`].
pub fn check(header: &Header, body: &Body) -> Result<(), BodyError> {
    let (expected, seen) = (header.uncles_hash(), Hash256::new(keccak256(&[&body.encode_uncles()])));
    if expected == seen { Ok(()) } else { Err(BodyError::UnclesHash { expected, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consensus::{params::EMPTY_UNCLES_HASH, test_headers},
        primitives::header::{FullHeader, ProofFields},
    };

    fn uncle(coinbase: u8) -> FullHeader {
        let header = test_headers::child(|fields| {
            fields.proof = Some(ProofFields {
                bitcoin_header: vec![1; 80],
                merkle_proof: Vec::new(),
                coinbase: vec![coinbase; 50],
            });
        });
        FullHeader::new(header, None).expect("version 0")
    }

    fn body(uncles: Vec<FullHeader>) -> Body {
        Body { transactions: Vec::new(), uncles, extension: None }
    }

    fn header_of(body: &Body) -> Header {
        let hash = Hash256::new(keccak256(&[&body.encode_uncles()]));
        test_headers::child(|fields| fields.uncles_hash = hash)
    }

    #[test]
    fn no_uncles_have_the_hash_of_the_empty_list() {
        let header = test_headers::child(|fields| fields.uncles_hash = EMPTY_UNCLES_HASH);
        assert_eq!(check(&header, &body(Vec::new())), Ok(()));
        assert!(matches!(check(&header, &body(vec![uncle(1)])), Err(BodyError::UnclesHash { .. })));
    }

    #[test]
    fn order_number_and_the_proofs_of_uncles_are_covered() {
        let own = body(vec![uncle(1), uncle(2)]);
        assert_eq!(uncle(1).header().hash(), uncle(2).header().hash(), "their hashes leave the proof out");
        let header = header_of(&own);
        assert_eq!(check(&header, &own), Ok(()));
        let others = [
            vec![uncle(2), uncle(1)],
            vec![uncle(1)],
            vec![uncle(1), uncle(2), uncle(2)],
            vec![uncle(1), uncle(3)],
            vec![],
        ];
        for other in others {
            let seen = header_of(&body(other.clone())).uncles_hash();
            let refusal = BodyError::UnclesHash { expected: header.uncles_hash(), seen };
            assert_eq!(check(&header, &body(other)), Err(refusal));
        }
    }
}
