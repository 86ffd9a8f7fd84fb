//! From a connected socket to a client, in two steps: everything that can fail, and then what takes
//! the descriptor.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::CommonOptions;
use crate::blocking::client::{Client, Name, Names, Parts};
use crate::endpoint::Counters;
use crate::endpoint::datagram::{DatagramReceiver, DatagramSender};
use crate::endpoint::intake::Intake;
use crate::endpoint::stream::{StreamReceiver, StreamSender};
use crate::error::Result;
use crate::protocol::{DatagramProtocol, Decoding, StreamProtocol};
use crate::socket::address::IpAddress;
use crate::socket::{Socket, handle};
use crate::transport::socket::{DatagramKind, DatagramSocket};
use crate::transport::{DatagramTransport, StreamTransport};

/// Who is at the two ends of an IP socket.
pub(super) fn ip_names(socket: BorrowedFd<'_>) -> Result<Names> {
    Ok(Names {
        local: Name::Ip(IpAddress::from_sockaddr(&handle::own_name(socket)?)?),
        remote: Name::Ip(IpAddress::from_sockaddr(&handle::peer_name(socket)?)?),
        credentials: None,
    })
}

/// The receiving half of a stream.
pub(super) fn stream_receiver(
    transport: Arc<dyn StreamTransport>,
    decoding: Decoding,
    common: &CommonOptions,
    counters: &Arc<Counters>,
) -> StreamReceiver {
    let intake = Intake::new(decoding, common.max_packet_size, common.ask());
    StreamReceiver::new(transport, intake, counters.clone())
}

/// The receiving half for datagrams.
pub(super) fn datagram_receiver(
    transport: Arc<dyn DatagramTransport>,
    protocol: &Arc<dyn DatagramProtocol>,
    common: &CommonOptions,
    counters: &Arc<Counters>,
) -> DatagramReceiver {
    DatagramReceiver::new(transport, protocol.clone(), common.max_datagram_size(), counters.clone())
}

/// A client over a stream socket that only lacks the socket.
pub(super) struct PreparedStream<'a> {
    names: Names,
    protocol: &'a Arc<dyn StreamProtocol>,
    decoding: Decoding,
    common: &'a CommonOptions,
}

impl<'a> PreparedStream<'a> {
    pub(super) fn new(
        names: Names,
        protocol: &'a Arc<dyn StreamProtocol>,
        common: &'a CommonOptions,
    ) -> Result<PreparedStream<'a>> {
        Ok(PreparedStream { names, protocol, decoding: protocol.decoder()?, common })
    }

    pub(super) fn finish(self, transport: Arc<dyn StreamTransport>) -> Arc<Client> {
        let PreparedStream { names, protocol, decoding, common } = self;
        let counters = Arc::new(Counters::default());
        Arc::new(Client::new(Parts {
            receiver: Box::new(stream_receiver(transport.clone(), decoding, common, &counters)),
            sender: Box::new(StreamSender::new(transport.clone(), common.write_buffer, counters.clone())),
            transport,
            encoder: Box::new(protocol.clone()),
            counters,
            names: Some(names),
            is_shared: false,
            waiting: common.waiting(),
            shutdown_timeout_ms: common.shutdown_timeout_ms,
            runs_callbacks: protocol.runs_callbacks() || common.waiting().runs_callbacks(),
        }))
    }
}

/// A client over a connected datagram socket.
pub(super) fn datagram_client(
    fd: OwnedFd,
    kind: DatagramKind,
    names: Names,
    protocol: &Arc<dyn DatagramProtocol>,
    common: &CommonOptions,
) -> Arc<Client> {
    let transport = Arc::new(DatagramSocket::new(Socket::new(fd), kind));
    let counters = Arc::new(Counters::default());
    Arc::new(Client::new(Parts {
        receiver: Box::new(datagram_receiver(transport.clone(), protocol, common, &counters)),
        sender: Box::new(DatagramSender::new(transport.clone(), counters.clone())),
        transport,
        encoder: Box::new(protocol.clone()),
        counters,
        names: Some(names),
        is_shared: false,
        waiting: common.waiting(),
        shutdown_timeout_ms: common.shutdown_timeout_ms,
        runs_callbacks: protocol.runs_callbacks() || common.waiting().runs_callbacks(),
    }))
}
