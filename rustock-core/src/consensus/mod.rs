//! The header rules: what each says, which apply where, and the one function that makes a verified header.
//!
//! Pure: the time of day is an argument, ancestors are values. Imports `primitives` only.

pub mod block_weight;
pub mod body_error;
pub mod chunk;
pub mod client_too_old;
pub mod error;
pub mod family;
pub mod fork_choice;
pub mod fork_detection_window;
pub mod network;
pub mod params;
pub mod parent;
pub mod rules;
pub mod verify;
pub mod verify_body;

#[cfg(test)]
mod test_headers;
