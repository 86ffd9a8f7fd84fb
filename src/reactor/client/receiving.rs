//! Receives, in the order in which they were asked for, and packets until somebody has enough.

use std::rc::Rc;
use std::time::Instant;

use super::{AsyncClient, Inner, Live, Operation, Over, State};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::deadline::Deadline;
use crate::endpoint::PacketReceiver;
use crate::error::{EN_EBUSY, Error, Result};
use crate::packet::Packet;
use crate::reactor::event_loop::EventLoop;
use crate::reactor::operation::Done;
use crate::socket::ancillary::Ancillary;

/// How many packets one client gets before others have their turn.
const TURN: usize = 256;

/// How many packets are handed on together.
const RUN: usize = 64;

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
    /// At most so many that are there beside each other.
    Packets(Operation<Vec<Packet>>, usize),
    /// With so much room for what comes beside it.
    Beside(Operation<Beside>, usize),
}

impl Receiving {
    pub(super) fn number(&self) -> u64 {
        match self {
            Receiving::Packet(operation) => operation.number,
            Receiving::Packets(operation, _) => operation.number,
            Receiving::Beside(operation, _) => operation.number,
        }
    }

    /// It is over, without a packet.
    pub(super) fn fail(self, client: &Rc<AsyncClient>, error: Error) {
        match self {
            Receiving::Packet(operation) => client.finish(operation, Err(error), Over::Packet),
            Receiving::Packets(operation, _) => client.finish(operation, Err(error), Over::Packets),
            Receiving::Beside(operation, _) => {
                client.finish_beside(operation, Err(error), Ancillary::default())
            }
        }
    }
}

/// What has come for the first who waits.
enum Came {
    Packet(Packet),
    Packets(Vec<Packet>),
    Beside(Result<Packet>, Ancillary),
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

impl Started {
    /// Nothing has come: only now its time is counted.
    fn wait(&mut self, core: &EventLoop) {
        if self.due.is_none()
            && let Some(due) = self.budget.instant()
        {
            self.due = Some(due);
            core.add_timer(due, self.number);
        }
    }

    /// Something has come: its time is not counted.
    fn pause(&mut self, core: &EventLoop) {
        if let Some(due) = self.due.take() {
            core.remove_timer(due, self.number);
            self.budget = self.budget.paused();
        }
    }
}

impl Live {
    /// One receive. Whether an error stays is for the receiver to say: it is asked again.
    fn ask<T>(&mut self, receive: impl FnOnce(&mut Live) -> Attempt<T>) -> Attempt<T> {
        let outcome = receive(self);
        self.is_readable |= matches!(outcome, Err(Stop::Failed(_)));
        outcome
    }

    fn receive(&mut self) -> Attempt<Packet> {
        if let Some(packet) = self.gathered()? {
            return Ok(packet);
        }
        let outcome = self.receive_new(|receiver| receiver.recv(Hold::No));
        self.has_gathered = !matches!(outcome, Err(Stop::Want(_)));
        outcome
    }

    /// What is there without asking the system.
    fn gathered(&mut self) -> Result<Option<Packet>> {
        if let Some(packet) = self.kept.pop_front() {
            self.counters.packets_received.add(1);
            return Ok(Some(packet));
        }
        let packet = if self.has_gathered { self.receiver.recv_gathered()? } else { None };
        self.has_gathered = packet.is_some();
        Ok(packet)
    }

    /// Several packets at once, if they are there; whether these are all that are.
    fn receive_run(&mut self, out: &mut Vec<Packet>, most: usize) -> Attempt<bool> {
        if !self.kept.is_empty() {
            out.push(self.receive()?);
            return Ok(false);
        }
        // Code of the application runs when its turn has come, and not before.
        let most = if self.runs_callbacks { 1 } else { most };
        if self.has_gathered {
            self.has_gathered = !self.receiver.recv_run(out, most)?;
        }
        if out.is_empty() {
            let outcome = self.receive_new(|receiver| receiver.recv_new(out, most, Hold::No));
            // There may be more behind what cannot be decoded.
            self.has_gathered = !matches!(outcome, Ok(true) | Err(Stop::Want(_)));
            outcome?;
        }
        Ok(!self.has_gathered && !self.is_readable)
    }

    /// The same, with nothing else in it.
    fn receive_several(&mut self, most: usize) -> Attempt<Vec<Packet>> {
        let mut packets = Vec::new();
        let outcome = self.receive_run(&mut packets, most);
        if packets.is_empty() { outcome.and(Err(Stop::Want(Interest::Read))) } else { Ok(packets) }
    }

    /// Takes packets back that nobody wants for now.
    fn keep(&mut self, packets: impl Iterator<Item = Packet>) {
        let packets = packets.inspect(|_| self.counters.packets_received.take_back());
        self.kept.extend(packets);
    }

    /// Receives as long as the descriptor may have something.
    fn receive_new<T>(
        &mut self,
        mut receive: impl FnMut(&mut dyn PacketReceiver) -> Attempt<T>,
    ) -> Attempt<T> {
        while self.is_readable {
            let outcome = receive(&mut *self.receiver);
            if let Err(Stop::Want(interest)) = outcome {
                self.is_readable = false;
                self.wants(interest);
            } else if !self.is_ending && self.receiver.is_drained() {
                self.is_readable = false;
            }
            if !matches!(outcome, Err(Stop::Again)) {
                return outcome;
            }
        }
        Err(Stop::Want(Interest::Read))
    }

