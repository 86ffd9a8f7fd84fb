//! How a TCP client is made.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use super::cancel::en_cancel_t;
use super::protocol_callbacks::en_destroy_t;
use super::tls_config::en_tls_config_t;
use super::transport_options::en_wait_t;
use super::{borrow, handle, optional_string, options};
use crate::client::tcp::TcpOptions;
use crate::error::Result;

/// How a TCP client is made. Options may be used for any number of clients, and changed or freed
/// as soon as the call that took them has returned.
pub struct en_tcp_options_t {
    _private: [u8; 0],
}

// Clients and attempts share them; who changes them gets a copy if need be.
handle!(en_tcp_options_t, Arc<TcpOptions>, "options");

/// Makes options with every default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_new(out: *mut *mut en_tcp_options_t) -> c_int {
    // SAFETY: `out` is NULL or writable.
    unsafe { options::new(out) }
}

fn set(options: *mut en_tcp_options_t, change: impl FnOnce(&mut TcpOptions) -> Result<()>) -> c_int {
    // SAFETY: each caller's comment demands NULL or a live handle, one thread at a time.
    unsafe { options::set(options, |options: &mut Arc<TcpOptions>| change(Arc::make_mut(options))) }
}

/// The address to connect from: a numeric host or a name that this machine knows, and a port, 0
/// for any. NULL for `host` with a port stands for any address. Addresses of the peer whose family
/// the local address does not have are skipped. Default: the system chooses.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_local_address(
    options: *mut en_tcp_options_t,
    host: *const c_char,
    port: u16,
) -> c_int {
    set(options, |options| {
        // SAFETY: `host` is NULL or a string.
        options.local = unsafe { options::local_address(host, port)? };
        Ok(())
    })
}

/// How long connecting may take, in milliseconds: name resolution, all addresses, and over TLS the
/// handshake, also over a given descriptor. Negative: for ever, which is the default; 0: what does
/// not connect at once fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_connect_timeout(
    options: *mut en_tcp_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.connect_timeout_ms = timeout_ms;
        Ok(())
    })
}

/// How long one address is tried before the next one is tried beside it, in milliseconds; default
/// 250. Negative: the next one only when this one has failed.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See RFC 8305, 5.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_happy_eyeballs_delay(
    options: *mut en_tcp_options_t,
    delay_ms: i64,
) -> c_int {
    set(options, |options| {
        options.happy_eyeballs_delay_ms = delay_ms;
        Ok(())
    })
}

/// Makes the client speak TLS as `config` says; the client keeps it alive. NULL takes it away.
///
/// `server_name` (copied) is the peer's name: a host name or an IP address that its certificate must
/// have, and that it is asked for. NULL stands for the host that is dialled; where none is (a given
/// descriptor, resolved addresses) there must be one. The empty string switches the name check off,
/// and what needs a name: the peer is asked for none, and sessions are not resumed. The certificate
/// must still be one that `config` trusts. Names that `config` has of its own win. With a server's
/// configuration, which only given descriptors can have, `server_name` must be NULL.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`; a name that is none, and what does not go together, is told when the client
/// is made, before its socket is looked at. See RFC 8446.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_tls(
    options: *mut en_tcp_options_t,
    config: *const en_tls_config_t,
    server_name: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: `config` is NULL or a live handle, `server_name` NULL or a string.
        let (config, server_name) = unsafe {
            let config = (!config.is_null()).then(|| borrow(config)).transpose()?;
            (config, optional_string(server_name, "server_name")?)
        };
        options.secure.config = config.cloned();
        options.secure.server_name = server_name.map(str::to_string);
        Ok(())
    })
}

/// How long the TLS handshake may take, in milliseconds; default 60000. Negative: for ever. The
/// connect time-out counts, too, and whichever ends first.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`; without TLS, when the client is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_handshake_timeout(
    options: *mut en_tcp_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.secure.handshake_timeout_ms = Some(timeout_ms);
        Ok(())
    })
}

/// Whether the end of TLS (close_notify) must be said, and heard: 1, the default, or 0.
///
/// With it, closing says the end and waits for the peer's, for at most the shutdown time-out (it does
/// not wait if another thread had to be woken out of a receive, or is stuck in a send); and a
/// connection that ends without the peer's is `EN_ETLS_TRUNCATED`, after all that has come. Without
/// it, a stream that somebody cuts looks complete.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`; without TLS, when the client is made. See RFC 8446, 6.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_standard_compatible(
    options: *mut en_tcp_options_t,
    standard_compatible: c_int,
) -> c_int {
    set(options, |options| {
        options.secure.standard_compatible =
            Some(options::switch("standard_compatible", standard_compatible)?);
        Ok(())
    })
}

