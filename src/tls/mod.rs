//! TLS without sockets: who is trusted, who one is, and what it means when a handshake fails.
//!
//! [`options`] are what the caller wants, checked one by one; [`config`] is what becomes of them: it
//! never changes, and makes one connection of rustls after the other. Whoever moves the bytes asks
//! [`failure`] what an error means and [`facts`] what was agreed on.
//!
//! Without the feature `tls` the options can still be named, and nothing can be made of them.

use crate::error::Result;

pub mod facts;
pub mod options;
pub mod source;

#[cfg(feature = "tls")]
mod alert;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod client;
#[cfg(feature = "tls")]
pub mod config;
#[cfg(feature = "tls")]
pub mod failure;
#[cfg(feature = "tls")]
mod key_log;
#[cfg(feature = "tls")]
pub mod names;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "tls")]
mod provider;
#[cfg(feature = "tls")]
mod refusal;
#[cfg(feature = "tls")]
mod server;
#[cfg(feature = "tls")]
mod sessions;
#[cfg(feature = "tls")]
mod signature;
#[cfg(feature = "tls")]
mod trust;
#[cfg(feature = "tls")]
mod verifier;

#[cfg(all(test, feature = "tls"))]
mod handshake_tests;
#[cfg(all(test, feature = "tls"))]
mod session_tests;
#[cfg(all(test, feature = "tls"))]
mod settings_tests;
#[cfg(all(test, feature = "tls"))]
pub(crate) mod testing;
#[cfg(all(test, feature = "tls"))]
mod version_1;

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(not(feature = "tls"))]
use absent::pem;

#[cfg(not(feature = "tls"))]
pub use absent::{TlsConfig, names};
#[cfg(feature = "tls")]
pub use config::TlsConfig;
pub use facts::TlsFacts;
#[cfg(feature = "tls")]
pub use failure::failure;
pub use options::TlsOptions;

/// Whether this build can speak TLS; `EN_EOPNOTSUPP` if not.
pub fn available() -> Result<()> {
    #[cfg(feature = "tls")]
    return Ok(());
    #[cfg(not(feature = "tls"))]
    return Err(absent::no_tls());
}
