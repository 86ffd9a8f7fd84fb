//! Codes as text, and the detail of the last failure of each thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};

use super::{Error, truth};
use crate::error;

#[derive(Default)]
pub(crate) struct Last {
    error: Option<Error>,
    text: CString,
    /// What a callback was told last: it may have kept the pointer for a little longer.
    told: CString,
    /// Whether it is what a callback is told of, and not the failure of a call.
    is_told: bool,
}

thread_local! {
    static LAST: RefCell<Last> = RefCell::default();
    static EXPLANATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the detail of a failing call for `en_last_error_message`.
pub(crate) fn remember(error: Error) {
    // A destructor at the end of a thread may come after ours.
    let _ = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        last.error = Some(error);
        last.is_told = false;
    });
}

/// The time in which a callback is told of a failure, and `en_last_error_message` tells of that one. Then it tells
/// what it did before: what calls back has not failed. Unless a call of the callback has.
pub(crate) struct Telling(Option<Last>);

impl Telling {
    #[cold]
    #[inline(never)]
    pub(crate) fn begin(error: Error) -> Telling {
        let told = Last { error: Some(error), is_told: true, ..Last::default() };
        Telling(LAST.try_with(|last| last.replace(told)).ok())
    }
}

impl Drop for Telling {
    #[inline(never)]
    fn drop(&mut self) {
        let _ = LAST.try_with(|last| {
            let mut last = last.borrow_mut();
            if let Some(mut before) = self.0.take().filter(|_| last.is_told) {
                before.told = std::mem::take(&mut last.text);
                *last = before;
            }
        });
    }
}

/// What the callback that has just failed said of it.
pub(crate) fn take_explanation() -> Option<String> {
    EXPLANATION.try_with(RefCell::take).ok().flatten()
}

/// The meaning of a code in a few words, such as "connection refused". Never NULL, never freed;
/// numbers that are no code have a general text.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn en_strerror(code: c_int) -> *const c_char {
    error::text_of(code).as_ptr()
}

/// The name of a code, such as "EN_ECONNREFUSED". Never NULL, never freed; "EN_EUSER" for the
/// application's own below `EN_EUSER_BASE`, "EN_EUNKNOWN" for numbers that are no code.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn en_error_name(code: c_int) -> *const c_char {
    error::name_of(code).as_ptr()
}

/// 1 if the code says that the connection is over or could not be had, however that came about:
/// ended by the peer, reset, truncated, refused, unreachable. 0 otherwise, also of `EN_ESHUTDOWN` (this
/// side has sent the end, and may go on receiving) and `EN_ENOTCONN` (it is yet to be connected).
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn en_error_is_connection(code: c_int) -> c_int {
    truth(error::is_over(code))
}

/// What the last failing call of this thread tried, with whom, at which stage, and why it failed.
/// Never NULL; empty before the first failure. Valid until the next failing call of this thread.
/// Calls that succeed, and functions that return void, leave it alone. A callback of a loop that is
/// told of a failure finds that one here, until it returns.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn en_last_error_message() -> *const c_char {
    let text = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        if let Some(error) = last.error.take() {
            last.text = c_string(error.to_string());
        }
        last.text.as_ptr()
    });
    // A destructor at the end of a thread may come after ours.
    text.unwrap_or(c"".as_ptr())
}

/// From inside a callback that is about to return an error: why. The text (UTF-8, and copied; what
/// is not UTF-8 in it becomes U+FFFD) becomes part of the message of the call that the callback
/// fails. NULL takes it back.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_set_error_message(message: *const c_char) {
    // SAFETY: not NULL, and the caller vouches for the terminator.
    let text =
        (!message.is_null()).then(|| unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned());
    let _ = EXPLANATION.try_with(|explanation| explanation.replace(text));
}

fn c_string(mut text: String) -> CString {
    text.retain(|letter| letter != '\0');
    CString::new(text).unwrap_or_default()
}
