//! A transport that several have a hold on: handles of the application, endpoints, and transports
//! over it. Any of them may close it, for all; it ends with the last of them.
//!
//! Each direction serves one caller at a time, and none that is called back by another one's attempt:
//! who would have to wait for itself is told so instead.

use std::cell::RefCell;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::socket::SocketNames;
use super::{Attribute, DatagramTransport, Party, StreamTransport, Transport};
use crate::attempt::{Attempt, Hold, Interest};
use crate::deadline::Timeout;
use crate::error::{EN_EBUSY, EN_ECLOSED, EN_EDEADLK, EN_ENOTCONN, EN_EPIPE, Error, Result};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::socket::fork::Process;
use crate::tls::TlsFacts;

thread_local! {
    /// The transports whose callbacks run on this thread.
    static RUNNING: RefCell<Vec<*const ()>> = const { RefCell::new(Vec::new()) };
}

/// A transport, its one hold on it, and who uses it.
pub struct Shared<T: Transport + ?Sized> {
    receiving: AtomicBool,
    sending: AtomicBool,
    /// Who is in the midst of a packet, or speaks TLS over it, or 0.
    turn: AtomicU32,
    closed: AtomicBool,
    /// Why it was, if hands could not be shaken.
    refused: OnceLock<Error>,
    /// Half of a packet has gone.
    broken: AtomicBool,
    /// Whether no handshake has yet to be done.
    is_ready: AtomicBool,
    handshake_timeout: Option<Timeout>,
    runs_callbacks: bool,
    /// The process that it is of: a forked child says nothing to its parent's peers.
    process: Process,
    /// Who is at its ends, where that was known before the transport was made.
    ends: Option<Box<SocketNames>>,
    inner: Arc<T>,
}

impl<T: Transport + ?Sized> Shared<T> {
    /// The transport is nobody else's.
    pub fn new(inner: Arc<T>) -> Arc<Shared<T>> {
        Shared::make(inner, None, None)
    }

    /// The same, with a handshake yet to be done, which may take so long.
    pub fn unready(inner: Arc<T>, handshake_timeout: Timeout) -> Arc<Shared<T>> {
        Shared::make(inner, None, Some(handshake_timeout))
    }

    /// The same, of a socket with these ends.
    pub fn between(ends: SocketNames, inner: Arc<T>) -> Arc<Shared<T>> {
        Shared::make(inner, Some(Box::new(ends)), None)
    }

    fn make(
        inner: Arc<T>,
        ends: Option<Box<SocketNames>>,
        handshake_timeout: Option<Timeout>,
    ) -> Arc<Shared<T>> {
        Arc::new(Shared {
            receiving: AtomicBool::new(false),
            sending: AtomicBool::new(false),
            turn: AtomicU32::new(0),
            closed: AtomicBool::new(false),
            refused: OnceLock::new(),
            broken: AtomicBool::new(false),
            is_ready: AtomicBool::new(handshake_timeout.is_none()),
            handshake_timeout,
            runs_callbacks: inner.runs_callbacks(),
            process: Process::current(),
            ends,
            inner,
        })
    }

    /// One attempt to receive.
    fn attempt_to_receive<R>(&self, attempt: impl FnOnce(&T) -> Attempt<R>) -> Attempt<R> {
        self.attempt(&self.receiving, |inner| {
            let outcome = attempt(inner);
            // Whatever was made of the closing, it is that.
            self.check_open()?;
            outcome
        })
    }

    /// One attempt to send. What has gone has gone, whoever has closed the transport meanwhile: the caller
    /// counts it.
    fn attempt_to_send<R>(&self, attempt: impl FnOnce(&T) -> Attempt<R>) -> Attempt<R> {
        self.attempt(&self.sending, |inner| {
            attempt(inner).or_else(|stop| {
                self.check_open()?;
                Err(stop)
            })
        })
    }

    /// One attempt of a direction.
    fn attempt<R>(&self, direction: &AtomicBool, attempt: impl FnOnce(&T) -> Attempt<R>) -> Attempt<R> {
        let _inside = self.enter()?;
        let _claim = Claim::new(direction)?;
        self.check_open()?;
        self.check_ready()?;
        attempt(&self.inner)
    }

    /// What TLS has agreed on, where there is TLS; or why that cannot be asked now.
    pub fn agreed(&self) -> Result<Option<TlsFacts>> {
        self.check_ready()?;
        self.ask(|inner| Ok(inner.tls_facts()))
    }

    /// Asks something that a callback may have to answer.
    fn ask<R>(&self, question: impl FnOnce(&T) -> Result<R>) -> Result<R> {
        let _inside = self.enter()?;
        question(&self.inner)
    }

