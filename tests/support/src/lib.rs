//! What tests, benchmarks and the demo need and an app does not: valid chains to order ([`chainkit`]), a peer that
//! serves them as rskj would ([`peer`]), a simulated network of peers, honest and not, around the sync machine
//! ([`sim`]), and an oracle for what becomes of a chain ([`model`]).
#![forbid(unsafe_code)]

pub mod chainkit;
pub mod model;
pub mod peer;
pub mod sim;
