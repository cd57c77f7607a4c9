//! What the store says of itself: schema, network, base. The first thing read, so its own form never changes:
//! a name, a value, the checksum of [`super::tables`].

use redb::{ReadableTable, Table as WriteTable};

use super::{
    fault::Fault,
    tables::{Key, corrupt, open_sealed, seal_bytes},
};
use crate::{
    chain::record::BlockId,
    primitives::{hash::BlockHash, number::BlockNumber},
    store::Table,
};

/// The schema this release reads and writes. `docs/store-format.md` has the history.
pub const SCHEMA_VERSION: u32 = 1;

pub(super) const SCHEMA: &str = "schema";
const NETWORK: &str = "network";
const GENESIS: &str = "genesis";
const BASE: &str = "base";
const FORK_DETECTION_FROM: &str = "fork_detection_from";
/// Entries of the table: one for each name above.
pub(super) const META_ENTRIES: u64 = 5;

/// What a store holds, as far as can be told without knowing its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Name of the network.
    pub network: String,
    /// Hash of the network's first block.
    pub genesis_hash: BlockHash,
    /// The block the stored chain starts at.
    pub base: BlockId,
}

pub(super) fn read_meta(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &'static str,
) -> Result<Option<Vec<u8>>, Fault> {
    let Some(value) = table.get(name)? else { return Ok(None) };
    Ok(Some(open_sealed(Table::Meta, Key::Name(name), value.value())?.to_vec()))
}

/// A value that every store has.
fn require_meta(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &'static str,
) -> Result<Vec<u8>, Fault> {
    read_meta(table, name)?.ok_or_else(|| corrupt(Table::Meta, Key::Name(name)))
}

fn write_meta(
    table: &mut WriteTable<'_, &'static str, &'static [u8]>,
    name: &'static str,
    value: &[u8],
) -> Result<(), Fault> {
    table.insert(name, seal_bytes(Table::Meta, Key::Name(name), value).as_slice())?;
    Ok(())
}

/// Where fork-detection data is checked from. There in every store, known or not: an optional entry whose name
/// is damaged would pass for an absent one.
pub(super) fn read_fork_detection_from(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Option<BlockNumber>, Fault> {
    let value = require_meta(table, FORK_DETECTION_FROM)?;
    match value.split_first_chunk::<8>() {
        Some((number, [is_known @ (0 | 1)])) => {
            Ok((*is_known == 1).then_some(BlockNumber::new(u64::from_be_bytes(*number))))
        }
        _ => Err(corrupt(Table::Meta, Key::Name(FORK_DETECTION_FROM))),
    }
}

pub(super) fn write_fork_detection_from(
    table: &mut WriteTable<'_, &'static str, &'static [u8]>,
    from: Option<BlockNumber>,
) -> Result<(), Fault> {
    let mut value = from.unwrap_or_default().get().to_be_bytes().to_vec();
    value.push(u8::from(from.is_some()));
    write_meta(table, FORK_DETECTION_FROM, &value)
}

pub(super) fn read_schema(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u32, Fault> {
    let value = require_meta(table, SCHEMA)?;
    let bytes = value.as_slice().try_into().map_err(|_| corrupt(Table::Meta, Key::Name(SCHEMA)))?;
    Ok(u32::from_be_bytes(bytes))
}

impl StoreIdentity {
    pub(super) fn read(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Self, Fault> {
        let malformed = |name| corrupt(Table::Meta, Key::Name(name));
        let network = String::from_utf8(require_meta(table, NETWORK)?).map_err(|_| malformed(NETWORK))?;
        let genesis = require_meta(table, GENESIS)?;
        let genesis_hash = BlockHash::try_from(genesis.as_slice()).map_err(|_| malformed(GENESIS))?;
        let base = require_meta(table, BASE)?;
        let (number, hash) = base.split_first_chunk::<8>().ok_or_else(|| malformed(BASE))?;
        let base = BlockId {
            number: BlockNumber::new(u64::from_be_bytes(*number)),
            hash: BlockHash::try_from(hash).map_err(|_| malformed(BASE))?,
        };
        Ok(Self { network, genesis_hash, base })
    }

    pub(super) fn write(&self, table: &mut WriteTable<'_, &'static str, &'static [u8]>) -> Result<(), Fault> {
        write_meta(table, SCHEMA, &SCHEMA_VERSION.to_be_bytes())?;
        write_meta(table, NETWORK, self.network.as_bytes())?;
        write_meta(table, GENESIS, self.genesis_hash.as_bytes())?;
        let mut base = self.base.number.get().to_be_bytes().to_vec();
        base.extend_from_slice(self.base.hash.as_bytes());
        write_meta(table, BASE, &base)?;
        write_fork_detection_from(table, None)
    }

    /// Network and genesis, for a person.
    pub(super) fn network_text(&self) -> String {
        format!("{} (genesis {})", self.network, self.genesis_hash)
    }
}
