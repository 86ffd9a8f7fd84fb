//! A started receive: packets until somebody has enough.

use std::rc::Rc;
use std::time::Instant;

use super::incoming::Incoming;
use super::{Access, AsyncClient, Inner, Live, Over, STEPS, State, Turned};
use crate::attempt::{Attempt, Stop};
use crate::deadline::Deadline;
use crate::error::{EN_EBUSY, EN_ECANCELED, EN_ETIMEDOUT, Error, Result, Stage};
use crate::packet::{Handed, Places};
use crate::reactor::callback::Callee;
use crate::reactor::event_loop::EventLoop;

// Behind a system call each level of calls costs more than what is done there: the processor has
// forgotten where they return to. So what lies between the loop and the application's callback is put
// together by the compiler.

/// About so many packets one client gets before others have their turn.
const TURN: usize = 256;

/// Called with packets, and once with an error at the end.
#[derive(Clone, Copy)]
pub struct Receive {
    /// Knows what kind of a function the callee has.
    pub tell: for<'a> fn(Callee, Result<&'a mut Delivery<'_, '_>>),
    /// The application's function.
    pub callee: Callee,
}

impl Receive {
    #[inline(always)]
    pub(super) fn call(self, outcome: Result<&mut Delivery<'_, '_>>) {
        (self.tell)(self.callee, outcome);
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

/// What a started receive hands on in one turn.
pub struct Delivery<'a, 'p> {
    client: &'a AsyncClient,
    packets: &'a mut Places<'p>,
    wants_more: bool,
    /// When the time of the receive would be over, if nothing has come.
    due: Option<Instant>,
}

impl Delivery<'_, '_> {
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

impl Incoming {
    /// Hands on what is there for as long as the turn goes on.
    #[inline(always)]
    fn receive_for(&mut self, receive: Receive, delivery: &mut Delivery<'_, '_>) -> Attempt<()> {
        let (mut left, counters) = (TURN, &delivery.client.counters);
        while delivery.goes_on() && left > 0 {
            match self.ask(|incoming| incoming.receive_into(delivery.packets, counters)) {
                Err(Stop::Failed(error)) => {
                    // Bytes that cannot be decoded may lie before others.
                    self.reclaim(delivery.packets);
                    return Err(error.into());
                }
                outcome => outcome?,
            }
            left = left.saturating_sub(delivery.packets.len());
            receive.call(Ok(delivery));
            self.reclaim(delivery.packets);
        }
        Ok(())
    }
}

impl AsyncClient {
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

    /// The receive that was started last has ended, and nobody wants to know of it any more; whether there
    /// was one. Those before it are another matter.
    fn forget_last(&self) -> bool {
        let is_last = |over: &Over| matches!(over, Over::Last(..));
        let last = self.later.with(|later| {
            later.remove(|later| {
                let index = later.over.iter().rposition(is_last)?;
                later.over.remove(index)
            })
        });
        let Some(Over::Last(_, error)) = last else { return false };
        self.core.release();
        // What was an end of the receive alone, nobody needs to know.
        if !matches!(error.code(), EN_ECANCELED | EN_ETIMEDOUT) {
            self.put_back(error);
        }
        true
    }

    /// Nobody was told of an error of receiving: the next receive is.
    fn put_back(&self, error: Error) {
        if let Ok(mut inner) = self.access()
            && let State::Connected(Live { incoming: Some(incoming), .. }) = &mut inner.state
        {
            incoming.put_back(Err(error));
        }
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
            return self.call_later(Some(Over::Last(started.receive, error)));
        }
        match self.is_freed.get() {
            // It is not called again.
            true => self.core.release(),
            false => inner.started = Some(Started { ended: Some(error), ..started }),
        }
    }

    /// Receives what has come for who wants every packet. Only the loop calls this.
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
        let incoming = live.incoming.take_if(|incoming| !incoming.runs_callbacks());
        drop(inner);
        Places::with(TURN, |packets| {
            let mut delivery = Delivery { client: self, packets, wants_more: true, due };
            let Some(mut incoming) = incoming else {
                return self.receive_one_by_one(receive, &mut delivery, number);
            };
            let outcome = incoming.receive_for(receive, &mut delivery);
            let Delivery { wants_more, due, .. } = delivery;
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
    fn receive_one_by_one(
        self: &Rc<Self>,
        receive: Receive,
        delivery: &mut Delivery<'_, '_>,
        number: u64,
    ) -> Turned {
        let outcome = self.ask_one_by_one(receive, delivery);
        match self.access() {
            Ok(inner) => self.end_turn(inner, number, delivery.wants_more, delivery.due, outcome),
            Err(_) => Turned::Done,
        }
    }

    fn ask_one_by_one(self: &Rc<Self>, receive: Receive, delivery: &mut Delivery<'_, '_>) -> Attempt<()> {
        let (mut packets, mut steps) = (0, 0);
        while packets < TURN && delivery.goes_on() {
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
                    delivery.packets.put(outcome?);
                    receive.call(Ok(delivery));
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
        mut inner: Access<'_>,
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
            Err(Stop::Want(_) | Stop::Soon(_)) => started.wait_on(&self.core, due),
            Err(Stop::Again) => {
                started.wait_on(&self.core, due);
                return self.give_way();
            }
            Ok(()) => return self.give_way(),
        }
        Turned::Done
    }
}
