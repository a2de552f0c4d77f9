//! Octets as the value of each typed header field: what can be read prints and reads again to the same.
//! The first octet tells which field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::in_time;
use tipring_sip::message::*;
use tipring_sip::session::Signal;

macro_rules! fields {
    ($which:expr, $bytes:expr; $($type:ident)*) => {{
        let parsers: &[fn(&[u8])] = &[$(|bytes| {
            if let Ok(field) = $type::parse(bytes) {
                assert_eq!($type::parse(field.to_string().as_bytes()), Ok(field));
            }
        }),*];
        parsers[usize::from($which) % parsers.len()]($bytes);
    }};
}

fuzz_target!(|input: &[u8]| in_time(|| look(input)));

fn look(input: &[u8]) {
    let Some((which, bytes)) = input.split_first() else {
        return;
    };
    fields!(*which, bytes;
        CSeq ContentType Reason RSeq RAck SessionExpires Replaces Join TargetDialog ReferTo ReferredBy
        Event SubscriptionState MediaRange Diversion HistoryInfo InfoUri InfoPackage
        ContentDisposition Date Timestamp RetryAfter Warning Via);
    let kinds = ["dtmf-relay", "dtmf", "hook-flash", "broadsoft"];
    let mut info = Headers::new();
    info.push(HeaderName::ContentType, format!("application/{}", kinds[usize::from(*which) % 4]));
    if let Some(signal) = Signal::of_info(&info, bytes) {
        let (kind, body) = signal.to_info();
        info.set(HeaderName::ContentType, kind);
        assert_eq!(Signal::of_info(&info, &body), Some(signal));
    }
    let mut headers = Headers::new();
    for name in [HeaderName::PAssertedIdentity, HeaderName::Accept, HeaderName::Privacy] {
        headers.push(name, String::from_utf8_lossy(bytes));
    }
    let _ = (headers.asserted_identity(), headers.accepts("text", "plain"));
    let privacy = headers.privacy();
    assert_eq!(Privacy::parse(&privacy.to_string()), privacy);
}
