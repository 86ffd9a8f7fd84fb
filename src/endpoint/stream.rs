//! Packets over a stream of bytes: a receiving and a sending half.

use std::sync::Arc;

use super::aside::Aside;
use super::intake::{Failure, Intake};
use super::ready::Ready;
use super::{Counters, PacketReceiver, PacketSender, gathered_one_by_one, nothing_beside};
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{
    EN_ECONNABORTED, EN_EMSGSIZE, EN_ENOMSG, EN_EPIPE, EN_ESHUTDOWN, EN_ETRUNCATED, Error, Result, Stage,
    is_connection,
};
use crate::packet::{Packet, Places};
use crate::protocol::Gather;
use crate::socket::ancillary::Ancillary;
use crate::transport::StreamTransport;

/// Receives packets. It is compiled for a transport, or for any: around a system call each level of
/// calls costs more than what is done there, as the processor has forgotten where they return to.
pub struct StreamReceiver<T: ?Sized> {
    transport: Arc<T>,
    intake: Intake,
    counters: Arc<Counters>,
    ready: Ready,
    /// Why nothing more comes from the transport.
    ended: Option<Error>,
}

impl<T: StreamTransport + ?Sized> StreamReceiver<T> {
    /// The receiving half over a transport.
    pub fn new(transport: Arc<T>, intake: Intake, counters: Arc<Counters>) -> StreamReceiver<T> {
        counters.max_recv_size.set(intake.ask());
        StreamReceiver { transport, intake, counters, ready: Ready::default(), ended: None }
    }

    /// The next packet of the intake; a failure for ever is remembered.
    #[inline]
    fn next_packet(&mut self) -> Result<Option<Packet>> {
        self.intake.next_packet().map_err(|failure| self.failed(failure))
    }

    /// Puts the next packets of the intake into places; whether these were all. What fails behind others is
    /// the next outcome.
    #[inline(always)]
    fn next_packets(&mut self, places: &mut Places<'_>) -> Result<bool> {
        let before = places.len();
        let outcome = self.intake.next_packets(places);
        let count = places.len() - before;
        self.counters.packets_received.add(count);
        match outcome {
            Ok(()) => Ok(!self.intake.has_fresh()),
            Err(failure) => self.failed_behind(count, failure),
        }
    }

    #[cold]
    fn failed_behind(&mut self, count: usize, failure: Failure) -> Result<bool> {
        let error = self.failed(failure);
        match count {
            0 => Err(error),
            _ => {
                self.put_back(Err(error));
                Ok(false)
            }
        }
    }

    #[cold]
    fn failed(&mut self, failure: Failure) -> Error {
        match failure {
            Failure::Once(error) => error.at(Stage::Decode),
            Failure::Forever(error) => {
                let error = error.at(Stage::Decode);
                self.ended = Some(error.clone());
                self.intake.discard();
                error
            }
        }
    }

    /// One receive into the intake, by `receive`.
    #[inline]
    fn receive(&mut self, receive: impl FnOnce(&T, &mut [u8]) -> Attempt<usize>) -> Attempt<()> {
        let space = self.intake.space().map_err(|error| error.at(Stage::Receive))?;
        let outcome = receive(&*self.transport, space);
        self.counters.recv_calls.add(1);
        match outcome {
            Ok(0) => self.end(None),
            Ok(count) => {
                self.counters.bytes_received.add(count);
                self.intake.filled(count);
                self.counters.max_recv_size.set(self.intake.ask());
            }
            Err(Stop::Failed(error)) if is_connection(error.code()) => self.end(Some(error)),
            Err(stop) => {
                self.intake.settle();
                return Err(stop);
            }
        }
        Ok(())
    }

    /// The stream has ended as it should, which may complete a last packet, or it broke.
    #[cold]
    fn end(&mut self, error: Option<Error>) {
        self.intake.settle();
        self.ended = Some(error.unwrap_or_else(|| {
            self.intake.end();
            Error::new(EN_ECONNABORTED, "the peer has ended the stream")
        }));
    }

