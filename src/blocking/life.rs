//! Whether a handle may be used: closed, forked away from its threads, or out of service.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{EN_EFORKED, EN_EPANIC, Error, Result};
use crate::socket::{fork, single_threaded};

/// The process that made the handle uses it.
const OWN: u64 = 0;
/// A forked child uses it.
const CHILD: u64 = 1;
/// A forked child cannot use it: it speaks TLS, or another thread was inside at the fork.
const FOREIGN: u64 = 2;
/// Beside these: a call has panicked.
const POISONED: u64 = 4;

/// The state of one handle.
#[derive(Debug)]
pub struct Life {
    closed: AtomicBool,
    /// The generation of the process that was last seen to use it, and what it may do: in one word,
    /// so that of all threads of a child one decides.
    verdict: AtomicU64,
}

impl Life {
    /// A new handle of this process.
    pub fn begin() -> Life {
        fork::watch();
        single_threaded::watch();
        Life { closed: AtomicBool::new(false), verdict: AtomicU64::new(word(fork::generation(), OWN)) }
    }

    /// Whether there is nothing to look at: no fork and no panic since the last look.
    #[inline]
    pub fn is_as_before(&self) -> bool {
        let (verdict, here) = (self.verdict.load(Ordering::Relaxed), fork::known());
        verdict == word(here, OWN) || verdict == word(here, CHILD)
    }

    /// The same, of the process that made the handle: no in a forked child.
    #[inline]
    pub fn is_own(&self) -> bool {
        self.verdict.load(Ordering::Relaxed) == word(fork::known(), OWN)
    }

    /// Looks whether the handle may be used here; `busy` says whether a thread is inside.
    pub fn look(&self, busy: impl Fn() -> bool) -> Result<()> {
        let here = fork::generation();
        loop {
            let seen = self.verdict.load(Ordering::Acquire);
            if seen >> 8 == u64::from(here) {
                return verdict_of(seen & 0xff);
            }
            let now = seen & POISONED
                | match seen & FOREIGN {
                    FOREIGN => FOREIGN,
                    _ if busy() => FOREIGN,
                    _ => CHILD,
                };
            let now = word(here, now);
            let settled = self.verdict.compare_exchange(seen, now, Ordering::AcqRel, Ordering::Relaxed);
            if settled.is_ok() {
                return verdict_of(now & 0xff);
            }
        }
    }

    /// Whether a forked child uses the handle, so that the connection is not its own alone.
    pub fn is_in_child(&self) -> bool {
        let verdict = self.verdict.load(Ordering::Relaxed);
        verdict & (CHILD | FOREIGN) != 0 || verdict >> 8 != u64::from(fork::known())
    }

    /// Whether the handle cannot be used here, because of threads that exist only in the parent.
    pub fn is_foreign(&self) -> bool {
        self.verdict.load(Ordering::Relaxed) & FOREIGN != 0
    }

    /// Takes the handle out of service.
    pub fn poison(&self) {
        self.verdict.fetch_or(POISONED, Ordering::AcqRel);
    }

    /// Closes it; whether it was closed before.
    pub fn close(&self) -> bool {
        self.closed.swap(true, Ordering::SeqCst)
    }

    /// Whether it is closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

fn word(generation: u32, verdict: u64) -> u64 {
    u64::from(generation) << 8 | verdict
}

fn verdict_of(verdict: u64) -> Result<()> {
    if verdict & FOREIGN != 0 {
        let reason = "the handle is the parent's: it speaks TLS, or another thread was using it at the fork; \
                      make a new one";
        return Err(Error::new(EN_EFORKED, reason));
    }
    if verdict & POISONED != 0 {
        return Err(Error::new(EN_EPANIC, "an earlier call has met a bug in easynet: free the handle"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_handle_is_usable_and_closes_once() {
        let life = Life::begin();
        assert!(life.is_as_before());
        life.look(|| true).expect("usable");
        assert!(!life.close());
        assert!(life.close());
    }

    #[test]
    fn in_a_child_a_handle_without_guests_goes_on() {
        let life = Life::begin();
        life.verdict.fetch_sub(1 << 8, Ordering::Relaxed);
        assert!(!life.is_as_before());
        assert!(life.is_in_child());
        life.look(|| false).expect("usable");
        assert!(life.is_as_before() && life.is_in_child());
        life.look(|| true).expect("decided once");
    }

    #[test]
    fn in_a_child_a_handle_with_guests_is_lost() {
        let life = Life::begin();
        life.verdict.fetch_sub(1 << 8, Ordering::Relaxed);
        assert_eq!(life.look(|| true).expect_err("lost").code(), EN_EFORKED);
        assert_eq!(life.look(|| false).expect_err("for good").code(), EN_EFORKED);
        assert!(life.is_foreign());
    }

    #[test]
    fn a_panic_is_for_good() {
        let life = Life::begin();
        life.poison();
        assert!(!life.is_as_before());
        assert_eq!(life.look(|| false).expect_err("poisoned").code(), EN_EPANIC);
    }

    #[test]
    fn a_panic_in_a_child_leaves_it_a_child() {
        let life = Life::begin();
        life.verdict.fetch_sub(1 << 8, Ordering::Relaxed);
        life.look(|| false).expect("usable");
        life.poison();
        assert_eq!(life.look(|| false).expect_err("poisoned").code(), EN_EPANIC);
        assert!(life.is_in_child());
    }
}
