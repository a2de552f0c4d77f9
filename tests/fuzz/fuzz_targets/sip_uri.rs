//! Octets as a URI: what can be read prints and reads again to the same, equals itself, and a number
//! stays itself as the user of a SIP URI.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::in_time;
use tipring_sip::message::{Host, NameAddr, RawNameAddr, RawSipUri, ReferTo, Uri};

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    // Two URIs, to be compared.
    let mut halves = bytes.splitn(2, |octet| *octet == b'\n');
    let uris = [halves.next(), halves.next()].map(|half| Uri::parse(half.unwrap_or_default()).ok());
    uris.iter().flatten().for_each(look_at);
    if let [Some(a), Some(b)] = &uris {
        assert_eq!(a.is_equivalent(b), b.is_equivalent(a));
    }
    let raw = RawSipUri::parse(bytes);
    if let Ok(raw) = raw
        && let Ok(uri) = raw.to_owned()
    {
        assert_eq!(Uri::parse(bytes), Ok(Uri::Sip(uri)));
    }
    if let Ok(address) = NameAddr::parse(bytes) {
        RawNameAddr::parse(bytes).expect("in place too");
        let again = NameAddr::parse(address.to_string().as_bytes()).expect("what we print is read");
        assert_eq!((again.uri, again.params), (address.uri.clone(), address.params.clone()));
        look_at(&address.uri);
        let _ = (address.q(), address.expires(), address.instance(), address.reg_id());
        let _ = (address.pub_gruu(), address.temp_gruu(), ReferTo(address).replaces());
    }
}

fn look_at(uri: &Uri) {
    assert_eq!(Uri::parse(uri.to_string().as_bytes()).as_ref(), Ok(uri));
    assert!(uri.is_equivalent(uri));
    let _ = (uri.user(), uri.param("transport"), uri.transport());
    if let Some(number) = uri.telephone() {
        let host: Host = "example.com".parse().expect("a host");
        let sip = number.to_sip(host, None);
        let read = sip.telephone().expect("user=phone").expect("a number");
        assert!(read.is_equivalent(&number));
    }
}
