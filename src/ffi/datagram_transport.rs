//! Datagram transports as handles.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::custom_transport::CustomTransport;
use super::options::options_of;
use super::protocol_callbacks::{en_destroy_t, sized};
use super::transport;
use super::transport_callbacks::{en_attempt_t, en_transport_callbacks_t};
use super::transport_options::en_transport_options_t;
use super::{Constructor, borrow, borrow_named, call, client, guard_or, handle};
use crate::blocking::Channel;
use crate::client::transport as low;
use crate::error::Result;
use crate::socket::given_fd::GivenFd;
use crate::transport::DatagramTransport;

/// Datagrams in each direction: what clients and endpoints are made over. A transport has one or
/// several holders: its handle, and all that was made over it. They are freed in any order.
///
/// Each direction serves one call at a time; another one answers `EN_EBUSY`. Time-outs are in
/// milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
pub struct en_datagram_transport_t {
    _private: [u8; 0],
}

handle!(en_datagram_transport_t, Channel<dyn DatagramTransport>, "transport");

/// Makes a transport of a connected datagram socket of any family. From success on the descriptor
/// is the library's; after a failure it is still the caller's. O_NONBLOCK is left as it is, and so
/// is UDP_GRO: datagrams come one by one with it, too (who polls receives until `EN_WANT_READ`
/// first). `options` may be NULL: all defaults.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK` (a pipe or file: see
/// `en_datagram_transport_new`), `EN_EPROTOTYPE` (not a datagram socket), `EN_ENOTCONN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_from_fd(
    out: *mut *mut en_datagram_transport_t,
    fd: c_int,
    options: *const en_transport_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, `options` NULL or a live handle; the descriptor is given away.
        let (out, options, fd) = unsafe { (Constructor::new(out)?, options_of(options)?, GivenFd::new(fd)) };
        out.shared(low::datagram_from_fd(fd, &options)?);
        Ok(())
    })
}

/// Makes one transport of two: it receives by `receive` and sends by `send`, and keeps its own
/// hold on both, which must be two. Closing it closes both, the sending one first. To receive it
/// waits on the descriptor of `receive`, to send on that of `send`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, twice the same), `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_new_stapled(
    out: *mut *mut en_datagram_transport_t,
    receive: *const en_datagram_transport_t,
    send: *const en_datagram_transport_t,
    options: *const en_transport_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, the others NULL or live handles.
        let (out, options) = unsafe { (Constructor::new(out)?, options_of(options)?) };
        // SAFETY: as above.
        let (receive, send) = unsafe { (borrow_named(receive, "receive")?, borrow_named(send, "send")?) };
        out.shared(low::stapled(receive, send, &options, |stapled| Arc::new(stapled))?);
        Ok(())
    })
}

/// Makes a transport of callbacks. The struct is copied. `destroy` (may be NULL) is called once
/// with `user_data` when the transport has no holder any more, after its `close`; not if this call
/// fails.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_new(
    out: *mut *mut en_datagram_transport_t,
    callbacks: *const en_transport_callbacks_t,
    options: *const en_transport_options_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, `options` NULL or a live handle.
        let (out, options) = unsafe { (Constructor::new(out)?, options_of(options)?) };
        // SAFETY: `callbacks` is NULL or a struct as long as its first field says.
        let callbacks = unsafe { sized(callbacks, "callbacks")? };
        let make = || -> Result<Arc<dyn DatagramTransport>> {
            Ok(Arc::new(CustomTransport::new(callbacks, destroy, user_data)?))
        };
        out.shared(low::own(make, &options)?);
        Ok(())
    })
}

/// Closes the transport, for all that have a hold on it: calls that wait answer `EN_ECLOSED`, and
/// so do all later ones. It waits for nobody. The descriptor is closed when the last holder is
/// closed or freed, and the last call has left it. A second time it does nothing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, what the `close` callback answered. It is closed in any case, but with
/// `EN_EFORKED` (in a child that cannot use it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_close(transport: *mut en_datagram_transport_t) -> c_int {
    // SAFETY: `transport` is NULL or a live handle.
    unsafe { client::close(transport) }
}

/// 1 if the transport is closed, by whomever, 0 if not; one of two halves is when both are. Never
/// waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_is_closed(transport: *const en_datagram_transport_t) -> c_int {
    // SAFETY: `transport` is NULL or a live handle.
    unsafe { client::is_closed(transport) }
}

/// The descriptor to poll for receiving, or else for sending; -1 if there is none, if the
/// transport is closed, or NULL. It stays the transport's. Never waits.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_fileno(transport: *const en_datagram_transport_t) -> c_int {
    // SAFETY: `transport` is NULL or a live handle.
    guard_or(-1, || unsafe { borrow(transport) }.map_or(-1, Channel::fileno))
}

/// Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) to `value`, where there is room for
/// `*size` bytes; `*size` becomes its size, also when that is too large. Of two halves the
/// receiving one is asked first. Names are those the socket had when the transport was made. Never
/// waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, no such number), `EN_ENODATA` (it has no such attribute),
/// `EN_EMSGSIZE` (too little room), `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, codes of the
/// callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_get_attribute(
    transport: *const en_datagram_transport_t,
    attribute: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `size` NULL or readable and writable, `value`
    // NULL or of `*size` bytes.
    unsafe { transport::get_attribute(transport, attribute, value, size) }
}

/// Makes the handle `*out` of the half that a transport of two halves receives by; its calls wait as those of
/// `transport` do.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, not made of two halves), `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_stapled_receive_half(
    out: *mut *mut en_datagram_transport_t,
    transport: *const en_datagram_transport_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `transport` NULL or a live handle.
    unsafe { half(out, transport, 0) }
}

/// Makes the handle `*out` of the half that a transport of two halves sends by; its calls wait as those of
/// `transport` do.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, not made of two halves), `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_stapled_send_half(
    out: *mut *mut en_datagram_transport_t,
    transport: *const en_datagram_transport_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `transport` NULL or a live handle.
    unsafe { half(out, transport, 1) }
}

/// # Safety
/// `out` is NULL or writable, `transport` is NULL or a live handle.
unsafe fn half(
    out: *mut *mut en_datagram_transport_t,
    transport: *const en_datagram_transport_t,
    which: usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (out, channel) = unsafe { (Constructor::new(out)?, borrow(transport)?) };
        let [receive, send] = channel.halves()?;
        let half = if which == 0 { receive } else { send };
        out.shared(channel.another(half));
        Ok(())
    })
}

/// Calls `attempt` with `user_data` until it stops wanting, or `timeout_ms` has passed: attempt,
/// wait, attempt again, as all calls of the library that wait do. While it waits by another descriptor, or by
/// none, closing is noticed after the retry interval, or a second. `*left_ms` is always set: to what is
/// left of the time, in milliseconds, negative for ever.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`,
/// codes of the callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_retry(
    transport: *mut en_datagram_transport_t,
    attempt: en_attempt_t,
    user_data: *mut c_void,
    timeout_ms: i64,
    left_ms: *mut i64,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `left_ms` NULL or writable.
    unsafe { transport::retry(transport, attempt, user_data, timeout_ms, left_ms) }
}

/// Ends the handle; NULL is nothing. What was made over the transport goes on with it: it is
/// closed when its last holder is closed or freed. Calls that are inside this handle are woken,
/// which closes it, and waited for. No call may begin any more. In a callback of the same
/// transport it takes effect when that has returned.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_transport_free(transport: *mut en_datagram_transport_t) {
    // SAFETY: `transport` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(transport) }
}
