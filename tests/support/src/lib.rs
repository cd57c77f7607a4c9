<<<<<<< HEAD
//! What tests, benchmarks and the demo need and an app does not: valid chains to order ([`chainkit`]), a peer that
//! serves them as rskj would ([`peer`]), and an oracle for what becomes of a chain ([`model`]).
=======
//! What tests, benchmarks and the demo need and an app does not: valid chains to order
//! ([`chainkit`]), a peer that serves them as rskj would ([`peer`]), and a simulated network of peers, honest and
//! not, around the synchronisation machine ([`sim`]).
>>>>>>> 45541c7 (Simulate networks of honest and hostile peers, and let none of them starve the others)
#![forbid(unsafe_code)]

pub mod chainkit;
pub mod model;
pub mod peer;
pub mod sim;
