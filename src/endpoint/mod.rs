//! A transport and a protocol together: packets, still by attempts that wait no longer than they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::sender::Sender;
use crate::attempt::{Attempt, Hold, Interest};
use crate::error::{Result, Stage};
use crate::packet::{Packet, Places, Room};
use crate::protocol::{DatagramProtocol, Gather, Head, Protocol, Sink, StreamProtocol};
use crate::socket::ancillary::Ancillary;
use crate::socket::names::Names;

pub mod datagram;
pub mod intake;
mod lent_buffer;
pub mod no_receiver;
pub mod outlet;
mod ready;
pub mod sender;
pub mod stream;
pub mod write_buffer;

/// The receiving half of an endpoint. Who drives it keeps its counters, which outlive it, and counts the
/// packets: they are received once they are handed on.
pub trait PacketReceiver: Send {
    /// Packets that have gathered, without a system call; whether these are known to be all. A failure behind
    /// packets waits for the next receive, so this one fails only if the places are empty.
    fn gathered_into(&mut self, places: &mut Places<'_>) -> Result<bool>;

    /// Whether packets gather: one system call may bring more than there are places for. If not, nobody
    /// need ask for those, as receives look first for what was taken back.
    fn gathers(&self) -> bool {
        true
    }

    /// The packets that one system call brings, after [`Self::gathered_into`] has had none, or was not
    /// asked because packets do not gather; whether these are known to be all.
    fn recv_into(&mut self, hold: Hold, places: &mut Places<'_>, counters: &Counters) -> Attempt<bool>;

    /// Packets that are there beside those in the places, without waiting.
    fn recv_more_into(&mut self, places: &mut Places<'_>, _counters: &Counters) {
        // It cannot fail behind packets.
        let _ = self.gathered_into(places);
    }

    /// The packets in the last places were handed on.
    fn reclaim(&mut self) {}

    /// Receives one packet, into a single place, and what came with it, with room for so much of that, by
    /// exactly one system call, under the same condition: what has gathered, or was taken back, comes first,
    /// and with nothing.
    fn recv_with_ancillary(
        &mut self,
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
        places: &mut Places<'_>,
        counters: &Counters,
    ) -> Attempt<()>;

    /// Whether the last system call has brought all that there was.
    fn is_drained(&self) -> bool {
        false
    }

    /// Takes an outcome back: the next receive answers it, before others that were taken back.
    fn put_back(&mut self, outcome: Result<Packet>);

    /// Whether the next receive answers without a system call.
    fn is_ready(&mut self, counters: &Counters) -> bool;

    /// How many bytes each receive asks for.
    fn max_recv_size(&self) -> usize;
}

/// Both halves of an endpoint over a connected transport, and what is known of it.
pub struct Connection {
    /// The receiving half.
    pub receiver: Box<dyn PacketReceiver>,
    /// The sending half.
    pub sender: Sender,
    /// Who is at the two ends, where that is known.
    pub names: Option<Names>,
    /// Whether others have a hold on the transport, too. Then a call is refused where another one is
    /// at the same direction, in place of waiting for it.
    pub is_shared: bool,
    /// In which directions packets go, so that a loop has to tell of them.
    pub directions: Interest,
    /// Whether sending and receiving run code of the application.
    pub runs_callbacks: bool,
}

/// The part of a protocol that makes packets bytes, whatever kind of protocol it is.
pub struct Encoder {
    protocol: Arc<dyn Protocol>,
    /// What goes before each packet, if that is all that is done to it.
    head: Option<Head>,
}

impl Encoder {
    /// Appends the bytes of one packet, given in parts, or nothing if it fails.
    #[inline]
    pub fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Gather<'a>) -> Result<()> {
        match parts {
            [packet] => self.encode_packet(packet, out),
            parts => self.encode_by_protocol(parts, out),
        }
    }

    /// The same of a packet in one piece: without a call to the protocol if only a head goes before it.
    #[inline(always)]
    pub fn encode_packet<'a>(&'a self, packet: &'a [u8], out: &mut Gather<'a>) -> Result<()> {
        match &self.head {
            Some(head) if head.admits(packet.len()) => {
                out.sink().push_packet(head, packet);
                out.end_packet();
                Ok(())
            }
            _ => self.encode_by_protocol(&[packet], out),
        }
    }

    /// Appends packets for as long as there is room; whether there are no more of them.
    #[inline(always)]
    pub fn encode_packets<'a, 'p: 'a>(
        &'a self,
        packets: &mut (impl Iterator<Item = Result<&'p [u8]>> + Clone),
        out: &mut Gather<'a>,
    ) -> Result<bool> {
        while !out.is_full() {
            let Some(packet) = packets.next() else { return Ok(true) };
            self.encode_packet(packet?, out)?;
            if let Some(head) = &self.head {
                out.push_alike(head, packets);
            }
        }
        Ok(false)
    }

    #[inline(never)]
    fn encode_by_protocol<'a>(&'a self, parts: &[&'a [u8]], out: &mut Gather<'a>) -> Result<()> {
        self.write(parts, &mut out.sink())?;
        out.end_packet();
        Ok(())
    }

    /// The bytes of one packet in one piece, if only a head goes before it; one that is short goes behind
    /// its head in `room`.
    #[inline(always)]
    pub fn whole<'p>(&self, packet: &'p [u8], room: &'p mut Room) -> Option<&'p [u8]> {
        let head = self.head.as_ref().filter(|head| head.admits(packet.len()))?;
        if head.is_nothing() {
            return Some(packet);
        }
        room.join(head.wide(packet.len()), head.width(), packet)
    }

    /// As [`Self::encode`], for who needs not know where packets end.
    #[inline]
    pub fn write<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        let mark = out.mark();
        self.protocol.encode(parts, out).map_err(|error| {
            out.go_back(mark);
            error.at(Stage::Encode)
        })
    }
}

impl From<&Arc<dyn StreamProtocol>> for Encoder {
    fn from(protocol: &Arc<dyn StreamProtocol>) -> Encoder {
        Encoder { head: protocol.head(), protocol: protocol.clone() }
    }
}

impl From<&Arc<dyn DatagramProtocol>> for Encoder {
    fn from(protocol: &Arc<dyn DatagramProtocol>) -> Encoder {
        Encoder { head: protocol.head(), protocol: protocol.clone() }
    }
}

/// What one endpoint has done so far. Each number has one writer at a time.
#[derive(Debug, Default)]
pub struct Counters {
    /// Packets sent, or put aside to be sent.
    pub packets_sent: Counter,
    /// Packets received.
    pub packets_received: Counter,
    /// Bytes handed to the transport.
    pub bytes_sent: Counter,
    /// Bytes taken from the transport.
    pub bytes_received: Counter,
    /// Calls that sent.
    pub send_calls: Counter,
    /// Calls that received.
    pub recv_calls: Counter,
    /// How many bytes each receive asks for.
    pub max_recv_size: Counter,
}

/// A number that one thread at a time changes and any may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    #[inline]
    pub fn add(&self, count: usize) {
        // There is one writer, so no locked instruction is needed.
        self.0.store(self.get() + count as u64, Ordering::Relaxed);
    }

    /// Takes one back.
    pub fn take_back(&self) {
        self.0.store(self.get().saturating_sub(1), Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, count: usize) {
        self.0.store(count as u64, Ordering::Relaxed);
    }

    /// Reads it.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
