//! Which release of the ABI this is, and the names of status codes.

use core::ffi::c_char;

use super::guard::guard_value;
use crate::error::{name_of, rustock_status};

/// Major version of the ABI this header describes. Another major is another ABI; while it is 0, minors may be too.
pub const RUSTOCK_ABI_MAJOR: u32 = 0;
/// Minor version of the ABI this header describes. Minors only add.
pub const RUSTOCK_ABI_MINOR: u32 = 1;

/// The ABI version of the library: major << 16 | minor. Compare it with the header's before the first other call.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rustock_abi_version() -> u32 {
    guard_value(0, || RUSTOCK_ABI_MAJOR << 16 | RUSTOCK_ABI_MINOR)
}

/// The name of a status code, for logs: "RUSTOCK_STATUS_OK". Static, ends with a zero byte; "RUSTOCK_STATUS_?" for
/// a code this release does not have.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rustock_status_name(status: rustock_status) -> *const c_char {
    guard_value(c"RUSTOCK_STATUS_?".as_ptr(), || name_of(status).as_ptr())
}
