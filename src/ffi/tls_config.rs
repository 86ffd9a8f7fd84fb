//! TLS configurations.

use std::ffi::c_int;

use super::options::options_of;
use super::tls_options::en_tls_options_t;
use super::{Constructor, call, guard_void, handle, take};
use crate::error::Result;
use crate::tls::{self, TlsConfig, TlsOptions};

/// How TLS is spoken by one side: whom it trusts, who it is, and the sessions it remembers. It never
/// changes, and serves any number of clients on any threads.
pub struct en_tls_config_t {
    _private: [u8; 0],
}

handle!(en_tls_config_t, TlsConfig, "config");

/// # Safety
/// `out` is NULL or writable, `options` NULL or a live handle.
unsafe fn new(
    out: *mut *mut en_tls_config_t,
    options: *const en_tls_options_t,
    make: fn(&TlsOptions) -> Result<TlsConfig>,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let out = unsafe { Constructor::new(out)? };
        tls::available()?;
        // SAFETY: as the caller promises.
        let options = unsafe { options_of(options)? };
        out.boxed(make(&options)?);
        Ok(())
    })
}

/// Makes a configuration for those who connect. NULL for `options` stands for the defaults: peers must
/// have a certificate for the dialled host from an authority that the system trusts.
///
/// The system's trusted certificates are read once, here: from the file `SSL_CERT_FILE` and the
/// directories `SSL_CERT_DIR` (colons between them) if the environment has either, otherwise from where
/// the distributions keep them, such as /etc/ssl/certs.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (options that contradict each other), `EN_ETLS_NO_TRUST` (the system has no
/// trusted certificates; the message says where they were looked for), `EN_EMFILE` and `EN_ENFILE` (no
/// descriptor was left to read them), `EN_EOPNOTSUPP` (this easynet was built without TLS), and what the
/// system says of the file `SSLKEYLOGFILE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_config_new_client(
    out: *mut *mut en_tls_config_t,
    options: *const en_tls_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `options` NULL or a live handle.
    unsafe { new(out, options, TlsConfig::client) }
}

/// Makes a configuration for those who are connected to. `options` must have an identity, and may
/// have authorities, pins and revocation lists only if clients are asked for certificates
/// (`en_tls_options_set_client_auth`).
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (options that contradict each other, or no identity), `EN_EOPNOTSUPP` (this
/// easynet was built without TLS), and what the system says of the file `SSLKEYLOGFILE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_config_new_server(
    out: *mut *mut en_tls_config_t,
    options: *const en_tls_options_t,
) -> c_int {
    // SAFETY: `out` is NULL or writable, `options` NULL or a live handle.
    unsafe { new(out, options, TlsConfig::server) }
}

/// Ends the handle; NULL is nothing. Clients that use the configuration keep it alive.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_tls_config_free(config: *mut en_tls_config_t) {
    // SAFETY: `config` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(config) }));
}
