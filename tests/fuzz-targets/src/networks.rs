//! The networks that an input can choose.

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        activation::{Activation, Activations, HeaderVersion},
        number::BlockNumber,
    },
};

/// The network of a target's first byte: the three public ones, the offline one, or [`small_steps`].
pub fn chosen_by(byte: u8) -> NetworkParams {
    match byte {
        0 => NetworkParams::mainnet(),
        1 => NetworkParams::testnet(),
        2 => NetworkParams::regtest(),
        3 => NetworkParams::simnet(),
        _ => small_steps(),
    }
}

/// True when a header at a height may be of a version. Where rskj still reads headers of version 2 that lack their base
/// event, it reads version 1 as well.
pub fn may_be(version: HeaderVersion, activations: &Activations, number: BlockNumber) -> bool {
    let has_extension = number != BlockNumber::GENESIS && activations.rskip351.is_active(number);
    let has_base_event = has_extension && activations.rskip535.is_active(number);
    let needs_base_event = has_base_event && activations.base_event_required.is_active(number);
    match version {
        HeaderVersion::V0 => !has_extension,
        HeaderVersion::V1 => has_extension && !needs_base_event,
        HeaderVersion::V2 => has_base_event,
    }
}

/// A network that goes through every layout of a header within its first sixteen blocks.
fn small_steps() -> NetworkParams {
    NetworkParams {
        name: "small steps".to_owned(),
        activations: Activations {
            rskip92: Activation::at(2),
            rskip97: Activation::at(2),
            rskip98: Activation::at(3),
            rskip110: Activation::at(4),
            rskip144: Activation::at(8),
            rskip156: Activation::at(5),
            rskip179: Activation::at(6),
            rskip180: Activation::at(6),
            rskip290: Activation::at(7),
            rskip297: Activation::at(7),
            rskip351: Activation::at(7),
            rskip535: Activation::at(10),
            rskip_umm: Activation::at(5),
            base_event_required: Activation::at(13),
            ..NetworkParams::simnet().activations
        },
        ..NetworkParams::simnet()
    }
}
