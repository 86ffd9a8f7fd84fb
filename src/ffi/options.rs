//! What the options of all families have in common.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use super::address::{EN_FAMILY_IPV4, EN_FAMILY_IPV6, EN_FAMILY_UNSPECIFIED};
use super::cancel::en_cancel_t;
use super::interrupt_callback::Interrupt;
use super::protocol_callbacks::en_destroy_t;
use super::tcp_options::en_interrupt_t;
use super::transport_options::en_wait_t;
use super::wait_callback::WaitFunction;
use super::{Constructor, Handle, borrow, borrow_mut, call, guard_void, optional_string, take};
use crate::client::CommonOptions;
use crate::client::local_address::LocalAddress;
use crate::error::{Result, invalid};
use crate::socket::address::Family;

/// Options or the defaults.
///
/// # Safety
/// `options` is NULL or a live handle that no other thread changes meanwhile.
pub(crate) unsafe fn options_of<H: Handle<Inner: Clone + Default>>(options: *const H) -> Result<H::Inner> {
    match options.is_null() {
        true => Ok(H::Inner::default()),
        // SAFETY: not NULL, so a live handle.
        false => unsafe { borrow(options) }.cloned(),
    }
}

/// # Safety
/// `out` is NULL or writable.
pub(crate) unsafe fn new<H: Handle<Inner: Default>>(out: *mut *mut H) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe { Constructor::new(out)? }.boxed(H::Inner::default());
        Ok(())
    })
}

/// # Safety
/// `options` is NULL or a live handle that is not used again.
pub(crate) unsafe fn free<H: Handle>(options: *mut H) {
    // SAFETY: as the caller promises.
    guard_void(|| drop(unsafe { take(options) }));
}

/// # Safety
/// `options` is NULL or a live handle, one thread at a time.
pub(crate) unsafe fn set<H: Handle>(
    options: *mut H,
    change: impl FnOnce(&mut H::Inner) -> Result<()>,
) -> c_int {
    // SAFETY: as the caller promises.
    call(|| change(unsafe { borrow_mut(options)? }))
}

/// # Safety
/// `host` is NULL or a string.
pub(crate) unsafe fn local_address(host: *const c_char, port: u16) -> Result<LocalAddress> {
    // SAFETY: as the caller promises.
    LocalAddress::new(unsafe { optional_string(host, "host")? }, port)
}

/// # Safety
/// `cancel` is NULL or a live handle.
pub(crate) unsafe fn set_cancel(common: &mut CommonOptions, cancel: *mut en_cancel_t) -> Result<()> {
    common.waiting.cancel = match cancel.is_null() {
        true => None,
        // SAFETY: not NULL, so a live handle.
        false => Some(Arc::clone(unsafe { borrow(cancel)? })),
    };
    Ok(())
}

pub(crate) fn set_retry_interval(
    common: &mut CommonOptions,
    interval_ms: i64,
    interrupted: en_interrupt_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> Result<()> {
    common.set_interrupt(interval_ms, || Interrupt::new(interrupted, destroy, user_data))
}

/// As [`set_retry_interval`], and without `interrupted` nobody is asked.
pub(crate) fn set_looks(
    common: &mut CommonOptions,
    interval_ms: i64,
    interrupted: en_interrupt_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> Result<()> {
    match (interrupted, destroy) {
        (None, None) => common.set_interval(interval_ms),
        (None, Some(_)) => Err(invalid("destroy is given, but interrupted is NULL")),
        _ => set_retry_interval(common, interval_ms, interrupted, destroy, user_data),
    }
}

pub(crate) fn set_wait(
    common: &mut CommonOptions,
    wait: en_wait_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> Result<()> {
    common.waiting.own = Some(Arc::new(WaitFunction::new(wait, destroy, user_data)?));
    Ok(())
}

pub(crate) fn family(number: c_int) -> Result<Family> {
    match number {
        EN_FAMILY_UNSPECIFIED => Ok(Family::Any),
        EN_FAMILY_IPV4 => Ok(Family::V4),
        EN_FAMILY_IPV6 => Ok(Family::V6),
        other => Err(invalid(format!("there is no address family of number {other}"))),
    }
}

/// A C boolean that the caller gives: 0 or 1.
pub(crate) fn switch(name: &str, value: c_int) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(invalid(format!("{name} is {value}: it may be 0 or 1"))),
    }
}
