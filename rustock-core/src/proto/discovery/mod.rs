//! Finding nodes by UDP, as rskj does: [`Discovery`] follows the contract of [`proto`](crate::proto).
//!
//! A node is found when it has answered a ping from its own address; whatever others say of it is a hint. The
//! ids of boot nodes are learned in the same way. Nodes that are found are asked for more, and asked anew every
//! minute while the host wants more.
//!
//! What is sent on our own account is ours to choose and is quicker than rskj. What answers others is as rskj
//! answers: pong at once, a ping to whoever we do not know, neighbors to those we know.
//!
//! # Bounds
//! However many packets come, a machine holds at most:
//!
//! | what | entries |
//! |---|---|
//! | nodes of the table | 256 buckets of 16 |
//! | requests: hints, checks, answers, find-nodes | 128 + 64 + 256 + 256, of about 250 bytes each |
//! | addresses to try: trusted, told | 256 + 512 |
//! | addresses tried | 2,048 |
//! | names | 64, of at most 253 bytes |
//! | sources counted | 1,024 |
//! | actions not taken yet | 1,024; further ones are dropped and counted |
//!
//! It looks at 8 packets a second of a source, 200 of all strangers, 500 of all nodes it knows; the others cost
//! a look-up and nothing more. [`limits`] has every number.
//!
//! No RSKIP. Mirrors rskj's `PeerExplorer`, `NodeChallengeManager` and `NodeDistanceTable`, read at 9.1.0.

mod address;
mod bounded;
mod budget;
pub mod config;
pub mod distance;
mod explore;
mod hints;
pub mod limits;
mod machine;
mod packets;
mod random;
mod requests;
mod serve;
pub mod table;
#[cfg(test)]
mod tests;

pub use config::{BootNode, Demand, DiscoveryConfig, Identity, NoBootNode};
pub use machine::{Action, Discovery, DiscoveryCounters, Input, Sizes};
pub use packets::{Packets, SignedPackets};
