//! Bytes in and out of stream transports.

use std::ffi::{c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::base::en_slice_t;
use super::client::{self, operate};
use super::packet::en_packet_t;
use super::stream_transport::en_stream_transport_t;
use super::transport::{self, RecvBuffer, clear, emptied};
use super::unix_client;
use super::{Out, borrow, bytes, call};
use crate::blocking::Within;
use crate::error::Result;

/// Receives at least one byte and at most `max_size` (0 stands for 65536, the most is 1073741824),
/// and hands them over as `*packet`, which is the caller's to release. No byte at all is the end
/// of the stream.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN` (hands have not been shaken),
/// `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`,
/// `EN_EBUSY` (another call is receiving), `EN_EOPNOTSUPP` (it only sends), `EN_ECANCELED`,
/// `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See recv(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv(
    transport: *mut en_stream_transport_t,
    max_size: usize,
    timeout_ms: i64,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `packet` NULL or writable.
    unsafe {
        transport::work(transport, |channel| {
            let packet = Out::new(packet, "packet")?;
            RecvBuffer::new(max_size)?.hand_over(&packet, |room| channel.recv(room, Within::Ms(timeout_ms)))
        })
    }
}

/// Receives as `en_stream_transport_recv` does what is there, at most `max_size` bytes as
/// `*packet`, without waiting. `*fd` is always set: to the descriptor to wait for after
/// `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_recv` but
/// `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv_noblock(
    transport: *mut en_stream_transport_t,
    max_size: usize,
    packet: *mut en_packet_t,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `packet` and `fd` NULL or writable.
    unsafe {
        transport::work_now(transport, fd, |channel, fd| {
            let packet = Out::new(packet, "packet")?;
            RecvBuffer::new(max_size)?.hand_over(&packet, |room| channel.recv(room, Within::NoWait(fd)))
        })
    }
}

/// Receives at least one byte into `capacity` bytes at `buffer`. `*size` is always set to how many
/// came; 0 after `EN_OK` is the end of the stream.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_transport_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv_into(
    transport: *mut en_stream_transport_t,
    buffer: *mut c_void,
    capacity: usize,
    timeout_ms: i64,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `size` is NULL or writable.
        let size = unsafe { Out::new(size, "size")? };
        size.set(0);
        // SAFETY: `transport` is NULL or a live handle, `buffer` NULL or of `capacity` bytes.
        let (channel, room) =
            unsafe { (borrow(transport.cast_const())?, transport::room(buffer, capacity)?) };
        size.set(operate(channel, |channel| channel.recv(room, Within::Ms(timeout_ms)))?);
        Ok(())
    })
}

/// Receives what is there into `capacity` bytes at `buffer`, without waiting. `*size` is always
/// set, as by `en_stream_transport_recv_into`. `*fd` is always set: to the descriptor to wait for
/// after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_recv_into` but
/// `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv_into_noblock(
    transport: *mut en_stream_transport_t,
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
            size.write(channel.recv(transport::room(buffer, capacity)?, Within::NoWait(fd))?);
            Ok(())
        })
    }
}

/// Receives bytes as `en_stream_transport_recv` does, with exactly one receive from the system.
/// `ancillary` is always replaced by what came beside them, for which there are `control_room`
/// bytes (at most 1048576; 0 stands for 8192).
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_stream_transport_recv`; `EN_EINVAL` also for too much room, `EN_EOPNOTSUPP`
/// also if it carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv_with_ancillary(
    transport: *mut en_stream_transport_t,
    max_size: usize,
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
            RecvBuffer::new(max_size)?.hand_over(&packet, |room| {
                channel.recv_with_ancillary(room, cleared?, control, Within::Ms(timeout_ms))
            })
        })
    }
}

/// The same as `en_stream_transport_recv_with_ancillary`, without waiting: `ancillary` is always
/// replaced, with `control_room` bytes of room; at most `max_size` bytes come as `*packet`. `*fd`
/// is always set: to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1
/// if there is none.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_recv_with_ancillary`
/// but `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv_with_ancillary_noblock(
    transport: *mut en_stream_transport_t,
    max_size: usize,
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
            RecvBuffer::new(max_size)?.hand_over(&packet, |room| {
                channel.recv_with_ancillary(room, cleared?, control, Within::NoWait(fd))
            })
        })
    }
}

