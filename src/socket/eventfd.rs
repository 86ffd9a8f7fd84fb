//! A descriptor that becomes readable when it is told to.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::error::{Error, Result};

/// An eventfd(2): readable from [`signal`](EventFd::signal) to [`drain`](EventFd::drain).
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// One that is not readable.
    pub fn new() -> Result<EventFd> {
        // SAFETY: the call takes no memory of ours.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(Error::last_os());
        }
        // SAFETY: the descriptor is new, so nobody else owns it.
        Ok(EventFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Puts a new one in its place, under the same number: a forked child shares the old one with its
    /// parent. May be called in a signal handler. Failure leaves the old one.
    pub fn renew(&self) {
        // SAFETY: the calls take no memory of ours. The number stays ours all the time.
        unsafe {
            let errno = libc::__errno_location();
            let before = *errno;
            let fresh = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if fresh >= 0 {
                libc::dup3(fresh, self.0.as_raw_fd(), libc::O_CLOEXEC);
                libc::close(fresh);
            }
            *errno = before;
        }
    }

    /// Makes it readable. May be called in a signal handler; leaves errno as it was.
    pub fn signal(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the bytes are ours, errno is the thread's. Failure means that the counter is full:
        // then it is readable, which is all that is asked for.
        unsafe {
            let errno = libc::__errno_location();
            let before = *errno;
            libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len());
            *errno = before;
        }
    }

    /// Makes it not readable.
    pub fn drain(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: the bytes are ours. Failure means that it is not readable already.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

#[cfg(test)]
impl EventFd {
    /// Whether it is readable now.
    pub fn is_readable(&self) -> bool {
        let mut entry = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, ours.
        unsafe { libc::poll(&raw mut entry, 1, 0) == 1 }
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_from_signal_to_drain() {
        let event = EventFd::new().expect("a descriptor");
        assert!(!event.is_readable());
        event.signal();
        event.signal();
        assert!(event.is_readable());
        event.drain();
        assert!(!event.is_readable());
        event.drain();
    }

    #[test]
    fn a_full_counter_does_not_block_and_errno_stays() {
        let event = EventFd::new().expect("a descriptor");
        let most = (u64::MAX - 1).to_ne_bytes();
        // SAFETY: the bytes and errno are ours.
        unsafe {
            assert_eq!(libc::write(event.0.as_raw_fd(), most.as_ptr().cast(), most.len()), 8);
            *libc::__errno_location() = libc::ENOENT;
            event.signal();
            assert_eq!(*libc::__errno_location(), libc::ENOENT);
        }
        assert!(event.is_readable());
    }

    #[test]
    fn it_is_not_inherited() {
        let event = EventFd::new().expect("a descriptor");
        // SAFETY: asks for the flags of a live descriptor.
        let flags = unsafe { libc::fcntl(event.0.as_raw_fd(), libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }
}
