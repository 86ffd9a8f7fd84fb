use super::*;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::super::getaddrinfo::Failure;
use crate::error::{EN_EAI_NONAME, EN_EINVAL, EN_ENODEV};

const LONG: Duration = Duration::from_secs(60);

fn is_ready(lookup: &Lookup, timeout: Duration) -> bool {
    let mut entry = libc::pollfd { fd: lookup.fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = timeout.as_millis().try_into().expect("not that long");
    // SAFETY: one entry, ours.
    unsafe { libc::poll(&raw mut entry, 1, milliseconds) == 1 }
}

fn wait(lookup: &mut Lookup) -> Answer {
    assert!(is_ready(lookup, LONG), "no answer came");
    let answer = lookup.poll().expect("the descriptor said so");
    assert!(!is_ready(lookup, Duration::ZERO));
    assert!(lookup.poll().is_none());
    answer
}

fn pool(ask: impl Ask + Send + Sync + 'static, idle_time: Duration) -> &'static Pool {
    Box::leak(Box::new(Pool::new(ask, idle_time)))
}

fn query(host: &str) -> Query {
    Query { host: host.into(), port: 80, family: Family::Any }
}

fn localhost() -> Vec<IpAddress> {
    vec![IpAddress::parse("127.0.0.1", 0).expect("numeric")]
}

/// A pool whose system says what it is asked and then hangs until it gets a word.
fn hanging_pool() -> (&'static Pool, Receiver<String>, Sender<()>) {
    let (asked_sender, asked) = channel();
    let (go, go_receiver) = channel::<()>();
    let go_receiver = Mutex::new(go_receiver);
    let ask = move |name: &std::ffi::CStr, _: Family, _: i32| {
        asked_sender.send(name.to_str().expect("text").to_owned()).expect("the test listens");
        let _ = lock(&go_receiver).recv();
        Ok(localhost())
    };
    (pool(ask, LONG), asked, go)
}

/// Waits until `is_so`, which other threads bring about; panics if they do not.
fn until(is_so: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "it never came");
        thread::yield_now();
    }
}

