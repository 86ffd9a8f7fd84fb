//! The TCP client.

use std::ffi::{c_char, c_int, c_void};

use super::address::en_address_t;
use super::base::en_slice_t;
use super::client::{self, en_client_t};
use super::options::options_of;
use super::packet::en_packet_t;
use super::packet_iter::en_packet_iter_t;
use super::protocol::en_stream_protocol_t;
use super::tcp_options::en_tcp_options_t;
use super::{Constructor, array, borrow, call, handle, string};
use crate::blocking::Client;
use crate::client::tcp;
use crate::error::{Result, invalid};
use crate::socket::address::IpAddress;
use crate::socket::given_fd::GivenFd;

/// TCP_NODELAY: 1 sends small packets at once (the default of this library), 0 gathers them.
pub const EN_OPTION_NODELAY: c_int = 1;
/// SO_KEEPALIVE: 1 (the default of this library) or 0.
pub const EN_OPTION_KEEPALIVE: c_int = 2;
/// TCP_KEEPIDLE: seconds of silence before the first question.
pub const EN_OPTION_KEEPALIVE_IDLE: c_int = 3;
/// TCP_KEEPINTVL: seconds between two questions.
pub const EN_OPTION_KEEPALIVE_INTERVAL: c_int = 4;
/// TCP_KEEPCNT: questions before the connection is given up.
pub const EN_OPTION_KEEPALIVE_COUNT: c_int = 5;
/// SO_LINGER: for how many seconds at most closing the descriptor waits until the peer has what was
/// sent; on a loop all its clients wait with it. 0 resets the connection at once; -1, the default,
/// is off.
pub const EN_OPTION_LINGER: c_int = 6;
/// TCP_USER_TIMEOUT: milliseconds that sent data may stay without an answer; 0 is the system's.
pub const EN_OPTION_USER_TIMEOUT: c_int = 7;
/// SO_RCVBUF: bytes of the system's receive buffer.
pub const EN_OPTION_RECEIVE_BUFFER: c_int = 8;
/// SO_SNDBUF: bytes of the system's send buffer.
pub const EN_OPTION_SEND_BUFFER: c_int = 9;
/// SO_REUSEADDR: 0 or 1.
pub const EN_OPTION_REUSE_ADDRESS: c_int = 10;
/// SO_REUSEPORT: 0 or 1.
pub const EN_OPTION_REUSE_PORT: c_int = 11;

/// A TCP connection that sends and receives packets, with calls that block.
///
/// All calls may be made from any thread at any time. Calls that send wait for each other, and so
/// do calls that receive; sending and receiving never wait for each other. Time-outs are in
/// milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
pub struct en_tcp_client_t {
    _private: [u8; 0],
}

handle!(en_tcp_client_t, Client, "client");

