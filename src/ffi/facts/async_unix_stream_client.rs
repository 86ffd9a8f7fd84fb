//! What can be asked of a Unix stream client on a loop.

use std::ffi::{c_int, c_void};

use crate::ffi::ancillary::en_credentials_t;
use crate::ffi::async_client;
use crate::ffi::async_unix_stream_client::en_async_unix_stream_client_t;
use crate::ffi::client::en_stats_t;
use crate::ffi::event_loop::en_loop_t;
use crate::ffi::facts;
use crate::ffi::unix_address::en_unix_address_t;

/// The loop that the client is on; NULL when that was freed, and for NULL. The handle stays the
/// application's.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_loop(
    client: *const en_async_unix_stream_client_t,
) -> *mut en_loop_t {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { async_client::loop_handle(client) }
}

/// The descriptor; -1 if the client has none, and for NULL. It stays the client's.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_fileno(
    client: *const en_async_unix_stream_client_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { facts::fileno(client) }
}

/// Puts the name of our end into `*name`, which is the caller's to free; once the client has been
/// connected, also afterwards.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_get_local_name(
    client: *const en_async_unix_stream_client_t,
    name: *mut *mut en_unix_address_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `name` NULL or writable.
    unsafe { facts::get_end(client, name, "name", |names| names.local().into_unix()) }
}

/// Puts the name of the peer into `*name`, which is the caller's to free; once the client has been
/// connected, also afterwards.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_get_peer_name(
    client: *const en_async_unix_stream_client_t,
    name: *mut *mut en_unix_address_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `name` NULL or writable.
    unsafe { facts::get_end(client, name, "name", |names| names.remote().into_unix()) }
}

/// Puts the credentials of the process at the other end, when the connection was made, into
/// `*credentials`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet). See unix(7), SO_PEERCRED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_get_peer_credentials(
    client: *const en_async_unix_stream_client_t,
    credentials: *mut en_credentials_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `credentials` NULL or writable.
    unsafe { facts::get_peer_credentials(client, credentials) }
}

/// Reads a raw socket option into `value`, which has room for `*size` bytes; `*size` becomes how
/// many it has. `level` and `name` are those of getsockopt(2).
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
/// `EN_EFORKED`, those of getsockopt(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_getsockopt(
    client: *const en_async_unix_stream_client_t,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `size` NULL or readable and writable, `value` NULL or
    // with room for `*size` bytes.
    unsafe { facts::getsockopt(client, level, name, value, size) }
}

/// Sets a raw socket option to the `size` bytes at `value`. `level` and `name` are those of
/// setsockopt(2). Some are the library's own (`EN_EINVAL`): see `en_unix_stream_client_setsockopt`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
/// `EN_EFORKED`, those of setsockopt(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_setsockopt(
    client: *mut en_async_unix_stream_client_t,
    level: c_int,
    name: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `value` NULL or `size` bytes.
    unsafe { facts::setsockopt(client, level, name, value, size) }
}

/// Reads a socket `option` (`EN_OPTION_...`) into `*value`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
/// `EN_EFORKED`, those of getsockopt(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_get_option(
    client: *const en_async_unix_stream_client_t,
    option: c_int,
    value: *mut i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `value` NULL or writable.
    unsafe { facts::get_option(client, option, value) }
}

/// Sets a socket `option` (`EN_OPTION_...`) to `value`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
/// `EN_EFORKED`, those of setsockopt(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_set_option(
    client: *mut en_async_unix_stream_client_t,
    option: c_int,
    value: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { facts::set_option(client, option, value) }
}

/// How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
/// has chosen last.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ENOTCONN` (it has never been connected).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_max_recv_size(
    client: *const en_async_unix_stream_client_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { facts::max_recv_size(client, size) }
}

/// How many bytes of packets the client was given and the system has not taken yet, as `*size`:
/// those of sends that are not over, and what is in the write buffer. Who may send faster than the
/// peer reads stops while this is large; `en_async_unix_stream_client_flush` calls when all has
/// gone. 0 once it is closed.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EDEADLK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_send_queue_size(
    client: *const en_async_unix_stream_client_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { facts::send_queue_size(client, size) }
}

/// Puts what the client has done so far into `*stats`, of which `struct_size` is set; also after
/// it is closed.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL` (NULL, `struct_size` not set).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_stream_client_get_stats(
    client: *const en_async_unix_stream_client_t,
    stats: *mut en_stats_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `stats` NULL or as long as its first field says.
    unsafe { facts::get_stats(client, stats) }
}
