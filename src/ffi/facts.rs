//! What can be asked of a client of any family without waiting, and set: addresses, options, statistics,
//! what TLS has agreed on. Here are the functions behind the exports of blocking clients and of those on a
//! loop; the exports stand below, a file for each family.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::fd::RawFd;

use super::ancillary::en_credentials_t;
use super::client::{en_stats_t, operate};
use super::on_loop::OnLoop;
use super::tls_info::{self, en_tls_info_t};
use super::transport::give_attribute;
use super::{Constructor, Handle, Out, async_client, borrow, bytes, call, guard_or, null};
use crate::blocking::Client;
use crate::endpoint::Counters;
use crate::error::{EN_ENODATA, Error, Result, invalid};
use crate::reactor::AsyncClient;
use crate::socket::names::Names;
use crate::socket::options::OPTIONS;
use crate::transport::{Transport, descriptor};

pub mod async_datagram_endpoint;
pub mod async_stream_endpoint;
pub mod async_tcp_client;
pub mod async_udp_client;
pub mod async_unix_datagram_client;
pub mod async_unix_stream_client;
pub mod datagram_endpoint;
pub mod stream_endpoint;
pub mod tcp_client;
pub mod udp_client;
pub mod unix_datagram_client;
pub mod unix_stream_client;

/// A client, whoever waits for it.
pub(crate) trait Asked: Sized {
    /// What keeps it while it is asked.
    type Held<'a>: Deref<Target = Self>;

    /// The client behind a handle.
    ///
    /// # Safety
    /// `pointer` is NULL or a live handle, which stays one while `'a` lasts; on a loop, used by its thread.
    unsafe fn hold<'a, H: Handle<Inner = Self>>(pointer: *const H) -> Result<Self::Held<'a>>;

    /// Asks its transport.
    fn ask<T>(hold: &Self::Held<'_>, question: impl FnOnce(&dyn Transport) -> Result<T>) -> Result<T>;

    fn names(&self) -> Result<&Names>;
    fn counters(&self) -> &Counters;
    fn max_recv_size(&self) -> Result<usize>;
    fn fileno(&self) -> RawFd;
}

impl Asked for Client {
    type Held<'a> = &'a Client;

    unsafe fn hold<'a, H: Handle<Inner = Client>>(pointer: *const H) -> Result<Self::Held<'a>> {
        // SAFETY: as the caller promises.
        unsafe { borrow(pointer) }
    }

    fn ask<T>(client: &&Client, question: impl FnOnce(&dyn Transport) -> Result<T>) -> Result<T> {
        operate(*client, |client| client.with_transport(question))
    }

    fn names(&self) -> Result<&Names> {
        self.names()
    }

    fn counters(&self) -> &Counters {
        self.counters()
    }

    fn max_recv_size(&self) -> Result<usize> {
        Ok(self.max_recv_size())
    }

    fn fileno(&self) -> RawFd {
        self.fileno()
    }
}

impl Asked for AsyncClient {
    /// A callback may free the client meanwhile.
    type Held<'a> = OnLoop<AsyncClient>;

    unsafe fn hold<'a, H: Handle<Inner = AsyncClient>>(pointer: *const H) -> Result<Self::Held<'a>> {
        // SAFETY: as the caller promises.
        unsafe { async_client::client(pointer) }
    }

    fn ask<T>(client: &OnLoop<AsyncClient>, question: impl FnOnce(&dyn Transport) -> Result<T>) -> Result<T> {
        client.held().with_transport(question)
    }

    fn names(&self) -> Result<&Names> {
        self.names()
    }

    fn counters(&self) -> &Counters {
        self.counters()
    }

    fn max_recv_size(&self) -> Result<usize> {
        self.max_recv_size()
    }

    fn fileno(&self) -> RawFd {
        self.fileno()
    }
}

/// Gives the caller the address or the name of one end.
///
/// # Safety
/// As [`Asked::hold`]; `end` is NULL or writable.
pub(super) unsafe fn get_end<H: Handle<Inner: Asked>, E: Handle>(
    pointer: *const H,
    end: *mut *mut E,
    name: &str,
    read: impl FnOnce(&Names) -> Result<E::Inner>,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (end, client) = unsafe { (Constructor::named(end, name)?, H::Inner::hold(pointer)?) };
        end.boxed(read(client.names()?)?);
        Ok(())
    })
}

/// # Safety
/// As [`Asked::hold`]; `credentials` is NULL or writable.
pub(super) unsafe fn get_peer_credentials<H: Handle<Inner: Asked>>(
    pointer: *const H,
    credentials: *mut en_credentials_t,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, out) = unsafe { (H::Inner::hold(pointer)?, Out::new(credentials, "credentials")?) };
        out.set(client.names()?.credentials()?.into());
        Ok(())
    })
}

/// # Safety
/// As [`Asked::hold`].
pub(super) unsafe fn fileno<H: Handle<Inner: Asked>>(pointer: *const H) -> c_int {
    // SAFETY: as the caller promises.
    guard_or(-1, || unsafe { H::Inner::hold(pointer) }.map_or(-1, |client| client.fileno()))
}

/// # Safety
/// As [`Asked::hold`]; `size` is NULL or readable and writable, `value` is NULL or has room for `*size`.
pub(super) unsafe fn getsockopt<H: Handle<Inner: Asked>>(
    pointer: *const H,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, size) =
            unsafe { (H::Inner::hold(pointer)?, size.as_mut().ok_or_else(|| null("size"))?) };
        // SAFETY: as the caller promises.
        let value = unsafe { room_for_value(value, *size)? };
        *size = H::Inner::ask(&client, |transport| transport.getsockopt(level, name, value))?;
        Ok(())
    })
}

