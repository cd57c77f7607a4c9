//! The one function that makes a verified header.
//!
//! The order is: linkage, number; the arithmetic on the header and its parent; the Bitcoin time; the
//! merged-mining proof; fork-detection data; and last the clock, so that a header which is only ahead of it
//! ([`HeaderError::NotYetValid`]) is known to be right in every other respect. What is cheap comes before what
//! hashes. Form was settled before, by [`Header::decode`].
//!
//! rskj has this spread over `BlockValidatorImpl`, `BlockHeaderValidatorImpl` and the wiring in `RskContext`.

use core::ops::Deref;

use super::{
    error::HeaderError,
    fork_detection_window::{FORK_DETECTION_DATA_SIZE, ForkDetectionWindow},
    params::NetworkParams,
    parent::Parent,
    rules::{
        bitcoin_timestamp, difficulty, extra_data,
        fork_detection::{self, ForkDetectionCheck},
        future_timestamp, gas_limit, gas_used, genesis, linkage,
        merged_mining::{self, Authentication},
        minimum_gas_price, number,
        timestamp::{self, Warning},
    },
};
use crate::primitives::{
    header::Header,
    number::{BlockNumber, UnixTime},
};

/// What a header is verified against, besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The header's parent; without it the rules that compare the two are not applied.
    pub parent: Option<&'a Parent>,
    /// The header's ancestors; without the ones it needs, the fork-detection rule is not applied.
    pub ancestors: Option<&'a ForkDetectionWindow>,
    /// The time of day.
    pub now: UnixTime,
}

impl Context<'_> {
    /// For a header without a known parent: only what it can prove alone is checked.
    pub const fn standalone(now: UnixTime) -> Self {
        Self { parent: None, ancestors: None, now }
    }
}

/// Which rules were applied to a verified header, of those that need more than the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// True when the header was compared with its parent: linkage, number, gas-limit and gas-price steps,
    /// difficulty.
    pub parent_rules: bool,
    /// What became of the fork-detection rule.
    pub fork_detection: ForkDetectionCheck,
}

/// A header that broke no rule that could be applied to it. Nothing but this module can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedHeader {
    header: Header,
    bitcoin_hash_byte: u8,
    fork_detection_data: Option<[u8; FORK_DETECTION_DATA_SIZE]>,
    applied: Applied,
    warning: Option<Warning>,
}

impl VerifiedHeader {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header, for keeps.
    pub fn into_header(self) -> Header {
        self.header
    }

    /// First byte of the double SHA-256 of the Bitcoin header, which the fork-detection data of later blocks
    /// samples. Zero for a genesis, which none samples, and for a header that the federation signed (see
    /// [`Authentication::bitcoin_hash_byte`]).
    pub fn bitcoin_hash_byte(&self) -> u8 {
        self.bitcoin_hash_byte
    }

    /// The fork-detection data that the Bitcoin coinbase carries, at heights that have it: to be checked by
    /// [`fork_detection::check`] once the ancestors are known, if they were not.
    pub fn fork_detection_data(&self) -> Option<[u8; FORK_DETECTION_DATA_SIZE]> {
        self.fork_detection_data
    }

    /// Which rules were applied.
    pub fn applied(&self) -> Applied {
        self.applied
    }

    /// What is unusual about the header, though valid.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> + use<> {
        self.warning.into_iter()
    }
}

impl Deref for VerifiedHeader {
    type Target = Header;
    fn deref(&self) -> &Header {
        &self.header
    }
}

/// Checks every rule that the context allows to apply. A header at height 0 without a parent
/// is compared with the network's genesis and nothing else.
///
/// # Errors
/// The first rule that the header breaks.
pub fn verify_header(
    header: Header,
    context: &Context<'_>,
    params: &NetworkParams,
) -> Result<VerifiedHeader, HeaderError> {
    if header.number() == BlockNumber::GENESIS && context.parent.is_none() {
        return verify_genesis(header, params);
    }
    let authentication = check_until_merkle_proof(&header, context.parent, params)?;
    merged_mining::check_merkle_proof(&header, &authentication, params)?;
    conclude(header, authentication, context, params)
}

fn verify_genesis(header: Header, params: &NetworkParams) -> Result<VerifiedHeader, HeaderError> {
    genesis::check(&header, params)?;
    let applied = Applied { parent_rules: false, fork_detection: ForkDetectionCheck::NotRequired };
    Ok(VerifiedHeader { header, bitcoin_hash_byte: 0, fork_detection_data: None, applied, warning: None })
}

/// The rules before the merkle proof, in order.
pub(super) fn check_until_merkle_proof(
    header: &Header,
    parent: Option<&Parent>,
    params: &NetworkParams,
) -> Result<Authentication, HeaderError> {
    if let Some(parent) = parent {
        linkage::check(header, parent)?;
        number::check(header, parent)?;
        gas_limit::check_step(header, parent, params)?;
    }
    gas_limit::check_minimum(header, params)?;
    minimum_gas_price::check_sign(header)?;
    if let Some(parent) = parent {
        minimum_gas_price::check_step(header, parent)?;
    }
    extra_data::check(header, params)?;
    gas_used::check(header)?;
    if let Some(parent) = parent {
        difficulty::check(header, parent, params)?;
    }
    bitcoin_timestamp::check(header, params)?;
    merged_mining::check_until_merkle_proof(header, params)
}

/// The rules after the merkle proof.
pub(super) fn conclude(
    header: Header,
    authentication: Authentication,
    context: &Context<'_>,
    params: &NetworkParams,
) -> Result<VerifiedHeader, HeaderError> {
    let number = header.number();
    let fork_detection_data = authentication.fork_detection_data();
    let fork_detection = match (fork_detection_data, context.ancestors) {
        _ if !fork_detection::is_required(params, number) => ForkDetectionCheck::NotRequired,
        (Some(data), Some(ancestors)) => fork_detection::check(number, data, ancestors)?,
        _ => ForkDetectionCheck::NotApplied,
    };
    future_timestamp::check(&header, params, context.now)?;
    let warning = context.parent.and_then(|parent| timestamp::warn(&header, parent));
    Ok(VerifiedHeader {
        header,
        bitcoin_hash_byte: authentication.bitcoin_hash_byte(),
        fork_detection_data,
        applied: Applied { parent_rules: context.parent.is_some(), fork_detection },
        warning,
    })
}
