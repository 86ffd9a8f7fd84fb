//! What went wrong: one [`Error`] type, and the one table that gives every code its number, its
//! name and its text.
//!
//! Codes are negative errno values with Linux's numbers; what errno has no word for has a range of
//! its own. `build.rs` reads the table below to write the constants of the C header.

use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The result of everything in this library that can fail.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! codes {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: i32 = $number;)*
        const TABLE: &[Row] = &[$(Row {
            number: $number,
            name: c_str(concat!(stringify!($name), "\0")),
            text: c_str(concat!($text, "\0")),
        }),*];
    };
}

codes! {
    EN_OK = 0, "success";
    EN_EPERM = -1, "operation not permitted";
    EN_ENOENT = -2, "no such file or directory";
    EN_ESRCH = -3, "no such process";
    EN_EINTR = -4, "interrupted by a signal";
    EN_EIO = -5, "input/output error";
    EN_EBADF = -9, "bad file descriptor";
    EN_WANT_READ = -11, "the operation would wait until the descriptor is readable";
    EN_ENOMEM = -12, "out of memory";
    EN_EACCES = -13, "permission denied";
    EN_EFAULT = -14, "bad address";
    EN_EBUSY = -16, "busy: such a call is already under way";
    EN_EEXIST = -17, "file exists";
    EN_ENODEV = -19, "no such device";
    EN_ENOTDIR = -20, "not a directory";
    EN_EINVAL = -22, "invalid argument";
    EN_ENFILE = -23, "too many open files in the system";
    EN_EMFILE = -24, "too many open files in this process";
    EN_ENOSPC = -28, "no space left";
    EN_EROFS = -30, "read-only file system";
    EN_EPIPE = -32, "the sending direction is broken";
    EN_ERANGE = -34, "result out of range";
    EN_EDEADLK = -35, "called from inside a callback of the same client";
    EN_ENAMETOOLONG = -36, "name too long";
    EN_ENOSYS = -38, "not supported by this system";
    EN_ELOOP = -40, "too many symbolic links";
    EN_ENOMSG = -42, "ancillary data came with less than a whole packet";
    EN_ENODATA = -61, "no such attribute";
    EN_EPROTO = -71, "protocol error";
    EN_EBADMSG = -74, "the bytes received are no packet";
    EN_EOVERFLOW = -75, "value too large";
    EN_ECLOSED = -77, "the handle is closed";
    EN_ENOTSOCK = -88, "the descriptor is not a socket";
    EN_EDESTADDRREQ = -89, "destination address required";
    EN_EMSGSIZE = -90, "message too large";
    EN_EPROTOTYPE = -91, "wrong type of socket";
    EN_ENOPROTOOPT = -92, "no such socket option";
    EN_EPROTONOSUPPORT = -93, "protocol not supported";
    EN_ESOCKTNOSUPPORT = -94, "socket type not supported";
    EN_EOPNOTSUPP = -95, "operation not supported";
    EN_EAFNOSUPPORT = -97, "address family not supported";
    EN_EADDRINUSE = -98, "address already in use";
    EN_EADDRNOTAVAIL = -99, "address not available on this machine";
    EN_ENETDOWN = -100, "network is down";
    EN_ENETUNREACH = -101, "network unreachable";
    EN_ENETRESET = -102, "connection dropped by the network";
    EN_ECONNABORTED = -103, "the peer ended the connection";
    EN_ECONNRESET = -104, "connection reset by the peer";
    EN_ENOBUFS = -105, "no buffer space available";
    EN_EISCONN = -106, "already connected";
    EN_ENOTCONN = -107, "not connected";
    EN_ESHUTDOWN = -108, "the end of the stream was already sent";
    EN_ETOOMANYREFS = -109, "too many descriptors in flight";
    EN_ETIMEDOUT = -110, "timed out";
    EN_ECONNREFUSED = -111, "connection refused";
    EN_EHOSTDOWN = -112, "host is down";
    EN_EHOSTUNREACH = -113, "no route to host";
    EN_EALREADY = -114, "already in progress";
    EN_EINPROGRESS = -115, "in progress";
    EN_ECANCELED = -125, "cancelled";
    EN_EFORKED = -130, "the handle belongs to the parent process";
    EN_EPANIC = -131, "a bug in easynet: the handle can no longer be used";
    EN_WANT_WRITE = -1001, "the operation would wait until the descriptor is writable";
    EN_ETRUNCATED = -1002, "the peer ended the stream in the middle of a packet";
    EN_ECONNTIMEDOUT = -1003, "the system declared the connection dead";
    EN_EAI_FAIL = -1100, "name resolution failed for good";
    EN_EAI_NONAME = -1101, "no such host";
    EN_EAI_AGAIN = -1102, "name resolution failed for now";
    EN_EAI_NODATA = -1103, "the host has no address";
    EN_EAI_FAMILY = -1104, "the host has no address of the wanted family";
    EN_EAI_SERVICE = -1105, "name resolution does not know the service";
    EN_EAI_MEMORY = -1106, "name resolution ran out of memory";
    EN_EAI_SYSTEM = -1107, "name resolution met a system error";
    EN_ETLS_PROTOCOL = -1200, "the peer does not speak TLS as it should";
    EN_ETLS_TRUNCATED = -1201, "the peer ended TLS without saying so";
    EN_ETLS_ALERT = -1202, "the peer refused with a TLS alert";
    EN_ETLS_INCOMPATIBLE = -1203, "no TLS version, cipher suite or application protocol in common";
    EN_ETLS_NO_TRUST = -1204, "no trusted certificates were found";
    EN_ETLS_NO_CERTIFICATE = -1210, "the peer showed no certificate";
    EN_ETLS_EXPIRED = -1211, "the certificate has expired";
    EN_ETLS_NOT_YET_VALID = -1212, "the certificate is not valid yet";
    EN_ETLS_UNKNOWN_ISSUER = -1213, "the certificate comes from no trusted authority";
    EN_ETLS_SELF_SIGNED = -1214, "the certificate is signed by itself and not trusted";
    EN_ETLS_NAME_MISMATCH = -1215, "the certificate is for another name";
    EN_ETLS_REVOKED = -1216, "the certificate has been revoked";
    EN_ETLS_UNKNOWN_REVOCATION = -1217, "nobody says whether the certificate has been revoked";
    EN_ETLS_CA_AS_LEAF = -1218, "the certificate is that of an authority, not of a peer";
    EN_ETLS_WRONG_PURPOSE = -1219, "the certificate is for another purpose";
    EN_ETLS_NOT_PINNED = -1220, "the certificate is not one of those pinned";
    EN_ETLS_BAD_SIGNATURE = -1221, "a signature of the certificate or handshake is wrong";
    EN_ETLS_BAD_ENCODING = -1222, "the certificate cannot be read";
    EN_ETLS_CERTIFICATE = -1223, "the certificate was refused";
    EN_EUSER_BASE = -10000, "an error of the application's own";
}

