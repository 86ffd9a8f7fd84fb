//! Where packets end in the bytes that are gathered of them.

use std::cell::Cell;

/// As many places as this are kept by the thread for its next gathering.
const KEEP: usize = 16 << 10;

thread_local! {
    static KEPT: Cell<Vec<usize>> = const { Cell::new(Vec::new()) };
}

/// Where each packet ends. As long as all have one size, that size is all there is to keep.
#[derive(Debug, Default)]
pub struct Boundaries {
    count: usize,
    last: usize,
    /// The size of each, as long as `each` is empty.
    size: usize,
    /// Where each ends, once their sizes differ.
    each: Vec<usize>,
}

impl Drop for Boundaries {
    fn drop(&mut self) {
        if (1..=KEEP).contains(&self.each.capacity()) {
            // A thread that is ending keeps nothing.
            let _ = KEPT.try_with(|kept| kept.set(std::mem::take(&mut self.each)));
        }
    }
}

impl Boundaries {
    /// Another packet ends here.
    #[inline(always)]
    pub fn push(&mut self, end: usize) {
        let size = end - self.last;
        if self.count == 0 {
            self.size = size;
        } else if size != self.size || self.has_memory() {
            self.push_other(end);
        }
        (self.count, self.last) = (self.count + 1, end);
    }

    /// So many more packets end, each as large as those before it.
    #[inline]
    pub fn push_alike(&mut self, count: usize) {
        debug_assert!(self.only_size().is_some(), "they have one size");
        (self.count, self.last) = (self.count + count, self.last + count * self.size);
    }

    /// The size of each packet, if there are any and all have one.
    #[inline]
    pub fn only_size(&self) -> Option<usize> {
        (self.count > 0 && !self.has_memory()).then_some(self.size)
    }

    #[inline(never)]
    fn push_other(&mut self, end: usize) {
        if !self.has_memory() {
            self.each = KEPT.try_with(Cell::take).unwrap_or_default();
            self.each.clear();
            self.each.extend((1..=self.count).map(|count| count * self.size));
        }
        self.each.push(end);
    }

    /// Whether there is memory to give back: the sizes differ.
    #[inline]
    pub fn has_memory(&self) -> bool {
        self.each.capacity() > 0
    }

    /// How many packets there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Where the first `count` packets end.
    #[inline]
    pub fn after(&self, count: usize) -> usize {
        match count.checked_sub(1) {
            None => 0,
            Some(_) if !self.has_memory() => count * self.size,
            Some(index) => self.each[index],
        }
    }

    /// How many packets, of which so many are known, end at this place or before it.
    pub fn count_to(&self, place: usize, known: usize) -> usize {
        (known..self.count).take_while(|count| self.after(count + 1) <= place).count() + known
    }

    /// Where the next packets behind the first `done` end, at most `most`, if they are several of one size,
    /// not 0, and that size. The last of them may be shorter.
    pub fn alike(&self, done: usize, most: usize) -> Option<(usize, usize)> {
        let most = most.min(self.count - done);
        let begin = self.after(done);
        let size = if most > 0 { self.after(done + 1) - begin } else { 0 };
        if size == 0 {
            return None;
        }
        let is_full = |count: usize| self.after(done + count) == begin + count * size;
        let full = match self.has_memory() {
            true => (1..=most).take_while(|count| is_full(*count)).count(),
            false => most,
        };
        let mut end = self.after(done + full);
        if full < most {
            let behind = self.after(done + full + 1);
            end = if (1..size).contains(&(behind - end)) { behind } else { end };
        }
        (end - begin > size).then_some((end, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sizes: &[usize]) -> Boundaries {
        let mut boundaries = Boundaries::default();
        sizes.iter().fold(0, |end, size| {
            boundaries.push(end + size);
            end + size
        });
        boundaries
    }

    #[test]
    fn one_size_needs_no_memory() {
        let boundaries = of(&[3, 3, 3]);
        assert!(!boundaries.has_memory());
        assert_eq!([0, 1, 2, 3].map(|count| boundaries.after(count)), [0, 3, 6, 9]);
        assert_eq!([0, 2, 3, 8, 9].map(|place| boundaries.count_to(place, 0)), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn sizes_may_differ_from_any_packet_on() {
        for sizes in [&[3, 3, 1, 3][..], &[0, 0, 4, 0], &[1, 0, 0, 1], &[2, 2, 2, 9]] {
            let boundaries = of(sizes);
            assert!(boundaries.has_memory() && boundaries.count() == sizes.len());
            for count in 0..=sizes.len() {
                assert_eq!(boundaries.after(count), sizes[..count].iter().sum::<usize>());
            }
            assert_eq!(boundaries.count_to(sizes.iter().sum(), 1), sizes.len());
        }
    }

    #[test]
    fn packets_without_bytes_end_where_they_begin() {
        let boundaries = of(&[0, 0]);
        assert_eq!((boundaries.count_to(0, 0), boundaries.alike(0, 9)), (2, None));
    }

    #[test]
    fn several_of_one_size_are_found_behind_others() {
        let boundaries = of(&[5, 2, 2, 2, 1, 2]);
        assert_eq!(boundaries.alike(0, 9), Some((7, 5)));
        assert_eq!(boundaries.alike(1, 9), Some((12, 2)));
        assert_eq!(boundaries.alike(1, 2), Some((9, 2)));
        assert_eq!(boundaries.alike(4, 9), None);
        assert_eq!(of(&[4; 7]).alike(2, 3), Some((20, 4)));
        assert_eq!(of(&[4; 7]).alike(6, 3), None);
    }
}
