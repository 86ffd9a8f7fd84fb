//! Closing: gracefully while there is time, and then at once.

use std::rc::Rc;

use super::{AsyncClient, Inner, Late, Live, Over, STEPS, State, closed};
use crate::attempt::{Attempt, Hold, Interest, Stop, in_steps};
use crate::endpoint::Counters;
use crate::error::{Error, Result, Stage};
use crate::reactor::callback::Done;
use crate::reactor::due::Due;
use crate::reactor::operation::Operation;

/// A client that is being closed.
pub(super) struct Closing {
    waiting: Vec<Operation<()>>,
    /// When it is abrupt.
    due: Option<Due>,
}

impl Closing {
    pub(super) fn has(&self, number: u64) -> bool {
        self.waiting.iter().any(|operation| operation.number == number)
            || self.due.as_ref().is_some_and(|due| due.is(number))
    }

    /// It is over.
    pub(super) fn finish(self, client: &Rc<AsyncClient>, outcome: &Result<()>) {
        let outcome = outcome.clone().map_err(|error| error.at(Stage::Close));
        client.core.release();
        for operation in self.waiting {
            client.finish(operation, outcome.clone(), Over::Done);
        }
    }
}

impl AsyncClient {
    /// Closes: what waits to be sent still goes out, and TLS takes leave. Receives end now.
    pub fn close(self: &Rc<Self>, timeout_ms: i64, done: Option<Done<()>>) -> Result<u64> {
        self.core.check()?;
        let operation = self.begin(timeout_ms, done);
        let number = operation.number;
        self.is_closing.set(true);
        self.is_receiving.set(false);
        self.wait_closed(operation);
        self.go_on_later();
        Ok(number)
    }

    /// One more waits for the end.
    pub(super) fn wait_closed(self: &Rc<Self>, operation: Operation<()>) {
        let Ok(mut inner) = self.access() else {
            // Inside a protocol callback: when that has returned.
            return self.do_later(Late::Close(operation));
        };
        if matches!(inner.state, State::Closed) {
            drop(inner);
            return self.finish(operation, Ok(()), Over::Done);
        }
        self.begin_closing(&mut inner).waiting.push(operation);
    }

    fn begin_closing<'a>(&self, inner: &'a mut Inner) -> &'a mut Closing {
        inner.pending.put().closing.get_or_insert_with(|| {
            let due = self.shutdown_timeout.deadline().instant();
            let due = due.map(|due| Due::set(&self.core, due, self.place()));
            self.core.hold();
            Closing { waiting: Vec::new(), due }
        })
    }

    /// Whether it is closed, or about to be.
    pub fn is_closing(&self) -> bool {
        self.is_closing.get() || self.has_lost_transport()
    }

    /// Goes on with closing, if it is being closed.
    pub(super) fn close_further(self: &Rc<Self>) {
        // Who is freed inside a protocol callback ends in another way.
        if !self.is_closing.get() || self.is_freed.get() {
            return;
        }
        let Ok(mut inner) = self.access() else { return };
        if matches!(inner.state, State::Closed) {
            return;
        }
        self.begin_closing(&mut inner);
        let receives = inner.pending.remove(|pending| Some(std::mem::take(&mut pending.operations.receives)));
        drop(inner);
        for receive in receives.into_iter().flatten() {
            receive.fail(self, closed());
        }
        self.end_started(closed());
        self.bring_out();
    }

    fn bring_out(self: &Rc<Self>) {
        let Some(outcome) = self.last_words() else { return };
        self.stop_connecting();
        self.is_over(&outcome);
    }

    /// Sends what is still to be said; None: not all of it has gone yet.
    fn last_words(self: &Rc<Self>) -> Option<Result<()>> {
        let mut inner = self.access().ok()?;
        let sends_wait = inner.sends_wait();
        match &mut inner.state {
            State::Connected(_) | State::Connecting(_) | State::Handshaking(_) if sends_wait => None,
            State::Connected(live) => match live.take_leave(&self.counters) {
                Ok(()) => Some(Ok(())),
                Err(Stop::Failed(error)) => Some(Err(error)),
                Err(Stop::Want(_) | Stop::Soon(_)) => None,
                Err(Stop::Again) => {
                    self.go_on_later();
                    None
                }
            },
            State::Connecting(_) | State::Handshaking(_) | State::Idle | State::Closed => Some(Ok(())),
        }
    }

    /// Closed at last.
    fn is_over(self: &Rc<Self>, outcome: &Result<()>) {
        let Ok(mut inner) = self.access() else { return };
        let closing = inner.pending.remove(|pending| pending.closing.take());
        let transport = inner.live().map(|live| live.sender.transport());
        drop(inner);
        self.abort(&closed());
        let outcome = outcome.clone().and(transport.map_or(Ok(()), |transport| transport.close()));
        if let Some(closing) = closing {
            closing.finish(self, &outcome);
        }
    }

    /// One who waits for the end has waited enough: it becomes abrupt.
    pub(super) fn end_closing(self: &Rc<Self>, error: Error) {
        self.is_over(&Err(error));
    }
}

impl Live {
    /// Sends what was put aside, and takes leave of the peer; [`Stop::Again`]: it is the others' turn.
    fn take_leave(&mut self, counters: &Counters) -> Attempt<()> {
        self.flush(counters)?;
        if !self.sender.transport().says_farewell() {
            return Ok(());
        }
        let outcome = in_steps(STEPS, || self.sender.farewell(Hold::No));
        match outcome {
            Err(Stop::Failed(_)) => return Ok(()),
            Err(Stop::Want(Interest::Read)) => self.wants(Interest::Read),
            Err(Stop::Want(interest)) => self.must_wait(interest),
            Err(Stop::Soon(_)) => self.watches.look_soon(),
            Ok(()) | Err(Stop::Again) => {}
        }
        outcome
    }

    /// The end of the handle: what goes at once. Others who have the transport may go on with it.
    pub(super) fn last_attempt(&mut self, counters: &Counters) {
        while matches!(self.flush(counters), Err(Stop::Again)) {}
        if !self.is_shared {
            let _ = self.take_leave(counters);
        }
    }
}
