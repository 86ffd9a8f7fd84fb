//! How a thread waits: in the kernel's own time-outs where they are good enough, else by poll.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Cancel;
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::deadline::{Deadline, Left};
use crate::error::{EN_ETIMEDOUT, Error, Result};
use crate::socket::lock::{Guard, Lock};
use crate::socket::poll::PollSet;
use crate::transport::Transport;

/// What cannot be polled is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How many times in a row an attempt may go on after its time is over because it comes further
/// each time: "no waiting" means taking what is there, but not for ever.
const STEPS_AFTER_DEADLINE: u32 = 4096;

/// Asks the application whether a call that waits shall go on.
pub trait Interrupt: Send + Sync {
    /// An error ends the call.
    fn check(&self) -> Result<()>;
}

/// The waiting of one client.
#[derive(Clone, Default)]
pub struct Waiting {
    /// Ends its calls.
    pub cancel: Option<Arc<Cancel>>,
    /// Asked every so often, and after signals.
    pub interrupt: Option<(Duration, Arc<dyn Interrupt>)>,
    /// Looks so long before it sleeps.
    pub busy_poll: Duration,
}

impl Waiting {
    /// Attempts until it is done or the deadline has passed.
    /// Without `can_hold` nothing may wake the thread, so it looks for itself every so often.
    pub fn drive<T>(
        &self,
        transport: &dyn Transport,
        can_hold: bool,
        deadline: &mut Deadline,
        mut attempt: impl FnMut(Hold) -> Attempt<T>,
    ) -> Result<T> {
        let wakes = can_hold && transport.can_hold();
        let can_hold = wakes && self.cancel.is_none();
        let mut spun = self.busy_poll.is_zero();
        let mut steps = 0;
        loop {
            self.check()?;
            let left = deadline.left();
            if !spun && left != Left::Nothing {
                spun = true;
                if let Some(outcome) = self.spin(left, &mut attempt) {
                    return outcome;
                }
                continue;
            }
            let hold = if can_hold { self.hold(left) } else { Hold::No };
            match attempt(hold) {
                Ok(done) => return Ok(done),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Want(_)) if left == Left::Nothing => return Err(timed_out()),
                Err(Stop::Want(interest)) => {
                    let limit = (!wakes).then_some(LOOK_AGAIN);
                    self.poll(&[(transport.fd(interest), interest)], deadline.left(), limit)?;
                }
                Err(Stop::Again) if left == Left::Nothing => {
                    steps += 1;
                    if steps == STEPS_AFTER_DEADLINE {
                        return Err(timed_out());
                    }
                }
                Err(Stop::Again) => {}
            }
        }
    }

    /// Attempts again and again for a short time; None: nothing came of it.
    fn spin<T>(&self, left: Left, attempt: &mut impl FnMut(Hold) -> Attempt<T>) -> Option<Result<T>> {
        let end = Instant::now() + left.at_most(Some(self.busy_poll))?;
        loop {
            match attempt(Hold::No) {
                Ok(done) => return Some(Ok(done)),
                Err(Stop::Failed(error)) => return Some(Err(error)),
                Err(Stop::Want(_) | Stop::Again) if Instant::now() >= end => return None,
                Err(Stop::Want(_) | Stop::Again) => std::hint::spin_loop(),
            }
        }
    }

    /// How long the kernel may hold us when so much time is left.
    #[inline]
    fn hold(&self, left: Left) -> Hold {
        match left.at_most(self.interrupt.as_ref().map(|(interval, _)| *interval)) {
            None => Hold::Forever,
            Some(time) => hold_within(time),
        }
    }

    /// Waits until one of the descriptors is ready, `left` is over, or somebody has to be asked
    /// again, at most `limit`.
    pub fn poll(
        &self,
        fds: &[(Option<BorrowedFd<'_>>, Interest)],
        left: Left,
        limit: Option<Duration>,
    ) -> Result<()> {
        let mut set = PollSet::default();
        let interval = self.interrupt.as_ref().map(|(interval, _)| *interval);
        let mut limit = interval.into_iter().chain(limit).min();
        for (fd, interest) in fds {
            match fd {
                Some(fd) => set.add(*fd, *interest),
                None => limit = limit.into_iter().chain([LOOK_AGAIN]).min(),
            }
        }
        if let Some(cancel) = &self.cancel {
            set.add(cancel.as_fd(), Interest::Read);
        }
        set.wait(left.at_most(limit))
    }

    /// Takes a lock, within the deadline.
    pub fn lock<'a, T>(&self, lock: &'a Lock<T>, deadline: &mut Deadline) -> Result<Guard<'a, T>> {
        match lock.try_lock() {
            Some(guard) => Ok(guard),
            None => self.wait_for_lock(lock, deadline),
        }
    }

    #[cold]
    fn wait_for_lock<'a, T>(&self, lock: &'a Lock<T>, deadline: &mut Deadline) -> Result<Guard<'a, T>> {
        let interval = self.interrupt.as_ref().map(|(interval, _)| *interval);
        let slice = if self.cancel.is_some() { Some(interval.unwrap_or(LOOK_AGAIN)) } else { interval };
        loop {
            self.check()?;
            let left = deadline.left();
            let end = left.at_most(slice).and_then(|time| Instant::now().checked_add(time));
            match lock.lock_until(end) {
                Some(guard) => return Ok(guard),
                None if left == Left::Nothing => return Err(timed_out()),
                None => {}
            }
        }
    }

    /// Whether the call may go on.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if let Some(cancel) = &self.cancel {
            cancel.check()?;
        }
        match &self.interrupt {
            Some((_, interrupt)) => interrupt.check(),
            None => Ok(()),
        }
    }
}

#[cold]
fn timed_out() -> Error {
    Error::new(EN_ETIMEDOUT, "the time-out of the call has passed")
}

/// The kernel rounds its time-outs up by as much as an eighth and some ticks, so it gets a part
/// that ends before `time` does; poll, which is exact, waits for the rest. Of the values that would
/// do, one with few digits is taken, so that the socket's setting seldom changes.
fn hold_within(time: Duration) -> Hold {
    let safe = (time.as_millis() * 7 / 8).saturating_sub(20);
    match u32::try_from(safe) {
        Ok(0..20) => Hold::No,
        Ok(safe) => {
            let digits = safe.ilog2().saturating_sub(2);
            Hold::Milliseconds(safe >> digits << digits)
        }
        // More than 49 days: waking up in between does no harm.
        Err(_) => Hold::Milliseconds(1 << 31),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Hold {
        hold_within(Duration::from_millis(time))
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
        assert!(matches!(hold_within(Duration::from_secs(1 << 40)), Hold::Milliseconds(_)));
    }

    #[test]
    fn a_little_less_time_changes_nothing() {
        assert_eq!(ms(5000), ms(4990));
    }
}
