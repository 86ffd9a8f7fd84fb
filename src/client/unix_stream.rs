//! The Unix stream client.

use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::sync::Arc;

use super::CommonOptions;
use super::prepared::PreparedStream;
use super::unix::{Opening, names};
use crate::blocking::client::{Client, Names};
use crate::deadline::Deadline;
use crate::error::Result;
use crate::protocol::StreamProtocol;
use crate::socket::handle;
use crate::socket::unix_address::UnixAddress;
use crate::socket::unix_socket;
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
    let opening = Opening {
        socket_type: libc::SOCK_STREAM,
        local: Some(&options.local).filter(|local| **local != UnixAddress::Unnamed),
        receive_credentials: options.receive_credentials,
    };
    let mut deadline = Deadline::after_ms(options.connect_timeout_ms);
    let socket = opening.connect(to, &options.common.waiting(), &mut deadline)?;
    let prepared = PreparedStream::new(stream_names(socket.as_fd())?, protocol, &options.common)?;
    Ok(prepared.finish(Arc::new(StreamSocket::new(socket))))
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(
    fd: RawFd,
    protocol: &Arc<dyn StreamProtocol>,
    options: &UnixStreamOptions,
) -> Result<Arc<Client>> {
    let socket = handle::check(fd, handle::UNIX_STREAM)?;
    let prepared = PreparedStream::new(stream_names(socket)?, protocol, &options.common)?;
    if options.receive_credentials {
        unix_socket::receive_credentials(socket)?;
    }
    Ok(prepared.finish(Arc::new(StreamSocket::new(handle::adopt(fd)))))
}

fn stream_names(socket: BorrowedFd<'_>) -> Result<Names> {
    Ok(Names { credentials: Some(unix_socket::peer_credentials(socket)?), ..names(socket)? })
}
