//! LICENSE-THIRD-PARTY has the licences of all crates that become part of the libraries.

mod kept;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Between them they take every crate that any Linux takes.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "s390x-unknown-linux-gnu"];

const HEAD: &str = "\
What the libraries of easynet hold that others have written: the crates of this list, built with all
features (some are left out without TLS, or with one of its two providers), under the licences below it.
Where a crate leaves a choice that has the MIT license in it, that is the one below.

They hold Rust's standard library, too, which comes with the compiler: it is licensed under MIT OR
Apache-2.0, and the compiler's documentation (COPYRIGHT-library.html) has what parts of it add to that.
";

fn cargo(arguments: &[&str], platform: &str) -> Vec<u8> {
    let cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"))
        .args(arguments)
        .args(["--locked", "--all-features"])
        .args(PLATFORMS.map(|name| format!("{platform}={name}")))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    cargo.stdout
}

/// The crates that are linked into the libraries, as "name version": none of those that only make or test them.
fn linked() -> BTreeSet<String> {
    let tree = ["tree", "--edges=normal,no-proc-macro", "--prefix=none", "--no-dedupe", "--format={p}"];
    let tree = String::from_utf8(cargo(&tree, "--target")).unwrap();
    let crates = tree.lines().filter(|line| !line.is_empty() && !line.starts_with("easynet "));
    crates.map(|line| line.replacen(" v", " ", 1)).collect()
}

/// What cargo knows of each crate, by the same names.
fn packages() -> BTreeMap<String, Value> {
    let mut metadata: Value =
        serde_json::from_slice(&cargo(&["metadata", "--format-version=1"], "--filter-platform")).unwrap();
    let Value::Array(packages) = metadata["packages"].take() else { panic!("cargo lists no packages") };
    let name = |package: &Value| format!("{} {}", text(&package["name"]), text(&package["version"]));
    packages.into_iter().map(|package| (name(&package), package)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo's metadata has a text here")
}

fn is_licence(name: &str) -> bool {
    ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"].iter().any(|word| name.starts_with(word))
        && !name.ends_with(".RS")
}

/// Adds the licences in the folder; where there is a choice with MIT in it, only that one.
fn collect(folder: &Path, is_choice: bool, licences: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().to_uppercase();
    let takes_mit = is_choice && entries.iter().any(|path| name(path) == "LICENSE-MIT");
    for path in entries {
        let name = name(&path);
        let is_other = takes_mit && name.starts_with("LICENSE-") && name != "LICENSE-MIT";
        if path.is_dir() {
            collect(&path, is_choice, licences);
        } else if is_licence(&name) && !is_other {
            let bytes = fs::read(path).unwrap();
            let lines = String::from_utf8_lossy(&bytes).replace('\r', "");
            let lines: Vec<_> = lines.lines().map(str::trim_end).collect();
            licences.push(lines.join("\n").trim_matches('\n').to_owned());
        }
    }
}

#[test]
fn licence_third_party_is_up_to_date() {
    let packages = packages();
    let linked = linked();
    let mut made = format!("{HEAD}\n");
    // Each text once, with those that it is for.
    let mut texts: Vec<(String, Vec<&str>)> = Vec::new();
    for name in &linked {
        let package = &packages[name];
        let licence = text(&package["license"]);
        writeln!(made, "{name} ({licence})").unwrap();
        let mut licences = Vec::new();
        let manifest = Path::new(text(&package["manifest_path"]));
        collect(manifest.parent().unwrap(), !licence.contains(" AND "), &mut licences);
        assert!(!licences.is_empty(), "{name} comes without the text of a licence");
        for licence in licences {
            match texts.iter_mut().find(|(text, _)| *text == licence) {
                Some((_, names)) if names.contains(&name.as_str()) => {}
                Some((_, names)) => names.push(name),
                None => texts.push((licence, vec![name])),
            }
        }
    }
    for (text, names) in texts {
        write!(made, "\n{}\n{}\n\n{text}\n", "~".repeat(78), names.join(", ")).unwrap();
    }
    kept::compare("LICENSE-THIRD-PARTY", &made, "licences");
}
