//! Receives, in the order in which they were asked for.

use std::ffi::c_void;
use std::rc::Rc;

use super::incoming::Incoming;
use super::{AsyncClient, Inner, Operation, Over, STEPS, State, Turned};
use crate::attempt::Stop;
use crate::error::{EN_EBUSY, Error, Result, Stage};
use crate::packet::Packet;
use crate::reactor::callback::Done;
use crate::socket::ancillary::Ancillary;

/// A packet and what came beside it, also if no packet did.
pub struct Beside {
    /// The packet, or why there is none.
    pub packet: Result<Packet>,
    /// What came beside it.
    pub ancillary: Ancillary,
    /// What the caller has lent for that.
    pub lent: Lent,
}

/// What the caller lends until a receive is over, who alone knows what it is.
#[derive(Clone, Copy)]
pub struct Lent(pub *mut c_void);

/// A receive that waits for its packet.
pub(super) enum Receiving {
    Packet(Operation<Packet>),
    /// At most so many that are there beside each other.
    Packets(Operation<Vec<Packet>>, usize),
    /// With so much room for what comes beside it, and where that goes.
    Beside(Operation<Beside>, usize, Lent),
}

impl Receiving {
    pub(super) fn number(&self) -> u64 {
        match self {
            Receiving::Packet(operation) => operation.number,
            Receiving::Packets(operation, _) => operation.number,
            Receiving::Beside(operation, ..) => operation.number,
        }
    }

    /// It is over, without a packet.
    pub(super) fn fail(self, client: &Rc<AsyncClient>, error: Error) {
        let error = error.at(Stage::Receive);
        match self {
            Receiving::Packet(operation) => client.finish(operation, Err(error), Over::Packet),
            Receiving::Packets(operation, _) => client.finish(operation, Err(error), Over::Packets),
            Receiving::Beside(operation, _, lent) => {
                client.finish_beside(operation, Err(error), Ancillary::default(), lent)
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

impl Came {
    /// How many packets.
    fn count(&self) -> usize {
        match self {
            Came::Packet(_) | Came::Beside(Ok(_), _) => 1,
            Came::Packets(packets) => packets.len(),
            Came::Beside(Err(_), _) => 0,
        }
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
        lent: Lent,
        timeout_ms: i64,
        done: Option<Done<Beside>>,
    ) -> Result<u64> {
        self.queue(|| Receiving::Beside(self.begin(timeout_ms, done), room, lent))
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

    fn finish_beside(
        self: &Rc<Self>,
        operation: Operation<Beside>,
        packet: Result<Packet>,
        ancillary: Ancillary,
        lent: Lent,
    ) {
        let packet = packet.map_err(|error| self.explain(error.at(Stage::Receive)));
        self.finish(operation, Ok(Beside { packet, ancillary, lent }), Over::Beside);
    }

    /// Receives what has come, for those who wait for it, each for something of its own. Only the loop
    /// calls this.
    pub(super) fn receive_for_operations(self: &Rc<Self>) -> Turned {
        let mut steps = 0;
        // Who is closed or freed inside a callback ends in another way.
        while !self.is_closing.get() && self.core.goes_on() {
            let Ok(mut inner) = self.access() else { break };
            let Inner { state: State::Connected(live), pending, .. } = &mut *inner else { break };
            let Some(first) = pending.get().and_then(|pending| pending.operations.receives.front()) else {
                break;
            };
            let runs_callbacks = live.incoming.as_ref().is_some_and(Incoming::runs_callbacks);
            let outcome = match first {
                Receiving::Packet(_) => {
                    live.ask(|incoming| incoming.receive(&self.counters)).map(Came::Packet)
                }
                Receiving::Packets(_, most) => {
                    // Code of the application runs when its turn has come, and not before.
                    let most = if runs_callbacks { 1 } else { *most };
                    live.ask(|incoming| incoming.receive_several(most, &self.counters)).map(Came::Packets)
                }
                Receiving::Beside(_, room, _) => {
                    let mut ancillary = Ancillary::default();
                    let outcome =
                        live.ask(|incoming| incoming.receive_beside(&mut ancillary, *room, &self.counters));
                    match outcome {
                        Ok(packet) => Ok(Came::Beside(Ok(packet), ancillary)),
                        Err(Stop::Failed(error)) => Ok(Came::Beside(Err(error), ancillary)),
                        Err(stop) => Err(stop),
                    }
                }
            };
            let outcome = match outcome {
                // Its end was asked for inside that: all who wait learn of it.
                _ if self.is_closing.get() => break,
                Ok(came) => Ok(came),
                Err(Stop::Failed(error)) => Err(error),
                Err(Stop::Again) if runs_callbacks && steps < STEPS => {
                    steps += 1;
                    drop(inner);
                    self.catch_up();
                    continue;
                }
                Err(Stop::Again) => return self.give_way(),
                Err(Stop::Want(_) | Stop::Soon(_)) => break,
            };
            self.counters.packets_received.add(outcome.as_ref().map_or(0, Came::count));
            let first = pending.remove(|pending| pending.operations.receives.pop_front());
            let Some(receiving) = first else { break };
            drop(inner);
            match (receiving, outcome) {
                (Receiving::Packet(operation), Ok(Came::Packet(packet))) => {
                    self.finish(operation, Ok(packet), Over::Packet);
                }
                (Receiving::Packets(operation, _), Ok(Came::Packets(packets))) => {
                    self.finish(operation, Ok(packets), Over::Packets);
                }
                (Receiving::Beside(operation, _, lent), Ok(Came::Beside(packet, ancillary))) => {
                    self.finish_beside(operation, packet, ancillary, lent);
                }
                (receiving, Err(error)) => receiving.fail(self, error),
                _ => break,
            }
            if runs_callbacks {
                self.catch_up();
            }
        }
        Turned::Done
    }
}
