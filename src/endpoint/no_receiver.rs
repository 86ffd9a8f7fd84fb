//! The receiving direction that an endpoint does not have.

use super::{Counters, PacketReceiver};
use crate::attempt::{Attempt, Hold};
use crate::error::{EN_EOPNOTSUPP, Error, Result};
use crate::packet::{Packet, Places};
use crate::socket::ancillary::Ancillary;

/// The receiving half of an endpoint that only sends.
pub struct NoReceiver;

impl PacketReceiver for NoReceiver {
    fn gathered_into(&mut self, _places: &mut Places<'_>) -> Result<bool> {
        Err(only_sends())
    }

    fn recv_into(&mut self, _hold: Hold, _places: &mut Places<'_>, _counters: &Counters) -> Attempt<bool> {
        Err(only_sends().into())
    }

    fn recv_with_ancillary(
        &mut self,
        _: &mut Ancillary,
        _room: usize,
        _hold: Hold,
        _places: &mut Places<'_>,
        _counters: &Counters,
    ) -> Attempt<()> {
        Err(only_sends().into())
    }

    fn put_back(&mut self, _outcome: Result<Packet>) {}

    fn is_ready(&mut self, _counters: &Counters) -> bool {
        false
    }

    fn max_recv_size(&self) -> usize {
        0
    }
}

#[cold]
fn only_sends() -> Error {
    Error::new(EN_EOPNOTSUPP, "this endpoint only sends")
}
