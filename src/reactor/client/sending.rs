//! Sends, in the order in which they were asked for.

use std::rc::Rc;

use super::send_operation::{Counted, Kind, Sending, Told, What};
use super::{Access, AsyncClient, Inner, Live, Over, STEPS, State, Turned, closed};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::endpoint::Counters;
use crate::endpoint::sender::Sender;
use crate::error::{EN_EMSGSIZE, Error, Result, Stage};
use crate::packet::Room;
use crate::protocol::Gather;
use crate::reactor::callback::Done;
use crate::reactor::operation::timed_out;
use crate::socket::ancillary::Ancillary;

impl Live {
    fn send(&mut self, what: &mut What, counters: &Counters) -> Attempt<()> {
        match what {
            What::Packets(out, ancillary) => {
                self.send_packets(out, ancillary.as_ref().map(|ancillary| &ancillary.control[..]), counters)
            }
            What::Rest => self.attempt(|sender| sender.flush(Hold::No, counters)),
            What::End => {
                // It needs no room.
                self.is_writable |= !self.sender.has_unsent();
                self.attempt(|sender| sender.send_eof(Hold::No, counters))
            }
        }
    }

    #[inline(never)]
    fn send_packets(
        &mut self,
        out: &mut Gather<'_>,
        control: Option<&[u8]>,
        counters: &Counters,
    ) -> Attempt<()> {
        self.sender.check()?;
        // For that no room is needed.
        if control.is_none() && self.sender.put_aside(out) {
            return Ok(());
        }
        self.attempt(
            #[inline(always)]
            |sender| match control {
                Some(control) => sender.send_with_ancillary(out, control, Hold::No, counters),
                None => sender.send(out, Hold::No, counters),
            },
        )
    }

    /// Attempts until it is done or must wait; [`Stop::Again`]: it is the others' turn.
    #[inline(always)]
    fn attempt(&mut self, mut attempt: impl FnMut(&mut Sender) -> Attempt<()>) -> Attempt<()> {
        for _ in 0..STEPS {
            if !self.is_writable {
                return Err(Stop::Want(Interest::Write));
            }
            match attempt(&mut self.sender) {
                Err(Stop::Again) => {}
                Err(Stop::Want(interest)) => self.must_wait(interest),
                outcome => return outcome,
            }
        }
        Err(Stop::Again)
    }

    /// Whatever it waits for, it is tried again when the loop says that there is room.
    pub(super) fn must_wait(&mut self, interest: Interest) {
        self.is_writable = false;
        self.wants(interest);
    }

    /// Packets are over, gone or given up.
    fn end_send(&mut self, out: &Gather<'_>, outcome: Attempt<()>, counters: &Counters) -> Result<()> {
        counters.packets_sent.add(out.packets_sent());
        let error = match outcome {
            Ok(()) => return Ok(()),
            Err(Stop::Failed(error)) => error,
            Err(_) => timed_out(),
        };
        self.sender.give_up(out, error.reason());
        Err(error)
    }

    /// The first who sends sends no more: if part of a packet has gone, nothing may follow it.
    pub(super) fn give_up(&mut self, first: &Sending, error: &Error, counters: &Counters) {
        if let What::Packets(out, _) = &first.what {
            let _ = self.end_send(out, Err(Stop::Failed(error.clone())), counters);
        }
    }

    /// Sends what was put aside; [`Stop::Again`]: it is the others' turn.
    pub(super) fn flush(&mut self, counters: &Counters) -> Attempt<()> {
        if !self.sender.has_unsent() {
            return Ok(());
        }
        let outcome = self.attempt(|sender| sender.flush_in_turn(Hold::No, counters));
        if matches!(outcome, Err(Stop::Soon(_))) {
            self.watches.look_soon();
        }
        outcome
    }
}

impl Inner {
    /// Whether something may be put aside.
    fn has_unsent(&self) -> bool {
        matches!(&self.state, State::Connected(live) if live.sender.has_unsent())
    }

    /// A flush that finds nothing to send: what was put aside has gone, or was lost.
    fn nothing_unsent(&mut self, counters: &Counters) -> Result<()> {
        let State::Connected(live) = &mut self.state else { return Ok(()) };
        match live.sender.flush(Hold::No, counters) {
            Err(Stop::Failed(error)) => Err(error.at(Stage::Send)),
            _ => Ok(()),
        }
    }

    /// The connection, if there is one and nothing waits to be sent before what comes now.
    #[inline(always)]
    fn sends_next(&mut self) -> Option<&mut Live> {
        let waits = self.sends_wait();
        match &mut self.state {
            State::Connected(live) if !waits => Some(live),
            _ => None,
        }
    }

    /// The same, if that is all there is to look at.
    #[inline(always)]
    fn sends_directly(&mut self) -> Option<&mut Live> {
        self.sends_next().filter(|live| live.is_writable && live.sender.is_direct())
    }

    /// Why a packet that cannot be encoded does not go: no other would, or else for that.
    #[cold]
    fn why_none_goes(&self, error: Error) -> Error {
        match &self.state {
            State::Connected(live) => live.sender.check().err().unwrap_or(error),
            _ => error,
        }
    }

