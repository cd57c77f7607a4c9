//! The one function that makes a verified block: a verified header, and the body that belongs to it.
//!
//! The order is: what the header commits to (extension, uncles), so that another block's body is told from a bad
//! one; the form of edges and of the list of uncles; the uncles' ancestry; and last each uncle as a header,
//! which hashes. **The transactions are not compared with the header's root yet**, which takes the trie that the
//! proofs bring; [`AppliedToBody::not_applied`] says so of every block.
//!
//! rskj has this in `BlockValidatorImpl`, wired in `RskContext.getBlockValidationRule`, with rules for
//! transactions and their execution besides.

use core::ops::Deref;

use super::{
    block_weight::BlockWeight,
    body_error::{BodyError, BodyRule},
    family::Family,
    fork_detection_window::ForkDetectionWindow,
    params::NetworkParams,
    rules::{edges, extension, fork_detection::ForkDetectionCheck, uncles, uncles_hash},
    verify::VerifiedHeader,
};
use crate::primitives::{
    block::Body,
    header::FullHeader,
    number::{BlockNumber, UnixTime},
};

/// What a body is verified against, besides its header.
#[derive(Debug, Clone, Copy)]
pub struct BodyContext<'a> {
    /// The last generations of the branch, up to the block's parent; without those that an uncle needs, it is
    /// not compared with them.
    pub family: Option<&'a Family>,
    /// The block's ancestors, up to its parent, for the fork-detection data of uncles. They branch off up to six
    /// blocks below, so use [`ForkDetectionWindow::for_uncles`].
    pub ancestors: Option<&'a ForkDetectionWindow>,
    /// The time of day.
    pub now: UnixTime,
}

impl BodyContext<'_> {
    /// For a block without known ancestors: only what body and uncles can prove alone is checked.
    pub const fn standalone(now: UnixTime) -> Self {
        Self { family: None, ancestors: None, now }
    }
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Application {
    /// There was nothing to apply it to.
    NotRequired,
    /// It was applied, and holds.
    Applied,
    /// It could not be applied: something that it reads was not at hand.
    NotApplied,
}

impl Application {
    fn of(is_applied: bool) -> Self {
        if is_applied { Self::Applied } else { Self::NotApplied }
    }
}

/// Which rules were applied to a verified block, of those that are not applied to every one. The uncles' hash,
/// their number, distinctness and generations, and what each uncle proves alone, always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedToBody {
    /// The extension is the header's: from version 1 on.
    pub extension: Application,
    /// The edges, at heights that have them.
    pub edges: Application,
    /// Each uncle's parent is an ancestor, the uncle is none, and it is valid on top of its parent.
    pub uncle_parents: Application,
    /// No ancestor named an uncle before.
    pub used_uncles: Application,
    /// The fork-detection data of the uncles.
    pub uncle_fork_detection: Application,
}

impl AppliedToBody {
    /// The rules that could have refused the block and were not applied, or not to the full. The root of the
    /// transactions is always among them.
    pub fn not_applied(&self) -> impl Iterator<Item = BodyRule> + use<> {
        let header = self.uncle_parents.max(self.uncle_fork_detection);
        [
            (self.used_uncles, BodyRule::UsedUncle),
            (self.uncle_parents, BodyRule::UncleIsAncestor),
            (self.uncle_parents, BodyRule::UncleParent),
            (self.uncle_parents, BodyRule::UncleTimestamp),
            (header, BodyRule::UncleHeader),
            (Application::NotApplied, BodyRule::TransactionsRoot),
        ]
        .into_iter()
        .filter_map(|(application, rule)| (application == Application::NotApplied).then_some(rule))
    }
}

/// A block whose header is verified and whose body broke no rule that could be applied to it. Nothing but this
/// module can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBlock {
    header: VerifiedHeader,
    body: Body,
    applied: AppliedToBody,
    weight: BlockWeight,
}

impl VerifiedBlock {
    /// The header.
    pub fn header(&self) -> &VerifiedHeader {
        &self.header
    }

    /// The body. Its transactions are not yet known to be the header's.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Which rules were applied to the body.
    pub fn applied_to_body(&self) -> AppliedToBody {
        self.applied
    }

