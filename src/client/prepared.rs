//! From a connected socket to both halves of an endpoint, in two steps: everything that can fail, and
//! then what takes the socket.

use std::sync::Arc;

use super::CommonOptions;
use crate::endpoint::datagram::{DatagramReceiver, DatagramSender};
use crate::endpoint::intake::Intake;
use crate::endpoint::stream::{StreamReceiver, StreamSender};
use crate::endpoint::{Connection, Counters};
use crate::error::Result;
use crate::protocol::{DatagramProtocol, Decoding, StreamProtocol};
use crate::socket::names::Names;
use crate::transport::{DatagramTransport, StreamTransport};

/// The receiving half of a stream.
pub(super) fn stream_receiver<T: StreamTransport + ?Sized>(
    transport: Arc<T>,
    decoding: Decoding,
    common: &CommonOptions,
    counters: &Arc<Counters>,
) -> StreamReceiver<T> {
    let intake = Intake::new(decoding, common.max_packet_size, common.ask());
    StreamReceiver::new(transport, intake, counters.clone())
}

/// The receiving half for datagrams.
pub(super) fn datagram_receiver<T: DatagramTransport + ?Sized>(
    transport: Arc<T>,
    protocol: &Arc<dyn DatagramProtocol>,
    common: &CommonOptions,
    counters: &Arc<Counters>,
) -> DatagramReceiver<T> {
    DatagramReceiver::new(transport, protocol.clone(), common.max_datagram_size(), counters.clone())
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
            Some(socket) => self.over(socket, transport, common),
            None => self.over(transport.clone(), transport, common),
        }
    }

    /// Both halves over `transport`, which is `whole`.
    fn over<T: StreamTransport + ?Sized + 'static>(
        self,
        transport: Arc<T>,
        whole: Arc<dyn StreamTransport>,
        common: &CommonOptions,
    ) -> Connection {
        let PreparedStream { names, protocol, decoding } = self;
        let counters = Arc::new(Counters::default());
        Connection {
            receiver: Box::new(stream_receiver(transport.clone(), decoding, common, &counters)),
            sender: Box::new(StreamSender::new(transport, common.write_buffer, counters.clone())),
            transport: whole,
            runs_callbacks: protocol.runs_callbacks(),
            encoder: protocol.into(),
            counters,
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
    let counters = Arc::new(Counters::default());
    Connection {
        receiver: Box::new(datagram_receiver(transport.clone(), protocol, common, &counters)),
        sender: Box::new(DatagramSender::new(transport.clone(), counters.clone())),
        transport,
        encoder: protocol.clone().into(),
        runs_callbacks: protocol.runs_callbacks(),
        counters,
        names: Some(names),
        is_shared: false,
    }
}
