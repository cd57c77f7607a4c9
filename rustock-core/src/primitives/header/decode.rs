//! Strict decoding of a header's wire form: one pass over the bytes, typed values and spans out.
//!
//! RSKIP-92, RSKIP-98, RSKIP-UMM and RSKIP-351 shape the layout. Mirrors rskj's `BlockFactory.decodeHeader` and
//! `RLP.parse*`, read at 9.1.0, except that every form rskj would normalise before hashing is refused: then
//! the received bytes are the canonical ones and both hash inputs are slices of them.

use core::ops::Range;

use super::HeaderField;
use crate::primitives::{
    activation::{Activations, HeaderVersion},
    hash::{Address, BlockHash, Hash256},
    number::{BlockNumber, Difficulty, GasLimit, GasPrice, UnixTime, unsigned_from_be},
    rlp::{Item, Items, RlpError},
};

/// Bytes of a Bitcoin header.
pub const BITCOIN_HEADER_SIZE: usize = 80;
/// Bytes of a logs bloom.
pub const LOGS_BLOOM_SIZE: usize = 256;

/// Why bytes are not a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderDecodeError {
    /// The whole is not one canonical RLP list.
    #[error("not one canonical RLP list: {0}")]
    NotAList(RlpError),
    /// A field has a form that rskj would refuse or rewrite before hashing.
    #[error("{field}: {reason}")]
    Field {
        /// The field.
        field: HeaderField,
        /// What is wrong with it.
        reason: FieldError,
    },
    /// The number of fields is not one of the two that fit this height.
    #[error(
        "a header at height {number} has {without_proof} or {} fields, this one has {actual}",
        without_proof + 3
    )]
    FieldCount {
        /// The height the header claims.
        number: BlockNumber,
        /// Fields found.
        actual: usize,
        /// Fields expected when there is no merged-mining proof; with one there are three more.
        without_proof: usize,
    },
    /// The number of fields of an extension is not the one of its height.
    #[error("the extension of a header at height {number} has {expected} fields, this one has {actual}")]
    ExtensionFieldCount {
        /// The height of the header.
        number: BlockNumber,
        /// Fields found.
        actual: usize,
        /// Fields expected; none at heights of version 0.
        expected: usize,
    },
}

impl HeaderDecodeError {
    /// True when the bytes may be a header of an upgrade that is newer than this release: the layout is not the
    /// expected one, though the fields that every layout shares are well-formed.
    pub fn may_be_of_newer_layout(&self) -> bool {
        match self {
            Self::FieldCount { .. } | Self::ExtensionFieldCount { .. } => true,
            Self::Field { field, .. } => {
                matches!(field, HeaderField::LogsBloom | HeaderField::ExtensionData | HeaderField::Version)
            }
            Self::NotAList(_) => false,
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Not canonical RLP of the right kind and size.
    #[error(transparent)]
    Rlp(#[from] RlpError),
    /// A signed integer has a sign byte it does not need.
    #[error("a signed integer with a byte it does not need")]
    RedundantSignByte,
    /// A difficulty without bytes.
    #[error("an empty difficulty")]
    Missing,
    /// A difficulty below zero.
    #[error("a negative difficulty")]
    Negative,
    /// All three merged-mining fields are there, and empty: rskj would drop them.
    #[error("three empty merged-mining fields")]
    EmptyProofGroup,
    /// The version is not the one of the height.
    #[error("version {actual} at a height of version {expected}")]
    WrongVersion {
        /// The height's version.
        expected: u8,
        /// The version found.
        actual: u8,
    },
    /// A list of 16-bit numbers has an odd number of bytes.
    #[error("an odd number of bytes")]
    OddSize,
}

/// What one pass over the bytes finds.
pub(super) struct Parsed {
    pub parent_hash: BlockHash,
    pub uncles_hash: Hash256,
    pub coinbase: Option<Address>,
    pub state_root: Hash256,
    pub transactions_root: Hash256,
    pub receipts_root: Hash256,
    pub difficulty: Difficulty,
    pub genesis_difficulty_padding: u8,
    pub version: HeaderVersion,
    pub number: BlockNumber,
    pub gas_limit: GasLimit,
    pub gas_used: u64,
    pub timestamp: UnixTime,
    pub paid_fees: u128,
    pub minimum_gas_price: Option<GasPrice>,
    pub uncle_count: u32,
    pub spans: Spans,
}

/// Where in the raw bytes the variable parts stand.
pub(super) struct Spans {
    /// First byte after the list prefix.
    pub payload_start: usize,
    /// End of the fields that the hash for merged mining covers.
    pub merged_mining_end: usize,
    /// End of the fields that the block hash covers.
    pub hash_end: usize,
    /// The logs bloom of a version-0 header, the extension data of a later one.
    pub logs: Range<usize>,
    pub extra_data: Range<usize>,
    pub umm_root: Option<Range<usize>>,
    pub proof: Option<ProofSpans>,
}

/// Where the three merged-mining fields stand.
pub(super) struct ProofSpans {
    pub bitcoin_header: Range<usize>,
    pub merkle_proof: Range<usize>,
    pub coinbase: Range<usize>,
}

/// Which sizes fields may have that no rule of a header reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sizes {
    /// The sizes that they have in every block: executing it, or reading its body, gives values to compare with.
    OfBlocks,
    /// Those that rskj's decoder leaves as they are. Nobody executes an uncle, and so nobody looks at its roots.
    OfUncles,
}

/// Reads fields in order and names the one at fault.
struct FieldReader<'a> {
    raw: &'a [u8],
    items: Items<'a>,
    sizes: Sizes,
}

impl<'a> FieldReader<'a> {
    fn position(&self) -> usize {
        self.raw.len() - self.items.rest().len()
    }

