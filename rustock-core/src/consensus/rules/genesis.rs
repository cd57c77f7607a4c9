//! The first block is not validated: it is the network's, or it is wrong.
//!
//! No RSKIP. Mirrors rskj's `BlockChainLoader`, which compares hashes.

use crate::{
    consensus::{error::HeaderError, params::NetworkParams},
    primitives::header::Header,
};

/// The header is the network's genesis.
///
/// # Errors
/// [`HeaderError::Genesis`]; [`HeaderError::Decode`] when a custom network's genesis makes no header.
pub fn check(header: &Header, params: &NetworkParams) -> Result<(), HeaderError> {
    let expected = params.genesis_header().map_err(HeaderError::Decode)?.hash();
    let seen = header.hash();
    if seen == expected { Ok(()) } else { Err(HeaderError::Genesis { expected, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_accepts_its_own_genesis_only() {
        let mainnet = NetworkParams::mainnet();
        let genesis = mainnet.genesis_header().unwrap();
        assert_eq!(check(&genesis, &mainnet), Ok(()));
        let simnet = NetworkParams::simnet();
        let expected = simnet.genesis_header().unwrap().hash();
        assert_eq!(check(&genesis, &simnet), Err(HeaderError::Genesis { expected, seen: genesis.hash() }));
    }
}
