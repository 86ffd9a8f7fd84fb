//! Socket options: the one table of those with a number of their own, and the raw calls.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::error::{Error, Result, invalid};

/// What the value of an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// 0 or 1.
    Bool,
    /// An `int`, from 1 to this.
    Count(c_int),
    /// An `int`, from 0 to this.
    CountOrNone(c_int),
    /// A `struct linger`: seconds, -1 for off.
    Linger,
}

impl Kind {
    /// The smallest and the largest value.
    fn range(self) -> (c_int, c_int) {
        match self {
            Kind::Bool => (0, 1),
            Kind::Count(most) => (1, most),
            Kind::CountOrNone(most) => (0, most),
            Kind::Linger => (-1, c_int::MAX),
        }
    }
}

/// An option that is known by a number of the library's own.
#[derive(Debug)]
pub struct SocketOption {
    number: c_int,
    name: &'static str,
    level: c_int,
    optname: c_int,
    kind: Kind,
}

/// All options that have such a number.
pub struct OptionTable(&'static [SocketOption]);

macro_rules! options {
    ($($name:ident = $number:literal, $level:ident, $optname:ident, $kind:expr;)*) => {
        $(#[doc = concat!("The number of ", stringify!($optname), ".")] pub const $name: c_int = $number;)*

        /// The table: number, level, option and kind of each.
        pub static OPTIONS: OptionTable = OptionTable(&[$(SocketOption {
            number: $number,
            name: stringify!($name),
            level: libc::$level,
            optname: libc::$optname,
            kind: $kind,
        }),*]);
    };
}

options! {
    EN_OPTION_NODELAY = 1, IPPROTO_TCP, TCP_NODELAY, Kind::Bool;
    EN_OPTION_KEEPALIVE = 2, SOL_SOCKET, SO_KEEPALIVE, Kind::Bool;
    EN_OPTION_KEEPALIVE_IDLE = 3, IPPROTO_TCP, TCP_KEEPIDLE, Kind::Count(32767);
    EN_OPTION_KEEPALIVE_INTERVAL = 4, IPPROTO_TCP, TCP_KEEPINTVL, Kind::Count(32767);
    EN_OPTION_KEEPALIVE_COUNT = 5, IPPROTO_TCP, TCP_KEEPCNT, Kind::Count(127);
    EN_OPTION_LINGER = 6, SOL_SOCKET, SO_LINGER, Kind::Linger;
    EN_OPTION_USER_TIMEOUT = 7, IPPROTO_TCP, TCP_USER_TIMEOUT, Kind::CountOrNone(c_int::MAX);
    EN_OPTION_RECEIVE_BUFFER = 8, SOL_SOCKET, SO_RCVBUF, Kind::Count(c_int::MAX);
    EN_OPTION_SEND_BUFFER = 9, SOL_SOCKET, SO_SNDBUF, Kind::Count(c_int::MAX);
    EN_OPTION_REUSE_ADDRESS = 10, SOL_SOCKET, SO_REUSEADDR, Kind::Bool;
    EN_OPTION_REUSE_PORT = 11, SOL_SOCKET, SO_REUSEPORT, Kind::Bool;
}

impl OptionTable {
    /// The option of this number.
    pub fn find(&self, number: c_int) -> Result<&'static SocketOption> {
        let mut options = self.0.iter();
        options
            .find(|option| option.number == number)
            .ok_or_else(|| invalid(format!("there is no option of number {number}")))
    }
}

impl SocketOption {
    /// Reads it.
    pub fn get(&self, fd: BorrowedFd<'_>) -> Result<i64> {
        if self.kind == Kind::Linger {
            let [on, seconds] = self.get_ints(fd)?;
            return Ok(if on == 0 { -1 } else { seconds.into() });
        }
        let [value] = self.get_ints(fd)?;
        Ok(if self.kind == Kind::Bool { (value != 0).into() } else { value.into() })
    }

    /// Sets it.
    pub fn set(&self, fd: BorrowedFd<'_>, value: i64) -> Result<()> {
        let (least, most) = self.kind.range();
        let value = c_int::try_from(value).ok().filter(|value| (least..=most).contains(value));
        let Some(value) = value else {
            return Err(invalid(format!("{} goes from {least} to {most}", self.name)));
        };
        let outcome = match self.kind {
            Kind::Linger => self.set_ints(fd, [(value >= 0).into(), value.max(0)]),
            _ => self.set_ints(fd, [value]),
        };
        outcome.map_err(|error| Error::new(error.code(), format!("{}: {}", self.name, error.reason())))
    }

    fn get_ints<const N: usize>(&self, fd: BorrowedFd<'_>) -> Result<[c_int; N]> {
        let mut bytes = [[0_u8; size_of::<c_int>()]; N];
        get_bytes(fd, self.level, self.optname, bytes.as_flattened_mut())?;
        Ok(bytes.map(c_int::from_ne_bytes))
    }

    fn set_ints<const N: usize>(&self, fd: BorrowedFd<'_>, ints: [c_int; N]) -> Result<()> {
        let bytes = ints.map(c_int::to_ne_bytes);
        setsockopt(fd, self.level, self.optname, bytes.as_flattened())
    }
}

/// Reads an option as getsockopt(2) does: the first bytes of `value` are what it wants to know, where it wants to,
/// and its answer, so many of them. A failure leaves them as they are.
pub fn getsockopt(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &mut [MaybeUninit<u8>],
) -> Result<usize> {
    // No option is as large as that, so a larger buffer is as good as one of this size.
    let mut size = value.len().min(c_int::MAX as usize) as libc::socklen_t;
    // SAFETY: the call writes at most `size` bytes, and there are so many at `value`.
    let answer =
        unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, value.as_mut_ptr().cast(), &raw mut size) };
    if answer != 0 {
        return Err(Error::last_os());
    }
    Ok(size as usize)
}

