//! C callback tables as stream protocols, and what all callbacks have in common.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use super::base::en_slice_t;
use super::error::take_explanation;
use super::protocol_callbacks::en_frame_t;
use super::protocol_callbacks::{
    EN_CALLBACK_DONE, EN_DECODE_MORE, EN_DECODE_PACKET, en_buffered_protocol_callbacks_t, en_destroy_t,
    en_stream_protocol_callbacks_t,
};
use super::tcp_options::en_interrupt_t;
use crate::blocking::wait;
use crate::error::{
    EN_EBADMSG, EN_ECANCELED, EN_EINVAL, EN_EMSGSIZE, EN_EUSER_BASE, Error, Result, invalid, text_of,
};
use crate::packet::Packet;
use crate::protocol::{
    BufferedDecoder, Cut, Decoder, Decoding, MaxSize, Protocol, Sink, Step, StreamProtocol,
};

/// What the application hangs on to a registration, and its end.
pub(super) struct UserData {
    pub(super) pointer: *mut c_void,
    pub(super) destroy: en_destroy_t,
}

// SAFETY: the application is told that its callbacks run in the threads of the calls, so the pointer
// may go to any thread; we only hand it on.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the application gave this pair, and this is the one time it is called.
            unsafe { destroy(self.pointer) };
        }
    }
}

/// The error behind what a callback answered: the codes it may use travel unchanged.
pub(super) fn failure(name: &str, answer: c_int) -> Error {
    let explanation = take_explanation();
    match answer {
        EN_EBADMSG | EN_EMSGSIZE | ..=EN_EUSER_BASE => Error::new(
            answer,
            explanation
                .unwrap_or_else(|| format!("the {name} callback: {}", text_of(answer).to_string_lossy())),
        ),
        _ => {
            let said = explanation.map(|text| format!(" ({text})")).unwrap_or_default();
            invalid(format!("the {name} callback answered {answer}, which it must not{said}"))
        }
    }
}

/// Calls a callback with no explanation left over from before.
pub(super) fn ask(name: &str, callback: impl FnOnce() -> c_int) -> Result<()> {
    take_explanation();
    match callback() {
        EN_CALLBACK_DONE => Ok(()),
        answer => Err(failure(name, answer)),
    }
}

/// What `encode` appends to.
pub(crate) struct Frame<'g, 'o> {
    sink: RefCell<NonNull<Sink<'g, 'o>>>,
}

impl Frame<'_, '_> {
    pub(crate) fn append(&self, bytes: &[u8]) {
        // SAFETY: the sink lives while `encode` runs, and its thread alone uses it.
        unsafe { self.sink.borrow_mut().as_mut() }.push_copy(bytes);
    }

    pub(crate) fn append_borrowed(&self, bytes: &'static [u8]) {
        // SAFETY: as above; the application keeps the bytes until the sending call has returned,
        // and what the sink fills does not outlive that.
        unsafe { self.sink.borrow_mut().as_mut() }.push(bytes);
    }
}

pub(super) type Encode =
    unsafe extern "C" fn(*const en_slice_t, usize, *mut en_frame_t, *mut c_void) -> c_int;

/// Has a callback turn a packet into bytes.
pub(super) fn encode<'a>(
    name: &str,
    callback: Encode,
    parts: &[&'a [u8]],
    out: &mut Sink<'a, '_>,
    user_data: &UserData,
) -> Result<()> {
    let one;
    let many;
    let slices = match parts {
        [part] => {
            one = [slice(part)];
            &one[..]
        }
        parts => {
            many = parts.iter().map(|part| slice(part)).collect::<Vec<_>>();
            &many[..]
        }
    };
    let frame = Frame { sink: RefCell::new(NonNull::from(out)) };
    let handle = (&raw const frame).cast_mut().cast::<en_frame_t>();
    // SAFETY: the application's own function, with what its documentation promises.
    ask(name, || unsafe { callback(slices.as_ptr(), slices.len(), handle, user_data.pointer) })
}

fn slice(bytes: &[u8]) -> en_slice_t {
    en_slice_t { data: bytes.as_ptr().cast(), size: bytes.len() }
}

/// The state of one client, made and ended by the application.
struct State<T: 'static> {
    pointer: *mut c_void,
    table: Arc<Table<T>>,
    free: super::protocol_callbacks::en_free_state_t,
}

// SAFETY: as for UserData; one thread at a time uses it.
unsafe impl<T> Send for State<T> {}

