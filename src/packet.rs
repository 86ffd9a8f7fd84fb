//! Received bytes: storage that the transport fills, and packets that are counted views into it.
//!
//! A [`Storage`] is the only one that writes into its block of memory, and only behind the bytes it
//! has given out; a [`Packet`] reads what lies before. So neither needs a lock, and no byte is
//! copied between the system call and the application. Handing out a packet costs no atomic
//! operation: the storage takes many holds on its block at once, and gives back what it did not use.

#![allow(unsafe_code)]

use std::fmt;
use std::mem::{ManuallyDrop, offset_of};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use self::block::{Block, Releasing};
use self::desk::{Own, copied};

mod block;
mod desk;
mod places;
mod room;
mod storage;

pub use desk::{Desk, SHORT};
pub use places::{Handed, Places};
pub use room::Room;
pub use storage::{Cut, Cutter, Storage};

/// A received packet: a counted, unchanging view. It may be sent to and released on any thread. Its
/// layout is that of the packets of C.
#[repr(C)]
pub struct Packet {
    data: NonNull<u8>,
    size: usize,
    block: NonNull<Block>,
}

impl Packet {
    /// Where data, size and owner lie, as the packets of C have them.
    pub const LAYOUT: [usize; 3] =
        [offset_of!(Packet, data), offset_of!(Packet, size), offset_of!(Packet, block)];
}

/// A packet on its way into its place. There is nothing to clean up in it, so it needs no memory of its own;
/// but its hold is given up only by making it a [`Packet`].
#[must_use]
pub struct Loose {
    data: NonNull<u8>,
    size: usize,
    block: NonNull<Block>,
}

impl Loose {
    /// How many bytes it has.
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }
}

impl From<Packet> for Loose {
    #[inline(always)]
    fn from(packet: Packet) -> Loose {
        let Packet { data, size, block } = *ManuallyDrop::new(packet);
        Loose { data, size, block }
    }
}

impl From<Loose> for Packet {
    #[inline(always)]
    fn from(Loose { data, size, block }: Loose) -> Packet {
        Packet { data, size, block }
    }
}

// SAFETY: the bytes of a packet do not change, the count is atomic, and the end of foreign memory
// is Send.
unsafe impl Send for Packet {}
// SAFETY: as above.
unsafe impl Sync for Packet {}

impl Packet {
    /// A packet with a copy of these bytes. Short ones share a block.
    #[inline]
    pub fn copied(bytes: &[u8]) -> Packet {
        Own::with(|own| copied(bytes, own)).into()
    }

    /// A packet of foreign memory, and what ends it.
    ///
    /// # Safety
    /// `size` bytes at `data` may be read, from any thread, and do not change, until `end` is called.
    pub unsafe fn foreign(data: NonNull<u8>, size: usize, end: Box<dyn FnOnce() + Send>) -> Packet {
        let mut block = Block::new(0, 1);
        // SAFETY: we are the only holder.
        unsafe { block.as_mut() }.end = Some(end);
        Packet { data, size, block }
    }

    /// Views from now on but the bytes from `start` to `end` of what it did.
    pub fn narrow(&mut self, start: usize, end: usize) {
        let data = NonNull::from(&self[start..end]).cast();
        (self.data, self.size) = (data, end - start);
    }

    /// Takes the packet apart, for [`Packet::from_raw`] to put it together again.
    #[inline]
    pub fn into_raw(self) -> (*const u8, usize, *mut u8) {
        let packet = ManuallyDrop::new(self);
        (packet.data.as_ptr(), packet.size, packet.block.as_ptr().cast())
    }

    /// Ends the packet whose block this is, and which was released in this place.
    ///
    /// # Safety
    /// The block came from one [`Packet::into_raw`] or [`Handed::into_raw`], or of a packet that was left in its
    /// place ([`Places::leave`]), and comes back once.
    #[inline]
    pub unsafe fn release_in(block: *mut u8, place: *const Packet) {
        // SAFETY: as the caller promises.
        unsafe { Packet::release_each(std::iter::once((block, place))) };
    }

    /// The same for several.
    ///
    /// # Safety
    /// As [`Packet::release_in`], for each.
    #[inline]
    pub unsafe fn release_each(packets: impl Iterator<Item = (*mut u8, *const Packet)>) {
        let mut together: Option<Releasing> = None;
        for (block, place) in packets {
            // SAFETY: it was not null.
            let block = unsafe { NonNull::new_unchecked(block.cast()) };
            match &mut together {
                Some(together) if together.is_of(block) => together.add(place),
                other => {
                    // What ends may call the application, so it does before the next one is looked at.
                    if let Some(before) = other.take() {
                        before.end();
                    }
                    other.insert(Releasing::of(block)).add(place);
                }
            }
        }
        if let Some(last) = together {
            last.end();
        }
    }

    /// The packet that was taken apart.
    ///
    /// # Safety
    /// The three came from one [`Packet::into_raw`], and come back once.
    #[inline]
    pub unsafe fn from_raw(data: *const u8, size: usize, block: *mut u8) -> Packet {
        // SAFETY: both were not null in `into_raw`.
        unsafe {
            Packet {
                data: NonNull::new_unchecked(data.cast_mut()),
                size,
                block: NonNull::new_unchecked(block.cast()),
            }
        }
    }
}

impl Deref for Packet {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the bytes are initialised and unchanging while we hold the block.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.size) }
    }
}

impl Clone for Packet {
    fn clone(&self) -> Packet {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.holds.fetch_add(1, Ordering::Relaxed);
        Packet { data: self.data, size: self.size, block: self.block }
    }
}

impl Drop for Packet {
    #[inline]
    fn drop(&mut self) {
        Block::release(self.block, 1);
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({})", self.escape_ascii())
    }
}

#[cfg(test)]
#[path = "packet/tests.rs"]
mod tests;
