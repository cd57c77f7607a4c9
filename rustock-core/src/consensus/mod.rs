//! The header rules: what each says, which apply where, and the one function that makes a verified header.
//!
//! Pure: the time of day is an argument, ancestors are values. Imports `primitives` only.

pub mod network;
pub mod params;
