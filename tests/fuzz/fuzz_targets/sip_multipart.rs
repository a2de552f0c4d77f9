//! Octets as a body of several parts, and as a piece of a message: what can be read prints and reads
//! again to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::in_time;
use tipring_sip::message::multipart::{self, Multipart, MultipartBody, Part};
use tipring_sip::message::{ContentType, MAX_LINE, Method, Request, SipFragment, Uri};

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    if let Ok(fragment) = SipFragment::parse(bytes) {
        let printed = fragment.to_bytes();
        // Escapes make some lines three times as long.
        if printed.split(|octet| *octet == b'\n').all(|line| line.len() <= MAX_LINE) {
            assert_eq!(SipFragment::parse(&printed), Ok(fragment));
        }
    }
    let media = ContentType::parse(b"multipart/alternative;boundary=b").expect("a type");
    let found = multipart::find(&media, bytes, "application/sdp");
    let uri = Uri::parse(b"sip:x@192.0.2.1").expect("a URI");
    let mut request = Request::new(Method::Invite, uri);
    request.set_body("multipart/mixed;boundary=b", bytes.to_vec());
    let understood = request.is_understood(&["application/sdp".to_owned()]);
    let Ok(multipart) = Multipart::parse(&media, bytes) else {
        assert!(bytes.is_empty() || understood.is_err());
        assert!(found.is_err());
        return;
    };
    if let Ok(Some(body)) = found {
        assert!(bytes.as_ptr_range().contains(&body.as_ptr()) || body.is_empty());
    }
    for part in multipart.parts() {
        let _ = (part.content_type(), part.disposition(), part.content_id());
    }
    let parts: Vec<_> = multipart.parts().iter().map(Part::to_owned).collect();
    let body = MultipartBody { subtype: media.subtype.clone(), parts };
    let (media, printed) = body.print();
    let again = Multipart::parse(&media, &printed).expect("what we print is read");
    let again: Vec<_> = again.parts().iter().map(Part::to_owned).collect();
    assert_eq!(again, body.parts);
}
