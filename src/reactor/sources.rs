//! What a loop watches over, each at a place of its own.

use std::rc::Rc;

/// Places: the lower bits of an operation's number say whose it is.
pub(super) const PLACE_BITS: u32 = 24;

/// Something on a loop: a client, an endpoint, a timer, a watch.
pub(super) trait Source {
    /// Its descriptor may be ready; `to_the_end` says that a receive that is not filled proves nothing
    /// from now on.
    fn ready(self: Rc<Self>, readable: bool, writable: bool, to_the_end: bool);

    /// It has asked to go on later, which is now.
    fn go_on(self: Rc<Self>);

    /// The time of an operation has come.
    fn due(self: Rc<Self>, number: u64);

    /// Ends an operation before its time; nothing if it is not under way any more.
    fn cancel(self: Rc<Self>, number: u64);

    /// The loop ends: completes everything, now.
    fn end(self: Rc<Self>);
}

#[derive(Default)]
pub(super) struct Sources {
    places: Vec<Option<Rc<dyn Source>>>,
    free: Vec<usize>,
}

impl Sources {
    /// Puts one in; its place.
    pub(super) fn add(&mut self, source: Rc<dyn Source>) -> usize {
        match self.free.pop() {
            Some(place) => {
                self.places[place] = Some(source);
                place
            }
            None => {
                self.places.push(Some(source));
                self.places.len() - 1
            }
        }
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<Rc<dyn Source>> {
        let source = self.places.get_mut(place)?.take()?;
        self.free.push(place);
        Some(source)
    }

    #[inline]
    pub(super) fn at(&self, place: usize) -> Option<Rc<dyn Source>> {
        self.places.get(place)?.clone()
    }

    /// Who has an operation.
    pub(super) fn of(&self, number: u64) -> Option<Rc<dyn Source>> {
        self.at((number & ((1 << PLACE_BITS) - 1)) as usize)
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> Vec<Rc<dyn Source>> {
        self.free.clear();
        std::mem::take(&mut self.places).into_iter().flatten().collect()
    }

    /// Whether there is no room for another.
    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty() && self.places.len() >= 1 << PLACE_BITS
    }
}
