//! What tests, benchmarks and the demo need and an app does not: valid chains to order
//! ([`chainkit`]) and a peer that serves them as rskj would ([`peer`]).
#![forbid(unsafe_code)]

pub mod chainkit;
pub mod peer;
