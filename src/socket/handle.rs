//! A socket: its descriptor, and what this process knows of it.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use libc::c_int;
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags};

use super::options;
use super::poll::PollSet;
use super::time_out::TimeOut;
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::error::{EN_EPIPE, Error, Result, is_connection};

/// The state of a TCP socket without a connection, in the kernel's numbers.
pub(super) const TCP_CLOSE: u8 = 7;

/// What a call of libc's has brought.
#[inline(always)]
pub(super) fn count(outcome: isize) -> rustix::io::Result<usize> {
    usize::try_from(outcome).map_err(|_| last_errno())
}

#[cold]
fn last_errno() -> Errno {
    let error = io::Error::last_os_error();
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

/// A connected socket.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    receive_hold: TimeOut<{ libc::SO_RCVTIMEO }>,
    send_hold: TimeOut<{ libc::SO_SNDTIMEO }>,
    /// An error that was taken from the socket, as an errno: the kernel reports each only once.
    taken: AtomicI32,
}

impl Socket {
    /// A socket of our own, in blocking mode.
    pub fn new(fd: OwnedFd) -> Socket {
        let (receive_hold, send_hold) = (TimeOut::unknown(), TimeOut::unknown());
        Socket { fd, receive_hold, send_hold, taken: AtomicI32::new(0) }
    }

    /// One whose open socket others may have, too, and set its time-outs, or find them set.
    pub(super) fn shared(fd: OwnedFd) -> Socket {
        let (receive_hold, send_hold) = (TimeOut::not_ours(), TimeOut::not_ours());
        Socket { fd, receive_hold, send_hold, taken: AtomicI32::new(0) }
    }

    /// The same, but no send is held by the socket's own time-out: the kernel counts a Unix stream's anew for
    /// each page that the peer takes.
    pub fn with_exact_sends(mut self) -> Socket {
        self.send_hold = TimeOut::not_ours();
        self
    }

