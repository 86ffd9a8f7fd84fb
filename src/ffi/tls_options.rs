//! What a TLS configuration is to be like.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::options::{self, switch};
use super::{Constructor, borrow_mut, bytes, call, handle, null, optional_string};
use crate::error::{Result, invalid};
use crate::tls::options::{ClientAuth, Version};
use crate::tls::source::Source;
use crate::tls::{self, TlsOptions};

/// TLS 1.2, RFC 5246.
pub const EN_TLS_1_2: c_int = 0x0303;
/// TLS 1.3, RFC 8446.
pub const EN_TLS_1_3: c_int = 0x0304;

/// A certificate that no revocation list covers is refused.
pub const EN_TLS_UNKNOWN_REVOCATION_REFUSE: c_int = 0;
/// A certificate that no revocation list covers is accepted.
pub const EN_TLS_UNKNOWN_REVOCATION_ACCEPT: c_int = 1;

/// Clients are not asked for a certificate.
pub const EN_TLS_CLIENT_AUTH_NONE: c_int = 0;
/// Clients are asked for a certificate and may have none.
pub const EN_TLS_CLIENT_AUTH_OPTIONAL: c_int = 1;
/// Clients must show a certificate.
pub const EN_TLS_CLIENT_AUTH_REQUIRED: c_int = 2;

/// What a TLS configuration is to be like. Files are read when they are named.
pub struct en_tls_options_t {
    _private: [u8; 0],
}

handle!(en_tls_options_t, TlsOptions, "options");

/// Makes options with every default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`, `EN_EOPNOTSUPP` (this easynet was built without TLS; see `en_features`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_new(out: *mut *mut en_tls_options_t) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let out = unsafe { Constructor::new(out)? };
        tls::available()?;
        out.boxed(TlsOptions::default());
        Ok(())
    })
}

fn set(options: *mut en_tls_options_t, change: impl FnOnce(&mut TlsOptions) -> Result<()>) -> c_int {
    call(|| {
        // Without TLS there are no options that could be set.
        tls::available()?;
        // SAFETY: each caller's comment demands NULL or a live handle, one thread at a time.
        change(unsafe { borrow_mut(options)? })
    })
}

/// # Safety
/// `pointer` is NULL or a string.
unsafe fn path_of<'a>(pointer: *const c_char, name: &str) -> Result<&'a Path> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, so a string.
    Ok(Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(pointer) }.to_bytes())))
}

fn version(name: &str, number: c_int) -> Result<Version> {
    match number {
        EN_TLS_1_2 => Ok(Version::Tls12),
        EN_TLS_1_3 => Ok(Version::Tls13),
        other => Err(invalid(format!("{name} is {other}: it may be EN_TLS_1_2 or EN_TLS_1_3"))),
    }
}

/// Trusts the authorities whose certificates are in the PEM file at `path`, in place of those of the
/// system. A server needs them, or pins, to ask clients for certificates
/// (`en_tls_options_set_client_auth`). May be called again for more.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
/// `EN_EACCES` and whatever else the system says of a file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_ca_file(
    options: *mut en_tls_options_t,
    path: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: `path` is NULL or a string.
        options.add_authorities(&Source::file(unsafe { path_of(path, "path")? })?)
    })
}

/// As `en_tls_options_add_ca_file`, from `size` bytes of PEM in memory.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is there is not of use; the message says why).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_ca_pem(
    options: *mut en_tls_options_t,
    data: *const c_void,
    size: usize,
) -> c_int {
    set(options, |options| {
        // SAFETY: `data` is NULL or `size` bytes.
        options.add_authorities(&Source::memory(unsafe { bytes(data, size, "data")? }, "data"))
    })
}

/// Trusts the authorities whose certificates are in the PEM file at `path`, beside those of the system.
/// For clients only.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
/// `EN_EACCES` and whatever else the system says of a file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_extra_roots_file(
    options: *mut en_tls_options_t,
    path: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: `path` is NULL or a string.
        options.add_extra_roots(&Source::file(unsafe { path_of(path, "path")? })?)
    })
}

/// As `en_tls_options_add_extra_roots_file`, from `size` bytes of PEM in memory.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is there is not of use; the message says why).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_extra_roots_pem(
    options: *mut en_tls_options_t,
    data: *const c_void,
    size: usize,
) -> c_int {
    set(options, |options| {
        // SAFETY: `data` is NULL or `size` bytes.
        options.add_extra_roots(&Source::memory(unsafe { bytes(data, size, "data")? }, "data"))
    })
}

