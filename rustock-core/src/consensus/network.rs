//! Which Rootstock network: a name for each public one, parameters for any other.
//!
//! No RSKIP. Mirrors rskj's `--main`, `--testnet` and `--regtest` switches.

use core::{fmt, str::FromStr};
use std::sync::Arc;

use super::params::NetworkParams;

/// A network to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// The public main network.
    Mainnet,
    /// The public test network.
    Testnet,
    /// rskj's local network, with its default configuration.
    Regtest,
    /// The generator's offline network: mainnet's rules from genesis on at difficulty 1. For app developers
    /// and tests; never a default.
    Simnet,
    /// Any other network, by its parameters.
    Custom(Arc<NetworkParams>),
}

impl Network {
    /// The network's parameters.
    pub fn params(&self) -> Arc<NetworkParams> {
        match self {
            Self::Mainnet => Arc::new(NetworkParams::mainnet()),
            Self::Testnet => Arc::new(NetworkParams::testnet()),
            Self::Regtest => Arc::new(NetworkParams::regtest()),
            Self::Simnet => Arc::new(NetworkParams::simnet()),
            Self::Custom(params) => Arc::clone(params),
        }
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Regtest => "regtest",
            Self::Simnet => "simnet",
            Self::Custom(params) => &params.name,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown network {name:?}: use mainnet, testnet, regtest or simnet")]
pub struct UnknownNetwork {
    /// The text.
    pub name: String,
}

impl FromStr for Network {
    type Err = UnknownNetwork;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "mainnet" => Ok(Self::Mainnet),
            "testnet" => Ok(Self::Testnet),
            "regtest" => Ok(Self::Regtest),
            "simnet" => Ok(Self::Simnet),
            _ => Err(UnknownNetwork { name: name.to_owned() }),
        }
    }
}
