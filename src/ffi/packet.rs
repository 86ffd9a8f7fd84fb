//! Received packets in the hands of C.

use std::ffi::{c_int, c_void};
use std::mem::{MaybeUninit, offset_of};

use super::{Out, call, null};
use crate::error::Result;
use crate::packet::Packet;

/// A received packet: bytes given to the caller, who ends with `en_packet_release`. They were not
/// copied on the way (but for what a transport received by itself, below 2048 bytes, and what
/// callbacks give from memory of their own), do not change, and stay valid after the client is closed
/// and freed. As long as a packet is held, so is the receive buffer that it lies in: who keeps packets
/// for long copies them.
///
/// The layout is frozen. The struct may be copied; only one of the copies is released.
#[repr(C)]
pub struct en_packet_t {
    /// The first byte; never NULL, also for an empty packet, until it is released.
    pub data: *const u8,
    /// The number of bytes.
    pub size: usize,
    /// The library's own.
    pub owner: *mut c_void,
}

const _: () = assert!(size_of::<en_packet_t>() == size_of::<Packet>());
const _: () = assert!(align_of::<en_packet_t>() == align_of::<Packet>());
const _: () = assert!(matches!(
    [offset_of!(en_packet_t, data), offset_of!(en_packet_t, size), offset_of!(en_packet_t, owner)],
    Packet::LAYOUT
));

impl en_packet_t {
    /// The caller's packets as places for ours: both begin with data and size, the owner follows.
    ///
    /// # Safety
    /// There is room for `count` packets, and nobody else uses it while `'a` lasts.
    pub(crate) unsafe fn places<'a>(
        packets: *mut en_packet_t,
        count: usize,
    ) -> &'a mut [MaybeUninit<Packet>] {
        // SAFETY: as the caller promises; size and alignment are checked above.
        unsafe { std::slice::from_raw_parts_mut(packets.cast(), count) }
    }

    /// A single place.
    ///
    /// # Safety
    /// `packet` is NULL or writable, and nobody else uses it while `'a` lasts.
    pub(crate) unsafe fn place<'a>(packet: *mut en_packet_t) -> Result<&'a mut MaybeUninit<Packet>> {
        // SAFETY: as the caller promises; size and alignment are checked above.
        unsafe { packet.cast::<MaybeUninit<Packet>>().as_mut() }.ok_or_else(|| null("packet"))
    }

    /// Makes it empty. What was in it, if anything: the owner, and where that was.
    #[inline(always)]
    fn empty(&mut self) -> Option<(*mut u8, *const Packet)> {
        let place = (&raw const *self).cast();
        let owner = std::mem::replace(&mut self.owner, std::ptr::null_mut());
        (self.data, self.size) = (std::ptr::null(), 0);
        (!owner.is_null()).then_some((owner.cast(), place))
    }

    pub(crate) fn give(packet: Packet) -> en_packet_t {
        let (data, size, owner) = packet.into_raw();
        en_packet_t { data, size, owner: owner.cast() }
    }
}

/// Gives a packet back, and makes the struct empty; an empty one and NULL are nothing.
///
/// Thread-safe, for different structs. Any thread may release.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_packet_release(packet: *mut en_packet_t) {
    super::guard_void(|| {
        // SAFETY: NULL or a struct that the caller may write.
        let Some(packet) = (unsafe { packet.as_mut() }) else { return };
        if let Some((block, place)) = packet.empty() {
            // SAFETY: an owner comes from a packet of ours, and was just taken out of the struct: once.
            unsafe { Packet::release_in(block, place) };
        }
    });
}

/// Gives `count` packets back, as `en_packet_release` does with each, in less time for all of them. Empty
/// ones among them, NULL and 0 are nothing.
///
/// Thread-safe, for different structs. Any thread may release.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_packets_release(packets: *mut en_packet_t, count: usize) {
    super::guard_void(|| {
        if packets.is_null() {
            return;
        }
        // SAFETY: so many structs that the caller may write.
        let packets = (0..count).map(|index| unsafe { &mut *packets.add(index) });
        // SAFETY: as above, for each.
        unsafe { Packet::release_each(packets.filter_map(en_packet_t::empty)) };
    });
}

/// Takes another hold on the same bytes: both `packet` and `*copy` are released in the end.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, or a packet that was released).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_packet_retain(packet: *const en_packet_t, copy: *mut en_packet_t) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (packet, copy) =
            unsafe { (packet.as_ref().ok_or_else(|| null("packet"))?, Out::new(copy, "copy")?) };
        if packet.owner.is_null() {
            return Err(crate::error::invalid("the packet was released"));
        }
        // SAFETY: the struct holds a packet of ours; ManuallyDrop leaves the caller's own hold alone.
        let held = std::mem::ManuallyDrop::new(unsafe {
            Packet::from_raw(packet.data, packet.size, packet.owner.cast())
        });
        copy.set(en_packet_t::give((*held).clone()));
        Ok(())
    })
}