/// One code, with what C and people call it.
struct Row {
    number: i32,
    name: &'static CStr,
    text: &'static CStr,
}

const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a name or text with a NUL"),
    }
}

/// The text of a code; a general one for numbers that are no code.
pub fn text_of(code: i32) -> &'static CStr {
    match row(code) {
        Some(row) => row.text,
        None if code <= EN_EUSER_BASE => c"an error of the application's own",
        None => c"unknown error",
    }
}

/// The name of a code, such as `EN_EINVAL`; `EN_EUNKNOWN` for numbers that are no code.
pub fn name_of(code: i32) -> &'static CStr {
    match row(code) {
        Some(row) => row.name,
        None if code <= EN_EUSER_BASE => c"EN_EUSER",
        None => c"EN_EUNKNOWN",
    }
}

/// Whether the library has such a code.
pub fn is_code(code: i32) -> bool {
    row(code).is_some()
}

fn row(code: i32) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.number == code)
}

/// Whether the code says that there is no connection, or none to send on.
pub fn is_connection(code: i32) -> bool {
    matches!(
        code,
        EN_ECONNABORTED
            | EN_ETRUNCATED
            | EN_ETLS_TRUNCATED
            | EN_ECONNRESET
            | EN_EPIPE
            | EN_ECONNTIMEDOUT
            | EN_ECONNREFUSED
            | EN_ENETRESET
            | EN_ENOTCONN
            | EN_ESHUTDOWN
            | EN_EHOSTUNREACH
            | EN_ENETUNREACH
            | EN_ENETDOWN
            | EN_EHOSTDOWN
    )
}

/// Whether the code says that the connection is over, or could not be had. Who is not connected, for want of a
/// handshake, may be later, and who has sent the end may go on receiving.
pub fn is_over(code: i32) -> bool {
    is_connection(code) && !matches!(code, EN_ENOTCONN | EN_ESHUTDOWN)
}

/// That there are no more descriptors, if the errno says so: who could not open a file or a socket has not looked,
/// whatever else is made of it.
pub fn lack_of_descriptors(errno: i32) -> Option<Error> {
    matches!(errno, libc::EMFILE | libc::ENFILE).then(|| Error::os(io::Error::from_raw_os_error(errno)))
}

