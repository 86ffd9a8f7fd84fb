//! Endpoints: a transport that the application has made, and a protocol.

use std::sync::Arc;

use super::CommonOptions;
use super::prepared::{datagram_receiver, stream_receiver};
use crate::attempt::Interest;
use crate::blocking::{Channel, Client};
use crate::endpoint::no_receiver::NoReceiver;
use crate::endpoint::outlet::Outlet;
use crate::endpoint::sender::Sender;
use crate::endpoint::{Connection, PacketReceiver};
use crate::error::Result;
use crate::protocol::{DatagramProtocol, StreamProtocol};
use crate::transport::{self, DatagramTransport, Party, StreamTransport, Transport};

/// What an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// Receives and sends.
    Both,
    /// Only receives.
    Receive,
    /// Only sends.
    Send,
}

impl Directions {
    /// What has to be waited for.
    pub(super) fn interest(self) -> Interest {
        match self {
            Directions::Both => Interest::Either,
            Directions::Receive => Interest::Read,
            Directions::Send => Interest::Write,
        }
    }
}

/// Packets over a stream transport, with calls that block.
pub fn stream(
    channel: &Channel<dyn StreamTransport>,
    protocol: &Arc<dyn StreamProtocol>,
    directions: Directions,
    options: &CommonOptions,
) -> Result<Arc<Client>> {
    Ok(options.finished(over_stream(channel, protocol, directions, options)?, protocol.into()))
}

/// Packets over a datagram transport, with calls that block.
pub fn datagram(
    channel: &Channel<dyn DatagramTransport>,
    protocol: &Arc<dyn DatagramProtocol>,
    directions: Directions,
    options: &CommonOptions,
) -> Result<Arc<Client>> {
    Ok(options.finished(over_datagrams(channel, protocol, directions, options)?, protocol.into()))
}

/// Both halves over a stream transport.
pub(super) fn over_stream(
    channel: &Channel<dyn StreamTransport>,
    protocol: &Arc<dyn StreamProtocol>,
    directions: Directions,
    options: &CommonOptions,
) -> Result<Connection> {
    let transport = channel.share()?;
    let receiver: Box<dyn PacketReceiver> = match directions {
        Directions::Send => Box::new(NoReceiver),
        _ => {
            Box::new(stream_receiver(transport.clone(), protocol.decoder(options.max_packet_size)?, options))
        }
    };
    let sender = match directions {
        Directions::Receive => Sender::new(Outlet::ReceivesOnly(transport.clone())),
        _ => Sender::new(Outlet::Shared(transport.clone(), Party::another()))
            .with_buffer(options.write_buffer, protocol.head()),
    };
    Ok(connection(&*transport, receiver, sender, protocol.runs_callbacks(), directions))
}

/// Both halves over a datagram transport.
pub(super) fn over_datagrams(
    channel: &Channel<dyn DatagramTransport>,
    protocol: &Arc<dyn DatagramProtocol>,
    directions: Directions,
    options: &CommonOptions,
) -> Result<Connection> {
    let transport = channel.share()?;
    let receiver: Box<dyn PacketReceiver> = match directions {
        Directions::Send => Box::new(NoReceiver),
        _ => Box::new(datagram_receiver(transport.clone(), protocol, options)),
    };
    let sender = Sender::new(match directions {
        Directions::Receive => Outlet::ReceivesOnly(transport.clone()),
        _ => Outlet::Datagrams(transport.clone()),
    });
    Ok(connection(&*transport, receiver, sender, protocol.runs_callbacks(), directions))
}

fn connection(
    transport: &dyn Transport,
    receiver: Box<dyn PacketReceiver>,
    sender: Sender,
    protocol_calls_back: bool,
    directions: Directions,
) -> Connection {
    Connection {
        receiver,
        sender,
        names: transport::names(transport),
        is_shared: true,
        directions: directions.interest(),
        runs_callbacks: protocol_calls_back || transport.runs_callbacks(),
    }
}
