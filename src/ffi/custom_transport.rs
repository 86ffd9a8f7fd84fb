//! C callback tables as transports.

use std::ffi::{c_int, c_void};
use std::io::IoSlice;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::base::en_slice_t;
use super::callback::{UserData, failure};
use super::error::take_explanation;
use super::protocol_callbacks::{EN_CALLBACK_DONE, en_destroy_t};
use super::transport_callbacks::{
    EN_ATTRIBUTE_DESCRIPTOR, EN_ATTRIBUTE_FAMILY, EN_ATTRIBUTE_OWN_NAME, EN_ATTRIBUTE_PEER_NAME,
    EN_ATTRIBUTE_STANDARD_COMPATIBLE, EN_ATTRIBUTE_USER_BASE, en_transport_callbacks_t,
};
use super::wait_callback::bits;
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::error::{
    EN_ECLOSED, EN_ENODATA, EN_EOPNOTSUPP, EN_WANT_READ, EN_WANT_WRITE, Error, Result, invalid,
    is_connection, text_of,
};
use crate::socket::ancillary::Ancillary;
use crate::socket::datagram::Arrived;
use crate::socket::slot::{Slot, Visit};
use crate::transport::{
    Attribute, DatagramTransport, StreamTransport, Transport, no_ancillary, no_attribute,
};

/// The largest attribute.
const ATTRIBUTE_ROOM: usize = 4096;

/// A transport of the application's own.
pub(crate) struct CustomTransport {
    callbacks: Arc<Callbacks>,
    closed: AtomicBool,
    /// Who runs a callback is inside; the last to leave a closed one closes for good.
    inside: Slot<Open>,
    /// How that went.
    outcome: Arc<Mutex<Result<()>>>,
}

struct Callbacks {
    table: en_transport_callbacks_t,
    user_data: UserData,
}

/// What is to be closed.
struct Open {
    callbacks: Arc<Callbacks>,
    outcome: Arc<Mutex<Result<()>>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(close) = self.callbacks.table.close else { return };
        take_explanation();
        // SAFETY: the application's own function, with what its documentation promises: once.
        let answer = unsafe { close(self.callbacks.user_data.pointer) };
        let outcome = match verdict("close", answer) {
            Ok(()) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
            Err(_) => Err(invalid("the close callback wants to wait: it cannot")),
        };
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }
}

impl CustomTransport {
    pub(crate) fn new(
        table: en_transport_callbacks_t,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<CustomTransport> {
        if table.recv.is_none() && table.send.is_none() {
            return Err(invalid("callbacks->recv and callbacks->send are both NULL: one is needed"));
        }
        let callbacks = Arc::new(Callbacks { table, user_data: UserData { pointer, destroy } });
        let outcome = Arc::new(Mutex::new(Ok(())));
        let open = Open { callbacks: callbacks.clone(), outcome: outcome.clone() };
        Ok(CustomTransport { callbacks, closed: AtomicBool::new(false), inside: Slot::new(open), outcome })
    }

    /// Stays open while callbacks run.
    fn enter(&self) -> Result<Visit<'_, Open>> {
        let visit = self.inside.visit();
        match self.closed.load(Ordering::SeqCst) {
            true => Err(Error::new(EN_ECLOSED, "the transport is closed")),
            false => Ok(visit),
        }
    }

    /// Calls a callback that says how many bytes it has taken or brought.
    fn count(&self, name: &str, callback: impl FnOnce(*mut usize, *mut c_void) -> c_int) -> Attempt<usize> {
        let _inside = self.enter()?;
        take_explanation();
        let mut count = 0;
        verdict(name, callback(&raw mut count, self.callbacks.user_data.pointer))?;
        Ok(count)
    }

    fn recv(&self, buffer: &mut [u8]) -> Attempt<usize> {
        let recv = self.callbacks.table.recv.ok_or_else(|| missing("receive"))?;
        let (data, capacity) = (buffer.as_mut_ptr().cast(), buffer.len());
        // SAFETY: the application's own function, with what its documentation promises.
        let count =
            self.count("recv", |count, user_data| unsafe { recv(data, capacity, count, user_data) })?;
        within("recv", count, capacity)
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
    ) -> Attempt<usize> {
        let recv = self.callbacks.table.recv_with_ancillary.ok_or_else(no_ancillary)?;
        let mut control = vec![0_u64; room.div_ceil(size_of::<u64>())];
        let (data, capacity) = (buffer.as_mut_ptr().cast(), buffer.len());
        let (mut size, mut truncated) = (room, 0);
        let (address, size_out, cut) = (control.as_mut_ptr().cast(), &raw mut size, &raw mut truncated);
        let outcome = self.count("recv_with_ancillary", |count, user_data| {
            // SAFETY: the application's own function, with what its documentation promises.
            unsafe { recv(data, capacity, address, size_out, cut, count, user_data) }
        });
        if let Err(Stop::Want(_)) = outcome {
            return outcome;
        }
        // Descriptors may have come also with what fails, such as a datagram that does not fit.
        let sized = within("recv_with_ancillary", size, room).map(|size| {
            let bytes: Vec<u8> = control.iter().flat_map(|word| word.to_ne_bytes()).take(size).collect();
            // SAFETY: the application's function has given away what it has put there.
            unsafe { ancillary.received(bytes, size, truncated != 0) };
        });
        let count = outcome?;
        sized?;
        within("recv_with_ancillary", count, capacity)
    }