    /// Why there are no more packets.
    #[cold]
    fn why_ended(&self, error: &Error) -> Error {
        if error.code() == EN_ECONNABORTED && self.intake.has_rest() {
            return Error::new(EN_ETRUNCATED, "the peer has ended the stream in the middle of a packet");
        }
        error.clone()
    }
}

impl<T: StreamTransport + ?Sized> PacketReceiver for StreamReceiver<T> {
    #[inline]
    fn recv(&mut self, hold: Hold) -> Attempt<Packet> {
        if let Some(error) = &self.ended {
            return Err(self.why_ended(error).at(Stage::Receive).into());
        }
        self.receive(|transport, space| transport.recv(space, hold))?;
        match self.recv_gathered()? {
            Some(packet) => Ok(packet),
            None => Err(Stop::Again),
        }
    }

    #[inline]
    fn recv_gathered(&mut self) -> Result<Option<Packet>> {
        let packet = match self.ready.take() {
            None => self.next_packet()?,
            Some(outcome) => Some(outcome?),
        };
        if packet.is_some() {
            self.counters.packets_received.add(1);
        }
        Ok(packet)
    }

    fn recv_with_ancillary(&mut self, ancillary: &mut Ancillary, room: usize, hold: Hold) -> Attempt<Packet> {
        if let Some(packet) = self.recv_gathered()? {
            return Ok(packet);
        }
        if let Some(error) = &self.ended {
            return Err(self.why_ended(error).at(Stage::Receive).into());
        }
        self.receive(|transport, space| transport.recv_with_ancillary(space, ancillary, room, hold))?;
        match self.recv_gathered()? {
            Some(packet) => Ok(packet),
            None if self.ended.is_some() => Err(Stop::Again),
            None => {
                let reason = "what has come is less than a whole packet: its bytes wait for the next receive";
                Err(Error::new(EN_ENOMSG, reason).at(Stage::Receive).into())
            }
        }
    }

    fn gathered_into(&mut self, places: &mut Places<'_>) -> Result<bool> {
        match self.ready.is_empty() {
            true => self.next_packets(places),
            false => gathered_one_by_one(self, places),
        }
    }

    fn recv_into(&mut self, hold: Hold, places: &mut Places<'_>) -> Attempt<bool> {
        if let Some(error) = &self.ended {
            return Err(self.why_ended(error).at(Stage::Receive).into());
        }
        self.receive(|transport, space| transport.recv(space, hold))?;
        let are_all = self.next_packets(places)?;
        if places.is_empty() { Err(Stop::Again) } else { Ok(are_all) }
    }

    fn settle(&mut self) {
        self.intake.settle();
    }

    fn is_drained(&self) -> bool {
        self.transport.is_drained()
    }

    fn put_back(&mut self, outcome: Result<Packet>) {
        if outcome.is_ok() {
            self.counters.packets_received.take_back();
        }
        self.ready.put_back(outcome);
    }

    fn is_ready(&mut self) -> bool {
        loop {
            if self.ready.is_empty()
                && let Some(outcome) = self.next_packet().transpose()
            {
                self.ready.put_back(outcome);
            }
            if !self.ready.is_empty() || self.ended.is_some() {
                return true;
            }
            if !self.transport.has_received()
                || self.receive(|transport, space| transport.recv(space, Hold::No)).is_err()
            {
                return false;
            }
        }
    }
}

/// Sends packets.
pub struct StreamSender<T: StreamTransport + ?Sized> {
    transport: Arc<T>,
    counters: Arc<Counters>,
    /// None: nothing is put aside.
    aside: Option<Box<Aside>>,
    /// Why nothing can be sent any more: the end was sent, or half a packet.
    closed: Option<Error>,
    eof_sent: bool,
}

impl<T: StreamTransport + ?Sized> StreamSender<T> {
    /// The sending half over a transport, with a write buffer of so many bytes, or without.
    pub fn new(transport: Arc<T>, buffer_size: usize, counters: Arc<Counters>) -> StreamSender<T> {
        let aside = (buffer_size > 0).then(|| Box::new(Aside::new(buffer_size)));
        StreamSender { transport, counters, aside, closed: None, eof_sent: false }
    }

