//! Names of Unix sockets; see unix(7).

use std::fmt;

use crate::error::{EN_EAFNOSUPPORT, EN_ENAMETOOLONG, Error, Result, invalid};

/// Where the name begins in a `struct sockaddr_un`.
const NAME_AT: usize = size_of::<libc::sa_family_t>();

/// The room for a name: 108 bytes on Linux, one of which ends a path or begins an abstract name.
const NAME_ROOM: usize = size_of::<libc::sockaddr_un>() - NAME_AT;

/// The name of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnixAddress {
    /// None.
    Unnamed,
    /// A path in the file system.
    Path(Vec<u8>),
    /// Any bytes, in a space of names that the system keeps; without the zero that marks it.
    Abstract(Vec<u8>),
}

impl UnixAddress {
    /// A path.
    pub fn path(path: &[u8]) -> Result<UnixAddress> {
        if path.is_empty() || path.contains(&0) {
            return Err(invalid("a path has at least one byte, and no zeros"));
        }
        fits("the path", path)?;
        Ok(UnixAddress::Path(path.to_vec()))
    }

    /// An abstract name.
    pub fn abstract_name(name: &[u8]) -> Result<UnixAddress> {
        fits("the abstract name", name)?;
        Ok(UnixAddress::Abstract(name.to_vec()))
    }

    /// From a `struct sockaddr_un` of as many bytes as there are.
    pub fn from_sockaddr(bytes: &[u8]) -> Result<UnixAddress> {
        let Some((family, name)) = bytes.split_first_chunk::<NAME_AT>() else {
            return Err(invalid("the address is shorter than its family"));
        };
        let family = libc::sa_family_t::from_ne_bytes(*family);
        if i32::from(family) != libc::AF_UNIX {
            let reason = format!("an address of family {family} is none of a Unix socket");
            return Err(Error::new(EN_EAFNOSUPPORT, reason));
        }
        match name {
            [] => Ok(UnixAddress::Unnamed),
            [0, name @ ..] => UnixAddress::abstract_name(name),
            // The system also takes a path that fills all the room and has no end.
            path => match path.split(|byte| *byte == 0).next() {
                Some(path) if (1..=NAME_ROOM).contains(&path.len()) => Ok(UnixAddress::Path(path.to_vec())),
                _ => Err(invalid("the address has a path of no possible size")),
            },
        }
    }

    /// As a `struct sockaddr_un`, no longer than it needs to be.
    pub fn to_sockaddr(&self) -> Vec<u8> {
        let family = (libc::AF_UNIX as libc::sa_family_t).to_ne_bytes();
        match self {
            UnixAddress::Unnamed => family.to_vec(),
            UnixAddress::Path(path) => {
                let end: &[u8] = if path.len() < NAME_ROOM { &[0] } else { &[] };
                [&family[..], path, end].concat()
            }
            UnixAddress::Abstract(name) => [&family[..], &[0], name].concat(),
        }
    }

    /// The bytes of the name; none if there is none.
    pub fn name(&self) -> &[u8] {
        match self {
            UnixAddress::Unnamed => &[],
            UnixAddress::Path(name) | UnixAddress::Abstract(name) => name,
        }
    }
}

