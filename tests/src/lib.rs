//! What the suites share: where the recorded data is and how it is read.
#![forbid(unsafe_code)]

pub mod chains;
pub mod flood;
pub mod headers;
pub mod layers;
pub mod naive;
pub mod remote;
pub mod vectors;
pub mod waiting;
