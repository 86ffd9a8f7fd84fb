//! Stream transports as handles.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use super::client;
use super::custom_transport::CustomTransport;
use super::options::options_of;
use super::protocol_callbacks::{en_destroy_t, sized};
use super::tls_config::en_tls_config_t;
use super::tls_info::{self, en_tls_info_t};
use super::transport_callbacks::{en_attempt_t, en_transport_callbacks_t};
use super::transport_options::en_transport_options_t;
use super::{Constructor, borrow, borrow_named, call, guard_or, handle, optional_string, transport};
use crate::blocking::{Channel, Within};
use crate::client::transport::{self as low, TransportOptions};
use crate::error::Result;
use crate::socket::given_fd::GivenFd;
use crate::tls::TlsConfig;
use crate::transport::StreamTransport;

/// A stream of bytes in each direction: what clients and endpoints are made over. A transport has
/// one or several holders: its handle, and all that was made over it. They are freed in any order.
///
/// Each direction serves one call at a time; another one answers `EN_EBUSY`. Time-outs are in
/// milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
pub struct en_stream_transport_t {
    _private: [u8; 0],
}

handle!(en_stream_transport_t, Channel<dyn StreamTransport>, "transport");

/// Makes a transport of a connected stream socket of any family. From success on the descriptor is
/// the library's; after a failure it is still the caller's. O_NONBLOCK is left as it is. `options`
/// may be NULL: all defaults.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK` (a pipe or file: see `en_stream_transport_new`),
/// `EN_EPROTOTYPE` (not a stream socket), `EN_ENOTCONN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_from_fd(
    out: *mut *mut en_stream_transport_t,
    fd: c_int,
    options: *const en_transport_options_t,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, `options` NULL or a live handle; the descriptor is given away.
        let (out, options, fd) = unsafe { (Constructor::new(out)?, options_of(options)?, GivenFd::new(fd)) };
        out.shared(low::stream_from_fd(fd, &options)?);
        Ok(())
    })
}

/// Makes a transport that speaks TLS over another one, and shakes hands: with a client's `config`
/// as the client, with a server's as the server. It keeps its own hold on `transport`, which stays
/// the caller's, and on `config`; closing it closes both. As long as it is there, nobody else sends by
/// `transport` (`EN_EBUSY`), and nobody else should receive by it. `server_name` is the peer's name, for
/// a client: what its certificate must have ("": none); NULL with a server's configuration. `options`
/// (NULL: all defaults) say how long shaking hands and closing may take.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a client without `server_name`, a server with one, and a name that is
/// none) and `EN_EBUSY` (somebody speaks TLS over `transport` already, or is in the midst of a packet):
/// nothing has been said to the peer then; `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer has gone),
/// `EN_ETLS_...`, `EN_ECLOSED`, `EN_ECANCELED`, those of receiving and sending, codes of callbacks. After
/// these `transport` is of no use but to close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_new_tls(
    out: *mut *mut en_stream_transport_t,
    transport: *const en_stream_transport_t,
    config: *const en_tls_config_t,
    server_name: *const c_char,
    options: *const en_transport_options_t,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { new_tls(out, transport, config, server_name, options, low::tls_at_once) }
}

/// Makes a transport that speaks TLS over another one, as `en_stream_transport_new_tls` does, but
/// without shaking hands, which would wait. `en_stream_transport_handshake` does that, its `_noblock`
/// twin step by step, or the loop on which an endpoint is made over this
/// (`en_async_stream_endpoint_new`). Until then receiving and sending answer `EN_ENOTCONN`. `options`
/// (NULL: all defaults) say how long closing may take, and the handshake on a loop.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (also a client without `server_name`, a server with one, and a name that is
/// none), `EN_EBUSY` (somebody speaks TLS over `transport` already, or is in the midst of a packet),
/// `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_ETLS_NO_TRUST`. Nothing has been said to the peer then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_new_tls_noblock(
    out: *mut *mut en_stream_transport_t,
    transport: *const en_stream_transport_t,
    config: *const en_tls_config_t,
    server_name: *const c_char,
    options: *const en_transport_options_t,
) -> c_int {
    // SAFETY: the pointers are NULL or what the comment says.
    unsafe { new_tls(out, transport, config, server_name, options, low::tls) }
}

type MakeTls = fn(
    &Channel<dyn StreamTransport>,
    &TlsConfig,
    Option<&str>,
    &TransportOptions,
) -> Result<Arc<Channel<dyn StreamTransport>>>;

/// # Safety
/// `out` is NULL or writable, `server_name` NULL or a string, the others NULL or live handles.
unsafe fn new_tls(
    out: *mut *mut en_stream_transport_t,
    transport: *const en_stream_transport_t,
    config: *const en_tls_config_t,
    server_name: *const c_char,
    options: *const en_transport_options_t,
    make: MakeTls,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (out, options) = unsafe { (Constructor::new(out)?, options_of(options)?) };
        // SAFETY: as above.
        let (inner, config, name) = unsafe {
            let name = optional_string(server_name, "server_name")?;
            (borrow(transport)?, borrow(config)?, name)
        };
        out.make(|| make(inner, config, name, &options))
    })
}

