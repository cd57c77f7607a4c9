//! The C API of Rustock: opaque handles, hand-assigned status codes, a boundary no panic crosses.
//!
//! C programs see `include/rustock.h`, which is made from [`c_api`]; `docs/c-api.md` is their guide. Rust programs use
//! `rustock-core`.
#![deny(unsafe_code)]

#[cfg(not(panic = "unwind"))]
compile_error!(
    "panics must unwind: the boundary turns them into RUSTOCK_STATUS_PANIC, an abort kills the app"
);

// First, so that the header begins with the codes.
pub mod error;

#[allow(unsafe_code)]
pub mod c_api;

mod convert;
mod shared_subscription;
