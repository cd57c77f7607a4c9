//! Which heights of a network this release can judge: version-0 headers under mainnet's rules from wasabi on.
//!
//! RSKIP-92, 97, 98, 110 (must be active) and 351 (must not be). rskj has no such notion: it knows every era.

use super::params::NetworkParams;
use crate::primitives::number::BlockNumber;

/// The height lies in an era whose rules this release does not have. Says nothing about the header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules at height {height} are not supported yet{}", supported_from(.first_supported))]
pub struct EraNotSupported {
    /// The height.
    pub height: BlockNumber,
    /// The first height of the network whose rules are supported, if there is one.
    pub first_supported: Option<BlockNumber>,
}

fn supported_from(first: &Option<BlockNumber>) -> String {
    match first {
        Some(first) => format!(": heights from {first} on are"),
        None => " on this network".to_owned(),
    }
}

impl NetworkParams {
    /// The first height whose rules are supported, or `None` when no height's are.
    pub fn first_supported_height(&self) -> Option<BlockNumber> {
        let rules = &self.activations;
        let needed = [rules.rskip92, rules.rskip97, rules.rskip98, rules.rskip110];
        let first =
            needed.iter().try_fold(BlockNumber::GENESIS, |highest, rule| Some(highest.max(rule.first()?)))?;
        self.has_supported_rules(first).then_some(first)
    }

    /// True when every rule that holds at `height` is one that this release has.
    fn has_supported_rules(&self, height: BlockNumber) -> bool {
        let rules = &self.activations;
        let needed = [rules.rskip92, rules.rskip97, rules.rskip98, rules.rskip110];
        let has_test_network_constants = self.minimum_difficulty_after_rskip290.is_some()
            || self.bitcoin_time_bound_after_rskip297.is_some();
        needed.iter().all(|rule| rule.is_active(height))
            && !rules.rskip351.is_active(height)
            && !self.max_future.is_zero()
            && !has_test_network_constants
    }
}

/// Refuses heights whose rules are not supported.
///
/// # Errors
/// [`EraNotSupported`], with the first height that is.
pub fn check_era(params: &NetworkParams, height: BlockNumber) -> Result<(), EraNotSupported> {
    if params.has_supported_rules(height) {
        return Ok(());
    }
    Err(EraNotSupported { height, first_supported: params.first_supported_height() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitives::activation::Activation;

    #[test]
    fn mainnet_is_supported_from_wasabi_on() {
        let mainnet = NetworkParams::mainnet();
        let wasabi = BlockNumber::new(1_591_000);
        assert_eq!(mainnet.first_supported_height(), Some(wasabi));
        assert_eq!(check_era(&mainnet, wasabi), Ok(()));
        assert_eq!(check_era(&mainnet, BlockNumber::new(20_000_000)), Ok(()));
        let height = BlockNumber::new(1_590_999);
        let refusal = EraNotSupported { height, first_supported: Some(wasabi) };
        assert_eq!(check_era(&mainnet, height), Err(refusal.clone()));
        assert_eq!(
            refusal.to_string(),
            "the rules at height 1590999 are not supported yet: heights from 1591000 on are"
        );
    }

    #[test]
    fn simnet_is_supported_from_genesis_on_and_test_networks_nowhere() {
        let simnet = NetworkParams::simnet();
        assert_eq!(simnet.first_supported_height(), Some(BlockNumber::GENESIS));
        assert_eq!(check_era(&simnet, BlockNumber::GENESIS), Ok(()));
        for params in [NetworkParams::testnet(), NetworkParams::regtest()] {
            let height = BlockNumber::new(5_000_000);
            assert_eq!(params.first_supported_height(), None);
            assert_eq!(check_era(&params, height), Err(EraNotSupported { height, first_supported: None }));
        }
    }

    #[test]
    fn a_network_stops_being_supported_where_version_1_headers_start() {
        let mut params = NetworkParams::simnet();
        params.activations.rskip351 = Activation::at(100);
        assert_eq!(check_era(&params, BlockNumber::new(99)), Ok(()));
        assert!(check_era(&params, BlockNumber::new(100)).is_err());
        params.activations.rskip351 = Activation::GENESIS;
        assert_eq!(params.first_supported_height(), None);
    }
}
