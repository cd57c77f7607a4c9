//! Blocks whose body breaks exactly one rule, mined so that the header is the body's unless that is the breach.

use rustock_core::{
    consensus::body_error::BodyRule,
    primitives::{
        activation::HeaderVersion,
        block::Block,
        header::{FullHeader, HeaderExtension},
    },
};

use super::{
    body::{MOST_GENERATIONS, draw_transaction, full, sibling, sibling_draft},
    builder::MOST_UNCLES,
    chain::Chain,
    draft::Draft,
    random::Random,
    spoil::Spoil,
};

/// Sets the numbers for spoiled bodies apart from all others.
const SPOILED: u64 = 0x5b01;

/// A way to break one rule for bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoilBody {
    /// The header has the hash of another list of uncles.
    UnclesHash,
    /// There are eleven uncles.
    TooManyUncles,
    /// An uncle is there twice.
    DuplicateUncle,
    /// The block's parent is an uncle.
    AncestorAsUncle,
    /// An uncle is seven heights below the block.
    UncleTooOld,
    /// An uncle is of the block's own height.
    UncleTooYoung,
    /// An ancestor has named an uncle before.
    UncleUsedTwice,
    /// An uncle's parent is itself an uncle.
    UncleOfAnUncle,
    /// An uncle's time is its parent's.
    UncleNotAfterParent,
    /// An uncle's header breaks a rule.
    UncleHeader(Spoil),
    /// The extension is another header's.
    ExtensionOfAnother,
    /// There is no extension where the header has the hash of one.
    ExtensionMissing,
    /// There is an extension at a height of version 0.
    ExtensionNotExpected,
    /// There are three edges.
    EdgesTooMany,
    /// The second edge is below the first.
    EdgesOutOfOrder,
    /// The second edge is the first.
    EdgesEqual,
    /// The first edge is zero.
    EdgesFromZero,
    /// The first edge is negative.
    EdgesNegative,
    /// The last edge leaves no transaction, not even REMASC's.
    EdgesPastTransactions,
    /// There is a transaction that the header's root does not cover.
    OtherTransactions,
}

impl SpoilBody {
    /// Every way.
    pub const ALL: [Self; 25] = [
        Self::UnclesHash,
        Self::TooManyUncles,
        Self::DuplicateUncle,
        Self::AncestorAsUncle,
        Self::UncleTooOld,
        Self::UncleTooYoung,
        Self::UncleUsedTwice,
        Self::UncleOfAnUncle,
        Self::UncleNotAfterParent,
        Self::UncleHeader(Spoil::GasLimitTooHigh),
        Self::UncleHeader(Spoil::Difficulty),
        Self::UncleHeader(Spoil::BitcoinTimestamp),
        Self::UncleHeader(Spoil::ProofOfWork),
        Self::UncleHeader(Spoil::MerkleRoot),
        Self::UncleHeader(Spoil::ForkDetection),
        Self::ExtensionOfAnother,
        Self::ExtensionMissing,
        Self::ExtensionNotExpected,
        Self::EdgesTooMany,
        Self::EdgesOutOfOrder,
        Self::EdgesEqual,
        Self::EdgesFromZero,
        Self::EdgesNegative,
        Self::EdgesPastTransactions,
        Self::OtherTransactions,
    ];

    /// The rule that has to notice.
    pub const fn rule(self) -> BodyRule {
        match self {
            Self::UnclesHash => BodyRule::UnclesHash,
            Self::TooManyUncles => BodyRule::UncleListLimit,
            Self::DuplicateUncle => BodyRule::DuplicateUncle,
            Self::AncestorAsUncle => BodyRule::UncleIsAncestor,
            Self::UncleTooOld | Self::UncleTooYoung => BodyRule::UncleGeneration,
            Self::UncleUsedTwice => BodyRule::UsedUncle,
            Self::UncleOfAnUncle => BodyRule::UncleParent,
            Self::UncleNotAfterParent => BodyRule::UncleTimestamp,
            Self::UncleHeader(_) => BodyRule::UncleHeader,
            Self::ExtensionOfAnother | Self::ExtensionMissing | Self::ExtensionNotExpected => {
                BodyRule::Extension
            }
            Self::EdgesTooMany
            | Self::EdgesOutOfOrder
            | Self::EdgesEqual
            | Self::EdgesFromZero
            | Self::EdgesNegative
            | Self::EdgesPastTransactions => BodyRule::Edges,
            Self::OtherTransactions => BodyRule::TransactionsRoot,
        }
    }

