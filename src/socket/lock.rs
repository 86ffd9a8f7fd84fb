//! A lock that can be waited for until a deadline, and closed by somebody who does not hold it.
//!
//! It survives fork(2): a lock that nobody held works in the child, since all its state is in one
//! word. Built on futex(2).

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

const LOCKED: u32 = 1;
/// Somebody sleeps.
const WAITED_FOR: u32 = 2;
/// Who holds it must look whether its contents are to end.
const CLOSING: u32 = 4;

/// A value that one thread at a time may use.
pub struct Lock<T> {
    word: AtomicU32,
    /// How many threads are in the slow path; they still touch the lock.
    waiting: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through a guard, and there is one guard at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

/// The right to use the value of a [`Lock`].
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// Keeps the guard on its thread.
    _thread: std::marker::PhantomData<*mut T>,
}

impl<T> Lock<T> {
    /// A free lock.
    pub const fn new(value: T) -> Lock<T> {
        Lock { word: AtomicU32::new(0), waiting: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Takes the lock if nobody has it.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        if self.word.compare_exchange(0, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return Some(self.guard());
        }
        self.try_lock_slow()
    }

    #[cold]
    fn try_lock_slow(&self) -> Option<Guard<'_, T>> {
        let taken = self.word.fetch_or(LOCKED, Ordering::Acquire) & LOCKED == 0;
        taken.then(|| self.guard())
    }

    /// Takes the lock, waiting for it until `deadline` (None: for ever).
    #[inline]
    pub fn lock_until(&self, deadline: Option<Instant>) -> Option<Guard<'_, T>> {
        self.try_lock().or_else(|| self.wait(deadline))
    }

    #[cold]
    fn wait(&self, deadline: Option<Instant>) -> Option<Guard<'_, T>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let taken = loop {
            // Who was asleep cannot know whether others still are, so it takes the lock as waited
            // for: one needless wake-up at the end, and none is ever lost.
            let word = self.word.fetch_or(LOCKED | WAITED_FOR, Ordering::Acquire);
            if word & LOCKED == 0 {
                break true;
            }
            if !futex_wait(&self.word, word | LOCKED | WAITED_FOR, deadline) {
                break false;
            }
        };
        let guard = taken.then(|| self.guard());
        self.waiting.fetch_sub(1, Ordering::Release);
        guard
    }

    /// Whether somebody has the lock now.
    pub fn is_locked(&self) -> bool {
        self.word.load(Ordering::Relaxed) & LOCKED != 0
    }

    /// Asks the holder to look at the lock when it lets go ([`Guard::unlock`]), and gives the lock
    /// to the caller if there is no holder.
    pub fn ask_to_close(&self) -> Option<Guard<'_, T>> {
        let word = self.word.fetch_or(CLOSING | LOCKED, Ordering::AcqRel);
        (word & LOCKED == 0).then(|| self.guard())
    }

    /// Waits until no thread is inside: none has the lock, none waits for it. The caller has seen
    /// to it that all who are inside leave soon, and none enters.
    pub fn drain(&self) {
        loop {
            let inside = self.lock_until(None);
            drop(inside);
            if self.waiting.load(Ordering::Acquire) == 0 && !self.is_locked() {
                return;
            }
            std::thread::yield_now();
        }
    }

    fn guard(&self) -> Guard<'_, T> {
        Guard { lock: self, _thread: std::marker::PhantomData }
    }
}

