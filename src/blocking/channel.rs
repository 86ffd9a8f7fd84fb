//! A transport with calls that block: a hold on it for each direction, and a way to close it from
//! anywhere. What is sent and received stands in `stream_channel.rs` and `datagram_channel.rs`.

use std::borrow::Cow;
use std::cell::Cell;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use super::Closable;
use super::holds::Holds;
use super::stream_channel::Turn;
use super::wait::{Waiting, at_once};
use crate::attempt::{Attempt, Hold, Interest};
use crate::deadline::Deadline;
use crate::error::{
    EN_EBUSY, EN_ECLOSED, EN_ENODATA, EN_WANT_READ, EN_WANT_WRITE, Error, Result, Stage, invalid,
};
use crate::socket::ancillary::Ancillary;
use crate::socket::slot::{Guard, Slot};
use crate::tls::TlsFacts;
use crate::transport::{Attribute, Party, Shared, Transport, names};

/// A handle of a transport. Others may have a hold on the same transport.
pub struct Channel<T: Transport + ?Sized> {
    pub(super) holds: Holds<Arc<Shared<T>>, Sending<T>, Shared<T>>,
    shutdown_timeout_ms: i64,
    max_datagram_size: usize,
    runs_callbacks: bool,
}

/// The sending direction.
pub(super) struct Sending<T: Transport + ?Sized> {
    pub(super) transport: Arc<Shared<T>>,
    pub(super) party: Party,
    /// A send had to wait and has begun: until it goes on it is nobody else's turn.
    pub(super) begun: Option<Turn>,
    /// Why nothing can be sent any more.
    pub(super) broken: Option<Error>,
}

/// How the calls of a channel wait, and what they may take.
#[derive(Clone)]
pub struct ChannelOptions {
    /// How calls wait.
    pub waiting: Waiting,
    /// How long closing may take.
    pub shutdown_timeout_ms: i64,
    /// The largest datagram that is received.
    pub max_datagram_size: usize,
}

/// How long a call may wait.
#[derive(Clone, Copy)]
pub enum Within<'a> {
    /// So many milliseconds, as time-outs are given.
    Ms(i64),
    /// Not at all: it tells what it would wait for, and here by which descriptor (-1: none tells).
    NoWait(&'a Cell<RawFd>),
}

impl Within<'_> {
    /// Has `attempt` made, by `drive` where it may wait. Where it would wait and may not, the inner error tells
    /// what for. That one is no failure: it has no stage, and closing does not explain it.
    fn run<R, A: FnMut(Hold) -> Attempt<R>>(
        self,
        transport: &dyn Transport,
        mut attempt: A,
        drive: impl FnOnce(&mut Deadline, A) -> Result<R>,
    ) -> Result<Result<R>> {
        let fd = match self {
            Within::Ms(timeout_ms) => return drive(&mut Deadline::after_ms(timeout_ms), attempt).map(Ok),
            Within::NoWait(fd) => fd,
        };
        Ok(at_once(|| attempt(Hold::No))?.map_err(|interest| {
            fd.set(transport.fd(interest).map_or(-1, |fd| fd.as_raw_fd()));
            match interest {
                Interest::Write => Error::new(EN_WANT_WRITE, "the transport would wait until it can send"),
                _ => Error::new(EN_WANT_READ, "the transport would wait until something comes"),
            }
        }))
    }
}

impl<T: Transport + ?Sized> Channel<T> {
    /// A handle of a transport.
    pub fn new(transport: Arc<Shared<T>>, options: ChannelOptions) -> Arc<Channel<T>> {
        let sending =
            Sending { transport: transport.clone(), party: Party::another(), begun: None, broken: None };
        Arc::new(Channel {
            runs_callbacks: transport.runs_callbacks() || options.waiting.runs_callbacks(),
            holds: Holds::new(transport.clone(), sending, transport, true, options.waiting, closed),
            shutdown_timeout_ms: options.shutdown_timeout_ms,
            max_datagram_size: options.max_datagram_size,
        })
    }

    /// A handle of another transport whose calls wait as these do.
    pub fn another(&self, transport: Arc<Shared<T>>) -> Arc<Channel<T>> {
        let options = ChannelOptions {
            waiting: self.holds.waiting.clone(),
            shutdown_timeout_ms: self.shutdown_timeout_ms,
            max_datagram_size: self.max_datagram_size,
        };
        Channel::new(transport, options)
    }

