//! The outcome of every socket operation: it has finished, or it says what it waits for.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::error::Error;

/// What nobody tells of, such as a transport of the application's own, is looked at so often.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is soon over, but tells nobody, such as somebody else's turn to send, is looked at so often.
pub const GLANCE: Duration = Duration::from_millis(20);

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

impl Interest {
    /// Whether the other one is a part of it.
    pub fn has(self, other: Interest) -> bool {
        self == other || self == Interest::Either
    }
}

/// How long the kernel may hold the calling thread in one system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// Not at all.
    No,
    /// So many milliseconds, not 0. The kernel's clock is coarse: it may be a good deal longer.
    Milliseconds(u32),
    /// Until something happens.
    Forever,
}

impl Hold {
    /// Not longer than this. The kernel rounds its time-outs up by as much as an eighth and some ticks,
    /// so it gets a part that ends before `time` does; poll, which is exact, waits for the rest. Of the
    /// values that would do, one with few digits is taken, so that the socket's setting seldom changes.
    pub fn within(time: Duration) -> Hold {
        let milliseconds = time.as_secs().saturating_mul(1000).saturating_add(time.subsec_millis().into());
        match u32::try_from((milliseconds - milliseconds / 8).saturating_sub(20)) {
            Ok(0..20) => Hold::No,
            Ok(safe) => {
                let digits = safe.ilog2().saturating_sub(2);
                Hold::Milliseconds(safe >> digits << digits)
            }
            // More than 49 days: waking up in between does no harm.
            Err(_) => Hold::Milliseconds(1 << 31),
        }
    }
}

/// Why an attempt has not finished.
#[derive(Debug)]
pub enum Stop {
    /// It waits for this; try again then.
    Want(Interest),
    /// It waits for what nobody tells of, and for this if there is something: try again then, or soon.
    Soon(Option<Interest>),
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

/// Attempts again for as long as that comes further, so many times at most; [`Stop::Again`]: it might go on.
#[inline(always)]
pub fn in_steps<T>(most: u32, mut attempt: impl FnMut() -> Attempt<T>) -> Attempt<T> {
    for _ in 0..most {
        match attempt() {
            Err(Stop::Again) => {}
            outcome => return outcome,
        }
    }
    Err(Stop::Again)
}

/// Something that takes several steps, such as connecting: it is told the time, goes as far as it
/// can, and says what it waits for.
pub trait Undertaking {
    /// What comes of it.
    type Outcome;

    /// Goes on; the kernel may hold the thread once, for so long. After it has ended it is not asked
    /// again.
    fn advance(&mut self, now: Instant, hold: Hold) -> Course<Self::Outcome>;

    /// The descriptors to wait for; they may be others after each step.
    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)>;

    /// Gives up because of `error`: the same, with what there is to say about it.
    fn give_up(&mut self, error: Error) -> Error;

    /// What ends for want of its outcome, while it goes on: the same error, with whom it is about.
    fn explain(&self, error: Error) -> Error {
        error
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Hold {
        Hold::within(Duration::from_millis(time))
    }

    #[test]
    fn the_kernel_gets_a_safe_part() {
        assert_eq!(ms(0), Hold::No);
        assert_eq!(ms(40), Hold::No);
        for time in [50, 100, 999, 5000, 60_000, 86_400_000] {
            let Hold::Milliseconds(held) = ms(time) else { panic!("{time} ms are held") };
            assert!(u64::from(held) + u64::from(held) / 8 + 20 <= time, "{held} of {time}");
            assert!(u64::from(held) * 2 + 40 >= time, "{held} of {time}");
        }
        assert!(matches!(Hold::within(Duration::from_secs(1 << 40)), Hold::Milliseconds(_)));
    }

    #[test]
    fn a_little_less_time_changes_nothing() {
        assert_eq!(ms(5000), ms(4990));
    }
}
