//! What each process has of its own. A forked child has none of its parent's threads, and perhaps a lock
//! that one of them held.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::fork;

/// A value that is made when a process first asks for it, and then stays as long as this does.
pub struct PerProcess<T>(AtomicPtr<Its<T>>);

struct Its<T> {
    generation: u32,
    value: T,
    /// That of the process that forked this one: kept, not to look like a leak.
    _parents: *mut Its<T>,
}

// SAFETY: as with a lock that is only shared: the value may be used and dropped by any thread.
unsafe impl<T: Send + Sync> Send for PerProcess<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for PerProcess<T> {}

impl<T> PerProcess<T> {
    /// No process has any yet.
    pub const fn empty() -> PerProcess<T> {
        PerProcess(AtomicPtr::new(ptr::null_mut()))
    }

    /// That of this process; `make` makes it, and may look at that of the parent.
    pub fn get(&self, make: impl Fn(Option<&T>) -> T) -> &T {
        fork::watch();
        loop {
            let seen = self.0.load(Ordering::Acquire);
            // SAFETY: NULL or what is not freed before we are, once it is here.
            let last = unsafe { seen.as_ref() };
            let generation = fork::generation();
            if let Some(its) = last.filter(|its| its.generation == generation) {
                return &its.value;
            }
            let value = make(last.map(|parents| &parents.value));
            let new = Box::into_raw(Box::new(Its { generation, value, _parents: seen }));
            if self.0.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: it came from a box and nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
            }
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let its = *self.0.get_mut();
        // SAFETY: NULL or what only we free.
        let is_ours = unsafe { its.as_ref() }.is_some_and(|its| its.generation == fork::generation());
        if is_ours {
            // SAFETY: it came from a box. A parent's stays as it was: some thread of it may have been at it.
            drop(unsafe { Box::from_raw(its) });
        }
    }
}
