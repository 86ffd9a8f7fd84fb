//! What can be asked of an endpoint over a stream transport.

use std::ffi::{c_int, c_void};

use crate::ffi::client::en_stats_t;
use crate::ffi::facts;
use crate::ffi::stream_endpoint::en_stream_endpoint_t;
use crate::ffi::tls_info::en_tls_info_t;

/// Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
/// is room for `*size` bytes; `*size` becomes its size, also when that is too large. Never waits.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_transport_get_attribute`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_get_attribute(
    endpoint: *const en_stream_endpoint_t,
    attribute: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `size` NULL or readable and writable, `value`
    // NULL or of `*size` bytes.
    unsafe { facts::get_attribute(endpoint, attribute, value, size) }
}

/// What TLS has agreed on: `*info` is the caller's to free. Never waits.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_transport_get_tls_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_get_tls_info(
    endpoint: *const en_stream_endpoint_t,
    info: *mut *mut en_tls_info_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `info` NULL or writable.
    unsafe { facts::get_tls_info(endpoint, info) }
}

/// The descriptor to poll for receiving, or else for sending; -1 if there is none, if the endpoint
/// is closed, or NULL. It stays the transport's. Never waits.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_fileno(endpoint: *const en_stream_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { facts::fileno(endpoint) }
}

/// How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
/// has chosen last. 0 if it only sends. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_max_recv_size(
    endpoint: *const en_stream_endpoint_t,
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
pub unsafe extern "C" fn en_stream_endpoint_get_stats(
    endpoint: *const en_stream_endpoint_t,
    stats: *mut en_stats_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `stats` NULL or as long as its first field says.
    unsafe { facts::get_stats(endpoint, stats) }
}
