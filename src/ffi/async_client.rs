//! What all clients on a loop have in common: a borrowed view for C, and the functions behind the
//! exports of each family.

use std::ffi::{c_int, c_void};
use std::rc::Rc;

use super::ancillary::en_ancillary_t;
use super::async_callbacks::{
    ancillary_place, done, en_async_done_t, en_async_receive_t, en_async_received_packets_t,
    en_async_received_t, en_async_sent_t, receive, received, received_packets, received_with_ancillary, sent,
};
use super::base::en_slice_t;
use super::client::slices;
use super::event_loop::{en_loop_t, is_anothers, tell};
use super::on_loop::OnLoop;
use super::{
    Handle, borrow, bytes, call, call_value, facts, guard_or, guard_void, handle, hold, take_hold, truth,
    unix_client,
};
use crate::error::{Result, invalid};
use crate::reactor::AsyncClient;

/// A client of any family on a loop, seen through what all have in common. It is borrowed from the
/// client it was got from (`en_async_tcp_client_as_async_client`, ...), and ends with it.
pub struct en_async_client_t {
    _private: [u8; 0],
}

handle!(en_async_client_t, AsyncClient, "client");

/// The client behind a handle.
///
/// # Safety
/// `pointer` is NULL or a live handle, used by the loop's thread.
pub(super) unsafe fn client<H>(pointer: *const H) -> Result<OnLoop<AsyncClient>>
where
    H: Handle<Inner = AsyncClient>,
{
    // SAFETY: as the caller promises.
    unsafe { borrow(pointer)? }.core().check_thread()?;
    // SAFETY: as the caller promises.
    unsafe { hold(pointer) }.map(OnLoop)
}

/// Begins an operation and tells its number.
///
/// # Safety
/// As [`client`]; `operation` is NULL or writable.
unsafe fn begin<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    operation: *mut u64,
    work: impl FnOnce(&Rc<AsyncClient>) -> Result<u64>,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let client = unsafe { client(pointer)? };
        let number = work(client.held())?;
        // SAFETY: as the caller promises.
        unsafe { tell(operation, number) };
        Ok(())
    })
}

/// # Safety
/// As [`begin`].
pub(super) unsafe fn wait_connected<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| client.wait_connected(timeout_ms, done(callback, user_data)))
    }
}

/// # Safety
/// As [`begin`]; `data` is NULL or `size` bytes.
pub(super) unsafe fn send_packet<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| {
            client.send_packet(&[bytes(data, size, "data")?], timeout_ms, done(callback, user_data))
        })
    }
}

/// # Safety
/// As [`begin`]; `parts` is NULL or `count` slices.
pub(super) unsafe fn send_packet_slices<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| {
            let parts = slices(parts, count, "parts")?.collect::<Result<Vec<_>>>()?;
            client.send_packet(&parts, timeout_ms, done(callback, user_data))
        })
    }
}

/// # Safety
/// As [`begin`]; `packets` is NULL or `count` slices.
pub(super) unsafe fn send_packets<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    callback: en_async_sent_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| {
            let mut packets = slices(packets, count, "packets")?;
            client.send_packets(&mut packets, timeout_ms, sent(callback, user_data))
        })
    }
}

/// # Safety
/// As [`begin`].
pub(super) unsafe fn send_eof<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { begin(pointer, operation, |client| client.send_eof(timeout_ms, done(callback, user_data))) }
}

/// # Safety
/// As [`begin`].
pub(super) unsafe fn flush<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { begin(pointer, operation, |client| client.flush(timeout_ms, done(callback, user_data))) }
}

/// # Safety
/// As [`begin`].
pub(super) unsafe fn recv_packets<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    capacity: usize,
    timeout_ms: i64,
    callback: en_async_received_packets_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| match capacity {
            0 => Err(invalid("capacity is 0: there must be room for one packet")),
            most => client.recv_packets(most, timeout_ms, received_packets(callback, user_data)?),
        })
    }
}

/// # Safety
/// As [`begin`]; `data` is NULL or `size` bytes, `ancillary` is NULL or a live handle.
#[allow(clippy::too_many_arguments)] // Those of the export.
pub(super) unsafe fn send_packet_with_ancillary<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| {
            let (packet, ancillary) = (bytes(data, size, "data")?, borrow(ancillary)?);
            client.send_packet_with_ancillary(&[packet], ancillary, timeout_ms, done(callback, user_data))
        })
    }
}

