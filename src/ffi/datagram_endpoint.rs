//! Endpoints over datagram transports.

use std::ffi::{c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::base::en_slice_t;
use super::client::{self, en_client_t};
use super::datagram_protocol::en_datagram_protocol_t;
use super::datagram_transport::en_datagram_transport_t;
use super::endpoint_options::en_endpoint_options_t;
use super::options::options_of;
use super::packet::en_packet_t;
use super::packet_iter::en_packet_iter_t;
use super::{Constructor, borrow, call, handle, unix_client};
use crate::blocking::Client;
use crate::client::endpoint::{self, Directions};

/// A datagram transport and a protocol together: packets, with calls that block.
///
/// It keeps its own hold on the transport, whose handle stays the caller's. Sending and receiving
/// never wait for each other; a call that finds another one at the same direction of the endpoint
/// answers `EN_EBUSY`. Time-outs are in milliseconds and cover the whole call: negative waits for
/// ever, 0 does not wait.
pub struct en_datagram_endpoint_t {
    _private: [u8; 0],
}

handle!(en_datagram_endpoint_t, Client, "endpoint");

/// Makes an endpoint that receives and sends packets. Transport, protocol and options (NULL: all
/// defaults) stay the caller's and may be freed when the call returns.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_new(
    out: *mut *mut en_datagram_endpoint_t,
    transport: *const en_datagram_transport_t,
    protocol: *const en_datagram_protocol_t,
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
/// Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_new_receiver(
    out: *mut *mut en_datagram_endpoint_t,
    transport: *const en_datagram_transport_t,
    protocol: *const en_datagram_protocol_t,
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
pub unsafe extern "C" fn en_datagram_endpoint_new_sender(
    out: *mut *mut en_datagram_endpoint_t,
    transport: *const en_datagram_transport_t,
    protocol: *const en_datagram_protocol_t,
    options: *const en_endpoint_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, the others NULL or live handles.
    unsafe { make(out, transport, protocol, Directions::Send, options) }
}

/// # Safety
/// `out` is NULL or writable, the others are NULL or live handles.
unsafe fn make(
    out: *mut *mut en_datagram_endpoint_t,
    transport: *const en_datagram_transport_t,
    protocol: *const en_datagram_protocol_t,
    directions: Directions,
    options: *const en_endpoint_options_t,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Constructor::new(out)?;
            let (transport, protocol) = (borrow(transport)?, borrow(protocol)?);
            out.shared(endpoint::datagram(transport, protocol, directions, &options_of(options)?)?);
        }
        Ok(())
    })
}

/// The endpoint through what all blocking clients have in common: borrowed, it ends with
/// `endpoint`. NULL for NULL.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_as_client(
    endpoint: *mut en_datagram_endpoint_t,
) -> *mut en_client_t {
    endpoint.cast()
}

/// Sends one packet of `size` bytes as one datagram. `(NULL, 0)` is an empty packet.
///
/// A peer that does not keep up makes a send wait. The endpoint stays usable after every error but
/// those of closing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
/// the protocol or for one datagram), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECONNREFUSED` (UDP: as an
/// earlier datagram found, and so with other ICMP errors; Unix: nobody has the peer's socket any
/// more; this packet was not sent), `EN_ENOTCONN`, `EN_EPERM` (a firewall; Unix: the peer has
/// another peer), `EN_EPIPE` (Unix: the peer receives no more), `EN_ECONNRESET`, `EN_ENOBUFS`,
/// `EN_EBUSY` (another call is at it), `EN_EOPNOTSUPP` (the other direction only), `EN_ECANCELED`,
/// `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2), udp(7), unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_send_packet(
    endpoint: *mut en_datagram_endpoint_t,
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
/// Errors: those of `en_datagram_endpoint_send_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_send_packet_slices(
    endpoint: *mut en_datagram_endpoint_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `parts` NULL or `count` slices.
    unsafe { client::send_packet_slices(endpoint, parts, count, timeout_ms) }
}

/// Sends `count` packets, a datagram each, in as few system calls as possible. `*sent` is always
/// set: how many went out.
///
/// Thread-safe.
///
/// Errors: those of `en_datagram_endpoint_send_packet`, of the first packet that did not go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_send_packets(
    endpoint: *mut en_datagram_endpoint_t,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle, `packets` NULL or `count` slices, `sent` NULL or
    // writable.
    unsafe { client::send_packets(endpoint, packets, count, timeout_ms, sent) }
}

/// Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not
/// at all. The descriptors in it stay the caller's.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_datagram_endpoint_send_packet`; `EN_EINVAL` also for a packet without a byte
/// and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF` (a descriptor
/// that is not open), `EN_EPERM` also for credentials of somebody else, `EN_ESRCH` (of nobody),
/// `EN_ETOOMANYREFS`. `EN_EOPNOTSUPP` also if the transport carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_send_packet_with_ancillary(
    endpoint: *mut en_datagram_endpoint_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `endpoint` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes.
    unsafe { unix_client::send_packet_with_ancillary(endpoint, data, size, ancillary, timeout_ms) }
}

/// Receives one packet, which is the caller's to release. What is buffered comes first, without a
/// system call. After an error the next receive goes on with the next datagram.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNREFUSED` and other ICMP errors of UDP (once
/// each), `EN_ECONNRESET` (the peer is connected elsewhere), `EN_EMSGSIZE` (a datagram above
/// the maximum datagram size, which the message names; it is gone), `EN_EBADMSG` (no packet),
/// `EN_ECLOSED`, `EN_EBUSY` (another call is at it), `EN_EOPNOTSUPP` (the other direction
/// only), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See recv(2), unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_recv_packet(
    endpoint: *mut en_datagram_endpoint_t,
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
/// Errors: those of `en_datagram_endpoint_recv_packet`; `EN_EMSGSIZE` also if the packet does not
/// fit: it waits for the next receive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_recv_packet_into(
    endpoint: *mut en_datagram_endpoint_t,
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
/// `en_datagram_endpoint_recv_packet` does, and takes those that are there with it. `*count` is
/// always set; so many packets are the caller's to release. An error behind the first packet is
/// reported by the next receive.
///
/// Thread-safe.
///
/// Errors: those of `en_datagram_endpoint_recv_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_recv_packets(
    endpoint: *mut en_datagram_endpoint_t,
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
pub unsafe extern "C" fn en_datagram_endpoint_iter_received_packets(
    out: *mut *mut en_packet_iter_t,
    endpoint: *mut en_datagram_endpoint_t,
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
pub unsafe extern "C" fn en_datagram_endpoint_has_buffered(endpoint: *mut en_datagram_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::has_buffered(endpoint) }
}

/// Receives one packet, which is the caller's to release, and what came with it. What is buffered
/// comes first, and with nothing; otherwise this is exactly one receive from the system, with
/// `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192).
///
/// `ancillary` is always replaced: it holds what came even if there was no packet, and nothing if
/// nothing came. What it held before, also to be sent, is forgotten, and descriptors are closed.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_datagram_endpoint_recv_packet`; `EN_EINVAL` also for too much room.
/// `EN_EOPNOTSUPP` also if the transport carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_recv_packet_with_ancillary(
    endpoint: *mut en_datagram_endpoint_t,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `endpoint` and `ancillary` are NULL or live handles, `packet` NULL or writable.
    unsafe { unix_client::recv_packet_with_ancillary(endpoint, control_room, timeout_ms, ancillary, packet) }
}

/// Closes the endpoint and its transport, for all that have a hold on that: calls that wait answer
/// `EN_ECLOSED`, and so do all later ones. It waits for nobody. A second time it does nothing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, what the `close` callback of the transport answered. It is closed in any
/// case, but with `EN_EFORKED` (in a child that cannot use it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_close(endpoint: *mut en_datagram_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::close(endpoint) }
}

/// The same as `en_datagram_endpoint_close`: nothing is ever put aside.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_abort(endpoint: *mut en_datagram_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::abort(endpoint) }
}

/// 1 if the endpoint or its transport is closed, by whomever, 0 if not. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_is_closed(endpoint: *const en_datagram_endpoint_t) -> c_int {
    // SAFETY: `endpoint` is NULL or a live handle.
    unsafe { client::is_closed(endpoint) }
}

/// Ends the handle; NULL is nothing. The transport is left to those who have a hold on it, too: it
/// is closed when its last holder is closed or freed. What was received and is not taken yet is
/// lost. Calls that are still inside are woken, which closes the transport, and waited for. No
/// call may begin any more. In a callback of the same endpoint it takes effect when that has
/// returned.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_endpoint_free(endpoint: *mut en_datagram_endpoint_t) {
    // SAFETY: `endpoint` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(endpoint) }
}
