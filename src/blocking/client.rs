//! A client whose calls block: two halves in two slots, and a way to close it from anywhere.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::closed;
use super::holds::Holds;
use super::wait::Waiting;
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::deadline::{Deadline, Timeout};
use crate::endpoint::sender::Sender;
use crate::endpoint::{Connection, Counters, Encoder, PacketReceiver};
use crate::error::{EN_ECLOSED, Error, Result, Stage};
use crate::packet::Room;
use crate::protocol::Gather;
use crate::protocol::sink::COPY_BELOW;
use crate::socket::ancillary::Ancillary;
use crate::socket::fork;
use crate::socket::names::Names;
use crate::socket::slot::{Guard, Slot, Visit};
use crate::transport::Transport;

mod closing;
mod facts;
mod receiving;

/// A connection that sends and receives packets, with calls that block. In this order: what most calls look
/// at lies side by side, and is soon fetched after a system call.
#[repr(C)]
pub struct Client {
    names: Option<Names>,
    /// The peer as errors name it, once there is one.
    peer: OnceLock<Arc<str>>,
    fd: RawFd,
    shutdown_timeout: Timeout,
    /// The process that has put something aside: a forked child leaves it to its parent.
    unsent_of: AtomicU32,
    says_farewell: bool,
    encoder: Encoder,
    runs_callbacks: bool,
    aside: Aside,
    /// Whether something is put aside to be sent.
    unsent: AtomicBool,
    /// Whether waiting is all there is to do in a receive: nobody is to be asked, or looked for.
    only_waits: bool,
    /// Whether one system call may bring more packets than one receive hands on.
    gathers: bool,
    counters: Counters,
    holds: Holds<Box<dyn PacketReceiver>, Sender, dyn Transport>,
}

/// How packets are put aside, into a write buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aside {
    /// There is none.
    Never,
    /// When they have been encoded: a callback may close the client meanwhile.
    Encoded,
    /// Right where they are encoded.
    AtOnce,
    /// Short ones by a push with nothing else to look at, the others when they have been encoded.
    Pushed,
}

impl Aside {
    fn of(sender: &Sender, waiting: &Waiting, runs_callbacks: bool) -> Aside {
        match sender.has_write_buffer() {
            false => Aside::Never,
            true if runs_callbacks => Aside::Encoded,
            true if waiting.is_plain() && sender.pushes() => Aside::Pushed,
            true => Aside::AtOnce,
        }
    }
}

/// A call that has been inside and has not left, if it ever was.
pub struct Inside<'a>(Option<Guard<'a, Sender>>);

impl<'a> Inside<'a> {
    /// Lets others send; as long as what is answered lasts, the client stays.
    pub fn stay(self) -> Option<Visit<'a, Sender>> {
        self.0.map(Guard::stay)
    }
}

impl Client {
    /// A client over a connection. Closing takes so long at most.
    pub fn new(
        connection: Connection,
        encoder: Encoder,
        waiting: Waiting,
        shutdown_timeout_ms: i64,
    ) -> Client {
        let transport = connection.sender.transport();
        let counters = Counters::default();
        let runs_callbacks = connection.runs_callbacks || waiting.runs_callbacks();
        counters.max_recv_size.set(connection.receiver.max_recv_size());
        Client {
            aside: Aside::of(&connection.sender, &waiting, runs_callbacks),
            only_waits: waiting.is_plain() && transport.can_hold(),
            gathers: connection.receiver.gathers(),
            says_farewell: transport.says_farewell(),
            fd: transport
                .fd(Interest::Read)
                .or_else(|| transport.fd(Interest::Write))
                .map_or(-1, |fd| fd.as_raw_fd()),
            holds: Holds::new(
                connection.receiver,
                connection.sender,
                transport,
                connection.is_shared,
                waiting,
                closed,
            ),
            unsent: AtomicBool::new(false),
            unsent_of: AtomicU32::new(fork::generation()),
            encoder,
            counters,
            peer: OnceLock::new(),
            names: connection.names,
            runs_callbacks,
            shutdown_timeout: Timeout::from_ms(shutdown_timeout_ms),
        }
    }

