//! The callbacks of clients on a loop.

use std::ffi::{c_int, c_void};

use super::ancillary::en_ancillary_t;
use super::error::Telling;
use super::packet::en_packet_t;
use super::{borrow_mut, null};
use crate::error::{EN_OK, Result, invalid};
use crate::packet::Packet;
use crate::reactor::callback::{Callee, Done};
use crate::reactor::client::{AncillaryPlace, Counted, Delivery, Receive, WithAncillary};

/// What a receiving callback answers when it wants the next packet, too.
pub const EN_RECEIVE_MORE: c_int = 1;
/// What a receiving callback answers when it has enough: it is not called again.
pub const EN_RECEIVE_STOP: c_int = 2;

/// Called from the loop, once, when an operation is over: `status` is `EN_OK` or a negative code, of
/// which `en_last_error_message` tells more until the callback returns.
pub type en_async_done_t = Option<unsafe extern "C" fn(status: c_int, user_data: *mut c_void)>;

/// Called from the loop, once, when sending several packets is over: as `en_async_done_t`, and
/// `count` of them have gone, whatever the status.
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
/// last time, with a negative status and NULL. After it has answered that it has enough, or freed the
/// client, it is not called again.
pub type en_async_receive_t =
    Option<unsafe extern "C" fn(status: c_int, packet: *mut en_packet_t, user_data: *mut c_void) -> c_int>;

/// The function that a callee has.
///
/// # Safety
/// `F` is the type of the function that it was made of.
unsafe fn function<F: Copy>(callee: &Callee) -> F {
    const { assert!(size_of::<F>() == size_of::<*const ()>()) };
    // SAFETY: as the caller promises; a pointer to a function is as large as one to data.
    unsafe { std::mem::transmute_copy(&callee.function) }
}

/// Tells a callback how it went: of a failure, the thread's last error message tells meanwhile.
fn tell<T>(outcome: Result<()>, callback: impl FnOnce(c_int) -> T) -> T {
    match outcome {
        Ok(()) => callback(EN_OK),
        Err(error) => {
            let code = error.code();
            let _telling = Telling::begin(error);
            callback(code)
        }
    }
}

pub(super) fn done(callback: en_async_done_t, user_data: *mut c_void) -> Option<Done<()>> {
    Some(Done::new(tell_done, Callee { function: callback? as *const (), user_data }))
}

fn tell_done(callee: Callee, outcome: Result<()>) {
    // SAFETY: `done` has it from such a function, the application's own, with what its documentation
    // promises.
    unsafe {
        let callback: unsafe extern "C" fn(c_int, *mut c_void) = function(&callee);
        tell(outcome, |status| callback(status, callee.user_data));
    }
}

pub(super) fn sent(callback: en_async_sent_t, user_data: *mut c_void) -> Option<Done<Counted>> {
    Some(Done::new(tell_sent, Callee { function: callback? as *const (), user_data }))
}

fn tell_sent(callee: Callee, outcome: Result<Counted>) {
    let Counted { count, outcome } =
        outcome.unwrap_or_else(|error| Counted { count: 0, outcome: Err(error) });
    // SAFETY: `sent` has it from such a function, the application's own.
    unsafe {
        let callback: unsafe extern "C" fn(c_int, usize, *mut c_void) = function(&callee);
        tell(outcome, |status| callback(status, count, callee.user_data));
    }
}

pub(super) fn received(
    callback: en_async_received_t,
    user_data: *mut c_void,
) -> Result<Option<Done<Packet>>> {
    let callback = callback.ok_or_else(|| invalid("callback is NULL: who would take the packet?"))?;
    Ok(Some(Done::new(tell_received, Callee { function: callback as *const (), user_data })))
}

