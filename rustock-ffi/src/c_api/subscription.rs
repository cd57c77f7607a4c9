//! A stream of chain events: peek with `next`, move on with `ack`.

use core::time::Duration;

use super::{
    error::rustock_error,
    event::rustock_event,
    guard::{ErrorOut, guard, guard_value},
    pointer::{Out, borrow, free},
    types::rustock_cursor,
};
use crate::{
    error::{
        RUSTOCK_STATUS_NULL_EVENT, RUSTOCK_STATUS_NULL_SUBSCRIPTION, RUSTOCK_STATUS_OK,
        RUSTOCK_STATUS_TIMEOUT, rustock_status,
    },
    shared_subscription::SharedSubscription,
};

/// A subscription to changes of the chain. Free it with rustock_subscription_free.
pub struct rustock_subscription {
    pub(super) shared: SharedSubscription,
}

/// Waits for the next event, at most `timeout_ms`; 0 only looks. The same event comes again until it is acknowledged.
/// RUSTOCK_STATUS_TIMEOUT when the time has passed, RUSTOCK_STATUS_CLOSED when there will be no more events.
///
/// Threads: any; threads in it at the same time take turns, and waiting for one's turn counts as waiting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_subscription_next(
    subscription: *mut rustock_subscription,
    timeout_ms: u32,
    out: *mut *mut rustock_event,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let subscription = unsafe { borrow(subscription, RUSTOCK_STATUS_NULL_SUBSCRIPTION, "subscription") }?;
        let out = unsafe { Out::new(out) }?;
        let Some(event) = subscription.shared.next(Duration::from_millis(timeout_ms.into()))? else {
            return Ok(RUSTOCK_STATUS_TIMEOUT);
        };
        out.hand_over(rustock_event { event });
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Moves on past the event at hand, which must be this one, else RUSTOCK_STATUS_WRONG_EVENT. The event stays yours.
/// Nothing is persisted: store the event's cursor with your own data.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_subscription_ack(
    subscription: *mut rustock_subscription,
    event: *const rustock_event,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let subscription = unsafe { borrow(subscription, RUSTOCK_STATUS_NULL_SUBSCRIPTION, "subscription") }?;
        let event = unsafe { borrow(event, RUSTOCK_STATUS_NULL_EVENT, "event") }?;
        subscription.shared.ack(event.event.cursor())?;
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Where the subscription stands: the last block acknowledged, at first the one it started after.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_subscription_cursor(
    subscription: *const rustock_subscription,
    out: *mut rustock_cursor,
    error: *mut *mut rustock_error,
) -> rustock_status {
    guard(unsafe { ErrorOut::new(error) }, || {
        let subscription = unsafe { borrow(subscription, RUSTOCK_STATUS_NULL_SUBSCRIPTION, "subscription") }?;
        unsafe { Out::new(out) }?.write(subscription.shared.position().into());
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Ends the subscription: whoever waits in rustock_subscription_next gets RUSTOCK_STATUS_CLOSED. Returns at once. A
/// second call does nothing, and neither does NULL.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_subscription_close(subscription: *mut rustock_subscription) {
    guard_value((), || {
        if let Some(subscription) = unsafe { subscription.as_ref() } {
            subscription.shared.close();
        }
    });
}

/// Frees a subscription, before or after its client. Events it gave stay yours. NULL is fine.
///
/// Threads: any, as the last call with it: close it first and let waiting threads come back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_subscription_free(subscription: *mut rustock_subscription) {
    guard_value((), || unsafe { free(subscription) });
}
