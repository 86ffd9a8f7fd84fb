//! Bytes in and out, by attempts that never wait longer than they are told.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use self::socket::StreamSocket;
#[cfg(feature = "tls")]
use self::tls::TlsStream;
use crate::attempt::{Attempt, Hold, Interest};
use crate::deadline::Timeout;
use crate::error::{EN_ENODATA, EN_EOPNOTSUPP, Error, Result};
use crate::socket::address::IpAddress;
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::socket::names::{Name, Names};
use crate::socket::unix_address::UnixAddress;
use crate::tls::{TlsConfig, TlsFacts};

mod joined;
mod party;
pub mod shared;
pub mod socket;
pub mod stapled;
#[cfg(feature = "tls")]
pub mod tls;

pub use party::Party;
pub use shared::Shared;

/// What can be asked of a transport beside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The descriptor, an `int`.
    Descriptor,
    /// The address family, an `int`.
    Family,
    /// The name of our end, a `struct sockaddr`.
    OwnName,
    /// The name of the peer's end, a `struct sockaddr`.
    PeerName,
    /// Whether the end of TLS must be said, and heard, an `int`.
    StandardCompatible,
    /// What only an application's own transport knows, by a number of its own.
    Other(i32),
}

/// A hold on a transport of any kind, whatever it carries.
pub trait Plain {
    /// The same transport.
    fn plain(self: Arc<Self>) -> Arc<dyn Transport>;
}

impl<T: Transport> Plain for T {
    fn plain(self: Arc<Self>) -> Arc<dyn Transport> {
        self
    }
}

/// What every transport has, whatever it carries.
pub trait Transport: Plain + Send + Sync + 'static {
    /// Wakes whoever receives, and makes receiving end.
    fn stop_receiving(&self);

    /// Wakes everybody, and makes everything end; how that went.
    fn close(&self) -> Result<()>;

    /// Closes it because hands could not be shaken: others who have it learn why.
    fn refuse(&self, _why: &Error) {
        let _ = self.close();
    }

    /// Whether somebody has closed it, where that can be known.
    fn is_closed(&self) -> bool {
        false
    }

    /// Whether attempts run code of the application, which may call back.
    fn runs_callbacks(&self) -> bool {
        false
    }

    /// What it knows of itself; `EN_ENODATA` if nothing.
    fn attribute(&self, _which: Attribute) -> Result<Vec<u8>> {
        Err(no_attribute())
    }

    /// What to poll when an attempt wants something; None: nothing can be polled, so look again
    /// after a while.
    fn fd(&self, interest: Interest) -> Option<BorrowedFd<'_>>;

    /// Whether the kernel may hold a thread in an attempt: [`Self::close`] must wake it.
    fn can_hold(&self) -> bool {
        true
    }

    /// Whether it may then hold one that sends.
    fn can_hold_sender(&self) -> bool {
        true
    }

    /// How long the handshake may take, if it has yet to be done.
    fn awaits_handshake(&self) -> Option<Timeout> {
        None
    }

    /// Makes it ready for the first byte.
    fn handshake(&self, _hold: Hold) -> Attempt<()> {
        Ok(())
    }

    /// Whether [`Self::farewell`] has something to say.
    fn says_farewell(&self) -> bool {
        false
    }

    /// Whether it does so when nobody has it any more, as far as that goes at once.
    fn says_farewell_by_itself(&self) -> bool {
        self.says_farewell()
    }

    /// Takes leave of the peer, as the last thing before the connection is closed.
    fn farewell(&self, _hold: Hold) -> Attempt<()> {
        Ok(())
    }

    /// Whether a forked child may go on with it beside its parent.
    fn survives_fork(&self) -> bool {
        true
    }

    /// What TLS has agreed on, where there is TLS.
    fn tls_facts(&self) -> Option<TlsFacts> {
        None
    }

    /// Reads a socket option; see getsockopt(2).
    fn getsockopt(&self, _level: i32, _name: i32, _value: &mut [MaybeUninit<u8>]) -> Result<usize> {
        Err(no_socket())
    }

    /// Sets a socket option; see setsockopt(2).
    fn setsockopt(&self, _level: i32, _name: i32, _value: &[u8]) -> Result<()> {
        Err(no_socket())
    }
}

/// A stream of bytes in each direction.
///
/// Receiving and sending may run at the same time in two threads; two of the same direction never
/// do, whoever owns the transport sees to that.
pub trait StreamTransport: Transport {
    /// The socket, if it is that and nothing else.
    fn into_socket(self: Arc<Self>) -> Option<Arc<StreamSocket>> {
        None
    }

    /// Receives up to `buffer.len()` bytes; 0 is the end of the stream.
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize>;

    /// Keeps all others from sending until the turn is left; who has it keeps it. Only who has the transport
    /// with others need see to that.
    fn take_turn(&self, _party: Party) -> Result<()> {
        Ok(())
    }

    /// Whether all others are kept from sending.
    fn has_turn(&self, _party: Party) -> bool {
        true
    }

    /// Lets others send.
    fn leave_turn(&self, _party: Party) {}

    /// Sends as much of the slices as goes at once, at least one byte. Who was told to wait comes
    /// again with the same bytes (and more behind them), or sends nothing any more.
    fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize>;

