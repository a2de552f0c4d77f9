//! How long to wait before a registration is tried again.

use tipring_core::Duration;

/// The longest wait after `failures` failures in a row, 1 or more; the wait is drawn from the upper half.
///
/// RFC 5626 §4.5: min(max-time, base-time · 2^failures). Its base of 30 s, or 90 s while another flow carries the calls,
/// and its maximum of 1800 s are for servers that keep the flows of thousands, and for them alone: a plain registrar is
/// back within the minute. After silence the wait is
/// T2, because the transaction has slowed itself down already: a registrar that comes back is found within seconds.
pub(super) fn longest_wait(failures: u32, kind: Kind, t2: Duration) -> Duration {
    let (base, most) = match kind {
        Kind::Outbound { others_live: false } => {
            (Duration::from_secs(30), Duration::from_secs(1800))
        }
        Kind::Outbound { others_live: true } => {
            (Duration::from_secs(90), Duration::from_secs(1800))
        }
        Kind::Refused => (Duration::from_millis(500), Duration::from_secs(60)),
        Kind::Silent => (Duration::from_millis(500), t2),
    };
    base.saturating_mul(1 << failures.min(16)).min(most)
}

/// Who did not take a registration, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A registrar with RFC 5626, in whatever way.
    Outbound { others_live: bool },
    /// Any other said no, or there is none at the name.
    Refused,
    /// Any other said nothing.
    Silent,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(kind: Kind) -> Vec<u64> {
        let t2 = Duration::from_secs(4);
        (1..=9).map(|failures| longest_wait(failures, kind, t2).as_secs()).collect()
    }

    #[test]
    fn waits_double_up_to_their_maximum() {
        let outbound = |others_live| waits(Kind::Outbound { others_live });
        assert_eq!(outbound(false), [60, 120, 240, 480, 960, 1800, 1800, 1800, 1800]);
        assert_eq!(outbound(true), [180, 360, 720, 1440, 1800, 1800, 1800, 1800, 1800]);
        assert_eq!(waits(Kind::Refused), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(waits(Kind::Silent), [1, 2, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(longest_wait(u32::MAX, Kind::Refused, Duration::ZERO).as_secs(), 60);
    }
}
