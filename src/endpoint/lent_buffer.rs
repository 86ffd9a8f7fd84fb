//! Received bytes in memory that a protocol lends.

use std::collections::VecDeque;

use super::intake::Failure;
use crate::error::{EN_EINVAL, EN_EMSGSIZE, Error, Result};
use crate::packet::{Packet, Places};
use crate::protocol::{BufferedDecoder, Cut, Step};

/// The least that is put into a buffer at once, of what waits.
const LEAST: usize = 64;

/// Each packet ends the buffer that it came in. What follows it waits, and comes into the next buffers part by
/// part: whole, it would be moved again for each packet in it.
pub struct LentBuffer {
    decoder: Box<dyn BufferedDecoder>,
    /// How many bytes of the buffer that is lent are filled.
    lent: Option<usize>,
    /// What comes behind them.
    waiting: VecDeque<u8>,
    /// How much of it is put into a buffer: twice what the last packet took, then twice as much each time that
    /// it was no packet.
    portion: usize,
}

impl LentBuffer {
    pub fn new(decoder: Box<dyn BufferedDecoder>) -> LentBuffer {
        LentBuffer { decoder, lent: None, waiting: VecDeque::new(), portion: LEAST }
    }

    /// Where the transport puts what it receives, once `next_packet` has found no more: behind all that is there.
    pub fn space(&mut self, size_hint: usize) -> Result<&mut [u8]> {
        let filled = match self.lent {
            Some(filled) if filled < self.decoder.buffer().len() => filled,
            _ => {
                self.give_back(0);
                self.portion = self.portion.max(self.waiting.len());
                self.lend(self.waiting.len() + 1, size_hint)?
            }
        };
        Ok(&mut self.decoder.buffer()[filled..])
    }

    /// So many bytes were put there.
    pub fn filled(&mut self, count: usize) {
        if let Some(filled) = &mut self.lent {
            *filled += count;
        }
    }

    /// What has come is of no use any more.
    pub fn discard(&mut self) {
        (self.lent, self.waiting) = (None, VecDeque::new());
    }

    /// Whether part of a packet is left over.
    pub fn has_rest(&self) -> bool {
        self.lent.is_some_and(|filled| filled > 0) || !self.waiting.is_empty()
    }

    /// Puts the next packet into the next place; false: there is no whole one.
    pub fn next_packet(
        &mut self,
        ended: bool,
        size_hint: usize,
        places: &mut Places<'_>,
    ) -> std::result::Result<bool, Failure> {
        while self.has_rest() {
            let filled = match self.lent {
                Some(filled) => filled,
                None => self.lend(1, size_hint).map_err(Failure::Once)?,
            };
            match self.decoder.decode(filled, ended && self.waiting.is_empty()) {
                Step::Packet(Cut { start, end, used }) => {
                    places.put(Packet::copied(&self.decoder.buffer()[start..end]));
                    self.spend(used);
                    return Ok(true);
                }
                Step::Made { packet, used } => {
                    places.put(packet);
                    self.spend(used);
                    return Ok(true);
                }
                Step::More { used: 0, .. } if self.waiting.is_empty() => return Ok(false),
                Step::More { used: 0, .. } => self.show_more(filled, size_hint).map_err(Failure::Once)?,
                Step::More { .. } => return Err(Failure::Once(used_without_packet())),
                Step::Bad { error, used } => {
                    self.spend(used);
                    return Err(Failure::Once(error));
                }
                Step::Broken(error) => return Err(Failure::Forever(error)),
            }
        }
        Ok(false)
    }

    /// The buffer ends with a packet, or with what was to be one.
    fn spend(&mut self, used: usize) {
        self.portion = used.saturating_mul(2).max(LEAST);
        self.give_back(used);
    }

    /// What the buffer shows is no packet yet, and there is more.
    fn show_more(&mut self, filled: usize, size_hint: usize) -> Result<()> {
        self.portion = self.portion.saturating_mul(2);
        if filled < self.decoder.buffer().len() {
            self.fill(filled);
            return Ok(());
        }
        self.give_back(0);
        self.portion = self.portion.max(filled.saturating_mul(2));
        self.lend(filled + 1, size_hint).map(drop)
    }

    /// Has a buffer lent, with room for at least so many bytes, and puts the first portion of what waits into it;
    /// how many bytes of it are filled.
    fn lend(&mut self, least: usize, size_hint: usize) -> Result<usize> {
        let portion = self.portion.min(self.waiting.len());
        let (buffer, start) = self.decoder.lend(size_hint.saturating_add(portion))?;
        let room = buffer.len() - start;
        if room < least {
            return Err(too_small(room, self.waiting.len()));
        }
        Ok(self.fill(start))
    }

    /// Puts a portion of what waits behind the filled bytes of the buffer; how many it has then.
    fn fill(&mut self, filled: usize) -> usize {
        let room = &mut self.decoder.buffer()[filled..];
        let count = room.len().min(self.portion).min(self.waiting.len());
        for (place, byte) in room.iter_mut().zip(self.waiting.drain(..count)) {
            *place = byte;
        }
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        self.lent = Some(filled + count);
        filled + count
    }

    /// Ends the buffer; what it has from `used` on waits for the next ones.
    fn give_back(&mut self, used: usize) {
        let Some(filled) = self.lent.take() else { return };
        let rest = &self.decoder.buffer()[used..filled];
        if self.waiting.is_empty() {
            self.waiting.extend(rest);
            return;
        }
        for &byte in rest.iter().rev() {
            self.waiting.push_front(byte);
        }
    }
}

fn too_small(room: usize, length: usize) -> Error {
    Error::new(
        EN_EMSGSIZE,
        format!("the protocol lent room for {room} bytes: not enough, {length} have come already"),
    )
}

fn used_without_packet() -> Error {
    Error::new(EN_EINVAL, "a buffered protocol cannot use bytes without a packet")
}

#[cfg(test)]
#[path = "lent_buffer_tests.rs"]
mod tests;
