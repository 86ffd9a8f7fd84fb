//! Sends that wait for their turn, and how many bytes they have.

use std::collections::VecDeque;

use super::send_operation::Sending;

/// Sends in the order in which they were asked for.
#[derive(Default)]
pub(super) struct SendQueue {
    sends: VecDeque<Sending>,
    /// The bytes of those behind the first, of which some may have gone.
    behind_first: usize,
}

impl SendQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    /// How many bytes have yet to go.
    pub(super) fn bytes(&self) -> usize {
        self.behind_first + self.first().map_or(0, Sending::bytes)
    }

    pub(super) fn first(&self) -> Option<&Sending> {
        self.sends.front()
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut Sending> {
        self.sends.front_mut()
    }

    pub(super) fn push(&mut self, sending: Sending) {
        if !self.is_empty() {
            self.behind_first += sending.bytes();
        }
        self.sends.push_back(sending);
    }

    pub(super) fn pop(&mut self) -> Option<Sending> {
        let sending = self.sends.pop_front();
        self.behind_first -= self.first().map_or(0, Sending::bytes);
        sending
    }

    /// Takes one out, wherever it is; and whether it was the first.
    pub(super) fn remove(&mut self, number: u64) -> Option<(Sending, bool)> {
        let index = self.sends.iter().position(|sending| sending.number() == number)?;
        if index == 0 {
            return self.pop().map(|sending| (sending, true));
        }
        let sending = self.sends.remove(index)?;
        self.behind_first -= sending.bytes();
        Some((sending, false))
    }
}

impl IntoIterator for SendQueue {
    type Item = Sending;
    type IntoIter = std::collections::vec_deque::IntoIter<Sending>;

    fn into_iter(self) -> Self::IntoIter {
        self.sends.into_iter()
    }
}
