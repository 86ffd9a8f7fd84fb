//! Bytes in and out of a stream transport.

use std::cell::Cell;
use std::io::IoSlice;
use std::os::fd::RawFd;
use std::sync::Arc;

use super::channel::{Channel, Sending, Within, control_for};
use crate::attempt::{Hold, Stop};
use crate::deadline::Deadline;
use crate::error::{EN_EMSGSIZE, EN_EPIPE, Error, Result, invalid};
use crate::protocol::Gather;
use crate::socket::ancillary::Ancillary;
use crate::transport::{Party, Shared, StreamTransport};

type Stream = dyn StreamTransport;

impl Channel<Stream> {
    /// The handles of the halves a stapled transport was made of, the receiving one first.
    pub fn halves(&self) -> Result<[Arc<Shared<Stream>>; 2]> {
        self.share()?.halves().ok_or_else(not_stapled)
    }

    /// Receives at least one byte; 0 is the end of the stream.
    pub fn recv(&self, buffer: &mut [u8], within: Within<'_>) -> Result<usize> {
        self.receive(within, has_room(buffer), |transport, hold| transport.recv(buffer, hold))
    }

    /// Receives bytes and what came with them, which replaces what `ancillary` held.
    pub fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        within: Within<'_>,
    ) -> Result<usize> {
        self.receive(within, has_room(buffer), |transport, hold| {
            transport.recv_with_ancillary(buffer, ancillary, room, hold)
        })
    }

    /// Sends something that nobody else sends in the midst of.
    fn in_turn<R>(
        &self,
        work: impl FnOnce(&Self, &mut Sending<Stream>, &mut Turn) -> Result<R>,
    ) -> Result<R> {
        self.with_sender(|channel, sending| {
            let mut turn = match sending.begun.take() {
                Some(turn) => turn,
                None => Turn::take(sending)?,
            };
            let outcome = work(channel, sending, &mut turn);
            sending.begun = Some(turn).filter(|turn| turn.begun > 0);
            outcome
        })
    }

    /// Sends what goes of the bytes, at least one of them.
    pub fn send(&self, bytes: &[u8], timeout_ms: i64) -> Result<usize> {
        let mut deadline = Deadline::after_ms(timeout_ms);
        self.in_turn(|channel, sending, turn| {
            sending.check(turn, bytes.len())?;
            if bytes.is_empty() {
                return Ok(0);
            }
            let transport = sending.transport.clone();
            // What the kernel holds it sends whole; here a part is enough.
            let outcome = channel.holds.drive_sender(&*transport, &mut deadline, |_| {
                transport.send(&[IoSlice::new(bytes)], Hold::No)
            });
            turn.begun = 0;
            outcome.inspect_err(|error| {
                if transport.is_midway(&[IoSlice::new(bytes)]) {
                    sending.give_up(error);
                }
            })
        })
    }

    /// Sends of the slices what goes at once. Who is told to wait, by `fd`, comes again with the
    /// same bytes and, if need be, more behind them.
    pub fn send_now(&self, slices: &[&[u8]], fd: &Cell<RawFd>) -> Result<usize> {
        let outcome = self.in_turn(|channel, sending, turn| {
            let size = slices.iter().map(|slice| slice.len()).sum();
            sending.check(turn, size)?;
            let mut out = Gather::default();
            for slice in slices {
                if out.is_full() {
                    break;
                }
                out.push(slice);
            }
            if out.is_empty() {
                return Ok(Ok(0));
            }
            let outcome = channel.transmit(sending, Within::NoWait(fd), |transport, hold| {
                out.with_rest(|slices| transport.send(slices, hold))
            })?;
            let is_begun = outcome.is_err() && out.has_rest(&mut |rest| sending.transport.is_midway(rest));
            turn.begun = if is_begun { out.len() } else { 0 };
            Ok(outcome)
        });
        outcome?
    }

    /// Sends all bytes of all slices, and says how many went in any case.
    pub fn send_all(
        &self,
        slices: &mut dyn Iterator<Item = Result<&[u8]>>,
        timeout_ms: i64,
    ) -> (usize, Result<()>) {
        let mut sent = 0;
        let mut deadline = Deadline::after_ms(timeout_ms);
        let outcome = self.in_turn(|channel, sending, turn| {
            let mut slices = slices.peekable();
            sending.check(turn, usize::MAX)?;
            while slices.peek().is_some() {
                let mut out = Gather::default();
                while !out.is_full() {
                    let Some(slice) = slices.next() else { break };
                    out.push(slice?);
                }
                let outcome = channel.send_gathered(sending, turn, &mut out, &mut deadline);
                sent += out.sent();
                outcome?;
            }
            Ok(())
        });
        (sent, outcome)
    }

    fn send_gathered(
        &self,
        sending: &mut Sending<Stream>,
        turn: &mut Turn,
        out: &mut Gather<'_>,
        deadline: &mut Deadline,
    ) -> Result<()> {
        if out.is_sent() {
            return Ok(());
        }
        let transport = sending.transport.clone();
        let outcome = self.holds.drive_sender(&*transport, deadline, |hold| {
            let sent = out.with_rest(|slices| transport.send(slices, hold))?;
            out.advance(sent);
            if out.is_sent() { Ok(()) } else { Err(Stop::Again) }
        });
        turn.begun = 0;
        outcome.inspect_err(|error| {
            if out.has_rest(&mut |rest| transport.is_midway(rest)) {
                sending.give_up(error);
            }
        })
    }

    /// Sends all bytes and ancillary data with them, in one piece; how many bytes went in any case.
    pub fn send_with_ancillary(
        &self,
        bytes: &[u8],
        ancillary: &Ancillary,
        within: Within<'_>,
    ) -> (usize, Result<()>) {
        let mut sent = 0;
        let outcome = self.in_turn(|channel, sending, _| {
            let control = control_for(bytes, ancillary)?;
            let outcome = channel.transmit(sending, within, |transport, hold| {
                transport.send_with_ancillary(&[IoSlice::new(bytes)], &control, hold)
            })?;
            match outcome {
                Ok(count) => {
                    sent = count;
                    in_one_piece(sent, bytes).map(Ok)
                }
                Err(wanted) => Ok(Err(wanted)),
            }
        });
        (sent, outcome.and_then(|outcome| outcome))
    }

    /// Sends the end of the stream.
    pub fn send_eof(&self, timeout_ms: i64) -> Result<()> {
        let mut deadline = Deadline::after_ms(timeout_ms);
        self.in_turn(|channel, sending, _| {
            let transport = sending.transport.clone();
            channel.holds.drive_sender(&*transport, &mut deadline, |hold| transport.send_eof(hold))
        })
    }
}

