//! Clients on a loop: how each family gets its connections.

use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::CommonOptions;
use super::endpoint::{self, Directions};
use super::tcp::{TcpConnecting, TcpOptions};
use super::udp::{self, UdpConnecting, UdpOptions};
use super::unix_datagram::{self, UnixDatagramOptions};
use super::unix_stream::{self, UnixStreamOptions};
use crate::attempt::{Course, Hold, Interest, Undertaking};
use crate::blocking::Channel;
use crate::endpoint::{Connection, Encoder};
use crate::error::{EN_ENOTCONN, Error, Result};
use crate::protocol::{DatagramProtocol, StreamProtocol};
use crate::reactor::client::{Begin, Beginning, Plan, Work};
use crate::reactor::{AsyncClient, EventLoop};
use crate::socket::address::IpAddress;
use crate::socket::given_fd::GivenFd;
use crate::socket::resolve;
use crate::socket::unix_address::UnixAddress;
use crate::transport::{DatagramTransport, StreamTransport};

/// A connection that is there already.
struct AlreadyConnected(Option<Connection>);

impl Undertaking for AlreadyConnected {
    type Outcome = Connection;

    fn advance(&mut self, _now: Instant, _hold: Hold) -> Course<Connection> {
        self.0.take().map_or(Course::Wait { until: None }, Course::Done)
    }

    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        Vec::new()
    }

    fn give_up(&mut self, error: Error) -> Error {
        error
    }
}

/// What was given to become a connection. There is no other: why it failed is the answer to all who
/// come later, too.
struct Given {
    work: Work,
    why: Rc<RefCell<Option<Error>>>,
}

impl Given {
    fn keep(&self, error: Error) -> Error {
        self.why.borrow_mut().get_or_insert(error).clone()
    }
}

impl Undertaking for Given {
    type Outcome = Connection;

    fn advance(&mut self, now: Instant, hold: Hold) -> Course<Connection> {
        match self.work.advance(now, hold) {
            Course::Failed(error) => Course::Failed(self.keep(error)),
            course => course,
        }
    }

    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        self.work.waits_for()
    }

    fn give_up(&mut self, error: Error) -> Error {
        let error = self.work.give_up(error);
        self.keep(error)
    }

    fn explain(&self, error: Error) -> Error {
        self.work.explain(error)
    }
}

fn once(work: Work) -> Begin {
    let why = Rc::new(RefCell::new(None));
    let mut work = Some(Given { work, why: why.clone() });
    Box::new(move || match work.take() {
        Some(work) => Ok(Box::new(work) as Work),
        None => Err(why.borrow().clone().unwrap_or_else(no_other)),
    })
}

#[cold]
fn no_other() -> Error {
    let reason = "the descriptor that was given did not become a connection, and there is no other";
    Error::new(EN_ENOTCONN, reason)
}

fn client(
    core: &Rc<EventLoop>,
    begin: Begin,
    encoder: Encoder,
    connect_timeout_ms: i64,
    common: &CommonOptions,
) -> Result<Rc<AsyncClient>> {
    let beginning = Beginning { begin, timeout_ms: connect_timeout_ms };
    let shutdown_timeout_ms = common.shutdown_timeout_ms;
    AsyncClient::new(core, Plan { beginning, encoder, shutdown_timeout_ms })
}

/// The same over what is given: it connects at once.
fn given(
    core: &Rc<EventLoop>,
    work: Work,
    encoder: Encoder,
    connect_timeout_ms: i64,
    common: &CommonOptions,
) -> Result<Rc<AsyncClient>> {
    let client = client(core, once(work), encoder, connect_timeout_ms, common)?;
    client.connect();
    Ok(client)
}

/// A TCP client that will connect to a host.
pub fn tcp(
    core: &Rc<EventLoop>,
    host: &str,
    port: u16,
    protocol: &Arc<dyn StreamProtocol>,
    options: &Arc<TcpOptions>,
) -> Result<Rc<AsyncClient>> {
    resolve::check(host)?;
    options.secure.check(Some(host))?;
    let (host, own, kept) = (host.to_string(), protocol.clone(), options.clone());
    let begin = move || Ok(Box::new(TcpConnecting::host(&host, port, &own, &kept)?) as Work);
    client(core, Box::new(begin), protocol.into(), options.connect_timeout_ms, &options.common)
}

/// A TCP client that will connect to one of these addresses.
pub fn tcp_addresses(
    core: &Rc<EventLoop>,
    addresses: Vec<IpAddress>,
    protocol: &Arc<dyn StreamProtocol>,
    options: &Arc<TcpOptions>,
) -> Result<Rc<AsyncClient>> {
    options.secure.check(None)?;
    let (own, kept) = (protocol.clone(), options.clone());
    let begin = move || Ok(Box::new(TcpConnecting::addresses(addresses.clone(), &own, &kept)?) as Work);
    client(core, Box::new(begin), protocol.into(), options.connect_timeout_ms, &options.common)
}

