//! What other threads may do to a loop: wake it, stop it, and give it work.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::Waker;

use crate::error::{EN_ECLOSED, EN_EFORKED, Error, Result};
use crate::socket::fork::Process;

/// What a loop is given to do; it is told if the loop has ended instead.
pub type Work = Box<dyn FnOnce(Result<()>) + Send>;

/// What a loop answers in a forked child.
#[cold]
pub(super) fn foreign() -> Error {
    Error::new(EN_EFORKED, "the loop is the parent's: make a new one in this process")
}

/// The part of a loop that all threads may use.
pub struct Remote {
    waker: Waker,
    process: Process,
    stop: AtomicBool,
    /// Whether there is work: who only wants to know takes no lock. It changes under the lock, and before
    /// the loop is woken.
    has_work: AtomicBool,
    posted: Mutex<Posted>,
}

#[derive(Default)]
struct Posted {
    work: VecDeque<Work>,
    /// The loop is gone.
    closed: bool,
}

impl Remote {
    pub(super) fn new(waker: Waker) -> Remote {
        Remote {
            waker,
            process: Process::current(),
            stop: AtomicBool::default(),
            has_work: AtomicBool::default(),
            posted: Mutex::default(),
        }
    }

    /// Makes the loop's descriptor readable, and ends its waiting.
    pub fn wake(&self) {
        // It fails when the counter behind it is full: then it is readable already.
        let _ = self.waker.wake();
    }

    /// In a forked child there is no loop, and the descriptor is the parent's, too.
    fn check(&self) -> Result<()> {
        match self.process.is_current() {
            true => Ok(()),
            false => Err(foreign()),
        }
    }

    /// Makes the loop's running end.
    pub fn stop(&self) -> Result<()> {
        self.check()?;
        self.stop.store(true, Ordering::SeqCst);
        self.wake();
        Ok(())
    }

    /// Has work done by the loop's thread.
    pub fn post(&self, work: Work) -> Result<()> {
        self.check()?;
        let mut posted = self.lock();
        if posted.closed {
            return Err(Error::new(EN_ECLOSED, "the loop is gone"));
        }
        posted.work.push_back(work);
        self.has_work.store(true, Ordering::SeqCst);
        drop(posted);
        self.wake();
        Ok(())
    }

    pub(super) fn take_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst) && self.stop.swap(false, Ordering::SeqCst)
    }

    pub(super) fn take_work(&self) -> VecDeque<Work> {
        self.take_from(&mut self.lock())
    }

    fn take_from(&self, posted: &mut Posted) -> VecDeque<Work> {
        self.has_work.store(false, Ordering::SeqCst);
        std::mem::take(&mut posted.work)
    }

    #[inline]
    pub(super) fn has_work(&self) -> bool {
        self.has_work.load(Ordering::SeqCst)
    }

    /// No more work is taken; what was not done.
    pub(super) fn close(&self) -> VecDeque<Work> {
        let mut posted = self.lock();
        posted.closed = true;
        self.take_from(&mut posted)
    }

    /// No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
