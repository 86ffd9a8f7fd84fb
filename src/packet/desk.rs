//! What a thread has for receiving: memory to receive into, and a block for short packets.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use super::block::{Block, KEPT_SIZE};
use super::storage::Filling;
use super::{Loose, Storage};

/// Up to this size packets are copied into a block that they share. Smaller ones are copied out of what
/// a transport received them into, too: one that somebody keeps should not keep a large block.
pub const SHORT: usize = 2048;
/// The size of such a block, and of the part of a desk that packets share: about as much memory is in use
/// because of one packet that somebody keeps.
pub(super) const SHORTS_SIZE: usize = 16 << 10;

/// Where this thread copies short packets.
struct Shorts(Option<Filling>);

/// What a thread has for receiving.
pub(super) struct Own {
    shorts: RefCell<Shorts>,
    desk: Cell<Option<Filling>>,
}

thread_local! {
    static OWN: Own = const { Own { shorts: RefCell::new(Shorts(None)), desk: Cell::new(None) } };
}

impl Own {
    /// Has `work` done with what the thread has. None: the thread is ending, and keeps nothing.
    #[inline(always)]
    pub(super) fn with<T>(work: impl FnOnce(Option<&Own>) -> T) -> T {
        let own = OWN.try_with(|own| NonNull::from(own)).ok();
        // SAFETY: the thread and what it has outlive this call, in which there is an attempt at most: what
        // the application does in one must not wait, and returns on this thread.
        work(own.map(|own| unsafe { own.as_ref() }))
    }
}

impl Shorts {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) -> Loose {
        if self.0.as_ref().is_none_or(|filling| bytes.len() > filling.room()) {
            self.start_over();
        }
        self.0.as_mut().expect("there is room").copy(bytes)
    }

    /// Begins the block again, or a new one if packets view it.
    #[cold]
    fn start_over(&mut self) {
        let old = self.0.take().filter(|filling| !filling.is_shared());
        let filling = self.0.insert(old.unwrap_or_else(|| Filling::new(SHORTS_SIZE)));
        filling.begin_again();
    }
}

/// Memory to receive datagrams into, one behind the other: the thread's, to which it goes back, unless what
/// has come is kept with the rest of it.
pub struct Desk<'a> {
    filling: Filling,
    own: Option<&'a Own>,
}

impl Desk<'_> {
    /// Has `work` done at a desk with room for `size` bytes.
    #[inline(always)]
    pub fn with<T>(size: usize, work: impl FnOnce(Desk<'_>) -> T) -> T {
        Own::with(
            #[inline(always)]
            |own| {
                let filling = match own.and_then(|own| own.desk.take()) {
                    Some(filling) if filling.end <= SHORTS_SIZE && filling.room() >= size => filling,
                    old => Desk::start_over(old, size),
                };
                work(Desk { filling, own })
            },
        )
    }

    /// Begins the block again, or a new one if packets view it, or it is too small or far too large.
    #[cold]
    fn start_over(old: Option<Filling>, size: usize) -> Filling {
        let capacity = size.saturating_add(SHORTS_SIZE);
        let fits = |old: &Filling| (size..=capacity.max(KEPT_SIZE)).contains(&old.capacity());
        match old.filter(|old| fits(old) && !old.is_shared()) {
            Some(mut old) => {
                old.begin_again();
                old
            }
            None => Filling::new(capacity),
        }
    }

    /// The memory behind earlier packets, all of it initialised.
    #[inline(always)]
    pub fn space(&mut self) -> &mut [u8] {
        self.filling.space()
    }

    /// A packet of the first `count` bytes, and the memory behind them goes back.
    #[inline(always)]
    pub fn take(mut self, count: usize) -> Loose {
        let packet = self.filling.take(count);
        self.go_back();
        packet
    }

    /// Keeps the memory, with the first `count` bytes in it.
    pub fn keep(mut self, count: usize) -> Storage {
        self.filling.start = self.filling.end;
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
pub(super) fn copied(bytes: &[u8], own: Option<&Own>) -> Loose {
    match own {
        Some(own) if bytes.len() <= SHORT => own.shorts.borrow_mut().copy(bytes),
        _ => alone(bytes),
    }
}

/// The same in a block of its own.
#[cold]
fn alone(bytes: &[u8]) -> Loose {
    let block = Block::new(bytes.len().max(1), 1);
    let data = Block::bytes(block);
    // SAFETY: the block is ours alone, and large enough.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.as_ptr(), bytes.len()) };
    Loose { data, size: bytes.len(), block }
}