    fn count(&self, sent: &Attempt<usize>) {
        self.counters.send_calls.add(1);
        if let Ok(count) = sent {
            self.counters.bytes_sent.add(*count);
        }
    }
}

impl<T: StreamTransport + ?Sized> Drop for StreamSender<T> {
    fn drop(&mut self) {
        // Others may have the transport, and must not follow half of what was put aside.
        if self.has_unsent() {
            self.transport.give_up_sending("what was put aside was given up");
        }
    }
}

impl<T: StreamTransport + ?Sized> PacketSender for StreamSender<T> {
    #[inline]
    fn check(&self) -> Result<()> {
        match &self.closed {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    fn send(&mut self, out: &mut Gather<'_>, hold: Hold) -> Attempt<()> {
        if out.is_sent() || self.aside.as_mut().is_some_and(|aside| aside.put(out)) {
            return Ok(());
        }
        if self.has_unsent() {
            self.flush(hold)?;
            return Err(Stop::Again);
        }
        let sent = out.with_rest(
            #[inline(always)]
            |slices| self.transport.send(slices, hold),
        );
        self.count(&sent);
        out.advance(sent?);
        if out.is_sent() { Ok(()) } else { Err(Stop::Again) }
    }

    fn send_with_ancillary(&mut self, out: &mut Gather<'_>, control: &[u8], hold: Hold) -> Attempt<()> {
        if out.is_empty() {
            return Err(nothing_beside());
        }
        if self.has_unsent() {
            self.flush(hold)?;
            return Err(Stop::Again);
        }
        let sent = out.with_rest(|slices| self.transport.send_with_ancillary(slices, control, hold));
        self.count(&sent);
        out.advance(sent?);
        match out.is_sent() {
            true => Ok(()),
            false => {
                Err(Error::new(EN_EMSGSIZE, "the packet is too large to go at once with its ancillary data")
                    .into())
            }
        }
    }

    fn aside(&mut self) -> Option<&mut Aside> {
        if self.closed.is_none() { self.aside.as_deref_mut() } else { None }
    }

    fn give_up(&mut self, out: &Gather<'_>, why: &str) {
        // What is midway without being put aside is of this packet.
        let begun = !out.is_between_packets() || (!self.has_unsent() && self.transport.is_midway());
        if begun && self.closed.is_none() {
            let (sent, len) = (out.sent(), out.len());
            let reason = format!(
                "an earlier send stopped after {sent} of {len} bytes ({why}): nothing may follow half a packet"
            );
            self.closed = Some(Error::new(EN_EPIPE, reason).at(Stage::Send));
            self.transport.give_up_sending(why);
        }
    }

    fn flush(&mut self, hold: Hold) -> Attempt<()> {
        let Some(aside) = self.aside.as_mut().filter(|aside| !aside.is_empty()) else { return Ok(()) };
        let sent = self.transport.send(&[std::io::IoSlice::new(aside.rest())], hold);
        aside.advance(*sent.as_ref().unwrap_or(&0));
        self.count(&sent);
        sent?;
        if self.has_unsent() { Err(Stop::Again) } else { Ok(()) }
    }

    fn puts_aside(&self) -> bool {
        self.aside.is_some()
    }

    fn has_unsent(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| !aside.is_empty())
    }

    fn forget_unsent(&mut self) {
        self.aside.iter_mut().for_each(|aside| aside.clear());
    }

    fn farewell(&mut self, hold: Hold) -> Attempt<()> {
        self.transport.farewell(hold)
    }

    fn send_eof(&mut self, hold: Hold) -> Attempt<()> {
        if self.eof_sent {
            return Ok(());
        }
        match self.flush(hold) {
            Ok(()) => self.transport.send_eof(hold)?,
            // The connection is down: there is nobody to tell.
            Err(Stop::Failed(error)) if is_connection(error.code()) => self.forget_unsent(),
            Err(stop) => return Err(stop),
        }
        self.eof_sent = true;
        self.closed.get_or_insert_with(|| {
            Error::new(EN_ESHUTDOWN, "the end of the stream was already sent").at(Stage::Send)
        });
        Ok(())
    }
}
