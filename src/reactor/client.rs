//! A client on a loop: operations that wait their turn in each direction, and the connection that
//! they are for.

use std::cell::{Cell, OnceCell, RefCell};
use std::os::fd::RawFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::callback::Done;
use super::event_loop::EventLoop;
use super::operation::{Operation, cancelled, timed_out};
use super::sources::Source;
use crate::attempt::Undertaking;
use crate::deadline::Timeout;
use crate::endpoint::sender::Sender;
use crate::endpoint::{Connection, Counters, Encoder};
use crate::error::{EN_ECLOSED, EN_EDEADLK, Error, Result};
use crate::seldom::{Seldom, SharedSeldom};
use crate::socket::names::Names;

mod access;
mod closing;
mod completing;
mod connecting;
mod facts;
mod handshaking;
mod incoming;
mod pending;
mod receiving;
mod send_operation;
mod send_queue;
mod sending;
mod started;
mod watching;

pub use receiving::{AncillaryPlace, WithAncillary};
pub use send_operation::Counted;
pub use started::{Delivery, Receive};

use access::Access;
use completing::{Late, Over};
use connecting::Connecting;
use handshaking::Handshaking;
use incoming::Incoming;
use pending::{Later, Pending};
use started::Started;
use watching::Watches;

/// So many system calls one client makes for something that does not end, and so often it goes on for who asks
/// for more inside callbacks, before others have their turn.
const STEPS: u32 = 16;

/// For so long clients go on turn by turn when operations' time is over, all of one turn of the loop together.
const GRACE: Duration = Duration::from_millis(20);

/// Where nobody is on a loop.
const NOWHERE: u32 = u32::MAX;

/// How a turn of a client has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    /// There is nothing more to be done now.
    Done,
    /// It would go on at once.
    More,
}

/// Whether the loop is to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    No,
    /// It will.
    Yes,
    /// It does, and nothing has come up since.
    Here,
    /// It does, and goes on.
    HereAgain,
}

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

impl Beginning {
    /// There is no connection to come, and this is why.
    fn refused(why: Error) -> Beginning {
        Beginning { begin: Box::new(move || Err(why.clone())), timeout_ms: -1 }
    }
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
    shutdown_timeout: Timeout,
    inner: RefCell<Inner>,
    later: SharedSeldom<Later>,
    /// What it does, of whatever connection.
    counters: Counters,
    /// Who is at the two ends, once it has been connected; the inner None: nobody knows.
    names: OnceCell<Option<Names>>,
    /// [`NOWHERE`]: it has left the loop.
    place: Cell<u32>,
    /// The descriptor while it is connected; -1: none.
    fd: Cell<RawFd>,
    /// The loop will call.
    awaited: Cell<Awaited>,
    /// No operation begins any more.
    is_closing: Cell<bool>,
    /// The handle has ended.
    is_freed: Cell<bool>,
    /// A started receive is handed packets, and nothing has ended it meanwhile.
    is_receiving: Cell<bool>,
}

struct Inner {
    state: State,
    pending: Seldom<Pending>,
    started: Option<Started>,
}

impl Inner {
    /// What there is of a connection, whether hands have been shaken or not.
    #[inline(always)]
    fn live(&mut self) -> Option<&mut Live> {
        match &mut self.state {
            State::Connected(live) => Some(live),
            State::Handshaking(handshaking) => Some(&mut handshaking.live),
            State::Idle | State::Connecting(_) | State::Closed => None,
        }
    }

    /// It is connected by a descriptor of ours, and nothing waits but a started receive.
    fn is_at_rest(&self) -> bool {
        matches!(&self.state, State::Connected(live) if live.is_at_rest()) && self.pending.is_empty()
    }

    /// Whether something waits to be sent.
    fn sends_wait(&self) -> bool {
        self.pending.get().is_some_and(|pending| !pending.operations.sends.is_empty())
    }
}

enum State {
    Idle,
    Connecting(Box<Connecting>),
    Handshaking(Box<Handshaking>),
    Connected(Live),
    Closed,
}

/// A connection, and what is known of its descriptors.
struct Live {
    /// None while what it brings is handed on.
    incoming: Option<Incoming>,
    sender: Sender,
    watches: Watches,
    /// Whether others have a hold on the transport, too.
    is_shared: bool,
    is_writable: bool,
    /// The loop tells when there is room.
    is_watched_for_room: bool,
}

