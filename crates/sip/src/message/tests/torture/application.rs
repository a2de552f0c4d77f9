//! RFC 4475 §3.2 to §3.4: messages that are well formed, or nearly, and that their receiver must think
//! about.

use super::*;

pub(super) const MESSAGES: &[(&str, &str)] = &[
    ("badbranch", BADBRANCH),
    ("insuf", INSUF),
    ("unkscm", UNKSCM),
    ("novelsc", NOVELSC),
    ("unksm2", UNKSM2),
    ("bext01", BEXT01),
    ("invut", INVUT),
    ("regaut01", REGAUT01),
    ("multi01", MULTI01),
    ("mcl01", MCL01),
    ("bcast", BCAST),
    ("zeromf", ZEROMF),
    ("cparam01", CPARAM01),
    ("cparam02", CPARAM02),
    ("regescrt", REGESCRT),
    ("sdp01", SDP01),
    ("inv2543", INV2543),
];

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

const BADBRANCH: &str = "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
Accept: application/sdp
Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n
CSeq: 8 OPTIONS
l: 0

";

const INSUF: &str = "INVITE sip:user@example.com SIP/2.0
CSeq: 193942 INVITE
Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf
Content-Type: application/sdp
l: 152

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.95
s=-
c=IN IP4 192.0.2.95
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
";

const UNKSCM: &str = "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

";

const NOVELSC: &str = "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: novelsc.asdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

";

const UNKSM2: &str = "REGISTER sip:example.com SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=3234233
Call-ID: unksm2.daksdj@hyphenated-host.example.com
CSeq: 234902 REGISTER
Max-Forwards: 70
Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw
Contact: <name:John_Smith>
l: 0

";

const BEXT01: &str = "OPTIONS sip:user@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.net;tag=242etr
Max-Forwards: 6
Call-ID: bext01.0ha0isndaksdj
Require: nothingSupportsThis, nothingSupportsThisEither
Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
CSeq: 8 OPTIONS
Via: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw
Content-Length: 0

";

const INVUT: &str = r#"INVITE sip:user@example.com SIP/2.0
Contact: <sip:caller@host5.example.net>
To: sip:j.user@example.com
From: sip:caller@example.net;tag=8392034
Max-Forwards: 70
Call-ID: invut.0ha0isndaksdjadsfij34n23d
CSeq: 235448 INVITE
Via: SIP/2.0/UDP somehost.example.com;branch=z9hG4bKkdjuw
Content-Type: application/unknownformat
Content-Length: 40

<audio>
 <pcmu port="443"/>
</audio>
"#;

const REGAUT01: &str = "REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=87321hj23128
Max-Forwards: 8
Call-ID: regaut01.0ha0isndaksdj
CSeq: 9338 REGISTER
Via: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw
Authorization: NoOneKnowsThisScheme opaque-data=here
Content-Length:0

";

const MULTI01: &str = "INVITE sip:user@company.com SIP/2.0
Contact: <sip:caller@host25.example.net>
Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw
Max-Forwards: 70
CSeq: 5 INVITE
Call-ID: multi01.98asdh@192.0.2.1
CSeq: 59 INVITE
Call-ID: multi01.98asdh@192.0.2.2
From: sip:caller@example.com;tag=3413415
To: sip:user@example.com
To: sip:other@example.net
From: sip:caller@example.net;tag=2923420123
Content-Type: application/sdp
l: 154
Contact: <sip:caller@host36.example.net>
Max-Forwards: 5

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.25
s=-
c=IN IP4 192.0.2.25
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC

";

const MCL01: &str = "OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bK293423
To: sip:user@example.com
From: sip:other@example.net;tag=3923942
Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf
CSeq: 15932 OPTIONS
Content-Length: 13
Max-Forwards: 60
Content-Length: 5
Content-Type: text/plain

There's no way to know how many octets are supposed to be here.

";

const BCAST: &str = "SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23
Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 154
Content-Type: application/sdp
Contact: <sip:user@host28.example.com>

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.198
s=-
c=IN IP4 192.0.2.198
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
";

const ZEROMF: &str = "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=3ghsd41
Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas
CSeq: 39234321 OPTIONS
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i
Max-Forwards: 0
Content-Length: 0

";

const CPARAM01: &str = "REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:watson@example.com
Call-ID: cparam01.70710@saturn.example.com
CSeq: 2 REGISTER
Contact: sip:+19725552222@gw1.example.net;unknownparam
l: 0

";

const CPARAM02: &str = "REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=838293
To: sip:watson@example.com
Call-ID: cparam02.70710@saturn.example.com
CSeq: 3 REGISTER
Contact: <sip:+19725552222@gw1.example.net;unknownparam>
l: 0

";

const REGESCRT: &str = "REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=8
Max-Forwards: 70
Call-ID: regescrt.k345asrl3fdbv@192.0.2.1
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>
L:0

";

const SDP01: &str = "INVITE sip:user@example.com SIP/2.0
To: sip:j_user@example.com
Contact: <sip:caller@host15.example.net>
From: sip:caller@example.net;tag=234
Max-Forwards: 5
Call-ID: sdp01.ndaksdj9342dasdd
Accept: text/nobodyKnowsThis
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw
Content-Length: 150
Content-Type: application/sdp

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.5
s=-
c=IN IP4 192.0.2.5
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
";

const INV2543: &str = "INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.5
s=-
c=IN IP4 192.0.2.5
t=0 0
m=audio 49217 RTP/AVP 0
";
