//! The IP address that a client connects from.

use crate::error::{Result, invalid};

/// The address to connect from: a host and a port, or what the system chooses.
#[derive(Clone, Debug, Default)]
pub struct LocalAddress(pub(super) Option<(Option<String>, u16)>);

impl LocalAddress {
    /// This host (none: any address) and this port (0: any).
    pub fn new(host: Option<&str>, port: u16) -> Result<LocalAddress> {
        if host == Some("") {
            return Err(invalid("the local host is empty: give NULL for any address"));
        }
        Ok(LocalAddress(Some((host.map(str::to_string), port))))
    }
}
