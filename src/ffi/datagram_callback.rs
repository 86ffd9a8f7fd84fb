//! C callbacks as a datagram protocol.

use std::ffi::{c_int, c_void};

use super::base::en_slice_t;
use super::callback::{UserData, ask};
use super::datagram_protocol::en_datagram_protocol_callbacks_t;
use super::encode_callback::{Encode, encode};
use super::protocol_callbacks::en_destroy_t;
use crate::error::{Result, invalid};
use crate::packet::Packet;
use crate::protocol::{DatagramProtocol, MaxSize, Protocol, Sink};

type Build = unsafe extern "C" fn(*const u8, usize, *mut en_slice_t, *mut c_void) -> c_int;

/// A protocol of callbacks over datagrams.
pub(crate) struct DatagramCallbacks {
    make: Encode,
    build: Build,
    max_size: MaxSize,
    user_data: UserData,
}

impl DatagramCallbacks {
    pub(crate) fn new(
        callbacks: en_datagram_protocol_callbacks_t,
        max_size: MaxSize,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<DatagramCallbacks> {
        let make = callbacks.make_datagram.ok_or_else(|| invalid("callbacks->make_datagram is NULL"))?;
        let build = callbacks.build_packet.ok_or_else(|| invalid("callbacks->build_packet is NULL"))?;
        Ok(DatagramCallbacks { make, build, max_size, user_data: UserData { pointer, destroy } })
    }
}

impl Protocol for DatagramCallbacks {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        self.max_size.admit(parts)?;
        encode("make_datagram", self.make, parts, out, &self.user_data)
    }

    fn runs_callbacks(&self) -> bool {
        true
    }
}

impl DatagramProtocol for DatagramCallbacks {
    fn decode(&self, datagram: &mut Packet) -> Result<()> {
        let mut slice = en_slice_t { data: std::ptr::null(), size: 0 };
        // SAFETY: the application's own function, with what its documentation promises.
        ask("build_packet", || unsafe {
            (self.build)(datagram.as_ptr(), datagram.len(), &raw mut slice, self.user_data.pointer)
        })?;
        if slice.size > self.max_size.bytes() {
            return Err(self.max_size.exceeded());
        }
        turn_into(datagram, &slice)
    }
}

/// Makes the datagram the packet that a callback gave: a part of it, or bytes that lie elsewhere.
fn turn_into(datagram: &mut Packet, given: &en_slice_t) -> Result<()> {
    let start = given.data.addr().wrapping_sub(datagram.as_ptr().addr());
    if given.size == 0 || start >= datagram.len() {
        // SAFETY: the application says that its packet lies there.
        *datagram = Packet::copied(unsafe { super::bytes(given.data, given.size, "packet")? });
        return Ok(());
    }
    if given.size > datagram.len() - start {
        return Err(invalid("the build_packet callback gave a packet that reaches beyond the datagram"));
    }
    datagram.narrow(start, start + given.size);
    Ok(())
}
