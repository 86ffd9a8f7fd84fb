//! A client on a loop: operations that wait their turn in each direction, and the connection that
//! they are for.

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::os::fd::RawFd;
use std::rc::Rc;
use std::sync::Arc;

use super::callback::Done;
use super::event_loop::EventLoop;
use super::operation::{Operation, cancelled, timed_out};
use super::queue::{Queue, SharedQueue};
use super::sources::Source;
use crate::attempt::Undertaking;
use crate::endpoint::{Connection, Counters, Encoder, PacketSender};
use crate::error::{EN_ECLOSED, EN_EDEADLK, Error, Result, Stage};
use crate::packet::Packet;
use crate::transport::Transport;

mod closing;
mod connecting;
mod facts;
mod receiving;
mod sending;
mod watching;

pub use receiving::{Beside, Lent, Receive, Turn};
pub use sending::Counted;

use closing::Closing;
use connecting::Connecting;
use facts::Known;
use receiving::{Incoming, Receiving, Started};
use sending::Sending;
use watching::Watches;

/// A connection on its way.
pub type Work = Box<dyn Undertaking<Outcome = Connection>>;

/// Begins to connect, each time anew.
pub type Begin = Box<dyn FnMut() -> Result<Work>>;

/// How a client gets its connection.
pub struct Beginning {
    /// What connects.
    pub begin: Begin,
    /// How long that may take; negative: for ever.
    pub timeout_ms: i64,
}

/// What a client on a loop is made of.
pub struct Plan {
    /// How it gets its connection.
    pub beginning: Beginning,
    /// Makes packets bytes.
    pub encoder: Encoder,
    /// How long closing may take; negative: for ever.
    pub shutdown_timeout_ms: i64,
}

/// A client whose operations are completed by a loop.
pub struct AsyncClient {
    core: Rc<EventLoop>,
    encoder: Encoder,
    shutdown_timeout_ms: i64,
    inner: RefCell<Inner>,
    /// Operations that are over, to be called by the loop.
    over: SharedQueue<Over>,
    /// What was asked for inside a protocol callback, to be done when that has returned.
    late: SharedQueue<Late>,
    known: OnceCell<Known>,
    place: Cell<u32>,
    /// The descriptor while it is connected; -1: none.
    fd: Cell<RawFd>,
    /// The loop will call.
    is_awaited: Cell<bool>,
    /// No operation begins any more.
    is_closing: Cell<bool>,
    /// The handle has ended.
    is_freed: Cell<bool>,
    /// A started receive is handed packets, and nothing has ended it meanwhile.
    is_receiving: Cell<bool>,
}

enum Late {
    Close(Operation<()>),
    Cancel(u64),
}

struct Inner {
    state: State,
    beginning: Option<Box<Beginning>>,
    connects: Queue<Operation<()>>,
    sends: Queue<Sending>,
    receives: Queue<Receiving>,
    started: Option<Started>,
    closing: Option<Box<Closing>>,
}

impl Inner {
    /// It is connected by a descriptor of ours, and nothing waits but a started receive.
    fn is_at_rest(&self) -> bool {
        matches!(&self.state, State::Connected(live) if live.is_at_rest())
            && self.sends.is_empty()
            && self.receives.is_empty()
            && self.connects.is_empty()
    }
}

enum State {
    Idle,
    Connecting(Box<Connecting>),
    Connected(Live),
    Closed,
}

/// A connection, and what is known of its descriptors.
struct Live {
    /// None while what it brings is handed on.
    incoming: Option<Incoming>,
    sender: Box<dyn PacketSender>,
    transport: Arc<dyn Transport>,
    counters: Arc<Counters>,
    watches: Watches,
    runs_callbacks: bool,
    /// Whether others have a hold on the transport, too.
    is_shared: bool,
    is_writable: bool,
    /// The loop tells when there is room.
    is_watched_for_room: bool,
    /// Something may be put aside.
    has_unsent: bool,
}

