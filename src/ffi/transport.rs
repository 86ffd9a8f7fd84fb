//! What transports of both kinds have in common: the functions behind their exports.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use super::ancillary::en_ancillary_t;
use super::callback::failure;
use super::client::operate;
use super::custom_transport::attribute_of;
use super::error::take_explanation;
use super::packet::en_packet_t;
use super::protocol_callbacks::EN_CALLBACK_DONE;
use super::scope::Scope;
use super::transport_callbacks::en_attempt_t;
use super::{Handle, Out, borrow, borrow_mut, call, copy_out, null};
use crate::attempt::{Attempt, Interest, Stop};
use crate::blocking::{Channel, Closable, cut};
use crate::deadline::Left;
use crate::error::{EN_WANT_READ, EN_WANT_WRITE, Error, Result, invalid, is_code, text_of};
use crate::packet::{Packet, SHORT, Storage};
use crate::socket::ancillary::Ancillary;
use crate::transport::{Attribute, Transport};

/// How many bytes a receive takes at most where 0 is given.
const MOST_AT_ONCE: usize = 64 << 10;

/// Larger receives are of no use: the limit that all buffers have.
const LARGEST: usize = 1 << 30;

/// What every export does that works on bytes.
///
/// # Safety
/// `pointer` is NULL or a live handle of a transport.
pub(crate) unsafe fn work<H: Handle<Inner: Closable>>(
    pointer: *const H,
    work: impl FnOnce(&H::Inner) -> Result<()>,
) -> c_int {
    // SAFETY: as the caller promises.
    call(|| operate(unsafe { borrow(pointer)? }, work))
}

/// What every export does that must not wait: `work` says by which descriptor it would.
///
/// # Safety
/// As [`work`]; `fd` is NULL or writable.
pub(crate) unsafe fn work_now<H: Handle<Inner: Closable>>(
    pointer: *const H,
    fd: *mut c_int,
    work: impl FnOnce(&H::Inner, &Cell<RawFd>) -> Result<()>,
) -> c_int {
    call(|| {
        // SAFETY: as the caller promises.
        let fd = unsafe { Out::new(fd, "fd")? };
        fd.set(-1);
        let wanted = Cell::new(-1);
        // SAFETY: as the caller promises.
        let outcome = operate(unsafe { borrow(pointer)? }, |channel| work(channel, &wanted));
        fd.set(wanted.get());
        outcome
    })
}

/// Room that the caller lends for what comes.
///
/// # Safety
/// `buffer` is NULL or has room for `capacity` bytes while `'a` lasts.
pub(crate) unsafe fn room<'a>(buffer: *mut c_void, capacity: usize) -> Result<&'a mut [u8]> {
    match capacity {
        0 => Ok(&mut []),
        _ if buffer.is_null() => Err(null("buffer")),
        _ if capacity > isize::MAX as usize => Err(invalid("capacity is larger than any buffer")),
        // SAFETY: not NULL, of a possible size; bytes may have any value.
        _ => Ok(unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), capacity) }),
    }
}

/// Memory of ours for what comes.
pub(crate) struct RecvBuffer {
    storage: Storage,
    size: usize,
}

impl RecvBuffer {
    /// Room for so many bytes; 0: for as many as is sensible.
    pub(crate) fn new(max_size: usize) -> Result<RecvBuffer> {
        match max_size {
            0 => Ok(RecvBuffer { storage: Storage::default(), size: MOST_AT_ONCE }),
            1..=LARGEST => Ok(RecvBuffer { storage: Storage::default(), size: max_size }),
            _ => Err(invalid(format!("max_size is {max_size}: it may be {LARGEST} at most"))),
        }
    }

    fn space(&mut self) -> &mut [u8] {
        &mut self.storage.space(self.size, self.size)[..self.size]
    }

    /// Hands over what `receive` puts into the room, of which it says how much it is.
    pub(crate) fn hand_over(
        mut self,
        packet: &Out<en_packet_t>,
        receive: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<()> {
        let count = receive(self.space())?;
        fits(count, self.size)?;
        packet.set(en_packet_t::give(self.packet(count)));
        Ok(())
    }

    /// What has come: the first `count` bytes.
    fn packet(mut self, count: usize) -> Packet {
        if count < SHORT {
            return Packet::copied(&self.space()[..count]);
        }
        self.storage.filled(count);
        self.storage.packet(0, count)
    }
}

/// Whether a datagram has found room.
pub(crate) fn fits(size: usize, room: usize) -> Result<()> {
    if size > room { Err(cut(size, room)) } else { Ok(()) }
}

/// # Safety
/// As [`work`]; `size` is NULL or readable and writable, `value` is NULL or has room for `*size`.
pub(crate) unsafe fn get_attribute<T, H>(
    pointer: *const H,
    number: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int
where
    T: Transport + ?Sized + 'static,
    H: Handle<Inner = Channel<T>>,
{
    call(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let channel = borrow(pointer)?;
            give_attribute(number, value, size, |which| operate(channel, |channel| channel.attribute(which)))
        }
    })
}

