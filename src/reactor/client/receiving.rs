//! Receives, in the order in which they were asked for, and packets until somebody has enough.

use std::cell::RefMut;
use std::ffi::c_void;
use std::rc::Rc;
use std::time::Instant;

use super::{AsyncClient, Inner, Live, Operation, Over, STEPS, State, Turned};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::deadline::Deadline;
use crate::endpoint::{Counters, PacketReceiver};
use crate::error::{EN_EBUSY, Error, Result, Stage};
use crate::packet::{Handed, Packet, Places};
use crate::reactor::callback::{Callee, Done};
use crate::reactor::event_loop::EventLoop;
use crate::socket::ancillary::Ancillary;

// Behind a system call each level of calls costs more than what is done there: the processor has
// forgotten where they return to. So what lies between the loop and the application's callback is put
// together by the compiler.

/// About so many packets one client gets before others have their turn.
const TURN: usize = 256;

/// Called with packets, and once with an error at the end.
#[derive(Clone, Copy)]
pub struct Receive {
    /// Knows what kind of a function the callee has.
    pub tell: for<'a> fn(Callee, Result<&'a mut Turn<'_, '_>>),
    /// The application's function.
    pub callee: Callee,
}

impl Receive {
    #[inline(always)]
    pub(super) fn call(self, outcome: Result<&mut Turn<'_, '_>>) {
        (self.tell)(self.callee, outcome);
    }
}

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

/// Every packet until somebody has enough.
pub(super) struct Started {
    pub(super) number: u64,
    receive: Receive,
    /// How long it may wait, if that is limited.
    time: Option<Box<Time>>,
    is_called: bool,
    /// It was ended while it was called.
    ended: Option<Error>,
}

struct Time {
    /// In all.
    budget: Deadline,
    due: Option<Instant>,
}

impl Started {
    /// Nothing has come: only now its time is counted.
    fn wait(&mut self, core: &EventLoop) {
        if let Some(time) = &mut self.time
            && time.due.is_none()
            && let Some(due) = time.budget.instant()
        {
            time.due = Some(due);
            core.add_timer(due, self.number);
        }
    }

    /// Something may have come: its time is not counted. When it would have been over.
    fn pause(&mut self, core: &EventLoop) -> Option<Instant> {
        let time = self.time.as_mut()?;
        let due = time.due.take()?;
        core.remove_timer(due, self.number);
        time.budget = time.budget.paused();
        Some(due)
    }

    /// Whether its time is counted.
    fn waits(&self) -> bool {
        self.time.as_ref().is_none_or(|time| time.due.is_some())
    }

    /// Nothing has come after all.
    fn wait_on(&mut self, core: &EventLoop, due: Option<Instant>) {
        if let (Some(time), Some(due)) = (&mut self.time, due) {
            time.budget = Deadline::At(due);
        }
        self.wait(core);
    }
}

/// The turn of a started receive.
pub struct Turn<'a, 'p> {
    client: &'a AsyncClient,
    packets: &'a mut Places<'p>,
    wants_more: bool,
    /// When the time of the receive would be over, if nothing has come.
    due: Option<Instant>,
}

impl Turn<'_, '_> {
    /// Gives the packets to the application, one by one; `give` says whether it wants more of them.
    #[inline(always)]
    pub fn hand_on(&mut self, mut give: impl FnMut(Handed<'_>) -> bool) {
        loop {
            let Some(packet) = self.packets.hand_on() else { return };
            self.client.counters.packets_received.add(1);
            self.due = None;
            self.wants_more = give(packet);
            if !self.goes_on() {
                return;
            }
        }
    }

    /// Whether another packet may follow.
    #[inline(always)]
    fn goes_on(&self) -> bool {
        self.wants_more && self.client.is_receiving.get() && self.client.core.goes_on()
    }
}

/// The receiving half of a connection, and what is known of what it would bring.
pub(super) struct Incoming {
    receiver: Box<dyn PacketReceiver>,
    is_readable: bool,
    /// The peer has ended its direction, or sent urgent data: from now on a receive that is not filled
    /// proves nothing.
    to_the_end: bool,
    /// Packets may have gathered.
    has_gathered: bool,
    /// What the last attempt has to wait for.
    wants: Option<Interest>,
    /// What the application's code asks for is done before that is called again.
    runs_callbacks: bool,
}

impl Incoming {
    pub(super) fn new(receiver: Box<dyn PacketReceiver>, runs_callbacks: bool) -> Incoming {
        Incoming {
            receiver,
            is_readable: true,
            to_the_end: false,
            has_gathered: true,
            wants: None,
            runs_callbacks,
        }
    }