impl Live {
    fn new(connection: Connection, watches: Watches) -> Live {
        Live {
            incoming: Some(Incoming::new(connection.receiver)),
            sender: connection.sender,
            transport: connection.transport,
            counters: connection.counters,
            watches,
            runs_callbacks: connection.runs_callbacks,
            is_shared: connection.is_shared,
            is_writable: true,
            is_watched_for_room: false,
            has_unsent: false,
        }
    }

    /// It is one descriptor of ours, with nothing on its way out.
    fn is_at_rest(&self) -> bool {
        !self.has_unsent && self.is_writable && !self.is_watched_for_room && self.watches.are_plain()
    }
}

/// An operation that is over, and what came of it.
enum Over {
    Done(Done<()>, Result<()>),
    Count(Done<Counted>, Result<Counted>),
    Packet(Done<Packet>, Result<Packet>),
    Packets(Done<Vec<Packet>>, Result<Vec<Packet>>),
    Beside(Done<Beside>, Result<Beside>),
    /// A started receive.
    Last(Receive, Error),
}

impl Over {
    fn call(self) {
        match self {
            Over::Done(done, outcome) => done.call(outcome),
            Over::Count(done, outcome) => done.call(outcome),
            Over::Packet(done, outcome) => done.call(outcome),
            Over::Packets(done, outcome) => done.call(outcome),
            Over::Beside(done, outcome) => done.call(outcome),
            Over::Last(receive, error) => receive.call(Err(error)),
        }
    }
}

impl AsyncClient {
    /// A client on a loop, not connected.
    pub fn new(core: &Rc<EventLoop>, plan: Plan) -> Result<Rc<AsyncClient>> {
        AsyncClient::make(core, plan.encoder, Some(Box::new(plan.beginning)), plan.shutdown_timeout_ms)
    }

    /// The same over a connection that is there.
    pub fn over(
        core: &Rc<EventLoop>,
        connection: Connection,
        encoder: Encoder,
        shutdown_timeout_ms: i64,
    ) -> Result<Rc<AsyncClient>> {
        let client = AsyncClient::make(core, encoder, None, shutdown_timeout_ms)?;
        match client.take_over(connection) {
            Ok(()) => Ok(client),
            Err(error) => {
                core.remove(client.place());
                Err(error)
            }
        }
    }

    fn make(
        core: &Rc<EventLoop>,
        encoder: Encoder,
        beginning: Option<Box<Beginning>>,
        shutdown_timeout_ms: i64,
    ) -> Result<Rc<AsyncClient>> {
        let client = Rc::new(AsyncClient {
            core: core.clone(),
            encoder,
            shutdown_timeout_ms,
            inner: RefCell::new(Inner {
                state: State::Idle,
                beginning,
                connects: Queue::default(),
                sends: Queue::default(),
                receives: Queue::default(),
                started: None,
                closing: None,
            }),
            over: SharedQueue::default(),
            late: SharedQueue::default(),
            known: OnceCell::new(),
            place: Cell::new(0),
            fd: Cell::new(-1),
            is_awaited: Cell::new(false),
            is_closing: Cell::new(false),
            is_freed: Cell::new(false),
            is_receiving: Cell::new(false),
        });
        let place = core.add(client.clone())?;
        client.place.set(u32::try_from(place).expect("a place has less bits"));
        Ok(client)
    }

    /// The loop it is on.
    pub fn core(&self) -> &Rc<EventLoop> {
        &self.core
    }

    /// Where it is on the loop.
    fn place(&self) -> usize {
        self.place.get() as usize
    }

