//! Who is at the two ends of a socket.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::BorrowedFd;

use super::address::IpAddress;
use super::ancillary::Credentials;
use super::handle::{own_name, peer_name};
use super::unix_address::UnixAddress;
use super::unix_socket;
use crate::error::{EN_EAFNOSUPPORT, EN_ENODATA, Error, Result};

/// Who is at the two ends: read once, so that a reset does not take it away.
#[derive(Clone, Debug)]
pub struct Names(Ends);

/// There may be very many connections, and most of them are of the first two kinds.
#[derive(Clone, Debug)]
enum Ends {
    Ip4 { local: SocketAddrV4, remote: SocketAddrV4 },
    Unix(Box<UnixEnds>),
    Any(Box<[Name; 2]>),
}

#[derive(Clone, Debug)]
struct UnixEnds {
    local: UnixAddress,
    remote: UnixAddress,
    credentials: Option<Credentials>,
}

impl Names {
    /// Those that are known already.
    pub fn new(local: Name, remote: Name) -> Names {
        Names(match (local, remote) {
            (Name::Unix(local), Name::Unix(remote)) => {
                Ends::Unix(Box::new(UnixEnds { local, remote, credentials: None }))
            }
            (local, remote) => match (local.as_v4(), remote.as_v4()) {
                (Some(local), Some(remote)) => Ends::Ip4 { local, remote },
                _ => Ends::Any(Box::new([local, remote])),
            },
        })
    }

    /// Those of an IP socket.
    pub fn ip(socket: BorrowedFd<'_>) -> Result<Names> {
        // Asked first: it fails where there is no connection.
        let remote = IpAddress::from_sockaddr(&peer_name(socket)?)?;
        let local = IpAddress::from_sockaddr(&own_name(socket)?)?;
        Ok(Names::new(Name::Ip(local), Name::Ip(remote)))
    }

    /// Those of a Unix datagram socket.
    pub fn unix(socket: BorrowedFd<'_>) -> Result<Names> {
        Names::of_unix(socket, None)
    }

    /// Those of a Unix stream socket, which knows the process at its other end.
    pub fn unix_stream(socket: BorrowedFd<'_>) -> Result<Names> {
        Names::of_unix(socket, Some(unix_socket::peer_credentials(socket)?))
    }

    fn of_unix(socket: BorrowedFd<'_>, credentials: Option<Credentials>) -> Result<Names> {
        let local = UnixAddress::from_sockaddr(&own_name(socket)?)?;
        let remote = UnixAddress::from_sockaddr(&peer_name(socket)?)?;
        Ok(Names(Ends::Unix(Box::new(UnixEnds { local, remote, credentials }))))
    }

    /// Our end.
    pub fn local(&self) -> Name {
        match &self.0 {
            Ends::Ip4 { local, .. } => Name::Ip(SocketAddr::V4(*local).into()),
            Ends::Unix(ends) => Name::Unix(ends.local.clone()),
            Ends::Any(ends) => ends[0].clone(),
        }
    }

    /// The peer's end.
    pub fn remote(&self) -> Name {
        match &self.0 {
            Ends::Ip4 { remote, .. } => Name::Ip(SocketAddr::V4(*remote).into()),
            Ends::Unix(ends) => Name::Unix(ends.remote.clone()),
            Ends::Any(ends) => ends[1].clone(),
        }
    }

    /// The process at the peer's end when the connection was made, where the system tells.
    pub fn credentials(&self) -> Result<Credentials> {
        let known = match &self.0 {
            Ends::Unix(ends) => ends.credentials,
            Ends::Ip4 { .. } | Ends::Any(_) => None,
        };
        known.ok_or_else(|| Error::new(EN_ENODATA, "the system knows no credentials of this peer"))
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
    fn as_v4(&self) -> Option<SocketAddrV4> {
        match self {
            Name::Ip(address) => match address.as_socket_addr() {
                SocketAddr::V4(address) => Some(*address),
                SocketAddr::V6(_) => None,
            },
            Name::Unix(_) => None,
        }
    }

    /// The address, of an IP socket.
    pub fn into_ip(self) -> Result<IpAddress> {
        match self {
            Name::Ip(address) => Ok(address),
            Name::Unix(_) => Err(Error::new(EN_EAFNOSUPPORT, "a Unix socket has a name, and no IP address")),
        }
    }

    /// The name, of a Unix socket.
    pub fn into_unix(self) -> Result<UnixAddress> {
        match self {
            Name::Unix(address) => Ok(address),
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