    /// Its descriptor is told of.
    pub(super) fn has_become(&mut self, readable: bool, to_the_end: bool) {
        self.is_readable |= readable;
        self.to_the_end |= to_the_end;
    }

    /// One receive. Whether an error stays is for the receiver to say: it is asked again.
    #[inline(always)]
    fn ask<T>(&mut self, receive: impl FnOnce(&mut Incoming) -> Attempt<T>) -> Attempt<T> {
        let outcome = receive(self);
        self.is_readable |= matches!(outcome, Err(Stop::Failed(_)));
        outcome
    }

    fn receive(&mut self, counters: &Counters) -> Attempt<Packet> {
        Places::one(|place| self.receive_into(place, counters))
    }

    /// With what came beside it.
    fn receive_beside(
        &mut self,
        ancillary: &mut Ancillary,
        room: usize,
        counters: &Counters,
    ) -> Attempt<Packet> {
        Places::one(|place| {
            self.receive_by(place, |receiver, place| {
                receiver.recv_with_ancillary(ancillary, room, Hold::No, place, counters)?;
                Ok(false)
            })
        })
    }

    /// Puts what has gathered into the places, which are empty, or else what one receive brings. They stay
    /// empty only if that fails.
    #[inline(always)]
    fn receive_into(&mut self, places: &mut Places<'_>, counters: &Counters) -> Attempt<()> {
        self.receive_by(
            places,
            #[inline(always)]
            |receiver, places| receiver.recv_into(Hold::No, places, counters),
        )
    }

