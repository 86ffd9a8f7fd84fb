//! rustls on blocking sockets, as its own documentation uses it: the reference for TLS. It is a
//! library for C, so that it is measured by the very program that measures the others; see tls.h.

#![allow(unsafe_code, clippy::not_unsafe_ptr_arg_deref)]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, Stream};

const HEADER: usize = 4;

static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
static CALLS: AtomicU64 = AtomicU64::new(0);

/// A connection over a socket.
pub struct Session {
    connection: ClientConnection,
    socket: Socket,
}

impl Session {
    /// Not a `StreamOwned`, which would make a record of each part of a packet.
    fn stream(&mut self) -> Stream<'_, ClientConnection, Socket> {
        Stream::new(&mut self.connection, &mut self.socket)
    }
}

/// A socket whose system calls are counted.
struct Socket(TcpStream);

fn count() {
    CALLS.store(CALLS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        count();
        self.0.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        count();
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        count();
        self.0.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Trusts the authority in this file.
#[unsafe(no_mangle)]
pub extern "C" fn tls_configure(authority: *const c_char, resumes: c_int) {
    // SAFETY: the caller gives a text that ends with NUL.
    let path = OsStr::from_bytes(unsafe { CStr::from_ptr(authority) }.to_bytes());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path).expect("a certificate")).expect("an authority");
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().expect("good versions");
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    if resumes == 0 {
        config.resumption = Resumption::disabled();
    }
    assert!(CONFIG.set(Arc::new(config)).is_ok(), "it is configured once");
}

/// Shakes hands over a connected socket.
#[unsafe(no_mangle)]
pub extern "C" fn tls_connect(fd: c_int) -> *mut Session {
    let config = CONFIG.get().expect("it is configured first").clone();
    let name = ServerName::try_from("localhost").expect("a name");
    // SAFETY: the caller gives the descriptor away.
    let mut socket = Socket(unsafe { TcpStream::from_raw_fd(fd) });
    let mut connection = ClientConnection::new(config, name).expect("a connection");
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).expect("a handshake");
    }
    Box::into_raw(Box::new(Session { connection, socket }))
}

/// Whether an earlier session was resumed.
#[unsafe(no_mangle)]
pub extern "C" fn tls_is_resumed(session: *const Session) -> c_int {
    // SAFETY: the caller has it from `tls_connect`.
    let session = unsafe { &*session };
    c_int::from(session.connection.handshake_kind() == Some(HandshakeKind::Resumed))
}

/// Sends a packet.
#[unsafe(no_mangle)]
pub extern "C" fn tls_send(session: *mut Session, header: *const u8, data: *const u8, size: usize) {
    // SAFETY: the caller has the session from `tls_connect`, and the bytes may be read.
    let (session, header, data) =
        unsafe { (&mut *session, slice::from_raw_parts(header, HEADER), slice::from_raw_parts(data, size)) };
    let mut parts = [IoSlice::new(header), IoSlice::new(data)];
    let mut rest = &mut parts[..];
    while !rest.is_empty() {
        let sent = session.stream().write_vectored(rest).expect("sending");
        IoSlice::advance_slices(&mut rest, sent);
    }
    session.stream().flush().expect("sending");
}

/// Receives at least one byte.
#[unsafe(no_mangle)]
pub extern "C" fn tls_receive(session: *mut Session, to: *mut u8, room: usize) -> usize {
    // SAFETY: the caller has the session from `tls_connect`, and the memory is its own.
    let (session, to) = unsafe { (&mut *session, slice::from_raw_parts_mut(to, room)) };
    let count = session.stream().read(to).expect("receiving");
    assert!(count > 0, "the peer has ended the stream");
    count
}

/// Says the end, hears the peer's, and frees.
#[unsafe(no_mangle)]
pub extern "C" fn tls_close(session: *mut Session) {
    // SAFETY: the caller has it from `tls_connect`, and gives it back.
    let mut session = unsafe { Box::from_raw(session) };
    session.connection.send_close_notify();
    session.stream().flush().expect("the end");
    assert_eq!(session.stream().read(&mut [0; 64]).expect("the peer's end"), 0);
}

/// System calls on sockets so far.
#[unsafe(no_mangle)]
pub extern "C" fn tls_calls() -> u64 {
    CALLS.load(Ordering::Relaxed)
}
