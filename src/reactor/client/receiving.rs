//! Receives, in the order in which they were asked for.

use std::ffi::c_void;
use std::rc::Rc;

use super::incoming::Incoming;
use super::{AsyncClient, Inner, Live, Operation, Over, STEPS, State, Turned};
use crate::attempt::{Attempt, Stop};
use crate::error::{EN_EBUSY, Error, Result, Stage};
use crate::packet::Packet;
use crate::reactor::callback::Done;
use crate::socket::ancillary::Ancillary;

/// A packet and what came beside it, also if no packet did.
pub struct WithAncillary {
    /// The packet, or why there is none.
    pub packet: Result<Packet>,
    /// What came beside it.
    pub ancillary: Ancillary,
    /// What the caller has lent for that.
    pub place: AncillaryPlace,
}

/// What the caller lends until a receive is over, who alone knows what it is.
#[derive(Clone, Copy)]
pub struct AncillaryPlace(pub *mut c_void);

/// A receive that waits for its packet.
pub(super) enum Receiving {
    Packet(Operation<Packet>),
    /// At most so many that are there beside each other.
    Packets(Operation<Vec<Packet>>, usize),
    /// With so much room for what comes beside it, and where that goes.
    WithAncillary(Operation<WithAncillary>, usize, AncillaryPlace),
}

impl Receiving {
    pub(super) fn number(&self) -> u64 {
        match self {
            Receiving::Packet(operation) => operation.number,
            Receiving::Packets(operation, _) => operation.number,
            Receiving::WithAncillary(operation, ..) => operation.number,
        }
    }

    /// One attempt, after which it is over if this succeeds; what is to be called then, if anything.
    fn attempt(
        &mut self,
        live: &mut Live,
        client: &AsyncClient,
    ) -> std::result::Result<Option<Over>, Unfinished> {
        let counters = &client.counters;
        Ok(match self {
            Receiving::Packet(operation) => {
                let outcome = client.attempted(live.ask(|incoming| incoming.receive(counters)))?;
                counters.packets_received.add(usize::from(outcome.is_ok()));
                client.complete(operation, outcome.map_err(at_receiving), Over::Packet)
            }
            Receiving::Packets(operation, most) => {
                let outcome =
                    client.attempted(live.ask(|incoming| incoming.receive_several(*most, counters)))?;
                counters.packets_received.add(outcome.as_ref().map_or(0, Vec::len));
                client.complete(operation, outcome.map_err(at_receiving), Over::Packets)
            }
            Receiving::WithAncillary(operation, room, place) => {
                let mut ancillary = Ancillary::default();
                let outcome = client.attempted(
                    live.ask(|incoming| incoming.receive_with_ancillary(&mut ancillary, *room, counters)),
                )?;
                counters.packets_received.add(usize::from(outcome.is_ok()));
                client.complete_with_ancillary(operation, outcome, ancillary, *place)
            }
        })
    }

    /// It is over, without a packet.
    pub(super) fn fail(mut self, client: &Rc<AsyncClient>, error: Error) {
        let error = at_receiving(error);
        let over = match &mut self {
            Receiving::Packet(operation) => client.complete(operation, Err(error), Over::Packet),
            Receiving::Packets(operation, _) => client.complete(operation, Err(error), Over::Packets),
            Receiving::WithAncillary(operation, _, place) => {
                client.complete_with_ancillary(operation, Err(error), Ancillary::default(), *place)
            }
        };
        client.call_later(over);
    }
}

#[cold]
fn at_receiving(error: Error) -> Error {
    error.at(Stage::Receive)
}

/// Why a receive is not over.
enum Unfinished {
    /// It has to wait: for the peer, or for the end of the client, of which all who wait learn.
    Waits,
    /// It goes on when others have had their turn.
    Again,
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
        place: AncillaryPlace,
        timeout_ms: i64,
        done: Option<Done<WithAncillary>>,
    ) -> Result<u64> {
        self.queue(|| Receiving::WithAncillary(self.begin(timeout_ms, done), room, place))
    }

    fn queue(self: &Rc<Self>, receive: impl FnOnce() -> Receiving) -> Result<u64> {
        let mut inner = self.enter()?;
        if inner.started.is_some() {
            let reason = "packets are being received already (recv_start): stop that first";
            return Err(self.explain(Error::new(EN_EBUSY, reason)));
        }
        let receive = receive();
        let number = receive.number();
        inner.pending.put().operations.receives.push_back(receive);
        drop(inner);
        self.go_on_later();
        Ok(number)
    }

    fn complete_with_ancillary(
        &self,
        operation: &mut Operation<WithAncillary>,
        packet: Result<Packet>,
        ancillary: Ancillary,
        place: AncillaryPlace,
    ) -> Option<Over> {
        let packet = packet.map_err(|error| self.explain(at_receiving(error)));
        self.complete(operation, Ok(WithAncillary { packet, ancillary, place }), Over::WithAncillary)
    }

    /// What an attempt to receive means for the receive.
    fn attempted<T>(&self, outcome: Attempt<T>) -> std::result::Result<Result<T>, Unfinished> {
        match outcome {
            _ if self.is_closing.get() => Err(Unfinished::Waits),
            Ok(received) => Ok(Ok(received)),
            Err(Stop::Failed(error)) => Ok(Err(error)),
            Err(Stop::Again) => Err(Unfinished::Again),
            Err(Stop::Want(_) | Stop::Soon(_)) => Err(Unfinished::Waits),
        }
    }

    /// Receives what has come, for those who wait for it, each for something of its own. Only the loop
    /// calls this.
    pub(super) fn receive_for_operations(self: &Rc<Self>) -> Turned {
        let mut steps = 0;
        // Who is closed or freed inside a callback ends in another way.
        while !self.is_closing.get() && self.core.goes_on() {
            let Ok(mut inner) = self.access() else { break };
            let Inner { state: State::Connected(live), pending, .. } = &mut *inner else { break };
            let runs_callbacks = live.incoming.as_ref().is_some_and(Incoming::runs_callbacks);
            let Some(first) = pending.get_mut().and_then(|pending| pending.operations.receives.front_mut())
            else {
                break;
            };
            let over = match first.attempt(live, self) {
                Ok(over) => over,
                Err(Unfinished::Again) if runs_callbacks && steps < STEPS => {
                    steps += 1;
                    drop(inner);
                    self.catch_up();
                    continue;
                }
                Err(Unfinished::Again) => return self.give_way(),
                Err(Unfinished::Waits) => break,
            };
            pending.remove(|pending| pending.operations.receives.pop_front());
            drop(inner);
            self.call_later(over);
            if runs_callbacks {
                self.catch_up();
            }
        }
        Turned::Done
    }
}
