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

/// How to tell a callee of an outcome.
pub struct Callback<T, R = ()> {
    tell: fn(Callee, Result<T>) -> R,
    callee: Callee,
}

/// What is called when an operation is over.
pub type Done<T> = Callback<T>;

impl<T, R> Clone for Callback<T, R> {
    fn clone(&self) -> Callback<T, R> {
        *self
    }
}

impl<T, R> Copy for Callback<T, R> {}

impl<T, R> Callback<T, R> {
    /// `tell` knows what kind of a function `callee` has.
    pub fn new(tell: fn(Callee, Result<T>) -> R, callee: Callee) -> Callback<T, R> {
        Callback { tell, callee }
    }

    /// Calls the application.
    #[inline]
    pub fn call(&self, outcome: Result<T>) -> R {
        (self.tell)(self.callee, outcome)
    }
}
