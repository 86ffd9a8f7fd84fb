//! Whether the program has one thread: then nobody can come between two steps, and a locked
//! instruction is saved, which takes longer than all else that a call does without the system. The C
//! library knows; see `<sys/single_threaded.h>` of the GNU C library.

use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering};

/// What is said before anybody has looked, or where the C library does not know.
static UNKNOWN: AtomicU8 = AtomicU8::new(0);

/// Where the C library says it: not 0 if there is one thread.
static SINGLE: AtomicPtr<AtomicU8> = AtomicPtr::new((&raw const UNKNOWN).cast_mut());

/// From the first call on, [`is_single`] knows.
pub fn watch() {
    static LOOKED: Once = Once::new();
    LOOKED.call_once(|| {
        // SAFETY: the name ends with NUL.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
        if !found.is_null() {
            SINGLE.store(found.cast(), Ordering::Relaxed);
        }
    });
}

/// Whether the calling thread is known to be the only one.
#[inline]
pub fn is_single() -> bool {
    // SAFETY: it is a variable of ours or of the C library, and neither ever goes away. The C library
    // changes its own in the one thread there is, before another begins.
    unsafe { &*SINGLE.load(Ordering::Relaxed) }.load(Ordering::Relaxed) != 0
}

/// Makes a number `to` if it is `from`; whether it was.
#[inline]
pub fn exchange(number: &AtomicU32, from: u32, to: u32, success: Ordering) -> bool {
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
pub fn subtract(number: &AtomicUsize, count: usize, order: Ordering) -> usize {
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
    fn who_is_not_alone_knows() {
        watch();
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!is_single()));
            assert!(!is_single());
        });
    }

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
