//! The TCP client.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::{CommonOptions, within};
use crate::blocking::client::{Client, Names, Parts};
use crate::blocking::connect;
use crate::deadline::Deadline;
use crate::endpoint::Counters;
use crate::endpoint::intake::Intake;
use crate::endpoint::stream::{StreamReceiver, StreamSender};
use crate::error::{Result, Stage, invalid};
use crate::protocol::{Decoding, StreamProtocol};
use crate::socket::address::{Family, IpAddress};
use crate::socket::connect::{Attempts, TcpDialer};
use crate::socket::options::{
    EN_OPTION_KEEPALIVE, EN_OPTION_KEEPALIVE_COUNT, EN_OPTION_KEEPALIVE_IDLE, EN_OPTION_KEEPALIVE_INTERVAL,
    EN_OPTION_NODELAY, EN_OPTION_USER_TIMEOUT, OPTIONS,
};
use crate::socket::{Socket, handle};
use crate::transport::socket::StreamSocket;

/// How a TCP client is made.
#[derive(Clone)]
pub struct TcpOptions {
    /// What all clients have.
    pub common: CommonOptions,
    /// How long connecting may take; negative: for ever.
    pub connect_timeout_ms: i64,
    /// How long one address is tried alone; negative: until it fails.
    pub happy_eyeballs_delay_ms: i64,
    local: Option<(Option<String>, u16)>,
    /// Options of the table that are set on the socket, and their values.
    socket: Vec<(i32, i64)>,
}

impl Default for TcpOptions {
    fn default() -> TcpOptions {
        TcpOptions {
            common: CommonOptions::default(),
            connect_timeout_ms: -1,
            happy_eyeballs_delay_ms: 250,
            local: None,
            socket: Vec::new(),
        }
    }
}

impl TcpOptions {
    /// The address to connect from; no host: any.
    pub fn set_local_address(&mut self, host: Option<&str>, port: u16) -> Result<()> {
        if host == Some("") {
            return Err(invalid("the local host is empty: give NULL for any address"));
        }
        self.local = Some((host.map(str::to_string), port));
        Ok(())
    }

    /// When and how often the system asks a silent peer; 0: as the system has it.
    pub fn set_keepalive(&mut self, idle_s: u32, interval_s: u32, count: u32) -> Result<()> {
        within("keepalive idle_s", idle_s as usize, 32_767)?;
        within("keepalive interval_s", interval_s as usize, 32_767)?;
        within("keepalive count", count as usize, 127)?;
        self.set_socket_option(EN_OPTION_KEEPALIVE_IDLE, idle_s);
        self.set_socket_option(EN_OPTION_KEEPALIVE_INTERVAL, interval_s);
        self.set_socket_option(EN_OPTION_KEEPALIVE_COUNT, count);
        Ok(())
    }

    /// How long sent data may stay without an answer; 0: as the system has it.
    pub fn set_user_timeout(&mut self, timeout_ms: u32) -> Result<()> {
        within("user_timeout", timeout_ms as usize, i32::MAX as usize)?;
        self.set_socket_option(EN_OPTION_USER_TIMEOUT, timeout_ms);
        Ok(())
    }

    fn set_socket_option(&mut self, option: i32, value: u32) {
        self.socket.retain(|(other, _)| *other != option);
        if value > 0 {
            self.socket.push((option, value.into()));
        }
    }

    /// The addresses to bind to, as far as there are any to choose from.
    fn local_addresses(&self, deadline: &mut Deadline) -> Result<Vec<IpAddress>> {
        match &self.local {
            None => Ok(Vec::new()),
            Some((None, port)) => {
                Ok(vec![IpAddress::parse("0.0.0.0", *port)?, IpAddress::parse("::", *port)?])
            }
            Some((Some(host), port)) => {
                connect::resolve(host, *port, Family::Any, &self.common.waiting(), deadline)
            }
        }
    }

    fn delay(&self) -> Option<Duration> {
        u64::try_from(self.happy_eyeballs_delay_ms).ok().map(Duration::from_millis)
    }
}

