//! What goes before a packet and depends on nothing but its size: its length, or nothing.

use super::MaxSize;

/// Which byte of the length comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The most significant one.
    Big,
    /// The least significant one.
    Little,
}

/// What goes before each packet of a protocol that leaves the packets themselves as they are.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// How large a packet may be that is no more than its bytes behind this. In 32 bits, as each connection
    /// has it: who has a larger one asks the protocol.
    most: u32,
    width: u8,
    /// How many bytes the length counts beside the packet's.
    counted: u8,
    order: ByteOrder,
}

impl Head {
    /// The most bytes it has.
    pub const WIDEST: usize = 8;

    /// Nothing, before packets of so many bytes at most.
    #[inline]
    pub fn nothing(max: MaxSize) -> Head {
        Head::before_at_most(max.bytes() as u64, 0, 0, ByteOrder::Little)
    }

    /// The length in `width` bytes, which counts so many beside the packet's; before packets of `max`
    /// bytes at most.
    #[inline]
    pub fn length(width: usize, order: ByteOrder, counted: u8, max: MaxSize) -> Head {
        let largest = Head::largest(width, counted).min(max.bytes() as u64);
        Head::before_at_most(largest, width, counted, order)
    }

    #[inline]
    fn before_at_most(largest: u64, width: usize, counted: u8, order: ByteOrder) -> Head {
        Head { most: u32::try_from(largest).unwrap_or(u32::MAX), width: width as u8, counted, order }
    }

    /// The size of the largest packet that a length of so many bytes can tell.
    #[inline]
    pub fn largest(width: usize, counted: u8) -> u64 {
        (u64::MAX >> (64 - 8 * width)) - u64::from(counted)
    }

    /// Whether a packet of so many bytes is known to go behind it.
    #[inline]
    pub fn admits(&self, size: usize) -> bool {
        size <= self.most as usize
    }

    /// How many bytes it has.
    #[inline]
    pub fn width(&self) -> usize {
        usize::from(self.width)
    }

    /// Its bytes before a packet of so many; behind as many as it has, others that do not count.
    #[inline]
    pub fn wide(&self, size: usize) -> [u8; Head::WIDEST] {
        let length = size as u64 + u64::from(self.counted);
        match self.order {
            // By 64 if it has none, which shifts nothing.
            ByteOrder::Big => length.wrapping_shl(64 - 8 * u32::from(self.width)).to_be_bytes(),
            ByteOrder::Little => length.to_le_bytes(),
        }
    }

    /// Whether it has no bytes.
    #[inline]
    pub fn is_nothing(&self) -> bool {
        self.width == 0
    }

    /// Its bytes and the packet behind them, in `room` that has as many bytes as the widest head more than
    /// the packet; none if it has less.
    #[inline(always)]
    pub fn before<'r>(&self, packet: &[u8], room: &'r mut [u8]) -> Option<&'r [u8]> {
        if room.len() < Head::WIDEST + packet.len() {
            return None;
        }
        let (front, _) = room.split_first_chunk_mut()?;
        // As a whole, as to copy only what counts would be a call; the packet comes over the rest.
        *front = self.wide(packet.len());
        let len = self.width() + packet.len();
        room.get_mut(self.width()..len)?.copy_from_slice(packet);
        room.get(..len)
    }
}
