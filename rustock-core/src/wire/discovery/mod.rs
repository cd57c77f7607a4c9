//! UDP discovery: how nodes find each other's addresses and learn which keys stand behind them.
//!
//! No RSKIP. Mirrors rskj's `co.rsk.net.discovery.message`, read at 9.1.0. It is not discv4: hosts are text,
//! requests are matched by UUID, nothing expires, and the network id closes every message.

pub mod endpoint;
mod fields;
pub mod find_node;
pub mod message_id;
pub mod neighbors;
pub mod packet;
pub mod ping;
pub mod pong;

pub use endpoint::Endpoint;
pub use find_node::FindNode;
pub use message_id::MessageId;
pub use neighbors::{Neighbor, Neighbors};
pub use packet::{Message, PacketError, SignedMessage, encode_packet};
pub use ping::Ping;
pub use pong::Pong;
