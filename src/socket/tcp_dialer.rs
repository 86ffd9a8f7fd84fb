//! Connections over TCP for [`Attempts`](super::connect::Attempts).

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::address::IpAddress;
use super::connect::{Dialer, Dialing, local_for, not_begun, not_bound};
use super::handle::{TCP_CLOSE, tcp_state};
use super::names::Names;
use super::options;
use crate::error::{EN_ENOTCONN, Error, Result};

/// Connects non-blocking TCP sockets.
#[derive(Clone, Debug, Default)]
pub struct TcpDialer {
    /// The addresses to connect from, one of each family at most; empty: the system chooses.
    pub local: Vec<IpAddress>,
}

/// A socket on its way to a connection.
#[derive(Debug)]
pub struct Dialed {
    socket: Socket,
    /// Who is at its ends; None: it is not connected.
    names: Option<Names>,
}

impl Dialed {
    /// The connected socket, which blocks from now on, and who is at its ends.
    pub fn into_blocking(self) -> Result<(OwnedFd, Names)> {
        let stream = TcpStream::from(self.socket);
        stream.set_nonblocking(false)?;
        let names = self.names.map_or_else(|| Names::ip(stream.as_fd()), Ok)?;
        Ok((stream.into(), names))
    }

    /// Whether it has come to its end, and to somebody else; None: it is still pending.
    fn look(&mut self) -> Option<Result<()>> {
        match Names::ip(self.socket.as_fd()) {
            // A port of this machine on which nobody listens may be given to the very socket that
            // connects to it: TCP connects it to itself.
            Ok(names) if names.local() == names.remote() => Some(Err(os(libc::ECONNREFUSED))),
            Ok(names) => {
                self.names = Some(names);
                Some(Ok(()))
            }
            Err(error) if error.code() == EN_ENOTCONN => {
                let failure = self.failure();
                if failure.is_none() {
                    self.forget_reports();
                }
                failure.map(Err)
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Why there is no connection; None: there may still come one.
    fn failure(&self) -> Option<Error> {
        let state = tcp_state(self.socket.as_fd());
        if state.is_some_and(|state| state != TCP_CLOSE) {
            // Before its end, the socket's error is only what an attempt met with that the kernel repeats.
            return None;
        }
        match self.socket.take_error() {
            // A closed one gets no further, even if somebody else was told why.
            Ok(None) => state.map(|_| os(libc::ECONNABORTED)),
            Ok(Some(error)) | Err(error) => Some(Error::os(error)),
        }
    }

    /// Over IPv4 the kernel keeps what the network has said of the first attempt, asked for or not, and the
    /// socket would be ready, for that alone, as long as it lives.
    fn forget_reports(&self) {
        let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
        while self.socket.recv_with_flags(&mut [], flags).is_ok() {}
    }
}

impl Dialer for TcpDialer {
    type Socket = Dialed;

    fn bind_to(&mut self, local: Vec<IpAddress>) {
        self.local = local;
    }

    fn dial(&mut self, to: &IpAddress) -> Result<Dialing<Dialed>> {
        let local = local_for(&self.local, to)?;
        // The socket is non-blocking from the beginning: not by a call of its own.
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = Socket::new_raw(Domain::for_address(*to.as_socket_addr()), kind, Some(Protocol::TCP))?;
        if let Some(local) = local {
            bind(&socket, local)?;
        }
        if let Err(error) = socket.connect(&SockAddr::from(*to.as_socket_addr())) {
            match error.raw_os_error() {
                // Interrupted, it goes on by itself, too.
                Some(libc::EINPROGRESS | libc::EINTR) => {}
                _ => return Err(not_begun(error, local, to)),
            }
        }
        let mut dialed = Dialed { socket, names: None };
        // A peer on this machine has answered by now.
        match dialed.look() {
            Some(Ok(())) => Ok(Dialing::Done(dialed)),
            Some(Err(error)) => Err(error),
            None => Ok(Dialing::Pending(dialed)),
        }
    }

    fn check(&mut self, dialed: &mut Dialed) -> Option<Result<()>> {
        dialed.look()
    }
}

impl AsFd for Dialed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn bind(socket: &Socket, local: &IpAddress) -> Result<()> {
    match local.port() {
        // Lets the system choose the port when it knows the peer: one port serves many peers. Older
        // systems choose it now.
        0 => {
            let one = 1_i32.to_ne_bytes();
            let _ =
                options::setsockopt(socket.as_fd(), libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, &one);
        }
        // The port may still be held by an earlier connection that has ended.
        _ => socket.set_reuse_address(true)?,
    }
    socket.bind(&SockAddr::from(*local.as_socket_addr())).map_err(|error| not_bound(error, local))
}

fn os(errno: i32) -> Error {
    Error::os(io::Error::from_raw_os_error(errno))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Course;
    use crate::error::{EN_EADDRINUSE, EN_EADDRNOTAVAIL, EN_EAFNOSUPPORT, EN_ECONNREFUSED};
    use crate::socket::connect::Attempts;
    use std::net::{SocketAddr, TcpListener};
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    fn parse(host: &str, port: u16) -> IpAddress {
        IpAddress::parse(host, port).expect("numeric")
    }

    fn listener(host: &str) -> (TcpListener, IpAddress) {
        let listener = TcpListener::bind((host, 0)).expect("loopback");
        let address = IpAddress::from(listener.local_addr().expect("bound"));
        (listener, address)
    }

    /// A port that is taken, but not listened on.
    fn closed(host: &str) -> (Socket, IpAddress) {
        let address = parse(host, 0);
        let domain = Domain::for_address(*address.as_socket_addr());
        let socket = Socket::new(domain, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("set");
        socket.bind(&SockAddr::from(*address.as_socket_addr())).expect("loopback");
        let address = local_of(&socket);
        (socket, address)
    }

    fn local_of(socket: &Socket) -> IpAddress {
        socket.local_addr().ok().and_then(|address| address.as_socket()).map(IpAddress::from).expect("bound")
    }

    fn connect(local: &[IpAddress], addresses: &[&IpAddress]) -> Result<(Socket, IpAddress)> {
        let mut attempts = Attempts::new(TcpDialer::default(), Some(Duration::from_secs(60)));
        attempts.add(addresses.iter().map(|address| (*address).clone()).collect(), local.to_vec());
        loop {
            match attempts.advance(Instant::now()) {
                Course::Done((dialed, address)) => {
                    let (socket, names) = dialed.into_blocking()?;
                    let socket = Socket::from(socket);
                    assert_eq!(names.local().into_ip()?, local_of(&socket));
                    return Ok((socket, address));
                }
                Course::Failed(error) => return Err(error),
                Course::Wait { .. } => {}
            }
            let mut entries: Vec<_> = attempts
                .pending()
                .map(|socket| libc::pollfd {
                    fd: socket.as_fd().as_raw_fd(),
                    events: libc::POLLOUT,
                    revents: 0,
                })
                .collect();
            // SAFETY: the entries are ours.
            let ready = unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, 60_000) };
            assert!(ready > 0, "nothing happened");
        }
    }

    #[test]
    fn connects_to_who_listens() {
        let (listener, address) = listener("127.0.0.1");
        let (socket, to) = connect(&[], &[&address]).expect("connected");
        assert_eq!(to, address);
        assert!(!socket.nonblocking().expect("flags"));
        // SAFETY: asks for the flags of a live descriptor.
        assert_eq!(unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFD) }, libc::FD_CLOEXEC);
        let (_, peer) = listener.accept().expect("connected");
        assert_eq!(IpAddress::from(peer), local_of(&socket));
    }

