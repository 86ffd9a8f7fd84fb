//! A descriptor that the application gives away.

#[cfg(test)]
use std::os::fd::AsRawFd;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::c_int;

use super::handle::peer_name;
use super::{Socket, options};
use crate::error::{EN_EAFNOSUPPORT, EN_EBADF, EN_ENOTCONN, EN_ENOTSOCK, EN_EPROTOTYPE, Error, Result};

/// What kind of socket is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// SOCK_STREAM or SOCK_DGRAM.
    pub socket_type: c_int,
    /// AF_..., any of these; none: whatever it is.
    pub families: &'static [c_int],
}

/// A stream socket of any family.
pub const STREAM: Kind = Kind { socket_type: libc::SOCK_STREAM, families: &[] };

/// A datagram socket of any family.
pub const DATAGRAM: Kind = Kind { socket_type: libc::SOCK_DGRAM, families: &[] };

/// TCP over IPv4 or IPv6.
pub const TCP: Kind = Kind { socket_type: libc::SOCK_STREAM, families: &[libc::AF_INET, libc::AF_INET6] };

/// UDP over IPv4 or IPv6.
pub const UDP: Kind = Kind { socket_type: libc::SOCK_DGRAM, families: &[libc::AF_INET, libc::AF_INET6] };

/// A Unix stream socket.
pub const UNIX_STREAM: Kind = Kind { socket_type: libc::SOCK_STREAM, families: &[libc::AF_UNIX] };

/// A Unix datagram socket.
pub const UNIX_DATAGRAM: Kind = Kind { socket_type: libc::SOCK_DGRAM, families: &[libc::AF_UNIX] };

/// The number of a descriptor, perhaps.
#[derive(Debug)]
pub struct GivenFd(RawFd);

/// A connected socket, the application's until it is taken over.
#[derive(Debug)]
pub struct GivenSocket(RawFd);

impl GivenFd {
    /// # Safety
    /// If it is a socket, it stays open as long as this or what it becomes, and who takes it over owns it.
    pub unsafe fn new(fd: RawFd) -> GivenFd {
        GivenFd(fd)
    }

    /// For tests, which promise the same.
    #[cfg(test)]
    pub fn of(fd: &impl AsRawFd) -> GivenFd {
        GivenFd(fd.as_raw_fd())
    }

    /// The connected socket of the wanted kind that it has to be.
    pub fn check(self, kind: Kind) -> Result<GivenSocket> {
        let fd = self.0;
        // SAFETY: no memory is involved.
        if fd < 0 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return Err(Error::new(EN_EBADF, format!("descriptor {fd} is not open")));
        }
        let socket = GivenSocket(fd);
        let own_type = options::get_int(socket.as_fd(), libc::SOL_SOCKET, libc::SO_TYPE)
            .map_err(|_| Error::new(EN_ENOTSOCK, format!("descriptor {fd} is not a socket")))?;
        if own_type != kind.socket_type {
            return Err(Error::new(EN_EPROTOTYPE, format!("descriptor {fd} is a socket of the wrong type")));
        }
        let family = options::get_int(socket.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN)?;
        if !kind.families.is_empty() && !kind.families.contains(&family) {
            let reason = format!("descriptor {fd} is a socket of the wrong family ({family})");
            return Err(Error::new(EN_EAFNOSUPPORT, reason));
        }
        match peer_name(socket.as_fd()) {
            Ok(_) => Ok(socket),
            Err(error) if error.code() == EN_ENOTCONN => {
                Err(Error::new(EN_ENOTCONN, format!("descriptor {fd} is a socket without a connection")))
            }
            Err(error) => Err(error),
        }
    }
}

impl GivenSocket {
    /// Takes it over.
    pub fn adopt(self) -> Socket {
        // SAFETY: it is open, and ours from here on: see `GivenFd::new`.
        Socket::shared(unsafe { OwnedFd::from_raw_fd(self.0) })
    }
}

impl AsFd for GivenSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is open, and stays so: see `GivenFd::new`.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}
