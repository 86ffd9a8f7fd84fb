//! How packets become datagrams; what callbacks become is in `datagram_callback.rs`.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::base::en_slice_t;
use super::datagram_callback::DatagramCallbacks;
use super::protocol_callbacks::{en_destroy_t, en_encode_t, sized};
use super::{Constructor, call, guard_void, handle, take};
use crate::protocol::datagram::RawDatagrams;
use crate::protocol::{DatagramProtocol, MaxSize};

/// How a datagram becomes a packet, and a packet a datagram. A protocol never changes and serves any
/// number of clients at the same time; each of them keeps its own hold on it.
pub struct en_datagram_protocol_t {
    _private: [u8; 0],
}

handle!(en_datagram_protocol_t, Arc<dyn DatagramProtocol>, "protocol");

/// Makes the protocol whose packets are the datagrams as they are. `max_packet_size` is the largest
/// packet, sent or received; 0 stands for the default.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_protocol_new_raw(
    out: *mut *mut en_datagram_protocol_t,
    max_packet_size: usize,
) -> c_int {
    call(|| {
        // SAFETY: `out` is NULL or writable.
        let out = unsafe { Constructor::new(out)? };
        out.boxed(Arc::new(RawDatagrams::new(MaxSize::new(max_packet_size)?)));
        Ok(())
    })
}

/// Turns the `size` bytes of a datagram (there may be none) into a packet: answers
/// `EN_CALLBACK_DONE`, and `*packet` (empty unless set) is it. If `packet->data` points into `data`,
/// it is handed on without a copy, otherwise it is copied when the callback returns. `EN_EBADMSG`,
/// `EN_EMSGSIZE` or a code of the application's own (`EN_EUSER_BASE` and below): the receive fails
/// so, the datagram is gone, and the next receive goes on with the next one.
pub type en_build_packet_t = Option<
    unsafe extern "C" fn(
        data: *const u8,
        size: usize,
        packet: *mut en_slice_t,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// A datagram protocol made of callbacks. `struct_size` is
/// `sizeof(en_datagram_protocol_callbacks_t)`; both callbacks are needed. For threads and
/// re-entrance see `en_stream_protocol_callbacks_t`: `make_datagram` is as `encode` there, and
/// `build_packet` as `decode`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct en_datagram_protocol_callbacks_t {
    /// The size of this struct, in bytes.
    pub struct_size: usize,
    /// A packet becomes a datagram.
    pub make_datagram: en_encode_t,
    /// A datagram becomes a packet.
    pub build_packet: en_build_packet_t,
}

/// Makes a protocol of callbacks. The struct is copied. `max_packet_size` is the largest packet,
/// given to `make_datagram` or built by `build_packet` (0 stands for the default); beyond it a call
/// answers `EN_EMSGSIZE`. `destroy` (may be NULL) is called once with `user_data` when the handle and
/// all its clients are gone; not if this call fails.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_protocol_new(
    out: *mut *mut en_datagram_protocol_t,
    callbacks: *const en_datagram_protocol_callbacks_t,
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
        out.boxed(Arc::new(DatagramCallbacks::new(callbacks, max_size, destroy, user_data)?));
        Ok(())
    })
}

/// Ends the handle; NULL is nothing. Clients that were made with it keep what they need.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_datagram_protocol_free(protocol: *mut en_datagram_protocol_t) {
    // SAFETY: `protocol` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(protocol) }));
}
