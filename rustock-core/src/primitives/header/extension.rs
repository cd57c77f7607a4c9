//! What a header of version 1 or 2 only has the hash of: logs bloom, base event and edges.
//!
//! RSKIP-351 (the extension), RSKIP-144 (edges) and RSKIP-535 (base event). Mirrors rskj's
//! `BlockHeaderExtensionV1` and `BlockHeaderExtensionV2`.

use rlp::RlpStream;

use super::{
    FieldError, HeaderDecodeError, HeaderField, LOGS_BLOOM_SIZE, LogsCommitment, decode::read_version,
};
use crate::primitives::{
    activation::{Activations, HeaderVersion},
    hash::{Hash256, keccak256},
    number::BlockNumber,
    rlp::{Item, Items},
};

/// The extension of a header. Decoding proves its form; whether it belongs to a header, its hash tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderExtension {
    /// Bloom filter of the logs.
    pub logs_bloom: Box<[u8; LOGS_BLOOM_SIZE]>,
    /// The base event, often empty: in version 2.
    pub base_event: Option<Vec<u8>>,
    /// Where the lists of transactions that can run in parallel end, as counts of transactions: where
    /// RSKIP-144 is active. rskj has them as signed 16-bit numbers.
    pub edges: Option<Vec<i16>>,
}

impl HeaderExtension {
    /// Decodes the list `[bloom, base event?, edges?]` of a block at `number`, of the height's version.
    ///
    /// # Errors
    /// [`HeaderDecodeError`] names the field and what is wrong with it. At a height of version 0 there is no
    /// extension, and nothing decodes.
    pub fn decode(
        raw: &[u8],
        activations: &Activations,
        number: BlockNumber,
    ) -> Result<Self, HeaderDecodeError> {
        Self::decode_as(activations.header_version(number), raw, activations, number)
    }

    fn decode_as(
        version: HeaderVersion,
        raw: &[u8],
        activations: &Activations,
        number: BlockNumber,
    ) -> Result<Self, HeaderDecodeError> {
        let mut fields =
            Item::decode(raw).and_then(|item| item.list()).map_err(HeaderDecodeError::NotAList)?;
        let actual = fields.count_items().map_err(HeaderDecodeError::NotAList)?;
        let has_edges = activations.has_edges(number);
        let expected = match version {
            HeaderVersion::V0 => 0,
            HeaderVersion::V1 => 1 + usize::from(has_edges),
            HeaderVersion::V2 => 2 + usize::from(has_edges),
        };
        if version == HeaderVersion::V0 || actual != expected {
            return Err(HeaderDecodeError::ExtensionFieldCount { number, actual, expected });
        }
        let logs_bloom = Box::new(take(&mut fields, HeaderField::LogsBloom, |item| Ok(item.array()?))?);
        let base_event = match version {
            HeaderVersion::V2 => Some(take(&mut fields, HeaderField::BaseEvent, base_event)?),
            HeaderVersion::V0 | HeaderVersion::V1 => None,
        };
        let edges = if has_edges { Some(take(&mut fields, HeaderField::Edges, edges)?) } else { None };
        Ok(Self { logs_bloom, base_event, edges })
    }

    /// Decodes `[version, bytes(extension)]`, as the body of a block has it.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_in_body(
        raw: &[u8],
        activations: &Activations,
        number: BlockNumber,
    ) -> Result<Self, HeaderDecodeError> {
        let mut fields =
            Item::decode(raw).and_then(|item| item.list()).map_err(HeaderDecodeError::NotAList)?;
        let version =
            take(&mut fields, HeaderField::Version, |item| read_version(item, activations, number))?;
        let extension = take(&mut fields, HeaderField::ExtensionData, |item| Ok(item.string()?))?;
        fields.finish().map_err(HeaderDecodeError::NotAList)?;
        Self::decode_as(version, extension, activations, number)
    }

    /// The version of the headers that have such an extension.
    pub fn version(&self) -> HeaderVersion {
        if self.base_event.is_some() { HeaderVersion::V2 } else { HeaderVersion::V1 }
    }

    /// The list `[bloom, base event?, edges?]`.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(self.logs_bloom.as_slice())
    }

    /// `[version, bytes(extension)]`, as the body of a block has it.
    pub fn encode_in_body(&self) -> Vec<u8> {
        let mut out = RlpStream::new_list(2);
        out.append(&self.version().number());
        out.append(&self.encode());
        out.out().to_vec()
    }

    /// The hash that the header has. It covers the hash of the bloom, not the bloom.
    pub fn hash(&self) -> Hash256 {
        self.hash_with(self.logs_bloom.as_slice())
    }

    /// The hash of this extension with another bloom.
    pub(super) fn hash_with(&self, logs_bloom: &[u8]) -> Hash256 {
        Hash256::new(keccak256(&[&self.encode_with(&keccak256(&[logs_bloom]))]))
    }

    /// What the header of this extension says about its logs.
    pub fn commitment(&self) -> LogsCommitment {
        LogsCommitment::Extension { version: self.version(), hash: self.hash() }
    }

    /// The edges as the header's full form has them: 16-bit numbers, low byte first, in one string.
    pub(super) fn edges_bytes(&self) -> Option<Vec<u8>> {
        Some(self.edges.as_ref()?.iter().flat_map(|edge| edge.to_le_bytes()).collect())
    }

    fn encode_with(&self, bloom: &[u8]) -> Vec<u8> {
        let edges = self.edges_bytes();
        let size = 1 + usize::from(self.base_event.is_some()) + usize::from(edges.is_some());
        let mut out = RlpStream::new_list(size);
        out.append(&bloom);
        if let Some(base_event) = &self.base_event {
            out.append(base_event);
        }
        if let Some(edges) = &edges {
            out.append(edges);
        }
        out.out().to_vec()
    }
}

/// Takes the next field and names it when something is wrong with it.
pub(super) fn take<'a, T>(
    fields: &mut Items<'a>,
    field: HeaderField,
    parse: impl FnOnce(Item<'a>) -> Result<T, FieldError>,
) -> Result<T, HeaderDecodeError> {
    let item = fields.next_item().map_err(FieldError::from);
    item.and_then(parse).map_err(|reason| HeaderDecodeError::Field { field, reason })
}

/// rskj sets no limit when it reads: the size of a message is the limit.
pub(super) fn base_event(item: Item<'_>) -> Result<Vec<u8>, FieldError> {
    Ok(item.string()?.to_vec())
}

/// rskj drops an odd last byte, so that what it writes back has another hash.
pub(super) fn edges(item: Item<'_>) -> Result<Vec<i16>, FieldError> {
    let pairs = item.string()?.chunks(2);
    pairs.map(|pair| Ok(i16::from_le_bytes(pair.try_into().map_err(|_| FieldError::OddSize)?))).collect()
}
