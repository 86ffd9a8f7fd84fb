//! Memory on the stack, where a short packet goes behind what is sent before it.

use std::mem::MaybeUninit;
use std::{ptr, slice};

const SIZE: usize = 1024;

/// Room for one packet and what goes before it. To fill it first would take longer than to write them.
pub struct Room([MaybeUninit<u8>; SIZE]);

impl Default for Room {
    #[inline(always)]
    fn default() -> Room {
        Room([const { MaybeUninit::uninit() }; SIZE])
    }
}

impl Room {
    /// The first `width` bytes of `front`, and the packet behind them; none if there is not enough room.
    #[inline(always)]
    pub fn join<const N: usize>(&mut self, front: [u8; N], width: usize, packet: &[u8]) -> Option<&[u8]> {
        if width > N || packet.len() > const { SIZE - N } {
            return None;
        }
        let room = self.0.as_mut_ptr().cast::<u8>();
        // SAFETY: the front fits, and so does the packet behind all of it or less; both are written up to
        // where the slice ends. The packet lies elsewhere, as the room is ours alone.
        unsafe {
            room.cast::<[u8; N]>().write_unaligned(front);
            ptr::copy_nonoverlapping(packet.as_ptr(), room.add(width), packet.len());
            Some(slice::from_raw_parts(room, width + packet.len()))
        }
    }
}
