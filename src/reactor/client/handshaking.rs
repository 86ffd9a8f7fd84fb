//! Shaking hands over a transport that was given without.

use std::rc::Rc;

use super::{AsyncClient, Beginning, Live, STEPS, State};
use crate::attempt::{Attempt, Hold, Stop, in_steps};
use crate::deadline::Timeout;
use crate::error::{EN_EBUSY, EN_ETIMEDOUT, Error, Stage};
use crate::reactor::due::Due;
use crate::reactor::event_loop::EventLoop;

/// A connection whose handshake is under way.
pub(super) struct Handshaking {
    pub(super) live: Live,
    /// When that is over.
    due: Option<Due>,
}

impl Handshaking {
    pub(super) fn begin(live: Live, timeout: Timeout, core: &Rc<EventLoop>, place: usize) -> Handshaking {
        let due = timeout.deadline().instant().map(|due| Due::set(core, due, place));
        Handshaking { live, due }
    }

    pub(super) fn is_its(&self, number: u64) -> bool {
        self.due.as_ref().is_some_and(|due| due.is(number))
    }

    /// Why an operation has ended that waited for it.
    pub(super) fn explain(&self, error: &Error) -> Error {
        Error::new(error.code(), format!("{}: the TLS handshake is not over yet", error.reason()))
    }
}

impl Live {
    /// Shakes hands; [`Stop::Again`]: it is the others' turn.
    fn shake_hands(&mut self) -> Attempt<()> {
        let transport = self.sender.transport();
        let outcome = in_steps(STEPS, || match transport.handshake(Hold::No) {
            // Somebody else shakes these hands, and nobody tells when that is over.
            Err(Stop::Failed(error)) if error.code() == EN_EBUSY => Err(Stop::Soon(None)),
            outcome => outcome,
        });
        match outcome {
            Err(Stop::Want(interest)) => self.wants(interest),
            Err(Stop::Soon(_)) => self.watches.look_soon(),
            Ok(()) | Err(Stop::Again | Stop::Failed(_)) => {}
        }
        outcome
    }
}

impl AsyncClient {
    /// Goes on with the handshake, if one is under way.
    pub(super) fn shake_hands_further(self: &Rc<Self>) {
        let Ok(mut inner) = self.access() else { return };
        let State::Handshaking(handshaking) = &mut inner.state else { return };
        match handshaking.live.shake_hands() {
            Ok(()) => {
                if let State::Handshaking(handshaking) = std::mem::replace(&mut inner.state, State::Idle) {
                    inner.state = State::Connected(handshaking.live);
                }
            }
            Err(Stop::Failed(error)) => {
                drop(inner);
                self.handshake_failed(error);
            }
            Err(Stop::Again) => self.go_on_later(),
            Err(Stop::Want(_) | Stop::Soon(_)) => {}
        }
    }

    /// Its time is over.
    pub(super) fn handshake_is_due(self: &Rc<Self>) {
        let reason = "the time-out has passed in the midst of the TLS handshake";
        self.handshake_failed(Error::new(EN_ETIMEDOUT, reason));
    }

    /// All who wait, or come later, learn why there is no connection; the transport is of no use to anybody.
    fn handshake_failed(self: &Rc<Self>, error: Error) {
        let error = self.explain(error.at(Stage::Handshake));
        let Ok(mut inner) = self.access() else { return };
        let transport = inner.live().map(|live| live.sender.transport());
        inner.pending.put().beginning = Some(Beginning::refused(error.clone()));
        drop(inner);
        self.connecting_failed(&error);
        if let Some(transport) = transport {
            transport.refuse(&error);
        }
    }
}
