//! TLS over any stream transport.
//!
//! The session is locked only while bytes are processed, never while somebody waits for a socket: a
//! thread that receives and one that sends are in each other's way for some microseconds at most.

use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::ops::DerefMut;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustls::ConnectionCommon;

use super::{Attribute, Party, StreamTransport, Transport};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::error::{
    EN_EBUSY, EN_ECONNABORTED, EN_ECONNRESET, EN_EOPNOTSUPP, EN_EPIPE, EN_ESHUTDOWN, EN_ETLS_PROTOCOL,
    EN_ETLS_TRUNCATED, Error, Result, Stage,
};
use crate::packet::Storage;
use crate::tls::{TlsFacts, failure};

/// How many encrypted bytes one receive asks for: several records. The kernel opens the window wider for who
/// reads in large pieces; a little more than this, and the allocator would map memory each time.
const ASK: usize = 112 << 10;

/// A stream of bytes that nobody else can read or change, from one side: a client's or a server's.
pub struct TlsStream<C> {
    inner: Arc<dyn StreamTransport>,
    session: Mutex<Session<C>>,
    /// What has come and was not decrypted yet. Only who receives has it, also while it waits.
    incoming: Mutex<Storage>,
    /// The name that the peer's certificate must have; one pointer, as all that each connection has.
    verified_name: Option<Arc<String>>,
    /// Whether the end must be said, and heard.
    standard_compatible: bool,
    /// Whether the last receive has asked the transport below: what it then said of itself still holds.
    has_fetched: AtomicBool,
    /// Receiving was stopped to wake somebody: nothing is heard any more.
    deaf: AtomicBool,
    /// How many bytes of a sender who waits are encrypted, and may not have gone out yet: some records at most.
    /// It changes under the lock of the session; who gives up need not take that, and may be called back under
    /// it.
    committed: AtomicU32,
    /// What these bytes are: nobody else's are taken for them.
    committed_are: AtomicU32,
    /// There may be decrypted bytes that nobody has taken. This and the next change under the lock, too.
    has_more: AtomicBool,
    farewell_said: AtomicBool,
    /// Why nothing more can be sent.
    cut: OnceLock<Error>,
}

impl<C> Drop for TlsStream<C> {
    fn drop(&mut self) {
        self.inner.leave_turn(Party::TLS);
    }
}

struct Session<C> {
    connection: C,
    /// Why nothing more can be received or sent.
    failed: Option<Error>,
}

impl<C, D> TlsStream<C>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
{
    /// A connection that begins over a transport.
    pub fn new(
        inner: Arc<dyn StreamTransport>,
        connection: C,
        verified_name: Option<Arc<String>>,
        standard_compatible: bool,
    ) -> Result<TlsStream<C>> {
        // As long as this is there: nothing may come between the records.
        inner.take_turn(Party::TLS)?;
        let session = Session { connection, failed: None };
        Ok(TlsStream {
            inner,
            session: Mutex::new(session),
            incoming: Mutex::default(),
            verified_name,
            standard_compatible,
            has_fetched: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            committed: AtomicU32::new(0),
            committed_are: AtomicU32::new(0),
            has_more: AtomicBool::new(false),
            farewell_said: AtomicBool::new(false),
            cut: OnceLock::new(),
        })
    }

    fn shake_hands(&self, hold: Hold) -> Attempt<()> {
        let mut incoming = lock(&self.incoming);
        if self.has_shaken_hands(&mut incoming)? {
            return Ok(());
        }
        match self.fetch(&mut incoming, hold) {
            Ok(0) => {
                let reason = "the peer has ended the connection in the midst of the TLS handshake";
                return Err(self.gone(Error::new(EN_ECONNABORTED, reason)).into());
            }
            Err(Stop::Failed(error)) if error.code() == EN_ECONNRESET => return Err(self.gone(error).into()),
            outcome => outcome?,
        };
        if self.has_shaken_hands(&mut incoming)? { Ok(()) } else { Err(Stop::Again) }
    }

    /// Many who do not speak TLS hang up on its first words.
    #[cold]
    fn gone(&self, error: Error) -> Error {
        match lock(&self.session).connection.negotiated_cipher_suite() {
            Some(_) => error,
            None => Error::new(error.code(), format!("{}: it may not speak TLS", error.reason())),
        }
    }

    /// Goes as far as that is possible without receiving.
    fn has_shaken_hands(&self, incoming: &mut Storage) -> Attempt<bool> {
        let mut session = lock(&self.session);
        loop {
            if let Some(error) = &session.failed {
                return Err(error.clone().into());
            }
            self.write_out(&mut session)?;
            if !session.connection.is_handshaking() {
                return Ok(true);
            }
            if incoming.bytes().is_empty() {
                return Ok(false);
            }
            self.decrypt(&mut session, incoming);
        }
    }

    /// One receive of encrypted bytes; 0 is the end of the stream.
    fn fetch(&self, incoming: &mut Storage, hold: Hold) -> Attempt<usize> {
        self.has_fetched.store(true, Ordering::Relaxed);
        let outcome = self.inner.recv(incoming.space(ASK / 2, ASK), hold);
        incoming.filled(*outcome.as_ref().unwrap_or(&0));
        outcome
    }

