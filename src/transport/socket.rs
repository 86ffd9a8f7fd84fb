//! Sockets as transports.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::joined::Joined;
use super::{Attribute, DatagramTransport, StreamTransport, Transport, no_ancillary, no_attribute};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::error::{
    EN_EACCES, EN_ECONNREFUSED, EN_EHOSTDOWN, EN_EHOSTUNREACH, EN_EINVAL, EN_EMSGSIZE, EN_ENETUNREACH,
    EN_ENOPROTOOPT, EN_ENOTCONN, EN_EPROTO, Error, Result,
};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::{Arrived, SegmentLimit, is_coalescing};
use crate::socket::{Socket, handle, options};

/// What a socket is called at its two ends: read once, so that a reset does not take it away.
#[derive(Debug)]
pub struct SocketNames {
    family: i32,
    own: Vec<u8>,
    peer: Vec<u8>,
}

impl SocketNames {
    /// Those of a connected socket.
    pub fn of(socket: BorrowedFd<'_>) -> Result<SocketNames> {
        Ok(SocketNames {
            family: options::get_int(socket, libc::SOL_SOCKET, libc::SO_DOMAIN)?,
            own: handle::own_name(socket)?.to_vec(),
            peer: handle::peer_name(socket)?.to_vec(),
        })
    }

    /// Whether these are IP addresses.
    pub fn are_ip(&self) -> bool {
        [libc::AF_INET, libc::AF_INET6].contains(&self.family)
    }

    /// What they say to this.
    pub fn attribute(&self, which: Attribute) -> Option<Vec<u8>> {
        match which {
            Attribute::Family => Some(self.family.to_ne_bytes().to_vec()),
            Attribute::OwnName => Some(self.own.clone()),
            Attribute::PeerName => Some(self.peer.clone()),
            _ => None,
        }
    }
}

/// A stream socket: TCP or Unix.
pub struct StreamSocket {
    socket: Socket,
    /// Only a Unix socket carries descriptors, and a receive that it does not fill need not have
    /// brought all: it also ends at ancillary data.
    is_unix: bool,
    is_drained: AtomicBool,
}

impl StreamSocket {
    /// The transport of a connected IP socket.
    pub fn ip(socket: Socket) -> StreamSocket {
        StreamSocket::new(socket, false)
    }

    /// The transport of a connected Unix socket.
    pub fn unix(socket: Socket) -> StreamSocket {
        StreamSocket::new(socket, true)
    }

    /// The transport of a connected socket with such ends.
    pub fn between(ends: &SocketNames, socket: Socket) -> StreamSocket {
        StreamSocket::new(socket, ends.family == libc::AF_UNIX)
    }

    fn new(socket: Socket, is_unix: bool) -> StreamSocket {
        let socket = if is_unix { socket.with_exact_sends() } else { socket };
        StreamSocket { socket, is_unix, is_drained: AtomicBool::new(false) }
    }

    #[inline(never)]
    fn recv_dropping_ancillary(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        let received = self.socket.recv_dropping_ancillary(buffer, hold);
        let (count, is_whole) = received.inspect_err(|_| self.is_left())?;
        self.is_drained.store(is_whole && count < buffer.len(), Ordering::Relaxed);
        Ok(count)
    }

    /// What has brought nothing does not tell what there is.
    #[cold]
    fn is_left(&self) {
        self.is_drained.store(false, Ordering::Relaxed);
    }

    /// Ends the connection, for all who have it: by a reset where SO_LINGER asks for that.
    fn end(&self) {
        let is_reset = !self.is_unix && self.socket.resets() && self.socket.reset().is_ok();
        if !is_reset {
            // The only errors are those of a connection that is down.
            let _ = self.socket.shutdown(libc::SHUT_RDWR);
        }
    }

    /// The socket, without its transport.
    pub fn into_fd(self) -> OwnedFd {
        self.socket.into()
    }
}

impl StreamTransport for StreamSocket {
    fn into_socket(self: Arc<Self>) -> Option<Arc<StreamSocket>> {
        Some(self)
    }