    fn enter(&self) -> Result<Option<Running>> {
        match self.runs_callbacks {
            true => Running::enter(std::ptr::from_ref(self).cast()).map(Some),
            false => Ok(None),
        }
    }

    fn check_open(&self) -> Result<()> {
        match self.is_closed() {
            true => Err(self.why_closed()),
            false => Ok(()),
        }
    }

    #[cold]
    fn why_closed(&self) -> Error {
        let closed = || Error::new(EN_ECLOSED, "the transport is closed");
        self.refused.get().cloned().unwrap_or_else(closed)
    }

    fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }

    fn check_ready(&self) -> Result<()> {
        if self.is_ready() { Ok(()) } else { Err(unready()) }
    }
}

#[cold]
fn unready() -> Error {
    Error::new(
        EN_ENOTCONN,
        "the TLS handshake is not done: see en_stream_transport_handshake, which also says why if it has failed",
    )
}

/// The time in which a direction has its one caller.
struct Claim<'a>(&'a AtomicBool);

impl Claim<'_> {
    fn new(direction: &AtomicBool) -> Result<Claim<'_>> {
        match direction.swap(true, Ordering::Acquire) {
            false => Ok(Claim(direction)),
            true => Err(busy()),
        }
    }
}

#[cold]
fn midway() -> Error {
    Error::new(EN_EBUSY, "somebody else is in the midst of a packet on this transport, or speaks TLS over it")
}

#[cold]
fn busy() -> Error {
    Error::new(EN_EBUSY, "another call is at the same direction of this transport")
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The time in which callbacks of a transport may run on this thread.
struct Running(());

impl Running {
    fn enter(transport: *const ()) -> Result<Running> {
        let entered = RUNNING.try_with(|running| {
            let mut running = running.borrow_mut();
            let is_new = !running.contains(&transport);
            // Inside or not, the guard takes one away.
            running.push(transport);
            is_new
        });
        let guard = Running(());
        match entered {
            Ok(false) => Err(Error::new(EN_EDEADLK, "the transport was called from inside its own callback")),
            _ => Ok(guard),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = RUNNING.try_with(|running| running.borrow_mut().pop());
    }
}

impl<T: Transport + ?Sized> Drop for Shared<T> {
    /// The last holder takes leave of the peer, as far as that goes at once.
    fn drop(&mut self) {
        if self.process.is_current() && self.inner.says_farewell_by_itself() {
            let _ = self.farewell(Hold::No);
        }
    }
}

impl<T: Transport + ?Sized> Transport for Shared<T> {
    fn stop_receiving(&self) {
        self.inner.stop_receiving();
    }

    fn close(&self) -> Result<()> {
        match self.closed.swap(true, Ordering::SeqCst) {
            true => Ok(()),
            false => self.inner.close(),
        }
    }

    fn refuse(&self, why: &Error) {
        let _ = self.refused.set(why.clone());
        let _ = self.close();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst) || self.inner.is_closed()
    }

    fn runs_callbacks(&self) -> bool {
        self.runs_callbacks
    }

    fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        match self.ends.as_ref().and_then(|ends| ends.attribute(which)) {
            Some(value) => Ok(value),
            None => self.ask(|inner| inner.attribute(which)),
        }
    }

    fn fd(&self, interest: Interest) -> Option<BorrowedFd<'_>> {
        let _inside = self.enter().ok()?;
        self.inner.fd(interest)
    }

    fn can_hold(&self) -> bool {
        self.inner.can_hold()
    }

    fn can_hold_sender(&self) -> bool {
        self.inner.can_hold_sender()
    }

    fn awaits_handshake(&self) -> Option<Timeout> {
        self.handshake_timeout.filter(|_| !self.is_ready())
    }

    fn handshake(&self, hold: Hold) -> Attempt<()> {
        if self.is_ready() {
            return Ok(());
        }
        let _inside = self.enter()?;
        let _claims = (Claim::new(&self.receiving)?, Claim::new(&self.sending)?);
        self.check_open()?;
        let outcome = self.inner.handshake(hold);
        self.check_open()?;
        if outcome.is_ok() {
            self.is_ready.store(true, Ordering::Release);
        }
        outcome
    }

    fn says_farewell(&self) -> bool {
        self.inner.says_farewell()
    }

    fn farewell(&self, hold: Hold) -> Attempt<()> {
        let _inside = self.enter()?;
        self.check_open()?;
        // The peer's is to be heard, so nobody receives meanwhile; who does already is not waited for.
        match Claim::new(&self.receiving) {
            Ok(_claim) => self.inner.farewell(hold),
            Err(_) => self.inner.farewell(Hold::No),
        }
    }

    fn survives_fork(&self) -> bool {
        self.inner.survives_fork()
    }

    fn tls_facts(&self) -> Option<TlsFacts> {
        self.agreed().ok().flatten()
    }

    fn getsockopt(&self, level: i32, name: i32, value: &mut [MaybeUninit<u8>]) -> Result<usize> {
        self.inner.getsockopt(level, name, value)
    }

    fn setsockopt(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        self.inner.setsockopt(level, name, value)
    }
}

