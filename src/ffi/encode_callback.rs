//! A C callback that turns a packet into bytes.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use super::base::en_slice_t;
use super::callback::{UserData, ask};
use super::protocol_callbacks::en_frame_t;
use crate::error::Result;
use crate::protocol::Sink;

/// What `encode` appends to.
pub(crate) struct Frame<'g, 'o> {
    sink: RefCell<NonNull<Sink<'g, 'o>>>,
}

impl Frame<'_, '_> {
    pub(crate) fn append(&self, bytes: &[u8]) {
        // SAFETY: the sink lives while `encode` runs, and its thread alone uses it.
        unsafe { self.sink.borrow_mut().as_mut() }.push_copy(bytes);
    }

    pub(crate) fn append_borrowed(&self, bytes: &'static [u8]) {
        // SAFETY: as above; the application keeps the bytes until the sending call has returned,
        // and what the sink fills does not outlive that.
        unsafe { self.sink.borrow_mut().as_mut() }.push(bytes);
    }
}

pub(super) type Encode =
    unsafe extern "C" fn(*const en_slice_t, usize, *mut en_frame_t, *mut c_void) -> c_int;

/// Has a callback turn a packet into bytes.
pub(super) fn encode<'a>(
    name: &str,
    callback: Encode,
    parts: &[&'a [u8]],
    out: &mut Sink<'a, '_>,
    user_data: &UserData,
) -> Result<()> {
    let one;
    let many;
    let slices = match parts {
        [part] => {
            one = [slice(part)];
            &one[..]
        }
        parts => {
            many = parts.iter().map(|part| slice(part)).collect::<Vec<_>>();
            &many[..]
        }
    };
    let frame = Frame { sink: RefCell::new(NonNull::from(out)) };
    let handle = (&raw const frame).cast_mut().cast::<en_frame_t>();
    // SAFETY: the application's own function, with what its documentation promises.
    ask(name, || unsafe { callback(slices.as_ptr(), slices.len(), handle, user_data.pointer) })
}

fn slice(bytes: &[u8]) -> en_slice_t {
    en_slice_t { data: bytes.as_ptr().cast(), size: bytes.len() }
}
