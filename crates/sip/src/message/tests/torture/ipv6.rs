//! RFC 5118 §4: addresses of IPv6.

use super::messages::ipv6::*;
use super::*;

/// `text` with the Content-Length that its body has: those of the archive count bare line feeds or
/// are wrong, and two messages lack the empty line.
fn mended(text: &str) -> String {
    let text = if text.contains("\n\n") { text.to_owned() } else { format!("{text}\n") };
    let lines = text.lines().map(|line| match line.starts_with("Content-Length:") {
        true => "Content-Length: {len}\n".to_owned(),
        false => format!("{line}\n"),
    });
    lines.collect()
}

fn address(text: &str) -> Host {
    Host::V6(text.parse().expect("an address"))
}

#[test]
fn ipv6_good_is_taken() {
    let request = request(IPV6_GOOD);
    assert_eq!(request.uri.host(), Some(&address("2001:db8::10")));
    assert_eq!(request.headers.top_via().expect("Via").host, address("2001:db8::9:1"));
    let contact = request.headers.contact().expect("Contact");
    assert_eq!(contact.uri.to_string(), "sip:caller@[2001:db8::1]");
}

#[test]
fn ipv6_bad_is_400_for_an_address_without_brackets() {
    refused(IPV6_BAD, 400, Fault::RequestUri);
}

#[test]
fn port_ambiguous_has_no_port_and_port_unambiguous_has_one() {
    let ambiguous = request(PORT_AMBIGUOUS).uri;
    assert_eq!((ambiguous.host(), ambiguous.port()), (Some(&address("2001:db8::10:5070")), None));
    let clear = request(PORT_UNAMBIGUOUS).uri;
    assert_eq!((clear.host(), clear.port()), (Some(&address("2001:db8::10")), Some(5070)));
}

#[test]
fn received_is_taken_in_brackets_and_without() {
    for text in [VIA_RECEIVED_PARAM_WITH_DELIM, VIA_RECEIVED_PARAM_NO_DELIM] {
        let via = request(text).headers.top_via().expect("Via");
        assert_eq!(via.received(), "2001:db8::9:255".parse().ok());
    }
}

#[test]
fn ipv6_in_sdp_is_400_as_archived_and_taken_with_a_true_content_length() {
    refused(IPV6_IN_SDP, 400, Fault::BodyTruncated);
    let request = request(&mended(IPV6_IN_SDP));
    let sdp = request.part("application/sdp").expect("good").expect("there");
    assert!(sdp.starts_with(b"v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\n"));
    assert_eq!(request.headers.to().expect("To").uri.host(), Some(&address("2001:db8::10")));
}

#[test]
fn mult_ip_in_header_is_taken_with_addresses_of_both_families() {
    let vias = request(MULT_IP_IN_HEADER).headers.vias().expect("Vias");
    assert_eq!((&vias[0].host, vias[0].port), (&address("2001:db8::9:1"), Some(6050)));
    assert_eq!(vias[1].host.to_string(), "192.0.2.1");
    assert_eq!(vias[2].received(), "192.0.2.200".parse().ok());
    assert_eq!(vias[2].response_address(), "192.0.2.200:5060".parse().ok());
}

#[test]
fn mult_ip_in_sdp_is_taken() {
    let request = request(&mended(MULT_IP_IN_SDP));
    assert!(request.body.ends_with(b"c=IN IP6 2001:db8::1\r\na=rtpmap:107 H263-1998/90000\r\n"));
    let contact = request.headers.contact().expect("Contact");
    assert_eq!(contact.uri.host(), Some(&address("2001:db8::9:1")));
}

#[test]
fn ipv4_mapped_ipv6_is_taken() {
    let request = request(&mended(IPV4_MAPPED_IPV6));
    let vias = request.headers.vias().expect("Vias");
    assert_eq!((&vias[0].host, vias[0].port), (&address("::ffff:192.0.2.10"), Some(19823)));
    let contact = request.headers.contact().expect("Contact");
    assert_eq!(contact.uri.to_string(), "sip:ted@[::ffff:192.0.2.2]");
    assert_eq!(contact.display.as_deref(), Some("T. desk phone"));
}

#[test]
fn the_third_colon_of_rfc_3261_s_grammar_is_tolerated_and_not_passed_on() {
    for text in [IPV6_BUG_ABNF_3_COLONS, IPV6_CORRECT_ABNF_2_COLONS] {
        refused(text, 400, Fault::NoEmptyLine);
        let request = request(&mended(text));
        assert_eq!(request.uri.host(), Some(&address("2001:db8::192.0.2.1")));
        assert_eq!(request.uri.to_string(), "sip:user@[2001:db8::c000:201]");
    }
    for text in ["[2001:::1]", "[:::]", "[a:::b:::192.0.2.1]", "[::::192.0.2.1]"] {
        assert!(text.parse::<Host>().is_err(), "{text}");
    }
}
