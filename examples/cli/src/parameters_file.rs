//! A network's parameters as a file: one JSON object, as rskj's recorded runs have it. `docs/cli.md` lists the
//! fields.
//!
//! rskj decides some constants by chain id, and so does this: the difficulty divisor of RSKIP-156, the minimum of
//! RSKIP-290 and the bound of RSKIP-297.

mod error;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::{fs::File, io::Read, path::Path};

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::{
        activation::{Activation, Activations},
        header::{Header, HeaderFields},
        number::{BlockNumber, Difficulty},
    },
};
use serde_json::{Map, Value};

pub use self::error::{Kind, ParametersError};
use crate::exit::{Exit, Failure};

/// A file is a few hundred bytes, and a genesis header a few hundred more.
const MAX_BYTES: u64 = 1 << 20;
/// rskj's `Constants.REGTEST_CHAIN_ID`.
const REGTEST_CHAIN_ID: u32 = 33;
/// The chain ids whose networks rskj gives RSKIP-290's minimum and RSKIP-297's bound.
const TEST_NETWORK_CHAIN_IDS: [u32; 2] = [31, 34];
/// The divisor from RSKIP-156 on, except on regtest.
const DIVISOR_AFTER_RSKIP156: u32 = 400;
/// What a parameters file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParametersFile {
    /// The parameters.
    pub params: NetworkParams,
    /// False when the file names no genesis; the one in `params` is then that of another network.
    pub has_genesis: bool,
    /// Fields that the file leaves to the public network of its chain id.
    pub left_out: Vec<String>,
}