fn fits(what: &str, name: &[u8]) -> Result<()> {
    match name.len() < NAME_ROOM {
        true => Ok(()),
        false => {
            let reason = format!("{what} has {} bytes: {} fit", name.len(), NAME_ROOM - 1);
            Err(Error::new(EN_ENAMETOOLONG, reason))
        }
    }
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnixAddress::Unnamed => f.write_str("(unnamed)"),
            UnixAddress::Path(path) => f.write_str(&String::from_utf8_lossy(path)),
            UnixAddress::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::EN_EINVAL;
    use std::os::fd::AsFd;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    fn code(outcome: Result<UnixAddress>) -> i32 {
        outcome.expect_err("refused").code()
    }

    #[test]
    fn there_and_back() {
        let longest = vec![b'x'; NAME_ROOM - 1];
        for (address, size) in [
            (UnixAddress::Unnamed, 2),
            (UnixAddress::path(b"/run/x.sock").expect("a path"), 14),
            (UnixAddress::path(b"/caf\xe9").expect("a path"), 8),
            (UnixAddress::path(&longest).expect("a path"), 110),
            (UnixAddress::abstract_name(b"").expect("a name"), 3),
            (UnixAddress::abstract_name(b"a\0b\xff").expect("a name"), 7),
            (UnixAddress::abstract_name(&longest).expect("a name"), 110),
        ] {
            let bytes = address.to_sockaddr();
            assert_eq!(bytes.len(), size);
            assert_eq!(UnixAddress::from_sockaddr(&bytes).expect("an address"), address);
        }
    }

    #[test]
    fn the_system_has_the_same_names() {
        let name = format!("easynet\0address-{}", std::process::id());
        let system = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&system).expect("a new name");
        let bytes = super::super::handle::own_name(socket.as_fd()).expect("a name");
        let address = UnixAddress::from_sockaddr(&bytes).expect("a Unix name");
        assert_eq!(address, UnixAddress::Abstract(name.into_bytes()));
        assert_eq!(address.to_sockaddr()[..], bytes[..]);
    }

    #[test]
    fn a_path_ends_at_a_zero_or_where_the_room_does() {
        let family = (libc::AF_UNIX as libc::sa_family_t).to_ne_bytes();
        let read = |name: &[u8]| UnixAddress::from_sockaddr(&[&family[..], name].concat());
        let mut whole = [0; NAME_ROOM];
        whole[..2].copy_from_slice(b"/a");
        whole[5] = b'x';
        assert_eq!(read(&whole).expect("a path"), UnixAddress::Path(b"/a".to_vec()));
        assert_eq!(read(b"/a").expect("a path"), UnixAddress::Path(b"/a".to_vec()));
        let full = [b'x'; NAME_ROOM];
        let address = read(&full).expect("a path");
        assert_eq!(address, UnixAddress::Path(full.to_vec()));
        assert_eq!(address.to_sockaddr(), [&family[..], &full].concat());
        // So getsockname(2) has it.
        assert_eq!(read(&[&full[..], &[0]].concat()).expect("a path"), address);
        assert_eq!(code(read(&[b'x'; NAME_ROOM + 1])), EN_EINVAL);
        assert_eq!(code(read(&[0; NAME_ROOM + 1])), EN_ENAMETOOLONG);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = vec![b'x'; NAME_ROOM];
        assert_eq!(code(UnixAddress::path(b"")), EN_EINVAL);
        assert_eq!(code(UnixAddress::path(b"a\0b")), EN_EINVAL);
        assert_eq!(code(UnixAddress::path(&long)), EN_ENAMETOOLONG);
        assert_eq!(code(UnixAddress::abstract_name(&long)), EN_ENAMETOOLONG);
        assert_eq!(code(UnixAddress::from_sockaddr(&[])), EN_EINVAL);
        assert_eq!(code(UnixAddress::from_sockaddr(&[1])), EN_EINVAL);
        let [one, two] = (libc::AF_INET as libc::sa_family_t).to_ne_bytes();
        assert_eq!(code(UnixAddress::from_sockaddr(&[one, two, 0])), EN_EAFNOSUPPORT);
    }

    #[test]
    fn texts() {
        assert_eq!(UnixAddress::Unnamed.to_string(), "(unnamed)");
        assert_eq!(UnixAddress::Path(b"/a b".to_vec()).to_string(), "/a b");
        assert_eq!(UnixAddress::Path(b"/\xff".to_vec()).to_string(), "/\u{fffd}");
        assert_eq!(UnixAddress::Abstract(b"a\0\xffb".to_vec()).to_string(), "@a\\x00\\xffb");
    }
}
