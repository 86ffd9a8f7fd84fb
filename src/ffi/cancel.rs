//! A switch that any thread may throw to end calls that wait.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use super::{Constructor, borrow, call, call_value, guard_void, handle, take, truth};
use crate::blocking::Cancel;

/// A switch. Options take one; once it is thrown, every call of a client that has it, and a
/// connect that is under way, end with `EN_ECANCELED`, until the switch is reset.
pub struct en_cancel_t {
    _private: [u8; 0],
}

handle!(en_cancel_t, Arc<Cancel>, "cancel");

/// Makes a switch, not thrown.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_cancel_new(out: *mut *mut en_cancel_t) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let out = unsafe { Constructor::new(out)? };
        out.boxed(Arc::new(Cancel::new()?));
        Ok(())
    })
}

/// Throws the switch. Calls that wait end at once with `EN_ECANCELED`; nothing they had received
/// is lost. Those that wait by a function of the application (`en_wait_t`) look at the switch at the
/// retry interval, a second at most, unless that function waits for `en_cancel_fd`, too. May be called
/// from a signal handler, see signal-safety(7).
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_cancel_trigger(cancel: *mut en_cancel_t) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe { borrow(cancel) }?.trigger();
        Ok(())
    })
}

/// Puts the switch back, so that later calls work again. A call that has not seen yet that it was thrown
/// goes on: put it back when those that it was to end have returned.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_cancel_reset(cancel: *mut en_cancel_t) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe { borrow(cancel) }?.reset();
        Ok(())
    })
}

/// 1 if the switch is thrown, 0 if not.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_cancel_is_triggered(cancel: *const en_cancel_t) -> c_int {
    // SAFETY: as the caller promises.
    call_value(|| Ok(truth(unsafe { borrow(cancel) }?.is_triggered())))
}

/// A descriptor that is readable while the switch is thrown, to be waited for beside others. It stays
/// the switch's, and lasts as long as the handle: it is neither read nor closed. A forked child asks for
/// it before it waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`. See eventfd(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_cancel_fd(cancel: *const en_cancel_t) -> c_int {
    // SAFETY: as the caller promises.
    call_value(|| Ok(unsafe { borrow(cancel) }?.as_fd().as_raw_fd()))
}

/// Ends the handle; NULL is nothing. Clients and options that have the switch keep it alive.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_cancel_free(cancel: *mut en_cancel_t) {
    guard_void(|| {
        // SAFETY: as the caller promises.
        if let Some(cancel) = unsafe { take(cancel) } {
            cancel.wait_until_alone();
        }
    });
}