/// The time in which nobody else sends.
pub(super) struct Turn {
    transport: Arc<Shared<Stream>>,
    party: Party,
    /// How many bytes were given to a send that had to wait, and may have been taken.
    begun: usize,
}

impl Turn {
    fn take(sending: &Sending<Stream>) -> Result<Turn> {
        sending.transport.take_turn(sending.party)?;
        Ok(Turn { transport: sending.transport.clone(), party: sending.party, begun: 0 })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // If that is so.
        self.transport.give_up_sending("nobody has gone on with it");
        self.transport.leave_turn(self.party);
    }
}

impl Sending<Stream> {
    /// Whether so many bytes may be sent now.
    fn check(&self, turn: &Turn, size: usize) -> Result<()> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if size < turn.begun {
            let begun = turn.begun;
            let reason = format!(
                "an earlier send of {begun} bytes had to wait and has begun: come again with the same bytes"
            );
            return Err(invalid(reason));
        }
        Ok(())
    }

    /// Nobody comes again with the same bytes, some of which were taken: nothing can follow.
    #[cold]
    fn give_up(&mut self, error: &Error) {
        self.transport.give_up_sending(error.reason());
        let reason = format!("an earlier send stopped half-way ({}): nothing may follow", error.reason());
        self.broken = Some(Error::new(EN_EPIPE, reason));
    }
}

fn has_room(buffer: &[u8]) -> Result<()> {
    match buffer.is_empty() {
        true => Err(invalid("capacity is 0: there must be room for one byte")),
        false => Ok(()),
    }
}

fn in_one_piece(sent: usize, bytes: &[u8]) -> Result<()> {
    let size = bytes.len();
    match sent < size {
        true => Err(Error::new(EN_EMSGSIZE, format!("{sent} of {size} bytes went with the ancillary data"))),
        false => Ok(()),
    }
}

pub(super) fn not_stapled() -> Error {
    invalid("this transport was not made of two halves")
}
