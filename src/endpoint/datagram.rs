//! Packets over datagrams: a receiving and a sending half.

use std::sync::Arc;

use super::{Counters, PacketReceiver, PacketSender, nothing_beside};
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_ECONNREFUSED, EN_EMSGSIZE, EN_EOPNOTSUPP, Error, Result, Stage};
use crate::packet::{Desk, Packet, Storage};
use crate::protocol::{DatagramProtocol, Gather};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::transport::DatagramTransport;

/// Smaller datagrams are copied out of the receive buffer: a packet that somebody keeps should not
/// keep the whole buffer.
const COPY_BELOW: usize = 2048;

/// Receives packets.
pub struct DatagramReceiver {
    transport: Arc<dyn DatagramTransport>,
    protocol: Arc<dyn DatagramProtocol>,
    max_size: usize,
    /// How many bytes a receive may bring.
    room: usize,
    counters: Arc<Counters>,
    storage: Storage,
    /// The size of each datagram in the storage; the last may be shorter.
    segment: usize,
    ready: Option<Result<Packet>>,
}

impl DatagramReceiver {
    /// The receiving half over a transport, for datagrams of at most `max_size` bytes.
    pub fn new(
        transport: Arc<dyn DatagramTransport>,
        protocol: Arc<dyn DatagramProtocol>,
        max_size: usize,
        counters: Arc<Counters>,
    ) -> DatagramReceiver {
        counters.max_recv_size.set(max_size);
        let room = max_size.max(transport.most_at_once());
        DatagramReceiver {
            transport,
            protocol,
            max_size,
            room,
            counters,
            storage: Storage::default(),
            segment: 0,
            ready: None,
        }
    }

    /// One receive, by `receive`, with the storage empty.
    #[inline]
    fn receive(
        &mut self,
        receive: impl FnOnce(&dyn DatagramTransport, &mut [u8]) -> Attempt<Arrived>,
    ) -> Attempt<Packet> {
        let copy = Desk::with(self.room, |desk| {
            let arrived = receive(&*self.transport, &mut desk.space()[..self.room]);
            self.counters.recv_calls.add(1);
            let Arrived { size, segment } = arrived?;
            self.counters.bytes_received.add(size.min(self.room));
            if segment == 0 && (size < COPY_BELOW || size > self.max_size) {
                check(size, self.max_size)?;
                return Ok(Some(Packet::copied(&desk.space()[..size])));
            }
            self.storage = desk.keep(size.min(self.room));
            self.segment = if segment == 0 { size } else { segment };
            Attempt::Ok(None)
        })?;
        // Not with the desk in use: decoding may call back.
        match copy {
            Some(datagram) => Ok(self.finish(datagram)?),
            None => self.next_segment()?.ok_or(Stop::Again),
        }
    }

    /// The next datagram that came with others.
    #[inline]
    fn next_segment(&mut self) -> Result<Option<Packet>> {
        let Some(packet) = self.storage.take(self.segment) else { return Ok(None) };
        check(packet.len(), self.max_size)?;
        self.finish(packet).map(Some)
    }

    #[inline]
    fn finish(&self, datagram: Packet) -> Result<Packet> {
        let packet = self.protocol.decode(datagram).map_err(|error| error.at(Stage::Decode))?;
        self.counters.packets_received.add(1);
        Ok(packet)
    }
}

#[inline]
fn check(size: usize, max_size: usize) -> Result<()> {
    if size <= max_size { Ok(()) } else { Err(too_large(size, max_size)) }
}

#[cold]
fn too_large(size: usize, max_size: usize) -> Error {
    let reason = format!("a datagram of {size} bytes has come: the maximum is {max_size} bytes");
    Error::new(EN_EMSGSIZE, reason).at(Stage::Receive)
}

impl PacketReceiver for DatagramReceiver {
    fn recv(&mut self, hold: Hold) -> Attempt<Packet> {
        match self.recv_gathered()? {
            Some(packet) => Ok(packet),
            None => self.receive(|transport, space| transport.recv(space, hold)),
        }
    }

    fn recv_gathered(&mut self) -> Result<Option<Packet>> {
        if let Some(outcome) = self.ready.take() {
            return outcome.inspect(|_| self.counters.packets_received.add(1)).map(Some);
        }
        self.next_segment()
    }

    fn recv_more(&mut self) -> Attempt<Packet> {
        self.recv(Hold::No)
    }

    fn put_back(&mut self, outcome: Result<Packet>) {
        if outcome.is_ok() {
            self.counters.packets_received.take_back();
        }
        self.ready = Some(outcome);
    }

    fn is_ready(&mut self) -> bool {
        self.ready.is_some() || !self.storage.bytes().is_empty()
    }

    fn recv_with_ancillary(&mut self, ancillary: &mut Ancillary, room: usize, hold: Hold) -> Attempt<Packet> {
        match self.recv_gathered()? {
            Some(packet) => Ok(packet),
            None => {
                self.receive(|transport, space| transport.recv_with_ancillary(space, ancillary, room, hold))
            }
        }
    }
}

/// Sends packets.
pub struct DatagramSender {
    transport: Arc<dyn DatagramTransport>,
    counters: Arc<Counters>,
}

impl DatagramSender {
    /// The sending half over a transport.
    pub fn new(transport: Arc<dyn DatagramTransport>, counters: Arc<Counters>) -> DatagramSender {
        DatagramSender { transport, counters }
    }
}

impl PacketSender for DatagramSender {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn send(&mut self, out: &mut Gather<'_>, hold: Hold) -> Attempt<()> {
        if out.packets_sent() == out.packets() {
            return Ok(());
        }
        let outcome = if let Some(datagram) = out.only_packet() {
            self.transport.send_one(datagram, hold).map(|()| 1)
        } else if let Some((bytes, size)) = out.alike() {
            self.transport.send_alike(bytes, size, hold)
        } else {
            let packets = out.unsent_packets();
            let datagrams: Vec<&[u8]> = packets.iter().map(|packet| &**packet).collect();
            self.transport.send(&datagrams, hold)
        };
        self.counters.send_calls.add(1);
        let count = outcome.map_err(not_sent)?;
        let before = out.sent();
        out.advance_packets(count);
        self.counters.bytes_sent.add(out.sent() - before);
        if out.packets_sent() == out.packets() { Ok(()) } else { Err(Stop::Again) }
    }

    fn send_with_ancillary(&mut self, out: &mut Gather<'_>, control: &[u8], hold: Hold) -> Attempt<()> {
        if out.is_empty() {
            return Err(nothing_beside());
        }
        let outcome = out.with_rest(|slices| self.transport.send_with_ancillary(slices, control, hold));
        self.counters.send_calls.add(1);
        self.counters.bytes_sent.add(outcome?);
        out.advance_packets(1);
        Ok(())
    }

    fn give_up(&mut self, _out: &Gather<'_>, _why: &str) {}

    fn flush(&mut self, _hold: Hold) -> Attempt<()> {
        Ok(())
    }

    fn has_unsent(&self) -> bool {
        false
    }

    fn forget_unsent(&mut self) {}

    fn send_eof(&mut self, _hold: Hold) -> Attempt<()> {
        Err(Error::new(EN_EOPNOTSUPP, "datagrams have no end").into())
    }
}

/// The kernel reports what became of earlier datagrams with the next call, which then sends nothing.
fn not_sent(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(error) if error.code() == EN_ECONNREFUSED => Stop::Failed(Error::new(
            EN_ECONNREFUSED,
            "connection refused: nobody receives at the peer's port, as an earlier datagram found; this one was not sent",
        )),
        stop => stop,
    }
}
