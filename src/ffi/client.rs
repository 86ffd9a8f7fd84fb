//! What all blocking clients have in common: a borrowed view for C, and the functions behind the
//! exports of each family.

use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::Arc;

use super::base::en_slice_t;
use super::packet::en_packet_t;
use super::packet_iter::en_packet_iter_t;
use super::scope::{Ending, Scope};
use super::{Constructor, Handle, Out, array, borrow, bytes, call, call_value, facts, handle, null, truth};
use crate::blocking::{Client, Closable, Inside, PacketIter};
use crate::error::{EN_EMSGSIZE, EN_OK, Error, Result, invalid};
use crate::protocol::sink::COPY_BELOW;

/// A blocking client of any family, seen through what all have in common. It is borrowed from the
/// client it was got from (`en_tcp_client_as_client`, ...), and ends with it.
pub struct en_client_t {
    _private: [u8; 0],
}

handle!(en_client_t, Client, "client");

/// How many packets one call gives at most: no array is larger, whatever the caller says.
const MOST_PACKETS: usize = 1 << 20;

/// What a client has done since it was made. `struct_size` is set by the caller to
/// `sizeof(en_stats_t)`; as many fields as it covers are filled, and those that this library does not know
/// are 0.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct en_stats_t {
    /// The size of this struct, in bytes.
    pub struct_size: usize,
    /// Packets that were sent, or taken into the write buffer.
    pub packets_sent: u64,
    /// Packets that were received.
    pub packets_received: u64,
    /// Bytes that were handed to the system.
    pub bytes_sent: u64,
    /// Bytes that were taken from the system.
    pub bytes_received: u64,
    /// System calls that sent.
    pub send_calls: u64,
    /// System calls that received.
    pub recv_calls: u64,
}

/// The client behind a handle of any family.
///
/// # Safety
/// `pointer` is NULL or a live handle of a blocking client.
pub(crate) unsafe fn client<'a, H: Handle<Inner = Client>>(pointer: *const H) -> Result<&'a Client> {
    // SAFETY: as the caller promises.
    unsafe { borrow(pointer) }
}

/// Runs a call on a handle, and refuses it inside the handle's own callbacks: before anything else, as a
/// callback may have forked, and then the call that it is in is no other thread's.
#[inline]
pub(crate) fn operate<C: Closable, T>(handle: &C, work: impl FnOnce(&C) -> Result<T>) -> Result<T> {
    let scope = match handle.runs_callbacks() {
        true => Some(Scope::enter(handle)?),
        false => None,
    };
    handle.check_usable()?;
    let outcome = work(handle);
    // From here on the handle may be gone: a callback may have freed it.
    drop(scope);
    outcome
}

/// What every export of a family that works on packets does.
///
/// # Safety
/// `pointer` is NULL or a live handle of a blocking client.
pub(crate) unsafe fn work<H: Handle<Inner = Client>>(
    pointer: *const H,
    work: impl FnOnce(&Client) -> Result<()>,
) -> c_int {
    // SAFETY: as the caller promises.
    call(|| operate(unsafe { client(pointer)? }, work))
}

/// Has one function do for all families what is the same behind their handles: compiled once, it is
/// a single level of calls. NULL has the name of its family.
#[inline]
pub(super) fn same<H: Handle<Inner = Client>>(
    pointer: *mut H,
    work: impl FnOnce(*mut en_client_t) -> c_int,
) -> c_int {
    match pointer.is_null() {
        true => refuse_null::<H>(),
        false => work(pointer.cast()),
    }
}

/// By itself, so that what calls it needs no frame.
#[cold]
#[inline(never)]
extern "C" fn refuse_null<H: Handle>() -> c_int {
    call(|| Err(null(H::NAME)))
}

/// # Safety
/// As [`work`]; `data` is NULL or `size` bytes.
pub(crate) unsafe fn send_packet<H: Handle<Inner = Client>>(
    pointer: *mut H,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: as the caller promises.
    same(pointer, |client| unsafe { en_client_send_packet(client, data, size, timeout_ms) })
}

/// # Safety
/// As [`work`]; `parts` is NULL or `count` slices.
pub(crate) unsafe fn send_packet_slices<H: Handle<Inner = Client>>(
    pointer: *mut H,
    parts: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        work(pointer, |client| {
            let parts = slices(parts, count, "parts")?.collect::<Result<Vec<_>>>()?;
            client.send_packet_parts(&parts, timeout_ms)
        })
    }
}

/// # Safety
/// As [`work`]; `packets` is NULL or `count` slices, `sent` is NULL or writable.
pub(crate) unsafe fn send_packets<H: Handle<Inner = Client>>(
    pointer: *mut H,
    packets: *const en_slice_t,
    count: usize,
    timeout_ms: i64,
    sent: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let sent = unsafe { Out::new(sent, "sent")? };
        sent.set(0);
        // SAFETY: as the caller promises.
        let client = unsafe { client(pointer)? };
        operate(client, |client| {
            // SAFETY: as the caller promises.
            let mut packets = unsafe { slices(packets, count, "packets")? };
            let (went, outcome) = client.send_packets(&mut packets, timeout_ms);
            sent.set(went);
            outcome
        })
    })
}

