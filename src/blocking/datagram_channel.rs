//! Datagrams in and out of a datagram transport.

use std::borrow::Cow;
use std::io::IoSlice;
use std::sync::Arc;

use super::channel::{Channel, Wanted};
use super::stream_channel::{Now, not_stapled};
use super::wait::at_once;
use crate::attempt::Hold;
use crate::deadline::Deadline;
use crate::error::{EN_EMSGSIZE, Error, Result, invalid};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::transport::{DatagramTransport, Shared};

type Datagrams = dyn DatagramTransport;

impl Channel<Datagrams> {
    /// The halves a stapled transport was made of, the receiving one first.
    pub fn halves(&self) -> Result<[Arc<Shared<Datagrams>>; 2]> {
        self.transport()?.halves().ok_or_else(not_stapled)
    }

    /// Receives one datagram; its size, which is more than the buffer's if it was cut.
    pub fn recv(&self, buffer: &mut [u8], timeout_ms: i64) -> Result<usize> {
        let mut deadline = Deadline::after_ms(timeout_ms);
        self.with_receiver(|channel, transport| {
            channel.holds.drive(&**transport, &mut deadline, |hold| transport.recv_one(buffer, hold))
        })
    }

    /// The same without waiting.
    pub fn recv_now(&self, buffer: &mut [u8]) -> Now<usize> {
        self.with_receiver(|_, transport| {
            let outcome = at_once(|| transport.recv_one(buffer, Hold::No))?;
            Ok(outcome.map_err(|interest| Wanted::of(&**transport, interest)))
        })
    }

    /// Receives one datagram and what came with it, which replaces what `ancillary` held.
    pub fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        timeout_ms: i64,
    ) -> Result<usize> {
        let mut deadline = Deadline::after_ms(timeout_ms);
        self.with_receiver(|channel, transport| {
            let arrived = channel.holds.drive(&**transport, &mut deadline, |hold| {
                transport.recv_with_ancillary(buffer, ancillary, room, hold)
            })?;
            Ok(arrived.size)
        })
    }

    /// The same without waiting.
    pub fn recv_with_ancillary_now(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
    ) -> Now<usize> {
        self.with_receiver(|_, transport| {
            let outcome = at_once(|| transport.recv_with_ancillary(buffer, ancillary, room, Hold::No))?;
            Ok(sized(outcome.map_err(|interest| Wanted::of(&**transport, interest))))
        })
    }

    /// Sends one datagram.
    pub fn send(&self, datagram: &[u8], timeout_ms: i64) -> Result<()> {
        let mut deadline = Deadline::after_ms(timeout_ms);
        self.with_sender(|channel, sending| {
            let transport = &sending.transport;
            channel
                .holds
                .drive_sender(&**transport, &mut deadline, |hold| transport.send(&[datagram], hold))?;
            Ok(())
        })
    }

    /// The same without waiting.
    pub fn send_now(&self, datagram: &[u8]) -> Now<()> {
        self.with_sender(|_, sending| {
            let transport = &sending.transport;
            let outcome = at_once(|| transport.send(&[datagram], Hold::No))?;
            Ok(outcome.map(|_| ()).map_err(|interest| Wanted::of(&**transport, interest)))
        })
    }

    /// Sends one datagram and ancillary data with it.
    pub fn send_with_ancillary(&self, datagram: &[u8], ancillary: &Ancillary, timeout_ms: i64) -> Result<()> {
        let mut deadline = Deadline::after_ms(timeout_ms);
        self.with_sender(|channel, sending| {
            let control = control_for(datagram, ancillary)?;
            let transport = &sending.transport;
            channel.holds.drive_sender(&**transport, &mut deadline, |hold| {
                transport.send_with_ancillary(&[IoSlice::new(datagram)], &control, hold)
            })?;
            Ok(())
        })
    }

    /// The same without waiting.
    pub fn send_with_ancillary_now(&self, datagram: &[u8], ancillary: &Ancillary) -> Now<()> {
        self.with_sender(|_, sending| {
            let control = control_for(datagram, ancillary)?;
            let transport = &sending.transport;
            let slices = [IoSlice::new(datagram)];
            let outcome = at_once(|| transport.send_with_ancillary(&slices, &control, Hold::No))?;
            Ok(outcome.map(|_| ()).map_err(|interest| Wanted::of(&**transport, interest)))
        })
    }
}

fn sized(outcome: std::result::Result<Arrived, Wanted>) -> std::result::Result<usize, Wanted> {
    outcome.map(|arrived| arrived.size)
}

fn control_for<'a>(datagram: &[u8], ancillary: &'a Ancillary) -> Result<Cow<'a, [u8]>> {
    match datagram.is_empty() {
        true => Err(invalid("ancillary data needs at least one byte to go with it")),
        false => Ok(ancillary.control()),
    }
}

/// A datagram that has not found room.
#[cold]
pub fn cut(size: usize, room: usize) -> Error {
    Error::new(EN_EMSGSIZE, format!("a datagram of {size} bytes has come: there was room for {room} bytes"))
}
