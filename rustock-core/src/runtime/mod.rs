//! The tokio edge: sockets, the clock, tasks, shutdown. Everything that waits lives here; nothing here decides.

// The one layer that may ask the clock, open sockets and start threads.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod asked;
pub(crate) mod clock;
pub mod connection;
pub mod diagnostic;
pub(crate) mod dialer;
pub mod driver;
pub(crate) mod entropy;
pub(crate) mod listener;
pub mod peers;
mod rate;
pub(crate) mod shared;
pub(crate) mod signal;
mod socket;
pub mod status;
pub mod udp;

pub(crate) use rate::Rate;