/// Connects to `host`, a name or a numeric address, at `port`. The addresses of a name are tried as
/// RFC 8305 says: families in turn, the next attempt beside one that takes its time. A name server
/// that leaves the question for IPv6 unanswered holds nobody up: after half a second the addresses of
/// IPv4 are asked for alone and tried, and others join them when they become known. Protocol and
/// options (NULL: all defaults) stay the caller's and may be freed when the call returns.
///
/// The connect time-out of the options covers everything, name resolution included. When all
/// addresses fail, the code is that of the attempt that says most, and the message names each.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EAI_...` (the name), `EN_ENODEV` (no interface of the name behind
/// %), `EN_ECONNREFUSED`, `EN_ECONNRESET` (accepted, and reset at once), `EN_ENETUNREACH`,
/// `EN_EHOSTUNREACH`, `EN_ECONNTIMEDOUT` (the system gave up), `EN_ETIMEDOUT` (the connect time-out
/// passed), `EN_EADDRINUSE`, `EN_EADDRNOTAVAIL`,
/// `EN_EAFNOSUPPORT` (no address matches the local one), `EN_ECANCELED`, `EN_EMFILE`,
/// `EN_ENFILE`, `EN_EACCES`, codes of callbacks; over TLS those of
/// `en_stream_transport_handshake`. See connect(2), getaddrinfo(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_connect(
    out: *mut *mut en_tcp_client_t,
    host: *const c_char,
    port: u16,
    protocol: *const en_stream_protocol_t,
    options: *const en_tcp_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL, a string and live handles.
        unsafe {
            let out = Constructor::new(out)?;
            let host = string(host, "host")?;
            out.make(|| tcp::connect(host, port, borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// Connects to the first of `count` addresses that answers; otherwise as `en_tcp_client_connect`.
/// For programs that look names up themselves.
///
/// Thread-safe.
///
/// Errors: those of `en_tcp_client_connect`, without `EN_EAI_...`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_connect_addresses(
    out: *mut *mut en_tcp_client_t,
    addresses: *const *const en_address_t,
    count: usize,
    protocol: *const en_stream_protocol_t,
    options: *const en_tcp_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, `addresses` NULL or `count` handles, the others NULL
        // or live handles.
        unsafe {
            let out = Constructor::new(out)?;
            let addresses = addresses_of(addresses, count)?;
            out.make(|| tcp::connect_addresses(addresses, borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// # Safety
/// `addresses` is NULL or `count` handles, each NULL or live.
pub(crate) unsafe fn addresses_of(
    addresses: *const *const en_address_t,
    count: usize,
) -> Result<Vec<IpAddress>> {
    // SAFETY: as the caller promises.
    let addresses = unsafe { array(addresses, count, "addresses")? };
    if addresses.is_empty() {
        return Err(invalid("there is no address to connect to"));
    }
    // SAFETY: as the caller promises.
    addresses.iter().map(|address| unsafe { borrow(*address) }.cloned()).collect()
}

/// Makes a client of a connected TCP socket. From success on the descriptor is the library's; after
/// a failure it is still the caller's. O_NONBLOCK is left as it is. Options that only connecting
/// needs are ignored.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a stream socket),
/// `EN_EAFNOSUPPORT` (neither IPv4 nor IPv6), `EN_ENOTCONN`, codes of callbacks; over TLS those
/// of `en_stream_transport_handshake`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_from_fd(
    out: *mut *mut en_tcp_client_t,
    fd: c_int,
    protocol: *const en_stream_protocol_t,
    options: *const en_tcp_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles; the descriptor is given away.
        unsafe {
            let out = Constructor::new(out)?;
            out.make(|| tcp::from_fd(GivenFd::new(fd), borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// The client through what all blocking clients have in common: borrowed, it ends with `client`.
/// NULL for NULL.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_as_client(client: *mut en_tcp_client_t) -> *mut en_client_t {
    client.cast()
}

/// Sends one packet of `size` bytes. `(NULL, 0)` is an empty packet.
///
/// After `EN_ETIMEDOUT` and `EN_ECANCELED` without a byte sent, the client is as before. If part of
/// the packet had gone out, the sending direction is broken: later sends answer `EN_EPIPE`, and the
/// message says why; receiving still works.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large
/// for the protocol), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ESHUTDOWN`, `EN_EPIPE`,
/// `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_ECANCELED`,
/// `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_send_packet(
    client: *mut en_tcp_client_t,
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
/// Errors: those of `en_tcp_client_send_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_send_packet_slices(
    client: *mut en_tcp_client_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `parts` NULL or `count` slices.
    unsafe { client::send_packet_slices(client, parts, count, timeout_ms) }
}

/// Sends `count` packets, in as few system calls as possible. `*sent` is always set: how many whole
/// packets went out (or into the write buffer).
///
/// Thread-safe.
///
/// Errors: those of `en_tcp_client_send_packet`, of the first packet that did not go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_send_packets(
    client: *mut en_tcp_client_t,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `packets` NULL or `count` slices, `sent` NULL or
    // writable.
    unsafe { client::send_packets(client, packets, count, timeout_ms, sent) }
}

/// Sends what is in the write buffer. What does not go within the time-out stays in it.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EPIPE`, `EN_ECONNRESET`,
/// `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_ECANCELED`,
/// `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_flush(client: *mut en_tcp_client_t, timeout_ms: i64) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::work(client, |client| client.flush(timeout_ms)) }
}

/// Sends what is in the write buffer, and then the end of the stream: the peer receives what was
/// sent and then the end. Receiving goes on. A second time, and on a closed client or one whose
/// connection is down, it does nothing, unless something in the write buffer is lost with it.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EOPNOTSUPP` (TLS), `EN_ETIMEDOUT`, `EN_ECANCELED`, `EN_EDEADLK`,
/// `EN_EFORKED`, and those of `en_tcp_client_flush` if there is something in the write buffer.
/// See shutdown(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_send_eof(client: *mut en_tcp_client_t, timeout_ms: i64) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::work(client, |client| client.send_eof(timeout_ms)) }
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
/// `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBADMSG` (no packet), `EN_EMSGSIZE` (above the
/// maximum), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See
/// recv(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_recv_packet(
    client: *mut en_tcp_client_t,
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
/// Errors: those of `en_tcp_client_recv_packet`; `EN_EMSGSIZE` also if the packet does not fit: it
/// waits for the next receive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_recv_packet_into(
    client: *mut en_tcp_client_t,
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
/// `en_tcp_client_recv_packet` does, and takes those that are there with it. `*count` is always
/// set; so many packets are the caller's to release. An error behind the first packet is reported
/// by the next receive.
///
/// Thread-safe.
///
/// Errors: those of `en_tcp_client_recv_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_recv_packets(
    client: *mut en_tcp_client_t,
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
pub unsafe extern "C" fn en_tcp_client_iter_received_packets(
    out: *mut *mut en_packet_iter_t,
    client: *mut en_tcp_client_t,
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
pub unsafe extern "C" fn en_tcp_client_has_buffered(client: *mut en_tcp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::has_buffered(client) }
}

/// Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
/// later ones. It waits for nobody, but for the write buffer to go out and, over TLS, for the peer's
/// end of it (see `en_tcp_options_set_standard_compatible`), at most the shutdown time-out. The
/// descriptor is closed when the last call has left it, and the connection ends for all who have the
/// descriptor, too. A second time it does nothing.
///
/// As with any close(2), TCP resets the connection if input was left unread: to be sure that the
/// peer gets everything, send the end of the stream and receive to the end first.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`; `EN_ETIMEDOUT` and those of `en_tcp_client_flush` if the write buffer did
/// not go out. The client is closed in any case, but with `EN_EFORKED` (in a child that cannot use
/// it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_close(client: *mut en_tcp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::close(client) }
}

/// Closes the client at once: what is in the write buffer is lost.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_abort(client: *mut en_tcp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::abort(client) }
}

/// 1 if the client is closed, 0 if not. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_is_closed(client: *const en_tcp_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::is_closed(client) }
}

/// Ends the handle; NULL is nothing. Closes the client if it is open, with one attempt to send what
/// is in the write buffer; wakes calls that are still inside and waits for them to leave. No call
/// may begin any more. In a callback of the same client it takes effect when that has returned.
/// Unless calls had to be woken, or TLS has said its end, who else has the descriptor, such as a
/// forked child, goes on with the connection; a child always leaves it to its parent.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_client_free(client: *mut en_tcp_client_t) {
    // SAFETY: `client` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(client) }
}
