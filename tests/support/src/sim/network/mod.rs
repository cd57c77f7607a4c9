//! A thousand nodes and one client in one thread, under a clock that jumps from one event to the next.
//!
//! The client is the discovery machine and the peer machine as the runtime wires them. The others are as much of
//! an rskj node as the client can see: they bond, tell of their neighbours, have full buckets and no place for
//! another peer, stand behind translators, leave and come back; or they are hostile. The same seed and calls give
//! the same run.

mod client;
mod population;
mod simulation;
mod unsigned;

pub use population::{Plan, Role};
pub use simulation::{NetworkSimulation, Tally};
pub use unsigned::{UnsignedPackets, packet_of};
