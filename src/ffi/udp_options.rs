//! How a UDP client is made.

use std::ffi::{c_char, c_int, c_void};

use super::cancel::en_cancel_t;
use super::protocol_callbacks::en_destroy_t;
use super::tcp_options::en_interrupt_t;
use super::transport_options::en_wait_t;
use super::{handle, options};
use crate::client::udp::UdpOptions;
use crate::error::Result;

/// How a UDP client is made. Options may be used for any number of clients, and changed or freed as
/// soon as the call that took them has returned.
pub struct en_udp_options_t {
    _private: [u8; 0],
}

handle!(en_udp_options_t, UdpOptions, "options");

/// Makes options with every default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_new(out: *mut *mut en_udp_options_t) -> c_int {
    // SAFETY: `out` is NULL or writable.
    unsafe { options::new(out) }
}

fn set(options: *mut en_udp_options_t, change: impl FnOnce(&mut UdpOptions) -> Result<()>) -> c_int {
    // SAFETY: each caller's comment demands NULL or a live handle, one thread at a time.
    unsafe { options::set(options, change) }
}

/// The address to connect from: a numeric host or a name that this machine knows, and a port, 0 for
/// any. NULL for `host` with a port stands for any address. Addresses of the peer whose family the
/// local address does not have are skipped. Default: the system chooses.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_local_address(
    options: *mut en_udp_options_t,
    host: *const c_char,
    port: u16,
) -> c_int {
    set(options, |options| {
        // SAFETY: `host` is NULL or a string.
        options.local = unsafe { options::local_address(host, port)? };
        Ok(())
    })
}

/// Which addresses of the peer to take: `EN_FAMILY_IPV4`, `EN_FAMILY_IPV6`, or
/// `EN_FAMILY_UNSPECIFIED` for both, which is the default.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_family(options: *mut en_udp_options_t, family: c_int) -> c_int {
    set(options, |options| {
        options.family = options::family(family)?;
        Ok(())
    })
}

/// 1 lets several sockets have the same local address (SO_REUSEPORT); 0, the default, does not.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See socket(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_reuse_port(
    options: *mut en_udp_options_t,
    reuse_port: c_int,
) -> c_int {
    set(options, |options| {
        options.reuse_port = options::switch("reuse_port", reuse_port)?;
        Ok(())
    })
}

/// How long connecting may take, in milliseconds: the name resolution, since the rest takes no
/// time. Negative: for ever, which is the default; 0: what is not known at once fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_connect_timeout(
    options: *mut en_udp_options_t,
    timeout_ms: i64,
) -> c_int {
    set(options, |options| {
        options.connect_timeout_ms = timeout_ms;
        Ok(())
    })
}

/// The largest datagram that is received, in bytes, from 1 to 1073741824: a larger one is
/// `EN_EMSGSIZE`, and never cut. 0 stands for the default, 65536. The maximum packet size of the
/// protocol counts, too.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_max_datagram_size(
    options: *mut en_udp_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_max_datagram_size(size))
}

/// 1 lets the system hand over many datagrams of equal size at once (UDP_GRO), where it can: they
/// still come out one by one. It pays where datagrams come fast, and costs a little where they do
/// not. 0 is the default. Clients that are made of a descriptor do not look at it: they go by the
/// socket.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_receive_offload(
    options: *mut en_udp_options_t,
    receive_offload: c_int,
) -> c_int {
    set(options, |options| {
        options.receive_offload = options::switch("receive_offload", receive_offload)?;
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
pub unsafe extern "C" fn en_udp_options_set_busy_poll(
    options: *mut en_udp_options_t,
    microseconds: u32,
) -> c_int {
    set(options, |options| options.common.set_busy_poll(microseconds))
}

/// Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
/// client keeps it alive. NULL takes it away.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_cancel(
    options: *mut en_udp_options_t,
    cancel: *mut en_cancel_t,
) -> c_int {
    // SAFETY: `cancel` is NULL or a live handle.
    set(options, |options| unsafe { options::set_cancel(&mut options.common, cancel) })
}

/// Makes calls ask `interrupted` whether to go on: before they wait, every `interval_ms` milliseconds
/// (from 1 on) while they do, and after each signal. This is how a binding looks for Ctrl-C. `destroy`
/// (may be NULL) is called once with `user_data` when options and clients are gone; not if this call
/// fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_udp_options_set_retry_interval(
    options: *mut en_udp_options_t,
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
pub unsafe extern "C" fn en_udp_options_set_wait(
    options: *mut en_udp_options_t,
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
pub unsafe extern "C" fn en_udp_options_free(options: *mut en_udp_options_t) {
    // SAFETY: `options` is NULL or a live handle that is not used again.
    unsafe { options::free(options) }
}