/// # Safety
/// As [`work`]; `packet` is NULL or writable.
pub(crate) unsafe fn recv_packet<H: Handle<Inner = Client>>(
    pointer: *mut H,
    timeout_ms: i64,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: as the caller promises.
    same(pointer, |client| unsafe { en_client_recv_packet(client, timeout_ms, packet) })
}

/// # Safety
/// As [`work`]; `buffer` is NULL or has room for `capacity` bytes, `size` is NULL or writable.
pub(crate) unsafe fn recv_packet_into<H: Handle<Inner = Client>>(
    pointer: *mut H,
    buffer: *mut c_void,
    capacity: usize,
    timeout_ms: i64,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let size = unsafe { Out::new(size, "size")? };
        size.set(0);
        // SAFETY: as the caller promises.
        let client = unsafe { client(pointer)? };
        if buffer.is_null() && capacity > 0 {
            return Err(null("buffer"));
        }
        operate(client, |client| {
            client.recv_packet_if(timeout_ms, |packet| {
                size.set(packet.len());
                if packet.len() > capacity {
                    let needed = packet.len();
                    let reason = format!(
                        "the buffer has {capacity} bytes, the packet {needed}: it waits for the next receive"
                    );
                    return Err(Error::new(EN_EMSGSIZE, reason));
                }
                // SAFETY: there is room for `capacity` bytes, and the packet is ours: no overlap.
                unsafe { std::ptr::copy_nonoverlapping(packet.as_ptr(), buffer.cast::<u8>(), packet.len()) };
                Ok(())
            })
        })
    })
}

/// # Safety
/// As [`work`]; `packets` is NULL or has room for `capacity` packets, `count` is NULL or writable.
pub(crate) unsafe fn recv_packets<H: Handle<Inner = Client>>(
    pointer: *mut H,
    packets: *mut en_packet_t,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(count, "count")? };
        out.set(0);
        // SAFETY: as the caller promises.
        let client = unsafe { client(pointer)? };
        if packets.is_null() {
            return Err(null("packets"));
        }
        if capacity == 0 {
            return Err(invalid("capacity is 0: there must be room for one packet"));
        }
        operate(client, |client| {
            // SAFETY: there is room for `capacity` packets; more than that never come at once.
            let packets = unsafe { en_packet_t::places(packets, capacity.min(MOST_PACKETS)) };
            out.set(client.recv_packets(packets, timeout_ms)?);
            Ok(())
        })
    })
}

/// # Safety
/// As [`work`]; `out` is NULL or writable.
pub(crate) unsafe fn iter_received_packets<H: Handle<Inner = Client>>(
    out: *mut *mut en_packet_iter_t,
    pointer: *mut H,
    timeout_ms: i64,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let out = unsafe { Constructor::new(out)? };
        // SAFETY: as the caller promises.
        let shared = unsafe { shared(pointer)? };
        out.boxed(Rc::new(PacketIter::new(shared, timeout_ms)));
        Ok(())
    })
}

/// # Safety
/// As [`work`].
pub(crate) unsafe fn has_buffered<H: Handle<Inner = Client>>(pointer: *mut H) -> c_int {
    // SAFETY: as the caller promises.
    call_value(|| operate(unsafe { client(pointer)? }, |client| client.has_buffered().map(truth)))
}

/// # Safety
/// As [`work`].
pub(crate) unsafe fn close<H: Handle<Inner: Closable + 'static>>(pointer: *mut H) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let handle = unsafe { shared(pointer)? };
        match Scope::put_off(Ending::Close(handle)) {
            // Inside its own callback.
            Ok(()) => Ok(()),
            Err(ending) => Scope::over(&**ending.handle(), |handle| handle.close()),
        }
    })
}

/// # Safety
/// As [`work`].
pub(crate) unsafe fn abort<H: Handle<Inner: Closable + 'static>>(pointer: *mut H) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let handle = unsafe { shared(pointer)? };
        Scope::over(&*handle, H::Inner::abort);
        Ok(())
    })
}

/// # Safety
/// As [`work`].
pub(crate) unsafe fn is_closed<H: Handle<Inner: Closable>>(pointer: *const H) -> c_int {
    // SAFETY: as the caller promises.
    call_value(|| Ok(truth(unsafe { borrow(pointer)? }.is_closed())))
}

/// Ends the handle of a client of any family; inside its own callback, when that has returned.
///
/// # Safety
/// `pointer` is NULL or a live handle of a blocking client that is not used again.
pub(crate) unsafe fn free<H: Handle<Inner: Closable + 'static>>(pointer: *mut H) {
    super::guard_void(|| {
        if pointer.is_null() {
            return;
        }
        // SAFETY: the handle came from Arc::into_raw in `Constructor::shared`; this is its end.
        let handle = unsafe { Arc::from_raw(pointer.cast_const().cast::<H::Inner>()) };
        if let Err(ending) = Scope::put_off(Ending::Free(handle)) {
            ending.run();
        }
    });
}

