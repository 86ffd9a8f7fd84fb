//! Closing a client from any thread: wakes those who wait, and lets go of what nobody uses.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Aside, Client};
use crate::attempt::{Hold, Stop};
use crate::blocking::Closable;
use crate::deadline::Deadline;
use crate::endpoint::sender::Sender;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::handle::close_abandoned;

impl Closable for Client {
    fn runs_callbacks(&self) -> bool {
        self.runs_callbacks
    }

    #[inline]
    fn check_usable(&self) -> Result<()> {
        self.holds.check_usable()
    }

    fn is_closed(&self) -> bool {
        self.holds.is_closed()
    }

    /// First sends what is put aside, if nobody is stuck at sending.
    fn close(&self) -> Result<()> {
        self.holds.close(|| self.finish(true))
    }

    fn abort(&self) {
        self.holds.abort();
    }

    fn retire(&self, is_freed: bool) {
        self.holds.retire(is_freed);
    }

    fn finish(&self, may_wait: bool) -> Result<()> {
        let _inside = self.holds.control.visit();
        let deadline = if may_wait { self.shutdown_timeout.deadline() } else { Deadline::after_ms(0) };
        let outcome = self.bring_out(deadline);
        let closed = self.holds.let_go();
        outcome.and(closed).map_err(|error| self.name_peer(error.at(Stage::Close)))
    }

    fn end(self: Arc<Self>) {
        let is_ours = !self.holds.is_shared;
        if self.holds.check_owner().is_err() {
            // Threads that do not exist here have the halves: only the descriptor can be closed, if it
            // was open at the fork, and nobody else has it.
            match is_ours {
                false if !self.holds.is_used() => self.holds.drop_holds(),
                true if !self.holds.is_empty() => close_abandoned(self.fd),
                _ => {}
            }
            std::mem::forget(self);
            return;
        }
        self.holds.life.close();
        // One attempt that does not wait; nobody is left to hear how it went. It also cuts a close
        // short that is still bringing out what is put aside. Where nobody must be woken, others who
        // have the connection, too, go on with it: a forked child, a duplicate of the descriptor.
        let _ = match self.holds.is_used() || is_ours && self.says_farewell {
            true => self.finish(false),
            false => self.leave(),
        };
        self.holds.wait_until_alone();
    }
}

impl Client {
    /// Sends of what is put aside what goes at once, and leaves the transport to those who have it, too.
    fn leave(&self) -> Result<()> {
        let flushed = match self.holds.sending.close().lock_until(None) {
            Some(mut half) => {
                self.leave_to_parent(&mut half);
                self.flush_last(&mut half, &mut Deadline::after_ms(0))
            }
            None => Ok(()),
        };
        self.holds.drop_holds();
        flushed
    }

    /// Sends what is put aside, and takes leave of the peer.
    fn bring_out(&self, mut deadline: Deadline) -> Result<()> {
        // Not by what is unsent at this moment: a send that has begun may still put something aside.
        if self.aside == Aside::Never && !self.says_farewell {
            return Ok(());
        }
        // The peer's farewell can only be heard if nobody must be woken.
        let _receiving = self.holds.end_receiving();
        let inside = self.holds.sending.close();
        let may_be_stuck = self.runs_callbacks && !self.unsent.load(Ordering::Relaxed);
        let until = self.holds.sender_until(&mut deadline, may_be_stuck);
        let Some(mut half) = inside.lock_until(until) else {
            return match self.unsent.load(Ordering::Relaxed) {
                true => Err(lost("another thread is stuck in a send, or has aborted the client")),
                false => Ok(()),
            };
        };
        self.leave_to_parent(&mut half);
        self.flush_last(&mut half, &mut deadline)?;
        // A peer that does not answer in time is left as it is.
        let _ = self.holds.last(&*half.transport(), &mut deadline, |hold| half.farewell(hold));
        Ok(())
    }

    /// Sends what is put aside, if there is something.
    fn flush_last(&self, half: &mut Sender, deadline: &mut Deadline) -> Result<()> {
        if !half.has_unsent() {
            return Ok(());
        }
        let transport = half.transport();
        let flushed = self.holds.last(&*transport, deadline, |hold| half.flush_in_turn(hold, &self.counters));
        match flushed {
            // Whose turn it still is says more than that the time has passed.
            Err(error) if error.code() == EN_ETIMEDOUT => match half.flush(Hold::No, &self.counters) {
                Err(Stop::Failed(busy)) => Err(lost(busy.reason())),
                _ => Err(error),
            },
            flushed => flushed,
        }
    }

    /// Whether the client is closed.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.holds.life.is_closed()
    }
}

#[cold]
fn lost(why: &str) -> Error {
    Error::new(EN_ETIMEDOUT, format!("what was put aside could not be sent: {why}"))
}
