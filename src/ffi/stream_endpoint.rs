//! Endpoints over stream transports.

use std::ffi::{c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::base::en_slice_t;
use super::client::{self, en_client_t};
use super::endpoint_options::en_endpoint_options_t;
use super::options::options_of;
use super::packet::en_packet_t;
use super::packet_iter::en_packet_iter_t;
use super::protocol::en_stream_protocol_t;
use super::stream_transport::en_stream_transport_t;
use super::{Constructor, borrow, call, handle, unix_client};
use crate::blocking::Client;
use crate::client::endpoint::{self, Directions};

/// A stream transport and a protocol together: packets, with calls that block.
///
/// It keeps its own hold on the transport, whose handle stays the caller's. Sending and receiving
/// never wait for each other; a call that finds another one at the same direction of the endpoint
/// answers `EN_EBUSY`. Time-outs are in milliseconds and cover the whole call: negative waits for
/// ever, 0 does not wait.
pub struct en_stream_endpoint_t {
    _private: [u8; 0],
}

handle!(en_stream_endpoint_t, Client, "endpoint");

/// Makes an endpoint that receives and sends packets. Transport, protocol and options (NULL: all
/// defaults) stay the caller's and may be freed when the call returns.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`, codes of
/// callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_new(
    out: *mut *mut en_stream_endpoint_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    options: *const en_endpoint_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, the others NULL or live handles.
    unsafe { make(out, transport, protocol, Directions::Both, options) }
}

/// Makes an endpoint that only receives: sending answers `EN_EOPNOTSUPP`. Transport, protocol and
/// options (NULL: all defaults) stay the caller's and may be freed when the call returns.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`, codes of
/// callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_new_receiver(
    out: *mut *mut en_stream_endpoint_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    options: *const en_endpoint_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, the others NULL or live handles.
    unsafe { make(out, transport, protocol, Directions::Receive, options) }
}

/// Makes an endpoint that only sends: receiving answers `EN_EOPNOTSUPP`. Transport, protocol and
/// options (NULL: all defaults) stay the caller's and may be freed when the call returns.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_new_sender(
    out: *mut *mut en_stream_endpoint_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    options: *const en_endpoint_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, the others NULL or live handles.
    unsafe { make(out, transport, protocol, Directions::Send, options) }
}

/// # Safety
/// `out` is NULL or writable, the others are NULL or live handles.
unsafe fn make(
    out: *mut *mut en_stream_endpoint_t,
    transport: *const en_stream_transport_t,
    protocol: *const en_stream_protocol_t,
    directions: Directions,
    options: *const en_endpoint_options_t,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Constructor::new(out)?;
            let (transport, protocol) = (borrow(transport)?, borrow(protocol)?);
            out.shared(endpoint::stream(transport, protocol, directions, &options_of(options)?)?);
        }
        Ok(())
    })
}

/// The endpoint through what all blocking clients have in common: borrowed, it ends with
/// `endpoint`. NULL for NULL.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_as_client(
    endpoint: *mut en_stream_endpoint_t,
) -> *mut en_client_t {
    endpoint.cast()
}

/// Sends one packet of `size` bytes. `(NULL, 0)` is an empty packet.
///
/// After `EN_ETIMEDOUT` and `EN_ECANCELED` without a byte sent, the endpoint is as before. If part
/// of the packet had gone out, the sending direction is broken: later sends answer `EN_EPIPE`, and
/// the message says why; receiving still works.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
/// the protocol), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN` (TLS without hands shaken),
/// `EN_ESHUTDOWN`, `EN_EPIPE`, `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`,
/// `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBUSY` (another call is at it), `EN_EOPNOTSUPP` (the other
/// direction only), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_send_packet(
    endpoint: *mut en_stream_endpoint_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `data` NULL or `size` bytes.
    unsafe { client::send_packet(endpoint, data, size, timeout_ms) }
}

