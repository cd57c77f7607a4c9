//! Bytes that are almost a header: one thing about their form is wrong, which decoding has to notice.

use rlp::RlpStream;
use rustock_core::{
    consensus::error::Rule,
    primitives::{
        activation::HeaderVersion,
        header::{Header, LogsCommitment},
        rlp::Item,
    },
};

use super::chain::Chain;

/// Places among a header's fields.
const LOGS: usize = 6;
const DIFFICULTY: usize = 7;
const NUMBER: usize = 8;
const UNCLE_COUNT: usize = 15;

/// A way to break the form of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoilForm {
    /// The version beside the extension's hash is the other one. From version 1 on.
    Version,
    /// The extension's hash has 31 bytes. From version 1 on.
    ExtensionHashTooShort,
    /// Something follows the extension's hash. From version 1 on.
    ExtensionDataTooLong,
    /// A bloom stands where an extension's hash belongs, or the other way round.
    LogsOfOtherVersion,
    /// The uncle count is missing.
    FieldMissing,
    /// There is an empty field too many.
    FieldTooMany,
    /// The Bitcoin header has 79 bytes. From RSKIP-98 on.
    BitcoinHeaderTooShort,
    /// The Bitcoin header has 81 bytes. From RSKIP-98 on.
    BitcoinHeaderTooLong,
    /// The three fields of the proof are there and empty.
    ProofEmpty,
    /// The height has a zero byte in front.
    NumberPadded,
    /// The difficulty has a zero byte in front that it does not need.
    DifficultyPadded,
    /// A byte follows the header.
    BytesAfter,
}

impl SpoilForm {
    /// Every way.
    pub const ALL: [Self; 12] = [
        Self::Version,
        Self::ExtensionHashTooShort,
        Self::ExtensionDataTooLong,
        Self::LogsOfOtherVersion,
        Self::FieldMissing,
        Self::FieldTooMany,
        Self::BitcoinHeaderTooShort,
        Self::BitcoinHeaderTooLong,
        Self::ProofEmpty,
        Self::NumberPadded,
        Self::DifficultyPadded,
        Self::BytesAfter,
    ];

    /// The rule that has to notice.
    pub const fn rule(self) -> Rule {
        Rule::Decode
    }

    fn apply(self, header: &Header, is_only_mined: bool) -> Option<Vec<u8>> {
        let mut items = items(header);
        let proof = items.len() - 3;
        let extension = match header.logs() {
            LogsCommitment::Bloom(_) => None,
            LogsCommitment::Extension { version, hash } => Some((version.number(), hash)),
        };
        match self {
            Self::Version => {
                let (version, hash) = extension?;
                items[LOGS] = extension_data(version ^ 3, hash.as_ref(), 2);
            }
            Self::ExtensionHashTooShort => {
                let (version, hash) = extension?;
                items[LOGS] = extension_data(version, &hash.as_bytes()[..31], 2);
            }
            Self::ExtensionDataTooLong => {
                let (version, hash) = extension?;
                items[LOGS] = extension_data(version, hash.as_ref(), 3);
            }
            Self::LogsOfOtherVersion if header.version() == HeaderVersion::V0 => {
                items[LOGS] = extension_data(1, &[0x77; 32], 2);
            }
            Self::LogsOfOtherVersion => items[LOGS] = string(&[0; 256]),
            Self::FieldMissing => drop(items.remove(UNCLE_COUNT)),
            Self::FieldTooMany => items.insert(UNCLE_COUNT, string(&[])),
            Self::BitcoinHeaderTooShort | Self::BitcoinHeaderTooLong if !is_only_mined => return None,
            Self::BitcoinHeaderTooShort => items[proof] = string(&content(&items[proof])[1..]),
            Self::BitcoinHeaderTooLong => {
                items[proof] = string(&[&content(&items[proof])[..], &[0]].concat())
            }
            Self::ProofEmpty => items[proof..].fill(string(&[])),
            Self::NumberPadded => items[NUMBER] = padded(&items[NUMBER]),
            Self::DifficultyPadded => items[DIFFICULTY] = padded(&items[DIFFICULTY]),
            Self::BytesAfter => return Some([header.raw(), &[0]].concat()),
        }
        let mut list = RlpStream::new_list(items.len());
        for item in &items {
            list.append_raw(item, 1);
        }
        Some(list.out().to_vec())
    }
}

impl Chain {
    /// The header at `number` with one thing wrong about its form. `None` where the height has no such form.
    ///
    /// # Panics
    /// At genesis, and when the chain does not reach up to `number`.
    pub fn spoiled_form(&self, number: u64, spoil: SpoilForm) -> Option<Vec<u8>> {
        assert_ne!(number, 0, "a genesis has a form of its own");
        let header = self.header(number).expect("the chain reaches up to there");
        spoil.apply(header, self.params().activations.rskip98.is_active(header.number()))
    }
}

/// The encoded fields of a header.
fn items(header: &Header) -> Vec<Vec<u8>> {
    let mut fields = Item::decode(header.raw()).and_then(|item| item.list()).expect("a header is a list");
    let mut items = Vec::new();
    while !fields.is_empty() {
        items.push(fields.next_item().expect("a header is canonical").encoded().to_vec());
    }
    items
}

fn string(content: &[u8]) -> Vec<u8> {
    rlp::encode(&content).to_vec()
}

fn content(item: &[u8]) -> Vec<u8> {
    Item::decode(item).and_then(|item| item.string()).expect("a header's fields are strings").to_vec()
}

fn padded(item: &[u8]) -> Vec<u8> {
    string(&[&[0][..], &content(item)].concat())
}

/// The seventh field: a list of version, hash and, for a third entry, something else.
fn extension_data(version: u8, hash: &[u8], entries: usize) -> Vec<u8> {
    let mut list = RlpStream::new_list(entries);
    list.append(&version);
    list.append(&hash);
    if entries > 2 {
        list.append(&1u8);
    }
    string(&list.out())
}
