//! Blocks of memory with a count of those who hold them.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::{Packet, Places};
use crate::threads;

/// So many holds a storage takes on its block in advance. Half of the numbers are left for clones.
pub(super) const HOLDS: usize = usize::MAX / 2;

/// Blocks up to this size are kept for reuse by the thread that released them.
pub(super) const KEPT_SIZE: usize = 512 << 10;
/// So many of them.
pub(super) const KEPT_COUNT: usize = 4;

/// So many numbers and the six before them fill a line of the processor's cache.
const APART: usize = 64 / size_of::<usize>() - 6;

/// Memory with a count of its holders in front, or memory of somebody else's with its end.
#[repr(C)]
pub(super) struct Block {
    pub(super) holds: AtomicUsize,
    /// The number of bytes behind this header; for foreign memory 0.
    pub(super) capacity: usize,
    /// Where the places are in which its packets are handed on now; 0: nowhere.
    pub(super) lent: AtomicUsize,
    /// How many packets were released in those places; nobody uses this but who releases there.
    pub(super) returned: AtomicUsize,
    /// What ends foreign memory.
    pub(super) end: Option<Box<dyn FnOnce() + Send>>,
    /// Threads that release packets shall not have the owner wait for what follows.
    _apart: [usize; APART],
    /// What is known to who fills the block, and to nobody else.
    pub(super) book: UnsafeCell<Book>,
}

/// How far a block is filled; for who fills it to begin.
#[derive(Default)]
pub(super) struct Book {
    /// How many of the holds of who fills the block are still its own.
    pub(super) holds: usize,
    /// Bytes before this place are spent: packets may view them.
    pub(super) start: usize,
    /// Bytes from here on are free.
    pub(super) end: usize,
}

const _: () = assert!(offset_of!(Block, book) - offset_of!(Block, holds) >= 64);

impl Block {
    fn layout(capacity: usize) -> Layout {
        let (layout, _) = Layout::new::<Block>()
            .extend(Layout::array::<u8>(capacity).expect("a buffer is at most half of the memory"))
            .expect("a buffer is at most half of the memory");
        layout
    }

    /// A block of at least `capacity` bytes, all initialised.
    pub(super) fn new(capacity: usize, holds: usize) -> NonNull<Block> {
        let kept = KEPT.try_with(|kept| kept.take(capacity)).ok().flatten();
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
        let (_apart, book) = ([0; APART], UnsafeCell::default());
        Block { holds: AtomicUsize::new(holds), capacity, lent, returned, end: None, _apart, book }
    }

    pub(super) fn bytes(block: NonNull<Block>) -> NonNull<u8> {
        // SAFETY: the bytes begin right behind the header (u8 needs no alignment).
        unsafe { block.add(1).cast() }
    }

    /// Gives up `count` holds; the last one ends the block.
    #[inline]
    pub(super) fn release(block: NonNull<Block>, count: usize) {
        // SAFETY: the caller has `count` holds, so the block lives.
        let holds = &unsafe { block.as_ref() }.holds;
        // If all holds are the caller's nobody else can change their number, and the locked
        // instruction is saved.
        if holds.load(Ordering::Acquire) == count {
            Block::retire(block);
        } else if threads::subtract(holds, count, Ordering::Release) == count {
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
        let refused = KEPT.try_with(|kept| kept.put(block)).unwrap_or(Some(block));
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

/// Holds of packets of one block that are given up together, at the end.
#[must_use]
pub(super) struct Releasing {
    block: NonNull<Block>,
    lent: usize,
    /// How many were in places that are lent: they go to who has lent them, and cost no locked instruction.
    returned: usize,
    others: usize,
}

impl Releasing {
    /// None yet.
    #[inline(always)]
    pub(super) fn of(block: NonNull<Block>) -> Releasing {
        // SAFETY: the caller has a hold, so the block lives.
        let lent = unsafe { block.as_ref() }.lent.load(Ordering::Relaxed);
        Releasing { block, lent, returned: 0, others: 0 }
    }

    /// Whether it is of this block.
    #[inline(always)]
    pub(super) fn is_of(&self, block: NonNull<Block>) -> bool {
        self.block == block
    }

    /// The hold of the packet in this place.
    #[inline(always)]
    pub(super) fn add(&mut self, place: *const Packet) {
        match place.addr().wrapping_sub(self.lent) < Places::SPAN {
            true => self.returned += 1,
            false => self.others += 1,
        }
    }

    /// Gives them up.
    #[inline(always)]
    pub(super) fn end(self) {
        if self.returned > 0 {
            // SAFETY: the holds are still there, so the block lives.
            let returned = unsafe { &self.block.as_ref().returned };
            returned.store(returned.load(Ordering::Relaxed) + self.returned, Ordering::Relaxed);
        }
        if self.others > 0 {
            Block::release(self.block, self.others);
        }
    }
}

/// Blocks without holders that this thread may use again: a client that receives now and then need
/// not keep memory of its own meanwhile.
pub(super) struct Kept {
    /// The one that was released last: as a rule it is also wanted next.
    last: Cell<Option<NonNull<Block>>>,
    /// The others, in the order in which they were released.
    others: RefCell<Vec<NonNull<Block>>>,
}

thread_local! {
    pub(super) static KEPT: Kept = const { Kept { last: Cell::new(None), others: RefCell::new(Vec::new()) } };
}

impl Kept {
    #[inline]
    fn take(&self, capacity: usize) -> Option<NonNull<Block>> {
        match self.last.get() {
            Some(block) if fits(block, capacity) => {
                self.last.set(None);
                Some(block)
            }
            _ => self.take_other(capacity),
        }
    }

    #[inline(never)]
    fn take_other(&self, capacity: usize) -> Option<NonNull<Block>> {
        let mut others = self.others.borrow_mut();
        let index = others.iter().rposition(|block| fits(*block, capacity))?;
        Some(others.remove(index))
    }

    /// Keeps a block; hands one back that is not kept.
    #[inline]
    fn put(&self, block: NonNull<Block>) -> Option<NonNull<Block>> {
        // SAFETY: the caller gives up a living block.
        if unsafe { block.as_ref() }.capacity > KEPT_SIZE {
            return Some(block);
        }
        self.put_before(self.last.replace(Some(block))?)
    }

    #[inline(never)]
    fn put_before(&self, block: NonNull<Block>) -> Option<NonNull<Block>> {
        let mut others = self.others.borrow_mut();
        others.push(block);
        // The one that nobody has wanted for the longest time makes room: its size is out of use.
        (others.len() == KEPT_COUNT).then(|| others.remove(0))
    }

    #[cfg(test)]
    pub(super) fn capacities(&self) -> Vec<usize> {
        // SAFETY: kept blocks live.
        self.last
            .get()
            .iter()
            .chain(self.others.borrow().iter())
            .map(|block| unsafe { block.as_ref() }.capacity)
            .collect()
    }
}

/// Whether a kept block has room for `capacity` bytes, and not more than twice as much.
#[inline]
fn fits(block: NonNull<Block>, capacity: usize) -> bool {
    // SAFETY: kept blocks live.
    let has = unsafe { block.as_ref() }.capacity;
    has >= capacity && has / 2 <= capacity
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.last.take().into_iter().chain(self.others.take()).for_each(Block::free);
    }
}
