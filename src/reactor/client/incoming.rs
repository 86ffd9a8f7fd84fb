//! The receiving half of a connection on a loop, and what is known of its descriptor.

use super::{Live, STEPS};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::endpoint::{Counters, PacketReceiver};
use crate::error::Result;
use crate::packet::{Handed, Packet, Places};
use crate::socket::ancillary::Ancillary;

/// The receiving half of a connection, and what is known of what it would bring.
pub(super) struct Incoming {
    receiver: Box<dyn PacketReceiver>,
    is_readable: bool,
    /// The peer has ended its direction, or sent urgent data: from now on a receive that is not filled
    /// proves nothing.
    to_the_end: bool,
    /// Packets may have gathered.
    has_gathered: bool,
    /// What the last attempt has to wait for.
    wants: Option<Interest>,
    /// What the application's code asks for is done before that is called again.
    runs_callbacks: bool,
}

impl Incoming {
    pub(super) fn new(receiver: Box<dyn PacketReceiver>, runs_callbacks: bool) -> Incoming {
        Incoming {
            receiver,
            is_readable: true,
            to_the_end: false,
            has_gathered: true,
            wants: None,
            runs_callbacks,
        }
    }

    /// Whether receiving runs code of the application.
    pub(super) fn runs_callbacks(&self) -> bool {
        self.runs_callbacks
    }

    /// Its descriptor is told of.
    pub(super) fn has_become(&mut self, readable: bool, to_the_end: bool) {
        self.is_readable |= readable;
        self.to_the_end |= to_the_end;
    }

    /// One receive. Whether an error stays is for the receiver to say: it is asked again.
    #[inline(always)]
    pub(super) fn ask<T>(&mut self, receive: impl FnOnce(&mut Incoming) -> Attempt<T>) -> Attempt<T> {
        let outcome = receive(self);
        self.is_readable |= matches!(outcome, Err(Stop::Failed(_)));
        outcome
    }

    pub(super) fn receive(&mut self, counters: &Counters) -> Attempt<Packet> {
        Places::one(|place| self.receive_into(place, counters))
    }

    /// With what came beside it.
    pub(super) fn receive_with_ancillary(
        &mut self,
        ancillary: &mut Ancillary,
        room: usize,
        counters: &Counters,
    ) -> Attempt<Packet> {
        Places::one(|place| {
            self.receive_by(place, |receiver, place| {
                receiver.recv_with_ancillary(ancillary, room, Hold::No, place, counters)?;
                Ok(false)
            })
        })
    }

    /// Puts what has gathered into the places, which are empty, or else what one receive brings. They stay
    /// empty only if that fails.
    #[inline(always)]
    pub(super) fn receive_into(&mut self, places: &mut Places<'_>, counters: &Counters) -> Attempt<()> {
        self.receive_by(
            places,
            #[inline(always)]
            |receiver, places| receiver.recv_into(Hold::No, places, counters),
        )
    }

    /// The same by `receive`, which says whether these were all.
    #[inline(always)]
    fn receive_by(
        &mut self,
        places: &mut Places<'_>,
        mut receive: impl FnMut(&mut dyn PacketReceiver, &mut Places<'_>) -> Attempt<bool>,
    ) -> Attempt<()> {
        if self.has_gathered {
            self.has_gathered = !self.receiver.gathered_into(places)?;
            if !places.is_empty() {
                return Ok(());
            }
            if self.runs_callbacks {
                return Err(Stop::Again);
            }
        }
        let outcome = self.receive_new(
            #[inline(always)]
            |receiver| receive(receiver, places),
        );
        // There may be more behind what cannot be decoded.
        self.has_gathered = !matches!(outcome, Ok(true) | Err(Stop::Want(_)));
        outcome.map(|_| ())
    }

    /// The packets in the places were handed on; those that are left come with the next receive.
    #[inline(always)]
    pub(super) fn reclaim(&mut self, places: &mut Places<'_>) {
        while let Some(packet) = places.take_back() {
            self.put_back(Ok(packet));
        }
        self.receiver.reclaim();
    }

    /// The next receive answers it.
    pub(super) fn put_back(&mut self, outcome: Result<Packet>) {
        self.receiver.put_back(outcome);
        self.has_gathered = true;
    }

    /// At least one, and at most so many that are there with it.
    pub(super) fn receive_several(&mut self, most: usize, counters: &Counters) -> Attempt<Vec<Packet>> {
        // Code of the application runs when its turn has come, and not before.
        let most = if self.runs_callbacks { 1 } else { most };
        let mut packets = Vec::new();
        let mut may_be_more = true;
        while may_be_more && packets.len() < most {
            let outcome = Places::with(most - packets.len(), |places| {
                let outcome = self.receive_into(places, counters);
                if outcome.is_ok() && places.has_room() {
                    self.receiver.recv_more_into(places, counters);
                    // An error may have come behind them.
                    self.has_gathered = true;
                }
                may_be_more = !places.has_room();
                packets.extend(std::iter::from_fn(|| places.hand_on().map(Handed::take)));
                self.reclaim(places);
                outcome
            });
            match outcome {
                Err(Stop::Failed(error)) if !packets.is_empty() => {
                    // It is for the next receive.
                    self.put_back(Err(error));
                    break;
                }
                Err(stop) if packets.is_empty() => return Err(stop),
                _ => {}
            }
        }
        Ok(packets)
    }

    /// Receives as long as the descriptor may have something, and nothing comes of it; [`Stop::Again`]: it is
    /// the others' turn.
    #[inline(always)]
    fn receive_new<T>(
        &mut self,
        mut receive: impl FnMut(&mut dyn PacketReceiver) -> Attempt<T>,
    ) -> Attempt<T> {
        let steps = if self.runs_callbacks { 1 } else { STEPS };
        for _ in 0..steps {
            if !self.is_readable {
                return Err(Stop::Want(Interest::Read));
            }
            let outcome = receive(&mut *self.receiver);
            if let Err(Stop::Want(interest)) = outcome {
                self.is_readable = false;
                self.wants = Some(interest);
            } else if !self.to_the_end && self.receiver.is_drained() {
                self.is_readable = false;
            }
            if !matches!(outcome, Err(Stop::Again)) {
                return outcome;
            }
        }
        Err(Stop::Again)
    }
}

impl Live {
    /// One receive.
    #[inline(always)]
    pub(super) fn ask<T>(&mut self, receive: impl FnOnce(&mut Incoming) -> Attempt<T>) -> Attempt<T> {
        let Some(incoming) = &mut self.incoming else { return Err(Stop::Want(Interest::Read)) };
        let outcome = incoming.ask(receive);
        if let Some(interest) = incoming.wants.take() {
            self.wants(interest);
        }
        outcome
    }
}
