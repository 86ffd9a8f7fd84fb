//! Where packets go out of an endpoint.

use std::io::IoSlice;
use std::sync::Arc;

use super::Counters;
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_EMSGSIZE, EN_EOPNOTSUPP, Error, Result};
use crate::protocol::Gather;
use crate::transport::{DatagramTransport, Party, StreamTransport, Transport};

/// A transport, and what packets are to it.
pub enum Outlet {
    /// They are bytes, one behind the other.
    Stream(Arc<dyn StreamTransport>),
    /// The same where others send, too, in turn.
    Shared(Arc<dyn StreamTransport>, Party),
    /// Each is a datagram.
    Datagrams(Arc<dyn DatagramTransport>),
    /// None go out. Even so the endpoint takes leave of the peer.
    ReceivesOnly(Arc<dyn Transport>),
}

impl Outlet {
    /// Whether anything ever goes out.
    #[inline]
    pub fn check(&self) -> Result<()> {
        match self {
            Outlet::Stream(_) | Outlet::Shared(..) | Outlet::Datagrams(_) => Ok(()),
            Outlet::ReceivesOnly(_) => Err(only_receives()),
        }
    }

    /// Sends what was gathered, with at most one system call.
    #[inline(always)]
    pub fn send(&self, out: &mut Gather<'_>, hold: Hold, counters: &Counters) -> Attempt<()> {
        match self {
            Outlet::Stream(transport) => send_bytes(&**transport, out, hold, counters),
            Outlet::Shared(transport, party) => {
                send_in_turn(&**transport, *party, out, false, hold, counters)
            }
            Outlet::Datagrams(transport) => send_datagrams(&**transport, out, hold, counters),
            Outlet::ReceivesOnly(_) => Err(only_receives().into()),
        }
    }

    /// The same of a write buffer, part of which has gone before if it is `begun`.
    pub fn send_aside(
        &self,
        out: &mut Gather<'_>,
        begun: bool,
        hold: Hold,
        counters: &Counters,
    ) -> Attempt<()> {
        match self {
            Outlet::Shared(transport, party) => {
                send_in_turn(&**transport, *party, out, begun, hold, counters)
            }
            _ => self.send(out, hold, counters),
        }
    }

    /// Sends the bytes of one packet, with at most one system call: how many of them.
    #[inline(always)]
    pub fn send_whole(&self, packet: &[u8], hold: Hold, counters: &Counters) -> Attempt<usize> {
        let sent = match self {
            Outlet::Stream(_) | Outlet::Shared(..) if packet.is_empty() => return Ok(0),
            Outlet::Stream(transport) => transport.send(&[IoSlice::new(packet)], hold),
            Outlet::Shared(transport, party) => send_whole_in_turn(&**transport, *party, packet, hold),
            Outlet::Datagrams(transport) => transport.send_one(packet, hold).map(|()| packet.len()),
            Outlet::ReceivesOnly(_) => Err(only_receives().into()),
        };
        count(&sent, counters);
        sent
    }

    /// Sends what was gathered, which is something, and a control message with it, at once or not at all.
    #[inline]
    pub fn send_with_ancillary(
        &self,
        out: &mut Gather<'_>,
        control: &[u8],
        hold: Hold,
        counters: &Counters,
    ) -> Attempt<()> {
        if let Outlet::Shared(transport, party) = self {
            transport.take_turn(*party)?;
        }
        let outcome = self.attempt_with_ancillary(out, control, hold, counters);
        // What has gone in part never goes whole: who is told so gives it up.
        if let Outlet::Shared(transport, party) = self
            && out.is_between_packets()
        {
            transport.leave_turn(*party);
        }
        outcome
    }

    #[inline(always)]
    fn attempt_with_ancillary(
        &self,
        out: &mut Gather<'_>,
        control: &[u8],
        hold: Hold,
        counters: &Counters,
    ) -> Attempt<()> {
        let sent = out.with_rest(|slices| match self {
            Outlet::Stream(transport) | Outlet::Shared(transport, _) => {
                transport.send_with_ancillary(slices, control, hold)
            }
            Outlet::Datagrams(transport) => transport.send_with_ancillary(slices, control, hold),
            Outlet::ReceivesOnly(_) => Err(only_receives().into()),
        });
        count(&sent, counters);
        match (self, sent?) {
            (Outlet::Datagrams(_), _) => out.advance_packets(1),
            (_, count) => out.advance(count),
        }
        match out.is_sent() {
            true => Ok(()),
            false => Err(Stop::Failed(too_large_for_once())),
        }
    }

