//! What goes wrong below a call, the latch it leaves, and the wall that keeps redb's panics on its side.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

use crate::store::{StoreError, Table};

/// An error on its way up: one of ours, or redb's.
pub(super) enum Fault {
    Store(StoreError),
    Database(Box<redb::Error>),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

macro_rules! from_database_errors {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })+
    };
}

from_database_errors!(
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
);

impl Fault {
    /// The error to show. `action` is what was being tried, for the words of an I/O error.
    pub(super) fn into_store_error(self, action: &'static str) -> StoreError {
        let error = match self {
            Self::Store(error) => return error,
            Self::Database(error) => *error,
        };
        match error {
            redb::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                damaged_pages("the file ends before the database does")
            }
            redb::Error::Io(error) => StoreError::Io { action, reason: error.to_string() },
            redb::Error::Backend(error) => StoreError::Io { action, reason: error.to_string() },
            error @ (redb::Error::Unsupported | redb::Error::PreviousIo) => {
                StoreError::Io { action, reason: error.to_string() }
            }
            redb::Error::DatabaseClosed => StoreError::Closed,
            // Everything else redb can say here means that its structures are not what we wrote: damaged
            // pages, a table gone or of another type.
            error => damaged_pages(&error.to_string()),
        }
    }
}

/// The error for damage below the tables.
pub(super) fn damaged_pages(what: &str) -> StoreError {
    StoreError::Corrupt { table: Table::Pages, key: what.to_owned() }
}

/// Runs `operation` and turns what it may throw into an error. redb checks a file's structures only in part
/// and panics over some damage; that must not take the app down.
pub(super) fn guard<T>(
    action: &'static str,
    operation: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, StoreError> {
    // After a panic the latch keeps everybody away from whatever state was left behind.
    match catch_unwind(AssertUnwindSafe(operation)) {
        Ok(result) => result.map_err(|fault| fault.into_store_error(action)),
        Err(panic) => Err(damaged_pages(panic_text(panic.as_ref()))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&'static str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("the database panicked")
}

/// The first error that makes a store useless, kept for every later call.
#[derive(Debug, Default)]
pub(super) struct Latch(OnceLock<StoreError>);

impl Latch {
    /// Runs `operation` unless the store is latched, and latches it on damage or a failing medium.
    pub(super) fn guard<T>(
        &self,
        action: &'static str,
        operation: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        if let Some(error) = self.0.get() {
            return Err(error.clone());
        }
        guard(action, operation).inspect_err(|error| {
            if matches!(error, StoreError::Corrupt { .. } | StoreError::Io { .. }) {
                // A concurrent call may have latched first; the first error stays.
                let _ = self.0.set(error.clone());
            }
        })
    }
}
