//! Plain structs and numbers. Those with `struct_size` may grow at the end; the others never change.

use core::{
    ffi::c_char,
    mem::{offset_of, size_of},
};

use rustock_core::{
    client::{BlockRef, ChainCursor, RunState, Status, StopReport, WaitReason},
    primitives::{hash::BlockHash, header::Header, number::BlockNumber},
};

use super::pointer::SizedStruct;
use crate::{
    convert::store_status,
    error::{RUSTOCK_STATUS_OK, rustock_status},
};

/// The public main network.
pub const RUSTOCK_NETWORK_MAINNET: u32 = 1;
/// The public test network.
pub const RUSTOCK_NETWORK_TESTNET: u32 = 2;
/// rskj's local network.
pub const RUSTOCK_NETWORK_REGTEST: u32 = 3;
/// The offline network of generated chains, for app developers and tests.
pub const RUSTOCK_NETWORK_SIMNET: u32 = 4;

/// Not started yet, or stopped.
pub const RUSTOCK_RUN_STOPPED: u32 = 0;
/// Started; no peer so far.
pub const RUSTOCK_RUN_STARTING: u32 = 1;
/// Fetching and verifying headers.
pub const RUSTOCK_RUN_SYNCING: u32 = 2;
/// Level with at least one peer, waiting for new blocks.
pub const RUSTOCK_RUN_FOLLOWING: u32 = 3;
/// Nothing can be done right now; `wait_reason` says why.
pub const RUSTOCK_RUN_WAITING: u32 = 4;
/// It cannot go on; `failure` says why. Reads still answer as far as the store does.
pub const RUSTOCK_RUN_FAILED: u32 = 5;

/// It is not waiting.
pub const RUSTOCK_WAIT_NONE: u32 = 0;
/// No peer is connected.
pub const RUSTOCK_WAIT_NO_PEERS: u32 = 1;
/// A peer is connected; the next attempt with it is due later.
pub const RUSTOCK_WAIT_RETRY: u32 = 2;

/// A state, kind or reason that this release has no number for.
pub const RUSTOCK_UNKNOWN: u32 = 255;

/// Blocks were added on top.
pub const RUSTOCK_EVENT_EXTENDED: u32 = 1;
/// Blocks were removed and perhaps others added.
pub const RUSTOCK_EVENT_REORG: u32 = 2;
/// The cursor's block is unknown here: rescan from the new one.
pub const RUSTOCK_EVENT_REBASED: u32 = 3;

/// The cursor's block lies below the chain's base.
pub const RUSTOCK_REBASE_BELOW_BASE: u32 = 1;
/// The cursor's block lies above the head and was never part of this chain.
pub const RUSTOCK_REBASE_ABOVE_HEAD: u32 = 2;
/// The cursor's block is of a branch abandoned too long ago, or never seen here.
pub const RUSTOCK_REBASE_UNKNOWN_BLOCK: u32 = 3;

/// A view of UTF-8 text that belongs to the handle it came from. No zero byte at its end.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rustock_text {
    /// The first byte; never NULL.
    pub data: *const c_char,
    /// Bytes.
    pub length: usize,
}

/// A view of bytes that belong to the handle they came from.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rustock_bytes {
    /// The first byte; never NULL.
    pub data: *const u8,
    /// Bytes.
    pub length: usize,
}

/// A 256-bit hash, in the order it has on the wire and in hex.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct rustock_hash {
    /// The bytes.
    pub bytes: [u8; 32],
}

/// A 256-bit unsigned integer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct rustock_uint256 {
    /// Most significant byte first.
    pub big_endian: [u8; 32],
}

/// A place in the history of one network's chain. Store the bytes with your own data; a later subscription after it
/// yields exactly the blocks removed and added since.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct rustock_cursor {
    /// Network (1 byte), height (8, most significant first), block hash (32).
    pub bytes: [u8; 41],
}

/// A block as events tell of it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct rustock_block {
    /// Height.
    pub number: u64,
    /// Seconds since 1970, as its header says.
    pub timestamp: u64,
    /// Block hash.
    pub hash: rustock_hash,
    /// Hash of the block below.
    pub parent_hash: rustock_hash,
}

