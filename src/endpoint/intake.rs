//! Received bytes on their way to packets: gathered by us, or in memory that the protocol lends.

use super::lent_buffer::LentBuffer;
use crate::error::{EN_EMSGSIZE, Error, Result};
use crate::packet::{Places, Storage};
use crate::protocol::{Decoder, Decoding, Step};

/// Room beside what a receive asks for, so that the piece of a packet that is left over from the
/// last one does not force a larger block.
const SLACK: usize = 4096;

/// What receiving asks for when nobody has set it: at first, and at most.
const LEAST: u32 = 16 << 10;
const MOST: u32 = 512 << 10;

/// So many receives in a row are filled before they ask for more. Who always finds more than he asked for
/// saves system calls that way; but who keeps up with the peer does so by small receives, between which the
/// peer goes on sending. So he also asks for less as soon as a quarter would have done.
const ROW: u8 = 4;

/// Bytes between a transport and a protocol.
pub struct Intake {
    source: Source,
    /// How many bytes each receive asks for.
    ask: u32,
    /// More when receives are filled, less when they are not: nobody has set it.
    adapts: bool,
    /// How many receives in a row were filled.
    row: u8,
    /// There is something the decoder has not seen.
    fresh: bool,
    /// Nothing can follow.
    ended: bool,
}

enum Source {
    Gathered { storage: Storage, decoder: Box<dyn Decoder> },
    Lent(Box<LentBuffer>),
}

/// Why the next packet does not come.
#[derive(Debug)]
pub enum Failure {
    /// The next call goes on.
    Once(Error),
    /// Every later call fails, too.
    Forever(Error),
}

impl Intake {
    /// For one connection. Each receive asks for `max_recv_size` bytes; 0: as is best.
    pub fn new(decoding: Decoding, max_recv_size: usize) -> Intake {
        let source = match decoding {
            Decoding::Gathered(decoder) => Source::Gathered { storage: Storage::default(), decoder },
            Decoding::Lent(decoder) => Source::Lent(Box::new(LentBuffer::new(decoder))),
        };
        let adapts = max_recv_size == 0;
        let ask = if adapts { LEAST } else { u32::try_from(max_recv_size).unwrap_or(u32::MAX) };
        Intake { source, ask, adapts, row: 0, fresh: false, ended: false }
    }

    /// How many bytes each receive asks for.
    pub fn ask(&self) -> usize {
        self.ask as usize
    }

    /// Where the transport puts what it receives.
    pub fn space(&mut self) -> Result<&mut [u8]> {
        let size = self.ask();
        match &mut self.source {
            Source::Gathered { storage, .. } => {
                let (least, capacity, most) = match self.adapts {
                    true => (size / 2, size, MOST as usize),
                    false => (size, size + SLACK, size),
                };
                let space = storage.space(least, capacity);
                let room = space.len().min(most);
                Ok(&mut space[..room])
            }
            Source::Lent(lent) => lent.space(size),
        }
    }

    /// A receive with room for `room` bytes has brought `count`.
    #[inline]
    fn learn(&mut self, count: usize, room: usize) {
        if count == room {
            self.row += 1;
            if self.row == ROW {
                (self.ask, self.row) = ((self.ask * 2).min(MOST), 0);
            }
            return;
        }
        self.row = 0;
        if count < self.ask() / 4 {
            self.ask = (self.ask / 2).max(LEAST);
        }
    }

    /// So many bytes were put there, where there was so much room.
    pub fn filled(&mut self, count: usize, room: usize) {
        if self.adapts {
            self.learn(count, room);
        }
        match &mut self.source {
            Source::Gathered { storage, .. } => storage.filled(count),
            Source::Lent(lent) => lent.filled(count),
        }
        self.fresh |= count > 0;
    }

    /// Takes back what was released of what was lent, and lets go of memory without bytes.
    #[inline]
    pub fn reclaim(&mut self) {
        if let Source::Gathered { storage, .. } = &mut self.source {
            storage.reclaim();
        }
    }

    /// What has gathered is of no use any more.
    pub fn discard(&mut self) {
        match &mut self.source {
            Source::Gathered { storage, .. } => *storage = Storage::default(),
            Source::Lent(lent) => lent.discard(),
        }
        self.fresh = false;
        self.ended = true;
    }

    /// Nothing can follow.
    pub fn end(&mut self) {
        self.fresh |= !self.ended;
        self.ended = true;
    }

    /// Whether part of a packet is left over.
    pub fn has_rest(&self) -> bool {
        match &self.source {
            Source::Gathered { storage, decoder } => !storage.bytes().is_empty() || decoder.has_begun(),
            Source::Lent(lent) => lent.has_rest(),
        }
    }

