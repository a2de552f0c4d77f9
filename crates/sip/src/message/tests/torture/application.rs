//! RFC 4475 §3.2 to §3.4: messages that are well formed, or nearly, and that their receiver must think
//! about.

use super::messages::application::*;
use super::*;

#[test]
fn badbranch_is_taken_as_of_rfc_2543_because_its_branch_names_nothing() {
    let via = request(BADBRANCH).headers.top_via().expect("Via");
    assert_eq!(via.branch(), Some(BRANCH_COOKIE));
    assert!(!via.has_rfc3261_branch());
}

#[test]
fn insuf_is_400_though_it_has_no_call_id_from_and_to() {
    let bytes = wire(INSUF);
    let rejected = View::parse(&bytes).expect("framed").to_message().expect_err("not taken");
    assert_eq!(rejected.fault, Fault::Missing("From"));
    let response = rejected.response.expect("an answer");
    assert_eq!(response.status, Status::BAD_REQUEST);
    assert_eq!(response.headers.top_via().expect("Via").branch(), Some("z9hG4bKkdj.insuf"));
    assert_eq!(response.headers.cseq(), Ok(CSeq { number: 193_942, method: Method::Invite }));
    assert_eq!(response.headers.len(), 2, "what is not there cannot be repeated");
}

#[test]
fn unkscm_and_novelsc_are_416_for_a_scheme_that_nobody_here_serves() {
    refused(UNKSCM, 416, Fault::Scheme);
    refused(NOVELSC, 416, Fault::Scheme);
}

#[test]
fn unksm2_is_taken_and_a_registrar_sees_that_to_is_no_sip_address() {
    let headers = request(UNKSM2).headers;
    assert_eq!(headers.to().expect("To").uri.to_string(), "isbn:2983792873");
    assert!(headers.to().expect("To").uri.as_sip().is_none());
    assert_eq!(headers.from().expect("From").uri.to_string(), "http://www.example.com");
    assert_eq!(headers.contact().expect("Contact").uri.to_string(), "name:John_Smith");
}

#[test]
fn bext01_is_taken_and_tells_what_a_420_must_list() {
    let headers = request(BEXT01).headers;
    let unknown = headers.unknown_requirements(&["100rel"]).expect("tokens");
    let unknown: Vec<_> = unknown.iter().map(Token::as_str).collect();
    assert_eq!(unknown, ["nothingSupportsThis", "nothingSupportsThisEither"]);
    let proxy = headers.option_tags(HeaderName::ProxyRequire).expect("tokens");
    let proxy: Vec<_> = proxy.iter().map(Token::as_str).collect();
    assert_eq!(proxy, ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"]);
}

#[test]
fn invut_is_taken_and_tells_the_type_that_a_415_refuses() {
    let request = request(INVUT);
    let media = request.headers.content_type().expect("Content-Type");
    assert!(media.is("application/unknownformat"));
    assert_eq!(request.part("application/sdp"), Ok(None));
    assert_eq!(request.body, b"<audio>\r\n <pcmu port=\"443\"/>\r\n</audio>\r\n");
}

#[test]
fn regaut01_is_taken_and_its_credentials_are_none_that_we_know() {
    let headers = request(REGAUT01).headers;
    let credentials = headers.first(&HeaderName::Authorization).expect("there");
    assert_eq!(credentials, "NoOneKnowsThisScheme opaque-data=here");
    assert!(crate::digest::Credentials::parse(credentials.as_bytes()).is_err());
}

#[test]
fn multi01_is_400_for_each_single_field_that_is_there_twice() {
    refused(MULTI01, 400, Fault::Duplicate("CSeq"));
    let once = MULTI01.replace("CSeq: 59 INVITE\n", "");
    refused(&once, 400, Fault::Duplicate("Call-ID"));
}

#[test]
fn mcl01_is_400_for_content_lengths_that_differ() {
    refused(MCL01, 400, Fault::ContentLength);
}

#[test]
fn bcast_is_taken_and_its_second_via_says_that_it_is_not_ours() {
    let vias = response(BCAST).headers.vias().expect("Vias");
    assert_eq!(vias.len(), 2, "RFC 3261 §8.1.3.3: whoever receives it drops it");
    assert_eq!(vias[1].host.to_string(), "255.255.255.255");
}

#[test]
fn zeromf_is_taken_because_only_a_proxy_minds() {
    assert_eq!(request(ZEROMF).headers.max_forwards(), Some(0));
}

#[test]
fn cparam01_and_cparam02_tell_parameters_of_the_contact_from_those_of_its_uri() {
    let outside = request(CPARAM01).headers.contact().expect("Contact");
    assert!(outside.params.contains("unknownparam"));
    assert_eq!(outside.uri.to_string(), "sip:+19725552222@gw1.example.net");
    let inside = request(CPARAM02).headers.contact().expect("Contact");
    assert!(inside.params.is_empty());
    assert_eq!(inside.uri.to_string(), "sip:+19725552222@gw1.example.net;unknownparam");
}

#[test]
fn regescrt_is_taken_with_the_header_of_its_contact() {
    let contact = request(REGESCRT).headers.contact().expect("Contact");
    let uri = contact.uri.as_sip().expect("sip");
    assert_eq!(uri.header("route").as_deref(), Some("<sip:sip.example.com>"));
    assert_eq!(contact.to_string(), "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>");
}

#[test]
fn sdp01_is_taken_and_says_that_it_does_not_accept_sdp() {
    let headers = request(SDP01).headers;
    assert_eq!(headers.accepts("application", "sdp"), Ok(false));
    assert_eq!(headers.accepts("text", "nobodyKnowsThis"), Ok(true));
}

#[test]
fn inv2543_is_taken_without_branch_tag_content_length_and_max_forwards() {
    let request = request(INV2543);
    let headers = &request.headers;
    assert_eq!(headers.from().expect("From").tag(), None);
    assert_eq!(headers.max_forwards(), None);
    assert!(!headers.top_via().expect("Via").has_rfc3261_branch());
    let to = headers.to().expect("To");
    assert!(to.params.contains("user"), "without angle brackets it is To's parameter");
    let number = headers.from().expect("From").uri.telephone().expect("user=phone");
    assert_eq!(number.digits(), "+13035551111");
    assert!(request.body.ends_with(b"m=audio 49217 RTP/AVP 0\r\n"), "to the datagram's end");
}
