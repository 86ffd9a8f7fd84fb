//! Transports as handles: from a descriptor, as TLS over another one, from two halves, or the
//! application's own.

use std::os::fd::AsFd;
use std::sync::Arc;

use super::CommonOptions;
use super::secure::Secure;
use crate::blocking::channel::ChannelOptions;
use crate::blocking::{Channel, Within};
use crate::deadline::Timeout;
use crate::error::Result;
use crate::socket::given_fd::{self, GivenFd};
use crate::tls::TlsConfig;
use crate::transport::socket::{DatagramKind, DatagramSocket, SocketNames, StreamSocket};
use crate::transport::stapled::Stapled;
use crate::transport::{DatagramTransport, Shared, StreamTransport, Transport};

/// How a transport is made.
#[derive(Clone, Default)]
pub struct TransportOptions {
    /// What all clients have.
    pub common: CommonOptions,
    /// How TLS is spoken, where it is.
    pub secure: Secure,
}

impl TransportOptions {
    fn channel_options(&self) -> ChannelOptions {
        ChannelOptions {
            waiting: self.common.waiting.clone(),
            shutdown_timeout_ms: self.common.shutdown_timeout_ms,
            max_datagram_size: self.common.max_datagram_size(),
        }
    }

    /// What only TLS has is for TLS only.
    fn check_plain(&self) -> Result<()> {
        self.secure.check(None)
    }
}

/// A handle of any transport.
pub fn handle_of<T: Transport + ?Sized>(
    transport: Arc<Shared<T>>,
    options: &TransportOptions,
) -> Arc<Channel<T>> {
    Channel::new(transport, options.channel_options())
}

/// A handle of a transport of the application's own.
pub fn own<T: Transport + ?Sized>(
    make: impl FnOnce() -> Result<Arc<T>>,
    options: &TransportOptions,
) -> Result<Arc<Channel<T>>> {
    options.check_plain()?;
    Ok(handle_of(Shared::new(make()?), options))
}

/// From a connected stream socket, which is the library's only from success on.
pub fn stream_from_fd(fd: GivenFd, options: &TransportOptions) -> Result<Arc<Channel<dyn StreamTransport>>> {
    options.check_plain()?;
    let given = fd.check(given_fd::STREAM)?;
    let ends = SocketNames::of(given.as_fd())?;
    let transport: Arc<dyn StreamTransport> = Arc::new(StreamSocket::between(&ends, given.adopt()));
    Ok(handle_of(Shared::between(ends, transport), options))
}

/// From a connected datagram socket, which is the library's only from success on.
pub fn datagram_from_fd(
    fd: GivenFd,
    options: &TransportOptions,
) -> Result<Arc<Channel<dyn DatagramTransport>>> {
    options.check_plain()?;
    let given = fd.check(given_fd::DATAGRAM)?;
    let ends = SocketNames::of(given.as_fd())?;
    // A full queue of a peer on this machine wakes nobody whom the kernel holds.
    let kind = if ends.are_ip() { DatagramKind::udp(given.as_fd()) } else { DatagramKind::Unix };
    let transport: Arc<dyn DatagramTransport> = Arc::new(DatagramSocket::new(given.adopt(), kind));
    Ok(handle_of(Shared::between(ends, transport), options))
}

/// TLS over another transport, with hands not shaken yet.
pub fn tls(
    inner: &Channel<dyn StreamTransport>,
    config: &TlsConfig,
    server_name: Option<&str>,
    options: &TransportOptions,
) -> Result<Arc<Channel<dyn StreamTransport>>> {
    let secure = Secure {
        config: Some(config).cloned(),
        server_name: server_name.map(str::to_string),
        ..options.secure.clone()
    };
    secure.check(None)?;
    let transport = secure.over(inner.share()?, config, None)?;
    let timeout = Timeout::from_ms(secure.handshake_timeout_ms());
    Ok(handle_of(Shared::unready(transport, timeout), options))
}

/// The same, with hands shaken.
pub fn tls_at_once(
    inner: &Channel<dyn StreamTransport>,
    config: &TlsConfig,
    server_name: Option<&str>,
    options: &TransportOptions,
) -> Result<Arc<Channel<dyn StreamTransport>>> {
    let channel = tls(inner, config, server_name, options)?;
    channel.handshake(Within::Ms(options.secure.handshake_timeout_ms()))?;
    Ok(channel)
}

/// One that receives by the one and sends by the other.
pub fn stapled<T>(
    receive: &Channel<T>,
    send: &Channel<T>,
    options: &TransportOptions,
    make: impl FnOnce(Stapled<T>) -> Arc<T>,
) -> Result<Arc<Channel<T>>>
where
    T: Transport + ?Sized,
{
    options.check_plain()?;
    let stapled = Stapled::new(receive.share()?, send.share()?)?;
    Ok(handle_of(Shared::new(make(stapled)), options))
}
