//! A list that is carried but not read: a header, the transactions of a body.
//!
//! No RSKIP. rskj decodes these at once (`BlockFactory.decodeHeader`, `ImmutableTransaction`); here they stay
//! bytes, because a header's layout depends on the network, which the wire does not know.

use core::fmt;

use crate::{
    primitives::rlp::RlpError,
    wire::{
        error::MessageError,
        fields::{Fields, check_list},
    },
};

/// The encoded bytes of one RLP list. That it is one canonical list was checked; what is inside was not.
#[derive(Clone, PartialEq, Eq)]
pub struct RawList(Vec<u8>);

impl RawList {
    /// Wraps bytes that are exactly one list.
    ///
    /// # Errors
    /// Why they are not.
    pub fn new(bytes: Vec<u8>) -> Result<Self, RlpError> {
        check_list(&bytes)?;
        Ok(Self(bytes))
    }

    /// Takes the next field, which must be a list.
    pub(super) fn take(fields: &mut Fields<'_>, field: &'static str) -> Result<Self, MessageError> {
        let item = fields.item(field)?;
        item.list().map_err(|reason| fields.fault(field, reason))?;
        Ok(Self(item.encoded().to_vec()))
    }

    /// The list without entries.
    pub fn empty() -> Self {
        Self(vec![0xc0])
    }

    /// The bytes, length prefix included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, length prefix included.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for RawList {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RawList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawList({} bytes)", self.0.len())
    }
}
