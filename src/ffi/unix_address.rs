//! Names of Unix sockets.

use std::ffi::{c_char, c_int, c_void};

use super::{
    Constructor, Out, borrow, borrow_named, bytes, call, call_value, copy_out, guard_void, handle, lend,
    null, take, truth, unix_client,
};
use crate::socket::unix_address::UnixAddress;

/// A Unix socket without a name.
pub const EN_UNIX_UNNAMED: c_int = 0;
/// A path in the file system.
pub const EN_UNIX_PATH: c_int = 1;
/// An abstract name: any bytes, zeros included.
pub const EN_UNIX_ABSTRACT: c_int = 2;

/// Enough bytes for the text of any name of a Unix socket, terminator included.
pub const EN_UNIX_ADDRESS_TEXT_SIZE: usize = 448;

/// The name of a Unix socket: a path, an abstract name, or none. It never changes.
pub struct en_unix_address_t {
    _private: [u8; 0],
}

handle!(en_unix_address_t, UnixAddress, "address");

/// Makes the address of a path of at most 107 bytes, in whatever encoding. Nothing is looked up.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (NULL, empty), `EN_ENAMETOOLONG`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_new_path(
    out: *mut *mut en_unix_address_t,
    path: *const c_char,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let out = unsafe { Constructor::new(out)? };
        // SAFETY: `path` is NULL or a string.
        out.boxed(unsafe { unix_client::path(path)? });
        Ok(())
    })
}

/// Makes the address of an abstract name of `size` bytes, at most 107, zeros included, without the
/// zero that marks it as abstract. `(NULL, 0)` is the empty name.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ENAMETOOLONG`. See unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_new_abstract(
    out: *mut *mut en_unix_address_t,
    name: *const c_void,
    size: usize,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, `name` NULL or `size` bytes.
        let (out, name) = unsafe { (Constructor::new(out)?, bytes(name, size, "name")?) };
        out.boxed(UnixAddress::abstract_name(name)?);
        Ok(())
    })
}

/// Makes the address of a socket without a name. As a local address it asks for none.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_new_unnamed(out: *mut *mut en_unix_address_t) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        unsafe { Constructor::new(out)? }.boxed(UnixAddress::Unnamed);
        Ok(())
    })
}

/// Makes an address from a `struct sockaddr_un` of `size` bytes, as the system fills it: a path ends
/// at its terminator or with the bytes, an abstract name has all of them.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (too short), `EN_ENAMETOOLONG`, `EN_EAFNOSUPPORT` (another family). See
/// unix(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_from_sockaddr(
    out: *mut *mut en_unix_address_t,
    sockaddr: *const c_void,
    size: usize,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable, `sockaddr` NULL or `size` bytes.
        let (out, sockaddr) = unsafe { (Constructor::new(out)?, bytes(sockaddr, size, "sockaddr")?) };
        out.boxed(UnixAddress::from_sockaddr(sockaddr)?);
        Ok(())
    })
}

/// Writes the address as a `struct sockaddr_un`, as short as it can be. `*size` is the room at
/// `sockaddr`, and always afterwards the size needed, at most 110 bytes.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_to_sockaddr(
    address: *const en_unix_address_t,
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

/// `EN_UNIX_UNNAMED`, `EN_UNIX_PATH` or `EN_UNIX_ABSTRACT`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_kind(address: *const en_unix_address_t) -> c_int {
    // SAFETY: `address` is NULL or a live handle.
    call_value(|| match unsafe { borrow(address)? } {
        UnixAddress::Unnamed => Ok(EN_UNIX_UNNAMED),
        UnixAddress::Path(_) => Ok(EN_UNIX_PATH),
        UnixAddress::Abstract(_) => Ok(EN_UNIX_ABSTRACT),
    })
}

/// The bytes of the name at `*data`, and their number at `*size`: of a path without a terminator, of
/// an abstract name without the zero that marks it. They are lent: they end with `address`. A name
/// without a byte is `(NULL, 0)`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_name(
    address: *const en_unix_address_t,
    data: *mut *const c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `address` is NULL or a live handle, `data` and `size` NULL or writable.
        let (address, data, size) =
            unsafe { (borrow(address)?, Out::new(data, "data")?, Out::new(size, "size")?) };
        lend(address.name(), &data, &size);
        Ok(())
    })
}

/// Writes the address as UTF-8 text for people ("/run/x.sock", "@name", "(unnamed)") and a
/// terminator: what is not UTF-8 in a path becomes U+FFFD, and an abstract name is written as in a
/// C string. `*size` is the room at `text`, and always afterwards the size needed, terminator
/// included; `EN_UNIX_ADDRESS_TEXT_SIZE` is enough for any.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_to_text(
    address: *const en_unix_address_t,
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

/// 1 if both are the same name, 0 if not.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_unix_address_equal(
    one: *const en_unix_address_t,
    other: *const en_unix_address_t,
) -> c_int {
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
pub unsafe extern "C" fn en_unix_address_free(address: *mut en_unix_address_t) {
    // SAFETY: `address` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(address) }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_any_name_fits() {
        for address in [
            UnixAddress::Path(vec![0xff; 108]),
            UnixAddress::abstract_name(&[0; 107]).expect("a name"),
            UnixAddress::Unnamed,
        ] {
            assert!(address.to_string().len() < EN_UNIX_ADDRESS_TEXT_SIZE);
        }
    }
}
