//! The bodies of verified headers: whether each is its header's own, and what the block weighs with it.

use rustock_core::{
    consensus::{
        block_weight::BlockWeight,
        body_error::BodyError,
        family::{Family, Relative},
        fork_detection_window::ForkDetectionWindow,
        params::{EMPTY_UNCLES_HASH, NetworkParams},
        verify::VerifiedHeader,
        verify_body::{Application, AppliedToBody, BodyContext, VerifiedBlock, verify_body},
    },
    primitives::{
        block::{Body, BodyDecodeError},
        header::Header,
        number::UnixTime,
    },
    wire::rsk::RskMessage,
};

use super::{
    bodies::{Bodies, BodiesError},
    coverage::{Coverage, Group, Reason, Status},
    entry::Broken,
};

/// What a block's body shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The header's coverage, and the body's.
    pub coverage: Coverage,
    /// The weight, where the uncles are known.
    pub weight: Option<BlockWeight>,
}

/// Why a body shows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It breaks a rule.
    Broken(Broken),
    /// The file of bodies cannot be read any more.
    Unreadable(BodiesError),
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let (expected, seen) = (error.expected(), error.seen());
        Self::Broken(Broken { rule: error.rule().name(), expected, seen })
    }
}

impl From<BodyDecodeError> for Refusal {
    fn from(error: BodyDecodeError) -> Self {
        let expected = "a canonical body of the header's version".to_owned();
        Self::Broken(Broken { rule: "body_decode", expected, seen: error.to_string() })
    }
}

/// Checks bodies, in the order of the headers.
pub struct Blocks {
    bodies: Bodies,
    /// The newest blocks up to the one checked last.
    family: Family,
}

impl Blocks {
    /// Takes bodies from this file.
    pub fn new(bodies: Bodies, params: &NetworkParams) -> Self {
        Self { bodies, family: Family::new(params) }
    }

    /// Bodies that belong to no header so far.
    pub fn left(&self) -> u64 {
        self.bodies.left()
    }

    /// Begins a branch with a block whose body is not checked. Its uncles are known if it commits to none.
    pub fn start(&mut self, header: &Header, params: &NetworkParams) {
        self.family = Family::new(params);
        self.push(Relative::without_body(header), params);
    }

    /// Checks the body of this header, if there is one. `ancestors` end at the header's parent, or are of another
    /// block and not used.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(
        &mut self,
        header: &VerifiedHeader,
        ancestors: &ForkDetectionWindow,
        now: UnixTime,
        params: &NetworkParams,
    ) -> Result<Checked, Refusal> {
        let Some(raw) = self.bodies.take(&header.hash()).map_err(Refusal::Unreadable)? else {
            self.push(Relative::from(header), params);
            return Ok(Checked::without_body(header, params));
        };
        let body = decode(&raw, header, params)?;
        let context = BodyContext { family: Some(&self.family), ancestors: Some(ancestors), now };
        let block = verify_body(header, body, &context, params)?;
        self.push(Relative::from(&block), params);
        Ok(Checked::of(&block, params))
    }

    /// Headers that do not follow each other have no family.
    fn push(&mut self, relative: Relative, params: &NetworkParams) {
        if self.family.push(relative.clone()).is_err() {
            self.family = Family::new(params);
            self.family.push(relative).expect("an empty family takes any block");
        }
    }
}

impl Checked {
    /// What is known of a block without its body: its weight, if it commits to no uncles.
    pub fn without_body(header: &VerifiedHeader, params: &NetworkParams) -> Self {
        let has_no_uncles = header.uncles_hash() == EMPTY_UNCLES_HASH;
        let weight = has_no_uncles.then(|| BlockWeight::of(header, &[]));
        Self { coverage: Coverage::of(header, params), weight }
    }

    fn of(block: &VerifiedBlock, params: &NetworkParams) -> Self {
        let AppliedToBody { uncle_parents, used_uncles, uncle_fork_detection, .. } = block.applied_to_body();
        let lacks = |application| application == Application::NotApplied;
        let uncles = if lacks(uncle_parents) || lacks(used_uncles) {
            Status::NotApplied(Reason::AncestorBodiesMissing)
        } else if lacks(uncle_fork_detection) {
            Status::NotApplied(Reason::AncestorsMissing)
        } else {
            Status::Applied
        };
        let coverage = Coverage::of(block.header(), params)
            .with(Group::Body, Status::Applied)
            .with(Group::Uncles, uncles)
            .with(Group::Transactions, Status::NotApplied(Reason::NotSupported));
        Self { coverage, weight: Some(block.weight()) }
    }
}

/// Reads a body, or a whole BodyResponse, which is one element where a body is two or three.
fn decode(raw: &[u8], header: &VerifiedHeader, params: &NetworkParams) -> Result<Body, BodyDecodeError> {
    let activations = &params.activations;
    Body::decode(raw, activations, header.number()).or_else(|error| match RskMessage::decode(raw) {
        Ok(RskMessage::BodyResponse(response)) => response.decode_body(activations, header.number()),
        _ => Err(error),
    })
}
