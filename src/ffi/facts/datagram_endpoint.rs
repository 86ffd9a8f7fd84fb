//! What can be asked of an endpoint over a datagram transport.

use std::ffi::{c_int, c_void};

use crate::ffi::client::en_stats_t;
use crate::ffi::datagram_endpoint::en_datagram_endpoint_t;
use crate::ffi::facts;

/// Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
/// is room for `*size` bytes; `*size` becomes its size, also when that is too large. Never waits.
///
/// Thread-safe.
///
/// Errors: those of `en_datagram_transport_get_attribute`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_get_attribute(
    endpoint: *const en_datagram_endpoint_t,
    attribute: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `size` NULL or readable and writable, `value`
    // NULL or of `*size` bytes.
    unsafe { facts::get_attribute(endpoint, attribute, value, size) }
}

/// The descriptor to poll for receiving, or else for sending; -1 if there is none, if the endpoint
/// is closed, or NULL. It stays the transport's. Never waits.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_fileno(endpoint: *const en_datagram_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { facts::fileno(endpoint) }
}

/// The largest datagram that this endpoint receives, in bytes, as `*size`; 0 if it only sends. Never
/// waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_max_recv_size(
    endpoint: *const en_datagram_endpoint_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `size` NULL or writable.
    unsafe { facts::max_recv_size(endpoint, size) }
}

/// What the endpoint has done so far; also after it is closed. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, `struct_size` not set).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_get_stats(
    endpoint: *const en_datagram_endpoint_t,
    stats: *mut en_stats_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `stats` NULL or as long as its first field says.
    unsafe { facts::get_stats(endpoint, stats) }
}
