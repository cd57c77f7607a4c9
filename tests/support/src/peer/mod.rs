//! A peer for tests and demos: serves headers as rskj would, silence included, over real sockets.
//!
//! What it answers ([`answer`]), how fast ([`Pacer`]), what it shows of its chain ([`ServedChain`]) and how one
//! conversation goes ([`Conversation`]) are pure: time is an argument. [`TestPeer`] puts them behind a socket.

mod connection;
mod conversation;
mod misbehaviour;
mod pacing;
mod served_chain;
mod server;
mod serving;
mod shared;

pub use conversation::{Conversation, Step};
pub use misbehaviour::{Misbehaviour, WrongHeaders};
pub use pacing::{MESSAGES_PER_MINUTE, Pace, Pacer, SEND_INTERVAL};
pub use served_chain::{ServedChain, ServedChainError};
pub use server::{TestPeer, TestPeerOptions};
pub use serving::answer;
pub(crate) use serving::body_response;
pub use shared::PeerCounters;
