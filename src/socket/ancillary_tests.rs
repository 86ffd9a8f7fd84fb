use super::*;
use std::fs;
use std::io::{IoSlice, PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use socket2::{Domain, Type};

use crate::attempt::{Hold, Stop};
use crate::error::{EN_EBADF, EN_EINVAL, EN_EPERM};
use crate::socket::{Socket, options, unix_socket};

/// The most descriptors in one message, SCM_MAX_FD.
const MOST_FDS: usize = 253;

fn pair(kind: Type) -> (Socket, Socket) {
    let (one, other) = socket2::Socket::pair(Domain::UNIX, kind, None).expect("a pair");
    (Socket::new(one.into()), Socket::new(other.into()))
}

fn try_send(socket: &Socket, ancillary: &Ancillary) -> Result<usize> {
    let control = ancillary.control();
    socket.send_message(&[IoSlice::new(b"x")], &control, Hold::No).map_err(|stop| match stop {
        Stop::Failed(error) => error,
        other => panic!("there is room: {other:?}"),
    })
}

fn send(socket: &Socket, ancillary: &Ancillary) {
    assert_eq!(try_send(socket, ancillary).expect("sent"), 1);
}

fn send_fds(socket: &Socket, fds: &[RawFd]) {
    let mut ancillary = Ancillary::default();
    ancillary.add_fds(fds);
    send(socket, &ancillary);
}

fn receive(socket: &Socket, room: usize, ancillary: &mut Ancillary) {
    let (mut buffer, mut control) = ([0; 16], vec![0; room]);
    let received = socket.recv_message(&mut buffer, &mut control, 0, Hold::Forever).expect("arrived");
    assert_eq!(&buffer[..received.size], b"x");
    // SAFETY: the kernel has just written it.
    unsafe { ancillary.received(control, received.control, received.flags & libc::MSG_CTRUNC != 0) };
}

fn received(socket: &Socket, room: usize) -> Ancillary {
    let mut ancillary = Ancillary::default();
    receive(socket, room, &mut ancillary);
    ancillary
}

fn take(ancillary: &mut Ancillary, control: &[u8]) {
    // SAFETY: there are no descriptors in it but those that the test has opened for it.
    unsafe { ancillary.received(control.to_vec(), control.len(), false) };
}

/// A control message as the kernel lays it out.
fn crafted(length: usize, kind: c_int, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push(&mut bytes, kind, data);
    bytes[..size_of::<usize>()].copy_from_slice(&length.to_ne_bytes());
    bytes
}

/// What a descriptor is to the system: the two ends of a pipe are the same, and no other is.
fn identity(fd: RawFd) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{fd}")).ok()
}

/// How many descriptors of this process are one of this pipe; other tests may open others meanwhile.
fn copies(pipe: &PipeReader) -> usize {
    let wanted = identity(pipe.as_raw_fd()).expect("open");
    let all = fs::read_dir("/proc/self/fd").expect("a folder");
    let paths = all.filter_map(|entry| fs::read_link(entry.expect("an entry").path()).ok());
    paths.filter(|path| *path == wanted).count()
}

#[test]
fn a_descriptor_arrives_and_works() {
    let (near, far) = pair(Type::STREAM);
    let (mut reader, writer) = pipe().expect("a pipe");
    send_fds(&near, &[writer.as_raw_fd()]);
    drop(writer);
    let mut ancillary = received(&far, space(1, 0));
    assert!(!ancillary.is_truncated());
    assert_eq!((ancillary.messages().len(), ancillary.fd_count()), (1, 1));
    let mut fds: Vec<_> = ancillary.take_fds().collect();
    assert_eq!((fds.len(), ancillary.fd_count(), ancillary.take_fds().len()), (1, 0, 0));
    fs::File::from(fds.remove(0)).write_all(b"through").expect("written");
    let mut text = [0; 7];
    reader.read_exact(&mut text).expect("written");
    assert_eq!(&text, b"through");
}

