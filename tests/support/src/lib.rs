//! What tests, benchmarks and the demo need and an app does not: valid chains to order ([`chainkit`]), a peer that
//! serves them as rskj would ([`peer`]), a simulated network of peers, honest and not, around the sync machine
//! ([`sim`]), an oracle for what becomes of a chain ([`model`]), and a second reading of the header rules, slow and
//! plain, to compare the first with ([`naive`]).
#![forbid(unsafe_code)]

pub mod chainkit;
pub mod model;
pub mod naive;
pub mod peer;
pub mod sim;
