//! What a thread has for receiving: memory to receive into, and a block for short packets.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use super::block::Block;
use super::storage::Filling;
use super::{Packet, Storage};

/// Up to this size packets are copied into a block that they share. Smaller ones are copied out of what
/// they were received into, too: one that somebody keeps should not keep a large block.
pub const SHORT: usize = 2048;
/// The size of such a block: as much memory may stay because of one packet that somebody keeps.
pub(super) const SHORTS_SIZE: usize = 16 << 10;

/// Where this thread copies short packets.
struct Shorts(Option<Filling>);

/// What a thread has for receiving.
pub(super) struct Own {
    shorts: RefCell<Shorts>,
    desk: Cell<Option<Filling>>,
}

thread_local! {
    pub(super) static OWN: Own = const { Own { shorts: RefCell::new(Shorts(None)), desk: Cell::new(None) } };
}

impl Shorts {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) -> Packet {
        match &mut self.0 {
            Some(filling) if bytes.len() <= filling.capacity() - filling.end => filling.copy(bytes),
            _ => self.copy_to_start(bytes),
        }
    }

    /// Begins the block again, or a new one if packets view it.
    #[cold]
    fn copy_to_start(&mut self, bytes: &[u8]) -> Packet {
        let old = self.0.take().filter(|filling| !filling.is_shared());
        let filling = self.0.insert(old.unwrap_or_else(|| Filling::new(SHORTS_SIZE)));
        (filling.start, filling.end) = (0, 0);
        filling.copy(bytes)
    }
}

/// Memory to receive into: the thread's, to which it goes back, unless what has come is kept as it
/// lies there.
pub struct Desk<'a> {
    filling: Filling,
    /// None: the thread is ending, and keeps nothing.
    own: Option<&'a Own>,
}

impl Desk<'_> {
    /// Has `work` done at a desk with room for `size` bytes.
    #[inline(always)]
    pub fn with<T>(size: usize, work: impl FnOnce(Desk<'_>) -> T) -> T {
        let own = OWN.try_with(|own| NonNull::from(own)).ok();
        // SAFETY: the thread and what it has outlive this call, which keeps the desk to itself.
        let own = own.map(|own| unsafe { own.as_ref() });
        let filling = own.and_then(|own| own.desk.take()).filter(|filling| filling.has_capacity(size));
        work(Desk { filling: filling.unwrap_or_else(|| Desk::larger(size)), own })
    }

    #[cold]
    fn larger(size: usize) -> Filling {
        Filling::new(size)
    }

    /// The memory, all of it initialised.
    #[inline(always)]
    pub fn space(&mut self) -> &mut [u8] {
        let filling = &self.filling;
        // SAFETY: no packet views a block before it is kept, so all of it is ours alone.
        unsafe { std::slice::from_raw_parts_mut(Block::bytes(filling.block).as_ptr(), filling.capacity()) }
    }

    /// A packet with a copy of the first `count` bytes, and the memory goes back.
    #[inline(always)]
    pub fn copy(mut self, count: usize) -> Packet {
        let own = self.own;
        let packet = copied(&self.space()[..count], own);
        self.go_back();
        packet
    }

    /// Keeps the memory, with the first `count` bytes in it.
    pub fn keep(self, count: usize) -> Storage {
        let mut storage = Storage { block: Some(self.filling) };
        storage.filled(count);
        storage
    }

    /// The memory goes back to the thread.
    #[inline(always)]
    pub fn go_back(self) {
        if let Some(own) = self.own {
            own.desk.set(Some(self.filling));
        }
    }
}

/// A packet with a copy of these bytes. Short ones share a block.
#[inline(always)]
pub(super) fn copied(bytes: &[u8], own: Option<&Own>) -> Packet {
    match own {
        Some(own) if bytes.len() <= SHORT => own.shorts.borrow_mut().copy(bytes),
        _ => Packet::alone(bytes),
    }
}
