//! Bytes on their way out, gathered from many places: short ones are copied together, long ones
//! stay where they are.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::IoSlice;
use std::mem::ManuallyDrop;

use super::Head;
use super::MaxSize;
use super::boundaries::Boundaries;
use super::filled::Filled;
use super::sink::{COPY_BELOW, LentPieces, Sink};
use crate::error::Result;

/// So many copied bytes are enough for one system call.
const FULL: usize = 64 << 10;

/// Memory up to this size is kept by the thread for its next gathering.
const KEEP: usize = 128 << 10;

/// So many packets of one size are looked for: no system call takes more.
const MOST_ALIKE: usize = 64;

/// How many entries one system call takes (IOV_MAX on Linux).
const MOST_SLICES: usize = 1024;

thread_local! {
    static BYTES: Cell<Filled> = const { Cell::new(Filled::new()) };
}

/// What goes out with the next system calls: a cursor over bytes that are copied or lent.
#[derive(Debug)]
pub struct Gather<'a> {
    copied: Filled,
    lent: LentPieces<'a>,
    /// One packet, in one piece, and nothing beside it. Its bytes count as lent.
    whole: Option<&'a [u8]>,
    sent: usize,
    /// Where the packets end, and how many of them have gone out.
    boundaries: Boundaries,
    done: usize,
}

impl Default for Gather<'_> {
    #[inline]
    fn default() -> Self {
        let mut bytes = BYTES.try_with(Cell::take).unwrap_or_default();
        bytes.truncate(0);
        Gather::over(bytes)
    }
}

impl Drop for Gather<'_> {
    fn drop(&mut self) {
        self.give_back_bytes();
    }
}

