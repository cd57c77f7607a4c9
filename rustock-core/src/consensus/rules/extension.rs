//! The extension in a body is the one whose hash the header has.
//!
//! RSKIP-351. rskj has no such rule: it puts the two together unchecked (`BlockHeader.setExtension`). A wrong bloom
//! shows when the block is executed, and anything else when the stored block, which then has another hash, is read
//! again. This rule is what makes edges, base event and logs bloom those of the header.

use crate::{
    consensus::body_error::BodyError,
    primitives::header::{ExtensionMismatch, Header, HeaderExtension},
};

/// The extension is the header's, and is there exactly when the header's version has one.
///
/// # Errors
/// [`BodyError::Extension`].
pub fn check(header: &Header, extension: Option<&HeaderExtension>) -> Result<(), BodyError> {
    ExtensionMismatch::check(header, extension).map_err(BodyError::Extension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consensus::{params::NetworkParams, test_headers},
        primitives::{activation::Activation, number::BlockNumber},
    };

    /// RSKIP-351 from 10 on, RSKIP-144 from 12 on, RSKIP-535 from 14 on.
    fn params() -> NetworkParams {
        let mut params = NetworkParams::regtest();
        params.activations.rskip351 = Activation::at(10);
        params.activations.rskip144 = Activation::at(12);
        params.activations.rskip535 = Activation::at(14);
        params
    }

    fn extension(number: u64) -> HeaderExtension {
        let (params, number) = (params(), BlockNumber::new(number));
        HeaderExtension {
            logs_bloom: Box::new([7; 256]),
            base_event: params.activations.rskip535.is_active(number).then(|| vec![1, 2]),
            edges: params.activations.has_edges(number).then(|| vec![1]),
        }
    }

    fn header(number: u64, extension: &HeaderExtension) -> Header {
        test_headers::header(&params(), |fields| {
            fields.number = BlockNumber::new(number);
            if params().activations.header_version(fields.number).number() > 0 {
                fields.logs = extension.commitment();
            }
        })
    }

    #[test]
    fn it_is_there_from_rskip_351_on_and_not_before() {
        let own = extension(10);
        let (before, after) = (header(9, &own), header(10, &own));
        assert_eq!(check(&before, None), Ok(()));
        let refusal = BodyError::Extension(ExtensionMismatch::NotExpected);
        assert_eq!(check(&before, Some(&own)), Err(refusal));
        assert_eq!(check(&after, Some(&own)), Ok(()));
        assert_eq!(check(&after, None), Err(BodyError::Extension(ExtensionMismatch::Missing)));
    }

    #[test]
    fn every_part_of_it_is_covered_by_the_hash_in_every_version() {
        for number in [11, 12, 13, 14] {
            let own = extension(number);
            let header = header(number, &own);
            assert_eq!(check(&header, Some(&own)), Ok(()), "{number}");
            let mut others = vec![own.clone(); 3];
            others[0].logs_bloom[255] ^= 1;
            others[1].edges = own.edges.is_none().then(Vec::new);
            others[2].base_event = own.base_event.is_none().then(Vec::new);
            if own.edges.is_some() {
                others.push(HeaderExtension { edges: Some(vec![2]), ..own.clone() });
            }
            if own.base_event.is_some() {
                others.push(HeaderExtension { base_event: Some(vec![1, 3]), ..own.clone() });
            }
            for other in others {
                let expected = header.extension_hash().expect("of a later version");
                let mismatch = match (header.version().number(), other.version().number()) {
                    (due, version) if due != version => {
                        ExtensionMismatch::WrongVersion { expected: due, seen: version }
                    }
                    _ => ExtensionMismatch::WrongHash { expected, seen: other.hash() },
                };
                assert_eq!(check(&header, Some(&other)), Err(BodyError::Extension(mismatch)), "{number}");
            }
        }
    }
}