/// # Safety
/// As [`begin`]; `ancillary` is NULL or a live handle until the operation is over.
pub(super) unsafe fn recv_packet_with_ancillary<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    control_room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    callback: en_async_received_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| {
            let room = unix_client::control_room(control_room)?;
            let done = received_with_ancillary(callback, user_data)?;
            client.recv_packet_with_ancillary(room, ancillary_place(ancillary)?, timeout_ms, done)
        })
    }
}

/// # Safety
/// As [`begin`].
pub(super) unsafe fn recv_packet<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    timeout_ms: i64,
    callback: en_async_received_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| client.recv_packet(timeout_ms, received(callback, user_data)?))
    }
}

/// # Safety
/// As [`begin`].
pub(super) unsafe fn recv_start<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    timeout_ms: i64,
    callback: en_async_receive_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        begin(pointer, operation, |client| client.recv_start(timeout_ms, receive(callback, user_data)?))
    }
}

/// # Safety
/// As [`client`].
pub(super) unsafe fn recv_stop<H: Handle<Inner = AsyncClient>>(pointer: *mut H) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe { client(pointer)? }.held().recv_stop().map(drop)
    })
}

/// # Safety
/// As [`begin`].
pub(super) unsafe fn close<H: Handle<Inner = AsyncClient>>(
    pointer: *mut H,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { begin(pointer, operation, |client| client.close(timeout_ms, done(callback, user_data))) }
}

/// # Safety
/// As [`client`].
pub(super) unsafe fn is_connected<H: Handle<Inner = AsyncClient>>(pointer: *const H) -> c_int {
    // SAFETY: as the caller promises.
    call_value(|| unsafe { client(pointer)? }.is_connected().map(truth))
}

/// # Safety
/// As [`client`].
pub(super) unsafe fn is_closing<H: Handle<Inner = AsyncClient>>(pointer: *const H) -> c_int {
    // SAFETY: as the caller promises.
    call_value(|| Ok(truth(unsafe { client(pointer)? }.is_closing())))
}

/// The handle of the loop that the client is on.
///
/// # Safety
/// As [`client`].
pub(super) unsafe fn loop_handle<H: Handle<Inner = AsyncClient>>(pointer: *const H) -> *mut en_loop_t {
    // SAFETY: as the caller promises.
    let address = guard_or(0, || unsafe { client(pointer) }.map_or(0, |client| client.core().handle()));
    std::ptr::with_exposed_provenance_mut(address)
}

/// # Safety
/// `pointer` is NULL or a live handle that is not used again.
pub(super) unsafe fn free<H: Handle<Inner = AsyncClient>>(pointer: *mut H) {
    // SAFETY: as the caller promises.
    unsafe { free_client(pointer.cast()) };
}

/// # Safety
/// As [`free`].
#[inline(never)]
unsafe fn free_client(pointer: *mut en_async_client_t) {
    guard_void(|| {
        // SAFETY: as the caller promises.
        if unsafe { borrow(pointer) }.is_ok_and(|client| is_anothers(client.core())) {
            return;
        }
        // SAFETY: as the caller promises.
        if let Some(client) = unsafe { take_hold(pointer) } {
            OnLoop(client).held().free();
        }
    });
}

/// Sends one packet; see the function of the same name of the client's family.
///
/// Loop thread only.
///
/// Errors: those of the family's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_client_send_packet(
    client: *mut en_async_client_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: `client` is NULL or a live view, `data` NULL or `size` bytes, `operation` NULL or writable.
    unsafe { send_packet(client, data, size, timeout_ms, callback, user_data, operation) }
}

/// Receives one packet; see the function of the same name of the client's family.
///
/// Loop thread only.
///
/// Errors: those of the family's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_client_recv_packet(
    client: *mut en_async_client_t,
    timeout_ms: i64,
    callback: en_async_received_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: `client` is NULL or a live view, `operation` NULL or writable.
    unsafe { recv_packet(client, timeout_ms, callback, user_data, operation) }
}