    /// Another hold on the transport, for what is made over it; not where the handle is of no use.
    pub fn share(&self) -> Result<Arc<Shared<T>>> {
        self.holds.check_usable()?;
        self.transport()
    }

    fn transport(&self) -> Result<Arc<Shared<T>>> {
        let _inside = self.holds.control.visit();
        match self.holds.transport() {
            Some(transport) if !self.holds.life.is_closed() && !transport.is_closed() => Ok(transport),
            _ => Err(closed()),
        }
    }

    /// The largest datagram that is received.
    pub fn max_datagram_size(&self) -> usize {
        self.max_datagram_size
    }

    /// What the transport knows of itself.
    pub fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        self.ask(|transport| transport.attribute(which))
    }

    /// What TLS has agreed on.
    pub fn tls_facts(&self) -> Result<TlsFacts> {
        let missing = || Error::new(EN_ENODATA, "this transport does not speak TLS");
        self.ask(|transport| transport.agreed()?.ok_or_else(missing))
    }

    fn ask<R>(&self, question: impl FnOnce(&Shared<T>) -> Result<R>) -> Result<R> {
        let _inside = self.holds.control.visit();
        self.holds.run(|| question(&*self.transport()?))
    }

    /// The descriptor to receive by, or else to send by; -1 if there is none or it is closed.
    pub fn fileno(&self) -> RawFd {
        let Ok(transport) = self.transport() else { return -1 };
        let fd = transport.fd(Interest::Read).or_else(|| transport.fd(Interest::Write));
        fd.map_or(-1, |fd| fd.as_raw_fd())
    }

    /// How calls wait.
    pub fn waiting(&self) -> &Waiting {
        &self.holds.waiting
    }

    /// Attempts until done or until the deadline, waiting for what `watched` says; what is left then.
    pub fn retry(
        &self,
        watched: &dyn Transport,
        timeout_ms: i64,
        attempt: impl FnMut(Hold) -> Attempt<()>,
    ) -> (Deadline, Result<()>) {
        let _inside = self.holds.control.visit();
        let mut deadline = Deadline::after_ms(timeout_ms);
        let outcome = self.holds.run(|| match self.is_closed() {
            true => Err(closed()),
            false => self.holds.drive(watched, &mut deadline, attempt),
        });
        (deadline, outcome)
    }

    /// Receives what `attempt` takes, if the call is `valid`, which counts only after the channel's own say.
    pub(super) fn receive<R>(
        &self,
        within: Within<'_>,
        valid: Result<()>,
        attempt: impl FnMut(&Shared<T>, Hold) -> Attempt<R>,
    ) -> Result<R> {
        self.wait_for_peer(Stage::Receive, within, valid, attempt)
    }

    /// Makes the transport ready for the first byte, if that has yet to be done.
    pub fn handshake(&self, within: Within<'_>) -> Result<()> {
        self.wait_for_peer(Stage::Handshake, within, Ok(()), |transport, hold| transport.handshake(hold))
    }

    fn wait_for_peer<R>(
        &self,
        stage: Stage,
        within: Within<'_>,
        valid: Result<()>,
        mut attempt: impl FnMut(&Shared<T>, Hold) -> Attempt<R>,
    ) -> Result<R> {
        let transport = self.enter(&self.holds.receiving).map_err(|error| error.at(stage))?;
        let transport = &**transport;
        self.holds.run(|| {
            let outcome = valid.and_then(|()| {
                within.run(
                    transport,
                    |hold| attempt(transport, hold),
                    |deadline, attempt| self.holds.drive(transport, deadline, attempt),
                )
            });
            outcome.map_err(|error| self.explain(error, stage))?
        })
    }

    /// Sends what `attempt` takes; the inner error is what it would wait for.
    pub(super) fn transmit<R>(
        &self,
        sending: &Sending<T>,
        within: Within<'_>,
        mut attempt: impl FnMut(&Shared<T>, Hold) -> Attempt<R>,
    ) -> Result<Result<R>> {
        let transport = &*sending.transport;
        within.run(
            transport,
            |hold| attempt(transport, hold),
            |deadline, attempt| self.holds.drive_sender(transport, deadline, attempt),
        )
    }

    pub(super) fn with_sender<R>(&self, work: impl FnOnce(&Self, &mut Sending<T>) -> Result<R>) -> Result<R> {
        let mut sending = self.enter(&self.holds.sending).map_err(|error| error.at(Stage::Send))?;
        self.holds.run(|| work(self, &mut sending).map_err(|error| self.explain(error, Stage::Send)))
    }

    fn enter<'a, V>(&self, slot: &'a Slot<V>) -> Result<Guard<'a, V>> {
        // Keeps the handle until it is known why there is no way in.
        let _inside = slot.visit();
        match slot.try_lock() {
            Some(_) if self.holds.life.is_closed() => Err(closed()),
            Some(guard) => self.holds.waiting.check_cancel().map(|()| guard),
            None if self.holds.life.is_closed() => Err(closed()),
            None => Err(Error::new(EN_EBUSY, "another call is at the same direction of this transport")),
        }
    }

    #[cold]
    fn explain(&self, error: Error, stage: Stage) -> Error {
        let error = if self.holds.life.is_closed() { closed() } else { error };
        match self.transport() {
            // Callbacks are asked for the peer's name after a handshake, but not in the midst of other calls.
            Ok(transport) if stage == Stage::Handshake || !transport.runs_callbacks() => {
                name_peer(&*transport, error.at(stage))
            }
            _ => error.at(stage),
        }
    }

    /// Takes leave of the peer, if nobody is in the way.
    fn say_farewell(&self, transport: &Shared<T>, mut deadline: Deadline) {
        let _receiving = self.holds.end_receiving();
        let inside = self.holds.sending.close();
        if let Some(_sending) = inside.lock_until(self.holds.sender_until(&mut deadline, self.runs_callbacks))
        {
            // A peer that does not answer in time is left as it is.
            let _ = self.holds.last(transport, &mut deadline, |hold| transport.farewell(hold));
        }
    }
}