/// Another hold on the client behind a handle.
///
/// # Safety
/// As [`work`].
unsafe fn shared<H: Handle>(pointer: *mut H) -> Result<Arc<H::Inner>> {
    // SAFETY: as the caller promises.
    unsafe { borrow(pointer.cast_const())? };
    let pointer = pointer.cast_const().cast::<H::Inner>();
    // SAFETY: a live handle came from Arc::into_raw; the count goes up for the hold we give out.
    unsafe {
        Arc::increment_strong_count(pointer);
        Ok(Arc::from_raw(pointer))
    }
}

/// # Safety
/// `slices` is NULL or `count` slices, each NULL or as many bytes as it says.
pub(crate) unsafe fn slices<'a>(
    slices: *const en_slice_t,
    count: usize,
    name: &str,
) -> Result<impl Iterator<Item = Result<&'a [u8]>> + Clone + use<'a>> {
    // SAFETY: as the caller promises.
    let slices: &'a [en_slice_t] = unsafe { array(slices, count, name)? };
    // SAFETY: as the caller promises.
    Ok(slices.iter().map(|slice| unsafe { bytes(slice.data, slice.size, "data") }))
}

/// Sends one packet of `size` bytes; see the function of the same name of the client's family.
///
/// Thread-safe.
///
/// Errors: those of the family's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_client_send_packet(
    client: *mut en_client_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `client` is NULL or a live view, `data` NULL or `size` bytes.
    unsafe {
        match client.cast::<Client>().as_ref().is_some_and(Client::pushes_aside) {
            true => put_aside_or_send(client, data, size, timeout_ms),
            false => send_or_fail(client, data, size, timeout_ms),
        }
    }
}

// Each by itself, so that the choice needs no frame.

/// With a write buffer most sends come to this: nothing here runs callbacks or fails.
///
/// # Safety
/// As [`send_packet`], and `client` is not NULL.
#[inline(never)]
unsafe extern "C" fn put_aside_or_send(
    client: *mut en_client_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // What is long is not put aside, and what is wrong is told there.
    if data.is_null() || size >= COPY_BELOW {
        // SAFETY: as the caller promises.
        return unsafe { send_or_fail(client, data, size, timeout_ms) };
    }
    // SAFETY: `data` is not NULL, and so `size` bytes.
    let packet = unsafe { std::slice::from_raw_parts(data.cast(), size) };
    call_value(|| {
        // SAFETY: a live view.
        match unsafe { &*client.cast::<Client>() }.put_aside(packet) {
            Ok(()) => Ok(EN_OK),
            // SAFETY: as the caller promises.
            Err(inside) => Ok(unsafe { send_instead(inside, client, data, size, timeout_ms) }),
        }
    })
}

/// # Safety
/// As [`send_packet`], and what is inside is that of the client.
#[cold]
#[inline(never)]
unsafe fn send_instead(
    inside: Inside<'_>,
    client: *mut en_client_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // Somebody may be waiting to free the client: until this call has left.
    let _inside = inside.stay();
    // SAFETY: as the caller promises.
    unsafe { send_or_fail(client, data, size, timeout_ms) }
}

/// # Safety
/// As [`send_packet`].
#[inline(never)]
unsafe extern "C" fn send_or_fail(
    client: *mut en_client_t,
    data: *const c_void,
    size: usize,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { work(client, |client| client.send_packet(bytes(data, size, "data")?, timeout_ms)) }
}

/// Receives one packet, the caller's to release; see the function of the same name of the client's
/// family.
///
/// Thread-safe.
///
/// Errors: those of the family's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_client_recv_packet(
    client: *mut en_client_t,
    timeout_ms: i64,
    packet: *mut en_packet_t,
) -> c_int {
    // SAFETY: `client` is NULL or a live view, `packet` NULL or writable.
    unsafe { work(client, |client| client.recv_packet(en_packet_t::place(packet)?, timeout_ms)) }
}

/// Receives packet after packet within one budget of time; see the function of the same name of
/// the client's family.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_client_iter_received_packets(
    out: *mut *mut en_packet_iter_t,
    client: *mut en_client_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `client` NULL or a live view.
    unsafe { iter_received_packets(out, client, timeout_ms) }
}

/// Closes the client; see the function of the same name of the client's family.
///
/// Thread-safe.
///
/// Errors: those of the family's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_client_close(client: *mut en_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live view.
    unsafe { close(client) }
}

/// 1 if the client is closed, 0 if not. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_client_is_closed(client: *const en_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live view.
    unsafe { is_closed(client) }
}

/// The descriptor, to poll; -1 if the client is closed or NULL. It stays the client's. Never waits.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_client_fileno(client: *const en_client_t) -> c_int {
    // SAFETY: `client` is NULL or a live view.
    unsafe { facts::fileno(client) }
}
