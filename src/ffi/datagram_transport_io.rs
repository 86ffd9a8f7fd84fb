//! Datagrams in and out of datagram transports.

use std::ffi::{c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::datagram_transport::en_datagram_transport_t;
use super::packet::en_packet_t;
use super::transport::{self, RecvBuffer, clear, emptied, fits};
use super::unix_client;
use super::{Out, borrow, bytes, call};
use crate::blocking::{Channel, Within};
use crate::error::Result;
use crate::transport::DatagramTransport;

/// Receives one datagram, of at most the maximum datagram size, and hands it over as `*packet`,
/// which is the caller's to release. An empty datagram is one, too.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EMSGSIZE` (larger than the maximum: it is
/// lost), `EN_ECONNREFUSED` and other ICMP errors of UDP (as an earlier datagram found),
/// `EN_ECONNRESET` of Unix (the peer is connected elsewhere), `EN_EBUSY` (another call is
/// receiving), `EN_EOPNOTSUPP` (it only sends), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of
/// callbacks. See recv(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv(
    transport: *mut en_datagram_transport_t,
    timeout_ms: i64,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `packet` NULL or writable.
    unsafe {
        transport::work(transport, |channel| {
            let packet = Out::new(packet, "packet")?;
            recv_buffer_of(channel)?.hand_over(&packet, |room| channel.recv(room, Within::Ms(timeout_ms)))
        })
    }
}

/// Receives one datagram as `*packet` if one is there, without waiting. `*fd` is always set: to
/// the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_datagram_transport_recv` but
/// `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv_noblock(
    transport: *mut en_datagram_transport_t,
    packet: *mut en_packet_t,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `packet` and `fd` NULL or writable.
    unsafe {
        transport::work_now(transport, fd, |channel, fd| {
            let packet = Out::new(packet, "packet")?;
            recv_buffer_of(channel)?.hand_over(&packet, |room| channel.recv(room, Within::NoWait(fd)))
        })
    }
}

/// Receives one datagram into `capacity` bytes at `buffer`. `*size` is always set: to its size,
/// also when that is larger than the buffer, and to 0 if there was none. The maximum datagram size
/// does not count here.
///
/// Thread-safe.
///
/// Errors: those of `en_datagram_transport_recv`, of which `EN_EMSGSIZE` says that it is larger than
/// the buffer: it is lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv_into(
    transport: *mut en_datagram_transport_t,
    buffer: *mut c_void,
    capacity: usize,
    timeout_ms: i64,
    size: *mut usize,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `buffer` NULL or of `capacity` bytes, `size` NULL
    // or writable.
    unsafe {
        let cleared = clear(size, "size");
        transport::work(transport, |channel| {
            cleared?;
            let count = channel.recv(transport::room(buffer, capacity)?, Within::Ms(timeout_ms))?;
            size.write(count);
            fits(count, capacity)
        })
    }
}

/// Receives one datagram into `capacity` bytes at `buffer` if one is there, without waiting.
/// `*size` is always set, as by `en_datagram_transport_recv_into`. `*fd` is always set: to the
/// descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_datagram_transport_recv_into` but
/// `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv_into_noblock(
    transport: *mut en_datagram_transport_t,
    buffer: *mut c_void,
    capacity: usize,
    size: *mut usize,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `buffer` NULL or of `capacity` bytes, `size` and
    // `fd` NULL or writable.
    unsafe {
        let cleared = clear(size, "size");
        transport::work_now(transport, fd, |channel, fd| {
            cleared?;
            let count = channel.recv(transport::room(buffer, capacity)?, Within::NoWait(fd))?;
            size.write(count);
            fits(count, capacity)
        })
    }
}

/// Receives one datagram as `en_datagram_transport_recv` does. `ancillary` is always replaced by
/// what came beside it, for which there are `control_room` bytes (at most 1048576; 0 stands for
/// 8192).
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_datagram_transport_recv`; `EN_EINVAL` also for too much room,
/// `EN_EOPNOTSUPP` also if it carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv_with_ancillary(
    transport: *mut en_datagram_transport_t,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `packet` NULL or writable.
    unsafe {
        let cleared = emptied(ancillary);
        transport::work(transport, |channel| {
            let (packet, control) = (Out::new(packet, "packet")?, unix_client::control_room(control_room)?);
            recv_buffer_of(channel)?.hand_over(&packet, |room| {
                channel.recv_with_ancillary(room, cleared?, control, Within::Ms(timeout_ms))
            })
        })
    }
}

/// The same as `en_datagram_transport_recv_with_ancillary`, without waiting: `ancillary` is always
/// replaced, with `control_room` bytes of room; the datagram comes as `*packet`. `*fd` is always
/// set: to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there
/// is none.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
/// `en_datagram_transport_recv_with_ancillary` but `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv_with_ancillary_noblock(
    transport: *mut en_datagram_transport_t,
    control_room: usize,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `packet` and `fd` NULL or
    // writable.
    unsafe {
        let cleared = emptied(ancillary);
        transport::work_now(transport, fd, |channel, fd| {
            let (packet, control) = (Out::new(packet, "packet")?, unix_client::control_room(control_room)?);
            recv_buffer_of(channel)?.hand_over(&packet, |room| {
                channel.recv_with_ancillary(room, cleared?, control, Within::NoWait(fd))
            })
        })
    }
}