    /// Puts the next packet into the next place; false: there is no whole one.
    #[inline(always)]
    pub fn next_packet(&mut self, places: &mut Places<'_>) -> std::result::Result<bool, Failure> {
        if !self.fresh {
            return Ok(false);
        }
        match &mut self.source {
            Source::Gathered { storage, decoder } if !storage.bytes().is_empty() => {
                let step = decoder.decode(storage.bytes(), self.ended);
                apply(storage, &mut **decoder, &mut self.fresh, step, places)
            }
            Source::Gathered { .. } if !self.ended => {
                self.fresh = false;
                Ok(false)
            }
            _ => self.next_packet_elsewhere(places),
        }
    }

    /// The same at the end, or in memory that is lent.
    #[inline(never)]
    fn next_packet_elsewhere(&mut self, places: &mut Places<'_>) -> std::result::Result<bool, Failure> {
        match &mut self.source {
            Source::Gathered { storage, decoder } if decoder.has_begun() => {
                let step = decoder.decode(&[], true);
                apply(storage, &mut **decoder, &mut self.fresh, step, places)
            }
            Source::Gathered { .. } => {
                self.fresh = false;
                Ok(false)
            }
            Source::Lent(lent) => {
                let came = lent.next_packet(self.ended, self.ask as usize, places);
                self.fresh &= !matches!(came, Ok(false));
                came
            }
        }
    }

    /// Whether there is something that the decoder has not seen.
    pub fn has_fresh(&self) -> bool {
        self.fresh
    }

    /// Puts the next packets into places, until there are no more of one or the other, or something fails.
    #[inline(always)]
    pub fn next_packets(&mut self, places: &mut Places<'_>) -> std::result::Result<(), Failure> {
        while places.has_room() {
            let goes_on = match &mut self.source {
                Source::Gathered { storage, decoder } if self.fresh && !storage.bytes().is_empty() => {
                    match storage.cut_into(places, |cutter| decoder.cut(cutter, self.ended)) {
                        Some(step) => apply(storage, &mut **decoder, &mut self.fresh, step, places),
                        None if storage.bytes().is_empty() && !self.ended => {
                            self.fresh = false;
                            break;
                        }
                        None => continue,
                    }
                }
                _ => self.next_packet(places),
            };
            if !goes_on? {
                break;
            }
        }
        Ok(())
    }
}

/// What a step makes of the bytes that have gathered; whether that is a packet.
#[inline(always)]
fn apply(
    storage: &mut Storage,
    decoder: &mut dyn Decoder,
    fresh: &mut bool,
    step: Step,
    places: &mut Places<'_>,
) -> std::result::Result<bool, Failure> {
    match step {
        Step::Packet(cut) => {
            places.put(storage.cut(cut));
            Ok(true)
        }
        Step::Made { packet, used } => {
            storage.spend(used);
            places.put(packet);
            Ok(true)
        }
        Step::More { used, .. } => {
            storage.spend(used);
            *fresh = false;
            match storage.bytes().len() > decoder.limit() {
                true => Err(Failure::Forever(too_much(decoder.limit()))),
                false => Ok(false),
            }
        }
        Step::Bad { error, used } => {
            storage.spend(used);
            Err(Failure::Once(error))
        }
        Step::Broken(error) => Err(Failure::Forever(error)),
    }
}

fn too_much(limit: usize) -> Error {
    Error::new(
        EN_EMSGSIZE,
        format!(
            "more than {limit} bytes have come and are no packet: raise the maximum packet size if they should be one"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::raw::Raw;
    use crate::protocol::{MaxSize, StreamProtocol};

    fn receive(intake: &mut Intake, count: impl FnOnce(usize) -> usize) {
        let room = intake.space().expect("ours").len();
        intake.filled(count(room), room);
        let mut next =
            || Places::one(|place| intake.next_packet(place).ok().filter(|came| *came).map(drop).ok_or(()));
        while next().is_ok() {}
    }

    #[test]
    fn who_is_always_filled_asks_for_more_and_who_keeps_up_does_not() {
        let mut intake = Intake::new(Raw::new(MaxSize::DEFAULT).decoder(None).expect("it has one"), 0);
        let least = intake.ask();
        for _ in 0..100 {
            (1..ROW).for_each(|_| receive(&mut intake, |room| room));
            receive(&mut intake, |room| room - 1);
        }
        assert_eq!(intake.ask(), least);
        (0..100).for_each(|_| receive(&mut intake, |room| room));
        assert_eq!(intake.ask(), MOST as usize);
        // What is left of a buffer that a protocol lends may be little.
        intake.learn(100, 100);
        assert_eq!(intake.ask(), MOST as usize);
        (0..100).for_each(|_| receive(&mut intake, |_| 1));
        assert_eq!(intake.ask(), least);
    }
}