/// Reads and parses the file.
///
/// # Errors
/// Exit code 2, with the file's name and what is wrong.
pub fn read(path: &Path) -> Result<ParametersFile, Failure> {
    let unreadable =
        |text: String| Failure::with(Exit::Unreadable, format!("parameters file {}: {text}", path.display()));
    let file = File::open(path).map_err(|error| unreadable(format!("cannot open: {error}")))?;
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|error| unreadable(format!("cannot read: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unreadable(format!("longer than {MAX_BYTES} bytes")));
    }
    parse(&text).map_err(|error| unreadable(error.to_string()))
}

/// Parses the text of a file.
///
/// # Errors
/// [`ParametersError`] for the first mistake.
pub fn parse(text: &[u8]) -> Result<ParametersFile, ParametersError> {
    let value: Value =
        serde_json::from_slice(text).map_err(|error| ParametersError::NotJson(error.to_string()))?;
    let Value::Object(map) = &value else {
        return Err(ParametersError::NotAnObject { seen: Kind::from(&value) });
    };
    let mut fields = Fields { map, left_out: Vec::new() };
    let chain_id = chain_id(&mut fields)?;
    let public = public_network(chain_id);
    let params = parameters(&mut fields, chain_id, public.as_ref())?;
    let genesis = genesis(&fields, &params.activations)?;
    let has_genesis = genesis.is_some();
    let genesis = genesis.unwrap_or_else(|| params.genesis.clone());
    Ok(ParametersFile { params: NetworkParams { genesis, ..params }, has_genesis, left_out: fields.left_out })
}

/// The file's chain id; without one, that of the public network it names.
fn chain_id(fields: &mut Fields<'_>) -> Result<u32, ParametersError> {
    if let Some(chain_id) = fields.whole("chain_id", u32::MAX.into())? {
        return Ok(chain_id as u32);
    }
    let by_name = match fields.text("network")? {
        Some("mainnet") => NetworkParams::mainnet(),
        Some("testnet") => NetworkParams::testnet(),
        Some("regtest") => NetworkParams::regtest(),
        _ => return Err(ParametersError::Missing { field: "chain_id".to_owned() }),
    };
    fields.left_out.push("chain_id".to_owned());
    Ok(by_name.chain_id)
}

fn public_network(chain_id: u32) -> Option<NetworkParams> {
    [NetworkParams::mainnet(), NetworkParams::testnet(), NetworkParams::regtest()]
        .into_iter()
        .find(|params| params.chain_id == chain_id)
}

fn parameters(
    fields: &mut Fields<'_>,
    chain_id: u32,
    public: Option<&NetworkParams>,
) -> Result<NetworkParams, ParametersError> {
    let network_id = fields.number("network_id", 0, public.map(|params| params.network_id))?;
    let target_block_seconds =
        fields.number("duration_limit", 1, public.map(|params| params.target_block_seconds))?;
    let divisor =
        fields.number("difficulty_bound_divisor", 1, public.map(|params| params.difficulty_divisor))?;
    let minimum_difficulty = minimum_difficulty(fields, public)?;
    let max_future = fields.number(
        "new_block_max_seconds_in_the_future",
        0,
        public.map(|params| params.max_future.as_secs() as u32),
    )?;
    let activations = activations(fields, public)?;
    let base = public.cloned().unwrap_or_else(NetworkParams::mainnet);
    let is_regtest = chain_id == REGTEST_CHAIN_ID;
    let of_test_networks =
        if TEST_NETWORK_CHAIN_IDS.contains(&chain_id) { Some(NetworkParams::testnet()) } else { None };
    let of_test_networks = of_test_networks.as_ref();
    Ok(NetworkParams {
        name: name(fields)?,
        chain_id,
        network_id,
        boot_nodes: Vec::new(),
        activations,
        target_block_seconds,
        minimum_difficulty,
        minimum_difficulty_after_rskip290: of_test_networks
            .and_then(|params| params.minimum_difficulty_after_rskip290),
        difficulty_divisor: divisor,
        difficulty_divisor_after_rskip156: if is_regtest { divisor } else { DIVISOR_AFTER_RSKIP156 },
        max_future: Duration::from_secs(max_future.into()),
        bitcoin_time_bound_after_rskip297: of_test_networks
            .and_then(|params| params.bitcoin_time_bound_after_rskip297),
        minimum_gas_limit: fields.or("min_gas_limit", 0, base.minimum_gas_limit)?,
        gas_limit_bound_divisor: fields.or("gas_limit_bound_divisor", 1, base.gas_limit_bound_divisor)?,
        maximum_extra_data: fields.or("max_extra_data", 0, base.maximum_extra_data)?,
        uncle_list_limit: fields.or("uncle_list_limit", 0, base.uncle_list_limit)?,
        uncle_generation_limit: fields.or("uncle_generation_limit", 1, base.uncle_generation_limit)?,
        fallback_mining_difficulty: fields
            .difficulty("fallback_mining_difficulty", 0)?
            .unwrap_or(base.fallback_mining_difficulty),
        // The file says which layouts there are: a header of another one is wrong, and not newer.
        last_known_upgrade: BlockNumber::new(u64::MAX),
        ..base
    })
}

/// The run's name, or the network's; never that of a network which is known by name.
fn name(fields: &Fields<'_>) -> Result<String, ParametersError> {
    let run = fields.text("run")?;
    let network = fields.text("network")?;
    let name = run.or(network).unwrap_or("custom");
    let is_taken = name.parse::<rustock_core::Network>().is_ok();
    Ok(if is_taken { format!("custom {name}") } else { name.to_owned() })
}

fn minimum_difficulty(
    fields: &mut Fields<'_>,
    public: Option<&NetworkParams>,
) -> Result<Difficulty, ParametersError> {
    const FIELD: &str = "minimum_difficulty";
    match (fields.difficulty(FIELD, 1)?, public) {
        (Some(minimum), _) => Ok(minimum),
        (None, Some(public)) => {
            fields.left_out.push(FIELD.to_owned());
            Ok(public.minimum_difficulty)
        }
        (None, None) => Err(ParametersError::Missing { field: FIELD.to_owned() }),
    }
}

/// The activations by the names that rskj's records use.
const ACTIVATION_NAMES: [&str; 14] = [
    "rskip92", "rskip97", "rskip98", "rskip110", "rskip126", "rskip144", "rskip156", "rskip179", "rskip180",
    "rskip290", "rskip297", "rskip351", "rskip535", "rskipumm",
];

fn activations(
    fields: &mut Fields<'_>,
    public: Option<&NetworkParams>,
) -> Result<Activations, ParametersError> {
    const FIELD: &str = "activation_heights";
    let heights = match fields.map.get(FIELD) {
        Some(Value::Object(heights)) => heights,
        Some(other) => {
            let seen = Kind::from(other);
            return Err(ParametersError::WrongType { field: FIELD.to_owned(), expected: "an object", seen });
        }
        None => return Err(ParametersError::Missing { field: FIELD.to_owned() }),
    };
    if let Some(name) = heights.keys().find(|name| !ACTIVATION_NAMES.contains(&name.as_str())) {
        return Err(ParametersError::UnknownActivation { name: name.clone() });
    }
    let mut at = |name: &str, public: Option<Activation>| {
        let field = format!("{FIELD}.{name}");
        match (heights.get(name), public) {
            (Some(height), _) => activation(field, height),
            (None, Some(activation)) => {
                fields.left_out.push(field);
                Ok(activation)
            }
            (None, None) => Err(ParametersError::Missing { field }),
        }
    };
    let public = public.map(|params| &params.activations);
    Ok(Activations {
        rskip92: at("rskip92", public.map(|known| known.rskip92))?,
        rskip97: at("rskip97", public.map(|known| known.rskip97))?,
        rskip98: at("rskip98", public.map(|known| known.rskip98))?,
        rskip110: at("rskip110", public.map(|known| known.rskip110))?,
        rskip126: at("rskip126", public.map(|known| known.rskip126))?,
        rskip144: at("rskip144", public.map(|known| known.rskip144))?,
        rskip156: at("rskip156", public.map(|known| known.rskip156))?,
        rskip179: at("rskip179", public.map(|known| known.rskip179))?,
        rskip180: at("rskip180", public.map(|known| known.rskip180))?,
        rskip290: at("rskip290", public.map(|known| known.rskip290))?,
        rskip297: at("rskip297", public.map(|known| known.rskip297))?,
        rskip351: at("rskip351", public.map(|known| known.rskip351))?,
        rskip535: at("rskip535", public.map(|known| known.rskip535))?,
        rskip_umm: at("rskipumm", public.map(|known| known.rskip_umm))?,
        // By chain id in rskj, and not among the heights of a file.
        base_event_required: public.map_or(Activation::GENESIS, |known| known.base_event_required),
    })
}

fn activation(field: String, height: &Value) -> Result<Activation, ParametersError> {
    let expected = "a height, or -1 for never";
    match height {
        Value::Number(number) => match number.as_i64() {
            Some(height) if height >= -1 => Ok(Activation::from_rskj(height)),
            _ => {
                let seen = number.to_string();
                Err(ParametersError::OutOfRange { field, expected: expected.to_owned(), seen })
            }
        },
        other => Err(ParametersError::WrongType { field, expected, seen: Kind::from(other) }),
    }
}

/// The genesis header, in wire or full form.
fn genesis(fields: &Fields<'_>, activations: &Activations) -> Result<Option<HeaderFields>, ParametersError> {
    let Some(text) = fields.text("genesis")? else { return Ok(None) };
    let raw = hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|error| ParametersError::Genesis(format!("not hex: {error}")))?;
    let header =
        Header::decode(&raw, activations).map_err(|error| ParametersError::Genesis(error.to_string()))?;
    if header.number() != BlockNumber::GENESIS {
        let reason = format!("its height is {} and not 0", header.number());
        return Err(ParametersError::Genesis(reason));
    }
    Ok(Some(HeaderFields::of(&header)))
}

