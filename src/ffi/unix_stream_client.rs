//! The Unix stream client.

use std::ffi::{c_char, c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::base::en_slice_t;
use super::client::{self, en_client_t};
use super::options::options_of;
use super::packet::en_packet_t;
use super::packet_iter::en_packet_iter_t;
use super::protocol::en_stream_protocol_t;
use super::unix_address::en_unix_address_t;
use super::unix_stream_options::en_unix_stream_options_t;
use super::{Constructor, borrow, call, handle, unix_client};
use crate::blocking::Client;
use crate::client::unix_stream;
use crate::socket::given_fd::GivenFd;

/// A Unix stream connection that sends and receives packets, and descriptors and credentials with
/// them, with calls that block.
///
/// All calls may be made from any thread at any time. Calls that send wait for each other, and so
/// do calls that receive; sending and receiving never wait for each other. Time-outs are in
/// milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
pub struct en_unix_stream_client_t {
    _private: [u8; 0],
}

handle!(en_unix_stream_client_t, Client, "client");

/// Connects to the socket that listens at `address`: a path or an abstract name. If its queue is
/// full, the call waits for room within the connect time-out. Protocol and options (NULL: all
/// defaults) stay the caller's and may be freed when the call returns.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also the unnamed address), `EN_ENOENT`, `EN_ECONNREFUSED` (nobody
/// listens), `EN_ETIMEDOUT` (the connect time-out passed), `EN_EACCES`, `EN_EPROTOTYPE` (not a
/// stream socket), `EN_EADDRINUSE` (the local address), `EN_ENOTDIR`, `EN_ELOOP`,
/// `EN_ECANCELED`, `EN_EMFILE`, `EN_ENFILE`, codes of callbacks. See connect(2), unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_connect(
    out: *mut *mut en_unix_stream_client_t,
    address: *const en_unix_address_t,
    protocol: *const en_stream_protocol_t,
    options: *const en_unix_stream_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles.
        unsafe {
            let out = Constructor::new(out)?;
            out.make(|| unix_stream::connect(borrow(address)?, borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// Connects to the socket that listens at `path`; otherwise as `en_unix_stream_client_connect`.
///
/// Thread-safe.
///
/// Errors: those of `en_unix_stream_client_connect`, `EN_ENAMETOOLONG` (above 107 bytes).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_connect_path(
    out: *mut *mut en_unix_stream_client_t,
    path: *const c_char,
    protocol: *const en_stream_protocol_t,
    options: *const en_unix_stream_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL, a string and live handles.
        unsafe {
            let out = Constructor::new(out)?;
            let address = unix_client::path(path)?;
            out.make(|| unix_stream::connect(&address, borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// Makes a client of a connected Unix stream socket, also of one end of a pair. From success on
/// the descriptor is the library's; after a failure it is still the caller's. O_NONBLOCK is left
/// as it is. Options that only connecting needs are ignored.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a stream socket),
/// `EN_EAFNOSUPPORT` (not a Unix socket), `EN_ENOTCONN`, codes of callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_from_fd(
    out: *mut *mut en_unix_stream_client_t,
    fd: c_int,
    protocol: *const en_stream_protocol_t,
    options: *const en_unix_stream_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles; the descriptor is given away.
        unsafe {
            let out = Constructor::new(out)?;
            out.make(|| unix_stream::from_fd(GivenFd::new(fd), borrow(protocol)?, &options_of(options)?))
        }
    })
}

/// The client through what all blocking clients have in common: borrowed, it ends with `client`.
/// NULL for NULL.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_as_client(
    client: *mut en_unix_stream_client_t,
) -> *mut en_client_t {
    client.cast()
}

/// Sends one packet of `size` bytes. `(NULL, 0)` is an empty packet.
///
/// After `EN_ETIMEDOUT` and `EN_ECANCELED` without a byte sent, the client is as before. If part
/// of the packet had gone out, the sending direction is broken: later sends answer `EN_EPIPE`, and
/// the message says why; receiving still works.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large
/// for the protocol), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ESHUTDOWN`, `EN_EPIPE`, `EN_ECONNRESET`,
/// `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_send_packet(
    client: *mut en_unix_stream_client_t,
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
/// Errors: those of `en_unix_stream_client_send_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_send_packet_slices(
    client: *mut en_unix_stream_client_t,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `parts` NULL or `count` slices.
    unsafe { client::send_packet_slices(client, parts, count, timeout_ms) }
}

/// Sends `count` packets, in as few system calls as possible. `*sent` is always set: how many
/// whole packets went out (or into the write buffer).
///
/// Thread-safe.
///
/// Errors: those of `en_unix_stream_client_send_packet`, of the first packet that did not go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_send_packets(
    client: *mut en_unix_stream_client_t,
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
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EPIPE`, `EN_ECONNRESET`, `EN_ECANCELED`,
/// `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_flush(
    client: *mut en_unix_stream_client_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::work(client, |client| client.flush(timeout_ms)) }
}

/// Sends what is in the write buffer, and then the end of the stream: the peer receives what was
/// sent and then the end. Receiving goes on. A second time, and on a closed client or one whose
/// connection is down, it does nothing, unless something in the write buffer is lost with it.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, and those of
/// `en_unix_stream_client_flush` if there is something in the write buffer. See shutdown(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_send_eof(
    client: *mut en_unix_stream_client_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::work(client, |client| client.send_eof(timeout_ms)) }
}

/// Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not
/// at all. The descriptors in it stay the caller's.
///
/// If part of a packet has gone out, the sending direction is broken, as with
/// `en_unix_stream_client_send_packet`. The write buffer is sent first.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_unix_stream_client_send_packet`; `EN_EINVAL` also for a packet without
/// a byte and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF`
/// (a descriptor that is not open), `EN_EPERM` (credentials of somebody else), `EN_ESRCH` (of
/// nobody), `EN_ETOOMANYREFS`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_send_packet_with_ancillary(
    client: *mut en_unix_stream_client_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes.
    unsafe { unix_client::send_packet_with_ancillary(client, data, size, ancillary, timeout_ms) }
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
/// `EN_ETRUNCATED` (in the middle of a packet), `EN_ECONNRESET`, `EN_EBADMSG` (no packet),
/// `EN_EMSGSIZE` (above the maximum), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes
/// of callbacks. See recv(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_recv_packet(
    client: *mut en_unix_stream_client_t,
    timeout_ms: i64,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live handle, `packet` NULL or writable.
    unsafe { client::recv_packet(client, timeout_ms, packet) }
}

/// Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of
/// the packet, also when that is larger than the buffer, and to 0 if there was no packet.
///
/// Thread-safe.
///
/// Errors: those of `en_unix_stream_client_recv_packet`; `EN_EMSGSIZE` also if the packet does not
/// fit: it waits for the next receive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_recv_packet_into(
    client: *mut en_unix_stream_client_t,
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
/// `en_unix_stream_client_recv_packet` does, and takes those that are there with it. `*count` is
/// always set; so many packets are the caller's to release. An error behind the first packet is
/// reported by the next receive.
///
/// Thread-safe.
///
/// Errors: those of `en_unix_stream_client_recv_packet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_recv_packets(
    client: *mut en_unix_stream_client_t,
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
pub unsafe extern "C" fn en_unix_stream_client_iter_received_packets(
    out: *mut *mut en_packet_iter_t,
    client: *mut en_unix_stream_client_t,
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
pub unsafe extern "C" fn en_unix_stream_client_has_buffered(client: *mut en_unix_stream_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::has_buffered(client) }
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
/// Errors: those of `en_unix_stream_client_recv_packet`; `EN_ENOMSG` (less than a whole packet has
/// come), `EN_EINVAL` also for too much room. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_recv_packet_with_ancillary(
    client: *mut en_unix_stream_client_t,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `client` and `ancillary` are NULL or live handles, `packet` NULL or writable.
    unsafe { unix_client::recv_packet_with_ancillary(client, control_room, timeout_ms, ancillary, packet) }
}

/// Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
/// later ones. It waits for nobody, but for the write buffer to go out, at most the shutdown
/// time-out. The descriptor is closed when the last call has left it, and the connection ends for
/// all who have the descriptor, too. A second time it does nothing.
///
/// If input was left unread, the peer is told of a reset: to be sure that it gets everything, send
/// the end of the stream and receive to the end first. A local path is left in the file system.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`; `EN_ETIMEDOUT` and those of `en_unix_stream_client_flush` if the write
/// buffer did not go out. The client is closed in any case, but with `EN_EFORKED` (in a child that
/// cannot use it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_close(client: *mut en_unix_stream_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::close(client) }
}

/// Closes the client at once: what is in the write buffer is lost.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_abort(client: *mut en_unix_stream_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::abort(client) }
}

/// 1 if the client is closed, 0 if not. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_is_closed(client: *const en_unix_stream_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live handle.
    unsafe { client::is_closed(client) }
}

/// Ends the handle; NULL is nothing. Closes the client if it is open, with one attempt to send
/// what is in the write buffer; wakes calls that are still inside and waits for them to leave. No
/// call may begin any more. In a callback of the same client it takes effect when that has
/// returned. Unless calls had to be woken, who else has the descriptor, such as a forked child, goes
/// on with the connection; a child always leaves it to its parent.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_stream_client_free(client: *mut en_unix_stream_client_t) {
    // SAFETY: `client` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(client) }
}