/// Connects to a host by name or numeric address.
pub fn connect(
    host: &str,
    port: u16,
    protocol: &Arc<dyn StreamProtocol>,
    options: &TcpOptions,
) -> Result<Arc<Client>> {
    let name: Arc<str> = format!("{host}:{port}").into();
    let mut deadline = Deadline::after_ms(options.connect_timeout_ms);
    let resolved = connect::resolve(host, port, Family::Any, &options.common.waiting(), &mut deadline);
    resolved
        .map_err(|error| error.at(Stage::Resolve))
        .and_then(|addresses| connect_within(addresses, protocol, options, &mut deadline))
        .map_err(|error| error.with_peer(&name))
}

/// Connects to the first of the addresses that answers.
pub fn connect_addresses(
    addresses: Vec<IpAddress>,
    protocol: &Arc<dyn StreamProtocol>,
    options: &TcpOptions,
) -> Result<Arc<Client>> {
    let mut deadline = Deadline::after_ms(options.connect_timeout_ms);
    connect_within(addresses, protocol, options, &mut deadline)
}

fn connect_within(
    addresses: Vec<IpAddress>,
    protocol: &Arc<dyn StreamProtocol>,
    options: &TcpOptions,
    deadline: &mut Deadline,
) -> Result<Arc<Client>> {
    let local = options.local_addresses(deadline).map_err(|error| error.at(Stage::Resolve))?;
    let attempts = Attempts::new(TcpDialer { local }, addresses, options.delay());
    let waiting = options.common.waiting();
    let (socket, address) =
        connect::connect(attempts, &waiting, deadline).map_err(|error| error.at(Stage::Connect))?;
    log::debug!("connected to {address}");
    socket.set_nonblocking(false)?;
    let prepared = Prepared::new(socket.as_fd(), protocol, options)?;
    Ok(prepared.finish(OwnedFd::from(socket), protocol, options))
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(fd: RawFd, protocol: &Arc<dyn StreamProtocol>, options: &TcpOptions) -> Result<Arc<Client>> {
    let socket = handle::check(fd, handle::TCP)?;
    let prepared = Prepared::new(socket, protocol, options)?;
    Ok(prepared.finish(handle::adopt(fd), protocol, options))
}

/// Everything about a client that can fail.
struct Prepared {
    names: Names,
    decoding: Decoding,
}

impl Prepared {
    fn new(
        socket: BorrowedFd<'_>,
        protocol: &Arc<dyn StreamProtocol>,
        options: &TcpOptions,
    ) -> Result<Prepared> {
        let decoding = protocol.decoder()?;
        let names = Names {
            local: IpAddress::from_sockaddr(&handle::own_name(socket)?)?,
            remote: IpAddress::from_sockaddr(&handle::peer_name(socket)?)?,
        };
        for (option, value) in
            [(EN_OPTION_NODELAY, 1), (EN_OPTION_KEEPALIVE, 1)].iter().chain(&options.socket)
        {
            // A connection without these is better than none.
            if let Err(error) = OPTIONS.find(*option)?.set(socket, *value) {
                log::warn!("socket option {option} was refused: {error}");
            }
        }
        Ok(Prepared { names, decoding })
    }

    fn finish(self, fd: OwnedFd, protocol: &Arc<dyn StreamProtocol>, options: &TcpOptions) -> Arc<Client> {
        let transport = Arc::new(StreamSocket::new(Socket::new(fd)));
        let counters = Arc::new(Counters::default());
        let common = &options.common;
        let intake = Intake::new(self.decoding, common.max_packet_size, common.ask());
        Arc::new(Client::new(Parts {
            receiver: Box::new(StreamReceiver::new(transport.clone(), intake, counters.clone())),
            sender: Box::new(StreamSender::new(transport.clone(), common.write_buffer, counters.clone())),
            transport,
            encoder: Box::new(protocol.clone()),
            counters,
            names: self.names,
            waiting: common.waiting(),
            shutdown_timeout_ms: common.shutdown_timeout_ms,
            runs_callbacks: protocol.runs_callbacks() || common.has_interrupt(),
        }))
    }
}
