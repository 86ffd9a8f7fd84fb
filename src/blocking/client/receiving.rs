//! Receiving with calls that block.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Client, closed};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::deadline::Deadline;
use crate::endpoint::PacketReceiver;
use crate::error::{Result, Stage};
use crate::packet::{Packet, Places};
use crate::socket::ancillary::Ancillary;

/// How long a receive waits before anybody asks what time it is: most packets come sooner, and to read the clock
/// takes a good part of the time that we take for one.
const BRIEFLY_MS: u32 = 20;

/// From here on a time-out may end some milliseconds late: by as much as the kernel holds us longer.
const LONG_MS: u64 = 1000;

/// When a receive has begun that stopped so before anybody had asked what time it is; rather too late than too
/// early.
fn begun(stop: &Stop) -> Instant {
    let waited = match stop {
        Stop::Want(Interest::Read) => Duration::from_millis(BRIEFLY_MS.into()),
        // By a signal, or a part of a packet.
        _ => Duration::ZERO,
    };
    let now = Instant::now();
    now.checked_sub(waited).unwrap_or(now)
}

impl Client {
    /// Receives one packet into a place.
    #[inline]
    pub fn recv_packet(&self, place: &mut MaybeUninit<Packet>, timeout_ms: i64) -> Result<()> {
        self.recv_packet_by(
            place,
            timeout_ms,
            #[inline(always)]
            |half, hold, place| half.recv_into(hold, place, &self.counters).map(|_| ()),
        )
    }

