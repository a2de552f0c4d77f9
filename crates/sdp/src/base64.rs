//! Base 64 (RFC 4648 §4), which the keys of `a=crypto` are written in.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `octets`, padded.
pub(crate) fn encode(octets: &[u8], out: &mut String) {
    for group in octets.chunks(3) {
        let bits = group
            .iter()
            .enumerate()
            .fold(0u32, |bits, (at, octet)| bits | u32::from(*octet) << (16 - 8 * at));
        for at in 0..4 {
            let digit = bits >> (18 - 6 * at) & 63;
            out.push(if at <= group.len() { char::from(ALPHABET[digit as usize]) } else { '=' });
        }
    }
}

/// The octets of `text`; padding may be missing, as some phones leave it away. `None` where a character is none of the
/// alphabet, or bits are left over.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut octets = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for (at, digit) in group.iter().enumerate() {
            bits |= u32::from(value(*digit)?) << (18 - 6 * at);
        }
        let [_, all @ ..] = bits.to_be_bytes();
        let (kept, rest) = all.split_at(group.len() - 1);
        octets.extend_from_slice(kept);
        if rest.iter().any(|octet| *octet != 0) {
            return None;
        }
    }
    Some(octets)
}

fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_go_both_ways() {
        let vectors = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let codes = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (text, code) in vectors.into_iter().zip(codes) {
            let mut out = String::new();
            encode(text.as_bytes(), &mut out);
            assert_eq!(out, code);
            assert_eq!(decode(code).as_deref(), Some(text.as_bytes()));
            assert_eq!(decode(code.trim_end_matches('=')).as_deref(), Some(text.as_bytes()));
        }
    }

    #[test]
    fn what_is_no_base_64_is_not_read() {
        for bad in ["A", "AA===", "Zh==", "Zm9=", "Zm 9", "Zm9v-_", "=Zm9"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
