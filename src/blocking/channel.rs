//! A transport with calls that block: a hold on it for each direction, and a way to close it from
//! anywhere. What is sent and received stands in `stream_channel.rs` and `datagram_channel.rs`.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Closable;
use super::life::Life;
use super::wait::Waiting;
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::deadline::Deadline;
use crate::error::{EN_EBUSY, EN_ECLOSED, EN_ENODATA, EN_WANT_READ, EN_WANT_WRITE, Error, Result, Stage};
use crate::socket::slot::{Guard, Slot};
use crate::tls::TlsFacts;
use crate::transport::{Attribute, Shared, Transport};

/// How many times in a row an attempt that must not wait may come a step further.
const STEPS: u32 = 4096;

/// A handle of a transport. Others may have a hold on the same transport.
pub struct Channel<T: Transport + ?Sized> {
    receiving: Slot<Arc<Shared<T>>>,
    sending: Slot<Sending<T>>,
    control: Slot<Arc<Shared<T>>>,
    life: Life,
    /// Whether a sender waits for the peer, or is about to.
    sender_waits: AtomicBool,
    waiting: Waiting,
    shutdown_timeout_ms: i64,
    max_datagram_size: usize,
    runs_callbacks: bool,
    survives_fork: bool,
}

/// The sending direction.
pub(super) struct Sending<T: Transport + ?Sized> {
    pub(super) transport: Arc<Shared<T>>,
    /// How many bytes were given to a send that had to wait, and may have been taken.
    pub(super) begun: usize,
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

impl<T: Transport + ?Sized> Channel<T> {
    /// A handle of a transport.
    pub fn new(transport: Arc<Shared<T>>, options: ChannelOptions) -> Arc<Channel<T>> {
        let sending = Sending { transport: transport.clone(), begun: 0, broken: None };
        Arc::new(Channel {
            runs_callbacks: transport.runs_callbacks() || options.waiting.runs_callbacks(),
            survives_fork: transport.survives_fork(),
            receiving: Slot::new(transport.clone()),
            sending: Slot::new(sending),
            control: Slot::new(transport),
            life: Life::begin(),
            sender_waits: AtomicBool::new(false),
            waiting: options.waiting,
            shutdown_timeout_ms: options.shutdown_timeout_ms,
            max_datagram_size: options.max_datagram_size,
        })
    }

    /// A handle of another transport whose calls wait as these do.
    pub fn another(&self, transport: Arc<Shared<T>>) -> Arc<Channel<T>> {
        let options = ChannelOptions {
            waiting: self.waiting.clone(),
            shutdown_timeout_ms: self.shutdown_timeout_ms,
            max_datagram_size: self.max_datagram_size,
        };
        Channel::new(transport, options)
    }

    /// Another hold on the transport.
    pub fn transport(&self) -> Result<Arc<Shared<T>>> {
        let _inside = self.control.visit();
        match self.there() {
            Some(transport) if !self.life.is_closed() && !transport.is_closed() => Ok(transport),
            _ => Err(closed()),
        }
    }

    /// The largest datagram that is received.
    pub fn max_datagram_size(&self) -> usize {
        self.max_datagram_size
    }

    /// What the transport knows of itself.
    pub fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        self.transport()?.attribute(which)
    }

    /// What TLS has agreed on.
    pub fn tls_facts(&self) -> Result<TlsFacts> {
        let missing = || Error::new(EN_ENODATA, "this transport does not speak TLS");
        self.transport()?.agreed()?.ok_or_else(missing)
    }

    /// The descriptor to receive by, or else to send by; -1 if there is none or it is closed.
    pub fn fileno(&self) -> RawFd {
        let Ok(transport) = self.transport() else { return -1 };
        let fd = transport.fd(Interest::Read).or_else(|| transport.fd(Interest::Write));
        fd.map_or(-1, |fd| fd.as_raw_fd())
    }

