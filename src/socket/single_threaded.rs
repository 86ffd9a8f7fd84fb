//! What the C library knows of the number of threads; see `<sys/single_threaded.h>` of the GNU C library.

use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

/// As long as nothing is known: there may be many.
static MANY: AtomicU8 = AtomicU8::new(0);

/// What says whether there is one thread: it is not 0 then.
static SINGLE: AtomicPtr<AtomicU8> = AtomicPtr::new((&raw const MANY).cast_mut());

/// Whether the calling thread is known to be the only one.
#[inline]
pub fn is_single() -> bool {
    // SAFETY: it is `MANY` or a variable of the C library, which never go away, and are only read here.
    let single = unsafe { &*SINGLE.load(Ordering::Relaxed) };
    single.load(Ordering::Relaxed) != 0
}

/// From the first call on, [`is_single`] knows.
pub fn watch() {
    static LOOKED: Once = Once::new();
    LOOKED.call_once(|| {
        // SAFETY: the name ends with NUL.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
        // It is NULL or a variable of one byte that never goes away. The C library changes it only in the
        // one thread there is, before another begins.
        if !found.is_null() {
            SINGLE.store(found.cast(), Ordering::Relaxed);
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn who_is_not_alone_knows() {
        super::watch();
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!super::is_single()));
            assert!(!super::is_single());
        });
    }
}
