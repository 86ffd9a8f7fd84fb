//! Which version this is, as Cargo.toml says.

use std::ffi::CStr;

const fn number(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let mut value = 0;
    let mut index = 0;
    while index < bytes.len() {
        value = value * 10 + (bytes[index] - b'0') as u32;
        index += 1;
    }
    value
}

/// major * 1000000 + minor * 1000 + patch.
pub const NUMBER: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
    + number(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
    + number(env!("CARGO_PKG_VERSION_PATCH"));

/// The version as text.
pub const STRING: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes())
{
    Ok(text) => text,
    Err(_) => panic!("the version has no NUL"),
};

/// What this build has beyond the base: bits of `EN_FEATURE_...`.
pub const FEATURES: u64 = cfg!(feature = "tls") as u64;