#[test]
fn numeric_hosts_are_answered_at_once() {
    for (host, family, text) in [
        ("127.0.0.1", Family::Any, "127.0.0.1:80"),
        ("127.0.0.1", Family::V4, "127.0.0.1:80"),
        ("::1", Family::V6, "[::1]:80"),
        ("[fe80::1%2]", Family::Any, "[fe80::1%2]:80"),
    ] {
        let addresses = numeric(host, 80, family).expect("numeric").expect("addresses");
        assert_eq!(addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
    }
    assert!(numeric("localhost", 80, Family::Any).is_none());
}

#[test]
fn bad_hosts_are_refused_at_once() {
    let answer = |host: &str, family| match numeric(host, 80, family) {
        Some(answer) => answer.map(drop),
        None => lookup(host, 80, family).map(drop),
    };
    let code = |host: &str, family| answer(host, family).expect_err("refused").code();
    for host in ["", ".", "a\0b", &"a".repeat(254), &"a".repeat(100_000)] {
        assert_eq!(code(host, Family::Any), EN_EINVAL);
    }
    assert!(check(&"a".repeat(253)).is_ok());
    assert!(check(&format!("{}.", "a".repeat(253))).is_ok());
    assert_eq!(code("::1", Family::V4), EN_EAI_FAMILY);
    assert_eq!(code("127.0.0.1", Family::V6), EN_EAI_FAMILY);
    assert_eq!(code("fe80::1%no-such-one", Family::Any), EN_ENODEV);
}

#[test]
fn localhost_is_found_by_the_system() {
    let mut lookup = lookup("localhost", 80, Family::Any).expect("queued");
    let addresses = wait(&mut lookup).expect("addresses");
    assert!(addresses.iter().all(|address| address.as_socket_addr().ip().is_loopback()));
    assert!(!addresses.is_empty());
}

#[test]
fn failures_are_answers() {
    let pool = pool(|_: &_, _, _| Err(Failure { code: libc::EAI_NONAME, errno: 0 }), LONG);
    let error = wait(&mut pool.submit(query("nosuch.invalid")).expect("queued")).expect_err("no such host");
    assert_eq!(error.code(), EN_EAI_NONAME);
    assert!(error.reason().starts_with("cannot resolve \"nosuch.invalid\": "), "{error}");
}

#[test]
fn a_resolver_that_panics_answers() {
    let pool = pool(|_: &_, _, _| std::panic::resume_unwind(Box::new(())), LONG);
    let error = wait(&mut pool.submit(query("host")).expect("queued")).expect_err("panicked");
    assert_eq!(error.code(), EN_EPANIC);
    assert_eq!(lock(&pool.state).threads, 1);
}

#[test]
fn threads_are_bounded_and_the_rest_waits() {
    let (pool, asked, go) = hanging_pool();
    let mut lookups: Vec<_> =
        (0..MAX_THREADS + 3).map(|at| pool.submit(query(&format!("host{at}"))).expect("queued")).collect();
    for _ in 0..MAX_THREADS {
        asked.recv_timeout(LONG).expect("every thread asks");
    }
    assert!(asked.try_recv().is_err(), "more threads than allowed");
    assert_eq!(lock(&pool.state).threads, MAX_THREADS);
    assert_eq!(lock(&pool.state).queue.len(), 3);
    assert!(lookups.iter_mut().all(|lookup| lookup.poll().is_none()));
    drop(go);
    for lookup in &mut lookups {
        assert_eq!(wait(lookup).expect("addresses").len(), 1);
    }
    assert_eq!(lock(&pool.state).threads, MAX_THREADS);
}

#[test]
fn what_nobody_wants_is_not_asked() {
    let (pool, asked, go) = hanging_pool();
    let mut running: Vec<_> =
        (0..MAX_THREADS).map(|_| pool.submit(query("running")).expect("queued")).collect();
    for _ in 0..MAX_THREADS {
        asked.recv_timeout(LONG).expect("every thread asks");
    }
    let unwanted = pool.submit(query("unwanted")).expect("queued");
    let mut wanted = pool.submit(query("wanted")).expect("queued");
    drop(unwanted);
    running.truncate(1);
    drop(go);
    assert!(wait(&mut wanted).is_ok());
    assert!(wait(&mut running[0]).is_ok());
    assert_eq!(asked.try_iter().collect::<Vec<_>>(), ["wanted"]);
}

#[test]
fn abandoned_ones_take_no_room() {
    let (pool, asked, go) = hanging_pool();
    let running: Vec<_> = (0..MAX_THREADS).map(|_| pool.submit(query("running")).expect("queued")).collect();
    for _ in 0..MAX_THREADS {
        asked.recv_timeout(LONG).expect("every thread asks");
    }
    for _ in 0..1000 {
        drop(pool.submit(query("unwanted")).expect("queued"));
    }
    let room = lock(&pool.state).queue.capacity();
    assert!(room < 100, "the queue has grown to {room}");
    drop((go, running));
}

#[test]
fn an_idle_thread_serves_the_next_one() {
    let pool = pool(|_: &_, _, _| Ok(localhost()), LONG);
    for _ in 0..3 {
        assert!(wait(&mut pool.submit(query("host")).expect("queued")).is_ok());
        until(|| lock(&pool.state).idle == 1);
    }
    assert_eq!(lock(&pool.state).threads, 1);
}

#[test]
fn idle_threads_end() {
    let pool = pool(|_: &_, _, _| Ok(localhost()), Duration::from_millis(1));
    for _ in 0..2 {
        assert!(wait(&mut pool.submit(query("host")).expect("queued")).is_ok());
        until(|| lock(&pool.state).threads == 0);
    }
}

#[test]
fn threads_get_no_signals() {
    let (sender, masks) = channel();
    let ask = move |_: &std::ffi::CStr, _: Family, _: i32| {
        let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the call writes the mask, which is read afterwards.
        let blocked = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr());
            [libc::SIGINT, libc::SIGTERM, libc::SIGALRM, libc::SIGCHLD]
                .map(|signal| libc::sigismember(mask.as_ptr(), signal))
        };
        sender.send(blocked).expect("the test listens");
        Ok(localhost())
    };
    let pool = pool(ask, LONG);
    assert!(wait(&mut pool.submit(query("host")).expect("queued")).is_ok());
    assert_eq!(masks.recv().expect("asked"), [1; 4]);
    let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the call writes the mask, which is read afterwards.
    let here = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr());
        libc::sigismember(mask.as_ptr(), libc::SIGTERM)
    };
    assert_eq!(here, 0, "the caller's own mask has changed");
}

#[test]
fn a_forked_child_resolves_with_threads_of_its_own() {
    static POOL: PerProcess<Pool> = PerProcess::empty();
    let current = || POOL.get(|_| Pool::new(|_: &_, _, _| Ok(localhost()), LONG));
    let parents = current();
    assert!(wait(&mut parents.submit(query("host")).expect("queued")).is_ok());
    assert!(std::ptr::eq(parents, current()));

    let held = lock(&parents.state);
    // SAFETY: the child only resolves and ends; the alarm ends it if it hangs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: ends the child if it hangs.
        unsafe { libc::alarm(60) };
        let resolved = catch_unwind(|| wait(&mut current().submit(query("host")).expect("queued")).is_ok());
        let is_own = !std::ptr::eq(parents, current());
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(if is_own && resolved.unwrap_or(false) { 0 } else { 1 }) };
    }
    drop(held);
    assert!(child > 0);
    let mut status = -1;
    // SAFETY: waits for our own child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}