impl<T: Transport + ?Sized> Closable for Channel<T> {
    fn runs_callbacks(&self) -> bool {
        self.runs_callbacks
    }

    fn check_usable(&self) -> Result<()> {
        self.holds.check_usable()
    }

    fn is_closed(&self) -> bool {
        self.holds.is_closed()
    }

    fn close(&self) -> Result<()> {
        self.holds.close(|| self.finish(true))
    }

    fn abort(&self) {
        self.holds.abort();
    }

    fn retire(&self, is_freed: bool) {
        self.holds.retire(is_freed);
    }

    fn finish(&self, may_wait: bool) -> Result<()> {
        let _inside = self.holds.control.visit();
        if let Some(transport) = self.holds.transport().filter(|transport| transport.says_farewell()) {
            let timeout_ms = if may_wait { self.shutdown_timeout_ms } else { 0 };
            self.say_farewell(&transport, Deadline::after_ms(timeout_ms));
        }
        self.holds.let_go().map_err(|error| error.at(Stage::Close))
    }

    /// Lets go of the transport. It is closed only if a call is inside that must be woken: others
    /// may go on with it.
    fn end(self: Arc<Self>) {
        if self.holds.check_owner().is_err() {
            // Threads that do not exist here may have the holds.
            if !self.holds.is_used() {
                self.holds.drop_holds();
            }
            std::mem::forget(self);
            return;
        }
        self.holds.life.close();
        match self.holds.is_used() {
            true => drop(self.holds.let_go()),
            false => self.holds.drop_holds(),
        }
        self.holds.wait_until_alone();
    }
}

/// The control message that goes beside these bytes.
pub(super) fn control_for<'a>(bytes: &[u8], ancillary: &'a Ancillary) -> Result<Cow<'a, [u8]>> {
    match bytes.is_empty() {
        true => Err(invalid("ancillary data needs at least one byte to go with it")),
        false => Ok(ancillary.control()),
    }
}

#[cold]
fn name_peer(transport: &dyn Transport, error: Error) -> Error {
    match names(transport) {
        Some(names) => error.with_peer(&names.remote().to_string().into()),
        None => error,
    }
}

#[cold]
fn closed() -> Error {
    Error::new(EN_ECLOSED, "the transport is closed")
}