    /// The same by `receive`, which says whether these were all.
    #[inline(always)]
    fn receive_by(
        &mut self,
        places: &mut Places<'_>,
        mut receive: impl FnMut(&mut dyn PacketReceiver, &mut Places<'_>) -> Attempt<bool>,
    ) -> Attempt<()> {
        if self.has_gathered {
            self.has_gathered = !self.receiver.gathered_into(places)?;
            if !places.is_empty() {
                return Ok(());
            }
            if self.runs_callbacks {
                return Err(Stop::Again);
            }
        }
        let outcome = self.receive_new(
            #[inline(always)]
            |receiver| receive(receiver, places),
        );
        // There may be more behind what cannot be decoded.
        self.has_gathered = !matches!(outcome, Ok(true) | Err(Stop::Want(_)));
        outcome.map(|_| ())
    }

    /// The packets in the places were handed on; those that are left come with the next receive.
    #[inline(always)]
    fn settle(&mut self, places: &mut Places<'_>) {
        while let Some(packet) = places.take_back() {
            self.receiver.put_back(Ok(packet));
            self.has_gathered = true;
        }
        self.receiver.settle();
    }

    /// At least one, and at most so many that are there with it.
    fn receive_several(&mut self, most: usize, counters: &Counters) -> Attempt<Vec<Packet>> {
        let mut packets = Vec::new();
        let mut may_be_more = true;
        while may_be_more && packets.len() < most {
            let outcome = Places::with(most - packets.len(), |places| {
                let outcome = self.receive_into(places, counters);
                may_be_more = !places.has_room();
                packets.extend(std::iter::from_fn(|| places.hand_on().map(Handed::take)));
                self.settle(places);
                outcome
            });
            match outcome {
                Err(Stop::Failed(error)) if !packets.is_empty() => {
                    // It is for the next receive.
                    self.receiver.put_back(Err(error));
                    self.has_gathered = true;
                    break;
                }
                Err(stop) if packets.is_empty() => return Err(stop),
                _ => {}
            }
        }
        Ok(packets)
    }

    /// Hands on what is there for as long as the turn goes on.
    #[inline(always)]
    fn receive_for(&mut self, receive: Receive, turn: &mut Turn<'_, '_>) -> Attempt<()> {
        let (mut left, counters) = (TURN, &turn.client.counters);
        while turn.goes_on() && left > 0 {
            match self.ask(|incoming| incoming.receive_into(turn.packets, counters)) {
                Err(Stop::Failed(error)) => {
                    // Bytes that cannot be decoded may lie before others.
                    self.settle(turn.packets);
                    return Err(error.into());
                }
                outcome => outcome?,
            }
            left = left.saturating_sub(turn.packets.len());
            receive.call(Ok(turn));
            self.settle(turn.packets);
        }
        Ok(())
    }

    /// Receives as long as the descriptor may have something, and nothing comes of it; [`Stop::Again`]: it is
    /// the others' turn.
    #[inline(always)]
    fn receive_new<T>(
        &mut self,
        mut receive: impl FnMut(&mut dyn PacketReceiver) -> Attempt<T>,
    ) -> Attempt<T> {
        let steps = if self.runs_callbacks { 1 } else { STEPS };
        for _ in 0..steps {
            if !self.is_readable {
                return Err(Stop::Want(Interest::Read));
            }
            let outcome = receive(&mut *self.receiver);
            if let Err(Stop::Want(interest)) = outcome {
                self.is_readable = false;
                self.wants = Some(interest);
            } else if !self.to_the_end && self.receiver.is_drained() {
                self.is_readable = false;
            }
            if !matches!(outcome, Err(Stop::Again)) {
                return outcome;
            }
        }
        Err(Stop::Again)
    }
}

impl Live {
    /// One receive.
    #[inline(always)]
    fn ask<T>(&mut self, receive: impl FnOnce(&mut Incoming) -> Attempt<T>) -> Attempt<T> {
        let Some(incoming) = &mut self.incoming else { return Err(Stop::Want(Interest::Read)) };
        let outcome = incoming.ask(receive);
        if let Some(interest) = incoming.wants.take() {
            self.wants(interest);
        }
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

    /// Receives every packet until `receive` has enough, an error ends it, or the time that it may
    /// wait in all is over.
    pub fn recv_start(self: &Rc<Self>, timeout_ms: i64, receive: Receive) -> Result<u64> {
        let mut inner = self.enter()?;
        let others_wait = inner.pending.get().is_some_and(|pending| !pending.operations.receives.is_empty());
        if inner.started.is_some() || others_wait {
            let reason = "another receive is under way: cancel it or wait for it first";
            return Err(self.explain(Error::new(EN_EBUSY, reason)));
        }
        let number = self.core.next_number(self.place());
        let time = match Deadline::after_ms(timeout_ms) {
            Deadline::Never => None,
            budget => Some(Box::new(Time { budget, due: None })),
        };
        let mut started = Started { number, receive, time, is_called: false, ended: None };
        started.wait(&self.core);
        inner.started = Some(started);
        self.core.hold();
        drop(inner);
        self.go_on_later();
        Ok(number)
    }

    /// Receives no more; the callback is not called again. Whether it was receiving.
    pub fn recv_stop(self: &Rc<Self>) -> Result<bool> {
        let Some(mut started) = self.access()?.started.take() else { return Ok(self.forget_last()) };
        self.is_receiving.set(false);
        started.pause(&self.core);
        self.core.release();
        Ok(true)
    }

    /// A started receive has ended, and nobody wants to know of it any more; whether there was one.
    fn forget_last(&self) -> bool {
        let is_last = |over: &Over| matches!(over, Over::Last(..));
        let last = self.later.with(|later| {
            later.remove(|later| {
                let index = later.over.iter().position(is_last)?;
                later.over.remove(index)
            })
        });
        if last.is_some() {
            self.core.release();
        }
        last.is_some()
    }

    /// Whether this is a started receive that does not wait now.
    pub(super) fn receives_on(&self, number: u64) -> bool {
        let Ok(inner) = self.access() else { return false };
        let is_its = |started: &&Started| started.number == number;
        inner.started.as_ref().filter(is_its).is_some_and(|started| !started.waits())
    }

    /// A started receive ends with an error, which the loop delivers.
    pub(super) fn end_started(self: &Rc<Self>, error: Error) {
        let Ok(mut inner) = self.access() else { return };
        let Some(mut started) = inner.started.take() else { return };
        self.is_receiving.set(false);
        started.pause(&self.core);
        if !started.is_called {
            drop(inner);
            let error = self.explain(error.at(Stage::Receive));
            return self.call_later(Over::Last(started.receive, error));
        }
        match self.is_freed.get() {
            // It is not called again.
            true => self.core.release(),
            false => inner.started = Some(Started { ended: Some(error), ..started }),
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
            let Some(first) = pending.get().and_then(|pending| pending.operations.receives.front()) else {
                break;
            };
            let runs_callbacks = live.runs_callbacks;
            let outcome = match first {
                Receiving::Packet(_) => {
                    live.ask(|incoming| incoming.receive(&self.counters)).map(Came::Packet)
                }
                Receiving::Packets(_, most) => {
                    // Code of the application runs when its turn has come, and not before.
                    let most = if live.runs_callbacks { 1 } else { *most };
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
                Err(Stop::Want(_)) => break,
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

    /// The same for who wants every packet.
    pub(super) fn receive_for_started(self: &Rc<Self>) -> Turned {
        // Who is closed or freed inside a callback ends in another way.
        if self.is_closing.get() || self.is_freed.get() {
            return Turned::Done;
        }
        let Ok(mut inner) = self.access() else { return Turned::Done };
        let Inner { state: State::Connected(live), started: Some(started), .. } = &mut *inner else {
            return Turned::Done;
        };
        let due = started.pause(&self.core);
        started.is_called = true;
        let (number, receive) = (started.number, started.receive);
        self.is_receiving.set(true);
        let incoming = live.incoming.take_if(|_| !live.runs_callbacks);
        drop(inner);
        Places::with(TURN, |packets| {
            let mut turn = Turn { client: self, packets, wants_more: true, due };
            let Some(mut incoming) = incoming else {
                return self.receive_one_by_one(receive, &mut turn, number);
            };
            let outcome = incoming.receive_for(receive, &mut turn);
            let Turn { wants_more, due, .. } = turn;
            let Ok(mut inner) = self.access() else { return Turned::Done };
            if let State::Connected(live) = &mut inner.state {
                live.incoming = Some(incoming);
            }
            self.end_turn(inner, number, wants_more, due, outcome)
        })
    }

    /// Where receiving runs code of the application, which must not call the client: what it would
    /// change is borrowed meanwhile.
    #[inline(never)]
    fn receive_one_by_one(self: &Rc<Self>, receive: Receive, turn: &mut Turn<'_, '_>, number: u64) -> Turned {
        let outcome = self.ask_one_by_one(receive, turn);
        match self.access() {
            Ok(inner) => self.end_turn(inner, number, turn.wants_more, turn.due, outcome),
            Err(_) => Turned::Done,
        }
    }

    fn ask_one_by_one(self: &Rc<Self>, receive: Receive, turn: &mut Turn<'_, '_>) -> Attempt<()> {
        let (mut packets, mut steps) = (0, 0);
        while packets < TURN && turn.goes_on() {
            let outcome = {
                let Ok(mut inner) = self.access() else { break };
                let State::Connected(live) = &mut inner.state else { break };
                live.ask(|incoming| incoming.receive(&self.counters))
            };
            // Its end may have been asked for inside that.
            if self.is_closing.get() {
                break;
            }
            // If that of the receive was, the packet is still its own.
            self.catch_up();
            match outcome {
                Err(Stop::Again) if steps < STEPS => steps += 1,
                outcome => {
                    turn.packets.put(outcome?);
                    receive.call(Ok(turn));
                    packets += 1;
                }
            }
        }
        Ok(())
    }

    /// A turn of the receive with this number is over.
    #[inline(always)]
    fn end_turn(
        self: &Rc<Self>,
        mut inner: RefMut<'_, Inner>,
        number: u64,
        wants_more: bool,
        due: Option<Instant>,
        outcome: Attempt<()>,
    ) -> Turned {
        let Some(started) = inner.started.as_mut().filter(|started| started.number == number) else {
            return Turned::Done;
        };
        started.is_called = false;
        let ended = started.ended.take().map_or(outcome, |error| Err(error.into()));
        match ended {
            // Who has enough is not called again, whatever else it has done.
            _ if !wants_more => {
                inner.started = None;
                self.core.release();
            }
            Err(Stop::Failed(error)) => {
                drop(inner);
                self.end_started(error);
            }
            Err(Stop::Want(_)) => started.wait_on(&self.core, due),
            Err(Stop::Again) => {
                started.wait_on(&self.core, due);
                return self.give_way();
            }
            Ok(()) => return self.give_way(),
        }
        Turned::Done
    }
}
