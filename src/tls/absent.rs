//! What stands in for TLS in a build without it: nothing of this can ever exist.

use super::TlsOptions;
use crate::error::{EN_EOPNOTSUPP, Error, Result};

/// Why there is no TLS.
pub(super) fn no_tls() -> Error {
    Error::new(EN_EOPNOTSUPP, "this easynet was built without TLS: build it with the feature \"tls\"")
}

/// A configuration that cannot be had.
#[derive(Clone, Debug)]
pub enum TlsConfig {}

impl TlsConfig {
    /// Always fails.
    pub fn client(_options: &TlsOptions) -> Result<TlsConfig> {
        Err(no_tls())
    }

    /// Always fails.
    pub fn server(_options: &TlsOptions) -> Result<TlsConfig> {
        Err(no_tls())
    }

    /// There is none to ask.
    pub fn is_server(&self) -> bool {
        match *self {}
    }

    /// There is none to ask.
    pub fn check_host(&self, _host: &str) -> Result<()> {
        match *self {}
    }
}

pub(super) mod pem {
    use super::no_tls;
    use crate::error::Result;
    use crate::tls::source::Source;

    #[derive(Clone, Debug)]
    pub(in crate::tls) enum Certificate {}

    #[derive(Clone, Debug)]
    pub(in crate::tls) enum RevocationList {}

    #[derive(Clone, Debug)]
    pub(in crate::tls) enum Identity {}

    pub(in crate::tls) fn certificates(_source: &Source) -> Result<Vec<Certificate>> {
        Err(no_tls())
    }

    pub(in crate::tls) fn identity(_chain: &Source, _key: &Source) -> Result<Identity> {
        Err(no_tls())
    }

    pub(in crate::tls) fn revocation_lists(_source: &Source) -> Result<Vec<RevocationList>> {
        Err(no_tls())
    }
}

pub mod names {
    //! Names are for TLS only.

    use super::no_tls;
    use crate::error::Result;

    /// Always fails.
    pub fn check(_name: &str) -> Result<()> {
        Err(no_tls())
    }
}