impl<T> Guard<'_, T> {
    /// Lets go; if somebody has asked for it, `close` is run on the value first.
    #[inline]
    pub fn unlock(self, close: impl Fn(&mut T)) {
        if self.lock.word.compare_exchange(LOCKED, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            std::mem::forget(self);
            return;
        }
        self.unlock_slow(close);
    }

    #[cold]
    fn unlock_slow(mut self, close: impl Fn(&mut T)) {
        loop {
            let word = self.lock.word.fetch_and(!CLOSING, Ordering::Acquire);
            if word & CLOSING == 0 {
                break;
            }
            close(&mut self);
        }
        // Asked for between the loop and here? Then `release` finds the bit and begins again.
        if let Err(guard) = self.release() {
            guard.unlock_slow(close);
        }
    }

    /// Lets go, unless the lock is closing.
    fn release(self) -> Result<(), Self> {
        let word = &self.lock.word;
        let mut seen = word.load(Ordering::Relaxed);
        loop {
            if seen & CLOSING != 0 {
                return Err(self);
            }
            match word.compare_exchange_weak(seen, 0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        let word: *const AtomicU32 = word;
        std::mem::forget(self);
        if seen & WAITED_FOR != 0 {
            futex_wake(word);
        }
        Ok(())
    }
}

impl<T> Drop for Guard<'_, T> {
    /// Lets go without looking whether the lock is closing: for panics and short uses.
    fn drop(&mut self) {
        let word = &self.lock.word;
        if word.swap(0, Ordering::Release) & WAITED_FOR != 0 {
            futex_wake(word);
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there is one guard at a time, and this is it.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: there is one guard at a time, and this is it.
        unsafe { &mut *self.lock.value.get() }
    }
}

/// Sleeps while the word is `seen`; false if the deadline has passed.
fn futex_wait(word: &AtomicU32, seen: u32, deadline: Option<Instant>) -> bool {
    let mut left = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let timeout = match deadline {
        None => std::ptr::null(),
        Some(deadline) => {
            let Some(time) = deadline.checked_duration_since(Instant::now()).filter(|time| !time.is_zero())
            else {
                return false;
            };
            left.tv_sec = libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX);
            left.tv_nsec = time.subsec_nanos().into();
            &raw const left
        }
    };
    // SAFETY: the word lives while we wait, the time is NULL or ours. What the call answers does not
    // matter: woken, changed, interrupted or timed out, the caller looks again.
    unsafe {
        let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word.as_ptr(), op, seen, timeout)
    };
    true
}

fn futex_wake(word: *const AtomicU32) {
    // SAFETY: the kernel only uses the address; the word may be gone by now, then nobody sleeps on
    // it and nothing happens.
    unsafe {
        let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word, op, 1)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn one_at_a_time() {
        let lock = Arc::new(Lock::new(0_u64));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let lock = lock.clone();
                std::thread::spawn(move || {
                    for _ in 0..10_000 {
                        let mut guard = lock.lock_until(None).expect("no deadline");
                        let seen = *guard;
                        *guard = std::hint::black_box(seen) + 1;
                        guard.unlock(|_| {});
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        assert_eq!(*lock.try_lock().expect("free"), 40_000);
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let lock = Lock::new(());
        let held = lock.try_lock().expect("free");
        let start = Instant::now();
        assert!(lock.lock_until(Some(start + Duration::from_millis(20))).is_none());
        assert!(start.elapsed() >= Duration::from_millis(20));
        held.unlock(|_| {});
        assert!(lock.try_lock().is_some());
    }

    #[test]
    fn the_holder_closes_what_another_asked_for() {
        let lock = Lock::new(Some(1));
        let held = lock.try_lock().expect("free");
        assert!(lock.ask_to_close().is_none());
        held.unlock(|value| *value = None);
        assert_eq!(*lock.try_lock().expect("free"), None);
    }

    #[test]
    fn without_a_holder_the_asker_closes() {
        let lock = Lock::new(Some(1));
        let guard = lock.ask_to_close().expect("free");
        guard.unlock(|value| *value = None);
        assert_eq!(*lock.try_lock().expect("free"), None);
    }

    #[test]
    fn drained_when_the_last_has_left() {
        let lock = Arc::new(Lock::new(0));
        let held = lock.try_lock().expect("free");
        let waiter = std::thread::spawn({
            let lock = lock.clone();
            move || *lock.lock_until(None).expect("no deadline") += 1
        });
        while lock.waiting.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        held.unlock(|_| {});
        lock.drain();
        assert_eq!(*lock.try_lock().expect("free"), 1);
        waiter.join().expect("no panic");
    }
}
