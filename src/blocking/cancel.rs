//! A switch that any thread, and a signal handler, may throw.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{EN_ECANCELED, Error, Result};
use crate::socket::eventfd::EventFd;

/// Ends calls that wait.
#[derive(Debug)]
pub struct Cancel {
    thrown: AtomicBool,
    event: EventFd,
}

impl Cancel {
    /// A switch, not thrown.
    pub fn new() -> Result<Cancel> {
        Ok(Cancel { thrown: AtomicBool::new(false), event: EventFd::new()? })
    }

    /// Throws it. Does nothing that a signal handler must not do.
    pub fn trigger(&self) {
        self.thrown.store(true, Ordering::SeqCst);
        self.event.signal();
    }

    /// Puts it back.
    pub fn reset(&self) {
        self.thrown.store(false, Ordering::SeqCst);
        self.event.drain();
    }

    /// Whether it is thrown.
    pub fn is_triggered(&self) -> bool {
        self.thrown.load(Ordering::SeqCst)
    }

    /// `EN_ECANCELED` if it is thrown.
    pub fn check(&self) -> Result<()> {
        match self.is_triggered() {
            true => Err(Error::new(EN_ECANCELED, "the cancel switch was thrown")),
            false => Ok(()),
        }
    }
}

impl AsFd for Cancel {
    /// Readable while the switch is thrown.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