    /// It waits for its turn.
    fn wait(&mut self, sending: Sending) {
        self.pending.put().operations.sends.push(sending);
    }

    /// None: it has to wait.
    #[inline(always)]
    fn send_at_once(
        &mut self,
        out: &mut Gather<'_>,
        ancillary: Option<&Ancillary>,
        counters: &Counters,
    ) -> Option<Result<()>> {
        let live = self.sends_next()?;
        match live.send_packets(out, ancillary.map(Ancillary::control).as_deref(), counters) {
            Err(Stop::Want(_) | Stop::Soon(_) | Stop::Again) => None,
            outcome => Some(live.end_send(out, outcome, counters)),
        }
    }

    /// As [`Self::send_at_once`], after a first attempt that has come to `sent`.
    fn go_on_after(
        &mut self,
        sent: Attempt<usize>,
        out: &mut Gather<'_>,
        counters: &Counters,
    ) -> Option<Result<()>> {
        let State::Connected(live) = &mut self.state else { return None };
        match sent {
            Ok(count) => out.advance(count),
            Err(Stop::Again | Stop::Soon(_)) => {}
            Err(Stop::Want(interest)) => live.must_wait(interest),
            Err(failed) => return Some(live.end_send(out, Err(failed), counters)),
        }
        self.send_at_once(out, None, counters)
    }
}

impl AsyncClient {
    /// Sends one packet, given in parts, which are copied if they do not go at once.
    pub fn send_packet(
        self: &Rc<Self>,
        parts: &[&[u8]],
        timeout_ms: i64,
        done: Option<Done<()>>,
    ) -> Result<u64> {
        let mut inner = self.enter()?;
        let mut room = Room::default();
        if let [packet] = parts
            && let Some(live) = inner.sends_directly()
            && let Some(bytes) = self.encoder.whole(packet, &mut room)
        {
            let sent = live.sender.send_whole(bytes, Hold::No, &self.counters);
            let is_over = done.is_none() && sent.as_ref().is_ok_and(|count| *count == bytes.len());
            if !is_over {
                return self.send_rest(inner, bytes, sent, Told::Whole(done), timeout_ms);
            }
            self.counters.packets_sent.add(1);
            self.leave(inner);
            return Ok(self.core.next_number(self.place()));
        }
        self.send_one(inner, parts, None, Told::Whole(done), timeout_ms)
    }

    /// Goes on after a first attempt that has come to `sent`.
    #[inline(never)]
    fn send_rest(
        self: &Rc<Self>,
        mut inner: Access<'_>,
        bytes: &[u8],
        sent: Attempt<usize>,
        told: Told,
        timeout_ms: i64,
    ) -> Result<u64> {
        let number = Gather::with_whole(bytes, |out| {
            let outcome = inner.go_on_after(sent, out, &self.counters);
            self.conclude(&mut inner, out, None, outcome, told, timeout_ms)
        });
        self.leave(inner);
        Ok(number)
    }

    /// Sends packets, all or none: an error of encoding sends nothing.
    pub fn send_packets(
        self: &Rc<Self>,
        mut packets: &mut dyn Iterator<Item = Result<&[u8]>>,
        timeout_ms: i64,
        done: Option<Done<Counted>>,
    ) -> Result<u64> {
        let mut inner = self.enter()?;
        let mut out = Gather::default();
        let encoded = Iterator::try_for_each(&mut packets, |packet| {
            self.check_open()?;
            if out.is_vast() {
                return Err(Error::new(EN_EMSGSIZE, "the packets together are too large for one call"));
            }
            self.encoder.encode_packet(packet?, &mut out).map_err(|error| inner.why_none_goes(error))
        });
        let put = |()| self.put(&mut inner, &mut out, None, Told::Count(done), timeout_ms);
        let outcome = encoded.and_then(put).map_err(|error| self.explain(error));
        self.leave(inner);
        outcome
    }

    /// Sends one packet and ancillary data with it, of which the descriptors are duplicated if that does
    /// not go at once.
    pub fn send_packet_with_ancillary(
        self: &Rc<Self>,
        parts: &[&[u8]],
        ancillary: &Ancillary,
        timeout_ms: i64,
        done: Option<Done<()>>,
    ) -> Result<u64> {
        let inner = self.enter()?;
        self.send_one(inner, parts, Some(ancillary), Told::Whole(done), timeout_ms)
    }

    #[inline(never)]
    fn send_one(
        self: &Rc<Self>,
        mut inner: Access<'_>,
        parts: &[&[u8]],
        ancillary: Option<&Ancillary>,
        told: Told,
        timeout_ms: i64,
    ) -> Result<u64> {
        let outcome = Gather::with(|out| {
            self.encoder.encode(parts, out).map_err(|error| inner.why_none_goes(error))?;
            self.put(&mut inner, out, ancillary, told, timeout_ms)
        });
        let outcome = outcome.map_err(|error| self.explain(error));
        self.leave(inner);
        outcome
    }

