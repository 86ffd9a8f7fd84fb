//! What waits to be sent, and who is told when it has gone.

use std::rc::Rc;

use super::{AsyncClient, Over};
use crate::error::{EN_ECLOSED, Result, Stage};
use crate::protocol::Gather;
use crate::reactor::callback::Done;
use crate::reactor::event_loop::EventLoop;
use crate::reactor::operation::Operation;
use crate::socket::ancillary::Outgoing;

/// How many packets have gone, and why no more.
pub struct Counted {
    /// Whole packets.
    pub count: usize,
    /// Whether these are all.
    pub outcome: Result<()>,
}

/// What waits to be sent.
pub(super) struct Sending {
    pub(super) what: What,
    pub(super) kind: Kind,
}

/// Of what kind it is.
pub(super) enum What {
    Packets(Gather<'static>, Option<Outgoing>),
    /// What was put aside.
    Rest,
    End,
}

/// What the caller is told.
pub(super) enum Kind {
    Whole(Operation<()>),
    Count(Operation<Counted>),
}

impl Sending {
    pub(super) fn number(&self) -> u64 {
        self.kind.number()
    }

    /// How many bytes have yet to go.
    pub(super) fn bytes(&self) -> usize {
        match &self.what {
            What::Packets(out, _) => out.len() - out.sent(),
            What::Rest | What::End => 0,
        }
    }

    /// It is over.
    pub(super) fn finish(self, client: &Rc<AsyncClient>, outcome: Result<()>) {
        let count = match &self.what {
            What::Packets(out, _) => out.packets_sent(),
            What::Rest | What::End => 0,
        };
        let outcome = match (&self.what, outcome) {
            // There is nothing to be ended.
            (What::End, Err(error)) if error.code() == EN_ECLOSED => Ok(()),
            (_, outcome) => outcome,
        };
        self.kind.finish(client, outcome, count);
    }
}

/// Whom to tell, if anybody wants to know.
#[derive(Clone, Copy)]
pub(super) enum Told {
    Whole(Option<Done<()>>),
    Count(Option<Done<Counted>>),
}

impl Told {
    pub(super) fn is_nobody(self) -> bool {
        matches!(self, Told::Whole(None) | Told::Count(None))
    }

    pub(super) fn begin(self, client: &AsyncClient) -> Kind {
        match self {
            Told::Whole(done) => Kind::Whole(Operation::begin(&client.core, client.place(), done)),
            Told::Count(done) => Kind::Count(Operation::begin(&client.core, client.place(), done)),
        }
    }
}

impl Kind {
    pub(super) fn number(&self) -> u64 {
        match self {
            Kind::Whole(operation) => operation.number,
            Kind::Count(operation) => operation.number,
        }
    }

    pub(super) fn limit(&mut self, core: &EventLoop, timeout_ms: i64) {
        match self {
            Kind::Whole(operation) => operation.limit(core, timeout_ms),
            Kind::Count(operation) => operation.limit(core, timeout_ms),
        }
    }

    pub(super) fn finish(self, client: &Rc<AsyncClient>, outcome: Result<()>, count: usize) {
        let outcome = outcome.map_err(|error| error.at(Stage::Send));
        match self {
            Kind::Whole(operation) => client.finish(operation, outcome, Over::Done),
            Kind::Count(operation) => {
                let outcome = outcome.map_err(|error| client.explain(error));
                client.finish(operation, Ok(Counted { count, outcome }), Over::Count);
            }
        }
    }
}
