//! Connecting to the first of several addresses that answers (RFC 8305), as a state machine that is
//! told the time.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use super::address::IpAddress;
pub use super::tcp_dialer::{Dialed, TcpDialer};
use crate::attempt::Course;
use crate::error::{
    EN_EACCES, EN_EADDRNOTAVAIL, EN_EAFNOSUPPORT, EN_ECONNABORTED, EN_ECONNREFUSED, EN_ECONNRESET,
    EN_ECONNTIMEDOUT, EN_EHOSTDOWN, EN_EHOSTUNREACH, EN_ENETDOWN, EN_ENETRESET, EN_ENETUNREACH, EN_ETIMEDOUT,
    Error, Result, invalid,
};

/// What begins connections.
pub trait Dialer {
    /// A connection, or one to be. Dropping it ends it.
    type Socket;

    /// Connects from these addresses, one of each family at most.
    fn bind_to(&mut self, local: Vec<IpAddress>);

    /// Begins to connect.
    fn dial(&mut self, to: &IpAddress) -> Result<Dialing<Self::Socket>>;

    /// Whether a pending one has come to its end; None: it is still pending.
    fn check(&mut self, socket: &mut Self::Socket) -> Option<Result<()>>;
}

/// The local address to bind to before connecting; None: the system chooses.
pub(super) fn local_for<'a>(locals: &'a [IpAddress], to: &IpAddress) -> Result<Option<&'a IpAddress>> {
    match locals.iter().find(|local| local.is_ipv6() == to.is_ipv6()) {
        None if !locals.is_empty() => Err(Error::new(EN_EAFNOSUPPORT, "no local address of this family")),
        local => Ok(local),
    }
}

/// Why the system does not begin to connect.
pub(super) fn not_begun(error: io::Error, local: Option<&IpAddress>, to: &IpAddress) -> Error {
    match error.raw_os_error() {
        // It is not the peer's address that lacks. "Try again" would say that waiting helps.
        Some(libc::EADDRNOTAVAIL | libc::EAGAIN) => Error::new(
            EN_EADDRNOTAVAIL,
            "this machine has no address or no free port to connect from: see ip_local_port_range in ip(7)",
        ),
        Some(libc::EINVAL) if to.lacks_scope() => lacks_scope("the address"),
        Some(libc::EINVAL) => invalid(match local {
            Some(_) => "the system refuses this address: no way leads there from the local one",
            None => "the system refuses this address, as behind a \"blackhole\" route: see \"ip route get\"",
        }),
        _ => Error::os(error),
    }
}

/// Why the system does not take the local address.
pub(super) fn not_bound(error: io::Error, local: &IpAddress) -> Error {
    match error.raw_os_error() {
        Some(libc::EINVAL) if local.lacks_scope() => lacks_scope("the local address"),
        _ => Error::os(error),
    }
}

fn lacks_scope(which: &str) -> Error {
    invalid(format!("{which} is link-local: it needs its interface, as in \"fe80::1%eth0\""))
}

/// How far a connection has come.
#[derive(Debug)]
pub enum Dialing<S> {
    /// It is there.
    Done(S),
    /// It needs time.
    Pending(S),
}

/// How far the attempts have come: the first that is connected, while the others are gone, or none is left.
/// They go on when a pending one is writable, or when the next one begins.
pub type Progress<S> = Course<(S, IpAddress)>;

/// Attempts to connect to one of several addresses.
pub struct Attempts<D: Dialer> {
    dialer: D,
    left: VecDeque<IpAddress>,
    begun: Vec<(IpAddress, State<D::Socket>)>,
    /// How long one attempt is left alone; None: until it has failed.
    delay: Option<Duration>,
    /// They were looked up: what becomes of one is told with its address, even if there is no other.
    are_looked_up: bool,
    /// When the next attempt may begin beside those that are pending; None: never.
    next: Option<Instant>,
}

enum State<S> {
    Pending(S),
    Failed(Error),
}

impl<S> State<S> {
    fn is(&self, code: i32) -> bool {
        matches!(self, State::Failed(error) if error.code() == code)
    }
}

impl<D: Dialer> Attempts<D> {
    /// Attempts at addresses in their order, the families in turn.
    pub fn new(dialer: D, delay: Option<Duration>) -> Attempts<D> {
        Attempts { dialer, left: VecDeque::new(), begun: Vec::new(), delay, are_looked_up: false, next: None }
    }

    /// The same at what is found for a host, if that is a name.
    #[must_use]
    pub fn of_host(mut self, host: &str) -> Attempts<D> {
        self.are_looked_up = IpAddress::numeric(host, 0).is_none();
        self
    }

    /// Adds addresses that have become known, and those to connect from, if they have.
    pub fn add(&mut self, mut addresses: Vec<IpAddress>, local: Vec<IpAddress>) {
        if addresses.is_empty() && local.is_empty() {
            return;
        }
        if !local.is_empty() {
            self.dialer.bind_to(local);
            // Those of a family that had no local address may have one now.
            let lacking = self.begun.extract_if(.., |(_, state)| state.is(EN_EAFNOSUPPORT));
            self.left.extend(lacking.map(|(address, _)| address));
        }
        addresses.retain(|address| self.begun.iter().all(|(begun, _)| begun != address));
        join(&mut self.left, addresses);
    }

