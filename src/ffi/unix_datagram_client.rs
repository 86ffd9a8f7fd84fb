//! The Unix datagram client.

use std::ffi::{c_char, c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::base::en_slice_t;
use super::client::{self, en_client_t};
use super::datagram_protocol::en_datagram_protocol_t;
use super::options::options_of;
use super::packet::en_packet_t;
use super::packet_iter::en_packet_iter_t;
use super::unix_address::en_unix_address_t;
use super::unix_datagram_options::en_unix_datagram_options_t;
use super::{Constructor, borrow, call, handle, unix_client};
use crate::blocking::Client;
use crate::client::unix_datagram;
use crate::socket::given_fd::GivenFd;

/// A Unix datagram socket with one peer, that sends and receives packets, a datagram each, and
/// descriptors and credentials with them, with calls that block. Datagrams of others are not seen.
///
/// All calls may be made from any thread at any time. Calls that send wait for each other, and so
/// do calls that receive; sending and receiving never wait for each other. Time-outs are in
/// milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
pub struct en_unix_datagram_client_t {
    _private: [u8; 0],
}

handle!(en_unix_datagram_client_t, Client, "client");

/// Makes a socket whose peer is the one at `address`: a path or an abstract name. Without a local
/// address in the options the system gives it an abstract name, so that the peer can answer.
/// Protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
/// returns.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also the unnamed address), `EN_ENOENT`, `EN_ECONNREFUSED` (nobody has
/// the path any more), `EN_EACCES`, `EN_EPERM` (the peer has another peer), `EN_EPROTOTYPE`
/// (not a datagram socket), `EN_EADDRINUSE` (the local address), `EN_ENOTDIR`, `EN_ELOOP`,
/// `EN_ECANCELED`, `EN_EMFILE`, `EN_ENFILE`, codes of callbacks. See connect(2), unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_connect(
    out: *mut *mut en_unix_datagram_client_t,
    address: *const en_unix_address_t,
    protocol: *const en_datagram_protocol_t,
    options: *const en_unix_datagram_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles.
        unsafe {
            let out = Constructor::new(out)?;
            out.make(|| unix_datagram::connect(borrow(address)?, borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// Makes a socket whose peer is the one at `path`; otherwise as `en_unix_datagram_client_connect`.
///
/// Thread-safe.
///
/// Errors: those of `en_unix_datagram_client_connect`, `EN_ENAMETOOLONG` (above 107 bytes).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_connect_path(
    out: *mut *mut en_unix_datagram_client_t,
    path: *const c_char,
    protocol: *const en_datagram_protocol_t,
    options: *const en_unix_datagram_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL, a string and live handles.
        unsafe {
            let out = Constructor::new(out)?;
            let address = unix_client::path(path)?;
            out.make(|| unix_datagram::connect(&address, borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// Makes a client of a connected Unix datagram socket, also of one end of a pair. From success on
/// the descriptor is the library's; after a failure it is still the caller's. O_NONBLOCK is left as
/// it is. Options that only connecting needs are ignored. Datagrams that came before the socket was
/// connected are received, too, whoever sent them: take them out first if that matters.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a datagram socket),
/// `EN_EAFNOSUPPORT` (not a Unix socket), `EN_ENOTCONN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_from_fd(
    out: *mut *mut en_unix_datagram_client_t,
    fd: c_int,
    protocol: *const en_datagram_protocol_t,
    options: *const en_unix_datagram_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles; the descriptor is given away.
        unsafe {
            let out = Constructor::new(out)?;
            out.make(|| unix_datagram::from_fd(GivenFd::new(fd), borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// The client through what all blocking clients have in common: borrowed, it ends with `client`.
/// NULL for NULL.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_as_client(
    client: *mut en_unix_datagram_client_t,
) -> *mut en_client_t {
    client.cast()
}

/// Sends one packet of `size` bytes as one datagram. `(NULL, 0)` is an empty packet.
///
/// A peer that does not keep up makes a send wait. The client stays usable after every error but
/// those of closing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
/// the protocol or for one datagram), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECONNREFUSED` (the peer is
/// gone: nobody has its socket any more, and this packet was not sent), `EN_ENOTCONN` (the same,
/// from then on), `EN_ECONNRESET` (the peer is connected elsewhere), `EN_EPERM` (the same, from then
/// on), `EN_EPIPE` (the peer receives no more), `EN_ENOBUFS`, `EN_ECANCELED`, `EN_EDEADLK`,
/// `EN_EFORKED`, codes of callbacks. See send(2), unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_send_packet(
    client: *mut en_unix_datagram_client_t,
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
/// Errors: those of `en_unix_datagram_client_send_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_send_packet_slices(
    client: *mut en_unix_datagram_client_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `parts` NULL or `count` slices.
    unsafe { client::send_packet_slices(client, parts, count, timeout_ms) }
}

/// Sends `count` packets, a datagram each, in as few system calls as possible. `*sent` is always
/// set: how many went out.
///
/// Thread-safe.
///
/// Errors: those of `en_unix_datagram_client_send_packet`, of the first packet that did not go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_send_packets(
    client: *mut en_unix_datagram_client_t,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `packets` NULL or `count` slices, `sent` NULL or
    // writable.
    unsafe { client::send_packets(client, packets, count, timeout_ms, sent) }
}

/// Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not at
/// all. The descriptors in it stay the caller's.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_unix_datagram_client_send_packet`; `EN_EINVAL` also for a packet without a
/// byte and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF` (a
/// descriptor that is not open), `EN_EPERM` also for credentials of somebody else, `EN_ESRCH` (of
/// nobody), `EN_ETOOMANYREFS`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_send_packet_with_ancillary(
    client: *mut en_unix_datagram_client_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes.
    unsafe { unix_client::send_packet_with_ancillary(client, data, size, ancillary, timeout_ms) }
}

/// Receives one packet, which is the caller's to release. What is buffered comes first, without a
/// system call. After an error the next receive goes on with the next datagram.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNRESET` (the peer is connected elsewhere),
/// `EN_EMSGSIZE` (a datagram above the maximum datagram size, which the message names; it is gone),
/// `EN_EBADMSG` (no packet), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of
/// callbacks. See recv(2), unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_recv_packet(
    client: *mut en_unix_datagram_client_t,
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
/// Errors: those of `en_unix_datagram_client_recv_packet`; `EN_EMSGSIZE` also if the packet does
/// not fit: it waits for the next receive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_recv_packet_into(
    client: *mut en_unix_datagram_client_t,
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
/// `en_unix_datagram_client_recv_packet` does, and takes those that are there with it. `*count` is
/// always set; so many packets are the caller's to release. An error behind the first packet is
/// reported by the next receive.
///
/// Thread-safe.
///
/// Errors: those of `en_unix_datagram_client_recv_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_recv_packets(
    client: *mut en_unix_datagram_client_t,
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
pub unsafe extern "C" fn en_unix_datagram_client_iter_received_packets(
    out: *mut *mut en_packet_iter_t,
    client: *mut en_unix_datagram_client_t,
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
pub unsafe extern "C" fn en_unix_datagram_client_has_buffered(
    client: *mut en_unix_datagram_client_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::has_buffered(client) }
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
/// Errors: those of `en_unix_datagram_client_recv_packet`; `EN_EINVAL` also for too much room. See
/// unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_recv_packet_with_ancillary(
    client: *mut en_unix_datagram_client_t,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `client` and `ancillary` are NULL or live handles, `packet` NULL or writable.
    unsafe { unix_client::recv_packet_with_ancillary(client, control_room, timeout_ms, ancillary, packet) }
}

/// Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
/// later ones. It waits for nobody. The descriptor is closed when the last call has left it. A
/// second time it does nothing. A local path is left in the file system.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EFORKED` (in a child that cannot use it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_close(client: *mut en_unix_datagram_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::close(client) }
}

/// The same as `en_unix_datagram_client_close`: nothing is ever put aside.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_abort(client: *mut en_unix_datagram_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::abort(client) }
}

/// 1 if the client is closed, 0 if not. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_is_closed(
    client: *const en_unix_datagram_client_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::is_closed(client) }
}

/// Ends the handle; NULL is nothing. Closes the client if it is open; wakes calls that are still
/// inside and waits for them to leave. No call may begin any more. In a callback of the same client
/// it takes effect when that has returned. In a forked child it closes the descriptor.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_client_free(client: *mut en_unix_datagram_client_t) {
    // SAFETY: `client` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(client) }
}
