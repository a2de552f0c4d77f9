//! Messages beside those of RFC 4475 and RFC 5118, and what they are owed.

use super::verdict::{Case, OnStream, Verdict, silence, status};

/// All of them.
pub fn cases() -> Vec<Case> {
    let requests = REQUESTS.iter().map(|(name, line, changes, verdict)| Case {
        name: (*name).to_owned(),
        bytes: request(name, line, changes),
        verdict: *verdict,
    });
    requests.chain(large()).chain(octets()).collect()
}

/// A request with this request line; a change names a field and gives all its lines, none, or the body where the name
/// is empty.
pub fn request(name: &str, line: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let method = line.split(' ').next().unwrap_or_default();
    let body = changes.iter().find(|(name, _)| name.is_empty()).map_or("", |(_, body)| body);
    let mut fields = vec![
        ("Via", format!("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{name}")),
        ("Max-Forwards", "Max-Forwards: 70".to_owned()),
        ("From", format!("From: <sip:caller@example.net>;tag={name}")),
        ("To", "To: <sip:user@example.com>".to_owned()),
        ("Call-ID", format!("Call-ID: {name}@192.0.2.1")),
        ("CSeq", format!("CSeq: 1 {method}")),
        ("Contact", "Contact: <sip:caller@192.0.2.1>".to_owned()),
        ("Content-Length", format!("Content-Length: {}", body.len())),
    ];
    for (name, lines) in changes.iter().filter(|(name, _)| !name.is_empty()) {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, field)) => *field = (*lines).to_owned(),
            None => fields.insert(1, (name, (*lines).to_owned())),
        }
    }
    fields.retain(|(_, lines)| !lines.is_empty());
    let fields: String = fields.into_iter().map(|(_, lines)| lines + "\r\n").collect();
    format!("{line}\r\n{fields}\r\n{body}").into_bytes()
}

const OPTIONS: &str = "OPTIONS sip:example.com SIP/2.0";
const INVITE: &str = "INVITE sip:user@example.com SIP/2.0";
const REGISTER: &str = "REGISTER sip:example.com SIP/2.0";
const TAGGED: (&str, &str) = ("To", "To: <sip:user@example.com>;tag=unknown");
const SDP: (&str, &str) = (
    "",
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n",
);
const SDP_TYPE: (&str, &str) = ("Content-Type", "Content-Type: application/sdp");

/// Its length cannot be told: on a stream that is the end (RFC 3261 §18.3).
const NO_LENGTH: Verdict = status(400).stream(OnStream::Closed(400));

type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], Verdict);