    #[test]
    fn a_closed_port_refuses_and_the_next_address_is_taken() {
        let (_taken, closed) = closed("127.0.0.1");
        let error = connect(&[], &[&closed]).expect_err("refused");
        assert_eq!((error.code(), error.reason()), (EN_ECONNREFUSED, "connection refused"));
        let (_listener, address) = listener("127.0.0.1");
        let (_, to) = connect(&[], &[&closed, &address]).expect("connected");
        assert_eq!(to, address);
    }

    #[test]
    fn the_local_address_is_bound() {
        let (listener, address) = listener("127.0.0.1");
        let (socket, _) = connect(&[parse("127.0.0.9", 0)], &[&address]).expect("connected");
        assert_eq!(local_of(&socket).host(), "127.0.0.9");
        assert_ne!(local_of(&socket).port(), 0);
        let (_, peer) = listener.accept().expect("connected");
        assert_eq!(peer.ip(), SocketAddr::from(([127, 0, 0, 9], 0)).ip());
    }

    #[test]
    fn a_local_port_can_be_used_again_while_the_last_connection_lingers() {
        let (free, local) = closed("127.77.1.1");
        drop(free);
        for _ in 0..2 {
            let (listener, address) = listener("127.0.0.1");
            let (socket, _) = connect(std::slice::from_ref(&local), &[&address]).expect("the port is free");
            assert_eq!(local_of(&socket), local);
            // Ended from this side first, the connection lingers on this side.
            drop(socket);
            drop(listener.accept().expect("connected"));
        }
    }

    #[test]
    fn local_addresses_that_do_not_do_are_reported() {
        let (_listener, address) = listener("127.0.0.1");
        let error = connect(&[parse("::1", 0)], &[&address]).expect_err("other family");
        assert_eq!((error.code(), error.reason()), (EN_EAFNOSUPPORT, "no local address of this family"));
        let error = connect(&[parse("192.0.2.1", 0)], &[&address]).expect_err("not ours");
        assert_eq!(error.code(), EN_EADDRNOTAVAIL);
        let (_other, taken) = self::listener("127.0.0.1");
        let error = connect(&[taken], &[&address]).expect_err("taken");
        assert_eq!(error.code(), EN_EADDRINUSE);
    }

    #[test]
    fn nobody_is_connected_to_himself() {
        let (taken, alone) = closed("127.77.1.2");
        drop(taken);
        let error = connect(std::slice::from_ref(&alone), &[&alone]).expect_err("nobody listens");
        assert_eq!(error.code(), EN_ECONNREFUSED);
    }

    #[test]
    fn a_pending_socket_stays_pending() {
        // Nobody accepts, and the queue is full: the system drops what comes, so it hangs.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SockAddr::from(*parse("127.0.0.1", 0).as_socket_addr())).expect("loopback");
        socket.listen(0).expect("listening");
        let address = local_of(&socket);
        let mut dialer = TcpDialer::default();
        let mut begun = Vec::new();
        let mut hanging = loop {
            match dialer.dial(&address).expect("begun") {
                Dialing::Pending(socket) if begun.len() >= 2 => break socket,
                Dialing::Pending(socket) | Dialing::Done(socket) => begun.push(socket),
            }
        };
        assert!(dialer.check(&mut hanging).is_none());
    }
}
