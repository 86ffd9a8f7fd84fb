//! The outcome of every socket operation: it has finished, or it says what it waits for.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::error::Error;

/// What nobody tells of, such as a transport of the application's own, is looked at so often.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What an operation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// The descriptor is readable.
    Read,
    /// The descriptor is writable.
    Write,
    /// The descriptor is readable or writable.
    Either,
}

/// How long the kernel may hold the calling thread in one system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Not at all.
    No,
    /// So many milliseconds, not 0. The kernel's clock is coarse: it may be a good deal longer.
    Milliseconds(u32),
    /// Until something happens.
    Forever,
}

/// Why an attempt has not finished.
#[derive(Debug)]
pub enum Stop {
    /// It waits for this; try again then.
    Want(Interest),
    /// It came a step further, or was interrupted: try again at once, with what time is left.
    Again,
    /// It failed.
    Failed(Error),
}

/// One attempt at an operation.
pub type Attempt<T> = Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// Something that takes several steps, such as connecting: it is told the time, goes as far as it
/// can, and says what it waits for.
pub trait Undertaking {
    /// What comes of it.
    type Outcome;

    /// Goes on. After it has ended it is not asked again.
    fn advance(&mut self, now: Instant) -> Course<Self::Outcome>;

    /// The descriptors to wait for; they may be others after each step.
    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)>;

    /// Gives up because of `error`: the same, with what there is to say about it.
    fn give_up(&mut self, error: Error) -> Error;
}

/// How far an undertaking has come.
#[derive(Debug)]
pub enum Course<T> {
    /// It is done.
    Done(T),
    /// It has failed.
    Failed(Error),
    /// To be continued when one of its descriptors is ready, or at this time.
    Wait {
        /// None: at no time of its own.
        until: Option<Instant>,
    },
}
