//! Endpoints over stream transports, on a loop.

use std::ffi::{c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::async_callbacks::{
    en_async_done_t, en_async_receive_t, en_async_received_packets_t, en_async_received_t, en_async_sent_t,
};
use super::async_client::{self, en_async_client_t};
use super::base::en_slice_t;
use super::endpoint_options::en_endpoint_options_t;
use super::event_loop::{en_loop_t, loop_of};
use super::options::options_of;
use super::protocol::en_stream_protocol_t;
use super::stream_transport::en_stream_transport_t;
use super::{Constructor, borrow, call, handle};
use crate::client::endpoint::Directions;
use crate::client::on_loop;
use crate::reactor::AsyncClient;

/// A stream transport and a protocol together, on a loop: packets, by operations that the loop
/// completes by calling back, as those of `en_async_tcp_client_t`. It keeps its own hold on the
/// transport, whose handle stays the caller's; closing it closes the transport for all, freeing it
/// only lets go.
///
/// Over TLS whose handshake is yet to be done (`en_stream_transport_new_tls_noblock`) it shakes hands
/// first, within the handshake time-out of the transport, and operations wait for that. If it fails, the
/// transport is closed for all, and each operation of the endpoint, and of all who have the transport, answers
/// why.
///
/// The transport needs a descriptor to wait for in each direction that the endpoint has. One made
/// of callbacks must give the same descriptor for as long as it is open, and its callbacks run
/// inside the loop.
pub struct en_async_stream_endpoint_t {
    _private: [u8; 0],
}

handle!(en_async_stream_endpoint_t, AsyncClient, "endpoint");

/// Makes an endpoint on `loop` that receives and sends packets. Transport, protocol and options
/// (NULL: all defaults) stay the caller's and may be freed when the call returns. Cancel switch,
/// retry interval, waiting function and busy poll of the options are for calls that block, and
/// ignored.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
/// `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
/// that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
/// `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`, codes of callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_new(
    out: *mut *mut en_async_stream_endpoint_t,
    r#loop: *mut en_loop_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    options: *const en_endpoint_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, the others NULL or live handles.
    unsafe { make(out, r#loop, transport, protocol, Directions::Both, options) }
}

/// Makes an endpoint on `loop` that only receives: sending answers `EN_EOPNOTSUPP`. Transport,
/// protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
/// returns. Cancel switch, retry interval, waiting function and busy poll of the options are for
/// calls that block, and ignored.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
/// `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
/// that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
/// `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`, codes of callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_new_receiver(
    out: *mut *mut en_async_stream_endpoint_t,
    r#loop: *mut en_loop_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    options: *const en_endpoint_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, the others NULL or live handles.
    unsafe { make(out, r#loop, transport, protocol, Directions::Receive, options) }
}

/// Makes an endpoint on `loop` that only sends: receiving answers `EN_EOPNOTSUPP`. Transport,
/// protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
/// returns. Cancel switch, retry interval, waiting function and busy poll of the options are for
/// calls that block, and ignored.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
/// `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
/// that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
/// `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_new_sender(
    out: *mut *mut en_async_stream_endpoint_t,
    r#loop: *mut en_loop_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    options: *const en_endpoint_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, the others NULL or live handles.
    unsafe { make(out, r#loop, transport, protocol, Directions::Send, options) }
}

/// # Safety
/// `out` is NULL or writable, the others are NULL or live handles.
unsafe fn make(
    out: *mut *mut en_async_stream_endpoint_t,
    r#loop: *mut en_loop_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    directions: Directions,
    options: *const en_endpoint_options_t,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Constructor::new(out)?;
            let (core, transport, protocol) = (loop_of(r#loop)?, borrow(transport)?, borrow(protocol)?);
            let options = options_of(options)?;
            out.counted(on_loop::stream_endpoint(core.held(), transport, protocol, directions, &options)?);
        }
        Ok(())
    })
}

/// The endpoint through what all clients on a loop have in common: borrowed, it ends with
/// `endpoint`. NULL for NULL.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_as_async_client(
    endpoint: *mut en_async_stream_endpoint_t,
) -> *mut en_async_client_t {
    endpoint.cast()
}

/// Waits until packets can go, at most `timeout_ms` milliseconds: until hands have been shaken over a
/// transport of `en_stream_transport_new_tls_noblock`. Over any other one nothing is waited for.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
/// `en_stream_transport_handshake`, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_wait_connected(
    endpoint: *mut en_async_stream_endpoint_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::wait_connected(endpoint, timeout_ms, callback, user_data, operation) }
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
pub unsafe extern "C" fn en_async_stream_endpoint_send_packet(
    endpoint: *mut en_async_stream_endpoint_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::send_packet(endpoint, data, size, timeout_ms, callback, user_data, operation) }
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
pub unsafe extern "C" fn en_async_stream_endpoint_send_packet_slices(
    endpoint: *mut en_async_stream_endpoint_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe {
        async_client::send_packet_slices(endpoint, parts, count, timeout_ms, callback, user_data, operation)
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
pub unsafe extern "C" fn en_async_stream_endpoint_send_packets(
    endpoint: *mut en_async_stream_endpoint_t,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    callback: en_async_sent_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe {
        async_client::send_packets(endpoint, packets, count, timeout_ms, callback, user_data, operation)
    }
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
/// `EN_EOPNOTSUPP` (it carries none), `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_send_packet_with_ancillary(
    endpoint: *mut en_async_stream_endpoint_t,
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
            endpoint, data, size, ancillary, timeout_ms, callback, user_data, operation,
        )
    }
}

/// Sends what is in the write buffer, behind all that waits to be sent. `timeout_ms` is in
/// milliseconds.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
/// sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_flush(
    endpoint: *mut en_async_stream_endpoint_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::flush(endpoint, timeout_ms, callback, user_data, operation) }
}

