//! Whose turn it is to send where several send.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// One who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party(NonZeroU32);

impl Party {
    /// Whoever speaks TLS over a transport, and has it to itself; who else does is somebody else.
    pub const TLS: Party = Party(NonZeroU32::MAX);

    /// Who is nobody of those before.
    pub fn another() -> Party {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let number = NonZeroU32::new(number).filter(|number| *number != NonZeroU32::MAX);
        Party(number.unwrap_or(NonZeroU32::MIN))
    }

    /// Its number, which is not 0.
    pub fn number(self) -> u32 {
        self.0.get()
    }
}
