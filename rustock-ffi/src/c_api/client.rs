//! The client's handle: open, start, ask, subscribe, stop.

use core::time::Duration;

use rustock_core::{
    client::{LightClient, SubscribeOptions},
    primitives::number::BlockNumber,
};

use super::{
    buffer::rustock_buffer,
    config::rustock_config,
    error::rustock_error,
    guard::{ErrorOut, guard, guard_value},
    pointer::{Out, SizedOut, borrow, free},
    subscription::rustock_subscription,
    types::{rustock_client_status_view, rustock_cursor, rustock_header, rustock_stop_report},
};
use crate::{
    convert::Failure,
    error::{
        RUSTOCK_STATUS_HEADER_NOT_FOUND, RUSTOCK_STATUS_NULL_CLIENT, RUSTOCK_STATUS_NULL_CONFIG,
        RUSTOCK_STATUS_OK, rustock_status,
    },
    shared_subscription::SharedSubscription,
};

/// A light client of one network. Free it with rustock_client_free.
pub struct rustock_client {
    client: LightClient,
}

/// Opens the store and validates the whole configuration, which stays yours. Touches no network.
///
/// Threads: any, while nobody changes the config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_open(
    config: *const rustock_config,
    out: *mut *mut rustock_client,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let config = unsafe { borrow(config, RUSTOCK_STATUS_NULL_CONFIG, "config") }?;
        let out = unsafe { Out::new(out) }?;
        let client = config.builder.clone().build()?;
        out.hand_over(rustock_client { client });
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Starts to dial peers and follow the chain. Returns at once; a second call does nothing.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_start(
    client: *mut rustock_client,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let client = unsafe { borrow(client, RUSTOCK_STATUS_NULL_CLIENT, "client") }?;
        client.client.start()?;
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// The best verified header that is durable; the base's right after opening. Answers from memory, before start and
/// after stop too.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_best_header(
    client: *const rustock_client,
    out: *mut rustock_header,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let client = unsafe { borrow(client, RUSTOCK_STATUS_NULL_CLIENT, "client") }?;
        let out = unsafe { SizedOut::new(out) }?;
        out.write(rustock_header::from(&client.client.best_header()));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// What the client is doing and how far it has come. Answers from memory, before start and after stop too.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_status(
    client: *const rustock_client,
    out: *mut rustock_client_status_view,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let client = unsafe { borrow(client, RUSTOCK_STATUS_NULL_CLIENT, "client") }?;
        let out = unsafe { SizedOut::new(out) }?;
        out.write(rustock_client_status_view::from(&client.client.status()));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// The last thing that went wrong with a peer, in English, as UTF-8; empty when nothing did. For logs.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_last_problem(
    client: *const rustock_client,
    out: *mut *mut rustock_buffer,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let client = unsafe { borrow(client, RUSTOCK_STATUS_NULL_CLIENT, "client") }?;
        let out = unsafe { Out::new(out) }?;
        let problem = client.client.status().last_problem.unwrap_or_default();
        out.hand_over(rustock_buffer { bytes: problem.into_bytes().into() });
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// The header at a height of the verified chain, as received: its RLP, whose bytes prove its hash.
/// RUSTOCK_STATUS_HEADER_NOT_FOUND below the base and above the head, RUSTOCK_STATUS_CLOSED after stop.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_header_by_number(
    client: *const rustock_client,
    number: u64,
    out: *mut *mut rustock_buffer,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let client = unsafe { borrow(client, RUSTOCK_STATUS_NULL_CLIENT, "client") }?;
        let out = unsafe { Out::new(out) }?;
        let header = client.client.header_by_number(BlockNumber::new(number))?.ok_or_else(|| {
            let message = format!("there is no header at height {number} in this client's chain");
            Failure::new(RUSTOCK_STATUS_HEADER_NOT_FOUND, "number", message)
        })?;
        out.hand_over(rustock_buffer { bytes: header.raw().into() });
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Subscribes to changes of the chain after a cursor, or from the head at this call when `after` is NULL.
/// `settle_depth` stays that many blocks behind the head, so that shallower reorganisations never show. `max_batch` is
/// the most blocks added by one event: 1,000 is a good choice. The subscription is freed on its own, before or after
/// the client.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_subscribe(
    client: *mut rustock_client,
    after: *const rustock_cursor,
    settle_depth: u32,
    max_batch: u32,
    out: *mut *mut rustock_subscription,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let client = unsafe { borrow(client, RUSTOCK_STATUS_NULL_CLIENT, "client") }?;
        let out = unsafe { Out::new(out) }?;
        let after = unsafe { after.as_ref() }.map(Into::into);
        let options = SubscribeOptions { after, settle_depth, max_batch };
        let subscription = client.client.subscribe(options)?;
        out.hand_over(rustock_subscription { shared: SharedSubscription::new(subscription) });
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Stops: peers are told, what was verified is written, the store is closed, every thread of the client ends. At the
/// deadline the rest is cut off. Whoever waits in rustock_subscription_next gets RUSTOCK_STATUS_CLOSED. `out` may be
/// NULL. A second call does nothing.
///
/// Threads: any; it waits for the deadline, and under half a second more for what is cut off then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_stop(
    client: *mut rustock_client,
    deadline_ms: u32,
    out: *mut rustock_stop_report,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let client = unsafe { borrow(client, RUSTOCK_STATUS_NULL_CLIENT, "client") }?;
        let out = if out.is_null() { None } else { Some(unsafe { SizedOut::new(out) }?) };
        let deadline = Duration::from_millis(deadline_ms.into());
        let report = pollster::block_on(client.client.stop(deadline));
        if let Some(out) = out {
            out.write(report.into());
        }
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Frees a client, after stopping it briefly if it still runs. Its subscriptions stay yours and are closed. NULL is
/// fine.
///
/// Threads: any, as the last call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_client_free(client: *mut rustock_client) {
    guard_value((), || unsafe { free(client) });
}