    #[inline(always)]
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        // Whoever is at a loop wants to know.
        if self.is_unix && hold == Hold::No {
            return self.recv_dropping_ancillary(buffer, hold);
        }
        let count = self.socket.recv(buffer, hold).inspect_err(|_| self.is_left())?;
        self.is_drained.store(!self.is_unix && count < buffer.len(), Ordering::Relaxed);
        Ok(count)
    }

    fn is_drained(&self) -> bool {
        self.is_drained.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize> {
        self.socket.send(slices, hold)
    }

    #[inline(always)]
    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<usize> {
        check_ancillary(self.is_unix)?;
        self.is_drained.store(false, Ordering::Relaxed);
        self.socket.recv_with_ancillary(buffer, ancillary, room, 0, hold)
    }

    #[inline(always)]
    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], _hold: Hold) -> Attempt<usize> {
        check_ancillary(self.is_unix)?;
        // All at once or not: the kernel would wait for room in the middle of it.
        self.socket.send_message(slices, control, Hold::No)
    }

    fn send_eof(&self, _hold: Hold) -> Attempt<()> {
        // The only errors are those of a connection that is down.
        let _ = self.socket.shutdown(libc::SHUT_WR);
        Ok(())
    }
}

/// A connected datagram socket.
pub struct DatagramSocket {
    socket: Socket,
    kind: DatagramKind,
    segment_limit: SegmentLimit,
    /// What came with a datagram that was received alone.
    joined: Joined,
}

/// What a datagram socket can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramKind {
    /// UDP.
    Udp {
        /// Whether several datagrams may come at once.
        offload: bool,
    },
    /// A Unix datagram socket.
    Unix,
}

impl DatagramKind {
    /// That of a given UDP socket: the application may have turned it on.
    pub fn udp(socket: BorrowedFd<'_>) -> DatagramKind {
        DatagramKind::Udp { offload: is_coalescing(socket) }
    }
}

impl DatagramSocket {
    /// Wakes who waits for it, whoever has it.
    fn end(&self) {
        // The only errors are those of a connection that is down.
        let _ = self.socket.shutdown(libc::SHUT_RDWR);
    }

    /// The transport of a connected socket.
    pub fn new(socket: Socket, kind: DatagramKind) -> DatagramSocket {
        DatagramSocket { socket, kind, segment_limit: SegmentLimit::default(), joined: Joined::default() }
    }

    /// A thread that the kernel holds because the queue of a Unix peer is full is not woken by a
    /// shutdown; one in poll is.
    #[inline]
    fn send_hold(&self, hold: Hold) -> Hold {
        if self.kind == DatagramKind::Unix { Hold::No } else { hold }
    }

    /// The outcome of a send, which says of a datagram that was not sent that it was not.
    #[inline(always)]
    fn told<R>(&self, outcome: Attempt<R>) -> Attempt<R> {
        outcome.map_err(|stop| match stop {
            Stop::Failed(error) => Stop::Failed(not_sent(self.kind, error)),
            stop => stop,
        })
    }
}

/// The kernel reports what became of earlier UDP datagrams, as ICMP tells it, with the next call,
/// which then sends nothing. Some of these errors it may also have of its own for the datagram.
#[cold]
fn not_sent(kind: DatagramKind, error: Error) -> Error {
    let why = match (kind, error.code()) {
        (DatagramKind::Unix, EN_ECONNREFUSED | EN_ENOTCONN) => {
            "the peer is gone, nobody has its socket any more"
        }
        (DatagramKind::Udp { .. }, EN_ECONNREFUSED) => {
            "nobody receives at the peer's port, as an earlier datagram found"
        }
        (
            DatagramKind::Udp { .. },
            EN_EHOSTUNREACH | EN_ENETUNREACH | EN_EHOSTDOWN | EN_EPROTO | EN_ENOPROTOOPT | EN_EACCES
            | EN_EMSGSIZE,
        ) => "as this datagram found, or an earlier one",
        (DatagramKind::Udp { .. }, EN_EINVAL) => {
            "the system refuses the way to the peer, as by a \"blackhole\" route: see \"ip route get\""
        }
        _ => return error,
    };
    Error::new(error.code(), format!("{}: {why}; this one was not sent", error.reason()))
}

/// Why nothing was received: of what is too large, that it is nothing that has come.
#[cold]
fn not_received(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(error) if error.code() == EN_EMSGSIZE => {
            let why = "a datagram that was sent needs more than the path carries in one piece, and is lost";
            Error::new(EN_EMSGSIZE, format!("{}: {why}", error.reason())).into()
        }
        stop => stop,
    }
}

