//! Our message, description and deadlines beside those of other crates: the same octets, the same questions, one run.
//!
//! `typed` reads a message and its topmost Via, From, To, CSeq, Call-ID and Contact as types. Where a crate cannot read one
//! of them it is not asked for it, which is noted with it: the comparison errs in its favour.

use std::hint::black_box;
use std::time::Duration;

use bytesstr::BytesStr;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tipring_sip::message::RawSipUri;
use tipring_sip::message::wire::View;

const INVITE: &[u8] = include_bytes!("../messages/invite.sip");
const TELEPHONE: &str = include_str!("../messages/telephone.sdp");

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50);
    targets = messages, descriptions, deadlines
}
criterion_main!(benches);

fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("message");
    group.throughput(Throughput::Bytes(INVITE.len() as u64));
    let read = [ours(INVITE), with_rsip(INVITE), with_rsipstack(INVITE)];
    assert!(read.iter().all(Option::is_some), "each reads it: {read:?}");
    group.bench_function("typed/tipring", |bench| bench.iter(|| ours(black_box(INVITE))));
    group.bench_function("typed/rsip", |bench| bench.iter(|| with_rsip(black_box(INVITE))));
    group.bench_function("typed/rsipstack", |bench| {
        bench.iter(|| with_rsipstack(black_box(INVITE)))
    });

    let message = View::parse(INVITE).expect("framed").to_message().expect("taken");
    group.bench_function("print/tipring", |bench| bench.iter(|| black_box(&message).to_bytes()));
    let message = rsip::SipMessage::try_from(INVITE).expect("taken");
    group.bench_function("print/rsip", |bench| bench.iter(|| black_box(&message).to_string()));
    let message = rsipstack::sip::SipMessage::try_from(INVITE).expect("taken");
    group.bench_function("print/rsipstack", |bench| bench.iter(|| black_box(&message).to_string()));
    group.finish();
}

/// Octets of what was read, which keeps the compiler from leaving things out.
fn ours(bytes: &[u8]) -> Option<usize> {
    let view = View::parse(bytes).ok()?;
    let via = view.top_via()?.ok()?;
    let mut sum = via.branch()?.len() + via.host.len();
    for address in [view.from()?, view.to()?, view.contact()?] {
        let address = address.ok()?;
        let uri = RawSipUri::parse(address.uri).ok()?;
        sum += uri.host.len() + address.tag().map_or(0, <[u8]>::len);
    }
    let cseq = view.cseq()?.ok()?;
    Some(sum + view.call_id()?.len() + cseq.method.len())
}

/// Without Contact: it cannot read `+sip.instance`, which RFC 5626 demands.
fn with_rsip(bytes: &[u8]) -> Option<usize> {
    use rsip::prelude::{HeadersExt, ToTypedHeader, UntypedHeader};
    let message = rsip::SipMessage::try_from(bytes).ok()?;
    let via = message.via_header().ok()?.typed().ok()?;
    let from = message.from_header().ok()?.typed().ok()?;
    let to = message.to_header().ok()?.typed().ok()?;
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    let call_id = message.call_id_header().ok()?.value().len();
    black_box((&via, &from, &to, &cseq));
    Some(call_id + via.params.len() + from.params.len() + to.params.len())
}

fn with_rsipstack(bytes: &[u8]) -> Option<usize> {
    use rsipstack::sip::{HeadersExt, ToTypedHeader};
    let message = rsipstack::sip::SipMessage::try_from(bytes).ok()?;
    let via = message.via_header().ok()?.typed().ok()?;
    let from = message.from_header().ok()?.typed().ok()?;
    let to = message.to_header().ok()?.typed().ok()?;
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    let contact = message.contact_header().ok()?.typed().ok()?;
    let call_id = message.call_id_header().ok()?.value().len();
    black_box((&via, &from, &to, &cseq, &contact));
    Some(call_id + via.params.len() + from.params.len() + to.params.len())
}

fn descriptions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("description");
    group.throughput(Throughput::Bytes(TELEPHONE.len() as u64));
    let ours = tipring_sdp::Session::parse(TELEPHONE.as_bytes()).expect("taken");
    let theirs = sdp_types::Session::parse(TELEPHONE.as_bytes()).expect("taken");
    let text = BytesStr::from_static(TELEPHONE);
    let ezk = ezk_sdp_types::SessionDescription::parse(&text).expect("taken");
    group.bench_function("parse/tipring", |bench| {
        bench.iter(|| tipring_sdp::Session::parse(black_box(TELEPHONE.as_bytes())).is_ok());
    });
    group.bench_function("parse/sdp-types", |bench| {
        bench.iter(|| sdp_types::Session::parse(black_box(TELEPHONE.as_bytes())).is_ok());
    });
    group.bench_function("parse/ezk-sdp-types", |bench| {
        bench.iter(|| ezk_sdp_types::SessionDescription::parse(black_box(&text)).is_ok());
    });
    group.bench_function("print/tipring", |bench| bench.iter(|| black_box(&ours).to_body()));
    group.bench_function("print/sdp-types", |bench| {
        bench.iter(|| {
            let mut out = Vec::with_capacity(TELEPHONE.len());
            black_box(&theirs).write(&mut out).map(|()| out)
        });
    });
    group.bench_function("print/ezk-sdp-types", |bench| bench.iter(|| black_box(&ezk).to_string()));
    group.finish();
}

/// Moving one of 100,000 deadlines anywhere in the next 32 s.
fn deadlines(criterion: &mut Criterion) {
    const LIVE: usize = 100_000;
    const MOVES: usize = 10_000;
    let mut chance = tipring_core::Rng::new(1);
    let mut below = |limit: usize| chance.below(limit as u64) as usize;
    let moves: Vec<(usize, u64)> =
        (0..LIVE * 4).map(|_| (below(LIVE), below(32_000_000) as u64)).collect();
    let mut turn = moves.iter().cycle();
    let mut group = criterion.benchmark_group("deadlines");
    group.throughput(Throughput::Elements(MOVES as u64));

    let mut alarms = tipring_core::Alarms::new();
    let at = tipring_core::Instant::from_micros;
    let first = moves.iter().take(LIVE).enumerate();
    let mut held: Vec<_> = first.map(|(n, (_, due))| alarms.set(at(*due), n)).collect();
    group.bench_function("tipring", |bench| {
        bench.iter(|| {
            for (place, due) in turn.by_ref().take(MOVES) {
                alarms.cancel(held[*place]);
                held[*place] = alarms.set(at(*due), *place);
            }
        });
    });

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    let mut queue = tokio_util::time::DelayQueue::new();
    let first = moves.iter().take(LIVE).enumerate();
    let mut held: Vec<_> =
        first.map(|(n, (_, due))| queue.insert(n, Duration::from_micros(*due))).collect();
    group.bench_function("tokio-util", |bench| {
        bench.iter(|| {
            for (place, due) in turn.by_ref().take(MOVES) {
                queue.remove(&held[*place]);
                held[*place] = queue.insert(*place, Duration::from_micros(*due));
            }
        });
    });
    group.finish();
}