/// Receives one datagram as `en_datagram_transport_recv_into` does. `*size` is always set.
/// `ancillary` is always replaced by what came beside it, for which there are `control_room` bytes (at
/// most 1048576; 0 stands for 8192).
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_datagram_transport_recv_into`; `EN_EINVAL` also for too much room,
/// `EN_EOPNOTSUPP` also if it carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv_with_ancillary_into(
    transport: *mut en_datagram_transport_t,
    buffer: *mut c_void,
    capacity: usize,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    size: *mut usize,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `buffer` NULL or of `capacity`
    // bytes, `size` NULL or writable.
    unsafe {
        let cleared = clear(size, "size").and_then(|()| emptied(ancillary));
        transport::work(transport, |channel| {
            let (room, control) =
                (transport::room(buffer, capacity)?, unix_client::control_room(control_room)?);
            let count = channel.recv_with_ancillary(room, cleared?, control, Within::Ms(timeout_ms))?;
            size.write(count);
            fits(count, capacity)
        })
    }
}

/// The same as `en_datagram_transport_recv_with_ancillary_into`, without waiting: `ancillary` is
/// always replaced, with `control_room` bytes of room; `*size` is always set, the bytes go to
/// `capacity` bytes at `buffer`. `*fd` is always set: to the descriptor to wait for after
/// `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
/// `en_datagram_transport_recv_with_ancillary_into` but `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_recv_with_ancillary_into_noblock(
    transport: *mut en_datagram_transport_t,
    buffer: *mut c_void,
    capacity: usize,
    control_room: usize,
    ancillary: *mut en_ancillary_t,
    size: *mut usize,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `buffer` NULL or of `capacity`
    // bytes, `size` and `fd` NULL or writable.
    unsafe {
        let cleared = clear(size, "size").and_then(|()| emptied(ancillary));
        transport::work_now(transport, fd, |channel, fd| {
            let (room, control) =
                (transport::room(buffer, capacity)?, unix_client::control_room(control_room)?);
            let count = channel.recv_with_ancillary(room, cleared?, control, Within::NoWait(fd))?;
            size.write(count);
            fits(count, capacity)
        })
    }
}

/// Sends one datagram: the `size` bytes at `data`. None at all is a datagram, too.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMSGSIZE` (larger than the transport carries), `EN_ETIMEDOUT`,
/// `EN_ECLOSED`, `EN_ECONNREFUSED` and other ICMP errors of UDP (as an earlier datagram found),
/// `EN_ECONNREFUSED` of Unix (nobody has the peer's socket any more) and `EN_ENOTCONN` (the same,
/// from then on), which say that this one was not sent, `EN_EPERM` (a firewall; of Unix: the peer
/// has another peer), `EN_EPIPE` and `EN_ECONNRESET` of Unix (the peer receives no more, is
/// connected elsewhere), `EN_ENOBUFS`, `EN_EBUSY` (another call is sending), `EN_EOPNOTSUPP` (it
/// only receives), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_send(
    transport: *mut en_datagram_transport_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `data` NULL or `size` bytes.
    unsafe {
        transport::work(transport, |channel| channel.send(bytes(data, size, "data")?, Within::Ms(timeout_ms)))
    }
}

/// Sends one datagram, the `size` bytes at `data`, without waiting. `*fd` is always set: to the
/// descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_datagram_transport_send` but
/// `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_send_noblock(
    transport: *mut en_datagram_transport_t,
    data: *const c_void,
    size: usize,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `data` NULL or `size` bytes, `fd` NULL or writable.
    unsafe {
        transport::work_now(transport, fd, |channel, fd| {
            channel.send(bytes(data, size, "data")?, Within::NoWait(fd))
        })
    }
}

/// Sends one datagram, the `size` bytes at `data` (one at least), and `ancillary` with it. The
/// descriptors in it stay the caller's.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_datagram_transport_send`; `EN_EINVAL` also for no byte at all and for more
/// than 253 descriptors, `EN_EBADF`, `EN_EPERM`, `EN_ESRCH`, `EN_ETOOMANYREFS`, `EN_EOPNOTSUPP` also
/// if it carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_send_with_ancillary(
    transport: *mut en_datagram_transport_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes.
    unsafe {
        transport::work(transport, |channel| {
            channel.send_with_ancillary(
                bytes(data, size, "data")?,
                borrow(ancillary)?,
                Within::Ms(timeout_ms),
            )
        })
    }
}

/// Sends one datagram, the `size` bytes at `data`, and `ancillary` with it, without waiting. `*fd`
/// is always set: to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1
/// if there is none.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
/// `en_datagram_transport_send_with_ancillary` but `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_send_with_ancillary_noblock(
    transport: *mut en_datagram_transport_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes, `fd`
    // NULL or writable.
    unsafe {
        transport::work_now(transport, fd, |channel, fd| {
            channel.send_with_ancillary(bytes(data, size, "data")?, borrow(ancillary)?, Within::NoWait(fd))
        })
    }
}

/// The largest datagram that is received, in bytes, as `*size`. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_max_datagram_size(
    transport: *const en_datagram_transport_t,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `transport` is NULL or a live handle, `size` NULL or writable.
        let (channel, size) = unsafe { (borrow(transport)?, Out::new(size, "size")?) };
        size.set(channel.max_datagram_size());
        Ok(())
    })
}

/// Room for the largest datagram.
fn recv_buffer_of(channel: &Channel<dyn DatagramTransport>) -> Result<RecvBuffer> {
    RecvBuffer::new(channel.max_datagram_size())
}
