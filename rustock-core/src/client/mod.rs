//! The handle an app holds: build, start, best header, subscribe, stop.

// Building and waiting ask the clock; nothing else here does.
#![allow(clippy::disallowed_methods)]

mod builder;
mod event_reader;
mod events;
mod handle;
mod peers;
mod subscription;
#[cfg(test)]
mod tests;

pub use builder::{
    BuildError, Builder, DEFAULT_CACHE_BYTES, DEFAULT_MAX_PEERS, Discovery, MAX_MAX_PEERS, MAX_TRUSTED_PEERS,
    MAX_WORKERS, StartFrom,
};
pub use events::{BlockRef, ChainCursor, ChainEvent, RebaseReason, SubscribeOptions};
pub use handle::{Diagnostics, HeaderLookupError, LightClient, NextDiagnostic, StartError, StatusWatch};
pub use peers::{PeerError, Trust};
pub use subscription::{Closer, NextError, SubscribeError, Subscription, WrongCursor};

pub use crate::runtime::{
    connection::ConnectionEnd,
    diagnostic::Diagnostic,
    driver::StopReport,
    peers::PeerInfo,
    status::{Progress, RunState, Status, WaitReason},
};