/// How many bytes each receive asks the system for, from 1 to 1073741824. 0 stands for the default:
/// 16384 at first, more while receives are filled.
///
/// Over TLS the system is asked for up to 65536 encrypted bytes at once, whatever this says; it is
/// then how many decrypted ones a receive takes at most.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_max_recv_size(
    options: *mut en_tcp_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_max_recv_size(size))
}

/// The largest packet that this client receives, in bytes: the smaller of this and the protocol's
/// own maximum counts. 0 stands for the default, the protocol's own.
/// Memory that a protocol lends (`en_stream_protocol_new_buffered`) has no other limit than its size.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_max_packet_size(
    options: *mut en_tcp_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_max_packet_size(size))
}

/// Gathers packets in a buffer of `size` bytes (up to 1073741824; 0, the default, is none) instead
/// of sending each at once. They go out when the buffer is full, by flushing, by sending the end of
/// the stream, by closing, and when a receive on the client is about to wait; on a loop with each of
/// its turns.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_write_buffer(
    options: *mut en_tcp_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_write_buffer(size))
}

/// How long closing may take to bring out what is still to send, and over TLS to hear the peer's
/// end, in milliseconds; default 30000, negative for ever.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_shutdown_timeout(
    options: *mut en_tcp_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.common.shutdown_timeout_ms = timeout_ms;
        Ok(())
    })
}

/// Lets a receive look again and again for so many microseconds before it sleeps: less latency for
/// a processor kept busy. At most 1000000; 0, the default, is not at all.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_busy_poll(
    options: *mut en_tcp_options_t,
    microseconds: u32,
) -> c_int {
    set(options, |options| options.common.set_busy_poll(microseconds))
}

/// When the system asks a silent peer whether it is still there: after `idle_s` seconds, then
/// every `interval_s` seconds, and gives up after `count` times. 0 leaves one as the system has it.
/// Keepalive itself is always on. Where the system refuses these, no client is made.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (above 32767 seconds or 127 times). See tcp(7), RFC 1122 4.2.3.6.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_keepalive(
    options: *mut en_tcp_options_t,
    idle_s: u32,
    interval_s: u32,
    count: u32,
) -> c_int {
    set(options, |options| options.set_keepalive(idle_s, interval_s, count))
}

/// How long sent data may stay without an answer before the system declares the connection dead
/// (`EN_ECONNTIMEDOUT`), in milliseconds; 0, the default, leaves it to the system. Where the system
/// refuses it, no client is made.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (above 2147483647). See tcp(7), RFC 5482.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_user_timeout(
    options: *mut en_tcp_options_t,
    timeout_ms: u32,
) -> c_int {
    set(options, |options| options.set_user_timeout(timeout_ms))
}

/// Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
/// client keeps it alive. NULL takes it away.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_cancel(
    options: *mut en_tcp_options_t,
    cancel: *mut en_cancel_t,
) -> c_int {
    // SAFETY: `cancel` is NULL or a live handle.
    set(options, |options| unsafe { options::set_cancel(&mut options.common, cancel) })
}

/// Asked, in the thread of a call that waits, whether to go on: `EN_CALLBACK_DONE` yes;
/// `EN_ECANCELED`, `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the application's own (`EN_EUSER_BASE` and
/// below) ends the call with that code. Nothing received is lost.
pub type en_interrupt_t = Option<unsafe extern "C" fn(user_data: *mut c_void) -> c_int>;

/// Makes calls ask `interrupted` whether to go on: before they wait, every `interval_ms` milliseconds
/// (from 1 on) while they do, and after each signal. This is how a binding looks for Ctrl-C. `destroy`
/// (may be NULL) is called once with `user_data` when options and clients are gone; not if this call
/// fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_retry_interval(
    options: *mut en_tcp_options_t,
    interval_ms: i64,
    interrupted: en_interrupt_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| {
        options::set_retry_interval(&mut options.common, interval_ms, interrupted, destroy, user_data)
    })
}

/// Makes `wait` wait in place of poll(2) wherever a call of the client has to wait for a
/// descriptor, connecting included. `destroy` (may be NULL) is called once with `user_data` when
/// options and clients are gone; not if this call fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_set_wait(
    options: *mut en_tcp_options_t,
    wait: en_wait_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| options::set_wait(&mut options.common, wait, destroy, user_data))
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tcp_options_free(options: *mut en_tcp_options_t) {
    // SAFETY: `options` is NULL or a live handle that is not used again.
    unsafe { options::free(options) }
}
