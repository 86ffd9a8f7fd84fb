//! Sets what the linker must know about the shared library, and writes the C headers to the output
//! folder; a test compares them with the ones that are checked in.

#[path = "build/header.rs"]
mod header;

use std::env;
use std::path::PathBuf;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    header::write(&root, &out);
    println!("cargo:rustc-env=EASYNET_GENERATED={}", out.display());

    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let soname =
            format!("libeasynet.so.{}", header::abi(&env::var("CARGO_PKG_VERSION").expect("cargo sets it")));
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{soname}");
        // Thread-local destructors and resolver threads must outlive a dlclose.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
