//! Control messages: what goes and comes beside the bytes of a Unix socket; see cmsg(3), unix(7).

use std::borrow::Cow;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::c_int;

use super::control_message::{self, HEADER};
use crate::error::{Error, Result};

/// Who a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The process; 0 when sending stands for this one.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What goes beside the next packet, and what came beside the last one.
#[derive(Debug, Default)]
pub struct Ancillary {
    /// The message with the descriptors to send, which stay the application's; empty without any.
    rights: Vec<u8>,
    credentials: Option<Credentials>,
    messages: Vec<Message>,
    /// The descriptors that have come and nobody has taken.
    fds: Vec<OwnedFd>,
    truncated: bool,
    /// The control buffer: the bytes of the messages that have come, and room for the next receive.
    room: Vec<u8>,
}

/// What goes beside a packet, with descriptors of its own.
#[derive(Debug)]
pub struct Outgoing {
    /// The control buffer.
    pub control: Vec<u8>,
    _fds: Vec<OwnedFd>,
}

/// One control message that has come.
#[derive(Debug)]
pub struct Message {
    /// Its level, such as SOL_SOCKET.
    pub level: c_int,
    /// Its type, such as SCM_RIGHTS.
    pub kind: c_int,
    /// Where in the control buffer its bytes are.
    place: Range<usize>,
    /// What they mean.
    pub content: Content,
}

/// What the bytes of a message mean.
#[derive(Debug)]
pub enum Content {
    /// Descriptors.
    Fds,
    /// The credentials of a process.
    Credentials(Credentials),
    /// What is known to the application only, with the descriptor that is in it, if any.
    Other(Option<OwnedFd>),
}

impl Credentials {
    /// From the fields of a `struct ucred`.
    pub(super) fn from_fields([pid, uid, gid]: [[u8; 4]; 3]) -> Credentials {
        Credentials {
            pid: i32::from_ne_bytes(pid),
            uid: u32::from_ne_bytes(uid),
            gid: u32::from_ne_bytes(gid),
        }
    }

    /// The fields of a `struct ucred`.
    fn fields(self) -> [[u8; 4]; 3] {
        let pid = if self.pid == 0 { std::process::id().cast_signed() } else { self.pid };
        [pid.to_ne_bytes(), self.uid.to_ne_bytes(), self.gid.to_ne_bytes()]
    }
}

impl Ancillary {
    /// Forgets what is to send, and closes what came and nobody took.
    pub fn clear(&mut self) {
        self.rights.clear();
        self.credentials = None;
        self.messages.clear();
        self.fds.clear();
        self.truncated = false;
    }

    /// Descriptors to send.
    pub fn add_fds(&mut self, fds: &[RawFd]) {
        if fds.is_empty() {
            return;
        }
        let before = self.rights_length().max(HEADER);
        let length = before + size_of_val(fds);
        self.rights.resize(length.next_multiple_of(size_of::<usize>()), 0);
        let header = control_message::header(libc::SOL_SOCKET, libc::SCM_RIGHTS, length - HEADER);
        self.rights[..HEADER].copy_from_slice(&header);
        let (numbers, _) = self.rights[before..length].as_chunks_mut();
        numbers.iter_mut().zip(fds).for_each(|(number, fd)| *number = fd.to_ne_bytes());
    }

    /// The length of the message with the descriptors, without what aligns the next one.
    fn rights_length(&self) -> usize {
        self.rights.first_chunk().map_or(0, |length| usize::from_ne_bytes(*length))
    }

    /// Credentials to send, in place of earlier ones.
    pub fn add_credentials(&mut self, credentials: Credentials) {
        self.credentials = Some(credentials);
    }

