//! Descriptors and credentials beside packets.

use std::ffi::{c_int, c_void};
use std::os::fd::IntoRawFd;

use super::{
    Constructor, Out, array, borrow, borrow_mut, call, call_value, guard_void, handle, lend, null, take,
    truth,
};
use crate::error::{EN_EMSGSIZE, EN_ENODATA, Error, Result, invalid};
use crate::socket::ancillary::{Ancillary, Content, Credentials, Message, space};

/// A message with descriptors.
pub const EN_ANCILLARY_FDS: c_int = 1;
/// A message with the credentials of a process.
pub const EN_ANCILLARY_CREDENTIALS: c_int = 2;
/// Any other message: see its bytes.
pub const EN_ANCILLARY_OTHER: c_int = 3;

/// What goes beside the next packet of a Unix socket, and what came beside the last one.
pub struct en_ancillary_t {
    _private: [u8; 0],
}

handle!(en_ancillary_t, Ancillary, "ancillary");

/// Who a process is. The layout is frozen.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct en_credentials_t {
    /// The process.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

impl From<Credentials> for en_credentials_t {
    fn from(Credentials { pid, uid, gid }: Credentials) -> en_credentials_t {
        en_credentials_t { pid, uid, gid }
    }
}

/// Makes an empty one.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_new(out: *mut *mut en_ancillary_t) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        unsafe { Constructor::new(out)? }.boxed(Ancillary::default());
        Ok(())
    })
}

/// Forgets what is to be sent, and closes what came and was not taken.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_clear(ancillary: *mut en_ancillary_t) -> c_int {
    call(|| {
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
        unsafe { borrow_mut(ancillary)? }.clear();
        Ok(())
    })
}

/// Adds the `count` descriptors at `fds` to be sent. They are lent, not duplicated: they stay the
/// caller's, and open until the packet is sent. The peer gets copies. Linux takes at most 253 in one message;
/// more, and ones that are not open, are found out when sending.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See unix(7), SCM_RIGHTS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_add_fds(
    ancillary: *mut en_ancillary_t,
    fds: *const c_int,
    count: usize,
) -> c_int {
    call(|| {
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses, `fds` NULL or `count`.
        let (ancillary, fds) = unsafe { (borrow_mut(ancillary)?, array(fds, count, "fds")?) };
        ancillary.add_fds(fds);
        Ok(())
    })
}

/// Sets the credentials to be sent, in place of earlier ones; a `pid` of 0 is the process that
/// sends; `uid` and `gid` are its user and group. What is not true takes privileges, and is found
/// out when sending.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See unix(7), SCM_CREDENTIALS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_add_creds(
    ancillary: *mut en_ancillary_t,
    pid: i32,
    uid: u32,
    gid: u32,
) -> c_int {
    call(|| {
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
        unsafe { borrow_mut(ancillary)? }.add_credentials(Credentials { pid, uid, gid });
        Ok(())
    })
}

/// How much room for control messages a receive needs, as `*size` in bytes, for one message with
/// `fds` descriptors and so many messages with `credentials`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`. See cmsg(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_space(fds: usize, credentials: usize, size: *mut usize) -> c_int {
    call(|| {
        // SAFETY: `size` is NULL or writable.
        unsafe { Out::new(size, "size")? }.set(space(fds, credentials));
        Ok(())
    })
}

/// How many messages came with the last receive.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_count(ancillary: *const en_ancillary_t) -> c_int {
    call_value(|| {
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
        let count = unsafe { borrow(ancillary)? }.messages().len();
        Ok(c_int::try_from(count).unwrap_or(c_int::MAX))
    })
}

/// What the message of this index is: `EN_ANCILLARY_...`.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (no such message).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_get_kind(ancillary: *const en_ancillary_t, index: usize) -> c_int {
    call_value(|| {
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
        Ok(match message(unsafe { borrow(ancillary)? }, index)?.content {
            Content::Fds => EN_ANCILLARY_FDS,
            Content::Credentials(_) => EN_ANCILLARY_CREDENTIALS,
            Content::Other(_) => EN_ANCILLARY_OTHER,
        })
    })
}

