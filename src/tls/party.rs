//! One party to a connection. There may be very many clients in a process, so a client takes no more
//! room than it needs: what a server needs beyond that lies apart.

use std::io;
use std::ops::{Deref, DerefMut};

use rustls::{ClientConnection, CommonState, IoState, Reader, ServerConnection, Writer};

/// The one that connects, or the one that accepts.
// Clients are what there are very many of.
#[allow(clippy::large_enum_variant)]
pub enum Party {
    /// It connects.
    Client(ClientConnection),
    /// It accepts.
    Server(Box<ServerConnection>),
}

impl Party {
    /// Takes in encrypted bytes.
    pub fn read_tls(&mut self, from: &mut dyn io::Read) -> io::Result<usize> {
        match self {
            Party::Client(client) => client.read_tls(from),
            Party::Server(server) => server.read_tls(from),
        }
    }

    /// Gives out encrypted bytes.
    pub fn write_tls(&mut self, to: &mut dyn io::Write) -> io::Result<usize> {
        match self {
            Party::Client(client) => client.write_tls(to),
            Party::Server(server) => server.write_tls(to),
        }
    }

    /// Decrypts what was taken in.
    pub fn process_new_packets(&mut self) -> Result<IoState, rustls::Error> {
        match self {
            Party::Client(client) => client.process_new_packets(),
            Party::Server(server) => server.process_new_packets(),
        }
    }

    /// Where decrypted bytes come from.
    pub fn reader(&mut self) -> Reader<'_> {
        match self {
            Party::Client(client) => client.reader(),
            Party::Server(server) => server.reader(),
        }
    }

    /// Where bytes go that are to be encrypted.
    pub fn writer(&mut self) -> Writer<'_> {
        match self {
            Party::Client(client) => client.writer(),
            Party::Server(server) => server.writer(),
        }
    }
}

impl Deref for Party {
    type Target = CommonState;

    fn deref(&self) -> &CommonState {
        match self {
            Party::Client(client) => client,
            Party::Server(server) => server,
        }
    }
}

impl DerefMut for Party {
    fn deref_mut(&mut self) -> &mut CommonState {
        match self {
            Party::Client(client) => client,
            Party::Server(server) => server,
        }
    }
}