/// Accepts a peer that shows one of the certificates in the PEM file at `path` and has its key: the way
/// to trust a certificate that is signed by itself. Pins alone take the place of everything else: no
/// chain, no dates and no name are looked at. Along with authorities (`en_tls_options_add_ca_file`) both
/// must hold, the pin and the chain. Several pins are alternatives.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
/// `EN_EACCES` and whatever else the system says of a file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_pinned_certificate_file(
    options: *mut en_tls_options_t,
    path: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: `path` is NULL or a string.
        options.add_pinned_certificates(&Source::file(unsafe { path_of(path, "path")? })?)
    })
}

/// As `en_tls_options_add_pinned_certificate_file`, from `size` bytes of PEM in memory.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is there is not of use; the message says why).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_pinned_certificate_pem(
    options: *mut en_tls_options_t,
    data: *const c_void,
    size: usize,
) -> c_int {
    set(options, |options| {
        // SAFETY: `data` is NULL or `size` bytes.
        options.add_pinned_certificates(&Source::memory(unsafe { bytes(data, size, "data")? }, "data"))
    })
}

/// Accepts a peer whose public key has this SHA-256: `digest` is `size` bytes, 32, the hash of the DER
/// SubjectPublicKeyInfo, as HPKP and curl have it (theirs is in base64). A peer may then renew its
/// certificate as long as it keeps its key. Otherwise as `en_tls_options_add_pinned_certificate_file`.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (not 32 bytes). See RFC 7469, 2.4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_pinned_public_key_sha256(
    options: *mut en_tls_options_t,
    digest: *const c_void,
    size: usize,
) -> c_int {
    set(options, |options| {
        // SAFETY: `digest` is NULL or `size` bytes.
        options.add_pinned_public_key(unsafe { bytes(digest, size, "digest")? })
    })
}

/// Who this side is: the PEM file at `chain_path` has its certificate and, behind it, those of the
/// authorities up to the root, which may be left out; the one at `key_path` has the key, as PKCS#8,
/// PKCS#1 or SEC1, not encrypted. Both may be in one file. Servers must have this; clients show it if
/// asked.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is in the files is not of use, or the key is not that of the
/// certificate; the message says why), `EN_ENOENT`, `EN_EACCES` and whatever else the system says of a
/// file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_identity_files(
    options: *mut en_tls_options_t,
    chain_path: *const c_char,
    key_path: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: both paths are NULL or strings.
        let (chain, key) = unsafe { (path_of(chain_path, "chain_path")?, path_of(key_path, "key_path")?) };
        options.set_identity(&Source::file(chain)?, &Source::file(key)?)
    })
}

/// As `en_tls_options_set_identity_files`, from memory: `chain` is `chain_size` bytes of PEM, `key` is
/// `key_size` bytes.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is there is not of use; the message says why).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_identity_pem(
    options: *mut en_tls_options_t,
    chain: *const c_void,
    chain_size: usize,
    key: *const c_void,
    key_size: usize,
) -> c_int {
    set(options, |options| {
        // SAFETY: both are NULL or of their sizes.
        let (chain, key) = unsafe { (bytes(chain, chain_size, "chain")?, bytes(key, key_size, "key")?) };
        options.set_identity(&Source::memory(chain, "chain"), &Source::memory(key, "key"))
    })
}

/// Offers an application protocol (ALPN), such as "h2": `protocol` is `size` bytes, from 1 to 255. Those
/// added first are preferred. A server with some turns away a client that offers others only; one that
/// offers none is let in.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See RFC 7301.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_alpn(
    options: *mut en_tls_options_t,
    protocol: *const c_void,
    size: usize,
) -> c_int {
    set(options, |options| {
        // SAFETY: `protocol` is NULL or `size` bytes.
        options.add_alpn(unsafe { bytes(protocol, size, "protocol")? })
    })
}

/// Which versions of TLS are spoken, from `least` to `most`: `EN_TLS_1_2` or `EN_TLS_1_3`. Default: both.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_versions(
    options: *mut en_tls_options_t,
    least: c_int,
    most: c_int,
) -> c_int {
    set(options, |options| options.set_versions(version("least", least)?, version("most", most)?))
}

/// The `name` that a client asks for in the open (SNI), so that a server with many knows which is meant.
/// NULL, the default: the dialled host, if it is a name and no address. "": none is asked for. What is
/// verified does not change.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See RFC 6066, 3.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_sni(
    options: *mut en_tls_options_t,
    name: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: `name` is NULL or a string.
        options.set_sni(unsafe { optional_string(name, "name")? })
    })
}

/// The `name`, or IP address, that the certificate of a server must have, whatever is dialled. NULL, the
/// default: the dialled host.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See RFC 9525.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_verified_name(
    options: *mut en_tls_options_t,
    name: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: `name` is NULL or a string.
        options.set_verified_name(unsafe { optional_string(name, "name")? })
    })
}