/// Callbacks and what they are given.
pub(crate) struct Table<T> {
    callbacks: T,
    user_data: UserData,
}

impl<T> State<T> {
    fn new(
        table: &Arc<Table<T>>,
        make: super::protocol_callbacks::en_new_state_t,
        free: super::protocol_callbacks::en_free_state_t,
    ) -> Result<State<T>> {
        let mut pointer = std::ptr::null_mut();
        if let Some(make) = make {
            // SAFETY: the application's own function, with what its documentation promises.
            ask("new_state", || unsafe { make(&raw mut pointer, table.user_data.pointer) })?;
        }
        Ok(State { pointer, table: table.clone(), free })
    }
}

impl<T> Drop for State<T> {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the state came from `new_state` (or is NULL), and ends here, once.
            unsafe { free(self.pointer, self.table.user_data.pointer) };
        }
    }
}

/// What a decode callback answered.
struct Answer {
    code: c_int,
    used: usize,
    packet: en_slice_t,
}

impl Answer {
    fn of(callback: impl FnOnce(*mut usize, *mut en_slice_t) -> c_int) -> Answer {
        take_explanation();
        let mut used = 0;
        let mut packet = en_slice_t { data: std::ptr::null(), size: 0 };
        let code = callback(&raw mut used, &raw mut packet);
        Answer { code, used, packet }
    }

    /// What it means for the `bytes` it was shown; packets that lie elsewhere go through `keep`.
    fn step(self, bytes: &[u8], keep: impl FnOnce(&[u8]) -> Packet) -> Step {
        if self.used > bytes.len() {
            let reason = format!("the decode callback used {} bytes of {}", self.used, bytes.len());
            return Step::Bad { error: invalid(reason), used: 0 };
        }
        let used = self.used;
        match self.code {
            EN_DECODE_MORE => Step::More { used },
            EN_DECODE_PACKET => self.packet_step(bytes, keep),
            code => {
                Step::Bad { error: failure("decode", code), used: if code == EN_EINVAL { 0 } else { used } }
            }
        }
    }

    fn packet_step(&self, bytes: &[u8], keep: impl FnOnce(&[u8]) -> Packet) -> Step {
        let used = self.used;
        let address = self.packet.data.addr();
        let within = address.wrapping_sub(bytes.as_ptr().addr());
        if used == 0 && !bytes.is_empty() && (self.packet.size == 0 || within < bytes.len()) {
            let reason =
                "the decode callback gave a packet of the bytes, but used none: it would do so for ever";
            return Step::Bad { error: invalid(reason), used: 0 };
        }
        if self.packet.size == 0 {
            return Step::Packet(Cut { start: 0, end: 0, used });
        }
        if within < bytes.len() {
            return match self.packet.size <= bytes.len() - within {
                true => Step::Packet(Cut { start: within, end: within + self.packet.size, used }),
                false => Step::Bad {
                    error: invalid("the decode callback gave a packet that reaches beyond the bytes"),
                    used: 0,
                },
            };
        }
        // SAFETY: the application says that its packet lies there.
        match unsafe { super::bytes(self.packet.data, self.packet.size, "packet") } {
            Ok(packet) => Step::Made { packet: keep(packet), used },
            Err(error) => Step::Bad { error, used: 0 },
        }
    }
}

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
    fn decoder(&self) -> Result<Decoding> {
        let callbacks = &self.table.callbacks;
        let state = State::new(&self.table, callbacks.new_state, callbacks.free_state)?;
        Ok(Decoding::Gathered(Box::new(StreamDecoder { state, max_size: self.max_size, begun: false })))
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

    fn set_limit(&mut self, size: usize) {
        self.max_size = self.max_size.lowered(size);
    }
}

/// A protocol of callbacks that lends the memory the socket reads into.
pub(crate) struct BufferedCallbacks {
    table: Arc<Table<en_buffered_protocol_callbacks_t>>,
    encode: Encode,
}

impl BufferedCallbacks {
    pub(crate) fn new(
        callbacks: en_buffered_protocol_callbacks_t,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<BufferedCallbacks> {
        let encode = callbacks.encode.ok_or_else(|| invalid("callbacks->encode is NULL"))?;
        if callbacks.lend.is_none() || callbacks.decode.is_none() {
            return Err(invalid("callbacks->lend or callbacks->decode is NULL"));
        }
        let user_data = UserData { pointer, destroy };
        Ok(BufferedCallbacks { table: Arc::new(Table { callbacks, user_data }), encode })
    }
}

impl Protocol for BufferedCallbacks {
    fn encode<'a>(&'a self, parts: &[&'a [u8]], out: &mut Sink<'a, '_>) -> Result<()> {
        encode("encode", self.encode, parts, out, &self.table.user_data)
    }

