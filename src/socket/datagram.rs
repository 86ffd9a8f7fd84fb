//! Datagrams in and out, one by one or many with one system call; see udp(7), unix(7).

use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::c_int;
use rustix::net::{self, RecvFlags};

use super::control_message::{self, HEADER};
use super::handle::count;
use super::{Socket, options};
use crate::attempt::{Attempt, Hold, Interest, Stop};
use crate::error::{EN_EINVAL, EN_EIO, EN_EMSGSIZE, EN_EOPNOTSUPP, Result};

/// The kernel cuts at most so many datagrams from one buffer (UDP_MAX_SEGMENTS, before 6.9).
const MOST_SEGMENTS: usize = 64;

/// What fits into one buffer to be cut: the largest IP packet, with room for its headers.
const MOST_SEGMENT_BYTES: usize = 65_000;

/// So many datagrams go with one sendmmsg(2).
const MOST_MESSAGES: usize = 64;

/// So many bytes of SO_RCVBUF each datagram takes at least while it waits: the kernel counts what it needs to keep
/// it, too.
const LEAST_QUEUED: usize = 256;

/// A limit: nobody has asked yet whether the kernel cuts at all.
const UNASKED: usize = usize::MAX;

/// A limit: it cuts into any size.
const UNLIMITED: usize = usize::MAX - 1;

/// From which size on the kernel does not cut buffers into datagrams; 0: it cuts none.
#[derive(Debug)]
pub struct SegmentLimit {
    size: AtomicUsize,
    /// How wide the path was when that was seen.
    path_mtu: AtomicUsize,
}

impl Default for SegmentLimit {
    fn default() -> SegmentLimit {
        SegmentLimit { size: AtomicUsize::new(UNASKED), path_mtu: AtomicUsize::new(0) }
    }
}

impl SegmentLimit {
    #[inline]
    fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    fn lower(&self, size: usize) {
        self.size.fetch_min(size, Ordering::Relaxed);
    }
}

/// Datagrams that came with one receive.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    /// How many bytes, as sent: more than the buffer's size if they were cut.
    pub size: usize,
    /// The size of each datagram, the last of which may be shorter; 0: there is one.
    pub segment: usize,
}

impl Socket {
    /// Sends one datagram.
    #[inline(always)]
    pub fn send_datagram(&self, datagram: &[u8], hold: Hold) -> Attempt<()> {
        self.send(&[IoSlice::new(datagram)], hold).map(|_| ())
    }

