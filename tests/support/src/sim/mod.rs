//! A network in one thread: the synchronisation machine against scripted peers, under a clock that jumps from
//! one event to the next. The same seed and script give the same run, to the last message.
//!
//! The simulation is also the judge. It stops at the first of: a batch that the store refuses; an invalid
//! header in a batch; more messages to a peer in 60 seconds, or more open requests, than the budget has; a
//! machine that asks to be woken again and again without anything happening. What else has to hold is asked of
//! the finished run.

mod actor;
mod behaviour;
mod client;
pub mod discovery;
pub mod network;
mod politeness;
mod scenario;
mod served;
mod simulation;

pub use actor::{Actor, Change, Link, Script};
pub use behaviour::{Behaviour, announcement, invented};
pub use client::base_entry;
pub use scenario::Scenario;
pub use served::{MainChain, Served};
pub use simulation::{CrashPlan, Simulation};
