//! What one call does with a loop, or with what is on one.

use std::ops::Deref;
use std::rc::Rc;
use std::thread;

use crate::reactor::{AsyncClient, EventLoop};

/// A loop, or what is on one.
pub(crate) trait OfLoop {
    /// That loop.
    fn core(&self) -> &EventLoop;
}

impl OfLoop for EventLoop {
    fn core(&self) -> &EventLoop {
        self
    }
}

impl OfLoop for AsyncClient {
    fn core(&self) -> &EventLoop {
        self.core()
    }
}

/// What a call is on: a callback may free its handle meanwhile, and if the call panics, the loop is out of
/// service, and all that is on it: it may have left anything behind.
pub(crate) struct OnLoop<T: OfLoop>(pub(super) Rc<T>);

impl<T: OfLoop> OnLoop<T> {
    /// For who keeps a hold on it.
    pub(crate) fn held(&self) -> &Rc<T> {
        &self.0
    }
}

impl<T: OfLoop> Deref for OnLoop<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: OfLoop> Drop for OnLoop<T> {
    fn drop(&mut self) {
        leave(self.0.core());
    }
}

// A call away: each of hundreds of exports would have its own copy.
#[inline(never)]
fn leave(core: &EventLoop) {
    if thread::panicking() {
        core.end_by_panic();
    }
}