/// Sends one packet that lies in `count` parts, without putting them together first.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_endpoint_send_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_send_packet_slices(
    endpoint: *mut en_stream_endpoint_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `parts` NULL or `count` slices.
    unsafe { client::send_packet_slices(endpoint, parts, count, timeout_ms) }
}

/// Sends `count` packets, in as few system calls as possible. `*sent` is always set: how many
/// whole packets went out (or into the write buffer).
///
/// Thread-safe.
///
/// Errors: those of `en_stream_endpoint_send_packet`, of the first packet that did not go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_send_packets(
    endpoint: *mut en_stream_endpoint_t,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `packets` NULL or `count` slices, `sent` NULL or
    // writable.
    unsafe { client::send_packets(endpoint, packets, count, timeout_ms, sent) }
}

/// Sends what is in the write buffer. What does not go within the time-out stays in it.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN`, `EN_EPIPE`, `EN_ECONNRESET`,
/// `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBUSY` (another call
/// is at it), `EN_EOPNOTSUPP` (the other direction only), `EN_ECANCELED`, `EN_EDEADLK`,
/// `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_flush(
    endpoint: *mut en_stream_endpoint_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::work(endpoint, |client| client.flush(timeout_ms)) }
}

/// Sends what is in the write buffer, and then the end of the stream: the peer receives what was
/// sent and then the end. Receiving goes on. A second time, and on a closed endpoint or one whose
/// connection is down, it does nothing, unless something in the write buffer is lost with it. If it
/// fails, the end is not sent, and sending goes on.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_EBUSY`, `EN_EOPNOTSUPP` (it only receives, or the
/// transport cannot), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, and those of
/// `en_stream_endpoint_flush` if there is something in the write buffer. See shutdown(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_send_eof(
    endpoint: *mut en_stream_endpoint_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::work(endpoint, |client| client.send_eof(timeout_ms)) }
}

/// Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not
/// at all. The descriptors in it stay the caller's.
///
/// If part of a packet has gone out, the sending direction is broken, as with
/// `en_stream_endpoint_send_packet`. The write buffer is sent first.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_stream_endpoint_send_packet`; `EN_EINVAL` also for a packet without a
/// byte and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF` (a
/// descriptor that is not open), `EN_EPERM` (credentials of somebody else), `EN_ESRCH` (of
/// nobody), `EN_ETOOMANYREFS`. `EN_EOPNOTSUPP` also if the transport carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_send_packet_with_ancillary(
    endpoint: *mut en_stream_endpoint_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `endpoint` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes.
    unsafe { unix_client::send_packet_with_ancillary(endpoint, data, size, ancillary, timeout_ms) }
}

/// Receives one packet, which is the caller's to release. What is buffered comes first, without a
/// system call. A time-out loses nothing of what has arrived.
///
/// After the end of the stream every receive answers the same code; sending may still work. After
/// bytes that are no packet the next receive goes on behind them, where the protocol can tell where
/// that is: lines, delimiters, JSON, callbacks. After a length that cannot be or is above the
/// maximum, every receive answers the same code.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer ended the stream),
/// `EN_ETRUNCATED` (in the middle of a packet), `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`,
/// `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBADMSG` (no packet), `EN_EMSGSIZE`
/// (above the maximum), `EN_ECLOSED`, `EN_ENOTCONN`, `EN_EBUSY` (another call is at it),
/// `EN_EOPNOTSUPP` (the other direction only), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of
/// callbacks. See recv(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_recv_packet(
    endpoint: *mut en_stream_endpoint_t,
    timeout_ms: i64,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `packet` NULL or writable.
    unsafe { client::recv_packet(endpoint, timeout_ms, packet) }
}

/// Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of
/// the packet, also when that is larger than the buffer, and to 0 if there was no packet.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_endpoint_recv_packet`; `EN_EMSGSIZE` also if the packet does not
/// fit: it waits for the next receive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_recv_packet_into(
    endpoint: *mut en_stream_endpoint_t,
    buffer: *mut c_void,
    capacity: usize,
    timeout_ms: i64,
    size: *mut usize,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `buffer` NULL or of `capacity` bytes, `size` NULL
    // or writable.
    unsafe { client::recv_packet_into(endpoint, buffer, capacity, timeout_ms, size) }
}

/// Receives at least one and at most `capacity` packets: waits for the first as
/// `en_stream_endpoint_recv_packet` does, and takes those that are there with it. `*count` is
/// always set; so many packets are the caller's to release. An error behind the first packet is
/// reported by the next receive.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_endpoint_recv_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_recv_packets(
    endpoint: *mut en_stream_endpoint_t,
    packets: *mut en_packet_t,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `packets` NULL or of room for `capacity`, `count`
    // NULL or writable.
    unsafe { client::recv_packets(endpoint, packets, capacity, timeout_ms, count) }
}

/// Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
/// (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_iter_received_packets(
    out: *mut *mut en_packet_iter_t,
    endpoint: *mut en_stream_endpoint_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `endpoint` NULL or a live handle.
    unsafe { client::iter_received_packets(out, endpoint, timeout_ms) }
}

/// 1 if the next receive would answer without a system call, 0 if not, or if another thread is
/// receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_has_buffered(endpoint: *mut en_stream_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::has_buffered(endpoint) }
}

/// Receives one packet, which is the caller's to release, and what came with it. What is buffered
/// comes first, and with nothing; otherwise this is exactly one receive from the system, with
/// `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). That may begin with
/// packets that were sent before, and with nothing: the first of them then comes with what is not its own.
///
/// `ancillary` is always replaced: it holds what came even if there was no packet, and nothing if
/// nothing came. What it held before, also to be sent, is forgotten, and descriptors are closed.
/// When part of a packet came, its bytes wait for a later receive.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_stream_endpoint_recv_packet`; `EN_ENOMSG` (less than a whole packet has
/// come), `EN_EINVAL` also for too much room. `EN_EOPNOTSUPP` also if the transport carries none.
/// See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_recv_packet_with_ancillary(
    endpoint: *mut en_stream_endpoint_t,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `endpoint` and `ancillary` are NULL or live handles, `packet` NULL or writable.
    unsafe { unix_client::recv_packet_with_ancillary(endpoint, control_room, timeout_ms, ancillary, packet) }
}

/// Closes the endpoint and its transport, for all that have a hold on that: calls that wait answer
/// `EN_ECLOSED`, and so do all later ones. It waits for nobody, but for the write buffer to go out,
/// behind what another endpoint is in the midst of, and, over TLS, for the peer's end of it, at
/// most the shutdown time-out. A second time it does nothing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`; `EN_ETIMEDOUT` and those of `en_stream_endpoint_flush` if the write buffer
/// did not go out, what the `close` callback of the transport answered. It is closed in any case,
/// but with `EN_EFORKED` (in a child that cannot use it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_close(endpoint: *mut en_stream_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::close(endpoint) }
}

/// Closes the endpoint and its transport at once: what is in the write buffer is lost.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_abort(endpoint: *mut en_stream_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::abort(endpoint) }
}

/// 1 if the endpoint or its transport is closed, by whomever, 0 if not. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_is_closed(endpoint: *const en_stream_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::is_closed(endpoint) }
}

/// Ends the handle; NULL is nothing. The transport is left to those who have a hold on it, too: it
/// is closed when its last holder is closed or freed. What was received and is not taken yet is
/// lost, what is in the write buffer is sent as far as it goes at once. Calls that are still
/// inside are woken, which closes the transport, and waited for. No call may begin any more. In a
/// callback of the same endpoint it takes effect when that has returned.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_endpoint_free(endpoint: *mut en_stream_endpoint_t) {
    // SAFETY: `endpoint` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(endpoint) }
}
