//! What happens to a message on its way.

use tipring_core::Rng;

/// What is put into messages besides pieces of themselves.
const WORDS: [&[u8]; 24] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"<",
    b">",
    b"\"",
    b"\\",
    b"%00",
    b";tag=",
    b";branch=z9hG4bK",
    b";lr",
    b",",
    b":",
    b"@",
    b"[::1]",
    b"sips:",
    b"0",
    b"-1",
    b"4294967296",
    b"99999999999",
    b"\0\xFF",
    b"\xC3\x28",
    b"Content-Length: 70000\r\n",
    b"Require: 100rel, timer, replaces, x\r\n",
];

/// Flips, drops, doubles, moves or replaces some octets, or whole lines.
pub fn damage(bytes: &mut Vec<u8>, chance: &mut Rng) {
    for _ in 0..=chance.below(6) {
        let at = below(chance, bytes.len());
        let end = (at + below(chance, 20)).min(bytes.len());
        match chance.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                let to = below(chance, bytes.len());
                bytes.splice(to..to, copy);
            }
            3 if chance.chance(0.3) => bytes.truncate(at),
            4 => lines(bytes, chance),
            5 => {
                let octet = [b'A', b' ', b'9', b';', b'(', 0xF0][below(chance, 6)];
                let times = [1, 30, 300, 9000][below(chance, 4)];
                bytes.splice(at..at, vec![octet; times]);
            }
            _ => {
                let word = WORDS[below(chance, WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }
}

/// Drops, doubles or swaps whole lines.
fn lines(bytes: &mut Vec<u8>, chance: &mut Rng) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|o| *o == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let (one, other) = (below(chance, lines.len()), below(chance, lines.len()));
    match chance.below(3) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(other, lines[one].clone()),
        _ => lines.swap(one, other),
    }
    *bytes = lines.concat();
}

/// Below `end`, or 0 where that is 0.
pub fn below(chance: &mut Rng, end: usize) -> usize {
    let end = u64::try_from(end.max(1)).expect("small");
    usize::try_from(chance.below(end)).expect("small")
}
