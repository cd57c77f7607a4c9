//! What differs between networks, written out.

use num_bigint::BigInt;

use super::hex_bytes;

/// Everything that a network decides. Heights are inclusive; -1 is never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaiveParams {
    /// Block hash without proof and coinbase; merkle proofs as plain lists of siblings.
    pub rskip92: i64,
    /// No drop of the difficulty after 600 seconds.
    pub rskip97: i64,
    /// No blocks signed by the federation; Bitcoin headers of 80 bytes.
    pub rskip98: i64,
    /// Fork-detection data.
    pub rskip110: i64,
    /// Unitrie node encoding. Decides nothing in a header by itself; kept so that a network is complete.
    pub rskip126: i64,
    /// Edges of parallel execution, together with RSKIP-351.
    pub rskip144: i64,
    /// Smaller difficulty steps.
    pub rskip156: i64,
    /// Bitcoin time close to block time.
    pub rskip179: i64,
    /// Merkle proofs of at most 960 bytes.
    pub rskip180: i64,
    /// Another minimum difficulty.
    pub rskip290: i64,
    /// Another bound of the Bitcoin time.
    pub rskip297: i64,
    /// Header version 1.
    pub rskip351: i64,
    /// Header version 2, together with RSKIP-351.
    pub rskip535: i64,
    /// The field `ummRoot`.
    pub rskip_umm: i64,
    /// Wanted seconds between blocks.
    pub duration_limit: i32,
    /// Difficulty steps are one part in this many.
    pub difficulty_divisor: u32,
    /// The same from RSKIP-156 on.
    pub difficulty_divisor_after_rskip156: u32,
    /// Lowest difficulty.
    pub minimum_difficulty: BigInt,
    /// The same from RSKIP-290 on.
    pub minimum_difficulty_after_rskip290: BigInt,
    /// How far a block may be ahead of the clock, in seconds; 0 turns every timestamp rule off.
    pub max_future_seconds: u64,
    /// Bitcoin time and block time differ by less than this many seconds.
    pub bitcoin_time_bound: u64,
    /// The same from RSKIP-297 on.
    pub bitcoin_time_bound_after_rskip297: u64,
    /// Above this difficulty no federation-signed block is taken.
    pub fallback_difficulty: BigInt,
    /// Public key, uncompressed, that signs blocks of even height.
    pub fallback_key_even: Vec<u8>,
    /// Public key, uncompressed, that signs blocks of odd height.
    pub fallback_key_odd: Vec<u8>,
    /// Below this height a full version-2 header may lack its base event; 0 for never.
    pub base_event_window_end: u64,
    /// Lowest gas limit.
    pub minimum_gas_limit: u64,
}

impl NaiveParams {
    /// The main network.
    pub fn mainnet() -> Self {
        Self {
            rskip92: 729_000,
            rskip97: 729_000,
            rskip98: 729_000,
            rskip110: 1_591_000,
            rskip126: 1_591_000,
            rskip144: -1,
            rskip156: 2_392_700,
            rskip179: 3_614_800,
            rskip180: 3_614_800,
            rskip290: 4_598_500,
            rskip297: 4_598_500,
            rskip351: -1,
            rskip535: -1,
            rskip_umm: 2_392_700,
            duration_limit: 14,
            difficulty_divisor: 50,
            difficulty_divisor_after_rskip156: 400,
            minimum_difficulty: BigInt::from(7_000_000_000_000_000_u64),
            minimum_difficulty_after_rskip290: BigInt::from(7_000_000_000_000_000_u64),
            max_future_seconds: 60,
            bitcoin_time_bound: 300,
            bitcoin_time_bound_after_rskip297: 300,
            fallback_difficulty: BigInt::from(14_000_000_000_000_000_u64),
            fallback_key_even: hex_bytes(concat!(
                "041e2b148c024770e19c4f31db2233cac791583df95b4d14a5e9fd4b38dc8254b3",
                "048f937f169446b19d2eca40db1dd93fab34c0cd8a310afd6e6211f9a89e4bca"
            )),
            fallback_key_odd: hex_bytes(concat!(
                "04b55031870df5de88bdb84f65bd1c6f8331c633e759caa5ac7cad3fa4f8a36791",
                "e995804bba1558ddcf330a67ff5bfa253fa1d8789735f97a97e849686527976e"
            )),
            base_event_window_end: 0,
            minimum_gas_limit: 3_000_000,
        }
    }

    /// The public test network.
    pub fn testnet() -> Self {
        Self {
            rskip92: 0,
            rskip97: -1,
            rskip98: 0,
            rskip110: 0,
            rskip126: 0,
            rskip144: 7_139_600,
            rskip156: 863_000,
            rskip179: 2_060_500,
            rskip180: 2_060_500,
            rskip290: 2_581_800,
            rskip297: 3_103_000,
            rskip351: 7_139_600,
            rskip535: 7_604_200,
            rskip_umm: 863_000,
            minimum_difficulty: BigInt::from(131_072),
            minimum_difficulty_after_rskip290: BigInt::from(550_000_000),
            max_future_seconds: 540,
            bitcoin_time_bound_after_rskip297: 7200,
            base_event_window_end: 7_800_000,
            ..Self::mainnet()
        }
    }

    /// A local network.
    pub fn regtest() -> Self {
        Self {
            rskip92: 0,
            rskip97: -1,
            rskip98: 0,
            rskip110: 0,
            rskip126: 0,
            rskip144: 1,
            rskip156: 0,
            rskip179: 0,
            rskip180: 0,
            rskip290: 0,
            rskip297: 0,
            rskip351: 1,
            rskip535: 1,
            rskip_umm: 1,
            duration_limit: 10,
            difficulty_divisor: 2048,
            difficulty_divisor_after_rskip156: 2048,
            minimum_difficulty: BigInt::from(1),
            minimum_difficulty_after_rskip290: BigInt::from(1),
            max_future_seconds: 0,
            fallback_difficulty: BigInt::from(0),
            ..Self::mainnet()
        }
    }

    /// The header version that belongs to a height.
    pub fn version_at(&self, number: u64) -> u8 {
        match (active(self.rskip351, number), active(self.rskip535, number)) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        }
    }

    /// The bytes of fork-detection data are part of the hash for merged mining.
    pub fn has_fork_detection_data(&self, number: u64) -> bool {
        active(self.rskip110, number) && number >= 449
    }
}

/// A rule with this activation height is in force at `number`.
pub fn active(activation: i64, number: u64) -> bool {
    activation >= 0 && i128::from(activation) <= i128::from(number)
}

#[cfg(test)]
mod tests {
    use super::{NaiveParams, active};

    #[test]
    fn a_rule_is_in_force_from_its_height_on_and_minus_one_is_never() {
        assert!(!active(10, 9));
        assert!(active(10, 10));
        assert!(active(0, 0));
        assert!(!active(-1, 0));
        assert!(!active(-1, u64::MAX));
    }

    #[test]
    fn versions_follow_the_heights() {
        let testnet = NaiveParams::testnet();
        let versions = [7_139_599, 7_139_600, 7_604_199, 7_604_200].map(|number| testnet.version_at(number));
        assert_eq!(versions, [0, 1, 1, 2]);
        assert_eq!(NaiveParams::mainnet().version_at(u64::MAX), 0);
    }
}