    /// With what came beside it: one receive from the system at most.
    fn receive_beside(&mut self, ancillary: &mut Ancillary, room: usize) -> Attempt<Packet> {
        if let Some(packet) = self.gathered()? {
            return Ok(packet);
        }
        let outcome = self.receive_new(|receiver| receiver.recv_with_ancillary(ancillary, room, Hold::No));
        self.has_gathered = !matches!(outcome, Err(Stop::Want(_)));
        outcome
    }
}

impl AsyncClient {
    /// Receives one packet.
    pub fn recv_packet(self: &Rc<Self>, timeout_ms: i64, done: Option<Done<Packet>>) -> Result<u64> {
        self.queue(|| Receiving::Packet(self.begin(timeout_ms, done)))
    }

    /// Receives at least one packet and at most so many, if they are there with it.
    pub fn recv_packets(
        self: &Rc<Self>,
        most: usize,
        timeout_ms: i64,
        done: Option<Done<Vec<Packet>>>,
    ) -> Result<u64> {
        self.queue(|| Receiving::Packets(self.begin(timeout_ms, done), most))
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
        let mut count = 0;
        while count < TURN {
            match self.receive_for_started() {
                Some(more) => count += more,
                None => return,
            }
        }
        self.go_on_later();
    }

    fn receive_for_operations(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        loop {
            let Inner { state: State::Connected(live), receives, .. } = &mut *inner else { return };
            let Some(first) = receives.front() else { return };
            let outcome = match first {
                Receiving::Packet(_) => live.ask(Live::receive).map(Came::Packet),
                Receiving::Packets(_, most) => {
                    live.ask(|live| live.receive_several(*most)).map(Came::Packets)
                }
                Receiving::Beside(_, room) => {
                    let mut ancillary = Ancillary::default();
                    match live.ask(|live| live.receive_beside(&mut ancillary, *room)) {
                        Ok(packet) => Ok(Came::Beside(Ok(packet), ancillary)),
                        Err(Stop::Failed(error)) => Ok(Came::Beside(Err(error), ancillary)),
                        Err(stop) => Err(stop),
                    }
                }
            };
            let outcome = match outcome {
                Ok(came) => Ok(came),
                Err(Stop::Failed(error)) => Err(error),
                Err(_) => return,
            };
            let Some(receiving) = receives.pop_front() else { return };
            match (receiving, outcome) {
                (Receiving::Packet(operation), Ok(Came::Packet(packet))) => {
                    self.finish(operation, Ok(packet), Over::Packet);
                }
                (Receiving::Packets(operation, _), Ok(Came::Packets(packets))) => {
                    self.finish(operation, Ok(packets), Over::Packets);
                }
                (Receiving::Beside(operation, _), Ok(Came::Beside(packet, ancillary))) => {
                    self.finish_beside(operation, packet, ancillary);
                }
                (receiving, Err(error)) => receiving.fail(self, error),
                _ => return,
            }
        }
    }

    /// Hands on what is there; how many packets, or None when there is nothing more to do for now.
    fn receive_for_started(self: &Rc<Self>) -> Option<usize> {
        let mut inner = self.access().ok()?;
        let Inner { state: State::Connected(live), started: Some(started), .. } = &mut *inner else {
            return None;
        };
        let number = started.number;
        let receive = started.receive.take()?;
        let mut run = self.core.take_run();
        let outcome = live.ask(|live| live.receive_run(&mut run, RUN));
        if run.is_empty() {
            started.receive = Some(receive);
            self.core.put_run(run);
            match outcome {
                Err(Stop::Failed(error)) => {
                    drop(inner);
                    self.end_started(error);
                }
                _ => started.wait(&self.core),
            }
            return None;
        }
        started.pause(&self.core);
        let are_all = matches!(outcome, Ok(true)) && matches!(started.budget, Deadline::Never);
        drop(inner);
        let count = run.len();
        let goes_on = self.hand_on(number, receive, &mut run);
        self.core.put_run(run);
        (goes_on && !are_all).then_some(count)
    }

    /// Calls with each of the packets while more are wanted, and keeps the others; whether more are
    /// wanted in the end.
    fn hand_on(self: &Rc<Self>, number: u64, mut receive: Receive, run: &mut Vec<Packet>) -> bool {
        let mut packets = run.drain(..);
        let mut wants_more = true;
        for packet in packets.by_ref() {
            wants_more = receive(Ok(packet));
            if !wants_more || !self.is_started(number) {
                break;
            }
        }
        let Ok(mut inner) = self.access() else { return false };
        if packets.len() > 0
            && let State::Connected(live) = &mut inner.state
        {
            live.keep(packets);
        }
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

    /// Whether it is still under way.
    fn is_started(&self, number: u64) -> bool {
        let is_it = |started: &Started| started.number == number && started.ended.is_none();
        self.access().is_ok_and(|inner| inner.started.as_ref().is_some_and(is_it))
    }
}
