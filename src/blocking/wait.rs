//! How a thread waits: in the kernel's own time-outs where they are good enough, else by poll.

use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Cancel, closed};
use crate::attempt::{Attempt, GLANCE, Hold, Interest, LOOK_AGAIN, Stop, in_steps};
use crate::deadline::{Deadline, Left};
use crate::error::{EN_EBUSY, EN_ETIMEDOUT, Error, Result};
use crate::socket::poll::PollSet;
use crate::socket::slot::{Guard, Impatient, Refused, Slot};
use crate::transport::Transport;

/// What cannot be interrupted is held no longer at once, though it may go on. A socket's time-out of
/// this length does for the calls that follow as well, most of which may wait a good deal longer.
const UNASKED: Duration = Duration::from_secs(4);

/// How many times in a row an attempt may go on that must not wait, or after its time is over, because it comes
/// further each time; then also how long. "No waiting" means taking what is there, but not for ever.
const STEPS: u32 = 4096;
const GRACE: Duration = Duration::from_millis(100);

/// Asks the application whether a call that waits shall go on.
pub trait Interrupt: Send + Sync {
    /// An error ends the call.
    fn check(&self) -> Result<()>;
}

/// Waits in place of poll.
pub trait Wait: Send + Sync {
    /// Until the descriptor is ready or the time is over (None: never); whoever calls looks in any
    /// case. Without a descriptor only time can pass.
    fn wait(&self, fd: Option<BorrowedFd<'_>>, interest: Interest, timeout: Option<Duration>) -> Result<()>;
}

/// The waiting of one client: as everybody waits, or in a way that it may share with others.
#[derive(Clone, Default)]
pub struct Waiting(Option<Arc<Way>>);

/// As everybody waits.
static PLAIN: Way =
    Way { cancel: None, interval: None, interrupt: None, own: None, busy_poll: Duration::ZERO };

/// A way of waiting.
#[derive(Clone, Default)]
pub struct Way {
    /// Ends calls.
    pub cancel: Option<Arc<Cancel>>,
    /// How long to wait at most before looking again.
    pub interval: Option<Duration>,
    /// Asked every so often, and after signals.
    pub interrupt: Option<Arc<dyn Interrupt>>,
    /// Waits in place of poll.
    pub own: Option<Arc<dyn Wait>>,
    /// Looks so long before it sleeps.
    pub busy_poll: Duration,
}

impl Waiting {
    /// Whether nobody has thrown the switch.
    #[inline]
    pub fn check_cancel(&self) -> Result<()> {
        match &self.0 {
            None => Ok(()),
            Some(way) => way.check_switch(),
        }
    }
}

impl Deref for Waiting {
    type Target = Way;

