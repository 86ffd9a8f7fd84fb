//! Bytes on their way from a transport to packets.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use super::block::{Block, Book, HOLDS};
use super::{Loose, Packet, Places};

/// Where a transport puts bytes and a protocol finds packets. Holds memory only while there are
/// bytes in it.
#[derive(Default)]
pub struct Storage {
    pub(super) block: Option<Filling>,
}

/// Where a packet lies among bytes that are not spent, counted from the first of them.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// How many bytes are spent with it.
    pub used: usize,
}

/// Cuts packets off the front of bytes, each into the next place.
pub struct Cutter<'s, 'p> {
    /// What is left of the bytes.
    bytes: &'s [u8],
    block: NonNull<Block>,
    places: std::slice::IterMut<'p, MaybeUninit<Packet>>,
}

impl Cutter<'_, '_> {
    /// The bytes that are not spent.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// Whether there may be another packet: there are bytes, and there is a place.
    #[inline]
    pub fn goes_on(&self) -> bool {
        !self.bytes.is_empty() && self.places.len() > 0
    }

    /// Cuts a packet off.
    #[inline(always)]
    pub fn cut(&mut self, Cut { start, end, used }: Cut) {
        let (bytes, rest) = (&self.bytes[start..end], &self.bytes[used..]);
        let place = self.places.next().expect("a place for the packet");
        place.write(Packet { data: NonNull::from(bytes).cast(), size: bytes.len(), block: self.block });
        self.bytes = rest;
    }
}

/// Being the one who fills a block. It is one pointer, which is soon moved.
pub(super) struct Filling {
    pub(super) block: NonNull<Block>,
}

// SAFETY: a storage is the only writer of its block, behind everything that packets view.
unsafe impl Send for Filling {}

impl Deref for Filling {
    type Target = Book;

    #[inline]
    fn deref(&self) -> &Book {
        // SAFETY: we hold the block, and nobody else looks into its book.
        unsafe { &*self.block.as_ref().book.get() }
    }
}

impl DerefMut for Filling {
    #[inline]
    fn deref_mut(&mut self) -> &mut Book {
        // SAFETY: as above; who has us for himself has the book.
        unsafe { &mut *self.block.as_ref().book.get() }
    }
}

impl Storage {
    /// The bytes that are there and not spent.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], Filling::bytes)
    }

    /// Room for at least `least` bytes behind those that are there, in a block of `size` bytes if a
    /// new one is needed and that is enough; the memory is already initialised. What is there moves
    /// only if it has to, and so that its moves are paid for by what comes.
    pub fn space(&mut self, least: usize, size: usize) -> &mut [u8] {
        let fits = self.block.as_mut().is_some_and(|filling| filling.make_room(least));
        let filling = match fits {
            true => self.block.as_mut().expect("it is there"),
            false => self.renew(least, size),
        };
        filling.space()
    }

    /// Has a new block.
    // It is put together where it stays: what was just written in parts is slow to move.
    fn renew(&mut self, least: usize, size: usize) -> &mut Filling {
        match self.block.take() {
            None => self.block.insert(Filling::new(size.max(least))),
            Some(old) => {
                let bytes = old.bytes();
                let larger = Filling::new(size.max(bytes.len() + least).max(2 * bytes.len()));
                let larger = self.block.insert(larger);
                larger.append(bytes);
                larger
            }
        }
    }

    /// So many bytes were put into the space.
    pub fn filled(&mut self, count: usize) {
        if let Some(filling) = &mut self.block {
            assert!(count <= filling.room(), "more bytes than there was room for");
            filling.end += count;
        }
        self.shrink();
    }

    /// A packet that views the bytes from `start` to `end`, counted from the first unspent one.
    #[inline]
    pub fn packet(&mut self, start: usize, end: usize) -> Packet {
        self.block.as_mut().expect("a packet comes from bytes").packet(start, end)
    }

    /// A packet that views bytes, which are spent with it.
    #[inline(always)]
    pub fn cut(&mut self, Cut { start, end, used }: Cut) -> Loose {
        let filling = self.block.as_mut().expect("a packet comes from bytes");
        let (data, block) = (filling.view(start, end), filling.block);
        let there = filling.end - filling.start;
        assert!(used <= there, "more bytes spent than there are");
        filling.start += used;
        if used == there {
            self.let_go_with_holds(1);
        }
        Loose { data, size: end - start, block }
    }

    /// Has `cut` cut packets off the front of the bytes, of which there are some, for as long as there
    /// are places for them.
    #[inline(always)]
    pub fn cut_into<T>(&mut self, places: &mut Places<'_>, cut: impl FnOnce(&mut Cutter<'_, '_>) -> T) -> T {
        let filling = self.block.as_mut().expect("packets come from bytes");
        // One hold stays ours for as long as we write.
        assert!(filling.holds > places.places.len(), "more packets than a block can count");
        let free = &mut places.places[places.end..];
        let room = free.len();
        let mut cutter = Cutter { bytes: filling.bytes(), block: filling.block, places: free.iter_mut() };
        let outcome = cut(&mut cutter);
        let (rest, count) = (cutter.bytes.len(), room - cutter.places.len());
        filling.holds -= count;
        filling.start = filling.end - rest;
        places.end += count;
        if places.lends && count > 0 {
            filling.lend(places.places);
        }
        if rest == 0 && !places.lends {
            self.let_go_with_holds(count);
        }
        outcome
    }

    /// Lets go of a block of which the caller has so many holds that nobody has seen yet: if there is no
    /// other one, no locked instruction is needed.
    #[inline(never)]
    fn let_go_with_holds(&mut self, count: usize) {
        if let Some(mut filling) = self.block.take() {
            filling.reclaim();
            // SAFETY: the caller holds the block.
            let holds = &unsafe { filling.block.as_ref() }.holds;
            if holds.load(Ordering::Acquire) == filling.holds + count {
                holds.store(count, Ordering::Relaxed);
                std::mem::forget(filling);
            }
        }
    }

    /// Takes back what was released of what was lent, and lets go of memory without bytes.
    #[inline]
    pub fn reclaim(&mut self) {
        if let Some(filling) = &mut self.block {
            filling.reclaim();
        }
        self.shrink();
    }

    #[inline(never)]
    fn let_go(&mut self) {
        self.block = None;
    }

    /// A packet that views the first bytes, at most `most`, which are spent with it. None: there are
    /// none.
    #[inline]
    pub fn take(&mut self, most: usize) -> Option<Loose> {
        let filling = self.block.as_ref()?;
        let size = most.min(filling.end - filling.start);
        (size > 0).then(|| self.cut(Cut { start: 0, end: size, used: size }))
    }

    /// The first `count` bytes are spent.
    #[inline]
    pub fn spend(&mut self, count: usize) {
        if let Some(filling) = &mut self.block {
            assert!(count <= filling.end - filling.start, "more bytes spent than there are");
            filling.start += count;
        }
        self.shrink();
    }

    /// Lets go of memory without bytes.
    #[inline]
    pub(super) fn shrink(&mut self) {
        if matches!(&self.block, Some(filling) if filling.start == filling.end) {
            self.let_go();
        }
    }
}

