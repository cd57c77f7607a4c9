//! Detail about a failure: a handle with a code, the setting at fault, and words.

use super::{
    guard::{ErrorOut, guard, guard_value},
    pointer::{Out, borrow, free},
    types::rustock_text,
};
use crate::{
    convert::Failure,
    error::{RUSTOCK_STATUS_NULL_ERROR, RUSTOCK_STATUS_OK, rustock_status},
};

/// What went wrong, in detail. Free it with rustock_error_free.
pub struct rustock_error {
    pub(super) failure: Failure,
}

impl rustock_error {
    pub(super) fn new(failure: Failure) -> Self {
        Self { failure }
    }
}

/// The status code that the function returned.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_error_code(
    error: *const rustock_error,
    out: *mut rustock_status,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let error = unsafe { borrow(error, RUSTOCK_STATUS_NULL_ERROR, "error") }?;
        unsafe { Out::new(out) }?.write(error.failure.code);
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// The name of the argument or setting at fault, a view owned by the error; empty when none is.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_error_field(
    error: *const rustock_error,
    out: *mut rustock_text,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let error = unsafe { borrow(error, RUSTOCK_STATUS_NULL_ERROR, "error") }?;
        unsafe { Out::new(out) }?.write(rustock_text::of(error.failure.field));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// What happened, in English, a view owned by the error. For logs: programs decide by the code.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_error_message(
    error: *const rustock_error,
    out: *mut rustock_text,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let error = unsafe { borrow(error, RUSTOCK_STATUS_NULL_ERROR, "error") }?;
        unsafe { Out::new(out) }?.write(rustock_text::of(&error.failure.message));
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Frees an error and the views of it. NULL is fine.
///
/// Threads: any, as the last call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_error_free(error: *mut rustock_error) {
    guard_value((), || unsafe { free(error) });
}