#[test]
fn descriptors_keep_their_order() {
    for kind in [Type::STREAM, Type::DGRAM] {
        let (near, far) = pair(kind);
        let pipes = [pipe().expect("a pipe"), pipe().expect("a pipe")];
        let mut ancillary = Ancillary::default();
        ancillary.add_fds(&[pipes[0].0.as_raw_fd()]);
        ancillary.add_fds(&[pipes[1].0.as_raw_fd(), pipes[0].1.as_raw_fd()]);
        send(&near, &ancillary);
        let fds: Vec<_> = received(&far, 8192).take_fds().collect();
        let order: Vec<_> = fds.iter().map(|fd| identity(fd.as_raw_fd())).collect();
        let [first, second] = pipes.each_ref().map(|pipe| identity(pipe.0.as_raw_fd()));
        assert_eq!(order, [first.clone(), second, first]);
    }
}

#[test]
fn descriptors_are_close_on_exec() {
    let (near, far) = pair(Type::STREAM);
    let (reader, _writer) = pipe().expect("a pipe");
    // SAFETY: no memory is involved.
    let duplicate = unsafe { libc::dup(reader.as_raw_fd()) };
    // SAFETY: dup(2) has just made it.
    let duplicate = unsafe { adopt(duplicate.to_ne_bytes()) }.expect("duplicated, without close-on-exec");
    send_fds(&near, &[duplicate.as_raw_fd()]);
    let fds: Vec<_> = received(&far, 8192).take_fds().collect();
    // SAFETY: no memory is involved.
    let flags = |fd: &OwnedFd| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) };
    assert_eq!((flags(&duplicate), flags(&fds[0])), (0, libc::FD_CLOEXEC));
}

#[test]
fn what_nobody_takes_is_closed() {
    let (near, far) = pair(Type::STREAM);
    let (reader, writer) = pipe().expect("a pipe");
    let fds = [reader.as_raw_fd(), writer.as_raw_fd()];
    let mut ancillary = Ancillary::default();
    for _ in 0..2 {
        send_fds(&near, &fds);
        // The second time what came first is replaced.
        receive(&far, 8192, &mut ancillary);
        assert_eq!(copies(&reader), 4);
    }
    ancillary.clear();
    assert_eq!((copies(&reader), ancillary.messages().len()), (2, 0));
    send_fds(&near, &fds);
    drop(received(&far, 8192));
    assert_eq!(copies(&reader), 2);
}

#[test]
fn a_receive_replaces_what_was_to_be_sent() {
    let (near, far) = pair(Type::STREAM);
    let mut ancillary = Ancillary::default();
    ancillary.add_fds(&[near.as_fd().as_raw_fd()]);
    assert!(!ancillary.control().is_empty());
    send(&near, &Ancillary::default());
    receive(&far, 8192, &mut ancillary);
    assert!(ancillary.control().is_empty());
    assert_eq!((ancillary.messages().len(), ancillary.is_truncated()), (0, false));
}

#[test]
fn a_plain_receive_lets_descriptors_go() {
    for kind in [Type::STREAM, Type::DGRAM] {
        let (near, far) = pair(kind);
        let (reader, writer) = pipe().expect("a pipe");
        send_fds(&near, &[writer.as_raw_fd()]);
        assert_eq!(far.recv(&mut [0; 16], Hold::Forever).expect("arrived"), 1);
        assert_eq!(copies(&reader), 2);
    }
}

#[test]
fn the_system_says_how_many_descriptors_go() {
    let (near, far) = pair(Type::STREAM);
    let (reader, _writer) = pipe().expect("a pipe");
    send_fds(&near, &[reader.as_raw_fd(); MOST_FDS]);
    let ancillary = received(&far, space(MOST_FDS, 0));
    assert_eq!((ancillary.fd_count(), ancillary.is_truncated()), (MOST_FDS, false));
    assert_eq!(copies(&reader), MOST_FDS + 2);
    drop(ancillary);
    assert_eq!(copies(&reader), 2);
    let mut ancillary = Ancillary::default();
    ancillary.add_fds(&[reader.as_raw_fd(); MOST_FDS + 1]);
    assert_eq!(try_send(&near, &ancillary).expect_err("too many").code(), EN_EINVAL);
}