    fn send(&self, slices: &[IoSlice<'_>]) -> Attempt<usize> {
        let send = self.callbacks.table.send.ok_or_else(|| missing("send"))?;
        let parts = parts(slices);
        self.count("send", |count, user_data| {
            // SAFETY: the application's own function, with what its documentation promises.
            unsafe { send(parts.as_ptr(), parts.len(), count, user_data) }
        })
    }

    fn call_send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8]) -> Attempt<usize> {
        let send = self.callbacks.table.send_with_ancillary.ok_or_else(no_ancillary)?;
        let parts = parts(slices);
        self.count("send_with_ancillary", |count, user_data| {
            let (control, size) = (control.as_ptr().cast(), control.len());
            // SAFETY: the application's own function, with what its documentation promises.
            unsafe { send(parts.as_ptr(), parts.len(), control, size, count, user_data) }
        })
    }

    fn attribute_of(&self, number: c_int) -> Result<Vec<u8>> {
        let attribute = self.callbacks.table.attribute.ok_or_else(no_attribute)?;
        let _inside = self.enter()?;
        let mut value = vec![0; ATTRIBUTE_ROOM];
        let mut size = value.len();
        take_explanation();
        // SAFETY: the application's own function, with what its documentation promises.
        let answer = unsafe {
            attribute(number, value.as_mut_ptr().cast(), &raw mut size, self.callbacks.user_data.pointer)
        };
        if answer == EN_ENODATA {
            return Err(no_attribute());
        }
        match verdict("attribute", answer).and_then(|()| within("attribute", size, value.len())) {
            Ok(size) => {
                value.truncate(size);
                Ok(value)
            }
            Err(Stop::Failed(error)) => Err(error),
            Err(_) => Err(invalid("the attribute callback wants to wait: it cannot")),
        }
    }
}

/// What a callback's answer means.
fn verdict(name: &str, answer: c_int) -> Attempt<()> {
    match answer {
        EN_CALLBACK_DONE => Ok(()),
        EN_WANT_READ => Err(Stop::Want(Interest::Read)),
        EN_WANT_WRITE => Err(Stop::Want(Interest::Write)),
        code if is_connection(code) => {
            let text = || format!("the {name} callback: {}", text_of(code).to_string_lossy());
            Err(Error::new(code, take_explanation().unwrap_or_else(text)).into())
        }
        code => Err(failure(name, code).into()),
    }
}

fn within(name: &str, count: usize, most: usize) -> Attempt<usize> {
    match count <= most {
        true => Ok(count),
        false => {
            Err(invalid(format!("the {name} callback says {count} bytes, and {most} were possible")).into())
        }
    }
}

