//! The chain as values: records of verified blocks, changes to it, its in-memory tail, checkpoints.
//!
//! Pure. Imports `primitives` and `consensus`.

pub mod batch;
pub mod checkpoint;
pub mod record;
pub mod tail;
#[cfg(test)]
pub(crate) mod test_chain;
