//! Packets one after the other, within one budget of time.

use std::cell::Cell;
use std::sync::Arc;

use super::Client;
use crate::deadline::Deadline;
use crate::error::Result;
use crate::packet::Packet;

/// Receives packet after packet; only the time it waits counts.
pub struct PacketIter {
    client: Arc<Client>,
    budget: Cell<Deadline>,
}

impl PacketIter {
    /// An iterator with so many milliseconds in all; negative is for ever.
    pub fn new(client: Arc<Client>, timeout_ms: i64) -> PacketIter {
        PacketIter { client, budget: Cell::new(Deadline::after_ms(timeout_ms)) }
    }

    /// Whose packets they are.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The next packet, or why there is none.
    pub fn next_packet(&self) -> Result<Packet> {
        let mut deadline = self.budget.get();
        // Starts the clock, which else runs only once somebody has to wait.
        deadline.left();
        let outcome = self.client.recv_within(&mut deadline);
        self.budget.set(deadline.paused());
        outcome
    }
}
