//! Receiving packet after packet within one budget of time.

use std::ffi::c_int;

use super::packet::en_packet_t;
use std::rc::Rc;

use super::{Out, borrow, client, guard_void, handle, take};
use crate::blocking::PacketIter;

/// Packets of a client, one after the other, within one budget of time. It keeps what it needs of
/// the client: after the client is closed or freed it answers `EN_ECLOSED`.
pub struct en_packet_iter_t {
    _private: [u8; 0],
}

handle!(en_packet_iter_t, Rc<PacketIter>, "iter");

/// Waits for the next packet, for as long as is left of the budget; the time between calls does not
/// count. `*packet` is the caller's to release.
///
/// One thread at a time.
///
/// Errors: those of `en_client_recv_packet`; `EN_ETIMEDOUT` when the budget is spent. After
/// `EN_EBADMSG`, `EN_EMSGSIZE` and the codes of callbacks the next call goes on, where the protocol
/// can tell behind which bytes: lines, delimiters, JSON, callbacks, datagrams. After a length that
/// cannot be or is above the maximum (`en_stream_protocol_new_length_prefixed`) each call answers
/// the same code at once, as after the end of the stream: a loop that goes on after these codes must
/// end some time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_packet_iter_next(iter: *mut en_packet_iter_t, packet: *mut en_packet_t) -> c_int {
    super::call(|| {
        // SAFETY: `iter` is NULL or a live handle used by one thread, `packet` NULL or writable.
        // A callback may call or free the iterator meanwhile, so nothing of it stays borrowed.
        let (shared, packet) = unsafe { (borrow(iter)?.clone(), Out::new(packet, "packet")?) };
        client::operate(&**shared.client(), |_| {
            packet.set(en_packet_t::give(shared.next_packet()?));
            Ok(())
        })
    })
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_packet_iter_free(iter: *mut en_packet_iter_t) {
    // SAFETY: `iter` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(iter) }));
}
