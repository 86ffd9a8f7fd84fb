//! What a handle has of a transport, for calls that block: a half for each direction, and a hold for all
//! else. Closing takes them away, from any thread, and whoever is inside is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::life::Life;
use super::wait::{Waiting, at_once, once_done};
use crate::attempt::{Attempt, Hold, Stop};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::socket::slot::{Slot, Visit};
use crate::transport::Transport;

/// How long closing waits for a sender that seems to be stuck.
const GRACE_MS: i64 = 20;

/// The halves of a handle, and the hold `C` on their transport. In this order: calls look at what stands first.
#[repr(C)]
pub(super) struct Holds<R, S, C: Transport + ?Sized> {
    pub(super) life: Life,
    pub(super) waiting: Waiting,
    pub(super) receiving: Slot<R>,
    pub(super) sending: Slot<S>,
    /// Whether a sender waits for the peer, or is about to.
    sender_waits: AtomicBool,
    /// Whether others may have the transport, too.
    pub(super) is_shared: bool,
    survives_fork: bool,
    /// Whether the kernel may hold a sender in an attempt; otherwise it waits only in between.
    can_hold_sender: bool,
    /// What calls answer once it is closed.
    closed: fn() -> Error,
    /// For what needs neither half and for waking who waits, never used for longer than that takes. Like
    /// the halves it is gone once the handle is closed, and with the last of the three the descriptor.
    pub(super) control: Slot<Arc<C>>,
}

impl<R, S, C: Transport + ?Sized> Holds<R, S, C> {
    pub(super) fn new(
        receiving: R,
        sending: S,
        transport: Arc<C>,
        is_shared: bool,
        waiting: Waiting,
        closed: fn() -> Error,
    ) -> Self {
        Holds {
            survives_fork: transport.survives_fork(),
            can_hold_sender: transport.can_hold_sender(),
            receiving: Slot::new(receiving),
            sending: Slot::new(sending),
            control: Slot::new(transport),
            life: Life::begin(),
            waiting,
            sender_waits: AtomicBool::new(false),
            is_shared,
            closed,
        }
    }

    /// The transport, as long as it is there. What it does may run callbacks, so it is not locked.
    pub(super) fn transport(&self) -> Option<Arc<C>> {
        // Others lock it only for as long as this takes.
        self.control.visit().lock_until(None).map(|transport| transport.clone())
    }

    /// Whether a call is under way.
    pub(super) fn is_used(&self) -> bool {
        self.receiving.is_used() || self.sending.is_used() || self.control.is_used()
    }

    /// Whether nothing is there any more.
    pub(super) fn is_empty(&self) -> bool {
        self.receiving.is_empty() && self.sending.is_empty() && self.control.is_empty()
    }

    /// Whether the handle may be used in this process, and has not panicked.
    #[inline]
    pub(super) fn check_usable(&self) -> Result<()> {
        match self.life.is_as_before() {
            true => Ok(()),
            false => self.check_usable_slow(),
        }
    }

    #[cold]
    fn check_usable_slow(&self) -> Result<()> {
        self.life.look(|| !self.survives_fork || self.is_used())
    }

    /// Whether this process may close it: one that has panicked may be closed, too.
    pub(super) fn check_owner(&self) -> Result<()> {
        match self.check_usable() {
            Err(error) if self.life.is_foreign() => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether it is closed, or others have closed the transport.
    pub(super) fn is_closed(&self) -> bool {
        self.life.is_closed()
            || self.is_shared && self.transport().is_none_or(|transport| transport.is_closed())
    }

    /// Whether nobody has closed it, which also a callback of the call under way may do.
    #[inline]
    pub(super) fn check_open(&self) -> Result<()> {
        if self.life.is_closed() { Err((self.closed)()) } else { Ok(()) }
    }

    /// One of the last things: what goes at once goes in any case, whoever is asked or cancels.
    pub(super) fn last(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        mut attempt: impl FnMut(Hold) -> Attempt<()>,
    ) -> Result<()> {
        let wakes = !self.life.is_in_child();
        let may_be_refused = !self.waiting.is_plain() || !wakes;
        match may_be_refused && at_once(|| attempt(Hold::No))?.is_ok() {
            true => Ok(()),
            false => self.waiting.drive(transport, wakes, deadline, attempt),
        }
    }

    /// Attempts until done; closing ends it, whatever the attempt says then.
    pub(super) fn drive<T>(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        attempt: impl FnMut(Hold) -> Attempt<T>,
    ) -> Result<T> {
        once_done(attempt, |attempt| {
            self.drive_any(transport, deadline, &mut |hold| {
                // Who was freed inside a callback of this call is woken by nobody.
                self.check_open()?;
                attempt(hold)
            })
        })
    }

    /// As [`Self::drive`]; who closes sees whether it would have to wait for us.
    pub(super) fn drive_sender<T>(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        attempt: impl FnMut(Hold) -> Attempt<T>,
    ) -> Result<T> {
        once_done(attempt, |attempt| {
            let outcome =
                self.drive_any(transport, deadline, &mut |hold| self.attempt_to_send(attempt, hold));
            self.sender_waits.store(false, Ordering::SeqCst);
            outcome
        })
    }

    /// Compiled once for all kinds of attempts.
    #[inline(never)]
    fn drive_any(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        attempt: &mut dyn FnMut(Hold) -> Attempt<()>,
    ) -> Result<()> {
        let wakes = !self.life.is_in_child();
        self.waiting.drive_any(transport, wakes, deadline, &mut |hold| match attempt(hold) {
            Ok(()) => Ok(()),
            Err(_) if self.life.is_closed() => Err(Stop::Failed((self.closed)())),
            Err(stop) => Err(stop),
        })
    }

    #[inline(never)]
    fn attempt_to_send(&self, attempt: &mut dyn FnMut(Hold) -> Attempt<()>, hold: Hold) -> Attempt<()> {
        match hold != Hold::No && self.can_hold_sender {
            true => self.waits_from_here()?,
            // It may have waited before.
            false => self.sender_waits.store(false, Ordering::SeqCst),
        }
        match attempt(hold) {
            Err(stop @ (Stop::Want(_) | Stop::Soon(_))) => {
                self.waits_from_here()?;
                Err(stop)
            }
            outcome => {
                self.sender_waits.store(false, Ordering::SeqCst);
                outcome
            }
        }
    }

    /// A sender is about to wait, unless the handle is closed: of the two, one sees the other.
    fn waits_from_here(&self) -> Result<()> {
        self.sender_waits.store(true, Ordering::SeqCst);
        self.check_open()
    }

    /// Until when who closes waits for the sending half: who began before and does not wait is through soon,
    /// unless it `may_be_stuck` in code of the application.
    pub(super) fn sender_until(&self, deadline: &mut Deadline, may_be_stuck: bool) -> Option<Instant> {
        match may_be_stuck || self.sender_waits.load(Ordering::SeqCst) {
            true => deadline.earlier(Deadline::after_ms(GRACE_MS)).instant(),
            false => deadline.instant(),
        }
    }

    /// Closes it and does the rest by `finish`, unless it is closed.
    pub(super) fn close(&self, finish: impl FnOnce() -> Result<()>) -> Result<()> {
        self.check_owner()?;
        let _inside = self.control.visit();
        match self.life.close() {
            true => Ok(()),
            false => finish(),
        }
    }

    /// Closes it at once; also cuts a close short that is still at its last words.
    pub(super) fn abort(&self) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            let _ = self.let_go();
        }
    }

