//! The headers that are checked in are those that the build makes of the sources.

mod kept;

use std::fs;
use std::path::Path;

fn compare(name: &str) {
    let made = fs::read_to_string(Path::new(env!("EASYNET_GENERATED")).join(name)).unwrap();
    kept::compare(&format!("include/{name}"), &made, "header");
}

#[test]
fn easynet_h_is_up_to_date() {
    compare("easynet.h");
}

#[test]
fn easynet_cdef_h_is_up_to_date() {
    compare("easynet.cdef.h");
}
