//! Connected UDP sockets for [`Attempts`](super::connect::Attempts).

use std::os::fd::OwnedFd;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::Socket;
use super::address::IpAddress;
use super::connect::{Dialer, Dialing, local_for, not_begun, not_bound};
use crate::error::{Result, invalid};

/// Gives UDP sockets their peer, which takes no time.
#[derive(Clone, Debug, Default)]
pub struct UdpDialer {
    /// The addresses to connect from, one of each family at most; empty: the system chooses.
    pub local: Vec<IpAddress>,
    /// Whether others may have the same local address.
    pub reuse_port: bool,
}

impl Dialer for UdpDialer {
    type Socket = Socket;

    fn bind_to(&mut self, local: Vec<IpAddress>) {
        self.local = local;
    }

    fn dial(&mut self, to: &IpAddress) -> Result<Dialing<Socket>> {
        // The system would take it, and have no peer all the same.
        if to.port() == 0 {
            return Err(invalid("the port 0 is nobody's"));
        }
        let local = local_for(&self.local, to)?;
        let domain = Domain::for_address(*to.as_socket_addr());
        let socket = socket2::Socket::new_raw(domain, Type::DGRAM.cloexec(), Some(Protocol::UDP))?;
        if self.reuse_port {
            socket.set_reuse_port(true)?;
        }
        if let Some(local) = local {
            socket.bind(&SockAddr::from(*local.as_socket_addr())).map_err(|error| not_bound(error, local))?;
        }
        connect(socket, local, to).map(Dialing::Done)
    }

    fn check(&mut self, _socket: &mut Socket) -> Option<Result<()>> {
        Some(Ok(()))
    }
}

/// Gives a socket its peer, and forgets what others have sent to it before. Even where the system
/// chooses the port, it is open to all for a moment.
fn connect(socket: socket2::Socket, local: Option<&IpAddress>, to: &IpAddress) -> Result<Socket> {
    let begun = socket.connect(&SockAddr::from(*to.as_socket_addr()));
    begun.map_err(|error| not_begun(error, local, to))?;
    let socket = Socket::new(OwnedFd::from(socket));
    socket.drain()?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Hold, Stop};
    use crate::error::{EN_EADDRINUSE, EN_EAFNOSUPPORT};
    use std::net::{SocketAddr, UdpSocket};

    fn bound() -> (UdpSocket, IpAddress) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let address = IpAddress::from(socket.local_addr().expect("bound"));
        (socket, address)
    }

    fn dial(dialer: &mut UdpDialer, to: &IpAddress) -> Result<Socket> {
        dialer.dial(to).map(|dialing| match dialing {
            Dialing::Done(socket) | Dialing::Pending(socket) => socket,
        })
    }

    #[test]
    fn only_the_peer_is_heard() {
        let (peer, address) = bound();
        let (stranger, _) = bound();
        let (socket, own) = bound();
        for text in [&b"early"[..], b""] {
            stranger.send_to(text, own.as_socket_addr()).expect("sent");
        }
        // They have arrived before the peer is given.
        assert_eq!(socket.peek(&mut [0; 16]).expect("arrived"), 5);
        let socket = connect(socket.into(), None, &address).expect("connected");
        stranger.send_to(b"late", own.as_socket_addr()).expect("sent");
        let mut buffer = [0; 16];
        assert!(matches!(socket.recv_datagram(&mut buffer, Hold::No), Err(Stop::Want(_))));
        peer.send_to(b"friend", own.as_socket_addr()).expect("sent");
        assert_eq!(socket.recv_datagram(&mut buffer, Hold::Forever).expect("arrived").size, 6);
        assert_eq!(&buffer[..6], b"friend");
    }

    #[test]
    fn a_local_address_must_fit_and_may_be_shared() {
        let (_peer, address) = bound();
        let six = IpAddress::parse("::1", 0).expect("numeric");
        let mut dialer = UdpDialer { local: vec![six], reuse_port: false };
        assert_eq!(dial(&mut dialer, &address).expect_err("other family").code(), EN_EAFNOSUPPORT);
        let (_taken, local) = bound();
        let mut dialer = UdpDialer { local: vec![local], reuse_port: false };
        assert_eq!(dial(&mut dialer, &address).expect_err("taken").code(), EN_EADDRINUSE);
        let first = socket2::Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
        first.set_reuse_port(true).expect("set");
        first.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("bound");
        let local = first.local_addr().ok().and_then(|address| address.as_socket()).expect("IPv4");
        let mut dialer = UdpDialer { local: vec![IpAddress::from(local)], reuse_port: true };
        dial(&mut dialer, &address).expect("shared");
    }
}
