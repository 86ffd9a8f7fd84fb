//! C callbacks as a stream protocol over bytes that are gathered for them.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::callback::UserData;
use super::decode_callback::{Answer, State, Table};
use super::encode_callback::{Encode, encode};
use super::protocol_callbacks::{en_destroy_t, en_stream_protocol_callbacks_t};
use crate::error::{Result, invalid};
use crate::packet::Packet;
use crate::protocol::{Decoder, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol};

/// A protocol of callbacks over bytes that the endpoint gathers.
pub(crate) struct StreamCallbacks {
    table: Arc<Table<en_stream_protocol_callbacks_t>>,
    encode: Encode,
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
        if callbacks.decode.is_none() {
            return Err(invalid("callbacks->decode is NULL"));
        }
        let user_data = UserData { pointer, destroy };
        Ok(StreamCallbacks { table: Arc::new(Table { callbacks, user_data }), encode, max_size })
    }
}

impl Protocol for StreamCallbacks {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        encode("encode", self.encode, parts, out, &self.table.user_data)
    }

    fn runs_callbacks(&self) -> bool {
        true
    }
}

impl StreamProtocol for StreamCallbacks {
    fn decoder(&self, at_most: Option<MaxSize>) -> Result<Decoding> {
        let callbacks = &self.table.callbacks;
        let state = State::new(&self.table, callbacks.new_state, callbacks.free_state)?;
        Ok(Decoding::Gathered(Box::new(StreamDecoder {
            state,
            max_size: self.max_size.lowered(at_most),
            begun: false,
        })))
    }
}

struct StreamDecoder {
    state: State<en_stream_protocol_callbacks_t>,
    max_size: MaxSize,
    /// The callback has used bytes without giving a packet.
    begun: bool,
}

impl Decoder for StreamDecoder {
    fn decode(&mut self, bytes: &[u8], ended: bool) -> Step {
        let Table { callbacks, user_data } = &*self.state.table;
        let Some(decode) = callbacks.decode else {
            return Step::Broken(invalid("callbacks->decode is NULL"));
        };
        // SAFETY: the application's own function, with what its documentation promises.
        let answer = Answer::of(|used, packet| unsafe {
            let ended = c_int::from(ended);
            decode(bytes.as_ptr(), bytes.len(), ended, used, packet, self.state.pointer, user_data.pointer)
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
