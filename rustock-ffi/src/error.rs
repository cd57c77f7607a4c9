//! Every status code, once. Numbers are given by hand, in hundreds per family, and never change or come back: a
//! code that is no longer used moves to [`RETIRED`]. The header, this table and `docs/c-api.md` are compared in
//! the suite.

use core::ffi::CStr;

/// What a function says about how it went. 0 is success; below 100 nothing is wrong; from 100 on something is.
#[allow(non_camel_case_types)]
pub type rustock_status = i32;

/// It worked.
pub const RUSTOCK_STATUS_OK: rustock_status = 0;
/// The time has passed and nothing came. Ask again.
pub const RUSTOCK_STATUS_TIMEOUT: rustock_status = 1;
/// The client was stopped, or the subscription closed. There will be nothing more.
pub const RUSTOCK_STATUS_CLOSED: rustock_status = 2;

/// `out`, or another argument for an output, is NULL.
pub const RUSTOCK_STATUS_NULL_OUT: rustock_status = 100;
/// `config` is NULL.
pub const RUSTOCK_STATUS_NULL_CONFIG: rustock_status = 101;
/// `client` is NULL.
pub const RUSTOCK_STATUS_NULL_CLIENT: rustock_status = 102;
/// `subscription` is NULL.
pub const RUSTOCK_STATUS_NULL_SUBSCRIPTION: rustock_status = 103;
/// `event` is NULL.
pub const RUSTOCK_STATUS_NULL_EVENT: rustock_status = 104;
/// `error` is NULL where one is to be read.
pub const RUSTOCK_STATUS_NULL_ERROR: rustock_status = 105;
/// `buffer` is NULL.
pub const RUSTOCK_STATUS_NULL_BUFFER: rustock_status = 106;
/// `path` is NULL.
pub const RUSTOCK_STATUS_NULL_PATH: rustock_status = 107;
/// `json` is NULL.
pub const RUSTOCK_STATUS_NULL_JSON: rustock_status = 108;
/// `enode` is NULL.
pub const RUSTOCK_STATUS_NULL_ENODE: rustock_status = 109;
/// A text is not UTF-8.
pub const RUSTOCK_STATUS_NOT_UTF8: rustock_status = 120;
/// A text is longer than any sensible one: more than 1 MiB.
pub const RUSTOCK_STATUS_TEXT_TOO_LONG: rustock_status = 121;
/// `struct_size` was not set to the size of the struct.
pub const RUSTOCK_STATUS_STRUCT_SIZE: rustock_status = 122;
/// There is no block at that index of the event.
pub const RUSTOCK_STATUS_INDEX_OUT_OF_RANGE: rustock_status = 123;
/// Events of this kind have no such part.
pub const RUSTOCK_STATUS_NOT_IN_EVENT: rustock_status = 124;

/// No network has that number.
pub const RUSTOCK_STATUS_UNKNOWN_NETWORK: rustock_status = 200;
/// Neither a data directory nor memory was chosen.
pub const RUSTOCK_STATUS_NO_STORE: rustock_status = 201;
/// Retired, and never returned: every era of every network is known. The number is kept.
pub const RUSTOCK_STATUS_ERA_NOT_SUPPORTED: rustock_status = 202;
/// The checkpoint is not one, contradicts itself, or breaks a rule.
pub const RUSTOCK_STATUS_CHECKPOINT: rustock_status = 203;
/// The genesis values of the network do not make a header.
pub const RUSTOCK_STATUS_GENESIS: rustock_status = 204;
/// A peer address is not of the form `enode://<node id>@<host>:<port>`.
pub const RUSTOCK_STATUS_PEER: rustock_status = 205;
/// More peers than a client takes.
pub const RUSTOCK_STATUS_TOO_MANY_PEERS: rustock_status = 206;
/// That number of worker threads cannot be used.
pub const RUSTOCK_STATUS_WORKERS: rustock_status = 207;
/// The system gave no random bytes for the node key.
pub const RUSTOCK_STATUS_RANDOMNESS: rustock_status = 208;

