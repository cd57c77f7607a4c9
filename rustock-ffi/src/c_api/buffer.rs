//! Bytes that are too many for a struct: raw headers, texts.

use super::{
    guard::{ErrorOut, guard, guard_value},
    pointer::{Out, borrow, free},
    types::rustock_bytes,
};
use crate::error::{RUSTOCK_STATUS_NULL_BUFFER, RUSTOCK_STATUS_OK, rustock_status};

/// Bytes handed out. Free it with rustock_buffer_free.
pub struct rustock_buffer {
    pub(super) bytes: Box<[u8]>,
}

/// The bytes, a view owned by the buffer.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_buffer_bytes(
    buffer: *const rustock_buffer,
    out: *mut rustock_bytes,
) -> rustock_status {
    guard(ErrorOut::NONE, || {
        let buffer = unsafe { borrow(buffer, RUSTOCK_STATUS_NULL_BUFFER, "buffer") }?;
        let view = rustock_bytes { data: buffer.bytes.as_ptr(), length: buffer.bytes.len() };
        unsafe { Out::new(out) }?.write(view);
        Ok(RUSTOCK_STATUS_OK)
    })
}

/// Frees a buffer and the views of it. NULL is fine.
///
/// Threads: any, as the last call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rustock_buffer_free(buffer: *mut rustock_buffer) {
    guard_value((), || unsafe { free(buffer) });
}
