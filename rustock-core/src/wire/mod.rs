//! Pure codecs of what travels between peers: bytes in, typed values out, and back.
//!
//! No RSKIP. Mirrors rskj's `org.ethereum.net` and `co.rsk.net` message classes, read at 9.1.0. Nothing here
//! opens a socket, keeps state or decides what to do with a message.

pub mod discovery;
pub mod error;
mod fields;
pub mod p2p;
pub mod rlpx;
pub mod rsk;
