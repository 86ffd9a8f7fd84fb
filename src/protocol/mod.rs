//! Bytes and packets: how a packet becomes bytes, and bytes become packets again.
//!
//! Nothing here knows of sockets or waits. What is built in decodes without copying: a decoder
//! looks at the bytes that have gathered and says where in them the packet lies.

use crate::error::{EN_EMSGSIZE, Error, Result, invalid};
use crate::packet::{Cutter, Packet};

pub use crate::packet::Cut;

mod boundaries;
pub mod datagram;
pub mod delimited;
pub mod filled;
pub mod fixed;
pub mod gather;
pub mod head;
pub mod json;
pub mod length_prefixed;
pub mod line;
pub mod raw;
pub mod sink;
#[cfg(test)]
pub(crate) mod testing;

pub use gather::Gather;
pub use head::Head;
pub use sink::Sink;

/// How packets become bytes. It never changes, and serves any number of connections.
pub trait Protocol: Send + Sync {
    /// Appends the bytes of one packet, given in parts. What was appended before a failure is
    /// taken back by the caller.
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()>;

    /// What goes before each packet, if that is all that is done to it.
    fn head(&self) -> Option<Head> {
        None
    }

    /// Whether it runs code of the application, which may call back into the library.
    fn runs_callbacks(&self) -> bool {
        false
    }
}

/// The framing of a byte stream.
pub trait StreamProtocol: Protocol {
    /// Makes the decoding side for one connection, which may have a smaller largest packet. Who lends memory
    /// has the say about that himself.
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding>;
}

/// The decoding side of a protocol: over bytes that the endpoint gathers, or over memory that the
/// protocol lends.
pub enum Decoding {
    /// The endpoint gathers the bytes.
    Gathered(Box<dyn Decoder>),
    /// The protocol lends the memory the transport reads into.
    Lent(Box<dyn BufferedDecoder>),
}

/// Finds packets in the bytes that have gathered. One for each connection.
pub trait Decoder: Send {
    /// Looks at all the bytes that have arrived and are not spent, from the first one on. It is
    /// called again with the same bytes and more behind them after [`Step::More`], so it keeps how
    /// far it has looked. `ended` says that nothing can follow. Never called without bytes, but at
    /// the end when [`Self::has_begun`].
    fn decode(&mut self, bytes: &[u8], ended: bool) -> Step;

    /// Cuts off all packets that lie whole in what is there, or as many as there are places for; what it
    /// has found in place of another one. Once for a great many, so that one costs no call of its own.
    fn cut(&mut self, cutter: &mut Cutter<'_, '_>, ended: bool) -> Option<Step> {
        while cutter.goes_on() {
            let step = self.decode(cutter.bytes(), ended);
            let Step::Packet(cut) = step else { return Some(step) };
            cutter.cut(cut);
            // There is nothing to end in it, which would be looked for.
            std::mem::forget(step);
        }
        None
    }

    /// Whether bytes that are spent belong to a packet that is not whole yet.
    fn has_begun(&self) -> bool {
        false
    }

    /// How many bytes may gather without a packet before the endpoint gives up: the protocol's
    /// largest packet, with what its framing adds.
    fn limit(&self) -> usize;
}

/// What a decoder found.
#[derive(Debug)]
pub enum Step {
    /// A packet among the bytes.
    Packet(Cut),
    /// A packet that lies elsewhere, and how many bytes are spent with it.
    Made {
        /// The packet.
        packet: Packet,
        /// How many bytes are spent.
        used: usize,
    },
    /// More bytes are needed.
    More {
        /// How many bytes are spent already, and not shown again.
        used: usize,
    },
    /// These bytes are no packet: the receive fails, and the next one goes on behind them.
    Bad {
        /// Why.
        error: Error,
        /// How many bytes are skipped.
        used: usize,
    },
    /// Nobody can know where the next packet begins: this and every later receive fails.
    Broken(Error),
}

impl Step {
    /// The same, but a packet above the maximum is none.
    #[must_use]
    pub fn at_most(self, max_size: MaxSize) -> Step {
        let (size, used) = match &self {
            Step::Packet(cut) => (cut.end - cut.start, cut.used),
            Step::Made { packet, used } => (packet.len(), *used),
            _ => return self,
        };
        match size <= max_size.bytes() {
            true => self,
            false => Step::Bad { error: max_size.exceeded(), used },
        }
    }
}

/// Finds packets in memory that it lends itself.
pub trait BufferedDecoder: Send {
    /// Lends a buffer, and says how many bytes at its start are filled already: not all of them.
    fn lend(&mut self, size_hint: usize) -> Result<(&mut [u8], usize)>;

    /// The buffer that was lent last.
    fn buffer(&mut self) -> &mut [u8];

    /// Looks for a packet in the first `filled` bytes of the buffer that was lent last. Of the
    /// steps, `Packet` says that the endpoint copies the bytes at these places.
    fn decode(&mut self, filled: usize, ended: bool) -> Step;
}

/// The framing of datagrams: one packet is one datagram.
pub trait DatagramProtocol: Protocol {
    /// Makes a datagram the packet that it is, where it lies: to move it would take longer than most
    /// protocols do.
    fn decode(&self, datagram: &mut Packet) -> Result<()>;

    /// Datagrams of fewer bytes are packets as they come, which need not be decoded.
    fn passes_below(&self) -> usize {
        0
    }
}

/// The largest packet that a protocol lets through, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxSize(usize);

impl MaxSize {
    /// What stands for 0.
    pub const DEFAULT: MaxSize = MaxSize(16 << 20);
    /// The largest that can be set: 1 TiB, or half of the address space.
    pub const LARGEST: usize = if usize::BITS >= 64 { 1 << 40 } else { usize::MAX >> 1 };

    /// A maximum of so many bytes; 0 stands for the default.
    pub fn new(bytes: usize) -> Result<MaxSize> {
        match bytes {
            0 => Ok(MaxSize::DEFAULT),
            1..=MaxSize::LARGEST => Ok(MaxSize(bytes)),
            _ => Err(invalid(format!(
                "a maximum packet size of {bytes} bytes is more than {}",
                MaxSize::LARGEST
            ))),
        }
    }

    /// The number of bytes.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// The size of a packet that is to be sent, given in parts.
    #[inline]
    pub fn admit(self, parts: &[&[u8]]) -> Result<usize> {
        let size = match parts {
            [part] => part.len(),
            // The same memory may be given many times over.
            parts => parts.iter().fold(0usize, |size, part| size.saturating_add(part.len())),
        };
        match size <= self.0 {
            true => Ok(size),
            false => Err(self.refusal(size)),
        }
    }

    #[cold]
    fn refusal(self, size: usize) -> Error {
        let reason = format!("a packet of {size} bytes is larger than the maximum of {}", self.0);
        Error::new(EN_EMSGSIZE, reason)
    }

    /// The smaller one of this maximum and another, if there is one.
    #[must_use]
    pub fn lowered(self, other: Option<MaxSize>) -> MaxSize {
        other.map_or(self, |other| MaxSize(self.0.min(other.0)))
    }

    /// What a receive says to a larger packet.
    #[cold]
    pub fn exceeded(self) -> Error {
        Error::new(
            EN_EMSGSIZE,
            format!("a packet has come that is larger than the maximum of {} bytes", self.0),
        )
    }
}
