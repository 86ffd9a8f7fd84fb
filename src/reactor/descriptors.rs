//! Descriptors that a loop watches: in one set, edge-triggered, and in others beside it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use mio::unix::SourceFd;
use mio::{Interest, Poll, Registry, Token};

use crate::attempt;
use crate::error::{EN_EBADF, EN_ENOSPC, EN_EPERM, Error, Result};

/// What is watched for receiving: that urgent data has come, too, as a receive stops there.
const READ: Interest = Interest::READABLE.add(Interest::PRIORITY);
const BOTH: Interest = READ.add(Interest::WRITABLE);

/// The set of a loop. What is ready is told by the token under which it is watched: a source's place.
pub(super) struct Descriptors(Registry);

/// A set of its own for one who watches a descriptor that the loop watches for another. Its own descriptor, which
/// the loop watches, is ready when that one is, and does not say for what.
pub(super) struct SideSet(Poll);

impl SideSet {
    /// Watches for this from now on, and tells what is ready already, once more.
    pub(super) fn rearm(&self, fd: BorrowedFd<'_>, interest: attempt::Interest) -> Result<()> {
        rearm(self.0.registry(), fd, Token(0), interest)
    }
}

impl AsFd for SideSet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.registry().as_fd()
    }
}

impl Descriptors {
    pub(super) fn new(registry: Registry) -> Descriptors {
        Descriptors(registry)
    }

    /// Watches a descriptor for a source; one that is watched already stays as it is.
    pub(super) fn register(&self, fd: BorrowedFd<'_>, place: usize) -> Result<()> {
        self.register_new(fd, BOTH, Token(place)).map(drop)
    }

    /// Watches a descriptor for a source, for reading only: the peer frees room with all that it reads,
    /// which is of no interest to who has not run out of it.
    pub(super) fn register_to_read(&self, fd: BorrowedFd<'_>, place: usize) -> Result<()> {
        match self.register_new(fd, READ, Token(place))? {
            true => Ok(()),
            false => self.rearm(fd, place, attempt::Interest::Read),
        }
    }

    /// Watches a descriptor for a source, for this.
    pub(super) fn register_for(
        &self,
        fd: BorrowedFd<'_>,
        place: usize,
        interest: attempt::Interest,
    ) -> Result<()> {
        self.register_new(fd, told_for(interest), Token(place)).map(drop)
    }

    /// Watches a descriptor that may be watched for another source: then by a second set, which the caller
    /// keeps. A duplicate would keep open what the application closes.
    pub(super) fn register_in_side_set(&self, fd: BorrowedFd<'_>, place: usize) -> Result<Option<SideSet>> {
        if self.register_new(fd, BOTH, Token(place))? {
            return Ok(None);
        }
        let set = SideSet(Poll::new().map_err(Error::os)?);
        watched(set.0.registry().register(&mut SourceFd(&fd.as_raw_fd()), Token(0), BOTH))?;
        self.register_new(set.as_fd(), Interest::READABLE, Token(place))?;
        Ok(Some(set))
    }

    /// Watches it for this from now on, and tells what is ready already, once more.
    pub(super) fn rearm(&self, fd: BorrowedFd<'_>, place: usize, interest: attempt::Interest) -> Result<()> {
        rearm(&self.0, fd, Token(place), interest)
    }

    /// Watches a descriptor; false: it is watched already, and stays as it is.
    fn register_new(&self, fd: BorrowedFd<'_>, interest: Interest, token: Token) -> Result<bool> {
        match self.0.register(&mut SourceFd(&fd.as_raw_fd()), token, interest) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            outcome => watched(outcome).map(|()| true),
        }
    }

    pub(super) fn deregister(&self, fd: BorrowedFd<'_>) {
        // It may have been closed, or never registered.
        let _ = self.0.deregister(&mut SourceFd(&fd.as_raw_fd()));
    }
}

fn rearm(registry: &Registry, fd: BorrowedFd<'_>, token: Token, interest: attempt::Interest) -> Result<()> {
    watched(registry.reregister(&mut SourceFd(&fd.as_raw_fd()), token, told_for(interest)))
}

/// What is watched for who has this interest.
fn told_for(interest: attempt::Interest) -> Interest {
    match interest {
        attempt::Interest::Read => READ,
        attempt::Interest::Write => Interest::WRITABLE,
        attempt::Interest::Either => BOTH,
    }
}

fn watched(outcome: std::io::Result<()>) -> Result<()> {
    outcome.map_err(|error| match error.raw_os_error() {
        Some(libc::EPERM) => {
            Error::new(EN_EPERM, "the descriptor cannot be polled: regular files are always ready")
        }
        Some(libc::EBADF) => Error::new(EN_EBADF, "the descriptor to wait for is not open"),
        Some(libc::ENOSPC) => {
            Error::new(EN_ENOSPC, "this user may watch no more descriptors: see max_user_watches in epoll(7)")
        }
        _ => Error::os(error),
    })
}
