//! The application says whether a call that waits shall go on.

use std::ffi::{c_int, c_void};

use super::callback::{UserData, cancelled, failure};
use super::error::take_explanation;
use super::protocol_callbacks::{EN_CALLBACK_DONE, en_destroy_t};
use super::tcp_options::en_interrupt_t;
use crate::blocking::wait;
use crate::error::{EN_ECANCELED, Result, invalid};

/// Asks the application whether a call that waits shall go on.
pub(crate) struct Interrupt {
    callback: unsafe extern "C" fn(*mut c_void) -> c_int,
    user_data: UserData,
}

impl Interrupt {
    pub(crate) fn new(
        callback: en_interrupt_t,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<Interrupt> {
        let callback = callback.ok_or_else(|| invalid("interrupted is NULL"))?;
        Ok(Interrupt { callback, user_data: UserData { pointer, destroy } })
    }
}

impl wait::Interrupt for Interrupt {
    fn check(&self) -> Result<()> {
        take_explanation();
        // SAFETY: the application's own function, with what its documentation promises.
        match unsafe { (self.callback)(self.user_data.pointer) } {
            EN_CALLBACK_DONE => Ok(()),
            EN_ECANCELED => Err(cancelled("interrupt")),
            answer => Err(failure("interrupt", answer)),
        }
    }
}