    /// The control buffer for what is to send; empty if there is nothing. How much of it the kernel
    /// takes is for the kernel to say.
    pub fn control(&self) -> Cow<'_, [u8]> {
        let Some(credentials) = self.credentials else { return Cow::Borrowed(&self.rights) };
        let mut control = self.rights.clone();
        push(&mut control, libc::SCM_CREDENTIALS, credentials.fields().as_flattened());
        Cow::Owned(control)
    }

    /// The same with duplicates of the descriptors, to be sent later.
    pub fn duplicate(&self) -> Result<Outgoing> {
        let (numbers, _) = self.rights.get(HEADER..self.rights_length()).unwrap_or_default().as_chunks();
        let fds = numbers.iter().map(|number| duplicate(RawFd::from_ne_bytes(*number)));
        let fds: Vec<OwnedFd> = fds.collect::<Result<_>>()?;
        let mut copy = Ancillary { credentials: self.credentials, ..Ancillary::default() };
        copy.add_fds(&fds.iter().map(AsRawFd::as_raw_fd).collect::<Vec<_>>());
        Ok(Outgoing { control: copy.control().into_owned(), _fds: fds })
    }

    /// Room for at least so many bytes of control messages, to be given back to [`Self::received`] or
    /// [`Self::keep_room`].
    pub(super) fn take_room(&mut self, size: usize) -> Vec<u8> {
        let mut room = std::mem::take(&mut self.room);
        if room.len() < size {
            room.resize(size, 0);
        }
        room
    }

    /// Takes the room back: nothing has been received.
    pub(super) fn keep_room(&mut self, room: Vec<u8>) {
        self.room = room;
    }

    /// Takes over what a receive has brought, in place of all that was there: the first `length` bytes of
    /// `control`.
    ///
    /// # Safety
    /// recvmsg(2), or a transport of the application's own in its place, has just written them for nobody else:
    /// their descriptors are owned from here on.
    pub(crate) unsafe fn received(&mut self, control: Vec<u8>, length: usize, truncated: bool) {
        self.clear();
        self.truncated = truncated;
        for (level, kind, place, data) in control_message::messages(&control[..length]) {
            // SAFETY: as the caller promises.
            unsafe { self.take_over(level, kind, place, data) };
        }
        self.room = control;
    }

    /// Takes a message over, less the last item of its bytes if that is not whole.
    ///
    /// # Safety
    /// As [`Self::received`].
    unsafe fn take_over(&mut self, level: c_int, kind: c_int, start: usize, data: &[u8]) {
        let (data, content) = match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                let (numbers, _) = data.as_chunks();
                let before = self.fds.len();
                // SAFETY: as the caller promises; this is the one time they are read.
                self.fds.extend(numbers.iter().filter_map(|number| unsafe { adopt(*number) }));
                if self.fds.len() == before {
                    return;
                }
                (numbers.as_flattened(), Content::Fds)
            }
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                let (fields, _) = data.as_chunks();
                let Some(fields) = fields.first_chunk() else { return };
                (fields.as_flattened(), Content::Credentials(Credentials::from_fields(*fields)))
            }
            (libc::SOL_SOCKET, SCM_PIDFD) => {
                // SAFETY: as above.
                let fd = data.first_chunk().and_then(|number| unsafe { adopt(*number) });
                (data, Content::Other(fd))
            }
            _ => (data, Content::Other(None)),
        };
        self.messages.push(Message { level, kind, place: start..start + data.len(), content });
    }

    /// What has come.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Whether some of what came did not fit and is lost.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The first credentials that have come.
    pub fn credentials(&self) -> Option<Credentials> {
        self.messages.iter().find_map(|message| match message.content {
            Content::Credentials(credentials) => Some(credentials),
            _ => None,
        })
    }

    /// The bytes of a message, as they came.
    pub fn data(&self, message: &Message) -> &[u8] {
        &self.room[message.place.clone()]
    }

    /// How many descriptors have come that nobody has taken.
    pub fn fd_count(&self) -> usize {
        self.fds.len()
    }

    /// Gives the descriptors away, in the order in which they were sent.
    pub fn take_fds(&mut self) -> impl ExactSizeIterator<Item = OwnedFd> {
        self.fds.drain(..)
    }
}

fn duplicate(fd: RawFd) -> Result<OwnedFd> {
    // SAFETY: the call takes any number, and answers with a new descriptor or a negative number.
    match unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) } {
        // SAFETY: new, so nobody else's.
        new @ 0.. => Ok(unsafe { OwnedFd::from_raw_fd(new) }),
        _ => Err(Error::last_os()),
    }
}

/// The room for one message with so many descriptors and so many messages with credentials.
pub fn space(fds: usize, credentials: usize) -> usize {
    let for_fds = if fds == 0 { 0 } else { control_message::space(fds.saturating_mul(size_of::<RawFd>())) };
    for_fds.saturating_add(credentials.saturating_mul(control_message::space(size_of::<libc::ucred>())))
}

/// A descriptor of the sending process, where SO_PASSPIDFD is set; since Linux 6.5.
const SCM_PIDFD: c_int = 4;

/// Appends a message of the socket level.
fn push(control: &mut Vec<u8>, kind: c_int, data: &[u8]) {
    let end = control.len() + control_message::space(data.len());
    control.extend_from_slice(&control_message::header(libc::SOL_SOCKET, kind, data.len()));
    control.extend_from_slice(data);
    control.resize(end, 0);
}

/// A descriptor whose number has just been put there for us; the kernel may put errors there.
///
/// # Safety
/// If it is one, it is nobody else's.
unsafe fn adopt(number: [u8; 4]) -> Option<OwnedFd> {
    let fd = RawFd::from_ne_bytes(number);
    // SAFETY: as the caller promises.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
#[path = "ancillary_tests.rs"]
mod tests;
