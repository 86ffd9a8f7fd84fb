use super::*;
use crate::protocol::testing::Random;

/// Lines, in buffers whose sizes differ, and with more room when the last one was full.
struct Lines {
    buffer: Vec<u8>,
    random: Random,
    was_full: bool,
}

impl BufferedDecoder for Lines {
    fn lend(&mut self, _size_hint: usize) -> Result<(&mut [u8], usize)> {
        let size = match std::mem::take(&mut self.was_full) {
            true => 2 * self.buffer.len(),
            false => 1 + self.random.below(100),
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

fn packets_there(lent: &mut LentBuffer) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    loop {
        let next = Places::one(|place| match lent.next_packet(false, 16, place) {
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
        let mut random = Random::new(seed);
        let lines: Vec<Vec<u8>> =
            (0..random.below(30)).map(|at| vec![b'a' + at as u8 % 26; random.below(300)]).collect();
        let stream: Vec<u8> = lines.iter().flat_map(|line| [&line[..], b"\n"].concat()).collect();
        let decoder = Lines { buffer: Vec::new(), random: Random::new(seed), was_full: false };
        let mut lent = LentBuffer::new(Box::new(decoder));
        let mut packets = Vec::new();
        for chunk in random.chunks(&stream, 200) {
            let mut rest = chunk;
            while !rest.is_empty() {
                let space = lent.space(16).expect("it lends more");
                let (now, later) = rest.split_at(space.len().min(rest.len()));
                assert!(!now.is_empty(), "seed {seed}: no room");
                space[..now.len()].copy_from_slice(now);
                lent.filled(now.len());
                packets.extend(packets_there(&mut lent));
                rest = later;
            }
        }
        assert!(packets == lines, "seed {seed}");
        assert!(!lent.has_rest());
    }
}