    fn read<T>(
        &mut self,
        field: HeaderField,
        parse: impl FnOnce(Item<'a>) -> Result<T, FieldError>,
    ) -> Result<T, HeaderDecodeError> {
        let item = self.items.next_item().map_err(FieldError::from);
        item.and_then(parse).map_err(|reason| HeaderDecodeError::Field { field, reason })
    }

    fn span(&mut self, field: HeaderField) -> Result<Range<usize>, HeaderDecodeError> {
        let bytes = self.read(field, |item| Ok(item.string()?))?;
        let end = self.position();
        Ok(end - bytes.len()..end)
    }

    fn hash(&mut self, field: HeaderField) -> Result<[u8; 32], HeaderDecodeError> {
        self.read(field, |item| Ok(item.array()?))
    }

    /// A hash that no rule of a header reads. An uncle's of another size, which cannot be the hash of anything,
    /// is read as zeros.
    fn unread_hash(&mut self, field: HeaderField) -> Result<Hash256, HeaderDecodeError> {
        let sizes = self.sizes;
        self.read(field, |item| match (item.array(), sizes) {
            (Ok(hash), _) => Ok(Hash256::new(hash)),
            // rskj writes the root of an empty trie for an empty root, and leaves an empty uncles hash as it is.
            (Err(RlpError::WrongSize { actual, .. }), Sizes::OfUncles)
                if actual > 0 || field == HeaderField::UnclesHash =>
            {
                Ok(Hash256::ZERO)
            }
            (Err(reason), _) => Err(reason.into()),
        })
    }

    /// Fees in wei. More than 128 bits, which only an uncle can claim, are read as the most there can be.
    fn paid_fees(&mut self) -> Result<u128, HeaderDecodeError> {
        let sizes = self.sizes;
        self.read(HeaderField::PaidFees, |item| match (item.unsigned128(), sizes) {
            (Err(RlpError::IntegerTooLarge), Sizes::OfUncles) => Ok(u128::MAX),
            (fees, _) => Ok(fees?),
        })
    }

    /// An unsigned integer below `limit`.
    fn unsigned(&mut self, field: HeaderField, limit: u64) -> Result<u64, HeaderDecodeError> {
        self.read(field, |item| {
            let value = item.unsigned()?;
            if value < limit { Ok(value) } else { Err(RlpError::IntegerTooLarge.into()) }
        })
    }
}

/// Heights, gas and times are a signed 64-bit `long` in rskj.
pub(super) const LONG_LIMIT: u64 = 1 << 63;
/// Uncle counts are a signed 32-bit `int` in rskj.
const INT_LIMIT: u64 = 1 << 31;

pub(super) fn parse(
    raw: &[u8],
    activations: &Activations,
    sizes: Sizes,
) -> Result<Parsed, HeaderDecodeError> {
    let list = Item::decode(raw).and_then(|item| item.list()).map_err(HeaderDecodeError::NotAList)?;
    let field_count = list.count_items().map_err(HeaderDecodeError::NotAList)?;
    let payload_start = raw.len() - list.rest().len();
    let mut reader = FieldReader { raw, items: list, sizes };

    let parent_hash = reader.hash(HeaderField::ParentHash)?.into();
    let uncles_hash = reader.unread_hash(HeaderField::UnclesHash)?;
    let coinbase = reader.read(HeaderField::Coinbase, |item| {
        if item.string()?.is_empty() { Ok(None) } else { Ok(Some(Address::new(item.array()?))) }
    })?;
    let state_root = reader.unread_hash(HeaderField::StateRoot)?;
    let transactions_root = reader.unread_hash(HeaderField::TransactionsRoot)?;
    let receipts_root = reader.unread_hash(HeaderField::ReceiptsRoot)?;
    let logs = reader.span(HeaderField::LogsBloom)?;
    let difficulty_bytes = reader.read(HeaderField::Difficulty, |item| Ok(item.string()?))?;
    let number = BlockNumber::new(reader.unsigned(HeaderField::Number, LONG_LIMIT)?);

    // The height decides the layout, so what came before it is judged only now.
    let version = read_logs(&raw[logs.clone()], activations, number, sizes)?;
    let has_umm_root = activations.has_umm_root(number);
    let without_proof = if has_umm_root { 17 } else { 16 };
    if field_count != without_proof && field_count != without_proof + 3 {
        return Err(HeaderDecodeError::FieldCount { number, actual: field_count, without_proof });
    }
    let (difficulty, genesis_difficulty_padding) = parse_difficulty(difficulty_bytes, number)
        .map_err(|reason| HeaderDecodeError::Field { field: HeaderField::Difficulty, reason })?;

    let gas_limit = reader.read(HeaderField::GasLimit, |item| {
        Ok(GasLimit::from_bytes(item.string()?).ok_or(RlpError::IntegerTooLarge)?)
    })?;
    let gas_used = reader.unsigned(HeaderField::GasUsed, LONG_LIMIT)?;
    let timestamp = UnixTime::from_secs(reader.unsigned(HeaderField::Timestamp, LONG_LIMIT)?);
    let extra_data = reader.span(HeaderField::ExtraData)?;
    let paid_fees = reader.paid_fees()?;
    let minimum_gas_price = reader
        .read(HeaderField::MinimumGasPrice, |item| Ok(signed_minimal(item.string()?)?.map(GasPrice::new)))?;
    let uncle_count = reader.unsigned(HeaderField::UncleCount, INT_LIMIT)? as u32;
    let umm_root = if has_umm_root { Some(reader.span(HeaderField::UmmRoot)?) } else { None };
    let merged_mining_end = reader.position();

    let mut hash_end = merged_mining_end;
    let mut proof = None;
    if field_count > without_proof {
        let bitcoin_header = reader.span(HeaderField::BitcoinHeader)?;
        hash_end = reader.position();
        let merkle_proof = reader.span(HeaderField::MerkleProof)?;
        let coinbase = reader.span(HeaderField::BitcoinCoinbase)?;
        if !activations.rskip92.is_active(number) {
            hash_end = reader.position();
        }
        check_proof_group(&bitcoin_header, &merkle_proof, &coinbase, number, activations)?;
        proof = Some(ProofSpans { bitcoin_header, merkle_proof, coinbase });
    }
    let spans = Spans { payload_start, merged_mining_end, hash_end, logs, extra_data, umm_root, proof };
    Ok(Parsed {
        parent_hash,
        uncles_hash,
        coinbase,
        state_root,
        transactions_root,
        receipts_root,
        difficulty,
        genesis_difficulty_padding,
        version,
        number,
        gas_limit,
        gas_used,
        timestamp,
        paid_fees,
        minimum_gas_price,
        uncle_count,
        spans,
    })
}

/// The seventh field: a bloom, or the version and hash of the extension. Gives the header's version.
fn read_logs(
    bytes: &[u8],
    activations: &Activations,
    number: BlockNumber,
    sizes: Sizes,
) -> Result<HeaderVersion, HeaderDecodeError> {
    let fault = |field| move |reason| HeaderDecodeError::Field { field, reason };
    if activations.header_version(number) != HeaderVersion::V0 {
        return read_extension_data(bytes, activations, number).map_err(fault(HeaderField::ExtensionData));
    }
    if sizes == Sizes::OfBlocks {
        check_bloom_size(bytes).map_err(fault(HeaderField::LogsBloom))?;
    }
    Ok(HeaderVersion::V0)
}

fn check_bloom_size(bytes: &[u8]) -> Result<(), FieldError> {
    if bytes.len() == LOGS_BLOOM_SIZE {
        return Ok(());
    }
    Err(RlpError::WrongSize { expected: LOGS_BLOOM_SIZE, actual: bytes.len() }.into())
}

/// A list of a version that the height allows and a hash. rskj looks at the first byte of the first entry alone.
fn read_extension_data(
    bytes: &[u8],
    activations: &Activations,
    number: BlockNumber,
) -> Result<HeaderVersion, FieldError> {
    let mut entries = Item::decode(bytes)?.list()?;
    let version = read_version(entries.next_item()?, activations, number)?;
    entries.next_item()?.array::<32>()?;
    entries.finish()?;
    Ok(version)
}

/// A version byte that the height allows.
pub(super) fn read_version(
    item: Item<'_>,
    activations: &Activations,
    number: BlockNumber,
) -> Result<HeaderVersion, FieldError> {
    let [actual] = item.array()?;
    let version = HeaderVersion::with_extension(actual);
    version.filter(|version| activations.allows_version(number, *version)).ok_or_else(|| {
        FieldError::WrongVersion { expected: activations.header_version(number).number(), actual }
    })
}

/// rskj writes the three fields only when one of them has bytes, and insists on 80 bytes of Bitcoin header
/// from RSKIP-98 on (`BtcHeaderSizeRule`).
fn check_proof_group(
    bitcoin_header: &Range<usize>,
    merkle_proof: &Range<usize>,
    coinbase: &Range<usize>,
    number: BlockNumber,
    activations: &Activations,
) -> Result<(), HeaderDecodeError> {
    let fault = |reason| Err(HeaderDecodeError::Field { field: HeaderField::BitcoinHeader, reason });
    if bitcoin_header.is_empty() && merkle_proof.is_empty() && coinbase.is_empty() {
        return fault(FieldError::EmptyProofGroup);
    }
    let size = bitcoin_header.len();
    let must_be_bitcoin = number != BlockNumber::GENESIS && activations.rskip98.is_active(number);
    if must_be_bitcoin && size != BITCOIN_HEADER_SIZE {
        return fault(RlpError::WrongSize { expected: BITCOIN_HEADER_SIZE, actual: size }.into());
    }
    Ok(())
}

/// A difficulty, and the zero bytes in front of it that only a genesis may have: rskj writes a genesis
/// difficulty as the bytes of its genesis file.
fn parse_difficulty(bytes: &[u8], number: BlockNumber) -> Result<(Difficulty, u8), FieldError> {
    if number == BlockNumber::GENESIS {
        let significant = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        let value = unsigned_from_be(&bytes[significant..]).ok_or(RlpError::IntegerTooLarge)?;
        let padding = u8::try_from(significant).map_err(|_| RlpError::IntegerTooLarge)?;
        return Ok((Difficulty::new(value), padding));
    }
    // 17 bytes hold a 128-bit value whose top bit is set: one sign byte more.
    if bytes.len() == 17 && bytes[0] == 0 {
        if bytes[1] & 0x80 == 0 {
            return Err(FieldError::RedundantSignByte);
        }
        let value = unsigned_from_be(&bytes[1..]).ok_or(RlpError::IntegerTooLarge)?;
        return Ok((Difficulty::new(value), 0));
    }
    // rskj reads an empty difficulty as null and keeps it so; no block of its has ever had one, and none can
    // pass the difficulty rule.
    let value = signed_minimal(bytes)?.ok_or(FieldError::Missing)?;
    let value = u128::try_from(value).map_err(|_| FieldError::Negative)?;
    Ok((Difficulty::new(value), 0))
}

/// Java's shortest two's complement, where zero is one zero byte; `None` for no bytes (rskj's null).
fn signed_minimal(bytes: &[u8]) -> Result<Option<i128>, FieldError> {
    let Some(first) = bytes.first() else { return Ok(None) };
    if bytes.len() > 16 {
        return Err(RlpError::IntegerTooLarge.into());
    }
    if let Some(second) = bytes.get(1) {
        let sign_is_redundant =
            (*first == 0x00 && second & 0x80 == 0) || (*first == 0xff && second & 0x80 != 0);
        if sign_is_redundant {
            return Err(FieldError::RedundantSignByte);
        }
    }
    let fill = if first & 0x80 == 0 { 0x00 } else { 0xff };
    let mut wide = [fill; 16];
    wide[16 - bytes.len()..].copy_from_slice(bytes);
    Ok(Some(i128::from_be_bytes(wide)))
}