impl DatagramTransport for DatagramSocket {
    #[inline(always)]
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived> {
        let outcome = match self.kind {
            DatagramKind::Udp { offload: true } if self.joined.are_there() => {
                Ok(Arrived { size: self.joined.next(buffer), segment: 0 })
            }
            DatagramKind::Udp { offload: true } => self.socket.recv_coalesced(buffer, hold),
            _ => self.socket.recv_datagram(buffer, hold),
        };
        outcome.map_err(not_received)
    }

    fn recv_one(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        match self.most_at_once() {
            0 => self.recv(buffer, hold).map(|arrived| arrived.size),
            most => self
                .joined
                .next_or(buffer, most, |room| self.socket.recv_coalesced(room, hold).map_err(not_received)),
        }
    }

    fn most_at_once(&self) -> usize {
        match self.kind {
            DatagramKind::Udp { offload: true } => usize::from(u16::MAX),
            _ => 0,
        }
    }

    #[inline(always)]
    fn send_one(&self, datagram: &[u8], hold: Hold) -> Attempt<()> {
        self.told(self.socket.send_datagram(datagram, self.send_hold(hold)))
    }

    fn send(&self, datagrams: &[&[u8]], hold: Hold) -> Attempt<usize> {
        let hold = self.send_hold(hold);
        self.told(match self.kind {
            DatagramKind::Udp { .. } => self.socket.send_datagrams(datagrams, &self.segment_limit, hold),
            DatagramKind::Unix => self.socket.send_messages(datagrams, hold),
        })
    }

    fn send_alike(&self, bytes: &[u8], size: usize, hold: Hold) -> Attempt<usize> {
        let hold = self.send_hold(hold);
        self.told(match self.kind {
            DatagramKind::Udp { .. } => self.socket.send_alike(bytes, size, &self.segment_limit, hold),
            DatagramKind::Unix => self.socket.send_messages(&bytes.chunks(size).collect::<Vec<_>>(), hold),
        })
    }

    #[inline(always)]
    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<Arrived> {
        check_ancillary(self.kind == DatagramKind::Unix)?;
        let size = self.socket.recv_with_ancillary(buffer, ancillary, room, libc::MSG_TRUNC, hold)?;
        Ok(Arrived { size, segment: 0 })
    }

    #[inline(always)]
    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], _hold: Hold) -> Attempt<usize> {
        check_ancillary(self.kind == DatagramKind::Unix)?;
        self.told(self.socket.send_message(slices, control, Hold::No))
    }
}

/// Other sockets would lose descriptors without a word, and never bring any.
fn check_ancillary(is_unix: bool) -> Result<()> {
    if is_unix { Ok(()) } else { Err(no_ancillary()) }
}

/// What all sockets have in common as transports.
macro_rules! socket_transport {
    ($transport:ty) => {
        impl Transport for $transport {
            fn stop_receiving(&self) {
                let _ = self.socket.shutdown(libc::SHUT_RD);
            }

            fn close(&self) -> Result<()> {
                self.end();
                Ok(())
            }

            fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
                match which {
                    Attribute::Descriptor => Ok(self.socket.as_fd().as_raw_fd().to_ne_bytes().to_vec()),
                    _ => Err(no_attribute()),
                }
            }

            fn fd(&self, _interest: Interest) -> Option<BorrowedFd<'_>> {
                Some(self.socket.as_fd())
            }

            fn getsockopt(&self, level: i32, name: i32, value: &mut [MaybeUninit<u8>]) -> Result<usize> {
                self.socket.getsockopt(level, name, value)
            }

            fn setsockopt(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
                options::setsockopt(self.socket.as_fd(), level, name, value)
            }
        }
    };
}

socket_transport!(StreamSocket);
socket_transport!(DatagramSocket);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_failure_does_not_say_that_nothing_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let own = TcpStream::connect(listener.local_addr().expect("its address")).expect("a connection");
        let (mut peer, _) = listener.accept().expect("its other end");
        let transport = StreamSocket::ip(Socket::new(own.into()));
        let mut buffer = [0; 16];
        peer.write_all(b"short").expect("room");
        assert_eq!(transport.recv(&mut buffer, Hold::Forever).ok(), Some(5));
        assert!(transport.is_drained());
        // What it has not read makes its end a reset.
        transport.socket.send(&[IoSlice::new(b"unread")], Hold::No).expect("room");
        let unread = peer.peek(&mut buffer);
        assert_eq!(unread.ok(), Some(6));
        drop(peer);
        assert!(matches!(transport.recv(&mut buffer, Hold::Forever), Err(Stop::Failed(_))));
        assert!(!transport.is_drained());
    }
}