    /// Runs what a call does while it is inside. A panic takes the handle out of service before the call leaves:
    /// from then on others may free it.
    #[inline(always)]
    pub(super) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let panics = PoisonedByPanic(self);
        let outcome = work();
        std::mem::forget(panics);
        outcome
    }

    /// Calls begin no more, and receiving ends, but not of what is freed: others may go on with that. For who is
    /// inside a call, so nobody asks whether there may be any.
    pub(super) fn retire(&self, is_freed: bool) {
        let _inside = self.control.visit();
        self.life.close();
        if !is_freed {
            self.wake(Transport::stop_receiving);
        }
    }

    /// Nobody begins to receive any more, and who does is woken.
    pub(super) fn end_receiving(&self) -> Visit<'_, R> {
        let receiving = self.receiving.close();
        if !receiving.is_alone() {
            self.wake(Transport::stop_receiving);
        }
        receiving
    }

    /// Closes the transport and wakes everybody; nobody gets a half any more, and the last to leave one
    /// drops it.
    pub(super) fn let_go(&self) -> Result<()> {
        let closed = self.wake(Transport::close);
        self.drop_holds();
        closed.unwrap_or(Ok(()))
    }

    /// The same, but the transport stays as it is.
    pub(super) fn drop_holds(&self) {
        drop(self.control.close());
        drop(self.receiving.close());
        drop(self.sending.close());
    }

    fn wake<T>(&self, wake: impl FnOnce(&C) -> T) -> Option<T> {
        // In a forked child the connection is the parent's, too.
        match self.life.is_in_child() {
            true => None,
            false => self.transport().map(|transport| wake(&transport)),
        }
    }

    /// Waits until everybody has left.
    pub(super) fn wait_until_alone(&self) {
        // Who receives may send what is put aside, and who closes does both: so in this order.
        self.receiving.visit().wait_until_alone();
        self.sending.visit().wait_until_alone();
        self.control.visit().wait_until_alone();
    }
}

/// Takes a handle out of service when it is dropped, which only a panic does.
struct PoisonedByPanic<'a, R, S, C: Transport + ?Sized>(&'a Holds<R, S, C>);

impl<R, S, C: Transport + ?Sized> Drop for PoisonedByPanic<'_, R, S, C> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        self.0.life.poison();
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::BorrowedFd;

    use super::*;
    use crate::attempt::Interest;
    use crate::error::EN_ECLOSED;

    /// May hold who sends, or not.
    struct Road(bool);

    impl Transport for Road {
        fn stop_receiving(&self) {}

        fn close(&self) -> Result<()> {
            Ok(())
        }

        fn fd(&self, _interest: Interest) -> Option<BorrowedFd<'_>> {
            None
        }

        fn can_hold_sender(&self) -> bool {
            self.0
        }
    }

    #[test]
    fn closing_has_little_patience_only_with_who_may_be_held() {
        for may_be_held in [true, false] {
            let road = Arc::new(Road(may_be_held));
            let closed = || Error::new(EN_ECLOSED, "closed");
            let holds = Holds::new((), (), road.clone(), false, Waiting::default(), closed);
            let forever = || Deadline::after_ms(-1);
            let is_short = holds.drive_sender(&*road, &mut forever(), |hold| {
                assert_eq!(hold, Hold::Forever);
                Ok(holds.sender_until(&mut forever(), false).is_some())
            });
            assert_eq!(is_short.expect("done"), may_be_held);
        }
    }
}
