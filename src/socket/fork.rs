//! Finding out about fork(2) without a system call for each call.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(1);

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// A number that is another one in a forked child.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// From the first call on, [`generation`] changes in forked children.
pub fn watch() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the handler does nothing but an atomic addition. The library is never unloaded
        // (-z nodelete), so it stays callable. Failure means no memory at the first call ever:
        // children are then not noticed, which is no worse than having no handler.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}
