//! From a connected socket to both halves of an endpoint, in two steps: everything that can fail, and
//! then what takes the socket.

use std::sync::Arc;

use super::CommonOptions;
use crate::endpoint::Connection;
use crate::endpoint::datagram::{DatagramReceiver, DatagramSender};
use crate::endpoint::intake::Intake;
use crate::endpoint::sender::Sender;
use crate::endpoint::stream::{StreamReceiver, StreamSender};
use crate::error::Result;
use crate::protocol::{DatagramProtocol, Decoding, StreamProtocol};
use crate::socket::names::Names;
use crate::transport::{DatagramTransport, StreamTransport};

/// The receiving half of a stream.
pub(super) fn stream_receiver<T: StreamTransport + ?Sized>(
    transport: Arc<T>,
    decoding: Decoding,
    common: &CommonOptions,
) -> StreamReceiver<T> {
    let intake = Intake::new(decoding, common.max_packet_size, common.max_recv_size);
    StreamReceiver::new(transport, intake)
}

/// The receiving half for datagrams.
pub(super) fn datagram_receiver<T: DatagramTransport + ?Sized>(
    transport: Arc<T>,
    protocol: &Arc<dyn DatagramProtocol>,
    common: &CommonOptions,
) -> DatagramReceiver<T> {
    DatagramReceiver::new(transport, protocol.clone(), common.max_datagram_size())
}

/// An endpoint over a stream that only lacks the stream.
pub(super) struct PreparedStream {
    names: Names,
    protocol: Arc<dyn StreamProtocol>,
    decoding: Decoding,
}

impl PreparedStream {
    pub(super) fn new(names: Names, protocol: &Arc<dyn StreamProtocol>) -> Result<PreparedStream> {
        let decoding = protocol.decoder()?;
        Ok(PreparedStream { names, protocol: protocol.clone(), decoding })
    }

    pub(super) fn finish(self, transport: Arc<dyn StreamTransport>, common: &CommonOptions) -> Connection {
        match transport.clone().into_socket() {
            Some(socket) => self.over(socket, common),
            None => self.over(transport, common),
        }
    }

    /// Both halves.
    fn over<T: StreamTransport + ?Sized + 'static>(
        self,
        transport: Arc<T>,
        common: &CommonOptions,
    ) -> Connection {
        let PreparedStream { names, protocol, decoding } = self;
        Connection {
            receiver: Box::new(stream_receiver(transport.clone(), decoding, common)),
            sender: Sender::new(Box::new(StreamSender::new(transport)), common.write_buffer),
            runs_callbacks: protocol.runs_callbacks(),
            encoder: protocol.into(),
            names: Some(names),
            is_shared: false,
        }
    }
}

/// Both halves of an endpoint over a datagram transport.
pub(super) fn datagrams<T: DatagramTransport + 'static>(
    transport: Arc<T>,
    names: Names,
    protocol: &Arc<dyn DatagramProtocol>,
    common: &CommonOptions,
) -> Connection {
    Connection {
        receiver: Box::new(datagram_receiver(transport.clone(), protocol, common)),
        sender: Sender::new(Box::new(DatagramSender::new(transport)), 0),
        encoder: protocol.clone().into(),
        runs_callbacks: protocol.runs_callbacks(),
        names: Some(names),
        is_shared: false,
    }
}
