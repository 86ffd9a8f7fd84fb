//! Datagrams as packets: what is built in.

use super::{DatagramProtocol, Head, MaxSize, Protocol, Sink};
use crate::error::Result;
use crate::packet::Packet;

/// A packet is a datagram as it is.
pub struct RawDatagrams {
    max_size: MaxSize,
}

impl RawDatagrams {
    /// Packets of at most this size.
    pub fn new(max_size: MaxSize) -> RawDatagrams {
        RawDatagrams { max_size }
    }
}

impl Protocol for RawDatagrams {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        self.max_size.admit(parts)?;
        out.push_all(parts);
        Ok(())
    }

    fn head(&self) -> Option<Head> {
        Some(Head::nothing(self.max_size))
    }
}

impl DatagramProtocol for RawDatagrams {
    fn decode(&self, datagram: &mut Packet) -> Result<()> {
        match datagram.len() > self.max_size.bytes() {
            true => Err(self.max_size.exceeded()),
            false => Ok(()),
        }
    }

    fn passes_below(&self) -> usize {
        self.max_size.bytes() + 1
    }
}
