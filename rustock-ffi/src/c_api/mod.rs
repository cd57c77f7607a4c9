//! Every function and type a C program sees, and the only place with `unsafe`.
//!
//! What each `unsafe` block relies on is what the top of `rustock.h` asks of callers: pointers are NULL or valid
//! for what they are passed as, handles come from this library and were not freed, freeing is the last call. NULL
//! is checked everywhere. The documentation of exports is written for C readers, since it becomes the header.

// The contract is the header's, told once at its top.
#![allow(clippy::missing_safety_doc)]
// Names are C's.
#![allow(non_camel_case_types)]

// In the order in which the header tells of them; blank lines keep it so.
mod types;

mod version;

mod error;

mod config;

mod client;

mod subscription;

mod event;

mod buffer;

mod guard;
mod pointer;

pub use buffer::*;
pub use client::*;
pub use config::*;
pub use error::*;
pub use event::*;
pub use subscription::*;
pub use types::*;
pub use version::*;
