//! What are the addresses of a name? A question that gets its answer in up to two parts (RFC 8305,
//! section 3), as a state machine that is told the time.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::address::{Family, IpAddress};
use super::resolve::{self, Lookup};
use crate::error::{EN_EAI_AGAIN, Error, Result};

/// So long all addresses are waited for; then those of IPv4 are asked for alone. There are name servers that
/// never say whether there are others, and networks that lose one of two questions sent at once.
const PATIENCE: Duration = Duration::from_millis(500);

/// What looks up the addresses of a name that are of a family.
type Ask = fn(&str, u16, Family) -> Result<Lookup>;

/// A name whose addresses are looked up.
pub struct Question {
    host: String,
    port: u16,
    ask: Ask,
    all: All,
    ipv4: Ipv4,
}

/// All addresses that are wanted.
enum All {
    Asked(Lookup),
    /// They cannot be told, for this reason; those of IPv4 alone may be.
    Failed(Error),
    /// They have been told, or why there are none.
    Over,
}

/// The addresses of IPv4 alone.
enum Ipv4 {
    /// They are asked for when all have been waited for long enough, which has not begun.
    Later,
    /// They are asked for then.
    At(Instant),
    Asked(Lookup),
    /// They have been told, or are not wanted.
    Over,
}

impl Question {
    /// Asks for the addresses of a name.
    pub fn new(host: &str, port: u16, family: Family) -> Result<Question> {
        Question::with(resolve::lookup, host, port, family)
    }

    fn with(ask: Ask, host: &str, port: u16, family: Family) -> Result<Question> {
        let all = All::Asked(ask(host, port, family)?);
        let ipv4 = if family == Family::Any { Ipv4::Later } else { Ipv4::Over };
        Ok(Question { host: host.to_string(), port, ask, all, ipv4 })
    }

    /// The name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The next part of the answer; None: it is not there yet, or has been told.
    pub fn advance(&mut self, now: Instant) -> Result<Option<Vec<IpAddress>>> {
        if let All::Asked(lookup) = &mut self.all
            && let Some(answer) = lookup.poll()
        {
            match answer {
                // The name server has not answered both, which says nothing of the other question.
                Err(error) if error.code() == EN_EAI_AGAIN && matches!(self.ipv4, Ipv4::Asked(_)) => {
                    self.all = All::Failed(error);
                }
                answer => {
                    (self.all, self.ipv4) = (All::Over, Ipv4::Over);
                    return answer.map(Some);
                }
            }
        }
        match &mut self.ipv4 {
            Ipv4::Later => self.ipv4 = now.checked_add(PATIENCE).map_or(Ipv4::Over, Ipv4::At),
            Ipv4::At(when) if *when <= now => {
                let lookup = (self.ask)(&self.host, self.port, Family::V4);
                self.ipv4 = lookup.map_or(Ipv4::Over, Ipv4::Asked);
            }
            Ipv4::Asked(lookup) => {
                if let Some(answer) = lookup.poll() {
                    self.ipv4 = Ipv4::Over;
                    // Why there are none is for the other answer to say.
                    return match (answer, &self.all) {
                        (Err(_), All::Failed(error)) => Err(error.clone()),
                        (answer, _) => Ok(answer.ok()),
                    };
                }
            }
            Ipv4::At(_) | Ipv4::Over => {}
        }
        Ok(None)
    }

    /// Whether nothing more will be told.
    pub fn is_over(&self) -> bool {
        !matches!(self.all, All::Asked(_)) && !matches!(self.ipv4, Ipv4::Asked(_))
    }

    /// When it goes on even if nothing is readable; None: never.
    pub fn until(&self) -> Option<Instant> {
        match self.ipv4 {
            Ipv4::At(when) => Some(when),
            _ => None,
        }
    }

    /// What to wait for: they become readable.
    pub fn fds(&self) -> [Option<BorrowedFd<'_>>; 2] {
        let all = match &self.all {
            All::Asked(lookup) => Some(lookup.fd()),
            _ => None,
        };
        let ipv4 = match &self.ipv4 {
            Ipv4::Asked(lookup) => Some(lookup.fd()),
            _ => None,
        };
        [all, ipv4]
    }
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
