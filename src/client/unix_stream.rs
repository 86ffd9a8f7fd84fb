//! The Unix stream client.

use std::os::fd::AsFd;
use std::sync::Arc;

use super::CommonOptions;
use super::prepared::PreparedStream;
use super::unix::{Opening, UnixConnecting};
use crate::blocking::Client;
use crate::endpoint::Connection;
use crate::error::Result;
use crate::protocol::StreamProtocol;
use crate::socket::given_fd::{self, GivenFd};
use crate::socket::names::Names;
use crate::socket::unix_address::UnixAddress;
use crate::socket::{Socket, unix_socket};
use crate::transport::socket::StreamSocket;

/// How a Unix stream client is made.
#[derive(Clone)]
pub struct UnixStreamOptions {
    /// What all clients have.
    pub common: CommonOptions,
    /// How long connecting may take; negative: for ever.
    pub connect_timeout_ms: i64,
    /// The address to connect from.
    pub local: UnixAddress,
    /// Whether the credentials of senders are received.
    pub receive_credentials: bool,
}

impl Default for UnixStreamOptions {
    fn default() -> UnixStreamOptions {
        UnixStreamOptions {
            common: CommonOptions::default(),
            connect_timeout_ms: -1,
            local: UnixAddress::Unnamed,
            receive_credentials: false,
        }
    }
}

/// Connects to the socket that listens at an address.
pub fn connect(
    to: &UnixAddress,
    protocol: &Arc<dyn StreamProtocol>,
    options: &UnixStreamOptions,
) -> Result<Arc<Client>> {
    options.common.client(connecting(to, protocol, options)?, protocol.into(), options.connect_timeout_ms)
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(
    fd: GivenFd,
    protocol: &Arc<dyn StreamProtocol>,
    options: &UnixStreamOptions,
) -> Result<Arc<Client>> {
    Ok(options.common.finished(connection(fd, protocol, options)?, protocol.into()))
}

/// A connection on its way to the socket that listens at an address.
pub fn connecting(
    to: &UnixAddress,
    protocol: &Arc<dyn StreamProtocol>,
    options: &UnixStreamOptions,
) -> Result<UnixConnecting> {
    let opening = Opening {
        socket_type: libc::SOCK_STREAM,
        local: Some(options.local.clone()).filter(|local| *local != UnixAddress::Unnamed),
        receive_credentials: options.receive_credentials,
    };
    let (protocol, common) = (protocol.clone(), options.common.clone());
    UnixConnecting::new(opening, to, move |socket| {
        let prepared = PreparedStream::new(Names::unix_stream(socket.as_fd())?, &protocol, &common)?;
        Ok(prepared.finish(Arc::new(StreamSocket::unix(Socket::new(socket))), &common))
    })
}

/// What a connected socket becomes.
pub fn connection(
    fd: GivenFd,
    protocol: &Arc<dyn StreamProtocol>,
    options: &UnixStreamOptions,
) -> Result<Connection> {
    let socket = fd.check(given_fd::UNIX_STREAM)?;
    let prepared = PreparedStream::new(Names::unix_stream(socket.as_fd())?, protocol, &options.common)?;
    if options.receive_credentials {
        unix_socket::receive_credentials(socket.as_fd())?;
    }
    Ok(prepared.finish(Arc::new(StreamSocket::unix(socket.adopt())), &options.common))
}
