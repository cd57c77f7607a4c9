//! Every limit and interval of a session in one place, those that the socket driver applies among them.

use core::time::Duration;

use crate::proto::sync::REQUEST_TIMEOUT;

/// From the first byte of the connection to the remote's Hello. Generous, because rskj looks up our name by
/// reverse DNS before it answers an auth packet, and a wrong node id is answered by silence.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(15);
/// Without a byte from the remote for this long the connection is dead. rskj has the same limit.
pub const IDLE_LIMIT: Duration = Duration::from_secs(300);
/// Without a byte from the remote for this long a client sends it a Ping, and again after each further interval.
pub const PING_INTERVAL: Duration = Duration::from_secs(60);
/// A client gives a connection up when half a minute after its Ping there still is not a byte: the other end is
/// gone, and a half-open socket is of no use. rskj answers a Ping at once, and sends one itself every five seconds.
pub const CLIENT_SILENCE_LIMIT: Duration = Duration::from_secs(90);
/// For the driver: how long one write to the socket may take.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// For the driver: bytes taken from a socket at a time. Every connection has a buffer of this size, and what comes of
/// one of them waits for whoever takes the messages.
pub const READ_BUFFER: usize = 16 * 1024;
/// How long a large answer to a request is waited for: as long as whoever asked waits.
pub const ANSWER_PATIENCE: Duration = REQUEST_TIMEOUT;
/// For the driver: how many peers may have a large answer under way, those that were asked last.
pub const LARGE_ANSWERS: usize = 2;
/// For the driver: how many inputs may wait for a session before whoever sends them has to wait.
pub const PENDING_INPUTS: usize = 64;
/// Bytes that may wait to be written. A peer that asks without reading the answers comes to this limit.
pub const OUTGOING_BYTES: usize = 1024 * 1024;