#[test]
fn a_bad_descriptor_is_reported() {
    let (near, _far) = pair(Type::STREAM);
    let mut ancillary = Ancillary::default();
    ancillary.add_fds(&[near.as_fd().as_raw_fd(), -1]);
    assert_eq!(try_send(&near, &ancillary).expect_err("not open").code(), EN_EBADF);
}

#[test]
fn what_does_not_fit_is_lost_and_does_not_leak() {
    let (near, far) = pair(Type::STREAM);
    let (reader, _writer) = pipe().expect("a pipe");
    for (room, fit) in [
        (0, 0),
        (HEADER - 1, 0),
        (HEADER, 0),
        (HEADER + 3, 0),
        (HEADER + 4, 1),
        (HEADER + 7, 1),
        (HEADER + 8, 2),
        (HEADER + 12, 3),
        (space(3, 0), 3),
    ] {
        send_fds(&near, &[reader.as_raw_fd(); 3]);
        let mut ancillary = received(&far, room);
        assert_eq!(ancillary.is_truncated(), fit < 3, "{room}");
        assert_eq!(ancillary.messages().len(), usize::from(fit > 0), "{room}");
        assert_eq!(copies(&reader), 2 + fit, "{room}");
        assert_eq!(ancillary.take_fds().len(), fit, "{room}");
        assert_eq!(copies(&reader), 2, "{room}");
    }
}

#[test]
fn credentials_are_vouched_for_by_the_system() {
    // SAFETY: these only read.
    let (uid, gid) = unsafe { (libc::getuid(), libc::getgid()) };
    let own = Credentials { pid: std::process::id().cast_signed(), uid, gid };
    for kind in [Type::STREAM, Type::DGRAM] {
        let (near, far) = pair(kind);
        unix_socket::receive_credentials(far.as_fd()).expect("set");
        let mut given = Ancillary::default();
        given.add_credentials(Credentials { pid: i32::MAX, ..own });
        // In place of the former, which are nobody's.
        given.add_credentials(Credentials { pid: 0, ..own });
        for ancillary in [&given, &Ancillary::default()] {
            send(&near, ancillary);
            let came = received(&far, space(0, 1));
            assert_eq!((came.credentials(), came.is_truncated()), (Some(own), false));
            assert_eq!((came.messages().len(), came.fd_count()), (1, 0));
        }
        given.add_credentials(Credentials { pid: i32::MAX, ..own });
        let code = try_send(&near, &given).expect_err("nobody's").code();
        assert!([EN_EPERM, -libc::ESRCH].contains(&code), "{code}");
    }
}

#[test]
fn credentials_come_only_where_they_are_wanted() {
    let (near, far) = pair(Type::STREAM);
    send(&near, &Ancillary::default());
    let came = received(&far, 8192);
    assert_eq!((came.credentials(), came.messages().len()), (None, 0));
}

#[test]
fn descriptors_and_credentials_go_together() {
    let (near, far) = pair(Type::STREAM);
    unix_socket::receive_credentials(far.as_fd()).expect("set");
    let (reader, _writer) = pipe().expect("a pipe");
    send_fds(&near, &[reader.as_raw_fd(); 2]);
    let came = received(&far, space(2, 1));
    assert_eq!((came.messages().len(), came.fd_count(), came.is_truncated()), (2, 2, false));
    assert!(came.credentials().is_some());
}

#[test]
fn credentials_that_were_cut_are_dropped() {
    let (near, far) = pair(Type::STREAM);
    unix_socket::receive_credentials(far.as_fd()).expect("set");
    send(&near, &Ancillary::default());
    let came = received(&far, HEADER + 8);
    assert_eq!((came.credentials(), came.messages().len(), came.is_truncated()), (None, 0, true));
}

#[test]
fn other_messages_are_kept_as_they_came() {
    let (near, far) = pair(Type::DGRAM);
    options::setsockopt(far.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMP, &1_i32.to_ne_bytes())
        .expect("set");
    let (reader, _writer) = pipe().expect("a pipe");
    send_fds(&near, &[reader.as_raw_fd()]);
    let came = received(&far, 8192);
    assert_eq!((came.messages().len(), came.fd_count()), (2, 1));
    let is_other = |message: &&Message| matches!(message.content, Content::Other(None));
    let stamp = came.messages().iter().find(is_other).expect("a time stamp");
    assert_eq!((stamp.level, stamp.kind), (libc::SOL_SOCKET, libc::SCM_TIMESTAMP));
    assert_eq!(came.data(stamp).len(), size_of::<libc::timeval>());
}