const REQUESTS: &[Row] = &[
    // RFC 3261 §8.1.1: fields that each request has.
    ("nothing-odd", OPTIONS, &[], status(200)),
    ("no-from", OPTIONS, &[("From", "")], status(400)),
    ("no-to", OPTIONS, &[("To", "")], status(400)),
    ("no-call-id", OPTIONS, &[("Call-ID", "")], status(400)),
    ("no-cseq", OPTIONS, &[("CSeq", "")], status(400)),
    (
        "no-via",
        OPTIONS,
        &[("Via", "")],
        silence("RFC 3261 §8.2.6.2, §18.2.2: a response repeats the Via and goes where it says"),
    ),
    ("no-max-forwards", OPTIONS, &[("Max-Forwards", "")], status(200)),
    ("no-from-tag", OPTIONS, &[("From", "From: <sip:caller@example.net>")], status(200)),
    ("empty-call-id", OPTIONS, &[("Call-ID", "Call-ID:")], status(400)),
    // RFC 3261 §7.3.1: what may be there once.
    ("two-from", OPTIONS, &[("X", "f: <sip:other@example.net>;tag=2")], status(400)),
    ("two-values-in-from", OPTIONS, &[("From", "From: <sip:a@b>;tag=1, <sip:c@d>")], status(400)),
    ("two-max-forwards", OPTIONS, &[("X", "Max-Forwards: 5")], status(400)),
    ("two-cseq", OPTIONS, &[("X", "CSeq: 2 OPTIONS")], status(400)),
    // RFC 3261 §20.16 and §8.1.1.5: CSeq.
    ("cseq-of-2-to-the-31", OPTIONS, &[("CSeq", "CSeq: 2147483648 OPTIONS")], status(400)),
    ("cseq-below-zero", OPTIONS, &[("CSeq", "CSeq: -1 OPTIONS")], status(400)),
    ("cseq-without-number", OPTIONS, &[("CSeq", "CSeq: OPTIONS")], status(400)),
    ("cseq-without-method", OPTIONS, &[("CSeq", "CSeq: 1")], status(400)),
    ("cseq-of-another-case", OPTIONS, &[("CSeq", "CSeq: 1 options")], status(400)),
    // RFC 3261 §20.42: Via.
    ("via-of-nobody", OPTIONS, &[("Via", "Via: SIP/2.0/UDP")], status(400)),
    ("via-is-empty", OPTIONS, &[("Via", "Via:")], status(400)),
    (
        "via-of-sip-1",
        OPTIONS,
        &[("Via", "Via: SIP/1.0/UDP 192.0.2.1;branch=z9hG4bKv1")],
        status(400),
    ),
    (
        "via-port-too-large",
        OPTIONS,
        &[("Via", "Via: SIP/2.0/UDP h:99999;branch=z9hG4bKv2")],
        status(400),
    ),
    ("via-that-names-others", OPTIONS, &[("Via", VIA_MADDR)], status(200)),
    ("via-in-pieces", OPTIONS, &[("Via", VIA_IN_PIECES)], status(200)),
    // RFC 3261 §20.14 and §18.3: Content-Length.
    ("length-is-empty", OPTIONS, &[("Content-Length", "Content-Length:")], NO_LENGTH),
    ("length-in-hexadecimal", OPTIONS, &[("Content-Length", "Content-Length: 0x0")], NO_LENGTH),
    ("length-below-zero", OPTIONS, &[("Content-Length", "Content-Length: -1")], NO_LENGTH),
    ("lengths-that-differ", OPTIONS, &[("X", "l: 3")], NO_LENGTH),
    ("length-twice", OPTIONS, &[("X", "l: 0")], status(200)),
    (
        "length-beyond-the-end",
        OPTIONS,
        &[("Content-Length", "Content-Length: 1")],
        status(400).stream(OnStream::Unfinished),
    ),
    ("no-length", OPTIONS, &[("Content-Length", "")], status(200).stream(OnStream::Closed(400))),
    // RFC 3261 §7.3, §25.1: header lines.
    ("line-without-colon", OPTIONS, &[("X", "Subject")], status(400)),
    ("space-in-a-name", OPTIONS, &[("X", "Sub ject: x")], status(400)),
    ("nul-in-a-value", OPTIONS, &[("X", "Subject: a\0b")], status(400)),
    ("cr-in-a-value", OPTIONS, &[("X", "Subject: a\rb")], status(400)),
    ("lf-in-a-value", OPTIONS, &[("X", "Subject: a\nb: c")], status(400)),
    ("unbalanced-quotes", OPTIONS, &[("From", "From: \"caller <sip:a@b>;tag=1")], status(400)),
    ("to-without-uri", OPTIONS, &[("To", "To: <>")], status(400)),
    ("folds", OPTIONS, &[("X", "Subject:\r\n folded\r\n\tmore")], status(200)),
    ("date-of-no-day", OPTIONS, &[("X", "Date: some day")], status(200)),
    ("hops-that-are-no-number", OPTIONS, &[("Max-Forwards", "Max-Forwards: few")], status(200)),
    ("compact", "OPTIONS sip:example.com sip/2.0", COMPACT, status(200)),
    // RFC 3261 §7.1, §19.1: the request line.
    ("uri-of-nothing", "OPTIONS sip: SIP/2.0", &[], status(400)),
    ("uri-without-host", "OPTIONS sip:user@ SIP/2.0", &[], status(400)),
    ("uri-without-scheme", "OPTIONS user@example.com SIP/2.0", &[], status(400)),
    ("uri-with-half-an-address", "OPTIONS sip:user@[::1 SIP/2.0", &[], status(400)),
    ("uri-port-too-large", "OPTIONS sip:user@h:65536 SIP/2.0", &[], status(400)),
    ("uri-with-a-bad-escape", "OPTIONS sip:us%4er%@example.com SIP/2.0", &[], status(400)),
    ("uri-of-the-web", "OPTIONS http://example.com SIP/2.0", &[], status(416)),
    ("uri-of-a-service", "INVITE urn:service:sos SIP/2.0", &[], status(416)),
    ("uri-of-a-telephone", "INVITE tel:+1-201-555-0123 SIP/2.0", &[], status(404)),
    ("version-3", "OPTIONS sip:user@example.com SIP/3.0", &[], status(505)),
    // Without the version a stream does not tell it from the text of another protocol.
    ("no-version", "OPTIONS sip:user@example.com", &[], status(400)),
    ("another-protocol", "OPTIONS sip:user@example.com HTTP/1.1", &[], status(400)),
    // RFC 3261 §8.2.1: methods.
    ("method-of-nobody", "FETCH sip:user@example.com SIP/2.0", &[], status(501)),
    ("method-in-small-letters", "options sip:user@example.com SIP/2.0", &[], status(501)),
    ("publish", "PUBLISH sip:user@example.com SIP/2.0", &[], status(405)),
    (
        "subscribe",
        "SUBSCRIBE sip:user@example.com SIP/2.0",
        &[("X", "Event: presence")],
        status(489),
    ),
    // RFC 3261 §12.2.2, §9.2, RFC 6665 §4.1.3: what belongs to nothing.
    ("bye-of-no-call", "BYE sip:user@example.com SIP/2.0", &[TAGGED], status(481)),
    ("bye-without-tag", "BYE sip:user@example.com SIP/2.0", &[], status(481)),
    ("cancel-of-nothing", "CANCEL sip:user@example.com SIP/2.0", &[], status(481)),
    ("info-of-no-call", "INFO sip:user@example.com SIP/2.0", &[TAGGED], status(481)),
    ("update-of-no-call", "UPDATE sip:user@example.com SIP/2.0", &[TAGGED], status(481)),
    (
        "prack-of-no-call",
        "PRACK sip:user@example.com SIP/2.0",
        &[TAGGED, ("X", "RAck: 1 1 INVITE")],
        status(481),
    ),
    ("notify-of-nothing", "NOTIFY sip:user@example.com SIP/2.0", &[], status(481)),
    ("invite-of-no-call", INVITE, &[TAGGED], status(481)),
    ("options-of-no-call", OPTIONS, &[TAGGED], status(481)),
    (
        "refer-of-a-stranger",
        "REFER sip:user@example.com SIP/2.0",
        &[("X", "Refer-To: <sip:a@b>")],
        status(403),
    ),
    (
        "ack-of-nothing",
        "ACK sip:user@example.com SIP/2.0",
        &[TAGGED],
        silence("RFC 3261 §17.1.1.3: nobody answers an ACK"),
    ),
    (
        "ack-that-is-malformed",
        "ACK sip:user@example.com SIP/2.0",
        &[("CSeq", "CSeq: x")],
        silence("RFC 3261 §17.1.1.3: nobody answers an ACK"),
    ),
    // RFC 3261 §8.2.2.3, §8.2.3: extensions and bodies.
    ("requires-the-unknown", OPTIONS, &[("X", "Require: 100rel, teleportation")], status(420)),
    ("requires-of-proxies", OPTIONS, &[("X", "Proxy-Require: teleportation")], status(200)),
    ("body-of-text", INVITE, &[("X", "Content-Type: text/plain"), ("", "hello")], status(415)),
    ("body-that-is-packed", INVITE, &[SDP_TYPE, ("X", "Content-Encoding: gzip"), SDP], status(415)),
    ("body-of-no-type", INVITE, &[SDP], status(415)),
    ("body-of-half-a-type", INVITE, &[("X", "Content-Type: application"), SDP], status(415)),
    ("body-that-is-optional", INVITE, OPTIONAL_BODY, status(480)),
    ("body-on-options", OPTIONS, &[("X", "Content-Type: text/plain"), ("", "hello")], status(200)),
    // RFC 3261 §8.1.1.8: an INVITE has one Contact.
    ("call-from-nowhere", INVITE, &[("Contact", "")], status(400)),
    ("call-from-anywhere", INVITE, &[("Contact", "Contact: *")], status(400)),
    ("call-without-offer", INVITE, &[], status(480)),
    ("call-to-nobody", "INVITE sip:nobody@example.com SIP/2.0", &[SDP_TYPE, SDP], status(404)),
    // RFC 3891 §3, RFC 3911 §4, RFC 4028 §9, RFC 3428 §7.
    ("replaces-half-a-dialog", INVITE, &[("X", "Replaces: a@b;to-tag=1")], status(400)),
    ("replaces-no-dialog", INVITE, &[("X", "Replaces: a@b;to-tag=1;from-tag=2")], status(481)),
    ("joins-no-dialog", INVITE, &[("X", "Join: a@b;to-tag=1;from-tag=2")], status(481)),
    ("joins-and-replaces", INVITE, JOINS_AND_REPLACES, status(400)),
    (
        "text-without-hops",
        "MESSAGE sip:user@example.com SIP/2.0",
        &[("Max-Forwards", "Max-Forwards: 0")],
        status(483),
    ),
    // RFC 3261 §10.3, §22.2: who does not prove anything learns nothing.
    ("registers-a-stranger", REGISTER, &[("To", "To: <sip:nobody@example.com>")], status(401)),
    ("registers-all", REGISTER, &[("Contact", "Contact: *")], status(401)),
    ("proves-nonsense", REGISTER, &[("X", "Authorization: Digest nonsense")], status(401)),
    ("proves-by-name-alone", REGISTER, &[("X", "Authorization: Basic dXNlcjpwYXNz")], status(401)),
];