/// Sends the end of the stream behind everything that waits to be sent; receiving goes on. A second
/// time, and when it is closed, it does nothing. `timeout_ms` is in milliseconds.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EDEADLK`, `EN_EFORKED`; to the
/// callback `EN_EOPNOTSUPP` (it only receives, or the transport cannot), `EN_ETIMEDOUT`,
/// `EN_ECANCELED`, and those of `en_async_stream_endpoint_flush` if there is something in the write
/// buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_send_eof(
    endpoint: *mut en_async_stream_endpoint_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::send_eof(endpoint, timeout_ms, callback, user_data, operation) }
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
pub unsafe extern "C" fn en_async_stream_endpoint_recv_packet(
    endpoint: *mut en_async_stream_endpoint_t,
    timeout_ms: i64,
    callback: en_async_received_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_packet(endpoint, timeout_ms, callback, user_data, operation) }
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
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
/// under way); to the callback those of receiving, `EN_ENOMSG` (less than a whole packet has
/// come), `EN_EOPNOTSUPP` (it carries none), `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_recv_packet_with_ancillary(
    endpoint: *mut en_async_stream_endpoint_t,
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
            endpoint,
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
/// (`en_async_stream_endpoint_recv_start` is under way); to the callback those of receiving,
/// `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_recv_packets(
    endpoint: *mut en_async_stream_endpoint_t,
    capacity: usize,
    timeout_ms: i64,
    callback: en_async_received_packets_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_packets(endpoint, capacity, timeout_ms, callback, user_data, operation) }
}

/// Receives every packet until `callback`, which is called with `user_data` and releases them,
/// answers that it has enough, until `en_async_stream_endpoint_recv_stop`, or until an error,
/// which ends it. While it is not asked for more nothing is read, so the peer has to wait. The
/// number is put into `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
/// under way); to the callback those of receiving, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_recv_start(
    endpoint: *mut en_async_stream_endpoint_t,
    callback: en_async_receive_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_start(endpoint, -1, callback, user_data, operation) }
}

/// Ends `en_async_stream_endpoint_recv_start` or
/// `en_async_stream_endpoint_iter_received_packets`; the callback is not called again. Nothing
/// if neither is under way.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EDEADLK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_recv_stop(
    endpoint: *mut en_async_stream_endpoint_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { async_client::recv_stop(endpoint) }
}

/// As `en_async_stream_endpoint_recv_start`, with a budget of `timeout_ms` milliseconds for all
/// the time that it waits.
///
/// `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
/// (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
/// those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_iter_received_packets(
    endpoint: *mut en_async_stream_endpoint_t,
    timeout_ms: i64,
    callback: en_async_receive_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::recv_start(endpoint, timeout_ms, callback, user_data, operation) }
}

/// Closes the endpoint and its transport, for all that have a hold on that: what waits to be sent
/// still goes out, and TLS takes leave, within `timeout_ms` and the shutdown time-out; then, or
/// cancelled, it is abrupt. Pending receives answer `EN_ECLOSED` at once. In any case it ends
/// closed.
///
/// `callback` (may be NULL) is called with `user_data`; the operation's number is put into
/// `*operation` (may be NULL), for `en_loop_cancel`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback those of
/// sending, what the `close` callback of the transport answered, `EN_ETIMEDOUT`, `EN_ECANCELED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_close(
    endpoint: *mut en_async_stream_endpoint_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { async_client::close(endpoint, timeout_ms, callback, user_data, operation) }
}

/// 1 if the endpoint is closed or about to be, 0 if not.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_is_closing(
    endpoint: *const en_async_stream_endpoint_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { async_client::is_closing(endpoint) }
}

/// Ends the handle; NULL is nothing. What is pending calls back before this returns, with
/// `EN_ECANCELED` or what was decided already, and nothing does afterwards; in a callback of the
/// same endpoint's protocol or transport it takes effect when that has returned. The transport is
/// left to those who have a hold on it, too.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_stream_endpoint_free(endpoint: *mut en_async_stream_endpoint_t) {
    // SAFETY: `endpoint` is NULL or a live handle that is not used again.
    unsafe { async_client::free(endpoint) }
}
