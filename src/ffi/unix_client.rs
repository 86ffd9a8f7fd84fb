//! What the clients over Unix sockets have in common: the functions behind their exports.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::client::{client, en_client_t, operate, same, work};
use super::packet::en_packet_t;
use super::{Handle, borrow, borrow_mut, bytes, call, null};
use crate::blocking::Client;
use crate::error::{Result, invalid};
use crate::socket::unix_address::UnixAddress;

/// The room for ancillary data where 0 is given, and the most that can be asked for.
const ROOM: usize = 8 << 10;
const MOST_ROOM: usize = 1 << 20;

/// The address that a path stands for: its bytes, whatever their encoding.
///
/// # Safety
/// `path` is NULL or a NUL-terminated string.
pub(crate) unsafe fn path(path: *const c_char) -> Result<UnixAddress> {
    if path.is_null() {
        return Err(null("path"));
    }
    // SAFETY: not NULL, so a string.
    UnixAddress::path(unsafe { CStr::from_ptr(path) }.to_bytes())
}

/// # Safety
/// `pointer` and `ancillary` are NULL or live handles, `data` is NULL or `size` bytes.
pub(crate) unsafe fn send_packet_with_ancillary<H: Handle<Inner = Client>>(
    pointer: *mut H,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: as the caller promises.
    same(pointer, |client| unsafe { send_with_ancillary(client, data, size, ancillary, timeout_ms) })
}

/// # Safety
/// As [`send_packet_with_ancillary`].
#[inline(never)]
unsafe extern "C" fn send_with_ancillary(
    client: *mut en_client_t,
    data: *const c_void,
    size: usize,
    ancillary: *const en_ancillary_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        work(client, |client| {
            let data = bytes(data, size, "data")?;
            client.send_packet_with_ancillary(data, borrow(ancillary)?, timeout_ms)
        })
    }
}

/// # Safety
/// `pointer` and `ancillary` are NULL or live handles, `packet` is NULL or writable.
pub(crate) unsafe fn recv_packet_with_ancillary<H: Handle<Inner = Client>>(
    pointer: *mut H,
    room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: as the caller promises.
    same(pointer, |client| unsafe { recv_with_ancillary(client, room, timeout_ms, ancillary, packet) })
}

/// # Safety
/// As [`recv_packet_with_ancillary`].
#[inline(never)]
unsafe extern "C" fn recv_with_ancillary(
    pointer: *mut en_client_t,
    room: usize,
    timeout_ms: i64,
    ancillary: *mut en_ancillary_t,
    packet: *mut en_packet_t,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, ancillary) = unsafe { (client(pointer)?, borrow_mut(ancillary)?) };
        // SAFETY: as the caller promises.
        let place = unsafe { en_packet_t::place(packet)? };
        // Replaced in every case, also when the client refuses the call.
        ancillary.clear();
        let room = control_room(room)?;
        operate(client, |client| client.recv_packet_with_ancillary(place, ancillary, room, timeout_ms))
    })
}

/// The room for ancillary data that was asked for.
pub(crate) fn control_room(room: usize) -> Result<usize> {
    match room {
        0 => Ok(ROOM),
        1..=MOST_ROOM => Ok(room),
        _ => Err(invalid(format!("control_room is {room}: it may be {MOST_ROOM} at most"))),
    }
}
