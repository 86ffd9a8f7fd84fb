//! Finding out about fork(2) without a system call for each call.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const PAGE_SIZE: usize = 4096;

/// A number in a page that has nothing else in it.
#[repr(C, align(4096))]
struct Page(AtomicU32);

/// The number of this process. A forked child finds 0: there is none yet.
static GENERATION: Page = Page(AtomicU32::new(0));

/// The last number that this process or one before it had.
static LAST: AtomicU32 = AtomicU32::new(0);

/// A number that is another one in a forked child, and never 0.
#[inline]
pub fn generation() -> u32 {
    match known() {
        0 => begin(),
        number => number,
    }
}

/// The same, or 0 in a child where nobody has asked for it yet: for who only compares.
#[inline]
pub fn known() -> u32 {
    GENERATION.0.load(Ordering::Relaxed)
}

/// The process that something is of.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

impl Process {
    /// This one.
    pub fn current() -> Process {
        watch();
        Process(generation())
    }

    /// Whether it is this one, and not one that forked it.
    pub fn is_current(self) -> bool {
        self.0 == generation()
    }
}

#[cold]
fn begin() -> u32 {
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let before = GENERATION.0.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
    // Another thread may have been faster.
    before.err().unwrap_or(number)
}

/// From the first call on, [`generation`] changes in forked children.
pub fn watch() {
    // No lock: a child that is forked in the midst of this would find it locked for ever. To do it twice is no
    // harm.
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if WATCHED.load(Ordering::Acquire) {
        return;
    }
    if !is_wiped() {
        // SAFETY: the handler does nothing but an atomic store. The library is never unloaded
        // (-z nodelete), so it stays callable. Failure means no memory at the first call ever:
        // children are then not noticed, which is no worse than having no handler.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }
    WATCHED.store(true, Ordering::Release);
}

/// Has the kernel wipe the page in children, if it can: then who is called back in the child before our
/// handler would be, as one that was registered earlier is, knows already.
fn is_wiped() -> bool {
    let page = (&raw const GENERATION).cast_mut().cast();
    // SAFETY: the page is ours, and nothing else lies in it where pages are as large. What it is wiped to, in
    // a child, is a valid number.
    unsafe {
        libc::sysconf(libc::_SC_PAGESIZE) == PAGE_SIZE as libc::c_long
            // An emulator may take any advice, and follow none.
            && libc::madvise(page, PAGE_SIZE, -1) != 0
            && libc::madvise(page, PAGE_SIZE, libc::MADV_WIPEONFORK) == 0
    }
}

extern "C" fn in_child() {
    GENERATION.0.store(0, Ordering::Relaxed);
}

const _: () = assert!(size_of::<Page>() == PAGE_SIZE);

/// Whether a child of ours finds this true, which is to take no longer than some seconds.
#[cfg(test)]
pub(crate) fn in_a_child(holds: impl FnOnce() -> bool) -> bool {
    let mut status = 0;
    // SAFETY: the child calls nothing but what it is given, and ends.
    unsafe {
        match libc::fork() {
            0 => {
                libc::alarm(10);
                libc::_exit(if holds() { 7 } else { 1 })
            }
            child => assert_eq!(libc::waitpid(child, &raw mut status, 0), child),
        }
    }
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_has_a_number_of_its_own() {
        watch();
        let ours = generation();
        assert!(ours != 0 && ours == generation());
        assert!(in_a_child(|| {
            let was_known = known();
            let its = generation();
            was_known == 0
                && its != ours
                && its == known()
                && its == generation()
                && in_a_child(|| ![0, ours, its].contains(&generation()))
        }));
        assert_eq!(generation(), ours);
    }

    #[test]
    fn without_the_kernel_the_handler_does_it() {
        let ours = generation();
        assert!(in_a_child(|| {
            let its = generation();
            in_child();
            ![0, ours, its].contains(&generation())
        }));
    }
}
