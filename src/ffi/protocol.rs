//! The framings that are built in.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::{Constructor, bytes, call, guard_void, handle, take};
use crate::error::{Result, invalid};
use crate::protocol::delimited::Delimited;
use crate::protocol::fixed::Fixed;
use crate::protocol::head::ByteOrder;
use crate::protocol::json::Json;
use crate::protocol::length_prefixed::{Prefix, length_prefixed};
use crate::protocol::line::{Line, Newline};
use crate::protocol::raw::Raw;
use crate::protocol::{MaxSize, StreamProtocol};

/// The maximum packet size where 0 is given: 16 MiB. At most 1 TiB (1099511627776) may be given,
/// with 32 bits less than 2 GiB.
pub const EN_MAX_PACKET_SIZE_DEFAULT: usize = 16777216;

/// A line ends with LF.
pub const EN_NEWLINE_LF: c_int = 0;
/// A line ends with CR LF.
pub const EN_NEWLINE_CRLF: c_int = 1;
/// A line ends with CR.
pub const EN_NEWLINE_CR: c_int = 2;
/// A line is sent with LF, and received with LF or CR LF.
pub const EN_NEWLINE_ANY: c_int = 3;

/// The length is one byte.
pub const EN_LENGTH_U8: c_int = 1;
/// The length is two bytes.
pub const EN_LENGTH_U16: c_int = 2;
/// The length is four bytes.
pub const EN_LENGTH_U32: c_int = 4;
/// The length is eight bytes.
pub const EN_LENGTH_U64: c_int = 8;
/// The length has seven bits in each byte, the lowest first, and the highest bit says "more
/// follows" (LEB128, as Protocol Buffers have it). It has no byte order.
pub const EN_LENGTH_VARINT: c_int = 0;

/// The most significant byte comes first (network byte order).
pub const EN_BIG_ENDIAN: c_int = 0;
/// The least significant byte comes first.
pub const EN_LITTLE_ENDIAN: c_int = 1;

/// How the bytes of a stream become packets, and packets bytes. A protocol never changes and
/// serves any number of clients at the same time; each of them keeps its own hold on it.
pub struct en_stream_protocol_t {
    _private: [u8; 0],
}

handle!(en_stream_protocol_t, Arc<dyn StreamProtocol>, "protocol");

fn construct<P: StreamProtocol + 'static>(
    out: *mut *mut en_stream_protocol_t,
    make: impl FnOnce() -> Result<P>,
) -> c_int {
    construct_shared(out, || Ok(Arc::new(make()?)))
}

fn construct_shared(
    out: *mut *mut en_stream_protocol_t,
    make: impl FnOnce() -> Result<Arc<dyn StreamProtocol>>,
) -> c_int {
    call(|| {
        // SAFETY: every caller below has promised that `out` is NULL or may be written.
        let out = unsafe { Constructor::new(out)? };
        out.boxed(make()?);
        Ok(())
    })
}

/// Makes a protocol of lines. `newline` is one of `EN_NEWLINE_...`. Packets come without their
/// newline, and are given without it; a packet that holds one is refused (`EN_EINVAL`) when sent.
/// A line is empty if nothing stands before its end.
/// `max_packet_size` counts bytes without the newline, 0 stands for the default; a longer line is
/// `EN_EMSGSIZE`, and receiving goes on behind it.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new_line(
    out: *mut *mut en_stream_protocol_t,
    newline: c_int,
    max_packet_size: usize,
) -> c_int {
    construct(out, || {
        let newline = match newline {
            EN_NEWLINE_LF => Newline::Lf,
            EN_NEWLINE_CRLF => Newline::CrLf,
            EN_NEWLINE_CR => Newline::Cr,
            EN_NEWLINE_ANY => Newline::Any,
            _ => return Err(invalid(format!("no such newline: {newline}"))),
        };
        Ok(Line::new(newline, MaxSize::new(max_packet_size)?))
    })
}

