//! The header of protocols made of C callbacks; what they become is in `stream_callback.rs` and
//! `buffered_callback.rs`.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::base::en_slice_t;
use super::buffered_callback::BufferedCallbacks;
use super::encode_callback::Frame;
use super::protocol::en_stream_protocol_t;
use super::stream_callback::StreamCallbacks;
use super::{Constructor, borrow, bytes, call, handle, null};
use crate::error::{Result, invalid};
use crate::protocol::MaxSize;

/// What `decode` answers when `*packet` is a packet and `*used` bytes are spent.
pub const EN_DECODE_PACKET: c_int = 1;
/// What `decode` answers when it needs more bytes.
pub const EN_DECODE_MORE: c_int = 2;
/// What every other protocol callback answers when all went well.
pub const EN_CALLBACK_DONE: c_int = 1;

/// The bytes that one packet becomes, while `encode` (for datagrams: `make_datagram`) puts them
/// together. Valid only during that call and only for its thread.
pub struct en_frame_t {
    _private: [u8; 0],
}

handle!(en_frame_t, Frame<'static, 'static>, "frame");

/// Appends a copy of `size` bytes.
///
/// Thread of the `encode` callback only.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_frame_append(frame: *mut en_frame_t, data: *const c_void, size: usize) -> c_int {
    call(|| {
        // SAFETY: `frame` is NULL or the one of the running call, `data` NULL or `size` bytes.
        let (frame, data) = unsafe { (borrow(frame)?, bytes(data, size, "data")?) };
        frame.append(data);
        Ok(())
    })
}

/// Appends `size` bytes without copying them: they must stay as they are until the call that sends
/// the packet has returned. Meant for the parts of the packet itself, and for constants.
///
/// Thread of the `encode` callback only.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_frame_append_borrowed(
    frame: *mut en_frame_t,
    data: *const c_void,
    size: usize,
) -> c_int {
    call(|| {
        // SAFETY: `frame` is NULL or the one of the running call, `data` NULL or `size` bytes that
        // the callback promises to keep until the sending call has returned.
        let (frame, data) = unsafe { (borrow(frame)?, bytes(data, size, "data")?) };
        frame.append_borrowed(data);
        Ok(())
    })
}

/// Turns one packet, given in `count` parts, into bytes: appends them to `frame`, in any number of
/// steps, and answers `EN_CALLBACK_DONE`; or `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the
/// application's own (`EN_EUSER_BASE` and below), and nothing is sent. What `en_frame_append`
/// answers is not an answer to give: it is 0 if all is well.
pub type en_encode_t = Option<
    unsafe extern "C" fn(
        parts: *const en_slice_t,
        count: usize,
        frame: *mut en_frame_t,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// Looks for a packet at the beginning of the `size` bytes (at least one) that are there and not
/// spent. Answers
/// `EN_DECODE_PACKET`: `*packet` is a packet, and `*used` bytes (0 only if the packet came from
/// `state`) are spent. If `packet->data` points into `data`, it is handed on without a copy,
/// otherwise it is copied when the callback returns.
/// `EN_DECODE_MORE`: more bytes are needed; `*used` of them are spent (0 unless set), the rest is
/// shown again with what arrives.
/// `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the application's own (`EN_EUSER_BASE` and below): the
/// receive fails so, `*used` bytes are skipped, and the next receive goes on behind them.
/// `*used` is 0 and `*packet` empty when the call begins; values out of bounds are `EN_EINVAL`.
/// `end_of_stream` is 1 if nothing can follow any more: a packet that only the end completes may
/// then be given. It is called without bytes (`size` 0) only then, and only if it has used bytes
/// since the last packet. `state` is what `new_state` made for this client.
pub type en_decode_t = Option<
    unsafe extern "C" fn(
        data: *const u8,
        size: usize,
        end_of_stream: c_int,
        used: *mut usize,
        packet: *mut en_slice_t,
        state: *mut c_void,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// Makes the decoding state of one client: `*state`, NULL unless set. Answers `EN_CALLBACK_DONE`,
/// or a code as `decode` does, which fails the constructor of the client.
pub type en_new_state_t =
    Option<unsafe extern "C" fn(state: *mut *mut c_void, user_data: *mut c_void) -> c_int>;

/// Ends the decoding state of one client: when it is closed, freed, or its loop is, and no call of it
/// is decoding.
pub type en_free_state_t = Option<unsafe extern "C" fn(state: *mut c_void, user_data: *mut c_void)>;

/// Ends `user_data`.
pub type en_destroy_t = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A protocol made of callbacks. `struct_size` is `sizeof(en_stream_protocol_callbacks_t)`;
/// `encode` and `decode` are needed, the others may be NULL.
///
/// The callbacks run inside the calls that send and receive, in the threads of those calls:
/// `encode` of one client never twice at a time, `decode` neither, but both at once, and those of
/// different clients in parallel. They must not throw, longjmp or exit the thread. Their own client
/// answers `EN_EDEADLK` to them, to all but close, abort, free, is_closed, fileno, and what it knows
/// by itself: addresses, the peer's credentials, the size of receives, statistics.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct en_stream_protocol_callbacks_t {
    /// The size of this struct, in bytes.
    pub struct_size: usize,
    /// A packet becomes bytes.
    pub encode: en_encode_t,
    /// Bytes become packets.
    pub decode: en_decode_t,
    /// Makes the state for one client.
    pub new_state: en_new_state_t,
    /// Ends the state of one client.
    pub free_state: en_free_state_t,
}

/// Makes a protocol of callbacks. The struct is copied. `max_packet_size` is the largest packet that is
/// received (0 stands for the default): a larger one is `EN_EMSGSIZE`, and receiving goes on behind it.
/// No more bytes may gather without a packet either: beyond that every later receive answers
/// `EN_EMSGSIZE`, too. `destroy` (may be NULL) is called once with
/// `user_data` when the handle and all its clients are gone; not if this call fails.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new(
    out: *mut *mut en_stream_protocol_t,
    callbacks: *const en_stream_protocol_callbacks_t,
    max_packet_size: usize,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let out = unsafe { Constructor::new(out)? };
        // SAFETY: `callbacks` is NULL or a struct as long as its first field says.
        let callbacks = unsafe { sized(callbacks, "callbacks")? };
        let max_size = MaxSize::new(max_packet_size)?;
        out.boxed(Arc::new(StreamCallbacks::new(callbacks, max_size, destroy, user_data)?));
        Ok(())
    })
}

