//! What the two sides of a TLS connection agreed on.

use std::ffi::{CString, c_char, c_int, c_void};

use super::tls_options::{EN_TLS_1_2, EN_TLS_1_3};
use super::{Constructor, Out, borrow, call, call_value, guard_void, handle, lend, take, truth};
use crate::error::{EN_ENODATA, Error};
use crate::tls::TlsFacts;
use crate::tls::options::Version;

/// What the two sides of a TLS connection agreed on: a copy, which stays as it is whatever becomes of
/// the client.
pub struct en_tls_info_t {
    _private: [u8; 0],
}

/// The facts, with their texts as C has them.
pub(crate) struct Info {
    facts: TlsFacts,
    cipher_suite: CString,
    verified_name: Option<CString>,
}

handle!(en_tls_info_t, Info, "info");

impl Info {
    fn new(facts: TlsFacts) -> Info {
        // Neither text can have a zero in it.
        let text = |text: &str| CString::new(text).unwrap_or_default();
        Info {
            cipher_suite: text(&facts.cipher_suite),
            verified_name: facts.verified_name.as_deref().map(text),
            facts,
        }
    }
}

/// Hands the facts to the caller.
pub(crate) fn give(out: Constructor<en_tls_info_t>, facts: TlsFacts) {
    out.boxed(Info::new(facts));
}

/// The version: `EN_TLS_1_2` or `EN_TLS_1_3`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_info_version(info: *const en_tls_info_t) -> c_int {
    call_value(|| {
        // SAFETY: `info` is NULL or a live handle.
        match unsafe { borrow(info)? }.facts.version {
            Some(Version::Tls12) => Ok(EN_TLS_1_2),
            Some(Version::Tls13) => Ok(EN_TLS_1_3),
            None => Err(missing("no version was agreed on")),
        }
    })
}

/// The name of the cipher suite, as IANA has it, such as "TLS_AES_128_GCM_SHA256". It is lent, and ends
/// with `info`; NULL for NULL.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_info_cipher_suite(info: *const en_tls_info_t) -> *const c_char {
    // SAFETY: `info` is NULL or a live handle.
    unsafe { borrow(info) }.map_or(std::ptr::null(), |info| info.cipher_suite.as_ptr())
}

/// The application protocol that was agreed on: `*data` and `*size` are lent, and end with `info`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ENODATA` (none was). See RFC 7301.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_info_alpn(
    info: *const en_tls_info_t,
    data: *mut *const c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `info` is NULL or a live handle, the others NULL or writable.
        let (info, data, size) = unsafe { (borrow(info)?, Out::new(data, "data")?, Out::new(size, "size")?) };
        let alpn = info.facts.alpn.as_deref();
        lend(alpn.ok_or_else(|| missing("no application protocol was agreed on"))?, &data, &size);
        Ok(())
    })
}

/// One of the peer's certificates, in DER: its own has the `index` 0, those of authorities follow.
/// `*data` and `*size` are lent, and end with `info`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_ENODATA` (the peer has not shown so many).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_info_peer_certificate(
    info: *const en_tls_info_t,
    index: usize,
    data: *mut *const c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `info` is NULL or a live handle, the others NULL or writable.
        let (info, data, size) = unsafe { (borrow(info)?, Out::new(data, "data")?, Out::new(size, "size")?) };
        let certificate = info.facts.peer_chain.get(index);
        lend(
            certificate.ok_or_else(|| missing("the peer has not shown so many certificates"))?,
            &data,
            &size,
        );
        Ok(())
    })
}

/// The name that the peer's certificate was found to have; NULL if none was asked for, and for NULL. It
/// is lent, and ends with `info`.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_info_verified_name(info: *const en_tls_info_t) -> *const c_char {
    // SAFETY: `info` is NULL or a live handle.
    let info = unsafe { borrow(info) }.ok();
    info.and_then(|info| info.verified_name.as_ref()).map_or(std::ptr::null(), |name| name.as_ptr())
}

/// 1 if an earlier session was resumed, 0 if not.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_info_is_resumed(info: *const en_tls_info_t) -> c_int {
    // SAFETY: `info` is NULL or a live handle.
    call_value(|| Ok(truth(unsafe { borrow(info)? }.facts.resumed)))
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_info_free(info: *mut en_tls_info_t) {
    // SAFETY: `info` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(info) }));
}

fn missing(what: &'static str) -> Error {
    Error::new(EN_ENODATA, what)
}
