//! A transport and a protocol together: packets, still by attempts that do not wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::attempt::{Attempt, Hold};
use crate::error::{Result, Stage};
use crate::packet::Packet;
use crate::protocol::{Gather, StreamProtocol};

pub mod intake;
pub mod stream;

/// The receiving half of an endpoint.
pub trait PacketReceiver: Send {
    /// Receives one packet: from what has gathered, or with one system call.
    fn recv(&mut self, hold: Hold) -> Attempt<Packet>;

    /// A packet from what has gathered, without a system call; None: there is none.
    fn recv_gathered(&mut self) -> Result<Option<Packet>>;

    /// Takes an outcome back: the next receive answers it.
    fn put_back(&mut self, outcome: Result<Packet>);

    /// Whether the next receive answers without a system call.
    fn is_ready(&mut self) -> bool;
}

/// The sending half of an endpoint.
pub trait PacketSender: Send {
    /// Whether anything may be sent at all, before the effort to encode it.
    fn check(&self) -> Result<()>;

    /// Sends what was gathered, with at most one system call.
    fn send(&mut self, out: &mut Gather<'_>, hold: Hold) -> Attempt<()>;

    /// Says that what was gathered will not be sent further: if part of it has gone, nothing may
    /// follow it.
    fn give_up(&mut self, out: &Gather<'_>, why: &str);

    /// Sends what was put aside for later, with at most one system call.
    fn flush(&mut self, hold: Hold) -> Attempt<()>;

    /// Whether something was put aside.
    fn has_unsent(&self) -> bool;

    /// Drops what was put aside.
    fn forget_unsent(&mut self);

    /// Sends the end of the stream.
    fn send_eof(&mut self, hold: Hold) -> Attempt<()>;
}

/// The part of a protocol that makes packets bytes, whatever kind of protocol it is.
pub trait Encode: Send + Sync {
    /// Appends the bytes of one packet, given in parts, or nothing if it fails.
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Gather<'a>) -> Result<()>;
}

impl Encode for Arc<dyn StreamProtocol> {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Gather<'a>) -> Result<()> {
        let mark = out.mark();
        StreamProtocol::encode(&**self, parts, out).map_err(|error| {
            out.go_back(mark);
            error.at(Stage::Encode)
        })
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
