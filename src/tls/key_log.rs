//! The file that `SSLKEYLOGFILE` names: secrets, for who looks into what TLS has encrypted. rustls's own is
//! silent about a file that it cannot open, and has a lock, which a forked child may find held for ever.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use rustls::{KeyLog, NoKeyLog};

use super::failure::hexadecimal;
use crate::error::{Error, Result};

/// An open file, to which each secret is appended with one system call: lines never mix.
#[derive(Debug)]
struct KeyFile(File);

/// What the environment asks for.
pub(super) fn key_log() -> Result<Arc<dyn KeyLog>> {
    match std::env::var_os("SSLKEYLOGFILE") {
        Some(path) => Ok(Arc::new(KeyFile::open(path)?)),
        None => Ok(Arc::new(NoKeyLog)),
    }
}

impl KeyFile {
    /// Who has the secrets has the connections, so a new file is its owner's alone.
    fn open(path: OsString) -> Result<KeyFile> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let file = file.map_err(|error| {
            let error = Error::os(error);
            Error::new(error.code(), format!("SSLKEYLOGFILE={}: {}", path.to_string_lossy(), error.reason()))
        })?;
        Ok(KeyFile(file))
    }
}

impl KeyLog for KeyFile {
    /// As the NSS Key Log Format has it.
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hexadecimal(client_random), hexadecimal(secret));
        if let Err(error) = (&self.0).write_all(line.as_bytes()) {
            log::warn!("SSLKEYLOGFILE: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_a_line_in_a_file_of_its_owners_alone() {
        let path = std::env::temp_dir().join(format!("easynet-key-log-{}", std::process::id()));
        for _ in 0..2 {
            let file = KeyFile::open(path.clone().into()).expect("opened");
            file.log("CLIENT_RANDOM", &[0, 0xab], &[0x0f]);
        }
        let (text, facts) = (std::fs::read_to_string(&path), std::fs::metadata(&path));
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(text.expect("read"), "CLIENT_RANDOM 00ab 0f\nCLIENT_RANDOM 00ab 0f\n");
        assert_eq!(facts.expect("there").permissions().mode() & 0o777, 0o600);
    }
}