/// A verified header.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rustock_header {
    /// Set it to sizeof(rustock_header) before the call.
    pub struct_size: usize,
    /// Height.
    pub number: u64,
    /// Seconds since 1970, as the miner says.
    pub timestamp: u64,
    /// Block hash.
    pub hash: rustock_hash,
    /// Hash of the block below.
    pub parent_hash: rustock_hash,
    /// Root of the state after the block. Not checked: that takes bodies.
    pub state_root: rustock_hash,
    /// Root of the transactions. Not checked: that takes bodies.
    pub transactions_root: rustock_hash,
    /// Root of the receipts. Not checked: that takes bodies.
    pub receipts_root: rustock_hash,
    /// Difficulty, uncles not counted.
    pub difficulty: rustock_uint256,
    /// Gas used.
    pub gas_used: u64,
    /// Number of uncles.
    pub uncle_count: u32,
}

/// What a client is doing and how far it has come. What peers claim and what was verified are different fields.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rustock_client_status_view {
    /// Set it to sizeof(rustock_client_status_view) before the call.
    pub struct_size: usize,
    /// One of the RUSTOCK_RUN_ values.
    pub run_state: u32,
    /// One of the RUSTOCK_WAIT_ values.
    pub wait_reason: u32,
    /// The status code of what failed when `run_state` is RUSTOCK_RUN_FAILED, else RUSTOCK_STATUS_OK.
    pub failure: rustock_status,
    /// Connected peers.
    pub peers: u32,
    /// Height of the best verified block that is durable.
    pub head_number: u64,
    /// Seconds since 1970 in its header.
    pub head_timestamp: u64,
    /// Its hash.
    pub head_hash: rustock_hash,
    /// Hash of the base: the genesis or checkpoint that is trusted.
    pub base_hash: rustock_hash,
    /// Height of the base.
    pub base_number: u64,
    /// The highest best block a connected peer claims, if `has_peers_claim`. Not verified.
    pub peers_claim: u64,
    /// Headers verified since start, abandoned ones included.
    pub headers_verified: u64,
    /// Headers verified per second over the last few seconds.
    pub headers_per_second: u64,
    /// Bytes received from peers since start.
    pub bytes_received: u64,
    /// Bytes sent to peers since start.
    pub bytes_sent: u64,
    /// Seconds to the height peers claim at this speed, if `has_seconds_left`. A guess upon a claim.
    pub seconds_left: u64,
    /// The first height from which on all fork-detection data was checked, if `has_fork_detection_from`.
    pub fork_detection_from: u64,
    /// Whether `peers_claim` is known.
    pub has_peers_claim: bool,
    /// Whether `seconds_left` is known.
    pub has_seconds_left: bool,
    /// Whether `fork_detection_from` is known.
    pub has_fork_detection_from: bool,
}

/// How a stop went.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct rustock_stop_report {
    /// Set it to sizeof(rustock_stop_report) before the call.
    pub struct_size: usize,
    /// Peers that were told and whose connection ended in time.
    pub peers_told: u32,
    /// Connections that had to be cut at the deadline.
    pub peers_cut: u32,
    /// False when something was still running at the deadline and was abandoned.
    pub in_time: bool,
}

// SAFETY: each of them is `repr(C)` and begins with `struct_size: usize`. The first sizes are those of the first
// release: up to and with the last field it had.
unsafe impl SizedStruct for rustock_header {
    const FIRST_SIZE: usize = offset_of!(rustock_header, uncle_count) + size_of::<u32>();
}
unsafe impl SizedStruct for rustock_client_status_view {
    const FIRST_SIZE: usize =
        offset_of!(rustock_client_status_view, has_fork_detection_from) + size_of::<bool>();
}
unsafe impl SizedStruct for rustock_stop_report {
    const FIRST_SIZE: usize = offset_of!(rustock_stop_report, in_time) + size_of::<bool>();
}

impl rustock_text {
    pub(super) fn of(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), length: text.len() }
    }
}

impl rustock_hash {
    pub(super) fn of(bytes: &[u8; 32]) -> Self {
        Self { bytes: *bytes }
    }
}

impl From<BlockHash> for rustock_hash {
    fn from(hash: BlockHash) -> Self {
        Self::of(hash.as_bytes())
    }
}