/// The message of this index as it came: its level and type, and its bytes, which are lent until
/// the object is cleared, received into, or freed; `(NULL, 0)` if it has none. Numbers of
/// descriptors are to look at: `en_ancillary_take_fds` gives them away, and those of other messages
/// (SCM_PIDFD) end with the bytes.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL` (NULL, no such message). See cmsg(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_get_message(
    ancillary: *const en_ancillary_t,
    index: usize,
    level: *mut c_int,
    r#type: *mut c_int,
    data: *mut *const c_void,
    size: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
        let ancillary = unsafe { borrow(ancillary)? };
        // SAFETY: each is NULL or writable.
        let (level, kind) = unsafe { (Out::new(level, "level")?, Out::new(r#type, "type")?) };
        // SAFETY: as above.
        let (data, size) = unsafe { (Out::new(data, "data")?, Out::new(size, "size")?) };
        let message = message(ancillary, index)?;
        level.set(message.level);
        kind.set(message.kind);
        lend(ancillary.data(message), &data, &size);
        Ok(())
    })
}

fn message(ancillary: &Ancillary, index: usize) -> Result<&Message> {
    let messages = ancillary.messages();
    messages
        .get(index)
        .ok_or_else(|| invalid(format!("there is no message of index {index}: {} have come", messages.len())))
}

/// How many descriptors came and were not taken. Those for which this process had no room (`EMFILE`)
/// are lost without an error of the receive: `en_ancillary_is_truncated` tells.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_fd_count(ancillary: *const en_ancillary_t) -> c_int {
    // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
    call_value(|| Ok(c_int::try_from(unsafe { borrow(ancillary)? }.fd_count()).unwrap_or(c_int::MAX)))
}

/// Takes the descriptors that came, all of them: from now on they are the caller's, who closes them.
/// They are close-on-exec. `*count` is always set to how many there are; `capacity` says how many
/// fit at `fds`.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing taken).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_take_fds(
    ancillary: *mut en_ancillary_t,
    fds: *mut c_int,
    capacity: usize,
    count: *mut usize,
) -> c_int {
    call(|| {
        // SAFETY: `count` is NULL or writable.
        let count = unsafe { Out::new(count, "count")? };
        count.set(0);
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
        let ancillary = unsafe { borrow_mut(ancillary)? };
        let there = ancillary.fd_count();
        count.set(there);
        if there > capacity {
            let reason = format!("there are {there} descriptors, and room for {capacity}");
            return Err(Error::new(EN_EMSGSIZE, reason));
        }
        if fds.is_null() && there > 0 {
            return Err(null("fds"));
        }
        for (index, fd) in ancillary.take_fds().enumerate() {
            // SAFETY: there is room for `capacity` descriptors, as many as there are at least.
            unsafe { fds.add(index).write(fd.into_raw_fd()) };
        }
        Ok(())
    })
}

/// The credentials that came: those of the process that sent, as the system vouches for them. They
/// come only where the client was made to receive them; of what was sent before that, and without
/// them, they are those of nobody: process 0.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`, `EN_ENODATA` (none came).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_get_creds(
    ancillary: *const en_ancillary_t,
    credentials: *mut en_credentials_t,
) -> c_int {
    call(|| {
        // SAFETY: `ancillary` is NULL or a live handle that one thread uses, `credentials` NULL or
        // writable.
        let (ancillary, out) = unsafe { (borrow(ancillary)?, Out::new(credentials, "credentials")?) };
        let found = ancillary.credentials();
        out.set(found.ok_or_else(|| Error::new(EN_ENODATA, "no credentials came with the packet"))?.into());
        Ok(())
    })
}

/// 1 if some of what came did not fit into the room for control messages and is lost; 0 if not.
///
/// One thread at a time.
///
/// Errors: `EN_EINVAL`. See recvmsg(2), MSG_CTRUNC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_is_truncated(ancillary: *const en_ancillary_t) -> c_int {
    // SAFETY: `ancillary` is NULL or a live handle that one thread uses.
    call_value(|| Ok(truth(unsafe { borrow(ancillary)? }.is_truncated())))
}