/// The same into bytes.
pub fn get_bytes(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &mut [u8]) -> Result<usize> {
    let (bytes, length) = (value.as_mut_ptr().cast(), value.len());
    // SAFETY: the bytes are ours alone meanwhile, and what is written there is initialised.
    getsockopt(fd, level, name, unsafe { std::slice::from_raw_parts_mut(bytes, length) })
}

/// Sets an option as setsockopt(2) does. What the library must know of is refused.
pub fn setsockopt(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &[u8]) -> Result<()> {
    if level == libc::SOL_SOCKET && TIME_OUTS.contains(&name) {
        return Err(invalid("SO_RCVTIMEO and SO_SNDTIMEO are the library's own: give the calls a time-out"));
    }
    if (level, name) == (libc::SOL_UDP, libc::UDP_GRO) {
        return Err(invalid(
            "UDP_GRO is the library's own: make the client with en_udp_options_set_receive_offload",
        ));
    }
    set_bytes(fd, level, name, value)
}

/// Reads an option that is an `int`.
pub fn get_int(fd: BorrowedFd<'_>, level: c_int, name: c_int) -> Result<c_int> {
    let mut bytes = [0_u8; size_of::<c_int>()];
    get_bytes(fd, level, name, &mut bytes)?;
    Ok(c_int::from_ne_bytes(bytes))
}

/// Sets SO_RCVTIMEO or SO_SNDTIMEO, in milliseconds; 0 is for ever.
pub fn set_time_out(fd: BorrowedFd<'_>, name: c_int, milliseconds: u32) -> Result<()> {
    // The fields are as wide as the platform has them, and wide enough everywhere.
    let (seconds, microseconds) = (milliseconds / 1000, milliseconds % 1000 * 1000);
    let time = libc::timeval { tv_sec: seconds as _, tv_usec: microseconds as _ };
    let bytes = [time.tv_sec.to_ne_bytes(), time.tv_usec.to_ne_bytes()];
    set_bytes(fd, libc::SOL_SOCKET, name, bytes.as_flattened())
}

/// Sets any option.
pub(super) fn set_bytes(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &[u8]) -> Result<()> {
    let size = c_int::try_from(value.len()).map_err(|_| invalid("no socket option is that large"))?;
    // SAFETY: the call reads `size` bytes, and there are so many at `value`.
    let answer = unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), size as libc::socklen_t)
    };
    if answer != 0 {
        return Err(Error::last_os());
    }
    Ok(())
}