    /// Whether some of these bytes were taken by a send that had to wait: they may go out, whoever gives up.
    pub fn is_midway(&self, rest: &[IoSlice<'_>]) -> bool {
        match self {
            Outlet::Stream(transport) => transport.is_midway(rest),
            // In somebody else's turn they are not these.
            Outlet::Shared(transport, party) => transport.has_turn(*party) && transport.is_midway(rest),
            Outlet::Datagrams(_) | Outlet::ReceivesOnly(_) => false,
        }
    }

    fn stream(&self) -> Option<&dyn StreamTransport> {
        match self {
            Outlet::Stream(transport) | Outlet::Shared(transport, _) => Some(&**transport),
            Outlet::Datagrams(_) | Outlet::ReceivesOnly(_) => None,
        }
    }

    /// Nobody comes again with bytes that were taken by a send that had to wait: nothing may follow them.
    pub fn give_up_sending(&self, why: &str) {
        if let Some(transport) = self.stream() {
            transport.give_up_sending(why);
        }
    }

    /// Nothing follows for now: others may send.
    #[inline]
    pub fn leave_turn(&self) {
        if let Outlet::Shared(transport, party) = self {
            transport.leave_turn(*party);
        }
    }

    /// Half of a packet has gone: nothing may follow it.
    pub fn break_off(&self, why: &str) {
        if let Some(transport) = self.stream() {
            transport.break_off(why);
        }
    }

    /// Sends the end of the stream.
    pub fn send_eof(&self, hold: Hold) -> Attempt<()> {
        match self {
            Outlet::Stream(transport) => transport.send_eof(hold),
            Outlet::Shared(transport, party) => {
                transport.take_turn(*party)?;
                let outcome = transport.send_eof(hold);
                transport.leave_turn(*party);
                outcome
            }
            Outlet::Datagrams(_) => Err(Error::new(EN_EOPNOTSUPP, "datagrams have no end").into()),
            Outlet::ReceivesOnly(_) => Err(only_receives().into()),
        }
    }

    /// The transport.
    pub fn transport(&self) -> Arc<dyn Transport> {
        match self {
            Outlet::Stream(transport) | Outlet::Shared(transport, _) => transport.clone().plain(),
            Outlet::Datagrams(transport) => transport.clone().plain(),
            Outlet::ReceivesOnly(transport) => transport.clone(),
        }
    }
}

/// A send has come to this.
fn count(sent: &Attempt<usize>, counters: &Counters) {
    counters.send_calls.add(1);
    if let Ok(count) = sent {
        counters.bytes_sent.add(*count);
    }
}

#[inline(always)]
fn send_bytes(
    transport: &dyn StreamTransport,
    out: &mut Gather<'_>,
    hold: Hold,
    counters: &Counters,
) -> Attempt<()> {
    if out.is_sent() {
        // Packets without bytes have gone, too.
        out.advance(0);
        return Ok(());
    }
    let sent = out.with_rest(
        #[inline(always)]
        |slices| transport.send(slices, hold),
    );
    count(&sent, counters);
    out.advance(sent?);
    if out.is_sent() { Ok(()) } else { Err(Stop::Again) }
}

/// The same, and nobody else sends into the midst of a packet.
#[inline(never)]
fn send_in_turn(
    transport: &dyn StreamTransport,
    party: Party,
    out: &mut Gather<'_>,
    begun: bool,
    hold: Hold,
    counters: &Counters,
) -> Attempt<()> {
    transport.take_turn(party)?;
    let outcome = send_bytes(transport, out, hold, counters);
    let is_between = out.is_sent() || out.is_between_packets() && !begun;
    if is_between && !out.has_rest(&mut |rest| transport.is_midway(rest)) {
        transport.leave_turn(party);
    }
    outcome
}

/// Sends the bytes of one packet in the same way.
#[inline(never)]
fn send_whole_in_turn(
    transport: &dyn StreamTransport,
    party: Party,
    packet: &[u8],
    hold: Hold,
) -> Attempt<usize> {
    transport.take_turn(party)?;
    let bytes = [IoSlice::new(packet)];
    let sent = transport.send(&bytes, hold);
    let is_midway = match &sent {
        Ok(count) => *count < packet.len(),
        Err(_) => transport.is_midway(&bytes),
    };
    if !is_midway {
        transport.leave_turn(party);
    }
    sent
}

#[inline(always)]
fn send_datagrams(
    transport: &dyn DatagramTransport,
    out: &mut Gather<'_>,
    hold: Hold,
    counters: &Counters,
) -> Attempt<()> {
    if out.packets_sent() == out.packets() {
        return Ok(());
    }
    let outcome = if let Some(datagram) = out.only_packet() {
        transport.send_one(datagram, hold).map(|()| 1)
    } else {
        send_several(transport, out, hold)
    };
    counters.send_calls.add(1);
    let count = outcome?;
    let before = out.sent();
    out.advance_packets(count);
    counters.bytes_sent.add(out.sent() - before);
    if out.packets_sent() == out.packets() { Ok(()) } else { Err(Stop::Again) }
}

#[inline(never)]
fn send_several(transport: &dyn DatagramTransport, out: &Gather<'_>, hold: Hold) -> Attempt<usize> {
    if let Some((bytes, size)) = out.alike() {
        return transport.send_alike(bytes, size, hold);
    }
    let packets = out.unsent_packets();
    let datagrams: Vec<&[u8]> = packets.iter().map(|packet| &**packet).collect();
    transport.send(&datagrams, hold)
}

#[cold]
fn too_large_for_once() -> Error {
    Error::new(EN_EMSGSIZE, "the packet is too large to go at once with its ancillary data")
}

#[cold]
fn only_receives() -> Error {
    Error::new(EN_EOPNOTSUPP, "this endpoint only receives")
}
