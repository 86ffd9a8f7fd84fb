//! The UDP client.

use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::CommonOptions;
use super::local_address::LocalAddress;
use super::prepared::{datagram_client, ip_names};
use crate::blocking::client::Client;
use crate::blocking::connect;
use crate::deadline::Deadline;
use crate::error::{Result, Stage};
use crate::protocol::DatagramProtocol;
use crate::socket::address::Family;
use crate::socket::connect::Attempts;
use crate::socket::datagram::is_coalescing;
use crate::socket::handle;
use crate::socket::udp_dialer::UdpDialer;
use crate::transport::socket::DatagramKind;

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
    let name: Arc<str> = format!("{host}:{port}").into();
    connect_within(host, port, protocol, options).map_err(|error| error.with_peer(&name))
}

fn connect_within(
    host: &str,
    port: u16,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UdpOptions,
) -> Result<Arc<Client>> {
    let mut deadline = Deadline::after_ms(options.connect_timeout_ms);
    let waiting = options.common.waiting();
    let addresses = connect::resolve(host, port, options.family, &waiting, &mut deadline)
        .map_err(|error| error.at(Stage::Resolve))?;
    let local = options.local.resolve(&waiting, &mut deadline).map_err(|error| error.at(Stage::Resolve))?;
    let dialer = UdpDialer { local, reuse_port: options.reuse_port };
    // An attempt is over at once, so there is nothing to try beside it.
    let (socket, address) = connect::connect(Attempts::new(dialer, addresses, None), &waiting, &mut deadline)
        .map_err(|error| error.at(Stage::Connect))?;
    log::debug!("connected to {address}");
    let offload = options.receive_offload && socket.coalesce();
    let names = ip_names(socket.as_fd())?;
    let kind = DatagramKind::Udp { offload };
    Ok(datagram_client(OwnedFd::from(socket), kind, names, protocol, &options.common))
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(fd: RawFd, protocol: &Arc<dyn DatagramProtocol>, options: &UdpOptions) -> Result<Arc<Client>> {
    let socket = handle::check(fd, handle::UDP)?;
    let names = ip_names(socket)?;
    // The application may have turned it on.
    let kind = DatagramKind::Udp { offload: is_coalescing(socket) };
    Ok(datagram_client(handle::adopt(fd), kind, names, protocol, &options.common))
}
