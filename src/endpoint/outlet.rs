//! Where packets go out of an endpoint.

use std::io::IoSlice;
use std::sync::Arc;

use super::Counters;
use crate::attempt::{Attempt, Hold, Stop};
use crate::error::{EN_EMSGSIZE, EN_EOPNOTSUPP, Error, Result};
use crate::protocol::Gather;
use crate::transport::{DatagramTransport, StreamTransport, Transport, Turn};

/// A transport, and what packets are to it.
pub enum Outlet {
    /// They are bytes, one behind the other; where others send, too, in turn.
    Stream(Arc<dyn StreamTransport>, Option<Turn>),
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
            Outlet::Stream(..) | Outlet::Datagrams(_) => Ok(()),
            Outlet::ReceivesOnly(_) => Err(only_receives()),
        }
    }

    /// Sends what was gathered, with at most one system call.
    #[inline(always)]
    pub fn send(&self, out: &mut Gather<'_>, hold: Hold, counters: &Counters) -> Attempt<()> {
        match self {
            Outlet::Stream(transport, _) => send_bytes(&**transport, out, hold, counters),
            Outlet::Datagrams(transport) => send_datagrams(&**transport, out, hold, counters),
            Outlet::ReceivesOnly(_) => Err(only_receives().into()),
        }
    }

    /// Sends the bytes of one packet, with at most one system call: how many of them.
    #[inline(always)]
    pub fn send_whole(&self, packet: &[u8], hold: Hold, counters: &Counters) -> Attempt<usize> {
        let sent = match self {
            Outlet::Stream(..) if packet.is_empty() => return Ok(0),
            Outlet::Stream(transport, _) => transport.send(&[IoSlice::new(packet)], hold),
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
        let sent = out.with_rest(|slices| match self {
            Outlet::Stream(transport, _) => transport.send_with_ancillary(slices, control, hold),
            Outlet::Datagrams(transport) => transport.send_with_ancillary(slices, control, hold),
            Outlet::ReceivesOnly(_) => Err(only_receives().into()),
        });
        count(&sent, counters);
        match (self, sent?) {
            (Outlet::Stream(..), sent) => out.advance(sent),
            _ => out.advance_packets(1),
        }
        match out.is_sent() {
            true => Ok(()),
            false => Err(Stop::Failed(too_large_for_once())),
        }
    }

    /// Whether some of these bytes were taken by a send that had to wait: they may go out, whoever gives up.
    pub fn is_midway(&self, rest: &[IoSlice<'_>]) -> bool {
        matches!(self, Outlet::Stream(transport, _) if transport.is_midway(rest))
    }

    /// Whether others send there, too.
    #[inline]
    pub fn has_turns(&self) -> bool {
        matches!(self, Outlet::Stream(_, Some(_)))
    }

    /// Keeps others from sending, until [`Self::leave_turn`].
    pub fn take_turn(&self) -> Result<()> {
        match self {
            Outlet::Stream(transport, Some(turn)) => transport.take_turn(*turn),
            _ => Ok(()),
        }
    }

    /// Lets others send.
    pub fn leave_turn(&self) {
        if let Outlet::Stream(transport, Some(turn)) = self {
            transport.leave_turn(*turn);
        }
    }

    /// Nobody comes again with bytes that were taken by a send that had to wait: nothing may follow them.
    pub fn give_up_sending(&self, why: &str) {
        if let Outlet::Stream(transport, _) = self {
            transport.give_up_sending(why);
        }
    }

    /// Half of a packet has gone: nothing may follow it.
    pub fn break_off(&self, why: &str) {
        if let Outlet::Stream(transport, _) = self {
            transport.break_off(why);
        }
    }

    /// Sends the end of the stream.
    pub fn send_eof(&self, hold: Hold) -> Attempt<()> {
        match self {
            Outlet::Stream(transport, _) => transport.send_eof(hold),
            Outlet::Datagrams(_) => Err(Error::new(EN_EOPNOTSUPP, "datagrams have no end").into()),
            Outlet::ReceivesOnly(_) => Err(only_receives().into()),
        }
    }

    /// The transport.
    pub fn transport(&self) -> Arc<dyn Transport> {
        match self {
            Outlet::Stream(transport, _) => transport.clone().plain(),
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
