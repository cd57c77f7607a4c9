//! Chains to order: valid headers, and bodies where they are wanted, of any network and era, from a seed, with
//! forks at any depth.
//!
//! The generator works out difficulty, fork-detection data, merged-mining proofs, fallback signatures, uncles
//! and roots of transactions by itself, from the protocol's description and not from
//! `rustock_core::consensus`, so that what it makes is a second opinion on the rules. It shares with the core only
//! the values of headers and bodies, their encoding, the parameters of a network and the names of rules.
//!
//! ```
//! use rustock_test_support::chainkit::{ChainBuilder, Spoil};
//!
//! let chain = ChainBuilder::simnet().seed(7).build(600);
//! let fork = chain.fork_at(590, 1).extended(20);
//! assert_eq!(fork.header(590), chain.header(590));
//! assert_ne!(fork.header(591), chain.header(591));
//! let unwanted = chain.spoiled(600, Spoil::GasLimitTooHigh);
//! assert_eq!(unwanted.parent_hash(), chain.header(599).expect("generated").hash());
//! ```

mod bitcoin;
mod body;
mod builder;
mod chain;
mod draft;
mod drafting;
mod federation;
mod fork_data;
mod partial_tree;
pub mod presets;
mod random;
mod retarget;
mod spoil;
mod spoil_body;
mod spoil_form;
#[cfg(test)]
mod tests;
mod trie;

pub use builder::{ChainBuilder, Fees, Uncles};
pub use chain::{Chain, uncle_weight};
pub use draft::{Draft, MiningPlan, ProofDamage};
pub use federation::{SignatureDamage, Signer, Signing};
pub use partial_tree::{TreeDamage, TreePlace};
pub use random::Random;
pub use spoil::Spoil;
pub use spoil_body::SpoilBody;
pub use spoil_form::SpoilForm;
