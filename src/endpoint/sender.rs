//! The sending half of an endpoint with what is put aside before it.

use std::sync::Arc;

use super::aside::Aside;
use super::{Counters, Encoder, PacketSender};
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_EPIPE, Error, Result, Stage, is_connection};
use crate::protocol::{Gather, Head};
use crate::transport::Transport;

/// Sends packets, or puts them aside to be sent with what follows.
pub struct Sender {
    half: Box<dyn PacketSender>,
    /// None: nothing is put aside, or nothing can be sent any more.
    aside: Option<Box<Aside>>,
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Others may have the transport, and must not follow half of what was put aside.
        if self.has_unsent() {
            self.half.give_up_sending("what was put aside was given up");
        }
    }
}

impl Sender {
    /// Sends by `half`, with a write buffer of so many bytes, or without.
    pub fn new(half: Box<dyn PacketSender>, buffer_size: usize) -> Sender {
        let aside = (buffer_size > 0).then(|| Box::new(Aside::new(buffer_size)));
        Sender { half, aside }
    }

    /// Whether anything may be sent at all, before the effort to encode it.
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.half.check()
    }

    /// Puts a short packet aside if there is room right behind what is there; whether there was.
    #[inline(always)]
    pub fn put_aside(&mut self, head: &Head, packet: &[u8]) -> bool {
        self.aside.as_mut().is_some_and(|aside| aside.push(head, packet))
    }

    /// The same with a packet in parts, by any encoder that runs no code of the application.
    #[inline]
    pub fn encode_aside(&mut self, encoder: &Encoder, parts: &[&[u8]]) -> Result<bool> {
        self.aside.as_mut().map_or(Ok(false), |aside| aside.append(encoder, parts))
    }

    /// Sends what was gathered or puts it aside, with at most one system call.
    #[inline(always)]
    pub fn send(&mut self, out: &mut Gather<'_>, hold: Hold, counters: &Counters) -> Attempt<()> {
        if let Some(aside) = &mut self.aside {
            if aside.put(out) {
                return Ok(());
            }
            self.send_aside_first(hold, counters)?;
        }
        self.half.send(out, hold, counters)
    }

    /// Sends what was gathered and a control message with it, at once or not at all.
    #[inline]
    pub fn send_with_ancillary(
        &mut self,
        out: &mut Gather<'_>,
        ancillary: &[u8],
        hold: Hold,
        counters: &Counters,
    ) -> Attempt<()> {
        self.send_aside_first(hold, counters)?;
        self.half.send_with_ancillary(out, ancillary, hold, counters)
    }

    fn send_aside_first(&mut self, hold: Hold, counters: &Counters) -> Attempt<()> {
        match self.has_unsent() {
            true => self.flush(hold, counters).and(Err(Stop::Again)),
            false => Ok(()),
        }
    }

    /// Sends what was put aside, with at most one system call.
    pub fn flush(&mut self, hold: Hold, counters: &Counters) -> Attempt<()> {
        let Some(aside) = &mut self.aside else {
            // It says whether it can send at all.
            return self.half.send(&mut Gather::default(), hold, counters);
        };
        if aside.is_empty() {
            return Ok(());
        }
        let (outcome, sent) = Gather::with_whole(aside.rest(), |out| {
            let outcome = self.half.send(out, hold, counters);
            (outcome, out.sent())
        });
        aside.advance(sent);
        outcome
    }

    /// Whether it puts anything aside.
    pub fn puts_aside(&self) -> bool {
        self.aside.is_some()
    }

    /// Whether something was put aside.
    #[inline]
    pub fn has_unsent(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| !aside.is_empty())
    }

    /// Drops what was put aside.
    pub fn forget_unsent(&mut self) {
        self.aside.iter_mut().for_each(|aside| aside.clear());
    }

    /// Says that what was gathered will not be sent further: if part of it has gone, nothing may
    /// follow it.
    pub fn give_up(&mut self, out: &Gather<'_>, why: &str) {
        // What is midway without being put aside is of this packet.
        if out.is_between_packets() && (self.has_unsent() || !self.half.is_midway()) {
            return;
        }
        let (sent, len) = (out.sent(), out.len());
        let reason = format!(
            "an earlier send stopped after {sent} of {len} bytes ({why}): nothing may follow half a packet"
        );
        self.half.end(Error::new(EN_EPIPE, reason).at(Stage::Send));
        self.half.give_up_sending(why);
        self.aside = None;
    }

    /// Sends the end of the stream.
    pub fn send_eof(&mut self, hold: Hold, counters: &Counters) -> Attempt<()> {
        let is_down = match self.flush(hold, counters) {
            Ok(()) => false,
            Err(Stop::Failed(error)) if is_connection(error.code()) => true,
            Err(stop) => return Err(stop),
        };
        self.forget_unsent();
        self.half.send_eof(is_down, hold)?;
        self.aside = None;
        Ok(())
    }

    /// Takes leave of the peer, as the last thing before the connection is closed.
    pub fn farewell(&mut self, hold: Hold) -> Attempt<()> {
        self.half.farewell(hold)
    }

    /// Where it sends to.
    pub fn transport(&self) -> Arc<dyn Transport> {
        self.half.transport()
    }
}
