//! What the library has to say while it works.

use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::RwLock;

use super::{call, invalid};
use crate::error::{EN_EBUSY, EN_EDEADLK, Error, Result};
use crate::socket::per_process::PerProcess;

/// Nothing.
pub const EN_LOG_OFF: c_int = 0;
/// What went wrong and no call could report.
pub const EN_LOG_ERROR: c_int = 1;
/// What is suspicious.
pub const EN_LOG_WARN: c_int = 2;
/// What happens to connections.
pub const EN_LOG_INFO: c_int = 3;
/// Each attempt to connect, each socket option that was refused.
pub const EN_LOG_DEBUG: c_int = 4;
/// Everything.
pub const EN_LOG_TRACE: c_int = 5;

/// Receives one message (UTF-8, without a newline, valid during the call only). It may be called
/// from any thread, also from several at once, and must not call `en_set_log_callback`.
pub type en_log_callback_t =
    Option<unsafe extern "C" fn(level: c_int, message: *const c_char, user_data: *mut c_void)>;

#[derive(Clone, Copy)]
struct Sink {
    callback: unsafe extern "C" fn(c_int, *const c_char, *mut c_void),
    user_data: usize,
}

/// Who is told. A forked child tells whom its parent told, unless that was just changing.
fn sink() -> &'static RwLock<Option<Sink>> {
    static SINK: PerProcess<RwLock<Option<Sink>>> = PerProcess::empty();
    SINK.get(|parents| RwLock::new(parents.and_then(|sink| *sink.try_read().ok()?)))
}

thread_local! {
    static LOGGING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        // A message from inside the callback would call it again for ever.
        if LOGGING.replace(true) {
            return;
        }
        if let Ok(sink) = sink().read()
            && let Some(sink) = &*sink
            && let Ok(text) = CString::new(record.args().to_string())
        {
            let user_data = sink.user_data as *mut c_void;
            // SAFETY: the application registered this pair; it is not replaced while we hold the lock.
            unsafe { (sink.callback)(record.level() as c_int, text.as_ptr(), user_data) };
        }
        LOGGING.set(false);
    }

    fn flush(&self) {}
}

/// Sends what the library has to say at `level` (`EN_LOG_...`) and above to `callback`; NULL or
/// `EN_LOG_OFF` turns it off. When the call returns, the callback given before is not running and
/// is not called again. One callback serves the whole process.
///
/// Thread-safe.
///
/// Errors: `EN_EINVAL` (no such level), `EN_EDEADLK` (from inside the callback), `EN_EBUSY` (a Rust
/// program has a logger of its own).
#[unsafe(no_mangle)]
pub extern "C" fn en_set_log_callback(
    level: c_int,
    callback: en_log_callback_t,
    user_data: *mut c_void,
) -> c_int {
    let user_data = user_data as usize;
    call(|| set(level, callback, user_data))
}

fn set(level: c_int, callback: en_log_callback_t, user_data: usize) -> Result<()> {
    static LOGGER: Logger = Logger;
    static INSTALLED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();

    let filter = match level {
        EN_LOG_OFF => log::LevelFilter::Off,
        EN_LOG_ERROR => log::LevelFilter::Error,
        EN_LOG_WARN => log::LevelFilter::Warn,
        EN_LOG_INFO => log::LevelFilter::Info,
        EN_LOG_DEBUG => log::LevelFilter::Debug,
        EN_LOG_TRACE => log::LevelFilter::Trace,
        _ => return Err(invalid(format!("no such log level: {level}"))),
    };
    if LOGGING.get() {
        return Err(Error::new(EN_EDEADLK, "called from inside the log callback"));
    }
    if !*INSTALLED.get_or_init(|| log::set_logger(&LOGGER).is_ok()) {
        return Err(Error::new(EN_EBUSY, "the program has a logger of its own"));
    }
    let wanted = callback.map(|callback| Sink { callback, user_data });
    log::set_max_level(if wanted.is_some() { filter } else { log::LevelFilter::Off });
    *sink().write().unwrap_or_else(|poisoned| poisoned.into_inner()) = wanted;
    Ok(())
}