    /// How calls wait.
    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Attempts until done or until the deadline, waiting for what `watched` says; what is left then.
    pub fn retry(
        &self,
        watched: &dyn Transport,
        timeout_ms: i64,
        attempt: impl FnMut(Hold) -> Attempt<()>,
    ) -> (Deadline, Result<()>) {
        let _inside = self.control.visit();
        let mut deadline = Deadline::after_ms(timeout_ms);
        let outcome = match self.is_closed() {
            true => Err(closed()),
            false => self.drive(watched, &mut deadline, attempt),
        };
        (deadline, outcome)
    }

    pub(super) fn with_receiver<R>(
        &self,
        work: impl FnOnce(&Self, &Arc<Shared<T>>) -> Result<R>,
    ) -> Result<R> {
        let transport = self.enter(&self.receiving).map_err(|error| error.at(Stage::Receive))?;
        work(self, &transport).map_err(|error| self.explain(error, Stage::Receive))
    }

    pub(super) fn with_sender<R>(&self, work: impl FnOnce(&Self, &mut Sending<T>) -> Result<R>) -> Result<R> {
        let mut sending = self.enter(&self.sending).map_err(|error| error.at(Stage::Send))?;
        work(self, &mut sending).map_err(|error| self.explain(error, Stage::Send))
    }

    fn enter<'a, V>(&self, slot: &'a Slot<V>) -> Result<Guard<'a, V>> {
        // Keeps the handle until it is known why there is no way in.
        let _inside = slot.visit();
        match slot.try_lock() {
            Some(_) if self.life.is_closed() => Err(closed()),
            Some(guard) => self.waiting.check_cancel().map(|()| guard),
            None if self.life.is_closed() => Err(closed()),
            None => Err(Error::new(EN_EBUSY, "another call is at the same direction of this transport")),
        }
    }

    /// Attempts until done; closing ends it, whatever the attempt says then.
    pub(super) fn drive<R>(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        mut attempt: impl FnMut(Hold) -> Attempt<R>,
    ) -> Result<R> {
        self.waiting.drive(transport, !self.life.is_in_child(), deadline, |hold| match attempt(hold) {
            Ok(done) => Ok(done),
            Err(_) if self.life.is_closed() => Err(Stop::Failed(closed())),
            Err(stop) => Err(stop),
        })
    }

    /// As [`Self::drive`]; who closes sees that it need not wait for us.
    pub(super) fn drive_sender<R>(
        &self,
        transport: &dyn Transport,
        deadline: &mut Deadline,
        attempt: impl FnMut(Hold) -> Attempt<R>,
    ) -> Result<R> {
        self.sender_waits.store(true, Ordering::SeqCst);
        let outcome = match self.life.is_closed() {
            true => Err(closed()),
            false => self.drive(transport, deadline, attempt),
        };
        self.sender_waits.store(false, Ordering::SeqCst);
        outcome
    }

    #[cold]
    fn explain(&self, error: Error, stage: Stage) -> Error {
        let error = if self.life.is_closed() { closed() } else { error };
        error.at(stage)
    }

    fn there(&self) -> Option<Arc<Shared<T>>> {
        self.control.visit().lock_until(None).map(|transport| transport.clone())
    }

    /// Takes leave of the peer, if nobody is in the way.
    fn say_farewell(&self, transport: &Shared<T>, mut deadline: Deadline) {
        let receiving = self.receiving.close();
        if !receiving.is_alone() {
            self.wake(Transport::stop_receiving);
        }
        let inside = self.sending.close();
        if self.sender_waits.load(Ordering::SeqCst) {
            return;
        }
        if let Some(_sending) = inside.lock_until(deadline.instant()) {
            let wakes = !self.life.is_in_child();
            // A peer that does not answer in time is left as it is.
            let _ = self.waiting.drive(transport, wakes, &mut deadline, |hold| transport.farewell(hold));
        }
    }

    /// Closes the transport for all, and wakes everybody; the last to leave a direction lets go of it.
    fn let_go(&self) -> Result<()> {
        let outcome = self.wake(Transport::close);
        self.drop_holds();
        outcome.unwrap_or(Ok(()))
    }

    fn drop_holds(&self) {
        drop(self.control.close());
        drop(self.receiving.close());
        drop(self.sending.close());
    }

    fn wake<R>(&self, wake: impl FnOnce(&Shared<T>) -> R) -> Option<R> {
        // In a forked child the connection is the parent's, too.
        match self.life.is_in_child() {
            true => None,
            false => self.there().map(|transport| wake(&transport)),
        }
    }

    fn is_used(&self) -> bool {
        self.receiving.is_used() || self.sending.is_used() || self.control.is_used()
    }

    fn check_owner(&self) -> Result<()> {
        match self.check_usable() {
            Err(error) if self.life.is_foreign() => Err(error),
            _ => Ok(()),
        }
    }
}

