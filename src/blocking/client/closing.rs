//! Closing a client from any thread: wakes those who wait, and lets go of what nobody uses.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Client, Half};
use crate::deadline::Deadline;
use crate::error::{Result, Stage};
use crate::socket::handle::close_abandoned;
use crate::transport::Transport;

impl Client {
    /// Closes the client: first sends what is put aside, if nobody is stuck at sending.
    pub fn close(&self) -> Result<()> {
        if let Err(error) = self.check_usable()
            && self.life.is_foreign()
        {
            return Err(error);
        }
        if self.life.close() {
            return Ok(());
        }
        let outcome = self.bring_out(Deadline::after_ms(self.shutdown_timeout_ms));
        self.let_go();
        outcome.map_err(|error| self.explain(error, Stage::Close))
    }

    /// Closes the client at once.
    pub fn abort(&self) {
        // Looks for a fork, too.
        let _ = self.check_usable();
        if !self.life.is_foreign() {
            // Also cuts a close short that is still bringing out what is put aside.
            self.life.close();
            self.let_go();
        }
    }

    /// After `closed` is set: sends what is put aside. Receivers are woken before.
    fn bring_out(&self, mut deadline: Deadline) -> Result<()> {
        if !self.unsent.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(mut guard) = self.sending.try_lock() else { return Ok(()) };
        let outcome = match &mut *guard {
            Some(Half { packets, transport }) => {
                let can_hold = !self.life.is_in_child();
                // In a forked child the connection is the parent's, too.
                if can_hold {
                    transport.stop_receiving();
                }
                self.waiting.drive(&**transport, can_hold, &mut deadline, |hold| packets.flush(hold))
            }
            None => Ok(()),
        };
        guard.unlock(|half| *half = None);
        outcome
    }

    /// Wakes everybody and drops what nobody is using; the others drop theirs when they leave.
    fn let_go(&self) {
        // Held by others only for as long as a socket option takes.
        if let Some(mut control) = self.control.lock_until(None) {
            self.wake(&control);
            *control = None;
            control.unlock(|_| {});
        }
        if let Some(half) = self.receiving.ask_to_close() {
            half.unlock(|half| *half = None);
        }
        if let Some(half) = self.sending.ask_to_close() {
            half.unlock(|half| *half = None);
        }
    }

    fn wake(&self, control: &Option<Arc<dyn Transport>>) {
        // In a forked child the connection is the parent's, too.
        if let Some(transport) = control
            && !self.life.is_in_child()
        {
            transport.abort();
        }
    }

    /// Whether the client is closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.life.is_closed()
    }

    /// The end of the handle: closes, and waits until nobody is inside any more.
    pub fn end(self: Arc<Self>) {
        if self.check_usable().is_err() && self.life.is_foreign() {
            // Threads that do not exist here hold the locks: only the descriptor can be closed.
            if !self.is_closed() {
                close_abandoned(self.fd);
            }
            std::mem::forget(self);
            return;
        }
        if !self.life.close() {
            // One attempt that does not wait; nobody is left to hear how it went.
            let _ = self.bring_out(Deadline::after_ms(0));
        }
        // Also cuts a close short that is still bringing out what is put aside.
        self.let_go();
        self.receiving.drain();
        self.sending.drain();
        self.control.drain();
    }
}
