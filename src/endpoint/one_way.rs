//! The direction that an endpoint does not have.

use std::sync::Arc;

use super::{PacketReceiver, PacketSender};
use crate::attempt::{Attempt, Hold};
use crate::error::{EN_EOPNOTSUPP, Error, Result};
use crate::packet::Packet;
use crate::protocol::Gather;
use crate::socket::ancillary::Ancillary;
use crate::transport::Transport;

/// The receiving half of an endpoint that only sends.
pub struct NoReceiver;

impl PacketReceiver for NoReceiver {
    fn recv(&mut self, _hold: Hold) -> Attempt<Packet> {
        Err(only_sends().into())
    }

    fn recv_gathered(&mut self) -> Result<Option<Packet>> {
        Err(only_sends())
    }

    fn recv_with_ancillary(&mut self, _: &mut Ancillary, _room: usize, _hold: Hold) -> Attempt<Packet> {
        Err(only_sends().into())
    }

    fn put_back(&mut self, _outcome: Result<Packet>) {}

    fn is_ready(&mut self) -> bool {
        false
    }
}

/// The sending half of an endpoint that only receives.
pub struct NoSender {
    /// Even so it takes leave of the peer.
    pub transport: Arc<dyn Transport>,
}

impl PacketSender for NoSender {
    fn check(&self) -> Result<()> {
        Err(only_receives())
    }

    fn send(&mut self, _out: &mut Gather<'_>, _hold: Hold) -> Attempt<()> {
        Err(only_receives().into())
    }

    fn send_with_ancillary(&mut self, _out: &mut Gather<'_>, _control: &[u8], _hold: Hold) -> Attempt<()> {
        Err(only_receives().into())
    }

    fn give_up(&mut self, _out: &Gather<'_>, _why: &str) {}

    fn flush(&mut self, _hold: Hold) -> Attempt<()> {
        Err(only_receives().into())
    }

    fn has_unsent(&self) -> bool {
        false
    }

    fn forget_unsent(&mut self) {}

    fn send_eof(&mut self, _hold: Hold) -> Attempt<()> {
        Err(only_receives().into())
    }

    fn farewell(&mut self, hold: Hold) -> Attempt<()> {
        self.transport.farewell(hold)
    }
}

#[cold]
fn only_sends() -> Error {
    Error::new(EN_EOPNOTSUPP, "this endpoint only sends")
}

#[cold]
fn only_receives() -> Error {
    Error::new(EN_EOPNOTSUPP, "this endpoint only receives")
}
