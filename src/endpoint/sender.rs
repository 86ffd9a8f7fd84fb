//! The sending half of an endpoint, with what is put aside before it.

use std::io::IoSlice;
use std::sync::Arc;

use super::outlet::Outlet;
use super::write_buffer::WriteBuffer;
use super::{Counters, Encoder};
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_EBUSY, EN_EPIPE, EN_ESHUTDOWN, Error, Result, Stage, invalid, is_connection, is_over};
use crate::protocol::{Gather, Head};
use crate::transport::Transport;

/// Sends packets, or puts them aside to be sent with what follows. Who drives it keeps its counters, which
/// outlive it.
pub struct Sender {
    outlet: Outlet,
    /// None: all is sent at once.
    state: Option<Box<State>>,
}

enum State {
    /// There is a write buffer.
    Buffered(WriteBuffer),
    /// Nothing can be sent any more: the end was sent, or half a packet.
    Ended { why: Error, eof_sent: bool },
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.give_up_aside();
    }
}

impl Sender {
    /// Sends at once.
    pub fn new(outlet: Outlet) -> Sender {
        Sender { outlet, state: None }
    }

    /// The same with a write buffer of so many bytes, or without, for packets that only `head` goes before, if
    /// there is one.
    #[must_use]
    pub fn with_buffer(mut self, size: usize, head: Option<Head>) -> Sender {
        self.state = (size > 0).then(|| Box::new(State::Buffered(WriteBuffer::new(size, head))));
        self
    }

    #[inline(always)]
    fn buffer(&self) -> Option<&WriteBuffer> {
        match self.state.as_deref() {
            Some(State::Buffered(buffer)) => Some(buffer),
            _ => None,
        }
    }

    #[inline(always)]
    fn buffer_mut(&mut self) -> Option<&mut WriteBuffer> {
        match self.state.as_deref_mut() {
            Some(State::Buffered(buffer)) => Some(buffer),
            _ => None,
        }
    }

    /// Whether anything may be sent at all, before the effort to encode it.
    #[inline]
    pub fn check(&self) -> Result<()> {
        match self.state.as_deref() {
            Some(State::Ended { why, .. }) => Err(why.clone()),
            _ => self.outlet.check(),
        }
    }

    /// Whether all is sent at once, and nothing stands in the way of that.
    #[inline]
    pub fn is_direct(&self) -> bool {
        self.state.is_none() && self.outlet.check().is_ok()
    }

    /// Whether [`Self::push`] ever does something.
    pub fn pushes(&self) -> bool {
        self.buffer().is_some_and(WriteBuffer::pushes)
    }

    /// Puts a packet aside if there is memory for it right behind what is there; whether there was.
    #[inline(always)]
    pub fn push(&mut self, packet: &[u8]) -> bool {
        self.buffer_mut().is_some_and(|buffer| buffer.push(packet))
    }

    /// Puts a packet aside, given in parts, right where it is encoded; whether it fits. The encoder runs no
    /// code of the application.
    #[inline]
    pub fn encode_aside(&mut self, encoder: &Encoder, parts: &[&[u8]]) -> Result<bool> {
        self.buffer_mut().map_or(Ok(false), |buffer| buffer.append(encoder, parts))
    }

    /// Puts what was gathered aside, if it fits there; whether it does.
    #[inline(always)]
    pub fn put_aside(&mut self, out: &mut Gather<'_>) -> bool {
        self.buffer_mut().is_some_and(|buffer| buffer.put(out))
    }

    /// Sends what was gathered or puts it aside, with at most one system call.
    #[inline(always)]
    pub fn send(&mut self, out: &mut Gather<'_>, hold: Hold, counters: &Counters) -> Attempt<()> {
        if self.has_write_buffer() {
            if self.put_aside(out) {
                return Ok(());
            }
            self.send_aside_first(hold, counters)?;
        }
        self.outlet.send(out, hold, counters)
    }

    /// Sends the bytes of one packet, as many as go with one system call; only for who puts nothing aside.
    #[inline(always)]
    pub fn send_whole(&self, packet: &[u8], hold: Hold, counters: &Counters) -> Attempt<usize> {
        debug_assert!(self.is_direct(), "what is put aside goes first");
        self.outlet.send_whole(packet, hold, counters)
    }

    /// Sends what was gathered and a control message with it, at once or not at all.
    #[inline]
    pub fn send_with_ancillary(
        &mut self,
        out: &mut Gather<'_>,
        control: &[u8],
        hold: Hold,
        counters: &Counters,
    ) -> Attempt<()> {
        if out.is_empty() {
            return Err(no_byte_for_ancillary().into());
        }
        self.send_aside_first(hold, counters)?;
        self.outlet.send_with_ancillary(out, control, hold, counters)
    }

    fn send_aside_first(&mut self, hold: Hold, counters: &Counters) -> Attempt<()> {
        match self.has_unsent() {
            true => self.flush(hold, counters).and(Err(Stop::Again)),
            false => Ok(()),
        }
    }

