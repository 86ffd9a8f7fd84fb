//! Names and connection attempts, with the calling thread waiting.

use std::os::fd::AsFd;
use std::time::Instant;

use super::wait::Waiting;
use crate::attempt::Interest;
use crate::deadline::{Deadline, Left};
use crate::error::{EN_ETIMEDOUT, Error, Result, Stage};
use crate::socket::address::{Family, IpAddress};
use crate::socket::connect::{Attempts, Dialer, Progress};
use crate::socket::resolve;

/// The addresses of a host.
pub fn resolve(
    host: &str,
    port: u16,
    family: Family,
    waiting: &Waiting,
    deadline: &mut Deadline,
) -> Result<Vec<IpAddress>> {
    let mut lookup = resolve::lookup(host, port, family)?;
    loop {
        waiting.check()?;
        if let Some(answer) = lookup.poll() {
            return answer;
        }
        let left = deadline.left();
        if left == Left::Nothing {
            let reason = format!("the connect time-out has passed while {host:?} was being resolved");
            return Err(Error::new(EN_ETIMEDOUT, reason).at(Stage::Resolve));
        }
        waiting.poll(&[(Some(lookup.fd()), Interest::Read)], left, None)?;
    }
}

/// The first of the attempts that succeeds.
pub fn connect<D>(
    mut attempts: Attempts<D>,
    waiting: &Waiting,
    deadline: &mut Deadline,
) -> Result<(D::Socket, IpAddress)>
where
    D: Dialer<Socket: AsFd>,
{
    loop {
        if let Err(error) = waiting.check() {
            return Err(attempts.expire(error));
        }
        let until = match attempts.advance(Instant::now()) {
            Progress::Connected(socket, address) => return Ok((socket, address)),
            Progress::Failed(error) => return Err(error),
            Progress::Wait { until } => until,
        };
        let left = deadline.left();
        if left == Left::Nothing {
            return Err(attempts.expire(Error::new(EN_ETIMEDOUT, "the connect time-out has passed")));
        }
        let next = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.at_most(next).map_or(Left::Forever, Left::Time);
        let fds: Vec<_> = attempts.pending().map(|socket| (Some(socket.as_fd()), Interest::Write)).collect();
        waiting.poll(&fds, left, None)?;
    }
}
