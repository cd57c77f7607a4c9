//! A header in its full form, as blocks have it and as `unclesHash` covers it: nothing is replaced by a hash.
//!
//! RSKIP-351, RSKIP-144 and RSKIP-535. Mirrors rskj's `BlockHeader.getFullEncoded` and
//! `BlockFactory.decodeHeader` without compression. Of version 0 the full form is the wire form.

use super::{
    FieldError, Header, HeaderDecodeError, HeaderExtension, HeaderField, LOGS_BLOOM_SIZE, as_list,
    decode::{LONG_LIMIT, Sizes, read_version},
    extension::{base_event, edges, take},
    fields::extension_data,
};
use crate::primitives::{
    activation::{Activations, HeaderVersion},
    hash::Hash256,
    number::BlockNumber,
    rlp::{Item, RlpError},
};

/// A header and, from version 1 on, its extension, which together make the full form. The extension is the one
/// whose hash the header has, but for an uncle with a bloom of another size than blooms have: that is shown as an
/// empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullHeader {
    header: Header,
    extension: Option<HeaderExtension>,
    /// The bloom of an uncle's extension, when it has another size than blooms have.
    odd_bloom: Option<Box<[u8]>>,
}

/// The extension is not the header's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionMismatch {
    /// A version-0 header has no extension.
    #[error("a version-0 header has no extension")]
    NotExpected,
    /// A header of a later version has one.
    #[error("the header's extension is missing")]
    Missing,
    /// The extension is that of another version.
    #[error("an extension of version {seen} for a header of version {expected}")]
    WrongVersion {
        /// The header's version.
        expected: u8,
        /// The extension's version.
        seen: u8,
    },
    /// The hash is not the one in the header.
    #[error("the extension hashes to {seen}, the header has {expected}")]
    WrongHash {
        /// The hash in the header.
        expected: Hash256,
        /// The extension's hash.
        seen: Hash256,
    },
}

impl ExtensionMismatch {
    /// The extension is the one whose hash the header has; a header of version 0 has none.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(header: &Header, extension: Option<&HeaderExtension>) -> Result<(), Self> {
        match (header.extension_hash(), extension) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Self::NotExpected),
            (Some(_), None) => Err(Self::Missing),
            (Some(expected), Some(extension)) => {
                let (due, version) = (header.version(), extension.version());
                if version != due {
                    return Err(Self::WrongVersion { expected: due.number(), seen: version.number() });
                }
                let seen = extension.hash();
                if seen == expected { Ok(()) } else { Err(Self::WrongHash { expected, seen }) }
            }
        }
    }
}

/// Fields up to and including the uncle count, which every layout has.
const SHARED_FIELDS: usize = 16;
/// Place of the logs among them.
const LOGS: usize = 6;
/// Place of the height among them.
const NUMBER: usize = 8;
/// Fields of the merged-mining proof.
const PROOF_FIELDS: usize = 3;

impl FullHeader {
    /// Puts a header and its extension together.
    ///
    /// # Errors
    /// [`ExtensionMismatch`] when the extension is not the header's.
    pub fn new(header: Header, extension: Option<HeaderExtension>) -> Result<Self, ExtensionMismatch> {
        ExtensionMismatch::check(&header, extension.as_ref())?;
        Ok(Self { header, extension, odd_bloom: None })
    }

    /// Decodes the full form strictly, as [`Header::decode`] does the wire form.
    ///
    /// # Errors
    /// [`HeaderDecodeError`] names the field and what is wrong with it.
    pub fn decode(raw: &[u8], activations: &Activations) -> Result<Self, HeaderDecodeError> {
        Self::decode_with(raw, activations, Sizes::OfBlocks)
    }

    /// Decodes an uncle. Nobody executes one or asks for its body, so no rule of rskj's looks at its roots, its uncles
    /// hash, its bloom and its fees, and they can have any size: work can be spent on such an uncle, and full
    /// nodes weigh it. Here too; what is not of the usual size is read as zeros, and fees of more than 128 bits as the
    /// greatest number there is. The bytes and the hash are exact.
    ///
    /// # Errors
    /// [`HeaderDecodeError`] names the field and what is wrong with it.
    pub fn decode_uncle(raw: &[u8], activations: &Activations) -> Result<Self, HeaderDecodeError> {
        Self::decode_with(raw, activations, Sizes::OfUncles)
    }

