//! What a callback may do with its own handle while it runs: closing and freeing wait until the call
//! that the callback belongs to is over, and all that would wait for that call is refused. While the
//! application waits in a function of its own, only freeing has to wait.

use std::cell::RefCell;
use std::num::NonZeroU64;
use std::ptr;
use std::sync::Arc;

use crate::blocking::Closable;
use crate::error::{EN_EDEADLK, Error, Result};

thread_local! {
    /// The handles whose calls run on this thread and may call back. Those that do not wait are in
    /// each other, the outermost first; the application may go to and fro between those that do.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

struct Running {
    handle: *const (),
    /// Tells it from other calls of the same handle.
    call: NonZeroU64,
    /// Whether the application waits for it.
    waits: bool,
    /// What a callback has asked for meanwhile.
    ending: Option<Ending>,
}

/// What ends a handle.
pub(crate) enum Ending {
    /// It is closed.
    Close(Arc<dyn Closable>),
    /// It is freed.
    Free(Arc<dyn Closable>),
}

impl Ending {
    /// Whose end it is.
    pub(crate) fn handle(&self) -> &Arc<dyn Closable> {
        let (Ending::Close(handle) | Ending::Free(handle)) = self;
        handle
    }

    /// Ends it; nobody is left to hear how that went.
    pub(crate) fn run(self) {
        match self {
            Ending::Close(handle) => {
                let _ = handle.close();
            }
            Ending::Free(handle) => handle.end(),
        }
    }

    /// Ends what a callback has asked to end.
    fn run_late(self) {
        match self {
            Ending::Close(handle) => {
                let _ = handle.finish(true);
            }
            Ending::Free(handle) => handle.end(),
        }
    }
}

/// The time in which callbacks of a handle may run on this thread.
pub(crate) struct Scope {
    call: NonZeroU64,
}

impl Scope {
    /// Begins; not inside itself.
    pub(crate) fn enter<C: Closable + ?Sized>(handle: &C) -> Result<Scope> {
        let refusal = match with_running(|running| is_among(running, address(handle), false)) {
            Some(false) => return Ok(Scope::begin(address(handle))),
            Some(true) => "the handle was called from inside its own callback",
            // Nobody could tell a call from inside the callback from one after it.
            None => "the thread is about to end, which is too late for calls that run callbacks",
        };
        Err(Error::new(EN_EDEADLK, refusal))
    }

    /// The time in which there is no handle yet.
    pub(crate) fn before() -> Scope {
        Scope::begin(ptr::null())
    }

    /// Runs what ends the handle: the end of its protocol's state is a callback, too.
    pub(crate) fn over<C: Closable + ?Sized, T>(handle: &C, work: impl FnOnce(&C) -> T) -> T {
        let _scope = handle.runs_callbacks().then(|| Scope::begin(address(handle)));
        work(handle)
    }

    /// Runs what may call the handle that the current call is of.
    pub(crate) fn waiting<T>(work: impl FnOnce() -> T) -> T {
        let call = with_running(|running| {
            let current = running.iter_mut().rev().find(|call| !call.waits)?;
            current.waits = true;
            Some(current.call)
        });
        let outcome = work();
        with_running(|running| {
            let current = running.iter_mut().find(|running| Some(Some(running.call)) == call);
            current.into_iter().for_each(|current| current.waits = false);
        });
        outcome
    }

    /// Puts an end off if the handle is running on this thread; gives it back if not.
    pub(crate) fn put_off(ending: Ending) -> std::result::Result<(), Ending> {
        let handle = ending.handle().clone();
        let is_free = matches!(ending, Ending::Free(_));
        if !Scope::is_inside(address(&*handle), is_free) {
            return Err(ending);
        }
        handle.retire(is_free);
        if !Scope::is_inside(address(&*handle), false) {
            // All its calls wait: they are to come back.
            let _ = handle.finish(false);
        }
        hand_over(address(&*handle), ending);
        Ok(())
    }

    fn begin(handle: *const ()) -> Scope {
        let call = with_running(|running| {
            let last = running.iter().map(|call| call.call).max();
            let call = last.map_or(NonZeroU64::MIN, |last| last.saturating_add(1));
            running.push(Running { handle, call, waits: false, ending: None });
            call
        });
        // In a destructor at the end of a thread there are no calls to tell it from.
        Scope { call: call.unwrap_or(NonZeroU64::MAX) }
    }

    /// Whether a call of the handle runs on this thread, or `also` waits.
    fn is_inside(handle: *const (), also_waits: bool) -> bool {
        with_running(|running| is_among(running, handle, also_waits)).unwrap_or(false)
    }

    fn take_ending(&self) -> Option<Ending> {
        with_running(|running| running.iter_mut().find(|call| call.call == self.call)?.ending.take())?
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let is_last = with_running(|running| {
            let mine = running.iter().find(|call| call.call == self.call);
            let handle = mine.map(|call| call.handle);
            running.iter().filter(|call| Some(call.handle) == handle).count() <= 1
        });
        let mut handed_on = None;
        // Ending may run callbacks, so it belongs to the scope.
        while let Some(ending) = self.take_ending() {
            match ending {
                // Other calls of the handle wait in this thread: they are woken, and who ends the
                // handle waits for the last of them.
                Ending::Free(handle) if is_last == Some(false) => {
                    let _ = handle.finish(false);
                    handed_on = Some(Ending::Free(handle));
                }
                ending => ending.run_late(),
            }
        }
        with_running(|running| running.retain(|call| call.call != self.call));
        if let Some(ending) = handed_on {
            hand_over(address(&**ending.handle()), ending);
        }
    }
}

fn is_among(running: &[Running], handle: *const (), also_waits: bool) -> bool {
    running.iter().any(|call| call.handle == handle && (also_waits || !call.waits))
}

/// Gives an end to a call of the handle: one that runs is over before those that wait. The end of the
/// handle is more than closing.
fn hand_over(handle: *const (), ending: Ending) {
    with_running(|running| {
        let its = |waits| running.iter().rposition(|call| call.handle == handle && call.waits == waits);
        let place = its(false).or_else(|| its(true));
        if let Some(call) = place.and_then(|place| running.get_mut(place))
            && !matches!(call.ending, Some(Ending::Free(_)))
        {
            call.ending = Some(ending);
        }
    });
}

fn address<C: Closable + ?Sized>(handle: &C) -> *const () {
    ptr::from_ref(handle).cast()
}

/// None in a destructor at the end of a thread that comes after ours.
fn with_running<T>(work: impl FnOnce(&mut Vec<Running>) -> T) -> Option<T> {
    RUNNING.try_with(|running| work(&mut running.borrow_mut())).ok()
}
