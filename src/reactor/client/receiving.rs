//! Receives, in the order in which they were asked for, and packets until somebody has enough.

use std::rc::Rc;
use std::time::Instant;

use super::{AsyncClient, Live, Operation, Over, State};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::deadline::Deadline;
use crate::endpoint::PacketReceiver;
use crate::error::{EN_EBUSY, Error, Result};
use crate::packet::Packet;
use crate::reactor::operation::Done;
use crate::socket::ancillary::Ancillary;

/// How many packets one client gets before others have their turn.
const TURN: usize = 256;

/// Called with each packet, and once with an error at the end; whether more are wanted.
pub type Receive = Box<dyn FnMut(Result<Packet>) -> bool>;

/// A packet and what came beside it, also if no packet did.
pub struct Beside {
    /// The packet, or why there is none.
    pub packet: Result<Packet>,
    /// What came beside it.
    pub ancillary: Ancillary,
}

/// A receive that waits for its packet.
pub(super) enum Receiving {
    Packet(Operation<Packet>),
    /// With so much room for what comes beside it.
    Beside(Operation<Beside>, usize),
}

impl Receiving {
    pub(super) fn number(&self) -> u64 {
        match self {
            Receiving::Packet(operation) => operation.number,
            Receiving::Beside(operation, _) => operation.number,
        }
    }

    /// It is over, without a packet.
    pub(super) fn fail(self, client: &Rc<AsyncClient>, error: Error) {
        match self {
            Receiving::Packet(operation) => client.finish(operation, Err(error), Over::Packet),
            Receiving::Beside(operation, _) => {
                client.finish_beside(operation, Err(error), Ancillary::default())
            }
        }
    }
}

/// Every packet until somebody has enough.
pub(super) struct Started {
    pub(super) number: u64,
    /// None while it is called.
    receive: Option<Receive>,
    /// How long it may wait, in all.
    budget: Deadline,
    due: Option<Instant>,
    /// It was ended while it was called.
    ended: Option<Error>,
}

impl Live {
    fn receive(&mut self) -> Attempt<Packet> {
        let outcome = self.receive_next();
        // Whether an error stays is for the receiver to say: it is asked again.
        self.is_readable |= matches!(outcome, Err(Stop::Failed(_)));
        outcome
    }

    fn receive_next(&mut self) -> Attempt<Packet> {
        if let Some(packet) = self.connection.receiver.recv_gathered()? {
            return Ok(packet);
        }
        let outcome = self.attempt_to_receive(|receiver| receiver.recv(Hold::No));
        if outcome.is_ok() && !self.is_ending && self.connection.receiver.is_drained() {
            self.is_readable = false;
        }
        outcome
    }

    fn attempt_to_receive(
        &mut self,
        mut attempt: impl FnMut(&mut dyn PacketReceiver) -> Attempt<Packet>,
    ) -> Attempt<Packet> {
        while self.is_readable {
            match attempt(&mut *self.connection.receiver) {
                Err(Stop::Again) => {}
                Err(Stop::Want(interest)) => {
                    self.is_readable = false;
                    self.wants(interest);
                }
                outcome => return outcome,
            }
        }
        Err(Stop::Want(Interest::Read))
    }

    /// With what came beside it: one receive from the system at most.
    fn receive_beside(&mut self, room: usize) -> Attempt<(Result<Packet>, Ancillary)> {
        let mut ancillary = Ancillary::default();
        match self.connection.receiver.recv_gathered() {
            Ok(None) => {}
            Ok(Some(packet)) => return Ok((Ok(packet), ancillary)),
            Err(error) => {
                self.is_readable = true;
                return Err(error.into());
            }
        }
        match self.attempt_to_receive(|receiver| receiver.recv_with_ancillary(&mut ancillary, room, Hold::No))
        {
            Ok(packet) => Ok((Ok(packet), ancillary)),
            Err(Stop::Failed(error)) => Ok((Err(error), ancillary)),
            Err(stop) => Err(stop),
        }
    }
}

impl AsyncClient {
    /// Receives one packet.
    pub fn recv_packet(self: &Rc<Self>, timeout_ms: i64, done: Option<Done<Packet>>) -> Result<u64> {
        self.queue(|| Receiving::Packet(self.begin(timeout_ms, done)))
    }

    /// Receives one packet and what comes beside it, with so much room for that.
    pub fn recv_packet_with_ancillary(
        self: &Rc<Self>,
        room: usize,
        timeout_ms: i64,
        done: Option<Done<Beside>>,
    ) -> Result<u64> {
        self.queue(|| Receiving::Beside(self.begin(timeout_ms, done), room))
    }

    fn queue(self: &Rc<Self>, receive: impl FnOnce() -> Receiving) -> Result<u64> {
        let mut inner = self.enter()?;
        if inner.started.is_some() {
            let reason = "packets are being received already (recv_start): stop that first";
            return Err(self.explain(Error::new(EN_EBUSY, reason)));
        }
        let receive = receive();
        let number = receive.number();
        inner.receives.push_back(receive);
        drop(inner);
        self.go_on_later();
        Ok(number)
    }

