//! The Unix datagram client.

use std::os::fd::AsFd;
use std::sync::Arc;

use super::CommonOptions;
use super::prepared::datagrams;
use super::unix::{Opening, UnixConnecting};
use crate::blocking::Client;
use crate::endpoint::Connection;
use crate::error::Result;
use crate::protocol::DatagramProtocol;
use crate::socket::given_fd::{self, GivenFd};
use crate::socket::names::Names;
use crate::socket::unix_address::UnixAddress;
use crate::socket::{Socket, unix_socket};
use crate::transport::socket::{DatagramKind, DatagramSocket};

/// How a Unix datagram client is made.
#[derive(Clone)]
pub struct UnixDatagramOptions {
    /// What all clients have.
    pub common: CommonOptions,
    /// The address to receive at; unnamed: one that the system chooses.
    pub local: UnixAddress,
    /// Whether the credentials of senders are received.
    pub receive_credentials: bool,
}

impl Default for UnixDatagramOptions {
    fn default() -> UnixDatagramOptions {
        UnixDatagramOptions {
            common: CommonOptions::default(),
            local: UnixAddress::Unnamed,
            receive_credentials: false,
        }
    }
}

/// Makes a socket whose peer is the one at an address.
pub fn connect(
    to: &UnixAddress,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UnixDatagramOptions,
) -> Result<Arc<Client>> {
    options.common.client(connecting(to, protocol, options)?, protocol.into(), -1)
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(
    fd: GivenFd,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UnixDatagramOptions,
) -> Result<Arc<Client>> {
    Ok(options.common.finished(connection(fd, protocol, options)?, protocol.into()))
}

/// A socket on its way to the peer at an address.
pub fn connecting(
    to: &UnixAddress,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UnixDatagramOptions,
) -> Result<UnixConnecting> {
    let opening = Opening {
        socket_type: libc::SOCK_DGRAM,
        local: Some(options.local.clone()),
        receive_credentials: options.receive_credentials,
    };
    let (protocol, common) = (protocol.clone(), options.common.clone());
    UnixConnecting::new(opening, to, move |socket| {
        let names = Names::unix(socket.as_fd())?;
        Ok(finish(Socket::new(socket), names, &protocol, &common))
    })
}

/// What a connected socket becomes.
pub fn connection(
    fd: GivenFd,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UnixDatagramOptions,
) -> Result<Connection> {
    let socket = fd.check(given_fd::UNIX_DATAGRAM)?;
    let names = Names::unix(socket.as_fd())?;
    if options.receive_credentials {
        unix_socket::receive_credentials(socket.as_fd())?;
    }
    Ok(finish(socket.adopt(), names, protocol, &options.common))
}

fn finish(
    socket: Socket,
    names: Names,
    protocol: &Arc<dyn DatagramProtocol>,
    common: &CommonOptions,
) -> Connection {
    let transport = Arc::new(DatagramSocket::new(socket, DatagramKind::Unix));
    datagrams(transport, names, protocol, common)
}
