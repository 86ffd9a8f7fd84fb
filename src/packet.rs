//! Received bytes: storage that the transport fills, and packets that are counted views into it.
//!
//! A [`Storage`] is the only one that writes into its block of memory, and only behind the bytes it
//! has given out; a [`Packet`] reads what lies before. So neither needs a lock, and no byte is
//! copied between the system call and the application. Handing out a packet costs no atomic
//! operation: the storage takes many holds on its block at once, and gives back what it did not use.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// So many holds a storage takes on its block in advance. Half of the numbers are left for clones.
const HOLDS: usize = usize::MAX / 2;

/// Blocks up to this size are kept for reuse by the thread that released them.
const KEPT_SIZE: usize = 512 << 10;
/// So many of them.
const KEPT_COUNT: usize = 4;

/// Memory with a count of its holders in front, or memory of somebody else's with its end.
#[repr(C)]
struct Block {
    holds: AtomicUsize,
    /// Whether some thread may be gathering holds that are given back.
    is_gathered: AtomicBool,
    /// The number of bytes behind this header; for foreign memory 0.
    capacity: usize,
    /// What ends foreign memory.
    end: Option<Box<dyn FnOnce() + Send>>,
}

impl Block {
    fn layout(capacity: usize) -> Layout {
        let (layout, _) = Layout::new::<Block>()
            .extend(Layout::array::<u8>(capacity).expect("a buffer is at most half of the memory"))
            .expect("a buffer is at most half of the memory");
        layout
    }

    /// A block of at least `capacity` bytes, all initialised.
    fn new(capacity: usize, holds: usize) -> NonNull<Block> {
        let kept = KEPT.try_with(|kept| kept.borrow_mut().take(capacity)).ok().flatten();
        if let Some(block) = kept {
            // SAFETY: a kept block has no holder but us.
            let header = unsafe { block.as_ref() };
            header.holds.store(holds, Ordering::Relaxed);
            header.is_gathered.store(false, Ordering::Relaxed);
            return block;
        }
        let layout = Block::layout(capacity);
        // SAFETY: the layout has at least the size of the header.
        let Some(block) = NonNull::new(unsafe { alloc_zeroed(layout) }.cast::<Block>()) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the memory is ours and large enough; the bytes behind the header are zeroed.
        unsafe {
            let (holds, is_gathered) = (AtomicUsize::new(holds), AtomicBool::new(false));
            block.write(Block { holds, is_gathered, capacity, end: None });
        };
        block
    }

    fn bytes(block: NonNull<Block>) -> NonNull<u8> {
        // SAFETY: the bytes begin right behind the header (u8 needs no alignment).
        unsafe { block.add(1).cast() }
    }

    /// Gives up `count` holds; the last one ends the block.
    #[inline]
    fn release(block: NonNull<Block>, count: usize) {
        // SAFETY: the caller has `count` holds, so the block lives.
        let Block { holds, is_gathered, .. } = unsafe { block.as_ref() };
        // If all holds are the caller's nobody else can change their number, and the locked
        // instruction is saved.
        if holds.load(Ordering::Acquire) == count {
            Block::retire(block);
        } else if is_gathered.load(Ordering::Relaxed) && GivenBack::take(block, count) {
            // They still count.
        } else if holds.fetch_sub(count, Ordering::Release) == count {
            fence(Ordering::Acquire);
            Block::retire(block);
        }
    }

    #[cold]
    #[inline(never)]
    fn end_foreign(mut block: NonNull<Block>) {
        // SAFETY: nobody holds the block any more.
        if let Some(end) = unsafe { block.as_mut() }.end.take() {
            end();
        }
        Block::free(block);
    }

    fn retire(block: NonNull<Block>) {
        // SAFETY: nobody holds the block any more.
        if unsafe { block.as_ref() }.end.is_some() {
            return Block::end_foreign(block);
        }
        let refused = KEPT.try_with(|kept| kept.borrow_mut().put(block)).unwrap_or(Some(block));
        if let Some(block) = refused {
            Block::free(block);
        }
    }

    fn free(block: NonNull<Block>) {
        // SAFETY: nobody holds the block; it was allocated with this layout in `new`, and `end`,
        // the one field with a destructor, is None.
        unsafe {
            let layout = Block::layout(block.as_ref().capacity);
            dealloc(block.cast().as_ptr(), layout);
        }
    }
}

/// Blocks without holders that this thread may use again: a client that receives now and then need
/// not keep memory of its own meanwhile.
struct Kept(Vec<NonNull<Block>>);

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept(Vec::new())) };
}

impl Kept {
    fn take(&mut self, capacity: usize) -> Option<NonNull<Block>> {
        let fits = |block: &NonNull<Block>| {
            // SAFETY: kept blocks live.
            let has = unsafe { block.as_ref() }.capacity;
            has >= capacity && has / 2 <= capacity
        };
        let index = self.0.iter().rposition(fits)?;
        Some(self.0.swap_remove(index))
    }

