//! Input that breaks a rule and is taken all the same, because phones in the field send it.

use super::*;
use crate::message::{HeaderName, NameAddr};

fn options(extra: &str) -> String {
    format!(
        "OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKkdjuw;rport
From: <sip:caller@example.net>;tag=93334
To: <sip:user@example.com>
Call-ID: 1@192.0.2.1
CSeq: 8 OPTIONS
{extra}"
    )
}

#[test]
fn latin_1_display_names_arrive_as_text_and_leave_as_utf_8() {
    let mut bytes = wire(&options("Content-Length: 0\n\n"));
    let at = bytes.windows(6).position(|window| window == b"From: ").expect("From") + 6;
    bytes.splice(at..at, *b"\"J\xFCrgen\" ");
    let message = accept(&bytes);
    let from = message.headers().from().expect("From");
    assert_eq!(from.display.as_deref(), Some("Jürgen"));
    assert_eq!(accept(&message.to_bytes()), message);
    // The same without quotes.
    let bytes: Vec<u8> = bytes.into_iter().filter(|octet| *octet != b'"').collect();
    assert_eq!(accept(&bytes).headers().from(), Ok(from));
}

#[test]
fn an_octet_that_no_text_has_does_not_break_the_address_it_stands_in() {
    let mut bytes = wire(&options("Content-Length: 0\n\n"));
    let at = bytes.windows(6).position(|part| part == b"caller").expect("From");
    bytes[at] = 0x80;
    let message = accept(&bytes);
    let from = message.headers().from().expect("From");
    assert_eq!(from.uri.user().as_deref(), Some("\u{FFFD}aller"));
    assert_eq!(accept(&message.to_bytes()), message);
}

#[test]
fn line_ends_before_the_message_are_skipped() {
    let mut bytes = b"\r\n\r\n".to_vec();
    bytes.extend(wire(&options("Content-Length: 0\n\n")));
    accept(&bytes);
}

#[test]
fn the_version_and_transport_are_taken_in_any_case() {
    let text = options("\n").replacen("SIP/2.0", "sip/2.0", 2).replace("UDP", "udp");
    assert!(accept_request(&text).headers.top_via().expect("Via").transport().is_some());
}

#[test]
fn odd_media_types_compare_without_regard_to_case() {
    let request = accept_request(&options("content-type:application/SDP\n\nv=0\n"));
    let content_type = request.headers.content_type().expect("Content-Type");
    assert!(content_type.is("application/sdp"));
    assert_eq!(content_type.to_string(), "application/sdp");
    assert_eq!(request.body, b"v=0\r\n");
}

#[test]
fn space_around_separators_and_tabs_are_taken() {
    let text =
        options("Max-Forwards :\t70\nAllow:INVITE ,ACK,, BYE\n\n").replace(";tag=", " ; tag = ");
    let request = accept_request(&text);
    assert_eq!(request.headers.from().expect("From").tag(), Some("93334"));
    assert_eq!(request.headers.max_forwards(), Some(70));
    assert_eq!(request.headers.allow().expect("Allow").len(), 3);
}

#[test]
fn a_user_with_characters_that_need_escapes_is_taken_and_escaped() {
    let address: NameAddr = "<sip:#31#555[1]@example.com;>".parse().expect("an address");
    assert_eq!(address.uri.user().as_deref(), Some("#31#555[1]"));
    assert_eq!(address.uri.to_string(), "sip:%2331%23555%5B1%5D@example.com");
}

#[test]
fn host_names_with_underscores_and_a_trailing_dot_are_taken() {
    for host in ["pbx_1.local", "example.com."] {
        let uri: crate::message::Uri = format!("sip:a@{host}").parse().expect(host);
        assert_eq!(uri.host().map(ToString::to_string).as_deref(), Some(host));
    }
}

#[test]
fn display_names_with_dots_and_apostrophes_need_no_quotes() {
    let address: NameAddr = "Dr. O'Neil (home) <sip:1@h>".parse().expect("an address");
    assert_eq!(address.display.as_deref(), Some("Dr. O'Neil (home)"));
    assert_eq!(address.to_string(), "\"Dr. O'Neil (home)\" <sip:1@h>");
}

#[test]
fn a_phone_of_rfc_5626_keeps_its_instance() {
    let text = options(
        "Contact: <sip:1@192.0.2.1:5060;transport=udp>;reg-id=1;q=0.5;expires=\"60\"\
         ;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\"\n\n",
    );
    let contact = accept_request(&text).headers.contact().expect("Contact");
    assert_eq!(contact.instance(), Some("urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF"));
    assert_eq!((contact.expires(), contact.q_thousandths()), (Some(60), 500));
    assert!(contact.to_string().contains(";+sip.instance=\"<urn:uuid:"));
}

#[test]
fn fields_of_lists_are_held_one_by_one() {
    let request = accept_request(&options(
        "Record-Route: <sip:a;lr>, \"x,y\" <sip:b;lr>,<sip:c;lr>\nSupported: 100rel, timer\nk: path\n\n",
    ));
    let routes: Vec<_> = request.headers.all(&HeaderName::RecordRoute).collect();
    assert_eq!(routes, ["<sip:a;lr>", "\"x,y\" <sip:b;lr>", "<sip:c;lr>"]);
    assert!(request.headers.lists(&HeaderName::Supported, "Path"));
    assert_eq!(request.headers.list(&HeaderName::Supported).count(), 3);
}