/// SO_RCVTIMEO and SO_SNDTIMEO, as they are and with 64-bit times (`..._NEW`).
const TIME_OUTS: [c_int; 4] = [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO, 66, 67];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EN_EINVAL, EN_ENOPROTOOPT};
    use socket2::{Domain, Socket, Type};
    use std::os::fd::AsFd;

    fn socket() -> Socket {
        Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket")
    }

    fn option(name: &str) -> &'static SocketOption {
        OPTIONS.0.iter().find(|option| option.name == name).expect("in the table")
    }

    /// The constants of the C API as (name, number).
    fn constants() -> Vec<(&'static str, c_int)> {
        let text = include_str!("../ffi/tcp_client.rs");
        let rows = text.lines().filter_map(|line| {
            let (name, number) = line.strip_prefix("pub const ")?.split_once(": c_int = ")?;
            let is_option = name.starts_with("EN_OPTION_");
            is_option.then(|| (name, number.trim_end_matches(';').parse().expect("a number")))
        });
        rows.collect()
    }

    #[test]
    fn the_table_is_that_of_the_c_api() {
        let table: Vec<_> = OPTIONS.0.iter().map(|option| (option.name, option.number)).collect();
        assert!(!table.is_empty());
        assert_eq!(table, constants());
    }

    #[test]
    fn every_option_can_be_found_read_and_set() {
        let socket = socket();
        for row in OPTIONS.0 {
            let option = OPTIONS.find(row.number).expect("in the table");
            assert_eq!(option.name, row.name);
            let is_buffer = [libc::SO_RCVBUF, libc::SO_SNDBUF].contains(&option.optname);
            let (least, most) = option.kind.range();
            // The system raises and doubles the sizes of its buffers.
            let values =
                if is_buffer && option.level == libc::SOL_SOCKET { vec![] } else { vec![most, least.max(0)] };
            for value in values {
                option.set(socket.as_fd(), value.into()).expect(option.name);
                assert_eq!(option.get(socket.as_fd()).expect(option.name), value.into(), "{}", option.name);
            }
        }
        assert_eq!(OPTIONS.find(0).expect_err("no option").code(), EN_EINVAL);
        assert_eq!(OPTIONS.find(-1).expect_err("no option").code(), EN_EINVAL);
    }

    #[test]
    fn values_out_of_range_are_refused_and_change_nothing() {
        let socket = socket();
        for option in OPTIONS.0 {
            let before = option.get(socket.as_fd()).expect(option.name);
            let (least, most) = option.kind.range();
            for value in [i64::from(least) - 1, i64::from(most) + 1, i64::MIN, i64::MAX] {
                let error = option.set(socket.as_fd(), value).expect_err(option.name);
                assert_eq!(error.code(), EN_EINVAL);
                assert_eq!(error.reason(), format!("{} goes from {least} to {most}", option.name));
            }
            assert_eq!(option.get(socket.as_fd()).expect(option.name), before);
        }
    }

    #[test]
    fn the_effect_is_the_systems() {
        let socket = socket();
        option("EN_OPTION_NODELAY").set(socket.as_fd(), 1).expect("set");
        assert!(socket.tcp_nodelay().expect("read"));
        option("EN_OPTION_LINGER").set(socket.as_fd(), 7).expect("set");
        assert_eq!(socket.linger().expect("read"), Some(std::time::Duration::from_secs(7)));
        option("EN_OPTION_LINGER").set(socket.as_fd(), -1).expect("set");
        assert_eq!(socket.linger().expect("read"), None);
        assert_eq!(option("EN_OPTION_LINGER").get(socket.as_fd()).expect("read"), -1);
        option("EN_OPTION_RECEIVE_BUFFER").set(socket.as_fd(), 20_000).expect("set");
        assert_eq!(socket.recv_buffer_size().expect("read"), 40_000);
        option("EN_OPTION_SEND_BUFFER").set(socket.as_fd(), 20_000).expect("set");
        assert_eq!(socket.send_buffer_size().expect("read"), 40_000);
    }

    #[test]
    fn raw_options_are_read_and_set() {
        let socket = socket();
        let one: c_int = 1;
        setsockopt(socket.as_fd(), libc::SOL_SOCKET, libc::SO_KEEPALIVE, &one.to_ne_bytes()).expect("set");
        let mut room = [0_u8; 16];
        let size = get_bytes(socket.as_fd(), libc::SOL_SOCKET, libc::SO_KEEPALIVE, &mut room).expect("read");
        assert_eq!(room[..size], one.to_ne_bytes());
        let error = setsockopt(socket.as_fd(), libc::SOL_SOCKET, 30_000, &[0; 4]).expect_err("none");
        assert_eq!(error.code(), EN_ENOPROTOOPT);
        let error = get_bytes(socket.as_fd(), libc::SOL_SOCKET, 30_000, &mut room).expect_err("none");
        assert_eq!(error.code(), EN_ENOPROTOOPT);
    }

    #[test]
    fn the_time_outs_of_the_socket_are_ours() {
        let socket = socket();
        let second = [1_i64.to_ne_bytes(), 0_i64.to_ne_bytes()].concat();
        for name in TIME_OUTS {
            let error = setsockopt(socket.as_fd(), libc::SOL_SOCKET, name, &second).expect_err("ours");
            assert_eq!(error.code(), EN_EINVAL);
        }
        assert_eq!(socket.read_timeout().expect("read"), None);
        assert_eq!(socket.write_timeout().expect("read"), None);
        // The same numbers mean something else on other levels.
        let error = setsockopt(socket.as_fd(), libc::IPPROTO_TCP, 30_066, &second).expect_err("none");
        assert_eq!(error.code(), EN_ENOPROTOOPT);
    }
}
