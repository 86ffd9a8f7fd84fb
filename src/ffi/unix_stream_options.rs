//! How a Unix stream client is made.

use std::ffi::{c_int, c_void};

use super::cancel::en_cancel_t;
use super::protocol_callbacks::en_destroy_t;
use super::tcp_options::en_interrupt_t;
use super::transport_options::en_wait_t;
use super::unix_address::en_unix_address_t;
use super::{borrow, handle, options};
use crate::client::unix_stream::UnixStreamOptions;
use crate::error::Result;
use crate::socket::unix_address::UnixAddress;

/// How a Unix stream client is made. Options may be used for any number of clients, and changed or
/// freed as soon as the call that took them has returned.
pub struct en_unix_stream_options_t {
    _private: [u8; 0],
}

handle!(en_unix_stream_options_t, UnixStreamOptions, "options");

/// Makes options with every default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_new(out: *mut *mut en_unix_stream_options_t) -> c_int {
    // SAFETY: `out` is NULL or writable.
    unsafe { options::new(out) }
}

fn set(
    options: *mut en_unix_stream_options_t,
    change: impl FnOnce(&mut UnixStreamOptions) -> Result<()>,
) -> c_int {
    // SAFETY: each caller's comment demands NULL or a live handle, one thread at a time.
    unsafe { options::set(options, change) }
}

/// The address to connect from: a path, which must not exist yet and is left there in the end, or
/// an abstract name. NULL and the unnamed address stand for none, which is the default.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_local_address(
    options: *mut en_unix_stream_options_t,
    address: *const en_unix_address_t,
) -> c_int {
    set(options, |options| {
        options.local = match address.is_null() {
            true => UnixAddress::Unnamed,
            // SAFETY: not NULL, so a live handle.
            false => unsafe { borrow(address)? }.clone(),
        };
        Ok(())
    })
}

/// How long connecting may take, in milliseconds: it waits if the queue of the listener is full.
/// Negative: for ever, which is the default; 0: what does not connect at once fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_connect_timeout(
    options: *mut en_unix_stream_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.connect_timeout_ms = timeout_ms;
        Ok(())
    })
}

/// How many bytes each receive asks the system for, from 1 to 1073741824. 0 stands for the default:
/// 16384 at first, more while receives are filled.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_max_recv_size(
    options: *mut en_unix_stream_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_max_recv_size(size))
}

/// The largest packet that this client receives, in bytes: the smaller of this and the protocol's
/// own maximum counts. 0 stands for the default, the protocol's own.
/// Memory that a protocol lends (`en_stream_protocol_new_buffered`) has no other limit than its size.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_max_packet_size(
    options: *mut en_unix_stream_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_max_packet_size(size))
}

/// Gathers packets in a buffer of `size` bytes (up to 1073741824; 0, the default, is none) instead
/// of sending each at once. They go out when the buffer is full, by flushing, by sending the end of
/// the stream, by closing, and when a receive on the client is about to wait; on a loop with each of
/// its turns.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_write_buffer(
    options: *mut en_unix_stream_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_write_buffer(size))
}

/// How long closing may take to bring out what is still to send, in milliseconds; default 30000,
/// negative for ever.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_shutdown_timeout(
    options: *mut en_unix_stream_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.common.shutdown_timeout_ms = timeout_ms;
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
pub unsafe extern "C" fn en_unix_stream_options_set_busy_poll(
    options: *mut en_unix_stream_options_t,
    microseconds: u32,
) -> c_int {
    set(options, |options| options.common.set_busy_poll(microseconds))
}

/// 1 makes the system send the credentials of the sending process along with what is received
/// (SO_PASSCRED), for the calls that receive ancillary data; 0 is the default. The system then
/// gives a socket without a name an abstract one.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_receive_credentials(
    options: *mut en_unix_stream_options_t,
    receive_credentials: c_int,
) -> c_int {
    set(options, |options| {
        options.receive_credentials = options::switch("receive_credentials", receive_credentials)?;
        Ok(())
    })
}

/// Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
/// client keeps it alive. NULL takes it away.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_cancel(
    options: *mut en_unix_stream_options_t,
    cancel: *mut en_cancel_t,
) -> c_int {
    // SAFETY: `cancel` is NULL or a live handle.
    set(options, |options| unsafe { options::set_cancel(&mut options.common, cancel) })
}

/// Makes calls ask `interrupted` whether to go on: before they wait, every `interval_ms` milliseconds
/// (from 1 on) while they do, and after each signal. This is how a binding looks for Ctrl-C. `destroy`
/// (may be NULL) is called once with `user_data` when options and clients are gone; not if this call
/// fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_retry_interval(
    options: *mut en_unix_stream_options_t,
    interval_ms: i64,
    interrupted: en_interrupt_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| {
        options::set_retry_interval(&mut options.common, interval_ms, interrupted, destroy, user_data)
    })
}

/// Makes `wait` wait in place of poll(2) wherever a call of the client has to wait for a
/// descriptor, connecting included. `destroy` (may be NULL) is called once with `user_data` when
/// options and clients are gone; not if this call fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_set_wait(
    options: *mut en_unix_stream_options_t,
    wait: en_wait_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| options::set_wait(&mut options.common, wait, destroy, user_data))
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_options_free(options: *mut en_unix_stream_options_t) {
    // SAFETY: `options` is NULL or a live handle that is not used again.
    unsafe { options::free(options) }
}
