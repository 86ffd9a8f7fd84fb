//! The Unix datagram client on a loop.

use std::ffi::{c_char, c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::async_callbacks::{
    en_async_done_t, en_async_receive_t, en_async_received_packets_t, en_async_received_t, en_async_sent_t,
};
use super::async_client::{self, en_async_client_t};
use super::base::en_slice_t;
use super::datagram_protocol::en_datagram_protocol_t;
use super::event_loop::{en_loop_t, loop_of};
use super::options::options_of;
use super::unix_address::en_unix_address_t;
use super::unix_datagram_options::en_unix_datagram_options_t;
use super::{Constructor, borrow, call, handle};
use crate::client::on_loop;
use crate::reactor::AsyncClient;
use crate::socket::given_fd::GivenFd;

/// A connected Unix datagram socket on a loop: operations that the loop completes by calling back.
/// Several sends and several receives may be in flight; each direction is served in order. An
/// operation that could not begin is told by the call, and never calls back; one that began calls
/// back exactly once, from the loop, never from inside the call. Time-outs are in milliseconds:
/// negative is for ever, 0 means that the operation is over with the loop's next turn.
pub struct en_async_unix_datagram_client_t {
    _private: [u8; 0],
}

handle!(en_async_unix_datagram_client_t, AsyncClient, "client");

/// Makes a client on `loop` that will connect to the socket at `address`. It begins with the first
/// operation that needs it; what fails then may be tried again. Address, protocol and options
/// (NULL: all defaults) stay the caller's and may be freed when the call returns. Cancel switch,
/// retry interval, waiting function and busy poll of the options are for calls that block, and
/// ignored.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many
/// clients).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_new(
    out: *mut *mut en_async_unix_datagram_client_t,
    r#loop: *mut en_loop_t,
    address: *const en_unix_address_t,
    protocol: *const en_datagram_protocol_t,
    options: *const en_unix_datagram_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles.
        unsafe {
            let out = Constructor::new(out)?;
            let (core, address) = (loop_of(r#loop)?, borrow(address)?);
            out.counted(on_loop::unix_datagram(
                core.held(),
                address,
                borrow(protocol)?,
                &options_of(options)?,
            )?);
            Ok(())
        }
    })
}

/// Makes a client on `loop` that will connect to the socket at `path`; otherwise as
/// `en_async_unix_datagram_client_new`.
///
/// Loop thread only.
///
/// Errors: those of `en_async_unix_datagram_client_new`, `EN_ENAMETOOLONG` (above 107 bytes).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_new_path(
    out: *mut *mut en_async_unix_datagram_client_t,
    r#loop: *mut en_loop_t,
    path: *const c_char,
    protocol: *const en_datagram_protocol_t,
    options: *const en_unix_datagram_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL, a string and live handles.
        unsafe {
            let out = Constructor::new(out)?;
            let (core, address) = (loop_of(r#loop)?, super::unix_client::path(path)?);
            out.counted(on_loop::unix_datagram(
                core.held(),
                &address,
                borrow(protocol)?,
                &options_of(options)?,
            )?);
            Ok(())
        }
    })
}

/// Makes a client on `loop` of the connected socket `fd`. From success on the descriptor is the
/// library's; after a failure it is still the caller's. Protocol and options (NULL: all defaults)
/// stay the caller's. Datagrams that came before the socket was connected are received, too: see
/// `en_unix_datagram_client_from_fd`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE`, `EN_EAFNOSUPPORT`,
/// `EN_ENOTCONN`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many clients).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_from_fd(
    out: *mut *mut en_async_unix_datagram_client_t,
    r#loop: *mut en_loop_t,
    fd: c_int,
    protocol: *const en_datagram_protocol_t,
    options: *const en_unix_datagram_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles; the descriptor is given away.
        unsafe {
            let out = Constructor::new(out)?;
            let (core, fd) = (loop_of(r#loop)?, GivenFd::new(fd));
            out.counted(on_loop::unix_datagram_from_fd(
                core.held(),
                fd,
                borrow(protocol)?,
                &options_of(options)?,
            )?);
            Ok(())
        }
    })
}

/// The client through what all clients on a loop have in common: borrowed, it ends with `client`.
/// NULL for NULL.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_as_async_client(
    client: *mut en_async_unix_datagram_client_t,
) -> *mut en_async_client_t {
    client.cast()
}

/// Waits until the client is connected, at most `timeout_ms` milliseconds; it begins to connect if
/// need be.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
/// connecting, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_wait_connected(
    client: *mut en_async_unix_datagram_client_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::wait_connected(client, timeout_ms, callback, user_data, operation) }
}

/// Sends one packet of `size` bytes at `data`, which are copied if they do not go at once.
/// `timeout_ms` is in milliseconds.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
/// callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_send_packet(
    client: *mut en_async_unix_datagram_client_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::send_packet(client, data, size, timeout_ms, callback, user_data, operation) }
}

/// Sends one packet that lies in `count` parts, which are copied if they do not go at once.
/// `timeout_ms` is in milliseconds.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
/// callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_send_packet_slices(
    client: *mut en_async_unix_datagram_client_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe {
        async_client::send_packet_slices(client, parts, count, timeout_ms, callback, user_data, operation)
    }
}

