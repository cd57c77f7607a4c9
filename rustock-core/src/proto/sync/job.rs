//! The expensive part, as a value: a run of headers to decode and verify, to be done wherever the host likes.

use super::fault::PeerFault;
use crate::{
    consensus::{
        chunk::verify_chunk, client_too_old, error::HeaderError, fork_detection_window::ForkDetectionWindow,
        params::NetworkParams, parent::Parent, verify::VerifiedHeader,
    },
    primitives::{hash::BlockHash, header::Header, number::UnixTime},
    wire::rsk::RawList,
};

use super::plan::ChunkRequest;

/// Names one job of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub(super) u64);

/// A run of headers that belongs on top of `parent`.
#[derive(Debug, Clone)]
pub struct VerifyJob {
    pub(super) id: JobId,
    pub(super) parent: Parent,
    pub(super) window: ForkDetectionWindow,
    pub(super) headers: JobHeaders,
}

/// The headers of a job.
#[derive(Debug, Clone)]
pub(super) enum JobHeaders {
    /// As the peer answered: descending, undecoded, claimed to be these.
    Answer { request: ChunkRequest, raw: Vec<RawList> },
    /// Decoded and linked by hash already, ascending.
    Linked(Vec<Header>),
}

/// What came of a job.
#[derive(Debug, Clone)]
pub struct VerifyOutcome {
    pub(super) id: JobId,
    /// Headers that passed, ascending.
    pub(super) verified: Vec<VerifiedHeader>,
    /// The window after them.
    pub(super) window: ForkDetectionWindow,
    pub(super) failure: Option<JobFailure>,
}

/// Why a job stopped before its last header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobFailure {
    /// The peer's fault.
    Fault(PeerFault),
    /// A header from the future: nobody's fault, to be tried again later.
    NotYetValid { until: UnixTime, now: UnixTime },
}

impl VerifyJob {
    /// Does the work. Pure: `now` is the wall clock's time.
    pub fn run(self, now: UnixTime, params: &NetworkParams) -> VerifyOutcome {
        let Self { id, parent, mut window, headers } = self;
        let headers = match headers {
            JobHeaders::Linked(headers) => headers,
            JobHeaders::Answer { request, raw } => match decode_answer(request, &raw, params) {
                Ok(headers) => headers,
                Err(fault) => {
                    let failure = Some(JobFailure::Fault(fault));
                    return VerifyOutcome { id, verified: Vec::new(), window, failure };
                }
            },
        };
        match verify_chunk(headers, &parent, &mut window, now, params) {
            Ok(verified) => VerifyOutcome { id, verified, window, failure: None },
            Err(chunk_error) => {
                let number = chunk_error.rejected.number();
                let failure = match *chunk_error.error {
                    HeaderError::NotYetValid { until, now, .. } => JobFailure::NotYetValid { until, now },
                    error => JobFailure::Fault(PeerFault::InvalidHeader { number, error }),
                };
                VerifyOutcome { id, verified: chunk_error.verified, window, failure: Some(failure) }
            }
        }
    }
}

/// Decodes a descending answer, checks that it is the one asked for, and turns it round.
fn decode_answer(
    request: ChunkRequest,
    raw: &[RawList],
    params: &NetworkParams,
) -> Result<Vec<Header>, PeerFault> {
    if raw.len() != request.count as usize {
        return Err(PeerFault::WrongHeaderCount {
            requested: request.top.hash,
            expected: request.count as usize,
            actual: raw.len(),
        });
    }
    let mut headers = decode_descending(request.top.hash, raw, params)?;
    headers.reverse();
    Ok(headers)
}

/// Decodes headers that descend from `requested`, checking that each is the parent of the one before it.
pub(super) fn decode_descending(
    requested: BlockHash,
    raw: &[RawList],
    params: &NetworkParams,
) -> Result<Vec<Header>, PeerFault> {
    let mut headers = Vec::with_capacity(raw.len());
    let mut expected = requested;
    for (index, bytes) in raw.iter().enumerate() {
        let header = Header::decode(bytes.as_bytes(), &params.activations).map_err(|error| {
            match client_too_old::explains(bytes.as_bytes(), &error, params) {
                Some(too_old) => PeerFault::ClientTooOld(too_old),
                None => PeerFault::UndecodableHeader { requested, index, error },
            }
        })?;
        if header.hash() != expected {
            return Err(if index == 0 {
                PeerFault::WrongFirstHeader { requested, actual: header.hash() }
            } else {
                PeerFault::BrokenHeaderChain { number: header.number() }
            });
        }
        expected = header.parent_hash();
        headers.push(header);
    }
    Ok(headers)
}
