//! What tests, benchmarks and the demo need and an app does not: valid chains to order ([`chainkit`]).
#![forbid(unsafe_code)]

pub mod chainkit;
