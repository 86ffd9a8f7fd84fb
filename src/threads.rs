//! Whether the program has one thread: then nobody can come between two steps, and a locked
//! instruction is saved, which takes longer than all else that a call does without the system.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

/// What says so: not 0 if there is one thread.
static SINGLE: OnceLock<&AtomicU8> = OnceLock::new();

/// From here on `single` says whether there is one thread: it is not 0 then, and only that thread changes
/// it, before another begins.
pub(crate) fn learn_from(single: &'static AtomicU8) {
    // Who is second says the same.
    let _ = SINGLE.set(single);
}

/// Whether the calling thread is known to be the only one.
#[inline]
pub(crate) fn is_single() -> bool {
    SINGLE.get().is_some_and(|single| single.load(Ordering::Relaxed) != 0)
}

/// A number that the calling thread has, and no other; not 0.
#[inline]
pub(crate) fn here() -> usize {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

/// Makes a number `to` if it is `from`; whether it was.
#[inline]
pub(crate) fn exchange(number: &AtomicU32, from: u32, to: u32, success: Ordering) -> bool {
    match is_single() {
        true => exchange_alone(number, from, to),
        false => number.compare_exchange(from, to, success, Ordering::Relaxed).is_ok(),
    }
}

#[inline]
fn exchange_alone(number: &AtomicU32, from: u32, to: u32) -> bool {
    let is_from = number.load(Ordering::Relaxed) == from;
    if is_from {
        number.store(to, Ordering::Relaxed);
    }
    is_from
}

/// Takes `count` off a number; what it was before.
#[inline]
pub(crate) fn subtract(number: &AtomicUsize, count: usize, order: Ordering) -> usize {
    match is_single() {
        true => subtract_alone(number, count),
        false => number.fetch_sub(count, order),
    }
}

#[inline]
fn subtract_alone(number: &AtomicUsize, count: usize) -> usize {
    let before = number.load(Ordering::Relaxed);
    number.store(before.wrapping_sub(count), Ordering::Relaxed);
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alone_numbers_change_as_they_do_among_others() {
        let number = AtomicU32::new(3);
        assert!(!exchange_alone(&number, 0, 7) && exchange_alone(&number, 3, 5));
        assert!(!exchange(&number, 3, 7, Ordering::SeqCst) && exchange(&number, 5, 9, Ordering::SeqCst));
        assert_eq!(number.into_inner(), 9);
        let number = AtomicUsize::new(10);
        assert_eq!((subtract_alone(&number, 3), subtract(&number, 2, Ordering::Release)), (10, 7));
        assert_eq!(number.into_inner(), 5);
    }
}
