use super::block::{KEPT, KEPT_COUNT, KEPT_SIZE, Kept};
use super::desk::SHORTS_SIZE;
use super::storage::Filling;
use super::*;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn put(storage: &mut Storage, bytes: &[u8], least: usize) {
    storage.space(bytes.len(), least)[..bytes.len()].copy_from_slice(bytes);
    storage.filled(bytes.len());
}

#[test]
fn packets_outlive_the_storage_and_each_other() {
    let mut storage = Storage::default();
    put(&mut storage, b"onetwothree", 100);
    let one = storage.packet(0, 3);
    storage.spend(3);
    let two = storage.packet(0, 3);
    storage.spend(3);
    let again = two.clone();
    drop(two);
    put(&mut storage, b"four", 1000);
    assert_eq!(storage.bytes(), b"threefour");
    drop(storage);
    assert_eq!((&*one, &*again), (&b"one"[..], &b"two"[..]));
}

/// Packets of one byte each, as many as there are places for.
fn cut_bytes(storage: &mut Storage, places: &mut Places<'_>) {
    storage.cut_into(places, |cutter| {
        while cutter.goes_on() {
            cutter.cut(Cut { start: 0, end: 1, used: 1 });
        }
    });
}

fn holds(block: NonNull<Block>) -> usize {
    // SAFETY: the caller knows that somebody holds the block.
    unsafe { block.as_ref() }.holds.load(Ordering::Relaxed)
}

#[test]
fn what_is_lent_comes_back_whoever_releases_it() {
    let mut storage = Storage::default();
    put(&mut storage, b"abcdef", 100);
    let block = storage.block.as_ref().unwrap().block;
    let kept = Places::with(5, |places| {
        cut_bytes(&mut storage, places);
        drop(places.hand_on());
        let there = places.hand_on().unwrap().take();
        std::thread::scope(|scope| scope.spawn(|| drop(there)).join()).unwrap();
        let kept = places.hand_on().unwrap().take();
        drop(kept.clone());
        assert_eq!(&*places.take_back().unwrap(), b"e");
        assert_eq!(&**places.hand_on().unwrap(), b"d");
        assert!(places.is_empty());
        storage.reclaim();
        kept
    });
    let filling = &storage.block;
    assert_eq!(holds(block) - filling.as_ref().unwrap().holds, 1); // the one that is kept
    drop(kept);
    assert!(!filling.as_ref().unwrap().is_shared());
    assert_eq!(storage.bytes(), b"f");
}

#[test]
fn packets_that_are_released_together_are_counted_each_where_it_belongs() {
    let mut storage = Storage::default();
    put(&mut storage, b"abcd", 100);
    let block = storage.block.as_ref().unwrap().block;
    let other = Packet::copied(&[7; SHORT + 1]);
    let others = [other.clone(), other.clone()].map(Packet::into_raw);
    Places::with(5, |places| {
        cut_bytes(&mut storage, places);
        let before = holds(block);
        let taken = places.hand_on().unwrap().take().into_raw();
        let lent = [(); 2].map(|()| places.hand_on().unwrap().into_raw());
        let elsewhere = &raw const other;
        // SAFETY: all that is released was taken apart, or is taken out of its place here.
        unsafe {
            let lent = lent.map(|place| (block.as_ptr().cast(), place.cast_const()));
            let others = others.map(|(_, _, block)| (block, elsewhere));
            Packet::release_each([others[0], (taken.2, elsewhere), lent[0], others[1], lent[1]].into_iter());
        }
        assert_eq!(holds(block), before - 1); // what is lent has yet to come back
        drop(places.hand_on());
        // One more, so that the block stays.
        put(&mut storage, b"e", 100);
        storage.reclaim();
    });
    assert_eq!(holds(other.block), 1);
    assert!(!storage.block.as_ref().unwrap().is_shared());
}