    /// The same by `recv`, if nothing has gathered.
    #[inline(always)]
    fn recv_packet_by(
        &self,
        place: &mut MaybeUninit<Packet>,
        timeout_ms: i64,
        recv: impl FnMut(&mut dyn PacketReceiver, Hold, &mut Places<'_>) -> Attempt<()>,
    ) -> Result<()> {
        self.with_receiver(
            &mut Deadline::after_ms(timeout_ms),
            #[inline(always)]
            |half, deadline| {
                Places::fill(
                    place,
                    #[inline(always)]
                    |place| self.receive_by(half, deadline, place, recv),
                )
            },
        )
    }

    /// Receives one packet before a deadline.
    pub fn recv_within(&self, deadline: &mut Deadline) -> Result<Packet> {
        Places::one(|place| {
            self.with_receiver(deadline, |half, deadline| self.receive(half, deadline, place))
        })
    }

    /// Receives one packet and hands it to `take`; if that refuses, the packet stays for the next
    /// receive.
    pub fn recv_packet_if(&self, timeout_ms: i64, take: impl FnOnce(&Packet) -> Result<()>) -> Result<()> {
        self.with_receiver(&mut Deadline::after_ms(timeout_ms), |half, deadline| {
            let packet = Places::one(|place| self.receive(half, deadline, place))?;
            take(&packet).inspect_err(|_| {
                self.counters.packets_received.take_back();
                half.put_back(Ok(packet));
            })
        })
    }

    /// Receives at least one packet into `out`, and what else there is; how many.
    #[inline(never)]
    pub fn recv_packets(&self, out: &mut [MaybeUninit<Packet>], timeout_ms: i64) -> Result<usize> {
        let mut places = Places::over(out);
        if !places.has_room() {
            return Ok(0);
        }
        self.with_receiver(&mut Deadline::after_ms(timeout_ms), |half, deadline| {
            places.fill_next(|place| self.receive(half, deadline, place))?;
            half.recv_more_into(&mut places, &self.counters);
            self.counters.packets_received.add(places.len() - 1);
            Ok(())
        })?;
        Ok(places.leave())
    }

    /// Receives one packet into a place, and into `ancillary`, which holds nothing, what came with it.
    #[inline(always)]
    pub fn recv_packet_with_ancillary(
        &self,
        place: &mut MaybeUninit<Packet>,
        ancillary: &mut Ancillary,
        room: usize,
        timeout_ms: i64,
    ) -> Result<()> {
        self.recv_packet_by(
            place,
            timeout_ms,
            #[inline(always)]
            |half, hold, place| half.recv_with_ancillary(ancillary, room, hold, place, &self.counters),
        )
    }

    /// Whether the next receive answers without a system call; no if another is under way.
    pub fn has_buffered(&self) -> Result<bool> {
        // Keeps the client until the error is complete.
        let _inside = self.holds.receiving.visit();
        if self.is_done() {
            return Err(self.explain(closed(), Stage::Receive));
        }
        let is_ready =
            || self.holds.receiving.try_lock().is_some_and(|mut half| half.is_ready(&self.counters));
        Ok(self.holds.run(is_ready))
    }

    #[inline(always)]
    fn receive(
        &self,
        half: &mut dyn PacketReceiver,
        deadline: &mut Deadline,
        place: &mut Places<'_>,
    ) -> Result<()> {
        self.receive_by(half, deadline, place, |half, hold, place| {
            half.recv_into(hold, place, &self.counters).map(|_| ())
        })
    }

    /// What has gathered, or else what `recv` brings.
    #[inline(always)]
    fn receive_by(
        &self,
        half: &mut dyn PacketReceiver,
        deadline: &mut Deadline,
        place: &mut Places<'_>,
        mut recv: impl FnMut(&mut dyn PacketReceiver, Hold, &mut Places<'_>) -> Attempt<()>,
    ) -> Result<()> {
        if self.gathers {
            half.gathered_into(place)?;
        }
        if place.is_empty() {
            self.wait_for_packet(
                half,
                deadline,
                #[inline(always)]
                |half, hold| recv(half, hold, place),
            )?;
        }
        // A callback, or somebody else, may have closed the client meanwhile.
        if self.is_done() {
            return Err(closed());
        }
        self.counters.packets_received.add(1);
        Ok(())
    }

    #[inline(always)]
    fn wait_for_packet(
        &self,
        half: &mut dyn PacketReceiver,
        deadline: &mut Deadline,
        mut recv: impl FnMut(&mut dyn PacketReceiver, Hold) -> Attempt<()>,
    ) -> Result<()> {
        match self.hold(deadline) {
            Hold::No => self.drive_receiver(half, deadline, recv),
            // Most of the time the kernel does all the waiting.
            hold => match recv(half, hold) {
                Ok(()) => Ok(()),
                Err(Stop::Failed(error)) => Err(error),
                Err(stop) => {
                    deadline.left_at(|| begun(&stop));
                    self.drive_receiver(half, deadline, recv)
                }
            },
        }
    }

    /// How long the kernel may hold a receive that nobody but the kernel has to know of.
    #[inline(always)]
    fn hold(&self, deadline: &mut Deadline) -> Hold {
        if !self.only_waits || self.unsent.load(Ordering::Relaxed) || self.holds.life.is_in_child() {
            return Hold::No;
        }
        match deadline.whole_ms() {
            // What code of the application takes counts: then the clock is read before it runs.
            Some(LONG_MS..) if !self.runs_callbacks => Hold::Milliseconds(BRIEFLY_MS),
            _ => self.holds.waiting.hold(deadline.left()),
        }
    }

    #[inline(never)]
    fn drive_receiver(
        &self,
        half: &mut dyn PacketReceiver,
        deadline: &mut Deadline,
        mut recv: impl FnMut(&mut dyn PacketReceiver, Hold) -> Attempt<()>,
    ) -> Result<()> {
        let transport = self.holds.transport().ok_or_else(closed)?;
        self.holds.drive(&*transport, deadline, |hold| match self.unsent.load(Ordering::Relaxed) {
            false => recv(half, hold),
            true => self.recv_after_flush(|hold| recv(half, hold), hold),
        })
    }

    /// Before a receive waits, what is put aside goes out, if nobody else is sending: the answer
    /// may depend on it.
    fn recv_after_flush(&self, mut recv: impl FnMut(Hold) -> Attempt<()>, hold: Hold) -> Attempt<()> {
        match recv(Hold::No) {
            Err(Stop::Want(Interest::Read)) => {}
            outcome => return outcome,
        }
        match self.flush_now() {
            Err(Stop::Want(_)) => Err(Stop::Want(Interest::Either)),
            Err(Stop::Soon(_)) => Err(Stop::Soon(Some(Interest::Read))),
            // Failures are seen by receiving, too, or by the next send.
            _ => recv(hold),
        }
    }

    /// Sends of what is put aside what goes at once; who is sending sees to it himself.
    fn flush_now(&self) -> Attempt<()> {
        let Some(mut half) = self.holds.sending.try_lock_briefly() else { return Ok(()) };
        self.leave_to_parent(&mut half);
        let outcome = loop {
            match half.flush_in_turn(Hold::No, &self.counters) {
                Err(Stop::Again) => {}
                outcome => break outcome,
            }
        };
        self.unsent.store(half.has_unsent(), Ordering::Relaxed);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_has_waited_counts_and_what_nobody_knows_does_not() {
        let before = Instant::now();
        let brief = Duration::from_millis(BRIEFLY_MS.into());
        assert!(begun(&Stop::Want(Interest::Read)) <= Instant::now() - brief);
        assert!(begun(&Stop::Want(Interest::Read)) >= before - brief);
        assert!(begun(&Stop::Again) >= before);
        assert!(begun(&Stop::Want(Interest::Write)) >= before);
    }
}
