//! IPv4 and IPv6 addresses with ports.

use std::ffi::{c_char, c_int, c_void};

use super::{
    Constructor, Out, borrow, borrow_named, bytes, call, call_value, copy_out, guard_void, handle, null,
    string, take, truth,
};
use crate::socket::address::IpAddress;

/// No family in particular.
pub const EN_FAMILY_UNSPECIFIED: c_int = 0;
/// IPv4.
pub const EN_FAMILY_IPV4: c_int = 4;
/// IPv6.
pub const EN_FAMILY_IPV6: c_int = 6;

/// Enough bytes for the text of any address, terminator included.
pub const EN_ADDRESS_TEXT_SIZE: usize = 80;

/// An IPv4 or IPv6 address with a port; IPv6 with flow information and scope. It never changes.
pub struct en_address_t {
    _private: [u8; 0],
}

handle!(en_address_t, IpAddress, "address");

/// Makes an address from a numeric host ("192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2")
/// and a port. Names are not looked up.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (not numeric), `EN_ENODEV` (no interface of the name behind %).
/// See RFC 4291, RFC 4007.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_new(
    out: *mut *mut en_address_t,
    host: *const c_char,
    port: u16,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let out = unsafe { Constructor::new(out)? };
        // SAFETY: `host` is NULL or a string.
        out.boxed(IpAddress::parse(unsafe { string(host, "host")? }, port)?);
        Ok(())
    })
}

/// Makes an address from a `struct sockaddr_in` or `struct sockaddr_in6` of `size` bytes.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (too short), `EN_EAFNOSUPPORT` (another family). See sockaddr(3type).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_from_sockaddr(
    out: *mut *mut en_address_t,
    sockaddr: *const c_void,
    size: usize,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let out = unsafe { Constructor::new(out)? };
        // SAFETY: `sockaddr` is NULL or points to `size` bytes.
        out.boxed(IpAddress::from_sockaddr(unsafe { bytes(sockaddr, size, "sockaddr")? })?);
        Ok(())
    })
}

/// Writes the address as a `struct sockaddr_in` or `sockaddr_in6`. `*size` is the room at
/// `sockaddr`, and always afterwards the size needed: 16 or 28 bytes.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_to_sockaddr(
    address: *const en_address_t,
    sockaddr: *mut c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `address` is NULL or a live handle.
        let address = unsafe { borrow(address)? };
        // SAFETY: `size` is NULL or may be read and written.
        let size = unsafe { size.as_mut() }.ok_or_else(|| null("size"))?;
        // SAFETY: `sockaddr` is NULL or has room for `*size` bytes.
        unsafe { copy_out(&address.to_sockaddr(), sockaddr.cast(), size, "sockaddr") }
    })
}

/// Writes the address as text with its port ("192.0.2.1:80", "[fe80::1%2]:80") and a terminator.
/// `*size` is the room at `text`, and always afterwards the size needed, terminator included;
/// `EN_ADDRESS_TEXT_SIZE` is enough for any.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
/// See RFC 5952.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_to_text(
    address: *const en_address_t,
    text: *mut c_char,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `address` is NULL or a live handle.
        let address = unsafe { borrow(address)? };
        // SAFETY: `size` is NULL or may be read and written.
        let size = unsafe { size.as_mut() }.ok_or_else(|| null("size"))?;
        let written = format!("{address}\0");
        // SAFETY: `text` is NULL or has room for `*size` bytes.
        unsafe { copy_out(written.as_bytes(), text.cast(), size, "text") }
    })
}

/// Writes the host alone as text ("192.0.2.1", "fe80::1%2"), as `en_address_to_text` does.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_host(
    address: *const en_address_t,
    text: *mut c_char,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `address` is NULL or a live handle.
        let address = unsafe { borrow(address)? };
        // SAFETY: `size` is NULL or may be read and written.
        let size = unsafe { size.as_mut() }.ok_or_else(|| null("size"))?;
        let written = format!("{}\0", address.host());
        // SAFETY: `text` is NULL or has room for `*size` bytes.
        unsafe { copy_out(written.as_bytes(), text.cast(), size, "text") }
    })
}

/// `EN_FAMILY_IPV4` or `EN_FAMILY_IPV6`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_family(address: *const en_address_t) -> c_int {
    // SAFETY: `address` is NULL or a live handle.
    call_value(|| Ok(if unsafe { borrow(address)? }.is_ipv6() { EN_FAMILY_IPV6 } else { EN_FAMILY_IPV4 }))
}

/// The port, from 0 to 65535.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_port(address: *const en_address_t) -> c_int {
    // SAFETY: `address` is NULL or a live handle.
    call_value(|| Ok(c_int::from(unsafe { borrow(address)? }.port())))
}

/// The flow information of an IPv6 address; 0 for IPv4.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`. See RFC 3493, 3.3.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_flow_info(address: *const en_address_t, flow_info: *mut u32) -> c_int {
    call(|| {
        // SAFETY: `address` is NULL or a live handle, `flow_info` NULL or writable.
        let (address, out) = unsafe { (borrow(address)?, Out::new(flow_info, "flow_info")?) };
        out.set(address.flow_info());
        Ok(())
    })
}

/// The scope (interface number) of an IPv6 address; 0 for IPv4 and for none.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`. See RFC 4007.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_scope_id(address: *const en_address_t, scope_id: *mut u32) -> c_int {
    call(|| {
        // SAFETY: `address` is NULL or a live handle, `scope_id` NULL or writable.
        let (address, out) = unsafe { (borrow(address)?, Out::new(scope_id, "scope_id")?) };
        out.set(address.scope_id());
        Ok(())
    })
}

/// 1 if both are the same address, port, flow information and scope; 0 if not.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_equal(one: *const en_address_t, other: *const en_address_t) -> c_int {
    call_value(|| {
        // SAFETY: each is NULL or a live handle.
        let (one, other) = unsafe { (borrow_named(one, "one")?, borrow_named(other, "other")?) };
        Ok(truth(one == other))
    })
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_address_free(address: *mut en_address_t) {
    // SAFETY: `address` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(address) }));
}
