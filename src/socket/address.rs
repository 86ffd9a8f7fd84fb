//! Numeric IPv4 and IPv6 addresses with ports.

use std::ffi::CString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::error::{EN_EAFNOSUPPORT, EN_ENODEV, Error, Result, invalid};

/// Which kinds of addresses are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Whether the address is of this family.
    pub fn has(self, address: &IpAddress) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => !address.is_ipv6(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

/// An IPv4 or IPv6 address with a port; IPv6 with flow information and scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpAddress(SocketAddr);

impl IpAddress {
    /// Reads a numeric host: "192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2"; IPv6 also
    /// in brackets.
    pub fn parse(host: &str, port: u16) -> Result<IpAddress> {
        let not_numeric = || invalid(format!("\"{host}\" is not a numeric address"));
        IpAddress::numeric(host, port).ok_or_else(not_numeric)?
    }

    /// The same where the host may be a name: None. An address whose interface does not exist is an
    /// error.
    pub fn numeric(host: &str, port: u16) -> Option<Result<IpAddress>> {
        let (ip, zone) = split(host)?;
        let scope = zone.map_or(Ok(0), |zone| scope_of(zone, host));
        Some(scope.map(|scope| {
            IpAddress(match ip {
                IpAddr::V4(ip) => SocketAddrV4::new(ip, port).into(),
                IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
            })
        }))
    }

    /// Reads a `struct sockaddr_in` or `sockaddr_in6`.
    pub fn from_sockaddr(bytes: &[u8]) -> Result<IpAddress> {
        let family = i32::from(u16::from_ne_bytes(part(bytes, 0)?));
        let port = || Ok::<_, Error>(u16::from_be_bytes(part(bytes, 2)?));
        match family {
            libc::AF_INET => {
                let _whole: [u8; V4_SIZE] = part(bytes, 0)?;
                let ip = Ipv4Addr::from(part::<4>(bytes, 4)?);
                Ok(IpAddress(SocketAddrV4::new(ip, port()?).into()))
            }
            libc::AF_INET6 => {
                let flow_info = u32::from_ne_bytes(part(bytes, 4)?);
                let ip = Ipv6Addr::from(part::<16>(bytes, 8)?);
                let scope_id = u32::from_ne_bytes(part(bytes, 24)?);
                Ok(IpAddress(SocketAddrV6::new(ip, port()?, flow_info, scope_id).into()))
            }
            _ => Err(Error::new(EN_EAFNOSUPPORT, format!("address family {family} is not IPv4 or IPv6"))),
        }
    }

    /// Writes a `struct sockaddr_in` or `sockaddr_in6`.
    pub fn to_sockaddr(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(V6_SIZE);
        let family = if self.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
        bytes.extend((family as u16).to_ne_bytes());
        bytes.extend(self.port().to_be_bytes());
        match &self.0 {
            SocketAddr::V4(v4) => {
                bytes.extend(v4.ip().octets());
                bytes.resize(V4_SIZE, 0);
            }
            SocketAddr::V6(v6) => {
                bytes.extend(v6.flowinfo().to_ne_bytes());
                bytes.extend(v6.ip().octets());
                bytes.extend(v6.scope_id().to_ne_bytes());
            }
        }
        bytes
    }

    /// The host as text, with the scope but without brackets.
    pub fn host(&self) -> String {
        match self.scope_id() {
            0 => self.0.ip().to_string(),
            scope => format!("{}%{scope}", self.0.ip()),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// The same host with another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> IpAddress {
        self.0.set_port(port);
        self
    }

    /// IPv6, or else IPv4.
    pub fn is_ipv6(&self) -> bool {
        self.0.is_ipv6()
    }

    /// The flow information as it is in `sin6_flowinfo`; 0 for IPv4.
    pub fn flow_info(&self) -> u32 {
        self.v6().map_or(0, SocketAddrV6::flowinfo)
    }

    /// The number of the interface; 0 for IPv4 and for none.
    pub fn scope_id(&self) -> u32 {
        self.v6().map_or(0, SocketAddrV6::scope_id)
    }

    /// Whether it names many hosts, one on each link, and not the link.
    pub fn lacks_scope(&self) -> bool {
        self.v6().is_some_and(|v6| {
            let [first, second, ..] = v6.ip().octets();
            // Unicast, and multicast to what hears it on an interface or a link.
            let is_local = v6.ip().is_unicast_link_local() || first == 0xff && matches!(second & 15, 1 | 2);
            is_local && v6.scope_id() == 0
        })
    }

    /// The same as the standard library has it.
    pub fn as_socket_addr(&self) -> &SocketAddr {
        &self.0
    }

    fn v6(&self) -> Option<&SocketAddrV6> {
        match &self.0 {
            SocketAddr::V4(_) => None,
            SocketAddr::V6(v6) => Some(v6),
        }
    }
}

impl From<SocketAddr> for IpAddress {
    fn from(address: SocketAddr) -> IpAddress {
        IpAddress(address)
    }
}

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const V4_SIZE: usize = size_of::<libc::sockaddr_in>();
const V6_SIZE: usize = size_of::<libc::sockaddr_in6>();

/// `N` bytes of a socket address from `start` on.
fn part<const N: usize>(bytes: &[u8], start: usize) -> Result<[u8; N]> {
    bytes
        .get(start..start + N)
        .and_then(|part| part.try_into().ok())
        .ok_or_else(|| invalid(format!("{} bytes are too few for a socket address", bytes.len())))
}

/// Address and zone of a numeric host; None for names.
fn split(host: &str) -> Option<(IpAddr, Option<&str>)> {
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Some((ip.into(), None));
    }
    let host = host.strip_prefix('[').map_or(Some(host), |inner| inner.strip_suffix(']'))?;
    let (ip, zone) = match host.split_once('%') {
        Some((ip, zone)) => (ip, Some(zone)),
        None => (host, None),
    };
    Some((ip.parse::<Ipv6Addr>().ok()?.into(), zone))
}

/// A host, a name or a numeric address, with its port, as people write it.
pub fn host_and_port(host: &str, port: u16) -> String {
    match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// The number of an interface that is given by number or name.
fn scope_of(zone: &str, host: &str) -> Result<u32> {
    let is_number = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return zone.parse().map_err(|_| invalid(format!("the scope of \"{host}\" is too large")));
    }
    let name = CString::new(zone).ok().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid(format!("the scope of \"{host}\" is no interface")))?;
    // SAFETY: the name is a terminated string.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(Error::new(EN_ENODEV, format!("there is no network interface \"{zone}\""))),
        index => Ok(index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::EN_EINVAL;

    fn parse(host: &str) -> IpAddress {
        IpAddress::parse(host, 80).expect("numeric")
    }

    fn code(result: Result<IpAddress>) -> i32 {
        result.expect_err("must fail").code()
    }

    #[test]
    fn text_is_read_and_written() {
        for (host, text, alone) in [
            ("192.0.2.1", "192.0.2.1:80", "192.0.2.1"),
            ("::1", "[::1]:80", "::1"),
            ("[::1]", "[::1]:80", "::1"),
            ("2001:DB8:0:0:0:0:0:1", "[2001:db8::1]:80", "2001:db8::1"),
            ("fe80::1%2", "[fe80::1%2]:80", "fe80::1%2"),
            ("[fe80::1%2]", "[fe80::1%2]:80", "fe80::1%2"),
            ("fe80::1%0", "[fe80::1]:80", "fe80::1"),
            ("fe80::1%lo", "[fe80::1%1]:80", "fe80::1%1"),
            ("::ffff:192.0.2.1", "[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1"),
        ] {
            let address = parse(host);
            assert_eq!(address.to_string(), text);
            assert_eq!(address.host(), alone);
            assert_eq!(parse(&address.host()), address);
        }
    }

    #[test]
    fn what_is_not_numeric_is_refused() {
        for host in [
            "",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "127.0.0.1%lo",
            "[127.0.0.1]",
            "[::1",
            "::1]",
            "::1 ",
            "%1",
            "[::1]:80",
        ] {
            assert!(IpAddress::numeric(host, 1).is_none(), "{host}");
            assert_eq!(code(IpAddress::parse(host, 1)), EN_EINVAL, "{host}");
        }
    }

    #[test]
    fn the_scope_must_be_an_interface() {
        assert!(IpAddress::numeric("fe80::1%no-such-one", 1).is_some());
        assert_eq!(code(IpAddress::parse("fe80::1%no-such-one", 1)), EN_ENODEV);
        assert_eq!(code(IpAddress::parse("fe80::1%", 1)), EN_EINVAL);
        assert_eq!(code(IpAddress::parse("fe80::1%l\0o", 1)), EN_EINVAL);
        assert_eq!(code(IpAddress::parse("fe80::1%4294967296", 1)), EN_EINVAL);
        assert_eq!(parse("fe80::1%4294967295").scope_id(), u32::MAX);
        for (host, lacks) in [("fe80::1", true), ("ff02::fb", true), ("fe80::1%1", false), ("ff0e::1", false)]
        {
            assert_eq!(parse(host).lacks_scope(), lacks, "{host}");
        }
        assert!(!parse("fd00::1").lacks_scope() && !parse("169.254.0.1").lacks_scope());
    }

    #[test]
    fn socket_addresses_are_those_of_the_system() {
        let v6 = IpAddress::from(SocketAddr::from(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 258, 7, 9)));
        for address in [parse("192.0.2.1"), v6.clone()] {
            let system = socket2::SockAddr::from(*address.as_socket_addr());
            let bytes = address.to_sockaddr();
            assert_eq!(bytes.len(), system.len() as usize);
            // SAFETY: the system's form has so many bytes.
            let system = unsafe { std::slice::from_raw_parts(system.as_ptr().cast::<u8>(), bytes.len()) };
            assert_eq!(bytes, system);
            assert_eq!(IpAddress::from_sockaddr(&bytes).expect("whole"), address);
        }
        assert_eq!((v6.flow_info(), v6.scope_id(), v6.port()), (7, 9, 258));
        assert_eq!((parse("192.0.2.1").flow_info(), parse("192.0.2.1").scope_id()), (0, 0));
    }

    #[test]
    fn foreign_and_short_socket_addresses_are_refused() {
        for address in [parse("192.0.2.1"), parse("::1")] {
            let bytes = address.to_sockaddr();
            for size in 0..bytes.len() {
                assert_eq!(code(IpAddress::from_sockaddr(&bytes[..size])), EN_EINVAL, "{size}");
            }
        }
        let unix = (libc::AF_UNIX as u16).to_ne_bytes();
        assert_eq!(code(IpAddress::from_sockaddr(&unix)), EN_EAFNOSUPPORT);
    }

    #[test]
    fn a_family_has_its_addresses() {
        let (v4, v6) = (parse("127.0.0.1"), parse("::1"));
        assert!(Family::Any.has(&v4) && Family::Any.has(&v6));
        assert!(Family::V4.has(&v4) && !Family::V4.has(&v6));
        assert!(!Family::V6.has(&v4) && Family::V6.has(&v6));
    }
}
