//! Received bytes: storage that the transport fills, and packets that are counted views into it.
//!
//! A [`Storage`] is the only one that writes into its block of memory, and only behind the bytes it
//! has given out; a [`Packet`] reads what lies before. So neither needs a lock, and no byte is
//! copied between the system call and the application. Handing out a packet costs no atomic
//! operation: the storage takes many holds on its block at once, and gives back what it did not use.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit, offset_of};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

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
    /// The number of bytes behind this header; for foreign memory 0.
    capacity: usize,
    /// Where the places are in which its packets are handed on now; 0: nowhere.
    lent: AtomicUsize,
    /// How many packets were released in those places; nobody uses this but who releases there.
    returned: AtomicUsize,
    /// What ends foreign memory.
    end: Option<Box<dyn FnOnce() + Send>>,
    /// Threads that release packets shall not have the owner wait for what follows.
    _apart: [u64; 2],
    /// What is known to who fills the block, and to nobody else.
    book: UnsafeCell<Book>,
}

/// How far a block is filled.
struct Book {
    /// How many of the holds of who fills the block are still its own.
    holds: usize,
    /// Bytes before this place are spent: packets may view them.
    start: usize,
    /// Bytes from here on are free.
    end: usize,
}

/// A line of the processor's cache, at least.
const _: () = assert!(offset_of!(Block, book) - offset_of!(Block, holds) >= 64);

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
            unsafe { block.as_ref() }.holds.store(holds, Ordering::Relaxed);
            return block;
        }
        let layout = Block::layout(capacity);
        // SAFETY: the layout has at least the size of the header.
        let Some(block) = NonNull::new(unsafe { alloc_zeroed(layout) }.cast::<Block>()) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the memory is ours and large enough; the bytes behind the header are zeroed.
        unsafe { block.write(Block::with(capacity, holds)) };
        block
    }

    fn with(capacity: usize, holds: usize) -> Block {
        let (lent, returned) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let book = UnsafeCell::new(Book { holds, start: 0, end: 0 });
        Block { holds: AtomicUsize::new(holds), capacity, lent, returned, end: None, _apart: [0; 2], book }
    }

    fn bytes(block: NonNull<Block>) -> NonNull<u8> {
        // SAFETY: the bytes begin right behind the header (u8 needs no alignment).
        unsafe { block.add(1).cast() }
    }

    /// Gives up `count` holds; the last one ends the block.
    #[inline]
    fn release(block: NonNull<Block>, count: usize) {
        // SAFETY: the caller has `count` holds, so the block lives.
        let holds = &unsafe { block.as_ref() }.holds;
        // If all holds are the caller's nobody else can change their number, and the locked
        // instruction is saved.
        if holds.load(Ordering::Acquire) == count {
            Block::retire(block);
        } else if holds.fetch_sub(count, Ordering::Release) == count {
            fence(Ordering::Acquire);
            Block::retire(block);
        }
    }

    /// Gives up the hold of the packet in this place. If the place is lent, the hold goes to who has
    /// lent it, and that costs no locked instruction.
    #[inline]
    fn release_in(block: NonNull<Block>, place: *const Packet) {
        // SAFETY: the caller has a hold, so the block lives.
        let Block { lent, returned, .. } = unsafe { block.as_ref() };
        match place.addr().wrapping_sub(lent.load(Ordering::Relaxed)) < Places::SPAN {
            true => returned.store(returned.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
            false => Block::release(block, 1),
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

/// Up to this size packets are copied into a block that they share. Smaller ones are copied out of what
/// they were received into, too: one that somebody keeps should not keep a large block.
pub const SHORT: usize = 2048;
/// The size of such a block: as much memory may stay because of one packet that somebody keeps.
const SHORTS_SIZE: usize = 16 << 10;

/// Where this thread copies short packets.
struct Shorts(Option<Filling>);

/// What a thread has for receiving.
struct Own {
    shorts: RefCell<Shorts>,
    desk: Cell<Option<Filling>>,
}

thread_local! {
    static OWN: Own = const { Own { shorts: RefCell::new(Shorts(None)), desk: Cell::new(None) } };
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
fn copied(bytes: &[u8], own: Option<&Own>) -> Packet {
    match own {
        Some(own) if bytes.len() <= SHORT => own.shorts.borrow_mut().copy(bytes),
        _ => Packet::alone(bytes),
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

impl Packet {
    /// Where data, size and owner lie, as the packets of C have them.
    pub const LAYOUT: [usize; 3] =
        [offset_of!(Packet, data), offset_of!(Packet, size), offset_of!(Packet, block)];
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
        OWN.try_with(|own| copied(bytes, Some(own))).unwrap_or_else(|_| Packet::alone(bytes))
    }

    /// The same in a block of its own.
    #[cold]
    fn alone(bytes: &[u8]) -> Packet {
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
    /// The block came from one [`Packet::into_raw`] or [`Handed::into_raw`], and comes back once.
    #[inline]
    pub unsafe fn release_in(block: *mut u8, place: *const Packet) {
        // SAFETY: it was not null.
        Block::release_in(unsafe { NonNull::new_unchecked(block.cast()) }, place);
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

/// Packets for somebody who takes each where it lies. On its way to the application it would be copied
/// some times, and to read as a whole what was just written in parts takes longer than all the rest.
pub struct Places<'p> {
    places: &'p mut [MaybeUninit<Packet>],
    /// There are packets from here on
    next: usize,
    /// to here.
    end: usize,
    /// Whether packets are most likely released right where they lie.
    lends: bool,
}

impl<'p> Places<'p> {
    /// So many there are at most of one's own.
    pub const MOST: usize = 64;
    const SPAN: usize = Places::MOST * size_of::<Packet>();

    /// Those of somebody else's, with no packets in them.
    pub fn over(places: &'p mut [MaybeUninit<Packet>]) -> Places<'p> {
        Places { places, next: 0, end: 0, lends: false }
    }

    /// Has `work` done with places of our own, at most so many. What is released in them costs no locked
    /// instruction until [`Storage::settle`] is called, which must be before the work ends.
    #[inline(always)]
    pub fn with<T>(most: usize, work: impl FnOnce(&mut Places<'_>) -> T) -> T {
        let mut places = [const { MaybeUninit::uninit() }; Places::MOST];
        let places = &mut places[..most.min(Places::MOST)];
        work(&mut Places { places, next: 0, end: 0, lends: true })
    }

    /// The packet that `work` puts into a place, for who wants it by value.
    #[inline(always)]
    pub fn one<E>(work: impl FnOnce(&mut Places<'_>) -> Result<(), E>) -> Result<Packet, E> {
        let mut place = MaybeUninit::uninit();
        let mut places = Places::over(slice::from_mut(&mut place));
        work(&mut places)?;
        Ok(places.take_back().expect("a packet or a failure"))
    }

    /// Has `work` put a packet into somebody else's place; if it fails, the place is as it was.
    #[inline(always)]
    pub fn fill<E>(
        place: &mut MaybeUninit<Packet>,
        work: impl FnOnce(&mut Places<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = Before::of(place);
        let mut places = Places::over(slice::from_mut(place));
        let outcome = work(&mut places);
        match outcome {
            Ok(()) => drop(places.leave()),
            Err(_) => {
                drop(places);
                before.restore(place);
            }
        }
        outcome
    }

    /// The same with the next place, where there is room.
    #[inline(always)]
    pub fn fill_next<E>(&mut self, work: impl FnOnce(&mut Places<'_>) -> Result<(), E>) -> Result<(), E> {
        Places::fill(&mut self.places[self.end], work)?;
        self.end += 1;
        Ok(())
    }

    /// Whether there is room for another packet.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.end < self.places.len()
    }

    /// How many more packets there is room for.
    #[inline]
    pub fn room(&self) -> usize {
        self.places.len() - self.end
    }

    /// How many packets there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.end - self.next
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a packet behind the others, where there is room.
    #[inline(always)]
    pub fn put(&mut self, packet: Packet) -> &mut Packet {
        let place = &mut self.places[self.end];
        self.end += 1;
        place.write(packet)
    }

    /// Puts a packet behind the others that `finish` makes what it should be, where it lies; if that fails,
    /// the place is as it was.
    #[inline(always)]
    pub fn put_finished<E>(
        &mut self,
        packet: Packet,
        finish: impl FnOnce(&mut Packet) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = &mut self.places[self.end];
        let before = Before::of(place);
        let outcome = finish(place.write(packet));
        match outcome {
            Ok(()) => self.end += 1,
            Err(_) => {
                // SAFETY: it was just written.
                unsafe { place.assume_init_drop() };
                before.restore(place);
            }
        }
        outcome
    }

    /// The next packet. If there is none any more, there is room again from the first place on.
    #[inline(always)]
    pub fn hand_on(&mut self) -> Option<Handed<'_>> {
        if self.next == self.end {
            (self.next, self.end) = (0, 0);
            return None;
        }
        let place = &mut self.places[self.next];
        self.next += 1;
        Some(Handed(place))
    }

    /// The last packet; the same if there is none.
    #[inline]
    pub fn take_back(&mut self) -> Option<Packet> {
        if self.next == self.end {
            (self.next, self.end) = (0, 0);
            return None;
        }
        self.end -= 1;
        // SAFETY: there was a packet, and it is not looked at any more.
        Some(unsafe { self.places[self.end].assume_init_read() })
    }

    /// The packets stay where they are, for whom the places belong to; how many.
    pub fn leave(self) -> usize {
        ManuallyDrop::new(self).end
    }
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        while self.take_back().is_some() {}
    }
}

/// What was in a place, part by part: it was most likely just written so, and to read that as a whole
/// takes longer.
struct Before([MaybeUninit<*const u8>; 3]);

impl Before {
    #[inline(always)]
    fn of(place: &MaybeUninit<Packet>) -> Before {
        let parts = place.as_ptr().cast::<MaybeUninit<*const u8>>();
        // SAFETY: a packet has so many parts; whatever they are, they are only put back.
        Before([0, 1, 2].map(|part| unsafe { parts.add(part).read_volatile() }))
    }

    #[cold]
    fn restore(self, place: &mut MaybeUninit<Packet>) {
        // SAFETY: it is what was there.
        unsafe { place.as_mut_ptr().cast::<[MaybeUninit<*const u8>; 3]>().write(self.0) };
    }
}

const _: () = assert!(size_of::<Before>() == size_of::<Packet>());

/// A packet in its place.
pub struct Handed<'a>(&'a mut MaybeUninit<Packet>);

impl Handed<'_> {
    /// Takes the packet away.
    #[inline]
    pub fn take(self) -> Packet {
        // SAFETY: it is there until it is taken, which happens once, as nothing is left of us.
        unsafe { self.into_raw().read() }
    }

    /// Who gets the pointer has the packet, and the place as long as it is lent.
    #[inline(always)]
    pub fn into_raw(self) -> *mut Packet {
        ManuallyDrop::new(self).0.as_mut_ptr()
    }
}

impl Deref for Handed<'_> {
    type Target = Packet;

    fn deref(&self) -> &Packet {
        // SAFETY: it is there until it is taken.
        unsafe { self.0.assume_init_ref() }
    }
}

impl Drop for Handed<'_> {
    fn drop(&mut self) {
        // Nobody has taken it, or we would not be dropped.
        Block::release_in(self.block, self.0.as_ptr());
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
struct Filling {
    block: NonNull<Block>,
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
        let free = filling.capacity() - filling.end;
        // SAFETY: bytes from `end` on are viewed by no packet, initialised, and ours alone.
        unsafe { std::slice::from_raw_parts_mut(Block::bytes(filling.block).add(filling.end).as_ptr(), free) }
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
            assert!(count <= filling.capacity() - filling.end, "more bytes than there was room for");
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
    // The packet is put together last: what was just written in parts is slow to move.
    #[inline(always)]
    pub fn cut(&mut self, Cut { start, end, used }: Cut) -> Packet {
        let filling = self.block.as_mut().expect("a packet comes from bytes");
        let (data, block) = (filling.view(start, end), filling.block);
        let there = filling.end - filling.start;
        assert!(used <= there, "more bytes spent than there are");
        filling.start += used;
        if used == there {
            self.let_go_beside(1);
        }
        Packet { data, size: end - start, block }
    }

    /// Has `cut` cut packets off the front of the bytes, of which there are some, for as long as there
    /// are places for them.
    #[inline(always)]
    pub fn cut_into<T>(&mut self, places: &mut Places<'_>, cut: impl FnOnce(&mut Cutter<'_, '_>) -> T) -> T {
        let filling = self.block.as_mut().expect("packets come from bytes");
        // One hold stays ours for as long as we write.
        assert!(filling.holds > places.places.len(), "more packets than a block can count");
        if places.lends {
            filling.lend(places.places);
        }
        let free = &mut places.places[places.end..];
        let room = free.len();
        let mut cutter = Cutter { bytes: filling.bytes(), block: filling.block, places: free.iter_mut() };
        let outcome = cut(&mut cutter);
        let (rest, count) = (cutter.bytes.len(), room - cutter.places.len());
        filling.holds -= count;
        filling.start = filling.end - rest;
        places.end += count;
        if rest == 0 && !places.lends {
            self.let_go_beside(count);
        }
        outcome
    }

    /// Lets go of a block of which the caller has so many holds that nobody has seen yet: if there is no
    /// other one, no locked instruction is needed.
    #[inline(never)]
    fn let_go_beside(&mut self, count: usize) {
        if let Some(mut filling) = self.block.take() {
            filling.settle();
            // SAFETY: the caller holds the block.
            let holds = &unsafe { filling.block.as_ref() }.holds;
            if holds.load(Ordering::Acquire) == filling.holds + count {
                holds.store(count, Ordering::Relaxed);
                std::mem::forget(filling);
            }
        }
    }

    /// Takes back what was released of what was lent.
    #[inline]
    pub fn settle(&mut self) {
        if let Some(filling) = &mut self.block {
            filling.settle();
        }
    }

    #[inline(never)]
    fn let_go(&mut self) {
        self.block = None;
    }

    /// A packet that views the first bytes, at most `most`, which are spent with it. None: there are
    /// none.
    #[inline]
    pub fn take(&mut self, most: usize) -> Option<Packet> {
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
    pub fn shrink(&mut self) {
        if matches!(&self.block, Some(filling) if filling.start == filling.end) {
            self.let_go();
        }
    }
}

impl Filling {
    fn new(capacity: usize) -> Filling {
        let mut filling = Filling { block: Block::new(capacity, HOLDS) };
        *filling = Book { holds: HOLDS, start: 0, end: 0 };
        filling
    }

    /// What is there and not spent.
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: these bytes are initialised, and nobody writes them.
        unsafe {
            let data = Block::bytes(self.block).add(self.start);
            std::slice::from_raw_parts(data.as_ptr(), self.end - self.start)
        }
    }

    #[inline]
    fn capacity(&self) -> usize {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.capacity
    }

    /// Whether the block has at least `size` bytes, but not far more than anybody keeps.
    #[inline]
    fn has_capacity(&self, size: usize) -> bool {
        let capacity = self.capacity();
        capacity >= size && capacity <= size.max(KEPT_SIZE)
    }

    /// A packet with a copy of these bytes, for which there is room.
    #[inline]
    fn copy(&mut self, bytes: &[u8]) -> Packet {
        self.start = self.end;
        self.append(bytes);
        self.packet(0, bytes.len())
    }

    #[inline]
    fn packet(&mut self, start: usize, end: usize) -> Packet {
        Packet { data: self.view(start, end), size: end - start, block: self.block }
    }

    /// Where a packet lies that has one of our holds now.
    #[inline(always)]
    fn view(&mut self, start: usize, end: usize) -> NonNull<u8> {
        assert!(start <= end && self.start + end <= self.end, "a packet beyond the bytes");
        // One hold stays ours for as long as we write.
        assert!(self.holds > 1, "more packets than a block can count");
        self.holds -= 1;
        // SAFETY: within the block, as just asserted.
        unsafe { Block::bytes(self.block).add(self.start + start) }
    }

    #[inline]
    fn lend(&self, places: &[MaybeUninit<Packet>]) {
        // SAFETY: we hold the block.
        unsafe { self.block.as_ref() }.lent.store(places.as_ptr().addr(), Ordering::Relaxed);
    }

    #[inline]
    fn settle(&mut self) {
        // SAFETY: we hold the block.
        let Block { lent, returned, .. } = unsafe { self.block.as_ref() };
        if lent.load(Ordering::Relaxed) != 0 {
            lent.store(0, Ordering::Relaxed);
            self.holds += returned.load(Ordering::Relaxed);
            returned.store(0, Ordering::Relaxed);
        }
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
        self.settle();
        Block::release(self.block, self.holds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn put(storage: &mut Storage, bytes: &[u8], least: usize) {
        storage.space(bytes.len(), least)[..bytes.len()].copy_from_slice(bytes);
        storage.filled(bytes.len());
    }

    #[test]
    fn packets_outlive_the_storage_and_each_other() {
        let mut storage = Storage::default();
        put(&mut storage, b"onetwothree", 100);
        let one = storage.packet(0, 3);
        storage.spend(3);
        let two = storage.packet(0, 3);
        storage.spend(3);
        let again = two.clone();
        drop(two);
        put(&mut storage, b"four", 1000);
        assert_eq!(storage.bytes(), b"threefour");
        drop(storage);
        assert_eq!((&*one, &*again), (&b"one"[..], &b"two"[..]));
    }

    /// Packets of one byte each, as many as there are places for.
    fn cut_bytes(storage: &mut Storage, places: &mut Places<'_>) {
        storage.cut_into(places, |cutter| {
            while cutter.goes_on() {
                cutter.cut(Cut { start: 0, end: 1, used: 1 });
            }
        });
    }

    fn holds(block: NonNull<Block>) -> usize {
        // SAFETY: the caller knows that somebody holds the block.
        unsafe { block.as_ref() }.holds.load(Ordering::Relaxed)
    }

    #[test]
    fn what_is_lent_comes_back_whoever_releases_it() {
        let mut storage = Storage::default();
        put(&mut storage, b"abcdef", 100);
        let block = storage.block.as_ref().unwrap().block;
        let kept = Places::with(5, |places| {
            cut_bytes(&mut storage, places);
            drop(places.hand_on());
            let there = places.hand_on().unwrap().take();
            std::thread::scope(|scope| scope.spawn(|| drop(there)).join()).unwrap();
            let kept = places.hand_on().unwrap().take();
            drop(kept.clone());
            assert_eq!(&*places.take_back().unwrap(), b"e");
            assert_eq!(&**places.hand_on().unwrap(), b"d");
            assert!(places.is_empty());
            storage.settle();
            kept
        });
        let filling = &storage.block;
        assert_eq!(holds(block) - filling.as_ref().unwrap().holds, 1); // the one that is kept
        drop(kept);
        assert!(!filling.as_ref().unwrap().is_shared());
        assert_eq!(storage.bytes(), b"f");
    }

    #[test]
    fn what_is_lent_stays_until_it_has_come_back() {
        let mut storage = Storage::default();
        put(&mut storage, b"ab", 100);
        let block = storage.block.as_ref().unwrap().block;
        Places::with(5, |places| {
            cut_bytes(&mut storage, places);
            let before = holds(block);
            while places.hand_on().is_some() {}
            assert_eq!(holds(block), before);
            storage.settle();
            storage.shrink();
            assert!(storage.block.is_none());
        });
    }

    #[test]
    fn the_last_packets_are_alone_with_their_block() {
        let mut storage = Storage::default();
        put(&mut storage, b"abc", 100);
        let packet = storage.cut(Cut { start: 0, end: 3, used: 3 });
        assert_eq!(holds(packet.block), 1);
        drop(packet);
        put(&mut storage, b"abc", 100);
        let mut room = [const { MaybeUninit::uninit() }; 4];
        let mut places = Places::over(&mut room);
        cut_bytes(&mut storage, &mut places);
        let last = places.take_back().unwrap();
        assert_eq!((&*last, holds(last.block)), (&b"c"[..], 3));
        drop(places);
        assert_eq!(holds(last.block), 1);
    }

    #[test]
    fn places_are_filled_and_emptied_in_order() {
        let mut room = [const { MaybeUninit::uninit() }; 2];
        let mut places = Places::over(&mut room);
        for byte in 0..5 {
            assert!(places.hand_on().is_none() && places.has_room());
            places.put(Packet::copied(&[byte]));
            places.put(Packet::copied(&[byte + 1]));
            assert!(!places.has_room());
            assert_eq!(*places.hand_on().unwrap().take(), [byte]);
            assert_eq!(places.len(), 1);
            assert_eq!(*places.hand_on().unwrap().take(), [byte + 1]);
        }
        assert!(places.hand_on().is_none());
        places.put(Packet::copied(b"a"));
        assert_eq!(places.leave(), 1);
        // SAFETY: it was left there.
        assert_eq!(&*unsafe { room[0].assume_init_read() }, b"a");
    }

    #[test]
    fn what_is_handed_on_ends_once_taken_or_not() {
        let packet = Packet::copied(b"abc");
        let before = holds(packet.block);
        Places::with(3, |places| {
            for _ in 0..3 {
                places.put(packet.clone());
            }
            drop(places.hand_on());
            assert_eq!(holds(packet.block), before + 2);
            let taken = places.hand_on().unwrap().take();
            assert_eq!((&*taken, holds(packet.block)), (&b"abc"[..], before + 2));
        });
        assert_eq!(holds(packet.block), before);
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
        let packet = storage.packet(0, 3);
        storage.spend(3);
        assert!(storage.block.is_none());
        assert_eq!(&*packet, b"abc");
    }

    #[test]
    fn bytes_move_to_the_front_only_when_nobody_looks() {
        let mut storage = Storage::default();
        put(&mut storage, &[1; 100], 128);
        let capacity = storage.block.as_ref().map(Filling::capacity);
        let packet = storage.packet(0, 10);
        storage.spend(90);
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
        let packet = storage.packet(0, 0);
        storage.spend(1);
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
    fn a_packet_survives_being_taken_apart() {
        let (data, size, block) = Packet::copied(b"abc").into_raw();
        // SAFETY: the parts come from into_raw, once.
        assert_eq!(&*unsafe { Packet::from_raw(data, size, block) }, b"abc");
    }

    #[test]
    fn short_copies_share_blocks_and_keep_their_bytes() {
        let copies = 3 * SHORTS_SIZE / 64;
        let kept: Vec<_> = (0..copies)
            .map(|number| {
                let packet = Packet::copied(&[number as u8; 64]);
                // Most are gone again before the next one.
                (number % 7 == 0).then_some((number as u8, packet))
            })
            .collect();
        for (byte, packet) in kept.iter().flatten() {
            assert_eq!(**packet, [*byte; 64]);
        }
        let (one, other) = (Packet::copied(b"one"), Packet::copied(b"other"));
        assert_eq!(one.block, other.block);
        assert_ne!(one.block, Packet::copied(&[0; SHORT + 1]).block);
    }

    #[test]
    fn short_copies_begin_a_block_again_that_nobody_views() {
        let first = Packet::copied(b"x").block;
        let blocks = (0..4 * SHORTS_SIZE / SHORT).map(|_| Packet::copied(&[1; SHORT]).block);
        assert!(blocks.into_iter().all(|block| block == first));
    }

    #[test]
    fn a_desk_stays_with_its_thread_until_something_is_kept() {
        fn write(desk: &mut Desk<'_>) -> *const u8 {
            desk.space()[..3].copy_from_slice(b"abc");
            desk.space().as_ptr()
        }
        let (first, packet) = Desk::with(100, |mut desk| (write(&mut desk), desk.copy(3)));
        assert_eq!(&*packet, b"abc");
        let (again, storage) = Desk::with(50, |mut desk| (write(&mut desk), desk.keep(3)));
        assert_eq!(again, first);
        Desk::with(100, |mut desk| {
            assert_ne!(desk.space().as_ptr(), first);
            desk.go_back();
        });
        assert_eq!(storage.bytes(), b"abc");
        assert!(Desk::with(1000, |mut desk| desk.space().len()) >= 1000);
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