    /// Keeps a block; hands one back that is not kept.
    fn put(&mut self, block: NonNull<Block>) -> Option<NonNull<Block>> {
        // SAFETY: the caller gives up a living block.
        if unsafe { block.as_ref() }.capacity > KEPT_SIZE {
            return Some(block);
        }
        self.0.push(block);
        // The one that nobody has wanted for the longest time makes room: its size is out of use.
        (self.0.len() > KEPT_COUNT).then(|| self.0.remove(0))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Block::free);
    }
}

thread_local! {
    /// The block whose holds this thread is gathering, and how many it has.
    static GATHERED: Cell<(Option<NonNull<Block>>, usize)> = const { Cell::new((None, 0)) };
}

/// Gathers the holds on a packet's memory that this thread gives up, until it ends: many packets in a
/// row then cost one locked instruction, not one each.
pub struct GivenBack {
    block: NonNull<Block>,
    before: (Option<NonNull<Block>>, usize),
}

impl GivenBack {
    /// Begins to gather what is given back of this packet's memory.
    pub fn of(packet: &Packet) -> GivenBack {
        let block = packet.block;
        // SAFETY: the packet holds the block.
        unsafe { block.as_ref() }.is_gathered.store(true, Ordering::Relaxed);
        GivenBack { block, before: GATHERED.replace((Some(block), 0)) }
    }

    /// Takes holds, if it is for this block that they are gathered: then they still count.
    #[inline]
    fn take(block: NonNull<Block>, count: usize) -> bool {
        GATHERED.with(|gathered| {
            let (wanted, sum) = gathered.get();
            let is_wanted = wanted == Some(block);
            if is_wanted {
                gathered.set((wanted, sum + count));
            }
            is_wanted
        })
    }
}

impl Drop for GivenBack {
    fn drop(&mut self) {
        let (_, count) = GATHERED.replace(self.before);
        // Holds that were taken still count, so the block lives if there are any.
        if count > 0 {
            // SAFETY: as just said.
            unsafe { self.block.as_ref() }.is_gathered.store(false, Ordering::Relaxed);
            Block::release(self.block, count);
        }
    }
}

/// A received packet: a counted, unchanging view. It may be sent to and released on any thread. Its
/// layout is that of the packets of C.
#[repr(C)]
pub struct Packet {
    data: NonNull<u8>,
    size: usize,
    block: NonNull<Block>,
}

// SAFETY: the bytes of a packet do not change, the count is atomic, and the end of foreign memory
// is Send.
unsafe impl Send for Packet {}
// SAFETY: as above.
unsafe impl Sync for Packet {}

