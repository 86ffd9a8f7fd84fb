//! What a callback may do with its own client while it runs: closing and freeing wait until the call
//! that the callback belongs to is over, and all that would wait for that call is refused.

use std::cell::RefCell;
use std::sync::Arc;

use crate::blocking::Client;
use crate::error::{EN_EDEADLK, Error, Result};

thread_local! {
    /// The clients whose calls run on this thread and may call back, the outermost first.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

struct Running {
    client: *const Client,
    /// What a callback has asked for meanwhile.
    ending: Option<Ending>,
}

/// What ends a client.
pub(crate) enum Ending {
    /// It is closed.
    Close(Arc<Client>),
    /// Its handle is freed.
    Free(Arc<Client>),
}

impl Ending {
    /// Whose end it is.
    pub(crate) fn client(&self) -> &Arc<Client> {
        let (Ending::Close(client) | Ending::Free(client)) = self;
        client
    }

    /// Ends it; nobody is left to hear how that went.
    pub(crate) fn run(self) {
        match self {
            Ending::Close(client) => {
                let _ = client.close();
            }
            Ending::Free(client) => client.end(),
        }
    }

    /// Ends what a callback has asked to end.
    fn run_late(self) {
        match self {
            Ending::Close(client) => {
                let _ = client.finish_close();
            }
            Ending::Free(client) => client.end(),
        }
    }
}

/// The time in which callbacks of a client may run on this thread.
pub(crate) struct Scope(());

impl Scope {
    /// Begins; not inside itself.
    pub(crate) fn enter(client: &Client) -> Result<Scope> {
        if Scope::is_inside(client) {
            return Err(Error::new(EN_EDEADLK, "the client was called from inside its own callback"));
        }
        Ok(Scope::begin(client))
    }

    /// Runs what ends the client: the end of its protocol's state is a callback, too.
    pub(crate) fn over<T>(client: &Client, work: impl FnOnce(&Client) -> T) -> T {
        let _scope = client.runs_callbacks().then(|| Scope::begin(client));
        work(client)
    }

    /// Puts an end off if the client is running on this thread; gives it back if not.
    pub(crate) fn put_off(ending: Ending) -> std::result::Result<(), Ending> {
        let client = ending.client().clone();
        if !Scope::is_inside(&client) {
            return Err(ending);
        }
        client.retire();
        with_running(|running| {
            let call = running.iter_mut().find(|call| std::ptr::eq(call.client, &*client));
            // The end of the handle is more than closing.
            if let Some(call) = call
                && !matches!(call.ending, Some(Ending::Free(_)))
            {
                call.ending = Some(ending);
            }
        });
        Ok(())
    }

    fn begin(client: &Client) -> Scope {
        with_running(|running| running.push(Running { client, ending: None }));
        Scope(())
    }

    fn is_inside(client: &Client) -> bool {
        with_running(|running| running.iter().any(|call| std::ptr::eq(call.client, client))).unwrap_or(false)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // Ending may run callbacks, so it belongs to the scope.
        while let Some(ending) = with_running(|running| running.last_mut()?.ending.take()).flatten() {
            ending.run_late();
        }
        with_running(Vec::pop);
    }
}

/// None in a destructor at the end of a thread that comes after ours.
fn with_running<T>(work: impl FnOnce(&mut Vec<Running>) -> T) -> Option<T> {
    RUNNING.try_with(|running| work(&mut running.borrow_mut())).ok()
}