impl Live {
    fn new(connection: Connection, watches: Watches) -> Live {
        Live {
            incoming: Some(Incoming::new(connection.receiver, connection.runs_callbacks)),
            sender: connection.sender,
            watches,
            is_shared: connection.is_shared,
            is_writable: true,
            is_watched_for_room: false,
        }
    }

    /// It is one descriptor of ours, with nothing on its way out.
    fn is_at_rest(&self) -> bool {
        !self.sender.has_unsent() && self.is_writable && !self.is_watched_for_room && self.watches.are_plain()
    }
}

impl AsyncClient {
    /// A client on a loop, not connected.
    pub fn new(core: &Rc<EventLoop>, plan: Plan) -> Result<Rc<AsyncClient>> {
        AsyncClient::make(core, plan.encoder, Some(plan.beginning), plan.shutdown_timeout_ms)
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
                client.leave_loop();
                Err(error)
            }
        }
    }

    fn make(
        core: &Rc<EventLoop>,
        encoder: Encoder,
        beginning: Option<Beginning>,
        shutdown_timeout_ms: i64,
    ) -> Result<Rc<AsyncClient>> {
        let mut pending = Seldom::<Pending>::default();
        if beginning.is_some() {
            pending.put().beginning = beginning;
        }
        let client = Rc::new(AsyncClient {
            core: core.clone(),
            encoder,
            shutdown_timeout: Timeout::from_ms(shutdown_timeout_ms),
            inner: RefCell::new(Inner { state: State::Idle, pending, started: None }),
            later: SharedSeldom::default(),
            counters: Counters::default(),
            names: OnceCell::new(),
            place: Cell::new(0),
            fd: Cell::new(-1),
            awaited: Cell::new(Awaited::No),
            is_closing: Cell::new(false),
            is_freed: Cell::new(false),
            is_receiving: Cell::new(false),
        });
        let place = core.add(client.clone())?;
        client.place.set(u32::try_from(place).expect("a place has fewer bits"));
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

    /// Leaves the loop, once: somebody else may have the place then.
    fn leave_loop(&self) {
        let place = self.place.replace(NOWHERE);
        if place != NOWHERE {
            self.core.remove(place as usize);
        }
    }

    /// Whether an operation may begin; what it works on.
    fn enter(&self) -> Result<Access<'_>> {
        self.core.check()?;
        let inner = self.access()?;
        match self.is_closing.get() {
            true => Err(self.explain(closed())),
            false => Ok(inner),
        }
    }

    /// Refuses what a protocol callback of the same client asks for.
    #[inline]
    fn access(&self) -> Result<Access<'_>> {
        match self.inner.try_borrow_mut() {
            Ok(inner) => Ok(Access::new(inner, &self.core)),
            Err(_) => Err(called_back()),
        }
    }

    /// After what may have run callbacks of the application: they may have ended the loop, which could
    /// not end us meanwhile.
    #[inline]
    fn leave(self: &Rc<Self>, inner: Access<'_>) {
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
        match self.awaited.get() {
            Awaited::No => {
                self.awaited.set(Awaited::Yes);
                self.core.go_on_later(self.clone());
            }
            Awaited::Here => self.awaited.set(Awaited::HereAgain),
            Awaited::Yes | Awaited::HereAgain => {}
        }
    }

    /// Goes as far as that is possible in this turn, and says how far.
    fn progress(self: &Rc<Self>) -> Turned {
        let is_at_rest = self.access().is_ok_and(|inner| inner.is_at_rest());
        self.progress_from(is_at_rest)
    }

    /// The same, when it is known whether there is only receiving to be done.
    #[inline(always)]
    fn progress_from(self: &Rc<Self>, is_at_rest: bool) -> Turned {
        if is_at_rest {
            return self.receive_for_started();
        }
        self.shake_hands_further();
        self.connect_further();
        let sent = self.send_further();
        let received = self.receive_for_operations();
        let handed_on = self.receive_for_started();
        self.close_further();
        self.watch_anew();
        match [sent, received, handed_on].contains(&Turned::More) {
            true => Turned::More,
            false => Turned::Done,
        }
    }

    /// It is the others' turn, and then this client's again.
    fn give_way(self: &Rc<Self>) -> Turned {
        self.go_on_later();
        Turned::More
    }

    /// Ends the client at once: everything that is pending ends with `error`.
    fn abort(self: &Rc<Self>, error: &Error) {
        self.is_closing.set(true);
        let Ok(mut inner) = self.access() else { return };
        let mut state = std::mem::replace(&mut inner.state, State::Closed);
        let Pending { operations, closing, .. } = inner.pending.take();
        if let (State::Connected(live), Some(first)) = (&mut state, operations.sends.first()) {
            live.give_up(first, error, &self.counters);
        }
        drop(inner);
        self.let_go(state);
        operations.fail(self, error);
        self.end_started(error.clone());
        if let Some(closing) = closing {
            closing.finish(self, &Err(error.clone()));
        }
    }

    /// Lets go of a connection, or of what was to become one.
    fn let_go(&self, state: State) {
        match state {
            State::Handshaking(handshaking) => self.disconnect(&handshaking.live),
            State::Connected(live) => self.disconnect(&live),
            State::Connecting(_) | State::Idle | State::Closed => {}
        }
    }

    fn disconnect(&self, live: &Live) {
        self.fd.set(-1);
        live.watches.end(&self.core, &*live.sender.transport());
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
        self.leave_loop();
    }

    fn wind_up(self: &Rc<Self>) {
        if self.inner.try_borrow_mut().is_err() {
            // Inside a protocol callback: when that has returned.
            self.is_closing.set(true);
            return self.go_on_later();
        }
        self.clone().end();
        self.leave_loop();
    }
}

