//! `easynet.h` by cbindgen, and `easynet.cdef.h`: the same without directives, for cffi and LuaJIT.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What the C interface is made of, in the order of the header.
const SOURCES: &[&str] = &[
    "base",
    "error",
    "log",
    "packet",
    "address",
    "unix_address",
    "ancillary",
    "cancel",
    "protocol",
    "protocol_callbacks",
    "datagram_protocol",
    "client",
    "packet_iter",
    "tls_options",
    "tls_config",
    "tls_info",
    "tcp_options",
    "tcp_client",
    "facts/tcp_client",
    "udp_options",
    "udp_client",
    "facts/udp_client",
    "unix_stream_options",
    "unix_stream_client",
    "facts/unix_stream_client",
    "unix_datagram_options",
    "unix_datagram_client",
    "facts/unix_datagram_client",
    "transport_options",
    "transport_callbacks",
    "stream_transport",
    "stream_transport_io",
    "datagram_transport",
    "datagram_transport_io",
    "endpoint_options",
    "stream_endpoint",
    "facts/stream_endpoint",
    "datagram_endpoint",
    "facts/datagram_endpoint",
    "event_loop",
    "async_callbacks",
    "async_client",
    "async_tcp_client",
    "facts/async_tcp_client",
    "async_udp_client",
    "facts/async_udp_client",
    "async_unix_stream_client",
    "facts/async_unix_stream_client",
    "async_unix_datagram_client",
    "facts/async_unix_datagram_client",
    "async_stream_endpoint",
    "facts/async_stream_endpoint",
    "async_datagram_endpoint",
    "facts/async_datagram_endpoint",
];

pub fn write(root: &Path, out: &Path) {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/error.rs");
    println!("cargo:rerun-if-changed=src/ffi");

    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    config.header = Some(preamble());
    config.after_includes = Some(format!("\n{}{}", version_macros(), codes(root)));
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(root.join(format!("src/ffi/{name}.rs")));
    }
    let mut text = Vec::new();
    builder.generate().expect("the C interface can be read").write(&mut text);
    let header = String::from_utf8(text).expect("cbindgen writes UTF-8");
    fs::write(out.join("easynet.cdef.h"), without_directives(&header)).expect("easynet.cdef.h");
    fs::write(out.join("easynet.h"), header).expect("easynet.h");
}

/// What holds for all functions, so that no comment need say it.
const PREAMBLE: &str = "\
easynet: network clients that send and receive packets.

Made by cbindgen from src/ffi; `make header` renews it.
SPDX-License-Identifier: MIT OR Apache-2.0

What holds for all functions:

- Who answers an int answers `EN_OK` or something that is not negative, or a negative code; then
  `en_last_error_message` says what was tried and why it failed. Outputs are written on success only,
  but for those of which the comment says \"always\" and a constructor's, which is NULL after a
  failure.
- `Thread-safe`: any thread may call it at any time. `One thread at a time`: no two threads with the
  same object. `Loop thread only`: the thread that runs the loop, or any one at a time as long as none
  does; while one does, other threads are answered `EN_EBUSY`.
- NULL for a handle or an output is `EN_EINVAL` where the comment does not say otherwise; `(NULL, 0)`
  is no bytes. Strings end with NUL and are UTF-8; paths are of any bytes.
- `timeout_ms` are milliseconds for the whole call: `EN_TIMEOUT_INFINITE` (or anything negative) waits
  for ever, `EN_TIMEOUT_NONE` (0) does not wait.
- `EN_EPANIC` is a bug in easynet. The handle that it met, or its loop with all that is on it, answers
  nothing else from then on; it can be freed.
";

fn preamble() -> String {
    let lines = PREAMBLE.lines().map(|line| format!(" * {line}").trim_end().to_string() + "\n");
    format!("/*\n{} */", lines.collect::<String>())
}

fn version_macros() -> String {
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    let mut parts = version.split('.');
    let mut text = String::new();
    for name in ["MAJOR", "MINOR", "PATCH"] {
        let number = parts.next().expect("a version has three numbers");
        let _ = writeln!(text, "#define EN_VERSION_{name} {number}");
    }
    text + "\n/** Whether this header is of the given version or of a later one. */\n\
            #define EN_VERSION_AT_LEAST(major, minor, patch) \\\n    \
            (EN_VERSION_MAJOR > (major) || \\\n     \
            (EN_VERSION_MAJOR == (major) && \\\n      \
            (EN_VERSION_MINOR > (minor) || (EN_VERSION_MINOR == (minor) && EN_VERSION_PATCH >= (patch)))))\n\n"
}

/// The constants of the table in `src/error.rs`, whose rows read `NAME = NUMBER, "text";`.
fn codes(root: &Path) -> String {
    let source = fs::read_to_string(root.join("src/error.rs")).expect("src/error.rs");
    let mut text = String::new();
    for row in source.lines().map(str::trim).filter(|line| line.starts_with("EN_") && line.ends_with("\";")) {
        let (name, rest) = row.split_once(" = ").expect("a row of the table");
        let (number, meaning) = rest.split_once(", ").expect("a row of the table");
        let meaning = meaning.trim_matches([';', '"']);
        let _ = writeln!(text, "/** {meaning} */\n#define {name} ({number})");
    }
    text
}

/// Constants become an enum, directives and what only C++ reads go away.
fn without_directives(header: &str) -> String {
    let mut text = String::from("/* Made from easynet.h for cffi, LuaJIT and the like. */\n");
    let mut constants = String::new();
    let mut continued = false;
    let mut only_cpp = false;
    for line in header.lines() {
        let was_continued = continued;
        continued = (was_continued || line.starts_with('#')) && line.ends_with('\\');
        if was_continued {
            continue;
        }
        match line {
            "#ifdef __cplusplus" => only_cpp = true,
            _ if only_cpp => only_cpp = !line.starts_with("#endif"),
            _ if line.starts_with("#define EN_") => {
                if let Some((name, value)) = line["#define ".len()..].split_once(' ')
                    && !name.contains('(')
                {
                    let _ = writeln!(constants, "    {name} = {value},");
                }
            }
            _ if line.starts_with('#') => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    format!("{text}\nenum {{\n{constants}}};\n")
}
