//! The TCP client.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::local_address::LocalAddress;
use super::prepared::PreparedStream;
use super::reaching::Reaching;
use super::resolving::Resolving;
use super::secure::{Secure, Securing};
use super::{CommonOptions, within};
use crate::attempt::{Course, Hold, Interest, Undertaking};
use crate::blocking::Client;
use crate::endpoint::Connection;
use crate::error::{Error, Result, Stage};
use crate::protocol::StreamProtocol;
use crate::socket::Socket;
use crate::socket::address::{Family, IpAddress, host_and_port};
use crate::socket::connect::{Attempts, Dialed, TcpDialer};
use crate::socket::given_fd::{self, GivenFd};
use crate::socket::names::{Name, Names};
use crate::socket::options::{
    EN_OPTION_KEEPALIVE, EN_OPTION_KEEPALIVE_COUNT, EN_OPTION_KEEPALIVE_IDLE, EN_OPTION_KEEPALIVE_INTERVAL,
    EN_OPTION_NODELAY, EN_OPTION_USER_TIMEOUT, OPTIONS,
};
use crate::transport::socket::StreamSocket;

/// How a TCP client is made.
#[derive(Clone)]
pub struct TcpOptions {
    /// What all clients have.
    pub common: CommonOptions,
    /// How long connecting may take; negative: for ever.
    pub connect_timeout_ms: i64,
    /// How long one address is tried alone; negative: until it fails.
    pub happy_eyeballs_delay_ms: i64,
    /// The address to connect from.
    pub local: LocalAddress,
    /// Whether TLS is spoken, and how.
    pub secure: Secure,
    /// Options of the table that are set on the socket, and their values.
    socket: Vec<(i32, i64)>,
}

impl Default for TcpOptions {
    fn default() -> TcpOptions {
        TcpOptions {
            common: CommonOptions::default(),
            connect_timeout_ms: -1,
            happy_eyeballs_delay_ms: 250,
            local: LocalAddress::default(),
            secure: Secure::default(),
            socket: Vec::new(),
        }
    }
}

impl TcpOptions {
    /// When and how often the system asks a silent peer; 0: as the system has it.
    pub fn set_keepalive(&mut self, idle_s: u32, interval_s: u32, count: u32) -> Result<()> {
        within("keepalive idle_s", idle_s as usize, 32_767)?;
        within("keepalive interval_s", interval_s as usize, 32_767)?;
        within("keepalive count", count as usize, 127)?;
        self.set_socket_option(EN_OPTION_KEEPALIVE_IDLE, idle_s);
        self.set_socket_option(EN_OPTION_KEEPALIVE_INTERVAL, interval_s);
        self.set_socket_option(EN_OPTION_KEEPALIVE_COUNT, count);
        Ok(())
    }

    /// How long sent data may stay without an answer; 0: as the system has it.
    pub fn set_user_timeout(&mut self, timeout_ms: u32) -> Result<()> {
        within("user_timeout", timeout_ms as usize, i32::MAX as usize)?;
        self.set_socket_option(EN_OPTION_USER_TIMEOUT, timeout_ms);
        Ok(())
    }

    fn set_socket_option(&mut self, option: i32, value: u32) {
        self.socket.retain(|(other, _)| *other != option);
        if value > 0 {
            self.socket.push((option, value.into()));
        }
    }

    fn delay(&self) -> Option<Duration> {
        u64::try_from(self.happy_eyeballs_delay_ms).ok().map(Duration::from_millis)
    }
}

/// Connects to a host by name or numeric address.
pub fn connect(
    host: &str,
    port: u16,
    protocol: &Arc<dyn StreamProtocol>,
    options: &Arc<TcpOptions>,
) -> Result<Arc<Client>> {
    let work = TcpConnecting::host(host, port, protocol, options)?;
    options.common.client(work, protocol.into(), options.connect_timeout_ms)
}

/// Connects to the first of the addresses that answers.
pub fn connect_addresses(
    addresses: Vec<IpAddress>,
    protocol: &Arc<dyn StreamProtocol>,
    options: &Arc<TcpOptions>,
) -> Result<Arc<Client>> {
    let work = TcpConnecting::addresses(addresses, protocol, options)?;
    options.common.client(work, protocol.into(), options.connect_timeout_ms)
}

