//! What an operation calls: a function and what it is called with, in place. A box of a closure would
//! be one more piece of memory for each operation, and one more to fetch for each packet.

use std::ffi::c_void;

use crate::error::Result;

/// The application's function and pointer. Only who made them knows their types.
#[derive(Clone, Copy)]
pub struct Callee {
    /// The application's function.
    pub function: *const (),
    /// What it is called with.
    pub user_data: *mut c_void,
}

/// What is called when an operation is over: how to tell a callee of the outcome.
pub struct Done<T> {
    tell: fn(Callee, Result<T>),
    callee: Callee,
}

impl<T> Done<T> {
    /// `tell` knows what kind of a function the callee has.
    pub fn new(tell: fn(Callee, Result<T>), callee: Callee) -> Done<T> {
        Done { tell, callee }
    }

    /// Calls the application.
    pub fn call(&self, outcome: Result<T>) {
        (self.tell)(self.callee, outcome);
    }
}

impl<T> Clone for Done<T> {
    fn clone(&self) -> Done<T> {
        *self
    }
}

impl<T> Copy for Done<T> {}