impl Packet {
    /// A packet with a copy of these bytes.
    pub fn copied(bytes: &[u8]) -> Packet {
        let block = Block::new(bytes.len().max(1), 1);
        let data = Block::bytes(block);
        // SAFETY: the block is ours alone, and large enough.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.as_ptr(), bytes.len()) };
        Packet { data, size: bytes.len(), block }
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

    /// The bytes from `start` to `end` as a packet, without a copy.
    #[must_use]
    pub fn part(mut self, start: usize, end: usize) -> Packet {
        let data = NonNull::from(&self[start..end]).cast();
        (self.data, self.size) = (data, end - start);
        self
    }

    /// Takes the packet apart, for [`Packet::from_raw`] to put it together again.
    #[inline]
    pub fn into_raw(self) -> (*const u8, usize, *mut u8) {
        let packet = ManuallyDrop::new(self);
        (packet.data.as_ptr(), packet.size, packet.block.as_ptr().cast())
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

/// Where a transport puts bytes and a protocol finds packets. Holds memory only while there are
/// bytes in it.
#[derive(Default)]
pub struct Storage {
    block: Option<Filling>,
}

struct Filling {
    block: NonNull<Block>,
    /// How many of our holds are still ours.
    holds: usize,
    /// Bytes before this place are spent: packets may view them.
    start: usize,
    /// Bytes from here on are free.
    end: usize,
}

// SAFETY: a storage is the only writer of its block, behind everything that packets view.
unsafe impl Send for Filling {}

impl Storage {
    /// The bytes that are there and not spent.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.block {
            None => &[],
            // SAFETY: these bytes are initialised, and nobody writes them.
            Some(filling) => unsafe {
                let data = Block::bytes(filling.block).add(filling.start);
                std::slice::from_raw_parts(data.as_ptr(), filling.end - filling.start)
            },
        }
    }

    /// Room for at least `least` bytes behind those that are there, in a block of `size` bytes if a
    /// new one is needed and that is enough; the memory is already initialised. What is there moves
    /// only if it has to, and so that its moves are paid for by what comes.
    pub fn space(&mut self, least: usize, size: usize) -> &mut [u8] {
        if self.block.is_none() {
            self.block = Some(Filling::new(size.max(least)));
        } else if !self.block.as_mut().is_some_and(|filling| filling.make_room(least)) {
            let length = self.bytes().len();
            let mut larger = Filling::new(size.max(length + least).max(2 * length));
            larger.append(self.bytes());
            self.block = Some(larger);
        }
        let filling = self.block.as_mut().expect("it was made above");
        let free = filling.capacity() - filling.end;
        // SAFETY: bytes from `end` on are viewed by no packet, initialised, and ours alone.
        unsafe { std::slice::from_raw_parts_mut(Block::bytes(filling.block).add(filling.end).as_ptr(), free) }
    }

    /// So many bytes were put into the space.
    pub fn filled(&mut self, count: usize) {
        if let Some(filling) = &mut self.block {
            assert!(count <= filling.capacity() - filling.end, "more bytes than there was room for");
            filling.end += count;
        }
        self.shrink();
    }

    /// A packet that views the first bytes, at most `most`, which are spent with it. None: there are
    /// none.
    #[inline]
    pub fn take(&mut self, most: usize) -> Option<Packet> {
        let filling = self.block.as_mut()?;
        let size = most.min(filling.end - filling.start);
        if size == 0 {
            return None;
        }
        let packet = filling.packet(0, size);
        filling.start += size;
        self.shrink();
        Some(packet)
    }

    /// A packet that views the bytes from `start` to `end`, counted from the first unspent one, with which
    /// the first `used` are spent. Memory
    /// without bytes stays until somebody lets go of it.
    #[inline(always)]
    pub fn cut(&mut self, start: usize, end: usize, used: usize) -> Packet {
        let filling = self.block.as_mut().expect("a packet comes from bytes");
        let packet = filling.packet(start, end);
        filling.spend(used);
        packet
    }

    /// The first `count` bytes are spent.
    #[inline]
    pub fn spend(&mut self, count: usize) {
        if let Some(filling) = &mut self.block {
            filling.spend(count);
        }
        self.shrink();
    }

    /// Lets go of memory without bytes.
    #[inline]
    pub fn shrink(&mut self) {
        if matches!(&self.block, Some(filling) if filling.start == filling.end) {
            self.block = None;
        }
    }
}

impl Filling {
    fn new(capacity: usize) -> Filling {
        Filling { block: Block::new(capacity, HOLDS), holds: HOLDS, start: 0, end: 0 }
    }

    fn capacity(&self) -> usize {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.capacity
    }

    #[inline(always)]
    fn packet(&mut self, start: usize, end: usize) -> Packet {
        assert!(start <= end && self.start + end <= self.end, "a packet beyond the bytes");
        // One hold stays ours for as long as we write.
        assert!(self.holds > 1, "more packets than a block can count");
        self.holds -= 1;
        // SAFETY: within the block, as just asserted.
        let data = unsafe { Block::bytes(self.block).add(self.start + start) };
        Packet { data, size: end - start, block: self.block }
    }

    #[inline(always)]
    fn spend(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "more bytes spent than there are");
        self.start += count;
    }

    /// Whether packets view the block.
    fn is_shared(&self) -> bool {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.holds.load(Ordering::Acquire) != self.holds
    }

    /// Room for `least` bytes behind the others, if need be by moving them to the front.
    fn make_room(&mut self, least: usize) -> bool {
        if self.capacity() - self.end >= least {
            return true;
        }
        let length = self.end - self.start;
        if self.capacity() < length + least || self.is_shared() {
            return false;
        }
        let bytes = Block::bytes(self.block).as_ptr();
        // SAFETY: no packet views the block, so all of it is ours; the ranges may overlap.
        unsafe { std::ptr::copy(bytes.add(self.start), bytes, length) };
        (self.start, self.end) = (0, length);
        true
    }