/// Room that the caller lends for the value of an option, in which the system may look for more than its name.
///
/// # Safety
/// `value` is NULL or has room for `size` bytes while `'a` lasts.
unsafe fn room_for_value<'a>(value: *mut c_void, size: usize) -> Result<&'a mut [MaybeUninit<u8>]> {
    if value.is_null() || size > isize::MAX as usize {
        return Err(invalid("value is NULL, or *size larger than any buffer"));
    }
    // SAFETY: there is room for `size` bytes.
    Ok(unsafe { std::slice::from_raw_parts_mut(value.cast(), size) })
}

/// # Safety
/// As [`Asked::hold`]; `value` is NULL or `size` bytes.
pub(super) unsafe fn setsockopt<H: Handle<Inner: Asked>>(
    pointer: *mut H,
    level: c_int,
    name: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, value) = unsafe { (H::Inner::hold(pointer)?, bytes(value, size, "value")?) };
        H::Inner::ask(&client, |transport| transport.setsockopt(level, name, value))
    })
}

/// # Safety
/// As [`Asked::hold`]; `value` is NULL or writable.
pub(super) unsafe fn get_option<H: Handle<Inner: Asked>>(
    pointer: *const H,
    option: c_int,
    value: *mut i64,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, value) = unsafe { (H::Inner::hold(pointer)?, Out::new(value, "value")?) };
        let option = OPTIONS.find(option)?;
        value.set(H::Inner::ask(&client, |transport| option.get(descriptor(transport)?))?);
        Ok(())
    })
}

/// # Safety
/// As [`Asked::hold`].
pub(super) unsafe fn set_option<H: Handle<Inner: Asked>>(
    pointer: *mut H,
    option: c_int,
    value: i64,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let client = unsafe { H::Inner::hold(pointer)? };
        let option = OPTIONS.find(option)?;
        H::Inner::ask(&client, |transport| option.set(descriptor(transport)?, value))
    })
}

/// # Safety
/// As [`Asked::hold`]; `size` is NULL or readable and writable, `value` is NULL or has room for `*size`.
pub(super) unsafe fn get_attribute<H: Handle<Inner: Asked>>(
    pointer: *const H,
    number: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let client = H::Inner::hold(pointer)?;
            give_attribute(number, value, size, |which| {
                H::Inner::ask(&client, |transport| transport.attribute(which))
            })
        }
    })
}

/// # Safety
/// As [`Asked::hold`]; `info` is NULL or writable.
pub(super) unsafe fn get_tls_info<H: Handle<Inner: Asked>>(
    pointer: *const H,
    info: *mut *mut en_tls_info_t,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (out, client) = unsafe { (Constructor::named(info, "info")?, H::Inner::hold(pointer)?) };
        let missing = || Error::new(EN_ENODATA, "this client does not speak TLS");
        let facts = H::Inner::ask(&client, |transport| transport.tls_facts().ok_or_else(missing))?;
        tls_info::give(out, facts);
        Ok(())
    })
}

/// # Safety
/// As [`Asked::hold`]; `size` is NULL or writable.
pub(super) unsafe fn max_recv_size<H: Handle<Inner: Asked>>(pointer: *const H, size: *mut usize) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, size) = unsafe { (H::Inner::hold(pointer)?, Out::new(size, "size")?) };
        size.set(client.max_recv_size()?);
        Ok(())
    })
}

/// # Safety
/// As [`Asked::hold`]; `size` is NULL or writable.
pub(super) unsafe fn send_queue_size<H: Handle<Inner = AsyncClient>>(
    pointer: *const H,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let (client, size) = unsafe { (AsyncClient::hold(pointer)?, Out::new(size, "size")?) };
        size.set(client.send_queue_size()?);
        Ok(())
    })
}

/// # Safety
/// As [`Asked::hold`]; `stats` is NULL or a struct as long as its first field says, to be written.
pub(super) unsafe fn get_stats<H: Handle<Inner: Asked>>(pointer: *const H, stats: *mut en_stats_t) -> c_int {
    // SAFETY: as the caller promises.
    call(|| unsafe { write_stats(stats, H::Inner::hold(pointer)?.counters().into()) })
}

/// No library will ever count so much: a size that nobody has set.
const MOST_STATS: usize = 4096;

/// Fills the caller's struct, whether it is of an earlier library or of a later one.
///
/// # Safety
/// `stats` is NULL or a struct as long as its first field says, to be written.
unsafe fn write_stats(stats: *mut en_stats_t, counted: en_stats_t) -> Result<()> {
    if stats.is_null() {
        return Err(null("stats"));
    }
    // SAFETY: not NULL; the first field is the size.
    let size = unsafe { stats.cast::<usize>().read() };
    if !(size_of::<usize>()..=MOST_STATS).contains(&size) {
        return Err(invalid(format!("stats->struct_size is {size}: set it to sizeof(en_stats_t)")));
    }
    let counted = en_stats_t { struct_size: size, ..counted };
    let known = size.min(size_of::<en_stats_t>()) / size_of::<u64>() * size_of::<u64>();
    // SAFETY: the caller's struct has `size` bytes, ours `size_of` of them.
    unsafe {
        std::ptr::copy_nonoverlapping((&raw const counted).cast::<u8>(), stats.cast::<u8>(), known);
        // What a later library would count.
        std::ptr::write_bytes(stats.cast::<u8>().add(known), 0, size - known);
    }
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