impl From<u128> for rustock_uint256 {
    fn from(number: u128) -> Self {
        let mut big_endian = [0; 32];
        big_endian[16..].copy_from_slice(&number.to_be_bytes());
        Self { big_endian }
    }
}

impl From<ChainCursor> for rustock_cursor {
    fn from(cursor: ChainCursor) -> Self {
        Self { bytes: cursor.to_bytes() }
    }
}

impl From<&rustock_cursor> for ChainCursor {
    fn from(cursor: &rustock_cursor) -> Self {
        Self::from_bytes(&cursor.bytes)
    }
}

impl From<&BlockRef> for rustock_block {
    fn from(block: &BlockRef) -> Self {
        Self {
            number: block.number.get(),
            timestamp: block.timestamp.as_secs(),
            hash: block.hash.into(),
            parent_hash: block.parent_hash.into(),
        }
    }
}

impl From<&Header> for rustock_header {
    fn from(header: &Header) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            number: header.number().get(),
            timestamp: header.timestamp().as_secs(),
            hash: header.hash().into(),
            parent_hash: header.parent_hash().into(),
            state_root: rustock_hash::of(header.state_root().as_bytes()),
            transactions_root: rustock_hash::of(header.transactions_root().as_bytes()),
            receipts_root: rustock_hash::of(header.receipts_root().as_bytes()),
            difficulty: header.difficulty().get().into(),
            gas_used: header.gas_used(),
            uncle_count: header.uncle_count(),
        }
    }
}

impl From<&Status> for rustock_client_status_view {
    fn from(status: &Status) -> Self {
        let (run_state, wait_reason, failure) = match &status.run {
            RunState::Stopped => (RUSTOCK_RUN_STOPPED, RUSTOCK_WAIT_NONE, RUSTOCK_STATUS_OK),
            RunState::Starting => (RUSTOCK_RUN_STARTING, RUSTOCK_WAIT_NONE, RUSTOCK_STATUS_OK),
            RunState::Syncing => (RUSTOCK_RUN_SYNCING, RUSTOCK_WAIT_NONE, RUSTOCK_STATUS_OK),
            RunState::Following => (RUSTOCK_RUN_FOLLOWING, RUSTOCK_WAIT_NONE, RUSTOCK_STATUS_OK),
            RunState::Waiting(reason) => (RUSTOCK_RUN_WAITING, wait_number(*reason), RUSTOCK_STATUS_OK),
            RunState::Failed(error) => (RUSTOCK_RUN_FAILED, RUSTOCK_WAIT_NONE, store_status(error)),
            _ => (RUSTOCK_UNKNOWN, RUSTOCK_WAIT_NONE, RUSTOCK_STATUS_OK),
        };
        let seconds_left = status.progress.time_left.map(|left| left.as_secs());
        Self {
            struct_size: size_of::<Self>(),
            run_state,
            wait_reason,
            failure,
            peers: saturate(status.peers),
            head_number: status.head.number.get(),
            head_timestamp: status.head_time.as_secs(),
            head_hash: status.head.hash.into(),
            base_hash: status.base.hash.into(),
            base_number: status.base.number.get(),
            peers_claim: status.peers_claim.map_or(0, BlockNumber::get),
            headers_verified: status.progress.headers_verified,
            headers_per_second: status.progress.headers_per_second,
            bytes_received: status.progress.bytes_received,
            bytes_sent: status.progress.bytes_sent,
            seconds_left: seconds_left.unwrap_or(0),
            fork_detection_from: status.fork_detection_from.map_or(0, BlockNumber::get),
            has_peers_claim: status.peers_claim.is_some(),
            has_seconds_left: seconds_left.is_some(),
            has_fork_detection_from: status.fork_detection_from.is_some(),
        }
    }
}

impl From<StopReport> for rustock_stop_report {
    fn from(report: StopReport) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            peers_told: saturate(report.peers_told),
            peers_cut: saturate(report.peers_cut),
            in_time: report.in_time,
        }
    }
}

fn wait_number(reason: WaitReason) -> u32 {
    match reason {
        WaitReason::NoPeers => RUSTOCK_WAIT_NO_PEERS,
        WaitReason::Retry => RUSTOCK_WAIT_RETRY,
        _ => RUSTOCK_UNKNOWN,
    }
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
