//! How a transport is made.

use std::ffi::{c_int, c_void};

use super::cancel::en_cancel_t;
use super::protocol_callbacks::en_destroy_t;
use super::tcp_options::en_interrupt_t;
use super::{handle, options};
use crate::client::transport::TransportOptions;
use crate::error::Result;

/// The descriptor is to become readable.
pub const EN_INTEREST_READ: c_int = 1;
/// The descriptor is to become writable.
pub const EN_INTEREST_WRITE: c_int = 2;

/// How a transport is made. Options may be used for any number of transports, and changed or freed
/// as soon as the call that took them has returned.
pub struct en_transport_options_t {
    _private: [u8; 0],
}

handle!(en_transport_options_t, TransportOptions, "options");

/// Makes options with every default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_new(out: *mut *mut en_transport_options_t) -> c_int {
    // SAFETY: `out` is NULL or writable.
    unsafe { options::new(out) }
}

fn set(
    options: *mut en_transport_options_t,
    change: impl FnOnce(&mut TransportOptions) -> Result<()>,
) -> c_int {
    // SAFETY: each caller's comment demands NULL or a live handle, one thread at a time.
    unsafe { options::set(options, change) }
}

/// Waits until `fd` is ready for what `interest` says (`EN_INTEREST_...`, one or both), or
/// `timeout_ms` milliseconds have passed (negative: never), in whatever way the application waits:
/// in a scheduler of coroutines, a foreign event loop. `fd` is -1 if there is nothing to poll;
/// then only time can pass. It may come back earlier: whoever called looks again. Answers
/// `EN_CALLBACK_DONE`; `EN_ECANCELED`, `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the application's own
/// (`EN_EUSER_BASE` and below) ends the call with that code.
///
/// Meanwhile all functions of the same handle may be called in the same thread, as from another
/// thread (to free it ends the call that waits, as soon as this function returns). It returns in
/// the thread that called it. It must not throw, longjmp or exit the thread.
pub type en_wait_t = Option<
    unsafe extern "C" fn(fd: c_int, interest: c_int, timeout_ms: i64, user_data: *mut c_void) -> c_int,
>;

/// Makes `wait` wait in place of poll(2) wherever a call has to wait for a descriptor. `destroy`
/// (may be NULL) is called once with `user_data` when options and transports are gone; not if this
/// call fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_set_wait(
    options: *mut en_transport_options_t,
    wait: en_wait_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| options::set_wait(&mut options.common, wait, destroy, user_data))
}

/// Makes calls that wait look again every `interval_ms` milliseconds (from 1 on), and ask
/// `interrupted` (may be NULL) whether to go on. Default: none; what has no descriptor to wait for
/// is looked at each second at least. `destroy` (may be NULL) is called once with `user_data` when options
/// and transports are gone; not if this call fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (also `destroy` without `interrupted`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_set_retry_interval(
    options: *mut en_transport_options_t,
    interval_ms: i64,
    interrupted: en_interrupt_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| {
        options::set_looks(&mut options.common, interval_ms, interrupted, destroy, user_data)
    })
}

/// Gives the transport a switch that ends its calls with `EN_ECANCELED`. The transport keeps it
/// alive. NULL takes it away.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_set_cancel(
    options: *mut en_transport_options_t,
    cancel: *mut en_cancel_t,
) -> c_int {
    // SAFETY: `cancel` is NULL or a live handle.
    set(options, |options| unsafe { options::set_cancel(&mut options.common, cancel) })
}

/// How long the TLS handshake may take, in milliseconds; default 60000. Negative: for ever. For
/// TLS only.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`; without TLS, when the transport is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_set_handshake_timeout(
    options: *mut en_transport_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.secure.handshake_timeout_ms = Some(timeout_ms);
        Ok(())
    })
}

/// How long closing may wait for the peer's end of TLS, in milliseconds; default 30000, negative
/// for ever. It changes nothing for transports without TLS.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_set_shutdown_timeout(
    options: *mut en_transport_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.common.shutdown_timeout_ms = timeout_ms;
        Ok(())
    })
}

/// Whether the end of TLS (close_notify) must be said, and heard: 1, the default, or 0. See
/// `en_tcp_options_set_standard_compatible`. For TLS only.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`; without TLS, when the transport is made. See RFC 8446, 6.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_set_standard_compatible(
    options: *mut en_transport_options_t,
    standard_compatible: c_int,
) -> c_int {
    set(options, |options| {
        options.secure.standard_compatible =
            Some(options::switch("standard_compatible", standard_compatible)?);
        Ok(())
    })
}

/// The largest datagram that is received, in bytes, up to 1073741824; 0 stands for the default,
/// 65536. It changes nothing for streams.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_set_max_datagram_size(
    options: *mut en_transport_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_max_datagram_size(size))
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_transport_options_free(options: *mut en_transport_options_t) {
    // SAFETY: `options` is NULL or a live handle that is not used again.
    unsafe { options::free(options) }
}
