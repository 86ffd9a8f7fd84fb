//! Ends operations, and calls for those that are over.

use std::rc::Rc;

use super::pending::Removed;
use super::{AsyncClient, Counted, Receive, State, WithAncillary};
use crate::error::{Error, Result, Stage};
use crate::packet::Packet;
use crate::reactor::callback::Done;
use crate::reactor::operation::{Operation, cancelled};

/// An operation that is over, and what came of it.
pub(super) enum Over {
    Done(Done<()>, Result<()>),
    Count(Done<Counted>, Result<Counted>),
    Packet(Done<Packet>, Result<Packet>),
    Packets(Done<Vec<Packet>>, Result<Vec<Packet>>),
    WithAncillary(Done<WithAncillary>, Result<WithAncillary>),
    /// A started receive.
    Last(Receive, Error),
}

impl Over {
    fn call(self) {
        match self {
            Over::Done(done, outcome) => done.call(outcome),
            Over::Count(done, outcome) => done.call(outcome),
            Over::Packet(done, outcome) => done.call(outcome),
            Over::Packets(done, outcome) => done.call(outcome),
            Over::WithAncillary(done, outcome) => done.call(outcome),
            Over::Last(receive, error) => receive.call(Err(error)),
        }
    }
}

/// What was asked for inside a protocol callback.
pub(super) enum Late {
    Close(Operation<()>),
    Cancel(u64),
}

impl AsyncClient {
    pub(super) fn finish<T>(
        self: &Rc<Self>,
        mut operation: Operation<T>,
        outcome: Result<T>,
        over: fn(Done<T>, Result<T>) -> Over,
    ) {
        self.call_later(self.complete(&mut operation, outcome, over));
    }

    /// An operation is over; what is to be called, if anything.
    pub(super) fn complete<T>(
        &self,
        operation: &mut Operation<T>,
        outcome: Result<T>,
        over: fn(Done<T>, Result<T>) -> Over,
    ) -> Option<Over> {
        let done = operation.finish(&self.core)?;
        Some(over(done, outcome.map_err(|error| self.explain(error))))
    }

    /// Has the loop call for what is over.
    pub(super) fn call_later(self: &Rc<Self>, over: Option<Over>) {
        if let Some(over) = over {
            self.later.with(|later| later.put().over.push_back(over));
            self.go_on_later();
        }
    }

    /// Calls for what is over; what ends meanwhile comes later.
    pub(super) fn call(&self) {
        for _ in 0..self.count_over() {
            let Some(over) = self.later.with(|later| later.remove(|later| later.over.pop_front())) else {
                break;
            };
            self.core.release();
            over.call();
        }
    }

    /// Calls until nothing is over any more.
    pub(super) fn call_all(&self) {
        while self.count_over() > 0 {
            self.call();
        }
    }

    pub(super) fn count_over(&self) -> usize {
        self.later.with(|later| later.get().map_or(0, |later| later.over.len()))
    }

    /// What was asked for inside a protocol callback is done when that has returned.
    pub(super) fn do_later(self: &Rc<Self>, late: Late) {
        self.later.with(|later| later.put().late.push_back(late));
        self.go_on_later();
    }

    /// Does what was asked for inside a protocol callback.
    pub(super) fn catch_up(self: &Rc<Self>) {
        let late = self.later.with(|later| later.remove(|later| Some(std::mem::take(&mut later.late))));
        for late in late.into_iter().flatten() {
            match late {
                Late::Close(operation) => self.wait_closed(operation),
                Late::Cancel(number) => self.end_operation(number, cancelled()),
            }
        }
    }

    /// Ends one operation with an error; nothing if it is over.
    pub(super) fn end_operation(self: &Rc<Self>, number: u64, error: Error) {
        let Ok(mut inner) = self.access() else { return };
        let error = match &inner.state {
            State::Connecting(connecting) => connecting.explain(&error),
            State::Handshaking(handshaking) => handshaking.explain(&error),
            _ => error,
        };
        match inner.pending.remove(|pending| pending.operations.remove(number)) {
            Some(Removed::Connect(operation)) => {
                drop(inner);
                return self.finish(operation, Err(error.at(Stage::Connect)), Over::Done);
            }
            Some(Removed::Receive(receive)) => {
                drop(inner);
                return receive.fail(self, error);
            }
            Some(Removed::Send(sending, is_first)) => {
                return self.give_up_sending(inner, sending, is_first, error);
            }
            None => {}
        }
        if inner.started.as_ref().is_some_and(|started| started.number == number) {
            drop(inner);
            return self.end_started(error);
        }
        if inner.pending.get().is_some_and(|pending| pending.is_closing_by(number)) {
            drop(inner);
            return self.end_closing(error);
        }
        match &inner.state {
            State::Connecting(connecting) if connecting.is_its(number) => {
                drop(inner);
                self.connecting_is_due(number);
            }
            State::Handshaking(handshaking) if handshaking.is_its(number) => {
                drop(inner);
                self.handshake_is_due();
            }
            _ => {}
        }
    }
}