    fn decode_with(raw: &[u8], activations: &Activations, sizes: Sizes) -> Result<Self, HeaderDecodeError> {
        let mut items =
            Item::decode(raw).and_then(|item| item.list()).map_err(HeaderDecodeError::NotAList)?;
        let count = items.count_items().map_err(HeaderDecodeError::NotAList)?;
        let mut shared = Vec::with_capacity(SHARED_FIELDS);
        while shared.len() < SHARED_FIELDS {
            let field = HeaderField::ALL[shared.len()];
            shared.push(take(&mut items, field, Ok)?);
        }
        let number = number(&shared[NUMBER])?;
        if activations.header_version(number) == HeaderVersion::V0 {
            let header = Header::decode_with(raw, activations, sizes)?;
            return Ok(Self { header, extension: None, odd_bloom: None });
        }
        let has_umm_root = activations.has_umm_root(number);
        let has_edges = activations.has_edges(number);
        let umm_root = if has_umm_root { Some(take(&mut items, HeaderField::UmmRoot, Ok)?) } else { None };
        let version = take(&mut items, HeaderField::Version, |item| read_version(item, activations, number))?;
        let has_base_event = version == HeaderVersion::V2;
        let fixed = SHARED_FIELDS + usize::from(has_umm_root) + 1 + usize::from(has_edges);
        let without_proof = fixed + usize::from(has_base_event);
        let base_event_is_missing = has_base_event
            && !activations.base_event_required.is_active(number)
            && (count == fixed || count == fixed + PROOF_FIELDS);
        let is_whole = count == without_proof || count == without_proof + PROOF_FIELDS;
        if !is_whole && !base_event_is_missing {
            return Err(HeaderDecodeError::FieldCount { number, actual: count, without_proof });
        }

        let bloom_fault = |reason: RlpError| HeaderDecodeError::Field {
            field: HeaderField::LogsBloom,
            reason: reason.into(),
        };
        let bloom = shared[LOGS].string().map_err(bloom_fault)?;
        let (logs_bloom, odd_bloom) = match (shared[LOGS].array(), sizes) {
            (Ok(logs_bloom), _) => (logs_bloom, None),
            // An empty one has no hash in rskj, which then cannot read the uncle.
            (Err(_), Sizes::OfUncles) if !bloom.is_empty() => ([0; LOGS_BLOOM_SIZE], Some(bloom.into())),
            (Err(reason), _) => return Err(bloom_fault(reason)),
        };
        let edges = if has_edges { Some(take(&mut items, HeaderField::Edges, edges)?) } else { None };
        let base_event = match (has_base_event, base_event_is_missing) {
            (false, _) => None,
            (true, true) => Some(Vec::new()),
            (true, false) => Some(take(&mut items, HeaderField::BaseEvent, base_event)?),
        };
        let extension = HeaderExtension { logs_bloom: Box::new(logs_bloom), base_event, edges };

        // The rest of the wire form: the same fields, with the extension's hash in the place of its parts.
        let data = extension_data(version, &extension.hash_with(bloom));
        let mut wire = Vec::with_capacity(raw.len());
        for (place, item) in shared.iter().enumerate() {
            if place == LOGS {
                wire.extend_from_slice(&rlp::encode(&data));
            } else {
                wire.extend_from_slice(item.encoded());
            }
        }
        if let Some(umm_root) = umm_root {
            wire.extend_from_slice(umm_root.encoded());
        }
        wire.extend_from_slice(items.rest());
        let header = Header::decode_with(&as_list(&wire), activations, sizes)?;
        Ok(Self { header, extension: Some(extension), odd_bloom })
    }

    /// The full form. Where it was received without its base event, it is written with an empty one.
    pub fn encode(&self) -> Vec<u8> {
        let Some(extension) = &self.extension else { return self.header.raw().to_vec() };
        let mut items = Item::decode(self.header.raw())
            .and_then(|item| item.list())
            .expect("a header is a list of items");
        let mut full = Vec::with_capacity(self.header.raw().len() + 300);
        let shared_and_umm_root = SHARED_FIELDS + usize::from(self.header.umm_root().is_some());
        for place in 0..shared_and_umm_root {
            let item = items.next_item().expect("decoding counted the items");
            if place == LOGS {
                let bloom = self.odd_bloom.as_deref().unwrap_or(extension.logs_bloom.as_slice());
                full.extend_from_slice(&rlp::encode(&bloom));
            } else {
                full.extend_from_slice(item.encoded());
            }
        }
        full.push(extension.version().number());
        if let Some(edges) = extension.edges_bytes() {
            full.extend_from_slice(&rlp::encode(&edges));
        }
        if let Some(base_event) = &extension.base_event {
            full.extend_from_slice(&rlp::encode(base_event));
        }
        full.extend_from_slice(items.rest());
        as_list(&full)
    }

    /// The header, in its wire form.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The extension, from version 1 on.
    pub fn extension(&self) -> Option<&HeaderExtension> {
        self.extension.as_ref()
    }

    /// The two, for keeps.
    pub fn into_parts(self) -> (Header, Option<HeaderExtension>) {
        (self.header, self.extension)
    }
}

fn number(item: &Item<'_>) -> Result<BlockNumber, HeaderDecodeError> {
    let number = match item.unsigned() {
        Ok(number) if number < LONG_LIMIT => return Ok(BlockNumber::new(number)),
        Ok(_) => RlpError::IntegerTooLarge,
        Err(reason) => reason,
    };
    Err(HeaderDecodeError::Field { field: HeaderField::Number, reason: FieldError::from(number) })
}
