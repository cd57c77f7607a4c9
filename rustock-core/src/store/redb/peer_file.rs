//! What is remembered of peers, in a file of its own, so that no damage to it can cost a header, nor damage to the
//! chain a ban. `docs/store-format.md` has its bytes.
//!
//! The file is small and written as a whole: a change reads it, applies itself, and puts a new file in its place.
//! Each entry has its checksum and is read for itself. After a damaged one, the next one is where bytes begin to be
//! an entry again.

use super::{
    peer_codec::{decode_ban, decode_peer, encode_ban, encode_peer, encode_subject},
    tables::{Key, open_sealed, seal_bytes},
};
use crate::{
    primitives::{
        hash::NodeId,
        peer::{Ban, PeerRecord, SavedPeers},
    },
    store::{LostPeers, MAX_BAN_RECORDS, MAX_PEER_RECORDS, StoredPeers, Table},
};

/// What every file begins with.
const MAGIC: &[u8] = b"rustock peers 1\n";
/// What the checksum of the counts has for a key.
const COUNTS: Key<'_> = Key::Name("counts");
/// Both counts and their checksum.
const COUNTS_SIZE: usize = 12;
/// In front of an entry: its table, and the lengths of key and value.
const PREFIX_SIZE: usize = 4;
/// The longest value with its checksum, and some more. Keeps a search for the next entry short.
const MAX_VALUE: usize = 320;
/// More bytes than the most peers and bans can have.
pub(super) const MAX_FILE: usize = 1 << 20;

const RECORD: u8 = 7;
const BAN: u8 = 8;

/// The whole file.
pub(super) fn encode(saved: &SavedPeers) -> Vec<u8> {
    let (records, bans) =
        (truncated(&saved.records, MAX_PEER_RECORDS), truncated(&saved.bans, MAX_BAN_RECORDS));
    let counts = [records.len(), bans.len()].map(|count| (count as u32).to_be_bytes()).concat();
    let mut bytes = [MAGIC, &seal_bytes(Table::Peers, COUNTS, &counts)].concat();
    for record in records {
        append(&mut bytes, (RECORD, Table::Peers), record.id.as_bytes(), &encode_peer(record));
    }
    for ban in bans {
        append(&mut bytes, (BAN, Table::Bans), &encode_subject(&ban.subject), &encode_ban(ban));
    }
    bytes
}

fn truncated<T>(entries: &[T], most: usize) -> &[T] {
    &entries[..entries.len().min(most)]
}

fn append(bytes: &mut Vec<u8>, (kind, table): (u8, Table), key: &[u8], value: &[u8]) {
    let sealed = seal_bytes(table, Key::Bytes(key), value);
    bytes.extend([kind, key.len() as u8]);
    bytes.extend((sealed.len() as u16).to_be_bytes());
    bytes.extend(key);
    bytes.extend(sealed);
}

/// What can be read of a file, and how much of it cannot.
pub(super) fn decode(bytes: &[u8]) -> StoredPeers {
    let counts = counts(bytes);
    let mut rest = if counts.is_some() { &bytes[MAGIC.len() + COUNTS_SIZE..] } else { bytes };
    let mut saved = SavedPeers::default();
    while let [_, behind @ ..] = rest {
        match entry(rest) {
            Some((Entry::Record(record), behind)) => {
                saved.records.push(record);
                rest = behind;
            }
            Some((Entry::Ban(ban), behind)) => {
                saved.bans.push(ban);
                rest = behind;
            }
            None => rest = behind,
        }
    }
    saved.records.truncate(MAX_PEER_RECORDS);
    saved.bans.truncate(MAX_BAN_RECORDS);
    let lost = match counts {
        None => LostPeers { uncounted: true, ..LostPeers::default() },
        Some([records, bans]) => LostPeers {
            records: u64::from(records).saturating_sub(saved.records.len() as u64),
            bans: u64::from(bans).saturating_sub(saved.bans.len() as u64),
            uncounted: false,
        },
    };
    StoredPeers { saved, lost }
}

/// How many peers and bans the file was written with.
fn counts(bytes: &[u8]) -> Option<[u32; 2]> {
    let sealed = bytes.strip_prefix(MAGIC)?.get(..COUNTS_SIZE)?;
    let counts = open_sealed(Table::Peers, COUNTS, sealed).ok()?;
    let (records, bans) = counts.split_first_chunk::<4>()?;
    Some([u32::from_be_bytes(*records), u32::from_be_bytes(bans.try_into().ok()?)])
}

enum Entry {
    Record(PeerRecord),
    Ban(Ban),
}

/// The entry that `bytes` begin with, and what is behind it.
fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let ([kind, key, value @ ..], rest) = bytes.split_first_chunk::<PREFIX_SIZE>()?;
    let table = match *kind {
        RECORD => Table::Peers,
        BAN => Table::Bans,
        _ => return None,
    };
    let length = usize::from(u16::from_be_bytes(*value));
    let (key, rest) = rest.split_at_checked(usize::from(*key))?;
    let (sealed, behind) = rest.split_at_checked(length).filter(|_| length <= MAX_VALUE)?;
    let value = open_sealed(table, Key::Bytes(key), sealed).ok()?;
    let entry = match table {
        Table::Peers => Entry::Record(decode_peer(NodeId::try_from(key).ok()?, value)?),
        _ => Entry::Ban(decode_ban(key, value)?),
    };
    Some((entry, behind))
}