/// A TCP client over a connected socket, which is the library's only from success on.
pub fn tcp_from_fd(
    core: &Rc<EventLoop>,
    fd: GivenFd,
    protocol: &Arc<dyn StreamProtocol>,
    options: &Arc<TcpOptions>,
) -> Result<Rc<AsyncClient>> {
    core.check()?;
    let mut work = TcpConnecting::from_fd(fd, protocol, options)?;
    work.keep();
    given(core, Box::new(work), protocol.into(), options.connect_timeout_ms, &options.common)
}

/// A UDP client whose peer will be a host.
pub fn udp(
    core: &Rc<EventLoop>,
    host: &str,
    port: u16,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UdpOptions,
) -> Result<Rc<AsyncClient>> {
    resolve::check(host)?;
    let (host, own, kept) = (host.to_string(), protocol.clone(), options.clone());
    let begin = move || Ok(Box::new(UdpConnecting::host(&host, port, &own, &kept)?) as Work);
    client(core, Box::new(begin), protocol.into(), options.connect_timeout_ms, &options.common)
}

/// A UDP client over a connected socket, which is the library's only from success on.
pub fn udp_from_fd(
    core: &Rc<EventLoop>,
    fd: GivenFd,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UdpOptions,
) -> Result<Rc<AsyncClient>> {
    core.check()?;
    let work = AlreadyConnected(Some(udp::connection(fd, protocol, options)?));
    given(core, Box::new(work), protocol.into(), -1, &options.common)
}

/// A Unix stream client that will connect to an address.
pub fn unix_stream(
    core: &Rc<EventLoop>,
    to: &UnixAddress,
    protocol: &Arc<dyn StreamProtocol>,
    options: &UnixStreamOptions,
) -> Result<Rc<AsyncClient>> {
    let (to, own, kept) = (to.clone(), protocol.clone(), options.clone());
    let begin = move || Ok(Box::new(unix_stream::connecting(&to, &own, &kept)?) as Work);
    client(core, Box::new(begin), protocol.into(), options.connect_timeout_ms, &options.common)
}

/// A Unix stream client over a connected socket, which is the library's only from success on.
pub fn unix_stream_from_fd(
    core: &Rc<EventLoop>,
    fd: GivenFd,
    protocol: &Arc<dyn StreamProtocol>,
    options: &UnixStreamOptions,
) -> Result<Rc<AsyncClient>> {
    core.check()?;
    let work = AlreadyConnected(Some(unix_stream::connection(fd, protocol, options)?));
    given(core, Box::new(work), protocol.into(), -1, &options.common)
}

/// A Unix datagram client whose peer will be the one at an address.
pub fn unix_datagram(
    core: &Rc<EventLoop>,
    to: &UnixAddress,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UnixDatagramOptions,
) -> Result<Rc<AsyncClient>> {
    let (to, own, kept) = (to.clone(), protocol.clone(), options.clone());
    let begin = move || Ok(Box::new(unix_datagram::connecting(&to, &own, &kept)?) as Work);
    client(core, Box::new(begin), protocol.into(), -1, &options.common)
}

/// A Unix datagram client over a connected socket, which is the library's only from success on.
pub fn unix_datagram_from_fd(
    core: &Rc<EventLoop>,
    fd: GivenFd,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UnixDatagramOptions,
) -> Result<Rc<AsyncClient>> {
    core.check()?;
    let work = AlreadyConnected(Some(unix_datagram::connection(fd, protocol, options)?));
    given(core, Box::new(work), protocol.into(), -1, &options.common)
}

/// An endpoint over a stream transport.
pub fn stream_endpoint(
    core: &Rc<EventLoop>,
    channel: &Channel<dyn StreamTransport>,
    protocol: &Arc<dyn StreamProtocol>,
    directions: Directions,
    options: &CommonOptions,
) -> Result<Rc<AsyncClient>> {
    let connection = endpoint::over_stream(channel, protocol, directions, options)?;
    endpoint(core, connection, protocol.into(), options)
}

/// An endpoint over a datagram transport.
pub fn datagram_endpoint(
    core: &Rc<EventLoop>,
    channel: &Channel<dyn DatagramTransport>,
    protocol: &Arc<dyn DatagramProtocol>,
    directions: Directions,
    options: &CommonOptions,
) -> Result<Rc<AsyncClient>> {
    let connection = endpoint::over_datagrams(channel, protocol, directions, options)?;
    endpoint(core, connection, protocol.into(), options)
}

fn endpoint(
    core: &Rc<EventLoop>,
    connection: Connection,
    encoder: Encoder,
    options: &CommonOptions,
) -> Result<Rc<AsyncClient>> {
    AsyncClient::over(core, connection, encoder, options.shutdown_timeout_ms)
}
