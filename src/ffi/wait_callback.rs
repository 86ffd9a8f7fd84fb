//! The application's own way of waiting.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use super::callback::{UserData, cancelled, failure};
use super::error::take_explanation;
use super::protocol_callbacks::{EN_CALLBACK_DONE, en_destroy_t};
use super::scope::Scope;
use super::transport_options::{EN_INTEREST_READ, EN_INTEREST_WRITE, en_wait_t};
use crate::attempt::Interest;
use crate::blocking::wait::Wait;
use crate::error::{EN_ECANCELED, Result, invalid};

/// A function of the application that waits in place of poll.
pub(crate) struct WaitFunction {
    callback: unsafe extern "C" fn(c_int, c_int, i64, *mut c_void) -> c_int,
    user_data: UserData,
}

impl WaitFunction {
    pub(crate) fn new(
        callback: en_wait_t,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<WaitFunction> {
        let callback = callback.ok_or_else(|| invalid("wait is NULL"))?;
        Ok(WaitFunction { callback, user_data: UserData { pointer, destroy } })
    }
}

impl Wait for WaitFunction {
    fn wait(&self, fd: Option<BorrowedFd<'_>>, interest: Interest, timeout: Option<Duration>) -> Result<()> {
        let fd = fd.map_or(-1, |fd| fd.as_raw_fd());
        let timeout = timeout.map_or(-1, milliseconds);
        // SAFETY: the application's own function, with what its documentation promises.
        let wait = || unsafe { (self.callback)(fd, bits(interest), timeout, self.user_data.pointer) };
        take_explanation();
        match Scope::waiting(wait) {
            EN_CALLBACK_DONE => Ok(()),
            EN_ECANCELED => Err(cancelled("wait")),
            answer => Err(failure("wait", answer)),
        }
    }
}

/// What C calls it.
pub(crate) fn bits(interest: Interest) -> c_int {
    match interest {
        Interest::Read => EN_INTEREST_READ,
        Interest::Write => EN_INTEREST_WRITE,
        Interest::Either => EN_INTEREST_READ | EN_INTEREST_WRITE,
    }
}

/// What C means.
pub(super) fn interest_of(bits: c_int) -> Result<Interest> {
    [Interest::Read, Interest::Write, Interest::Either]
        .into_iter()
        .find(|interest| self::bits(*interest) == bits)
        .ok_or_else(|| invalid(format!("interest is {bits}: it must be EN_INTEREST_..., one or both")))
}

/// Rounded up: who waits a little less would have to wait again.
fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}