    /// Receives one datagram into `buffer`.
    #[inline(always)]
    pub fn recv_datagram(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived> {
        let flags = RecvFlags::TRUNC | RecvFlags::from_bits_retain(self.receive_flags(hold).cast_unsigned());
        self.call(hold, Interest::Read, move || {
            Ok(Arrived { size: net::recv(self, &mut *buffer, flags)?.1, segment: 0 })
        })
    }

    /// Lets the kernel hand over several datagrams at once; whether it can.
    pub fn coalesce(&self) -> bool {
        options::set_bytes(self.as_fd(), libc::SOL_UDP, libc::UDP_GRO, &1_i32.to_ne_bytes()).is_ok()
    }

    /// Receives one or, after [`Self::coalesce`], several datagrams of equal size.
    #[inline]
    pub fn recv_coalesced(&self, buffer: &mut [u8], hold: Hold) -> Attempt<Arrived> {
        // With room for what else the application may have asked for, such as time stamps: the size
        // comes last.
        let mut control = [0; 256];
        let received = self.recv_message(buffer, &mut control, libc::MSG_TRUNC, hold)?;
        Ok(Arrived { size: received.size, segment: segment_size(&control[..received.control]) })
    }

    /// Sends the first of the datagrams, as many as go with one system call, and says how many. UDP
    /// datagrams of one size are cut from one buffer where the kernel can.
    pub fn send_datagrams(&self, datagrams: &[&[u8]], limit: &SegmentLimit, hold: Hold) -> Attempt<usize> {
        let size = datagrams.first().map_or(0, |first| first.len());
        let alike = if self.cuts(size, limit) { alike(datagrams) } else { 0 };
        if alike > 1 {
            let slices: Vec<_> = datagrams[..alike].iter().map(|datagram| IoSlice::new(datagram)).collect();
            return match self.send_segments(&slices, size, limit, hold)? {
                true => Ok(alike),
                false => self.send_uncut(datagrams, size, limit, hold),
            };
        }
        self.send_messages(datagrams, hold)
    }

    /// The same for UDP datagrams of `size` bytes each that lie one behind the other; the last may be
    /// shorter.
    pub fn send_alike(&self, bytes: &[u8], size: usize, limit: &SegmentLimit, hold: Hold) -> Attempt<usize> {
        let together = &bytes[..bytes.len().min(most_segments(size) * size)];
        let worthwhile = together.len() > size && self.cuts(size, limit);
        let datagrams = || bytes.chunks(size).collect::<Vec<_>>();
        if !worthwhile {
            return self.send_messages(&datagrams(), hold);
        }
        match self.send_segments(&[IoSlice::new(together)], size, limit, hold)? {
            true => Ok(together.len().div_ceil(size)),
            false => self.send_uncut(&datagrams(), size, limit, hold),
        }
    }

    /// Sends what was not cut into `segment` bytes each. If it goes like this, the kernel cannot cut it, and
    /// `limit` remembers that; else what it refused may have been the route, for a time.
    fn send_uncut(
        &self,
        datagrams: &[&[u8]],
        segment: usize,
        limit: &SegmentLimit,
        hold: Hold,
    ) -> Attempt<usize> {
        let sent = self.send_messages(datagrams, hold)?;
        limit.lower(segment);
        limit.path_mtu.store(self.path_mtu(), Ordering::Relaxed);
        Ok(sent)
    }

    /// Whether the kernel may cut into so many bytes each.
    #[inline]
    fn cuts(&self, size: usize, limit: &SegmentLimit) -> bool {
        size < limit.size() || self.cuts_again(limit)
    }

    /// What it has refused is tried again when the path has become wider.
    #[cold]
    fn cuts_again(&self, limit: &SegmentLimit) -> bool {
        let is_wider = limit.size() > 0 && self.path_mtu() > limit.path_mtu.load(Ordering::Relaxed);
        if is_wider {
            limit.size.store(UNLIMITED, Ordering::Relaxed);
        }
        is_wider
    }

    /// Sends the slices as datagrams of one size (the last may be shorter). False: the kernel has refused
    /// to cut them.
    fn send_segments(
        &self,
        slices: &[IoSlice<'_>],
        segment: usize,
        limit: &SegmentLimit,
        hold: Hold,
    ) -> Attempt<bool> {
        if !self.knows_segments(limit) {
            return Ok(false);
        }
        match self.try_send_segments(slices, segment, hold) {
            Ok(()) => Ok(true),
            Err(Stop::Failed(error)) if self.is_refusal(error.code(), segment) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    /// Whether the kernel knows of cutting. Before Linux 4.18 it does not, and is silent about it: what it is
    /// told beside the bytes is passed over, and they would go as one datagram.
    fn knows_segments(&self, limit: &SegmentLimit) -> bool {
        if limit.size() == UNASKED {
            let known = options::get_int(self.as_fd(), libc::SOL_UDP, libc::UDP_SEGMENT).is_ok();
            limit.lower(if known { UNLIMITED } else { 0 });
        }
        limit.size() > 0
    }

    /// Whether an error says that the kernel cannot cut buffers, or not into datagrams of this size; and not what
    /// the network has said of an earlier one, which the caller is to hear.
    #[cold]
    fn is_refusal(&self, code: c_int, segment: usize) -> bool {
        match code {
            EN_EINVAL | EN_EIO | EN_EOPNOTSUPP => true,
            // It never cuts into what it would have to fragment.
            EN_EMSGSIZE => segment > self.most_in_one_piece(),
            _ => false,
        }
    }

    /// The largest datagram that goes in one piece, as far as the kernel knows the path; 0: it does not.
    fn most_in_one_piece(&self) -> usize {
        let domain = options::get_int(self.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN);
        let is_ipv4 = domain.is_ok_and(|family| family == libc::AF_INET);
        let headers = if is_ipv4 { 20 + 8 } else { 40 + 8 };
        self.path_mtu().saturating_sub(headers)
    }

    /// How large packets may be on the path, as far as the kernel knows it; 0: it does not.
    fn path_mtu(&self) -> usize {
        // A socket over IPv6 answers it, too.
        let mtu = options::get_int(self.as_fd(), libc::IPPROTO_IP, libc::IP_MTU);
        mtu.ok().and_then(|mtu| usize::try_from(mtu).ok()).unwrap_or(0)
    }

    fn try_send_segments(&self, slices: &[IoSlice<'_>], segment: usize, hold: Hold) -> Attempt<()> {
        let size = (segment as u16).to_ne_bytes();
        let mut control = [0; HEADER + size_of::<usize>()];
        control[..HEADER].copy_from_slice(&control_message::header(
            libc::SOL_UDP,
            libc::UDP_SEGMENT,
            size.len(),
        ));
        control[HEADER..][..size.len()].copy_from_slice(&size);
        self.send_message(slices, &control, hold).map(drop)
    }

    /// Sends datagrams of any sizes, as many as go with one system call; see sendmmsg(2). Only one by itself
    /// holds the thread: the kernel's time-out begins anew with each.
    pub fn send_messages(&self, datagrams: &[&[u8]], hold: Hold) -> Attempt<usize> {
        let datagrams = match datagrams {
            [one] => return self.send_datagram(one, hold).map(|()| 1),
            many => &many[..many.len().min(MOST_MESSAGES)],
        };
        let slices: Vec<_> = datagrams.iter().map(|datagram| IoSlice::new(datagram)).collect();
        let mut messages: Vec<_> = slices
            .iter()
            .map(|slice| {
                // SAFETY: all fields may be zero.
                let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
                message.msg_hdr.msg_iov = std::ptr::from_ref(slice).cast_mut().cast();
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        let most = messages.len() as u32;
        self.call(Hold::No, Interest::Write, move || {
            // SAFETY: the messages and what they point to live during the call.
            let sent =
                unsafe { libc::sendmmsg(self.as_fd().as_raw_fd(), messages.as_mut_ptr(), most, flags as _) };
            count(sent as isize)
        })
    }

    /// Takes datagrams away that came before the socket was connected: they may be anybody's. What comes
    /// meanwhile is the peer's, who may never cease: no more is taken than can have been there.
    pub fn drain(&self) -> Result<()> {
        let mut nothing = [0_u8; 0];
        for _ in 0..self.most_queued() {
            match self.recv_datagram(&mut nothing, Hold::No) {
                Ok(_) | Err(Stop::Again) => {}
                Err(Stop::Want(_) | Stop::Soon(_)) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// No more datagrams than these are ever there at once, as far as the kernel says.
    fn most_queued(&self) -> usize {
        let bytes = options::get_int(self.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF);
        let bytes = bytes.ok().and_then(|bytes| usize::try_from(bytes).ok());
        bytes.map_or(usize::MAX, |bytes| bytes / LEAST_QUEUED + 1)
    }
}

/// Whether the kernel hands over several datagrams at once.
pub fn is_coalescing(socket: BorrowedFd<'_>) -> bool {
    options::get_int(socket, libc::SOL_UDP, libc::UDP_GRO).is_ok_and(|on| on != 0)
}

/// How many of the first datagrams can be cut from one buffer.
fn alike(datagrams: &[&[u8]]) -> usize {
    let Some(size) = datagrams.first().map(|first| first.len()).filter(|size| *size > 0) else { return 0 };
    let most = most_segments(size);
    let same = datagrams.iter().take(most).take_while(|datagram| datagram.len() == size).count();
    let shorter = datagrams.get(same).is_some_and(|last| same < most && (1..size).contains(&last.len()));
    same + usize::from(shorter)
}

/// How many datagrams of `size` bytes can be cut from one buffer.
fn most_segments(size: usize) -> usize {
    MOST_SEGMENTS.min(MOST_SEGMENT_BYTES / size)
}

/// What the kernel says of the size of each of several datagrams; 0: nothing.
#[inline]
fn segment_size(control: &[u8]) -> usize {
    let size = control_message::messages(control).find_map(|(level, kind, _, data)| match (level, kind) {
        (libc::SOL_UDP, libc::UDP_GRO) => data.first_chunk().map(|size| c_int::from_ne_bytes(*size)),
        _ => None,
    });
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::EN_ENOPROTOOPT;
    use std::net::UdpSocket;

    fn of(sizes: &[usize]) -> Vec<&'static [u8]> {
        static ZEROS: [u8; 70_000] = [0; 70_000];
        sizes.iter().map(|size| &ZEROS[..*size]).collect()
    }

    #[test]
    fn alike_are_those_of_one_size_and_a_shorter_last() {
        assert_eq!(alike(&of(&[64, 64, 64])), 3);
        assert_eq!(alike(&of(&[64, 64, 10, 64])), 3);
        assert_eq!(alike(&of(&[64, 65])), 1);
        assert_eq!(alike(&of(&[0, 0])), 0);
        assert_eq!(alike(&of(&[64, 0])), 1);
        assert_eq!(alike(&of(&[64; 100])), MOST_SEGMENTS);
        assert_eq!(alike(&of(&[9000; 10])), 7);
    }

    /// A socket for which as many datagrams wait as there is room for.
    fn full() -> Socket {
        let own = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let other = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let to = own.local_addr().expect("bound");
        let socket = Socket::new(own.into());
        for _ in 0..socket.most_queued() {
            other.send_to(&[], to).expect("sent");
        }
        socket
    }

    #[test]
    fn all_that_can_wait_is_drained() {
        let socket = full();
        socket.drain().expect("drained");
        assert!(matches!(socket.recv_datagram(&mut [], Hold::No), Err(Stop::Want(_))));
    }

    #[test]
    fn no_more_is_drained_than_can_wait() {
        let socket = full();
        // More waits than there is room for now, as if it came meanwhile.
        socket2::SockRef::from(&socket).set_recv_buffer_size(0).expect("set");
        socket.drain().expect("drained");
        assert!(socket.recv_datagram(&mut [], Hold::No).is_ok());
    }

    #[test]
    fn what_the_network_says_of_an_earlier_datagram_is_no_refusal_to_cut() {
        for (own, headers) in [("127.0.0.1:0", 28), ("[::1]:0", 48)] {
            let own = UdpSocket::bind(own).expect("loopback");
            own.connect(own.local_addr().expect("bound")).expect("connected");
            let mtu = options::get_int(own.as_fd(), libc::IPPROTO_IP, libc::IP_MTU).expect("connected");
            let most = usize::try_from(mtu).expect("positive") - headers;
            let socket = Socket::new(own.into());
            assert!(!socket.is_refusal(EN_EMSGSIZE, 1400) && !socket.is_refusal(EN_EMSGSIZE, most));
            assert!(socket.is_refusal(EN_EMSGSIZE, most + 1) && socket.is_refusal(EN_EINVAL, 1400));
            assert!(!socket.is_refusal(EN_ENOPROTOOPT, 1400));
        }
    }
}