/// Sends `count` packets in as few system calls as possible; none if one of them cannot be
/// encoded. `timeout_ms` is in milliseconds. The callback is told how many have gone.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
/// callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_send_packets(
    client: *mut en_async_unix_datagram_client_t,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    callback: en_async_sent_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::send_packets(client, packets, count, timeout_ms, callback, user_data, operation) }
}

/// Sends one packet of `size` bytes at `data`, one at least, and `ancillary` with it, in one
/// piece: at once or not at all. What does not go at once is copied, and the descriptors in
/// `ancillary`, which stay the caller's, are duplicated. `timeout_ms` is in milliseconds.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of callbacks;
/// to the callback those of sending, `EN_EMSGSIZE` (does not fit at once), `EN_EINVAL` (no byte,
/// more than 253 descriptors), `EN_EBADF`, `EN_EMFILE`, `EN_EPERM`, `EN_ESRCH`, `EN_ETOOMANYREFS`,
/// `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_send_packet_with_ancillary(
    client: *mut en_async_unix_datagram_client_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe {
        async_client::send_packet_with_ancillary(
            client, data, size, ancillary, timeout_ms, callback, user_data, operation,
        )
    }
}

/// Receives one packet, which is the callback's to release. `timeout_ms` is in milliseconds. A
/// receive that is cancelled or timed out loses nothing.
///
/// `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
/// (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
/// under way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_recv_packet(
    client: *mut en_async_unix_datagram_client_t,
    timeout_ms: i64,
    callback: en_async_received_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_packet(client, timeout_ms, callback, user_data, operation) }
}

/// Receives one packet, and what came with it into `ancillary`, which the caller lends until the
/// operation is over: then it is replaced, also if there was no packet. What is buffered comes
/// first, and with nothing; otherwise this is exactly one receive from the system, with
/// `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). `timeout_ms` is
/// in milliseconds.
///
/// `callback` (not NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is under
/// way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_recv_packet_with_ancillary(
    client: *mut en_async_unix_datagram_client_t,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    callback: en_async_received_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe {
        async_client::recv_packet_with_ancillary(
            client,
            control_room,
            timeout_ms,
            ancillary,
            callback,
            user_data,
            operation,
        )
    }
}

/// Receives at least one packet and at most `capacity`: waits for the first, and takes those that
/// are there with it. `timeout_ms` is in milliseconds.
///
/// `callback` (not NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`
/// (`en_async_unix_datagram_client_recv_start` is under way); to the callback those of receiving,
/// `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_recv_packets(
    client: *mut en_async_unix_datagram_client_t,
    capacity: usize,
    timeout_ms: i64,
    callback: en_async_received_packets_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_packets(client, capacity, timeout_ms, callback, user_data, operation) }
}

/// Receives every packet until `callback`, which is called with `user_data` and releases them,
/// answers that it has enough, until `en_async_unix_datagram_client_recv_stop`, or until an error,
/// which ends it. While it is not asked for more nothing is read, so the peer has to wait. The
/// number is put into `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
/// under way); to the callback those of receiving, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_recv_start(
    client: *mut en_async_unix_datagram_client_t,
    callback: en_async_receive_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_start(client, -1, callback, user_data, operation) }
}

/// Ends `en_async_unix_datagram_client_recv_start` or
/// `en_async_unix_datagram_client_iter_received_packets`; the callback is not called again.
/// Nothing if neither is under way.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EDEADLK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_recv_stop(
    client: *mut en_async_unix_datagram_client_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { async_client::recv_stop(client) }
}

/// As `en_async_unix_datagram_client_recv_start`, with a budget of `timeout_ms` milliseconds for
/// all the time that it waits.
///
/// `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
/// (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
/// those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_iter_received_packets(
    client: *mut en_async_unix_datagram_client_t,
    timeout_ms: i64,
    callback: en_async_receive_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_start(client, timeout_ms, callback, user_data, operation) }
}

/// Closes the client: receives end with `EN_ECLOSED`, and what waits to be sent still goes out; for
/// at most `timeout_ms` milliseconds, and 30 seconds. Past these, or cancelled, it is abrupt. In
/// every case the client ends closed.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback
/// `EN_ETIMEDOUT`, `EN_ECANCELED` (it was abrupt), those of sending.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_close(
    client: *mut en_async_unix_datagram_client_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::close(client, timeout_ms, callback, user_data, operation) }
}

/// 1 if the client is connected, 0 if not.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EDEADLK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_is_connected(
    client: *const en_async_unix_datagram_client_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { async_client::is_connected(client) }
}

/// 1 if the client is closed or about to be, 0 if not.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_is_closing(
    client: *const en_async_unix_datagram_client_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { async_client::is_closing(client) }
}

/// Ends the handle; NULL is nothing. What is pending calls back before this returns, with
/// `EN_ECANCELED` or what was decided already, and nothing does afterwards; inside a protocol
/// callback, when that has returned.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_unix_datagram_client_free(client: *mut en_async_unix_datagram_client_t) {
    // SAFETY: `client` is NULL or a live handle that is not used again.
    unsafe { async_client::free(client) }
}
