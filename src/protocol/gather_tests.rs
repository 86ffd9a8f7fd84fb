//! Gathering, and what is left of it.

use super::*;
use crate::protocol::head::ByteOrder;

fn rest(gather: &Gather<'_>) -> Vec<u8> {
    gather.with_rest(|slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
}

#[test]
fn a_whole_packet_stays_where_it_lies() {
    let packet = b"as it is";
    Gather::with_whole(packet, |gather| {
        assert_eq!((gather.packets(), gather.len(), gather.copied.end()), (1, 8, 0));
        assert!(gather.only_packet().is_some_and(|only| std::ptr::eq(only, packet)));
        assert_eq!((gather.alike(), gather.unsent_packets().len()), (None, 1));
        gather.advance(3);
        assert_eq!((rest(gather), gather.packets_sent()), (b"it is".to_vec(), 0));
        assert!(!gather.is_between_packets());
        assert_eq!(gather.to_vec(), packet);
        let mut owned = gather.take_owned();
        assert_eq!(rest(&owned), b"it is");
        owned.advance(5);
        assert!(owned.is_sent() && owned.packets_sent() == 1);
    });
    Gather::with_whole(b"", |gather| {
        assert_eq!((gather.only_packet(), gather.packets(), gather.is_empty()), (Some(&b""[..]), 1, true));
    });
}

#[test]
fn short_chunks_lie_together_and_long_ones_stay() {
    let long = vec![7; COPY_BELOW];
    let mut gather = Gather::default();
    gather.push(b"ab");
    gather.push(b"cd");
    assert_eq!((gather.copied.end(), gather.lent.pieces.len()), (4, 0));
    gather.push(&long);
    gather.push(b"ef");
    assert_eq!((gather.copied.end(), gather.lent.pieces.len()), (6, 1));
    assert_eq!(gather.len(), COPY_BELOW + 6);
    assert_eq!(rest(&gather), [&b"abcd"[..], &long, b"ef"].concat());
    assert_eq!(gather.with_rest(|slices| slices.len()), 3);
}

#[test]
fn every_place_to_stop_leaves_the_right_rest() {
    let long = vec![7; COPY_BELOW];
    let whole = [&b"abcd"[..], &long, b"ef"].concat();
    let mut gather = Gather::default();
    gather.push(b"abcd");
    gather.push(&long);
    gather.push(b"ef");
    for sent in 0..whole.len() {
        assert_eq!(rest(&gather), whole[sent..]);
        assert!(!gather.is_sent());
        gather.advance(1);
    }
    assert!(gather.is_sent());
}

#[test]
fn going_back_forgets_what_came_since() {
    let long = vec![7; COPY_BELOW];
    let mut gather = Gather::default();
    gather.push(b"ab");
    let mark = gather.sink().mark();
    gather.push(b"cd");
    gather.push(&long);
    gather.sink().go_back(mark);
    gather.push(b"gh");
    assert_eq!(rest(&gather), b"abgh");
    assert_eq!(gather.len(), 4);
}

#[test]
fn packets_come_in_one_piece_each() {
    let long = vec![7; COPY_BELOW];
    let mut gather = Gather::default();
    gather.push(b"ab");
    gather.end_packet();
    gather.end_packet();
    gather.push(b"c");
    gather.push(&long);
    gather.push(b"d");
    gather.end_packet();
    gather.push(&long);
    gather.end_packet();
    let whole = [&b"c"[..], &long, b"d"].concat();
    assert_eq!(gather.unsent_packets(), [&b"ab"[..], b"", &whole, &long]);
    gather.advance_packets(2);
    assert_eq!(gather.unsent_packets(), [&whole[..], &long]);
    assert_eq!((gather.sent(), gather.packets_sent()), (2, 2));
}

#[test]
fn packets_as_large_as_those_before_them_go_behind_such_heads() {
    let max = MaxSize::new(COPY_BELOW).expect("a maximum");
    let head = Head::length(2, ByteOrder::Big, 0, max);
    let small = [&b"sixsix"[..], b"SIXSIX", b"666666", b"shorter"];
    let push_alike = |gather: &mut Gather<'_>, packets: &[&'static [u8]]| {
        let mut packets = packets.iter().map(|packet| Ok(*packet));
        gather.push_alike(&head, &mut packets);
        packets.len()
    };
    let first = |packet: &'static [u8], room: usize| {
        let mut gather = Gather::over(Filled::new());
        gather.copied.enlarge(room);
        gather.sink().push_packet(&head, packet);
        gather.end_packet();
        gather
    };
    let mut gather = first(small[0], 200);
    assert_eq!(push_alike(&mut gather, &small[1..]), 1, "the one that is longer stays");
    assert_eq!((rest(&gather), gather.packets()), (b"\0\x06sixsix\0\x06SIXSIX\0\x06666666".to_vec(), 3));
    gather.advance_packets(2);
    assert_eq!(rest(&gather), b"\0\x06666666");

    let mut gather = first(small[0], 17);
    assert_eq!(push_alike(&mut gather, &small[1..]), 2, "there is memory for one");
    assert_eq!((gather.packets(), gather.len()), (2, 16));

    // Nothing before them, shorter than the widest head with their own, or not copied at all.
    let long: &'static [u8] = &[7; COPY_BELOW];
    assert_eq!(push_alike(&mut Gather::default(), &small), 4);
    assert_eq!(push_alike(&mut first(b"five!", 200), &[b"5five"]), 1);
    assert_eq!(push_alike(&mut first(long, 9000), &[long]), 1);
    let mut mixed = first(small[0], 200);
    mixed.push(b"other");
    mixed.end_packet();
    assert_eq!(push_alike(&mut mixed, &small), 4);

    let many = vec![&long[..998]; 2 * FULL / 1000];
    let mut gather = first(many[0], 3 * FULL);
    let left = push_alike(&mut gather, &many);
    assert!(gather.len() <= FULL && gather.len() > FULL - 1000, "{}", gather.len());
    assert_eq!(left, many.len() + 1 - gather.packets());
}