/// Another client, in this process or another, holds the store.
pub const RUSTOCK_STATUS_STORE_IN_USE: rustock_status = 300;
/// The store holds another network's chain.
pub const RUSTOCK_STATUS_STORE_OTHER_NETWORK: rustock_status = 301;
/// The store was written by a release with another schema.
pub const RUSTOCK_STATUS_STORE_OTHER_SCHEMA: rustock_status = 302;
/// The file is not a store of Rustock.
pub const RUSTOCK_STATUS_STORE_NOT_OURS: rustock_status = 303;
/// A record is damaged: restore the file, or remove it and sync again.
pub const RUSTOCK_STATUS_STORE_CORRUPT: rustock_status = 304;
/// The operating system refused: no space, no permission, a device error.
pub const RUSTOCK_STATUS_STORE_IO: rustock_status = 305;
/// A step was worked out from another head than the store has. A fault of this library; nothing was changed.
pub const RUSTOCK_STATUS_STORE_STALE_BATCH: rustock_status = 306;
/// A step is not linked to the stored chain. A fault of this library; nothing was changed.
pub const RUSTOCK_STATUS_STORE_BROKEN_BATCH: rustock_status = 307;

/// The client was stopped and cannot be started again: open another one.
pub const RUSTOCK_STATUS_STOPPED: rustock_status = 400;
/// The system gave no threads.
pub const RUSTOCK_STATUS_THREADS: rustock_status = 401;

/// The client has no header at that height: below its base, or above its head.
pub const RUSTOCK_STATUS_HEADER_NOT_FOUND: rustock_status = 500;
/// The cursor is of another network's chain.
pub const RUSTOCK_STATUS_CURSOR_OTHER_NETWORK: rustock_status = 501;
/// `max_batch` is 0: no event could ever carry a block.
pub const RUSTOCK_STATUS_ZERO_BATCH: rustock_status = 502;
/// The event acknowledged is not the one at hand. Nothing has moved.
pub const RUSTOCK_STATUS_WRONG_EVENT: rustock_status = 503;

/// A fault of this library, caught before it reached the app. Please report it with the message.
pub const RUSTOCK_STATUS_PANIC: rustock_status = 900;
/// Something that has no code of its own yet. The message says what.
pub const RUSTOCK_STATUS_OTHER: rustock_status = 901;

