//! Who is at the two ends of a socket.

use std::fmt;
use std::os::fd::BorrowedFd;

use super::address::IpAddress;
use super::ancillary::Credentials;
use super::handle::{own_name, peer_name};
use super::unix_address::UnixAddress;
use super::unix_socket;
use crate::error::{EN_EAFNOSUPPORT, EN_ENODATA, Error, Result};

/// Who is at the two ends: read once, so that a reset does not take it away.
#[derive(Clone, Debug)]
pub struct Names {
    /// Our end.
    pub local: Name,
    /// The peer's end.
    pub remote: Name,
    /// The process at the peer's end, where the system tells.
    pub credentials: Option<Credentials>,
}

impl Names {
    /// Those of an IP socket.
    pub fn ip(socket: BorrowedFd<'_>) -> Result<Names> {
        Ok(Names {
            // Asked first: it fails where there is no connection.
            remote: Name::Ip(IpAddress::from_sockaddr(&peer_name(socket)?)?),
            local: Name::Ip(IpAddress::from_sockaddr(&own_name(socket)?)?),
            credentials: None,
        })
    }

    /// Those of a Unix datagram socket.
    pub fn unix(socket: BorrowedFd<'_>) -> Result<Names> {
        Ok(Names {
            local: Name::Unix(UnixAddress::from_sockaddr(&own_name(socket)?)?),
            remote: Name::Unix(UnixAddress::from_sockaddr(&peer_name(socket)?)?),
            credentials: None,
        })
    }

    /// Those of a Unix stream socket, which knows the process at its other end.
    pub fn unix_stream(socket: BorrowedFd<'_>) -> Result<Names> {
        Ok(Names { credentials: Some(unix_socket::peer_credentials(socket)?), ..Names::unix(socket)? })
    }
}

/// Where nobody is known.
#[cold]
pub fn unknown() -> Error {
    Error::new(EN_ENODATA, "nobody knows who is at the ends of this transport")
}

/// One end, by its family.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The types say it.
pub enum Name {
    Ip(IpAddress),
    Unix(UnixAddress),
}

impl Name {
    /// The address, of an IP socket.
    pub fn to_ip(&self) -> Result<IpAddress> {
        match self {
            Name::Ip(address) => Ok(address.clone()),
            Name::Unix(_) => Err(Error::new(EN_EAFNOSUPPORT, "a Unix socket has a name, and no IP address")),
        }
    }

    /// The name, of a Unix socket.
    pub fn to_unix(&self) -> Result<UnixAddress> {
        match self {
            Name::Unix(address) => Ok(address.clone()),
            Name::Ip(_) => Err(Error::new(EN_EAFNOSUPPORT, "an IP socket has an address, and no Unix name")),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Ip(address) => address.fmt(f),
            Name::Unix(address) => address.fmt(f),
        }
    }
}