    /// Sends what is in the write buffer, behind all that waits to be sent.
    pub fn flush(self: &Rc<Self>, timeout_ms: i64, done: Option<Done<()>>) -> Result<u64> {
        let mut inner = self.enter()?;
        let operation = self.begin(timeout_ms, done);
        let number = operation.number;
        if inner.has_unsent() || inner.sends_wait() {
            inner.wait(Sending { what: What::Rest, kind: Kind::Whole(operation) });
            drop(inner);
            self.go_on_later();
        } else {
            let outcome = inner.nothing_unsent(&self.counters);
            drop(inner);
            self.finish(operation, outcome, Over::Done);
        }
        Ok(number)
    }

    /// Sends the end of the stream; nothing on a closed client.
    pub fn send_eof(self: &Rc<Self>, timeout_ms: i64, done: Option<Done<()>>) -> Result<u64> {
        self.core.check()?;
        let mut inner = self.access()?;
        if self.is_closing.get() {
            drop(inner);
            let operation = self.begin(timeout_ms, done);
            let number = operation.number;
            self.finish(operation, Ok(()), Over::Done);
            return Ok(number);
        }
        let sending = Sending { what: What::End, kind: Kind::Whole(self.begin(timeout_ms, done)) };
        let number = sending.number();
        inner.wait(sending);
        drop(inner);
        self.go_on_later();
        Ok(number)
    }

    /// A callback of the protocol may have closed the client.
    #[inline]
    fn check_open(&self) -> Result<()> {
        if self.is_closing.get() { Err(closed()) } else { Ok(()) }
    }

    /// Sends at once what goes at once, if nothing waits before it.
    #[inline(always)]
    fn put(
        self: &Rc<Self>,
        inner: &mut Inner,
        out: &mut Gather<'_>,
        ancillary: Option<&Ancillary>,
        told: Told,
        timeout_ms: i64,
    ) -> Result<u64> {
        self.check_open()?;
        let outcome = inner.send_at_once(out, ancillary, &self.counters);
        Ok(self.conclude(inner, out, ancillary, outcome, told, timeout_ms))
    }

    /// It is over, or else has to wait; its number.
    fn conclude(
        self: &Rc<Self>,
        inner: &mut Inner,
        out: &mut Gather<'_>,
        ancillary: Option<&Ancillary>,
        outcome: Option<Result<()>>,
        told: Told,
        timeout_ms: i64,
    ) -> u64 {
        let Some(outcome) = outcome else {
            return self.put_off(inner, out, ancillary, told.begin(self), timeout_ms);
        };
        if inner.has_unsent() {
            self.go_on_later();
        }
        if told.is_nobody() {
            return self.core.next_number(self.place());
        }
        let kind = told.begin(self);
        let number = kind.number();
        kind.finish(self, outcome, out.packets_sent());
        number
    }

    /// It waits for its turn, or for room.
    #[cold]
    fn put_off(
        self: &Rc<Self>,
        inner: &mut Inner,
        out: &mut Gather<'_>,
        ancillary: Option<&Ancillary>,
        mut kind: Kind,
        timeout_ms: i64,
    ) -> u64 {
        let number = kind.number();
        self.go_on_later();
        kind.limit(&self.core, timeout_ms);
        match ancillary.map(Ancillary::duplicate).transpose() {
            Ok(ancillary) => inner.wait(Sending { what: What::Packets(out.take_owned(), ancillary), kind }),
            Err(error) => kind.finish(self, Err(error), 0),
        }
        number
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn send_further(self: &Rc<Self>) -> Turned {
        let Ok(mut inner) = self.access() else { return Turned::Done };
        let Inner { state: State::Connected(live), pending, .. } = &mut *inner else { return Turned::Done };
        while let Some(sending) = pending.get_mut().and_then(|pending| pending.operations.sends.first_mut()) {
            let outcome = live.send(&mut sending.what, &self.counters);
            match outcome {
                Err(Stop::Want(_) | Stop::Soon(_)) => return Turned::Done,
                Err(Stop::Again) => return self.give_way(),
                _ => {}
            }
            let first = pending.remove(|pending| pending.operations.sends.pop());
            let Some(sending) = first else { return Turned::Done };
            let outcome = match (&sending.what, outcome) {
                (What::Packets(out, _), outcome) => live.end_send(out, outcome, &self.counters),
                (_, Err(Stop::Failed(error))) => Err(error),
                _ => Ok(()),
            };
            sending.finish(self, outcome);
        }
        match live.flush(&self.counters) {
            Err(Stop::Again) => self.give_way(),
            // Errors are seen by receiving, too, and by the next send.
            _ => Turned::Done,
        }
    }

    /// One is given up before its time: if part of it has gone, nothing may follow it.
    pub(super) fn give_up_sending(
        self: &Rc<Self>,
        mut inner: Access<'_>,
        sending: Sending,
        is_first: bool,
        error: Error,
    ) {
        if let State::Connected(live) = &mut inner.state
            && is_first
        {
            live.give_up(&sending, &error, &self.counters);
        }
        drop(inner);
        sending.finish(self, Err(error));
    }
}