impl Filling {
    pub(super) fn new(capacity: usize) -> Filling {
        let mut filling = Filling { block: Block::new(capacity, HOLDS) };
        filling.begin_again();
        filling
    }

    /// What is there and not spent.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: these bytes are initialised, and nobody writes them.
        unsafe {
            let data = Block::bytes(self.block).add(self.start);
            std::slice::from_raw_parts(data.as_ptr(), self.end - self.start)
        }
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.capacity
    }

    /// How many bytes there are behind the others.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.capacity() - self.end
    }

    /// They themselves.
    #[inline]
    pub(super) fn space(&mut self) -> &mut [u8] {
        // SAFETY: bytes from `end` on are viewed by no packet, initialised, and ours alone.
        unsafe {
            std::slice::from_raw_parts_mut(Block::bytes(self.block).add(self.end).as_ptr(), self.room())
        }
    }

    /// Copies these bytes, for which there is room.
    #[inline]
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Loose {
        self.space()[..bytes.len()].copy_from_slice(bytes);
        self.take(bytes.len())
    }

    /// A packet of the next `count` bytes.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Loose {
        assert!(count <= self.room(), "more bytes than there was room for");
        self.start = self.end;
        self.end += count;
        Loose { data: self.view(0, count), size: count, block: self.block }
    }

    #[inline]
    pub(super) fn packet(&mut self, start: usize, end: usize) -> Packet {
        Packet { data: self.view(start, end), size: end - start, block: self.block }
    }

    /// Where a packet lies that has one of our holds now.
    #[inline(always)]
    pub(super) fn view(&mut self, start: usize, end: usize) -> NonNull<u8> {
        assert!(start <= end && self.start + end <= self.end, "a packet beyond the bytes");
        // One hold stays ours for as long as we write.
        assert!(self.holds > 1, "more packets than a block can count");
        self.holds -= 1;
        // SAFETY: within the block, as just asserted.
        unsafe { Block::bytes(self.block).add(self.start + start) }
    }

    #[inline]
    pub(super) fn lend(&self, places: &[MaybeUninit<Packet>]) {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.lent.store(places.as_ptr().addr(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn reclaim(&mut self) {
        // SAFETY: we hold the block.
        let Block { lent, returned, .. } = unsafe { self.block.as_ref() };
        if lent.load(Ordering::Relaxed) != 0 {
            lent.store(0, Ordering::Relaxed);
            self.holds += returned.load(Ordering::Relaxed);
            returned.store(0, Ordering::Relaxed);
        }
    }

    /// Whether packets view the block.
    pub(super) fn is_shared(&self) -> bool {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.holds.load(Ordering::Acquire) != self.holds
    }

    /// Room for `least` bytes behind the others, if need be by moving them to the front.
    pub(super) fn make_room(&mut self, least: usize) -> bool {
        if self.room() >= least {
            return true;
        }
        let length = self.end - self.start;
        if self.capacity() < length + least || self.is_shared() {
            return false;
        }
        let bytes = Block::bytes(self.block).as_ptr();
        // SAFETY: no packet views the block, so all of it is ours; the ranges may overlap.
        unsafe { std::ptr::copy(bytes.add(self.start), bytes, length) };
        self.begin_again();
        self.end = length;
        true
    }

    /// Has nothing in it, and as many holds as a new one: each packet has taken one for good. No packet views
    /// the block.
    pub(super) fn begin_again(&mut self) {
        // SAFETY: we hold the block, and nobody else does.
        unsafe { self.block.as_ref() }.holds.store(HOLDS, Ordering::Relaxed);
        **self = Book { holds: HOLDS, start: 0, end: 0 };
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.space()[..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        self.reclaim();
        Block::release(self.block, self.holds);
    }
}
