//! Which bodies may be acted on, and which must be refused (RFC 3261 §8.2.3, §20.11, RFC 5621).

use super::*;
use crate::message::multipart::MultipartError;

fn request(kind: &str, body: &str) -> Request {
    accept_request(&format!(
        "INVITE sip:x@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa\n\
         From: <sip:a@192.0.2.9>;tag=a\nTo: <sip:x@192.0.2.1>\nCall-ID: a\nCSeq: 1 INVITE\n\
         Max-Forwards: 70\nContact: <sip:a@192.0.2.9>\n{kind}Content-Length: {{len}}\n\n{body}"
    ))
}

/// Whether the body is understood, and the description that it holds.
fn read(kind: &str, body: &str) -> (Result<bool, MultipartError>, String) {
    let request = request(kind, body);
    let understood = request.is_understood(&["application/sdp".to_owned()]);
    (understood, String::from_utf8_lossy(request.session_description()).into_owned())
}

fn parts(subtype: &str, parts: &[&str]) -> (String, String) {
    let parts = parts.iter().map(|part| format!("--b\n{part}\n")).collect::<String>();
    (format!("Content-Type: multipart/{subtype};boundary=b\n"), format!("{parts}--b--\n"))
}

const SDP: &str = "Content-Type: Application/SDP\n\nv=0";
const EARLY: &str = "Content-Type: application/sdp\nContent-Disposition: early-session\n\nv=early";
const ISUP: &str = "Content-Type: application/isup\n\n1";
const MAY_ISUP: &str =
    "Content-Type: application/isup\nContent-Disposition: signal;handling=optional\n\n1";
const CODED: &str = "Content-Type: application/sdp\nContent-Transfer-Encoding: base64\n\ndj0w";

#[test]
fn a_body_of_one_part() {
    let known = "Content-Type: application/sdp\n";
    assert_eq!(read(known, "v=0"), (Ok(true), "v=0".to_owned()));
    assert_eq!(read("", ""), (Ok(true), String::new()));
    // Some old telephones forget the type of their answers; an offer must say what it is.
    assert_eq!(read("", "v=0"), (Ok(false), "v=0".to_owned()));
    assert_eq!(read("Content-Type: text/plain\n", "hi"), (Ok(false), String::new()));
    let optional = "Content-Type: text/plain\nContent-Disposition: render;handling=optional\n";
    assert_eq!(read(optional, "hi"), (Ok(true), String::new()));
    let packed = format!("{known}Content-Encoding: gzip\n");
    assert_eq!(read(&packed, "v=0"), (Ok(false), String::new()));
    let early = format!("{known}Content-Disposition: early-session\n");
    assert_eq!(read(&early, "v=0"), (Ok(false), String::new()));
    // RFC 3261 §20.11: what is for we know not what is not understood, whatever its type.
    let strange = format!("{known}Content-Disposition: frob\n");
    assert_eq!(read(&strange, "v=0"), (Ok(false), String::new()));
    let passed_over = format!("{known}Content-Disposition: frob;handling=optional\n");
    assert_eq!(read(&passed_over, "v=0"), (Ok(true), String::new()));
}

#[test]
fn a_body_of_several_parts() {
    let table: &[(&str, &[&str], bool, &str)] = &[
        ("mixed", &[SDP], true, "v=0"),
        ("mixed", &[SDP, ISUP], false, "v=0"),
        ("mixed", &[MAY_ISUP, SDP], true, "v=0"),
        ("mixed", &[MAY_ISUP], true, ""),
        ("mixed", &[EARLY, SDP], false, "v=0"),
        ("mixed", &[CODED], false, ""),
        // A word that nobody knows is read as `mixed` (RFC 2046 §5.1.7).
        ("surprise", &[SDP, ISUP], false, "v=0"),
        ("alternative", &[ISUP, SDP], true, "v=0"),
        ("alternative", &[ISUP], false, ""),
        ("related", &[SDP, ISUP], true, "v=0"),
        ("related", &[ISUP, SDP], false, "v=0"),
        ("signed", &[SDP, "Content-Type: application/pkcs7-signature\n\n1"], true, "v=0"),
    ];
    for (subtype, content, understood, description) in table {
        let (kind, body) = parts(subtype, content);
        let wanted = (Ok(*understood), (*description).to_owned());
        assert_eq!(read(&kind, &body), wanted, "{subtype} {content:?}");
    }
}

#[test]
fn the_root_of_related_parts_is_the_one_that_start_names() {
    let (kind, body) =
        parts("related", &[ISUP, "Content-Type: application/sdp\nContent-ID: <r@a>\n\nv=0"]);
    let kind = kind.replace(";boundary", ";start=\"<r@a>\";boundary");
    assert_eq!(read(&kind, &body), (Ok(true), "v=0".to_owned()));
}

#[test]
fn parts_within_parts_count_and_have_an_end() {
    let mut inner = parts("mixed", &[SDP]);
    for level in 0..5 {
        // Each with a boundary of its own.
        let own = format!("level{level}");
        let kind = inner.0.replace("=b", &format!("={own}"));
        let body = inner.1.replace("--b", &format!("--{own}"));
        inner = parts("mixed", &[&format!("{kind}\n{body}"), MAY_ISUP]);
        let wanted = if level < 3 { Ok(true) } else { Err(MultipartError::TooDeep) };
        assert_eq!(read(&inner.0, &inner.1).0, wanted, "{level}");
    }
}
