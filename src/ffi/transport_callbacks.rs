//! The header of transports made of C callbacks; what they become is in `custom_transport.rs`.

use std::ffi::{c_int, c_void};

use super::base::en_slice_t;

/// Receives up to `capacity` bytes (at least one) into `buffer` without waiting, and says how many in
/// `*count`, which is 0 when the call begins: 0 is the end of the stream. Of datagrams it receives
/// one, whole; `*count` 0 is an empty one, and one that does not fit is `EN_EMSGSIZE`. Answers
/// `EN_CALLBACK_DONE`; or `EN_WANT_READ` or `EN_WANT_WRITE` if it would have to wait; or
/// `EN_EBADMSG`, `EN_EMSGSIZE`, a code of the application's own (`EN_EUSER_BASE` and below), or one
/// that says that the connection is over (`en_error_is_connection`). A count above `capacity` is
/// `EN_EINVAL`.
pub type en_transport_recv_t = Option<
    unsafe extern "C" fn(
        buffer: *mut c_void,
        capacity: usize,
        count: *mut usize,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// Sends as many as go of the bytes in the `slice_count` slices, at least one, without waiting, and
/// says how many in `*count`, which is 0 when the call begins. The slices of a datagram are one
/// datagram, which goes whole or not at all. Answers as `en_transport_recv_t` does; counts that
/// cannot be are `EN_EINVAL`. After `EN_WANT_READ` or `EN_WANT_WRITE` nothing has been sent.
pub type en_transport_send_t = Option<
    unsafe extern "C" fn(
        slices: *const en_slice_t,
        slice_count: usize,
        count: *mut usize,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// As `en_transport_recv_t`, with ancillary data: control messages as recvmsg(2) writes them go to
/// `control`, where there is room for `*control_size` bytes; `*control_size` becomes how many there
/// are (it must be set), and `*is_truncated` 1 if some did not fit. Descriptors in them are the
/// library's from then on, whatever the callback answers.
pub type en_transport_recv_with_ancillary_t = Option<
    unsafe extern "C" fn(
        buffer: *mut c_void,
        capacity: usize,
        control: *mut c_void,
        control_size: *mut usize,
        is_truncated: *mut c_int,
        count: *mut usize,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// As `en_transport_send_t`, with ancillary data: `control_size` bytes of control messages at
/// `control`, as sendmsg(2) takes them, that go with the first byte.
pub type en_transport_send_with_ancillary_t = Option<
    unsafe extern "C" fn(
        slices: *const en_slice_t,
        slice_count: usize,
        control: *const c_void,
        control_size: usize,
        count: *mut usize,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// Sends the end of the stream; answers as `en_transport_recv_t` does.
pub type en_transport_send_eof_t = Option<unsafe extern "C" fn(user_data: *mut c_void) -> c_int>;

/// Closes the transport; answers `EN_CALLBACK_DONE` or a code as `en_transport_recv_t` does. It is
/// called once: when the transport is closed, or has no holder any more, and no `recv` or `send` is
/// running. A call that waits may still poll the descriptor for as long as a retry interval.
pub type en_transport_close_t = Option<unsafe extern "C" fn(user_data: *mut c_void) -> c_int>;

/// The descriptor to poll for what `interest` says, `EN_INTEREST_READ` or `EN_INTEREST_WRITE`; a
/// negative number if there is none: then calls that wait look again after each retry interval. It stays
/// open until `close` is called.
pub type en_transport_fd_t = Option<unsafe extern "C" fn(interest: c_int, user_data: *mut c_void) -> c_int>;

/// Writes the attribute of the number `attribute` (`EN_ATTRIBUTE_...`, or from
/// `EN_ATTRIBUTE_USER_BASE` on one of the application's own) to `value`, where there is room for
/// `*size` bytes, and its size to `*size`. Answers `EN_CALLBACK_DONE`, `EN_ENODATA` if it has no
/// such attribute, or a code as `en_transport_recv_t` does.
pub type en_transport_attribute_t = Option<
    unsafe extern "C" fn(
        attribute: c_int,
        value: *mut c_void,
        size: *mut usize,
        user_data: *mut c_void,
    ) -> c_int,
>;

/// A transport made of callbacks. `struct_size` is `sizeof(en_transport_callbacks_t)`. `recv`, `send`
/// or both are needed; all others may be NULL, and what has no callback answers `EN_EOPNOTSUPP`.
///
/// The callbacks run inside the calls of whatever is made over the transport, in the threads of those
/// calls, and must not wait: `recv` never twice at a time, `send` and `send_eof` neither, but one of
/// each at once. They must not throw, longjmp or exit the thread. The transport, and what is made
/// over it, answers `EN_EDEADLK` or `EN_EBUSY` to them; it may be closed and freed, which takes effect
/// when they have returned.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct en_transport_callbacks_t {
    /// The size of this struct, in bytes.
    pub struct_size: usize,
    /// Bytes come in.
    pub recv: en_transport_recv_t,
    /// Bytes go out.
    pub send: en_transport_send_t,
    /// Bytes come in with ancillary data.
    pub recv_with_ancillary: en_transport_recv_with_ancillary_t,
    /// Bytes go out with ancillary data.
    pub send_with_ancillary: en_transport_send_with_ancillary_t,
    /// The end goes out; not for datagrams.
    pub send_eof: en_transport_send_eof_t,
    /// All is over.
    pub close: en_transport_close_t,
    /// What to poll.
    pub fd: en_transport_fd_t,
    /// What is known of it.
    pub attribute: en_transport_attribute_t,
}

/// The descriptor, an `int`.
pub const EN_ATTRIBUTE_DESCRIPTOR: c_int = 1;
/// The address family, an `int` (`AF_...`).
pub const EN_ATTRIBUTE_FAMILY: c_int = 2;
/// The name of this end, a `struct sockaddr`.
pub const EN_ATTRIBUTE_OWN_NAME: c_int = 3;
/// The name of the peer's end, a `struct sockaddr`.
pub const EN_ATTRIBUTE_PEER_NAME: c_int = 4;
/// Whether the end of TLS must be said, and heard, an `int`. (What else TLS has agreed on tells
/// `en_tls_info_t`.)
pub const EN_ATTRIBUTE_STANDARD_COMPATIBLE: c_int = 5;
/// From here on the numbers are those of the application's own transports.
pub const EN_ATTRIBUTE_USER_BASE: c_int = 1000;

/// Attempts something of the application's own, such as several calls of `_noblock` functions, without
/// waiting. Answers `EN_CALLBACK_DONE` when it is done; `EN_WANT_READ` or `EN_WANT_WRITE` to be
/// called again when `*fd` (-1, which is no descriptor, unless set) is ready for that; or any other
/// code of a failure, such as that of a `_noblock` function, or one of the application's own
/// (`EN_EUSER_BASE` and below): it ends the call. It may call all functions of the transport.
pub type en_attempt_t = Option<unsafe extern "C" fn(fd: *mut c_int, user_data: *mut c_void) -> c_int>;
