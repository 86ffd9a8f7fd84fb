//! What C callbacks that turn bytes into packets have in common: their state, and what they answer.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::base::en_slice_t;
use super::callback::{UserData, ask, failure};
use super::error::take_explanation;
use super::protocol_callbacks::{EN_DECODE_MORE, EN_DECODE_PACKET, en_free_state_t, en_new_state_t};
use crate::error::{Result, invalid};
use crate::packet::Packet;
use crate::protocol::{Cut, Step};

/// How the state of one client is made and ended, by the application.
pub(super) struct StateCallbacks {
    pub(super) make: en_new_state_t,
    pub(super) free: en_free_state_t,
    pub(super) user_data: Arc<UserData>,
}

/// The state of one client.
pub(super) struct State {
    pub(super) pointer: *mut c_void,
    pub(super) user_data: Arc<UserData>,
    free: en_free_state_t,
}

// SAFETY: as for UserData; one thread at a time uses it.
unsafe impl Send for State {}

impl StateCallbacks {
    pub(super) fn state(&self) -> Result<State> {
        let mut pointer = std::ptr::null_mut();
        if let Some(make) = self.make {
            // SAFETY: the application's own function, with what its documentation promises.
            ask("new_state", || unsafe { make(&raw mut pointer, self.user_data.pointer) })?;
        }
        Ok(State { pointer, user_data: self.user_data.clone(), free: self.free })
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the state came from `new_state` (or is NULL), and ends here, once.
            unsafe { free(self.pointer, self.user_data.pointer) };
        }
    }
}

/// What a decode callback answered.
pub(super) struct Answer {
    code: c_int,
    used: usize,
    packet: en_slice_t,
}

impl Answer {
    pub(super) fn of(callback: impl FnOnce(*mut usize, *mut en_slice_t) -> c_int) -> Answer {
        take_explanation();
        let mut used = 0;
        let mut packet = en_slice_t { data: std::ptr::null(), size: 0 };
        let code = callback(&raw mut used, &raw mut packet);
        Answer { code, used, packet }
    }

    /// What it means for the `bytes` it was shown; packets that lie elsewhere go through `keep`.
    pub(super) fn step(self, bytes: &[u8], keep: impl FnOnce(&[u8]) -> Packet) -> Step {
        if self.used > bytes.len() {
            let reason = format!("the decode callback used {} bytes of {}", self.used, bytes.len());
            return Step::Bad { error: invalid(reason), used: 0 };
        }
        let used = self.used;
        match self.code {
            EN_DECODE_MORE => Step::More { used },
            EN_DECODE_PACKET => self.packet_step(bytes, keep),
            code => Step::Bad { error: failure("decode", code), used },
        }
    }

    fn packet_step(&self, bytes: &[u8], keep: impl FnOnce(&[u8]) -> Packet) -> Step {
        let used = self.used;
        let address = self.packet.data.addr();
        let within = address.wrapping_sub(bytes.as_ptr().addr());
        if used == 0 && !bytes.is_empty() && (self.packet.size == 0 || within < bytes.len()) {
            let reason =
                "the decode callback gave a packet of the bytes, but used none: it would do so for ever";
            return Step::Bad { error: invalid(reason), used: 0 };
        }
        if self.packet.size == 0 {
            return Step::Packet(Cut { start: 0, end: 0, used });
        }
        if within < bytes.len() {
            return match self.packet.size <= bytes.len() - within {
                true => Step::Packet(Cut { start: within, end: within + self.packet.size, used }),
                false => Step::Bad {
                    error: invalid("the decode callback gave a packet that reaches beyond the bytes"),
                    used: 0,
                },
            };
        }
        // SAFETY: the application says that its packet lies there.
        match unsafe { super::bytes(self.packet.data, self.packet.size, "packet") } {
            Ok(packet) => Step::Made { packet: keep(packet), used },
            Err(error) => Step::Bad { error, used: 0 },
        }
    }
}
