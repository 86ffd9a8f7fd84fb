//! The C interface: one file per handle family, and no logic of its own. Each export checks its
//! arguments, calls one function of the floors below, and reports how it went.
//!
//! This is the only place that sees raw pointers from C. Callback tables become protocols, transports and
//! waiting functions here.

#![allow(unsafe_code, non_camel_case_types)]
// What each export asks of its caller stands in its comment, which is the header's.
#![allow(clippy::missing_safety_doc)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::error::{EN_EMSGSIZE, EN_OK, Error, Result, invalid};

pub mod address;
pub mod ancillary;
pub mod async_callbacks;
pub mod async_client;
pub mod async_datagram_endpoint;
pub mod async_stream_endpoint;
pub mod async_tcp_client;
pub mod async_udp_client;
pub mod async_unix_datagram_client;
pub mod async_unix_stream_client;
pub mod base;
pub mod cancel;
pub mod client;
pub mod datagram_endpoint;
pub mod datagram_protocol;
pub mod datagram_transport;
pub mod datagram_transport_io;
pub mod endpoint_options;
pub mod error;
pub mod event_loop;
pub mod facts;
pub mod log;
pub mod packet;
pub mod packet_iter;
pub mod protocol;
pub mod protocol_callbacks;
pub mod stream_endpoint;
pub mod stream_transport;
pub mod stream_transport_io;
pub mod tcp_client;
pub mod tcp_options;
pub mod tls_config;
pub mod tls_info;
pub mod tls_options;
pub mod transport_callbacks;
pub mod transport_options;
pub mod udp_client;
pub mod udp_options;
pub mod unix_address;
pub mod unix_datagram_client;
pub mod unix_datagram_options;
pub mod unix_stream_client;
pub mod unix_stream_options;

mod buffered_callback;
mod call;
mod callback;
mod custom_transport;
mod datagram_callback;
mod decode_callback;
mod encode_callback;
mod interrupt_callback;
mod on_loop;
mod options;
mod scope;
mod stream_callback;
mod transport;
mod unix_client;
mod wait_callback;

pub(crate) use call::{call, call_value, guard_or, guard_void};

/// A C handle and what it points to.
pub(crate) trait Handle {
    /// What lies behind the pointer.
    type Inner;
    /// What a message calls it.
    const NAME: &'static str;
}

macro_rules! handle {
    ($handle:ty, $inner:ty, $name:literal) => {
        impl $crate::ffi::Handle for $handle {
            type Inner = $inner;
            const NAME: &'static str = $name;
        }
    };
}
pub(crate) use handle;

/// What a handle points to; NULL is `EN_EINVAL`.
///
/// # Safety
/// `pointer` is NULL or a handle of this kind that is not freed while `'a` lasts.
pub(crate) unsafe fn borrow<'a, H: Handle>(pointer: *const H) -> Result<&'a H::Inner> {
    // SAFETY: as the caller promises.
    unsafe { borrow_named(pointer, H::NAME) }
}

/// The same for a parameter that is not called as its kind is.
///
/// # Safety
/// As [`borrow`].
#[inline]
pub(crate) unsafe fn borrow_named<'a, H: Handle>(pointer: *const H, name: &str) -> Result<&'a H::Inner> {
    // SAFETY: handles are made from Box, Arc or Rc of Inner; the caller vouches for the lifetime.
    unsafe { pointer.cast::<H::Inner>().as_ref() }.ok_or_else(|| null(name))
}

/// The same, to change it: the caller promises that nobody else uses it meanwhile.
///
/// # Safety
/// As [`borrow`], and no other thread uses the handle.
pub(crate) unsafe fn borrow_mut<'a, H: Handle>(pointer: *mut H) -> Result<&'a mut H::Inner> {
    // SAFETY: as in `borrow`; the handle's documentation says "one thread at a time".
    unsafe { pointer.cast::<H::Inner>().as_mut() }.ok_or_else(|| null(H::NAME))
}

/// Takes a boxed handle back; NULL is nothing.
///
/// # Safety
/// `pointer` is NULL or came from [`Constructor::boxed`] and is not used again.
pub(crate) unsafe fn take<H: Handle>(pointer: *mut H) -> Option<Box<H::Inner>> {
    match pointer.is_null() {
        true => None,
        // SAFETY: it came from Box::into_raw in `Constructor::boxed`, once.
        false => Some(unsafe { Box::from_raw(pointer.cast::<H::Inner>()) }),
    }
}

#[cold]
pub(crate) fn null(name: &str) -> Error {
    invalid(format!("{name} is NULL"))
}

/// Where a constructor puts its handle: NULL until it has succeeded.
pub(crate) struct Constructor<H>(*mut *mut H);

impl<H: Handle> Constructor<H> {
    /// # Safety
    /// `out` is NULL or may be written.
    pub(crate) unsafe fn new(out: *mut *mut H) -> Result<Constructor<H>> {
        // SAFETY: as the caller promises.
        unsafe { Constructor::named(out, "out") }
    }

    /// The same for a parameter that is not called `out`.
    ///
    /// # Safety
    /// As [`Constructor::new`].
    pub(crate) unsafe fn named(out: *mut *mut H, name: &str) -> Result<Constructor<H>> {
        if out.is_null() {
            return Err(null(name));
        }
        // SAFETY: not NULL, and the caller says it may be written.
        unsafe { out.write(std::ptr::null_mut()) };
        Ok(Constructor(out))
    }

    pub(crate) fn boxed(self, inner: H::Inner) {
        // SAFETY: `named` has checked the pointer.
        unsafe { self.0.write(Box::into_raw(Box::new(inner)).cast::<H>()) };
    }