    /// What the block adds to its chain's total difficulty.
    pub fn weight(&self) -> BlockWeight {
        self.weight
    }

    /// Header and body, for keeps.
    pub fn into_parts(self) -> (VerifiedHeader, Body) {
        (self.header, self.body)
    }
}

impl Deref for VerifiedBlock {
    type Target = VerifiedHeader;
    fn deref(&self) -> &VerifiedHeader {
        &self.header
    }
}

/// Checks every rule for bodies that the context allows to apply, except the transactions' root.
///
/// A family that does not end at the header's parent, and a window that does not end at the parent's height,
/// are of another block and count as not given.
///
/// # Errors
/// The first rule that the body breaks. An uncle that is only ahead of the clock is named last, so that
/// [`BodyError::is_retryable`] is true of bodies that are right in every other respect.
pub fn verify_body(
    header: &VerifiedHeader,
    body: Body,
    context: &BodyContext<'_>,
    params: &NetworkParams,
) -> Result<VerifiedBlock, BodyError> {
    extension::check(header, body.extension.as_ref())?;
    uncles_hash::check(header, &body)?;
    let edges = match &body.extension {
        Some(extension) if extension.edges.is_some() => {
            edges::check(extension, body.transactions.len())?;
            Application::Applied
        }
        _ => Application::NotRequired,
    };
    let uncles = verify_uncles(header, &body.uncles, context, params)?;
    let applied = AppliedToBody {
        extension: match body.extension {
            Some(_) => Application::Applied,
            None => Application::NotRequired,
        },
        edges,
        ..uncles
    };
    let weight = BlockWeight::of(header, &body.uncles);
    Ok(VerifiedBlock { header: header.clone(), body, applied, weight })
}

/// The rules for uncles. Fills in what became of those alone.
fn verify_uncles(
    header: &VerifiedHeader,
    uncles: &[FullHeader],
    context: &BodyContext<'_>,
    params: &NetworkParams,
) -> Result<AppliedToBody, BodyError> {
    let number = header.number();
    uncles::check_list_limit(uncles, params)?;
    uncles::check_distinct(uncles)?;
    uncles::check_generations(uncles, number, params)?;

    let family = context.family.filter(|family| family.is_of(header));
    let ancestors = context.ancestors.filter(|ancestors| ends_below(ancestors, number));
    let mut parents = Vec::with_capacity(uncles.len());
    let mut applied = AppliedToBody {
        extension: Application::NotRequired,
        edges: Application::NotRequired,
        uncle_parents: Application::NotRequired,
        used_uncles: Application::NotRequired,
        uncle_fork_detection: Application::NotRequired,
    };
    for (index, uncle) in uncles.iter().enumerate() {
        let ancestry = match family {
            Some(family) => uncles::check_ancestry(index, uncle.header(), family)?,
            None => uncles::Ancestry { parent: None, is_known_unused: false },
        };
        let has_parent = Application::of(ancestry.parent.is_some());
        applied.uncle_parents = applied.uncle_parents.max(has_parent);
        applied.used_uncles = applied.used_uncles.max(Application::of(ancestry.is_known_unused));
        parents.push(ancestry.parent);
    }

    let mut early = None;
    for (index, (uncle, parent)) in uncles.iter().zip(parents).enumerate() {
        match uncles::check_header(index, uncle.header(), parent, ancestors, context.now, params) {
            Ok(check) => {
                let fork_detection = match check {
                    ForkDetectionCheck::NotRequired => Application::NotRequired,
                    ForkDetectionCheck::Checked => Application::Applied,
                    ForkDetectionCheck::NotApplied => Application::NotApplied,
                };
                applied.uncle_fork_detection = applied.uncle_fork_detection.max(fork_detection);
            }
            Err(error) if error.is_retryable() => early = early.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    match early {
        Some(error) => Err(error),
        None => Ok(applied),
    }
}

fn ends_below(ancestors: &ForkDetectionWindow, number: BlockNumber) -> bool {
    ancestors.newest().is_some_and(|newest| newest.next() == number)
}
