//! The guard around every export: errors become codes and a message, panics never cross.

use std::any::Any;

use super::*;
use crate::error::EN_EPANIC;

/// Runs the body of an export that answers `EN_OK` or a code.
pub(crate) fn call(body: impl FnOnce() -> Result<()>) -> c_int {
    call_value(|| body().map(|()| EN_OK))
}

/// Runs the body of an export that answers a number which is not negative, or a code.
pub(crate) fn call_value(body: impl FnOnce() -> Result<c_int>) -> c_int {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => report(error),
        Err(panic) => report_panic(panic),
    }
}

/// Runs the body of an export that cannot fail.
pub(crate) fn guard_void(body: impl FnOnce()) {
    guard_or((), body);
}

/// Runs the body of an export that has no code to answer, but something that says as much.
pub(crate) fn guard_or<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        drop_panic(panic);
        otherwise
    })
}

// What follows is a call away: otherwise each of hundreds of exports would have its own copy.

#[cold]
#[inline(never)]
fn report(error: Error) -> c_int {
    let code = error.code();
    super::error::remember(error);
    code
}

#[cold]
#[inline(never)]
fn report_panic(panic: Box<dyn Any + Send>) -> c_int {
    report(panicked(&*panic))
}

/// Nothing to tell the caller: an export without a result has no way to fail but a bug of ours, and
/// the panic hook has printed that one.
#[cold]
#[inline(never)]
fn drop_panic(panic: Box<dyn Any + Send>) {
    drop(panic);
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string());
    Error::new(EN_EPANIC, format!("a bug in easynet, please report it: {message}"))
}
