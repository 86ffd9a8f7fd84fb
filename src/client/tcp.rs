//! The TCP client.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::local_address::LocalAddress;
use super::prepared::{PreparedStream, ip_names};
use super::secure::Secure;
use super::{CommonOptions, within};
use crate::blocking::client::Client;
use crate::blocking::connect;
use crate::deadline::Deadline;
use crate::error::{Result, Stage};
use crate::protocol::StreamProtocol;
use crate::socket::address::{Family, IpAddress};
use crate::socket::connect::{Attempts, TcpDialer};
use crate::socket::handle;
use crate::socket::options::{
    EN_OPTION_KEEPALIVE, EN_OPTION_KEEPALIVE_COUNT, EN_OPTION_KEEPALIVE_IDLE, EN_OPTION_KEEPALIVE_INTERVAL,
    EN_OPTION_NODELAY, EN_OPTION_USER_TIMEOUT, OPTIONS,
};
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
    /// The address to connect from.
    pub local: LocalAddress,
    /// Whether TLS is spoken, and how.
    pub secure: Secure,
    /// Options of the table that are set on the socket, and their values.
    socket: Vec<(i32, i64)>,
}

impl Default for TcpOptions {
    fn default() -> TcpOptions {
        TcpOptions {
            common: CommonOptions::default(),
            connect_timeout_ms: -1,
            happy_eyeballs_delay_ms: 250,
            local: LocalAddress::default(),
            secure: Secure::default(),
            socket: Vec::new(),
        }
    }
}

impl TcpOptions {
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
    options.secure.check(Some(host))?;
    let name: Arc<str> = format!("{host}:{port}").into();
    let mut deadline = Deadline::after_ms(options.connect_timeout_ms);
    let resolved = connect::resolve(host, port, Family::Any, &options.common.waiting(), &mut deadline);
    resolved
        .map_err(|error| error.at(Stage::Resolve))
        .and_then(|addresses| connect_within(Some(host), addresses, protocol, options, &mut deadline))
        .map_err(|error| error.with_peer(&name))
}

/// Connects to the first of the addresses that answers.
pub fn connect_addresses(
    addresses: Vec<IpAddress>,
    protocol: &Arc<dyn StreamProtocol>,
    options: &TcpOptions,
) -> Result<Arc<Client>> {
    options.secure.check(None)?;
    let mut deadline = Deadline::after_ms(options.connect_timeout_ms);
    connect_within(None, addresses, protocol, options, &mut deadline)
}

fn connect_within(
    host: Option<&str>,
    addresses: Vec<IpAddress>,
    protocol: &Arc<dyn StreamProtocol>,
    options: &TcpOptions,
    deadline: &mut Deadline,
) -> Result<Arc<Client>> {
    let waiting = options.common.waiting();
    let local = options.local.resolve(&waiting, deadline).map_err(|error| error.at(Stage::Resolve))?;
    let attempts = Attempts::new(TcpDialer { local }, addresses, options.delay());
    let (socket, address) =
        connect::connect(attempts, &waiting, deadline).map_err(|error| error.at(Stage::Connect))?;
    log::debug!("connected to {address}");
    socket.set_nonblocking(false)?;
    let prepared = prepare(socket.as_fd(), protocol, options)?;
    let socket = Arc::new(StreamSocket::new(OwnedFd::from(socket)));
    let transport = options.secure.over(socket, host, &waiting, *deadline);
    Ok(prepared.finish(transport.map_err(|error| error.with_peer(&address.to_string().into()))?))
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(fd: RawFd, protocol: &Arc<dyn StreamProtocol>, options: &TcpOptions) -> Result<Arc<Client>> {
    options.secure.check(None)?;
    let prepared = prepare(handle::check(fd, handle::TCP)?, protocol, options)?;
    let deadline = Deadline::after_ms(options.connect_timeout_ms);
    let socket = Arc::new(StreamSocket::new(handle::adopt(fd)));
    match options.secure.over(socket.clone(), None, &options.common.waiting(), deadline) {
        Ok(transport) => Ok(prepared.finish(transport)),
        Err(error) => {
            // The descriptor stays the caller's, and nobody else has it any more.
            if let Some(socket) = Arc::into_inner(socket) {
                let _ = socket.into_fd().into_raw_fd();
            }
            Err(error)
        }
    }
}

/// Everything about a client that can fail.
fn prepare<'a>(
    socket: BorrowedFd<'_>,
    protocol: &'a Arc<dyn StreamProtocol>,
    options: &'a TcpOptions,
) -> Result<PreparedStream<'a>> {
    let prepared = PreparedStream::new(ip_names(socket)?, protocol, &options.common)?;
    for (option, value) in [(EN_OPTION_NODELAY, 1), (EN_OPTION_KEEPALIVE, 1)].iter().chain(&options.socket) {
        // A connection without these is better than none.
        if let Err(error) = OPTIONS.find(*option)?.set(socket, *value) {
            log::warn!("socket option {option} was refused: {error}");
        }
    }
    Ok(prepared)
}