    /// Sends what was put aside, with at most one system call.
    pub fn flush(&mut self, hold: Hold, counters: &Counters) -> Attempt<()> {
        match self.state.as_deref_mut() {
            Some(State::Buffered(buffer)) if !buffer.is_empty() => {
                let (outcome, sent) = Gather::with_whole(buffer.rest(), |out| {
                    let outcome = self.outlet.send_aside(out, buffer.has_begun(), hold, counters);
                    (outcome, out.sent())
                });
                buffer.advance(sent);
                outcome
            }
            Some(State::Ended { why, eof_sent: false }) => Err(why.clone().into()),
            _ => Ok(self.outlet.check()?),
        }
    }

    /// The same for who has not asked for it, and so need not know that somebody else is in the midst of a
    /// packet: it waits for its turn.
    pub fn flush_in_turn(&mut self, hold: Hold, counters: &Counters) -> Attempt<()> {
        match self.flush(hold, counters) {
            Err(Stop::Failed(error)) if error.code() == EN_EBUSY => Err(Stop::Soon(None)),
            outcome => outcome,
        }
    }

    /// Whether there is a write buffer.
    pub fn has_write_buffer(&self) -> bool {
        self.buffer().is_some()
    }

    /// Whether something was put aside.
    #[inline]
    pub fn has_unsent(&self) -> bool {
        self.buffer().is_some_and(|buffer| !buffer.is_empty())
    }

    /// How many bytes were put aside and have not gone.
    pub fn unsent(&self) -> usize {
        self.buffer().map_or(0, |buffer| buffer.rest().len())
    }

    /// Drops what was put aside.
    pub fn forget_unsent(&mut self) {
        if let Some(buffer) = self.buffer_mut() {
            buffer.clear();
            self.outlet.leave_turn();
        }
    }

    /// Says that what was gathered will not be sent further: if part of it has gone, nothing may
    /// follow it.
    #[inline(never)]
    pub fn give_up(&mut self, out: &Gather<'_>, why: &str) {
        if out.is_between_packets() && !out.has_rest(&mut |rest| self.outlet.is_midway(rest)) {
            return;
        }
        let (sent, len) = (out.sent(), out.len());
        let reason = format!(
            "an earlier send stopped after {sent} of {len} bytes ({why}): nothing may follow half a packet"
        );
        self.outlet.break_off(why);
        self.end(Error::new(EN_EPIPE, reason), false);
    }

    /// Nobody sends what is put aside any more: others may have the transport, and must not follow half of it.
    fn give_up_aside(&self) {
        let why = "what was put aside was given up";
        match self.buffer() {
            Some(buffer) if buffer.has_begun() => self.outlet.break_off(why),
            Some(buffer) if self.outlet.is_midway(&[IoSlice::new(buffer.rest())]) => {
                self.outlet.give_up_sending(why);
            }
            _ => {}
        }
        self.outlet.leave_turn();
    }

    /// Sends the end of the stream.
    pub fn send_eof(&mut self, hold: Hold, counters: &Counters) -> Attempt<()> {
        if let Some(State::Ended { eof_sent: true, .. }) = self.state.as_deref() {
            return Ok(());
        }
        let flushed = if self.has_unsent() { self.flush(hold, counters) } else { Ok(()) };
        match flushed.and_then(|()| self.outlet.send_eof(hold)) {
            Ok(()) => {}
            // What is lost was told to be sent.
            Err(Stop::Failed(error)) if is_connection(error.code()) && self.has_unsent() => {
                if is_over(error.code()) {
                    self.end(error.clone(), false);
                }
                return Err(error.into());
            }
            // The connection is down: there is nobody to tell.
            Err(Stop::Failed(error)) if is_connection(error.code()) => {}
            Err(stop) => return Err(stop),
        }
        self.end(Error::new(EN_ESHUTDOWN, "the end of the stream was already sent"), true);
        Ok(())
    }

    /// Nothing can be sent any more, nor what was put aside; the first reason counts.
    fn end(&mut self, error: Error, has_sent_eof: bool) {
        match self.state.as_deref_mut() {
            Some(State::Ended { eof_sent, .. }) => *eof_sent |= has_sent_eof,
            _ => {
                self.give_up_aside();
                let why = error.at(Stage::Send);
                self.state = Some(Box::new(State::Ended { why, eof_sent: has_sent_eof }));
            }
        }
    }

    /// Takes leave of the peer, as the last thing before the connection is closed.
    pub fn farewell(&mut self, hold: Hold) -> Attempt<()> {
        self.transport().farewell(hold)
    }

    /// Where it sends to.
    pub fn transport(&self) -> Arc<dyn Transport> {
        self.outlet.transport()
    }
}

/// Linux would drop descriptors that go with no byte at all, and say nothing.
#[cold]
fn no_byte_for_ancillary() -> Error {
    let reason = "ancillary data needs at least one byte to go with it: the packet became none";
    invalid(reason).at(Stage::Send)
}