    fn apply(self, chain: &Chain, draft: &mut Draft) -> Option<()> {
        match self {
            Self::OtherTransactions => {
                let mut random = random(chain, draft);
                draft.body.transactions.insert(0, draw_transaction(&mut random));
                Some(())
            }
            Self::ExtensionOfAnother => {
                draft.body.extension.as_mut()?.logs_bloom[0] ^= 1;
                Some(())
            }
            Self::ExtensionMissing => draft.body.extension.take().map(drop),
            Self::ExtensionNotExpected => {
                let version = chain.params().activations.header_version(draft.fields.number);
                draft.body.extension =
                    Some(HeaderExtension { logs_bloom: Box::new([0; 256]), base_event: None, edges: None });
                (version == HeaderVersion::V0).then_some(())
            }
            Self::EdgesTooMany => set_edges(draft, &[1, 2, 3]),
            Self::EdgesOutOfOrder => set_edges(draft, &[2, 1]),
            Self::EdgesEqual => set_edges(draft, &[1, 1]),
            Self::EdgesFromZero => set_edges(draft, &[0, 1]),
            Self::EdgesNegative => set_edges(draft, &[-1]),
            Self::EdgesPastTransactions => {
                let count = draft.body.transactions.len() as i16;
                set_edges(draft, &[count])
            }
            _ => self.apply_to_uncles(chain, draft),
        }
    }

    fn apply_to_uncles(self, chain: &Chain, draft: &mut Draft) -> Option<()> {
        let settings = &chain.settings;
        let number = draft.fields.number.get();
        let parent_height = number.checked_sub(1).filter(|height| *height > 0)?;
        let mut random = random(chain, draft);
        // There is room for the uncles that are added below.
        draft.body.uncles.truncate(MOST_UNCLES as usize - 2);
        let below = |height: u64| &chain.headers()[..height as usize];
        let uncle = match self {
            Self::UncleTooOld => {
                let height = number.checked_sub(MOST_GENERATIONS + 1).filter(|height| *height > 0)?;
                sibling(settings, &mut random, below(height))
            }
            Self::UncleTooYoung => sibling(settings, &mut random, below(number)),
            Self::AncestorAsUncle => {
                let extension = chain.body(parent_height)?.extension.clone();
                FullHeader::new(chain.header(parent_height)?.clone(), extension).ok()?
            }
            Self::UncleUsedTwice => used_uncle(chain, number)?,
            Self::UncleOfAnUncle => {
                let height = parent_height.checked_sub(1).filter(|height| *height > 0)?;
                let mut branch = below(height).to_vec();
                branch.push(sibling(settings, &mut random, &branch).header().clone());
                sibling(settings, &mut random, &branch)
            }
            Self::UncleNotAfterParent if chain.params().max_future.is_zero() => return None,
            Self::UncleNotAfterParent => {
                let mut uncle = sibling_draft(settings, &mut random, below(parent_height));
                let parent = chain.header(parent_height - 1)?;
                let own_time = uncle.fields.timestamp.as_secs() as i64;
                uncle.shift_time(parent.timestamp().as_secs() as i64 - own_time);
                uncle.fields.difficulty =
                    chain.difficulty_after(parent, parent.timestamp(), uncle.fields.uncle_count);
                full(settings, uncle)
            }
            Self::UncleHeader(spoil) => {
                let mut uncle = sibling_draft(settings, &mut random, below(parent_height));
                if spoil == Spoil::Number || !spoil.applies(&uncle, chain.params()) {
                    return None;
                }
                spoil.apply(&mut uncle, chain.header(parent_height - 1)?, chain.params());
                full(settings, uncle)
            }
            _ => sibling(settings, &mut random, below(parent_height)),
        };
        if self == Self::DuplicateUncle {
            draft.body.uncles.push(uncle.clone());
        }
        if self == Self::TooManyUncles {
            while draft.body.uncles.len() < MOST_UNCLES as usize {
                draft.body.uncles.push(sibling(settings, &mut random, below(parent_height)));
            }
        }
        draft.body.uncles.push(uncle);
        if self != Self::UnclesHash {
            draft.commit_to_uncles();
        }
        Some(())
    }
}

impl Chain {
    /// A block in the place of the one at `number`, on top of the same parent, whose body breaks the one rule
    /// named. The chain is left as it is. `None` where the rule cannot be broken: below the first uncles or at
    /// heights without extension, for instance, or when the last ancestors have no uncles to use again.
    ///
    /// # Panics
    /// When the chain has no bodies, or does not reach up to the parent.
    pub fn spoiled_block(&self, number: u64, spoil: SpoilBody) -> Option<Block> {
        assert!(self.settings.bodies, "the chain has no bodies to spoil");
        let mut draft = self.draft_at(number);
        spoil.apply(self, &mut draft)?;
        Some(draft.mine_block(self.params()))
    }
}

fn random(chain: &Chain, draft: &Draft) -> Random {
    Random::from_parts(&[chain.settings.seed, draft.fields.number.get(), SPOILED])
}

/// Sets edges, at heights that have them, and makes the header commit to them.
fn set_edges(draft: &mut Draft, edges: &[i16]) -> Option<()> {
    *draft.body.extension.as_mut()?.edges.as_mut()? = edges.to_vec();
    draft.commit_to_extension();
    Some(())
}

/// An uncle of an ancestor that the block at `number` could have named too.
fn used_uncle(chain: &Chain, number: u64) -> Option<FullHeader> {
    let least = number.saturating_sub(MOST_GENERATIONS);
    let is_near = |uncle: &&FullHeader| uncle.header().number().get() >= least;
    (least..number)
        .rev()
        .filter_map(|height| chain.body(height))
        .find_map(|body| body.uncles.iter().find(is_near).cloned())
}