/// Receives bytes as `en_stream_transport_recv_into` does, with exactly one receive from the
/// system. `*size` is always set. `ancillary` is always replaced by what came beside them, for which
/// there are `control_room` bytes (at most 1048576; 0 stands for 8192).
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_stream_transport_recv`; `EN_EINVAL` also for too much room, `EN_EOPNOTSUPP`
/// also if it carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv_with_ancillary_into(
    transport: *mut en_stream_transport_t,
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
            size.write(channel.recv_with_ancillary(room, cleared?, control, Within::Ms(timeout_ms))?);
            Ok(())
        })
    }
}

/// The same as `en_stream_transport_recv_with_ancillary_into`, without waiting: `ancillary` is
/// always replaced, with `control_room` bytes of room; `*size` is always set, the bytes go to
/// `capacity` bytes at `buffer`. `*fd` is always set: to the descriptor to wait for after
/// `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
/// `en_stream_transport_recv_with_ancillary_into` but `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_recv_with_ancillary_into_noblock(
    transport: *mut en_stream_transport_t,
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
            size.write(channel.recv_with_ancillary(room, cleared?, control, Within::NoWait(fd))?);
            Ok(())
        })
    }
}

/// Sends as many as go at once of the `size` bytes at `data`, at least one (of none, none), and
/// says how many in `*sent`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN` (hands have not been shaken),
/// `EN_EPIPE` (also after a send over TLS that stopped half-way), `EN_ECONNRESET`,
/// `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ESHUTDOWN` (the end of TLS has been
/// said), `EN_ETLS_...`, `EN_EBUSY` (another call is sending), `EN_EOPNOTSUPP` (it only receives),
/// `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send(
    transport: *mut en_stream_transport_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `data` NULL or `size` bytes, `sent` NULL or
    // writable.
    unsafe {
        transport::work(transport, |channel| {
            let sent = Out::new(sent, "sent")?;
            sent.set(channel.send(bytes(data, size, "data")?, timeout_ms)?);
            Ok(())
        })
    }
}

/// Sends as many as go at once of the `size` bytes at `data`, without waiting, and says how many
/// in `*sent`, which is always set. After `EN_WANT_READ` or `EN_WANT_WRITE` come again with the
/// same bytes, and more behind them if need be: TLS may have begun with them. `*fd` is always set:
/// to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is
/// none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_send` but
/// `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send_noblock(
    transport: *mut en_stream_transport_t,
    data: *const c_void,
    size: usize,
    sent: *mut usize,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `data` NULL or `size` bytes, `sent` and `fd` NULL
    // or writable.
    unsafe {
        let cleared = clear(sent, "sent");
        transport::work_now(transport, fd, |channel, fd| {
            cleared?;
            sent.write(channel.send_now(&[bytes(data, size, "data")?], fd)?);
            Ok(())
        })
    }
}

/// Sends all `size` bytes at `data`. `*sent` is always set to how many went.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_transport_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send_all(
    transport: *mut en_stream_transport_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `data` NULL or `size` bytes, `sent` NULL or
    // writable.
    unsafe {
        let cleared = clear(sent, "sent");
        transport::work(transport, |channel| {
            cleared?;
            let data = bytes(data, size, "data")?;
            let (count, outcome) = channel.send_all(&mut std::iter::once(Ok(data)), timeout_ms);
            sent.write(count);
            outcome
        })
    }
}

