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
mod tests {
    use super::*;
    use crate::protocol::head::ByteOrder;

    fn rest(gather: &Gather<'_>) -> Vec<u8> {
        gather.with_rest(|slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
    }

    #[test]
    fn a_whole_packet_stays_where_it_lies() {
        let packet = b"as it is";
        Gather::with_whole(packet, |gather| {
            assert_eq!((gather.packets(), gather.len(), gather.copied.end()), (1, 8, 0));
            assert!(gather.only_packet().is_some_and(|only| std::ptr::eq(only, packet)));
            assert_eq!((gather.alike(), gather.unsent_packets().len()), (None, 1));
            gather.advance(3);
            assert_eq!((rest(gather), gather.packets_sent()), (b"it is".to_vec(), 0));
            assert!(!gather.is_between_packets());
            assert_eq!(gather.to_vec(), packet);
            let mut owned = gather.take_owned();
            assert_eq!(rest(&owned), b"it is");
            owned.advance(5);
            assert!(owned.is_sent() && owned.packets_sent() == 1);
        });
        Gather::with_whole(b"", |gather| {
            assert_eq!(
                (gather.only_packet(), gather.packets(), gather.is_empty()),
                (Some(&b""[..]), 1, true)
            );
        });
    }

    #[test]
    fn short_chunks_lie_together_and_long_ones_stay() {
        let long = vec![7; COPY_BELOW];
        let mut gather = Gather::default();
        gather.push(b"ab");
        gather.push(b"cd");
        assert_eq!((gather.copied.end(), gather.lent.pieces.len()), (4, 0));
        gather.push(&long);
        gather.push(b"ef");
        assert_eq!((gather.copied.end(), gather.lent.pieces.len()), (6, 1));
        assert_eq!(gather.len(), COPY_BELOW + 6);
        assert_eq!(rest(&gather), [&b"abcd"[..], &long, b"ef"].concat());
        assert_eq!(gather.with_rest(|slices| slices.len()), 3);
    }

    #[test]
    fn every_place_to_stop_leaves_the_right_rest() {
        let long = vec![7; COPY_BELOW];
        let whole = [&b"abcd"[..], &long, b"ef"].concat();
        let mut gather = Gather::default();
        gather.push(b"abcd");
        gather.push(&long);
        gather.push(b"ef");
        for sent in 0..whole.len() {
            assert_eq!(rest(&gather), whole[sent..]);
            assert!(!gather.is_sent());
            gather.advance(1);
        }
        assert!(gather.is_sent());
    }

    #[test]
    fn going_back_forgets_what_came_since() {
        let long = vec![7; COPY_BELOW];
        let mut gather = Gather::default();
        gather.push(b"ab");
        let mark = gather.sink().mark();
        gather.push(b"cd");
        gather.push(&long);
        gather.sink().go_back(mark);
        gather.push(b"gh");
        assert_eq!(rest(&gather), b"abgh");
        assert_eq!(gather.len(), 4);
    }

    #[test]
    fn packets_come_in_one_piece_each() {
        let long = vec![7; COPY_BELOW];
        let mut gather = Gather::default();
        gather.push(b"ab");
        gather.end_packet();
        gather.end_packet();
        gather.push(b"c");
        gather.push(&long);
        gather.push(b"d");
        gather.end_packet();
        gather.push(&long);
        gather.end_packet();
        let whole = [&b"c"[..], &long, b"d"].concat();
        assert_eq!(gather.unsent_packets(), [&b"ab"[..], b"", &whole, &long]);
        gather.advance_packets(2);
        assert_eq!(gather.unsent_packets(), [&whole[..], &long]);
        assert_eq!((gather.sent(), gather.packets_sent()), (2, 2));
    }

    #[test]
    fn packets_as_large_as_those_before_them_go_behind_such_heads() {
        let max = MaxSize::new(COPY_BELOW).expect("a maximum");
        let head = Head::length(2, ByteOrder::Big, 0, max);
        let small = [&b"sixsix"[..], b"SIXSIX", b"666666", b"shorter"];
        let push_alike = |gather: &mut Gather<'_>, packets: &[&'static [u8]]| {
            let mut packets = packets.iter().map(|packet| Ok(*packet));
            gather.push_alike(&head, &mut packets);
            packets.len()
        };
        let first = |packet: &'static [u8], room: usize| {
            let mut gather = Gather::over(Filled::new());
            gather.copied.enlarge(room);
            gather.sink().push_packet(&head, packet);
            gather.end_packet();
            gather
        };
        let mut gather = first(small[0], 200);
        assert_eq!(push_alike(&mut gather, &small[1..]), 1, "the one that is longer stays");
        assert_eq!((rest(&gather), gather.packets()), (b"\0\x06sixsix\0\x06SIXSIX\0\x06666666".to_vec(), 3));
        gather.advance_packets(2);
        assert_eq!(rest(&gather), b"\0\x06666666");

