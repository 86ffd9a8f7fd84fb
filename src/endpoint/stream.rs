//! Packets over a stream of bytes: the receiving half.

use std::sync::Arc;

use super::intake::{Failure, Intake};
use super::ready::Ready;
use super::{Counters, PacketReceiver};
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_ECONNABORTED, EN_ENOMSG, EN_ETRUNCATED, Error, Result, Stage, is_over};
use crate::packet::{Packet, Places};
use crate::seldom::{Content, Seldom};
use crate::socket::ancillary::Ancillary;
use crate::transport::StreamTransport;

/// Receives packets. It is compiled for a transport, or for any: around a system call each level of
/// calls costs more than what is done there, as the processor has forgotten where they return to.
pub struct StreamReceiver<T: ?Sized> {
    transport: Arc<T>,
    intake: Intake,
    decided: Seldom<Decided>,
}

/// What is known before anything is received.
#[derive(Default)]
struct Decided {
    ready: Ready,
    /// Why nothing more comes from the transport.
    ended: Option<Error>,
}

impl Content for Decided {
    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.ended.is_none()
    }
}

impl<T: StreamTransport + ?Sized> StreamReceiver<T> {
    /// The receiving half over a transport.
    pub fn new(transport: Arc<T>, intake: Intake) -> StreamReceiver<T> {
        StreamReceiver { transport, intake, decided: Seldom::default() }
    }

    /// What comes of the intake next; None: nothing yet.
    fn next_outcome(&mut self) -> Option<Result<Packet>> {
        let next = Places::one(|place| match self.intake.next_packet(place) {
            Err(failure) => Err(Some(failure)),
            Ok(false) => Err(None),
            Ok(true) => Ok(()),
        });
        match next {
            Ok(packet) => Some(Ok(packet)),
            Err(failure) => failure.map(|failure| Err(self.failed(failure))),
        }
    }

    /// Puts the next packet of the intake into the only place that is free; whether there was none.
    #[inline(always)]
    fn next_packet(&mut self, places: &mut Places<'_>) -> Result<bool> {
        match self.intake.next_packet(places) {
            Ok(has_come) => Ok(!has_come),
            Err(failure) => self.failed_behind(places.is_empty(), failure),
        }
    }

    /// Puts the next packets of the intake into places; whether these were all. What fails behind packets is
    /// the next outcome.
    #[inline(always)]
    fn next_packets(&mut self, places: &mut Places<'_>) -> Result<bool> {
        // To have packets cut off by one call pays from the second one on.
        if places.room() == 1 {
            return self.next_packet(places);
        }
        match self.intake.next_packets(places) {
            Ok(()) => Ok(!self.intake.has_fresh()),
            Err(failure) => self.failed_behind(places.is_empty(), failure),
        }
    }

    #[cold]
    fn failed_behind(&mut self, nothing: bool, failure: Failure) -> Result<bool> {
        let error = self.failed(failure);
        if nothing {
            return Err(error);
        }
        self.put_back(Err(error));
        Ok(false)
    }

    /// Puts the outcomes that were decided earlier into places, and then packets of the intake.
    #[inline(never)]
    fn decided_into(&mut self, places: &mut Places<'_>) -> Result<bool> {
        let ready = self.decided.remove(|decided| Some(decided.ready.put_into(places)));
        match ready.transpose()?.unwrap_or(true) {
            true => self.next_packets(places),
            false => Ok(false),
        }
    }

    fn has_ready(&self) -> bool {
        self.decided.get().is_some_and(|decided| !decided.ready.is_empty())
    }

    fn has_ended(&self) -> bool {
        self.decided.get().is_some_and(|decided| decided.ended.is_some())
    }

    /// Whether anything more may come from the transport.
    #[inline]
    fn check(&self) -> Result<()> {
        match self.decided.get().and_then(|decided| decided.ended.as_ref()) {
            None => Ok(()),
            Some(error) => Err(self.why_ended(error).at(Stage::Receive)),
        }
    }