/// Every code in use, with its name. Ascending.
pub const TABLE: &[(rustock_status, &CStr)] = &[
    (RUSTOCK_STATUS_OK, c"RUSTOCK_STATUS_OK"),
    (RUSTOCK_STATUS_TIMEOUT, c"RUSTOCK_STATUS_TIMEOUT"),
    (RUSTOCK_STATUS_CLOSED, c"RUSTOCK_STATUS_CLOSED"),
    (RUSTOCK_STATUS_NULL_OUT, c"RUSTOCK_STATUS_NULL_OUT"),
    (RUSTOCK_STATUS_NULL_CONFIG, c"RUSTOCK_STATUS_NULL_CONFIG"),
    (RUSTOCK_STATUS_NULL_CLIENT, c"RUSTOCK_STATUS_NULL_CLIENT"),
    (RUSTOCK_STATUS_NULL_SUBSCRIPTION, c"RUSTOCK_STATUS_NULL_SUBSCRIPTION"),
    (RUSTOCK_STATUS_NULL_EVENT, c"RUSTOCK_STATUS_NULL_EVENT"),
    (RUSTOCK_STATUS_NULL_ERROR, c"RUSTOCK_STATUS_NULL_ERROR"),
    (RUSTOCK_STATUS_NULL_BUFFER, c"RUSTOCK_STATUS_NULL_BUFFER"),
    (RUSTOCK_STATUS_NULL_PATH, c"RUSTOCK_STATUS_NULL_PATH"),
    (RUSTOCK_STATUS_NULL_JSON, c"RUSTOCK_STATUS_NULL_JSON"),
    (RUSTOCK_STATUS_NULL_ENODE, c"RUSTOCK_STATUS_NULL_ENODE"),
    (RUSTOCK_STATUS_NOT_UTF8, c"RUSTOCK_STATUS_NOT_UTF8"),
    (RUSTOCK_STATUS_TEXT_TOO_LONG, c"RUSTOCK_STATUS_TEXT_TOO_LONG"),
    (RUSTOCK_STATUS_STRUCT_SIZE, c"RUSTOCK_STATUS_STRUCT_SIZE"),
    (RUSTOCK_STATUS_INDEX_OUT_OF_RANGE, c"RUSTOCK_STATUS_INDEX_OUT_OF_RANGE"),
    (RUSTOCK_STATUS_NOT_IN_EVENT, c"RUSTOCK_STATUS_NOT_IN_EVENT"),
    (RUSTOCK_STATUS_UNKNOWN_NETWORK, c"RUSTOCK_STATUS_UNKNOWN_NETWORK"),
    (RUSTOCK_STATUS_NO_STORE, c"RUSTOCK_STATUS_NO_STORE"),
    (RUSTOCK_STATUS_ERA_NOT_SUPPORTED, c"RUSTOCK_STATUS_ERA_NOT_SUPPORTED"),
    (RUSTOCK_STATUS_CHECKPOINT, c"RUSTOCK_STATUS_CHECKPOINT"),
    (RUSTOCK_STATUS_GENESIS, c"RUSTOCK_STATUS_GENESIS"),
    (RUSTOCK_STATUS_PEER, c"RUSTOCK_STATUS_PEER"),
    (RUSTOCK_STATUS_TOO_MANY_PEERS, c"RUSTOCK_STATUS_TOO_MANY_PEERS"),
    (RUSTOCK_STATUS_WORKERS, c"RUSTOCK_STATUS_WORKERS"),
    (RUSTOCK_STATUS_RANDOMNESS, c"RUSTOCK_STATUS_RANDOMNESS"),
    (RUSTOCK_STATUS_STORE_IN_USE, c"RUSTOCK_STATUS_STORE_IN_USE"),
    (RUSTOCK_STATUS_STORE_OTHER_NETWORK, c"RUSTOCK_STATUS_STORE_OTHER_NETWORK"),
    (RUSTOCK_STATUS_STORE_OTHER_SCHEMA, c"RUSTOCK_STATUS_STORE_OTHER_SCHEMA"),
    (RUSTOCK_STATUS_STORE_NOT_OURS, c"RUSTOCK_STATUS_STORE_NOT_OURS"),
    (RUSTOCK_STATUS_STORE_CORRUPT, c"RUSTOCK_STATUS_STORE_CORRUPT"),
    (RUSTOCK_STATUS_STORE_IO, c"RUSTOCK_STATUS_STORE_IO"),
    (RUSTOCK_STATUS_STORE_STALE_BATCH, c"RUSTOCK_STATUS_STORE_STALE_BATCH"),
    (RUSTOCK_STATUS_STORE_BROKEN_BATCH, c"RUSTOCK_STATUS_STORE_BROKEN_BATCH"),
    (RUSTOCK_STATUS_STOPPED, c"RUSTOCK_STATUS_STOPPED"),
    (RUSTOCK_STATUS_THREADS, c"RUSTOCK_STATUS_THREADS"),
    (RUSTOCK_STATUS_HEADER_NOT_FOUND, c"RUSTOCK_STATUS_HEADER_NOT_FOUND"),
    (RUSTOCK_STATUS_CURSOR_OTHER_NETWORK, c"RUSTOCK_STATUS_CURSOR_OTHER_NETWORK"),
    (RUSTOCK_STATUS_ZERO_BATCH, c"RUSTOCK_STATUS_ZERO_BATCH"),
    (RUSTOCK_STATUS_WRONG_EVENT, c"RUSTOCK_STATUS_WRONG_EVENT"),
    (RUSTOCK_STATUS_PANIC, c"RUSTOCK_STATUS_PANIC"),
    (RUSTOCK_STATUS_OTHER, c"RUSTOCK_STATUS_OTHER"),
];

/// Codes that were in use once. They are never given again.
pub const RETIRED: &[rustock_status] = &[];

/// The name of a code, or a word for codes this release does not have.
pub fn name_of(status: rustock_status) -> &'static CStr {
    let found = TABLE.iter().find(|(code, _)| *code == status);
    found.map_or(c"RUSTOCK_STATUS_?", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_so_none_is_given_twice() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn no_retired_code_is_in_use() {
        assert!(RETIRED.iter().all(|retired| TABLE.iter().all(|(code, _)| code != retired)));
    }

    #[test]
    fn a_code_has_its_name_and_an_unknown_one_says_so() {
        assert_eq!(name_of(2), c"RUSTOCK_STATUS_CLOSED");
        assert_eq!(name_of(3), c"RUSTOCK_STATUS_?");
        assert_eq!(name_of(-1), c"RUSTOCK_STATUS_?");
    }
}
