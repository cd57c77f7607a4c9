//! RLPx: who the peer is, what the two sides agree on, and the encrypted frames that follow.
//!
//! No RSKIP. Mirrors rskj's `HandshakeHandler`, `EncryptionHandshake`, `ECIESCoder` and `FrameCodec`. Pure
//! codecs: whatever must be random is an argument, so a recorded session can be rebuilt byte for byte.

pub mod ack;
pub mod auth;
pub mod ecies;
pub mod enode;
pub mod entropy;
pub mod frame;
pub mod keys;
pub mod mac;
pub mod packet;
pub mod secrets;
pub mod snappy;