impl<T: Transport + ?Sized> Closable for Channel<T> {
    fn runs_callbacks(&self) -> bool {
        self.runs_callbacks
    }

    fn check_usable(&self) -> Result<()> {
        match self.life.is_as_before() {
            true => Ok(()),
            false => self.life.look(|| !self.survives_fork || self.is_used()),
        }
    }

    fn poison(&self) {
        self.life.poison();
        self.abort();
    }

    fn is_closed(&self) -> bool {
        self.life.is_closed() || self.there().is_none_or(|transport| transport.is_closed())
    }

    fn close(&self) -> Result<()> {
        self.check_owner()?;
        let _inside = self.control.visit();
        match self.life.close() {
            true => Ok(()),
            false => self.finish(true),
        }
    }

    fn abort(&self) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            let _ = self.let_go();
        }
    }

    fn retire(&self, is_freed: bool) {
        if self.check_owner().is_ok() {
            let _inside = self.control.visit();
            self.life.close();
            if !is_freed {
                self.wake(Transport::stop_receiving);
            }
        }
    }

    fn finish(&self, may_wait: bool) -> Result<()> {
        let _inside = self.control.visit();
        if let Some(transport) = self.there().filter(|transport| transport.says_farewell()) {
            let timeout_ms = if may_wait { self.shutdown_timeout_ms } else { 0 };
            self.say_farewell(&transport, Deadline::after_ms(timeout_ms));
        }
        self.let_go().map_err(|error| error.at(Stage::Close))
    }

    /// Lets go of the transport. It is closed only if a call is inside that must be woken: others
    /// may go on with it.
    fn end(self: Arc<Self>) {
        if self.check_owner().is_err() {
            // Threads that do not exist here may have the holds.
            if !self.is_used() {
                self.drop_holds();
            }
            std::mem::forget(self);
            return;
        }
        self.life.close();
        match self.is_used() {
            true => drop(self.let_go()),
            false => self.drop_holds(),
        }
        self.receiving.visit().wait_until_alone();
        self.sending.visit().wait_until_alone();
        self.control.visit().wait_until_alone();
    }
}

/// One attempt that does not wait, in as many steps as it takes.
pub(super) fn at_once<R>(
    mut attempt: impl FnMut() -> Attempt<R>,
) -> Result<std::result::Result<R, Interest>> {
    for _ in 0..STEPS {
        match attempt() {
            Ok(done) => return Ok(Ok(done)),
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Want(interest)) => return Ok(Err(interest)),
            Err(Stop::Again) => {}
        }
    }
    Ok(Err(Interest::Either))
}

/// What an attempt that must not wait answers where it would, and what to wait for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// What.
    pub interest: Interest,
    /// By which descriptor; -1: none tells.
    pub fd: RawFd,
}

impl Wanted {
    pub(super) fn of(transport: &dyn Transport, interest: Interest) -> Wanted {
        Wanted { interest, fd: transport.fd(interest).map_or(-1, |fd| fd.as_raw_fd()) }
    }

    /// As an error.
    pub fn error(self) -> Error {
        match self.interest {
            Interest::Write => Error::new(EN_WANT_WRITE, "the transport would wait until it can send"),
            _ => Error::new(EN_WANT_READ, "the transport would wait until something comes"),
        }
    }
}

#[cold]
fn closed() -> Error {
    Error::new(EN_ECLOSED, "the transport is closed")
}
