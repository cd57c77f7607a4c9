//! The boundary no panic crosses. Every export's body runs in [`guard`] or [`guard_value`].

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::error::rustock_error;
use crate::{
    convert::Failure,
    error::{RUSTOCK_STATUS_NULL_OUT, RUSTOCK_STATUS_PANIC, rustock_status},
};

/// Codes below this one carry no detail: nothing is wrong.
const FIRST_FAILURE: rustock_status = RUSTOCK_STATUS_NULL_OUT;

/// Where the caller wants detail; perhaps nowhere.
pub(super) struct ErrorOut(*mut *mut rustock_error);

impl ErrorOut {
    /// For functions that give no detail.
    pub const NONE: Self = Self(core::ptr::null_mut());

    /// # Safety
    /// `error` is NULL or valid for writing a pointer.
    pub unsafe fn new(error: *mut *mut rustock_error) -> Self {
        Self(error)
    }

    fn write(self, failure: Failure) {
        if !self.0.is_null() {
            let error = Box::into_raw(Box::new(rustock_error::new(failure)));
            // SAFETY: `new` was promised that it can be written.
            unsafe { self.0.write(error) };
        }
    }
}

/// Runs the body of an export. A failure becomes its code, with detail in `error`; so does a panic.
// Nothing of ours stays half done behind a panic: locks ignore poison because what they guard is set in one step.
pub(super) fn guard(
    error: ErrorOut,
    body: impl FnOnce() -> Result<rustock_status, Failure>,
) -> rustock_status {
    let reported = catch_unwind(AssertUnwindSafe(|| {
        let failure = match catch_unwind(AssertUnwindSafe(body)) {
            Ok(Ok(status)) => return status,
            Ok(Err(failure)) => failure,
            Err(panic) => Failure::new(RUSTOCK_STATUS_PANIC, "", panic_message(panic)),
        };
        let code = failure.code;
        if code >= FIRST_FAILURE {
            error.write(failure);
        }
        code
    }));
    reported.unwrap_or_else(|panic| {
        core::mem::forget(panic);
        RUSTOCK_STATUS_PANIC
    })
}

/// Runs the body of an export that returns no status. A panic becomes `otherwise`.
pub(super) fn guard_value<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        // Dropping it runs code of whoever panicked, which may panic again.
        core::mem::forget(panic);
        otherwise
    })
}

fn panic_message(panic: Box<dyn Any + Send>) -> String {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "no message".to_owned(),
    };
    core::mem::forget(panic);
    format!("a fault of this library, please report it: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{RUSTOCK_STATUS_CLOSED, RUSTOCK_STATUS_OK, RUSTOCK_STATUS_ZERO_BATCH};

    fn guarded(
        body: impl FnOnce() -> Result<rustock_status, Failure>,
    ) -> (rustock_status, Option<Box<rustock_error>>) {
        let mut error = core::ptr::null_mut();
        // SAFETY: the pointer is that of a local, and what comes back is a box of ours or untouched.
        unsafe {
            let status = guard(ErrorOut::new(&raw mut error), body);
            (status, (!error.is_null()).then(|| Box::from_raw(error)))
        }
    }

    #[test]
    fn a_panic_becomes_its_code_with_its_words() {
        for body in [|| panic!("plain"), || panic!("{}", "formatted")] {
            let (status, error) = guarded(body);
            assert_eq!(status, RUSTOCK_STATUS_PANIC);
            let failure = &error.unwrap().failure;
            assert_eq!(failure.code, RUSTOCK_STATUS_PANIC);
            assert!(failure.message.ends_with("plain") || failure.message.ends_with("formatted"));
        }
        let (status, error) = guarded(|| std::panic::panic_any(7));
        assert_eq!(status, RUSTOCK_STATUS_PANIC);
        assert!(error.unwrap().failure.message.ends_with("no message"));
    }

    #[test]
    fn a_panic_whose_payload_panics_when_dropped_stops_here_too() {
        struct Grenade;
        impl Drop for Grenade {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        assert_eq!(guarded(|| std::panic::panic_any(Grenade)).0, RUSTOCK_STATUS_PANIC);
        assert_eq!(guard_value(7, || std::panic::panic_any(Grenade)), 7);
    }

    #[test]
    fn failures_carry_detail_and_outcomes_do_not() {
        let (status, error) = guarded(|| Err(Failure::new(RUSTOCK_STATUS_ZERO_BATCH, "max_batch", "zero")));
        assert_eq!(status, RUSTOCK_STATUS_ZERO_BATCH);
        assert_eq!(error.unwrap().failure.field, "max_batch");

        let (status, error) = guarded(|| Err(Failure::new(RUSTOCK_STATUS_CLOSED, "", "closed")));
        assert_eq!((status, error.is_none()), (RUSTOCK_STATUS_CLOSED, true));
        let (status, error) = guarded(|| Ok(RUSTOCK_STATUS_OK));
        assert_eq!((status, error.is_none()), (RUSTOCK_STATUS_OK, true));
    }

    #[test]
    fn detail_nobody_asked_for_is_dropped() {
        let failure = Failure::new(RUSTOCK_STATUS_ZERO_BATCH, "", "");
        assert_eq!(guard(ErrorOut::NONE, || Err(failure)), RUSTOCK_STATUS_ZERO_BATCH);
    }
}
