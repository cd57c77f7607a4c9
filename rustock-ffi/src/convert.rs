//! From the core's errors to a code, the setting at fault, and words.

use rustock_core::{
    chain::checkpoint::CheckpointError,
    client::{BuildError, NextError, StartError, SubscribeError, WrongCursor},
    store::StoreError,
};

use crate::error::{
    RUSTOCK_STATUS_CHECKPOINT, RUSTOCK_STATUS_CLOSED, RUSTOCK_STATUS_CURSOR_OTHER_NETWORK,
    RUSTOCK_STATUS_GENESIS, RUSTOCK_STATUS_NO_STORE, RUSTOCK_STATUS_OTHER, RUSTOCK_STATUS_PEER,
    RUSTOCK_STATUS_RANDOMNESS, RUSTOCK_STATUS_STOPPED, RUSTOCK_STATUS_STORE_BROKEN_BATCH,
    RUSTOCK_STATUS_STORE_CORRUPT, RUSTOCK_STATUS_STORE_IN_USE, RUSTOCK_STATUS_STORE_IO,
    RUSTOCK_STATUS_STORE_NOT_OURS, RUSTOCK_STATUS_STORE_OTHER_NETWORK, RUSTOCK_STATUS_STORE_OTHER_SCHEMA,
    RUSTOCK_STATUS_STORE_STALE_BATCH, RUSTOCK_STATUS_THREADS, RUSTOCK_STATUS_TOO_MANY_PEERS,
    RUSTOCK_STATUS_WORKERS, RUSTOCK_STATUS_WRONG_EVENT, RUSTOCK_STATUS_ZERO_BATCH, rustock_status,
};

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub code: rustock_status,
    /// The argument or setting at fault; empty when none is.
    pub field: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(code: rustock_status, field: &'static str, message: impl Into<String>) -> Self {
        Self { code, field, message: message.into() }
    }
}

/// The code of a store error.
pub(crate) fn store_status(error: &StoreError) -> rustock_status {
    match error {
        StoreError::InUse { .. } => RUSTOCK_STATUS_STORE_IN_USE,
        StoreError::OtherNetwork { .. } => RUSTOCK_STATUS_STORE_OTHER_NETWORK,
        StoreError::OtherSchema { .. } => RUSTOCK_STATUS_STORE_OTHER_SCHEMA,
        StoreError::NotOurs { .. } => RUSTOCK_STATUS_STORE_NOT_OURS,
        StoreError::Corrupt { .. } => RUSTOCK_STATUS_STORE_CORRUPT,
        StoreError::Io { .. } => RUSTOCK_STATUS_STORE_IO,
        StoreError::StaleBatch { .. } => RUSTOCK_STATUS_STORE_STALE_BATCH,
        StoreError::BrokenBatch { .. } => RUSTOCK_STATUS_STORE_BROKEN_BATCH,
        StoreError::Closed => RUSTOCK_STATUS_CLOSED,
        _ => RUSTOCK_STATUS_OTHER,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(store_status(&error), "", error.to_string())
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::new(RUSTOCK_STATUS_CHECKPOINT, "checkpoint", error.to_string())
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let (code, field) = match &error {
            BuildError::NoStore => (RUSTOCK_STATUS_NO_STORE, "data_dir"),
            BuildError::Checkpoint(_) => (RUSTOCK_STATUS_CHECKPOINT, "checkpoint"),
            BuildError::Genesis(_) => (RUSTOCK_STATUS_GENESIS, "network"),
            BuildError::Peer { .. } => (RUSTOCK_STATUS_PEER, "trusted_peers"),
            BuildError::TooManyPeers { .. } => (RUSTOCK_STATUS_TOO_MANY_PEERS, "trusted_peers"),
            BuildError::Workers { .. } => (RUSTOCK_STATUS_WORKERS, "workers"),
            BuildError::Store(error) => (store_status(error), "data_dir"),
            BuildError::Randomness { .. } => (RUSTOCK_STATUS_RANDOMNESS, "node_key"),
            _ => (RUSTOCK_STATUS_OTHER, ""),
        };
        Self::new(code, field, error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Stopped => RUSTOCK_STATUS_STOPPED,
            StartError::Store(error) => store_status(error),
            StartError::Runtime { .. } => RUSTOCK_STATUS_THREADS,
            _ => RUSTOCK_STATUS_OTHER,
        };
        Self::new(code, "", error.to_string())
    }
}

impl From<SubscribeError> for Failure {
    fn from(error: SubscribeError) -> Self {
        let (code, field) = match &error {
            SubscribeError::OtherNetwork { .. } => (RUSTOCK_STATUS_CURSOR_OTHER_NETWORK, "after"),
            SubscribeError::ZeroBatch => (RUSTOCK_STATUS_ZERO_BATCH, "max_batch"),
            SubscribeError::Store(error) => (store_status(error), ""),
            _ => (RUSTOCK_STATUS_OTHER, ""),
        };
        Self::new(code, field, error.to_string())
    }
}

impl From<NextError> for Failure {
    fn from(error: NextError) -> Self {
        let code = match &error {
            NextError::Closed => RUSTOCK_STATUS_CLOSED,
            NextError::Store(error) => store_status(error),
            _ => RUSTOCK_STATUS_OTHER,
        };
        Self::new(code, "", error.to_string())
    }
}

impl From<WrongCursor> for Failure {
    fn from(error: WrongCursor) -> Self {
        Self::new(RUSTOCK_STATUS_WRONG_EVENT, "event", error.to_string())
    }
}