    #[cold]
    fn failed(&mut self, failure: Failure) -> Error {
        match failure {
            Failure::Once(error) => error.at(Stage::Decode),
            Failure::Forever(error) => {
                let error = error.at(Stage::Decode);
                self.decided.put().ended = Some(error.clone());
                self.intake.discard();
                error
            }
        }
    }

    /// One receive into the intake, by `receive`.
    #[inline]
    fn receive(
        &mut self,
        counters: &Counters,
        receive: impl FnOnce(&T, &mut [u8]) -> Attempt<usize>,
    ) -> Attempt<()> {
        let space = self.intake.space().map_err(|error| error.at(Stage::Receive))?;
        let room = space.len();
        let outcome = receive(&*self.transport, space);
        counters.recv_calls.add(1);
        match outcome {
            Ok(0) => self.end(None),
            Ok(count) => {
                counters.bytes_received.add(count);
                self.intake.filled(count, room);
                counters.max_recv_size.set(self.intake.ask());
            }
            Err(Stop::Failed(error)) if is_over(error.code()) => self.end(Some(error)),
            Err(stop) => {
                self.intake.reclaim();
                return Err(stop);
            }
        }
        Ok(())
    }

    /// The stream has ended as it should, which may complete a last packet, or it broke.
    #[cold]
    fn end(&mut self, error: Option<Error>) {
        self.intake.reclaim();
        let error = error.unwrap_or_else(|| {
            self.intake.end();
            Error::new(EN_ECONNABORTED, "the peer has ended the stream")
        });
        self.decided.put().ended = Some(error);
    }

    /// Why there are no more packets.
    #[cold]
    fn why_ended(&self, error: &Error) -> Error {
        if error.code() == EN_ECONNABORTED && self.intake.has_rest() {
            return Error::new(EN_ETRUNCATED, format!("{} in the middle of a packet", error.reason()));
        }
        error.clone()
    }
}

impl<T: StreamTransport + ?Sized> PacketReceiver for StreamReceiver<T> {
    fn recv_with_ancillary(
        &mut self,
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
        places: &mut Places<'_>,
        counters: &Counters,
    ) -> Attempt<()> {
        self.check()?;
        self.receive(counters, |transport, space| {
            transport.recv_with_ancillary(space, ancillary, room, hold)
        })?;
        self.next_packet(places)?;
        if !places.is_empty() {
            return Ok(());
        }
        Err(if self.has_ended() { Stop::Again } else { only_a_part().into() })
    }

    #[inline]
    fn gathered_into(&mut self, places: &mut Places<'_>) -> Result<bool> {
        match places.room() == 1 && !self.has_ready() {
            true => self.next_packet(places),
            false => self.decided_into(places),
        }
    }

    fn recv_into(&mut self, hold: Hold, places: &mut Places<'_>, counters: &Counters) -> Attempt<bool> {
        self.check()?;
        self.receive(counters, |transport, space| transport.recv(space, hold))?;
        let are_all = self.next_packets(places)?;
        if places.is_empty() { Err(Stop::Again) } else { Ok(are_all) }
    }

    fn reclaim(&mut self) {
        self.intake.reclaim();
    }

    fn is_drained(&self) -> bool {
        self.transport.is_drained()
    }

    fn max_recv_size(&self) -> usize {
        self.intake.ask()
    }

    fn put_back(&mut self, outcome: Result<Packet>) {
        self.decided.put().ready.put_back(outcome);
    }

    fn is_ready(&mut self, counters: &Counters) -> bool {
        loop {
            if !self.has_ready()
                && let Some(outcome) = self.next_outcome()
            {
                self.decided.put().ready.put_back(outcome);
            }
            if !self.decided.is_empty() {
                return true;
            }
            if !self.transport.has_received()
                || self.receive(counters, |transport, space| transport.recv(space, Hold::No)).is_err()
            {
                return false;
            }
        }
    }
}

#[cold]
fn only_a_part() -> Error {
    let reason = "what has come is less than a whole packet: its bytes wait for the next receive";
    Error::new(EN_ENOMSG, reason).at(Stage::Receive)
}
