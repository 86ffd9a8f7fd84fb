//! What the clients over Unix sockets have in common: how their sockets are opened and connected.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::attempt::{Course, Hold, Interest, Undertaking};
use crate::endpoint::Connection;
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage, invalid};
use crate::socket::fork::Process;
use crate::socket::unix_address::UnixAddress;
use crate::socket::unix_socket::UnixSocket;

/// The pauses between two looks at a queue that is full.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A Unix socket to be.
pub(super) struct Opening {
    /// SOCK_STREAM or SOCK_DGRAM.
    pub(super) socket_type: i32,
    /// What to bind it to; None: nothing. An unnamed address becomes one that the system chooses.
    pub(super) local: Option<UnixAddress>,
    /// Whether the credentials of senders are received.
    pub(super) receive_credentials: bool,
}

impl Opening {
    fn open(&self) -> Result<Opened> {
        let mut opened = Opened { socket: UnixSocket::open(self.socket_type)?, path: None };
        if !self.is_named_last() {
            self.prepare(&mut opened)?;
        }
        Ok(opened)
    }

    /// Others cannot reach a datagram socket that has its peer before it has a name. But who listens
    /// is told the name that a stream socket has by then.
    fn is_named_last(&self) -> bool {
        self.socket_type == libc::SOCK_DGRAM
    }

    /// What must be so before the peer can send anything.
    fn prepare(&self, opened: &mut Opened) -> Result<()> {
        if self.receive_credentials {
            opened.socket.receive_credentials()?;
        }
        if let Some(local) = &self.local {
            opened.socket.bind(local).map_err(|error| at_local(local, &error))?;
            opened.path = BoundPath::of(local);
        }
        Ok(())
    }
}

/// A socket, and what there is of it in the file system.
struct Opened {
    socket: UnixSocket,
    path: Option<BoundPath>,
}

/// The path that bind(2) has made. It would make the next attempt fail, so it goes with this one; but not by
/// the hand of a forked child, whose parent goes on.
struct BoundPath {
    path: Vec<u8>,
    process: Process,
}

impl BoundPath {
    fn of(address: &UnixAddress) -> Option<BoundPath> {
        match address {
            UnixAddress::Path(path) => Some(BoundPath { path: path.clone(), process: Process::current() }),
            UnixAddress::Unnamed | UnixAddress::Abstract(_) => None,
        }
    }

    /// There is a connection: from now on the path is the application's.
    fn stay(mut self) {
        self.path.clear();
    }
}

impl Drop for BoundPath {
    fn drop(&mut self) {
        if !self.path.is_empty()
            && self.process.is_current()
            && let Err(error) = fs::remove_file(OsStr::from_bytes(&self.path))
        {
            log::warn!("{} was left behind: {error}", self.path.escape_ascii());
        }
    }
}

fn at_local(local: &UnixAddress, error: &Error) -> Error {
    Error::new(error.code(), format!("local address {local}: {}", error.reason()))
}

/// Makes a connection of a connected socket.
type Finish = Box<dyn FnOnce(OwnedFd) -> Result<Connection>>;

/// A Unix socket on its way to its peer. Nothing tells when a full queue has room again, so it tries
/// again and again, after longer and longer pauses.
pub struct UnixConnecting {
    opening: Opening,
    to: UnixAddress,
    peer: Arc<str>,
    /// None before the first attempt, and after the last.
    opened: Option<Opened>,
    finish: Option<Finish>,
    pause: Duration,
    until: Option<Instant>,
}

impl UnixConnecting {
    pub(super) fn new(
        opening: Opening,
        to: &UnixAddress,
        finish: impl FnOnce(OwnedFd) -> Result<Connection> + 'static,
    ) -> Result<UnixConnecting> {
        if *to == UnixAddress::Unnamed {
            return Err(invalid("the unnamed address cannot be connected to"));
        }
        Ok(UnixConnecting {
            opening,
            peer: to.to_string().into(),
            to: to.clone(),
            opened: None,
            finish: Some(Box::new(finish)),
            pause: FIRST_PAUSE,
            until: None,
        })
    }

    fn go_on(&mut self, now: Instant) -> Result<Option<Connection>> {
        let opened = match &self.opened {
            Some(opened) => opened,
            None => self.opened.insert(self.opening.open()?),
        };
        if self.until.is_some_and(|until| now < until) {
            return Ok(None);
        }
        if !opened.socket.connect(&self.to)? {
            self.until = now.checked_add(self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            return Ok(None);
        }
        log::debug!("connected to {}", self.to);
        match (self.opened.take(), self.finish.take()) {
            (Some(opened), Some(finish)) => self.finish(opened, finish).map(Some),
            _ => Ok(None),
        }
    }

    fn finish(&self, mut opened: Opened, finish: Finish) -> Result<Connection> {
        if self.opening.is_named_last() {
            self.opening.prepare(&mut opened)?;
        }
        let Opened { socket, path } = opened;
        let connection = finish(socket.into_blocking()?)?;
        if let Some(path) = path {
            path.stay();
        }
        Ok(connection)
    }
}

impl Undertaking for UnixConnecting {
    type Outcome = Connection;

