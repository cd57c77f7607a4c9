//! The number that ties a response to its request, and the shape of the messages that have one.
//!
//! No RSKIP. Mirrors rskj's `MessageWithId`, read at 9.1.0.

use core::fmt;

use rlp::RlpStream;

use crate::wire::{
    error::MessageError,
    fields::{Fields, LARGEST_SIGNED},
};

/// The id of a request, echoed by its response: 0 to 2^63 − 1. rskj holds ids in a signed 64-bit integer and
/// returns larger ones changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(u64);

impl RequestId {
    /// The largest id, 2^63 − 1.
    pub const MAX: Self = Self(LARGEST_SIGNED);

    /// Wraps an id; `None` above [`RequestId::MAX`].
    pub const fn new(id: u64) -> Option<Self> {
        if id <= LARGEST_SIGNED { Some(Self(id)) } else { None }
    }

    /// The id as a plain integer.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The id to use after this one: 0 after the largest.
    pub const fn next(self) -> Self {
        Self((self.0 + 1) & LARGEST_SIGNED)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Starts a body `[id, [..]]` whose inner list has `fields` elements.
pub(super) fn begin_with_id(id: RequestId, fields: usize) -> RlpStream {
    let mut stream = RlpStream::new_list(2);
    stream.append(&id.get()).begin_list(fields);
    stream
}

/// Reads a body `[id, [..]]`: the id and the fields of the inner list.
pub(super) fn open_with_id<'a>(
    message: &'static str,
    body: &'a [u8],
) -> Result<(RequestId, Fields<'a>), MessageError> {
    let mut fields = Fields::of_payload(message, body)?;
    let id = RequestId(fields.unsigned("id", LARGEST_SIGNED)?);
    let inner = fields.list("fields")?;
    fields.finish()?;
    Ok((id, inner))
}
