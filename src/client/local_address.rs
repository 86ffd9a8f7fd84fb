//! The IP address that a client connects from.

use crate::blocking::connect;
use crate::blocking::wait::Waiting;
use crate::deadline::Deadline;
use crate::error::{Result, invalid};
use crate::socket::address::{Family, IpAddress};

/// The address to connect from: a host and a port, or what the system chooses.
#[derive(Clone, Debug, Default)]
pub struct LocalAddress(Option<(Option<String>, u16)>);

impl LocalAddress {
    /// This host (none: any address) and this port (0: any).
    pub fn new(host: Option<&str>, port: u16) -> Result<LocalAddress> {
        if host == Some("") {
            return Err(invalid("the local host is empty: give NULL for any address"));
        }
        Ok(LocalAddress(Some((host.map(str::to_string), port))))
    }

    /// The addresses to bind to, as far as there are any to choose from.
    pub(super) fn resolve(&self, waiting: &Waiting, deadline: &mut Deadline) -> Result<Vec<IpAddress>> {
        match &self.0 {
            None => Ok(Vec::new()),
            Some((None, port)) => {
                Ok(vec![IpAddress::parse("0.0.0.0", *port)?, IpAddress::parse("::", *port)?])
            }
            Some((Some(host), port)) => connect::resolve(host, *port, Family::Any, waiting, deadline),
        }
    }
}