/// Makes a protocol of packets that each end with the same bytes. Packets come and are given
/// without the delimiter; one that holds it is refused (`EN_EINVAL`) when sent. `delimiter` has
/// from 1 to 65536 bytes, and is copied.
/// `max_packet_size` counts bytes without the delimiter, 0 stands for the default; a longer packet
/// is `EN_EMSGSIZE`, and receiving goes on behind its delimiter.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new_delimited(
    out: *mut *mut en_stream_protocol_t,
    delimiter: *const c_void,
    delimiter_size: usize,
    max_packet_size: usize,
) -> c_int {
    construct(out, || {
        // SAFETY: `delimiter` is NULL or points to `delimiter_size` bytes.
        let delimiter = unsafe { bytes(delimiter, delimiter_size, "delimiter")? };
        Delimited::new(delimiter, MaxSize::new(max_packet_size)?)
    })
}

/// Makes a protocol of packets that each begin with their length. `length` is one of
/// `EN_LENGTH_...`, `byte_order` is `EN_BIG_ENDIAN` or `EN_LITTLE_ENDIAN` (ignored for a varint and
/// one byte). If `includes_length` is not 0, the length on the wire counts its own bytes too.
/// Packets come and are given without the length.
/// `max_packet_size` counts bytes without the length, 0 stands for the default; a length above it
/// is `EN_EMSGSIZE`, one that cannot be (smaller than itself, a varint of more than ten bytes) is
/// `EN_EBADMSG`, and as nobody can know where the next packet begins, every later receive answers
/// the same.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new_length_prefixed(
    out: *mut *mut en_stream_protocol_t,
    length: c_int,
    byte_order: c_int,
    includes_length: c_int,
    max_packet_size: usize,
) -> c_int {
    construct_shared(out, || {
        let prefix = match length {
            EN_LENGTH_U8 => Prefix::U8,
            EN_LENGTH_U16 => Prefix::U16,
            EN_LENGTH_U32 => Prefix::U32,
            EN_LENGTH_U64 => Prefix::U64,
            EN_LENGTH_VARINT => Prefix::Varint,
            _ => return Err(invalid(format!("no such kind of length: {length}"))),
        };
        let order = match byte_order {
            EN_BIG_ENDIAN => ByteOrder::Big,
            EN_LITTLE_ENDIAN => ByteOrder::Little,
            _ => return Err(invalid(format!("no such byte order: {byte_order}"))),
        };
        Ok(length_prefixed(prefix, order, includes_length != 0, MaxSize::new(max_packet_size)?))
    })
}

/// Makes a protocol of packets that all have the same size, in bytes, from 1 to the largest maximum
/// (`EN_MAX_PACKET_SIZE_DEFAULT`). Sending a packet of another size is `EN_EINVAL`.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new_fixed(
    out: *mut *mut en_stream_protocol_t,
    packet_size: usize,
) -> c_int {
    construct(out, || Fixed::new(packet_size))
}

/// Makes a protocol of JSON texts: a packet is one complete text (object, array, string, number,
/// true, false or null), without the white space around it. What is sent is not checked, and gets
/// a newline at its end, because a bare number would never end otherwise; texts are received with
/// or without. Receiving looks as close as is needed to find where a text ends: brackets that do
/// not match, control characters in strings, bytes that cannot begin a text, and words and numbers
/// that are none are `EN_EBADMSG`, and the bytes up to the next newline are skipped. Nesting may be
/// 1024 deep.
/// `max_packet_size` in bytes, 0 stands for the default; a longer text is `EN_EMSGSIZE`, and
/// receiving goes on behind it.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`. See RFC 8259.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new_json(
    out: *mut *mut en_stream_protocol_t,
    max_packet_size: usize,
) -> c_int {
    construct(out, || Ok(Json::new(MaxSize::new(max_packet_size)?)))
}

/// Makes a protocol without packets: bytes go out as they are given, and come as they arrive, at
/// least one and at most `max_packet_size` (0 stands for the default) at a time.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_new_raw(
    out: *mut *mut en_stream_protocol_t,
    max_packet_size: usize,
) -> c_int {
    construct(out, || Ok(Raw::new(MaxSize::new(max_packet_size)?)))
}

/// Ends the handle; NULL is nothing. Clients that have the protocol keep it alive.
///
/// One thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn en_stream_protocol_free(protocol: *mut en_stream_protocol_t) {
    // SAFETY: `protocol` is NULL or a live handle that is not used again.
    guard_void(|| drop(unsafe { take(protocol) }));
}
