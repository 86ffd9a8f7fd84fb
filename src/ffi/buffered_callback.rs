//! C callbacks as a stream protocol that lends the memory it receives into.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use super::base::en_slice_t;
use super::callback::{UserData, ask};
use super::decode_callback::{Answer, State, StateCallbacks};
use super::encode_callback::{Encode, encode};
use super::protocol_callbacks::{en_buffered_protocol_callbacks_t, en_destroy_t};
use crate::error::{Result, invalid};
use crate::packet::Packet;
use crate::protocol::{BufferedDecoder, Cut, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol};

type Lend =
    unsafe extern "C" fn(usize, *mut *mut c_void, *mut usize, *mut usize, *mut c_void, *mut c_void) -> c_int;
type Decode =
    unsafe extern "C" fn(usize, c_int, *mut usize, *mut en_slice_t, *mut c_void, *mut c_void) -> c_int;
type Release = unsafe extern "C" fn(*const c_void, usize, *mut c_void);

/// A protocol of callbacks that lends the memory the socket reads into.
pub(crate) struct BufferedCallbacks {
    encode: Encode,
    lend: Lend,
    decode: Decode,
    release: Option<Release>,
    state: StateCallbacks,
}

impl BufferedCallbacks {
    pub(crate) fn new(
        callbacks: en_buffered_protocol_callbacks_t,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<BufferedCallbacks> {
        let encode = callbacks.encode.ok_or_else(|| invalid("callbacks->encode is NULL"))?;
        let (Some(lend), Some(decode)) = (callbacks.lend, callbacks.decode) else {
            return Err(invalid("callbacks->lend or callbacks->decode is NULL"));
        };
        let user_data = Arc::new(UserData { pointer, destroy });
        let state = StateCallbacks { make: callbacks.new_state, free: callbacks.free_state, user_data };
        Ok(BufferedCallbacks { encode, lend, decode, release: callbacks.release, state })
    }
}

impl Protocol for BufferedCallbacks {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        encode("encode", self.encode, parts, out, &self.state.user_data)
    }

    fn runs_callbacks(&self) -> bool {
        true
    }
}

impl StreamProtocol for BufferedCallbacks {
    fn decoder(&self, _at_most: Option<MaxSize>) -> Result<Decoding> {
        Ok(Decoding::Lent(Box::new(LentDecoder {
            state: self.state.state()?,
            lend: self.lend,
            decode: self.decode,
            release: self.release,
            buffer: NonNull::dangling(),
            size: 0,
        })))
    }
}

struct LentDecoder {
    state: State,
    lend: Lend,
    decode: Decode,
    release: Option<Release>,
    buffer: NonNull<u8>,
    size: usize,
}

// SAFETY: the buffer is the application's, lent to whichever thread receives, one at a time.
unsafe impl Send for LentDecoder {}

impl BufferedDecoder for LentDecoder {
    fn lend(&mut self, size_hint: usize) -> Result<(&mut [u8], usize)> {
        let (state, user_data) = (self.state.pointer, self.state.user_data.pointer);
        let mut buffer = std::ptr::null_mut();
        let (mut size, mut start) = (0, 0);
        // SAFETY: the application's own function, with what its documentation promises.
        ask("lend", || unsafe {
            (self.lend)(size_hint, &raw mut buffer, &raw mut size, &raw mut start, state, user_data)
        })?;
        let buffer =
            NonNull::new(buffer.cast::<u8>()).ok_or_else(|| invalid("the lend callback lent NULL"))?;
        if size == 0 || size > isize::MAX as usize || start >= size {
            return Err(invalid(format!("the lend callback lent {size} bytes and would start at {start}")));
        }
        (self.buffer, self.size) = (buffer, size);
        Ok((self.buffer(), start))
    }

    fn buffer(&mut self) -> &mut [u8] {
        // SAFETY: the application lends `size` bytes there until the next `lend`; before the first
        // the slice is empty.
        unsafe { std::slice::from_raw_parts_mut(self.buffer.as_ptr(), self.size) }
    }

    fn decode(&mut self, filled: usize, ended: bool) -> Step {
        let (state, user_data) = (self.state.pointer, self.state.user_data.pointer);
        // SAFETY: the application's own function, with what its documentation promises.
        let answer = Answer::of(|used, packet| unsafe {
            (self.decode)(filled, c_int::from(ended), used, packet, state, user_data)
        });
        // SAFETY: the first `filled` bytes of the buffer, which is still lent.
        let bytes = unsafe { std::slice::from_raw_parts(self.buffer.as_ptr(), filled) };
        let Some(release) = self.release else { return answer.step(bytes, Packet::copied) };
        match answer.step(bytes, |packet| hand_on(packet, release, &self.state.user_data)) {
            Step::Packet(Cut { start, end, used }) => {
                Step::Made { packet: hand_on(&bytes[start..end], release, &self.state.user_data), used }
            }
            step => step,
        }
    }
}

/// A packet that stays in the application's memory until its holder releases it.
fn hand_on(bytes: &[u8], release: Release, user_data: &Arc<UserData>) -> Packet {
    let (address, size) = (bytes.as_ptr() as usize, bytes.len());
    let user_data = user_data.clone();
    // SAFETY: the application's own function, for a packet that it gave.
    let end = Box::new(move || unsafe { release(address as *const c_void, size, user_data.pointer) });
    // SAFETY: the application leaves the bytes alone until `release` is called.
    unsafe { Packet::foreign(NonNull::from(bytes).cast(), size, end) }
}
