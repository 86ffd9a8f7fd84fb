//! Where certificates and keys come from: a file or memory, and what a message calls it.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result, invalid};

/// More than any file of certificates has: a wrong path must not fill the memory.
const MOST: u64 = 64 << 20;

/// Bytes, and where they came from.
pub struct Source<'a> {
    bytes: std::borrow::Cow<'a, [u8]>,
    name: String,
}

impl<'a> Source<'a> {
    /// Reads a file.
    pub fn file(path: &Path) -> Result<Source<'static>> {
        let name = path.display().to_string();
        let failed = |error| {
            let error = Error::os(error);
            Error::new(error.code(), format!("{name}: {}", error.reason()))
        };
        let facts = fs::metadata(path).map_err(failed)?;
        if !facts.is_file() {
            return Err(invalid(format!("{name} is not a file")));
        }
        if facts.len() > MOST {
            return Err(invalid(format!("{name} is larger than any file of certificates")));
        }
        let bytes = fs::read(path).map_err(failed)?;
        Ok(Source { bytes: bytes.into(), name })
    }

    /// Bytes in memory, with the name of the parameter that gave them.
    pub fn memory(bytes: &'a [u8], name: &str) -> Source<'a> {
        Source { bytes: bytes.into(), name: name.to_string() }
    }

    /// What is there.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What a message calls it.
    pub fn name(&self) -> &str {
        &self.name
    }
}