/// At which stage of its work an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Turning a name into addresses.
    Resolve,
    /// Connecting.
    Connect,
    /// Agreeing on TLS.
    Handshake,
    /// Turning a packet into bytes.
    Encode,
    /// Sending bytes.
    Send,
    /// Receiving bytes.
    Receive,
    /// Turning bytes into a packet.
    Decode,
    /// Ending the connection.
    Close,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Stage::Resolve => "resolve",
            Stage::Connect => "connect",
            Stage::Handshake => "handshake",
            Stage::Encode => "encode",
            Stage::Send => "send",
            Stage::Receive => "receive",
            Stage::Decode => "decode",
            Stage::Close => "close",
        }
    }
}

/// A code, and what a person needs to act on it.
///
/// Making one costs no formatting: the text is put together when somebody reads it. It is one
/// pointer, so that results which are no errors stay small on their way up.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Error(Box<Facts>);

#[derive(Clone, Debug)]
struct Facts {
    code: i32,
    stage: Option<Stage>,
    reason: Cow<'static, str>,
    peer: Option<Arc<str>>,
}

impl Error {
    /// An error of our own making.
    #[cold]
    pub fn new(code: i32, reason: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Facts { code, stage: None, reason: reason.into(), peer: None }))
    }

    /// What the operating system answered.
    #[cold]
    pub fn os(error: io::Error) -> Error {
        let Some(errno) = error.raw_os_error() else {
            return Error::new(EN_EIO, error.to_string());
        };
        let code = if errno == libc::ETIMEDOUT { EN_ECONNTIMEDOUT } else { -errno };
        match row(code) {
            // The peer's end is no error of the system's: it says so of what somebody on this machine has ended.
            _ if code == EN_ECONNABORTED => Error::new(code, "the system has ended the connection"),
            Some(row) => Error::new(code, row.text.to_string_lossy()),
            None => Error::new(code, error.to_string()),
        }
    }

    /// The operating system's last error on this thread.
    pub fn last_os() -> Error {
        Error::os(io::Error::last_os_error())
    }

    /// Says at which stage it happened, unless a deeper floor has said so already.
    #[must_use]
    pub fn at(mut self, stage: Stage) -> Error {
        self.0.stage.get_or_insert(stage);
        self
    }

    /// Says with whom it happened, unless a deeper floor has said so already.
    #[must_use]
    pub fn with_peer(mut self, peer: &Arc<str>) -> Error {
        self.0.peer.get_or_insert_with(|| peer.clone());
        self
    }

    /// The code, negative.
    pub fn code(&self) -> i32 {
        self.0.code
    }

    /// What happened, without stage and peer.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.stage, &self.0.peer) {
            (Some(stage), Some(peer)) => write!(f, "{} {peer}: ", stage.word())?,
            (Some(stage), None) => write!(f, "{}: ", stage.word())?,
            (None, Some(peer)) => write!(f, "{peer}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.0.reason)?;
        let name = name_of(self.0.code).to_string_lossy();
        let in_errno_range = (-999..0).contains(&self.0.code);
        match in_errno_range {
            true => write!(f, " [{name}, errno {}]", -self.0.code),
            false => write!(f, " [{name}]"),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::os(error)
    }
}

/// `EN_EINVAL` with its reason.
pub fn invalid(reason: impl Into<Cow<'static, str>>) -> Error {
    Error::new(EN_EINVAL, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_used_once() {
        for (index, row) in TABLE.iter().enumerate() {
            for other in &TABLE[index + 1..] {
                assert_ne!(row.number, other.number, "{:?} and {:?}", row.name, other.name);
                assert_ne!(row.name, other.name);
            }
        }
    }

    #[test]
    fn a_message_names_stage_peer_reason_and_code() {
        let peer: Arc<str> = "127.0.0.1:7000".into();
        let error = Error::os(io::Error::from_raw_os_error(libc::ECONNREFUSED))
            .at(Stage::Connect)
            .at(Stage::Send)
            .with_peer(&peer);
        assert_eq!(
            error.to_string(),
            "connect 127.0.0.1:7000: connection refused [EN_ECONNREFUSED, errno 111]"
        );
    }

    #[test]
    fn a_connection_the_kernel_gave_up_is_not_a_deadline() {
        let error = Error::os(io::Error::from_raw_os_error(libc::ETIMEDOUT));
        assert_eq!(error.code(), EN_ECONNTIMEDOUT);
    }

    #[test]
    fn a_connection_that_was_ended_on_this_machine_is_not_said_to_be_ended_by_the_peer() {
        let error = Error::os(io::Error::from_raw_os_error(libc::ECONNABORTED));
        assert_eq!((error.code(), error.reason()), (EN_ECONNABORTED, "the system has ended the connection"));
    }
}