/// The object's fields, with a note of those it does not have.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    left_out: Vec<String>,
}

impl<'a> Fields<'a> {
    fn text(&self, field: &str) -> Result<Option<&'a str>, ParametersError> {
        match self.map.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(ParametersError::WrongType {
                field: field.to_owned(),
                expected: "a text",
                seen: Kind::from(other),
            }),
        }
    }

    /// A decimal number in a text, if the field is there.
    fn difficulty(&self, field: &str, least: u128) -> Result<Option<Difficulty>, ParametersError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let is_decimal = text.bytes().all(|digit| digit.is_ascii_digit());
        match text.parse::<u128>() {
            Ok(value) if is_decimal && value >= least => Ok(Some(Difficulty::new(value))),
            _ => Err(ParametersError::OutOfRange {
                field: field.to_owned(),
                expected: format!("a decimal number from {least} to {}, as a text", u128::MAX),
                seen: format!("{text:?}"),
            }),
        }
    }

    /// A whole number of `least` or more, or rskj's own when the field is not there.
    fn or<T: TryFrom<u64>>(&self, field: &str, least: u64, default: T) -> Result<T, ParametersError> {
        let most = i64::MAX as u64;
        match self.whole(field, most)? {
            None => Ok(default),
            Some(value) => T::try_from(value)
                .ok()
                .filter(|_| value >= least)
                .ok_or_else(|| out_of_range(field, least, most, value.to_string())),
        }
    }

    /// A whole number from 0 to `most`, if the field is there.
    fn whole(&self, field: &str, most: u64) -> Result<Option<u64>, ParametersError> {
        match self.map.get(field) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.as_u64().filter(|value| *value <= most) {
                Some(value) => Ok(Some(value)),
                None => Err(out_of_range(field, 0, most, number.to_string())),
            },
            Some(other) => Err(ParametersError::WrongType {
                field: field.to_owned(),
                expected: "a number",
                seen: Kind::from(other),
            }),
        }
    }

    /// A whole number of `least` or more that fits rskj's `int`; the public network's when it is not there.
    fn number(&mut self, field: &str, least: u32, public: Option<u32>) -> Result<u32, ParametersError> {
        let most = i32::MAX as u64;
        match (self.whole(field, most)?, public) {
            (Some(value), _) if value >= least.into() => Ok(value as u32),
            (Some(value), _) => Err(out_of_range(field, least.into(), most, value.to_string())),
            (None, Some(public)) => {
                self.left_out.push(field.to_owned());
                Ok(public)
            }
            (None, None) => Err(ParametersError::Missing { field: field.to_owned() }),
        }
    }
}

fn out_of_range(field: &str, least: u64, most: u64, seen: String) -> ParametersError {
    let expected = format!("a whole number from {least} to {most}");
    ParametersError::OutOfRange { field: field.to_owned(), expected, seen }
}