    #[inline]
    fn deref(&self) -> &Way {
        self.0.as_deref().unwrap_or(&PLAIN)
    }
}

impl DerefMut for Waiting {
    /// Who shares it keeps it as it was.
    fn deref_mut(&mut self) -> &mut Way {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl Way {
    /// Attempts until it is done or the deadline has passed.
    /// Without `can_hold` nothing may wake the thread, so it looks for itself every so often.
    pub fn drive<T>(
        &self,
        transport: &dyn Transport,
        can_hold: bool,
        deadline: &mut Deadline,
        attempt: impl FnMut(Hold) -> Attempt<T>,
    ) -> Result<T> {
        once_done(attempt, |attempt| self.drive_any(transport, can_hold, deadline, attempt))
    }

    /// The same, compiled once for all kinds of attempts.
    pub(super) fn drive_any(
        &self,
        transport: &dyn Transport,
        can_hold: bool,
        deadline: &mut Deadline,
        attempt: &mut dyn FnMut(Hold) -> Attempt<()>,
    ) -> Result<()> {
        let wakes = can_hold && transport.can_hold();
        let holds = wakes && self.cancel.is_none() && self.own.is_none();
        let mut spun = self.busy_poll.is_zero();
        let mut steps = 0;
        let mut over = None;
        loop {
            let left = deadline.left();
            let asked =
                if left == Left::Nothing { self.check_switch().map(|()| None) } else { self.check() }?;
            if !spun && left != Left::Nothing {
                spun = true;
                if let Some(outcome) = self.spin(left, attempt) {
                    return outcome;
                }
                continue;
            }
            let hold = if holds { self.hold(left) } else { Hold::No };
            match attempt(hold) {
                Ok(done) => return Ok(done),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Want(_) | Stop::Soon(_)) if left == Left::Nothing => return Err(timed_out()),
                Err(Stop::Want(interest)) => {
                    let limit = (!wakes).then_some(self.look_again());
                    self.wait_on(transport, Some(interest), deadline.left(), limit, asked)?;
                }
                Err(Stop::Soon(interest)) => {
                    self.wait_on(transport, interest, deadline.left(), Some(GLANCE), asked)?;
                }
                Err(Stop::Again) if left == Left::Nothing => {
                    steps += 1;
                    let now = Instant::now();
                    if steps == STEPS || now - *over.get_or_insert(now) > GRACE {
                        return Err(timed_out());
                    }
                }
                Err(Stop::Again) => {}
            }
        }
    }

    /// As [`Self::poll`], for what the descriptors of a transport tell.
    fn wait_on(
        &self,
        transport: &dyn Transport,
        interest: Option<Interest>,
        left: Left,
        limit: Option<Duration>,
        asked: Option<Instant>,
    ) -> Result<()> {
        let told = |one| transport.fd(one).map(|fd| (fd, one));
        let told = match interest {
            None => [None, None],
            Some(Interest::Either) => [Interest::Read, Interest::Write].map(told),
            Some(one) => [told(one), None],
        };
        match told {
            [Some(one), Some(other)] => self.poll(&[one, other], left, limit, asked),
            [Some(one), None] | [None, Some(one)] => self.poll(&[one], left, limit, asked),
            [None, None] => self.poll(&[], left, limit, asked),
        }
    }

    /// Attempts again and again for a short time; None: nothing came of it.
    fn spin(&self, left: Left, attempt: &mut dyn FnMut(Hold) -> Attempt<()>) -> Option<Result<()>> {
        let mut asked = Instant::now();
        let end = asked + left.at_most(Some(self.busy_poll))?;
        loop {
            match attempt(Hold::No) {
                Ok(done) => return Some(Ok(done)),
                Err(Stop::Failed(error)) => return Some(Err(error)),
                Err(Stop::Want(_) | Stop::Soon(_) | Stop::Again) => {}
            }
            let now = Instant::now();
            if now >= end {
                return None;
            }
            let goes_on = match self.interval {
                Some(interval) if now - asked >= interval => {
                    asked = now;
                    self.check().map(drop)
                }
                _ => self.check_switch(),
            };
            if let Err(error) = goes_on {
                return Some(Err(error));
            }
            std::hint::spin_loop();
        }
    }

    /// How often is looked at what wakes nobody, such as a close or a switch.
    fn look_again(&self) -> Duration {
        self.interval.map_or(LOOK_AGAIN, |interval| interval.min(LOOK_AGAIN))
    }

    /// Whether there is nothing but the kernel to wait by, and nobody to ask.
    pub fn is_plain(&self) -> bool {
        self.cancel.is_none()
            && self.interrupt.is_none()
            && self.interval.is_none()
            && self.own.is_none()
            && self.busy_poll.is_zero()
    }

    /// How long the kernel may hold us when so much time is left.
    #[inline]
    pub fn hold(&self, left: Left) -> Hold {
        match left.at_most(self.interval) {
            None => Hold::Forever,
            Some(time) => Hold::within(time),
        }
    }

    /// The same for work that cannot be interrupted while it is held.
    pub fn hold_unasked(&self, left: Left) -> Hold {
        match self.cancel.is_none() && self.interrupt.is_none() && self.own.is_none() {
            true => self.hold(left.at_most(Some(UNASKED)).map_or(Left::Forever, Left::Time)),
            false => Hold::No,
        }
    }

    /// Waits until one of the descriptors is ready, `left` is over, or somebody has to be asked
    /// again who was `asked` last then, at most `limit`.
    pub fn poll(
        &self,
        fds: &[(BorrowedFd<'_>, Interest)],
        left: Left,
        limit: Option<Duration>,
        asked: Option<Instant>,
    ) -> Result<()> {
        let interval =
            self.interval.zip(asked).map(|(interval, asked)| interval.saturating_sub(asked.elapsed()));
        let limit = interval.into_iter().chain(limit).min();
        if let Some(own) = &self.own {
            return self.wait_by(&**own, fds, left, limit);
        }
        let mut set = PollSet::default();
        fds.iter().for_each(|(fd, interest)| set.add(*fd, *interest));
        if let Some(cancel) = &self.cancel {
            set.add(cancel.as_fd(), Interest::Read);
        }
        set.wait(left.at_most(limit)).map(drop)
    }

    /// Lets the application wait. It knows one descriptor only: of several the first is waited for,
    /// and the others are looked at now and then, as is the switch.
    fn wait_by(
        &self,
        own: &dyn Wait,
        fds: &[(BorrowedFd<'_>, Interest)],
        left: Left,
        limit: Option<Duration>,
    ) -> Result<()> {
        let &[(fd, interest), ref others @ ..] = fds else {
            return own.wait(None, Interest::Read, left.at_most(limit));
        };
        let mut limits: Vec<_> = limit.into_iter().collect();
        if self.cancel.is_some() {
            limits.push(self.look_again());
        }
        let is_same = others.iter().all(|(other, _)| other.as_raw_fd() == fd.as_raw_fd());
        let interest = match others {
            [_, ..] if is_same => Interest::Either,
            [_, ..] => {
                limits.push(GLANCE);
                interest
            }
            [] => interest,
        };
        own.wait(Some(fd), interest, left.at_most(limits.into_iter().min()))
    }

    /// Waits for the value of a slot, within the deadline; where it `is_shared`, for nobody who may need longer.
    #[cold]
    pub fn wait_for<'a, T>(
        &self,
        slot: &'a Slot<T>,
        is_shared: bool,
        deadline: &mut Deadline,
    ) -> Result<Guard<'a, T>> {
        // Who wants to be asked is asked after each signal.
        let who = Impatient { with_signals: self.interrupt.is_some(), with_others: is_shared };
        let slice = if self.cancel.is_some() { Some(self.look_again()) } else { self.interval };
        loop {
            self.check()?;
            let left = deadline.left();
            let slice = if self.own.is_some() { Some(Duration::ZERO) } else { slice };
            let end = left.at_most(slice).and_then(|time| Instant::now().checked_add(time));
            match (slot.lock_until(end, who), &self.own) {
                (Ok(guard), _) => return Ok(guard),
                (Err(Refused::Closed), _) => return Err(closed()),
                (Err(Refused::Busy), _) => {
                    let reason = "another call is at the same direction of this endpoint";
                    return Err(Error::new(EN_EBUSY, reason));
                }
                (Err(Refused::Signalled), _) => {}
                (Err(Refused::TimedOut), _) if left == Left::Nothing => {
                    let reason = "the time-out of the call has passed while another thread was at it";
                    return Err(Error::new(EN_ETIMEDOUT, reason));
                }
                // Who has it may be of this thread, and go on only while we wait so.
                (Err(Refused::TimedOut), Some(own)) => {
                    own.wait(None, Interest::Read, left.at_most(Some(GLANCE)))?;
                }
                (Err(Refused::TimedOut), None) => {}
            }
        }
    }

    /// Whether the call may go on; says when somebody was asked.
    #[inline]
    pub fn check(&self) -> Result<Option<Instant>> {
        self.check_switch()?;
        if let Some(interrupt) = &self.interrupt {
            interrupt.check()?;
        }
        Ok(self.interval.map(|_| Instant::now()))
    }

    #[inline]
    fn check_switch(&self) -> Result<()> {
        match &self.cancel {
            Some(cancel) => cancel.check(),
            None => Ok(()),
        }
    }

    /// Whether it runs code of the application.
    pub fn runs_callbacks(&self) -> bool {
        self.interrupt.is_some() || self.own.is_some()
    }
}

/// Has `drive` attempt something until it is done, and answers what has come of it.
pub(super) fn once_done<T>(
    mut attempt: impl FnMut(Hold) -> Attempt<T>,
    drive: impl FnOnce(&mut dyn FnMut(Hold) -> Attempt<()>) -> Result<()>,
) -> Result<T> {
    let mut done = None;
    drive(&mut |hold| {
        done = Some(attempt(hold)?);
        Ok(())
    })?;
    Ok(done.expect("it was done"))
}

/// One attempt that does not wait, in as many steps as it takes.
pub(super) fn at_once<R>(attempt: impl FnMut() -> Attempt<R>) -> Result<std::result::Result<R, Interest>> {
    match in_steps(STEPS, attempt) {
        Ok(done) => Ok(Ok(done)),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Want(interest)) => Ok(Err(interest)),
        Err(Stop::Soon(interest)) => Ok(Err(interest.unwrap_or(Interest::Either))),
        Err(Stop::Again) => Ok(Err(Interest::Either)),
    }
}

#[cold]
fn timed_out() -> Error {
    Error::new(EN_ETIMEDOUT, "the time-out of the call has passed")
}
