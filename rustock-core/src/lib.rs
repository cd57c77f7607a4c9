//! Rustock: a Rootstock (RSK) light client to embed.
//!
//! It connects to peers, downloads block headers, verifies every rule that a header can be held to, down to the
//! Bitcoin merged-mining proof, keeps them, and tells the app what changed.
//!
//! # What is trusted, and what is not
//! - Trusted: the genesis or checkpoint that the chain starts from, and that the chain with the most work in its
//!   headers is the right one. Uncles' work is not counted yet.
//! - Verified, of every header above it: links, heights, difficulty, gas and price bounds, times, the Bitcoin
//!   proof of work and its commitment, fork-detection data. As strict as rskj when it imports a block.
//! - Not verified: what only executing a block shows, such as its state root. Proofs against verified headers
//!   are for later releases.
//! - Peers are never trusted. What they claim and what was verified are different fields.
//!
//! # Example
//! ```no_run
//! use std::time::Duration;
//!
//! use rustock_core::{LightClient, Network, SubscribeOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = LightClient::builder(Network::Mainnet)
//!     .data_dir("rustock-data")
//!     .trusted_peers(["enode://…@192.0.2.1:5050"])
//!     .build()?;
//! client.start()?;
//! let mut events = client.subscribe(SubscribeOptions::default())?;
//! for _ in 0..10 {
//!     let event = events.next().await?;
//!     println!("{event:?}");
//!     events.ack(event.cursor())?;
//! }
//! client.stop(Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//! From the bottom up: [`primitives`] (values), [`consensus`] (rules), [`wire`] (codecs), [`chain`] (records),
//! [`proto`] (state machines without I/O), [`store`] (persistence), then the tokio edge and [`client`].
#![forbid(unsafe_code)]

#[cfg(feature = "runtime")]
pub mod client;
#[cfg(feature = "runtime")]
mod runtime;

pub mod chain;
pub mod consensus;
pub mod primitives;
pub mod proto;
pub mod store;
pub mod wire;

pub use chain::{checkpoint::Checkpoint, record::BlockId};
#[cfg(feature = "runtime")]
pub use client::{
    BlockRef, BuildError, ChainCursor, ChainEvent, LightClient, NextError, RebaseReason, RunState,
    StartError, StartFrom, Status, StopReport, SubscribeError, SubscribeOptions, Subscription,
};
pub use consensus::network::Network;
pub use primitives::{
    hash::BlockHash,
    header::Header,
    number::{BlockNumber, UnixTime},
};
pub use proto::pacing::RequestBudget;
#[cfg(feature = "runtime")]
pub use runtime::udp::{DiscoveryCommand, DiscoveryEvent, UdpDiscovery, UdpError, UdpSettings};

/// Compiles the example of the front page, so that it cannot go stale.
#[cfg(all(doctest, feature = "runtime"))]
#[doc = include_str!("../../README.md")]
pub struct ReadmeExample;
