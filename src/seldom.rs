//! What has nothing in it most of the time: it takes memory only while there is something,
//! and one pointer else.

use std::cell::Cell;

/// What may have something in it.
pub(crate) trait Content: Default {
    fn is_empty(&self) -> bool;
}

/// Contents, if there are any.
pub(crate) struct Seldom<T>(Option<Box<T>>);

impl<T> Default for Seldom<T> {
    fn default() -> Seldom<T> {
        Seldom(None)
    }
}

impl<T: Content> Seldom<T> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    /// The contents, to change them but not to take anything out.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// Where to put something in.
    pub(crate) fn put(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }

    /// Takes something out.
    #[inline]
    pub(crate) fn remove<R>(&mut self, remove: impl FnOnce(&mut T) -> Option<R>) -> Option<R> {
        match self.0 {
            None => None,
            Some(_) => self.remove_there(remove),
        }
    }

    #[inline(never)]
    fn remove_there<R>(&mut self, remove: impl FnOnce(&mut T) -> Option<R>) -> Option<R> {
        let contents = self.0.as_mut()?;
        let removed = remove(contents);
        if contents.is_empty() {
            self.0 = None;
        }
        removed
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> T {
        self.0.take().map(|contents| *contents).unwrap_or_default()
    }
}

/// The same where nobody has it for himself.
pub(crate) struct SharedSeldom<T>(Cell<Seldom<T>>);

impl<T> Default for SharedSeldom<T> {
    fn default() -> SharedSeldom<T> {
        SharedSeldom(Cell::default())
    }
}

impl<T: Content> SharedSeldom<T> {
    /// Works on it; what is put in meanwhile would be lost.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Seldom<T>) -> R) -> R {
        let mut contents = self.0.take();
        let outcome = work(&mut contents);
        self.0.set(contents);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Two {
        one: Vec<u32>,
        other: Option<u32>,
    }

    impl Content for Two {
        fn is_empty(&self) -> bool {
            self.one.is_empty() && self.other.is_none()
        }
    }

    #[test]
    fn nothing_is_left_behind() {
        let mut two = Seldom::<Two>::default();
        assert!(two.is_empty() && two.get().is_none() && two.remove(|two| two.other.take()).is_none());
        two.put().one.push(1);
        two.put().other = Some(2);
        assert_eq!(two.remove(|two| two.one.pop()), Some(1));
        assert_eq!(two.get().and_then(|two| two.other), Some(2));
        assert_eq!(two.remove(|two| two.one.pop()), None);
        assert_eq!(two.remove(|two| two.other.take()), Some(2));
        assert!(two.is_empty());
        two.put().one.push(3);
        assert_eq!(two.take().one, [3]);
        assert!(two.is_empty() && two.take().one.is_empty());
    }

    #[test]
    fn it_may_be_shared() {
        let two = SharedSeldom::<Two>::default();
        two.with(|two| two.put().other = Some(1));
        assert_eq!(two.with(|two| two.remove(|two| two.other.take())), Some(1));
        assert!(two.with(|two| two.is_empty()));
    }
}