/// # Safety
/// `size` is NULL or readable and writable, `value` is NULL or has room for `*size`.
pub(super) unsafe fn give_attribute(
    number: c_int,
    value: *mut c_void,
    size: *mut usize,
    read: impl FnOnce(Attribute) -> Result<Vec<u8>>,
) -> Result<()> {
    // SAFETY: as the caller promises.
    let size = unsafe { size.as_mut().ok_or_else(|| null("size"))? };
    if value.is_null() {
        return Err(null("value"));
    }
    let attribute = read(attribute_of(number)?)?;
    // SAFETY: as the caller promises.
    unsafe { copy_out(&attribute, value.cast(), size, "value") }
}

/// What the application waits for.
struct Watched(AtomicI32);

impl Transport for Watched {
    fn stop_receiving(&self) {}

    fn close(&self) -> Result<()> {
        Ok(())
    }

    fn fd(&self, _interest: Interest) -> Option<BorrowedFd<'_>> {
        let fd = self.0.load(Ordering::Relaxed);
        // SAFETY: the number is only given to poll, which does no harm if it is not open.
        (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }

    fn can_hold(&self) -> bool {
        false
    }
}

/// # Safety
/// As [`work`]; `left_ms` is NULL or writable.
pub(crate) unsafe fn retry<T, H>(
    pointer: *mut H,
    attempt: en_attempt_t,
    user_data: *mut c_void,
    timeout_ms: i64,
    left_ms: *mut i64,
) -> c_int
where
    T: Transport + ?Sized + 'static,
    H: Handle<Inner = Channel<T>>,
{
    call(|| {
        // SAFETY: as the caller promises.
        let left = unsafe { Out::new(left_ms, "left_ms")? };
        left.set(timeout_ms);
        // SAFETY: as the caller promises.
        let channel = unsafe { borrow(pointer.cast_const())? };
        let attempt = attempt.ok_or_else(|| null("attempt"))?;
        // The attempt may call the transport, and may free it.
        let _scope = Scope::enter(channel)?;
        channel.check_usable()?;
        let watched = Watched(AtomicI32::new(-1));
        let (mut deadline, outcome) = channel.retry(&watched, timeout_ms, |_| {
            let mut fd = -1;
            take_explanation();
            // SAFETY: the application's own function, with what its documentation promises.
            let answer = Scope::waiting(|| unsafe { attempt(&raw mut fd, user_data) });
            watched.0.store(fd, Ordering::Relaxed);
            attempted(answer)
        });
        left.set(match deadline.left() {
            Left::Forever => -1,
            Left::Nothing => 0,
            Left::Time(time) => i64::try_from(time.as_millis()).unwrap_or(i64::MAX),
        });
        outcome
    })
}

fn attempted(answer: c_int) -> Attempt<()> {
    match answer {
        EN_CALLBACK_DONE => Ok(()),
        EN_WANT_READ => Err(Stop::Want(Interest::Read)),
        EN_WANT_WRITE => Err(Stop::Want(Interest::Write)),
        code if code < 0 && is_code(code) => {
            let text = || format!("the attempt callback: {}", text_of(code).to_string_lossy());
            Err(Error::new(code, take_explanation().unwrap_or_else(text)).into())
        }
        code => Err(failure("attempt", code).into()),
    }
}

/// Sets an output that is written in every case.
///
/// # Safety
/// `output` is NULL or writable.
pub(crate) unsafe fn clear(output: *mut usize, name: &str) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe { Out::new(output, name)? }.set(0);
    Ok(())
}

/// Ancillary data to be replaced in every case, also when the call is refused.
///
/// # Safety
/// `ancillary` is NULL or a live handle that one thread uses.
pub(crate) unsafe fn emptied<'a>(ancillary: *mut en_ancillary_t) -> Result<&'a mut Ancillary> {
    // SAFETY: as the caller promises.
    let ancillary = unsafe { borrow_mut(ancillary)? };
    ancillary.clear();
    Ok(ancillary)
}