#[test]
fn what_is_lent_stays_until_it_has_come_back() {
    let mut storage = Storage::default();
    put(&mut storage, b"ab", 100);
    let block = storage.block.as_ref().unwrap().block;
    Places::with(5, |places| {
        cut_bytes(&mut storage, places);
        let before = holds(block);
        while places.hand_on().is_some() {}
        assert_eq!(holds(block), before);
        storage.reclaim();
        storage.shrink();
        assert!(storage.block.is_none());
    });
}

#[test]
fn where_no_packet_was_put_nothing_is_lent() {
    let mut storage = Storage::default();
    put(&mut storage, b"part of a packet", 100);
    Places::with(5, |places| storage.cut_into(places, |_| ()));
    // SAFETY: the storage holds the block.
    let block = unsafe { storage.block.as_ref().unwrap().block.as_ref() };
    assert_eq!(block.lent.load(Ordering::Relaxed), 0);
}

#[test]
fn the_last_packets_are_alone_with_their_block() {
    let mut storage = Storage::default();
    put(&mut storage, b"abc", 100);
    let packet = Packet::from(storage.cut(Cut { start: 0, end: 3, used: 3 }));
    assert_eq!(holds(packet.block), 1);
    drop(packet);
    put(&mut storage, b"abc", 100);
    let mut room = [const { MaybeUninit::uninit() }; 4];
    let mut places = Places::over(&mut room);
    cut_bytes(&mut storage, &mut places);
    let last = places.take_back().unwrap();
    assert_eq!((&*last, holds(last.block)), (&b"c"[..], 3));
    drop(places);
    assert_eq!(holds(last.block), 1);
}

#[test]
fn places_are_filled_and_emptied_in_order() {
    let mut room = [const { MaybeUninit::uninit() }; 2];
    let mut places = Places::over(&mut room);
    for byte in 0..5 {
        assert!(places.hand_on().is_none() && places.has_room());
        places.put(Packet::copied(&[byte]));
        places.put(Packet::copied(&[byte + 1]));
        assert!(!places.has_room());
        assert_eq!(*places.hand_on().unwrap().take(), [byte]);
        assert_eq!(places.len(), 1);
        assert_eq!(*places.hand_on().unwrap().take(), [byte + 1]);
    }
    assert!(places.hand_on().is_none());
    places.put(Packet::copied(b"a"));
    assert_eq!(places.leave(), 1);
    // SAFETY: it was left there.
    assert_eq!(&*unsafe { room[0].assume_init_read() }, b"a");
}

#[test]
fn what_is_handed_on_ends_once_taken_or_not() {
    let packet = Packet::copied(b"abc");
    let before = holds(packet.block);
    Places::with(3, |places| {
        for _ in 0..3 {
            places.put(packet.clone());
        }
        drop(places.hand_on());
        assert_eq!(holds(packet.block), before + 2);
        let taken = places.hand_on().unwrap().take();
        assert_eq!((&*taken, holds(packet.block)), (&b"abc"[..], before + 2));
    });
    assert_eq!(holds(packet.block), before);
}

#[test]
fn what_is_taken_is_spent() {
    let mut storage = Storage::default();
    assert!(storage.take(2).is_none());
    put(&mut storage, b"abcde", 100);
    let taken: Vec<_> = std::iter::from_fn(|| storage.take(2)).map(Packet::from).collect();
    assert_eq!(taken.iter().map(|packet| &**packet).collect::<Vec<_>>(), [&b"ab"[..], b"cd", b"e"]);
    assert!(storage.block.is_none());
}

#[test]
fn no_memory_is_held_without_bytes() {
    let mut storage = Storage::default();
    put(&mut storage, b"abc", 100);
    let packet = storage.packet(0, 3);
    storage.spend(3);
    assert!(storage.block.is_none());
    assert_eq!(&*packet, b"abc");
}

