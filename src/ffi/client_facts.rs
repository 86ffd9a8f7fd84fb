//! What can be asked of a client of any family, and set: socket options, ends, statistics.

use std::ffi::{c_int, c_void};

use super::client::{client, en_stats_t, operate, work};
use super::{Constructor, Handle, Out, bytes, call, null};
use crate::blocking::Client;
use crate::endpoint::Counters;
use crate::error::{Result, invalid};
use crate::socket::names::Names;
use crate::socket::options::OPTIONS;

/// # Safety
/// As [`work`](super::client::work); `size` is NULL or readable and writable, `value` is NULL or has room for `*size`.
pub(crate) unsafe fn getsockopt<H: Handle<Inner = Client>>(
    pointer: *const H,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, size) = unsafe { (client(pointer)?, size.as_mut().ok_or_else(|| null("size"))?) };
        // SAFETY: as the caller promises.
        let value = unsafe { room_for_value(value, *size)? };
        *size = operate(client, |client| client.getsockopt(level, name, value))?;
        Ok(())
    })
}

/// Room that the caller lends for the value of an option, all of it zero.
///
/// # Safety
/// `value` is NULL or has room for `size` bytes while `'a` lasts.
pub(super) unsafe fn room_for_value<'a>(value: *mut c_void, size: usize) -> Result<&'a mut [u8]> {
    if value.is_null() || size > isize::MAX as usize {
        return Err(invalid("value is NULL, or *size larger than any buffer"));
    }
    let value = value.cast::<u8>();
    // SAFETY: there is room for `size` bytes, which are zeroed before anybody reads them.
    unsafe {
        std::ptr::write_bytes(value, 0, size);
        Ok(std::slice::from_raw_parts_mut(value, size))
    }
}

/// # Safety
/// As [`work`](super::client::work); `value` is NULL or `size` bytes.
pub(crate) unsafe fn setsockopt<H: Handle<Inner = Client>>(
    pointer: *mut H,
    level: c_int,
    name: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { work(pointer, |client| client.setsockopt(level, name, bytes(value, size, "value")?)) }
}

/// # Safety
/// As [`work`](super::client::work); `value` is NULL or writable.
pub(crate) unsafe fn get_option<H: Handle<Inner = Client>>(
    pointer: *const H,
    option: c_int,
    value: *mut i64,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, value) = unsafe { (client(pointer)?, Out::new(value, "value")?) };
        value.set(operate(client, |client| client.get_option(OPTIONS.find(option)?))?);
        Ok(())
    })
}

/// # Safety
/// As [`work`](super::client::work).
pub(crate) unsafe fn set_option<H: Handle<Inner = Client>>(
    pointer: *mut H,
    option: c_int,
    value: i64,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { work(pointer, |client| client.set_option(OPTIONS.find(option)?, value)) }
}

/// # Safety
/// As [`work`](super::client::work); `size` is NULL or writable.
pub(crate) unsafe fn max_recv_size<H: Handle<Inner = Client>>(pointer: *const H, size: *mut usize) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, size) = unsafe { (client(pointer)?, Out::new(size, "size")?) };
        size.set(client.max_recv_size());
        Ok(())
    })
}

/// Gives the caller the address or the name of one end.
///
/// # Safety
/// As [`work`](super::client::work); `end` is NULL or writable.
pub(crate) unsafe fn get_end<H: Handle<Inner = Client>, E: Handle>(
    pointer: *const H,
    end: *mut *mut E,
    name: &str,
    read: impl FnOnce(&Names) -> Result<E::Inner>,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (end, client) = unsafe { (Constructor::named(end, name)?, client(pointer)?) };
        end.boxed(read(client.names()?)?);
        Ok(())
    })
}

/// # Safety
/// As [`work`](super::client::work); `stats` is NULL or a struct as long as its first field says, to be written.
pub(crate) unsafe fn get_stats<H: Handle<Inner = Client>>(
    pointer: *const H,
    stats: *mut en_stats_t,
) -> c_int {
    // SAFETY: as the caller promises.
    call(|| unsafe { write_stats(stats, client(pointer)?.counters().into()) })
}

/// Fills as much of the caller's struct as it has.
///
/// # Safety
/// `stats` is NULL or a struct as long as its first field says, to be written.
pub(crate) unsafe fn write_stats(stats: *mut en_stats_t, counted: en_stats_t) -> Result<()> {
    if stats.is_null() {
        return Err(null("stats"));
    }
    // SAFETY: not NULL; the first field is the size.
    let size = unsafe { stats.cast::<usize>().read() };
    if size < size_of::<usize>() {
        return Err(invalid("stats->struct_size is too small: set it to sizeof(en_stats_t)"));
    }
    let counted = en_stats_t { struct_size: size, ..counted };
    let length = size.min(size_of::<en_stats_t>());
    // SAFETY: the caller's struct has `size` bytes, ours `size_of` of them.
    unsafe { std::ptr::copy_nonoverlapping((&raw const counted).cast::<u8>(), stats.cast::<u8>(), length) };
    Ok(())
}

impl From<&Counters> for en_stats_t {
    fn from(counters: &Counters) -> en_stats_t {
        en_stats_t {
            struct_size: size_of::<en_stats_t>(),
            packets_sent: counters.packets_sent.get(),
            packets_received: counters.packets_received.get(),
            bytes_sent: counters.bytes_sent.get(),
            bytes_received: counters.bytes_received.get(),
            send_calls: counters.send_calls.get(),
            recv_calls: counters.recv_calls.get(),
        }
    }
}
