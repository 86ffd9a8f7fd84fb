//! Writes the C headers to the output folder; a test compares them with the ones that are checked in.

#[path = "build/header.rs"]
mod header;

use std::env;
use std::path::PathBuf;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    header::write(&root, &out);
    println!("cargo:rustc-env=EASYNET_GENERATED={}", out.display());
}
