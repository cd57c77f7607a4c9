//! Rustock: a Rootstock (RSK) light client to embed.
#![forbid(unsafe_code)]

pub mod consensus;
pub mod primitives;
