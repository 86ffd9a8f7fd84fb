//! The UDP client.

use std::ffi::{c_char, c_int, c_void};

use super::base::en_slice_t;
use super::client::{self, en_client_t};
use super::datagram_protocol::en_datagram_protocol_t;
use super::options::options_of;
use super::packet::en_packet_t;
use super::packet_iter::en_packet_iter_t;
use super::udp_options::en_udp_options_t;
use super::{Constructor, borrow, call, handle, string};
use crate::blocking::Client;
use crate::client::udp;
use crate::socket::given_fd::GivenFd;

/// A UDP socket with one peer, that sends and receives packets, a datagram each, with calls that
/// block. Datagrams of others are not seen.
///
/// All calls may be made from any thread at any time. Calls that send wait for each other, and so
/// do calls that receive; sending and receiving never wait for each other. Time-outs are in
/// milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
pub struct en_udp_client_t {
    _private: [u8; 0],
}

handle!(en_udp_client_t, Client, "client");

/// Makes a socket whose peer is `host`, a name or a numeric address, at `port`: the first address
/// of a name to which the system has a way. Nothing is sent, so whether somebody is there shows
/// only later. Protocol and options (NULL: all defaults) stay the caller's and may be freed when
/// the call returns.
///
/// The connect time-out of the options covers name resolution, which goes on with IPv4 alone where the
/// question for IPv6 stays unanswered (see `en_tcp_client_connect`). When all addresses fail, the code is
/// that of the attempt that says most, and the message names each.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also the port 0), `EN_EAI_...` (the name), `EN_ENODEV` (no interface of
/// the name behind %), `EN_ENETUNREACH`, `EN_EHOSTUNREACH`, `EN_ETIMEDOUT` (the connect
/// time-out passed), `EN_EADDRINUSE`, `EN_EADDRNOTAVAIL`, `EN_EAFNOSUPPORT` (no address matches
/// the local one), `EN_ECANCELED`, `EN_EMFILE`, `EN_ENFILE`, `EN_EACCES`, codes of callbacks.
/// See connect(2), getaddrinfo(3), udp(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_connect(
    out: *mut *mut en_udp_client_t,
    host: *const c_char,
    port: u16,
    protocol: *const en_datagram_protocol_t,
    options: *const en_udp_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL, a string and live handles.
        unsafe {
            let out = Constructor::new(out)?;
            let host = string(host, "host")?;
            out.make(|| udp::connect(host, port, borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// Makes a client of a connected UDP socket. From success on the descriptor is the library's; after
/// a failure it is still the caller's. O_NONBLOCK is left as it is. Options that only connecting
/// needs are ignored, and so is receive offload: UDP_GRO is as the socket has it then. Datagrams
/// that came before the socket was connected are received, too, whoever sent them: take them out
/// first if that matters.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a datagram socket),
/// `EN_EAFNOSUPPORT` (neither IPv4 nor IPv6), `EN_ENOTCONN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_from_fd(
    out: *mut *mut en_udp_client_t,
    fd: c_int,
    protocol: *const en_datagram_protocol_t,
    options: *const en_udp_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles; the descriptor is given away.
        unsafe {
            let out = Constructor::new(out)?;
            out.make(|| udp::from_fd(GivenFd::new(fd), borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// The client through what all blocking clients have in common: borrowed, it ends with `client`.
/// NULL for NULL.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_as_client(client: *mut en_udp_client_t) -> *mut en_client_t {
    client.cast()
}

/// Sends one packet of `size` bytes as one datagram. `(NULL, 0)` is an empty packet.
///
/// An error that an earlier datagram met (`EN_ECONNREFUSED` and other ICMP errors) is reported
/// once, by the next call: this datagram was not sent then, and may be sent again. The client stays
/// usable after every error but those of closing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
/// the protocol or for one datagram), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECONNREFUSED`,
/// `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_EPERM` (a firewall), `EN_ENOBUFS`, `EN_ECANCELED`,
/// `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2), udp(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_send_packet(
    client: *mut en_udp_client_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `data` NULL or `size` bytes.
    unsafe { client::send_packet(client, data, size, timeout_ms) }
}

/// Sends one packet that lies in `count` parts, without putting them together first.
///
/// Thread-safe.
///
/// Errors: those of `en_udp_client_send_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_send_packet_slices(
    client: *mut en_udp_client_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `parts` NULL or `count` slices.
    unsafe { client::send_packet_slices(client, parts, count, timeout_ms) }
}

/// Sends `count` packets, a datagram each, in as few system calls as possible. `*sent` is always
/// set: how many went out. Packets of equal size are cut from one buffer by the system where it can
/// (UDP_SEGMENT).
///
/// Thread-safe.
///
/// Errors: those of `en_udp_client_send_packet`, of the first packet that did not go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_send_packets(
    client: *mut en_udp_client_t,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `packets` NULL or `count` slices, `sent` NULL or
    // writable.
    unsafe { client::send_packets(client, packets, count, timeout_ms, sent) }
}

/// Receives one packet, which is the caller's to release. What is buffered comes first, without a
/// system call. After an error the next receive goes on with the next datagram.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNREFUSED` and other ICMP errors (once each; the
/// client stays usable), `EN_EMSGSIZE` (a datagram above the maximum datagram size, which the
/// message names; it is gone. Or by ICMP, as the message says then: one that was sent was too large
/// for the path), `EN_EBADMSG` (no packet), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`,
/// `EN_EFORKED`, codes of callbacks. See recv(2), udp(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_recv_packet(
    client: *mut en_udp_client_t,
    timeout_ms: i64,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `packet` NULL or writable.
    unsafe { client::recv_packet(client, timeout_ms, packet) }
}

/// Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of the
/// packet, also when that is larger than the buffer, and to 0 if there was no packet.
///
/// Thread-safe.
///
/// Errors: those of `en_udp_client_recv_packet`; `EN_EMSGSIZE` also if the packet does not fit: it
/// waits for the next receive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_recv_packet_into(
    client: *mut en_udp_client_t,
    buffer: *mut c_void,
    capacity: usize,
    timeout_ms: i64,
    size: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `buffer` NULL or of `capacity` bytes, `size` NULL
    // or writable.
    unsafe { client::recv_packet_into(client, buffer, capacity, timeout_ms, size) }
}