#[test]
fn packets_of_one_size_are_found_where_they_lie_together() {
    let long = [0; COPY_BELOW];
    let alike = |packets: &[&[u8]], gone: usize| {
        let mut gather = Gather::default();
        for packet in packets {
            gather.push(packet);
            gather.end_packet();
        }
        gather.advance_packets(gone);
        gather.alike().map(|(bytes, size)| (bytes.to_vec(), size))
    };
    assert_eq!(alike(&[b"ab", b"cd", b"ef"], 0), Some((b"abcdef".to_vec(), 2)));
    assert_eq!(alike(&[b"ab", b"cd", b"ef"], 1), Some((b"cdef".to_vec(), 2)));
    assert_eq!(alike(&[b"ab", b"cd", b"e", b"fg"], 0), Some((b"abcde".to_vec(), 2)));
    assert_eq!(alike(&[b"ab", b"c", b"d"], 0), Some((b"abc".to_vec(), 2)));
    assert_eq!(alike(&[b"ab", b"cd", b"", b"ef"], 0), Some((b"abcd".to_vec(), 2)));
    let many = alike(&[&b"ab"[..]; MOST_ALIKE + 1], 0).map(|(bytes, size)| (bytes.len(), size));
    assert_eq!(many, Some((2 * MOST_ALIKE, 2)));
    let none: [&[&[u8]]; 5] = [&[], &[b"ab"], &[b"ab", b"cde"], &[b"", b""], &[b"ab", b"cd", &long]];
    none.iter().for_each(|packets| assert_eq!(alike(packets, 0), None));
    assert_eq!(alike(&[b"ab", b"cd"], 2), None);
}

#[test]
fn whole_packets_are_counted_as_bytes_go() {
    let mut gather = Gather::default();
    for packet in [&b"ab"[..], b"", b"cde"] {
        gather.push(packet);
        gather.end_packet();
    }
    assert!(gather.is_between_packets());
    gather.advance(1);
    assert_eq!(gather.packets_sent(), 0);
    assert!(!gather.is_between_packets());
    gather.advance(1);
    assert_eq!(gather.packets_sent(), 2);
    assert!(gather.is_between_packets());
    gather.advance(3);
    assert_eq!(gather.packets_sent(), 3);
}

#[test]
#[cfg(target_pointer_width = "32")]
fn what_could_not_be_counted_is_not_gathered() {
    let long = vec![7; 16 << 20];
    let mut gather = Gather::default();
    while !gather.is_vast() {
        gather.push(&long);
        gather.end_packet();
    }
    assert_eq!((gather.packets(), gather.len()), (64, 1 << 30));
    assert!(gather.len().checked_add(MaxSize::LARGEST).is_some());
}

#[test]
fn more_chunks_than_a_call_takes_go_in_steps() {
    let long = vec![7; COPY_BELOW];
    let mut gather = Gather::default();
    for _ in 0..MOST_SLICES + 1 {
        gather.push(&long);
    }
    let first = gather.with_rest(|slices| slices.iter().map(|slice| slice.len()).sum::<usize>());
    assert_eq!(first, MOST_SLICES * COPY_BELOW);
    gather.advance(first);
    assert_eq!(rest(&gather).len(), COPY_BELOW);
    let mut copy = vec![0; gather.len()];
    gather.copy_to(&mut copy);
    assert_eq!(copy, gather.to_vec());
}
