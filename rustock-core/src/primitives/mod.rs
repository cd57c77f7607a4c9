//! Value types: hashes, numbers with a meaning, strict RLP, activation heights, headers as data.
//!
//! The lowest layer: imports nothing else of ours, does no I/O, knows no clock.

pub mod activation;
pub mod block;
pub mod hash;
pub mod header;
pub mod number;
pub mod peer;
pub mod rlp;