/// Ends the handle and closes what came and was not taken; NULL is nothing.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_ancillary_free(ancillary: *mut en_ancillary_t) {
    // SAFETY: `ancillary` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(ancillary) }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EN_EINVAL, EN_OK};
    use std::fs::File;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    /// An object that has received descriptors, and one message of no known kind behind them.
    fn received(fds: Vec<OwnedFd>) -> Box<Ancillary> {
        let mut given = Ancillary::default();
        given.add_fds(&fds.into_iter().map(IntoRawFd::into_raw_fd).collect::<Vec<_>>());
        let mut control = given.control().into_owned();
        control.extend_from_slice(&size_of::<libc::cmsghdr>().to_ne_bytes());
        control.extend_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
        control.extend_from_slice(&libc::SCM_TIMESTAMP.to_ne_bytes());
        let mut ancillary = Box::new(Ancillary::default());
        let length = control.len();
        // SAFETY: the descriptors in it were given away for it.
        unsafe { ancillary.received(control, length, false) };
        ancillary
    }

    fn open(count: usize) -> Vec<OwnedFd> {
        (0..count).map(|_| File::open("/dev/null").expect("it is everywhere").into()).collect()
    }

    #[test]
    fn descriptors_are_taken_all_or_none() {
        let fds = open(2);
        let numbers: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        let mut ancillary = received(fds);
        let handle = (&raw mut *ancillary).cast::<en_ancillary_t>();
        let (mut taken, mut count) = ([-1; 3], 9);
        // SAFETY: the handle is alive, and the arrays have the room that is told.
        unsafe {
            assert_eq!(en_ancillary_take_fds(handle, taken.as_mut_ptr(), 1, &raw mut count), EN_EMSGSIZE);
            assert_eq!((taken, count, en_ancillary_fd_count(handle)), ([-1; 3], 2, 2));
            assert_eq!(en_ancillary_take_fds(handle, std::ptr::null_mut(), 2, &raw mut count), EN_EINVAL);
            assert_eq!(en_ancillary_take_fds(handle, taken.as_mut_ptr(), 3, &raw mut count), EN_OK);
            assert_eq!((&taken[..2], taken[2], count), (&numbers[..], -1, 2));
            assert_eq!(en_ancillary_fd_count(handle), 0);
            assert_eq!(en_ancillary_take_fds(handle, std::ptr::null_mut(), 0, &raw mut count), EN_OK);
            assert_eq!(count, 0);
            taken[..2].iter().for_each(|fd| drop(OwnedFd::from_raw_fd(*fd)));
        }
    }

    #[test]
    fn messages_are_told_by_kind_and_bytes() {
        let fds = open(1);
        let number = fds[0].as_raw_fd();
        let mut ancillary = received(fds);
        let handle = (&raw mut *ancillary).cast::<en_ancillary_t>();
        let (mut level, mut kind, mut data, mut size) = (0, 0, std::ptr::null(), 9);
        let mut credentials = en_credentials_t { pid: 0, uid: 0, gid: 0 };
        // SAFETY: the handle is alive, and the outputs are writable.
        unsafe {
            assert_eq!(en_ancillary_count(handle), 2);
            assert_eq!(en_ancillary_get_kind(handle, 0), EN_ANCILLARY_FDS);
            assert_eq!(en_ancillary_get_kind(handle, 1), EN_ANCILLARY_OTHER);
            assert_eq!(en_ancillary_get_kind(handle, 2), EN_EINVAL);
            let mut get = |index| {
                let [level, kind] = [&raw mut level, &raw mut kind];
                let code = en_ancillary_get_message(handle, index, level, kind, &raw mut data, &raw mut size);
                (code, *level, *kind, data, size)
            };
            let (code, level, kind, data, size) = get(0);
            assert_eq!((code, level, kind, size), (EN_OK, libc::SOL_SOCKET, libc::SCM_RIGHTS, 4));
            assert_eq!(data.cast::<c_int>().read_unaligned(), number);
            let none = std::ptr::null();
            assert_eq!(get(1), (EN_OK, libc::SOL_SOCKET, libc::SCM_TIMESTAMP, none, 0));
            assert_eq!(get(2).0, EN_EINVAL);
            assert_eq!(en_ancillary_get_creds(handle, &raw mut credentials), EN_ENODATA);
            assert_eq!(en_ancillary_clear(handle), EN_OK);
            assert_eq!(en_ancillary_count(handle), 0);
        }
    }
}
