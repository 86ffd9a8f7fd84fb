//! A value that one thread at a time may use, that can be waited for until a deadline, and that
//! anybody may close: then nobody gets it any more, and the last thread to leave drops it.
//!
//! All state is in one word, so it survives fork(2): a slot with nobody inside works in the child.
//! Built on futex(2).

use std::cell::UnsafeCell;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::timespec::timespec;
use crate::threads;

/// Somebody uses the value.
const LOCKED: u32 = 1;
/// Nobody gets the value any more, but those who were inside when it was closed.
const CLOSED: u32 = 2;
/// The value is gone.
const EMPTY: u32 = 4;
/// Somebody may sleep until the word changes. It stays until nobody is inside.
const SLEEPS: u32 = 8;
/// Who uses the value is soon through with it.
const BRIEF: u32 = 16;
/// One thread inside: it uses the value, waits for it, or needs it to stay.
const ONE: u32 = 32;

/// The place of a value.
pub struct Slot<T> {
    word: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is reached only by who has set LOCKED, and that is one thread at a time.
unsafe impl<T: Send> Sync for Slot<T> {}

/// Why the value cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The deadline has passed.
    TimedOut,
    /// It is closed.
    Closed,
    /// A signal has come.
    Signalled,
    /// Somebody uses it, and nobody knows for how long.
    Busy,
}

/// Who does not wait to the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Impatient {
    /// No longer than until a signal comes.
    pub with_signals: bool,
    /// For nobody but who has the value briefly.
    pub with_others: bool,
}

/// Why a thread sleeps no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    /// The word may have changed.
    Changed,
    TimedOut,
    Signalled,
}

impl<T> Slot<T> {
    /// A slot with a value in it.
    pub const fn new(value: T) -> Slot<T> {
        Slot { word: AtomicU32::new(0), value: UnsafeCell::new(Some(value)) }
    }

    /// The value, if nobody uses it and it is not closed.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        // SeqCst: who comes in and then looks whether the client is closed, and who closes it and then
        // looks whether somebody is inside, must not both miss each other.
        if threads::exchange(&self.word, 0, LOCKED | ONE, Ordering::SeqCst) {
            return Some(Guard::new(self));
        }
        self.try_lock_slow(LOCKED)
    }

    /// The same for who is soon through with it.
    pub fn try_lock_briefly(&self) -> Option<Guard<'_, T>> {
        self.try_lock_slow(LOCKED | BRIEF)
    }

    #[cold]
    fn try_lock_slow(&self, lock: u32) -> Option<Guard<'_, T>> {
        let mut seen = self.word.load(Ordering::Relaxed);
        while seen & (LOCKED | CLOSED) == 0 {
            let locked = (seen | lock) + ONE;
            match self.word.compare_exchange_weak(seen, locked, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return Some(Guard::new(self)),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// The value, waiting for it until `deadline` (None: for ever).
    pub fn lock_until(&self, deadline: Option<Instant>, who: Impatient) -> Result<Guard<'_, T>, Refused> {
        match self.try_lock() {
            Some(guard) => Ok(guard),
            None => self.visit().wait(CLOSED, deadline, who),
        }
    }

    /// Is inside, without the value.
    pub fn visit(&self) -> Visit<'_, T> {
        self.word.fetch_add(ONE, Ordering::SeqCst);
        Visit { slot: self }
    }

    /// Closes it: who waits for the value leaves without. The value stays as long as somebody is
    /// inside, the caller being one.
    pub fn close(&self) -> Visit<'_, T> {
        let visit = self.visit();
        if self.word.fetch_or(CLOSED, Ordering::SeqCst) & SLEEPS != 0 {
            futex_wake(&raw const self.word, i32::MAX);
        }
        visit
    }

    /// Whether a thread is inside.
    pub fn is_used(&self) -> bool {
        // SeqCst: as in `try_lock`.
        inside(self.word.load(Ordering::SeqCst)) > 0
    }

    /// Whether the value is gone, or about to be.
    pub fn is_empty(&self) -> bool {
        self.word.load(Ordering::Relaxed) & EMPTY != 0
    }

    /// Sleeps while the word is `seen`.
    fn sleep(&self, seen: u32, deadline: Option<Instant>) -> Woken {
        let told = seen | SLEEPS;
        if seen != told
            && self.word.compare_exchange(seen, told, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return Woken::Changed;
        }
        futex_wait(&self.word, told, deadline)
    }

    /// Ends a presence that is `mine` of the word; the last one out of a closed slot takes the value
    /// with it. Nothing of the slot is touched afterwards.
    fn leave(&self, mut mine: u32) {
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            if seen & !(SLEEPS | BRIEF) == mine | CLOSED {
                let taken = LOCKED | EMPTY | CLOSED | ONE;
                match self.word.compare_exchange(seen, taken, Ordering::Acquire, Ordering::Relaxed) {
                    Ok(_) => {
                        // SAFETY: LOCKED is ours: nobody else reaches the value.
                        drop(unsafe { (*self.value.get()).take() });
                        mine = LOCKED | ONE;
                        seen = self.word.load(Ordering::Relaxed);
                    }
                    Err(now) => seen = now,
                }
                continue;
            }
            let mut left = seen - mine;
            if mine & LOCKED != 0 {
                left &= !BRIEF;
            }
            if inside(left) == 0 {
                left &= !SLEEPS;
            }
            let word = &raw const self.word;
            match self.word.compare_exchange_weak(seen, left, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if left & SLEEPS == 0 => return,
                // Some wait for the value and others for being alone.
                Ok(_) if left & CLOSED != 0 => return futex_wake(word, i32::MAX),
                Ok(_) if mine & LOCKED != 0 => return futex_wake(word, 1),
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}

/// Being inside a slot: as long as it lasts, the slot and its value stay.
pub struct Visit<'a, T> {
    slot: &'a Slot<T>,
}