const VIA_MADDR: &str =
    "Via: SIP/2.0/UDP 192.0.2.1;maddr=198.51.100.1;received=198.51.100.2;branch=z9hG4bKmaddr";
const VIA_IN_PIECES: &str = "Via: SIP / 2.0 / UDP 192.0.2.1 : 5060 ; branch = z9hG4bKpieces,\r\n\
    \tSIP/2.0/TCP 192.0.2.2\r\nv: SIP/2.0/TLS 192.0.2.3";
const COMPACT: &[(&str, &str)] = &[
    ("Via", "v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKcompact"),
    ("From", "f: sip:caller@example.net;tag=compact"),
    ("To", "t:sip:user@example.com"),
    ("Call-ID", "i: compact"),
    ("Contact", "m:sip:caller@192.0.2.1"),
    ("Content-Length", "l:0"),
];
const OPTIONAL_BODY: &[(&str, &str)] = &[
    ("X", "Content-Type: text/plain\r\nContent-Disposition: render;handling=optional"),
    ("", "hello"),
];
const JOINS_AND_REPLACES: &[(&str, &str)] =
    &[("X", "Join: a@b;to-tag=1;from-tag=2\r\nReplaces: a@b;to-tag=1;from-tag=2")];

/// At the limits and beyond them (RFC 3261 §21.4.15, §21.5.7; the limits are ours).
fn large() -> Vec<Case> {
    let of = |name: &str, line: &str, field: &str, verdict| Case {
        name: name.to_owned(),
        bytes: request(name, line, &[("X", field)]),
        verdict,
    };
    let uri = format!("OPTIONS sip:{}@example.com SIP/2.0", "u".repeat(9000));
    let subject = |len: usize| format!("Subject: {}", "x".repeat(len));
    let fields = |count: usize| vec!["X-Field: x"; count].join("\r\n");
    vec![
        of("uri-too-long", &uri, "X: x", status(414)),
        of("long-line", OPTIONS, &subject(8000), status(200)),
        of("line-too-long", OPTIONS, &subject(9000), status(513)),
        of("many-fields", OPTIONS, &fields(100), status(200)),
        // Its length is beyond the fields that are looked at.
        of("too-many-fields", OPTIONS, &fields(200), status(513).stream(OnStream::Closed(513))),
    ]
}

/// What is no request at all.
fn octets() -> Vec<Case> {
    const NO_MESSAGE: Verdict =
        silence("RFC 3261 §7: what begins with no start line is no SIP message")
            .stream(OnStream::Garbage);
    let response = request("response", "SIP/2.0 200 OK", &[("CSeq", "CSeq: 1 INVITE")]);
    let via = "Via: SIP/2.0/UDP 127.0.0.1\r\nVia: SIP/2.0/UDP 192.0.2.1";
    let astray = request("astray", "SIP/2.0 200 OK", &[("Via", via), ("CSeq", "CSeq: 1 INVITE")]);
    let [a, b] =
        ["RFC 3261 §17.1.3: a response that matches nothing is dropped", "RFC 3261 §8.1.3.3"];
    let case = |name: &str, bytes: Vec<u8>, verdict| Case { name: name.to_owned(), bytes, verdict };
    vec![
        case("response-to-nothing", response, silence(a)),
        case("response-of-two-hops", astray, silence(b)),
        case("a-web-browser", b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_vec(), NO_MESSAGE),
        case("binary", b"\x00\x01\x00\x08\x21\x12\xa4\x42\r\n\r\n".to_vec(), NO_MESSAGE),
    ]
}
