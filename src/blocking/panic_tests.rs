//! A bug of ours that ends a call: nobody may use the handle any more, and whoever frees it must find the call
//! inside until that is settled.

use std::cell::Cell;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::channel::ChannelOptions;
use super::wait::Waiting;
use super::{Channel, Client, Closable, Within};
use crate::attempt::{Attempt, Hold, Interest};
use crate::endpoint::Connection;
use crate::endpoint::intake::Intake;
use crate::endpoint::outlet::Outlet;
use crate::endpoint::sender::Sender;
use crate::endpoint::stream::StreamReceiver;
use crate::error::{EN_EPANIC, Result};
use crate::protocol::raw::Raw;
use crate::protocol::{MaxSize, StreamProtocol};
use crate::transport::{Attribute, Shared, StreamTransport, Transport};

/// Has a bug wherever it is used, and hears when it is closed.
#[derive(Default)]
struct Buggy {
    closed: AtomicBool,
}

impl Transport for Buggy {
    fn stop_receiving(&self) {}

    fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn fd(&self, _interest: Interest) -> Option<BorrowedFd<'_>> {
        None
    }

    fn attribute(&self, which: Attribute) -> Result<Vec<u8>> {
        match which {
            Attribute::Descriptor => panic!("a bug in asking"),
            _ => Err(crate::transport::no_attribute()),
        }
    }

    fn getsockopt(&self, _level: i32, _name: i32, _value: &mut [MaybeUninit<u8>]) -> Result<usize> {
        panic!("a bug in asking")
    }
}

impl StreamTransport for Buggy {
    fn recv(&self, _buffer: &mut [u8], _hold: Hold) -> Attempt<usize> {
        panic!("a bug in receiving")
    }

    fn send(&self, _slices: &[IoSlice<'_>], _hold: Hold) -> Attempt<usize> {
        panic!("a bug in sending")
    }

    fn send_eof(&self, _hold: Hold) -> Attempt<()> {
        panic!("a bug in sending the end")
    }
}

/// The call panics, and when it is over the handle is out of service and its transport closed.
fn breaks<H: Closable>(handle: &H, transport: &Buggy, call: impl FnOnce(&H)) {
    assert!(catch_unwind(AssertUnwindSafe(|| call(handle))).is_err());
    assert_eq!(handle.check_usable().expect_err("out of service").code(), EN_EPANIC);
    assert!(handle.is_closed() && transport.closed.load(Ordering::Relaxed));
}

fn client_breaks(call: impl FnOnce(&Client)) {
    let transport = Arc::new(Buggy::default());
    let protocol: Arc<dyn StreamProtocol> = Arc::new(Raw::new(MaxSize::DEFAULT));
    let intake = Intake::new(protocol.decoder(None).expect("a decoder"), 0);
    let connection = Connection {
        receiver: Box::new(StreamReceiver::new(transport.clone(), intake)),
        sender: Sender::new(Outlet::Stream(transport.clone())),
        names: None,
        is_shared: false,
        directions: Interest::Either,
        runs_callbacks: false,
    };
    let client = Client::new(connection, (&protocol).into(), Waiting::default(), 0);
    breaks(&client, &transport, call);
}

fn channel_breaks(call: impl FnOnce(&Channel<dyn StreamTransport>)) {
    let transport = Arc::new(Buggy::default());
    let options =
        ChannelOptions { waiting: Waiting::default(), shutdown_timeout_ms: 0, max_datagram_size: 1 };
    let inner: Arc<dyn StreamTransport> = transport.clone();
    let channel = Channel::new(Shared::new(inner), options);
    breaks(&*channel, &transport, call);
}

#[test]
fn a_client_is_out_of_service_as_soon_as_a_call_has_panicked() {
    client_breaks(|client| drop(client.recv_packet(&mut MaybeUninit::uninit(), 0)));
    client_breaks(|client| drop(client.send_packet(b"packet", 0)));
    client_breaks(|client| drop(client.send_packet_parts(&[b"pack", b"et"], 0)));
    client_breaks(|client| drop(client.send_eof(0)));
    client_breaks(|client| drop(client.with_transport(|transport| transport.getsockopt(0, 0, &mut []))));
}

#[test]
fn a_transport_is_out_of_service_as_soon_as_a_call_has_panicked() {
    let now = Cell::new(-1);
    channel_breaks(|channel| drop(channel.recv(&mut [0], Within::NoWait(&now))));
    channel_breaks(|channel| drop(channel.recv(&mut [0], Within::Ms(0))));
    channel_breaks(|channel| drop(channel.send(b"bytes", 0)));
    channel_breaks(|channel| drop(channel.send_eof(0)));
    channel_breaks(|channel| drop(channel.attribute(Attribute::Descriptor)));
    channel_breaks(|channel| drop(channel.retry(&Buggy::default(), 0, |_| panic!("a bug in between"))));
}
