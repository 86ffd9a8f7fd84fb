use super::*;

/// Lines, in buffers whose sizes differ, and with more room when the last one was full.
struct Lines {
    buffer: Vec<u8>,
    chance: Chance,
    was_full: bool,
}

impl BufferedDecoder for Lines {
    fn lend(&mut self, _size_hint: usize) -> Result<(&mut [u8], usize)> {
        let size = match std::mem::take(&mut self.was_full) {
            true => 2 * self.buffer.len(),
            false => 1 + self.chance.below(100),
        };
        self.buffer = vec![b'?'; size];
        Ok((&mut self.buffer, 0))
    }

    fn buffer(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    fn decode(&mut self, filled: usize, _ended: bool) -> Step {
        match self.buffer[..filled].iter().position(|byte| *byte == b'\n') {
            Some(end) => Step::Packet(Cut { start: 0, end, used: end + 1 }),
            None => {
                self.was_full = filled == self.buffer.len();
                Step::More { used: 0 }
            }
        }
    }
}

/// Numbers by Marsaglia's xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).expect("less than `end`")
    }
}

fn packets_there(lent: &mut LentBuffer, ended: bool) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    loop {
        let next = Places::one(|place| match lent.next_packet(ended, 16, place) {
            Ok(true) => Ok(()),
            Ok(false) => Err(None),
            Err(failure) => Err(Some(failure)),
        });
        match next {
            Ok(packet) => packets.push(packet.to_vec()),
            Err(None) => return packets,
            Err(Some(failure)) => panic!("{failure:?}"),
        }
    }
}

#[test]
fn packets_are_the_same_in_whatever_buffers() {
    for seed in 1..500 {
        let mut chance = Chance(seed);
        let lines: Vec<Vec<u8>> =
            (0..chance.below(30)).map(|at| vec![b'a' + at as u8 % 26; chance.below(300)]).collect();
        let stream: Vec<u8> = lines.iter().flat_map(|line| [&line[..], b"\n"].concat()).collect();
        let decoder = Lines { buffer: Vec::new(), chance: Chance(seed * 7), was_full: false };
        let mut lent = LentBuffer::new(Box::new(decoder));
        let mut packets = Vec::new();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let space = lent.space(16).expect("it lends more");
            assert!(!space.is_empty(), "seed {seed}");
            let count = space.len().min(rest.len()).min(1 + chance.below(200));
            space[..count].copy_from_slice(&rest[..count]);
            lent.filled(count);
            rest = &rest[count..];
            packets.extend(packets_there(&mut lent, rest.is_empty()));
        }
        assert!(packets == lines, "seed {seed}");
        assert!(!lent.has_rest());
    }
}
