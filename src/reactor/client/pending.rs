//! What waits for its turn at a client, and what the loop has yet to do for it.

use std::collections::VecDeque;
use std::rc::Rc;

use super::closing::Closing;
use super::receiving::Receiving;
use super::send_operation::Sending;
use super::send_queue::SendQueue;
use super::{AsyncClient, Beginning, Late, Over};
use crate::error::Error;
use crate::reactor::operation::Operation;
use crate::seldom::Content;

/// What waits.
#[derive(Default)]
pub(super) struct Pending {
    /// How it gets its connection, as long as there was none.
    pub(super) beginning: Option<Beginning>,
    pub(super) operations: Operations,
    pub(super) closing: Option<Closing>,
}

impl Content for Pending {
    fn is_empty(&self) -> bool {
        self.beginning.is_none() && self.operations.are_none() && self.closing.is_none()
    }
}

impl Pending {
    /// Whether this is one of the operations, or points in time, of closing.
    pub(super) fn is_closing_by(&self, number: u64) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.has(number))
    }
}

/// An operation that was taken out.
pub(super) enum Removed {
    Connect(Operation<()>),
    Receive(Receiving),
    /// And whether it was the first.
    Send(Sending, bool),
}

/// Operations under way, each kind in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Operations {
    pub(super) connects: VecDeque<Operation<()>>,
    pub(super) sends: SendQueue,
    pub(super) receives: VecDeque<Receiving>,
}

impl Operations {
    pub(super) fn are_none(&self) -> bool {
        self.connects.is_empty() && self.sends.is_empty() && self.receives.is_empty()
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, number: u64) -> Option<Removed> {
        if let Some(index) = self.connects.iter().position(|operation| operation.number == number) {
            return self.connects.remove(index).map(Removed::Connect);
        }
        if let Some(index) = self.receives.iter().position(|receive| receive.number() == number) {
            return self.receives.remove(index).map(Removed::Receive);
        }
        self.sends.remove(number).map(|(sending, is_first)| Removed::Send(sending, is_first))
    }

    /// All of them end with an error.
    pub(super) fn fail(self, client: &Rc<AsyncClient>, error: &Error) {
        for operation in self.connects {
            client.finish(operation, Err(error.clone()), Over::Done);
        }
        for sending in self.sends {
            sending.finish(client, Err(error.clone()));
        }
        for receive in self.receives {
            receive.fail(client, error.clone());
        }
    }
}

/// What the loop does when it has control.
#[derive(Default)]
pub(super) struct Later {
    /// Operations that are over, to be called.
    pub(super) over: VecDeque<Over>,
    /// What was asked for inside a protocol callback.
    pub(super) late: VecDeque<Late>,
}

impl Content for Later {
    fn is_empty(&self) -> bool {
        self.over.is_empty() && self.late.is_empty()
    }
}