impl Source for AsyncClient {
    fn ready(self: Rc<Self>, readable: bool, writable: bool, to_the_end: bool) {
        let Ok(mut inner) = self.access() else { return };
        if let Some(live) = inner.live() {
            live.has_become(readable, writable, to_the_end);
        }
        let is_at_rest = inner.is_at_rest();
        drop(inner);
        // Who is awaited goes on in this turn, behind the callbacks of what is over.
        if self.awaited.get() == Awaited::No {
            self.progress_from(is_at_rest);
        }
    }

    fn go_on(self: Rc<Self>) {
        for _ in 0..STEPS {
            self.awaited.set(Awaited::Here);
            if self.is_freed.get() {
                self.awaited.set(Awaited::No);
                return self.free();
            }
            self.catch_up();
            self.call();
            let received = self.receive_for_operations();
            if self.awaited.get() == Awaited::Here || received == Turned::More || !self.core.goes_on() {
                break;
            }
        }
        // What the callbacks have sent goes out together.
        self.progress();
        if self.awaited.replace(Awaited::No) == Awaited::HereAgain {
            self.go_on_later();
        }
    }

    fn due(self: Rc<Self>, number: u64) {
        self.catch_up();
        self.call();
        self.look_again(number);
        // What has come by now is in time, however many turns it takes; but not for ever.
        let end = self.core.timers_at() + GRACE;
        while self.progress() == Turned::More && self.core.goes_on() && Instant::now() < end {}
        if !self.receives_on(number) {
            self.end_operation(number, timed_out());
        }
        self.progress();
    }

    fn cancel(self: Rc<Self>, number: u64) {
        let is_internal = match self.access() {
            Ok(inner) => match &inner.state {
                State::Connecting(connecting) => connecting.is_its(number),
                State::Handshaking(handshaking) => handshaking.is_its(number),
                _ => false,
            },
            Err(_) => {
                return self.do_later(Late::Cancel(number));
            }
        };
        if !is_internal {
            self.end_operation(number, cancelled());
            self.go_on_later();
        }
    }

    fn end(self: Rc<Self>) {
        self.catch_up();
        if let Ok(mut inner) = self.access() {
            // What was put aside gets one attempt.
            let sends_wait = inner.sends_wait();
            if let State::Connected(live) = &mut inner.state
                && !sends_wait
            {
                live.last_attempt(&self.counters);
            }
        }
        self.abort(&cancelled());
        self.call_all();
    }
}

#[cold]
fn called_back() -> Error {
    Error::new(EN_EDEADLK, "the client was called from inside its own callback")
}

#[cold]
fn closed() -> Error {
    Error::new(EN_ECLOSED, "the client is closed")
}