    /// Sends one packet.
    #[inline]
    pub fn send_packet(&self, packet: &[u8], timeout_ms: i64) -> Result<()> {
        self.with_sender(Deadline::after_ms(timeout_ms), |half, deadline| {
            match self.aside == Aside::AtOnce && half.encode_aside(&self.encoder, &[packet])? {
                true => self.unsent.store(true, Ordering::Relaxed),
                false => self.send_now(half, packet, deadline)?,
            }
            self.counters.packets_sent.add(1);
            Ok(())
        })
    }

    #[inline(always)]
    fn send_now(&self, half: &mut Sender, packet: &[u8], deadline: &mut Deadline) -> Result<()> {
        half.check()?;
        let mut room = Room::default();
        if self.aside == Aside::Never
            && let Some(bytes) = self.encoder.whole(packet, &mut room)
        {
            return self.send_whole(half, bytes, deadline);
        }
        self.send_encoded(half, packet, deadline)
    }

    /// Most of the time all goes at once, and nothing need be kept of how far it has gone.
    #[inline(always)]
    fn send_whole(&self, half: &mut Sender, bytes: &[u8], deadline: &mut Deadline) -> Result<()> {
        match half.send_whole(bytes, Hold::No, &self.counters) {
            Ok(count) if count == bytes.len() => Ok(()),
            sent => self.send_rest(half, bytes, sent, deadline),
        }
    }

    /// Goes on after a first attempt that has come to `sent`.
    #[cold]
    fn send_rest(
        &self,
        half: &mut Sender,
        bytes: &[u8],
        sent: Attempt<usize>,
        deadline: &mut Deadline,
    ) -> Result<()> {
        let mut first = Some(sent);
        Gather::with_whole(bytes, |out| {
            self.transmit_by(half, out, deadline, |half, out, hold| match first.take() {
                Some(sent) => {
                    out.advance(sent?);
                    Err(Stop::Again)
                }
                None => half.send(out, hold, &self.counters),
            })
        })
    }

    #[inline(never)]
    fn send_encoded(&self, half: &mut Sender, packet: &[u8], deadline: &mut Deadline) -> Result<()> {
        Gather::with(|out| {
            self.encoder.encode_packet(packet, out)?;
            self.transmit(half, out, deadline)
        })
    }

    /// Whether short packets are tried with [`Self::put_aside`] first.
    #[inline]
    pub fn pushes_aside(&self) -> bool {
        self.aside == Aside::Pushed
    }

