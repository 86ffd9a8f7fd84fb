//! Unix sockets: opened, bound and connected; see unix(7).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::c_int;
use socket2::{Domain, Socket, Type};

use super::ancillary::Credentials;
use super::options;
use super::unix_address::UnixAddress;
use crate::error::{Error, Result};

/// A socket that is being connected: calls do not wait.
#[derive(Debug)]
pub struct UnixSocket(Socket);

impl UnixSocket {
    /// A new one: SOCK_STREAM or SOCK_DGRAM.
    pub fn open(socket_type: c_int) -> Result<UnixSocket> {
        let kind = Type::from(socket_type).nonblocking().cloexec();
        Ok(UnixSocket(Socket::new_raw(Domain::UNIX, kind, None)?))
    }

    /// Gives it a name; the system chooses an abstract one if it is to be unnamed.
    pub fn bind(&self, address: &UnixAddress) -> Result<()> {
        self.call(libc::bind, address).map_err(Error::os)
    }

    /// Gives it its peer; no: the queue of the one who listens is full, and nothing tells when it is
    /// not.
    pub fn connect(&self, to: &UnixAddress) -> Result<bool> {
        match self.call(libc::connect, to) {
            Ok(()) => Ok(true),
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EINTR) => Ok(false),
                _ => Err(Error::os(error)),
            },
        }
    }

    fn call(&self, call: AddressCall, address: &UnixAddress) -> io::Result<()> {
        let mut bytes = address.to_sockaddr();
        let size = bytes.len() as libc::socklen_t;
        // Who checks the memory of calls looks at all of a sockaddr_un.
        bytes.resize(bytes.len().max(size_of::<libc::sockaddr_un>()), 0);
        // SAFETY: the call reads as many bytes as it is told that there are, and copies them first,
        // so that they need no alignment.
        let answer = unsafe { call(self.0.as_raw_fd(), bytes.as_ptr().cast(), size) };
        if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Makes the system send the credentials of senders along.
    pub fn receive_credentials(&self) -> Result<()> {
        receive_credentials(self.0.as_fd())
    }

    /// The socket as a client has it.
    pub fn into_blocking(self) -> Result<OwnedFd> {
        self.0.set_nonblocking(false)?;
        Ok(self.0.into())
    }
}

type AddressCall = unsafe extern "C" fn(c_int, *const libc::sockaddr, libc::socklen_t) -> c_int;

/// Makes the system send the credentials of senders along.
pub fn receive_credentials(socket: BorrowedFd<'_>) -> Result<()> {
    options::setsockopt(socket, libc::SOL_SOCKET, libc::SO_PASSCRED, &1_i32.to_ne_bytes())
}

/// The process at the other end of a connection when it was made.
pub fn peer_credentials(socket: BorrowedFd<'_>) -> Result<Credentials> {
    let mut numbers = [[0_u8; 4]; 3];
    options::get_bytes(socket, libc::SOL_SOCKET, libc::SO_PEERCRED, numbers.as_flattened_mut())?;
    Ok(Credentials::from_fields(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_full_queue_is_told_from_a_failure() {
        let listener = UnixSocket::open(libc::SOCK_STREAM).expect("a socket");
        listener.bind(&UnixAddress::Unnamed).expect("the system chooses a name");
        listener.0.listen(0).expect("listening");
        let name = super::super::handle::own_name(listener.0.as_fd()).expect("a name");
        let name = UnixAddress::from_sockaddr(&name).expect("a Unix name");
        assert!(matches!(name, UnixAddress::Abstract(_)));
        let mut begun = Vec::new();
        loop {
            let socket = UnixSocket::open(libc::SOCK_STREAM).expect("a socket");
            if !socket.connect(&name).expect("somebody listens") {
                break;
            }
            begun.push(socket);
            assert!(begun.len() < 100, "a queue of length 0 is full at some time");
        }
        assert!(!begun.is_empty());
    }

    #[test]
    fn the_peer_of_a_pair_is_this_process() {
        let (one, _other) = UnixStream::pair().expect("a pair");
        let credentials = peer_credentials(one.as_fd()).expect("known");
        assert_eq!(credentials.pid.unsigned_abs(), std::process::id());
    }
}