    /// Receives into `buffer`; 0 is the end of the stream.
    #[inline(always)]
    pub fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        let flags = RecvFlags::from_bits_retain(self.receive_flags(hold).cast_unsigned());
        let room = buffer.len();
        match self.call(hold, Interest::Read, move || Ok(net::recv(&self.fd, &mut *buffer, flags)?.1))? {
            0 if room > 0 => self.at_end(),
            count => Ok(count),
        }
    }

    /// Sends what the system takes of the slices.
    #[inline(always)]
    pub fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize> {
        let [one] = slices else { return self.send_message(slices, &[], hold) };
        let flags = SendFlags::NOSIGNAL | SendFlags::from_bits_retain(self.send_flags(hold).cast_unsigned());
        self.call(hold, Interest::Write, || net::send(&self.fd, one, flags))
    }

    /// Has a system call done. What is almost always the case comes first, without a jump: behind a system
    /// call each costs as much as ten instructions.
    #[inline(always)]
    pub(super) fn call<T>(
        &self,
        hold: Hold,
        interest: Interest,
        mut call: impl FnMut() -> rustix::io::Result<T>,
    ) -> Attempt<T> {
        match call() {
            Ok(done) => Ok(done),
            Err(errno) => self.call_again(errno, hold, interest, call),
        }
    }

    /// The same after a first call that has failed.
    #[cold]
    #[inline(never)]
    fn call_again<T>(
        &self,
        mut errno: Errno,
        hold: Hold,
        interest: Interest,
        mut call: impl FnMut() -> rustix::io::Result<T>,
    ) -> Attempt<T> {
        loop {
            self.stopped(errno.into(), hold, interest)?;
            match call() {
                Ok(done) => return Ok(done),
                Err(again) => errno = again,
            }
        }
    }

    #[inline(always)]
    pub(super) fn receive_flags(&self, hold: Hold) -> c_int {
        self.receive_hold.flags(self.as_fd(), hold)
    }

    #[inline(always)]
    pub(super) fn send_flags(&self, hold: Hold) -> c_int {
        self.send_hold.flags(self.as_fd(), hold)
    }

    /// Why the last call did not do it.
    #[cold]
    pub(super) fn stopped(&self, error: io::Error, hold: Hold, interest: Interest) -> Attempt<()> {
        match error.raw_os_error() {
            Some(libc::EAGAIN) => Err(self.wait_by_poll(hold, interest)),
            // Readiness may come only once: who must not wait does not ask again.
            Some(libc::EINTR) if hold == Hold::No => Ok(()),
            Some(libc::EINTR) => Err(Stop::Again),
            _ => Err(Stop::Failed(self.remember(error))),
        }
    }

    /// Holds the thread where the socket's own time-out did not; it wants something when that time has passed.
    fn wait_by_poll(&self, hold: Hold, interest: Interest) -> Stop {
        let Hold::Milliseconds(time) = hold else { return Stop::Want(interest) };
        let is_ours = match interest {
            Interest::Write => self.send_hold.is_ours(),
            Interest::Read | Interest::Either => self.receive_hold.is_ours(),
        };
        if is_ours && !self.never_holds() {
            return Stop::Want(interest);
        }
        let mut set = PollSet::default();
        set.add(self.as_fd(), interest);
        match set.wait(Some(Duration::from_millis(time.into()))) {
            Ok(true) => Stop::Again,
            Ok(false) => Stop::Want(interest),
            Err(error) => Stop::Failed(error),
        }
    }

    /// Whether somebody has made it non-blocking, who need not have asked us.
    fn never_holds(&self) -> bool {
        // SAFETY: no memory is involved.
        let flags = unsafe { libc::fcntl(self.fd.as_raw_fd(), libc::F_GETFL) };
        flags >= 0 && flags & libc::O_NONBLOCK != 0
    }

    /// The stream has ended, or it broke and somebody else was told.
    #[cold]
    pub(super) fn at_end(&self) -> Attempt<usize> {
        match self.taken.load(Ordering::Relaxed) {
            0 => Ok(0),
            errno => Err(Stop::Failed(broken(io::Error::from_raw_os_error(errno)))),
        }
    }

    fn remember(&self, error: io::Error) -> Error {
        let errno = error.raw_os_error().unwrap_or(0);
        let state = tcp_state(self.as_fd());
        let error = if state == Some(TCP_CLOSE) { broken(error) } else { Error::os(error) };
        // What the network has said of a TCP connection that lives has not ended it. EPIPE says that the
        // peer's end of stream had come before: receiving ends cleanly.
        let is_over = state.is_none_or(|state| state == TCP_CLOSE);
        if error.code() == EN_EPIPE {
            return self.why_broken(error);
        }
        if is_over && is_connection(error.code()) {
            let _ = self.taken.compare_exchange(0, errno, Ordering::Relaxed, Ordering::Relaxed);
        }
        error
    }

    /// EPIPE, with what an earlier call was told of the end of the connection.
    fn why_broken(&self, error: Error) -> Error {
        match self.taken.load(Ordering::Relaxed) {
            0 => error,
            errno => {
                let why = broken(io::Error::from_raw_os_error(errno));
                Error::new(error.code(), format!("{}: {}", error.reason(), why.reason()))
            }
        }
    }

    /// Ends one or both directions: SHUT_RD, SHUT_WR, SHUT_RDWR.
    pub fn shutdown(&self, how: c_int) -> Result<()> {
        // SAFETY: no memory is involved.
        match unsafe { libc::shutdown(self.fd.as_raw_fd(), how) } {
            0 => Ok(()),
            _ => Err(Error::last_os()),
        }
    }

    /// Whether closing resets the connection: it is to linger for no time.
    pub fn resets(&self) -> bool {
        net::sockopt::socket_linger(&self.fd).is_ok_and(|time| time.is_some_and(|time| time.is_zero()))
    }

    /// Resets the connection, and wakes who waits for it.
    pub fn reset(&self) -> Result<()> {
        net::connect_unspec(&self.fd).map_err(|error| Error::os(error.into()))
    }

    /// Reads an option; an error that is taken from the socket that way is not lost.
    pub fn getsockopt(&self, level: c_int, name: c_int, value: &mut [MaybeUninit<u8>]) -> Result<usize> {
        let size = options::getsockopt(self.as_fd(), level, name, value)?;
        if (level, name) == (libc::SOL_SOCKET, libc::SO_ERROR)
            && let Ok(bytes) = <[_; size_of::<c_int>()]>::try_from(&value[..size])
        {
            // SAFETY: the kernel has just written them.
            let errno = c_int::from_ne_bytes(bytes.map(|byte| unsafe { byte.assume_init() }));
            if errno > 0 {
                self.remember(io::Error::from_raw_os_error(errno));
            }
        }
        Ok(size)
    }
}

/// The state of a TCP socket, in the kernel's numbers, if it tells.
pub(super) fn tcp_state(fd: BorrowedFd<'_>) -> Option<u8> {
    let mut state = [0];
    let size = options::get_bytes(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut state);
    size.is_ok_and(|size| size == 1).then_some(state[0])
}

