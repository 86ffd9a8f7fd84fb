//! Versions, time-outs, and the one plain struct for bytes lent to the library.

use std::ffi::{c_char, c_void};

/// Wait for ever.
pub const EN_TIMEOUT_INFINITE: i64 = -1;
/// Do not wait.
pub const EN_TIMEOUT_NONE: i64 = 0;

/// This build can speak TLS (`en_features`).
pub const EN_FEATURE_TLS: u64 = 1;

/// Bytes lent to the library for the time of a call. `(NULL, 0)` is an empty buffer.
///
/// The layout is frozen.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct en_slice_t {
    /// The first byte.
    pub data: *const c_void,
    /// The number of bytes.
    pub size: usize,
}

/// The version of the library that is loaded: major * 1000000 + minor * 1000 + patch.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn en_version_number() -> u32 {
    crate::version::NUMBER
}

/// The version of the library that is loaded, such as "0.1.0". The text is never freed.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn en_version_string() -> *const c_char {
    crate::version::STRING.as_ptr()
}

/// What the loaded library was built with: a set of `EN_FEATURE_...` bits.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn en_features() -> u64 {
    crate::version::FEATURES
}
