//! From a connected socket to both halves of an endpoint, in two steps: everything that can fail, and
//! then what takes the socket.

use std::sync::Arc;

use super::CommonOptions;
use super::endpoint::Directions;
use crate::endpoint::Connection;
use crate::endpoint::datagram::DatagramReceiver;
use crate::endpoint::intake::Intake;
use crate::endpoint::outlet::Outlet;
use crate::endpoint::sender::Sender;
use crate::endpoint::stream::StreamReceiver;
use crate::error::Result;
use crate::protocol::{DatagramProtocol, Decoding, Head, StreamProtocol};
use crate::socket::names::Names;
use crate::transport::{DatagramTransport, StreamTransport};

/// The receiving half of a stream.
pub(super) fn stream_receiver<T: StreamTransport + ?Sized>(
    transport: Arc<T>,
    decoding: Decoding,
    common: &CommonOptions,
) -> StreamReceiver<T> {
    let intake = Intake::new(decoding, common.max_recv_size);
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
    decoding: Decoding,
    head: Option<Head>,
    runs_callbacks: bool,
}

impl PreparedStream {
    pub(super) fn new(
        names: Names,
        protocol: &Arc<dyn StreamProtocol>,
        common: &CommonOptions,
    ) -> Result<PreparedStream> {
        let decoding = protocol.decoder(common.max_packet_size)?;
        let runs_callbacks = protocol.runs_callbacks();
        Ok(PreparedStream { names, decoding, head: protocol.head(), runs_callbacks })
    }

    pub(super) fn finish(self, transport: Arc<dyn StreamTransport>, common: &CommonOptions) -> Connection {
        match transport.clone().into_socket() {
            Some(socket) => self.over(socket, transport, common),
            None => self.over(transport.clone(), transport, common),
        }
    }

    /// Both halves, the receiving one compiled for the kind of transport.
    fn over<T: StreamTransport + ?Sized + 'static>(
        self,
        incoming: Arc<T>,
        outgoing: Arc<dyn StreamTransport>,
        common: &CommonOptions,
    ) -> Connection {
        let PreparedStream { names, decoding, head, runs_callbacks } = self;
        Connection {
            receiver: Box::new(stream_receiver(incoming, decoding, common)),
            sender: Sender::new(Outlet::Stream(outgoing)).with_buffer(common.write_buffer, head),
            runs_callbacks,
            names: Some(names),
            is_shared: false,
            directions: Directions::Both.interest(),
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
        sender: Sender::new(Outlet::Datagrams(transport)),
        runs_callbacks: protocol.runs_callbacks(),
        names: Some(names),
        is_shared: false,
        directions: Directions::Both.interest(),
    }
}
