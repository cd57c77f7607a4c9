//! The two tables that are not about the chain: peers and bans. They come into being with their first entry, and
//! damage to them costs what they hold, never a header.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, TableHandle};

use super::{
    fault::Fault,
    peer_codec::{decode_ban, decode_peer, encode_ban, encode_peer, encode_subject},
    tables::{Key, corrupt, open_sealed, seal_bytes},
    write::begin,
};
use crate::{
    primitives::{
        hash::NodeId,
        peer::{PeerBatch, SavedPeers},
    },
    store::{MAX_BAN_RECORDS, MAX_PEER_RECORDS, Table},
};

pub(super) const PEERS: TableDefinition<&[u8; NodeId::SIZE], &[u8]> =
    TableDefinition::new(Table::Peers.name());
pub(super) const BANS: TableDefinition<&[u8], &[u8]> = TableDefinition::new(Table::Bans.name());

/// Everything in the two tables.
pub(super) fn read_peers(database: &Database) -> Result<SavedPeers, Fault> {
    let transaction = database.begin_read()?;
    let mut saved = SavedPeers::default();
    if let Some(table) = existing(transaction.open_table(PEERS))? {
        for entry in table.iter()?.take(MAX_PEER_RECORDS) {
            let (id, value) = entry?;
            let key = Key::Bytes(id.value());
            let bytes = open_sealed(Table::Peers, key, value.value())?;
            let record = decode_peer(NodeId::new(*id.value()), bytes);
            saved.records.push(record.ok_or_else(|| corrupt(Table::Peers, key))?);
        }
    }
    if let Some(table) = existing(transaction.open_table(BANS))? {
        for entry in table.iter()?.take(MAX_BAN_RECORDS) {
            let (subject, value) = entry?;
            let key = Key::Bytes(subject.value());
            let bytes = open_sealed(Table::Bans, key, value.value())?;
            let ban = decode_ban(subject.value(), bytes);
            saved.bans.push(ban.ok_or_else(|| corrupt(Table::Bans, key))?);
        }
    }
    Ok(saved)
}

/// Applies a batch durably, or changes nothing. `anew` drops what is there first.
pub(super) fn commit_peers(database: &Database, batch: &PeerBatch, anew: bool) -> Result<(), Fault> {
    let transaction = begin(database)?;
    if anew {
        let damaged: Vec<_> = transaction
            .list_tables()?
            .filter(|table| [PEERS.name(), BANS.name()].contains(&table.name()))
            .collect();
        for table in damaged {
            transaction.delete_table(table)?;
        }
    }
    {
        let mut peers = transaction.open_table(PEERS)?;
        for id in &batch.forgotten {
            peers.remove(id.as_bytes())?;
        }
        for record in &batch.records {
            let key = record.id.as_bytes();
            let sealed = seal_bytes(Table::Peers, Key::Bytes(key), &encode_peer(record));
            peers.insert(key, sealed.as_slice())?;
        }
        let mut bans = transaction.open_table(BANS)?;
        for subject in &batch.lifted {
            bans.remove(encode_subject(subject).as_slice())?;
        }
        for ban in &batch.bans {
            let key = encode_subject(&ban.subject);
            let sealed = seal_bytes(Table::Bans, Key::Bytes(&key), &encode_ban(ban));
            bans.insert(key.as_slice(), sealed.as_slice())?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// A table, unless nothing was ever written to it.
fn existing<T>(table: Result<T, TableError>) -> Result<Option<T>, Fault> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