    /// Decrypts the next piece of what has come; a failure is for good.
    fn decrypt(&self, session: &mut Session<C>, incoming: &mut Storage) {
        // Reading from memory does not fail, and there is room: what was decrypted has been taken.
        let count = session.connection.read_tls(&mut incoming.bytes()).unwrap_or(0);
        incoming.spend(count);
        let processed = session.connection.process_new_packets();
        session.failed = processed.err().map(|error| failure(&error)).or_else(|| stuck(count));
        // Answers to the peer, such as a new key or why it failed. What does not go at once goes with
        // the next send.
        let _ = self.write_out(session);
    }

    /// Fills the buffer from what has come; None: that is nothing yet. 0 is the end.
    fn take(&self, incoming: &mut Storage, buffer: &mut [u8]) -> Attempt<Option<usize>> {
        let mut session = lock(&self.session);
        let mut filled = 0;
        self.has_more.store(true, Ordering::Relaxed);
        while filled < buffer.len() {
            match session.connection.reader().read(&mut buffer[filled..]) {
                Ok(0) => return Ok(Some(filled)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return self.cut_off().map(Some);
                }
                Err(_) => match &session.failed {
                    // What came before a failure is given out first.
                    Some(_) if filled > 0 => break,
                    Some(error) => return Err(error.clone().into()),
                    None if incoming.bytes().is_empty() => {
                        self.has_more.store(false, Ordering::Relaxed);
                        break;
                    }
                    None => self.decrypt(&mut session, incoming),
                },
            }
        }
        Ok(if filled > 0 || buffer.is_empty() { Some(filled) } else { None })
    }

    /// The stream has ended, and the peer has not said so.
    #[cold]
    fn cut_off(&self) -> Attempt<usize> {
        if !self.standard_compatible {
            return Ok(0);
        }
        let reason = "the connection has ended without the end of TLS (close_notify): what came may be cut";
        Err(Error::new(EN_ETLS_TRUNCATED, reason).into())
    }

    fn receive(&self, incoming: &mut Storage, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        if let Some(count) = self.take(incoming, buffer)? {
            return Ok(count);
        }
        if self.fetch(incoming, hold)? == 0 {
            // Reading nothing is how the session learns of the end.
            let _ = lock(&self.session).connection.read_tls(&mut io::empty());
        }
        self.take(incoming, buffer)?.ok_or(Stop::Again)
    }

    /// Sends what is encrypted, as much as goes at once.
    fn write_out(&self, session: &mut Session<C>) -> Attempt<()> {
        while session.connection.wants_write() {
            let mut outlet = Outlet { inner: &*self.inner, stop: None };
            if let Err(error) = session.connection.write_tls(&mut outlet) {
                return Err(outlet.stop.unwrap_or_else(|| Error::os(error).into()));
            }
        }
        Ok(())
    }

    /// Says that nothing follows; whether it has gone out.
    fn say_farewell(&self) -> Attempt<bool> {
        let mut session = lock(&self.session);
        // A peer that has half of a record would take it for the rest of that.
        if self.committed.load(Ordering::Relaxed) > 0
            || session.failed.is_some()
            || session.connection.is_handshaking()
        {
            return Ok(false);
        }
        self.farewell_said.store(true, Ordering::Relaxed);
        session.connection.send_close_notify();
        self.write_out(&mut session).map(|()| true)
    }

    /// Receives to the end and throws it away.
    fn hear_farewell(&self, hold: Hold) -> Attempt<()> {
        // Somebody else is receiving, or was: the answer is not ours to hear.
        let Ok(mut incoming) = self.incoming.try_lock() else { return Ok(()) };
        if self.deaf.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut waste = [0; 512];
        match self.receive(&mut incoming, &mut waste, hold)? {
            0 => Ok(()),
            _ => Err(Stop::Again),
        }
    }

    /// What the two sides agreed on.
    pub fn facts(&self) -> TlsFacts {
        TlsFacts::of(&lock(&self.session).connection, self.verified_name.as_deref().cloned())
    }
}

