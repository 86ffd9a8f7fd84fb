//! What can be asked of a UDP client.

use std::ffi::{c_int, c_void};

use crate::ffi::address::en_address_t;
use crate::ffi::client::en_stats_t;
use crate::ffi::facts;
use crate::ffi::udp_client::en_udp_client_t;

/// The address the client is connected from; the caller frees it. It was read when the client was
/// made, and is there after it is closed, too. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`. See getsockname(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_get_local_address(
    client: *const en_udp_client_t,
    address: *mut *mut en_address_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `address` NULL or writable.
    unsafe { facts::get_end(client, address, "address", |names| names.local().into_ip()) }
}

/// The address of the peer; the caller frees it. It was read when the client was made, and is there
/// after it is closed, too. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`. See getpeername(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_get_remote_address(
    client: *const en_udp_client_t,
    address: *mut *mut en_address_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `address` NULL or writable.
    unsafe { facts::get_end(client, address, "address", |names| names.remote().into_ip()) }
}

/// The descriptor, to poll; -1 if the client is closed or NULL. It stays the client's: do not read,
/// write or close it. Never waits.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_fileno(client: *const en_udp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { facts::fileno(client) }
}

/// Reads a socket option as getsockopt(2) does. `*size` is the room at `value`, and on success the
/// size of the option. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_getsockopt(
    client: *const en_udp_client_t,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `size` NULL or readable and writable, `value` NULL
    // or of `*size` bytes.
    unsafe { facts::getsockopt(client, level, name, value, size) }
}

/// Sets a socket option as setsockopt(2) does, from `size` bytes at `value`. The library's own
/// (`EN_EINVAL`) are SO_RCVTIMEO and SO_SNDTIMEO: use the time-outs of the calls; and UDP_GRO: use
/// `en_udp_options_set_receive_offload`. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`,
/// `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_setsockopt(
    client: *mut en_udp_client_t,
    level: c_int,
    name: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `value` NULL or `size` bytes.
    unsafe { facts::setsockopt(client, level, name, value, size) }
}

/// Reads a socket option by its `EN_OPTION_...` to `*value`. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (no such option), `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`,
/// `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_get_option(
    client: *const en_udp_client_t,
    option: c_int,
    value: *mut i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `value` NULL or writable.
    unsafe { facts::get_option(client, option, value) }
}

/// Sets a socket option by its `EN_OPTION_...`. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (no such option, or a value out of its range), `EN_ENOPROTOOPT`,
/// `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_set_option(
    client: *mut en_udp_client_t,
    option: c_int,
    value: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { facts::set_option(client, option, value) }
}

/// The largest datagram that this client receives, in bytes, as `*size`. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_max_recv_size(
    client: *const en_udp_client_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `size` NULL or writable.
    unsafe { facts::max_recv_size(client, size) }
}

/// What the client has done so far; also after it is closed. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, `struct_size` not set).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_get_stats(
    client: *const en_udp_client_t,
    stats: *mut en_stats_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `stats` NULL or as long as its first field says.
    unsafe { facts::get_stats(client, stats) }
}
