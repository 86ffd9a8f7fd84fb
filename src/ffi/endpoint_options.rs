//! How an endpoint is made.

use std::ffi::{c_int, c_void};

use super::cancel::en_cancel_t;
use super::protocol_callbacks::en_destroy_t;
use super::tcp_options::en_interrupt_t;
use super::transport_options::en_wait_t;
use super::{handle, options};
use crate::client::CommonOptions;
use crate::error::Result;

/// How an endpoint is made. Options may be used for any number of endpoints, and changed or freed
/// as soon as the call that took them has returned.
pub struct en_endpoint_options_t {
    _private: [u8; 0],
}

handle!(en_endpoint_options_t, CommonOptions, "options");

/// Makes options with every default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_new(out: *mut *mut en_endpoint_options_t) -> c_int {
    // SAFETY: `out` is NULL or writable.
    unsafe { options::new(out) }
}

fn set(options: *mut en_endpoint_options_t, change: impl FnOnce(&mut CommonOptions) -> Result<()>) -> c_int {
    // SAFETY: each caller's comment demands NULL or a live handle, one thread at a time.
    unsafe { options::set(options, change) }
}

/// How many bytes each receive asks the transport for, from 1 to 1073741824. 0 stands for the
/// default: 16384 at first, more while receives are filled. It changes nothing for datagrams.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_max_recv_size(
    options: *mut en_endpoint_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.set_max_recv_size(size))
}

/// The largest packet that is received from a stream, in bytes: the smaller of this and the
/// protocol's own maximum counts. 0 stands for the default, the protocol's own.
/// Memory that a protocol lends (`en_stream_protocol_new_buffered`) has no other limit than its size.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_max_packet_size(
    options: *mut en_endpoint_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.set_max_packet_size(size))
}

/// The largest datagram that is received, in bytes, up to 1073741824; 0 stands for the default,
/// 65536. It changes nothing for streams.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_max_datagram_size(
    options: *mut en_endpoint_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.set_max_datagram_size(size))
}

/// Gathers packets in a buffer of `size` bytes (up to 1073741824; 0, the default, is none) instead
/// of sending each at once. They go out when the buffer is full, by flushing, by sending the end of
/// the stream, by closing, and when a receive on the endpoint is about to wait; on a loop with each
/// of its turns. It changes nothing for datagrams.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_write_buffer(
    options: *mut en_endpoint_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.set_write_buffer(size))
}

/// How long closing may take to bring out what is still to send, and over TLS to hear the peer's
/// end, in milliseconds; default 30000, negative for ever.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_shutdown_timeout(
    options: *mut en_endpoint_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.shutdown_timeout_ms = timeout_ms;
        Ok(())
    })
}

/// Lets a receive look again and again for so many microseconds before it sleeps: less latency for
/// a processor kept busy. At most 1000000; 0, the default, is not at all.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_busy_poll(
    options: *mut en_endpoint_options_t,
    microseconds: u32,
) -> c_int {
    set(options, |options| options.set_busy_poll(microseconds))
}

/// Gives the endpoint a switch that ends its calls with `EN_ECANCELED`. The endpoint keeps it
/// alive. NULL takes it away.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_cancel(
    options: *mut en_endpoint_options_t,
    cancel: *mut en_cancel_t,
) -> c_int {
    // SAFETY: `cancel` is NULL or a live handle.
    set(options, |options| unsafe { options::set_cancel(options, cancel) })
}

/// Makes calls that wait look again every `interval_ms` milliseconds (from 1 on), and ask
/// `interrupted` (may be NULL) whether to go on. Default: none; what has no descriptor to wait for
/// is looked at each second at least. `destroy` (may be NULL) is called once with `user_data` when
/// options and endpoints are gone; not if this call fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (also `destroy` without `interrupted`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_retry_interval(
    options: *mut en_endpoint_options_t,
    interval_ms: i64,
    interrupted: en_interrupt_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| options::set_looks(options, interval_ms, interrupted, destroy, user_data))
}

/// Makes `wait` wait in place of poll(2) wherever a call has to wait for a descriptor. `destroy`
/// (may be NULL) is called once with `user_data` when options and endpoints are gone; not if this
/// call fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_set_wait(
    options: *mut en_endpoint_options_t,
    wait: en_wait_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| options::set_wait(options, wait, destroy, user_data))
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_endpoint_options_free(options: *mut en_endpoint_options_t) {
    // SAFETY: `options` is NULL or a live handle that is not used again.
    unsafe { options::free(options) }
}