/// Shakes hands, where that has yet to be done (`en_stream_transport_new_tls_noblock`); otherwise it
/// does nothing, also for a stapled transport, whose halves shake hands by themselves. After
/// `EN_ETIMEDOUT`, `EN_ECANCELED` and `EN_EBUSY` another call goes on with it; after other errors the
/// transport is of no use but to close.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer has gone), `EN_ETLS_...`,
/// `EN_ECLOSED`, `EN_EBUSY` (another call is receiving, sending, or shaking hands), `EN_ECANCELED`,
/// `EN_EDEADLK`, `EN_EFORKED`, those of receiving and sending, codes of callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_handshake(
    transport: *mut en_stream_transport_t,
    timeout_ms: i64,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle.
    unsafe { transport::work(transport, |channel| channel.handshake(Within::Ms(timeout_ms))) }
}

/// Goes on shaking hands as `en_stream_transport_handshake` does, without waiting. `*fd` is always set:
/// to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
///
/// Thread-safe.
///
/// Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_handshake` but
/// `EN_ETIMEDOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_handshake_noblock(
    transport: *mut en_stream_transport_t,
    fd: *mut c_int,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `fd` NULL or writable.
    unsafe { transport::work_now(transport, fd, |channel, fd| channel.handshake(Within::NoWait(fd))) }
}

/// Makes one transport of two: it receives by `receive` and sends by `send`, and keeps its own
/// hold on both, which must be two. Closing it closes both, the sending one first; over TLS it says
/// the end to both peers, and waits for neither's. To receive it
/// waits on the descriptor of `receive`, to send on that of `send`. Where the sending one cannot
/// send the end of the stream, it is closed instead.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, twice the same), `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_new_stapled(
    out: *mut *mut en_stream_transport_t,
    receive: *const en_stream_transport_t,
    send: *const en_stream_transport_t,
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
pub unsafe extern "C" fn en_stream_transport_new(
    out: *mut *mut en_stream_transport_t,
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
        let make = || -> Result<Arc<dyn StreamTransport>> {
            Ok(Arc::new(CustomTransport::new(callbacks, destroy, user_data)?))
        };
        out.shared(low::own(make, &options)?);
        Ok(())
    })
}

/// Closes the transport, for all that have a hold on it: calls that wait answer `EN_ECLOSED`, and
/// so do all later ones. It waits for nobody, but, over TLS, for the peer's end of it, at most the
/// shutdown time-out. The descriptor is closed when the last holder is closed or freed, and the
/// last call has left it. A second time it does nothing.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, what the `close` callback answered. It is closed in any case, but with
/// `EN_EFORKED` (in a child that cannot use it).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_close(transport: *mut en_stream_transport_t) -> c_int {
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
pub unsafe extern "C" fn en_stream_transport_is_closed(transport: *const en_stream_transport_t) -> c_int {
    // SAFETY: `transport` is NULL or a live handle.
    unsafe { client::is_closed(transport) }
}

/// The descriptor to poll for receiving, or else for sending; -1 if there is none, if the
/// transport is closed, or NULL. It stays the transport's. Never waits.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_fileno(transport: *const en_stream_transport_t) -> c_int {
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
pub unsafe extern "C" fn en_stream_transport_get_attribute(
    transport: *const en_stream_transport_t,
    attribute: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `size` NULL or readable and writable, `value`
    // NULL or of `*size` bytes.
    unsafe { transport::get_attribute(transport, attribute, value, size) }
}

/// What TLS has agreed on: `*info` is the caller's to free. Never waits.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ENODATA` (the transport does not speak TLS), `EN_ENOTCONN` (hands have not
/// been shaken), `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_get_tls_info(
    transport: *const en_stream_transport_t,
    info: *mut *mut en_tls_info_t,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `info` NULL or writable.
    call(|| unsafe {
        let (out, channel) = (Constructor::named(info, "info")?, borrow(transport)?);
        tls_info::give(out, client::operate(channel, Channel::tls_facts)?);
        Ok(())
    })
}

/// Makes the handle `*out` of the half that a transport of two halves receives by; its calls wait as those of
/// `transport` do.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, not made of two halves), `EN_ECLOSED`, `EN_EFORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_stapled_receive_half(
    out: *mut *mut en_stream_transport_t,
    transport: *const en_stream_transport_t,
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
pub unsafe extern "C" fn en_stream_transport_stapled_send_half(
    out: *mut *mut en_stream_transport_t,
    transport: *const en_stream_transport_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `transport` NULL or a live handle.
    unsafe { half(out, transport, 1) }
}

/// # Safety
/// `out` is NULL or writable, `transport` is NULL or a live handle.
unsafe fn half(
    out: *mut *mut en_stream_transport_t,
    transport: *const en_stream_transport_t,
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
pub unsafe extern "C" fn en_stream_transport_retry(
    transport: *mut en_stream_transport_t,
    attempt: en_attempt_t,
    user_data: *mut c_void,
    timeout_ms: i64,
    left_ms: *mut i64,
) -> c_int {
    // SAFETY: `transport` is NULL or a live handle, `left_ms` NULL or writable.
    unsafe { transport::retry(transport, attempt, user_data, timeout_ms, left_ms) }
}

/// Ends the handle; NULL is nothing. What was made over the transport goes on with it: it is
/// closed when its last holder is closed or freed. Over TLS the last that is freed says the end, as
/// far as that goes at once, and does not wait for the peer's. Calls that are inside this handle are
/// woken, which closes it, and waited for. No call may begin any more. In a callback of the same
/// transport it takes effect when that has returned.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_transport_free(transport: *mut en_stream_transport_t) {
    // SAFETY: `transport` is NULL or a live handle in which no call begins any more.
    unsafe { client::free(transport) }
}
