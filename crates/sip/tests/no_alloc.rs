//! Reading a message in place allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tipring_sip::message::multipart::Multipart;
use tipring_sip::message::wire::View;
use tipring_sip::message::{ContentType, RawSipUri};

/// Counts what a thread allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only a thread-local cell without a
// destructor, which allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

fn invite() -> Vec<u8> {
    INVITE.replace('\n', "\r\n").into_bytes()
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(vec![1u8])), 1);
}

#[test]
fn a_message_and_its_first_fields_are_read_without_an_allocation() {
    let bytes = invite();
    let count = allocations(|| {
        let view = View::parse(&bytes).expect("framed");
        assert_eq!(view.check(), Ok(()));
        let via = view.top_via().expect("there").expect("good");
        assert_eq!(via.branch(), Some(&b"z9hG4bKnashds8"[..]));
        assert_eq!(via.param("rport"), None);
        for address in [view.from(), view.to(), view.contact()] {
            let address = address.expect("there").expect("good");
            let uri = RawSipUri::parse(address.uri).expect("good");
            assert!(uri.user.is_some() && !uri.host.is_empty());
        }
        assert_eq!(
            view.from().and_then(Result::ok).and_then(|a| a.tag()),
            Some(&b"9fxced76sl"[..])
        );
        assert_eq!(view.cseq().map(|cseq| cseq.map(|cseq| cseq.number)), Some(Ok(314_159)));
        assert_eq!(view.call_id().map(<[u8]>::len), Some(38));
        assert_eq!(view.headers().count(), 11);
        assert_eq!(view.body().map(<[u8]>::len), Ok(138));
    });
    assert_eq!(count, 0);
}

#[test]
fn a_message_that_is_refused_is_found_wrong_without_an_allocation() {
    let mut bytes = invite();
    let cseq = bytes.windows(6).position(|octets| octets == b"314159").expect("CSeq");
    bytes[cseq] = b'-';
    let count = allocations(|| assert!(View::parse(&bytes).expect("framed").check().is_err()));
    assert_eq!(count, 0);
}

#[test]
fn parts_of_a_body_are_views_and_their_number_costs_only_the_list() {
    let part = "--b\r\nContent-Type: a/b\r\n\r\nsome content of this part\r\n";
    let body = format!("{}--b--", part.repeat(32)).into_bytes();
    let media = ContentType::parse(b"multipart/mixed;boundary=b").expect("a type");
    let count = allocations(|| {
        let multipart = Multipart::parse(&media, &body).expect("good");
        let inside = |part: &[u8]| body.as_ptr_range().contains(&part.as_ptr());
        assert!(multipart.parts().iter().all(|part| inside(part.body)));
    });
    // The delimiter, and a list that doubles from 4 to 32.
    assert_eq!(count, 5);
}

const INVITE: &str = "INVITE sip:+15551234567@pbx.example.com;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bKnashds8;rport, SIP/2.0/UDP [2001:db8::1]:5060
Max-Forwards: 69
From: \"Alice \\\"A.\\\" Example\" <sip:alice@example.com>;tag=9fxced76sl
To: Bob <sip:+15551234567@pbx.example.com;user=phone>
Call-ID: 3848276298220188511@client.example.com
CSeq: 314159 INVITE
Contact: <sip:alice@192.0.2.17:5060;transport=udp>;expires=60
Subject: folded
 here
Supported: 100rel, timer, replaces
Content-Type: application/sdp
Content-Length: 138

v=0
o=alice 2890844526 2890844526 IN IP4 192.0.2.17
s=-
c=IN IP4 192.0.2.17
t=0 0
m=audio 49170 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
";
