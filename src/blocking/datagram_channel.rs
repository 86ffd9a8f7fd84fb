//! Datagrams in and out of a datagram transport.

use std::io::IoSlice;
use std::sync::Arc;

use super::channel::{Channel, Within, control_for};
use super::stream_channel::not_stapled;
use crate::error::{EN_EMSGSIZE, Error, Result};
use crate::socket::ancillary::Ancillary;
use crate::transport::{DatagramTransport, Shared};

type Datagrams = dyn DatagramTransport;

impl Channel<Datagrams> {
    /// The halves a stapled transport was made of, the receiving one first.
    pub fn halves(&self) -> Result<[Arc<Shared<Datagrams>>; 2]> {
        self.share()?.halves().ok_or_else(not_stapled)
    }

    /// Receives one datagram; its size, which is more than the buffer's if it was cut.
    pub fn recv(&self, buffer: &mut [u8], within: Within<'_>) -> Result<usize> {
        self.receive(within, Ok(()), |transport, hold| transport.recv_one(buffer, hold))
    }

    /// Receives one datagram and what came with it, which replaces what `ancillary` held.
    pub fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        within: Within<'_>,
    ) -> Result<usize> {
        self.receive(within, Ok(()), |transport, hold| {
            Ok(transport.recv_with_ancillary(buffer, ancillary, room, hold)?.size)
        })
    }

    /// Sends one datagram.
    pub fn send(&self, datagram: &[u8], within: Within<'_>) -> Result<()> {
        let outcome = self.with_sender(|channel, sending| {
            channel.transmit(sending, within, |transport, hold| transport.send(&[datagram], hold))
        });
        outcome?.map(|_| ())
    }

    /// Sends one datagram and ancillary data with it.
    pub fn send_with_ancillary(
        &self,
        datagram: &[u8],
        ancillary: &Ancillary,
        within: Within<'_>,
    ) -> Result<()> {
        let outcome = self.with_sender(|channel, sending| {
            let control = control_for(datagram, ancillary)?;
            channel.transmit(sending, within, |transport, hold| {
                transport.send_with_ancillary(&[IoSlice::new(datagram)], &control, hold)
            })
        });
        outcome?.map(|_| ())
    }
}

/// A datagram that has not found room.
#[cold]
pub fn cut(size: usize, room: usize) -> Error {
    Error::new(EN_EMSGSIZE, format!("a datagram of {size} bytes has come: there was room for {room} bytes"))
}