    /// Whether an operation may begin; what it works on.
    fn enter(&self) -> Result<RefMut<'_, Inner>> {
        self.core.check()?;
        let inner = self.access()?;
        match self.is_closing.get() {
            true => Err(self.explain(closed())),
            false => Ok(inner),
        }
    }

    /// Refuses what a protocol callback of the same client asks for.
    fn access(&self) -> Result<RefMut<'_, Inner>> {
        let reason = "the client was called from inside its own callback";
        self.inner.try_borrow_mut().map_err(|_| Error::new(EN_EDEADLK, reason))
    }

    /// After what may have run callbacks of the application: they may have ended the loop, which could
    /// not end us meanwhile.
    #[inline]
    fn leave(self: &Rc<Self>, inner: RefMut<'_, Inner>) {
        drop(inner);
        if self.core.has_ended() {
            self.clone().end();
        }
    }

    /// Begins an operation that will have to wait.
    fn begin<T>(&self, timeout_ms: i64, done: Option<Done<T>>) -> Operation<T> {
        let mut operation = Operation::begin(&self.core, self.place(), done);
        operation.limit(&self.core, timeout_ms);
        operation
    }

    /// Has the loop call.
    fn go_on_later(self: &Rc<Self>) {
        if !self.is_awaited.replace(true) {
            self.core.go_on_later(self.clone());
        }
    }

    fn finish<T>(
        self: &Rc<Self>,
        operation: Operation<T>,
        outcome: Result<T>,
        over: fn(Done<T>, Result<T>) -> Over,
    ) {
        if let Some(done) = operation.finish(&self.core) {
            let outcome = outcome.map_err(|error| self.explain(error));
            self.over.push_back(over(done, outcome));
            self.go_on_later();
        }
    }

    /// Calls for what is over; what ends meanwhile comes later.
    fn call(&self) {
        let count = self.over.len();
        for _ in 0..count {
            let Some(over) = self.over.pop_front() else { break };
            self.core.release();
            over.call();
        }
    }

    /// Goes as far as that is possible now.
    fn progress(self: &Rc<Self>) {
        let is_at_rest = self.access().is_ok_and(|inner| inner.is_at_rest());
        self.progress_from(is_at_rest);
    }

    /// The same, when it is known whether there is only receiving to be done.
    #[inline(always)]
    fn progress_from(self: &Rc<Self>, is_at_rest: bool) {
        if is_at_rest {
            self.receive_for_started();
            if !self.is_closing.get() {
                return;
            }
        }
        self.connect_further();
        self.send_further();
        self.receive_for_operations();
        self.receive_for_started();
        self.close_further();
        self.watch_anew();
    }

    /// Does what was asked for inside a protocol callback.
    fn catch_up(self: &Rc<Self>) {
        let late = self.late.take();
        for late in late {
            match late {
                Late::Close(operation) => self.wait_closed(operation),
                Late::Cancel(number) => self.end_operation(number, cancelled()),
            }
        }
    }

    /// Ends one operation with an error; nothing if it is over.
    fn end_operation(self: &Rc<Self>, number: u64, error: Error) {
        let Ok(mut inner) = self.access() else { return };
        if let Some(index) = inner.connects.position(|operation| operation.number == number)
            && let Some(operation) = inner.connects.remove(index)
        {
            drop(inner);
            return self.finish(operation, Err(error.at(Stage::Connect)), Over::Done);
        }
        if let Some(index) = inner.receives.position(|receive| receive.number() == number)
            && let Some(receive) = inner.receives.remove(index)
        {
            drop(inner);
            return receive.fail(self, error.at(Stage::Receive));
        }
        if let Some(index) = inner.sends.position(|sending| sending.number() == number)
            && let Some(sending) = inner.sends.remove(index)
        {
            return self.give_up_sending(inner, sending, index == 0, error.at(Stage::Send));
        }
        if inner.started.as_ref().is_some_and(|started| started.number == number) {
            drop(inner);
            return self.end_started(error.at(Stage::Receive));
        }
        if inner.closing.as_ref().is_some_and(|closing| closing.has(number)) {
            drop(inner);
            return self.end_closing(error.at(Stage::Close));
        }
        if let State::Connecting(connecting) = &mut inner.state
            && connecting.is_its(number)
        {
            drop(inner);
            self.connecting_is_due(number);
        }
    }

    /// Ends the client at once: everything that is pending ends with `error`.
    fn abort(self: &Rc<Self>, error: &Error) {
        self.is_closing.set(true);
        let Ok(mut inner) = self.access() else { return };
        let state = std::mem::replace(&mut inner.state, State::Closed);
        let (connects, sends, receives) = (inner.connects.take(), inner.sends.take(), inner.receives.take());
        let closing = inner.closing.take();
        inner.beginning = None;
        drop(inner);
        self.let_go(state);
        for operation in connects {
            self.finish(operation, Err(error.clone()), Over::Done);
        }
        for sending in sends {
            sending.finish(self, Err(error.clone()));
        }
        for receive in receives {
            receive.fail(self, error.clone());
        }
        self.end_started(error.clone());
        if let Some(closing) = closing {
            closing.finish(self, &Err(error.clone()));
        }
    }

    /// Lets go of a connection, or of what was to become one.
    fn let_go(&self, state: State) {
        match state {
            State::Connecting(connecting) => connecting.end(&self.core),
            State::Connected(live) => {
                self.fd.set(-1);
                live.watches.end(&self.core, &*live.transport);
            }
            State::Idle | State::Closed => {}
        }
    }

    /// The end of the handle: each pending callback comes before this returns, and none after.
    pub fn free(self: &Rc<Self>) {
        self.is_freed.set(true);
        self.is_receiving.set(false);
        match self.core.is_foreign() {
            true => self.abandon(),
            false => self.wind_up(),
        }
    }

    /// In a forked child: closes the descriptor, and leaves the connection to the parent.
    fn abandon(&self) {
        if let Ok(mut inner) = self.inner.try_borrow_mut() {
            inner.state = State::Closed;
            self.fd.set(-1);
        }
        self.core.remove(self.place());
    }

    fn wind_up(self: &Rc<Self>) {
        if self.inner.try_borrow_mut().is_err() {
            // Inside a protocol callback: when that has returned.
            self.is_closing.set(true);
            return self.go_on_later();
        }
        self.catch_up();
        if let Ok(mut inner) = self.access() {
            // What was put aside gets one attempt.
            let Inner { state, sends, .. } = &mut *inner;
            if let State::Connected(live) = state
                && sends.is_empty()
            {
                let _ = live.last_attempt();
            }
        }
        self.abort(&cancelled());
        while !self.over.is_empty() {
            self.call();
        }
        self.core.remove(self.place());
    }
}

