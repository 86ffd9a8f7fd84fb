//! What can be asked of an endpoint over a datagram transport on a loop.

use std::ffi::{c_int, c_void};

use crate::ffi::async_client;
use crate::ffi::async_datagram_endpoint::en_async_datagram_endpoint_t;
use crate::ffi::client::en_stats_t;
use crate::ffi::event_loop::en_loop_t;
use crate::ffi::facts;

/// The loop that the endpoint is on; NULL when that was freed, and for NULL. The handle stays the
/// application's.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_datagram_endpoint_loop(
    endpoint: *const en_async_datagram_endpoint_t,
) -> *mut en_loop_t {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { async_client::loop_handle(endpoint) }
}

/// The descriptor; -1 if the endpoint has none, and for NULL. It stays the endpoint's.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_datagram_endpoint_fileno(
    endpoint: *const en_async_datagram_endpoint_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { facts::fileno(endpoint) }
}

/// Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
/// is room for `*size` bytes; `*size` becomes its size, also when that is too large.
///
/// Loop thread only.
///
/// Errors: those of `en_datagram_transport_get_attribute`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_datagram_endpoint_get_attribute(
    endpoint: *const en_async_datagram_endpoint_t,
    attribute: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { facts::get_attribute(endpoint, attribute, value, size) }
}

/// The largest datagram that this endpoint receives, in bytes, as `*size`; 0 if it only sends.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_datagram_endpoint_max_recv_size(
    endpoint: *const en_async_datagram_endpoint_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { facts::max_recv_size(endpoint, size) }
}

/// How many bytes of datagrams the endpoint was given and the system has not taken yet, as `*size`. Who may
/// send faster than they go stops while this is large. 0 once it is closed.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EDEADLK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_datagram_endpoint_send_queue_size(
    endpoint: *const en_async_datagram_endpoint_t,
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
pub unsafe extern "C" fn en_async_datagram_endpoint_get_stats(
    endpoint: *const en_async_datagram_endpoint_t,
    stats: *mut en_stats_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `stats` NULL or as long as its first field says.
    unsafe { facts::get_stats(endpoint, stats) }
}