/// Receives packet after packet within a budget of time; see the function of the same name of the
/// client's family.
///
/// Loop thread only.
///
/// Errors: those of the family's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_client_iter_received_packets(
    client: *mut en_async_client_t,
    timeout_ms: i64,
    callback: en_async_receive_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: `client` is NULL or a live view, `operation` NULL or writable.
    unsafe { recv_start(client, timeout_ms, callback, user_data, operation) }
}

/// Closes the client; see the function of the same name of the client's family.
///
/// Loop thread only.
///
/// Errors: those of the family's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_client_close(
    client: *mut en_async_client_t,
    timeout_ms: i64,
    callback: en_async_done_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    // SAFETY: `client` is NULL or a live view, `operation` NULL or writable.
    unsafe { close(client, timeout_ms, callback, user_data, operation) }
}

/// 1 if the client is closed or about to be, 0 if not.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_client_is_closing(client: *const en_async_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live view.
    unsafe { is_closing(client) }
}

/// The descriptor; -1 if the client has none, and for NULL. It stays the client's.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_async_client_fileno(client: *const en_async_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live view.
    unsafe { facts::fileno(client) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;
    use std::os::unix::net::UnixStream;
    use std::ptr::{null, null_mut};

    use super::super::async_unix_stream_client::*;
    use super::super::event_loop::*;
    use super::super::packet::en_packet_t;
    use super::super::protocol::*;
    use super::*;
    use crate::error::{EN_ECANCELED, EN_EPANIC, EN_OK};

    /// A loop with a client, and the client's peer.
    fn client_on_loop() -> (*mut en_loop_t, *mut en_async_unix_stream_client_t, UnixStream) {
        let (own, peer) = UnixStream::pair().expect("a pair");
        let (mut core, mut protocol, mut client) = (null_mut(), null_mut(), null_mut());
        // SAFETY: the handles are made here, and the descriptor is given away.
        unsafe {
            assert_eq!(en_loop_new(&raw mut core), EN_OK);
            assert_eq!(en_stream_protocol_new_raw(&raw mut protocol, 0), EN_OK);
            let (out, fd) = (&raw mut client, own.into_raw_fd());
            assert_eq!(en_async_unix_stream_client_from_fd(out, core, fd, protocol, null()), EN_OK);
            en_stream_protocol_free(protocol);
        }
        (core, client, peer)
    }

    unsafe extern "C" fn note(status: c_int, _packet: *mut en_packet_t, noted: *mut c_void) {
        // SAFETY: the test below gives the address of a number.
        unsafe { noted.cast::<c_int>().write(status) };
    }

    #[test]
    fn a_call_that_panics_takes_its_loop_out_of_service() {
        let (core, client, _peer) = client_on_loop();
        let mut noted = EN_OK;
        // SAFETY: the handles live until they are freed, once.
        unsafe {
            let mut receive = || recv_packet(client, -1, Some(note), (&raw mut noted).cast(), null_mut());
            assert_eq!(receive(), EN_OK);
            assert_eq!(begin(client, null_mut(), |_| panic!("a bug")), EN_EPANIC);
            assert_eq!(receive(), EN_EPANIC);
            assert_eq!(en_loop_run_once(core, 0), EN_EPANIC);
            assert_eq!(noted, EN_OK);
            en_async_unix_stream_client_free(client);
            assert_eq!(noted, EN_ECANCELED);
            en_loop_free(core);
        }
    }

    unsafe extern "C" fn panic_inside(_status: c_int, client: *mut c_void) {
        // SAFETY: the test below gives the client.
        let status = unsafe { begin(client.cast::<en_async_client_t>(), null_mut(), |_| panic!("a bug")) };
        assert_eq!(status, EN_EPANIC);
    }

    #[test]
    fn one_that_panics_inside_a_callback_ends_the_run() {
        let (core, client, _peer) = client_on_loop();
        // SAFETY: the handles live until they are freed, once.
        unsafe {
            assert_eq!(en_loop_post(core, Some(panic_inside), client.cast()), EN_OK);
            assert_eq!(en_loop_run(core), EN_EPANIC);
            assert_eq!(en_loop_run_once(core, 0), EN_EPANIC);
            en_loop_free(core);
            en_async_unix_stream_client_free(client);
        }
    }
}