impl Source for AsyncClient {
    fn ready(self: Rc<Self>, readable: bool, writable: bool, to_the_end: bool) {
        let Ok(mut inner) = self.access() else { return };
        if let State::Connected(live) = &mut inner.state {
            live.has_become(readable, writable, to_the_end);
        }
        let is_at_rest = inner.is_at_rest();
        drop(inner);
        self.progress_from(is_at_rest);
    }

    fn go_on(self: Rc<Self>) {
        self.is_awaited.set(false);
        if self.is_freed.get() {
            return self.free();
        }
        self.catch_up();
        self.call();
        if !self.is_freed.get() {
            self.progress();
        }
    }

    fn due(self: Rc<Self>, number: u64) {
        self.catch_up();
        self.look_again(number);
        // What has come by now is in time.
        self.progress();
        self.end_operation(number, timed_out());
        self.progress();
    }

    fn cancel(self: Rc<Self>, number: u64) {
        let is_internal = match self.access() {
            Ok(inner) => {
                matches!(&inner.state, State::Connecting(connecting) if connecting.is_its(number))
            }
            Err(_) => {
                self.late.push_back(Late::Cancel(number));
                return self.go_on_later();
            }
        };
        if !is_internal {
            self.end_operation(number, cancelled());
            self.go_on_later();
        }
    }

    fn end(self: Rc<Self>) {
        self.catch_up();
        self.abort(&cancelled());
        while !self.over.is_empty() {
            self.call();
        }
    }
}

#[cold]
fn closed() -> Error {
    Error::new(EN_ECLOSED, "the client is closed")
}
