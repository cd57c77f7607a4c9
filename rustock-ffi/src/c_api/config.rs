//! Choices for a client. Most are validated when it is opened.

use core::ffi::c_char;
use std::time::{SystemTime, UNIX_EPOCH};

use rustock_core::{
    chain::checkpoint::Checkpoint,
    client::{Builder, LightClient, StartFrom},
    consensus::network::Network,
    primitives::number::UnixTime,
    proto::pacing::RequestBudget,
};

use super::{
    error::rustock_error,
    guard::{ErrorOut, guard, guard_value},
    pointer::{Out, borrow_mut, free, text},
    types::{
        RUSTOCK_NETWORK_MAINNET, RUSTOCK_NETWORK_REGTEST, RUSTOCK_NETWORK_SIMNET, RUSTOCK_NETWORK_TESTNET,
    },
};
use crate::{
    convert::Failure,
    error::{
        RUSTOCK_STATUS_NULL_CONFIG, RUSTOCK_STATUS_NULL_ENODE, RUSTOCK_STATUS_NULL_JSON,
        RUSTOCK_STATUS_NULL_PATH, RUSTOCK_STATUS_OK, RUSTOCK_STATUS_UNKNOWN_NETWORK, rustock_status,
    },
};

/// Choices for a client. Only the place of the store has no default. Free it with rustock_config_free.
pub struct rustock_config {
    network: Network,
    pub(super) builder: Builder,
}

impl rustock_config {
    fn change(&mut self, change: impl FnOnce(Builder) -> Builder) {
        self.builder = change(self.builder.clone());
    }
}

/// Begins a configuration. `network` is one of the RUSTOCK_NETWORK_ values.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_new(
    network: u32,
    out: *mut *mut rustock_config,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let out = unsafe { Out::new(out) }?;
        let network = match network {
            RUSTOCK_NETWORK_MAINNET => Network::Mainnet,
            RUSTOCK_NETWORK_TESTNET => Network::Testnet,
            RUSTOCK_NETWORK_REGTEST => Network::Regtest,
            RUSTOCK_NETWORK_SIMNET => Network::Simnet,
            unknown => {
                let message = format!("no network has number {unknown}");
                return Err(Failure::new(RUSTOCK_STATUS_UNKNOWN_NETWORK, "network", message));
            }
        };
        let builder = LightClient::builder(network.clone());
        out.hand_over(rustock_config { network, builder });
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Keeps the chain in this directory, which is made if need be. One client at a time can use it.
///
/// Threads: one at a time per config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_set_data_dir(
    config: *mut rustock_config,
    path: *const c_char,
    path_length: usize,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow_mut(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        let path = unsafe { text(path, path_length, RUSTOCK_STATUS_NULL_PATH, "path") }?;
        config.change(|builder| builder.data_dir(path));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Keeps the chain in memory: nothing survives the client.
///
/// Threads: one at a time per config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_set_in_memory(
    config: *mut rustock_config,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow_mut(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        config.change(Builder::in_memory);
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Starts a new chain from this checkpoint: the text of a checkpoint file. A data directory that holds a chain
/// already goes on from there. Default: the checkpoint that comes with the library, genesis where there is none.
///
/// Threads: one at a time per config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_set_checkpoint_json(
    config: *mut rustock_config,
    json: *const c_char,
    json_length: usize,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow_mut(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        let json = unsafe { text(json, json_length, RUSTOCK_STATUS_NULL_JSON, "json") }?;
        let checkpoint = Checkpoint::from_json(json, &config.network, wall_clock())?;
        config.change(|builder| builder.checkpoint(checkpoint));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Starts a new chain from the network's first block.
///
/// Threads: one at a time per config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_set_start_genesis(
    config: *mut rustock_config,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow_mut(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        config.change(|builder| builder.start_from(StartFrom::Genesis));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Adds a peer by `enode://<node id>@<host>:<port>`. It is always dialled; what it sends is verified like
/// anybody's. Checked when the client is opened.
///
/// Threads: one at a time per config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_add_peer(
    config: *mut rustock_config,
    enode: *const c_char,
    enode_length: usize,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow_mut(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        let enode = unsafe { text(enode, enode_length, RUSTOCK_STATUS_NULL_ENODE, "enode") }?;
        config.change(|builder| builder.trusted_peers([enode]));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Asks peers as fast as they answer. Only for peers you own: rskj drops what comes faster than its throttle.
///
/// Threads: one at a time per config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_set_unpaced(
    config: *mut rustock_config,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow_mut(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        config.change(|builder| builder.request_budget(RequestBudget::UNPACED));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// The client's worker threads, 1 to 64. Default 1, which a phone's connection never fills. Checked when the client
/// is opened.
///
/// Threads: one at a time per config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_set_workers(
    config: *mut rustock_config,
    workers: u32,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow_mut(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        config.change(|builder| builder.owned_runtime(workers as usize));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Frees a config. Clients opened with it are not touched. NULL is fine.
///
/// Threads: any, as the last call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_config_free(config: *mut rustock_config) {
    guard_value((), || unsafe { free(config) });
}

/// Seconds since the epoch by the system's clock; 0 when it is set to before.
fn wall_clock() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since.as_secs())
}
