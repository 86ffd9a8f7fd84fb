//! The callbacks of clients on a loop.

use std::ffi::{c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::event_loop::{Target, status};
use super::packet::en_packet_t;
use super::{borrow_mut, null};
use crate::error::{EN_OK, Result, invalid};
use crate::packet::Packet;
use crate::reactor::client::{Beside, Counted, Done, Receive};
use crate::socket::ancillary::Ancillary;

/// What a receiving callback answers when it wants the next packet, too.
pub const EN_RECEIVE_MORE: c_int = 1;
/// What a receiving callback answers when it has enough: it is not called again.
pub const EN_RECEIVE_STOP: c_int = 2;

/// Called from the loop, once, when an operation is over: `status` is `EN_OK` or a negative code, of
/// which `en_last_error_message` tells more.
pub type en_async_done_t = Option<unsafe extern "C" fn(status: c_int, user_data: *mut c_void)>;

/// The same for several packets: `count` of them have gone, whatever the status.
pub type en_async_sent_t = Option<unsafe extern "C" fn(status: c_int, count: usize, user_data: *mut c_void)>;

/// Called from the loop, once, with a packet, or with a negative status and NULL. The packet is the
/// callee's: it is released in the end, or the struct is copied and the copy released.
pub type en_async_received_t =
    Option<unsafe extern "C" fn(status: c_int, packet: *mut en_packet_t, user_data: *mut c_void)>;

/// Called from the loop, once, with `count` packets, or with a negative status and none. The packets
/// are the callee's: each is released in the end, or its struct is copied and the copy released.
pub type en_async_received_packets_t = Option<
    unsafe extern "C" fn(status: c_int, packets: *mut en_packet_t, count: usize, user_data: *mut c_void),
>;

/// Called from the loop with each packet, which is the callee's to release, and answers
/// `EN_RECEIVE_MORE` or `EN_RECEIVE_STOP` (as which every other answer counts). Or, once and for the
/// last time, with a negative status and NULL.
pub type en_async_receive_t =
    Option<unsafe extern "C" fn(status: c_int, packet: *mut en_packet_t, user_data: *mut c_void) -> c_int>;

pub(super) fn done(callback: en_async_done_t, user_data: *mut c_void) -> Option<Done<()>> {
    let target = Target { call: callback?, user_data };
    Some(Box::new(move |outcome| target.call(outcome)))
}

pub(super) fn sent(callback: en_async_sent_t, user_data: *mut c_void) -> Option<Done<Counted>> {
    let callback = callback?;
    Some(Box::new(move |outcome| {
        let Counted { count, outcome } =
            outcome.unwrap_or_else(|error| Counted { count: 0, outcome: Err(error) });
        // SAFETY: the application's own function, with what its documentation promises.
        unsafe { callback(status(outcome), count, user_data) }
    }))
}

pub(super) fn received(
    callback: en_async_received_t,
    user_data: *mut c_void,
) -> Result<Option<Done<Packet>>> {
    let callback = callback.ok_or_else(|| invalid("callback is NULL: who would take the packet?"))?;
    Ok(Some(Box::new(move |outcome| match outcome {
        Ok(packet) => {
            let mut packet = en_packet_t::give(packet);
            // SAFETY: the application's own function; the struct lives during the call.
            unsafe { callback(EN_OK, &raw mut packet, user_data) }
        }
        // SAFETY: as above.
        Err(error) => unsafe { callback(status(Err(error)), std::ptr::null_mut(), user_data) },
    })))
}

pub(super) fn received_packets(
    callback: en_async_received_packets_t,
    user_data: *mut c_void,
) -> Result<Option<Done<Vec<Packet>>>> {
    let callback = callback.ok_or_else(|| invalid("callback is NULL: who would take the packets?"))?;
    Ok(Some(Box::new(move |outcome| match outcome {
        Ok(packets) => {
            let mut packets: Vec<_> = packets.into_iter().map(en_packet_t::give).collect();
            // SAFETY: the application's own function; the array lives during the call.
            unsafe { callback(EN_OK, packets.as_mut_ptr(), packets.len(), user_data) }
        }
        // SAFETY: as above.
        Err(error) => unsafe { callback(status(Err(error)), std::ptr::null_mut(), 0, user_data) },
    })))
}

/// Also fills the ancillary data that is lent for as long as the operation lasts.
///
/// # Safety
/// `ancillary` is NULL or a live handle until the callback is called.
pub(super) unsafe fn received_beside(
    ancillary: *mut en_ancillary_t,
    callback: en_async_received_t,
    user_data: *mut c_void,
) -> Result<Option<Done<Beside>>> {
    let received = received(callback, user_data)?;
    if ancillary.is_null() {
        return Err(null("ancillary"));
    }
    Ok(Some(Box::new(move |outcome| {
        let Beside { packet, ancillary: beside } =
            outcome.unwrap_or_else(|error| Beside { packet: Err(error), ancillary: Ancillary::default() });
        // SAFETY: not NULL, so a live handle until the callback, as the documentation demands.
        if let Ok(ancillary) = unsafe { borrow_mut(ancillary) } {
            *ancillary = beside;
        }
        if let Some(received) = received {
            received(packet);
        }
    })))
}

pub(super) fn receive(callback: en_async_receive_t, user_data: *mut c_void) -> Result<Receive> {
    let callback = callback.ok_or_else(|| invalid("callback is NULL: who would take the packets?"))?;
    Ok(Box::new(move |outcome| match outcome {
        Ok(packet) => {
            let mut packet = en_packet_t::give(packet);
            // SAFETY: the application's own function; the struct lives during the call.
            unsafe { callback(EN_OK, &raw mut packet, user_data) == EN_RECEIVE_MORE }
        }
        Err(error) => {
            // SAFETY: as above.
            unsafe { callback(status(Err(error)), std::ptr::null_mut(), user_data) };
            false
        }
    }))
}