/// How many bytes of a stream went: one at least, and not more than there are.
fn went(name: &str, count: usize, slices: &[IoSlice<'_>]) -> Attempt<usize> {
    let size = slices.iter().map(|slice| slice.len()).sum();
    if count == 0 && size > 0 {
        let reason = format!("the {name} callback has sent nothing, and does not want to wait");
        return Err(invalid(reason).into());
    }
    within(name, count, size)
}

/// A datagram goes whole.
fn whole(name: &str, count: usize, slices: &[IoSlice<'_>]) -> Attempt<usize> {
    let size = slices.iter().map(|slice| slice.len()).sum();
    match count == size {
        true => Ok(count),
        false => {
            let reason = format!("the {name} callback says {count} bytes of a datagram of {size}");
            Err(invalid(reason).into())
        }
    }
}

fn parts(slices: &[IoSlice<'_>]) -> Vec<en_slice_t> {
    slices.iter().map(|slice| en_slice_t { data: slice.as_ptr().cast(), size: slice.len() }).collect()
}

#[cold]
fn missing(what: &str) -> Error {
    Error::new(EN_EOPNOTSUPP, format!("this transport cannot {what}: it has no callback for that"))
}

/// The attribute of a number.
pub(super) fn attribute_of(number: c_int) -> Result<Attribute> {
    match number {
        EN_ATTRIBUTE_DESCRIPTOR => Ok(Attribute::Descriptor),
        EN_ATTRIBUTE_FAMILY => Ok(Attribute::Family),
        EN_ATTRIBUTE_OWN_NAME => Ok(Attribute::OwnName),
        EN_ATTRIBUTE_PEER_NAME => Ok(Attribute::PeerName),
        EN_ATTRIBUTE_STANDARD_COMPATIBLE => Ok(Attribute::StandardCompatible),
        EN_ATTRIBUTE_USER_BASE.. => Ok(Attribute::Other(number)),
        _ => Err(invalid(format!("there is no attribute of number {number}"))),
    }
}

fn number_of(attribute: Attribute) -> c_int {
    match attribute {
        Attribute::Descriptor => EN_ATTRIBUTE_DESCRIPTOR,
        Attribute::Family => EN_ATTRIBUTE_FAMILY,
        Attribute::OwnName => EN_ATTRIBUTE_OWN_NAME,
        Attribute::PeerName => EN_ATTRIBUTE_PEER_NAME,
        Attribute::StandardCompatible => EN_ATTRIBUTE_STANDARD_COMPATIBLE,
        Attribute::Other(number) => number,
    }
}

impl Transport for CustomTransport {
    fn stop_receiving(&self) {}

    fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        // Who is inside a callback closes when leaving; then nobody hears how that went.
        drop(self.inside.close());
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn runs_callbacks(&self) -> bool {
        true
    }

    fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        match self.attribute_of(number_of(which)) {
            Err(error) if error.code() == EN_ENODATA && which == Attribute::Descriptor => {
                let fd = self.fd(Interest::Read).or_else(|| self.fd(Interest::Write)).ok_or(error)?;
                Ok(fd.as_raw_fd().to_ne_bytes().to_vec())
            }
            outcome => outcome,
        }
    }

    fn fd(&self, interest: Interest) -> Option<BorrowedFd<'_>> {
        let fd = self.callbacks.table.fd?;
        let _inside = self.enter().ok()?;
        // SAFETY: the application's own function, with what its documentation promises.
        let fd = unsafe { fd(bits(interest), self.callbacks.user_data.pointer) };
        // SAFETY: the application keeps it open until `close` is called: it is polled, and watched by loops.
        (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }

    fn can_hold(&self) -> bool {
        false
    }
}

impl StreamTransport for CustomTransport {
    fn recv(&self, buffer: &mut [u8], _hold: Hold) -> Attempt<usize> {
        self.recv(buffer)
    }

    fn send(&self, slices: &[IoSlice<'_>], _hold: Hold) -> Attempt<usize> {
        went("send", self.send(slices)?, slices)
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        _hold: Hold,
    ) -> Attempt<usize> {
        self.recv_with_ancillary(buffer, ancillary, room)
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], _hold: Hold) -> Attempt<usize> {
        went("send_with_ancillary", self.call_send_with_ancillary(slices, control)?, slices)
    }

    fn send_eof(&self, _hold: Hold) -> Attempt<()> {
        let send_eof = self.callbacks.table.send_eof.ok_or_else(|| missing("send the end"))?;
        let _inside = self.enter()?;
        take_explanation();
        // SAFETY: the application's own function, with what its documentation promises.
        verdict("send_eof", unsafe { send_eof(self.callbacks.user_data.pointer) })
    }
}

impl DatagramTransport for CustomTransport {
    fn recv(&self, buffer: &mut [u8], _hold: Hold) -> Attempt<Arrived> {
        Ok(Arrived { size: self.recv(buffer)?, segment: 0 })
    }

    fn send(&self, datagrams: &[&[u8]], _hold: Hold) -> Attempt<usize> {
        let Some(first) = datagrams.first() else { return Ok(0) };
        let slices = [IoSlice::new(first)];
        whole("send", self.send(&slices)?, &slices)?;
        Ok(1)
    }

    fn recv_with_ancillary(
        &self,
        buffer: &mut [u8],
        ancillary: &mut Ancillary,
        room: usize,
        _hold: Hold,
    ) -> Attempt<Arrived> {
        Ok(Arrived { size: self.recv_with_ancillary(buffer, ancillary, room)?, segment: 0 })
    }

    fn send_with_ancillary(&self, slices: &[IoSlice<'_>], control: &[u8], _hold: Hold) -> Attempt<usize> {
        whole("send_with_ancillary", self.call_send_with_ancillary(slices, control)?, slices)
    }
}
