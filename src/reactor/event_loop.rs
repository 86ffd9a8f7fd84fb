//! The loop itself: waits for descriptors and points in time, and calls who has asked for them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use super::descriptors::Descriptors;
use super::operation::cancelled;
use super::remote::{Remote, foreign};
use super::sources::{PLACE_BITS, Source, Sources};
use super::timers::Timers;
use crate::attempt::Interest;
use crate::deadline::{self, Deadline};
use crate::error::{EN_EBUSY, EN_ECLOSED, EN_ENFILE, EN_EPANIC, Error, Result};
use crate::socket::fork::Process;
use crate::socket::single_threaded;
use crate::socket::timerfd::TimerFd;
use crate::threads;

/// How many events one look at the descriptors brings.
const EVENTS: usize = 1024;

/// For how many that go on the memory is kept.
const KEPT: usize = 64;

const WAKER: Token = Token(usize::MAX);
/// Where no source is.
const TIMER: usize = usize::MAX - 1;

/// An event loop. One thread at a time uses it.
pub struct EventLoop {
    poll: RefCell<Poll>,
    events: RefCell<Events>,
    /// What it watches.
    pub(super) descriptors: Descriptors,
    remote: Arc<Remote>,
    sources: RefCell<Sources>,
    timers: RefCell<Timers>,
    /// Who has asked to go on.
    later: RefCell<VecDeque<Rc<dyn Source>>>,
    /// How many operations, timers, watches and started receives there are.
    holds: Cell<usize>,
    next_number: Cell<u64>,
    is_running: Cell<bool>,
    /// The thread that runs it; 0: none does. Only this may be looked at by others.
    runner: AtomicUsize,
    is_ended: Cell<bool>,
    /// It has ended by that.
    has_panicked: Cell<bool>,
    /// How many clients are being worked on, which may run callbacks.
    inside: Cell<u32>,
    /// When the timers of this turn were looked at.
    timers_at: Cell<Instant>,
    /// Once somebody waits for the loop's descriptor: makes it readable at the next point in time.
    alarm: RefCell<Option<Alarm>>,
    /// How long it looks before it sleeps.
    busy_poll: Cell<Duration>,
    process: Process,
    /// The address by which the application knows it; 0 when it does no more.
    handle: Cell<usize>,
}

struct Alarm {
    timer: TimerFd,
    armed: Option<Instant>,
}

/// The time in which a thread runs a loop. A panic ends that, too.
struct Run<'a>(&'a EventLoop);

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end_by_panic();
        }
        self.0.is_running.set(false);
        self.0.runner.store(0, Ordering::Relaxed);
    }
}

