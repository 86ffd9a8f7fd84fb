//! Packets over datagrams: the receiving half.

use std::sync::Arc;

use super::ready::Ready;
use super::{Counters, PacketReceiver};
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_EMSGSIZE, Error, Result, Stage};
use crate::packet::{Cut, Desk, Loose, Packet, Places, Storage};
use crate::protocol::DatagramProtocol;
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::transport::DatagramTransport;

/// Receives packets.
pub struct DatagramReceiver<T: ?Sized> {
    transport: Arc<T>,
    protocol: Arc<dyn DatagramProtocol>,
    max_size: usize,
    /// Datagrams of fewer bytes are packets as they are.
    passes_below: usize,
    /// How many bytes a receive may bring.
    room: usize,
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
    ) -> DatagramReceiver<T> {
        let room = max_size.max(transport.most_at_once());
        DatagramReceiver {
            passes_below: protocol.passes_below().min(max_size.saturating_add(1)),
            transport,
            protocol,
            max_size,
            room,
            storage: Storage::default(),
            segment: 0,
            ready: Ready::default(),
        }
    }

    /// One receive, by `receive`, with the storage empty; whether all that has come is in the places.
    #[inline(always)]
    fn receive(
        &mut self,
        places: &mut Places<'_>,
        counters: &Counters,
        receive: impl FnOnce(&T, &mut [u8]) -> Attempt<Arrived>,
    ) -> Attempt<bool> {
        if !self.ready.is_empty() {
            return Ok(self.decided_into(places)?);
        }
        Desk::with(
            self.room,
            #[inline(always)]
            |mut desk| {
                let arrived = receive(&self.transport, &mut desk.space()[..self.room]);
                counters.recv_calls.add(1);
                match arrived {
                    Ok(Arrived { size, segment: 0 }) if size <= self.max_size => {
                        counters.bytes_received.add(size);
                        self.put(desk.take(size), places)?;
                        Ok(true)
                    }
                    arrived => self.take_over(desk, arrived, places, counters),
                }
            },
        )
    }

    /// Several datagrams stay together where they lie.
    #[inline(never)]
    fn take_over(
        &mut self,
        desk: Desk<'_>,
        arrived: Attempt<Arrived>,
        places: &mut Places<'_>,
        counters: &Counters,
    ) -> Attempt<bool> {
        let Arrived { size, segment } = match arrived {
            Ok(arrived) => arrived,
            Err(stop) => {
                desk.go_back();
                return Err(stop);
            }
        };
        let here = size.min(self.room);
        counters.bytes_received.add(here);
        if segment == 0 && size > self.max_size {
            desk.go_back();
            return Err(too_large(size, self.max_size).into());
        }
        self.storage = desk.keep(here);
        self.segment = if segment == 0 { size } else { segment };
        let are_all = self.next_segments(places)?;
        if places.is_empty() { Err(Stop::Again) } else { Ok(are_all) }
    }

    /// Puts the next datagram that came with others into the next place; whether there was none.
    #[inline(always)]
    fn next_segment(&mut self, places: &mut Places<'_>) -> Result<bool> {
        let Some(datagram) = self.storage.take(self.segment) else { return Ok(true) };
        let outcome = match datagram.size() <= self.max_size {
            true => self.put(datagram, places),
            // As a packet it gives up its hold.
            false => Err(too_large(Packet::from(datagram).len(), self.max_size)),
        };
        match outcome {
            Ok(()) => Ok(false),
            Err(error) => self.failed_behind(places.is_empty(), error),
        }
    }

    /// Puts the next ones into places, with nothing decided; whether these are known to be all.
    #[inline]
    fn next_segments(&mut self, places: &mut Places<'_>) -> Result<bool> {
        if places.room() > 1 && !self.storage.bytes().is_empty() && self.segment < self.passes_below {
            self.cut_segments(places);
            return Ok(self.storage.bytes().is_empty());
        }
        while places.has_room() && self.ready.is_empty() {
            if self.next_segment(places)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts the next ones into places as they are, for as long as there are places.
    fn cut_segments(&mut self, places: &mut Places<'_>) {
        let segment = self.segment;
        self.storage.cut_into(places, |cutter| {
            while cutter.goes_on() {
                let size = segment.min(cutter.bytes().len());
                cutter.cut(Cut { start: 0, end: size, used: size });
            }
        });
    }

    /// Puts the outcomes that were decided earlier into places, and then datagrams.
    #[inline(never)]
    fn decided_into(&mut self, places: &mut Places<'_>) -> Result<bool> {
        match self.ready.put_into(places)? {
            true => self.next_segments(places),
            false => Ok(false),
        }
    }

    #[cold]
    fn failed_behind(&mut self, nothing: bool, error: Error) -> Result<bool> {
        if nothing {
            return Err(error);
        }
        self.put_back(Err(error));
        Ok(false)
    }

    /// Makes a datagram a packet in the next place.
    #[inline(always)]
    fn put(&self, datagram: Loose, places: &mut Places<'_>) -> Result<()> {
        if datagram.size() < self.passes_below {
            places.put(datagram);
            return Ok(());
        }
        let outcome = places.put_finished(datagram, |datagram| self.protocol.decode(datagram));
        outcome.map_err(|error| error.at(Stage::Decode))
    }
}

#[cold]
fn too_large(size: usize, max_size: usize) -> Error {
    let reason = format!("a datagram of {size} bytes has come: the maximum is {max_size} bytes");
    Error::new(EN_EMSGSIZE, reason).at(Stage::Receive)
}

impl<T: DatagramTransport + ?Sized> PacketReceiver for DatagramReceiver<T> {
    fn gathered_into(&mut self, places: &mut Places<'_>) -> Result<bool> {
        match places.room() == 1 && self.ready.is_empty() {
            true => self.next_segment(places),
            false => self.decided_into(places),
        }
    }

    fn gathers(&self) -> bool {
        self.transport.most_at_once() > 0
    }

    fn recv_into(&mut self, hold: Hold, places: &mut Places<'_>, counters: &Counters) -> Attempt<bool> {
        self.receive(
            places,
            counters,
            #[inline(always)]
            |transport, space| transport.recv(space, hold),
        )
    }

    fn recv_more_into(&mut self, places: &mut Places<'_>, counters: &Counters) {
        // It cannot fail behind packets.
        let mut goes_on = matches!(self.gathered_into(places), Ok(true));
        while goes_on && places.has_room() {
            let outcome = self.recv_into(Hold::No, places, counters);
            goes_on = matches!(outcome, Ok(true));
            if let Err(Stop::Failed(error)) = outcome {
                self.put_back(Err(error));
            }
        }
    }

    fn reclaim(&mut self) {
        self.storage.reclaim();
    }

    fn max_recv_size(&self) -> usize {
        self.max_size
    }

    fn put_back(&mut self, outcome: Result<Packet>) {
        self.ready.put_back(outcome);
    }

    fn is_ready(&mut self, _counters: &Counters) -> bool {
        !self.ready.is_empty() || !self.storage.bytes().is_empty()
    }

    fn recv_with_ancillary(
        &mut self,
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
        places: &mut Places<'_>,
        counters: &Counters,
    ) -> Attempt<()> {
        self.receive(
            places,
            counters,
            #[inline(always)]
            |transport, space| transport.recv_with_ancillary(space, ancillary, room, hold),
        )
        .map(|_| ())
    }
}