/// 1: a client takes any name in a server's certificate. Whoever has a certificate of a trusted authority
/// for any name can then pose as the server, so use this with authorities of your own only. The rest is
/// verified. No sessions are resumed. Default 0.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_dangerous_no_name_check(
    options: *mut en_tls_options_t,
    no_name_check: c_int,
) -> c_int {
    set(options, |options| {
        options.set_no_name_check(switch("no_name_check", no_name_check)?);
        Ok(())
    })
}

/// 1: any certificate will do. The connection is encrypted, but anybody may be at the other end, reading
/// and changing everything: never for more than a test. To trust a certificate that is signed by itself,
/// pin it (`en_tls_options_add_pinned_certificate_file`). Default 0.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_dangerous_no_verification(
    options: *mut en_tls_options_t,
    no_verification: c_int,
) -> c_int {
    set(options, |options| {
        options.set_no_verification(switch("no_verification", no_verification)?);
        Ok(())
    })
}

/// Refuses certificates that are on a revocation list in the PEM file at `path`. Each certificate of a
/// chain but the root is looked up, so there should be a list of each authority; see
/// `en_tls_options_set_unknown_revocation`. Lists are not fetched.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
/// `EN_EACCES` and whatever else the system says of a file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_crl_file(
    options: *mut en_tls_options_t,
    path: *const c_char,
) -> c_int {
    set(options, |options| {
        // SAFETY: `path` is NULL or a string.
        options.add_revocation_lists(&Source::file(unsafe { path_of(path, "path")? })?)
    })
}

/// As `en_tls_options_add_crl_file`, from `size` bytes of PEM in memory.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (what is there is not of use; the message says why).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_add_crl_pem(
    options: *mut en_tls_options_t,
    data: *const c_void,
    size: usize,
) -> c_int {
    set(options, |options| {
        // SAFETY: `data` is NULL or `size` bytes.
        options.add_revocation_lists(&Source::memory(unsafe { bytes(data, size, "data")? }, "data"))
    })
}

/// What to do, where there are revocation lists, with a certificate that none of them covers, or only one
/// that is out of date: `EN_TLS_UNKNOWN_REVOCATION_REFUSE`, the default, or
/// `EN_TLS_UNKNOWN_REVOCATION_ACCEPT`. Without any list nothing is looked up.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_unknown_revocation(
    options: *mut en_tls_options_t,
    unknown_revocation: c_int,
) -> c_int {
    set(options, |options| {
        options.set_accept_unknown_revocation(match unknown_revocation {
            EN_TLS_UNKNOWN_REVOCATION_REFUSE => false,
            EN_TLS_UNKNOWN_REVOCATION_ACCEPT => true,
            other => {
                return Err(invalid(format!(
                    "unknown_revocation is {other}: it must be EN_TLS_UNKNOWN_REVOCATION_..."
                )));
            }
        });
        Ok(())
    })
}

/// Of how many peers sessions are remembered, in memory, so that the next handshake with one is shorter:
/// `peers` may be 0 (none) to 1048576, default 256. They are those of one configuration, and each dialled
/// name has its own. A peer whose name is not verified has none, unless it proves itself by a pin.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See RFC 8446, 2.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_session_cache(
    options: *mut en_tls_options_t,
    peers: usize,
) -> c_int {
    set(options, |options| options.set_session_cache(peers))
}

/// 1: the keys of all connections are appended to the file that the environment variable `SSLKEYLOGFILE`
/// names when the configuration is made, so that Wireshark can read along; nothing if there is none.
/// Whoever has that file can read everything; a new one is its owner's alone. Default 0.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_key_log(options: *mut en_tls_options_t, key_log: c_int) -> c_int {
    set(options, |options| {
        options.set_key_log(switch("key_log", key_log)?);
        Ok(())
    })
}

/// Whether a server asks its clients for certificates: `client_auth` is `EN_TLS_CLIENT_AUTH_NONE`,
/// the default, `EN_TLS_CLIENT_AUTH_OPTIONAL` (whoever shows one must show a good one) or
/// `EN_TLS_CLIENT_AUTH_REQUIRED`. Whose certificates are good must be said, by authorities or pins.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_set_client_auth(
    options: *mut en_tls_options_t,
    client_auth: c_int,
) -> c_int {
    set(options, |options| {
        options.set_client_auth(match client_auth {
            EN_TLS_CLIENT_AUTH_NONE => ClientAuth::None,
            EN_TLS_CLIENT_AUTH_OPTIONAL => ClientAuth::Optional,
            EN_TLS_CLIENT_AUTH_REQUIRED => ClientAuth::Required,
            other => {
                return Err(invalid(format!("client_auth is {other}: it must be EN_TLS_CLIENT_AUTH_...")));
            }
        });
        Ok(())
    })
}

/// Ends the handle; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_options_free(options: *mut en_tls_options_t) {
    // SAFETY: `options` is NULL or a live handle that is not used again.
    unsafe { options::free(options) }
}
