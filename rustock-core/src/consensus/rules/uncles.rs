//! Which headers a block can name as its uncles.
//!
//! No RSKIP. Mirrors rskj's `BlockUnclesValidationRule`, with the rules that `RskContext` hands to it. At most ten
//! headers, each once; children of the last ancestors, and neither ancestors nor named before. Each is a whole
//! header with its own work, and is judged on top of its own parent by nearly the rules of any header: its time
//! must be after its parent's, which no other header's must, and nobody asks for its extra data or for the least gas
//! limit.

use crate::{
    consensus::{
        body_error::BodyError,
        error::HeaderError,
        family::Family,
        fork_detection_window::ForkDetectionWindow,
        params::NetworkParams,
        parent::Parent,
        rules::{
            bitcoin_timestamp, difficulty,
            fork_detection::{self, ForkDetectionCheck},
            future_timestamp, gas_limit, gas_used, merged_mining, minimum_gas_price, number, timestamp,
        },
    },
    primitives::{
        header::{FullHeader, Header},
        number::{BlockNumber, UnixTime},
    },
};

/// There are at most as many uncles as the network allows: ten on every public one.
///
/// # Errors
/// [`BodyError::UncleListLimit`].
pub fn check_list_limit(uncles: &[FullHeader], params: &NetworkParams) -> Result<(), BodyError> {
    let (most, seen) = (params.uncle_list_limit, uncles.len());
    if seen <= most { Ok(()) } else { Err(BodyError::UncleListLimit { most, seen }) }
}

/// No two uncles have one hash. Their proofs can differ, which a hash does not cover.
///
/// # Errors
/// [`BodyError::DuplicateUncle`].
pub fn check_distinct(uncles: &[FullHeader]) -> Result<(), BodyError> {
    for (index, uncle) in uncles.iter().enumerate() {
        let seen = uncle.header().hash();
        if let Some(first) = uncles[..index].iter().position(|other| other.header().hash() == seen) {
            return Err(BodyError::DuplicateUncle { index, first, seen });
        }
    }
    Ok(())
}

/// Each uncle is below the block at `number`, and its parent at most `uncle_generation_limit` heights below: on
/// every public network uncles are from the last six heights.
///
/// # Errors
/// [`BodyError::UncleGeneration`].
pub fn check_generations(
    uncles: &[FullHeader],
    number: BlockNumber,
    params: &NetworkParams,
) -> Result<(), BodyError> {
    // Genesis has no parent, and so is nobody's uncle.
    let lowest = number.next().saturating_sub(params.uncle_generation_limit);
    let least = lowest.max(BlockNumber::GENESIS.next());
    let most = number.saturating_sub(1);
    for (index, uncle) in uncles.iter().enumerate() {
        let seen = uncle.header().number();
        if seen < least || seen > most {
            return Err(BodyError::UncleGeneration { index, least, most, seen });
        }
    }
    Ok(())
}

/// What the ancestors say about one uncle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ancestry<'a> {
    /// The uncle's parent, an ancestor; `None` when the family does not reach back to it.
    pub parent: Option<&'a Parent>,
    /// False when the uncles of an ancestor that could have named this one are not known.
    pub is_known_unused: bool,
}

/// The uncle is no ancestor, no ancestor has named it, and its parent is an ancestor, as far as the family
/// reaches. `index` is its place in the list.
///
/// # Errors
/// [`BodyError::UncleIsAncestor`], [`BodyError::UsedUncle`], [`BodyError::UncleParent`].
pub fn check_ancestry<'a>(
    index: usize,
    uncle: &Header,
    family: &'a Family,
) -> Result<Ancestry<'a>, BodyError> {
    let seen = uncle.hash();
    if family.find(seen).is_some() {
        return Err(BodyError::UncleIsAncestor { index, seen });
    }
    if let Some(user) = family.user_of(seen) {
        return Err(BodyError::UsedUncle { index, by: user.facts.number, seen });
    }
    let parent = family.find(uncle.parent_hash()).map(|relative| &relative.facts);
    if parent.is_none() && family.reaches(uncle.number().saturating_sub(1)) {
        return Err(BodyError::UncleParent { index, seen: uncle.parent_hash() });
    }
    // Only blocks above an uncle can have named it.
    Ok(Ancestry { parent, is_known_unused: family.knows_uncles_from(uncle.number().next()) })
}

/// The uncle is a valid header on top of its parent; without the parent, what it can prove alone. Its
/// fork-detection data is compared when `ancestors` has the chain up to the parent, and more or less on top.
/// `index` is its place in the list.
///
/// # Errors
/// [`BodyError::UncleTimestamp`], [`BodyError::UncleHeader`].
pub fn check_header(
    index: usize,
    uncle: &Header,
    parent: Option<&Parent>,
    ancestors: Option<&ForkDetectionWindow>,
    now: UnixTime,
    params: &NetworkParams,
) -> Result<ForkDetectionCheck, BodyError> {
    if let Some(parent) = parent {
        check_timestamp(index, uncle, parent, params)?;
    }
    check_rules(uncle, parent, ancestors, now, params)
        .map_err(|error| BodyError::UncleHeader { index, error })
}

/// The uncle's time is after its parent's. A `max_future` of zero switches the rule off, with the others for
/// time, as in rskj.
fn check_timestamp(
    index: usize,
    uncle: &Header,
    parent: &Parent,
    params: &NetworkParams,
) -> Result<(), BodyError> {
    match timestamp::warn(uncle, parent) {
        Some(timestamp::Warning::TimestampNotAfterParent { parent, seen })
            if !params.max_future.is_zero() =>
        {
            Err(BodyError::UncleTimestamp { index, parent, seen })
        }
        _ => Ok(()),
    }
}

fn check_rules(
    uncle: &Header,
    parent: Option<&Parent>,
    ancestors: Option<&ForkDetectionWindow>,
    now: UnixTime,
    params: &NetworkParams,
) -> Result<ForkDetectionCheck, HeaderError> {
    if let Some(parent) = parent {
        number::check(uncle, parent)?;
        gas_limit::check_step(uncle, parent, params)?;
        minimum_gas_price::check_step(uncle, parent)?;
        difficulty::check(uncle, parent, params)?;
    }
    gas_used::check_of_uncle(uncle)?;
    bitcoin_timestamp::check(uncle, params)?;
    let authentication = merged_mining::check(uncle, params)?;
    let fork_detection = match (authentication.fork_detection_data(), parent, ancestors) {
        _ if !fork_detection::is_required(params, uncle.number()) => ForkDetectionCheck::NotRequired,
        (Some(data), Some(_), Some(ancestors)) => fork_detection::check(uncle.number(), data, ancestors)?,
        _ => ForkDetectionCheck::NotApplied,
    };
    future_timestamp::check(uncle, params, now)?;
    Ok(fork_detection)
}

#[cfg(test)]
mod tests;
