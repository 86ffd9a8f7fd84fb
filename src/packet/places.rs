//! Places for packets, where they stay until the application takes them.

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::slice;

use super::{Loose, Packet};

/// Packets for somebody who takes each where it lies. On its way to the application it would be copied
/// some times, and to read as a whole what was just written in parts takes longer than all the rest.
pub struct Places<'p> {
    pub(super) places: &'p mut [MaybeUninit<Packet>],
    /// There are packets from here on
    pub(super) next: usize,
    /// to here.
    pub(super) end: usize,
    /// Whether packets are most likely released right where they lie.
    pub(super) lends: bool,
}

impl<'p> Places<'p> {
    /// So many there are at most of one's own.
    pub const MOST: usize = 64;
    pub(super) const SPAN: usize = Places::MOST * size_of::<Packet>();

    /// Those of somebody else's, with no packets in them.
    pub fn over(places: &'p mut [MaybeUninit<Packet>]) -> Places<'p> {
        Places { places, next: 0, end: 0, lends: false }
    }

    /// Has `work` done with places of our own, at most so many. What is released in them costs no locked
    /// instruction until [`super::Storage::reclaim`] is called, which must be before the work ends.
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
    pub fn put(&mut self, packet: impl Into<Loose>) -> &mut Packet {
        let place = &mut self.places[self.end];
        self.end += 1;
        write(place, packet.into())
    }

    /// Puts a packet behind the others that `finish` makes what it should be, where it lies; if that fails,
    /// the place is as it was.
    #[inline(always)]
    pub fn put_finished<E>(
        &mut self,
        packet: Loose,
        finish: impl FnOnce(&mut Packet) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = &mut self.places[self.end];
        let before = Before::of(place);
        let outcome = finish(write(place, packet));
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
        Some(unsafe { read(self.places[self.end].as_ptr()) })
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

// Packets go in and out part by part: to read as a whole what was just written in parts takes longer.

/// Puts a packet into a place.
#[inline(always)]
fn write(place: &mut MaybeUninit<Packet>, Loose { data, size, block }: Loose) -> &mut Packet {
    let to = place.as_mut_ptr();
    // SAFETY: the place is ours. Volatile: the compiler would write two parts as one.
    unsafe {
        (&raw mut (*to).data).write_volatile(data);
        (&raw mut (*to).size).write_volatile(size);
        (&raw mut (*to).block).write_volatile(block);
    }
    // SAFETY: all of it was written.
    unsafe { place.assume_init_mut() }
}

/// Takes a packet out of a place.
///
/// # Safety
/// It is there, and is not looked at any more.
#[inline(always)]
unsafe fn read(place: *const Packet) -> Packet {
    // SAFETY: as the caller promises. Volatile: the compiler would read two parts as one.
    unsafe {
        Packet {
            data: (&raw const (*place).data).read_volatile(),
            size: (&raw const (*place).size).read_volatile(),
            block: (&raw const (*place).block).read_volatile(),
        }
    }
}

/// What was in a place.
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
        unsafe { read(self.into_raw()) }
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
        // SAFETY: nobody has taken it, or we would not be dropped.
        unsafe { Packet::release_in(self.block.as_ptr().cast(), self.0.as_ptr()) };
    }
}
