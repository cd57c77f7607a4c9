//! What a peer did wrong, precisely, and what it costs it.

use core::time::Duration;

use crate::{
    consensus::{client_too_old::ClientTooOld, error::HeaderError},
    primitives::{
        hash::BlockHash,
        header::HeaderDecodeError,
        number::{BlockNumber, CumulativeDifficulty},
    },
    wire::p2p::DisconnectReason,
};

/// An offence, or an honest peer's failure to be of use. The connection is closed with its reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// A header is not a header.
    #[error("header {index} of the answer for {requested}: {error}")]
    UndecodableHeader {
        /// The block whose headers were asked for.
        requested: BlockHash,
        /// Position in the answer, from 0.
        index: usize,
        /// What is wrong.
        error: HeaderDecodeError,
    },
    /// A header breaks a rule.
    #[error("invalid header at height {number}: {error}")]
    InvalidHeader {
        /// Its height.
        number: BlockNumber,
        /// The rule.
        error: HeaderError,
    },
    /// More or fewer headers than were asked for.
    #[error("asked for {expected} headers from {requested}, got {actual}")]
    WrongHeaderCount {
        /// The block whose headers were asked for.
        requested: BlockHash,
        /// How many.
        expected: usize,
        /// How many came.
        actual: usize,
    },
    /// The answer starts with another block than the one asked for.
    #[error("asked for headers from {requested}, got them from {actual}")]
    WrongFirstHeader {
        /// The block asked for.
        requested: BlockHash,
        /// The block that came.
        actual: BlockHash,
    },
    /// The headers of an answer do not follow each other by hash.
    #[error("the header at height {number} is not the parent of the one before it")]
    BrokenHeaderChain {
        /// Height of the header that does not fit.
        number: BlockNumber,
    },
    /// A skeleton's heights are not the ones it must have.
    #[error("the skeleton has height {actual} at place {index}")]
    WrongSkeletonHeight {
        /// Place in the skeleton, from 0.
        index: usize,
        /// Height found there.
        actual: BlockNumber,
    },
    /// A skeleton has no entry.
    #[error("an empty skeleton")]
    EmptySkeleton,
    /// A skeleton names another block at a height the peer had just confirmed to share.
    #[error("the skeleton contradicts the connection point at height {number}")]
    SkeletonContradiction {
        /// The height.
        number: BlockNumber,
    },
    /// Not even the chain's base is on the peer's chain: another network, or another chain from our checkpoint on.
    #[error("its chain has another block than ours at the base, height {base}")]
    OtherChain {
        /// Height of our genesis or checkpoint.
        base: BlockNumber,
    },
    /// Its chain leaves ours deeper than can be followed.
    #[error("its chain left ours below height {lowest}, deeper than can be followed")]
    ForkTooDeep {
        /// The lowest height at which a branch may leave.
        lowest: BlockNumber,
    },
    /// Its branch grew past the bound without outweighing ours.
    #[error("its branch of {length} headers weighs {theirs}, no more than our {ours}")]
    LightBranch {
        /// Headers in the branch.
        length: usize,
        /// Weight of ours above the common ancestor.
        ours: CumulativeDifficulty,
        /// Weight of theirs.
        theirs: CumulativeDifficulty,
    },
    /// It left requests unanswered several times in a row.
    #[error("did not answer, {silences} times in a row, for {each:?} each")]
    Unresponsive {
        /// How many times.
        silences: u32,
        /// How long it was waited for each time.
        each: Duration,
    },
    /// Its chain goes on in a form that an upgrade newer than this release would explain: more likely our age
    /// than its fault.
    #[error(transparent)]
    ClientTooOld(#[from] ClientTooOld),
}

impl PeerFault {
    /// True when no honest peer could have done it.
    pub fn is_hostile(&self) -> bool {
        !matches!(
            self,
            Self::OtherChain { .. }
                | Self::ForkTooDeep { .. }
                | Self::LightBranch { .. }
                | Self::Unresponsive { .. }
                | Self::ClientTooOld(_)
        )
    }

    /// The reason to tell the peer.
    pub fn disconnect_reason(&self) -> DisconnectReason {
        if self.is_hostile() { DisconnectReason::BadProtocol } else { DisconnectReason::UselessPeer }
    }
}
