//! Being at work on a client.

use std::cell::RefMut;
use std::ops::{Deref, DerefMut};

use super::Inner;
use crate::reactor::event_loop::EventLoop;

/// What is being worked on. Callbacks may run meanwhile, which must not run the loop: it could not tell the
/// client of anything.
pub(super) struct Access<'a> {
    inner: RefMut<'a, Inner>,
    core: &'a EventLoop,
}

impl<'a> Access<'a> {
    #[inline]
    pub(super) fn new(inner: RefMut<'a, Inner>, core: &'a EventLoop) -> Access<'a> {
        core.begin_work();
        Access { inner, core }
    }
}

impl Drop for Access<'_> {
    #[inline]
    fn drop(&mut self) {
        self.core.end_work();
    }
}

impl Deref for Access<'_> {
    type Target = Inner;

    #[inline]
    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl DerefMut for Access<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}
