//! What the clients over Unix sockets have in common: how their sockets are opened.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::blocking::client::{Name, Names};
use crate::blocking::connect;
use crate::blocking::wait::Waiting;
use crate::deadline::Deadline;
use crate::error::{Error, Result, Stage, invalid};
use crate::socket::handle;
use crate::socket::unix_address::UnixAddress;
use crate::socket::unix_socket::UnixSocket;

/// A Unix socket to be.
pub(super) struct Opening<'a> {
    /// SOCK_STREAM or SOCK_DGRAM.
    pub(super) socket_type: i32,
    /// What to bind it to; None: nothing. An unnamed address becomes one that the system chooses.
    pub(super) local: Option<&'a UnixAddress>,
    /// Whether the credentials of senders are received.
    pub(super) receive_credentials: bool,
}

impl Opening<'_> {
    /// Opens the socket and connects it.
    pub(super) fn connect(
        &self,
        to: &UnixAddress,
        waiting: &Waiting,
        deadline: &mut Deadline,
    ) -> Result<OwnedFd> {
        if *to == UnixAddress::Unnamed {
            return Err(invalid("the unnamed address cannot be connected to"));
        }
        let name: Arc<str> = to.to_string().into();
        let socket = self
            .connect_within(to, waiting, deadline)
            .map_err(|error| error.at(Stage::Connect).with_peer(&name))?;
        log::debug!("connected to {to}");
        Ok(socket)
    }

    fn connect_within(
        &self,
        to: &UnixAddress,
        waiting: &Waiting,
        deadline: &mut Deadline,
    ) -> Result<OwnedFd> {
        let socket = UnixSocket::open(self.socket_type)?;
        if self.socket_type == libc::SOCK_DGRAM {
            // Others cannot reach a socket that has its peer before it has a name.
            connect::connect_unix(&socket, to, waiting, deadline)?;
            self.prepare(&socket)?;
        } else {
            // Who listens is told the name that a socket has by then.
            self.prepare(&socket)?;
            connect::connect_unix(&socket, to, waiting, deadline).inspect_err(|_| self.remove_path())?;
        }
        socket.into_blocking()
    }

    /// What must be so before the peer can send anything.
    fn prepare(&self, socket: &UnixSocket) -> Result<()> {
        if self.receive_credentials {
            socket.receive_credentials()?;
        }
        match self.local {
            Some(local) => socket.bind(local).map_err(|error| at_local(local, &error)),
            None => Ok(()),
        }
    }

    /// What bind(2) has made would make the next attempt fail.
    fn remove_path(&self) {
        if let Some(UnixAddress::Path(path)) = self.local
            && let Err(error) = fs::remove_file(OsStr::from_bytes(path))
        {
            log::warn!("{} was left behind: {error}", path.escape_ascii());
        }
    }
}

fn at_local(local: &UnixAddress, error: &Error) -> Error {
    Error::new(error.code(), format!("local address {local}: {}", error.reason()))
}

/// Who is at the two ends.
pub(super) fn names(socket: BorrowedFd<'_>) -> Result<Names> {
    Ok(Names {
        local: Name::Unix(UnixAddress::from_sockaddr(&handle::own_name(socket)?)?),
        remote: Name::Unix(UnixAddress::from_sockaddr(&handle::peer_name(socket)?)?),
        credentials: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EN_ECONNREFUSED, EN_EINVAL};
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_path_is_not_left_behind_by_a_failure() {
        let folder = std::env::temp_dir().join(format!("easynet-opening-{}", std::process::id()));
        fs::create_dir(&folder).expect("a new folder");
        let (peer, own) = (folder.join("peer"), folder.join("own"));
        // Its socket is gone, the path is still there.
        drop(UnixListener::bind(&peer).expect("bound"));
        let address = |path: &std::path::Path| {
            UnixAddress::path(path.as_os_str().as_encoded_bytes()).expect("short enough")
        };
        let local = address(&own);
        let outcomes = [libc::SOCK_STREAM, libc::SOCK_DGRAM].map(|socket_type| {
            let opening = Opening { socket_type, local: Some(&local), receive_credentials: false };
            let outcome = opening.connect(&address(&peer), &Waiting::default(), &mut Deadline::Never);
            (outcome, own.exists())
        });
        fs::remove_dir_all(&folder).expect("removed");
        for (outcome, is_left) in outcomes {
            assert_eq!(outcome.expect_err("nobody has it").code(), EN_ECONNREFUSED);
            assert!(!is_left);
        }
    }

    #[test]
    fn the_unnamed_address_is_no_peer() {
        let opening = Opening { socket_type: libc::SOCK_STREAM, local: None, receive_credentials: false };
        let outcome = opening.connect(&UnixAddress::Unnamed, &Waiting::default(), &mut Deadline::Never);
        assert_eq!(outcome.expect_err("no name").code(), EN_EINVAL);
    }
}