        let mut gather = first(small[0], 17);
        assert_eq!(push_alike(&mut gather, &small[1..]), 2, "there is memory for one");
        assert_eq!((gather.packets(), gather.len()), (2, 16));

        // Nothing before them, shorter than the widest head with their own, or not copied at all.
        let long: &'static [u8] = &[7; COPY_BELOW];
        assert_eq!(push_alike(&mut Gather::default(), &small), 4);
        assert_eq!(push_alike(&mut first(b"five!", 200), &[b"5five"]), 1);
        assert_eq!(push_alike(&mut first(long, 9000), &[long]), 1);
        let mut mixed = first(small[0], 200);
        mixed.push(b"other");
        mixed.end_packet();
        assert_eq!(push_alike(&mut mixed, &small), 4);

        let many = vec![&long[..998]; 2 * FULL / 1000];
        let mut gather = first(many[0], 3 * FULL);
        let left = push_alike(&mut gather, &many);
        assert!(gather.len() <= FULL && gather.len() > FULL - 1000, "{}", gather.len());
        assert_eq!(left, many.len() + 1 - gather.packets());
    }

    #[test]
    fn packets_of_one_size_are_found_where_they_lie_together() {
        let long = [0; COPY_BELOW];
        let alike = |packets: &[&[u8]], gone: usize| {
            let mut gather = Gather::default();
            for packet in packets {
                gather.push(packet);
                gather.end_packet();
            }
            gather.advance_packets(gone);
            gather.alike().map(|(bytes, size)| (bytes.to_vec(), size))
        };
        assert_eq!(alike(&[b"ab", b"cd", b"ef"], 0), Some((b"abcdef".to_vec(), 2)));
        assert_eq!(alike(&[b"ab", b"cd", b"ef"], 1), Some((b"cdef".to_vec(), 2)));
        assert_eq!(alike(&[b"ab", b"cd", b"e", b"fg"], 0), Some((b"abcde".to_vec(), 2)));
        assert_eq!(alike(&[b"ab", b"c", b"d"], 0), Some((b"abc".to_vec(), 2)));
        assert_eq!(alike(&[b"ab", b"cd", b"", b"ef"], 0), Some((b"abcd".to_vec(), 2)));
        let many = alike(&[&b"ab"[..]; MOST_ALIKE + 1], 0).map(|(bytes, size)| (bytes.len(), size));
        assert_eq!(many, Some((2 * MOST_ALIKE, 2)));
        let none: [&[&[u8]]; 5] = [&[], &[b"ab"], &[b"ab", b"cde"], &[b"", b""], &[b"ab", b"cd", &long]];
        none.iter().for_each(|packets| assert_eq!(alike(packets, 0), None));
        assert_eq!(alike(&[b"ab", b"cd"], 2), None);
    }

    #[test]
    fn whole_packets_are_counted_as_bytes_go() {
        let mut gather = Gather::default();
        for packet in [&b"ab"[..], b"", b"cde"] {
            gather.push(packet);
            gather.end_packet();
        }
        assert!(gather.is_between_packets());
        gather.advance(1);
        assert_eq!(gather.packets_sent(), 0);
        assert!(!gather.is_between_packets());
        gather.advance(1);
        assert_eq!(gather.packets_sent(), 2);
        assert!(gather.is_between_packets());
        gather.advance(3);
        assert_eq!(gather.packets_sent(), 3);
    }

    #[test]
    #[cfg(target_pointer_width = "32")]
    fn what_could_not_be_counted_is_not_gathered() {
        let long = vec![7; 16 << 20];
        let mut gather = Gather::default();
        while !gather.is_vast() {
            gather.push(&long);
            gather.end_packet();
        }
        assert_eq!((gather.packets(), gather.len()), (64, 1 << 30));
        assert!(gather.len().checked_add(MaxSize::LARGEST).is_some());
    }

    #[test]
    fn more_chunks_than_a_call_takes_go_in_steps() {
        let long = vec![7; COPY_BELOW];
        let mut gather = Gather::default();
        for _ in 0..MOST_SLICES + 1 {
            gather.push(&long);
        }
        let first = gather.with_rest(|slices| slices.iter().map(|slice| slice.len()).sum::<usize>());
        assert_eq!(first, MOST_SLICES * COPY_BELOW);
        gather.advance(first);
        assert_eq!(rest(&gather).len(), COPY_BELOW);
        let mut copy = vec![0; gather.len()];
        gather.copy_to(&mut copy);
        assert_eq!(copy, gather.to_vec());
    }
}
