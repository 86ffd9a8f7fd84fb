//! What the C library knows of the number of threads; see `<sys/single_threaded.h>` of the GNU C library.

use std::sync::Once;
use std::sync::atomic::AtomicU8;

use crate::threads;

/// From the first call on, [`threads::is_single`] knows.
pub fn watch() {
    static LOOKED: Once = Once::new();
    LOOKED.call_once(|| {
        // SAFETY: the name ends with NUL.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
        // SAFETY: it is NULL or a variable of one byte that never goes away. The C library changes it
        // only in the one thread there is, before another begins.
        if let Some(single) = unsafe { found.cast::<AtomicU8>().as_ref() } {
            threads::learn_from(single);
        }
    });
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
