//! Pointers from C, checked for NULL and turned into references, texts and places to write to.

use core::{
    ffi::c_char,
    mem::size_of,
    ptr::{NonNull, copy_nonoverlapping},
    slice,
};

use crate::{
    convert::Failure,
    error::{
        RUSTOCK_STATUS_NOT_UTF8, RUSTOCK_STATUS_NULL_OUT, RUSTOCK_STATUS_STRUCT_SIZE,
        RUSTOCK_STATUS_TEXT_TOO_LONG, rustock_status,
    },
};

/// Longest text taken, in bytes: a path, a peer address and a checkpoint are all far shorter.
const MAX_TEXT: usize = 1024 * 1024;

fn null(code: rustock_status, argument: &'static str) -> Failure {
    Failure::new(code, argument, format!("{argument} is NULL"))
}

/// What a handle stands for.
///
/// # Safety
/// `handle` is NULL or valid, and stays so while the reference is used.
pub(super) unsafe fn borrow<'a, T>(
    handle: *const T,
    code: rustock_status,
    argument: &'static str,
) -> Result<&'a T, Failure> {
    // SAFETY: passed on to the caller.
    unsafe { handle.as_ref() }.ok_or_else(|| null(code, argument))
}

/// What a handle stands for, to change it.
///
/// # Safety
/// As for [`borrow`], and no other thread uses the handle meanwhile.
pub(super) unsafe fn borrow_mut<'a, T>(
    handle: *mut T,
    code: rustock_status,
    argument: &'static str,
) -> Result<&'a mut T, Failure> {
    // SAFETY: passed on to the caller.
    unsafe { handle.as_mut() }.ok_or_else(|| null(code, argument))
}

/// Takes back what [`Out::hand_over`] gave away, and drops it. NULL is fine.
///
/// # Safety
/// `handle` is NULL or came from this library and was not freed.
pub(super) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: it came from a box.
        drop(unsafe { Box::from_raw(handle) });
    }
}

/// A text of C.
///
/// # Safety
/// `data` is NULL or valid for `length` bytes, which nobody changes while the text is used.
pub(super) unsafe fn text<'a>(
    data: *const c_char,
    length: usize,
    code: rustock_status,
    argument: &'static str,
) -> Result<&'a str, Failure> {
    if data.is_null() {
        return Err(null(code, argument));
    }
    if length > MAX_TEXT {
        let message = format!("{argument} has {length} bytes, at most {MAX_TEXT} are taken");
        return Err(Failure::new(RUSTOCK_STATUS_TEXT_TOO_LONG, argument, message));
    }
    // SAFETY: passed on to the caller.
    let bytes = unsafe { slice::from_raw_parts(data.cast::<u8>(), length) };
    str::from_utf8(bytes).map_err(|error| {
        Failure::new(RUSTOCK_STATUS_NOT_UTF8, argument, format!("{argument} is not UTF-8: {error}"))
    })
}

/// A place of the caller's that is written once, on success.
pub(super) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// # Safety
    /// `out` is NULL or valid for writing a `T`.
    pub unsafe fn new(out: *mut T) -> Result<Self, Failure> {
        NonNull::new(out).map(Self).ok_or_else(|| null(RUSTOCK_STATUS_NULL_OUT, "out"))
    }

    /// Writes the output. What was there before is not looked at.
    pub fn write(self, value: T) {
        // SAFETY: `new` was promised that it can be written.
        unsafe { self.0.write(value) };
    }
}

impl<T> Out<*mut T> {
    /// Gives the caller a handle.
    pub fn hand_over(self, value: T) {
        self.write(Box::into_raw(Box::new(value)));
    }
}

/// A struct that later releases may lengthen. C compiled against another release has another size for it.
///
/// # Safety
/// The type is `repr(C)` and its first field is `struct_size: usize`.
pub(super) unsafe trait SizedStruct {
    /// Its size in the first release that had it.
    const FIRST_SIZE: usize;
}

/// A place for a [`SizedStruct`], as long as its caller says.
pub(super) struct SizedOut<T> {
    out: NonNull<T>,
    size: usize,
}

impl<T: SizedStruct> SizedOut<T> {
    /// # Safety
    /// `out` is NULL, or its first field can be read and as many bytes as that says can be written.
    pub unsafe fn new(out: *mut T) -> Result<Self, Failure> {
        let out = NonNull::new(out).ok_or_else(|| null(RUSTOCK_STATUS_NULL_OUT, "out"))?;
        // SAFETY: passed on to the caller.
        let given = unsafe { out.cast::<usize>().read() };
        if given < T::FIRST_SIZE {
            let expected = T::FIRST_SIZE;
            let message = format!("struct_size is {given}, expected at least {expected}: set it to sizeof");
            return Err(Failure::new(RUSTOCK_STATUS_STRUCT_SIZE, "struct_size", message));
        }
        Ok(Self { out, size: given.min(size_of::<T>()) })
    }

    /// Writes as much as the caller has room for, and into `struct_size` how much that was.
    pub fn write(self, value: T) {
        let source = (&raw const value).cast::<u8>();
        // SAFETY: `new` was promised room for `size` bytes, a `T` has no fewer, and both begin with their size.
        unsafe {
            copy_nonoverlapping(source, self.out.cast::<u8>().as_ptr(), self.size);
            self.out.cast::<usize>().write(self.size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct Grown {
        struct_size: usize,
        first: u64,
        later: u64,
    }

    // SAFETY: as above.
    unsafe impl SizedStruct for Grown {
        const FIRST_SIZE: usize = 16;
    }

    /// Room for more than a `Grown`, filled with ones.
    fn write_into(struct_size: usize) -> Result<[u64; 5], Failure> {
        let mut room = [struct_size as u64, 1, 1, 1, 1];
        // SAFETY: there is room for 40 bytes.
        let out = unsafe { SizedOut::<Grown>::new(room.as_mut_ptr().cast()) }?;
        out.write(Grown { struct_size: 0, first: 7, later: 8 });
        Ok(room)
    }

    #[test]
    fn callers_of_an_older_and_a_newer_release_get_what_both_know() {
        assert_eq!(write_into(16).unwrap(), [16, 7, 1, 1, 1]);
        assert_eq!(write_into(24).unwrap(), [24, 7, 8, 1, 1]);
        assert_eq!(write_into(40).unwrap(), [24, 7, 8, 1, 1]);
    }

    #[test]
    fn a_struct_size_that_was_not_set_is_refused() {
        for struct_size in [0, 15] {
            assert_eq!(write_into(struct_size).unwrap_err().code, RUSTOCK_STATUS_STRUCT_SIZE);
        }
    }

    #[test]
    fn texts_are_measured_before_they_are_read() {
        // SAFETY: the length is refused before anything is read.
        let refused = unsafe { text(c"x".as_ptr(), MAX_TEXT + 1, 7, "path") };
        assert_eq!(refused.unwrap_err().code, RUSTOCK_STATUS_TEXT_TOO_LONG);
        let longest = vec![b'x'; MAX_TEXT];
        // SAFETY: it is as long as said.
        let taken = unsafe { text(longest.as_ptr().cast(), MAX_TEXT, 7, "path") };
        assert_eq!(taken.unwrap().len(), MAX_TEXT);
    }
}
