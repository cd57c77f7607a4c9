//! Chains to order: valid version-0 headers of any number, from a seed, with forks at any depth.
//!
//! The generator works out difficulty, fork-detection data and merged-mining proofs by itself, from the
//! protocol's description and not from `rustock_core::consensus`, so that what it makes is a second opinion on
//! the rules. It shares with the core only header values, their encoding and the parameters of a network.
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
mod builder;
mod chain;
mod draft;
mod fork_data;
mod random;
mod retarget;
mod spoil;
#[cfg(test)]
mod tests;

pub use builder::{ChainBuilder, Uncles};
pub use chain::Chain;
pub use draft::{Draft, MiningPlan, ProofDamage};
pub use random::Random;
pub use spoil::Spoil;