#[test]
fn descriptors_of_processes_do_not_leak() {
    let (reader, _writer) = pipe().expect("a pipe");
    // SAFETY: no memory is involved.
    let duplicate = unsafe { libc::dup(reader.as_raw_fd()) };
    let mut ancillary = Ancillary::default();
    take(&mut ancillary, &crafted(HEADER + 4, SCM_PIDFD, &duplicate.to_ne_bytes()));
    // It is raw: not among those that can be taken.
    assert_eq!((ancillary.messages().len(), ancillary.fd_count(), copies(&reader)), (1, 0, 3));
    assert_eq!(ancillary.data(&ancillary.messages()[0]), duplicate.to_ne_bytes());
    ancillary.clear();
    assert_eq!(copies(&reader), 2);
    // Instead of a descriptor there may be an error.
    take(&mut ancillary, &crafted(HEADER + 4, SCM_PIDFD, &(-libc::EINVAL).to_ne_bytes()));
    assert!(matches!(ancillary.messages()[0].content, Content::Other(None)));
}

#[test]
fn a_receive_that_fails_leaves_what_came_before() {
    let (near, far) = pair(Type::STREAM);
    let (reader, _writer) = pipe().expect("a pipe");
    send_fds(&near, &[reader.as_raw_fd()]);
    let mut ancillary = received(&far, 8192);
    let before = ancillary.data(&ancillary.messages()[0]).to_vec();
    let outcome = far.recv_with_ancillary(&mut [0; 4], &mut ancillary, 0, 0, Hold::No);
    assert!(matches!(outcome, Err(crate::attempt::Stop::Want(_))));
    assert_eq!(ancillary.data(&ancillary.messages()[0]), before);
}

#[test]
fn parts_of_items_are_dropped() {
    let read = |bytes: &[u8]| {
        let mut ancillary = Ancillary::default();
        take(&mut ancillary, bytes);
        ancillary.messages().iter().map(|message| ancillary.data(message).len()).collect::<Vec<_>>()
    };
    let none: [usize; 0] = [];
    assert_eq!(read(&[]), none);
    assert_eq!(read(&[0xff; HEADER - 1]), none);
    assert_eq!(read(&crafted(HEADER + 3, libc::SCM_RIGHTS, &[0; 3])), none);
    assert_eq!(read(&crafted(HEADER + 11, libc::SCM_CREDENTIALS, &[0; 11])), none);
    assert_eq!(read(&crafted(HEADER + 14, libc::SCM_CREDENTIALS, &[0; 14])), [12]);
    assert_eq!(read(&crafted(HEADER + 3, libc::SCM_TIMESTAMP, &[0; 3])), [3]);
    assert_eq!(read(&crafted(HEADER, libc::SCM_TIMESTAMP, &[])), [0]);
    // Lengths that cannot be are those of what is there.
    assert_eq!(read(&crafted(0, libc::SCM_TIMESTAMP, &[])), [0]);
    assert_eq!(read(&crafted(usize::MAX, libc::SCM_TIMESTAMP, &[0; 8])), [8]);
    // What is behind a dropped one is read.
    let two = [
        crafted(HEADER + 3, libc::SCM_RIGHTS, &[0; 3]),
        crafted(HEADER + 5, libc::SCM_TIMESTAMP, &[0; 5]),
        vec![1; 7],
    ];
    assert_eq!(read(&two.concat()), [5]);
}

#[test]
fn the_room_is_that_of_the_system() {
    // SAFETY: it only computes.
    let system = |size: usize| unsafe { libc::CMSG_SPACE(size as u32) } as usize;
    assert_eq!(space(0, 0), 0);
    for fds in 1..10 {
        assert_eq!(space(fds, 0), system(4 * fds));
    }
    assert_eq!(space(MOST_FDS, 2), system(4 * MOST_FDS) + 2 * system(12));
    assert_eq!(space(usize::MAX, usize::MAX), usize::MAX);
}
