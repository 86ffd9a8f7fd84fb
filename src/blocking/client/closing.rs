//! Closing a client from any thread: wakes those who wait, and lets go of what nobody uses.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Client;
use crate::attempt::{Attempt, Hold, Stop};
use crate::blocking::Closable;
use crate::deadline::Deadline;
use crate::endpoint::sender::Sender;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::handle::close_abandoned;
use crate::transport::Transport;

/// How long closing waits for a sender that seems to be stuck.
const GRACE_MS: i64 = 20;

/// How many steps the last words may have that do not wait.
const STEPS_AT_ONCE: u32 = 4096;

impl Closable for Client {
    fn runs_callbacks(&self) -> bool {
        self.runs_callbacks
    }

    #[inline]
    fn check_usable(&self) -> Result<()> {
        match self.life.is_as_before() {
            true => Ok(()),
            false => self.check_usable_slow(),
        }
    }

    fn poison(&self) {
        self.life.poison();
        self.abort();
    }

    fn is_closed(&self) -> bool {
        // Others may have closed the transport of an endpoint.
        self.is_done() || self.is_shared && self.transport().is_none_or(|transport| transport.is_closed())
    }

    /// First sends what is put aside, if nobody is stuck at sending.
    fn close(&self) -> Result<()> {
        self.check_owner()?;
        let _inside = self.control.visit();
        match self.life.close() {
            true => Ok(()),
            false => self.finish(true),
        }
    }

    fn abort(&self) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            // Also cuts a close short that is still bringing out what is put aside.
            let _ = self.let_go();
        }
    }

    fn retire(&self, is_freed: bool) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            if !(is_freed && self.is_shared) {
                self.wake(|transport| transport.stop_receiving());
            }
        }
    }

    fn finish(&self, may_wait: bool) -> Result<()> {
        let _inside = self.control.visit();
        let deadline = if may_wait { self.shutdown_timeout.deadline() } else { Deadline::after_ms(0) };
        let outcome = self.bring_out(deadline);
        let closed = self.let_go();
        outcome.and(closed).map_err(|error| self.name_peer(error.at(Stage::Close)))
    }

    fn end(self: Arc<Self>) {
        if self.check_owner().is_err() {
            // Threads that do not exist here have the halves: only the descriptor can be closed, if it
            // was open at the fork, and nobody else has it.
            let is_gone = self.control.is_empty() && self.receiving.is_empty() && self.sending.is_empty();
            match self.is_shared {
                true if !self.is_used() => self.drop_holds(),
                false if !is_gone => close_abandoned(self.fd),
                _ => {}
            }
            std::mem::forget(self);
            return;
        }
        self.life.close();
        // One attempt that does not wait; nobody is left to hear how it went. It also cuts a close
        // short that is still bringing out what is put aside.
        let _ = match self.is_shared && !self.is_used() {
            true => self.leave(),
            false => self.finish(false),
        };
        // Who receives may send what is put aside, and who closes does both: so in this order.
        self.receiving.visit().wait_until_alone();
        self.sending.visit().wait_until_alone();
        self.control.visit().wait_until_alone();
    }
}

impl Client {
    /// Sends of what is put aside what goes at once, and leaves the transport to those who have it, too.
    fn leave(&self) -> Result<()> {
        let flushed = match self.sending.close().lock_until(None) {
            Some(mut half) => {
                self.leave_to_parent(&mut half);
                self.flush_last(&mut half, &mut Deadline::after_ms(0))
            }
            None => Ok(()),
        };
        self.drop_holds();
        flushed
    }

    /// Sends what is put aside, and takes leave of the peer.
    fn bring_out(&self, mut deadline: Deadline) -> Result<()> {
        // Not by what is unsent at this moment: a send that has begun may still put something aside.
        if !self.puts_aside && !self.says_farewell {
            return Ok(());
        }
        // The peer's farewell can only be heard if nobody must be woken.
        let receiving = self.receiving.close();
        if !receiving.is_alone() {
            self.wake(|transport| transport.stop_receiving());
        }
        let inside = self.sending.close();
        // Who began before the client was closed and does not wait is through soon.
        let until = match self.sender_waits.load(Ordering::SeqCst) {
            true => deadline.earlier(Deadline::after_ms(GRACE_MS)).instant(),
            false => deadline.instant(),
        };
        let Some(mut half) = inside.lock_until(until) else {
            return match self.unsent.load(Ordering::Relaxed) {
                true => Err(lost("another thread is stuck in a send, or has aborted the client")),
                false => Ok(()),
            };
        };
        self.leave_to_parent(&mut half);
        self.flush_last(&mut half, &mut deadline)?;
        // A peer that does not answer in time is left as it is.
        let _ = self.last(&*half.transport(), &mut deadline, |hold| half.farewell(hold));
        Ok(())
    }

    /// Sends what is put aside, if there is something.
    fn flush_last(&self, half: &mut Sender, deadline: &mut Deadline) -> Result<()> {
        match half.has_unsent() {
            true => self.last(&*half.transport(), deadline, |hold| half.flush(hold, &self.counters)),
            false => Ok(()),
        }
    }

    /// One of the last things: what goes at once goes in any case, whoever is asked or cancels.
    fn last(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        mut attempt: impl FnMut(Hold) -> Attempt<()>,
    ) -> Result<()> {
        let wakes = !self.life.is_in_child();
        let steps = if self.only_waits && wakes { 0 } else { STEPS_AT_ONCE };
        for _ in 0..steps {
            match attempt(Hold::No) {
                Ok(()) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Again) => {}
                Err(Stop::Want(_)) => break,
            }
        }
        self.waiting.drive(transport, wakes, deadline, attempt)
    }

    /// Wakes everybody; nobody gets a half any more, and the last to leave one drops it.
    fn let_go(&self) -> Result<()> {
        let closed = self.wake(|transport| transport.close());
        self.drop_holds();
        closed.unwrap_or(Ok(()))
    }

    fn drop_holds(&self) {
        drop(self.control.close());
        drop(self.receiving.close());
        drop(self.sending.close());
    }

    fn wake<T>(&self, wake: impl FnOnce(&dyn Transport) -> T) -> Option<T> {
        // In a forked child the connection is the parent's, too.
        match self.life.is_in_child() {
            true => None,
            false => self.transport().map(|transport| wake(&*transport)),
        }
    }

    /// Whether the client is closed.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.life.is_closed()
    }

    /// Whether this process may close it: a client that has panicked may be closed, too.
    fn check_owner(&self) -> Result<()> {
        match self.check_usable() {
            Err(error) if self.life.is_foreign() => Err(error),
            _ => Ok(()),
        }
    }
}

#[cold]
fn lost(why: &str) -> Error {
    Error::new(EN_ETIMEDOUT, format!("what was put aside could not be sent: {why}"))
}
