//! Made-up networks for tests: every activation within a few hundred blocks, at a difficulty that can be mined.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        activation::{Activation, Activations},
        number::{BlockNumber, Difficulty},
    },
};

use super::federation;

/// The public halves of the two keys that sign the generator's fallback blocks: of even heights, of odd ones.
pub fn fallback_keys() -> [[u8; 65]; 2] {
    federation::public_keys()
}

/// Mainnet's rules, upgrade after upgrade in mainnet's order, and then the header versions that testnet has
/// already: all within 600 blocks. Difficulty lies between 500 and a few thousand, and moves.
///
/// | height | what starts there |
/// | --- | --- |
/// | 1 | partial merkle trees, fallback blocks, the ten-minute reset |
/// | 100 | RSKIP-92, RSKIP-97, RSKIP-98 |
/// | 200 | RSKIP-110, RSKIP-126 |
/// | 280 | RSKIP-156, RSKIP-UMM |
/// | 340 | RSKIP-179, RSKIP-180 |
/// | 400 | RSKIP-290, RSKIP-297, which mainnet has no numbers for |
/// | 449 | fork-detection data |
/// | 500 | RSKIP-351, RSKIP-144: version 1 |
/// | 560 | RSKIP-535: version 2 |
pub fn eras() -> NetworkParams {
    let mut params = NetworkParams {
        name: "eras".to_owned(),
        chain_id: 36,
        network_id: 77_736,
        activations: Activations {
            rskip92: Activation::at(100),
            rskip97: Activation::at(100),
            rskip98: Activation::at(100),
            rskip110: Activation::at(200),
            rskip126: Activation::at(200),
            rskip144: Activation::at(500),
            rskip156: Activation::at(280),
            rskip179: Activation::at(340),
            rskip180: Activation::at(340),
            rskip290: Activation::at(400),
            rskip297: Activation::at(400),
            rskip351: Activation::at(500),
            rskip535: Activation::at(560),
            rskip_umm: Activation::at(280),
            base_event_required: Activation::GENESIS,
        },
        minimum_difficulty: Difficulty::new(500),
        fallback_mining_difficulty: Difficulty::new(1_000),
        fallback_keys: fallback_keys(),
        last_known_upgrade: BlockNumber::new(560),
        ..NetworkParams::simnet()
    };
    start_at(&mut params, 1_000);
    params
}

/// The test network's rules: modern from genesis on, the ten-minute reset for ever, a higher minimum difficulty
/// and a wider Bitcoin time bound later, and the range in which version-2 headers may lack their base event.
///
/// | height | what starts there |
/// | --- | --- |
/// | 60 | RSKIP-156, RSKIP-UMM |
/// | 120 | RSKIP-179, RSKIP-180 |
/// | 180 | RSKIP-290: the minimum rises from 500 to 800 |
/// | 240 | RSKIP-297 |
/// | 300 | RSKIP-351, RSKIP-144: version 1 |
/// | 480 | RSKIP-535: version 2 |
/// | 540 | the base event is required |
pub fn testnet_like() -> NetworkParams {
    let testnet = NetworkParams::testnet();
    let mut params = NetworkParams {
        name: "testnet-like".to_owned(),
        chain_id: 37,
        network_id: 77_737,
        boot_nodes: Vec::new(),
        activations: Activations {
            rskip144: Activation::at(300),
            rskip156: Activation::at(60),
            rskip179: Activation::at(120),
            rskip180: Activation::at(120),
            rskip290: Activation::at(180),
            rskip297: Activation::at(240),
            rskip351: Activation::at(300),
            rskip535: Activation::at(480),
            rskip_umm: Activation::at(60),
            base_event_required: Activation::at(540),
            ..testnet.activations
        },
        minimum_difficulty: Difficulty::new(500),
        minimum_difficulty_after_rskip290: Some(Difficulty::new(800)),
        last_known_upgrade: BlockNumber::new(540),
        genesis: NetworkParams::simnet().genesis,
        ..testnet
    };
    start_at(&mut params, 1_000);
    params
}

/// rskj's local network with its default configuration: version 2 and difficulty 1 from the first block on, no
/// timestamp rules.
pub fn regtest() -> NetworkParams {
    NetworkParams::regtest()
}

/// The same network with every difficulty 1: as fast to mine as can be, and branches weigh what they are long.
pub fn easy(mut params: NetworkParams) -> NetworkParams {
    params.minimum_difficulty = Difficulty::new(1);
    params.minimum_difficulty_after_rskip290 = None;
    start_at(&mut params, 1);
    params
}

/// The same network with every activation `times` as high: for long chains that spend time in every era.
pub fn stretched(mut params: NetworkParams, times: u64) -> NetworkParams {
    let rules = &mut params.activations;
    for rule in [
        &mut rules.rskip92,
        &mut rules.rskip97,
        &mut rules.rskip98,
        &mut rules.rskip110,
        &mut rules.rskip126,
        &mut rules.rskip144,
        &mut rules.rskip156,
        &mut rules.rskip179,
        &mut rules.rskip180,
        &mut rules.rskip290,
        &mut rules.rskip297,
        &mut rules.rskip351,
        &mut rules.rskip535,
        &mut rules.rskip_umm,
        &mut rules.base_event_required,
    ] {
        *rule = rule.first().map_or(*rule, |first| Activation::at(first.get() * times));
    }
    params.last_known_upgrade = BlockNumber::new(params.last_known_upgrade.get() * times);
    params
}

/// Gives the genesis a difficulty, in the five bytes that rskj's genesis files write.
fn start_at(params: &mut NetworkParams, difficulty: u16) {
    params.genesis.difficulty = Difficulty::new(difficulty.into());
    params.genesis.genesis_difficulty_padding = if difficulty > 0xff { 3 } else { 4 };
}