    fn finish_beside(
        self: &Rc<Self>,
        operation: Operation<Beside>,
        packet: Result<Packet>,
        ancillary: Ancillary,
    ) {
        let packet = packet.map_err(|error| self.explain(error));
        self.finish(operation, Ok(Beside { packet, ancillary }), Over::Beside);
    }

    /// Receives every packet until `receive` has enough, an error ends it, or the time that it may
    /// wait in all is over.
    pub fn recv_start(self: &Rc<Self>, timeout_ms: i64, receive: Receive) -> Result<u64> {
        let mut inner = self.enter()?;
        if inner.started.is_some() || !inner.receives.is_empty() {
            let reason = "another receive is under way: cancel it or wait for it first";
            return Err(self.explain(Error::new(EN_EBUSY, reason)));
        }
        let number = self.core.next_number(self.place.get());
        let mut budget = Deadline::after_ms(timeout_ms);
        let due = budget.instant();
        if let Some(due) = due {
            self.core.add_timer(due, number);
        }
        inner.started = Some(Started { number, receive: Some(receive), budget, due, ended: None });
        self.core.hold();
        drop(inner);
        self.go_on_later();
        Ok(number)
    }

    /// Receives no more; the callback is not called again. Whether it was receiving.
    pub fn recv_stop(self: &Rc<Self>) -> Result<bool> {
        let Some(started) = self.access()?.started.take() else { return Ok(false) };
        self.disarm(started.due, started.number);
        self.core.release();
        Ok(true)
    }

    /// A started receive ends with an error, which the loop delivers.
    pub(super) fn end_started(self: &Rc<Self>, error: Error) {
        let Ok(mut inner) = self.access() else { return };
        let Some(started) = inner.started.take() else { return };
        self.disarm(started.due, started.number);
        match started.receive {
            Some(mut receive) => {
                drop(inner);
                let error = self.explain(error);
                let last = Box::new(move |outcome: Result<()>| {
                    if let Err(error) = outcome {
                        receive(Err(error));
                    }
                });
                self.over.borrow_mut().push_back(Over::Done(last, Err(error)));
                self.go_on_later();
            }
            // It is being called, and the handle ends: it is not called again.
            None if self.is_freed.get() => self.core.release(),
            None => inner.started = Some(Started { due: None, ended: Some(error), ..started }),
        }
    }

    fn disarm(&self, due: Option<Instant>, number: u64) {
        if let Some(due) = due {
            self.core.remove_timer(due, number);
        }
    }

    /// Receives what has come, for those who wait for it. Only the loop calls this.
    pub(super) fn receive_further(self: &Rc<Self>) {
        self.receive_for_operations();
        for _ in 0..TURN {
            if !self.receive_for_started() {
                return;
            }
        }
        self.go_on_later();
    }

    fn receive_for_operations(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        loop {
            let super::Inner { state: State::Connected(live), receives, .. } = &mut *inner else { return };
            let Some(first) = receives.front() else { return };
            let outcome = match first {
                Receiving::Packet(_) => live.receive().map(|packet| (Ok(packet), Ancillary::default())),
                Receiving::Beside(_, room) => live.receive_beside(*room),
            };
            let (packet, ancillary) = match outcome {
                Ok(outcome) => outcome,
                Err(Stop::Failed(error)) => (Err(error), Ancillary::default()),
                Err(_) => return,
            };
            match receives.pop_front() {
                Some(Receiving::Packet(operation)) => self.finish(operation, packet, Over::Packet),
                Some(Receiving::Beside(operation, _)) => self.finish_beside(operation, packet, ancillary),
                None => return,
            }
        }
    }

    /// Hands one packet on; whether there may be more.
    fn receive_for_started(self: &Rc<Self>) -> bool {
        let Ok(mut inner) = self.access() else { return false };
        let super::Inner { state: State::Connected(live), started: Some(started), .. } = &mut *inner else {
            return false;
        };
        let outcome = match live.receive() {
            Ok(packet) => packet,
            Err(Stop::Failed(error)) => {
                drop(inner);
                self.end_started(error);
                return false;
            }
            Err(_) => {
                if started.due.is_none()
                    && let Some(due) = started.budget.instant()
                {
                    started.due = Some(due);
                    self.core.add_timer(due, started.number);
                }
                return false;
            }
        };
        // Only the time that it waits counts.
        if let Some(due) = started.due.take() {
            self.core.remove_timer(due, started.number);
        }
        started.budget = started.budget.paused();
        let number = started.number;
        let Some(mut receive) = started.receive.take() else { return false };
        drop(inner);
        let wants_more = receive(Ok(outcome));
        let Ok(mut inner) = self.access() else { return false };
        match &mut inner.started {
            Some(started) if started.number == number && wants_more => {
                started.receive = Some(receive);
                let Some(error) = started.ended.take() else { return true };
                drop(inner);
                self.end_started(error);
                false
            }
            Some(started) if started.number == number => {
                inner.started = None;
                self.core.release();
                false
            }
            _ => false,
        }
    }
}
