//! The event loop and its timers.

use std::ffi::{c_int, c_void};
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

use super::async_callbacks::done;
use super::on_loop::OnLoop;
use super::wait_callback::interest_of;
use super::{Constructor, Out, borrow, call, guard_void, handle, take};
use crate::error::{EN_EBADF, Error, Result, invalid};
use crate::reactor::EventLoop;
use crate::reactor::callback::Done;
use crate::reactor::event_loop::milliseconds;

/// An event loop: it completes the operations of the clients that are on it. One thread at a time
/// uses it and everything on it; only `en_loop_stop` and `en_loop_post` may be called by others. While
/// one runs it, the other calls of others answer `EN_EBUSY`, and what they free stays.
pub struct en_loop_t {
    _private: [u8; 0],
}

handle!(en_loop_t, Rc<EventLoop>, "loop");

/// Called from the loop: `status` is `EN_OK`, or the code of what went wrong, of which
/// `en_last_error_message` tells more. `EN_ECANCELED` says that it was cut short.
pub type en_loop_callback_t = Option<unsafe extern "C" fn(status: c_int, user_data: *mut c_void)>;

/// What another thread gives the loop to call.
struct Posted(Done<()>);

// SAFETY: the application is told which thread its callback runs in; we only hand the pointer on.
unsafe impl Send for Posted {}

impl Posted {
    fn call(self, outcome: Result<()>) {
        self.0.call(outcome);
    }
}

/// What the loop calls; there is no doing without.
fn target(callback: en_loop_callback_t, user_data: *mut c_void) -> Result<Done<()>> {
    done(callback, user_data).ok_or_else(|| invalid("callback is NULL"))
}

/// The loop behind a handle.
///
/// # Safety
/// `pointer` is NULL or a live handle, used by the loop's thread.
pub(super) unsafe fn loop_of(pointer: *const en_loop_t) -> Result<OnLoop<EventLoop>> {
    // SAFETY: as the caller promises.
    let core: &Rc<EventLoop> = unsafe { borrow(pointer)? };
    core.check_thread()?;
    Ok(OnLoop(core.clone()))
}

/// Whether somebody is about to free what another thread is using: that stays, as nothing else does no harm.
pub(super) fn is_anothers(core: &EventLoop) -> bool {
    let outcome = core.check_thread();
    if let Err(error) = &outcome {
        log::error!("not freed: {}", error.reason());
    }
    outcome.is_err()
}

/// Makes a loop with nothing on it.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`. See epoll(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_new(out: *mut *mut en_loop_t) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let constructor = unsafe { Constructor::new(out)? };
        let core = EventLoop::new()?;
        constructor.boxed(core.clone());
        // SAFETY: the constructor has just written the handle there.
        core.set_handle(unsafe { *out }.expose_provenance());
        Ok(())
    })
}

