//! A switch that any thread, and a signal handler, may throw.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::error::{EN_ECANCELED, Error, Result};
use crate::socket::eventfd::EventFd;
use crate::socket::fork;

/// Ends calls that wait.
#[derive(Debug)]
pub struct Cancel {
    thrown: AtomicBool,
    event: EventFd,
    /// How often throwing it has begun and ended: who puts it back sees whether it was thrown
    /// meanwhile, and by halves.
    begun: AtomicU32,
    ended: AtomicU32,
    /// The process that the event belongs to: a forked child has a switch of its own. With [`PARTING`],
    /// that process is about to make it its own.
    generation: AtomicU32,
    /// How many are inside who change it, and in the upper half the process that they are of.
    inside: AtomicU64,
}

/// Being inside: as long as it lasts, the switch stays.
struct Inside<'a>(&'a Cancel);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Release);
    }
}

/// No generation of a process is as large.
const PARTING: u32 = 1 << 31;

impl Cancel {
    /// A switch, not thrown.
    pub fn new() -> Result<Cancel> {
        fork::watch();
        let event = EventFd::new()?;
        let (begun, ended) = (AtomicU32::new(0), AtomicU32::new(0));
        let generation = AtomicU32::new(fork::generation());
        let (thrown, inside) = (AtomicBool::new(false), AtomicU64::new(0));
        Ok(Cancel { thrown, event, begun, ended, generation, inside })
    }

    /// Who sees the change that somebody makes may free the switch before that one is through.
    fn enter(&self) -> Inside<'_> {
        let nobody = nobody_here();
        let mut seen = self.inside.load(Ordering::Relaxed);
        // In a forked child the parent's threads are not here.
        while let Err(now) =
            self.inside.compare_exchange(seen, seen.max(nobody) + 1, Ordering::Relaxed, Ordering::Relaxed)
        {
            seen = now;
        }
        Inside(self)
    }

    /// Waits until all who have begun to change it are through; nobody begins any more.
    pub fn wait_until_alone(&self) {
        while self.inside.load(Ordering::Acquire) > nobody_here() {
            std::thread::yield_now();
        }
    }

    /// In a forked child, parts with the parent's: thrown or not, it stays as it was at the fork.
    #[inline]
    fn part_after_fork(&self) {
        if self.generation.load(Ordering::Acquire) != fork::generation() {
            self.part();
        }
    }

    /// Until then nobody may wait by the event: it is the parent's.
    #[cold]
    fn part(&self) {
        while !self.try_part() {
            std::thread::yield_now();
        }
    }

    /// Parts, unless somebody else is at it; whether the event is this process's now.
    fn try_part(&self) -> bool {
        let (seen, here) = (self.generation.load(Ordering::SeqCst), fork::generation());
        if seen == here {
            return true;
        }
        let mine = here | PARTING;
        if seen == mine
            || self.generation.compare_exchange(seen, mine, Ordering::SeqCst, Ordering::SeqCst).is_err()
        {
            return false;
        }
        self.event.renew();
        // Who was throwing it is not here, and nobody here has begun to.
        self.ended.store(self.begun.load(Ordering::SeqCst), Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.generation.store(here, Ordering::SeqCst);
        if self.thrown.load(Ordering::SeqCst) {
            self.event.signal();
        }
        self.ended.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// Throws it. Does nothing that a signal handler must not do.
    pub fn trigger(&self) {
        let _inside = self.enter();
        self.thrown.store(true, Ordering::SeqCst);
        // It may have interrupted who parts, so it must not wait; who parts looks whether it is thrown.
        if self.try_part() {
            self.throw();
        }
    }

    fn throw(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.thrown.store(true, Ordering::SeqCst);
        self.event.signal();
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    /// Puts it back.
    pub fn reset(&self) {
        let _inside = self.enter();
        self.part_after_fork();
        loop {
            let ended = self.ended.load(Ordering::SeqCst);
            self.thrown.store(false, Ordering::SeqCst);
            self.event.drain();
            // All that has begun by now had ended before.
            if self.begun.load(Ordering::SeqCst) == ended {
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Whether it is thrown.
    pub fn is_triggered(&self) -> bool {
        self.thrown.load(Ordering::SeqCst)
    }

    /// `EN_ECANCELED` if it is thrown.
    pub fn check(&self) -> Result<()> {
        match self.is_triggered() {
            true => Err(Error::new(EN_ECANCELED, "the cancel switch was thrown")),
            false => Ok(()),
        }
    }
}

impl AsFd for Cancel {
    /// Readable while the switch is thrown: this process's.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.part_after_fork();
        self.event.as_fd()
    }
}

/// What [`Cancel::inside`] is when nobody of this process is. Later processes have larger numbers.
fn nobody_here() -> u64 {
    u64::from(fork::generation()) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thrown_and_put_back_at_once_it_is_one_or_the_other() {
        let cancel = Cancel::new().expect("an eventfd");
        for _ in 0..2000 {
            std::thread::scope(|scope| {
                scope.spawn(|| cancel.trigger());
                cancel.reset();
            });
            assert_eq!(cancel.is_triggered(), cancel.event.is_readable());
            cancel.reset();
            assert!(!cancel.is_triggered() && !cancel.event.is_readable());
        }
    }
}
