//! The test chain, on disk.

#[cfg(feature = "redb")]
use std::path::Path;

pub(crate) use crate::chain::test_chain::TestChain;
#[cfg(feature = "redb")]
use crate::{
    chain::test_chain::ACTIVATIONS,
    primitives::hash::BlockHash,
    store::{
        StoreError,
        redb::{OpenOptions, RedbStore},
    },
};

#[cfg(feature = "redb")]
impl TestChain {
    /// The on-disk store of this chain in `directory`.
    pub(crate) fn open(&self, directory: &Path) -> Result<RedbStore, StoreError> {
        RedbStore::open(directory, self.options())
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions::new("simnet", BlockHash::new([9; 32]), ACTIVATIONS, self.base().clone())
    }
}