fn tell_received(callee: Callee, outcome: Result<Packet>) {
    // SAFETY: `received` has it from such a function.
    let callback: unsafe extern "C" fn(c_int, *mut en_packet_t, *mut c_void) = unsafe { function(&callee) };
    match outcome {
        Ok(packet) => {
            let mut packet = en_packet_t::give(packet);
            // SAFETY: the application's own function; the struct lives during the call.
            unsafe { callback(EN_OK, &raw mut packet, callee.user_data) }
        }
        // SAFETY: as above.
        Err(error) => unsafe {
            tell(Err(error), |status| callback(status, std::ptr::null_mut(), callee.user_data));
        },
    }
}

pub(super) fn received_packets(
    callback: en_async_received_packets_t,
    user_data: *mut c_void,
) -> Result<Option<Done<Vec<Packet>>>> {
    let callback = callback.ok_or_else(|| invalid("callback is NULL: who would take the packets?"))?;
    Ok(Some(Done::new(tell_packets, Callee { function: callback as *const (), user_data })))
}

fn tell_packets(callee: Callee, outcome: Result<Vec<Packet>>) {
    // SAFETY: `received_packets` has it from such a function.
    let callback: unsafe extern "C" fn(c_int, *mut en_packet_t, usize, *mut c_void) =
        unsafe { function(&callee) };
    match outcome {
        Ok(packets) => {
            let mut packets: Vec<_> = packets.into_iter().map(en_packet_t::give).collect();
            // SAFETY: the application's own function; the array lives during the call.
            unsafe { callback(EN_OK, packets.as_mut_ptr(), packets.len(), callee.user_data) }
        }
        // SAFETY: as above.
        Err(error) => unsafe {
            tell(Err(error), |status| callback(status, std::ptr::null_mut(), 0, callee.user_data));
        },
    }
}

/// What is filled with what comes beside a packet.
pub(super) fn ancillary_place(ancillary: *mut en_ancillary_t) -> Result<AncillaryPlace> {
    match ancillary.is_null() {
        true => Err(null("ancillary")),
        false => Ok(AncillaryPlace(ancillary.cast())),
    }
}

/// Also fills the ancillary data that is lent for as long as the operation lasts.
pub(super) fn received_with_ancillary(
    callback: en_async_received_t,
    user_data: *mut c_void,
) -> Result<Option<Done<WithAncillary>>> {
    let callback = callback.ok_or_else(|| invalid("callback is NULL: who would take the packet?"))?;
    Ok(Some(Done::new(tell_with_ancillary, Callee { function: callback as *const (), user_data })))
}

fn tell_with_ancillary(callee: Callee, outcome: Result<WithAncillary>) {
    let packet = outcome.and_then(|WithAncillary { packet, ancillary, place: AncillaryPlace(place) }| {
        // SAFETY: `ancillary_place` has it from a live handle, which it is until the callback, as the
        // documentation demands.
        *unsafe { borrow_mut(place.cast::<en_ancillary_t>()) }? = ancillary;
        packet
    });
    tell_received(callee, packet);
}

pub(super) fn receive(callback: en_async_receive_t, user_data: *mut c_void) -> Result<Receive> {
    let callback = callback.ok_or_else(|| invalid("callback is NULL: who would take the packets?"))?;
    Ok(Receive { tell: tell_receive, callee: Callee { function: callback as *const (), user_data } })
}

fn tell_receive(callee: Callee, outcome: Result<&mut Delivery<'_, '_>>) {
    // SAFETY: `receive` has it from such a function.
    let callback: unsafe extern "C" fn(c_int, *mut en_packet_t, *mut c_void) -> c_int =
        unsafe { function(&callee) };
    match outcome {
        Ok(delivery) => delivery.hand_on(
            #[inline(always)]
            |packet| {
                let packet = packet.into_raw().cast::<en_packet_t>();
                // SAFETY: the application's own function; the packet, whose layout is that of the struct,
                // is where it lies during the call.
                unsafe { callback(EN_OK, packet, callee.user_data) == EN_RECEIVE_MORE }
            },
        ),
        // SAFETY: as above.
        Err(error) => unsafe {
            tell(Err(error), |status| callback(status, std::ptr::null_mut(), callee.user_data));
        },
    }
}