/// Lends the memory that the next bytes are read into: `*size` bytes at `*buffer`, of which the
/// first `*start` (0 unless set) are already filled with bytes to decode. It stays the
/// application's, and must stay as it is until the next call of `lend` or the end of the state.
/// `size_hint` is how many bytes one read may bring. Answers `EN_CALLBACK_DONE` or a code as
/// `decode` does. An empty buffer, NULL, and a start at the end are `EN_EINVAL`.
pub type en_lend_t = Option<
    unsafe extern "C" fn(
        size_hint: usize,
        buffer: *mut *mut c_void,
        size: *mut usize,
        start: *mut usize,
        state: *mut c_void,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// Looks for a packet in the first `filled` bytes of the buffer that was lent last; answers as
/// `en_decode_t` does. What is not used behind a packet is put back at the start of the next
/// buffer, a part of it at a time: after `EN_DECODE_MORE` there is more behind the bytes that are
/// there, put back or read; `*used` must be 0 then, and if the buffer is full, the next one is lent
/// and begins with them.
pub type en_decode_buffer_t = Option<
    unsafe extern "C" fn(
        filled: usize,
        end_of_stream: c_int,
        used: *mut usize,
        packet: *mut en_slice_t,
        state: *mut c_void,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// The holder of a packet has released it.
pub type en_release_t =
    Option<unsafe extern "C" fn(data: *const c_void, size: usize, user_data: *mut c_void)>;

/// A protocol that lends the memory the socket reads into. `struct_size` is
/// `sizeof(en_buffered_protocol_callbacks_t)`; `encode`, `lend` and `decode` are needed.
///
/// Without `release` packets are copied when `decode` returns, and the memory is free again. With
/// it they are handed on where they lie, and `release` is called for each, from any thread, when
/// its holder has released it; until then the application leaves those bytes alone. For threads and
/// re-entrance see `en_stream_protocol_callbacks_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct en_buffered_protocol_callbacks_t {
    /// The size of this struct, in bytes.
    pub struct_size: usize,
    /// A packet becomes bytes.
    pub encode: en_encode_t,
    /// Lends memory.
    pub lend: en_lend_t,
    /// Bytes become packets.
    pub decode: en_decode_buffer_t,
    /// Makes the state for one client.
    pub new_state: en_new_state_t,
    /// Ends the state of one client.
    pub free_state: en_free_state_t,
    /// Takes the bytes of a packet back.
    pub release: en_release_t,
}

/// Makes a protocol of callbacks that lends the receive buffer; otherwise as
/// `en_stream_protocol_new`. The size of the buffers is the limit of what may gather without a
/// packet. If a buffer is full without a packet and the next one is no larger, the receive answers
/// `EN_EMSGSIZE` and nothing is lost: a later one that is lent a larger buffer goes on.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new_buffered(
    out: *mut *mut en_stream_protocol_t,
    callbacks: *const en_buffered_protocol_callbacks_t,
    destroy: en_destroy_t,
    user_data: *mut c_void,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let out = unsafe { Constructor::new(out)? };
        // SAFETY: `callbacks` is NULL or a struct as long as its first field says.
        let callbacks = unsafe { sized(callbacks, "callbacks")? };
        out.boxed(Arc::new(BufferedCallbacks::new(callbacks, destroy, user_data)?));
        Ok(())
    })
}

/// Reads a struct that begins with its size: an older, shorter one ends in NULL fields, a newer,
/// longer one must be zero where this version knows nothing.
///
/// # Safety
/// `table` is NULL or points to as many bytes as its first field says. All of `T`'s fields may be
/// zero.
pub(crate) unsafe fn sized<T: Copy>(table: *const T, name: &str) -> Result<T> {
    if table.is_null() {
        return Err(null(name));
    }
    // SAFETY: the first field is the size.
    let size = unsafe { table.cast::<usize>().read() };
    if size < size_of::<usize>() || size > 4096 || size % size_of::<usize>() != 0 {
        return Err(invalid(format!("{name}->struct_size is {size}: set it to sizeof")));
    }
    // SAFETY: `size` bytes may be read.
    let given = unsafe { std::slice::from_raw_parts(table.cast::<u8>(), size) };
    if given.iter().skip(size_of::<T>()).any(|byte| *byte != 0) {
        return Err(invalid(format!("{name} is of a later version and uses what this one has not")));
    }
    let mut value = std::mem::MaybeUninit::<T>::zeroed();
    let length = size.min(size_of::<T>());
    // SAFETY: both have `length` bytes; fields that stay zero are valid (None, 0).
    unsafe {
        std::ptr::copy_nonoverlapping(given.as_ptr(), value.as_mut_ptr().cast::<u8>(), length);
        Ok(value.assume_init())
    }
}
