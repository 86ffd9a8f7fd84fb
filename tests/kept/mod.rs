//! Files that are checked in, and are what can be made of the sources.

use std::env;
use std::fs;
use std::path::Path;

/// Fails if the file is not `made`; with EASYNET_REFRESH=1 it becomes so. `target` is make's name for that.
pub fn compare(file: &str, made: &str, target: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var_os("EASYNET_REFRESH").is_some_and(|value| value == "1") {
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    let difference = kept.lines().zip(made.lines()).position(|(one, other)| one != other);
    assert!(
        kept == made,
        "{file} is out of date from line {} on: run `make {target}`",
        1 + difference.unwrap_or(kept.lines().count().min(made.lines().count()))
    );
}
