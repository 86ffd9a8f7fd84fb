//! Packets over datagrams: a receiving and a sending half.

use std::sync::Arc;

use super::ready::Ready;
use super::{Counters, PacketReceiver, PacketSender, nothing_beside};
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_ECONNREFUSED, EN_EMSGSIZE, EN_EOPNOTSUPP, Error, Result, Stage};
use crate::packet::{Desk, Packet, Places, SHORT, Storage};
use crate::protocol::{DatagramProtocol, Gather};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::transport::DatagramTransport;

/// Receives packets.
pub struct DatagramReceiver<T: ?Sized> {
    transport: Arc<T>,
    protocol: Arc<dyn DatagramProtocol>,
    max_size: usize,
    /// How many bytes a receive may bring.
    room: usize,
    counters: Arc<Counters>,
    storage: Storage,
    /// The size of each datagram in the storage; the last may be shorter.
    segment: usize,
    ready: Ready,
}

impl<T: DatagramTransport + ?Sized> DatagramReceiver<T> {
    /// The receiving half over a transport, for datagrams of at most `max_size` bytes.
    pub fn new(
        transport: Arc<T>,
        protocol: Arc<dyn DatagramProtocol>,
        max_size: usize,
        counters: Arc<Counters>,
    ) -> DatagramReceiver<T> {
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
            ready: Ready::default(),
        }
    }

    /// One receive, by `receive`, with the storage empty.
    #[inline(always)]
    fn receive(&mut self, receive: impl FnOnce(&T, &mut [u8]) -> Attempt<Arrived>) -> Attempt<Packet> {
        match Desk::with(
            self.room,
            #[inline(always)]
            |desk| self.receive_at(desk, receive),
        )? {
            Some(datagram) => Ok(self.finish(datagram)?),
            None => self.next_segment()?.ok_or(Stop::Again),
        }
    }

    /// A datagram, or None: what has come is in the storage.
    #[inline(always)]
    fn receive_at(
        &mut self,
        mut desk: Desk<'_>,
        receive: impl FnOnce(&T, &mut [u8]) -> Attempt<Arrived>,
    ) -> Attempt<Option<Packet>> {
        let arrived = receive(&self.transport, &mut desk.space()[..self.room]);
        self.counters.recv_calls.add(1);
        match arrived {
            Ok(Arrived { size, segment: 0 }) if size < SHORT && size <= self.max_size => {
                self.counters.bytes_received.add(size);
                Ok(Some(desk.copy(size)))
            }
            arrived => self.take_over(desk, arrived).map(|()| None),
        }
    }

    /// What is large, or several datagrams, stays where it lies.
    #[inline(never)]
    fn take_over(&mut self, desk: Desk<'_>, arrived: Attempt<Arrived>) -> Attempt<()> {
        let Arrived { size, segment } = match arrived {
            Ok(arrived) => arrived,
            Err(stop) => {
                desk.go_back();
                return Err(stop);
            }
        };
        let here = size.min(self.room);
        self.counters.bytes_received.add(here);
        if segment == 0 && size > self.max_size {
            desk.go_back();
            return Err(too_large(size, self.max_size).into());
        }
        self.storage = desk.keep(here);
        self.segment = if segment == 0 { size } else { segment };
        Ok(())
    }

    /// The next datagram that came with others.
    #[inline]
    fn next_segment(&mut self) -> Result<Option<Packet>> {
        let Some(datagram) = self.storage.take(self.segment) else { return Ok(None) };
        self.finish(datagram).map(Some)
    }

    /// Another one beside one that was just received, without waiting.
    fn recv_more(&mut self) -> Attempt<Packet> {
        match self.recv_gathered()? {
            Some(packet) => Ok(packet),
            None => self.recv(Hold::No),
        }
    }

    #[inline]
    fn finish(&self, datagram: Packet) -> Result<Packet> {
        let packet = self.decode(datagram)?;
        self.counters.packets_received.add(1);
        Ok(packet)
    }

    #[inline]
    fn decode(&self, datagram: Packet) -> Result<Packet> {
        check(datagram.len(), self.max_size)?;
        self.protocol.decode(datagram).map_err(|error| error.at(Stage::Decode))
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

impl<T: DatagramTransport + ?Sized> PacketReceiver for DatagramReceiver<T> {
    fn recv(&mut self, hold: Hold) -> Attempt<Packet> {
        self.receive(
            #[inline(always)]
            |transport, space| transport.recv(space, hold),
        )
    }

    fn recv_gathered(&mut self) -> Result<Option<Packet>> {
        if let Some(outcome) = self.ready.take() {
            return outcome.inspect(|_| self.counters.packets_received.add(1)).map(Some);
        }
        self.next_segment()
    }

    fn recv_more_into(&mut self, places: &mut Places<'_>) {
        let (before, mut outcome) = (places.len(), Ok(()));
        // What is there already, without a system call.
        while self.ready.is_empty()
            && places.has_room()
            && let Some(datagram) = self.storage.take(self.segment)
        {
            match self.decode(datagram) {
                Ok(packet) => places.put(packet),
                Err(error) => {
                    outcome = Err(Stop::Failed(error));
                    break;
                }
            }
        }
        self.counters.packets_received.add(places.len() - before);
        while outcome.is_ok() && places.has_room() {
            outcome = self.recv_more().map(|packet| places.put(packet));
        }
        if let Err(Stop::Failed(error)) = outcome {
            self.put_back(Err(error));
        }
    }

    fn put_back(&mut self, outcome: Result<Packet>) {
        if outcome.is_ok() {
            self.counters.packets_received.take_back();
        }
        self.ready.put_back(outcome);
    }

    fn is_ready(&mut self) -> bool {
        !self.ready.is_empty() || !self.storage.bytes().is_empty()
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
pub struct DatagramSender<T: ?Sized> {
    transport: Arc<T>,
    counters: Arc<Counters>,
}

impl<T: DatagramTransport + ?Sized> DatagramSender<T> {
    /// The sending half over a transport.
    pub fn new(transport: Arc<T>, counters: Arc<Counters>) -> DatagramSender<T> {
        DatagramSender { transport, counters }
    }
}

impl<T: DatagramTransport + ?Sized> PacketSender for DatagramSender<T> {
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