/// Makes a client of a connected socket, which is the library's only from success on.
pub fn from_fd(
    fd: GivenFd,
    protocol: &Arc<dyn StreamProtocol>,
    options: &Arc<TcpOptions>,
) -> Result<Arc<Client>> {
    let work = TcpConnecting::from_fd(fd, protocol, options)?;
    options.common.client(work, protocol.into(), options.connect_timeout_ms)
}

/// A TCP connection on its way: names, attempts, and the TLS handshake.
pub struct TcpConnecting {
    host: Option<String>,
    port: u16,
    /// Which of its addresses has answered, or has the given socket.
    answered: Option<Name>,
    /// A socket whose descriptor goes back to its owner if nothing comes of it.
    lent: Option<Arc<StreamSocket>>,
    protocol: Arc<dyn StreamProtocol>,
    options: Arc<TcpOptions>,
    step: Step,
}

enum Step {
    Reaching(Reaching<TcpDialer>),
    Securing(Securing, PreparedStream),
    Over,
}

impl TcpConnecting {
    /// To a host by name or numeric address.
    pub fn host(
        host: &str,
        port: u16,
        protocol: &Arc<dyn StreamProtocol>,
        options: &Arc<TcpOptions>,
    ) -> Result<TcpConnecting> {
        options.secure.check(Some(host))?;
        let mut connecting = TcpConnecting::new(Some(host), port, protocol, options);
        let resolving = Resolving::host(host, port, Family::Any, &options.local)
            .map_err(|error| connecting.explain(error.at(Stage::Resolve)))?;
        let attempts = connecting.attempts().of_host(host);
        connecting.step = Step::Reaching(Reaching::new(resolving, attempts));
        Ok(connecting)
    }

    /// To the first of the addresses that answers.
    pub fn addresses(
        addresses: Vec<IpAddress>,
        protocol: &Arc<dyn StreamProtocol>,
        options: &Arc<TcpOptions>,
    ) -> Result<TcpConnecting> {
        options.secure.check(None)?;
        let mut connecting = TcpConnecting::new(None, 0, protocol, options);
        let resolving = Resolving::addresses(addresses, &options.local)?;
        connecting.step = Step::Reaching(Reaching::new(resolving, connecting.attempts()));
        Ok(connecting)
    }

    /// Over a connected socket, which is ours only from success on.
    pub fn from_fd(
        fd: GivenFd,
        protocol: &Arc<dyn StreamProtocol>,
        options: &Arc<TcpOptions>,
    ) -> Result<TcpConnecting> {
        options.secure.check(None)?;
        let socket = fd.check(given_fd::TCP)?;
        let names = Names::ip(socket.as_fd())?;
        let mut connecting = TcpConnecting::new(None, 0, protocol, options);
        connecting.answered = Some(names.remote());
        let prepared = prepare(socket.as_fd(), names, protocol, options)?;
        let socket = Arc::new(StreamSocket::ip(socket.adopt()));
        connecting.lent = Some(socket.clone());
        let securing = connecting.options.secure.begin(socket, None)?;
        connecting.step = Step::Securing(securing, prepared);
        Ok(connecting)
    }

    fn new(
        host: Option<&str>,
        port: u16,
        protocol: &Arc<dyn StreamProtocol>,
        options: &Arc<TcpOptions>,
    ) -> TcpConnecting {
        TcpConnecting {
            host: host.map(str::to_string),
            port,
            answered: None,
            lent: None,
            protocol: protocol.clone(),
            options: options.clone(),
            step: Step::Over,
        }
    }

    /// Attempts at addresses that are not known yet.
    fn attempts(&self) -> Attempts<TcpDialer> {
        Attempts::new(TcpDialer::default(), self.options.delay())
    }

    /// Takes a given descriptor for good.
    pub(super) fn keep(&mut self) {
        self.lent = None;
    }

