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
    let bytes = INVITE;
    let message = View::parse(bytes).expect("framed").to_message().expect("taken");
    assert_eq!(message.body().len(), 273);
    let mut group = c.benchmark_group("sip_parse");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("view", |b| b.iter(|| View::parse(black_box(bytes)).is_ok()));
    group.bench_function("typed", |b| b.iter(|| typed(black_box(bytes), |uri| Some(uri.len()))));
    group.bench_function("uris", |b| b.iter(|| typed(black_box(bytes), parts_of_uri)));
    group.bench_function("check", |b| {
        b.iter(|| View::parse(black_box(bytes)).map(|view| view.check().is_ok()));
    });
    group.bench_function("model", |b| b.iter(|| model(black_box(bytes))));
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

const INVITE: &[u8] = include_bytes!("messages/invite.sip");
