//! Memory that is filled from its front.

use super::Head;

/// Bytes, and behind them memory that may be written to as it is.
#[derive(Debug, Default)]
pub struct Filled {
    memory: Vec<u8>,
    end: usize,
}

impl From<Vec<u8>> for Filled {
    fn from(memory: Vec<u8>) -> Filled {
        Filled { end: memory.len(), memory }
    }
}

impl Filled {
    /// Nothing, without memory.
    #[inline]
    pub const fn new() -> Filled {
        Filled { memory: Vec::new(), end: 0 }
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[..self.end]
    }

    /// Where they end: how many there are.
    #[inline]
    pub fn end(&self) -> usize {
        self.end
    }

    /// For how many there is memory.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// Has memory for so many and no more, which is more than before.
    #[inline(never)]
    pub fn enlarge(&mut self, capacity: usize) {
        self.memory.reserve_exact(capacity - self.memory.len());
        self.memory.resize(capacity, 0);
    }

    /// Forgets the bytes behind the first so many.
    #[inline]
    pub fn truncate(&mut self, end: usize) {
        self.end = self.end.min(end);
    }

    /// Forgets the first so many bytes.
    pub fn drop_first(&mut self, count: usize) {
        self.memory.copy_within(count..self.end, 0);
        self.end -= count;
    }

    /// Appends so many bytes: the memory where they go, as it is.
    #[inline]
    pub fn append(&mut self, count: usize) -> &mut [u8] {
        let begin = self.end;
        if self.memory.len() - begin < count {
            self.grow(count);
        }
        self.end += count;
        &mut self.memory[begin..self.end]
    }

    #[cold]
    fn grow(&mut self, count: usize) {
        self.memory.truncate(self.end);
        self.memory.reserve(count);
        self.memory.resize(self.memory.capacity(), 0);
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.append(bytes.len()).copy_from_slice(bytes);
    }

    /// Appends what goes before a packet of so many bytes.
    #[inline]
    pub fn push_head(&mut self, head: &Head, size: usize) {
        // To copy only what counts would be a call.
        self.push(&head.wide(size));
        self.end -= Head::WIDEST - head.width();
    }

    /// Appends what `fill` writes, so many bytes, to the memory that is there, but not beyond `most` bytes in
    /// all; whether it did.
    #[inline(always)]
    pub fn fill_to(&mut self, most: usize, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        let most = most.min(self.memory.len());
        let Some(count) = self.memory.get_mut(self.end..most).and_then(fill) else { return false };
        self.end += count;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::MaxSize;
    use crate::protocol::head::ByteOrder;

    #[test]
    fn it_takes_memory_only_where_there_is_none() {
        let mut filled = Filled::new();
        filled.push(b"abc");
        filled.truncate(1);
        filled.push(b"de");
        assert_eq!((filled.bytes(), filled.end()), (&b"ade"[..], 3));
        let capacity = filled.capacity();
        assert!(capacity >= 3);
        filled.append(capacity - 3).fill(b'f');
        assert_eq!((filled.end(), filled.capacity()), (capacity, capacity));
        filled.push(b"g");
        assert!(filled.bytes().starts_with(b"ade") && filled.bytes().ends_with(b"g"));
        filled.truncate(3);
        filled.drop_first(2);
        assert_eq!(filled.bytes(), b"e");
    }

    #[test]
    fn a_head_takes_no_more_than_its_bytes() {
        let mut filled = Filled::from(b"a".to_vec());
        let max = MaxSize::new(9).expect("a maximum");
        filled.push_head(&Head::length(2, ByteOrder::Big, 0, max), 5);
        filled.push_head(&Head::nothing(max), 5);
        assert_eq!(filled.bytes(), b"a\0\x05");
    }

    #[test]
    fn what_was_not_filled_does_not_count() {
        let mut filled = Filled::from(b"ab".to_vec());
        filled.enlarge(8);
        let cde = |room: &mut [u8]| {
            room[..3].copy_from_slice(b"cde");
            (room.len() == 4).then_some(3)
        };
        assert!(!filled.fill_to(9, cde) && !filled.fill_to(1, cde));
        assert_eq!(filled.bytes(), b"ab");
        assert!(filled.fill_to(6, cde));
        assert_eq!((filled.bytes(), filled.capacity()), (&b"abcde"[..], 8));
    }

    #[test]
    fn it_is_enlarged_to_what_is_said() {
        let mut filled = Filled::from(b"ab".to_vec());
        filled.enlarge(6);
        assert_eq!((filled.bytes(), filled.memory.capacity(), filled.capacity()), (&b"ab"[..], 6, 6));
    }
}