impl<'a, T> Visit<'a, T> {
    /// The value, also of a slot that is closed; waits for it until `deadline` (None: for ever).
    /// None if it is gone or the deadline has passed. The visit becomes the guard, and ends with it.
    pub fn lock_until(self, deadline: Option<Instant>) -> Option<Guard<'a, T>> {
        self.wait(EMPTY, deadline, Impatient::default()).ok()
    }

    /// Whether nobody else is inside.
    pub fn is_alone(&self) -> bool {
        is_alone(self.slot.word.load(Ordering::SeqCst))
    }

    /// Waits until nobody else is inside.
    pub fn wait_until_alone(&self) {
        loop {
            let seen = self.slot.word.load(Ordering::Acquire);
            if is_alone(seen) {
                return;
            }
            self.slot.sleep(seen, None);
        }
    }

    #[cold]
    fn wait(self, refuses: u32, deadline: Option<Instant>, who: Impatient) -> Result<Guard<'a, T>, Refused> {
        let word = &self.slot.word;
        let mut seen = word.load(Ordering::Relaxed);
        loop {
            if seen & refuses != 0 {
                return Err(Refused::Closed);
            }
            if who.with_others && seen & (LOCKED | BRIEF) == LOCKED {
                return Err(Refused::Busy);
            }
            if seen & LOCKED != 0 {
                match self.slot.sleep(seen, deadline) {
                    Woken::TimedOut => return Err(Refused::TimedOut),
                    Woken::Signalled if who.with_signals => return Err(Refused::Signalled),
                    Woken::Signalled | Woken::Changed => {}
                }
                seen = word.load(Ordering::Relaxed);
                continue;
            }
            match word.compare_exchange_weak(seen, seen | LOCKED, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    // The guard goes on with the visit's presence.
                    let guard = Guard::new(self.slot);
                    std::mem::forget(self);
                    return Ok(guard);
                }
                Err(now) => seen = now,
            }
        }
    }
}

impl<T> Drop for Visit<'_, T> {
    fn drop(&mut self) {
        self.slot.leave(ONE);
    }
}

/// The right to use the value of a [`Slot`].
pub struct Guard<'a, T> {
    slot: &'a Slot<T>,
    /// Keeps the guard on its thread.
    _thread: std::marker::PhantomData<*mut T>,
}

impl<'a, T> Guard<'a, T> {
    fn new(slot: &'a Slot<T>) -> Guard<'a, T> {
        Guard { slot, _thread: std::marker::PhantomData }
    }

    /// Stays inside, without the value.
    pub fn stay(self) -> Visit<'a, T> {
        self.slot.visit()
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !threads::exchange(&self.slot.word, LOCKED | ONE, 0, Ordering::Release) {
            self.slot.leave(LOCKED | ONE);
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there is one guard at a time, and this is it. The value is taken out only by who
        // is inside alone, which nobody is beside a guard.
        unsafe { (*self.slot.value.get()).as_ref().unwrap_unchecked() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { (*self.slot.value.get()).as_mut().unwrap_unchecked() }
    }
}

/// How many threads are inside.
fn inside(word: u32) -> u32 {
    word / ONE
}

/// Whether one thread is, without the value.
fn is_alone(word: u32) -> bool {
    inside(word) == 1 && word & LOCKED == 0
}

/// Sleeps while the word is `seen`; see futex(2).
fn futex_wait(word: &AtomicU32, seen: u32, deadline: Option<Instant>) -> Woken {
    let left;
    let timeout = match deadline {
        None => std::ptr::null(),
        Some(deadline) => {
            let Some(time) = deadline.checked_duration_since(Instant::now()).filter(|time| !time.is_zero())
            else {
                return Woken::TimedOut;
            };
            left = timespec(time);
            &raw const left
        }
    };
    // SAFETY: the word lives while we wait, the time is NULL or ours.
    let outcome = unsafe {
        let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word.as_ptr(), op, seen, timeout)
    };
    match outcome < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) {
        true => Woken::Signalled,
        // Also if time is over: the caller looks again.
        false => Woken::Changed,
    }
}

