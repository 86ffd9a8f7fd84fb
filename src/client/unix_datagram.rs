//! The Unix datagram client.

use std::os::fd::{AsFd, RawFd};
use std::sync::Arc;

use super::CommonOptions;
use super::prepared::datagram_client;
use super::unix::{Opening, names};
use crate::blocking::client::Client;
use crate::deadline::Deadline;
use crate::error::Result;
use crate::protocol::DatagramProtocol;
use crate::socket::handle;
use crate::socket::unix_address::UnixAddress;
use crate::socket::unix_socket;
use crate::transport::socket::DatagramKind;

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
    let opening = Opening {
        socket_type: libc::SOCK_DGRAM,
        local: Some(&options.local),
        receive_credentials: options.receive_credentials,
    };
    let socket = opening.connect(to, &options.common.waiting(), &mut Deadline::Never)?;
    let names = names(socket.as_fd())?;
    Ok(datagram_client(socket, DatagramKind::Unix, names, protocol, &options.common))
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(
    fd: RawFd,
    protocol: &Arc<dyn DatagramProtocol>,
    options: &UnixDatagramOptions,
) -> Result<Arc<Client>> {
    let socket = handle::check(fd, handle::UNIX_DATAGRAM)?;
    let names = names(socket)?;
    if options.receive_credentials {
        unix_socket::receive_credentials(socket)?;
    }
    Ok(datagram_client(handle::adopt(fd), DatagramKind::Unix, names, protocol, &options.common))
}