impl Shared<dyn StreamTransport> {
    fn attempt_to_go_on<R>(&self, attempt: impl FnOnce(&dyn StreamTransport) -> Attempt<R>) -> Attempt<R> {
        self.attempt_to_send(|inner| match self.broken.load(Ordering::Relaxed) {
            false => attempt(inner),
            true => Err(Error::new(
                EN_EPIPE,
                "an earlier send stopped half-way: nothing may follow half a packet",
            )
            .into()),
        })
    }
}

impl StreamTransport for Shared<dyn StreamTransport> {
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        self.attempt_to_receive(|inner| inner.recv(buffer, hold))
    }

    fn take_turn(&self, party: Party) -> Result<()> {
        let _inside = self.enter()?;
        match self.turn.compare_exchange(0, party.number(), Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => self.inner.take_turn(party).inspect_err(|_| self.turn.store(0, Ordering::Release)),
            Err(other) if other == party.number() && party != Party::TLS => Ok(()),
            Err(_) => self.check_open().and_then(|()| Err(midway())),
        }
    }

    fn has_turn(&self, party: Party) -> bool {
        self.turn.load(Ordering::Relaxed) == party.number()
    }

    fn leave_turn(&self, party: Party) {
        if self.has_turn(party) {
            self.inner.leave_turn(party);
            self.turn.store(0, Ordering::Release);
        }
    }

    fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize> {
        self.attempt_to_go_on(|inner| inner.send(slices, hold))
    }

    fn is_drained(&self) -> bool {
        self.inner.is_drained()
    }

    fn is_midway(&self, rest: &[IoSlice<'_>]) -> bool {
        self.inner.is_midway(rest)
    }

    fn has_received(&self) -> bool {
        self.ask(|inner| Ok(inner.has_received())).unwrap_or(false)
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<usize> {
        self.attempt_to_receive(|inner| inner.recv_with_ancillary(buffer, ancillary, room, hold))
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], hold: Hold) -> Attempt<usize> {
        self.attempt_to_go_on(|inner| inner.send_with_ancillary(slices, control, hold))
    }

    fn send_eof(&self, hold: Hold) -> Attempt<()> {
        let _inside = self.enter()?;
        let _claim = Claim::new(&self.sending)?;
        self.check_open()?;
        // Ending may be closing, so what it has come to stands.
        self.inner.send_eof(hold)
    }

    fn give_up_sending(&self, why: &str) {
        self.inner.give_up_sending(why);
    }

    fn break_off(&self, why: &str) {
        self.broken.store(true, Ordering::Relaxed);
        self.inner.break_off(why);
    }

    fn halves(&self) -> Option<[Arc<Shared<dyn StreamTransport>>; 2]> {
        self.inner.halves()
    }
}

impl DatagramTransport for Shared<dyn DatagramTransport> {
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived> {
        self.attempt_to_receive(|inner| inner.recv(buffer, hold))
    }

    fn recv_one(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        self.attempt_to_receive(|inner| inner.recv_one(buffer, hold))
    }

    fn most_at_once(&self) -> usize {
        self.inner.most_at_once()
    }

    fn send(&self, datagrams: &[&[u8]], hold: Hold) -> Attempt<usize> {
        self.attempt_to_send(|inner| inner.send(datagrams, hold))
    }

    fn send_alike(&self, bytes: &[u8], size: usize, hold: Hold) -> Attempt<usize> {
        self.attempt_to_send(|inner| inner.send_alike(bytes, size, hold))
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<Arrived> {
        self.attempt_to_receive(|inner| inner.recv_with_ancillary(buffer, ancillary, room, hold))
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], hold: Hold) -> Attempt<usize> {
        self.attempt_to_send(|inner| inner.send_with_ancillary(slices, control, hold))
    }

    fn halves(&self) -> Option<[Arc<Shared<dyn DatagramTransport>>; 2]> {
        self.inner.halves()
    }
}
