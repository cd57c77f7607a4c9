//! What C can get wrong has a code: NULL, bad text, bad numbers, wrong order. Nothing is written but on success.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{
    ffi::{CStr, c_char},
    ptr::{null, null_mut},
    slice,
    sync::mpsc,
    thread,
};

use rustock::{c_api::*, error::*};

/// A pointer to outputs that no call may touch: calls with it fail before.
const NO_OUTPUT: usize = 0x10;

fn text(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

fn named(status: rustock_status) -> String {
    // SAFETY: the name is static and ends with a zero byte.
    unsafe { CStr::from_ptr(rustock_status_name(status)) }.to_str().unwrap().to_owned()
}

/// Expects each call to give the status beside it.
macro_rules! expect {
    ($($call:expr => $status:expr),+ $(,)?) => {{
        $(
            // SAFETY: each call keeps to the header, or breaks it in a way that is checked.
            let status = unsafe { $call };
            assert_eq!(named(status), named($status), "{}", stringify!($call));
        )+
    }};
}

fn config() -> *mut rustock_config {
    let mut config = null_mut();
    expect!(rustock_config_new(RUSTOCK_NETWORK_SIMNET, &mut config, null_mut()) => RUSTOCK_STATUS_OK);
    config
}

/// A client in memory, on the generated network, without a peer.
fn client() -> *mut rustock_client {
    let (config, mut client) = (config(), null_mut());
    expect!(
        rustock_config_set_in_memory(config, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_config_set_start_genesis(config, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_open(config, &mut client, null_mut()) => RUSTOCK_STATUS_OK,
    );
    // SAFETY: its last use.
    unsafe { rustock_config_free(config) };
    client
}

fn subscribe(client: *mut rustock_client, after: *const rustock_cursor) -> *mut rustock_subscription {
    let mut subscription = null_mut();
    expect!(
        rustock_client_subscribe(client, after, 0, 1, &mut subscription, null_mut()) => RUSTOCK_STATUS_OK
    );
    subscription
}

/// A subscription after a block that does not exist: its first event is a rebase.
fn subscribe_to_a_rebase(client: *mut rustock_client) -> *mut rustock_subscription {
    let subscription = subscribe(client, null());
    let mut cursor = rustock_cursor { bytes: [0; 41] };
    expect!(rustock_subscription_cursor(subscription, &mut cursor, null_mut()) => RUSTOCK_STATUS_OK);
    // SAFETY: its last use.
    unsafe { rustock_subscription_free(subscription) };
    cursor.bytes[40] ^= 1;
    subscribe(client, &cursor)
}

fn next(subscription: *mut rustock_subscription) -> *mut rustock_event {
    let mut event = null_mut();
    expect!(rustock_subscription_next(subscription, 0, &mut event, null_mut()) => RUSTOCK_STATUS_OK);
    event
}

fn error_parts(error: *mut rustock_error) -> (rustock_status, String, String) {
    let mut code = 0;
    let mut views = [rustock_text { data: null(), length: 0 }; 2];
    let [field, message] = &mut views;
    expect!(
        rustock_error_code(error, &mut code) => RUSTOCK_STATUS_OK,
        rustock_error_field(error, field) => RUSTOCK_STATUS_OK,
        rustock_error_message(error, message) => RUSTOCK_STATUS_OK,
    );
    // SAFETY: the views live as long as the error, which is freed after them.
    let read = |view: rustock_text| unsafe {
        str::from_utf8(slice::from_raw_parts(view.data.cast(), view.length)).unwrap().to_owned()
    };
    let parts = (code, read(*field), read(*message));
    // SAFETY: its last use.
    unsafe { rustock_error_free(error) };
    parts
}

#[test]
fn null_for_a_config_or_its_texts_names_the_argument() {
    let config = config();
    let (path, length) = text("x");
    let none = null_mut();
    expect!(
        rustock_config_new(RUSTOCK_NETWORK_MAINNET, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_config_set_data_dir(null_mut(), path, length, none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_config_set_data_dir(config, null(), 0, none) => RUSTOCK_STATUS_NULL_PATH,
        rustock_config_set_in_memory(null_mut(), none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_config_set_checkpoint_json(null_mut(), path, length, none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_config_set_checkpoint_json(config, null(), 0, none) => RUSTOCK_STATUS_NULL_JSON,
        rustock_config_set_start_genesis(null_mut(), none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_config_add_peer(null_mut(), path, length, none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_config_add_peer(config, null(), 0, none) => RUSTOCK_STATUS_NULL_ENODE,
        rustock_config_set_unpaced(null_mut(), none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_config_set_workers(null_mut(), 1, none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_client_open(null(), NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_CONFIG,
        rustock_client_open(config, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
    );
    // SAFETY: its last use.
    unsafe { rustock_config_free(config) };
}

#[test]
fn null_for_a_client_or_its_outputs_names_the_argument() {
    let client = client();
    let none = null_mut();
    expect!(
        rustock_client_start(null_mut(), none) => RUSTOCK_STATUS_NULL_CLIENT,
        rustock_client_best_header(null(), NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_CLIENT,
        rustock_client_best_header(client, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_client_status(null(), NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_CLIENT,
        rustock_client_status(client, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_client_last_problem(null(), NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_CLIENT,
        rustock_client_last_problem(client, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_client_header_by_number(null(), 0, NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_CLIENT,
        rustock_client_header_by_number(client, 0, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_client_subscribe(null_mut(), null(), 0, 1, NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_CLIENT,
        rustock_client_subscribe(client, null(), 0, 1, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_client_stop(null_mut(), 0, null_mut(), none) => RUSTOCK_STATUS_NULL_CLIENT,
        rustock_client_stop(client, 0, null_mut(), none) => RUSTOCK_STATUS_OK,
    );
    // SAFETY: its last use.
    unsafe { rustock_client_free(client) };
}

#[test]
fn null_for_a_subscription_an_event_or_their_outputs_names_the_argument() {
    let client = client();
    let subscription = subscribe_to_a_rebase(client);
    let event = next(subscription);
    let none = null_mut();
    let (mut reason, mut block) = (0, empty_block());
    expect!(
        rustock_subscription_next(null_mut(), 0, NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_SUBSCRIPTION,
        rustock_subscription_next(subscription, 0, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_subscription_ack(null_mut(), event, none) => RUSTOCK_STATUS_NULL_SUBSCRIPTION,
        rustock_subscription_ack(subscription, null(), none) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_subscription_cursor(null(), NO_OUTPUT as _, none) => RUSTOCK_STATUS_NULL_SUBSCRIPTION,
        rustock_subscription_cursor(subscription, null_mut(), none) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_kind(null(), &mut reason) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_kind(event, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_cursor(null(), NO_OUTPUT as _) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_cursor(event, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_added_count(null(), NO_OUTPUT as _) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_added_count(event, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_added(null(), 0, &mut block) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_added(event, 0, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_removed_count(null(), NO_OUTPUT as _) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_removed_count(event, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_removed(null(), 0, &mut block) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_removed(event, 0, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_common_ancestor(null(), &mut block) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_common_ancestor(event, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_rebase(null(), &mut reason, &mut block) => RUSTOCK_STATUS_NULL_EVENT,
        rustock_event_rebase(event, null_mut(), &mut block) => RUSTOCK_STATUS_NULL_OUT,
        rustock_event_rebase(event, &mut reason, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_error_code(null(), NO_OUTPUT as _) => RUSTOCK_STATUS_NULL_ERROR,
        rustock_error_field(null(), NO_OUTPUT as _) => RUSTOCK_STATUS_NULL_ERROR,
        rustock_error_message(null(), NO_OUTPUT as _) => RUSTOCK_STATUS_NULL_ERROR,
        rustock_buffer_bytes(null(), NO_OUTPUT as _) => RUSTOCK_STATUS_NULL_BUFFER,
    );
    assert_eq!((reason, block.number), (0, 7), "nothing was written");
    free(event, subscription, client);
}

#[test]
fn null_for_the_outputs_of_an_error_and_a_buffer_names_the_argument() {
    let (client, mut buffer, mut error) = (client(), null_mut(), null_mut());
    expect!(
        rustock_config_new(0, NO_OUTPUT as _, &mut error) => RUSTOCK_STATUS_UNKNOWN_NETWORK,
        rustock_error_code(error, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_error_field(error, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_error_message(error, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
        rustock_client_header_by_number(client, 0, &mut buffer, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_buffer_bytes(buffer, null_mut()) => RUSTOCK_STATUS_NULL_OUT,
    );
    // SAFETY: their last uses.
    unsafe {
        rustock_error_free(error);
        rustock_buffer_free(buffer);
        rustock_client_free(client);
    }
}

#[test]
fn null_may_be_freed_and_closed() {
    // SAFETY: NULL is fine for all of them.
    unsafe {
        rustock_config_free(null_mut());
        rustock_client_free(null_mut());
        rustock_subscription_close(null_mut());
        rustock_subscription_free(null_mut());
        rustock_event_free(null_mut());
        rustock_error_free(null_mut());
        rustock_buffer_free(null_mut());
    }
}

#[test]
fn bad_choices_are_told_with_field_and_words() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let file = file.join("below");
    let latin1 = [0xe9_u8];

    type Choice<'a> = Box<dyn Fn(*mut rustock_config, *mut *mut rustock_error) -> rustock_status + 'a>;
    let memory = |config| expect!(rustock_config_set_in_memory(config, null_mut()) => RUSTOCK_STATUS_OK);
    // SAFETY (all below): the config is alive and the texts are as long as said.
    let open =
        |config: *mut rustock_config, error| unsafe { rustock_client_open(config, NO_OUTPUT as _, error) };
    let cases: Vec<(Choice, rustock_status, &str)> = vec![
        (Box::new(open), RUSTOCK_STATUS_NO_STORE, "data_dir"),
        (
            Box::new(|config, error| {
                let (enode, length) = text("enode://nobody@nowhere");
                expect!(rustock_config_add_peer(config, enode, length, null_mut()) => RUSTOCK_STATUS_OK);
                memory(config);
                open(config, error)
            }),
            RUSTOCK_STATUS_PEER,
            "trusted_peers",
        ),
        (
            Box::new(|config, error| {
                let (enode, length) = text("x");
                for _ in 0..17 {
                    expect!(rustock_config_add_peer(config, enode, length, null_mut()) => RUSTOCK_STATUS_OK);
                }
                memory(config);
                open(config, error)
            }),
            RUSTOCK_STATUS_TOO_MANY_PEERS,
            "trusted_peers",
        ),
        (
            Box::new(|config, error| {
                expect!(rustock_config_set_workers(config, 0, null_mut()) => RUSTOCK_STATUS_OK);
                memory(config);
                open(config, error)
            }),
            RUSTOCK_STATUS_WORKERS,
            "workers",
        ),
        (
            Box::new(|config, error| {
                let (path, length) = text(file.to_str().unwrap());
                expect!(rustock_config_set_data_dir(config, path, length, null_mut()) => RUSTOCK_STATUS_OK);
                open(config, error)
            }),
            RUSTOCK_STATUS_STORE_IO,
            "data_dir",
        ),
        (
            Box::new(|config, error| {
                let (json, length) = text("{}");
                unsafe { rustock_config_set_checkpoint_json(config, json, length, error) }
            }),
            RUSTOCK_STATUS_CHECKPOINT,
            "checkpoint",
        ),
        (
            Box::new(|config, error| unsafe {
                rustock_config_set_data_dir(config, latin1.as_ptr().cast(), 1, error)
            }),
            RUSTOCK_STATUS_NOT_UTF8,
            "path",
        ),
        (
            Box::new(|config, error| unsafe {
                rustock_config_add_peer(config, latin1.as_ptr().cast(), usize::MAX, error)
            }),
            RUSTOCK_STATUS_TEXT_TOO_LONG,
            "enode",
        ),
    ];
    for (choose, status, field) in cases {
        let (config, mut error) = (config(), null_mut());
        assert_eq!(named(choose(config, &mut error)), named(status));
        let (code, told_field, message) = error_parts(error);
        assert_eq!((code, told_field.as_str(), message.is_empty()), (status, field, false));
        // SAFETY: its last use.
        unsafe { rustock_config_free(config) };
    }
}

#[test]
fn every_network_can_be_followed_from_its_first_block() {
    for network in [RUSTOCK_NETWORK_MAINNET, RUSTOCK_NETWORK_TESTNET, RUSTOCK_NETWORK_REGTEST] {
        let (mut config, mut client, mut error) = (null_mut(), null_mut(), null_mut());
        expect!(
            rustock_config_new(network, &mut config, null_mut()) => RUSTOCK_STATUS_OK,
            rustock_config_set_in_memory(config, null_mut()) => RUSTOCK_STATUS_OK,
            rustock_config_set_start_genesis(config, null_mut()) => RUSTOCK_STATUS_OK,
            rustock_client_open(config, &mut client, &mut error) => RUSTOCK_STATUS_OK,
        );
        // SAFETY: their last use.
        unsafe {
            rustock_client_free(client);
            rustock_config_free(config);
        }
    }
}

#[test]
fn a_second_client_on_a_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (path, length) = text(directory.path().to_str().unwrap());
    let (config, mut first, mut second, mut error) = (config(), null_mut(), null_mut(), null_mut());
    expect!(
        rustock_config_set_data_dir(config, path, length, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_open(config, &mut first, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_open(config, &mut second, &mut error) => RUSTOCK_STATUS_STORE_IN_USE,
    );
    assert!(second.is_null(), "outputs are written only on success");
    assert_eq!(error_parts(error).1, "data_dir");
    // SAFETY: its last use.
    unsafe { rustock_client_free(first) };
    expect!(rustock_client_open(config, &mut second, null_mut()) => RUSTOCK_STATUS_OK);
    // SAFETY: their last uses.
    unsafe {
        rustock_client_free(second);
        rustock_config_free(config);
    }
}

#[test]
fn structs_without_their_size_are_refused_and_left_alone() {
    let client = client();
    // SAFETY: all zero is a value of these.
    let (mut header, mut status, mut report): (
        rustock_header,
        rustock_client_status_view,
        rustock_stop_report,
    ) = unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
    expect!(
        rustock_client_best_header(client, &mut header, null_mut()) => RUSTOCK_STATUS_STRUCT_SIZE,
        rustock_client_status(client, &mut status, null_mut()) => RUSTOCK_STATUS_STRUCT_SIZE,
        rustock_client_stop(client, 0, &mut report, null_mut()) => RUSTOCK_STATUS_STRUCT_SIZE,
    );
    assert_eq!(header.hash.bytes, [0; 32]);
    header.struct_size = size_of::<rustock_header>();
    status.struct_size = size_of::<rustock_client_status_view>();
    report.struct_size = size_of::<rustock_stop_report>();
    expect!(
        rustock_client_best_header(client, &mut header, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_status(client, &mut status, null_mut()) => RUSTOCK_STATUS_OK,
    );
    assert_ne!(header.hash.bytes, [0; 32]);
    assert!(header.hash == status.head_hash && status.head_hash == status.base_hash);
    assert_eq!((status.run_state, status.has_peers_claim), (RUSTOCK_RUN_STOPPED, false));
    // The refused stop did not stop it.
    expect!(
        rustock_client_start(client, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_stop(client, 5_000, &mut report, null_mut()) => RUSTOCK_STATUS_OK,
    );
    assert!(report.in_time);
    // SAFETY: its last use.
    unsafe { rustock_client_free(client) };
}

#[test]
fn a_rebase_has_what_a_rebase_has_and_nothing_else() {
    let client = client();
    let subscription = subscribe_to_a_rebase(client);
    let event = next(subscription);
    let (mut kind, mut reason, mut block) = (0, 0, empty_block());
    let (mut added, mut removed) = (7, 7);
    expect!(
        rustock_event_kind(event, &mut kind) => RUSTOCK_STATUS_OK,
        rustock_event_added_count(event, &mut added) => RUSTOCK_STATUS_OK,
        rustock_event_removed_count(event, &mut removed) => RUSTOCK_STATUS_OK,
        rustock_event_added(event, 0, &mut block) => RUSTOCK_STATUS_INDEX_OUT_OF_RANGE,
        rustock_event_removed(event, 0, &mut block) => RUSTOCK_STATUS_INDEX_OUT_OF_RANGE,
        rustock_event_common_ancestor(event, &mut block) => RUSTOCK_STATUS_NOT_IN_EVENT,
    );
    assert_eq!((kind, added, removed, block.number), (RUSTOCK_EVENT_REBASED, 0, 0, 7));
    expect!(rustock_event_rebase(event, &mut reason, &mut block) => RUSTOCK_STATUS_OK);
    assert_eq!((reason, block.number), (RUSTOCK_REBASE_UNKNOWN_BLOCK, 0));
    free(event, subscription, client);
}

#[test]
fn the_same_event_comes_until_it_is_acknowledged_and_only_once_can_it_be() {
    let client = client();
    let subscription = subscribe_to_a_rebase(client);
    let (first, again) = (next(subscription), next(subscription));
    let mut nothing = null_mut();
    let (mut before, mut of_event, mut after) = (
        rustock_cursor { bytes: [0; 41] },
        rustock_cursor { bytes: [0; 41] },
        rustock_cursor { bytes: [0; 41] },
    );
    expect!(
        rustock_subscription_cursor(subscription, &mut before, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_event_cursor(first, &mut of_event) => RUSTOCK_STATUS_OK,
        rustock_subscription_ack(subscription, again, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_subscription_cursor(subscription, &mut after, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_subscription_ack(subscription, first, null_mut()) => RUSTOCK_STATUS_WRONG_EVENT,
        rustock_subscription_next(subscription, 0, &mut nothing, null_mut()) => RUSTOCK_STATUS_TIMEOUT,
    );
    assert!(before != of_event && of_event == after && nothing.is_null());
    // SAFETY: its last use.
    unsafe { rustock_event_free(again) };
    free(first, subscription, client);
}

#[test]
fn bad_subscriptions_are_refused() {
    let client = client();
    let mut error = null_mut();
    let foreign = rustock_cursor { bytes: [9; 41] };
    expect!(
        rustock_client_subscribe(client, null(), 0, 0, NO_OUTPUT as _, &mut error) => RUSTOCK_STATUS_ZERO_BATCH,
    );
    assert_eq!(error_parts(error).1, "max_batch");
    expect!(
        rustock_client_subscribe(client, &foreign, 0, 1, NO_OUTPUT as _, &mut error)
            => RUSTOCK_STATUS_CURSOR_OTHER_NETWORK,
    );
    assert_eq!(error_parts(error).1, "after");
    // SAFETY: its last use.
    unsafe { rustock_client_free(client) };
}

#[test]
fn headers_are_given_as_received_and_absent_ones_are_not_found() {
    let (client, mut buffer, mut view) = (client(), null_mut(), rustock_bytes { data: null(), length: 0 });
    let mut none = null_mut();
    expect!(
        rustock_client_header_by_number(client, 0, &mut buffer, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_buffer_bytes(buffer, &mut view) => RUSTOCK_STATUS_OK,
        rustock_client_header_by_number(client, 1, &mut none, null_mut()) => RUSTOCK_STATUS_HEADER_NOT_FOUND,
        rustock_client_header_by_number(client, u64::MAX, &mut none, null_mut())
            => RUSTOCK_STATUS_HEADER_NOT_FOUND,
    );
    // SAFETY: the view lives as long as the buffer.
    let raw = unsafe { slice::from_raw_parts(view.data, view.length) };
    let genesis = rustock_test_support::chainkit::ChainBuilder::simnet().build(0);
    assert_eq!(raw, genesis.genesis().raw());
    // SAFETY: their last uses.
    unsafe {
        rustock_buffer_free(buffer);
        rustock_client_free(client);
    }
}

#[test]
fn after_stop_snapshots_answer_and_the_rest_is_closed() {
    let client = client();
    let subscription = subscribe(client, null());
    // SAFETY: all zero is a value of it.
    let mut header: rustock_header = unsafe { std::mem::zeroed() };
    header.struct_size = size_of::<rustock_header>();
    let (mut event, mut buffer, mut error) = (null_mut(), null_mut(), null_mut());
    expect!(
        rustock_client_stop(client, 0, null_mut(), null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_stop(client, 0, null_mut(), null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_best_header(client, &mut header, null_mut()) => RUSTOCK_STATUS_OK,
        rustock_client_header_by_number(client, 0, &mut buffer, &mut error) => RUSTOCK_STATUS_CLOSED,
        rustock_subscription_next(subscription, 1_000, &mut event, &mut error) => RUSTOCK_STATUS_CLOSED,
    );
    assert!(error.is_null(), "an outcome below 100 carries no detail");
    expect!(rustock_client_start(client, &mut error) => RUSTOCK_STATUS_STOPPED);
    assert_eq!(error_parts(error).0, RUSTOCK_STATUS_STOPPED);
    assert!(event.is_null() && buffer.is_null());
    // SAFETY: their last uses.
    unsafe {
        rustock_client_free(client);
        rustock_subscription_free(subscription);
    }
}

/// A handle that other threads use too, as C programs do.
#[derive(Clone, Copy)]
struct Shared(*mut rustock_subscription);
// SAFETY: the header says that any thread may use a subscription.
unsafe impl Send for Shared {}

impl Shared {
    fn next(self, timeout_ms: u32) -> rustock_status {
        // SAFETY: the subscription outlives the threads.
        unsafe { rustock_subscription_next(self.0, timeout_ms, &mut null_mut(), null_mut()) }
    }
}

#[test]
fn closing_from_another_thread_ends_the_waits_of_all_threads() {
    let client = client();
    let subscription = Shared(subscribe(client, null()));
    let (arrived, arrivals) = mpsc::channel();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let arrived = arrived.clone();
            thread::spawn(move || {
                let looked = subscription.next(0);
                arrived.send(looked).unwrap();
                // Long enough that only closing can end it: TIMEOUT would be the wrong answer.
                subscription.next(60_000)
            })
        })
        .collect();
    for _ in 0..3 {
        assert_eq!(named(arrivals.recv().unwrap()), named(RUSTOCK_STATUS_TIMEOUT));
    }
    // SAFETY: the subscription is alive.
    unsafe { rustock_subscription_close(subscription.0) };
    for thread in waiting {
        assert_eq!(named(thread.join().unwrap()), named(RUSTOCK_STATUS_CLOSED));
    }
    // SAFETY: their last uses.
    unsafe {
        rustock_subscription_close(subscription.0);
        rustock_subscription_free(subscription.0);
        rustock_client_free(client);
    }
}

#[test]
fn a_thread_that_waits_for_its_turn_times_out_in_its_own_time() {
    let client = client();
    let subscription = Shared(subscribe(client, null()));
    let (arrived, arrivals) = mpsc::channel();
    let waiting = thread::spawn(move || {
        arrived.send(()).unwrap();
        subscription.next(60_000)
    });
    arrivals.recv().unwrap();
    // Whether or not the other thread is in its wait already, this one comes back.
    assert_eq!(named(subscription.next(20)), named(RUSTOCK_STATUS_TIMEOUT));
    // SAFETY: both are alive until the thread is back; then come their last uses.
    unsafe {
        rustock_client_free(client);
        assert_eq!(named(waiting.join().unwrap()), named(RUSTOCK_STATUS_CLOSED));
        rustock_subscription_free(subscription.0);
    }
}

#[test]
fn the_version_is_that_of_the_header() {
    assert_eq!(rustock_abi_version(), RUSTOCK_ABI_MAJOR << 16 | RUSTOCK_ABI_MINOR);
}

fn empty_block() -> rustock_block {
    let hash = rustock_hash { bytes: [0; 32] };
    rustock_block { number: 7, timestamp: 7, hash, parent_hash: hash }
}

/// In the order least expected: the client first.
fn free(event: *mut rustock_event, subscription: *mut rustock_subscription, client: *mut rustock_client) {
    // SAFETY: their last uses.
    unsafe {
        rustock_client_free(client);
        rustock_subscription_free(subscription);
        rustock_event_free(event);
    }
}
