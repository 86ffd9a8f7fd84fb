//! The high-level clients, and the parts they are made of: how each is made, and which options it has.

use std::sync::Arc;
use std::time::Duration;

use crate::attempt::Undertaking;
use crate::blocking::wait::{Interrupt, Waiting};
use crate::blocking::{Client, connect};
use crate::deadline::{self, Deadline};
use crate::endpoint::{Connection, Encoder};
use crate::error::{Result, invalid};
use crate::protocol::MaxSize;

pub mod endpoint;
pub mod local_address;
pub mod on_loop;
mod prepared;
mod reaching;
mod resolving;
pub mod secure;
pub mod tcp;
pub mod transport;
pub mod udp;
mod unix;
pub mod unix_datagram;
pub mod unix_stream;

/// The largest `max_recv_size` and write buffer: 1 GiB.
const LARGEST_BUFFER: usize = 1 << 30;

/// The largest datagram that is received where nothing else is said.
const MAX_DATAGRAM_SIZE: usize = 64 << 10;

/// The options that all clients have.
#[derive(Clone)]
pub struct CommonOptions {
    max_recv_size: usize,
    max_packet_size: Option<MaxSize>,
    max_datagram_size: usize,
    write_buffer: usize,
    /// How long closing may take.
    pub shutdown_timeout_ms: i64,
    /// How calls wait.
    pub waiting: Waiting,
}

impl Default for CommonOptions {
    fn default() -> CommonOptions {
        CommonOptions {
            max_recv_size: 0,
            max_packet_size: None,
            max_datagram_size: 0,
            write_buffer: 0,
            shutdown_timeout_ms: 30_000,
            waiting: Waiting::default(),
        }
    }
}

impl CommonOptions {
    /// How many bytes each receive asks for; 0: as is best.
    pub fn set_max_recv_size(&mut self, size: usize) -> Result<()> {
        within("max_recv_size", size, LARGEST_BUFFER)?;
        self.max_recv_size = size;
        Ok(())
    }

    /// The largest packet that is received; 0: as the protocol says.
    pub fn set_max_packet_size(&mut self, size: usize) -> Result<()> {
        within("max_packet_size", size, MaxSize::LARGEST)?;
        self.max_packet_size = if size > 0 { Some(MaxSize::new(size)?) } else { None };
        Ok(())
    }

    /// The largest datagram that is received; 0: 64 KiB.
    pub fn set_max_datagram_size(&mut self, size: usize) -> Result<()> {
        within("max_datagram_size", size, LARGEST_BUFFER)?;
        self.max_datagram_size = size;
        Ok(())
    }

    /// How many bytes gather before they are sent; 0: none.
    pub fn set_write_buffer(&mut self, size: usize) -> Result<()> {
        within("write_buffer", size, LARGEST_BUFFER)?;
        self.write_buffer = size;
        Ok(())
    }

    /// How long a receive looks before it sleeps.
    pub fn set_busy_poll(&mut self, microseconds: u32) -> Result<()> {
        let time = deadline::busy_poll(microseconds)?;
        // Who waits as everybody does needs nothing for that.
        if self.waiting.busy_poll != time {
            self.waiting.busy_poll = time;
        }
        Ok(())
    }

    /// Whom to ask how often whether a call that waits shall go on.
    pub fn set_interrupt<I: Interrupt + 'static>(
        &mut self,
        interval_ms: i64,
        make: impl FnOnce() -> Result<I>,
    ) -> Result<()> {
        let interval = interval(interval_ms)?;
        self.waiting.interrupt = Some(Arc::new(make()?));
        self.waiting.interval = Some(interval);
        Ok(())
    }

    /// How often calls that wait look again, without asking anybody.
    pub fn set_interval(&mut self, interval_ms: i64) -> Result<()> {
        self.waiting.interval = Some(interval(interval_ms)?);
        self.waiting.interrupt = None;
        Ok(())
    }

    /// A client whose calls block, when the undertaking has brought its connection.
    fn client(
        &self,
        mut work: impl Undertaking<Outcome = Connection>,
        encoder: Encoder,
        connect_timeout_ms: i64,
    ) -> Result<Arc<Client>> {
        let deadline = &mut Deadline::after_ms(connect_timeout_ms);
        let connection = connect::see_through(&mut work, &self.waiting, deadline)?;
        Ok(self.finished(connection, encoder))
    }

    /// A client whose calls block, over a connection.
    fn finished(&self, connection: Connection, encoder: Encoder) -> Arc<Client> {
        Arc::new(Client::new(connection, encoder, self.waiting.clone(), self.shutdown_timeout_ms))
    }

    fn max_datagram_size(&self) -> usize {
        if self.max_datagram_size == 0 { MAX_DATAGRAM_SIZE } else { self.max_datagram_size }
    }
}

fn interval(interval_ms: i64) -> Result<Duration> {
    match u64::try_from(interval_ms) {
        Ok(interval @ 1..) => Ok(Duration::from_millis(interval)),
        _ => Err(invalid(format!("a retry interval of {interval_ms} ms: it must be 1 at least"))),
    }
}

fn within(name: &str, value: usize, most: usize) -> Result<()> {
    match value <= most {
        true => Ok(()),
        false => Err(invalid(format!("{name} is {value}: it may be {most} at most"))),
    }
}