    /// Looks at what is pending, and begins what is due.
    pub fn advance(&mut self, now: Instant) -> Progress<D::Socket> {
        if let Some(index) = self.check(now) {
            return self.connected(index);
        }
        while self.is_due(now)
            && let Some(to) = self.left.pop_front()
        {
            match self.dialer.dial(&to) {
                Ok(Dialing::Done(socket)) => {
                    self.begun.push((to, State::Pending(socket)));
                    return self.connected(self.begun.len() - 1);
                }
                Ok(Dialing::Pending(socket)) => {
                    self.begun.push((to, State::Pending(socket)));
                    self.next = self.delay.and_then(|delay| now.checked_add(delay));
                }
                Err(error) => self.begun.push((to, State::Failed(error))),
            }
        }
        if self.pending().next().is_none() {
            return Course::Failed(self.failure());
        }
        Course::Wait { until: self.next.filter(|_| !self.left.is_empty()) }
    }

    /// The sockets to wait for: they become writable.
    pub fn pending(&self) -> impl Iterator<Item = &D::Socket> {
        self.begun.iter().filter_map(|(_, state)| match state {
            State::Pending(socket) => Some(socket),
            State::Failed(_) => None,
        })
    }

    /// Gives up because of `error`: the same, with what has been tried.
    pub fn expire(self, error: Error) -> Error {
        match &self.begun[..] {
            [] => error,
            [(address, State::Pending(_))] if self.left.is_empty() && !self.are_looked_up => {
                error.with_peer(&address.to_string().into())
            }
            _ => Error::new(error.code(), format!("{}: {}", error.reason(), self.list())),
        }
    }

    /// Records which pending ones have failed; the first that is connected, if any.
    fn check(&mut self, now: Instant) -> Option<usize> {
        for (index, (_, state)) in self.begun.iter_mut().enumerate() {
            let State::Pending(socket) = state else { continue };
            match self.dialer.check(socket) {
                None => {}
                Some(Ok(())) => return Some(index),
                Some(Err(error)) => {
                    *state = State::Failed(error);
                    self.next = self.delay.map(|_| now);
                }
            }
        }
        None
    }

    fn is_due(&self, now: Instant) -> bool {
        self.pending().next().is_none() || self.next.is_some_and(|next| next <= now)
    }

    fn connected(&mut self, index: usize) -> Progress<D::Socket> {
        self.left.clear();
        let (address, state) = self.begun.swap_remove(index);
        self.begun.clear();
        match state {
            State::Pending(socket) => Course::Done((socket, address)),
            State::Failed(error) => Course::Failed(error),
        }
    }

    /// One error for all attempts, when all have failed.
    fn failure(&self) -> Error {
        let errors = self.begun.iter().filter_map(|(_, state)| match state {
            State::Pending(_) => None,
            State::Failed(error) => Some(error),
        });
        // Of equals the last is the maximum, so the first attempt is looked at last.
        let Some(best) = errors.rev().max_by_key(|error| weight(error.code())) else {
            return invalid("there is no address to connect to");
        };
        match &self.begun[..] {
            [(address, _)] if !self.are_looked_up => best.clone().with_peer(&address.to_string().into()),
            _ => Error::new(best.code(), self.list()),
        }
    }

    /// What has become of each attempt.
    fn list(&self) -> String {
        let attempts = self.begun.iter().map(|(address, state)| match state {
            State::Pending(_) => format!("{address}: no answer yet"),
            State::Failed(error) => format!("{address}: {}", error.reason()),
        });
        attempts.collect::<Vec<_>>().join("; ")
    }
}

/// How much an error says about why there is no connection.
fn weight(code: i32) -> u8 {
    match code {
        EN_ECONNREFUSED => 6,
        // By IPv6 a firewall says EACCES, where by IPv4 it says EHOSTUNREACH.
        EN_EHOSTUNREACH | EN_EACCES | EN_EHOSTDOWN | EN_ECONNRESET | EN_ECONNABORTED | EN_ENETRESET => 5,
        // As a rule this machine has no way to addresses of that family.
        EN_ENETUNREACH | EN_ENETDOWN => 4,
        EN_ECONNTIMEDOUT | EN_ETIMEDOUT => 3,
        EN_EADDRNOTAVAIL => 1,
        EN_EAFNOSUPPORT => 0,
        // What else went wrong on this machine.
        _ => 2,
    }
}

/// Puts new addresses in front of those that are left, and the families in turn again.
fn join(left: &mut VecDeque<IpAddress>, mut addresses: Vec<IpAddress>) {
    for address in std::mem::take(left) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    *left = interleave(addresses);
}

/// One of each family in turn, beginning with the first; each family in its order.
fn interleave(addresses: Vec<IpAddress>) -> VecDeque<IpAddress> {
    // Two are in turn as they are.
    if addresses.len() < 3 {
        return addresses.into();
    }
    let first_is_ipv6 = addresses.first().is_some_and(IpAddress::is_ipv6);
    let count = addresses.len();
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_ipv6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = VecDeque::with_capacity(count);
    while mixed.len() < count {
        mixed.extend(first.next());
        mixed.extend(second.next());
    }
    mixed
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
