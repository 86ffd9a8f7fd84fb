//! What each process has of its own. A forked child has none of its parent's threads, and perhaps a lock
//! that one of them held.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::fork;

/// A value that is made when a process first asks for it, and never goes away.
pub struct PerProcess<T>(AtomicPtr<Its<T>>);

struct Its<T> {
    generation: u32,
    value: T,
    /// That of the process that forked this one: kept, not to look like a leak.
    _parents: *mut Its<T>,
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    /// No process has any yet.
    pub const fn empty() -> PerProcess<T> {
        PerProcess(AtomicPtr::new(ptr::null_mut()))
    }

    /// That of this process; `make` makes it, and may look at that of the parent.
    pub fn get(&self, make: impl Fn(Option<&T>) -> T) -> &'static T {
        fork::watch();
        loop {
            let seen = self.0.load(Ordering::Acquire);
            // SAFETY: NULL or what is never freed once it is here.
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
