//! Closing a client from any thread: wakes those who wait, and lets go of what nobody uses.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Client, Half};
use crate::attempt::{Attempt, Hold, Stop};
use crate::deadline::Deadline;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::handle::close_abandoned;
use crate::transport::Transport;

/// How long closing waits for a sender that seems to be stuck.
const GRACE_MS: i64 = 20;

/// How many steps the last words may have that do not wait.
const STEPS_AT_ONCE: u32 = 4096;

impl Client {
    /// Closes the client: first sends what is put aside, if nobody is stuck at sending.
    pub fn close(&self) -> Result<()> {
        self.check_owner()?;
        let _inside = self.control.visit();
        match self.life.close() {
            true => Ok(()),
            false => self.finish_close(),
        }
    }

    /// The rest of [`Self::close`] after [`Self::retire`].
    pub fn finish_close(&self) -> Result<()> {
        self.check_owner()?;
        self.finish(self.shutdown_timeout_ms)
    }

    /// Closes the client at once.
    pub fn abort(&self) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            // Also cuts a close short that is still bringing out what is put aside.
            self.let_go();
        }
    }

    /// The first step of closing, where the others must wait: calls begin no more, and receiving
    /// ends. [`Self::finish`] does the rest.
    pub fn retire(&self) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            self.wake(|transport| transport.stop_receiving());
        }
    }

    /// After `closed` is set: sends what is put aside, within so much time, and lets go.
    fn finish(&self, timeout_ms: i64) -> Result<()> {
        let _inside = self.control.visit();
        let outcome = self.bring_out(Deadline::after_ms(timeout_ms));
        self.let_go();
        outcome.map_err(|error| error.at(Stage::Close).with_peer(&self.peer))
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
        let Half { packets, transport } = &mut *half;
        self.last(&**transport, &mut deadline, |hold| packets.flush(hold))?;
        // A peer that does not answer in time is left as it is.
        let _ = self.last(&**transport, &mut deadline, |hold| packets.farewell(hold));
        Ok(())
    }

    /// One of the last things: what goes at once goes in any case, whoever is asked or cancels.
    fn last(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        mut attempt: impl FnMut(Hold) -> Attempt<()>,
    ) -> Result<()> {
        for _ in 0..STEPS_AT_ONCE {
            match attempt(Hold::No) {
                Ok(()) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Again) => {}
                Err(Stop::Want(_)) => break,
            }
        }
        let wakes = !self.life.is_in_child();
        self.waiting.drive(transport, wakes, deadline, attempt)
    }

    /// Wakes everybody; nobody gets a half any more, and the last to leave one drops it.
    fn let_go(&self) {
        self.wake(|transport| transport.abort());
        drop(self.control.close());
        drop(self.receiving.close());
        drop(self.sending.close());
    }

    fn wake(&self, wake: impl FnOnce(&dyn Transport)) {
        // In a forked child the connection is the parent's, too.
        if !self.life.is_in_child()
            && let Some(transport) = self.control.visit().lock_until(None)
        {
            wake(&**transport);
        }
    }

    /// Whether the client is closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.life.is_closed()
    }

    /// Whether this process may close it: a client that has panicked may be closed, too.
    fn check_owner(&self) -> Result<()> {
        match self.check_usable() {
            Err(error) if self.life.is_foreign() => Err(error),
            _ => Ok(()),
        }
    }

    /// The end of the handle: closes, and waits until nobody is inside any more.
    pub fn end(self: Arc<Self>) {
        if self.check_owner().is_err() {
            // Threads that do not exist here have the halves: only the descriptor can be closed.
            if !self.is_closed() {
                close_abandoned(self.fd);
            }
            std::mem::forget(self);
            return;
        }
        self.life.close();
        // One attempt that does not wait; nobody is left to hear how it went. It also cuts a close
        // short that is still bringing out what is put aside.
        let _ = self.finish(0);
        // Who receives may send what is put aside, and who closes does both: so in this order.
        self.receiving.visit().wait_until_alone();
        self.sending.visit().wait_until_alone();
        self.control.visit().wait_until_alone();
    }
}

#[cold]
fn lost(why: &str) -> Error {
    Error::new(EN_ETIMEDOUT, format!("what was put aside could not be sent: {why}"))
}
