//! Q.850 causes and SIP statuses, each way, as data.
//!
//! RFC 3398 §7.2.4.1 and §8.2.6.1 with RFC 4497 Tables 1 to 4. The two tables are not each other's inverse
//! (480 → 18 → 408): test them by equality, never by a round trip. What one SIP peer says to another passes by neither,
//! see [`STATUS_TO_STATUS`].

use tipring_core::Cause;
use tipring_sip::message::Reason;

/// The status that ends an INVITE that was not answered yet, RFC 3398 §8.2.6.1. Unlisted causes give 500.
pub const CAUSE_TO_STATUS: &[(u8, u16)] = &[
    (1, 404),
    (2, 404),
    (3, 404),
    (16, 480),
    (17, 486),
    (18, 408),
    (19, 480),
    (20, 480),
    (21, 403),
    (22, 410),
    (23, 410),
    (26, 404),
    (27, 502),
    (28, 484),
    (29, 501),
    (31, 480),
    (34, 503),
    (38, 503),
    (41, 503),
    (42, 503),
    (44, 503),
    (47, 503),
    (55, 403),
    (57, 403),
    (58, 503),
    (65, 488),
    (69, 501),
    (70, 488),
    (79, 501),
    (87, 403),
    (88, 503),
    (102, 504),
    (111, 500),
    (127, 500),
];

/// The cause that a final response means, RFC 3398 §7.2.4.1 and RFC 4497 Table 2. Unlisted statuses give 31.
pub const STATUS_TO_CAUSE: &[(u16, u8)] = &[
    (400, 41),
    (401, 21),
    (402, 21),
    (403, 21),
    (404, 1),
    (405, 63),
    (406, 79),
    (407, 21),
    (408, 102),
    (410, 22),
    (413, 127),
    (414, 127),
    (415, 79),
    (416, 127),
    (420, 127),
    (421, 127),
    (423, 127),
    (480, 18),
    (481, 41),
    (482, 25),
    (483, 25),
    (484, 28),
    (485, 1),
    (486, 17),
    (487, 16),
    (488, 65),
    (500, 41),
    (501, 79),
    (502, 38),
    (503, 41),
    (504, 102),
    (505, 127),
    (513, 127),
    (600, 17),
    (603, 21),
    (604, 1),
    (606, 65),
];

/// What a SIP caller is told of the final status that a SIP callee gave. A 6xx is told as it is (RFC 3261 §16.7: it ends the
/// search), and so is most of what is said of who is called. A status that speaks of the request, which is ours, or of our place in
/// it (challenges, extensions, hops, the CANCEL that we sent) is not listed: by its cause. Nothing becomes a 503, which would
/// say that we can serve nobody (RFC 3261 §16.7, step 6).
pub const STATUS_TO_STATUS: &[(u16, u16)] = &[
    (400, 500),
    (403, 403),
    (404, 404),
    (408, 408),
    (410, 410),
    (433, 433),
    (480, 480),
    (481, 500),
    (484, 484),
    (485, 485),
    (486, 486),
    (488, 488),
    (500, 500),
    (502, 502),
    (503, 500),
    (504, 504),
];

/// The final status that ends a SIP caller's INVITE, `said` being what a SIP callee gave.
pub fn status_of_end(said: Option<u16>, cause: Cause) -> u16 {
    let told = said.and_then(|said| match said {
        600..700 => Some(said),
        _ => STATUS_TO_STATUS.iter().find(|(s, _)| *s == said).map(|(_, told)| *told),
    });
    told.unwrap_or_else(|| status_of(cause))
}

/// The final status, 400 to 699, that tells a SIP caller `cause`.
///
/// Cause 16 has no status of its own: a callee that goes away without answering is 480, as a phone that stops
/// ringing would say.
pub fn status_of(cause: Cause) -> u16 {
    CAUSE_TO_STATUS.iter().find(|(c, _)| *c == cause.value()).map_or(500, |(_, status)| *status)
}

/// The cause that a SIP final status, 300 to 699, tells the other leg.
pub fn cause_of(status: u16) -> Cause {
    STATUS_TO_CAUSE
        .iter()
        .find(|(s, _)| *s == status)
        .and_then(|(_, cause)| Cause::new(*cause))
        .unwrap_or(Cause::NORMAL_UNSPECIFIED)
}

/// The cause that Reason fields give (RFC 3326): one of Q.850, else what a SIP status in them means.
pub fn cause_of_reasons(reasons: &[Reason]) -> Option<Cause> {
    let by = |protocol: &str| {
        let of = |reason: &&Reason| reason.protocol.as_str().eq_ignore_ascii_case(protocol);
        reasons.iter().find(of).and_then(|reason| reason.cause)
    };
    let q850 = by("Q.850").and_then(|cause| Cause::new(u8::try_from(cause).ok()?));
    q850.or_else(|| match by("SIP")? {
        // The call was answered, or refused for all, somewhere else.
        200..300 | 600..700 => Some(Cause::NON_SELECTED_CLEARING),
        status => Some(cause_of(status)),
    })
}

#[cfg(test)]
mod tests {
    use tipring_sip::message::Status;

    use super::*;

    /// Spot values of both RFC tables, where vendors differ from them most.
    #[test]
    fn the_tables_are_those_of_the_standards() {
        let causes =
            [(17, 486), (1, 404), (27, 502), (34, 503), (42, 503), (58, 503), (65, 488), (23, 410)];
        for (cause, status) in causes {
            assert_eq!(Cause::new(cause).map(status_of), Some(status), "cause {cause}");
        }
        assert_eq!(status_of(Cause::INVALID_MESSAGE), 500, "unlisted");
        let statuses = [
            (486, 17),
            (480, 18),
            (408, 102),
            (502, 38),
            (500, 41),
            (603, 21),
            (484, 28),
            (404, 1),
        ];
        for (status, cause) in statuses {
            assert_eq!(cause_of(status).value(), cause, "status {status}");
        }
        assert_eq!(cause_of(499), Cause::NORMAL_UNSPECIFIED, "unlisted");
    }

    #[test]
    fn no_status_of_a_callee_tells_its_caller_that_we_can_serve_nobody() {
        for said in 300..700 {
            let told = status_of_end(Some(said), cause_of(said));
            assert!(told != 503 && (400..700).contains(&told), "{said} became {told}");
            assert_eq!(said >= 600, told >= 600, "{said} became {told}");
        }
        assert_eq!(status_of_end(None, Cause::USER_BUSY), 486, "of a telephone");
    }

    #[test]
    fn a_reason_of_q850_goes_before_one_of_sip() {
        let sip = |code, text| Reason::sip(Status::new(code).expect("a status"), text);
        let busy = sip(486, "Busy Here");
        assert_eq!(
            cause_of_reasons(&[busy.clone(), Reason::q850(19, "no answer")]),
            Cause::new(19)
        );
        assert_eq!(cause_of_reasons(&[busy]), Some(Cause::USER_BUSY));
        let elsewhere = sip(200, "Call completed elsewhere");
        assert_eq!(cause_of_reasons(&[elsewhere]), Some(Cause::NON_SELECTED_CLEARING));
        assert_eq!(cause_of_reasons(&[]), None);
    }

    #[test]
    fn rows_are_sorted_and_unique() {
        assert!(CAUSE_TO_STATUS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(STATUS_TO_CAUSE.is_sorted_by(|a, b| a.0 < b.0));
        assert!(STATUS_TO_STATUS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