#[cold]
fn futex_wake(word: *const AtomicU32, most: i32) {
    // SAFETY: the kernel only uses the address; the word may be gone by now, then nobody sleeps on
    // it and nothing happens.
    unsafe {
        let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word, op, most)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    /// Waits until somebody sleeps, or is about to.
    fn until_somebody_sleeps<T>(slot: &Slot<T>) {
        while slot.word.load(Ordering::Relaxed) & SLEEPS == 0 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn one_at_a_time() {
        let slot = Arc::new(Slot::new(0_u64));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let slot = slot.clone();
                std::thread::spawn(move || {
                    for _ in 0..10_000 {
                        let mut guard = slot.lock_until(None, Impatient::default()).expect("no deadline");
                        let seen = *guard;
                        *guard = std::hint::black_box(seen) + 1;
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        assert_eq!(*slot.try_lock().expect("free"), 40_000);
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let slot = Slot::new(());
        let held = slot.try_lock().expect("free");
        let start = Instant::now();
        let waited = slot.lock_until(Some(start + Duration::from_millis(20)), Impatient::default());
        assert_eq!(waited.err(), Some(Refused::TimedOut));
        assert!(start.elapsed() >= Duration::from_millis(20));
        drop(held);
        assert!(slot.try_lock().is_some() && !slot.is_used());
    }

    #[test]
    fn who_is_impatient_with_others_waits_only_for_who_is_soon_through() {
        let impatient = Impatient { with_others: true, ..Impatient::default() };
        let slot = Arc::new(Slot::new(()));
        let held = slot.try_lock_briefly().expect("free");
        let waiter = std::thread::spawn({
            let slot = slot.clone();
            move || slot.lock_until(None, impatient).is_ok()
        });
        until_somebody_sleeps(&slot);
        drop(held);
        assert!(waiter.join().expect("no panic") && !slot.is_used());
        let _held = slot.try_lock().expect("free");
        assert_eq!(slot.lock_until(None, impatient).err(), Some(Refused::Busy));
    }

    #[test]
    fn closing_sends_away_who_waits_and_leaves_the_value_to_who_has_it() {
        let value = Arc::new(());
        let slot = Arc::new(Slot::new(value.clone()));
        let held = slot.try_lock().expect("free");
        let waiter = std::thread::spawn({
            let slot = slot.clone();
            move || slot.lock_until(None, Impatient::default()).err()
        });
        until_somebody_sleeps(&slot);
        drop(slot.close());
        assert_eq!(waiter.join().expect("no panic"), Some(Refused::Closed));
        assert_eq!(Arc::strong_count(&value), 2);
        drop(held);
        assert_eq!(Arc::strong_count(&value), 1);
        assert!(slot.try_lock().is_none());
    }

    #[test]
    fn who_closes_may_use_the_value_once_more() {
        let value = Arc::new(());
        let slot = Slot::new(value.clone());
        let guard = slot.close().lock_until(None).expect("there");
        assert_eq!(Arc::strong_count(&*guard), 2);
        drop(guard);
        assert_eq!(Arc::strong_count(&value), 1);
        assert!(slot.close().lock_until(None).is_none());
    }

    #[test]
    fn alone_when_the_last_has_left() {
        let slot = Arc::new(Slot::new(0));
        let held = slot.try_lock().expect("free");
        let waiter = std::thread::spawn({
            let slot = slot.clone();
            move || slot.close().wait_until_alone()
        });
        until_somebody_sleeps(&slot);
        drop(held);
        waiter.join().expect("no panic");
        assert!(!slot.is_used());
    }

    #[test]
    fn a_value_may_look_at_its_slot_while_it_is_dropped() {
        struct Curious(std::sync::Weak<Slot<Curious>>);
        impl Drop for Curious {
            fn drop(&mut self) {
                let slot = self.0.upgrade().expect("still there");
                assert!(slot.try_lock().is_none());
                assert!(slot.close().lock_until(None).is_none());
            }
        }
        let slot = Arc::new_cyclic(|slot| Slot::new(Curious(slot.clone())));
        drop(slot.close());
        assert!(!slot.is_used());
    }
}