    /// As [`Self::shared`], for what takes its time: the application may wait in a function of its own.
    pub(crate) fn make(self, make: impl FnOnce() -> Result<Arc<H::Inner>>) -> Result<()> {
        let _scope = scope::Scope::before();
        self.shared(make()?);
        Ok(())
    }

    /// For what one thread has.
    pub(crate) fn counted(self, inner: Rc<H::Inner>) {
        // SAFETY: `named` has checked the pointer.
        unsafe { self.0.write(Rc::into_raw(inner).cast_mut().cast::<H>()) };
    }

    pub(crate) fn shared(self, inner: Arc<H::Inner>) {
        // SAFETY: `named` has checked the pointer.
        unsafe { self.0.write(Arc::into_raw(inner).cast_mut().cast::<H>()) };
    }
}

/// Another hold on what is behind a handle that came from [`Constructor::counted`]; NULL is
/// `EN_EINVAL`.
///
/// # Safety
/// `pointer` is NULL or a live handle, used by the thread that everything behind it belongs to.
pub(crate) unsafe fn hold<H: Handle>(pointer: *const H) -> Result<Rc<H::Inner>> {
    if pointer.is_null() {
        return Err(null(H::NAME));
    }
    let inner = pointer.cast::<H::Inner>();
    // SAFETY: it came from Rc::into_raw in `Constructor::counted`, and the handle has its hold still.
    unsafe {
        Rc::increment_strong_count(inner);
        Ok(Rc::from_raw(inner))
    }
}

/// Takes the hold of such a handle; NULL is nothing.
///
/// # Safety
/// As [`hold`], and the handle is not used again.
pub(crate) unsafe fn take_hold<H: Handle>(pointer: *mut H) -> Option<Rc<H::Inner>> {
    match pointer.is_null() {
        true => None,
        // SAFETY: it came from Rc::into_raw, and its hold is given up once.
        false => Some(unsafe { Rc::from_raw(pointer.cast::<H::Inner>()) }),
    }
}

/// Where a result goes.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// `pointer` is NULL or may be written.
    pub(crate) unsafe fn new(pointer: *mut T, name: &str) -> Result<Out<T>> {
        match pointer.is_null() {
            true => Err(null(name)),
            false => Ok(Out(pointer)),
        }
    }

    pub(crate) fn set(&self, value: T) {
        // SAFETY: `new` has checked the pointer.
        unsafe { self.0.write(value) };
    }
}

/// Bytes lent by the caller: `(NULL, 0)` is an empty buffer.
///
/// # Safety
/// `data` points to `size` bytes that do not change while `'a` lasts, or is NULL.
pub(crate) unsafe fn bytes<'a>(data: *const c_void, size: usize, name: &str) -> Result<&'a [u8]> {
    match (data.is_null(), size) {
        (_, 0) => Ok(&[]),
        // SAFETY: not NULL, of a possible size; the caller vouches for the rest.
        (false, 1..=MOST_BYTES) => Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) }),
        (is_null, _) => Err(no_bytes(is_null, name)),
    }
}

/// No buffer is larger.
const MOST_BYTES: usize = isize::MAX as usize;

#[cold]
fn no_bytes(is_null: bool, name: &str) -> Error {
    invalid(match is_null {
        true => format!("{name} is NULL, but its size is not 0"),
        false => format!("the size of {name} is larger than any buffer"),
    })
}

/// An array lent by the caller: `(NULL, 0)` is an empty one.
///
/// # Safety
/// `items` points to `count` initialised items that do not change while `'a` lasts, or is NULL.
pub(crate) unsafe fn array<'a, T>(items: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    match (items.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(null(name)),
        (false, count) if count > isize::MAX as usize / size_of::<T>().max(1) => {
            Err(invalid(format!("the number of {name} is larger than any array")))
        }
        // SAFETY: not NULL, of a possible size; the caller vouches for the rest.
        (false, count) => Ok(unsafe { std::slice::from_raw_parts(items, count) }),
    }
}

/// A string lent by the caller.
///
/// # Safety
/// `pointer` is NULL or points to a NUL-terminated string that does not change while `'a` lasts.
pub(crate) unsafe fn string<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL; the caller vouches for the terminator.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|_| invalid(format!("{name} is not UTF-8")))
}

/// A string lent by the caller, or NULL.
///
/// # Safety
/// As [`string`].
pub(crate) unsafe fn optional_string<'a>(pointer: *const c_char, name: &str) -> Result<Option<&'a str>> {
    match pointer.is_null() {
        true => Ok(None),
        // SAFETY: as the caller promises.
        false => unsafe { string(pointer, name) }.map(Some),
    }
}

/// Copies to the caller's buffer if there is room, and says in any case how much is needed.
///
/// # Safety
/// `to` is NULL or has room for `*size` bytes.
pub(crate) unsafe fn copy_out(from: &[u8], to: *mut u8, size: &mut usize, name: &str) -> Result<()> {
    let room = std::mem::replace(size, from.len());
    if room < from.len() {
        let reason = format!("the buffer has {room} bytes, {} are needed", from.len());
        return Err(Error::new(EN_EMSGSIZE, reason));
    }
    if to.is_null() {
        return Err(null(name));
    }
    // SAFETY: there is room, and `from` is ours: they do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
    Ok(())
}

/// Lends bytes of ours to the caller: NULL if there are none.
pub(crate) fn lend(bytes: &[u8], data: &Out<*const c_void>, size: &Out<usize>) {
    data.set(if bytes.is_empty() { std::ptr::null() } else { bytes.as_ptr().cast() });
    size.set(bytes.len());
}

/// A C boolean.
pub(crate) fn truth(value: bool) -> c_int {
    c_int::from(value)
}
