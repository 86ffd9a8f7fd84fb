//! Names and connection attempts, with the calling thread waiting.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::wait::Waiting;
use crate::attempt::Interest;
use crate::deadline::{Deadline, Left};
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::address::{Family, IpAddress};
use crate::socket::connect::{Attempts, Dialer, Progress};
use crate::socket::resolve;
use crate::socket::unix_address::UnixAddress;
use crate::socket::unix_socket::UnixSocket;
use crate::tls::TlsConfig;
use crate::transport::StreamTransport;
#[cfg(feature = "tls")]
use crate::transport::tls::TlsStream;

/// The addresses of a host.
pub fn resolve(
    host: &str,
    port: u16,
    family: Family,
    waiting: &Waiting,
    deadline: &mut Deadline,
) -> Result<Vec<IpAddress>> {
    let mut lookup = resolve::lookup(host, port, family)?;
    loop {
        let asked = waiting.check()?;
        if let Some(answer) = lookup.poll() {
            return answer;
        }
        let left = deadline.left();
        if left == Left::Nothing {
            let reason = format!("the connect time-out has passed while {host:?} was being resolved");
            return Err(Error::new(EN_ETIMEDOUT, reason).at(Stage::Resolve));
        }
        waiting.poll(&[(Some(lookup.fd()), Interest::Read)], left, None, asked)?;
    }
}

/// The first of the attempts that succeeds.
pub fn connect<D>(
    mut attempts: Attempts<D>,
    waiting: &Waiting,
    deadline: &mut Deadline,
) -> Result<(D::Socket, IpAddress)>
where
    D: Dialer<Socket: AsFd>,
{
    loop {
        let asked = match waiting.check() {
            Ok(asked) => asked,
            Err(error) => return Err(attempts.expire(error)),
        };
        let until = match attempts.advance(Instant::now()) {
            Progress::Connected(socket, address) => return Ok((socket, address)),
            Progress::Failed(error) => return Err(error),
            Progress::Wait { until } => until,
        };
        let left = deadline.left();
        if left == Left::Nothing {
            return Err(attempts.expire(Error::new(EN_ETIMEDOUT, "the connect time-out has passed")));
        }
        let next = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.at_most(next).map_or(Left::Forever, Left::Time);
        let fds: Vec<_> = attempts.pending().map(|socket| (Some(socket.as_fd()), Interest::Write)).collect();
        waiting.poll(&fds, left, None, asked)?;
    }
}

/// Gives a Unix socket its peer. Nothing tells when a full queue has room again, so this tries again
/// and again, after longer and longer pauses.
pub fn connect_unix(
    socket: &UnixSocket,
    to: &UnixAddress,
    waiting: &Waiting,
    deadline: &mut Deadline,
) -> Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        let asked = waiting.check()?;
        if socket.connect(to)? {
            return Ok(());
        }
        let left = deadline.left();
        if left == Left::Nothing {
            let reason = "the connect time-out has passed: the queue of the one who listens is full";
            return Err(Error::new(EN_ETIMEDOUT, reason));
        }
        waiting.poll(&[], left, Some(pause), asked)?;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// TLS over a connected transport, with hands shaken.
#[cfg(feature = "tls")]
pub fn secure(
    inner: Arc<dyn StreamTransport>,
    config: &TlsConfig,
    name: &str,
    standard_compatible: bool,
    waiting: &Waiting,
    deadline: &mut Deadline,
) -> Result<Box<dyn StreamTransport>> {
    let stream = TlsStream::new(inner, config, name, standard_compatible)?;
    let outcome = waiting.drive(&stream, true, deadline, |hold| stream.handshake(hold));
    outcome.map_err(|error| match error.code() {
        EN_ETIMEDOUT => Error::new(EN_ETIMEDOUT, "the time-out has passed in the midst of the TLS handshake"),
        _ => error,
    })?;
    Ok(Box::new(stream))
}

/// Without TLS there is no configuration that this could be called with.
#[cfg(not(feature = "tls"))]
pub fn secure(
    _inner: Arc<dyn StreamTransport>,
    config: &TlsConfig,
    _name: &str,
    _standard_compatible: bool,
    _waiting: &Waiting,
    _deadline: &mut Deadline,
) -> Result<Box<dyn StreamTransport>> {
    match *config {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    fn open() -> UnixSocket {
        UnixSocket::open(libc::SOCK_STREAM).expect("a socket")
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
            let socket = open();
            if !socket.connect(&name).expect("somebody listens") {
                return (listener, name, begun);
            }
            begun.push(socket);
        }
    }

    #[test]
    fn a_full_queue_is_waited_for() {
        let (listener, name, begun) = full();
        let (waiting, mut deadline) = (Waiting::default(), Deadline::Never);
        std::thread::scope(|scope| {
            let connecting = scope.spawn(|| connect_unix(&open(), &name, &waiting, &mut deadline));
            for _ in 0..=begun.len() {
                listener.accept().expect("connected");
            }
            connecting.join().expect("no panic").expect("room in the queue");
        });
    }

    #[test]
    fn a_queue_that_stays_full_ends_the_time() {
        let (_listener, name, _begun) = full();
        for timeout_ms in [0, 20] {
            let mut deadline = Deadline::after_ms(timeout_ms);
            let outcome = connect_unix(&open(), &name, &Waiting::default(), &mut deadline);
            assert_eq!(outcome.expect_err("full").code(), EN_ETIMEDOUT);
        }
    }
}