/// Receives at least one and at most `capacity` packets: waits for the first as
/// `en_udp_client_recv_packet` does, and takes those that are there with it. `*count` is always
/// set; so many packets are the caller's to release. An error behind the first packet is reported
/// by the next receive.
///
/// Thread-safe.
///
/// Errors: those of `en_udp_client_recv_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_recv_packets(
    client: *mut en_udp_client_t,
    packets: *mut en_packet_t,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `packets` NULL or of room for `capacity`, `count`
    // NULL or writable.
    unsafe { client::recv_packets(client, packets, capacity, timeout_ms, count) }
}

/// Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
/// (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_iter_received_packets(
    out: *mut *mut en_packet_iter_t,
    client: *mut en_udp_client_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `client` NULL or a live handle.
    unsafe { client::iter_received_packets(out, client, timeout_ms) }
}

/// 1 if the next receive would answer without a system call, 0 if not, or if another thread is
/// receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_has_buffered(client: *mut en_udp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::has_buffered(client) }
}

/// Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
/// later ones. It waits for nobody. The descriptor is closed when the last call has left it. A
/// second time it does nothing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EFORKED` (in a child that cannot use it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_close(client: *mut en_udp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::close(client) }
}

/// The same as `en_udp_client_close`: nothing is ever put aside.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_abort(client: *mut en_udp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::abort(client) }
}

/// 1 if the client is closed, 0 if not. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_is_closed(client: *const en_udp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::is_closed(client) }
}

/// Ends the handle; NULL is nothing. Closes the client if it is open; wakes calls that are still
/// inside and waits for them to leave. No call may begin any more. In a callback of the same client
/// it takes effect when that has returned. In a forked child it closes the descriptor.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_client_free(client: *mut en_udp_client_t) {
    // SAFETY: `client` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(client) }
}
