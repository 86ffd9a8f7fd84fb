//! The headers that are checked in are those that the build makes of the sources.

use std::env;
use std::fs;
use std::path::Path;

fn compare(name: &str) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("include").join(name);
    let made = fs::read_to_string(Path::new(env!("EASYNET_GENERATED")).join(name)).unwrap();
    if env::var_os("EASYNET_REFRESH").is_some_and(|value| value == "1") {
        fs::write(&kept, &made).unwrap();
    }
    let kept = fs::read_to_string(kept).unwrap_or_default();
    let difference = kept.lines().zip(made.lines()).position(|(one, other)| one != other);
    assert!(
        kept == made,
        "include/{name} is out of date from line {} on: run `make header`",
        1 + difference.unwrap_or(kept.lines().count().min(made.lines().count()))
    );
}

#[test]
fn easynet_h_is_up_to_date() {
    compare("easynet.h");
}

#[test]
fn easynet_cdef_h_is_up_to_date() {
    compare("easynet.cdef.h");
}
