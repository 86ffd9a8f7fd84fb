//! How a Unix datagram client is made.

use std::ffi::{c_int, c_void};

use super::cancel::en_cancel_t;
use super::protocol_callbacks::en_destroy_t;
use super::tcp_options::en_interrupt_t;
use super::transport_options::en_wait_t;
use super::unix_address::en_unix_address_t;
use super::{borrow, handle, options};
use crate::client::unix_datagram::UnixDatagramOptions;
use crate::error::Result;
use crate::socket::unix_address::UnixAddress;

/// How a Unix datagram client is made. Options may be used for any number of clients, and changed
/// or freed as soon as the call that took them has returned.
pub struct en_unix_datagram_options_t {
    _private: [u8; 0],
}

handle!(en_unix_datagram_options_t, UnixDatagramOptions, "options");

/// Makes options with every default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_options_new(out: *mut *mut en_unix_datagram_options_t) -> c_int {
    // SAFETY: `out` is NULL or writable.
    unsafe { options::new(out) }
}

fn set(
    options: *mut en_unix_datagram_options_t,
    change: impl FnOnce(&mut UnixDatagramOptions) -> Result<()>,
) -> c_int {
    // SAFETY: each caller's comment demands NULL or a live handle, one thread at a time.
    unsafe { options::set(options, change) }
}

/// The address to connect from: a path, which must not exist yet and is left there in the end, or
/// an abstract name. NULL and the unnamed address stand for the default: an abstract name that the
/// system chooses.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_options_set_local_address(
    options: *mut en_unix_datagram_options_t,
    address: *const en_unix_address_t,
) -> c_int {
    set(options, |options| {
        options.local = match address.is_null() {
            true => UnixAddress::Unnamed,
            // SAFETY: not NULL, so a live handle.
            false => unsafe { borrow(address)? }.clone(),
        };
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
pub unsafe extern "C" fn en_unix_datagram_options_set_max_datagram_size(
    options: *mut en_unix_datagram_options_t,
    size: usize,
) -> c_int {
    set(options, |options| options.common.set_max_datagram_size(size))
}

/// Lets a receive look again and again for so many microseconds before it sleeps: less latency for
/// a processor kept busy. At most 1000000; 0, the default, is not at all.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_options_set_busy_poll(
    options: *mut en_unix_datagram_options_t,
    microseconds: u32,
) -> c_int {
    set(options, |options| options.common.set_busy_poll(microseconds))
}

/// 1 makes the system send the credentials of the sending process along with what is received
/// (SO_PASSCRED), for the calls that receive ancillary data; 0 is the default. The system then
/// gives a socket without a name an abstract one.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_options_set_receive_credentials(
    options: *mut en_unix_datagram_options_t,
    receive_credentials: c_int,
) -> c_int {
    set(options, |options| {
        options.receive_credentials = options::switch("receive_credentials", receive_credentials)?;
        Ok(())
    })
}

/// Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
/// client keeps it alive. NULL takes it away.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_options_set_cancel(
    options: *mut en_unix_datagram_options_t,
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
pub unsafe extern "C" fn en_unix_datagram_options_set_retry_interval(
    options: *mut en_unix_datagram_options_t,
    interval_ms: i64,
    interrupted: en_interrupt_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    set(options, |options| {
        options::set_retry_interval(&mut options.common, interval_ms, interrupted, destroy, user_data)
    })
}

/// Makes `wait` wait in place of poll(2) wherever a call of the client has to wait for a descriptor.
/// `destroy` (may be NULL) is called once with `user_data` when options and clients are gone; not if
/// this call fails.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_datagram_options_set_wait(
    options: *mut en_unix_datagram_options_t,
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
pub unsafe extern "C" fn en_unix_datagram_options_free(options: *mut en_unix_datagram_options_t) {
    // SAFETY: `options` is NULL or a live handle that is not used again.
    unsafe { options::free(options) }
}
