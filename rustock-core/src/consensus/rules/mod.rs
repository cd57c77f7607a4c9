//! The rules, one a file. Each is a function that can be called alone.
//!
//! No RSKIP: each file names its own. Mirrors the rules that rskj's `BlockValidatorImpl` is wired with.
//!
//! `verify` applies them in order. A rule takes what it reads: the header, its parent where it compares the
//! two, and the network's parameters where heights decide.

pub mod bitcoin_timestamp;
pub mod difficulty;
pub mod edges;
pub mod extension;
pub mod extra_data;
pub mod fork_detection;
pub mod future_timestamp;
pub mod gas_limit;
pub mod gas_used;
pub mod genesis;
pub mod linkage;
pub mod merged_mining;
pub mod minimum_gas_price;
pub mod number;
pub mod timestamp;
pub mod uncles;
pub mod uncles_hash;