/// Runs the loop until it is stopped, or until no operation, timer, watch, started receive or posted call
/// is left. Clients that wait for nothing do not keep it running.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EBUSY` (called inside a callback, or while another thread runs it),
/// `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_run(r#loop: *mut en_loop_t) -> c_int {
    call(|| {
        // A callback may free the handle meanwhile.
        // SAFETY: `loop` is NULL or a live handle.
        let core = unsafe { loop_of(r#loop)? };
        core.run()
    })
}

/// Waits until there is something to do, at most `timeout_ms` milliseconds (negative: for ever; 0:
/// not at all), and does it. For programs whose own loop watches `en_loop_fd`, or that look for
/// something now and then, such as Ctrl-C. A signal ends the wait early.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EBUSY` (called inside a callback, or while another thread runs it),
/// `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_run_once(r#loop: *mut en_loop_t, timeout_ms: i64) -> c_int {
    call(|| {
        // SAFETY: `loop` is NULL or a live handle.
        let core = unsafe { loop_of(r#loop)? };
        core.run_once(timeout_ms)
    })
}

/// Lets the loop look for so many microseconds again and again before it sleeps: less latency for a
/// processor kept busy. At most 1000000; 0, the default, is not at all. Who watches `en_loop_fd` sleeps
/// elsewhere.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_set_busy_poll(r#loop: *mut en_loop_t, microseconds: u32) -> c_int {
    // SAFETY: `loop` is NULL or a live handle.
    call(|| unsafe { loop_of(r#loop)? }.set_busy_poll(microseconds))
}

/// Makes `en_loop_run` return; one that runs later returns at once, once.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_stop(r#loop: *mut en_loop_t) -> c_int {
    call(|| {
        // SAFETY: `loop` is NULL or a live handle, of which this uses what all threads may.
        unsafe { borrow(r#loop)? }.remote().stop()
    })
}

/// Has the loop call `callback` with `user_data` soon, once: with `EN_OK`, or with `EN_ECANCELED` if
/// the loop is freed before.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_post(
    r#loop: *mut en_loop_t,
    callback: en_loop_callback_t,
    user_data: *mut c_void,
) -> c_int {
    call(|| {
        // SAFETY: `loop` is NULL or a live handle, of which this uses what all threads may.
        let core = unsafe { borrow(r#loop)? };
        let posted = Posted(target(callback, user_data)?);
        core.remote().post(Box::new(move |outcome| posted.call(outcome)))
    })
}

/// A descriptor that is readable when `en_loop_run_once` has something to do, timers included: to be
/// watched by another loop, level-triggered. It stays the loop's. A negative code if there is none.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`,
/// `EN_ENOSPC`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_fd(r#loop: *mut en_loop_t) -> c_int {
    // SAFETY: `loop` is NULL or a live handle.
    super::call_value(|| unsafe { loop_of(r#loop)? }.fd())
}

/// In how many milliseconds the loop next has something to do by itself: `*timeout_ms` is -1 if it is
/// only waiting for descriptors, 0 if it has something to do now.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_next_timeout(r#loop: *mut en_loop_t, timeout_ms: *mut i64) -> c_int {
    call(|| {
        // SAFETY: `loop` is NULL or a live handle, `timeout_ms` NULL or writable.
        let (core, out) = unsafe { (loop_of(r#loop)?, Out::new(timeout_ms, "timeout_ms")?) };
        core.check()?;
        out.set(milliseconds(core.next_timeout()));
        Ok(())
    })
}

/// Calls `callback` with `user_data` and `EN_OK` after `delay_ms` milliseconds, and then every
/// `interval_ms` (0: once). Its number is put into `*operation` (may be NULL): `en_loop_cancel` ends
/// it, and then the callback comes a last time with `EN_ECANCELED`.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL` (a negative time), `EN_ECLOSED`, `EN_EFORKED`, `EN_ENFILE` (there are too
/// many on the loop).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_start_timer(
    r#loop: *mut en_loop_t,
    delay_ms: i64,
    interval_ms: i64,
    callback: en_loop_callback_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    call(|| {
        // SAFETY: `loop` is NULL or a live handle.
        let core = unsafe { loop_of(r#loop)? };
        let tick = target(callback, user_data)?;
        let time = |name: &str, ms: i64| match u64::try_from(ms) {
            Ok(ms) => Ok(Duration::from_millis(ms)),
            Err(_) => Err(invalid(format!("{name} is {ms}: it must not be negative"))),
        };
        let interval = time("interval_ms", interval_ms)?;
        let interval = Some(interval).filter(|interval| !interval.is_zero());
        let number = core.held().start_timer(time("delay_ms", delay_ms)?, interval, tick)?;
        // SAFETY: `operation` is NULL or writable.
        unsafe { tell(operation, number) };
        Ok(())
    })
}

/// Calls `callback` with `user_data` and `EN_OK` whenever `fd` is ready for what `interest` says
/// (`EN_INTEREST_...`, one or both; an error or a hang-up is both), again in each turn as long as it is:
/// a descriptor of the application's own, such as a listening socket, a pipe or a signalfd(2). The number
/// of the watch is put into `*operation` (may be NULL): `en_loop_cancel` ends it, and then the callback
/// comes a last time with `EN_ECANCELED`. `fd` stays the caller's; the loop has a duplicate meanwhile,
/// so cancel before you close it.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_EPERM` (what is always ready, such as a regular file),
/// `EN_ECLOSED`, `EN_EFORKED`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`, `EN_ENOSPC`. See epoll_ctl(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_start_watch(
    r#loop: *mut en_loop_t,
    fd: c_int,
    interest: c_int,
    callback: en_loop_callback_t,
    user_data: *mut c_void,
    operation: *mut u64,
) -> c_int {
    call(|| {
        // SAFETY: `loop` is NULL or a live handle.
        let core = unsafe { loop_of(r#loop)? };
        let (ready, interest) = (target(callback, user_data)?, interest_of(interest)?);
        if fd < 0 {
            return Err(Error::new(EN_EBADF, format!("descriptor {fd} is not open")));
        }
        // SAFETY: the caller keeps it open during this call; that it is not is told by the system.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        let number = core.held().start_watch(fd, interest, ready)?;
        // SAFETY: `operation` is NULL or writable.
        unsafe { tell(operation, number) };
        Ok(())
    })
}

/// Tells the number of an operation to who wants to know.
///
/// # Safety
/// `operation` is NULL or writable.
pub(super) unsafe fn tell(operation: *mut u64, number: u64) {
    if !operation.is_null() {
        // SAFETY: not NULL, and the caller says it may be written.
        unsafe { operation.write(number) };
    }
}

/// Ends the operation with this number before its time: its callback comes once, later, with
/// `EN_ECANCELED`. One that has ended, or is decided already, is left alone; so is 0.
///
/// A receive that is cancelled loses nothing. A send that is cancelled after part of it has gone ends
/// the sending direction.
///
/// Loop thread only.
///
/// Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_cancel(r#loop: *mut en_loop_t, operation: u64) -> c_int {
    call(|| {
        // SAFETY: `loop` is NULL or a live handle.
        let core = unsafe { loop_of(r#loop)? };
        core.check()?;
        core.cancel(operation);
        Ok(())
    })
}

/// Ends the loop; NULL is nothing. What is pending on it calls back before this returns, with
/// `EN_ECANCELED` or what was decided already; inside a callback, when the loop gets control back. Clients
/// on it end with it, their handles do not; what is in their write buffers gets one attempt that does not
/// wait.
///
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_loop_free(r#loop: *mut en_loop_t) {
    guard_void(|| {
        // SAFETY: `loop` is NULL or a live handle.
        if unsafe { borrow(r#loop) }.is_ok_and(|core| is_anothers(core)) {
            return;
        }
        // SAFETY: `loop` is NULL or a live handle that is not used again.
        if let Some(core) = unsafe { take(r#loop) } {
            core.set_handle(0);
            OnLoop(*core).end();
        }
    });
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::ptr::null_mut;

    use super::super::error::en_last_error_message;
    use super::*;
    use crate::error::{EN_EPANIC, EN_OK};

    #[test]
    fn whatever_panics_on_a_loop_takes_it_out_of_service() {
        let mut core = null_mut();
        // SAFETY: the handle lives until it is freed, once.
        unsafe {
            assert_eq!(en_loop_new(&raw mut core), EN_OK);
            assert_eq!(call(|| loop_of(core).map(|_core| panic!("a bug"))), EN_EPANIC);
            let said = CStr::from_ptr(en_last_error_message()).to_string_lossy();
            assert!(said.contains("a bug in easynet, please report it: a bug"), "{said}");
            assert_eq!(en_loop_run_once(core, 0), EN_EPANIC);
            assert_eq!(en_loop_cancel(core, 0), EN_EPANIC);
            en_loop_free(core);
        }
    }
}
