//! C callbacks as a stream protocol over bytes that are gathered for them.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::base::en_slice_t;
use super::callback::UserData;
use super::decode_callback::{Answer, State, StateCallbacks};
use super::encode_callback::{Encode, encode};
use super::protocol_callbacks::{en_destroy_t, en_stream_protocol_callbacks_t};
use crate::error::{Result, invalid};
use crate::packet::Packet;
use crate::protocol::{Decoder, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol};

type Decode = unsafe extern "C" fn(
    *const u8,
    usize,
    c_int,
    *mut usize,
    *mut en_slice_t,
    *mut c_void,
    *mut c_void,
) -> c_int;

/// A protocol of callbacks over bytes that the endpoint gathers.
pub(crate) struct StreamCallbacks {
    encode: Encode,
    decode: Decode,
    state: StateCallbacks,
    max_size: MaxSize,
}

impl StreamCallbacks {
    pub(crate) fn new(
        callbacks: en_stream_protocol_callbacks_t,
        max_size: MaxSize,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<StreamCallbacks> {
        let encode = callbacks.encode.ok_or_else(|| invalid("callbacks->encode is NULL"))?;
        let decode = callbacks.decode.ok_or_else(|| invalid("callbacks->decode is NULL"))?;
        let user_data = Arc::new(UserData { pointer, destroy });
        let state = StateCallbacks { make: callbacks.new_state, free: callbacks.free_state, user_data };
        Ok(StreamCallbacks { encode, decode, state, max_size })
    }
}

impl Protocol for StreamCallbacks {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        encode("encode", self.encode, parts, out, &self.state.user_data)
    }

    fn runs_callbacks(&self) -> bool {
        true
    }
}

impl StreamProtocol for StreamCallbacks {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        let (state, max_size) = (self.state.state()?, self.max_size.lowered(at_most));
        Ok(Decoding::Gathered(Box::new(StreamDecoder { state, decode: self.decode, max_size, begun: false })))
    }
}

struct StreamDecoder {
    state: State,
    decode: Decode,
    max_size: MaxSize,
    /// The callback has used bytes without giving a packet.
    begun: bool,
}

impl Decoder for StreamDecoder {
    fn decode(&mut self, bytes: &[u8], ended: bool) -> Step {
        let (state, user_data) = (self.state.pointer, self.state.user_data.pointer);
        // SAFETY: the application's own function, with what its documentation promises.
        let answer = Answer::of(|used, packet| unsafe {
            let ended = c_int::from(ended);
            (self.decode)(bytes.as_ptr(), bytes.len(), ended, used, packet, state, user_data)
        });
        let step = answer.step(bytes, Packet::copied).at_most(self.max_size);
        self.begun = match step {
            Step::More { used, .. } => self.begun || used > 0,
            Step::Bad { used: 0, .. } => self.begun && !bytes.is_empty(),
            _ => false,
        };
        step
    }

    fn has_begun(&self) -> bool {
        self.begun
    }

    fn limit(&self) -> usize {
        self.max_size.bytes()
    }
}
