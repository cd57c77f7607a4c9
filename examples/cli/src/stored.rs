//! Opening a data directory of which only the path is known.

use std::path::Path;

use rustock_core::{
    Network,
    chain::{batch::BlockEntry, record::BlockRecord},
    consensus::params::NetworkParams,
    primitives::{
        header::Header,
        number::{BlockNumber, CumulativeDifficulty},
    },
    store::{
        StoreView,
        redb::{OpenOptions, RedbStore, StoreIdentity},
    },
};

use crate::exit::Failure;

/// An open store and whose chain it is.
pub struct Stored {
    /// Network name, genesis and base.
    pub identity: StoreIdentity,
    /// The network's parameters.
    pub params: NetworkParams,
    /// The store.
    pub store: RedbStore,
}

/// Whose chain the store in `directory` holds; makes none.
pub fn identify(directory: &Path) -> Result<StoreIdentity, Failure> {
    let in_directory =
        |reason: &dyn core::fmt::Display| Failure::new(format!("{}: {reason}", directory.display()));
    RedbStore::identify(directory)
        .map_err(|error| in_directory(&error))?
        .ok_or_else(|| in_directory(&"there is no Rustock store in this directory"))
}

impl Stored {
    /// Opens the store in `directory`; makes none.
    pub fn open(directory: &Path) -> Result<Self, Failure> {
        let in_directory =
            |reason: &dyn core::fmt::Display| Failure::new(format!("{}: {reason}", directory.display()));
        let identity = identify(directory)?;
        let network: Network = identity.network.parse().map_err(|error| in_directory(&error))?;
        let params = (*network.params()).clone();
        let genesis = params.genesis_header().expect("the genesis of a named network is a header");
        let base = BlockEntry {
            record: BlockRecord::new(&genesis, CumulativeDifficulty::new(genesis.difficulty().get()), 0),
            header: genesis.clone(),
        };
        let options =
            OpenOptions::new(identity.network.clone(), genesis.hash(), params.activations.clone(), base);
        let store = RedbStore::open(directory, options).map_err(|error| in_directory(&error))?;
        Ok(Self { identity, params, store })
    }

    /// The canonical header at a height, decoded.
    pub fn header(&self, number: BlockNumber) -> Result<Option<Header>, Failure> {
        let Some(raw) = self.store.wire(number).map_err(|error| Failure::new(error.to_string()))? else {
            return Ok(None);
        };
        Header::decode(&raw, &self.params.activations).map(Some).map_err(|error| {
            Failure::new(format!("the stored header at height {number} is damaged: {error}"))
        })
    }
}