impl<'a> Gather<'a> {
    #[inline]
    fn over(copied: Filled) -> Gather<'a> {
        Gather {
            copied,
            lent: LentPieces::default(),
            whole: None,
            sent: 0,
            boundaries: Boundaries::default(),
            done: 0,
        }
    }

    /// What appends to it.
    #[inline]
    pub fn sink(&mut self) -> Sink<'a, '_> {
        debug_assert!(self.whole.is_none(), "nothing goes beside a whole packet");
        Sink::new(&mut self.copied, &mut self.lent)
    }

    /// Has something done with a new one. As a rule there is only the memory of the copied bytes to
    /// give back then, which takes less than to end it in full.
    #[inline(always)]
    pub fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        let mut gather = ManuallyDrop::new(Gather::default());
        let outcome = work(&mut gather);
        gather.give_back_bytes();
        if !gather.lent.has_no_memory() || gather.boundaries.has_memory() {
            drop(ManuallyDrop::into_inner(gather));
        }
        outcome
    }

    /// Has something done with one packet that goes out as it is, however short it is.
    #[inline(always)]
    pub fn with_whole<T>(packet: &'a [u8], work: impl FnOnce(&mut Self) -> T) -> T {
        // There is no memory to give back.
        let mut gather = ManuallyDrop::new(Gather::over(Filled::new()));
        gather.whole = Some(packet);
        gather.lent.len = packet.len();
        gather.end_packet();
        work(&mut gather)
    }

    #[inline(always)]
    fn give_back_bytes(&mut self) {
        let bytes = std::mem::take(&mut self.copied);
        if (1..=KEEP).contains(&bytes.capacity()) {
            // A thread that is ending keeps nothing.
            let _ = BYTES.try_with(
                #[inline(always)]
                |kept| kept.set(bytes),
            );
        }
    }

    /// Appends bytes: short ones by a copy, long ones as they are.
    #[inline]
    pub fn push(&mut self, bytes: &'a [u8]) {
        self.sink().push(bytes);
    }

    /// Takes what there is, with copies of what is lent: it may outlive those who lent it.
    pub fn take_owned(&mut self) -> Gather<'static> {
        let copied = if self.lent.len > 0 { self.to_vec().into() } else { std::mem::take(&mut self.copied) };
        let boundaries = std::mem::take(&mut self.boundaries);
        let Gather { sent, done, .. } = *self;
        Gather { copied, lent: LentPieces::default(), whole: None, sent, boundaries, done }
    }

    /// Appends packets with such a head, one behind the other, for as long as each is as large as those
    /// before it and there is memory for them.
    #[inline(always)]
    pub fn push_alike<'p>(
        &mut self,
        head: &Head,
        packets: &mut (impl Iterator<Item = Result<&'p [u8]>> + Clone),
    ) {
        // The widest head, which is written as a whole, fits into each of them.
        let alike = Head::WIDEST..COPY_BELOW;
        let Some(each) = self.boundaries.only_size().filter(|size| alike.contains(size)) else { return };
        let (width, size) = (head.width(), each - head.width());
        let front = head.wide(size);
        let (mut rest, mut next) = (packets.clone(), packets.clone());
        let mut count = 0;
        let has_filled = self.copied.fill_to(FULL, |room| {
            let mut places = room.chunks_exact_mut(each);
            while let Some(Ok(packet)) = next.next()
                && packet.len() == size
                && let Some(place) = places.next()
            {
                *place.first_chunk_mut()? = front;
                place.get_mut(width..)?.copy_from_slice(packet);
                count += 1;
                rest = next.clone();
            }
            Some(count * each)
        });
        if has_filled {
            *packets = rest;
            self.boundaries.push_alike(count);
        }
    }

    /// How many bytes were appended.
    #[inline]
    pub fn len(&self) -> usize {
        self.copied.end() + self.lent.len
    }

    /// Whether what there is goes out before more is appended.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.copied.end() >= FULL || self.lent.pieces.len() >= MOST_SLICES / 2 || self.is_vast()
    }

    /// Whether there are so many that with another packet they could be more than can be counted, as with 32
    /// bits the same memory may be given many times over.
    #[inline]
    pub fn is_vast(&self) -> bool {
        usize::BITS < 64 && self.len() > MaxSize::LARGEST / 2
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes have gone out.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Whether all have.
    pub fn is_sent(&self) -> bool {
        self.sent == self.len()
    }

    /// Whether what has gone out ends with a whole packet, or nothing has.
    pub fn is_between_packets(&self) -> bool {
        self.sent == self.boundaries.after(self.done)
    }

    /// So many more bytes have gone out.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        match self.len() - self.sent <= count {
            true => (self.sent, self.done) = (self.len(), self.packets()),
            false => self.advance_by_part(count),
        }
    }

    #[cold]
    fn advance_by_part(&mut self, count: usize) {
        self.sent += count;
        self.done = self.boundaries.count_to(self.sent, self.done);
    }

    /// So many more packets have gone out.
    #[inline]
    pub fn advance_packets(&mut self, count: usize) {
        match self.packets() - self.done <= count {
            true => (self.sent, self.done) = (self.len(), self.packets()),
            false => {
                self.done += count;
                self.sent = self.boundaries.after(self.done);
            }
        }
    }

    /// What was appended since the last call is a packet.
    #[inline]
    pub fn end_packet(&mut self) {
        self.boundaries.push(self.len());
    }

    /// How many packets there are.
    pub fn packets(&self) -> usize {
        self.boundaries.count()
    }

    /// How many packets have gone out.
    pub fn packets_sent(&self) -> usize {
        self.done
    }

    /// The packet, if there is one only and it lies in one piece.
    pub fn only_packet(&self) -> Option<&[u8]> {
        self.whole.or_else(|| match (self.packets(), &self.lent.pieces[..], self.copied.bytes()) {
            (1, [], copied) => Some(copied),
            (1, [(_, lent)], []) => Some(lent),
            _ => None,
        })
    }

    /// The bytes of the next packets, if they are several of one size, not 0, that lie one behind the
    /// other, and that size. The last of them may be shorter.
    pub fn alike(&self) -> Option<(&[u8], usize)> {
        if self.lent.len > 0 {
            return None;
        }
        let (end, size) = self.boundaries.alike(self.done, MOST_ALIKE)?;
        Some((&self.copied.bytes()[self.sent..end], size))
    }

    /// The packets that have not gone out, each in one piece.
    pub fn unsent_packets(&self) -> Vec<Cow<'_, [u8]>> {
        let mut chunks = self.chunks().filter(|bytes| !bytes.is_empty());
        let mut rest: &[u8] = &[];
        let mut packets = Vec::with_capacity(self.packets() - self.done);
        for index in 0..self.packets() {
            let size = self.boundaries.after(index + 1) - self.boundaries.after(index);
            let packet = take(&mut rest, &mut chunks, size);
            if index >= self.done {
                packets.push(packet);
            }
        }
        packets
    }

    /// Hands what is left, as far as one system call takes it, to `send`.
    #[inline(always)]
    pub fn with_rest<T>(&self, send: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        match self.lent.is_empty() {
            true => send(&[IoSlice::new(&self.whole.unwrap_or(self.copied.bytes())[self.sent..])]),
            false => send(&self.rest()),
        }
    }

    /// Whether something can be said of what is left, compiled once.
    #[cold]
    #[inline(never)]
    pub fn has_rest(&self, that: &mut dyn FnMut(&[IoSlice<'_>]) -> bool) -> bool {
        self.with_rest(that)
    }

    fn rest(&self) -> Vec<IoSlice<'_>> {
        let mut skip = self.sent;
        let mut slices = Vec::with_capacity((2 * self.lent.pieces.len() + 1).min(MOST_SLICES));
        for bytes in self.chunks() {
            let skipped = skip.min(bytes.len());
            skip -= skipped;
            if skipped < bytes.len() {
                slices.push(IoSlice::new(&bytes[skipped..]));
            }
            if slices.len() == MOST_SLICES {
                break;
            }
        }
        slices
    }

    /// Everything in its order.
    fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.lent.pieces.iter().map(|(place, _)| *place));
        let ends = self.lent.pieces.iter().map(|(place, _)| *place).chain([self.copied.end()]);
        let lent = self.lent.pieces.iter().map(|(_, bytes)| *bytes).chain([&[][..]]);
        starts
            .zip(ends)
            .zip(lent)
            .flat_map(|((start, end), lent)| [&self.copied.bytes()[start..end], lent])
            .chain(self.whole)
    }

    /// A copy of everything.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        self.chunks().for_each(|bytes| all.extend_from_slice(bytes));
        all
    }

    /// Copies everything into `buffer`, which has exactly that size.
    pub fn copy_to(&self, mut buffer: &mut [u8]) {
        for bytes in self.chunks() {
            let (here, behind) = buffer.split_at_mut(bytes.len());
            here.copy_from_slice(bytes);
            buffer = behind;
        }
    }
}

/// The next `size` bytes of `rest` and the chunks behind it: where they lie, if they lie together.
fn take<'c>(rest: &mut &'c [u8], chunks: &mut impl Iterator<Item = &'c [u8]>, size: usize) -> Cow<'c, [u8]> {
    if rest.is_empty() && size > 0 {
        *rest = chunks.next().unwrap_or_default();
    }
    let (first, behind) = rest.split_at(size.min(rest.len()));
    *rest = behind;
    match size - first.len() {
        missing @ 1.. if !first.is_empty() => Cow::Owned([first, &take(rest, chunks, missing)].concat()),
        _ => Cow::Borrowed(first),
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