/// Sends all bytes of the `count` slices, in their order, as many with one system call as it
/// takes; TLS fills its records with them. `*sent` is always set to how many bytes went.
///
/// Thread-safe.
///
/// Errors: those of `en_stream_transport_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send_all_from_slices(
    transport: *mut en_stream_transport_t,
    slices: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `slices` NULL or `count` slices, `sent` NULL or
    // writable.
    unsafe {
        let cleared = clear(sent, "sent");
        transport::work(transport, |channel| {
            cleared?;
            let mut slices = client::slices(slices, count, "slices")?;
            let (count, outcome) = channel.send_all(&mut slices, timeout_ms);
            sent.write(count);
            outcome
        })
    }
}

/// Sends of the `count` slices what goes at once, without waiting, and says how many bytes in
/// `*sent`, which is always set. As with `en_stream_transport_send_noblock` come again with the
/// same bytes. `*fd` is always set: to the descriptor to wait for after `EN_WANT_READ` or
/// `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
/// `en_stream_transport_send_all_from_slices` but `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send_from_slices_noblock(
    transport: *mut en_stream_transport_t,
    slices: *const en_slice_t,
    count: usize,
    sent: *mut usize,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `slices` NULL or `count` slices, `sent` and `fd`
    // NULL or writable.
    unsafe {
        let cleared = clear(sent, "sent");
        transport::work_now(transport, fd, |channel, fd| {
            cleared?;
            let slices = client::slices(slices, count, "slices")?.collect::<Result<Vec<_>>>()?;
            sent.write(channel.send_now(&slices, fd)?);
            Ok(())
        })
    }
}

/// Sends all `size` bytes at `data`, and `ancillary` with them, in one system call. The
/// descriptors in it stay the caller's. `*sent` is always set to how many bytes went: if that is
/// less than all, the ancillary data went with them, and the call answers `EN_EMSGSIZE`.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: those of `en_stream_transport_send_all`; `EN_EINVAL` also for no byte at all and for more
/// than 253 descriptors, `EN_EMSGSIZE` (did not fit at once), `EN_EBADF`, `EN_EPERM`, `EN_ESRCH`,
/// `EN_ETOOMANYREFS`, `EN_EOPNOTSUPP` also if it carries none. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send_all_with_ancillary(
    transport: *mut en_stream_transport_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes, `sent`
    // NULL or writable.
    unsafe {
        let cleared = clear(sent, "sent");
        transport::work(transport, |channel| {
            cleared?;
            let (data, ancillary) = (bytes(data, size, "data")?, borrow(ancillary)?);
            let (count, outcome) = channel.send_with_ancillary(data, ancillary, Within::Ms(timeout_ms));
            sent.write(count);
            outcome
        })
    }
}

/// The same as `en_stream_transport_send_all_with_ancillary`, without waiting: all `size` bytes at
/// `data` and `ancillary`; `*sent` is always set. `*fd` is always set: to the descriptor to wait
/// for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe. The `ancillary` object is for one thread at a time.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
/// `en_stream_transport_send_all_with_ancillary` but `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send_all_with_ancillary_noblock(
    transport: *mut en_stream_transport_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    sent: *mut usize,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` and `ancillary` are NULL or live handles, `data` NULL or `size` bytes, `sent`
    // and `fd` NULL or writable.
    unsafe {
        let cleared = clear(sent, "sent");
        transport::work_now(transport, fd, |channel, fd| {
            cleared?;
            let (data, ancillary) = (bytes(data, size, "data")?, borrow(ancillary)?);
            let (count, outcome) = channel.send_with_ancillary(data, ancillary, Within::NoWait(fd));
            sent.write(count);
            outcome
        })
    }
}

/// Sends the end of the stream: the peer receives what was sent and then the end. Receiving goes
/// on. Of two halves whose sending one cannot, that one is closed instead.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EOPNOTSUPP` (TLS, a transport that only receives or has no callback
/// for it), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EBUSY`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`,
/// codes of callbacks. See shutdown(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_send_eof(
    transport: *mut en_stream_transport_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle.
    unsafe { transport::work(transport, |channel| channel.send_eof(timeout_ms)) }
}
