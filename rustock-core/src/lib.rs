//! Rustock: a Rootstock (RSK) light client to embed.
#![forbid(unsafe_code)]

pub mod chain;
pub mod consensus;
pub mod primitives;
pub mod proto;
pub mod store;
pub mod wire;
