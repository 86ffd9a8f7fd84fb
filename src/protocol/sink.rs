//! Where a protocol puts the bytes of a packet: short pieces are copied together, long ones stay
//! where they are.

use super::Head;
use super::filled::Filled;

/// Below this size copying costs less than one more entry in a system call's list.
pub const COPY_BELOW: usize = 4096;

/// What the bytes of packets are appended to.
#[derive(Debug)]
pub struct Sink<'a, 'o> {
    copied: &'o mut Filled,
    /// None: all is copied.
    lent: Option<&'o mut LentPieces<'a>>,
}

/// Pieces that stay where they are.
#[derive(Debug, Default)]
pub struct LentPieces<'a> {
    /// Each with the number of copied bytes that go before it.
    pub(super) pieces: Vec<(usize, &'a [u8])>,
    /// How many bytes they have together.
    pub(super) len: usize,
}

/// A place to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    copied: usize,
    pieces: usize,
    len: usize,
}

impl<'a, 'o> Sink<'a, 'o> {
    /// Appends behind what is there.
    #[inline]
    pub fn new(copied: &'o mut Filled, lent: &'o mut LentPieces<'a>) -> Sink<'a, 'o> {
        Sink { copied, lent: Some(lent) }
    }

    /// The same, with all pieces copied.
    #[inline]
    pub fn copying(copied: &'o mut Filled) -> Sink<'a, 'o> {
        Sink { copied, lent: None }
    }

    /// Appends bytes: short ones by a copy, long ones as they are.
    #[inline]
    pub fn push(&mut self, bytes: &'a [u8]) {
        match &mut self.lent {
            Some(lent) if bytes.len() >= COPY_BELOW => lent.push(self.copied.end(), bytes),
            _ => self.push_copy(bytes),
        }
    }

    /// Appends a packet behind its head.
    #[inline(always)]
    pub fn push_packet(&mut self, head: &Head, packet: &'a [u8]) {
        if !head.is_nothing() {
            self.push_head(head, packet.len());
        }
        self.push(packet);
    }

    /// Appends the parts of a packet.
    #[inline]
    pub fn push_all(&mut self, parts: &[&'a [u8]]) {
        match parts {
            [part] => self.push(part),
            parts => self.push_each(parts),
        }
    }

    #[inline(never)]
    fn push_each(&mut self, parts: &[&'a [u8]]) {
        parts.iter().for_each(|part| self.push(part));
    }

    /// Appends what goes before a packet of so many bytes.
    #[inline]
    pub fn push_head(&mut self, head: &Head, size: usize) {
        self.copied.push_head(head, size);
    }

    /// Appends a copy of bytes.
    #[inline]
    pub fn push_copy(&mut self, bytes: &[u8]) {
        self.copied.push(bytes);
    }

    /// The place to go back to when what follows fails.
    #[inline]
    pub fn mark(&self) -> Mark {
        let (pieces, len) = self.lent.as_ref().map_or((0, 0), |lent| (lent.pieces.len(), lent.len));
        Mark { copied: self.copied.end(), pieces, len }
    }

    /// Forgets what was appended since.
    pub fn go_back(&mut self, mark: Mark) {
        self.copied.truncate(mark.copied);
        if let Some(lent) = &mut self.lent {
            lent.pieces.truncate(mark.pieces);
            lent.len = mark.len;
        }
    }
}

impl<'a> LentPieces<'a> {
    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it is as new.
    #[inline]
    pub(super) fn has_no_memory(&self) -> bool {
        self.pieces.capacity() == 0
    }

    #[cold]
    fn push(&mut self, place: usize, bytes: &'a [u8]) {
        self.pieces.push((place, bytes));
        self.len += bytes.len();
    }
}
