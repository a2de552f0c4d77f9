//! What the messages of RFC 4475 and RFC 5118 are owed by the whole gateway.

use super::messages::{rfc_4475, rfc_5118};
use super::verdict::{Case, OnStream, Verdict, silence, status};

/// The 61 of both RFCs.
pub fn cases() -> Vec<Case> {
    let messages = rfc_4475().into_iter().chain(rfc_5118());
    let known = RFC_4475.iter().chain(RFC_5118);
    let cases = messages.zip(known).map(|((name, bytes), (verdict_of, verdict))| {
        assert_eq!(name, *verdict_of);
        Case { name: name.to_owned(), bytes, verdict: *verdict }
    });
    cases.collect()
}

const RESPONSE: Verdict =
    silence("RFC 3261 §17: a response that belongs to no transaction of ours is dropped");

/// `user` and `vivekg` can be called, and are not there: 480. Nobody else can: 404.
const RFC_4475: &[(&str, Verdict)] = &[
    ("wsinv", status(481)), // Its To has a tag, and there is no such dialog.
    ("intmeth", status(501)),
    ("esc01", status(404)),
    ("escnull", status(401)),
    ("esc02", status(501)),
    ("lwsdisp", status(480)),
    ("longreq", status(480)),
    // The second has no Contact, and an octet more than its Content-Length.
    ("dblreq", status(401).stream(OnStream::TwoAndGarbage([401, 400]))),
    ("semiuri", status(404)),
    ("transports", status(480)),
    ("mpart01", status(404)),
    ("unreason", RESPONSE),
    ("noreason", RESPONSE),
    ("badinv01", status(400)),
    ("clerr", status(400).stream(OnStream::Unfinished)),
    ("ncl", status(400).stream(OnStream::Closed(400))),
    ("scalar02", status(400)),
    ("scalarlg", RESPONSE),
    ("quotbal", status(400)),
    ("ltgtruri", status(400)),
    ("lwsruri", status(400)),
    ("lwsstart", status(400)),
    ("trws", status(400)),
    ("escruri", status(400)),
    ("baddate", status(480)),
    ("regbadct", status(400)),
    ("badaspec", status(400)),
    ("baddn", status(400).stream(OnStream::Unfinished)), // The archive's octets lack the empty line.
    ("badvers", status(505)),
    ("mismatch01", status(400)),
    ("mismatch02", status(501)),
    ("bigcode", RESPONSE),
    ("badbranch", status(480)),
    ("insuf", status(400)),
    ("unkscm", status(416)),
    ("novelsc", status(416)),
    ("unksm2", status(401)),
    ("bext01", status(420)),
    ("invut", status(415)),
    ("regaut01", status(401)),
    ("multi01", status(400)),
    ("mcl01", status(400).stream(OnStream::Closed(400))),
    ("bcast", RESPONSE),
    ("zeromf", status(200)),
    ("cparam01", status(401)),
    ("cparam02", status(401)),
    ("regescrt", status(401)),
    ("sdp01", status(406)),                                 // RFC 4475 §3.3.9.
    ("inv2543", status(404).stream(OnStream::Closed(400))), // Without Content-Length.
];

const RFC_5118: &[(&str, Verdict)] = &[
    ("ipv6_good", status(401)),
    ("ipv6_bad", status(400)),
    ("port_ambiguous", status(401)),
    ("port_unambiguous", status(401)),
    ("via_received_param_with_delim", status(481)),
    ("via_received_param_no_delim", status(200)),
    // The archive's Content-Length counts more than there is.
    ("ipv6_in_sdp", status(400).stream(OnStream::Unfinished)),
    ("mult_ip_in_header", status(481)),
    ("mult_ip_in_sdp", status(407).stream(OnStream::Remainder)), // From is a user of ours, who must prove it.
    ("ipv4_mapped_ipv6", status(488).stream(OnStream::Remainder)), // G.726 alone.
    // The archive's octets lack the empty line.
    ("ipv6_bug_abnf_3_colons", status(400).stream(OnStream::Unfinished)),
    ("ipv6_correct_abnf_2_colons", status(400).stream(OnStream::Unfinished)),
];