impl EventLoop {
    /// A loop with nothing on it.
    pub fn new() -> Result<Rc<EventLoop>> {
        single_threaded::watch();
        let poll = Poll::new().map_err(Error::os)?;
        let registry = poll.registry().try_clone().map_err(Error::os)?;
        let waker = Waker::new(&registry, WAKER).map_err(Error::os)?;
        Ok(Rc::new(EventLoop {
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(EVENTS)),
            descriptors: Descriptors::new(registry),
            remote: Arc::new(Remote::new(waker)),
            sources: RefCell::default(),
            timers: RefCell::default(),
            later: RefCell::default(),
            holds: Cell::new(0),
            next_number: Cell::new(0),
            is_running: Cell::new(false),
            runner: AtomicUsize::new(0),
            is_ended: Cell::new(false),
            has_panicked: Cell::new(false),
            inside: Cell::new(0),
            timers_at: Cell::new(Instant::now()),
            alarm: RefCell::new(None),
            busy_poll: Cell::new(Duration::ZERO),
            process: Process::current(),
            handle: Cell::new(0),
        }))
    }

    /// The address by which the application knows it.
    pub fn handle(&self) -> usize {
        self.handle.get()
    }

    /// The application knows it by this address from now on.
    pub fn set_handle(&self, address: usize) {
        self.handle.set(address);
    }

    /// What other threads may use. What they do with it may have the loop freed before they are through.
    pub fn remote(&self) -> Arc<Remote> {
        self.remote.clone()
    }

    /// When the timers of this turn were looked at.
    pub(super) fn timers_at(&self) -> Instant {
        self.timers_at.get()
    }

    /// Whether it goes on after the callback that runs.
    #[inline]
    pub(super) fn goes_on(&self) -> bool {
        !self.is_ended.get()
    }

    /// Whether nothing runs any more.
    pub(super) fn has_ended(&self) -> bool {
        self.is_ended.get() && !self.is_running.get() && !self.is_foreign()
    }

    /// Whether the loop may be used: it has not ended, and this is the process that made it.
    pub fn check(&self) -> Result<()> {
        if self.is_foreign() {
            return Err(foreign());
        }
        match self.is_ended.get() {
            true => Err(self.why_ended()),
            false => Ok(()),
        }
    }

    #[cold]
    fn why_ended(&self) -> Error {
        match self.has_panicked.get() {
            true => Error::new(EN_EPANIC, "the loop has met a bug in easynet: free it"),
            false => Error::new(EN_ECLOSED, "the loop has ended"),
        }
    }

    /// Refuses a thread that uses the loop, or what is on it, while another one runs it.
    #[inline(never)]
    pub fn check_thread(&self) -> Result<()> {
        match self.runner.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ if threads::is_single() => Ok(()),
            runner if runner == threads::here() || self.is_foreign() => Ok(()),
            _ => Err(run_by_another()),
        }
    }

    /// Runs it from now on.
    fn begin(&self) -> Result<Run<'_>> {
        self.check_idle()?;
        self.runner.store(threads::here(), Ordering::Relaxed);
        Ok(Run(self))
    }

    /// Whether it may be run now.
    fn check_idle(&self) -> Result<()> {
        self.check()?;
        let reason = match (self.is_running.get(), self.inside.get()) {
            (true, _) => "the loop is running already: a callback cannot run it again",
            (false, 1..) => "a callback of one of its clients cannot run the loop",
            (false, 0) => return Ok(()),
        };
        Err(Error::new(EN_EBUSY, reason))
    }

    /// One of its clients is being worked on.
    #[inline]
    pub(super) fn begin_work(&self) {
        self.inside.set(self.inside.get() + 1);
    }

    /// It is no more.
    #[inline]
    pub(super) fn end_work(&self) {
        self.inside.set(self.inside.get() - 1);
    }

    /// Whether this is a forked child.
    pub fn is_foreign(&self) -> bool {
        !self.process.is_current()
    }

    /// Runs until it is stopped, or until nothing is left that could call anybody.
    pub fn run(&self) -> Result<()> {
        let _run = self.begin()?;
        while !self.remote.take_stop() && self.is_held() {
            self.turn(Deadline::Never)?;
            if self.is_ended.get() {
                break;
            }
        }
        Ok(())
    }

    /// Waits, at most so long, until there is something to do, and does it.
    pub fn run_once(&self, timeout_ms: i64) -> Result<()> {
        let _run = self.begin()?;
        self.turn(Deadline::after_ms(timeout_ms))
    }

    fn turn(&self, deadline: Deadline) -> Result<()> {
        self.check_idle()?;
        self.is_running.set(true);
        let outcome = self.wait(deadline).map(|()| self.dispatch());
        self.is_running.set(false);
        if self.has_panicked.get() {
            return self.check();
        }
        if self.is_ended.get() {
            self.finish();
            return Ok(());
        }
        self.set_alarm();
        outcome
    }

    /// Takes it out of service, with all that is on it, which ends when the loop is freed.
    pub fn end_by_panic(&self) {
        if !self.is_ended.replace(true) {
            self.has_panicked.set(true);
        }
    }

    fn wait(&self, mut deadline: Deadline) -> Result<()> {
        let timeout = deadline.left().at_most(self.next_timeout());
        let busy = self.busy_poll.get().min(timeout.unwrap_or(Duration::MAX));
        match !busy.is_zero() && self.spin(busy)? {
            true => Ok(()),
            false => self.look(timeout.map(|time| time - busy)),
        }
    }

    /// Looks for a short time again and again; whether something has come.
    fn spin(&self, time: Duration) -> Result<bool> {
        let end = Instant::now() + time;
        loop {
            self.look(Some(Duration::ZERO))?;
            let has_come = !self.events.borrow().is_empty();
            if has_come || Instant::now() >= end {
                return Ok(has_come);
            }
            std::hint::spin_loop();
        }
    }

    fn look(&self, timeout: Option<Duration>) -> Result<()> {
        match self.poll.borrow_mut().poll(&mut self.events.borrow_mut(), timeout) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => Err(Error::os(error)),
            _ => Ok(()),
        }
    }

    /// Lets it look so long before it sleeps.
    pub fn set_busy_poll(&self, microseconds: u32) -> Result<()> {
        self.check()?;
        self.busy_poll.set(deadline::busy_poll(microseconds)?);
        Ok(())
    }

    /// How long until there is something to do; None: nobody knows.
    pub fn next_timeout(&self) -> Option<Duration> {
        if !self.later.borrow().is_empty() || self.remote.has_work() {
            return Some(Duration::ZERO);
        }
        let next = self.timers.borrow().next();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    fn dispatch(&self) {
        self.dispatch_events();
        self.dispatch_timers();
        if self.remote.has_work() {
            for work in self.remote.take_work() {
                work(if self.is_ended.get() { Err(cancelled()) } else { Ok(()) });
            }
        }
        // Who asks again meanwhile comes in the next turn.
        let count = self.later.borrow().len();
        for _ in 0..count {
            if self.is_ended.get() {
                return;
            }
            let Some(source) = self.later.borrow_mut().pop_front() else { break };
            source.go_on();
        }
        let mut later = self.later.borrow_mut();
        if later.is_empty() && later.capacity() > KEPT {
            *later = VecDeque::new();
        }
    }

    fn dispatch_events(&self) {
        let Ok(mut events) = self.events.try_borrow_mut() else { return };
        for event in &*events {
            if self.is_ended.get() {
                break;
            }
            let Token(place) = event.token();
            let Some(source) = self.sources.borrow().at(place) else { continue };
            // At urgent data a receive stops, with more behind it.
            let to_the_end = event.is_read_closed() || event.is_error() || event.is_priority();
            let writable = event.is_writable() || event.is_error();
            source.ready(event.is_readable() || to_the_end, writable, to_the_end);
        }
        events.clear();
    }

    fn dispatch_timers(&self) {
        if self.timers.borrow().next().is_none() {
            return;
        }
        let now = Instant::now();
        self.timers_at.set(now);
        while !self.is_ended.get() {
            let Some(number) = self.timers.borrow_mut().due(now) else { break };
            let source = self.sources.borrow().of(number);
            if let Some(source) = source {
                source.due(number);
            }
        }
    }

    /// Whether there is something that could still call somebody.
    fn is_held(&self) -> bool {
        self.holds.get() > 0 || !self.later.borrow().is_empty() || self.remote.has_work()
    }

    /// A descriptor that is readable when the loop has something to do.
    pub fn fd(&self) -> Result<RawFd> {
        self.check()?;
        let fd = self.poll.borrow().as_raw_fd();
        if self.alarm.borrow().is_none() {
            let timer = TimerFd::new()?;
            self.descriptors.register_for(timer.as_fd(), TIMER, Interest::Read)?;
            *self.alarm.borrow_mut() = Some(Alarm { timer, armed: None });
            self.set_alarm();
        }
        Ok(fd)
    }

    /// Sees to it that the descriptor becomes readable in time.
    fn set_alarm(&self) {
        if self.is_running.get() {
            return;
        }
        if let Some(alarm) = &mut *self.alarm.borrow_mut() {
            let next = self.timers.borrow().next();
            if alarm.armed != next {
                alarm.armed = next;
                alarm.timer.arm(next.map(|next| next.saturating_duration_since(Instant::now())));
            }
            if !self.later.borrow().is_empty() {
                self.remote.wake();
            }
        }
    }

    /// Ends an operation before its time.
    pub fn cancel(&self, number: u64) {
        let source = self.sources.borrow().of(number);
        if let Some(source) = source {
            source.cancel(number);
        }
    }

    /// The end: everything on the loop is completed before this returns, or, inside a callback, when
    /// the loop gets control back. In a forked child nothing is.
    pub fn end(&self) {
        // What a panic has ended has yet to be completed.
        if self.is_ended.replace(true) && !self.has_panicked.take() {
            return;
        }
        if !self.is_running.get() {
            self.finish();
        }
    }

    fn finish(&self) {
        let sources = self.sources.borrow_mut().take();
        if self.is_foreign() {
            // Who waits to go on holds the loop.
            self.later.take();
            return;
        }
        for source in sources {
            source.end();
        }
        // Who has ended already, and only waits to be called.
        loop {
            let Some(source) = self.later.borrow_mut().pop_front() else { break };
            source.go_on();
        }
        for work in self.remote.close() {
            work(Err(cancelled()));
        }
    }

    pub(super) fn add(&self, source: Rc<dyn Source>) -> Result<usize> {
        self.check()?;
        let mut sources = self.sources.borrow_mut();
        match sources.is_full() {
            true => Err(Error::new(EN_ENFILE, "there are too many clients and timers on this loop")),
            false => Ok(sources.add(source)),
        }
    }

    pub(super) fn remove(&self, place: usize) {
        let removed = self.sources.borrow_mut().remove(place);
        drop(removed);
    }

    /// Calls the source when the loop has control.
    pub(super) fn go_on_later(&self, source: Rc<dyn Source>) {
        // Once it has ended it never has control again: who ends then calls by itself.
        if self.has_ended() {
            return;
        }
        self.later.borrow_mut().push_back(source);
        if !self.is_running.get() && self.alarm.borrow().is_some() {
            self.remote.wake();
        }
    }

    /// A number that no operation has had.
    pub(super) fn next_number(&self, place: usize) -> u64 {
        self.next_number.set(self.next_number.get() + 1);
        self.next_number.get() << PLACE_BITS | place as u64
    }

    /// Tells the source that has this number then.
    pub(super) fn add_timer(&self, when: Instant, number: u64) {
        self.timers.borrow_mut().add(when, number);
        self.set_alarm();
    }

    pub(super) fn remove_timer(&self, when: Instant, number: u64) {
        self.timers.borrow_mut().remove(when, number);
    }

    pub(super) fn hold(&self) {
        self.holds.set(self.holds.get() + 1);
    }

    pub(super) fn release(&self) {
        self.holds.set(self.holds.get().saturating_sub(1));
    }
}

/// The time that is left as milliseconds, rounded up: who waits for less would come too early.
pub fn milliseconds(left: Option<Duration>) -> i64 {
    left.map_or(-1, |left| i64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX))
}

#[cold]
fn run_by_another() -> Error {
    let reason = "another thread runs the loop: have it make this call (en_loop_post), also to free what is on the loop";
    Error::new(EN_EBUSY, reason)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn a_loop_that_has_panicked_only_ends_what_is_on_it() {
        let core = EventLoop::new().expect("a loop");
        let is_told = Arc::new(AtomicBool::new(false));
        core.remote().post(Box::new(|_| panic!("a bug"))).expect("posted");
        assert!(catch_unwind(AssertUnwindSafe(|| core.run_once(0))).is_err());
        assert_eq!(core.run_once(0).expect_err("out of service").code(), EN_EPANIC);
        let told = is_told.clone();
        let last = move |outcome: Result<()>| told.store(outcome.is_err(), Ordering::Relaxed);
        core.remote().post(Box::new(last)).expect("posted");
        core.end();
        assert!(is_told.load(Ordering::Relaxed));
        assert_eq!(core.run_once(0).expect_err("ended").code(), EN_ECLOSED);
    }
}
