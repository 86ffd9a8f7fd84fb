//! From a host to a connected socket: names, and attempts at their addresses.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use super::resolving::Resolving;
use crate::attempt::{Course, Interest};
use crate::error::{Error, Stage};
use crate::socket::connect::{Attempts, Dialer, Progress};

/// A peer that is being reached.
pub(super) struct Reaching<D: Dialer> {
    resolving: Resolving,
    /// At the addresses that are known; more may come.
    attempts: Attempts<D>,
}

impl<D: Dialer<Socket: AsFd>> Reaching<D> {
    pub(super) fn new(resolving: Resolving, attempts: Attempts<D>) -> Reaching<D> {
        Reaching { resolving, attempts }
    }

    /// Goes on, to a socket and the address that has answered.
    pub(super) fn advance(&mut self, now: Instant) -> Progress<D::Socket> {
        match self.resolving.advance(now) {
            Ok(Some((remote, local))) => self.attempts.add(remote, local),
            Ok(None) => return Course::Wait { until: self.resolving.until() },
            Err(error) => return Course::Failed(error.at(Stage::Resolve)),
        }
        match self.attempts.advance(now) {
            // Other addresses may do better.
            Course::Failed(_) if !self.resolving.is_over() => Course::Wait { until: None },
            Course::Failed(error) => Course::Failed(error.at(Stage::Connect)),
            progress => progress,
        }
    }

    pub(super) fn waits_for(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        // Who can wait for one alone waits for the first.
        let sockets = self.attempts.pending().map(|socket| (socket.as_fd(), Interest::Write));
        let mut all: Vec<_> = sockets.collect();
        all.extend(self.resolving.waits_for());
        all
    }

    pub(super) fn give_up(self, error: Error) -> Error {
        match self.resolving.is_known() {
            true => self.attempts.expire(error).at(Stage::Connect),
            false => self.resolving.give_up(error),
        }
    }
}
