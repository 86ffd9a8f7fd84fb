//! Names to addresses, without holding the caller: a few threads ask the system, and nobody ever
//! waits for them. A thread that the system does not let go costs nothing but itself.

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::address::{Family, IpAddress};
use super::eventfd::EventFd;
use super::getaddrinfo::{Ask, getaddrinfo, resolve};
use super::per_process::PerProcess;
use crate::error::{EN_EAI_AGAIN, EN_EAI_FAMILY, EN_EPANIC, Error, Result, invalid};

/// Of each pool.
const MAX_THREADS: usize = 8;
/// How long a thread stays without work.
const IDLE: Duration = Duration::from_secs(5);
/// The longest name that DNS has, without the dot at its end.
const MAX_HOST: usize = 253;

/// The addresses of a host.
pub type Answer = Result<Vec<IpAddress>>;

/// The address that a numeric host is; None: it is a name.
pub fn numeric(host: &str, port: u16, family: Family) -> Option<Answer> {
    let wanted = |address| match family.has(&address) {
        true => Ok(vec![address]),
        false => Err(Error::new(EN_EAI_FAMILY, format!("\"{host}\" is not of the wanted family"))),
    };
    IpAddress::numeric(host, port).map(|address| address.and_then(wanted))
}

/// Has a name looked up.
pub fn lookup(host: &str, port: u16, family: Family) -> Result<Lookup> {
    static BOTH: PerProcess<Pool> = PerProcess::empty();
    static ONE: PerProcess<Pool> = PerProcess::empty();
    check(host)?;
    // Who gives up waiting for both families must not queue behind others who still do.
    let pool = if family == Family::Any { &BOTH } else { &ONE };
    pool.get(|_| Pool::new(getaddrinfo, IDLE)).submit(Query { host: host.into(), port, family })
}

/// Whether it may be the name or the address of a host.
pub fn check(host: &str) -> Result<()> {
    let length = host.strip_suffix('.').unwrap_or(host).len();
    match length {
        0 => Err(invalid("the host is empty")),
        _ if host.contains('\0') => Err(invalid("the host has a NUL in it")),
        1..=MAX_HOST => Ok(()),
        _ => Err(invalid(format!("a host of {length} bytes is too long: {MAX_HOST} are allowed"))),
    }
}

/// What was asked. Dropping it takes it back.
#[derive(Debug)]
pub struct Lookup(Arc<Job>);

impl Lookup {
    /// The answer if there is one; it is given once.
    pub fn poll(&mut self) -> Option<Answer> {
        let answer = lock(&self.0.answer).take()?;
        self.0.ready.drain();
        Some(answer)
    }

    /// Readable while there is an answer.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.ready.as_fd()
    }

    /// One that is answered by the test, and how.
    #[cfg(test)]
    pub(super) fn answered_by_hand() -> (Lookup, impl Fn(Answer)) {
        let job =
            Arc::new(Job::new(Query { host: "".into(), port: 0, family: Family::Any }).expect("an eventfd"));
        (Lookup(job.clone()), move |answer| job.deliver(answer))
    }
}

#[derive(Clone, Debug)]
struct Query {
    host: Arc<str>,
    port: u16,
    family: Family,
}

/// What a [`Lookup`] owns, and the pool only borrows: it is gone when nobody wants the answer.
#[derive(Debug)]
struct Job {
    query: Query,
    answer: Mutex<Option<Answer>>,
    ready: EventFd,
}

impl Job {
    fn new(query: Query) -> Result<Job> {
        Ok(Job { query, answer: Mutex::new(None), ready: EventFd::new()? })
    }

    fn deliver(&self, answer: Answer) {
        *lock(&self.answer) = Some(answer);
        self.ready.signal();
    }
}

/// The threads of one process. A pool is never freed, since its threads are not waited for.
struct Pool {
    ask: Box<dyn Ask + Send + Sync>,
    idle_time: Duration,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Weak<Job>>,
    threads: usize,
    idle: usize,
}

impl Pool {
    fn new(ask: impl Ask + Send + Sync + 'static, idle_time: Duration) -> Pool {
        Pool { ask: Box::new(ask), idle_time, state: Mutex::default(), work: Condvar::new() }
    }

    /// Puts the query in the queue, and sees to it that a thread will come for it.
    fn submit(&'static self, query: Query) -> Result<Lookup> {
        let lookup = Lookup(Arc::new(Job::new(query)?));
        let mut state = lock(&self.state);
        if state.queue.len() == state.queue.capacity() {
            state.queue.retain(|job| job.strong_count() > 0);
        }
        state.queue.push_back(Arc::downgrade(&lookup.0));
        if state.queue.len() > state.idle && state.threads < MAX_THREADS {
            match spawn(move || self.serve()) {
                Ok(()) => state.threads += 1,
                Err(error) if state.threads == 0 => {
                    let host = &lookup.0.query.host;
                    let reason = format!("cannot resolve \"{host}\": no thread could be started: {error}");
                    return Err(Error::new(EN_EAI_AGAIN, reason));
                }
                // The threads that are there will come for it.
                Err(_) => {}
            }
        }
        self.work.notify_one();
        Ok(lookup)
    }

    /// What a thread does.
    fn serve(&self) {
        while let Some(job) = self.next() {
            // While the system is asked, the job is not held: who wanted it may go.
            let Some(query) = job.upgrade().map(|job| job.query.clone()) else { continue };
            let answer = self.answer(&query);
            if let Some(job) = job.upgrade() {
                job.deliver(answer);
            }
        }
    }

    fn answer(&self, query: &Query) -> Answer {
        catch_unwind(AssertUnwindSafe(|| resolve(&self.ask, &query.host, query.port, query.family)))
            .unwrap_or_else(|_| Err(Error::new(EN_EPANIC, "the resolver panicked")))
    }

    /// The next job; None when the thread is to end.
    fn next(&self) -> Option<Weak<Job>> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            let (woken, waited) =
                self.work.wait_timeout(state, self.idle_time).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }
}

/// No code that can panic runs under these locks, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a detached thread that gets no signals: they are for the application's threads.
fn spawn(run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are ours; the first is filled before it is read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let thread = thread::Builder::new().name("easynet-resolve".into()).spawn(run);
    // SAFETY: the call above has written `before`; it cannot fail for a valid first argument.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    thread.map(drop)
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
