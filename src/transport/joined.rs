//! Datagrams that came joined into one, for who wants them one at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::attempt::Attempt;
use crate::packet::Storage;
use crate::socket::datagram::Arrived;

/// What came and nobody has taken yet. One at a time receives.
#[derive(Default)]
pub struct Joined {
    /// Who takes them all together need not look further.
    are_there: AtomicBool,
    rest: Mutex<Rest>,
}

#[derive(Default)]
struct Rest {
    storage: Storage,
    /// The size of each datagram; the last may be shorter.
    segment: usize,
}

impl Joined {
    /// Whether there are any.
    #[inline]
    pub fn are_there(&self) -> bool {
        self.are_there.load(Ordering::Relaxed)
    }

    /// The next datagram, as far as the buffer has room; its size.
    #[cold]
    pub fn next(&self, buffer: &mut [u8]) -> usize {
        self.next_of(self.lock(), buffer)
    }

    /// The next datagram, as far as the buffer has room; its size. If none is there, `receive` brings
    /// some, of at most so many bytes together.
    pub fn next_or(
        &self,
        buffer: &mut [u8],
        most: usize,
        receive: impl FnOnce(&mut [u8]) -> Attempt<Arrived>,
    ) -> Attempt<usize> {
        let mut rest = self.lock();
        if rest.storage.bytes().is_empty() {
            let arrived = receive(&mut rest.storage.space(most, most)[..most]);
            rest.storage.filled(arrived.as_ref().map_or(0, |arrived| arrived.size.min(most)));
            let Arrived { size, segment } = arrived?;
            rest.segment = if segment == 0 { size } else { segment };
        }
        Ok(self.next_of(rest, buffer))
    }

    fn next_of(&self, mut rest: MutexGuard<'_, Rest>, buffer: &mut [u8]) -> usize {
        let there = rest.storage.bytes();
        let size = rest.segment.min(there.len());
        let here = size.min(buffer.len());
        buffer[..here].copy_from_slice(&there[..here]);
        rest.storage.spend(size);
        self.are_there.store(!rest.storage.bytes().is_empty(), Ordering::Relaxed);
        size
    }

    fn lock(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
