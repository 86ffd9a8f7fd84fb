//! What can be asked of an endpoint over a stream transport on a loop.

use std::ffi::{c_int, c_void};

use crate::ffi::async_client;
use crate::ffi::async_stream_endpoint::en_async_stream_endpoint_t;
use crate::ffi::client::en_stats_t;
use crate::ffi::event_loop::en_loop_t;
use crate::ffi::facts;
use crate::ffi::tls_info::en_tls_info_t;

/// The loop that the endpoint is on; NULL when that was freed, and for NULL. The handle stays the
/// application's.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_loop(
    endpoint: *const en_async_stream_endpoint_t,
) -> *mut en_loop_t {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { async_client::loop_handle(endpoint) }
}

/// The descriptor; -1 if the endpoint has none, and for NULL. It stays the endpoint's.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_fileno(
    endpoint: *const en_async_stream_endpoint_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { facts::fileno(endpoint) }
}

/// Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
/// is room for `*size` bytes; `*size` becomes its size, also when that is too large.
///
/// Loop thread only.
///
/// Errors: those of `en_stream_transport_get_attribute`, `EN_ENOTCONN` (hands have not been shaken).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_get_attribute(
    endpoint: *const en_async_stream_endpoint_t,
    attribute: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { facts::get_attribute(endpoint, attribute, value, size) }
}

/// What TLS has agreed on: `*info` is the caller's to free.
///
/// Loop thread only.
///
/// Errors: those of `en_stream_transport_get_tls_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_get_tls_info(
    endpoint: *const en_async_stream_endpoint_t,
    info: *mut *mut en_tls_info_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `info` NULL or writable.
    unsafe { facts::get_tls_info(endpoint, info) }
}

/// How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
/// has chosen last. 0 if it only sends.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_max_recv_size(
    endpoint: *const en_async_stream_endpoint_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { facts::max_recv_size(endpoint, size) }
}

/// How many bytes of packets the endpoint was given and the system has not taken yet, as `*size`:
/// those of sends that are not over, and what is in the write buffer. Who may send faster than the
/// peer reads stops while this is large; `en_async_stream_endpoint_flush` calls when all has gone. 0
/// once it is closed.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EDEADLK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_send_queue_size(
    endpoint: *const en_async_stream_endpoint_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { facts::send_queue_size(endpoint, size) }
}

/// Puts what the endpoint has done so far into `*stats`, of which `struct_size` is set; also after
/// it is closed.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL` (NULL, `struct_size` not set).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_get_stats(
    endpoint: *const en_async_stream_endpoint_t,
    stats: *mut en_stats_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `stats` NULL or as long as its first field says.
    unsafe { facts::get_stats(endpoint, stats) }
}
