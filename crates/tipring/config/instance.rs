//! Which device we are (RFC 5626 §4.1): the same name after every restart.

use tipring_core::Rng;

/// Where Linux keeps a number that it drew when it was installed.
const MACHINE_ID: &str = "/etc/machine-id";

/// `urn:uuid:` and a UUID that stands for this machine; `None` where it has no number.
pub(super) fn of_this_machine() -> Option<String> {
    let id = std::fs::read_to_string(MACHINE_ID).ok()?;
    let id = id.trim();
    (id.len() >= 32).then(|| of(id))
}

/// The number itself is not for strangers to see, says machine-id(5): its hash seeds what is told.
fn of(id: &str) -> String {
    let fold = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3);
    let mut rng = Rng::new(id.bytes().fold(0xCBF2_9CE4_8422_2325, fold));
    let (high, low) = (rng.next_u64(), rng.next_u64());
    // RFC 9562 §5.8: version 8, the variant of the RFC.
    let high = (high & !0xF000) | 0x8000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let (a, b, c) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF);
    let (d, e) = (low >> 48, low & 0xFFFF_FFFF_FFFF);
    format!("urn:uuid:{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_machine_has_one_name_and_no_other_machine_has_it() {
        let ids = ["0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdee"];
        let [one, other] = ids.map(of);
        assert_eq!(one, of(ids[0]));
        assert_ne!(one, other);
        assert!(!one.contains("0123456789ab"));
        let groups: Vec<usize> = one["urn:uuid:".len()..].split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert!(one["urn:uuid:".len() + 14..].starts_with('8'), "{one}");
    }
}
