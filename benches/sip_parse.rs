//! What a SIP message costs, from octets to types and back. The message is an INVITE of 17 fields with
//! a session description, 1.1 kB in all.
//!
//! `view` finds the fields; `typed` also reads the topmost Via, From, To, CSeq, Call-ID and Contact in
//! place, `uris` the URIs in them too; `check` holds the message to every rule of its form; `model`
//! makes the owned message; `print` writes that. `crates/sip/tests/no_alloc.rs` holds the first four to
//! no allocation.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tipring_sip::message::wire::View;
use tipring_sip::message::{Message, RawSipUri};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50);
    targets = parse
}
criterion_main!(benches);

fn parse(c: &mut Criterion) {
    let bytes = INVITE.replace('\n', "\r\n").into_bytes();
    let message = View::parse(&bytes).expect("framed").to_message().expect("taken");
    assert_eq!(message.body().len(), 273);
    let mut group = c.benchmark_group("sip_parse");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("view", |b| b.iter(|| View::parse(black_box(&bytes)).is_ok()));
    group.bench_function("typed", |b| b.iter(|| typed(black_box(&bytes), |uri| Some(uri.len()))));
    group.bench_function("uris", |b| b.iter(|| typed(black_box(&bytes), parts_of_uri)));
    group.bench_function("check", |b| {
        b.iter(|| View::parse(black_box(&bytes)).map(|view| view.check().is_ok()));
    });
    group.bench_function("model", |b| b.iter(|| model(black_box(&bytes))));
    group.bench_function("print", |b| b.iter(|| black_box(&message).to_bytes()));
    group.finish();
}

/// What a receiver wants to know of a message first; the sum keeps the compiler from leaving things
/// out.
fn typed(bytes: &[u8], look_at: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    let view = View::parse(bytes).ok()?;
    let via = view.top_via()?.ok()?;
    let mut sum = via.branch()?.len() + via.host.len();
    for address in [view.from()?, view.to()?, view.contact()?] {
        let address = address.ok()?;
        sum += look_at(address.uri)? + address.tag().map_or(0, <[u8]>::len);
    }
    let cseq = view.cseq()?.ok()?;
    Some(sum + view.call_id()?.len() + cseq.method.len() + cseq.number as usize)
}

fn parts_of_uri(uri: &[u8]) -> Option<usize> {
    let uri = RawSipUri::parse(uri).ok()?;
    Some(uri.user?.len() + uri.host.len())
}

fn model(bytes: &[u8]) -> Option<Message> {
    View::parse(bytes).ok()?.to_message().ok()
}

const INVITE: &str = "INVITE sip:+15551234567@pbx.example.com:5060;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bKnashds8-2c1f77a0e3;rport
Via: SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bK87asdks7;received=198.51.100.4
Max-Forwards: 69
From: \"Alice Example\" <sip:alice@example.com>;tag=9fxced76sl
To: <sip:+15551234567@pbx.example.com;user=phone>
Call-ID: 3848276298220188511@client.example.com
CSeq: 314159 INVITE
Contact: <sip:alice@192.0.2.17:5060;transport=udp>;+sip.instance=\"<urn:uuid:00000000>\"
Record-Route: <sip:proxy.example.com;lr>
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE, PRACK, REFER, NOTIFY, INFO
Supported: 100rel, timer, replaces
Session-Expires: 1800;refresher=uac
Min-SE: 90
User-Agent: Example Phone 4.2.1
P-Asserted-Identity: \"Alice Example\" <sip:+15557654321@example.com>
Content-Type: application/sdp
Content-Length: 273

v=0
o=alice 2890844526 2890844526 IN IP4 192.0.2.17
s=-
c=IN IP4 192.0.2.17
t=0 0
m=audio 49170 RTP/AVP 0 8 18 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv
";