    /// Whether some of these bytes were taken by a send that had to wait: they may go out, whoever gives up.
    fn is_midway(&self, _rest: &[IoSlice<'_>]) -> bool {
        false
    }

    /// Nobody comes again with bytes that were taken by a send that had to wait: nothing may follow them.
    fn give_up_sending(&self, _why: &str) {}

    /// Half of a packet has gone: nothing may follow it, whoever sends. Only who has the transport with others
    /// need see to that.
    fn break_off(&self, why: &str) {
        self.give_up_sending(why);
    }

    /// Whether bytes have come that the socket does not tell of any more.
    fn has_received(&self) -> bool {
        false
    }

    /// Receives bytes and what came with them, with room for so much of that.
    fn recv_with_ancillary(
        &self,
        _buffer: &mut [u8],
        _ancillary: &mut Ancillary,
        _room: usize,
        _hold: Hold,
    ) -> Attempt<usize> {
        Err(no_ancillary().into())
    }

    /// Sends bytes and a control message.
    fn send_with_ancillary(&self, _slices: &[IoSlice<'_>], _control: &[u8], _hold: Hold) -> Attempt<usize> {
        Err(no_ancillary().into())
    }

    /// Whether the last receive has brought all that there was: whatever comes now, the descriptor
    /// tells anew.
    fn is_drained(&self) -> bool {
        false
    }

    /// Sends the end of the stream. Errors of a connection that is down already are none.
    fn send_eof(&self, hold: Hold) -> Attempt<()>;

    /// The two it was made of, the receiving one first.
    fn halves(&self) -> Option<[Arc<Shared<dyn StreamTransport>>; 2]> {
        None
    }
}

/// Datagrams in each direction. As with streams, receiving and sending may run at the same time.
pub trait DatagramTransport: Transport {
    /// Receives one datagram, or several of one size.
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived>;

    /// Receives one datagram, and says how large it is; others that came with it wait for the next
    /// receive.
    fn recv_one(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        self.recv(buffer, hold).map(|arrived| arrived.size)
    }

    /// How many bytes several datagrams may have that come at once; 0: they come one by one.
    fn most_at_once(&self) -> usize {
        0
    }

    /// Sends one datagram.
    fn send_one(&self, datagram: &[u8], hold: Hold) -> Attempt<()> {
        self.send(&[datagram], hold).map(|_| ())
    }

    /// Sends the first of the datagrams, as many as go at once, and says how many.
    fn send(&self, datagrams: &[&[u8]], hold: Hold) -> Attempt<usize>;

    /// The same for datagrams of `size` bytes each that lie one behind the other; the last may be
    /// shorter.
    fn send_alike(&self, bytes: &[u8], size: usize, hold: Hold) -> Attempt<usize> {
        self.send(&bytes.chunks(size).collect::<Vec<_>>(), hold)
    }

    /// Receives one datagram and what came with it, with room for so much of that.
    fn recv_with_ancillary(
        &self,
        _buffer: &mut [u8],
        _ancillary: &mut Ancillary,
        _room: usize,
        _hold: Hold,
    ) -> Attempt<Arrived> {
        Err(no_ancillary().into())
    }

    /// Sends one datagram and a control message.
    fn send_with_ancillary(&self, _slices: &[IoSlice<'_>], _control: &[u8], _hold: Hold) -> Attempt<usize> {
        Err(no_ancillary().into())
    }

    /// The two it was made of, the receiving one first.
    fn halves(&self) -> Option<[Arc<Shared<dyn DatagramTransport>>; 2]> {
        None
    }
}

/// What has no such attribute answers.
pub(crate) fn no_attribute() -> Error {
    Error::new(EN_ENODATA, "this transport has no such attribute")
}

/// TLS over a transport, as this configuration has it. `name` is the peer's, for clients: it is asked
/// for and verified unless the configuration has one of its own; "" for neither.
#[cfg(feature = "tls")]
pub fn secure(
    inner: Arc<dyn StreamTransport>,
    config: &TlsConfig,
    name: &str,
    standard_compatible: bool,
) -> Result<Arc<dyn StreamTransport>> {
    if config.is_server() {
        return Ok(Arc::new(TlsStream::new(inner, config.accept()?, None, standard_compatible)?));
    }
    let (connection, verified_name) = config.connect(name)?;
    Ok(Arc::new(TlsStream::new(inner, connection, verified_name, standard_compatible)?))
}

/// Without TLS there is no configuration that this could be called with.
#[cfg(not(feature = "tls"))]
pub fn secure(
    _inner: Arc<dyn StreamTransport>,
    config: &TlsConfig,
    _name: &str,
    _standard_compatible: bool,
) -> Result<Arc<dyn StreamTransport>> {
    match *config {}
}

pub(crate) fn no_ancillary() -> Error {
    Error::new(EN_EOPNOTSUPP, "this transport carries no ancillary data: only Unix sockets do")
}

/// Who is at the two ends, if the transport tells both.
pub fn names(transport: &dyn Transport) -> Option<Names> {
    let name = |which| {
        let bytes = transport.attribute(which).ok()?;
        let ip = IpAddress::from_sockaddr(&bytes).ok().map(Name::Ip);
        ip.or_else(|| UnixAddress::from_sockaddr(&bytes).ok().map(Name::Unix))
    };
    Some(Names::new(name(Attribute::OwnName)?, name(Attribute::PeerName)?))
}

/// The descriptor of a socket, for what only sockets have.
pub fn descriptor(transport: &dyn Transport) -> Result<BorrowedFd<'_>> {
    transport.fd(Interest::Read).ok_or_else(no_socket)
}

fn no_socket() -> Error {
    Error::new(EN_EOPNOTSUPP, "this transport is no socket and has no socket options")
}