    fn go_on(&mut self, now: Instant, hold: Hold) -> Result<Course<Connection>> {
        loop {
            match &mut self.step {
                Step::Reaching(reaching) => match reaching.advance(now) {
                    Course::Wait { until } => return Ok(Course::Wait { until }),
                    Course::Failed(error) => return Err(error),
                    Course::Done((dialed, address)) => self.connected(dialed, address)?,
                },
                Step::Securing(securing, _) => {
                    let transport = match securing.advance(now, hold) {
                        Course::Done(transport) => transport,
                        Course::Failed(error) => return Err(error),
                        Course::Wait { until } => return Ok(Course::Wait { until }),
                    };
                    let Step::Securing(_, prepared) = std::mem::replace(&mut self.step, Step::Over) else {
                        return Ok(Course::Wait { until: None });
                    };
                    self.lent = None;
                    return Ok(Course::Done(prepared.finish(transport, &self.options.common)));
                }
                Step::Over => return Ok(Course::Wait { until: None }),
            }
        }
    }

    fn connected(&mut self, dialed: Dialed, address: IpAddress) -> Result<()> {
        log::debug!("connected to {address}");
        let (socket, names) = dialed.into_blocking()?;
        self.answered = Some(Name::Ip(address));
        let prepared = prepare(socket.as_fd(), names, &self.protocol, &self.options)?;
        let socket = Arc::new(StreamSocket::ip(Socket::new(socket)));
        let securing = self.options.secure.begin(socket, self.host.as_deref())?;
        self.step = Step::Securing(securing, prepared);
        Ok(())
    }
}

impl Undertaking for TcpConnecting {
    type Outcome = Connection;

    fn advance(&mut self, now: Instant, hold: Hold) -> Course<Connection> {
        self.go_on(now, hold).unwrap_or_else(|error| Course::Failed(self.explain(error)))
    }

    fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        match &self.step {
            Step::Reaching(reaching) => reaching.waits_for(),
            Step::Securing(securing, _) => securing.waits_for(),
            Step::Over => Vec::new(),
        }
    }

    fn give_up(&mut self, error: Error) -> Error {
        let error = match std::mem::replace(&mut self.step, Step::Over) {
            Step::Reaching(reaching) => reaching.give_up(error),
            Step::Securing(mut securing, _) => securing.give_up(error),
            Step::Over => error,
        };
        self.explain(error)
    }

    fn explain(&self, error: Error) -> Error {
        match (&self.answered, &self.host) {
            (Some(address), _) => error.with_peer(&address.to_string().into()),
            (None, Some(host)) => error.with_peer(&host_and_port(host, self.port).into()),
            (None, None) => error,
        }
    }
}

impl Drop for TcpConnecting {
    fn drop(&mut self) {
        let lent = self.lent.take();
        self.step = Step::Over;
        // Nobody else has it any more.
        if let Some(socket) = lent.and_then(Arc::into_inner) {
            let _ = socket.into_fd().into_raw_fd();
        }
    }
}

/// Everything about a client that can fail.
fn prepare(
    socket: BorrowedFd<'_>,
    names: Names,
    protocol: &Arc<dyn StreamProtocol>,
    options: &TcpOptions,
) -> Result<PreparedStream> {
    let prepared = PreparedStream::new(names, protocol, &options.common)?;
    for option in [EN_OPTION_NODELAY, EN_OPTION_KEEPALIVE] {
        // A connection without these is better than none.
        if let Err(error) = OPTIONS.find(option)?.set(socket, 1) {
            log::warn!("{error}");
        }
    }
    for (option, value) in &options.socket {
        OPTIONS.find(*option)?.set(socket, *value)?;
    }
    Ok(prepared)
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;
    use crate::error::EN_ETLS_PROTOCOL;
    use crate::protocol::MaxSize;
    use crate::protocol::raw::Raw;
    use crate::tls::testing::Authority;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_descriptor_goes_back_without_a_time_out_of_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let given = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        let (mut peer, _) = listener.accept().expect("connected");
        peer.write_all(b"220 mail.example ESMTP\r\n").expect("room");
        let mut options = TcpOptions { connect_timeout_ms: 10_000, ..TcpOptions::default() };
        options.secure.config = Some(Authority::new("Test CA").client());
        options.secure.server_name = Some("localhost".to_string());
        let protocol: Arc<dyn StreamProtocol> = Arc::new(Raw::new(MaxSize::new(100).expect("a size")));
        let error = from_fd(GivenFd::of(&given), &protocol, &options.into()).err().expect("no TLS");
        assert_eq!(error.code(), EN_ETLS_PROTOCOL, "{error}");
        assert_eq!(given.read_timeout().expect("it is open"), None);
    }
}
