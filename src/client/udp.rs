//! The UDP client.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use super::CommonOptions;
use super::local_address::LocalAddress;
use super::prepared::datagrams;
use super::reaching::Reaching;
use super::resolving::Resolving;
use crate::attempt::{Course, Hold, Interest, Undertaking};
use crate::blocking::Client;
use crate::endpoint::Connection;
use crate::error::{Error, Result, Stage};
use crate::protocol::DatagramProtocol;
use crate::socket::Socket;
use crate::socket::address::{Family, IpAddress, host_and_port};
use crate::socket::connect::Attempts;
use crate::socket::given_fd::{self, GivenFd};
use crate::socket::names::Names;
use crate::socket::udp_dialer::UdpDialer;
use crate::transport::socket::{DatagramKind, DatagramSocket};

/// How a UDP client is made.
#[derive(Clone)]
pub struct UdpOptions {
    /// What all clients have.
    pub common: CommonOptions,
    /// How long connecting may take; negative: for ever.
    pub connect_timeout_ms: i64,
    /// The address to connect from.
    pub local: LocalAddress,
    /// Which addresses of the peer to take.
    pub family: Family,
    /// Whether others may have the same local address.
    pub reuse_port: bool,
    /// Whether the system may hand over several datagrams at once.
    pub receive_offload: bool,
}

impl Default for UdpOptions {
    fn default() -> UdpOptions {
        UdpOptions {
            common: CommonOptions::default(),
            connect_timeout_ms: -1,
            local: LocalAddress::default(),
            family: Family::Any,
            reuse_port: false,
            receive_offload: false,
        }
    }
}

/// Makes a socket whose peer is a host, by name or numeric address.
pub fn connect(
    host: &str,
    port: u16,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UdpOptions,
) -> Result<Arc<Client>> {
    let work = UdpConnecting::host(host, port, protocol, options)?;
    options.common.client(work, protocol.into(), options.connect_timeout_ms)
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(
    fd: GivenFd,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UdpOptions,
) -> Result<Arc<Client>> {
    Ok(options.common.finished(connection(fd, protocol, options)?, protocol.into()))
}

/// What a connected socket becomes.
pub fn connection(
    fd: GivenFd,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UdpOptions,
) -> Result<Connection> {
    let socket = fd.check(given_fd::UDP)?;
    let names = Names::ip(socket.as_fd())?;
    let kind = DatagramKind::udp(socket.as_fd());
    Ok(finish(socket.adopt(), kind, names, protocol, options))
}

fn finish(
    socket: Socket,
    kind: DatagramKind,
    names: Names,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UdpOptions,
) -> Connection {
    let transport = Arc::new(DatagramSocket::new(socket, kind));
    datagrams(transport, names, protocol, &options.common)
}

/// A UDP socket on its way to a peer: only names take time.
pub struct UdpConnecting {
    /// The host and the port.
    peer: Arc<str>,
    protocol: Arc<dyn DatagramProtocol>,
    options: UdpOptions,
    /// None: it is over.
    reaching: Option<Reaching<UdpDialer>>,
}

impl UdpConnecting {
    /// To a host by name or numeric address.
    pub fn host(
        host: &str,
        port: u16,
        protocol: &Arc<dyn DatagramProtocol>,
        options: &UdpOptions,
    ) -> Result<UdpConnecting> {
        let peer: Arc<str> = host_and_port(host, port).into();
        let resolving = Resolving::host(host, port, options.family, &options.local)
            .map_err(|error| error.at(Stage::Resolve).with_peer(&peer))?;
        let dialer = UdpDialer { local: Vec::new(), reuse_port: options.reuse_port };
        // An attempt is over at once, so there is nothing to try beside it.
        let reaching = Some(Reaching::new(resolving, Attempts::new(dialer, None).of_host(host)));
        Ok(UdpConnecting { peer, protocol: protocol.clone(), options: options.clone(), reaching })
    }

    fn connected(&self, socket: Socket, address: &IpAddress) -> Result<Connection> {
        log::debug!("connected to {address}");
        let offload = self.options.receive_offload && socket.coalesce();
        let kind = DatagramKind::Udp { offload };
        let names = Names::ip(socket.as_fd())?;
        Ok(finish(socket, kind, names, &self.protocol, &self.options))
    }
}

impl Undertaking for UdpConnecting {
    type Outcome = Connection;

    fn advance(&mut self, now: Instant, _hold: Hold) -> Course<Connection> {
        let Some(reaching) = &mut self.reaching else { return Course::Wait { until: None } };
        let outcome = match reaching.advance(now) {
            Course::Wait { until } => return Course::Wait { until },
            Course::Failed(error) => Err(error),
            Course::Done((socket, address)) => self.connected(socket, &address),
        };
        outcome.map_or_else(|error| Course::Failed(self.explain(error)), Course::Done)
    }

    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        self.reaching.as_ref().map(Reaching::waits_for).unwrap_or_default()
    }

    fn give_up(&mut self, error: Error) -> Error {
        let error = match self.reaching.take() {
            Some(reaching) => reaching.give_up(error),
            None => error,
        };
        self.explain(error)
    }

    fn explain(&self, error: Error) -> Error {
        error.with_peer(&self.peer)
    }
}