    fn append(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.capacity() - self.end);
        // SAFETY: there is room behind `end`, ours alone, and `bytes` lie in another block.
        unsafe {
            let to = Block::bytes(self.block).add(self.end);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), bytes.len());
        }
        self.end += bytes.len();
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        Block::release(self.block, self.holds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn put(storage: &mut Storage, bytes: &[u8], least: usize) {
        storage.space(bytes.len(), least)[..bytes.len()].copy_from_slice(bytes);
        storage.filled(bytes.len());
    }

    #[test]
    fn packets_outlive_the_storage_and_each_other() {
        let mut storage = Storage::default();
        put(&mut storage, b"onetwothree", 100);
        let one = storage.cut(0, 3, 3);
        storage.shrink();
        let two = storage.cut(0, 3, 3);
        storage.shrink();
        let again = two.clone();
        drop(two);
        put(&mut storage, b"four", 1000);
        assert_eq!(storage.bytes(), b"threefour");
        drop(storage);
        assert_eq!((&*one, &*again), (&b"one"[..], &b"two"[..]));
    }

    #[test]
    fn what_is_taken_is_spent() {
        let mut storage = Storage::default();
        assert!(storage.take(2).is_none());
        put(&mut storage, b"abcde", 100);
        let taken: Vec<_> = std::iter::from_fn(|| storage.take(2)).collect();
        assert_eq!(taken.iter().map(|packet| &**packet).collect::<Vec<_>>(), [&b"ab"[..], b"cd", b"e"]);
        assert!(storage.block.is_none());
    }

    #[test]
    fn no_memory_is_held_without_bytes() {
        let mut storage = Storage::default();
        put(&mut storage, b"abc", 100);
        let packet = storage.cut(0, 3, 3);
        storage.shrink();
        assert!(storage.block.is_none());
        assert_eq!(&*packet, b"abc");
    }

    #[test]
    fn bytes_move_to_the_front_only_when_nobody_looks() {
        let mut storage = Storage::default();
        put(&mut storage, &[1; 100], 128);
        let capacity = storage.block.as_ref().map(Filling::capacity);
        let packet = storage.cut(0, 10, 90);
        storage.shrink();
        let shared_block = storage.block.as_ref().map(|filling| filling.block);
        storage.space(100, 128);
        assert_ne!(storage.block.as_ref().map(|filling| filling.block), shared_block);
        assert_eq!(&*packet, [1; 10]);
        storage.spend(5);
        let own_block = storage.block.as_ref().map(|filling| filling.block);
        storage.space(capacity.unwrap_or(0).min(100), 128);
        assert_eq!(storage.block.as_ref().map(|filling| filling.block), own_block);
        assert_eq!(storage.bytes(), [1; 5]);
    }

    #[test]
    fn empty_packets_are_packets() {
        let mut storage = Storage::default();
        put(&mut storage, b"\n", 16);
        let packet = storage.cut(0, 0, 1);
        storage.shrink();
        assert_eq!(&*packet, b"");
        assert_eq!(&*Packet::copied(b""), b"");
        assert_eq!(&*Packet::copied(b"xyz"), b"xyz");
    }

    #[test]
    fn foreign_memory_ends_once_after_the_last_holder() {
        static BYTES: [u8; 3] = *b"abc";
        let ended = Arc::new(AtomicBool::new(false));
        let flag = ended.clone();
        let end = Box::new(move || assert!(!flag.swap(true, Ordering::SeqCst)));
        // SAFETY: static memory never changes.
        let packet = unsafe { Packet::foreign(NonNull::from(&BYTES).cast(), 3, end) };
        let other = packet.clone();
        drop(packet);
        assert!(!ended.load(Ordering::SeqCst));
        assert_eq!(&*other, b"abc");
        std::thread::spawn(move || drop(other)).join().expect("the thread ends");
        assert!(ended.load(Ordering::SeqCst));
    }

    #[test]
    fn what_is_given_back_together_ends_the_block_once() {
        static BYTES: [u8; 1] = *b"a";
        let ends = Arc::new(AtomicUsize::new(0));
        let new = || {
            let ends = ends.clone();
            let end = Box::new(move || drop(ends.fetch_add(1, Ordering::SeqCst)));
            // SAFETY: static memory never changes.
            unsafe { Packet::foreign(NonNull::from(&BYTES).cast(), 1, end) }
        };
        let (one, other) = (new(), new());
        let (kept, another) = (one.clone(), one.clone());
        let outer = GivenBack::of(&one);
        drop(one);
        let inner = GivenBack::of(&other);
        // Of the one block inside gathering for the other: at once.
        drop(another);
        let again = other.clone();
        drop((other, again));
        assert_eq!(ends.load(Ordering::SeqCst), 0);
        drop(inner);
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        drop(outer);
        assert_eq!((ends.load(Ordering::SeqCst), &*kept), (1, &b"a"[..]));
        drop(kept);
        assert_eq!(ends.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_packet_survives_being_taken_apart() {
        let (data, size, block) = Packet::copied(b"abc").into_raw();
        // SAFETY: the parts come from into_raw, once.
        assert_eq!(&*unsafe { Packet::from_raw(data, size, block) }, b"abc");
    }

    #[test]
    fn sizes_out_of_use_make_room_for_those_in_use() {
        // As many as are kept, none of which is large enough for what comes.
        let small: Vec<_> = (0..KEPT_COUNT).map(|power| Filling::new(1024 << power)).collect();
        drop(small);
        drop(Filling::new(256 << 10));
        let kept = KEPT.with_borrow(|kept| {
            kept.0.iter().any(|block| {
                // SAFETY: kept blocks live.
                unsafe { block.as_ref() }.capacity == 256 << 10
            })
        });
        assert!(kept);
    }
}
