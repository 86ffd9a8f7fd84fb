//! Names of peers as certificates have them.

use std::net::IpAddr;

use rustls::pki_types::ServerName;

use crate::error::{Result, invalid};

/// A host name or address, as it is dialled: a scope behind an IPv6 address is not part of it.
pub(super) fn server_name(text: &str) -> Result<ServerName<'static>> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    if let Ok(address) = address.parse::<IpAddr>() {
        return Ok(ServerName::IpAddress(address.into()));
    }
    ServerName::try_from(text.to_string()).map_err(|_| {
        let cure = match text.is_ascii() {
            true => "give a host name or an IP address, without a port",
            false => "give it as DNS has it, in ASCII (xn--...)",
        };
        invalid(format!("\"{text}\" is no name that a certificate can have: {cure}"))
    })
}

/// Whether it is one.
pub fn check(text: &str) -> Result<()> {
    server_name(text).map(drop)
}
