//! What the C library knows of the number of threads; see `<sys/single_threaded.h>` of the GNU C library.
//!
//! It does not know of threads that a program makes with clone(2) behind its back, nor do we. Such a program is
//! beyond help: memory allocation and streams of the C library itself then go without locks.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::threads;

/// From the first call on, [`threads::is_single`] knows.
pub fn watch() {
    // Nobody waits for who was first, of whom a child that is forked meanwhile has nothing: who does not know yet
    // takes it that there are more threads.
    static LOOKED: AtomicBool = AtomicBool::new(false);
    if LOOKED.load(Ordering::Relaxed) || LOOKED.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: the name ends with NUL.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
    // SAFETY: it is NULL or a variable of one byte that never goes away. The C library changes it
    // only in the one thread there is, before another begins.
    if let Some(single) = unsafe { found.cast::<AtomicU8>().as_ref() } {
        threads::learn_from(single);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn who_is_not_alone_knows() {
        super::watch();
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!crate::threads::is_single()));
            assert!(!crate::threads::is_single());
        });
    }
}