    fn runs_callbacks(&self) -> bool {
        true
    }
}

impl StreamProtocol for BufferedCallbacks {
    fn decoder(&self) -> Result<Decoding> {
        let callbacks = &self.table.callbacks;
        let state = State::new(&self.table, callbacks.new_state, callbacks.free_state)?;
        Ok(Decoding::Lent(Box::new(LentDecoder { state, buffer: NonNull::dangling(), size: 0 })))
    }
}

struct LentDecoder {
    state: State<en_buffered_protocol_callbacks_t>,
    buffer: NonNull<u8>,
    size: usize,
}

// SAFETY: the buffer is the application's, lent to whichever thread receives, one at a time.
unsafe impl Send for LentDecoder {}

impl BufferedDecoder for LentDecoder {
    fn lend(&mut self, size_hint: usize) -> Result<(&mut [u8], usize)> {
        let Table { callbacks, user_data } = &*self.state.table;
        let Some(lend) = callbacks.lend else { return Err(invalid("callbacks->lend is NULL")) };
        let mut buffer = std::ptr::null_mut();
        let (mut size, mut start) = (0, 0);
        // SAFETY: the application's own function, with what its documentation promises.
        ask("lend", || unsafe {
            lend(
                size_hint,
                &raw mut buffer,
                &raw mut size,
                &raw mut start,
                self.state.pointer,
                user_data.pointer,
            )
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
        let Table { callbacks, user_data } = &*self.state.table;
        let Some(decode) = callbacks.decode else {
            return Step::Broken(invalid("callbacks->decode is NULL"));
        };
        // SAFETY: the application's own function, with what its documentation promises.
        let answer = Answer::of(|used, packet| unsafe {
            decode(filled, c_int::from(ended), used, packet, self.state.pointer, user_data.pointer)
        });
        // SAFETY: the first `filled` bytes of the buffer, which is still lent.
        let bytes = unsafe { std::slice::from_raw_parts(self.buffer.as_ptr(), filled) };
        let Some(release) = callbacks.release else { return answer.step(bytes, Packet::copied) };
        match answer.step(bytes, |packet| hand_on(packet, release, &self.state.table)) {
            Step::Packet(Cut { start, end, used }) => {
                Step::Made { packet: hand_on(&bytes[start..end], release, &self.state.table), used }
            }
            step => step,
        }
    }
}

type Release = unsafe extern "C" fn(*const c_void, usize, *mut c_void);

/// A packet that stays in the application's memory until its holder releases it.
fn hand_on(bytes: &[u8], release: Release, table: &Arc<Table<en_buffered_protocol_callbacks_t>>) -> Packet {
    let (address, size) = (bytes.as_ptr() as usize, bytes.len());
    let table = table.clone();
    // SAFETY: the application's own function, for a packet that it gave.
    let end = Box::new(move || unsafe { release(address as *const c_void, size, table.user_data.pointer) });
    // SAFETY: the application leaves the bytes alone until `release` is called.
    unsafe { Packet::foreign(NonNull::from(bytes).cast(), size, end) }
}

/// Asks the application whether a call that waits shall go on.
pub(crate) struct Interrupt {
    callback: unsafe extern "C" fn(*mut c_void) -> c_int,
    user_data: UserData,
}

impl Interrupt {
    pub(crate) fn new(
        callback: en_interrupt_t,
        destroy: en_destroy_t,
        pointer: *mut c_void,
    ) -> Result<Interrupt> {
        let callback = callback.ok_or_else(|| invalid("interrupted is NULL"))?;
        Ok(Interrupt { callback, user_data: UserData { pointer, destroy } })
    }
}

impl wait::Interrupt for Interrupt {
    fn check(&self) -> Result<()> {
        take_explanation();
        // SAFETY: the application's own function, with what its documentation promises.
        match unsafe { (self.callback)(self.user_data.pointer) } {
            0 => Ok(()),
            code @ ..=EN_EUSER_BASE => Err(failure("interrupt", code)),
            _ => {
                let reason =
                    take_explanation().unwrap_or_else(|| "the interrupt callback ended the call".into());
                Err(Error::new(EN_ECANCELED, reason))
            }
        }
    }
}
