//! What all callbacks have in common.

use std::ffi::{c_int, c_void};

use super::error::take_explanation;
use super::protocol_callbacks::{EN_CALLBACK_DONE, en_destroy_t};
use crate::error::{EN_EBADMSG, EN_ECANCELED, EN_EMSGSIZE, EN_EUSER_BASE, Error, Result, invalid, text_of};

/// What the application hangs on to a registration, and its end.
pub(super) struct UserData {
    pub(super) pointer: *mut c_void,
    pub(super) destroy: en_destroy_t,
}

// SAFETY: the application is told that its callbacks run in the threads of the calls, so the pointer
// may go to any thread; we only hand it on.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the application gave this pair, and this is the one time it is called.
            unsafe { destroy(self.pointer) };
        }
    }
}

/// The error behind what a callback answered: the codes it may use travel unchanged.
pub(super) fn failure(name: &str, answer: c_int) -> Error {
    let explanation = take_explanation();
    match answer {
        EN_EBADMSG | EN_EMSGSIZE | ..=EN_EUSER_BASE => Error::new(
            answer,
            explanation
                .unwrap_or_else(|| format!("the {name} callback: {}", text_of(answer).to_string_lossy())),
        ),
        _ => {
            let said = explanation.map(|text| format!(" ({text})")).unwrap_or_default();
            invalid(format!("the {name} callback answered {answer}, which it must not{said}"))
        }
    }
}

/// The call is cut short because the application said so.
pub(super) fn cancelled(name: &str) -> Error {
    let reason = take_explanation().unwrap_or_else(|| format!("the {name} callback ended the call"));
    Error::new(EN_ECANCELED, reason)
}

/// Calls a callback with no explanation left over from before.
pub(super) fn ask(name: &str, callback: impl FnOnce() -> c_int) -> Result<()> {
    take_explanation();
    match callback() {
        EN_CALLBACK_DONE => Ok(()),
        answer => Err(failure(name, answer)),
    }
}