impl<C, D> StreamTransport for TlsStream<C>
where
    C: DerefMut<Target = ConnectionCommon<D>> + Send + 'static,
{
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        self.has_fetched.store(false, Ordering::Relaxed);
        self.receive(&mut lock(&self.incoming), buffer, hold)
    }

    fn send(&self, slices: &[IoSlice<'_>], _hold: Hold) -> Attempt<usize> {
        let mut session = lock(&self.session);
        self.write_out(&mut session)?;
        if let Some(error) = session.failed.as_ref().or(self.cut.get()) {
            return Err(error.clone().into());
        }
        if self.farewell_said.load(Ordering::Relaxed) {
            return Err(Error::new(EN_ESHUTDOWN, "the end of TLS has been said").into());
        }
        match self.committed.load(Ordering::Relaxed) {
            0 => {
                let count = session.connection.writer().write_vectored(slices).map_err(Error::os)?;
                self.write_out(&mut session).inspect_err(|_| {
                    self.committed_are.store(fingerprint(slices, count), Ordering::Relaxed);
                    self.committed.store(count as u32, Ordering::Relaxed);
                })?;
                Ok(count)
            }
            count if self.is_midway(slices) => {
                self.committed.store(0, Ordering::Relaxed);
                Ok(count as usize)
            }
            _ => Err(half_way().into()),
        }
    }

    fn give_up_sending(&self, why: &str) {
        if self.committed.load(Ordering::Relaxed) > 0 {
            let _ = self.cut.set(cut(why));
        }
    }

    fn is_midway(&self, rest: &[IoSlice<'_>]) -> bool {
        match self.committed.load(Ordering::Relaxed) {
            0 => false,
            count => fingerprint(rest, count as usize) == self.committed_are.load(Ordering::Relaxed),
        }
    }

    fn has_received(&self) -> bool {
        self.has_more.load(Ordering::Relaxed)
            || self.incoming.try_lock().is_ok_and(|bytes| !bytes.bytes().is_empty())
    }

    fn is_drained(&self) -> bool {
        self.has_fetched.load(Ordering::Relaxed) && self.inner.is_drained() && !self.has_received()
    }

    fn send_eof(&self, _hold: Hold) -> Attempt<()> {
        let reason = "TLS cannot end one direction and keep the other: close the client when both are done";
        Err(Error::new(EN_EOPNOTSUPP, reason).into())
    }
}

impl<C, D> Transport for TlsStream<C>
where
    C: DerefMut<Target = ConnectionCommon<D>> + Send + 'static,
{
    fn stop_receiving(&self) {
        self.deaf.store(true, Ordering::SeqCst);
        self.inner.stop_receiving();
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn runs_callbacks(&self) -> bool {
        self.inner.runs_callbacks()
    }

    fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        match which {
            Attribute::StandardCompatible => Ok(i32::from(self.standard_compatible).to_ne_bytes().to_vec()),
            _ => self.inner.attribute(which),
        }
    }

    fn fd(&self, interest: Interest) -> Option<BorrowedFd<'_>> {
        self.inner.fd(interest)
    }

    fn can_hold(&self) -> bool {
        self.inner.can_hold()
    }

    fn can_hold_sender(&self) -> bool {
        // It would keep the session from who receives.
        false
    }

    fn handshake(&self, hold: Hold) -> Attempt<()> {
        self.shake_hands(hold).map_err(|stop| match stop {
            Stop::Failed(error) => Stop::Failed(error.at(Stage::Handshake)),
            stop => stop,
        })
    }

    fn says_farewell(&self) -> bool {
        self.standard_compatible
    }

    fn farewell(&self, hold: Hold) -> Attempt<()> {
        match self.say_farewell()? {
            true => self.hear_farewell(hold),
            false => Ok(()),
        }
    }

    fn survives_fork(&self) -> bool {
        // Two processes that go on with the same keys and counters would give them away.
        false
    }

    fn tls_facts(&self) -> Option<TlsFacts> {
        Some(self.facts())
    }

    fn getsockopt(&self, level: i32, name: i32, value: &mut [MaybeUninit<u8>]) -> Result<usize> {
        self.inner.getsockopt(level, name, value)
    }

    fn setsockopt(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        self.inner.setsockopt(level, name, value)
    }
}

/// What tells the first so many bytes from others: those in front, and some behind them (FNV-1a). To look at
/// all of them would take as long as to encrypt them.
fn fingerprint(slices: &[IoSlice<'_>], count: usize) -> u32 {
    const SAMPLES: usize = 64;
    let behind = (SAMPLES..count).step_by((count / SAMPLES).max(1));
    let mut slices = slices.iter();
    let (mut begin, mut slice) = (0, &[][..]);
    let mut hash = 0x811c_9dc5;
    for place in (0..count.min(SAMPLES)).chain(behind) {
        while place - begin >= slice.len() {
            begin += slice.len();
            let Some(next) = slices.next() else { return hash };
            slice = next;
        }
        hash = (hash ^ u32::from(slice[place - begin])).wrapping_mul(0x0100_0193);
    }
    hash
}

/// Who takes nothing of what is there never will.
fn stuck(count: usize) -> Option<Error> {
    (count == 0).then(|| Error::new(EN_ETLS_PROTOCOL, "what the peer has sent is taken no further"))
}

#[cold]
fn half_way() -> Error {
    Error::new(EN_EBUSY, "another send over this TLS transport has stopped half-way: that goes on first")
}

#[cold]
fn cut(why: &str) -> Error {
    let reason = format!("an earlier send over TLS stopped half-way ({why}): nothing may follow");
    Error::new(EN_EPIPE, reason)
}

/// Where the session writes to: the inner transport, without waiting.
struct Outlet<'a> {
    inner: &'a dyn StreamTransport,
    /// Why the last write did not go.
    stop: Option<Stop>,
}

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            match self.inner.send(slices, Hold::No) {
                Ok(count) => return Ok(count),
                Err(Stop::Again) => {}
                Err(stop) => {
                    self.stop = Some(stop);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A panic of another thread takes the whole client out of service; here it changes nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
