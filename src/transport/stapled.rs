//! One transport from two halves: what comes is taken from the one, what goes is given to the other.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::{Attribute, DatagramTransport, Party, Shared, StreamTransport, Transport};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::error::{EN_ENODATA, EN_EOPNOTSUPP, Result, invalid};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::tls::TlsFacts;

/// Two transports of one kind; each keeps its other holders.
pub struct Stapled<T: Transport + ?Sized> {
    receive: Arc<Shared<T>>,
    send: Arc<Shared<T>>,
}

impl<T: Transport + ?Sized> Stapled<T> {
    /// Receives by the one and sends by the other.
    pub fn new(receive: Arc<Shared<T>>, send: Arc<Shared<T>>) -> Result<Stapled<T>> {
        if Arc::ptr_eq(&receive, &send) {
            return Err(invalid(
                "the receiving and the sending half are the same transport: they must be two",
            ));
        }
        Ok(Stapled { receive, send })
    }

    fn half(&self, interest: Interest) -> &Shared<T> {
        if interest == Interest::Write { &self.send } else { &self.receive }
    }

    fn both(&self) -> [Arc<Shared<T>>; 2] {
        [self.receive.clone(), self.send.clone()]
    }
}

impl Stapled<dyn StreamTransport> {
    /// What has no end of its own ends by being closed; TLS says that this is no cut, and nobody
    /// waits for the answer.
    fn end_by_closing(&self) -> Attempt<()> {
        match self.send.farewell(Hold::No) {
            Err(Stop::Want(Interest::Write)) => Err(Stop::Want(Interest::Write)),
            _ => Ok(self.send.close()?),
        }
    }
}

impl<T: Transport + ?Sized> Transport for Stapled<T> {
    fn stop_receiving(&self) {
        self.receive.stop_receiving();
    }

    fn close(&self) -> Result<()> {
        let sending = self.send.close();
        sending.and(self.receive.close())
    }

    fn is_closed(&self) -> bool {
        self.receive.is_closed() && self.send.is_closed()
    }

    fn runs_callbacks(&self) -> bool {
        self.receive.runs_callbacks() || self.send.runs_callbacks()
    }

    fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        match self.receive.attribute(which) {
            Err(error) if error.code() == EN_ENODATA => self.send.attribute(which),
            outcome => outcome,
        }
    }

    fn fd(&self, interest: Interest) -> Option<BorrowedFd<'_>> {
        self.half(interest).fd(interest)
    }

    fn can_hold(&self) -> bool {
        self.receive.can_hold() && self.send.can_hold()
    }

    fn can_hold_sender(&self) -> bool {
        self.send.can_hold_sender()
    }

    fn says_farewell(&self) -> bool {
        self.receive.says_farewell() || self.send.says_farewell()
    }

    fn says_farewell_by_itself(&self) -> bool {
        // Each half does when nobody has that any more.
        false
    }

    fn farewell(&self, _hold: Hold) -> Attempt<()> {
        // What goes at once: there are two peers, and nobody can wait for both in turn.
        let _ = self.send.farewell(Hold::No);
        let _ = self.receive.farewell(Hold::No);
        Ok(())
    }

    fn survives_fork(&self) -> bool {
        self.receive.survives_fork() && self.send.survives_fork()
    }

    fn tls_facts(&self) -> Option<TlsFacts> {
        self.receive.tls_facts().or_else(|| self.send.tls_facts())
    }
}

impl StreamTransport for Stapled<dyn StreamTransport> {
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        self.receive.recv(buffer, hold)
    }

    fn send(&self, slices: &[IoSlice<'_>], hold: Hold) -> Attempt<usize> {
        self.send.send(slices, hold)
    }

    fn take_turn(&self, party: Party) -> Result<()> {
        self.send.take_turn(party)
    }

    fn leave_turn(&self, party: Party) {
        self.send.leave_turn(party);
    }

    fn is_drained(&self) -> bool {
        self.receive.is_drained()
    }

    fn is_midway(&self, rest: &[IoSlice<'_>]) -> bool {
        self.send.is_midway(rest)
    }

    fn give_up_sending(&self, why: &str) {
        self.send.give_up_sending(why);
    }

    fn break_off(&self, why: &str) {
        self.send.break_off(why);
    }

    fn has_received(&self) -> bool {
        self.receive.has_received()
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<usize> {
        self.receive.recv_with_ancillary(buffer, ancillary, room, hold)
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], hold: Hold) -> Attempt<usize> {
        self.send.send_with_ancillary(slices, control, hold)
    }

    fn send_eof(&self, hold: Hold) -> Attempt<()> {
        match self.send.send_eof(hold) {
            Err(Stop::Failed(error)) if error.code() == EN_EOPNOTSUPP => self.end_by_closing(),
            outcome => outcome,
        }
    }

    fn halves(&self) -> Option<[Arc<Shared<dyn StreamTransport>>; 2]> {
        Some(self.both())
    }
}

impl DatagramTransport for Stapled<dyn DatagramTransport> {
    fn recv(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived> {
        self.receive.recv(buffer, hold)
    }

    fn recv_one(&self, buffer: &mut [u8], hold: Hold) -> Attempt<usize> {
        self.receive.recv_one(buffer, hold)
    }

    fn most_at_once(&self) -> usize {
        self.receive.most_at_once()
    }

    fn send(&self, datagrams: &[&[u8]], hold: Hold) -> Attempt<usize> {
        self.send.send(datagrams, hold)
    }

    fn send_alike(&self, bytes: &[u8], size: usize, hold: Hold) -> Attempt<usize> {
        self.send.send_alike(bytes, size, hold)
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        hold: Hold,
    ) -> Attempt<Arrived> {
        self.receive.recv_with_ancillary(buffer, ancillary, room, hold)
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], hold: Hold) -> Attempt<usize> {
        self.send.send_with_ancillary(slices, control, hold)
    }

    fn halves(&self) -> Option<[Arc<Shared<dyn DatagramTransport>>; 2]> {
        Some(self.both())
    }
}
