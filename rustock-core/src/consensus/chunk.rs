//! The fast path: a run of headers, each the parent of the next, with their merkle paths folded together.
//!
//! Gives exactly what [`verify_header`](super::verify::verify_header) gives one header at a time.

use super::{
    error::HeaderError,
    fork_detection_window::{Ancestor, ForkDetectionWindow},
    params::NetworkParams,
    parent::Parent,
    rules::merged_mining::{Authentication, check_merkle_proofs},
    verify::{Context, VerifiedHeader, check_until_merkle_proof, conclude},
};
use crate::primitives::{header::Header, number::UnixTime};

/// A header of a chunk was not verified; the ones before it were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("header {} of the chunk, at height {}: {error}", index + 1, rejected.number())]
pub struct ChunkError {
    /// The headers before it, verified.
    pub verified: Vec<VerifiedHeader>,
    /// Its place in the chunk.
    pub index: usize,
    /// The header.
    pub rejected: Header,
    /// What is wrong with it.
    #[source]
    pub error: Box<HeaderError>,
}

/// Verifies headers in ascending order, the first the child of `parent` and each further one the child of the
/// one before.
///
/// `window` holds the ancestors of the first header, up to `parent` (a window that ends elsewhere belongs to
/// another branch and is emptied first). Each verified header is pushed onto it.
///
/// # Errors
/// [`ChunkError`] for the first header that is not verified. The headers before it come with the error, and the
/// window holds them and nothing above.
pub fn verify_chunk(
    headers: Vec<Header>,
    parent: &Parent,
    window: &mut ForkDetectionWindow,
    now: UnixTime,
    params: &NetworkParams,
) -> Result<Vec<VerifiedHeader>, ChunkError> {
    if window.newest().is_some_and(|newest| newest != parent.number) {
        window.clear();
    }
    let (authentications, stopped_by) = check_until_merkle_proofs(&headers, parent, params);
    let merkle_proofs = check_merkle_proofs(&headers, &authentications, params);

    let mut verified = Vec::with_capacity(headers.len());
    let mut parent = *parent;
    let mut outcomes = authentications.into_iter().zip(merkle_proofs);
    for (index, header) in headers.into_iter().enumerate() {
        let next_parent = Parent::from(&header);
        let outcome = match outcomes.next() {
            Some((authentication, merkle_proof)) => {
                let context = Context { parent: Some(&parent), ancestors: Some(window), now };
                merkle_proof.and_then(|()| conclude(header.clone(), authentication, &context, params))
            }
            None => Err(stopped_by.clone().expect("a header without outcome stopped the first pass")),
        };
        match outcome {
            Ok(header) => {
                window.push(Ancestor::from(&header)).expect("the window ends at the parent");
                verified.push(header);
            }
            Err(error) => {
                let error = Box::new(error);
                return Err(ChunkError { verified, index, rejected: header, error });
            }
        }
        parent = next_parent;
    }
    Ok(verified)
}

/// The rules before the merkle proof, up to the first header that breaks one.
fn check_until_merkle_proofs(
    headers: &[Header],
    parent: &Parent,
    params: &NetworkParams,
) -> (Vec<Authentication>, Option<HeaderError>) {
    let mut authentications = Vec::with_capacity(headers.len());
    let mut parent = *parent;
    for header in headers {
        match check_until_merkle_proof(header, Some(&parent), params) {
            Ok(authentication) => authentications.push(authentication),
            Err(error) => return (authentications, Some(error)),
        }
        parent = Parent::from(header);
    }
    (authentications, None)
}