    /// Puts a short packet aside if nothing stands in its way. Else [`Self::send_packet`] does, or says what
    /// stands in the way, for which the caller is to stay. This runs no code of the application; who closes
    /// the client meanwhile may leave its end to us.
    #[inline(always)]
    pub fn put_aside(&self, packet: &[u8]) -> std::result::Result<(), Inside<'_>> {
        // What is long is sent from where it lies. In a forked child what is put aside may be the parent's.
        if packet.len() >= COPY_BELOW || !self.holds.life.is_own() {
            return Err(Inside(None));
        }
        let Some(mut half) = self.holds.sending.try_lock() else { return Err(Inside(None)) };
        let is_aside = self.holds.run(
            #[inline(always)]
            || !self.is_done() && half.push(packet),
        );
        if !is_aside {
            return Err(Inside(Some(half)));
        }
        self.unsent.store(true, Ordering::Relaxed);
        self.counters.packets_sent.add(1);
        Ok(())
    }

    /// Sends one packet, given in parts.
    pub fn send_packet_parts(&self, parts: &[&[u8]], timeout_ms: i64) -> Result<()> {
        self.send_batches(timeout_ms, &mut |out| self.encoder.encode(parts, out).map(|()| true)).1
    }

    /// Sends packets until one fails, and says how many went.
    pub fn send_packets<'p>(
        &self,
        packets: &mut (impl Iterator<Item = Result<&'p [u8]>> + Clone),
        timeout_ms: i64,
    ) -> (usize, Result<()>) {
        self.send_batches(timeout_ms, &mut |out| self.encoder.encode_packets(packets, out))
    }

    /// Sends batches until one fails. `gather` makes one: whether it was the last, or why its next packet
    /// cannot go.
    #[inline(never)]
    fn send_batches<'a>(
        &'a self,
        timeout_ms: i64,
        gather: &mut dyn FnMut(&mut Gather<'a>) -> Result<bool>,
    ) -> (usize, Result<()>) {
        let mut went = 0;
        let outcome = self.with_sender(Deadline::after_ms(timeout_ms), |half, deadline| {
            half.check()?;
            loop {
                let mut out = Gather::default();
                let gathered = gather(&mut out);
                let outcome = self.transmit(half, &mut out, deadline);
                let whole = if outcome.is_ok() { out.packets() } else { out.packets_sent() };
                self.counters.packets_sent.add(whole);
                went += whole;
                outcome?;
                if gathered? {
                    return Ok(());
                }
            }
        });
        (went, outcome)
    }

    /// Sends what was gathered.
    #[inline(always)]
    fn transmit(&self, half: &mut Sender, out: &mut Gather<'_>, deadline: &mut Deadline) -> Result<()> {
        self.holds.check_open()?;
        self.transmit_by(
            half,
            out,
            deadline,
            #[inline(always)]
            |half, out, hold| half.send(out, hold, &self.counters),
        )
    }

    /// The same by `send`, which may have begun.
    #[inline(always)]
    fn transmit_by(
        &self,
        half: &mut Sender,
        out: &mut Gather<'_>,
        deadline: &mut Deadline,
        mut send: impl FnMut(&mut Sender, &mut Gather<'_>, Hold) -> Attempt<()>,
    ) -> Result<()> {
        let outcome = self.send_through(
            half,
            deadline,
            #[inline(always)]
            |half, hold| send(half, out, hold),
        );
        outcome.inspect_err(|error| half.give_up(out, error.reason()))
    }

    /// Most of the time there is room at once, and nobody needs to know what time it is.
    #[inline(always)]
    fn send_through(
        &self,
        half: &mut Sender,
        deadline: &mut Deadline,
        mut attempt: impl FnMut(&mut Sender, Hold) -> Attempt<()>,
    ) -> Result<()> {
        let outcome = match attempt(half, Hold::No) {
            Ok(()) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
            Err(_) => self.holds.drive_sender(&*half.transport(), deadline, |hold| attempt(half, hold)),
        };
        if self.aside != Aside::Never {
            self.unsent.store(half.has_unsent(), Ordering::Relaxed);
        }
        outcome
    }

    /// Sends what is put aside.
    pub fn flush(&self, timeout_ms: i64) -> Result<()> {
        self.with_sender(Deadline::after_ms(timeout_ms), |half, deadline| {
            self.send_through(half, deadline, |half, hold| half.flush(hold, &self.counters))
        })
    }

    /// Sends the end of the stream; nothing on a closed client.
    pub fn send_eof(&self, timeout_ms: i64) -> Result<()> {
        let outcome = self.with_sender(Deadline::after_ms(timeout_ms), |half, deadline| {
            self.send_through(half, deadline, |half, hold| half.send_eof(hold, &self.counters))
        });
        outcome.or_else(|error| if error.code() == EN_ECLOSED { Ok(()) } else { Err(error) })
    }

    /// Sends one packet, and ancillary data with it.
    #[inline(always)]
    pub fn send_packet_with_ancillary(
        &self,
        packet: &[u8],
        ancillary: &Ancillary,
        timeout_ms: i64,
    ) -> Result<()> {
        let control = ancillary.control();
        self.with_sender(
            Deadline::after_ms(timeout_ms),
            #[inline(always)]
            |half, deadline| {
                half.check()?;
                let mut room = Room::default();
                match self.encoder.whole(packet, &mut room) {
                    Some(bytes) => {
                        Gather::with_whole(bytes, |out| self.transmit_beside(half, out, &control, deadline))?;
                    }
                    None => Gather::with(|out| {
                        self.encoder.encode_packet(packet, out)?;
                        self.transmit_beside(half, out, &control, deadline)
                    })?,
                }
                self.counters.packets_sent.add(1);
                Ok(())
            },
        )
    }

    /// Sends what was gathered, with a control message beside it.
    #[inline(always)]
    fn transmit_beside(
        &self,
        half: &mut Sender,
        out: &mut Gather<'_>,
        control: &[u8],
        deadline: &mut Deadline,
    ) -> Result<()> {
        self.holds.check_open()?;
        self.transmit_by(half, out, deadline, |half, out, hold| {
            half.send_with_ancillary(out, control, hold, &self.counters)
        })
    }

    #[cold]
    fn prepare(&self, half: &mut Sender, deadline: &mut Deadline) {
        if self.aside != Aside::Never {
            self.leave_to_parent(half);
        }
        if self.runs_callbacks {
            // What code of the application takes counts.
            deadline.left();
        }
    }

    /// What was put aside before a fork is the parent's to send.
    #[inline]
    fn leave_to_parent(&self, half: &mut Sender) {
        let here = fork::generation();
        if self.unsent_of.load(Ordering::Relaxed) != here {
            self.unsent_of.store(here, Ordering::Relaxed);
            half.forget_unsent();
            self.unsent.store(false, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    fn with_receiver<T>(
        &self,
        deadline: &mut Deadline,
        work: impl FnOnce(&mut dyn PacketReceiver, &mut Deadline) -> Result<T>,
    ) -> Result<T> {
        let mut half = self.enter(&self.holds.receiving, deadline, Stage::Receive)?;
        // All that needs the client is done before the half is let go: then it may be gone.
        self.holds.run(
            #[inline(always)]
            || {
                self.begin()
                    .and_then(|()| work(&mut **half, deadline))
                    .map_err(|error| self.explain(error, Stage::Receive))
            },
        )
    }

    #[inline(always)]
    fn with_sender<T>(
        &self,
        mut deadline: Deadline,
        work: impl FnOnce(&mut Sender, &mut Deadline) -> Result<T>,
    ) -> Result<T> {
        let mut half = self.enter(&self.holds.sending, &mut deadline, Stage::Send)?;
        self.holds.run(
            #[inline(always)]
            || {
                if self.aside != Aside::Never || self.runs_callbacks {
                    self.prepare(&mut half, &mut deadline);
                }
                self.begin()
                    .and_then(|()| work(&mut half, &mut deadline))
                    .map_err(|error| self.explain(error, Stage::Send))
            },
        )
    }

    #[inline]
    fn enter<'a, T>(&self, slot: &'a Slot<T>, deadline: &mut Deadline, stage: Stage) -> Result<Guard<'a, T>> {
        match slot.try_lock() {
            Some(guard) => Ok(guard),
            None => self.enter_slowly(slot, deadline, stage),
        }
    }

    #[cold]
    fn enter_slowly<'a, T>(
        &self,
        slot: &'a Slot<T>,
        deadline: &mut Deadline,
        stage: Stage,
    ) -> Result<Guard<'a, T>> {
        // Keeps the client until the error is complete.
        let _inside = slot.visit();
        if self.is_done() {
            return Err(self.explain(closed(), stage));
        }
        let guard = self.holds.waiting.wait_for(slot, self.holds.is_shared, deadline);
        guard.map_err(|error| self.explain(error, stage))
    }

    /// Whether a call may begin.
    #[inline]
    fn begin(&self) -> Result<()> {
        self.holds.check_open()?;
        self.holds.waiting.check_cancel()
    }

    /// Completes an error. Whatever fails while the client is being closed fails for that reason.
    #[cold]
    fn explain(&self, error: Error, stage: Stage) -> Error {
        let error = if self.is_done() { closed() } else { error };
        self.name_peer(error.at(stage))
    }

    #[cold]
    fn name_peer(&self, error: Error) -> Error {
        match &self.names {
            Some(names) => error.with_peer(self.peer.get_or_init(|| names.remote().to_string().into())),
            None => error,
        }
    }
}