#[test]
fn bytes_move_to_the_front_only_when_nobody_looks() {
    let mut storage = Storage::default();
    put(&mut storage, &[1; 100], 128);
    let capacity = storage.block.as_ref().map(Filling::capacity);
    let packet = storage.packet(0, 10);
    storage.spend(90);
    let shared_block = storage.block.as_ref().map(|filling| filling.block);
    storage.space(100, 128);
    assert_ne!(storage.block.as_ref().map(|filling| filling.block), shared_block);
    assert_eq!(&*packet, [1; 10]);
    storage.spend(5);
    let own_block = storage.block.as_ref().map(|filling| filling.block);
    storage.space(capacity.unwrap_or(0).min(100), 128);
    assert_eq!(storage.block.as_ref().map(|filling| filling.block), own_block);
    assert_eq!(storage.bytes(), [1; 5]);
}

#[test]
fn empty_packets_are_packets() {
    let mut storage = Storage::default();
    put(&mut storage, b"\n", 16);
    let packet = storage.packet(0, 0);
    storage.spend(1);
    assert_eq!(&*packet, b"");
    assert_eq!(&*Packet::copied(b""), b"");
    assert_eq!(&*Packet::copied(b"xyz"), b"xyz");
}

#[test]
fn foreign_memory_ends_once_after_the_last_holder() {
    static BYTES: [u8; 3] = *b"abc";
    let ended = Arc::new(AtomicBool::new(false));
    let flag = ended.clone();
    let end = Box::new(move || assert!(!flag.swap(true, Ordering::SeqCst)));
    // SAFETY: static memory never changes.
    let packet = unsafe { Packet::foreign(NonNull::from(&BYTES).cast(), 3, end) };
    let other = packet.clone();
    drop(packet);
    assert!(!ended.load(Ordering::SeqCst));
    assert_eq!(&*other, b"abc");
    std::thread::spawn(move || drop(other)).join().expect("the thread ends");
    assert!(ended.load(Ordering::SeqCst));
}

#[test]
fn what_ends_foreign_memory_may_release_packets_itself() {
    static BYTES: [u8; 3] = *b"abc";
    let ended = Arc::new(std::sync::Mutex::new(Vec::new()));
    let foreign = |number: u32| {
        let (ended, other) = (ended.clone(), Packet::copied(b"other"));
        let end = Box::new(move || {
            drop(other);
            ended.lock().expect("alive").push(number);
        });
        // SAFETY: static memory never changes.
        unsafe { Packet::foreign(NonNull::from(&BYTES).cast(), 3, end) }
    };
    let (one, two) = (foreign(1), foreign(2));
    let kept = Packet::copied(b"other");
    let place = &raw const kept;
    let packets = [one.clone(), one, kept.clone(), two.clone(), kept.clone(), two];
    // SAFETY: each was just taken apart.
    unsafe { Packet::release_each(packets.map(|packet| (packet.into_raw().2, place)).into_iter()) };
    assert_eq!(*ended.lock().expect("alive"), [1, 2]);
    assert_eq!(&*kept, b"other");
}

#[test]
fn a_packet_survives_being_taken_apart() {
    let (data, size, block) = Packet::copied(b"abc").into_raw();
    // SAFETY: the parts come from into_raw, once.
    assert_eq!(&*unsafe { Packet::from_raw(data, size, block) }, b"abc");
}

#[test]
fn short_copies_share_blocks_and_keep_their_bytes() {
    let copies = 3 * SHORTS_SIZE / 64;
    let kept: Vec<_> = (0..copies)
        .map(|number| {
            let packet = Packet::copied(&[number as u8; 64]);
            // Most are gone again before the next one.
            (number % 7 == 0).then_some((number as u8, packet))
        })
        .collect();
    for (byte, packet) in kept.iter().flatten() {
        assert_eq!(**packet, [*byte; 64]);
    }
    let (one, other) = (Packet::copied(b"one"), Packet::copied(b"other"));
    assert_eq!(one.block, other.block);
    assert_ne!(one.block, Packet::copied(&[0; SHORT + 1]).block);
}