/// Why a connection is no more. What the kernel gives up it reports by what the network or the routes have said
/// to its last attempts, such as EACCES or EINVAL: that alone would not say that it is over.
fn broken(error: io::Error) -> Error {
    let error = Error::os(error);
    match is_connection(error.code()) {
        true => error,
        false => {
            let dead = Error::os(io::Error::from_raw_os_error(libc::ETIMEDOUT));
            Error::new(dead.code(), format!("{}: {}", dead.reason(), error.reason()))
        }
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> OwnedFd {
        socket.fd
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Closes a descriptor whose owner, in a forked child, cannot be reached.
pub fn close_abandoned(fd: RawFd) {
    // SAFETY: the child's copy of a handle that can only be freed; its owner is leaked.
    unsafe { libc::close(fd) };
}

/// The name of an end of a socket, as the system's bytes.
pub struct SocketName {
    bytes: [u8; size_of::<libc::sockaddr_storage>()],
    size: usize,
}

impl Deref for SocketName {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

/// The name of the socket's own end.
pub fn own_name(fd: BorrowedFd<'_>) -> Result<SocketName> {
    name(fd, libc::getsockname)
}

/// The name of the other end.
pub fn peer_name(fd: BorrowedFd<'_>) -> Result<SocketName> {
    name(fd, libc::getpeername)
}

type NameCall = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> c_int;

fn name(fd: BorrowedFd<'_>, call: NameCall) -> Result<SocketName> {
    let mut bytes = [0; size_of::<libc::sockaddr_storage>()];
    let mut size = bytes.len() as libc::socklen_t;
    // SAFETY: the buffer is as large as any name, and the call writes no more than `size`.
    if unsafe { call(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), &raw mut size) } != 0 {
        return Err(Error::last_os());
    }
    Ok(SocketName { bytes, size: bytes.len().min(size as usize) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EN_EACCES, EN_ECONNTIMEDOUT, EN_EHOSTUNREACH};
    use socket2::Type;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    #[test]
    fn a_time_out_is_set_only_if_the_one_that_is_there_will_not_do() {
        let (own, mut peer) = UnixStream::pair().expect("a pair");
        let looking = own.try_clone().expect("a copy");
        let socket = Socket::new(own.into());
        let steps =
            [(2000, 2000), (60_000, 2000), (1500, 1500), (500, 500), (700, 700), (0, 0), (5000, 5000)];
        for (wanted, set) in steps {
            let hold = if wanted == 0 { Hold::Forever } else { Hold::Milliseconds(wanted) };
            std::io::Write::write_all(&mut peer, b"x").expect("room");
            assert_eq!(socket.recv(&mut [0], hold).expect("it is there"), 1);
            let there = looking.read_timeout().expect("read");
            assert_eq!(there, (set > 0).then(|| Duration::from_millis(set)), "{wanted} ms");
        }
    }

    #[test]
    fn what_the_kernel_has_given_up_is_over_whatever_it_says() {
        let refused = || io::Error::from_raw_os_error(libc::EACCES);
        let over =
            Socket::new(socket2::Socket::new(socket2::Domain::IPV4, Type::STREAM, None).expect("one").into());
        for outcome in [over.stopped(refused(), Hold::No, Interest::Write), over.at_end().map(|_| ())] {
            let Err(Stop::Failed(error)) = outcome else { panic!("it is over") };
            assert_eq!(error.code(), EN_ECONNTIMEDOUT);
            assert!(error.reason().ends_with(": permission denied"), "{error}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        let (pair, _peer) = UnixStream::pair().expect("a pair");
        for alive in [Socket::new(stream.into()), Socket::new(pair.into())] {
            let outcome = alive.stopped(refused(), Hold::No, Interest::Write);
            assert!(matches!(outcome, Err(Stop::Failed(error)) if error.code() == EN_EACCES));
            assert!(matches!(alive.at_end(), Ok(0)));
        }
    }

    #[test]
    fn what_the_network_says_of_a_connection_that_lives_is_not_its_end() {
        let unreachable = || io::Error::from_raw_os_error(libc::EHOSTUNREACH);
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        let alive = Socket::new(stream.into());
        assert_eq!(alive.remember(unreachable()).code(), EN_EHOSTUNREACH);
        assert!(matches!(alive.at_end(), Ok(0)));
        let (pair, _peer) = UnixStream::pair().expect("a pair");
        let other = Socket::new(pair.into());
        other.remember(unreachable());
        assert!(matches!(other.at_end(), Err(Stop::Failed(_))), "nobody says that it lives");
    }

    #[test]
    fn one_that_somebody_has_made_non_blocking_is_waited_for_as_long() {
        let (own, _peer) = UnixStream::pair().expect("a pair");
        let other = own.try_clone().expect("a copy");
        let socket = Socket::new(own.into());
        other.set_nonblocking(true).expect("set");
        let start = Instant::now();
        assert!(matches!(socket.recv(&mut [0], Hold::Milliseconds(30)), Err(Stop::Want(Interest::Read))));
        assert!(start.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn the_time_outs_of_a_socket_that_others_may_have_are_left_alone() {
        let (own, mut peer) = UnixStream::pair().expect("a pair");
        let looking = own.try_clone().expect("a copy");
        let socket = Socket::shared(own.into());
        let start = Instant::now();
        assert!(matches!(socket.recv(&mut [0], Hold::Milliseconds(30)), Err(Stop::Want(Interest::Read))));
        assert!(start.elapsed() >= Duration::from_millis(30));
        for hold in [Hold::Milliseconds(60_000), Hold::Forever] {
            std::io::Write::write_all(&mut peer, b"x").expect("room");
            assert_eq!(socket.recv(&mut [0], hold).expect("it is there"), 1);
            assert_eq!(socket.send(&[IoSlice::new(b"x")], hold).expect("room"), 1);
        }
        assert_eq!(looking.read_timeout().expect("read"), None);
        assert_eq!(looking.write_timeout().expect("read"), None);
        looking.set_read_timeout(Some(Duration::from_millis(1))).expect("set");
        let early = socket.recv(&mut [0], Hold::Forever);
        assert!(matches!(early, Err(Stop::Want(Interest::Read))), "somebody else's time-out is none of ours");
    }
}