    fn advance(&mut self, now: Instant, _hold: Hold) -> Course<Connection> {
        match self.go_on(now) {
            Ok(Some(connection)) => Course::Done(connection),
            Ok(None) => Course::Wait { until: self.until },
            Err(error) => Course::Failed(self.explain(error.at(Stage::Connect))),
        }
    }

    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        Vec::new()
    }

    fn give_up(&mut self, error: Error) -> Error {
        let error = match error.code() {
            EN_ETIMEDOUT => Error::new(
                EN_ETIMEDOUT,
                "the connect time-out has passed: the queue of the one who listens is full",
            ),
            _ => error,
        };
        self.explain(error.at(Stage::Connect))
    }

    fn explain(&self, error: Error) -> Error {
        error.with_peer(&self.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EN_ECONNREFUSED, EN_EINVAL, EN_EPIPE};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    /// What is connected ends in an error of its own.
    fn connecting(socket_type: i32, local: Option<UnixAddress>, to: &UnixAddress) -> Result<UnixConnecting> {
        let opening = Opening { socket_type, local, receive_credentials: false };
        UnixConnecting::new(opening, to, |_| Err(Error::new(EN_EPIPE, "connected")))
    }

    #[test]
    fn a_path_is_not_left_behind_by_a_failure() {
        let folder = std::env::temp_dir().join(format!("easynet-opening-{}", std::process::id()));
        fs::create_dir(&folder).expect("a new folder");
        let (peer, own) = (folder.join("peer"), folder.join("own"));
        // Its socket is gone, the path is still there.
        drop(UnixListener::bind(&peer).expect("bound"));
        let address = |path: &std::path::Path| {
            UnixAddress::path(path.as_os_str().as_encoded_bytes()).expect("short enough")
        };
        let local = address(&own);
        let outcomes = [libc::SOCK_STREAM, libc::SOCK_DGRAM].map(|socket_type| {
            let connecting = connecting(socket_type, Some(local.clone()), &address(&peer));
            let mut connecting = connecting.expect("a peer");
            let course = connecting.advance(Instant::now(), Hold::No);
            drop(connecting);
            (course, own.exists())
        });
        fs::remove_dir_all(&folder).expect("removed");
        for (course, is_left) in outcomes {
            assert!(matches!(course, Course::Failed(error) if error.code() == EN_ECONNREFUSED));
            assert!(!is_left);
        }
    }

    #[test]
    fn the_unnamed_address_is_no_peer() {
        let outcome = connecting(libc::SOCK_STREAM, None, &UnixAddress::Unnamed);
        assert_eq!(outcome.err().expect("no name").code(), EN_EINVAL);
    }

    /// One who listens, the name, and the sockets that fill the queue.
    fn full() -> (UnixListener, UnixAddress, Vec<UnixSocket>) {
        let name = format!("easynet-full-{}-{:?}", std::process::id(), std::thread::current().id());
        let address = SocketAddr::from_abstract_name(&name).expect("short enough");
        let listener = UnixListener::bind_addr(&address).expect("a new name");
        // A second time it only changes the length of the queue.
        assert!(socket2::SockRef::from(&listener).listen(0).is_ok());
        let name = UnixAddress::Abstract(name.into_bytes());
        let mut begun = Vec::new();
        loop {
            let socket = UnixSocket::open(libc::SOCK_STREAM).expect("a socket");
            if !socket.connect(&name).expect("somebody listens") {
                return (listener, name, begun);
            }
            begun.push(socket);
        }
    }

    #[test]
    fn a_full_queue_is_looked_at_again_later_and_later() {
        let (listener, name, begun) = full();
        let mut connecting = connecting(libc::SOCK_STREAM, None, &name).expect("a peer");
        let start = Instant::now();
        let Course::Wait { until: Some(first) } = connecting.advance(start, Hold::No) else { panic!("full") };
        assert_eq!(first - start, FIRST_PAUSE);
        let Course::Wait { until: Some(second) } = connecting.advance(first, Hold::No) else {
            panic!("full")
        };
        assert_eq!(second - first, FIRST_PAUSE * 2);
        for _ in &begun {
            listener.accept().expect("connected");
        }
        // Not before its time.
        assert!(
            matches!(connecting.advance(first, Hold::No), Course::Wait { until } if until == Some(second))
        );
        assert!(
            matches!(connecting.advance(second, Hold::No), Course::Failed(error) if error.code() == EN_EPIPE)
        );
    }

    #[test]
    fn giving_up_says_why() {
        let (_listener, name, _begun) = full();
        let mut connecting = connecting(libc::SOCK_STREAM, None, &name).expect("a peer");
        assert!(matches!(connecting.advance(Instant::now(), Hold::No), Course::Wait { .. }));
        let error = connecting.give_up(Error::new(EN_ETIMEDOUT, ""));
        assert!(error.to_string().contains("queue"), "{error}");
    }
}