#[test]
fn short_copies_begin_a_block_again_that_nobody_views() {
    let first = Packet::copied(b"x").block;
    let blocks = (0..4 * SHORTS_SIZE / SHORT).map(|_| Packet::copied(&[1; SHORT]).block);
    assert!(blocks.into_iter().all(|block| block == first));
}

#[test]
fn a_block_that_begins_again_has_all_its_holds() {
    const FEW: usize = 3;
    let mut filling = Filling::new(100);
    // SAFETY: it is ours alone.
    unsafe { filling.block.as_ref() }.holds.store(FEW, Ordering::Relaxed);
    filling.holds = FEW;
    for _ in 0..2 * FEW {
        drop(Packet::from(filling.copy(b"x")));
        filling.start = filling.end;
        let all = filling.capacity();
        assert!(filling.make_room(all));
    }
}

/// A packet of three bytes that was received at the thread's desk.
fn received(room: usize) -> Packet {
    Desk::with(room, |mut desk| {
        desk.space()[..3].copy_from_slice(b"abc");
        desk.take(3).into()
    })
}

#[test]
fn packets_lie_one_behind_the_other_at_a_desk() {
    let (one, other) = (received(100), received(50));
    assert_eq!((&*one, &*other), (&b"abc"[..], &b"abc"[..]));
    assert_eq!(one.block, other.block);
    let behind = Desk::with(70, |mut desk| {
        desk.space()[..3].copy_from_slice(b"xyz");
        desk.keep(3)
    });
    assert_eq!(behind.bytes(), b"xyz");
    assert_ne!(received(100).block, one.block);
    assert_eq!(&*other, b"abc");
    assert!(Desk::with(100_000, |mut desk| desk.space().len()) >= 100_000);
}

#[test]
fn a_desk_begins_again_when_nobody_views_it() {
    let first = received(100).block;
    assert!((0..SHORTS_SIZE).all(|_| received(100).block == first));
    let kept: Vec<_> = (0..SHORTS_SIZE).map(|_| received(100)).collect();
    assert!(kept.iter().all(|packet| **packet == *b"abc"));
    assert_ne!(kept[SHORTS_SIZE - 1].block, first);
}

#[test]
fn a_desk_is_not_far_larger_than_what_is_received_at_it() {
    let all_of_it = |room| {
        Desk::with(room, |mut desk| {
            let count = desk.space().len();
            drop(Packet::from(desk.take(count)));
            count
        })
    };
    assert!(all_of_it(4 * KEPT_SIZE) > 4 * KEPT_SIZE);
    assert!(all_of_it(100) <= KEPT_SIZE);
    drop(received(4 * KEPT_SIZE));
    for _ in 0..SHORTS_SIZE {
        drop(received(100));
    }
    assert!(all_of_it(100) <= KEPT_SIZE);
}

#[test]
fn sizes_out_of_use_make_room_for_those_in_use() {
    // As many as are kept, none of which is large enough for what comes.
    let small: Vec<_> = (0..KEPT_COUNT).map(|power| Filling::new(1024 << power)).collect();
    drop(small);
    drop(Filling::new(256 << 10));
    let kept = KEPT.with(Kept::capacities);
    assert_eq!(kept.len(), KEPT_COUNT);
    assert!(kept.contains(&(256 << 10)) && !kept.contains(&1024), "{kept:?}");
}

#[test]
fn a_room_joins_what_fits() {
    let mut room = Room::default();
    assert_eq!(room.join(*b"head", 4, b"packet"), Some(&b"headpacket"[..]));
    assert_eq!(room.join(*b"head", 2, b"packet"), Some(&b"hepacket"[..]));
    assert_eq!(room.join(*b"head", 0, b"packet"), Some(&b"packet"[..]));
    assert_eq!(room.join(*b"head", 3, b""), Some(&b"hea"[..]));
    assert_eq!(room.join(*b"head", 5, b""), None);
    assert_eq!(room.join(*b"head", 4, &[7; 1020]).map(<[u8]>::len), Some(1024));
    assert_eq!(room.join(*b"head", 0, &[7; 1021]), None);
}
