//! Closing a client from any thread: wakes those who wait, and lets go of what nobody uses.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Client, Half};
use crate::blocking::Closable;
use crate::deadline::Deadline;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::handle::close_abandoned;
use crate::transport::Transport;

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

    fn retire(&self) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            self.wake(|transport| transport.stop_receiving());
        }
    }

    /// After `closed` is set: sends what is put aside, and lets go.
    fn finish(&self, may_wait: bool) -> Result<()> {
        let _inside = self.control.visit();
        let timeout_ms = if may_wait { self.shutdown_timeout_ms } else { 0 };
        let outcome = self.bring_out(Deadline::after_ms(timeout_ms));
        let closed = self.let_go();
        outcome.and(closed).map_err(|error| self.name_peer(error.at(Stage::Close)))
    }

    fn end(self: Arc<Self>) {
        if self.check_owner().is_err() {
            // Threads that do not exist here have the halves: only the descriptor can be closed, if
            // nobody else has it.
            if !self.is_done() && !self.is_shared {
                close_abandoned(self.fd);
            }
            std::mem::forget(self);
            return;
        }
        if self.life.close() {
            // Cuts a close short that is still bringing out what is put aside.
            let _ = self.let_go();
        } else {
            // One attempt that does not wait; nobody is left to hear how it went.
            let _ = self.finish(false);
        }
        // Who receives may send what is put aside, and who closes does both: so in this order.
        self.receiving.visit().wait_until_alone();
        self.sending.visit().wait_until_alone();
        self.control.visit().wait_until_alone();
    }
}

impl Client {
    /// Sends what is put aside, and takes leave of the peer.
    fn bring_out(&self, mut deadline: Deadline) -> Result<()> {
        let is_unsent = self.unsent.load(Ordering::Relaxed);
        if !is_unsent && !self.says_farewell {
            return Ok(());
        }
        // The peer's farewell can only be heard if nobody must be woken.
        let receiving = self.receiving.close();
        if !receiving.is_alone() {
            self.wake(|transport| transport.stop_receiving());
        }
        let inside = self.sending.close();
        // Who began before the client was closed and does not wait is through soon.
        let sender = match self.sender_waits.load(Ordering::SeqCst) {
            true => Err("another thread is stuck in a send"),
            false => inside.lock_until(deadline.instant()).ok_or("another thread was sending all the time"),
        };
        let mut half = match sender {
            Ok(half) => half,
            Err(why) if is_unsent => return Err(lost(why)),
            Err(_) => return Ok(()),
        };
        self.leave_to_parent(&mut half);
        let Half { packets, transport } = &mut *half;
        let wakes = !self.life.is_in_child();
        if packets.has_unsent() {
            self.waiting.drive(&**transport, wakes, &mut deadline, |hold| packets.flush(hold))?;
        }
        // A peer that does not answer in time is left as it is.
        let _ = self.waiting.drive(&**transport, wakes, &mut deadline, |hold| packets.farewell(hold));
        Ok(())
    }

    /// Wakes everybody; nobody gets a half any more, and the last to leave one drops it.
    fn let_go(&self) -> Result<()> {
        let closed = self.wake(|transport| transport.close());
        drop(self.control.close());
        drop(self.receiving.close());
        drop(self.sending.close());
        closed.unwrap_or(Ok(()))
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
