//! A queue that takes memory only while there is something in it: most clients wait for nothing most
//! of the time.

use std::cell::Cell;
use std::collections::VecDeque;

/// What waits for its turn.
// One pointer while it is empty.
#[allow(clippy::box_collection)]
pub(super) struct Queue<T>(Option<Box<VecDeque<T>>>);

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue(None)
    }
}

impl<T> Queue<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |items| items.len())
    }

    /// Where the first one is that has it.
    pub(super) fn position(&self, has: impl FnMut(&T) -> bool) -> Option<usize> {
        self.0.as_ref()?.iter().position(has)
    }

    pub(super) fn push_back(&mut self, item: T) {
        self.0.get_or_insert_default().push_back(item);
    }

    pub(super) fn front(&self) -> Option<&T> {
        self.0.as_ref()?.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()?.front_mut()
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<T> {
        match self.0 {
            None => None,
            Some(_) => self.remove(0),
        }
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<T> {
        let items = self.0.as_mut()?;
        let item = items.remove(index);
        if items.is_empty() {
            self.0 = None;
        }
        item
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.0.take().into_iter().flat_map(|items| *items)
    }
}

/// The same where nobody has it for himself.
pub(super) struct SharedQueue<T>(Cell<Queue<T>>);

impl<T> Default for SharedQueue<T> {
    fn default() -> SharedQueue<T> {
        SharedQueue(Cell::default())
    }
}

impl<T> SharedQueue<T> {
    fn with<R>(&self, work: impl FnOnce(&mut Queue<T>) -> R) -> R {
        let mut queue = self.0.take();
        let outcome = work(&mut queue);
        self.0.set(queue);
        outcome
    }

    pub(super) fn is_empty(&self) -> bool {
        self.with(|queue| queue.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.with(|queue| queue.len())
    }

    pub(super) fn push_back(&self, item: T) {
        self.with(|queue| queue.push_back(item));
    }

    pub(super) fn pop_front(&self) -> Option<T> {
        self.with(Queue::pop_front)
    }

    /// Takes everything out.
    pub(super) fn take(&self) -> impl Iterator<Item = T> + use<T> {
        self.0.take().take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_in_their_order_and_leave_nothing_behind() {
        let mut queue = Queue::default();
        (1..=4).for_each(|item| queue.push_back(item));
        assert_eq!((queue.remove(1), queue.remove(7), queue.len()), (Some(2), None, 3));
        assert_eq!(queue.pop_front(), Some(1));
        queue.front_mut().into_iter().for_each(|item| *item += 10);
        assert_eq!((queue.position(|item| *item == 4), queue.position(|item| *item == 5)), (Some(1), None));
        assert_eq!(queue.take().collect::<Vec<_>>(), [13, 4]);
        assert!(queue.is_empty());
        queue.push_back(5);
        assert_eq!((queue.pop_front(), queue.pop_front()), (Some(5), None));
        assert!(queue.0.is_none());
    }
}
